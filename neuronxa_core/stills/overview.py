"""The figures of the first page: a study's curve, two models, a picture for each of four questions, all languages.

The page draws them and the gallery's build writes them as stills, so that both are the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from neuronxa_core.analyses.beside import beside_table
from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.figures import alignment, asymmetry, beside, languages, overview, similarity
from neuronxa_core.figures import projection as projections
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.export import ExportableFigure, pair_name, preview
from neuronxa_core.figures.palette import Theme
from neuronxa_core.gallery.models import stored_models, stored_results
from neuronxa_core.gallery.read import precomputed_layers, precomputed_matrix, precomputed_projection
from neuronxa_core.models import demo
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

SHOWN: State = "nas"
CARD = 300
"""Height of a question's picture."""


@dataclass(frozen=True)
class Shown:
    """A figure on the page. height: of a card, which is drawn small; None for the figure's own."""

    study: Study
    exportable: ExportableFigure
    finding: str
    height: int | None = None

    @property
    def name(self) -> str:
        """What tells its stills apart from all others."""
        return self.exportable.stem if self.height is None else f"{self.exportable.stem}.card"

    def draw(self, theme: Theme) -> go.Figure:
        return self.exportable.draw(theme) if self.height is None else preview(self.exportable, theme, self.height)

    def alt(self, figure: go.Figure) -> str:
        """What a screen reader says of the figure."""
        return alt_text(figure, self.exportable.title, self.finding or self.exportable.note)


def curves(result: StudyResult) -> Shown:
    return Shown(result.study, alignment.exportable_curves(result), alignment.alignment_finding(result))


def ranking(results: Sequence[StudyResult]) -> Shown:
    return Shown(results[0].study, overview.exportable_ranking(results), overview.ranking_finding(results))


def all_layers(results: Sequence[StudyResult]) -> Shown:
    return Shown(results[0].study, overview.exportable_layers(results, SHOWN), "")


def two_models(results: Sequence[StudyResult]) -> Shown | None:
    """The demo's `results` beside the gallery's first other model, language by language; None if there is none."""
    stored = next(iter(stored_models().values()), None)
    if stored is None or not results:
        return None
    table = beside_table(results, list(stored_results(stored.model).values()))
    names = (demo.TITLE, stored.title.partition("/")[2] or stored.title)
    study, finding = results[0].study, beside.beside_finding(table, names)
    return Shown(study, beside.exportable_beside(study, table, names), finding)


def _similarity(result: StudyResult) -> Shown | None:
    layers, layer = precomputed_layers(result.study), result.peak(SHOWN)[0]
    if layers is None:
        return None
    matrix = layers.similarity(SHOWN, layer)
    exportable = similarity.exportable_matrix(result.study, matrix, SHOWN, layer, range(result.pairs))
    finding = similarity.similarity_finding(result, {SHOWN: matrix}, layer)
    return Shown(result.study, exportable, f"{pair_name(result.study)}. {finding}", CARD)


def _asymmetry(result: StudyResult) -> Shown:
    exportable = asymmetry.exportable_direction(result, SHOWN, result.peak(SHOWN)[0])
    return Shown(result.study, exportable, asymmetry.direction_finding(result, SHOWN), CARD)


def _projection(result: StudyResult) -> Shown | None:
    study, layer = result.study, result.peak(SHOWN)[0]
    projection = precomputed_projection(study, SHOWN, ProjectionSettings())
    if projection is None:
        return None
    exportable = projections.exportable_projection(projection, study.bitext(), layer)
    return Shown(study, exportable, projections.projection_finding([projection], layer), CARD)


def _languages(result: StudyResult) -> Shown | None:
    matrix = precomputed_matrix(result.study)
    if matrix is None:
        return None
    scores = pivot_scores(matrix, ENGLISH)
    summary = level_summary(scores)
    exportable = languages.exportable_levels(matrix, scores, summary, ENGLISH, None)
    return Shown(result.study, exportable, languages.level_finding(summary, ENGLISH), CARD)


CARDS: Mapping[str, Callable[[StudyResult], Shown | None]] = {
    "similarity": _similarity,
    "projection": _projection,
    "asymmetry": _asymmetry,
    "languages": _languages,
}
"""By the name of the page that answers the question: its picture for a study; None unless that is precomputed."""


def first_page(result: StudyResult, results: Sequence[StudyResult]) -> Iterator[Shown]:
    """Everything that the first page shows of a study and of all languages."""
    yield curves(result)
    yield from filter(None, [two_models(results)])
    yield from filter(None, (card(result) for card in CARDS.values()))
    yield ranking(results)
    yield all_layers(results)
