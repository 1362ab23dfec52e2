from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses import cosine_store
from neuronxa_core.analyses import similarity as analysis
from neuronxa_core.analyses.similarity import (
    ORDERS,
    Similarity,
    cosine_table,
    pair_order,
    pair_table,
    rival_table,
)
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.metrics.cosines import Cosines, Matrix
from neuronxa_core.metrics.geometry import margins
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.parquet import write_checked
from neuronxa_core.study.recipe import local_recipe
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


def test_what_the_cosines_say_is_kept_and_a_damaged_file_is_found_out(study: Study):
    assert Similarity(study).cached() is None
    fresh = Similarity(study).run()
    kept = Similarity(study).cached()
    recipe = local_recipe(study)
    assert set(kept.summaries) == {(state, layer) for state in STATES for layer in range(state != "embedding", 4)}
    for (state, layer), summary in kept.summaries.items():
        matrix = kept.layers.similarity(state, layer)
        for told in (summary, fresh.summaries[state, layer], Matrix(matrix).summary):
            assert np.array_equal(told.own, matrix.diagonal())
            assert np.array_equal(told.margin, margins(matrix))
            assert np.array_equal(told.other_counts, summary.other_counts)
            assert told.low == matrix.min()
    changed = {key: replace(each, low=-0.5) for key, each in kept.summaries.items()}
    store.write_aside(
        cosine_store._path(recipe),
        lambda path: write_checked(
            pd.DataFrame({"state": state, "layer": layer} | vars(each) for (state, layer), each in changed.items()),
            cosine_store._checksum(kept.summaries),
            path,
        ),
    )
    assert cosine_store.find_summaries(recipe) is None
    assert Similarity(study).cached() is None


def test_too_many_pairs_to_cluster_stay_in_their_order(monkeypatch):
    monkeypatch.setattr(analysis, "MOST_CLUSTERED", 5)
    cosines = Cosines(*np.random.default_rng(0).normal(size=(2, 6, 3)))
    monkeypatch.setattr(Cosines, "whole", None)
    assert pair_order(cosines, "clustered") == list(range(6))
    assert sorted(pair_order(cosines, "alignment")) == list(range(6))
