from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from neuronxa_core.analyses import space
from neuronxa_core.analyses.models import Models, variant_summary
from neuronxa_core.analyses.settings import Settings
from neuronxa_core.analyses.space import (
    MEASURES,
    absent_measures,
    beside_alignment,
    drawn_measures,
    find_space,
    space_measures,
    space_of,
)
from neuronxa_core.analyses.space_means import (
    Space,
    choices_with_space,
    find_means,
    measured,
    studies_compared,
    studies_of_choices,
    with_space,
)
from neuronxa_core.gallery import read
from neuronxa_core.gallery import space as stored
from neuronxa_core.metrics.separability import decision_values, separability
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study import bundled
from neuronxa_core.study.recipe import local_recipe
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study


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
    assert drawn == [measure.name for measure in MEASURES if measure.name not in ("parallel", "constant", "hubness")]


def test_every_measure_has_a_name_of_its_own_a_title_and_a_sentence():
    assert len({measure.name for measure in MEASURES}) == len({measure.label for measure in MEASURES}) == len(MEASURES)
    for measure in MEASURES:
        assert measure.help.endswith("."), f"give {measure.name} a help of one sentence, with a full stop"
        assert ": " in measure.title, f"title {measure.name} as `Label: what it is`"


def test_a_study_s_measures_are_kept_and_a_damaged_file_is_computed_anew(study: Study, monkeypatch):
    assert find_space(study) is None
    result = run_study(study)
    fresh = space_of(result, find_layers(study))
    kept = find_space(study)
    pd.testing.assert_frame_equal(kept.layers, fresh.layers, check_exact=True)
    pd.testing.assert_frame_equal(kept.means, fresh.means, check_exact=True)
    source, target = find_layers(study).states("nas", 2)
    row = kept.layers.set_index(["state", "layer"]).loc[("nas", 2)]
    assert row["separability"] == separability(decision_values(source, target)).value
    file = space._path(local_recipe(study))
    file.write_text(file.read_text().replace("0.", "1.", 1))
    assert find_space(study) is None
    monkeypatch.setattr(space, "measure_space", lambda *args, **kwargs: pytest.fail("computed twice"))
    with pytest.raises(pytest.fail.Exception):
        space_of(result, find_layers(study))


def test_means_are_those_of_the_layers_and_their_interval_is_narrower_than_the_widest(study: Study):
    found = space_of(run_study(study), find_layers(study))
    by_state = found.layers.groupby("state")
    means = found.means.set_index("state")
    for name in ("anisotropy", "separability", "anc", "cka"):
        assert means[name].to_dict() == pytest.approx(by_state[name].mean().to_dict())
    for state in STATES:
        row, rows = means.loc[state], found.layers[found.layers["state"] == state]
        assert row["anc_low"] <= row["anc"] <= row["anc_high"]
        assert row["anc_high"] - row["anc_low"] <= (rows["anc_high"] - rows["anc_low"]).max() + 1e-9


def test_alignment_stands_beside_the_measures_of_its_own_layer(study: Study):
    result = run_study(study)
    table = beside_alignment(result.scores, space_of(result, find_layers(study)).layers)
    assert len(table) == len(result.scores)
    own = table.set_index(["state", "layer"]).loc[("nav", 3), "score"]
    assert own == result.of("nav").set_index("layer").loc[3, "score"]


def test_stored_means_that_lack_a_measure_are_not_at_hand(tmp_path, monkeypatch):
    whole = pd.read_parquet(bundled.GALLERY / stored.SPACE_FILE)
    with bundled.building(tmp_path):
        whole.drop(columns=["cka", "cka_low", "cka_high"]).to_parquet(tmp_path / stored.SPACE_FILE)
    study = read.gallery_studies()[0]
    assert {"cka", "anc"} <= set(stored.precomputed_means(study).columns)
    monkeypatch.setattr(bundled, "GALLERY", tmp_path)
    assert stored.precomputed_means(study) is None


def test_the_table_of_models_has_the_means_over_layers_and_languages(study: Study):
    both = (study, replace(study, site="product"))
    answer = Models(both, ("deu_Latn", "fra_Latn")).run()
    compared = tuple(studies_compared(answer.results))
    plain = variant_summary(answer.results)
    assert Space(compared).cached() is None
    assert len(Space(compared).sentences()) == 0  # the states are there
    nothing = with_space(plain, answer.results, find_means)
    assert nothing[list(plain)].equals(plain)
    assert nothing.drop(columns=list(plain)).isna().all(axis=None)
    first = Space(compared).run()
    assert Space(compared).cached().tables["space"].equals(first.tables["space"])
    table = with_space(plain, answer.results, find_means)
    layers = [space_measures(find_layers(each), 3).query("state == 'nav'")["anc"].mean() for each in compared[:2]]
    assert table["nav_anc"][0] == pytest.approx(np.mean(layers))
    assert table.drop(columns=list(plain)).notna().all(axis=None)
    one = with_space(plain, answer.results, {compared[0]: first.means[compared[0]]}.get)
    assert one["nas_cka"].isna().all()  # a mean over some of the languages would be another number


def test_the_table_of_settings_has_the_measures_of_the_states_that_each_row_compares(study: Study):
    ablation = Settings(study, ("fra_Latn",)).run()
    named = ablation.table[["choice", "value"]].itertuples(index=False, name=None)
    rows = dict(zip(named, studies_of_choices(ablation), strict=True))
    own = ablation.study
    assert rows["as it is", ""] == rows["similarity", "csls"] == own
    assert rows["site", "product"] == replace(own, site="product")
    assert rows["pooling", "last"] == replace(own, pooling="last")
    assert rows["pivot", "fra_Latn"] == replace(own, target="fra_Latn")
    assert rows["layers", "best layer"] is rows["threshold of NAS", "0.1"] is None
    means = measured(filter(None, rows.values()))
    table = choices_with_space(ablation, means.get).set_index(["choice", "value", "state"])
    assert table.reset_index()[list(ablation.table)].equals(ablation.table)
    layers = find_layers(replace(own, site="product"))
    found = space_measures(layers, 3).query("state == 'nas'")["cka"].mean()
    assert table.loc[("site", "product", "nas"), "cka"] == pytest.approx(found)
    assert np.isnan(table.loc[("layers", "best layer", "nas"), "cka"])
    assert (table["anc_low"].dropna() <= table["anc"].dropna()).all()
