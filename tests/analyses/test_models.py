"""Variants side by side: what tells them apart, relative depth, means over languages, differences on the same pairs."""

from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.beside import beside_table, relation_to_fertility
from neuronxa_core.analyses.models import depth_curves, language_differences, variant_names, variant_summary
from neuronxa_core.gallery.build import gallery_variants
from neuronxa_core.gallery.read import gallery_results, variant_results
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

STUDY = Study("demo", "everyday", "deu", "eng")


@pytest.fixture(scope="module")
def variants():
    gate = tuple(gallery_results().values())
    product = tuple(variant_results()[replace(result.study, site="product")] for result in gate)
    return {"gate": gate, "product": product}


def test_the_gallery_holds_every_variant():
    assert set(variant_results()) == set(gallery_variants())
    for study, result in variant_results().items():
        assert result.provenance["dtype"] == ("bfloat16" if study.dtype == "bfloat16" else "float32")
        assert result.study.bitext().lines == tuple(range(1, 101))


def test_a_variant_is_named_by_what_tells_it_apart():
    assert variant_names([STUDY, replace(STUDY, site="product")]) == ["gate", "product"]
    assert variant_names([STUDY, replace(STUDY, model="a/b", pooling="auto", dtype="float32")]) == [
        "demo, auto",
        "a/b, float32",
    ]
    assert variant_names([STUDY]) == ["demo"]


def test_depth_runs_from_the_embedding_to_the_last_layer(variants):
    curves = depth_curves(variants, "fra_Latn")
    for name, results in variants.items():
        result = next(each for each in results if each.study.source == "fra_Latn")
        rows = curves[(curves["variant"] == name) & (curves["state"] == "embedding")]
        assert (rows["depth"].min(), rows["depth"].max()) == (0, 1)
        assert rows["score"].tolist() == result.of("embedding")["score"].tolist()


def test_the_summary_is_the_mean_over_languages(variants):
    summary = variant_summary(variants).set_index("variant")
    for name, results in variants.items():
        assert summary.loc[name, "nasca"] == pytest.approx(np.mean([result.mean("nas") for result in results]))
        assert summary.loc[name, "nasca_low"] < summary.loc[name, "nasca"] < summary.loc[name, "nasca_high"]
    few = variant_summary({name: results[:2] for name, results in variants.items()})
    assert few["nasca_low"].isna().all()


def test_differences_are_of_the_same_pairs_and_none_against_oneself(variants):
    table = language_differences(variants["product"], variants["gate"], "nas").set_index("language")
    for ours, theirs in zip(variants["product"], variants["gate"], strict=True):
        row = table.loc[ours.study.source]
        assert row["difference"] == pytest.approx(ours.mean("nas") - theirs.mean("nas"))
        assert row["ci_low"] <= row["difference"] <= row["ci_high"]
    same = language_differences(variants["gate"], variants["gate"], "nas")
    assert same[["difference", "ci_low", "ci_high"]].eq(0).all().all()
    with pytest.raises(ValueError, match="differ in languages or pairs"):
        language_differences(variants["gate"][::-1], variants["gate"], "nas")
    embeddings = language_differences(variants["product"], variants["gate"], "embedding")
    assert embeddings["difference"].eq(0).all()  # the site does not touch them


def test_two_models_are_compared_by_language_and_by_tokens():
    """Three languages by hand; six in which the difference grows with the log of the ratio of fertilities."""
    codes = ("deu_Latn", "fra_Latn", "spa_Latn", "rus_Cyrl", "jpn_Jpan", "hat_Latn")
    ours = [counted(code, 0.9, 10) for code in codes]
    theirs = [counted(code, 0.9 - 0.1 * place, 10 * 2**place) for place, code in enumerate(codes)]
    table = beside_table(ours, theirs).set_index("language")
    assert table.loc["rus_Cyrl", ["nasca", "other_nasca"]].tolist() == [0.9, 0.6]
    assert table.loc["rus_Cyrl", ["fertility", "other_fertility"]].tolist() == [1, 8]
    found = relation_to_fertility(table.reset_index())
    assert found.value == pytest.approx(1)
    assert found.languages == 6
    assert np.isnan(relation_to_fertility(table.reset_index().iloc[:5]).value)
    assert beside_table(ours, theirs[:2])["name"].tolist() == ["French", "German"]


def counted(code: str, share: float, tokens: int) -> StudyResult:
    """A result in which so many of ten pairs are aligned at both layers, and that many tokens to English's ten."""
    aligned = np.tile(np.arange(10) < round(10 * share), (2, 1))
    outcomes = {state: Outcomes(aligned, aligned) for state in STATES}
    return StudyResult(replace(STUDY, source=code, pairs=10), outcomes, {"tokens": {code: tokens, "eng_Latn": 10}})
