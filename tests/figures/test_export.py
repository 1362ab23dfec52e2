"""What all exportable figures have in common; one test for each of them, see examples.py."""

import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from neuronxa_core.analyses.language_order import arrange
from neuronxa_core.figures import alignment, asymmetry
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.export import ExportableFigure, preview, printed, standing
from neuronxa_core.figures.languages.matrix import exportable_languages
from neuronxa_core.figures.palette import Theme
from neuronxa_core.figures.style import blank
from neuronxa_core.gallery.read import gallery_results, precomputed_matrix
from tests.figures.examples import EXAMPLES, MODULES, STUDY
from tests.figures.test_findings import result_of
from tests.told import amends


def test_every_exportable_figure_has_an_example():
    there = {name for module in MODULES for name in dir(module) if name.startswith("exportable_")}
    missing = there - set(EXAMPLES)
    assert not missing, f"Add an example of {sorted(missing)} to tests/figures/examples.py."


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_figure_shows_the_numbers(name: str):
    example = EXAMPLES[name]()
    figure = standing(example.exportable)
    traces, layout = figure.data, figure.layout.to_plotly_json()
    layers = [axis for part, axis in layout.items() if part[0] == "x" and "Layer" in str(axis.get("title"))]
    assert [axis for axis in layers if not axis.get("dtick") and axis["range"][1] < 13] == []
    for place, wanted in example.holds.items():
        trace, axis = place.rsplit(".", 1)
        shown = [np.asarray(each[axis]).ravel() for each in traces if str(each.name) == trace]
        assert any(_same(values, np.array([*wanted])) for values in shown), f"{place} does not hold its values"


def luminance(colour: str) -> float:
    """Relative luminance of a hex colour, as WCAG 2 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, brighter = sorted((luminance(one), luminance(other)))
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_hover_boxes_can_be_read(name: str, theme: Theme):
    """From one place: plotly would take the trace's colour, which is nearly that of the box."""
    figure = EXAMPLES[name]().exportable.draw(theme)
    hover = figure.layout.hoverlabel
    assert contrast(hover.font.color, hover.bgcolor) > 10
    assert [trace.name for trace in figure.data if trace.hoverlabel.to_plotly_json()] == []


KINDS = {
    "exportable_curves": "Line chart",
    "exportable_matrix": "Heat map",
    "exportable_board": "Heat map",
    "exportable_moved": "Scatter plot",
    "exportable_gaps": "Dot plot with intervals",
    "exportable_projection": "Scatter plot",
    "exportable_downstream": "Scatter plot",
    "exportable_sharing": "Bar chart",
}


@pytest.mark.parametrize("name", KINDS)
def test_the_alt_text_begins_with_the_kind_of_picture(name: str):
    exportable = EXAMPLES[name]().exportable
    said = alt_text(exportable.draw("light"), "A title", "NAS is **best** at `layer` 3\\.")
    assert said == f"{KINDS[name]}. A title. NAS is best at layer 3."


def _same(shown: np.ndarray, wanted: np.ndarray) -> bool:
    """Floats to what float32 keeps."""
    if shown.dtype.kind not in "fiu" or shown.shape != wanted.shape:
        return False
    return np.allclose(shown.astype(float), wanted.astype(float), rtol=1e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize(("theme", "ground"), [("light", "#FFFFFF"), ("dark", "#14171B")])
def test_a_printed_figure_has_its_size_ground_title_and_study(name: str, theme: Theme, ground: str):
    exportable = EXAMPLES[name]().exportable
    on_screen, figure = exportable.draw(theme), printed(exportable, theme)
    assert figure.layout.width == exportable.width
    assert figure.layout.height > on_screen.layout.height  # the caption takes no room from the picture
    assert figure.layout.margin.t - (on_screen.layout.margin.t or 0) == figure.layout.height - on_screen.layout.height
    assert figure.layout.paper_bgcolor == ground
    text = re.sub(r"<[^>]*>", " ", figure.layout.title.text)
    assert exportable.title in text
    assert "Gemma 3 270M (base)" in text
    assert "· everyday" in text or name in WITHOUT_CORPUS
    assert not figure.layout.updatemenus
    assert not figure.frames
    assert "cells" not in {trace.name for trace in figure.data}


WITHOUT_CORPUS = ("exportable_latent", "exportable_across", "exportable_grid")
"""Figures of words or of a text that somebody typed."""
PAIR = "demo_everyday_deu_Latn-eng_Latn_100_gate_position_float32"
STEERED = "demo_everyday_eng_Latn-rus_Cyrl_100_gate_position_float32"
FIRST = "demo_everyday_arb_Arab-eng_Latn_100_gate_position_float32"
LAST = "demo_everyday_yor_Latn-eng_Latn_100_gate_position_float32"
MATRIX = "demo_everyday_31-languages_100_gate_position_float32"
FEW = "demo_everyday_deu_Latn-eng_Latn_5_gate_position_float32.method"
WORDS = "demo_deu_Latn-fra_Latn_eng_Latn_translation_4-shots_bundled_seed0_float32"
STEMS = {
    "exportable_latent": f"{WORDS}.latent",
    "exportable_across": f"{WORDS}.targets",
    "exportable_grid": "demo_everyday_deu_Latn-fra_Latn_100_gate_position_float32.lens",
    "exportable_tokens": f"{FEW}.tokens",
    "exportable_gate": f"{FEW}.gate.layer9.neuron186",
    "exportable_firing": f"{FEW}.firing.eng_Latn.pair1.layer5",
    "exportable_pooling": f"{FEW}.mean.deu_Latn.pair2.layer7",
    "exportable_neighbours": f"{FEW}.cosines.nas.layer3",
    "exportable_score": f"{FEW}.score.nas.layer3",
    "exportable_spaces": f"{FEW.removesuffix('.method')}.embeddings.layer5.centred",
    "exportable_trap": f"{PAIR}.traps.few",
    "exportable_curves": f"{PAIR}.alignment",
    "exportable_direction": f"{PAIR}.directions.nas",
    "exportable_board": "everyday.eng_Latn.nas.leaderboard",
    "exportable_moved": "moved.nas",
    "exportable_gaps": f"{FIRST}.gaps",
    "exportable_matrix": f"{PAIR}.layer7.nas.similarity",
    "exportable_distribution": f"{PAIR}.layer7.distribution",
    "exportable_measure": f"{PAIR}.hubness",
    "exportable_plane": f"{PAIR}.plane.discriminability",
    "exportable_projection": f"{PAIR}.layer7.nas.umap",
    "exportable_numbers": f"{PAIR}.silhouette",
    "exportable_languages": f"{MATRIX}.nas.layer3.languages",
    "exportable_pivot": f"{MATRIX}.eng_Latn.mean.ranking",
    "exportable_levels": f"{MATRIX}.eng_Latn.mean.levels",
    "exportable_ablation": f"{PAIR}.ablation.nas",
    "exportable_pairs": f"{PAIR}.pairs.score",
    "exportable_pairs_of_languages": f"{PAIR}.pairs.rank_correlation",
    "exportable_sharing": f"{PAIR}.neurons.sharing",
    "exportable_overlap": f"{PAIR}.neurons.overlap",
    "exportable_specific": f"{PAIR}.neurons.specific",
    "exportable_token": f"{PAIR}.tokens.deu_Latn.pair3.layer4",
    "exportable_depth": f"{PAIR}.depth.nas",
    "exportable_difference": f"{PAIR}.difference.nas",
    "exportable_downstream": f"{PAIR}.downstream.nas",
    "exportable_correlation": f"{PAIR}.downstream.layers",
    "exportable_ranking": f"{FIRST}.ranking",
    "exportable_layers": f"{LAST}.layers.nas",
    "exportable_revisions": f"{PAIR}.revisions",
    "exportable_items": f"{PAIR}.items.target",
    "exportable_phi": f"{PAIR}.choices",
    "exportable_beside": f"{PAIR}.beside",
    "exportable_retrieval": f"{PAIR}.claims.retrieval",
    "exportable_gap_sizes": f"{PAIR}.claims.gaps",
    "exportable_level_scores": f"{PAIR}.claims.levels",
    "exportable_profile": f"{PAIR}.claims.profile",
    "exportable_halves": f"{PAIR}.claims.halves",
    "exportable_effects": f"{PAIR}.interventions.effects",
    "exportable_own": f"{PAIR}.interventions.own",
    "exportable_language": f"{STEERED}.steering.language",
    "exportable_cost": f"{STEERED}.steering.cost",
    "exportable_with_without": f"{PAIR}.interventions.with_without.nas",
}


def test_every_exportable_figure_keeps_its_file_name():
    stems = {name: make().exportable.stem for name, make in EXAMPLES.items()}
    told, wanted = ([f"{name}: {stem}" for name, stem in names.items()] for names in (STEMS, stems))
    kept = "A new figure needs its file name; the other names are links that people keep."
    assert stems == STEMS, f"{kept} {amends(told, wanted, 'tests/figures/test_export.py, STEMS')}"


def test_a_title_and_a_caption_can_be_left_to_the_paper_and_a_square_figure_stays_square():
    curves, square = (EXAMPLES[f"exportable_{name}"]().exportable for name in ("curves", "matrix"))
    bare = printed(curves, "light", 423, titled=False, captioned=False)
    on_screen = curves.draw("light").layout
    assert (bare.layout.width, bare.layout.height, bare.layout.title.text) == (423, on_screen.height, "")
    titled = printed(curves, "light", 423, captioned=False).layout.title.text
    assert titled == "<b>Alignment by layer: German and English</b>"
    assert "everyday" not in titled
    small, large = (printed(square, "light", width, False, False).layout for width in (400, 800))
    assert large.height == 2 * small.height


def test_a_caption_shows_what_a_user_typed_as_text():
    hostile = replace(gallery_results()[STUDY], study=replace(STUDY, model="<b onload=x>&model"))
    text = printed(alignment.exportable_curves(hostile)).layout.title.text
    assert "&lt;b onload=x&gt;&amp;model" in text
    assert "<b onload" not in text


def test_a_preview_is_small_and_has_no_colour_bar():
    figure = preview(EXAMPLES["exportable_matrix"]().exportable, "light", 200)
    assert figure.layout.height == 200
    assert not any(trace.showscale for trace in figure.data if trace.type == "heatmap")


@pytest.mark.parametrize(("width", "every"), [(423, 2), (680, 1)])
def test_a_narrow_print_of_31_languages_names_as_many_columns_as_fit(width: int, every: int):
    matrix = precomputed_matrix(STUDY)
    exportable = exportable_languages(matrix, arrange(matrix, "name"), "nas", None)
    shown, whole = printed(exportable, width=width).layout, exportable.draw("light").layout
    assert list(shown.xaxis.ticktext) == list(whole.xaxis.ticktext)[::every]
    assert list(shown.xaxis.tickvals) == list(range(0, 31, every))
    assert len(shown.yaxis.ticktext) == 31


def test_words_in_cells_are_cut_to_the_printed_cells():
    rows = [["Wasserfall", "&lt;strong>", "же<br><span>Cyrillic</span>"] * 5] * 4

    def draw(theme: Theme) -> go.Figure:
        return blank(theme, 300).add_heatmap(z=[[0.5] * 15] * 4, text=rows, texttemplate="%{text}")

    exportable = ExportableFigure("a", "A", "", "", draw)
    assert list(printed(exportable, width=680).data[0].text[0][:3]) == ["Wasse…", "&lt;stro…", "же"]
    assert list(printed(exportable, width=1600).data[0].text[0][:3]) == rows[0][:3]


def test_three_layers_have_a_tick_each():
    curves = asymmetry.direction_curves(result_of("deu_Latn", True, False), "nas", 1)
    assert curves.layout.xaxis.dtick == 1
