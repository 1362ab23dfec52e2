"""As much of an answer as is at hand, what is missing, and the run that computes only that.

The items of a request are its variants and languages, or its pivots. Gallery and cache hold them one by one, so that a
language more never costs what is there already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from itertools import combinations
from typing import Any

from neuronxa_core import spare
from neuronxa_core.analyses.asymmetry import Asymmetry
from neuronxa_core.analyses.bits_per_byte import find_bits_per_byte
from neuronxa_core.analyses.claims import Claims
from neuronxa_core.analyses.downstream import Downstream
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.items import Items, find_items
from neuronxa_core.analyses.languages import Languages, find_largest_matrix, language_sentences, run_language_matrix
from neuronxa_core.analyses.models import Models, variant_names
from neuronxa_core.analyses.neurons import Neurons, languages_with_rates, run_neuron_rates
from neuronxa_core.analyses.pairs_needed import PairsNeeded, find_pair_scores
from neuronxa_core.analyses.settings import Ablation, Settings, with_pivots
from neuronxa_core.analyses.steering import Steering
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.answers import at_hand, cached, result_at_hand, stored
from neuronxa_core.gallery.read import precomputed_bits, precomputed_matrix, precomputed_pairs_needed, precomputed_rates
from neuronxa_core.gallery.unread import Remaining, not_in_cache, unread, unread_pair, without
from neuronxa_core.progress import Watcher
from neuronxa_core.study.analysis import AgainstTarget, Analysis, Answer
from neuronxa_core.study.runner import run_against_target, run_study
from neuronxa_core.study.study import Study

_FEWEST_RANKED = 3
"""Number of languages whose ranking can be compared."""


@dataclass(frozen=True)
class Part:
    """An answer for some of a request's items. request: as it would be asked for these alone."""

    request: Any
    answer: Answer


@singledispatch
def there(request: Any) -> tuple[str, ...]:
    """Those of a request's languages (pivots, in Settings) that gallery or cache hold. Loads no model."""
    return ()


@singledispatch
def part(request: Any) -> Part | None:
    """The answer for fewer languages, variants or pivots: as many as are at hand; None if none are.

    Loads and downloads no model. Raises NeuronXAError.
    """
    return None


@singledispatch
def remaining(request: Any) -> Remaining:
    """What `run` would compute of a request. Raises CorpusError."""
    return Remaining(request.study, tuple(request.sentences()), request.at_once)


@singledispatch
def run(request: Any, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    """The answer, computed as far as neither gallery nor cache has it.

    first: the languages to begin with, so that `part` has something to show early. Raises NeuronXAError, Cancelled.
    """
    return request.run(watcher)


def run_anyway(request: Any, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    """As `run`, with the answer kept in a temporary folder or in memory where the cache cannot take it."""
    with spare.allowed():
        return run(request, watcher, first)


def _found(request: Analysis[Any]) -> Any:
    return stored(request) or cached(request)


def _part(request: Analysis[Any]) -> Part | None:
    answer = _found(request)
    return Part(request, answer) if answer else None


@there.register
def _(request: AgainstTarget) -> tuple[str, ...]:
    return tuple(code for code in request.languages if _holds(request, replace(request.study, source=code)))


@singledispatch
def _holds(request: Any, study: Study) -> bool:
    """Whether what a request needs of one language is at hand."""
    return at_hand(study)


@_holds.register
def _(request: PairsNeeded, study: Study) -> bool:
    return precomputed_pairs_needed(study, (study.source,)) is not None or find_pair_scores(study) is not None


@_holds.register
def _(request: Items, study: Study) -> bool:
    return find_items(study) is not None


@_holds.register
def _(request: Downstream, study: Study) -> bool:
    if not at_hand(study) or not request.bits:
        return at_hand(study)
    both = {study.source, study.target}
    return both <= set(precomputed_bits(study) or {}) or find_bits_per_byte(study, sorted(both)) is not None


@part.register
def _(request: AgainstTarget) -> Part | None:
    codes = there(request)
    return _part(replace(request, languages=codes)) if codes else None  # type: ignore[arg-type]


@part.register
def _(request: PairsNeeded) -> Part | None:
    codes = there(request)
    return _part(replace(request, languages=codes)) if len(codes) >= _FEWEST_RANKED else None


@remaining.register
def _(request: AgainstTarget) -> Remaining:
    missing = without(request.languages, there(request))
    sentences = unread(request.study, missing, bits=getattr(request, "bits", False))
    return Remaining(request.study, sentences, request.at_once, languages=missing)


@run.register(Asymmetry)
@run.register(Claims)
@run.register(Downstream)
@run.register(Items)
@run.register(PairsNeeded)
def _(request: Any, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    missing = without(request.languages, there(request))
    own = tuple(code for code in first if code in missing)
    for codes in (own, without(missing, own)):
        if codes:
            replace(request, languages=codes).run(watcher)
    return _found(request) or request.run(watcher)  # the cache may have lost meanwhile what it had before


@there.register
def _(request: Languages) -> tuple[str, ...]:
    found = part(request)
    return found.request.languages if found else ()


@part.register
def _(request: Languages) -> Part | None:
    matrix = precomputed_matrix(request.study)
    codes = [code for code in request.languages if matrix and code in matrix.codes]
    found = matrix.take(codes) if matrix and len(codes) > 1 else find_largest_matrix(request.study, request.languages)
    return Part(replace(request, languages=found.codes), found) if found else None


@remaining.register
def _(request: Languages) -> Remaining:
    sides = language_sentences(request.study, request.languages).values()
    missing = without(request.languages, there(request))
    return Remaining(request.study, not_in_cache(request.study, sides), request.at_once, languages=missing)


@run.register
def _(request: Languages, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    own = tuple(code for code in request.languages if code in first)
    if 1 < len(own) < len(request.languages) and not set(own) <= set(there(request)):
        run_language_matrix(request.study, own, watcher=watcher)
    return request.run(watcher)


@there.register
def _(request: Neurons) -> tuple[str, ...]:
    stored_ = [code for code in request.languages if precomputed_rates(request.study, (code,))]
    return tuple(stored_) or tuple(code for code in request.languages if _has_rates(request.study, code))


def _has_rates(study: Study, code: str) -> bool:
    try:
        return bool(languages_with_rates(study, (code,)))
    except NeuronXAError:  # a run will say what is wrong with these sentences
        return False


@part.register
def _(request: Neurons) -> Part | None:
    codes = there(request)
    return _part(replace(request, languages=codes)) if len(codes) > 1 else None


@remaining.register
def _(request: Neurons) -> Remaining:
    missing = without(request.languages, there(request))
    sentences = [sentence for code in missing for sentence in request.study.sentences(code)]
    return Remaining(request.study, tuple(sentences), request.at_once, languages=missing)


@run.register
def _(request: Neurons, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    own = tuple(code for code in request.languages if code in first)
    if 1 < len(own) < len(request.languages):
        run_neuron_rates(request.study, own, watcher=watcher)
    return request.run(watcher)


@part.register(Interventions)
@part.register(Steering)
def _(request: Any) -> Part | None:
    found = request.finished()  # the cells, or whole strengths, that a cancelled run has measured
    return Part(replace(request), found) if found and len(next(iter(found.tables.values()))) else None


@remaining.register(Interventions)
@remaining.register(Steering)
def _(request: Any) -> Remaining:
    return Remaining(request.study, tuple(request.unread()), request.at_once)


@there.register
def _(request: Settings) -> tuple[str, ...]:
    return tuple(pivot for pivot in request.pivots if at_hand(replace(request.study, target=pivot)))


@part.register
def _(request: Settings) -> Part | None:
    return _part(replace(request, pivots=there(request)))


@remaining.register
def _(request: Settings) -> Remaining:
    if part(request) is None:
        return Remaining(request.study, tuple(request.sentences()), request.at_once)
    missing = without(request.pivots, there(request))
    sentences = [sentence for pivot in missing for sentence in unread_pair(replace(request.study, target=pivot))]
    return Remaining(request.study, tuple(dict.fromkeys(sentences)), 2 * request.study.pairs, languages=missing)


@run.register
def _(request: Settings, watcher: Watcher, first: Sequence[str] = ()) -> Ablation:
    choices = replace(request, pivots=())
    base = _found(choices) or choices.run(watcher)
    assert isinstance(base, Ablation)
    studies = [replace(base.study, target=pivot) for pivot in request.pivots]
    return with_pivots(base, [result_at_hand(each) or run_study(each, watcher=watcher) for each in studies])


@there.register
def _(request: Models) -> tuple[str, ...]:
    found = part(request)
    return found.request.languages if found else ()


@part.register
def _(request: Models) -> Part | None:
    """The comparison of those variants on those languages that makes the most results, two variants at least."""
    held = {each: _held(each, request.languages) for each in request.variants}
    best: tuple[int, int, tuple[Study, ...], tuple[str, ...]] = (0, 0, (), ())
    for count in range(2, len(request.variants) + 1):
        for variants in combinations(request.variants, count):
            codes = tuple(code for code in request.languages if all(code in held[each] for each in variants))
            if codes and (count * len(codes), len(codes)) > best[:2]:
                best = (count * len(codes), len(codes), variants, codes)
    return _part(Models(best[2], best[3])) if best[0] else None


@remaining.register
def _(request: Models) -> Remaining:
    missing = {each: without(request.languages, _held(each, request.languages)) for each in request.variants}
    names = dict(zip(request.variants, variant_names(request.variants), strict=True))
    lacking = [each for each, codes in missing.items() if codes]
    sentences = tuple(sentence for each in lacking for sentence in unread(each, missing[each]))
    languages = tuple(code for code in request.languages if any(code in missing[each] for each in lacking))
    study = lacking[0] if lacking else request.study
    return Remaining(study, sentences, request.at_once, tuple(names[each] for each in lacking), languages)


@run.register
def _(request: Models, watcher: Watcher, first: Sequence[str] = ()) -> Any:
    own = tuple(code for code in request.languages if code in first)
    rest = without(request.languages, own)
    for variants, codes in ((request.variants, own), (tuple(reversed(request.variants)), rest)):  # a load less
        for each in variants:
            if missing := without(codes, _held(each, codes)):
                run_against_target(each, missing, watcher=watcher)
    return _found(request) or request.run(watcher)


def _held(variant: Study, codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(code for code in codes if at_hand(replace(variant, source=code)))
