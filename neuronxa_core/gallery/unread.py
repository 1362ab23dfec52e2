"""What of a request is still to compute, and the sentences that would run through the model for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from neuronxa_core.states import store
from neuronxa_core.study.recipe import local_recipe
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class Remaining:
    """What of a request would have to be computed, and the sentences that would run through the model for it.

    variants: names; languages: codes, of variants and of the whole. Both are empty where all of it is missing at once.
    """

    study: Study
    sentences: tuple[str, ...]
    at_once: int | None
    variants: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def without(codes: Sequence[str], others: Iterable[str]) -> tuple[str, ...]:
    """The codes that are not among the others, in their order."""
    gone = set(others)
    return tuple(code for code in codes if code not in gone)


def unread(study: Study, codes: Sequence[str], bits: bool = False) -> tuple[str, ...]:
    """The sentences to run when each language is studied against the study's target, each side once.

    bits: also where the states are in the cache, since bits per byte need the pass itself.
    """
    sides: dict[tuple[str, ...], None] = {}
    for code in codes:
        bitext = replace(study, source=code).bitext()
        sides |= dict.fromkeys((bitext.source_sentences, bitext.target_sentences))
    return tuple(s for side in sides for s in side) if bits else not_in_cache(study, sides)


def unread_pair(study: Study) -> tuple[str, ...]:
    """The sentences to run for one study."""
    return unread(study, (study.source,))


def not_in_cache(study: Study, sides: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The sentences of those sides whose states the cache lacks."""
    recipe = local_recipe(study)
    return tuple(
        sentence
        for side in sides
        if recipe is None or not store.is_whole(recipe.readout_path(recipe.study.readout, side))
        for sentence in side
    )
