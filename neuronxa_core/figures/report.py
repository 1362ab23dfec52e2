"""One study as one self-contained HTML file: its figures, findings, numbers and provenance, to keep or to send."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.offline import get_plotlyjs

from neuronxa_core.analyses.asymmetry import direction_gaps, largest_gap
from neuronxa_core.analyses.report import Material
from neuronxa_core.analyses.space import beside_alignment, drawn_measures
from neuronxa_core.figures import alignment, asymmetry, plane, projection, similarity, space
from neuronxa_core.figures.export import ExportableFigure, pair_name, standing
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.tables import html_table
from neuronxa_core.settings import ASSETS
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.citations import bibliography
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
        sections += ["<h2>Similarity and projection</h2>", _said(_ABSENT)]
    return _filled(
        title=html.escape(f"Inside the model: {pair_name(result.study)}"),
        caption=html.escape(result.study.caption),
        summary=html.escape(json.dumps(result.summary, indent=2, ensure_ascii=False)),
        bibtex=html.escape(bibliography(result.study)),
        sections="\n".join(sections),
        plotly=get_plotlyjs(),
    )


def _filled(**parts: str) -> str:
    """The page with its parts; what a part holds is not looked through for places of other parts."""
    page = (ASSETS / "report.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], page)


def _figure(exportable: ExportableFigure) -> str:
    """A figure in both themes, as data that the page's script draws once the page has its layout."""
    figures = {theme: standing(exportable, theme) for theme in PALETTES}
    drawn = "".join(
        f"<script type='application/json' data-theme='{theme}'>{_script_text(figure)}</script>"
        for theme, figure in figures.items()
    )
    title, height = html.escape(exportable.title), figures["light"].layout.height
    return (
        f"<figure><div class='plotly-graph-div' role='img' aria-label='{title}' style='height: {height}px'></div>"
        f"{drawn}<figcaption><b>{title}.</b> {html.escape(exportable.note)}</figcaption></figure>"
    )


def _script_text(figure: go.Figure) -> str:
    """JSON that cannot end the script that it stands in."""
    return str(figure.to_json()).replace("<", "\\u003c")


def _row(exportables: Sequence[ExportableFigure]) -> str:
    two = " two" if len(exportables) == 2 else ""  # one below the other on paper
    return f"<div class='row{two}'>{''.join(map(_figure, exportables))}</div>"


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


def _cosines(material: Material, layer: int) -> dict[State, NDArray[np.float64]]:
    return {state: material.layers.similarity(state, layer) for state in STATES if layer >= first_layer(state)}


def _matrices(study: Study, cosines: Mapping[State, NDArray[np.float64]], layer: int) -> list[ExportableFigure]:
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


def _table(table: pd.DataFrame) -> str:
    return f"<details><summary>The numbers</summary><div class='wide'>{html_table(table)}</div></details>"


def _said(finding: str) -> str:
    return f"<p>{html.escape(finding)}</p>"


def _alignment(result: StudyResult) -> Iterator[str]:
    yield "<h2>Alignment by layer</h2>"
    yield _figure(alignment.exportable_curves(result))
    yield _said(alignment.alignment_finding(result))
    yield _table(result.scores)


def _directions(result: StudyResult) -> Iterator[str]:
    yield "<h2>Asymmetry</h2>"
    for state in STATES:
        yield _figure(asymmetry.exportable_direction(result, state, largest_gap(result, state)[0]))
        yield _said(asymmetry.direction_finding(result, state))
    yield _table(direction_gaps(result))


def _similarity(result: StudyResult, material: Material) -> Iterator[str]:
    study, layer = result.study, result.peak("nas")[0]
    yield f"<h2>Similarity at layer {layer}</h2>"
    matrices = _cosines(material, layer)
    yield _row(_matrices(study, matrices, layer))
    yield _said(similarity.similarity_finding(result, matrices, layer))
    yield _figure(similarity.exportable_distribution(study, matrices, layer))
    for exportable in _plane(result, material):
        yield _figure(exportable)
        table = beside_alignment(result.scores, material.measures)
        yield _said(plane.plane_finding(table, result.pairs))
    yield _row(_measure_figures(study, material, layer))
    yield from map(_said, filter(None, (space.absence(material.measures), space.space_finding(material.measures))))
    yield _table(material.measures)


def _projection(result: StudyResult, material: Material) -> Iterator[str]:
    layer = result.peak("nas")[0]
    yield f"<h2>Sentences as points at layer {layer}</h2>"
    yield _row([projection.exportable_projection(each, material.bitext, layer) for each in material.projections])
    yield _said(projection.projection_finding(material.projections, layer))
    yield _row(_number_figures(material, layer))
    yield _table(pd.concat([each.table for each in material.projections], ignore_index=True))
