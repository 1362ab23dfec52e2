"""One study as one self-contained HTML file: its figures, findings, numbers and provenance, to keep or to send."""

from collections.abc import Iterator, Mapping

import pandas as pd

from neuronxa_core.analyses.asymmetry import direction_gaps, largest_gap
from neuronxa_core.analyses.report import Material
from neuronxa_core.analyses.space import beside_alignment, drawn_measures
from neuronxa_core.figures import alignment, asymmetry, plane, projection, similarity, space
from neuronxa_core.figures.document import document, drawn, folded_table, row, said
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

_ABSENT = (
    "These figures need the states of this pair, which were not on the machine that wrote this report. Open the "
    "Similarity page once and export the report again."
)


def study_report(result: StudyResult, material: Material | None = None) -> str:
    """The page as text: a few megabytes, mostly plotly's own code, so that it opens without a network.

    Every figure of the study shows the layer where NAS peaks. Everything that a user typed (paths, names) is escaped.
    """
    sections = [*_alignment(result), *_directions(result)]
    if material:
        sections += [*_similarity(result, material), *_projection(result, material)]
    else:
        sections += ["<h2>Similarity and projection</h2>", said(_ABSENT)]
    return document(f"Inside the model: {pair_name(result.study)}", result.study, result.summary, sections)


def study_figures(result: StudyResult, material: Material | None) -> list[ExportableFigure]:
    """All figures of a study, as its report has them; without `material` those that need the scores alone."""
    found = [alignment.exportable_curves(result)]
    found += [asymmetry.exportable_direction(result, state, largest_gap(result, state)[0]) for state in STATES]
    if material:
        layer = result.peak("nas")[0]
        cosines = _cosines(material, layer)
        found += _matrices(result.study, cosines, layer)
        found += [similarity.exportable_distribution(result.study, cosines, layer)]
        found += [*_plane(result, material), *_measure_figures(result.study, material, layer)]
        found += [projection.exportable_projection(each, material.bitext, layer) for each in material.projections]
        found += _number_figures(material, layer)
    return found


def _cosines(material: Material, layer: int) -> dict[State, Cosines]:
    return {state: material.layers.cosines(state, layer) for state in STATES if layer >= first_layer(state)}


def _matrices(study: Study, cosines: Mapping[State, Cosines], layer: int) -> list[ExportableFigure]:
    order = range(min(study.pairs, similarity.MOST_SHOWN))
    return [similarity.exportable_matrix(study, matrix, state, layer, order) for state, matrix in cosines.items()]


def _measure_figures(study: Study, material: Material, layer: int) -> list[ExportableFigure]:
    shown = drawn_measures(material.measures)
    return [space.exportable_measure(study, material.measures, measure, layer) for measure in shown]


def _plane(result: StudyResult, material: Material) -> list[ExportableFigure]:
    """Alignment against separability; nothing where an older table of measures lacks the latter."""
    if not set(plane.AXES) <= set(material.measures):
        return []
    return [plane.exportable_plane(result.study, beside_alignment(result.scores, material.measures))]


def _number_figures(material: Material, layer: int) -> list[ExportableFigure]:
    numbers = ("foreign_neighbours", "silhouette")
    return [projection.exportable_numbers(material.projections, number, layer) for number in numbers]


def _alignment(result: StudyResult) -> Iterator[str]:
    yield "<h2>Alignment by layer</h2>"
    yield drawn(alignment.exportable_curves(result))
    yield said(alignment.alignment_finding(result))
    yield folded_table(result.scores)


def _directions(result: StudyResult) -> Iterator[str]:
    yield "<h2>Asymmetry</h2>"
    for state in STATES:
        yield drawn(asymmetry.exportable_direction(result, state, largest_gap(result, state)[0]))
        yield said(asymmetry.direction_finding(result, state))
    yield folded_table(direction_gaps(result))


def _similarity(result: StudyResult, material: Material) -> Iterator[str]:
    study, layer = result.study, result.peak("nas")[0]
    yield f"<h2>Similarity at layer {layer}</h2>"
    matrices = _cosines(material, layer)
    yield row(_matrices(study, matrices, layer))
    yield said(similarity.similarity_finding(result, matrices, layer))
    yield drawn(similarity.exportable_distribution(study, matrices, layer))
    for exportable in _plane(result, material):
        yield drawn(exportable)
        table = beside_alignment(result.scores, material.measures)
        yield said(plane.plane_finding(table, result.pairs))
    yield row(_measure_figures(study, material, layer))
    yield from map(said, filter(None, (space.absence(material.measures), space.space_finding(material.measures))))
    yield folded_table(material.measures)


def _projection(result: StudyResult, material: Material) -> Iterator[str]:
    layer = result.peak("nas")[0]
    yield f"<h2>Sentences as points at layer {layer}</h2>"
    yield row([projection.exportable_projection(each, material.bitext, layer) for each in material.projections])
    yield said(projection.projection_finding(material.projections, layer))
    yield row(_number_figures(material, layer))
    yield folded_table(pd.concat([each.table for each in material.projections], ignore_index=True))
