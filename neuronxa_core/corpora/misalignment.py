"""Misalignment that shows only in a bitext as a whole: swapped sides and shifted lines, found statistically.

A swap shows in the letters of the two sides; a shift in what a sentence shares with its translation: length, numbers,
names and final punctuation.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.corpora.findings import Finding
from neuronxa_core.corpora.validation import Side

_FARTHEST = 3
"""Largest shift considered, in lines, in either direction."""
_MOST_COMPARED = 20_000
"""Lines compared, from the start of the text."""


@lru_cache(maxsize=64)
def text_findings(source: str, target: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[Finding, ...]:
    """The run of lines with swapped sides, or else with shifted lines, as at most one finding."""
    paired = min(len(ours), len(theirs), _MOST_COMPARED)
    ours, theirs = ours[:paired], theirs[:paired]
    swapped = _swapped(ours, theirs)
    found = [Finding("swapped", swapped)] if swapped else []
    if not swapped and (shift := _shifted(ours, theirs)):
        first, last, step = shift
        who = target if step > 0 else source
        many = "one line" if abs(step) == 1 else f"{abs(step)} lines"
        found.append(Finding("shifted", tuple(range(first, last + 1)), detail=f": {who} appears to be {many} behind"))
    return tuple(found)


def _swapped(ours: Side, theirs: Side) -> tuple[int, ...]:
    """The run of lines whose sides are the reverse of the majority; empty if there is none.

    The letter counts of the two sides differ most along the first singular vector of their differences. Swapping pairs
    leaves that direction unchanged; a swapped pair projects onto it with the opposite sign.
    """
    if len(ours) < 20:
        return ()
    difference = _letter_counts(ours) - _letter_counts(theirs)
    axis = np.linalg.eigh(difference.T @ difference)[1][:, -1]
    place = difference @ axis
    place *= np.sign(np.median(place)) or 1.0
    width = np.median(np.abs(place))
    if width == 0:
        return ()
    turned = np.clip(-place / width, -1, 1)
    first, last, total = _densest_run(turned)
    if total < 8 or total < 0.6 * (last - first + 1) or (place > 0).mean() > 1 - 8 / len(ours):
        return ()
    return tuple(range(first + 1, last + 2))


def _letter_counts(side: Side, width: int = 256) -> NDArray[np.float32]:
    """(lines, width): counts of letters and letter bigrams, hashed into `width` columns; each row has norm 1."""
    counts: NDArray[np.float32] = np.zeros((len(side), width), dtype=np.float32)
    for row, text in enumerate(side):
        lower = text[:300].lower()
        marks = [*lower, *map("".join, pairwise(lower))]
        np.add.at(counts[row], [zlib.crc32(mark.encode("utf-8", "surrogatepass")) % width for mark in marks], 1)
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(counts / np.where(norms == 0, 1, norms), dtype=np.float32)


def _shifted(ours: Side, theirs: Side) -> tuple[int, int, int] | None:
    """(first line, last line, step) of the run in which line i matches line i + step of the other side; None if none.

    For each step this is the run that gains most log-likelihood. It counts only if the gain exceeds the logarithm of
    the number of runs and steps it was chosen from.
    """
    if len(ours) < 20:
        return None
    kinship = _Kinship(ours, theirs)
    in_place = kinship.by_step(0)
    best: tuple[float, int, int, int] = float(np.log(len(ours) ** 2 * _FARTHEST)), 0, 0, 0
    for step in [step for far in range(1, _FARTHEST + 1) for step in (far, -far)]:
        first, last, total = _densest_run(np.nan_to_num(kinship.by_step(step) - in_place))
        if last - first >= 9 and total > best[0]:
            best = total, first + 1, last + 1, step
    return best[1:] if best[3] else None


class _Kinship:
    """Log-likelihood ratios, in nats, of two lines being translations rather than unrelated, for steps near 0."""

    def __init__(self, ours: Side, theirs: Side) -> None:
        self.lengths = [_standardized(np.log([len(text) + 1 for text in side])) for side in (ours, theirs)]
        self.marks = [np.array([_mark(text) for text in side]) for side in (ours, theirs)]
        self.anchors = [[_anchors(text) for text in side] for side in (ours, theirs)]
        often: dict[str, int] = {}
        for line in self.anchors[0]:
            for anchor in line:
                often[anchor] = often.get(anchor, 0) + 1
        self.rarity = {anchor: np.log(len(ours) / count) for anchor, count in often.items()}
        steps = range(-_FARTHEST, _FARTHEST + 1)
        self.correlation = max(0.1, min(0.97, max(self._correlation(step) for step in steps)))
        self.agreement = max(0.5, min(0.97, max(self._agreement(step) for step in steps)))

    def by_step(self, step: int) -> NDArray[np.float64]:
        """The ratio for line i of the first side and line i + step of the second; NaN where there is no such line."""
        kinship = np.full(len(self.lengths[0]), np.nan)
        here = np.arange(max(0, -step), len(kinship) - max(0, step))
        x, y, r = self.lengths[0][here], self.lengths[1][here + step], self.correlation
        apart = (r * r * (x * x + y * y) - 2 * r * x * y) / (2 * (1 - r * r))
        kinship[here] = np.clip(-0.5 * np.log(1 - r * r) - apart, -4, 4)
        equal = self.marks[0][here] == self.marks[1][here + step]
        share = (self.marks[1][:, np.newaxis] == np.arange(3)).mean(axis=0)[self.marks[0][here]].clip(0.02, 0.98)
        a = self.agreement
        kinship[here] += np.where(equal, np.log((a + (1 - a) * share) / share), np.log(1 - a))
        kinship[here] += np.array([self._shared(line, line + step) for line in here.tolist()])
        return kinship

    def _shared(self, line: int, other: int) -> float:
        common = self.anchors[0][line] & self.anchors[1][other]
        return min(4.0, 0.5 * sum(self.rarity[anchor] for anchor in common)) if common else 0.0

    def _correlation(self, step: int) -> float:
        ours, theirs = _beside(self.lengths, step)
        return float(np.mean(ours * theirs))

    def _agreement(self, step: int) -> float:
        """Agreement of the marks beyond chance: Cohen's kappa."""
        ours, theirs = _beside(self.marks, step)
        chance = sum((ours == mark).mean() * (theirs == mark).mean() for mark in range(3))
        return float(((ours == theirs).mean() - chance) / max(1 - chance, 0.02))


def _beside(sides: Sequence[NDArray[Any]], step: int) -> tuple[NDArray[Any], NDArray[Any]]:
    ours, theirs = sides
    return ours[max(0, -step) : len(ours) - max(0, step)], theirs[max(0, step) : len(theirs) - max(0, -step)]


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / (values.std() or 1.0))


def _mark(text: str) -> int:
    """0 for a statement, 1 for a question, 2 for an exclamation, by punctuation in any script."""
    return 1 if re.search("[?？؟;՞፧]", text) else 2 if re.search("[!！՜]", text) else 0


def _anchors(text: str) -> frozenset[str]:
    """What survives translation: numbers, and the first five letters of longer Latin words (names)."""
    plain = unicodedata.normalize("NFKC", text[:400])
    numbers = {str(int(number)) for number in re.findall(r"\d{1,9}", plain)}
    words = {word[:5].lower() for word in re.findall(r"[A-Za-z]{5,}", plain)}
    return frozenset(numbers | words)


def _densest_run(values: NDArray[np.float64]) -> tuple[int, int, float]:
    """(first, last, sum) of the run of lines with the largest sum."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums[:-1])
    gains = sums[1:] - lowest
    last = int(gains.argmax())
    first = int(np.flatnonzero(sums[: last + 1] == lowest[last])[-1])
    return first, last, float(gains[last])
