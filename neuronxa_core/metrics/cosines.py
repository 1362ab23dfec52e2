"""What one layer's cosines say of every pair, found block by block, so that the whole matrix is never in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.similarity import lengths, paired_cosines, rounded_cosines, unit_vectors

CELLS = 2**23
"""Cells of a matrix that are in memory at a time, 64 MB: as fast as all of them."""
BINS = 80
"""Bins of the distribution between 0 and 1, and as many below 0."""


@dataclass(frozen=True)
class CosineSummary:
    """Of a (pairs, pairs) matrix of cosines: row = source, column = target.

    own: cosine of each translation, (pairs,). margin: that minus the best rival in its row or column. row_rank,
    column_rank: its rank there; 1 is best, ties get the worst rank. row_hits, column_hits: how often each target is the
    nearest of a source, and each source of a target. own_counts, other_counts: translations and all other cells by
    cosine, in 2 * BINS bins from -1 to 1. low, high: the ends of all cells. other_mean: the mean of all but the
    translations.
    """

    own: NDArray[np.float64]
    margin: NDArray[np.float64]
    row_rank: NDArray[np.int64]
    column_rank: NDArray[np.int64]
    row_hits: NDArray[np.int64]
    column_hits: NDArray[np.int64]
    own_counts: NDArray[np.int64]
    other_counts: NDArray[np.int64]
    low: float
    high: float
    other_mean: float

    @property
    def aligned(self) -> int:
        """Number of pairs that are each other's only nearest neighbour."""
        return int((self.margin > 0).sum())


class Cosines:
    """The cosines of one layer, as many at a time as are asked for."""

    def __init__(
        self,
        source: NDArray[np.floating],
        target: NDArray[np.floating],
        summary: CosineSummary | None = None,
        block: int = 0,
    ) -> None:
        """source, target: vectors, (pairs, dim). summary: if it is known. block: rows at a time, see CELLS."""
        self._source, self._target, self._known = source, target, summary
        self._block = block or max(1, CELLS // len(source))

    def __len__(self) -> int:
        return len(self._source)

    def part(
        self, rows: Sequence[int] | NDArray[np.int64], columns: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The cells of these rows and columns, (rows, columns)."""
        return rounded_cosines(
            unit_vectors(self._source[np.asarray(rows)]), unit_vectors(self._target[np.asarray(columns)])
        )

    def row(self, place: int) -> NDArray[np.float64]:
        """The cosines of one source sentence with every target sentence, (pairs,)."""
        row: NDArray[np.float64] = self.part([place], self._all)[0]
        return row

    def column(self, place: int) -> NDArray[np.float64]:
        """The cosines of every source sentence with one target sentence, (pairs,)."""
        return self.part(self._all, [place])[:, 0]

    def row_rivals(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The target nearest to each of these source sentences, its translation left out, (places,)."""
        found = [self._strongest(self.part(some, self._all), some) for some in self._split(places)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def column_rivals(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The source nearest to each of these target sentences, its translation left out, (places,)."""
        found = [self._strongest(self.part(self._all, some).T, some) for some in self._split(places)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def whole(self) -> NDArray[np.float64]:
        """All cells, (pairs, pairs)."""
        return rounded_cosines(unit_vectors(self._source), unit_vectors(self._target))

    @cached_property
    def summary(self) -> CosineSummary:
        """What all cells say, found block by block unless it is known."""
        return self._known or self._summarise()

    def _own(self) -> NDArray[np.float64]:
        pairs = len(self)
        both, places = np.concatenate([self._source, self._target]), np.arange(pairs)
        return paired_cosines(both, lengths(both), places, pairs + places)

    @property
    def _all(self) -> NDArray[np.int64]:
        return np.arange(len(self))

    def _split(self, places: NDArray[np.int64]) -> "list[NDArray[np.int64]]":
        return [places[start : start + self._block] for start in range(0, len(places), self._block)]

    @staticmethod
    def _strongest(lines: NDArray[np.float64], own: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each line of cells is highest without its own place. lines: (places, pairs); own: (places,)."""
        lines[np.arange(len(own)), own] = -np.inf
        strongest: NDArray[np.int64] = lines.argmax(axis=1)
        return strongest

    def _summarise(self) -> CosineSummary:
        own, tally = self._own(), _Tally(len(self))
        for rows in self._split(self._all):
            cells = self.part(rows, self._all)
            cells[rows - rows[0], rows] = own[rows]  # the same to the last bit, whatever the shape of the product
            tally.add(cells, rows, own)
        return tally.summary(own)


class Matrix(Cosines):
    """The same of a matrix that is at hand, (pairs, pairs)."""

    def __init__(self, matrix: NDArray[np.floating], block: int = 0) -> None:
        super().__init__(matrix, matrix, block=block)

    def part(
        self, rows: Sequence[int] | NDArray[np.int64], columns: Sequence[int] | NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The cells of these rows and columns, (rows, columns)."""
        return np.asarray(self._source[np.ix_(np.asarray(rows), np.asarray(columns))], dtype=np.float64)

    def whole(self) -> NDArray[np.float64]:
        """All cells, (pairs, pairs)."""
        return np.asarray(self._source, dtype=np.float64)

    def _own(self) -> NDArray[np.float64]:
        return self._source.diagonal().astype(np.float64)


def cosines_of(matrix: "NDArray[np.floating] | Cosines") -> Cosines:
    """The cosines of a matrix, or those that were given."""
    return matrix if isinstance(matrix, Cosines) else Matrix(matrix)


class _Tally:
    """Sums over blocks of rows."""

    def __init__(self, pairs: int) -> None:
        self.row_best = np.empty(pairs)
        self.column_best = np.full(pairs, -np.inf)
        self.row_rank = np.zeros(pairs, np.int64)
        self.column_rank = np.zeros(pairs, np.int64)
        self.row_hits = np.zeros(pairs, np.int64)
        self.nearest = np.full(pairs, -np.inf)
        self.nearest_row = np.zeros(pairs, np.int64)
        self.counts = np.zeros(2 * BINS, np.int64)
        self.low, self.high, self.total = np.inf, -np.inf, 0.0

    def add(self, cells: NDArray[np.float64], rows: NDArray[np.int64], own: NDArray[np.float64]) -> None:
        """Takes up a block. cells: (rows, pairs), and then no longer whole: the translations are taken out."""
        self.row_rank[rows] = (cells >= own[rows, None]).sum(axis=1)
        self.column_rank += (cells >= own).sum(axis=0)
        self.row_hits += np.bincount(cells.argmax(axis=1), minlength=len(own))
        first = cells.argmax(axis=0)
        highest = cells[first, np.arange(len(own))]
        closer = highest > self.nearest
        self.nearest[closer], self.nearest_row[closer] = highest[closer], rows[0] + first[closer]
        self.low, self.high = min(self.low, float(cells.min())), max(self.high, float(cells.max()))
        self.total += float(cells.sum())
        self.counts += _counted(cells)
        cells[rows - rows[0], rows] = -np.inf
        self.row_best[rows] = cells.max(axis=1)
        np.maximum(self.column_best, cells.max(axis=0), out=self.column_best)

    def summary(self, own: NDArray[np.float64]) -> CosineSummary:
        """What all blocks together say. own: the cosine of each translation."""
        pairs, own_counts = len(own), _counted(own)
        return CosineSummary(
            own=own,
            margin=own - np.maximum(self.row_best, self.column_best),
            row_rank=self.row_rank,
            column_rank=self.column_rank,
            row_hits=self.row_hits,
            column_hits=np.bincount(self.nearest_row, minlength=pairs),
            own_counts=own_counts,
            other_counts=self.counts - own_counts,
            low=self.low,
            high=self.high,
            other_mean=(self.total - float(own.sum())) / (pairs * (pairs - 1)),
        )


def edges() -> NDArray[np.float64]:
    """The ends of the bins, (2 * BINS + 1,), from -1 to 1."""
    return np.arange(-BINS, BINS + 1) / BINS


def _counted(values: NDArray[np.float64]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.histogram(np.clip(values, -1.0, 1.0), edges())[0]
    return counts
