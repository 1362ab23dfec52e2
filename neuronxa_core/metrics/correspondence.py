"""How far two languages' spaces correspond over parallel sentences, neuron by neuron (ANC) or as a whole (CKA)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.cosines import CELLS
from neuronxa_core.metrics.estimate import Estimate, jackknifed

_NONE = 1e-12
"""Share of what it was below which the product of both variances, left without a pair, counts as none."""
_BLOCK = 256
"""Neurons at a time, which stay in the CPU's cache."""
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
    sides = [each.astype(np.float64) - each.mean(axis=0) for each in (source, target)]  # changes only the rounding
    sums, scales = _kernel_sums(*sides)
    (own, own_left), (other, other_left), (both, both_left) = (
        _hsic(sums, *which) for which in ((0, 0), (1, 1), (0, 1))
    )
    value = _ratio(np.asarray(both), np.asarray(own), np.asarray(other), scales)
    left_out = _ratio(both_left, own_left, other_left, scales) if pairs > _FEWEST else np.full(pairs, np.nan)
    return jackknifed(float(value), left_out, (-1.0, 1.0))


@dataclass(frozen=True)
class _KernelSums:
    """Sums over the rows of two kernels with an empty diagonal, K and L, each (pairs,) for every pair of kernels.

    rows: of K, of L. products: of K K, K L, L L, element by element. through: K r, with r the row sums of a kernel.
    """

    rows: tuple[NDArray[np.float64], NDArray[np.float64]]
    products: dict[tuple[int, int], NDArray[np.float64]]
    through: dict[tuple[int, int], NDArray[np.float64]]


def _kernel_sums(source: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[_KernelSums, list[float]]:
    """The sums of the kernels of centred vectors, a block of rows at a time, and the largest entry of each kernel."""
    pairs, sides = len(source), (source, target)
    block = max(1, CELLS // pairs)
    rows = tuple(each @ each.sum(axis=0) - np.einsum("nd,nd->n", each, each) for each in sides)
    products = {which: np.empty(pairs) for which in ((0, 0), (0, 1), (1, 1))}
    through = {which: np.empty(pairs) for which in ((0, 0), (0, 1), (1, 0), (1, 1))}
    scales = [0.0, 0.0]
    for start in range(0, pairs, block):
        part = np.arange(start, min(start + block, pairs))
        kernels = [each[part] @ each.T for each in sides]
        for side, kernel in enumerate(kernels):
            kernel[part - start, part] = 0.0
            scales[side] = max(scales[side], float(np.abs(kernel).max()))
        for (one, two), found in products.items():
            found[part] = np.einsum("ij,ij->i", kernels[one], kernels[two])
        for (one, two), found in through.items():
            found[part] = kernels[one] @ rows[two]
    return _KernelSums((rows[0], rows[1]), products, through), scales


def _ratio(
    both: NDArray[np.float64], own: NDArray[np.float64], other: NDArray[np.float64], scales: list[float]
) -> NDArray[np.float64]:
    """CKA from three debiased HSIC; NaN where a side has no variance of its own. scales: of the kernels' entries."""
    varies = (own > _NONE * scales[0] ** 2) & (other > _NONE * scales[1] ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.clip(both / np.sqrt(own * other), -1.0, 1.0)
    return np.where(varies, ratio, np.nan)


def _hsic(sums: _KernelSums, one: int, two: int) -> tuple[float, NDArray[np.float64]]:
    """(debiased HSIC of all pairs, (pairs,) that without each) of two of the kernels."""
    trace, rows = sums.products[one, two], (sums.rows[one], sums.rows[two])
    crossed = float(rows[0] @ rows[1])
    without = crossed - rows[0] * rows[1] - sums.through[one, two] - sums.through[two, one] + trace
    totals = float(rows[0].sum()), float(rows[1].sum())
    left_totals = totals[0] - 2 * rows[0], totals[1] - 2 * rows[1]
    whole = _combined(np.asarray(trace.sum()), np.asarray(totals[0] * totals[1]), np.asarray(crossed), len(trace))
    left = _combined(trace.sum() - 2 * trace, left_totals[0] * left_totals[1], without, len(trace) - 1)
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
