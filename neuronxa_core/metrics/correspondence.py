"""How far two languages' spaces correspond over parallel sentences, neuron by neuron (ANC) or as a whole (CKA)."""

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.estimate import Estimate, jackknifed

_NONE = 1e-12
"""Share of what it was below which the product of both variances, left without a pair, counts as none."""
_BLOCK = 256
"""Neurons at a time, which stay in the processor's cache."""
_FEWEST = 4
"""Minimum number of pairs for debiased CKA."""


def constant_share(source: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    """Share of the neurons that ANC leaves out, in [0, 1]: those without variance in one of the two languages."""
    return float(((np.ptp(source, axis=0) == 0) | (np.ptp(target, axis=0) == 0)).mean())


def neuron_correlation(source: NDArray[np.floating], target: NDArray[np.floating]) -> float:
    """ANC: mean over neurons of the absolute Pearson correlation between sentences and translations, in [0, 1].

    source, target: (pairs, dim), row i is pair i. Neurons that are constant in either language are ignored; 0 if none
    remains. Source: average neuron-wise correlation, arXiv:2212.01924.
    """
    return average_correlation(source, target).value


def average_correlation(source: NDArray[np.floating], target: NDArray[np.floating]) -> Estimate:
    """ANC with its contributions, see neuron_correlation; without a sentence, neurons that vary only there are ignored.

    The interval is the jackknife's, around a value that chance raises: about sqrt(2 / (pi (pairs - 1))) without any
    correspondence, which no interval takes off.
    """
    pairs, sums = len(source), np.zeros((2, len(source) + 1))  # of correlations and of neurons, without each pair; all
    for start in range(0, source.shape[1], _BLOCK):
        block = slice(start, start + _BLOCK)
        sums += _correlations(source[:, block], target[:, block])
    means = np.divide(sums[0], sums[1], out=np.zeros(pairs + 1), where=sums[1] > 0)
    return jackknifed(float(means[-1]), means[:-1], (0.0, 1.0))


def _correlations(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, pairs + 1): the sum of absolute correlations and the number of neurons, without each pair and, last, of all.

    Leaving one pair out takes n / (n - 1) of its product off a sum of products of deviations.
    """
    vary = (np.ptp(source, axis=0) > 0) & (np.ptp(target, axis=0) > 0)
    first, second = (_standardised(each[:, vary]) for each in (source, target))
    scale = len(first) / (len(first) - 1)
    alone = (1 - scale * first**2) * (1 - scale * second**2)
    together = first * second
    whole = together.sum(axis=0)
    known = alone > _NONE
    left = np.abs(whole - scale * together) / np.sqrt(np.where(known, alone, 1.0)) * known
    sums = np.append(left.sum(axis=1), np.abs(whole).sum())
    return np.stack([sums, np.append(known.sum(axis=1), vary.sum())])


def _standardised(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Columns of mean 0 and length 1."""
    centred = values.astype(np.float64)
    centred -= centred.mean(axis=0)
    unit: NDArray[np.float64] = centred / np.linalg.norm(centred, axis=0)
    return unit


def debiased_cka(source: NDArray[np.floating], target: NDArray[np.floating]) -> Estimate:
    """Linear CKA, debiased, in [-1, 1]; about 0 without correspondence, whatever the number of neurons.

    HSIC(K, L) = (tr(KL) + sum(K) sum(L) / ((n - 1)(n - 2)) - 2 / (n - 2) sum(KL)) / (n (n - 3)), K and L being the
    inner products with an empty diagonal; CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)).
    source, target: (pairs, dim), not centred. NaN for fewer than 4 pairs or a side without variance; the interval
    needs 5 pairs. Source: Kornblith et al. 2019, arXiv:1905.00414; Song et al. 2012, JMLR 13, for the debiased HSIC.
    """
    pairs = len(source)
    kernels = [each.astype(np.float64) - each.mean(axis=0) for each in (source, target)]
    kernels = [each @ each.T for each in kernels]  # centring changes nothing but the rounding
    for kernel in kernels:
        np.fill_diagonal(kernel, 0.0)
    (own, own_left), (other, other_left), (both, both_left) = (
        _hsic(kernels[one], kernels[two]) for one, two in ((0, 0), (1, 1), (0, 1))
    )
    scales = [np.abs(kernel).max() for kernel in kernels]
    value = _ratio(np.asarray(both), np.asarray(own), np.asarray(other), scales)
    left_out = _ratio(both_left, own_left, other_left, scales) if pairs > _FEWEST else np.full(pairs, np.nan)
    return jackknifed(float(value), left_out, (-1.0, 1.0))


def _ratio(
    both: NDArray[np.float64], own: NDArray[np.float64], other: NDArray[np.float64], scales: list[float]
) -> NDArray[np.float64]:
    """CKA from three debiased HSIC; NaN where a side has no variance of its own. scales: of the kernels' entries."""
    varies = (own > _NONE * scales[0] ** 2) & (other > _NONE * scales[1] ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.clip(both / np.sqrt(own * other), -1.0, 1.0)
    return np.where(varies, ratio, np.nan)


def _hsic(one: NDArray[np.float64], two: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """(debiased HSIC of all pairs, (pairs,) that without each), from kernels with an empty diagonal."""
    trace, rows = (one * two).sum(axis=1), (one.sum(axis=1), two.sum(axis=1))
    crossed = float(rows[0] @ rows[1])
    without = crossed - rows[0] * rows[1] - one @ rows[1] - two @ rows[0] + trace
    totals = float(rows[0].sum()), float(rows[1].sum())
    left_totals = totals[0] - 2 * rows[0], totals[1] - 2 * rows[1]
    whole = _combined(np.asarray(trace.sum()), np.asarray(totals[0] * totals[1]), np.asarray(crossed), len(one))
    left = _combined(trace.sum() - 2 * trace, left_totals[0] * left_totals[1], without, len(one) - 1)
    return float(whole), left


def _combined(
    trace: NDArray[np.float64], totals: NDArray[np.float64], crossed: NDArray[np.float64], pairs: int
) -> NDArray[np.float64]:
    """The debiased HSIC from tr(KL), sum(K) sum(L) and sum(KL); NaN for fewer than 4 pairs."""
    if pairs < _FEWEST:
        return np.full(np.shape(trace), np.nan)
    inner = trace + totals / ((pairs - 1) * (pairs - 2)) - 2 * crossed / (pairs - 2)
    found: NDArray[np.float64] = inner / (pairs * (pairs - 3))
    return found
