import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from neuronxa_core.analyses.similarity import (
    MEASURES,
    ORDERS,
    absent_measures,
    cosine_table,
    drawn_measures,
    pair_order,
    pair_table,
    rival_table,
    space_measures,
)
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.metrics.geometry import margins
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study

SIMILARITY = np.array([[0.9, 0.1, 0.2], [0.3, 0.5, 0.8], [0.4, 0.6, 0.7]])
BITEXT = Bitext("deu_Latn", "eng_Latn", ("eins", "zwei", "drei"), ("one", "two", "three"))


def test_the_table_holds_each_pairs_cosine_margin_and_ranks():
    table = pair_table(BITEXT, {"nas": SIMILARITY})
    assert table["source_sentence"].tolist() == ["eins", "zwei", "drei"]
    assert table["nas_cosine"].tolist() == [0.9, 0.5, 0.7]
    assert table["nas_margin"].tolist() == pytest.approx([0.5, -0.3, -0.1])
    assert table["nas_rank_source_to_target"].tolist() == [1, 2, 1]
    assert table["nas_rank_target_to_source"].tolist() == [1, 2, 2]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_holds_every_pair_once(order):
    similarity = np.random.default_rng(0).random((9, 9))
    assert sorted(pair_order(similarity, order)) == list(range(9))


def test_best_aligned_first_is_by_margin():
    assert pair_order(SIMILARITY, "alignment") == np.argsort(-margins(SIMILARITY)).tolist() == [0, 2, 1]


def test_clustering_puts_like_beside_like():
    blocks = np.full((6, 6), 0.1)
    blocks[np.ix_([0, 2, 4], [0, 2, 4])] = 0.9
    blocks[np.ix_([1, 3, 5], [1, 3, 5])] = 0.8
    order = pair_order(blocks, "clustered")
    assert {tuple(sorted(order[:3])), tuple(sorted(order[3:]))} == {(0, 2, 4), (1, 3, 5)}


def test_the_rivals_of_a_cell_are_the_others_of_its_row_and_column():
    rivals = rival_table(BITEXT, {"nas": SIMILARITY}, 1, 0)
    assert rivals.columns.tolist() == ["state", "side", "pair", "cosine", "sentence"]
    by_side = {side: list(rows.itertuples(index=False)) for side, rows in rivals.groupby("side")}
    assert [(row.pair, row.cosine, row.sentence) for row in by_side["target"]] == [(3, 0.8, "three"), (2, 0.5, "two")]
    assert [(row.pair, row.cosine, row.sentence) for row in by_side["source"]] == [(1, 0.9, "eins"), (3, 0.4, "drei")]


def test_the_table_of_cosines_has_every_cell():
    cell = cosine_table({"nas": SIMILARITY}).set_index(["source", "target"])
    assert len(cell) == 9
    assert cell.loc[(2, 3), "nas"] == 0.8


def test_the_measures_are_those_of_the_states(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    run_study(study)
    layers = find_layers(study)
    measures = space_measures(layers, 3).set_index(["state", "layer"])
    assert len(measures) == 3 + 3 + 4
    source, target = (each.astype(float) for each in layers.states("nav", 2))
    cosines = 1 - cdist(source, target, "cosine")
    others = [cosines[i, j] for i in range(8) for j in range(8) if i != j]
    singular = np.linalg.svd(np.concatenate([source, target]), compute_uv=False)
    share = singular / singular.sum()
    row = measures.loc[("nav", 2)]
    assert row["parallel"] == pytest.approx(np.diag(cosines).mean())
    assert row["anisotropy"] == pytest.approx(np.mean(others))
    assert row["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-6)
    neurons = [neuron for neuron in range(source.shape[1]) if np.ptp(source[:, neuron]) and np.ptp(target[:, neuron])]
    correlations = [abs(np.corrcoef(source[:, neuron], target[:, neuron])[0, 1]) for neuron in neurons]
    assert row["anc"] == pytest.approx(np.mean(correlations))


def test_an_older_table_draws_what_it_has():
    columns = ["state", "layer", *(measure.name for measure in MEASURES if measure.name != "hubness")]
    table = pd.DataFrame(columns=columns)
    assert [measure.name for measure in absent_measures(table)] == ["hubness"]
    drawn = [measure.name for measure in drawn_measures(table)]
    assert drawn == [measure.name for measure in MEASURES if measure.name not in ("parallel", "hubness")]


def test_every_measure_has_a_name_of_its_own_a_title_and_a_sentence():
    assert len({measure.name for measure in MEASURES}) == len({measure.label for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        assert measure.help.endswith("."), f"give {measure.name} a help of one sentence, with a full stop"
        assert ": " in measure.title, f"title {measure.name} as `Label: what it is`"
