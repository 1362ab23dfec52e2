import re
from dataclasses import replace

import pandas as pd

from neuronxa_core.analyses.space import MEASURES, drawn_measures, space_measures
from neuronxa_core.figures.document import _beside
from neuronxa_core.figures.export import pair_name
from neuronxa_core.figures.report import study_report
from neuronxa_core.gallery.read import StoredLayers, gallery_results, gallery_studies
from neuronxa_core.gallery.report import gather, measures_of
from neuronxa_core.numbers import score
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study

STUDY = next(study for study in gallery_studies() if study.source == "deu_Latn")
BESIDE_MEASURES = 1 + 3 + 3 + 1 + 1 + 3 + 2
"""Curves, directions, matrices, distribution, projections, numbers of the projections."""


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_report_stands_alone_and_escapes_what_a_user_typed():
    result = gallery_results()[STUDY]
    hostile = replace(result, study=replace(result.study, model="<script>alert(1)</script>"))
    page = study_report(hostile, gather(result))
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    body = without_scripts(page)
    assert not re.search(r"(src|href)=", body)  # nothing is fetched from elsewhere
    assert f"{result.mean('nas'):.2f}" in body
    assert "10.18653/v1/2025.acl-long.1406" in body


def test_the_report_of_a_stored_study_has_all_its_figures_and_scores():
    result = gallery_results()[STUDY]
    body = without_scripts(study_report(result, gather(result)))
    measures = drawn_measures(gather(result).measures)
    assert body.count("<figure>") == body.count("plotly-graph-div") == BESIDE_MEASURES + len(measures)
    assert "UMAP of all layers together" in body
    first_table = body.split("</table>")[0]
    assert first_table.count("<tr") == 1 + len(result.scores)


def test_a_study_that_was_run_here_has_them_too_with_pca_until_umap_is_there(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    result = run_study(study)
    body = without_scripts(study_report(result, gather(result)))
    assert body.count("<figure>") == BESIDE_MEASURES + sum(measure.drawn for measure in MEASURES)
    assert "Each point is a sentence. PCA" in body
    assert pair_name(study) in body


def test_measures_that_a_stored_table_lacks_are_computed_from_cached_states(tiny_model, tiny_corpus, tmp_path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    result = run_study(study)
    whole = space_measures(find_layers(study), 3)
    stored = StoredLayers(tmp_path / "layers.safetensors")
    lacking = ["anc", "anc_low", "anc_high", "hubness"]
    whole.drop(columns=lacking).to_parquet(stored.path.with_suffix(".parquet"))
    pd.testing.assert_frame_equal(measures_of(result, stored)[[*whole]], whole)
    other = replace(result, study=replace(study, pairs=7))
    assert [*measures_of(other, stored)] == [*whole.drop(columns=lacking)]


def test_without_states_the_report_says_what_is_missing_and_how_to_get_it():
    result = gallery_results()[next(study for study in gallery_studies() if study.source == "cym_Latn")]
    assert gather(result) is None
    body = without_scripts(study_report(result))
    assert body.count("<figure>") == 4
    assert "Open the Similarity page once" in body


def test_the_tables_of_the_report_have_words_and_the_dashboards_rounding():
    result = gallery_results()[STUDY]
    tables = "".join(re.findall(r"<table.*?</table>", study_report(result, gather(result)), re.S))
    heads, cells = (re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", tables) for tag in ("th", "td"))
    assert {"State", "Score", "P@1 source → target", "Gap, points", "Anisotropy", "Trustworthiness"} <= set(heads)
    assert not [head for head in heads if "_" in head]
    assert not {"nas", "nav", "nan", "None"} & set(cells)
    first = result.of("nas").iloc[0]
    assert cells[:3] == ["NAS", "1", score(first["score"])]


def test_a_wide_table_comes_in_parts_and_a_value_stays_with_its_interval():
    values = [f"{name}{end}" for name in "abcdef" for end in ("", "_low", "_high")]
    table = pd.DataFrame([range(21)], columns=["state", "layer", *values, "ci_low"])
    parts = [list(part) for part in _beside(table)]
    keys = ["state", "layer"]
    assert parts == [keys + values[:6], keys + values[6:12], [*keys, *values[12:], "ci_low"]]
