"""The pictures of the bundled lessons' steps, which a class sees on its phones: what the step's page would show."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial

from neuronxa_core.analyses.language_order import arrange, level_summary, pivot_scores
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentLanguages
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.figures import alignment, asymmetry, interventions, languages, latent_language, overview, traps
from neuronxa_core.figures import projection as projections
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.method import counted, inside, neighbours, pooling
from neuronxa_core.gallery.interventions import gallery_request, precomputed_effects
from neuronxa_core.gallery.latent import USUAL_TARGETS, alignment_with, precomputed_latent, precomputed_targets
from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.gallery.read import (
    gallery_results,
    gallery_studies,
    precomputed,
    precomputed_matrix,
    precomputed_projection,
)
from neuronxa_core.gallery.traps import precomputed_traps, traps_request
from neuronxa_core.numbers import decimal
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

Picture = tuple[ExportableFigure, str]
"""A figure, and what its page says below it."""
_SHOWN: State = "nas"


def _study(source: str) -> Study:
    return replace(gallery_studies()[0], source=source)


def _result(source: str = "deu_Latn") -> StudyResult | None:
    return precomputed(_study(source))


def _curves(source: str = "deu_Latn") -> Picture | None:
    if not (result := _result(source)):
        return None
    said = f"{alignment.alignment_finding(result)} {alignment.tokenizer_finding(result)}"
    return alignment.exportable_curves(result), said


def _asymmetry() -> Picture | None:
    if not (result := _result()):
        return None
    exportable = asymmetry.exportable_direction(result, _SHOWN, result.peak(_SHOWN)[0])
    return exportable, asymmetry.direction_finding(result, _SHOWN)


def _projection() -> Picture | None:
    projection, result = precomputed_projection(_study("deu_Latn"), _SHOWN, ProjectionSettings()), _result()
    if not projection or not result:
        return None
    layer = result.peak(_SHOWN)[0]
    exportable = projections.exportable_projection(projection, result.study.bitext(), layer)
    return exportable, projections.projection_finding([projection], layer)


def _matrix() -> Picture | None:
    if not (matrix := precomputed_matrix(_study("deu_Latn"))):
        return None
    exportable = languages.exportable_languages(matrix, arrange(matrix, "similarity", _SHOWN, None), _SHOWN, None)
    return exportable, languages.matrix_finding(matrix, _SHOWN)


def _levels() -> Picture | None:
    if not (matrix := precomputed_matrix(_study("deu_Latn"))):
        return None
    scores = pivot_scores(matrix, ENGLISH)
    summary = level_summary(scores)
    exportable = languages.exportable_levels(matrix, scores, summary, ENGLISH, None)
    return exportable, languages.level_finding(summary, ENGLISH)


def _ranking() -> Picture | None:
    results = list(gallery_results().values())
    return (overview.exportable_ranking(results), overview.ranking_finding(results)) if results else None


def _shredded() -> Picture | None:
    """Before the guess: the class sees what becomes of it in the solution."""
    answer = precomputed_traps(traps_request())
    return (traps.exportable_trap(answer, "shredded", False), "") if answer else None


def _latent(source: str = "deu_Latn", target: str = "fra_Latn") -> Picture | None:
    answer = precomputed_latent(LatentLanguage(replace(_study(source), target=target)))
    if not answer:
        return None
    said = f"{latent_language.latent_finding(answer)} {latent_language.words_finding(answer)}"
    return latent_language.exportable_latent(answer), said


def _across() -> Picture | None:
    study = replace(_study("deu_Latn"), target="fra_Latn")
    request = LatentLanguage(study)
    answers = precomputed_targets(LatentLanguages(study, request, USUAL_TARGETS))
    if not answers:
        return None
    table = answers.table(alignment_with(study, request.pivot, USUAL_TARGETS))
    return latent_language.exportable_across(answers, table), latent_language.across_finding(answers, table)


def _effects() -> Picture | None:
    effects = precomputed_effects(gallery_request())
    return (interventions.exportable_effects(effects), interventions.effects_finding(effects)) if effects else None


def _worked(draw: Callable[[WorkedExample], Picture]) -> Picture | None:
    example = precomputed_method(method_request())
    return draw(example) if example else None


def _gate(token: int, example: WorkedExample) -> Picture:
    place, sentence = example.neurons[8].tolist().index(65), example.sides[0][0]
    goes_in, comes_out = (float(each[8, token - 1, place]) for each in (sentence.incoming, sentence.activation))
    said = f"{example.function}({decimal(goes_in, 3)}) = {decimal(comes_out, 3)}"
    return inside.exportable_gate(example, 0, 9, place, (0, token - 1)), said


def _weights(example: WorkedExample) -> Picture:
    at = 0, 0, 9
    return pooling.exportable_pooling(example, *at, "position"), pooling.pooling_finding(example, *at, "position")


def _cosines(example: WorkedExample) -> Picture:
    return neighbours.exportable_neighbours(example, _SHOWN, 3), ""


_METHOD: tuple[Callable[[WorkedExample], Picture], ...] = (
    lambda example: (inside.exportable_tokens(example), inside.tokens_finding(example)),
    partial(_gate, 2),
    partial(_gate, 1),
    _weights,
    _cosines,
    _cosines,
    lambda example: (alignment.exportable_curves(example.result), counted.mean_in_sight(example, _SHOWN)),
)
_PICTURES: Mapping[str, tuple[Callable[[], Picture | None], ...]] = {
    "neuron": tuple(partial(_worked, draw) for draw in _METHOD),
    "meeting": (_curves, _curves, partial(_curves, "arb_Arab"), _asymmetry, _projection, _matrix),
    "left_out": (
        *(_ranking, partial(_curves, "yor_Latn"), partial(_curves, "yor_Latn")),
        *(_levels, partial(_curves, "tam_Taml"), _shredded),
    ),
    "english": (_latent, _latent, _latent, _latent, partial(_latent, "fra_Latn", "deu_Latn"), _across),
    "switched_off": (_effects,) * 6,
}
"""By a lesson's name in links: a picture for each of its steps."""


def steps_pictured() -> Mapping[tuple[str, int], Picture]:
    """Lesson and step, from 1 -> its picture; those without a precomputed answer are left out."""
    made = cache(lambda draw: draw())
    found = {(slug, number): made(draw) for slug, draws in _PICTURES.items() for number, draw in enumerate(draws, 1)}
    return {place: picture for place, picture in found.items() if picture}
