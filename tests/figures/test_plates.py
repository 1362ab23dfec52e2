import re
from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.language_order import arrange, level_summary, pivot_scores
from neuronxa_core.analyses.space import MEASURES
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.figures import plates
from neuronxa_core.figures.plates import Plate, preview, printed, standing
from neuronxa_core.gallery.read import (
    gallery_results,
    gallery_studies,
    precomputed_layers,
    precomputed_matrix,
    precomputed_projection,
)

STUDY = next(study for study in gallery_studies() if study.source == "deu_Latn")


def every_plate() -> dict[str, Plate]:
    results = list(gallery_results().values())
    result, layers = gallery_results()[STUDY], precomputed_layers(STUDY)
    matrices = {"nas": layers.similarity("nas", 7), "embedding": layers.similarity("embedding", 7)}
    projection = precomputed_projection(STUDY, "nas", ProjectionSettings())
    bitext = open_corpus("everyday").bitext("deu_Latn", "eng_Latn", 100)
    matrix = precomputed_matrix(STUDY)
    scores = pivot_scores(matrix, "eng_Latn", None)
    return {
        "curves": plates.curves_plate(result),
        "direction": plates.direction_plate(result, "nas", 7),
        "gaps": plates.gaps_plate(results),
        "matrix": plates.matrix_plate(STUDY, matrices["nas"], "nas", 7, range(100)),
        "distribution": plates.distribution_plate(STUDY, matrices, 7),
        "measure": plates.measure_plate(STUDY, layers.measures, MEASURES[1], 7),
        "projection": plates.projection_plate(projection, bitext, 7, pair=3),
        "numbers": plates.numbers_plate([projection], "silhouette", 7),
        "languages": plates.languages_plate(matrix, arrange(matrix, "similarity", "nas", None), "nas", None),
        "pivot": plates.pivot_plate(matrix, scores, "eng_Latn", None),
        "levels": plates.levels_plate(matrix, scores, level_summary(scores), "eng_Latn", None),
        "ranking": plates.ranking_plate(results),
        "layers": plates.layers_plate(results, "nas"),
    }


PLATES = every_plate()


@pytest.mark.parametrize("name", PLATES)
@pytest.mark.parametrize(("theme", "ground"), [("light", "#FFFFFF"), ("dark", "#14171B")])
def test_a_printed_figure_has_its_size_ground_title_and_study(name: str, theme: str, ground: str):
    plate = PLATES[name]
    on_screen, figure = plate.draw(theme), printed(plate, theme)
    assert figure.layout.width == plate.width
    assert figure.layout.height > on_screen.layout.height  # the caption takes no room from the picture
    assert figure.layout.margin.t - (on_screen.layout.margin.t or 0) == figure.layout.height - on_screen.layout.height
    assert figure.layout.paper_bgcolor == ground
    text = re.sub(r"<[^>]*>", " ", figure.layout.title.text)
    assert plate.title in text
    assert "demo · everyday" in text
    assert not figure.layout.updatemenus
    assert not figure.frames
    assert figure.data
    assert "cells" not in {trace.name for trace in figure.data}


def test_every_plate_has_a_file_name_of_its_own():
    stems = [plate.stem for plate in PLATES.values()]
    assert len(set(stems)) == len(stems)
    assert all(stem == stem.strip("./ ") for stem in stems)


def test_a_caption_shows_what_a_user_typed_as_text():
    hostile = replace(gallery_results()[STUDY], study=replace(STUDY, model="<b onload=x>&model"))
    text = printed(plates.curves_plate(hostile)).layout.title.text
    assert "&lt;b onload=x&gt;&amp;model" in text
    assert "<b onload" not in text


def test_the_matrix_of_a_window_holds_its_cosines():
    similarity = np.random.default_rng(1).random((6, 6))
    plate = plates.matrix_plate(STUDY, similarity, "nas", 7, [4, 2])
    heat = next(trace for trace in standing(plate).data if trace.type == "heatmap")
    np.testing.assert_allclose(heat.z, similarity[np.ix_([4, 2], [4, 2])], rtol=1e-6)
    assert "2 sentences each" in plate.note


def test_a_preview_is_small_and_still():
    figure = preview(PLATES["matrix"], "light", 200)
    assert figure.layout.height == 200
    assert figure.layout.hovermode is False
    assert not any(trace.showscale for trace in figure.data if trace.type == "heatmap")
