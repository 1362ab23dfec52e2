"""Finds the answer to a request in the gallery, which ships with the dashboard, or in the cache.

The gallery answers studies in its own precision and studies with dtype `auto`. Every answer names the precision it was
computed in.
"""

from dataclasses import replace
from functools import singledispatch
from typing import Any, TypeVar

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.analyses.asymmetry import Asymmetry, LanguageResults
from neuronxa_core.analyses.claims import Claims, ClaimsAnswer
from neuronxa_core.analyses.continuation import Continuation, ContinuedText
from neuronxa_core.analyses.downstream import Downstream, Measured
from neuronxa_core.analyses.effects import Effects
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.languages import Languages, find_largest_matrix
from neuronxa_core.analyses.latent_answer import LatentAnswer
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentAnswers, LatentLanguages
from neuronxa_core.analyses.lens_grid import GridAnswer, Lens
from neuronxa_core.analyses.method import Method
from neuronxa_core.analyses.models import ModelComparison, Models
from neuronxa_core.analyses.neurons import NeuronRates, Neurons
from neuronxa_core.analyses.pairs_needed import PairsNeeded, RankStability
from neuronxa_core.analyses.projections import Project, Projections
from neuronxa_core.analyses.run import question
from neuronxa_core.analyses.settings import Ablation, Settings, with_pivots
from neuronxa_core.analyses.similarity import PairSimilarities, Similarity
from neuronxa_core.analyses.steering import Steering
from neuronxa_core.analyses.steering_answer import SteeringAnswer
from neuronxa_core.analyses.traps import TrapResults, Traps
from neuronxa_core.analyses.with_without import ChangedAlignment, WithWithout
from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.interventions import precomputed_effects
from neuronxa_core.gallery.latent import precomputed_latent, precomputed_lens, precomputed_targets
from neuronxa_core.gallery.method import precomputed_method
from neuronxa_core.gallery.pairs_changed import precomputed_continuation, precomputed_curves
from neuronxa_core.gallery.precision import settled
from neuronxa_core.gallery.read import (
    precomputed,
    precomputed_ablation,
    precomputed_against_target,
    precomputed_bits,
    precomputed_layers,
    precomputed_matrix,
    precomputed_pairs_needed,
    precomputed_projection,
    precomputed_rates,
)
from neuronxa_core.gallery.steering import precomputed_steering
from neuronxa_core.gallery.traps import precomputed_traps
from neuronxa_core.study.analysis import Analysis, Answer, Found
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_against_target, find_result, is_cached
from neuronxa_core.study.study import Study

Request = TypeVar("Request")


def find(request: Analysis[Any] | Study) -> Found[Any] | None:
    """The answer from the gallery or the cache, or None; for a bare study, its alignment.

    Never loads or downloads a model. Raises NeuronXAError.
    """
    request = question(request)
    if (answer := stored(request)) is not None:
        return Found(answer, "precomputed")
    answer = cached(request)
    return None if answer is None else Found(answer, "cached")


def settle(request: Request) -> Request:
    """The request with the dtype of its study resolved, see gallery.precision.settled. Call it before any lookup.

    Models is returned as it is: its variants are settled together, see gallery.precision.settled_variants.
    """
    if isinstance(request, Models):
        return request
    study: Study = request.study  # type: ignore[attr-defined]

    def answered(asked: Study) -> object:
        return stored(replace(request, study=asked))  # type: ignore[type-var]

    return replace(request, study=settled(study, answered))  # type: ignore[type-var]


def result_at_hand(study: Study) -> StudyResult | None:
    """The result of a study from the gallery or the cache, or None."""
    return precomputed(study) or find_result(study)


def at_hand(study: Study) -> bool:
    """Whether the gallery or the cache has the result of a study, which is not read."""
    try:
        return precomputed(study) is not None or is_cached(study)
    except NeuronXAError:  # a run will say what is wrong with these sentences
        return False


@singledispatch
def cached(request: Any) -> Answer | None:
    """The answer from the cache, with parts from the gallery where it has them; None if a part is missing."""
    found: Answer | None = request.cached()
    return found


@cached.register
def _(request: Models) -> ModelComparison | None:
    return request.gather([find_against_target(each, request.languages, result_at_hand) for each in request.variants])


@cached.register
def _(request: Asymmetry) -> LanguageResults | None:
    results = find_against_target(request.study, request.languages, result_at_hand)
    return LanguageResults(results[0].study, results) if results else None


@cached.register
def _(request: Claims) -> ClaimsAnswer | None:
    results = None if request.obstacle else find_against_target(request.study, request.languages, result_at_hand)
    return request.answer(results) if results else request.cached()


@cached.register
def _(request: Languages) -> LanguageMatrix | None:
    matrix = request.cached() or find_largest_matrix(request.study, request.languages)
    return matrix if matrix and matrix.codes == request.languages else None


@singledispatch
def stored(request: Any) -> Answer | None:
    """The gallery's answer, or None."""
    return None


@stored.register
def _(request: Alignment) -> StudyResult | None:
    return precomputed(request.study)


@stored.register
def _(request: Similarity) -> PairSimilarities | None:
    result, layers = precomputed(request.study), precomputed_layers(request.study)
    if result is None or layers is None:
        return None
    return PairSimilarities(result.study, layers, result.last_layer, layers.measures, result.provenance, result.scores)


@stored.register
def _(request: Asymmetry) -> LanguageResults | None:
    results = precomputed_against_target(request.study, request.languages)
    return LanguageResults(results[0].study, results) if results else None


@stored.register
def _(request: Claims) -> ClaimsAnswer | None:
    results = None if request.obstacle else precomputed_against_target(request.study, request.languages)
    return request.answer(results) if results else None


@stored.register
def _(request: Project) -> Projections | None:
    found = [precomputed_projection(request.study, state, request.settings) for state in request.states]
    there = tuple(each for each in found if each)
    return Projections(there[0].study, there) if there and len(there) == len(found) else None


@stored.register
def _(request: Languages) -> LanguageMatrix | None:
    matrix = precomputed_matrix(request.study)
    return matrix.take(request.languages) if matrix and set(request.languages) <= set(matrix.codes) else None


@stored.register
def _(request: Neurons) -> NeuronRates | None:
    return precomputed_rates(request.study, request.languages)


@stored.register
def _(request: Interventions) -> Effects | None:
    return precomputed_effects(request)


@stored.register
def _(request: WithWithout) -> ChangedAlignment | None:
    return precomputed_curves(request)


@stored.register
def _(request: Continuation) -> ContinuedText | None:
    return precomputed_continuation(request)


@stored.register
def _(request: Steering) -> SteeringAnswer | None:
    return precomputed_steering(request)


@stored.register
def _(request: LatentLanguage) -> LatentAnswer | None:
    return precomputed_latent(request)


@stored.register
def _(request: LatentLanguages) -> LatentAnswers | None:
    return precomputed_targets(request)


@stored.register
def _(request: Lens) -> GridAnswer | None:
    return precomputed_lens(request)


@stored.register
def _(request: Method) -> WorkedExample | None:
    return precomputed_method(request)


@stored.register
def _(request: Traps) -> TrapResults | None:
    return precomputed_traps(request)


@stored.register
def _(request: Settings) -> Ablation | None:
    base = precomputed_ablation(request.study)
    results = [precomputed(replace(request.study, target=pivot)) for pivot in request.pivots]
    there = [result for result in results if result]
    return with_pivots(base, there) if base and len(there) == len(results) else None


@cached.register
def _(request: Settings) -> Ablation | None:
    base = precomputed_ablation(request.study) or replace(request, pivots=()).cached()
    results = [result_at_hand(replace(request.study, target=pivot)) for pivot in request.pivots] if base else []
    there = [result for result in results if result]
    return with_pivots(base, there) if base and len(there) == len(request.pivots) else None


@stored.register
def _(request: PairsNeeded) -> RankStability | None:
    return precomputed_pairs_needed(request.study, request.languages)


@stored.register
def _(request: Models) -> ModelComparison | None:
    return request.gather([precomputed_against_target(each, request.languages) for each in request.variants])


@stored.register
def _(request: Downstream) -> Measured | None:
    results = precomputed_against_target(request.study, request.languages)
    bits = precomputed_bits(request.study) if request.bits else None
    if results is None or (request.bits and not (bits and {*request.languages, request.study.target} <= set(bits))):
        return None
    return Measured(results[0].study, results, bits)
