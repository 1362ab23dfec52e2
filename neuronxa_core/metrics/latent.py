"""Which of two languages a model leans to, layer by layer, from the probabilities of the same words in each.

Source: Wendler et al. 2024, arXiv:2402.10588, whose English detour these numbers measure.
"""

import numpy as np
from numpy.typing import NDArray


def own_and_shuffled(
    probabilities: NDArray[np.floating], sets: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(own, shuffled), each (layers, words): the probability of each prompt's own answer, and of the others' answers.

    own is the probability of the answer's first tokens. shuffled is the mean of the same over all other words: what a
    word gets for no reason of its own, because its first token is frequent or a single character.
    probabilities: (words, layers, tokens), one prompt per word; sets: (words, tokens), the first tokens of each answer.
    Raises ValueError for fewer than two words, which have no others.
    """
    if len(sets) < 2:
        raise ValueError("a shuffled baseline needs at least two words")
    every = probabilities.astype(np.float64) @ sets.T.astype(np.float64)  # (prompts, layers, answers)
    own = np.einsum("wlw->lw", every)
    shuffled = (every.sum(axis=2).T - own) / (len(sets) - 1)
    return own, shuffled


def overtaking_layer(target: NDArray[np.floating], pivot: NDArray[np.floating]) -> NDArray[np.int64]:
    """The layer, from 1, from which on the target stays above the pivot, (...); layers + 1 if it never does.

    target, pivot: (layers, ...). A tie counts for the pivot.
    """
    behind = np.asarray(target <= pivot)
    layers = np.arange(1, len(behind) + 1).reshape(-1, *[1] * (behind.ndim - 1))
    return np.asarray(np.where(behind, layers, 0).max(axis=0) + 1)


def pivot_share(target: NDArray[np.floating], pivot: NDArray[np.floating]) -> NDArray[np.float64]:
    """The pivot's share of the probability that pivot and target have together, over all layers, (...), in [0, 1].

    Negative probabilities, which a baseline leaves, count as 0. NaN where neither has any.
    target, pivot: (layers, ...).
    """
    one, other = (np.clip(each, 0, None).sum(axis=0) for each in (pivot, target))
    with np.errstate(invalid="ignore"):
        return np.asarray(one / (one + other))
