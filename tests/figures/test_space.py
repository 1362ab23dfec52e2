import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.space import MEASURES, beside_alignment
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.plane import AXES, alignment_plane, plane_finding
from neuronxa_core.figures.space import absence, measure_curves, space_finding
from neuronxa_core.gallery.read import gallery_results, precomputed_layers
from tests.figures.examples import STUDY

HUBNESS, CKA = (next(measure for measure in MEASURES if measure.name == name) for name in ("hubness", "cka"))


def test_measure_curves_are_the_table(tiny_measures):
    figure = measure_curves(tiny_measures, HUBNESS, layer=1)
    for trace in figure.data:
        state = {"NAS": "nas", "NAV": "nav", "Embedding": "embedding"}[trace.name]
        assert list(trace.y) == tiny_measures[tiny_measures["state"] == state]["hubness"].tolist()


@pytest.fixture
def tiny_measures():
    return pd.DataFrame(
        [(state, layer, layer + 0.5) for state in ("nas", "nav", "embedding") for layer in (1, 2)],
        columns=["state", "layer", "hubness"],
    )


def test_the_findings_are_the_means_over_layers_of_the_measures_that_are_there(tiny_measures):
    table = tiny_measures.assign(anisotropy=[0.1, 0.3, 0.0, 0.0, 0.5, 0.7], effective_rank=[20, 30, 0, 0, 10, 10])
    text = space_finding(table.assign(anc=[0.25, 0.35, 0.0, 0.0, 0.1, 0.3]))
    assert "more anisotropic" in text
    assert (
        "cosine of 0.60 in embeddings and of 0.20 in NAS. The effective rank is 10 in embeddings and 25 in NAS." in text
    )
    assert "correlation of 0.30 in NAS and, for the dimensions of the embeddings, of 0.20 (ANC" in text
    assert "ANC" not in space_finding(table)
    assert space_finding(tiny_measures) == ""


def test_what_a_table_lacks_is_named_with_the_command_that_brings_it(tiny_measures):
    whole = tiny_measures.assign(**{measure.name: 0.0 for measure in MEASURES})
    assert absence(whole) == ""
    text = absence(whole.drop(columns=["anisotropy", "hubness", "anc"]))
    assert text.startswith("Anisotropy, Hubness and ANC are not")
    assert "`python -m neuronxa_core gallery --only layers`" in text
    assert absence(whole.drop(columns="anc")).startswith("ANC is not")


def test_a_measure_with_an_interval_has_a_band_and_chance_a_line(tiny_measures):
    table = tiny_measures.assign(cka=0.5, cka_low=0.25, cka_high=0.75)
    figure = measure_curves(table, CKA, layer=1)
    band = next(trace for trace in figure.data if trace.name == "NAS interval")
    assert sorted(set(band.y)) == [0.25, 0.75]
    assert any(shape.y0 == shape.y1 == 0 for shape in figure.layout.shapes)
    low, high = figure.layout.yaxis.range
    assert low < 0 < 0.75 < high
    nothing = measure_curves(table.assign(cka=np.nan, cka_low=np.nan, cka_high=np.nan), CKA, layer=1)
    assert np.isfinite(nothing.layout.yaxis.range).all()


@pytest.fixture(scope="module")
def plane_table():
    return beside_alignment(gallery_results()[STUDY].scores, precomputed_layers(STUDY).measures)


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("axis", AXES)
def test_the_plane_is_a_path_through_the_layers_of_each_state(plane_table, axis, theme):
    figure = alignment_plane(plane_table, axis, theme)
    rows = plane_table[plane_table["state"] == "nas"]
    path = next(trace for trace in figure.data if trace.name == "NAS")
    assert list(path.x) == rows[axis].tolist()
    assert list(path.y) == rows["score"].tolist()
    texts = [note.text for note in figure.layout.annotations]
    assert f"<b>{rows['layer'].iloc[rows['score'].argmax()]:.0f}</b>" in texts
    intervals = next(trace for trace in figure.data if trace.name == "NAS intervals")
    peak = rows.loc[rows["score"].idxmax()]
    place = list(intervals.y).index(peak["score"])
    assert intervals.error_y.array[place] == pytest.approx(peak["ci_high"] - peak["score"])


def test_the_plane_survives_languages_that_are_not_apart_and_layers_without_a_number(plane_table):
    flat = plane_table.assign(discriminability=0.0, separability=0.5)
    assert np.isfinite(alignment_plane(flat).layout.xaxis.range).all()
    assert len(alignment_plane(plane_table.assign(discriminability=np.nan)).data) == 0


def test_the_finding_names_the_best_aligned_layer_and_how_separable_it_is(plane_table):
    text = plane_finding(plane_table, 100)
    assert text.startswith("At layer 7, where NAS aligns most (0.95; ")
    assert (
        "tells the language of 100\N{NO-BREAK SPACE}% of the sentences (95\N{NO-BREAK SPACE}% interval 0.96 to 1)"
        in text
    )
    assert "least apart at layer 10, by 12.7 standard deviations" in text
