"""Every language against every other at one layer: many similarity matrices in large products, exactly as one by one."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.similarity import lengths, paired_cosines

_TOGETHER = 4
"""Languages whose cosines with all others are one product: large enough to be fast, of which little is computed twice."""


def score_languages(
    vectors: Sequence[NDArray[np.floating]], check: Callable[[], object] = lambda: None
) -> NDArray[np.float64]:
    """Every language against every other at one layer: (2, languages, languages), mutual score and P@1 row to column.

    vectors: one (pairs, dim) per language. Large matrix products in float32; where those leave open who is nearest, float64
    decides, so that the scores are those of `pair_outcomes`. check: called before every product; what it raises ends the work.
    """
    languages, (pairs, dim) = len(vectors), vectors[0].shape
    sentences = np.concatenate(vectors)
    norms = lengths(sentences)
    units = sentences / norms.astype(np.float32)[:, np.newaxis]
    doubt = 2 * (dim + 8) * 2.0**-24  # of two cosines: a rounding for each product, sum, length and quotient
    found = np.zeros(
        (languages, languages, pairs), bool
    )  # whether a row's sentence finds its translation in the column
    for start in range(0, languages, _TOGETHER):
        check()
        cosines = units[start * pairs : (start + _TOGETHER) * pairs] @ units[start * pairs :].T
        cosines = cosines.reshape(-1, pairs, languages - start, pairs)
        translations = np.einsum("risi->ris", cosines)  # a view
        own = translations.copy()
        translations[:] = -np.inf
        later = np.triu(np.ones((len(own), languages - start), bool), 1)  # each two languages once
        rows, columns = np.nonzero(later)
        for back in (False, True):
            rivals = cosines.transpose(0, 3, 2, 1) if back else cosines  # (rows, pairs, columns, pairs)
            ahead = own - rivals.max(axis=3)
            nearest = ahead > 0
            row, sentence, column = open_ = np.nonzero(~(np.abs(ahead) > doubt) & later[:, np.newaxis])
            near = ~(rivals[open_] < own[open_][:, np.newaxis] - doubt)
            ours, theirs = (start + column, start + row) if back else (start + row, start + column)
            nearest[open_] = _nearest(sentences, norms, ours * pairs + sentence, theirs * pairs, sentence, near)
            place = (start + columns, start + rows) if back else (start + rows, start + columns)
            found[place] = nearest[rows, :, columns]
    scores: NDArray[np.float64] = np.stack([found & found.swapaxes(0, 1), found]).mean(axis=-1)
    scores[:, range(languages), range(languages)] = np.nan
    return scores


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
