"""Variants side by side: what tells them apart, relative depth, means over languages, differences on the same pairs."""

from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.models import depth_curves, language_differences, variant_names, variant_summary
from neuronxa_core.gallery.build import gallery_variants
from neuronxa_core.gallery.read import gallery_results, variant_results
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
