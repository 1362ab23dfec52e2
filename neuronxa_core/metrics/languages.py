"""Scores of all language pairs at one layer, from large matrix products, exactly equal to scoring pair by pair."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.similarity import lengths, paired_cosines

_TOGETHER = 4
"""Languages per matrix product with all others: enough to be fast, few enough that little is computed twice."""
_CELLS = 2**24
"""Cosines in memory at a time, 64 MB, or those of one pair of languages if these are more."""


def score_languages(
    vectors: Sequence[NDArray[np.floating]], check: Callable[[], object] = lambda: None
) -> NDArray[np.float64]:
    """(2, languages, languages): the mutual score, and P@1 from the row's language to the column's.

    vectors: one (pairs, dim) per language. Matrix products are in float32; where rounding could change the nearest
    neighbour, float64 decides, so that the scores equal those of `pair_outcomes`.
    check: called before every product; may raise to stop.
    """
    languages, (pairs, dim) = len(vectors), vectors[0].shape
    sentences = np.concatenate(vectors)
    norms = lengths(sentences)
    units = sentences / norms.astype(np.float32)[:, np.newaxis]
    doubt = 2 * (dim + 8) * 2.0**-24  # bound for two cosines: one rounding per product, sum, norm and quotient
    found = np.zeros((languages, languages, pairs), bool)  # whether a sentence of the row finds its translation
    for start, first, width in _blocks(languages, pairs):
        check()
        cosines = units[start * pairs : (start + _height(pairs)) * pairs] @ units[first * pairs :][: width * pairs].T
        cosines = cosines.reshape(-1, pairs, width, pairs)
        translations = np.einsum("risi->ris", cosines)  # a view
        own = translations.copy()
        translations[:] = -np.inf
        later = first + np.arange(width) > start + np.arange(len(own))[:, np.newaxis]  # each language pair once
        rows, columns = np.nonzero(later)
        for back in (False, True):
            rivals = cosines.transpose(0, 3, 2, 1) if back else cosines  # (rows, pairs, columns, pairs)
            ahead = own - rivals.max(axis=3)
            nearest = ahead > 0
            row, sentence, column = open_ = np.nonzero(~(np.abs(ahead) > doubt) & later[:, np.newaxis])
            near = ~(rivals[open_] < own[open_][:, np.newaxis] - doubt)
            ours, theirs = (first + column, start + row) if back else (start + row, first + column)
            nearest[open_] = _nearest(sentences, norms, ours * pairs + sentence, theirs * pairs, sentence, near)
            place = (first + columns, start + rows) if back else (start + rows, first + columns)
            found[place] = nearest[rows, :, columns]
    scores: NDArray[np.float64] = np.stack([found & found.swapaxes(0, 1), found]).mean(axis=-1)
    scores[:, range(languages), range(languages)] = np.nan
    return scores


def _height(pairs: int) -> int:
    """Languages down a block of cosines."""
    return max(1, min(_TOGETHER, _CELLS // pairs**2))


def _blocks(languages: int, pairs: int) -> Iterator[tuple[int, int, int]]:
    """(first language down, first across, how many across) of every block of the upper triangle."""
    height = _height(pairs)
    widest = max(1, _CELLS // (height * pairs**2))
    for start in range(0, languages, height):
        for first in range(start, languages, widest):
            yield start, first, min(widest, languages - first)


def _nearest(
    sentences: NDArray[np.floating],
    norms: NDArray[np.float64],
    ours: NDArray[np.intp],
    first: NDArray[np.intp],
    translation: NDArray[np.intp],
    near: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether sentence ours[k] is nearer to first[k] + translation[k] than to each first[k] + j with near[k, j]."""
    which, rival = np.nonzero(near)
    own = paired_cosines(sentences, norms, ours, first + translation)
    others = paired_cosines(sentences, norms, ours[which], first[which] + rival)
    beaten = np.bincount(which[others >= own[which]], minlength=len(ours))
    return np.asarray(beaten == 0)
