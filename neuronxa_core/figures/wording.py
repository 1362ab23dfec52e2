"""Words that several findings share: names in a row, ties, and the cautions that few pairs or languages need."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.interface import language_named
from neuronxa_core.metrics.bootstrap import agreement_bound
from neuronxa_core.numbers import CONFIDENCE, FEW, confidence, count, interval
from neuronxa_core.states.sentences import State

_MOST_NAMED = 3


def in_a_row(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def named(code: str) -> str:
    """The name of a language of the corpus, in the language of the interface."""
    known = language(code)
    return language_named(known.tag, known.name)


def within(state: State) -> str:
    """The state's name inside a sentence: `NAS`, `embedding`."""
    return "embedding" if state == "embedding" else STATE_NAMES[state]


def joined_names(names: Sequence[str]) -> str:
    """`French`, `French and German`, `French, German and 4 more`."""
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} more"
    return in_a_row(names)


def ties(values: Sequence[float] | NDArray[np.float64], value: float) -> list[int]:
    """The places where `value` stands."""
    return [int(place) for place in np.flatnonzero(np.isclose(values, value, rtol=0, atol=1e-12))]


def share_confidence(share: float, low: float, high: float, pairs: int) -> str:
    """The interval of a share of pairs; the exact one where all pairs agree, of which a bootstrap knows nothing."""
    if low < high:
        return confidence(low, high)
    bound = agreement_bound(pairs)
    ends = (bound, 1.0) if share > 0.5 else (0.0, 1 - bound)
    return f"{CONFIDENCE} interval {interval(*ends)}, exact, since all pairs agree"


def few_pairs(pairs: int) -> str:
    """A caution that begins with a space; empty from ten pairs on."""
    if pairs >= FEW:
        return ""
    return f" With only {count(pairs, 'pair')}, chance is high and the intervals are rough."


def few_languages(languages: int) -> str:
    """A caution that begins with a space; empty from ten languages on."""
    if languages >= FEW:
        return ""
    return (
        f" With only {count(languages, 'language')}, the intervals are rough, and one language can change the result."
    )
