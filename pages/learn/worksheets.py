"""The pictures of the bundled lessons' worksheets, from the precomputed results that the lessons are about."""

from collections.abc import Callable, Iterator, Mapping

from neuronxa_core.figures import alignment, interventions, latent_language, overview
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.method.neighbours import exportable_neighbours
from neuronxa_core.figures.worksheet import worksheet
from neuronxa_core.gallery.interventions import gallery_request, precomputed_effects
from neuronxa_core.gallery.latent import latent_requests, precomputed_latent
from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.gallery.read import gallery_results, precomputed
from neuronxa_core.lessons import Lesson
from pages.shared.study_link import DEFAULT


def worksheet_of(lesson: Lesson, key: bool) -> str:
    """A lesson's worksheet, or its key for the teacher; lessons of one's own have no picture."""
    return worksheet(lesson, list(_PICTURES.get(lesson.slug, lambda: iter(()))()), key)


def _neuron() -> Iterator[ExportableFigure]:
    if example := precomputed_method(method_request()):
        yield exportable_neighbours(example, "nas", 3)


def _meeting() -> Iterator[ExportableFigure]:
    if result := precomputed(DEFAULT):
        yield alignment.exportable_curves(result)


def _left_out() -> Iterator[ExportableFigure]:
    if results := list(gallery_results().values()):
        yield overview.exportable_ranking(results)


def _english() -> Iterator[ExportableFigure]:
    if answer := precomputed_latent(latent_requests()[0]):
        yield latent_language.exportable_latent(answer)


def _switched_off() -> Iterator[ExportableFigure]:
    if effects := precomputed_effects(gallery_request()):
        yield interventions.exportable_effects(effects)


_PICTURES: Mapping[str, Callable[[], Iterator[ExportableFigure]]] = {
    "neuron": _neuron,
    "meeting": _meeting,
    "left_out": _left_out,
    "english": _english,
    "switched_off": _switched_off,
}
