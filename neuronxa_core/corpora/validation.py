"""What may be wrong with a bitext, line by line and as a whole, found in the text alone: no model is asked.

The two findings of the whole are statistics: a swap shows in the letters of the two sides, a shift in the lengths, the
numbers, the names and the marks that a sentence and its translation share.
"""

import re
import unicodedata
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import regex  # type: ignore[import-untyped]
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.selection import LEAVE_OUT, number_ranges

Side = Sequence[str]

_LETTER = regex.compile(r"[\p{L}\p{Mc}]+")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ufeff\ufffd\ufffe\uffff]")
"""Control characters but the tab, line and paragraph separators, overrides of direction, marks of a failed decoding."""
_NOT_DECODED = re.compile("[\ud800-\udfff]")  # either half of a pair: a damaged escape in JSON gives the first
_SCRIPTS = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Hani Hira Kana", "Hang": "Hang Hani", "Kore": "Hang Hani"}
_FARTHEST = 3
"""Lines that a shift is looked for in each direction."""
_MOST_COMPARED = 20_000
"""Lines of a text in which shifts and swaps are looked for: the first ones."""


@dataclass(frozen=True)
class Finding:
    """Something about some lines, from 1; `code` is the language whose side it is about, empty for both."""

    kind: str
    lines: tuple[int, ...]
    code: str = ""
    detail: str = ""

    @property
    def can_be_left_out(self) -> bool:
        """Whether the other pairs are sound without these lines."""
        return self.kind in LEAVE_OUT or self.kind == "long"

    @property
    def leave_out(self) -> str:
        """What a study has to leave out to be rid of it: its kind, or the lines themselves where the kind depends on a model."""
        return self.kind if self.kind in LEAVE_OUT else number_ranges(self.lines)

    @property
    def message(self) -> str:
        """One sentence that names the lines."""
        whose = f" of {self.code}" if self.code else ""
        return f"{named_lines(self.lines)}{whose} {_SAID[self.kind][len(self.lines) > 1]}{self.detail}."


def _both(one: str, several: str) -> tuple[str, str]:
    return one, several


_SAID: Mapping[str, tuple[str, str]] = {
    "unpaired": _both("has no line beside it", "have no line beside them"),
    "unreadable": _both("cannot be read", "cannot be read"),
    "empty": _both("is empty", "are empty"),
    "duplicate": _both("repeats an earlier line; equal sentences tie, and ties lose", "repeat earlier lines; equal sentences tie, and ties lose"),
    "same": _both("is the same text on both sides", "are the same text on both sides"),
    "script": _both("is not written in the script of its code", "are not written in the script of their code"),
    "control": _both("holds control characters", "hold control characters"),
    "long": _both("is longer than the model takes", "are longer than the model takes"),
    "swapped": _both("seems to have its two sides swapped", "seem to have their two sides swapped"),
    "shifted": _both("does not seem to mean the same", "do not seem to mean the same"),
}  # fmt: skip
NEXT_STEP: Mapping[str, str] = {
    "swapped": "Compare them with the lines around them, and swap them back in the file.",
    "shifted": "Look at the first of these lines, and mend the file there; scores of shifted lines say nothing.",
    "unreadable": "They are not UTF-8, or have the wrong number of columns: mend the file, or leave these lines out.",
}
"""What to do, where leaving out is not the first thing to do."""


def named_lines(lines: Sequence[int], most: int = 8) -> str:
    """`Line 3`, `Lines 3, 7 and 10-12`, `Lines 3, 7, ... and 40 more`."""
    if len(lines) == 1:
        return f"Line {lines[0]:,}"
    parts = number_ranges(lines).split(",")
    if len(parts) > most:
        rest = len(lines) - sum(_length(part) for part in parts[:most])
        return f"Lines {', '.join(parts[:most])} and {rest:,} more"
    return "Lines " + " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _length(part: str) -> int:
    first, _, last = part.partition("-")
    return int(last or first) - int(first) + 1


@lru_cache(maxsize=64)
def line_findings(source: str, target: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[Finding, ...]:
    """What single lines show, in the order of LEAVE_OUT. `ours` is in `source`, `theirs` in `target`."""
    paired = min(len(ours), len(theirs))
    found: list[Finding] = []
    longer = source if len(ours) > len(theirs) else target
    found.append(Finding("unpaired", tuple(range(paired + 1, max(len(ours), len(theirs)) + 1)), longer))
    sides = ((source, ours[:paired]), (target, theirs[:paired]))
    for kind, check in _CHECKS.items():
        found += [Finding(kind, check(code, side), code) for code, side in sides]
    same = [number for number, (one, two) in enumerate(zip(*(side for _, side in sides), strict=True), 1) if one == two and _LETTER.search(one)]  # fmt: skip
    found.append(Finding("same", tuple(same)))
    return tuple(sorted((each for each in found if each.lines), key=lambda each: LEAVE_OUT.index(each.kind)))


def is_decoded(text: str) -> bool:
    """Whether a line could be read: bytes that are not UTF-8, and rows that do not fit, are kept as lone surrogates by `formats`."""
    return text.isascii() or not _NOT_DECODED.search(text)


def _not_decoded(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if not is_decoded(text))


def _empty(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if not text)


def _repeated(code: str, side: Side) -> tuple[int, ...]:
    seen: set[str] = {""}
    repeated = []
    for number, text in enumerate(side, 1):
        if text in seen and text:
            repeated.append(number)
        seen.add(text)
    return tuple(repeated)


def _other_script(code: str, side: Side) -> tuple[int, ...]:
    """Lines of which more than half of the letters, and three at least, are not of the code's script."""
    script = language(code).script or code[4:8]
    names = _SCRIPTS.get(script, script).split()
    try:
        ours = regex.compile("[" + "".join(rf"\p{{sc={name}}}" for name in names) + r"\p{sc=Zyyy}\p{sc=Zinh}]+")
    except regex.error:  # no script, or none that Unicode knows
        return ()
    latin = "Latn" in names
    found = []
    for number, text in enumerate(side, 1):
        if latin and text.isascii():
            continue
        letters = "".join(_LETTER.findall(text))
        others = len(letters) - sum(map(len, ours.findall(letters)))
        if others >= 3 and 2 * others > len(letters):
            found.append(number)
    return tuple(found)


def _control(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if _CONTROL.search(text))


_CHECKS: Mapping[str, Callable[[str, Side], tuple[int, ...]]] = {
    "unreadable": _not_decoded,
    "empty": _empty,
    "duplicate": _repeated,
    "script": _other_script,
    "control": _control,
}


@lru_cache(maxsize=64)
def text_findings(source: str, target: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[Finding, ...]:
    """What only the text as a whole shows: lines whose two sides are swapped, and lines that are shifted against each other."""
    paired = min(len(ours), len(theirs), _MOST_COMPARED)
    ours, theirs = ours[:paired], theirs[:paired]
    swapped = _swapped(ours, theirs)
    found = [Finding("swapped", swapped)] if swapped else []
    if not swapped and (shift := _shifted(ours, theirs)):
        first, last, step = shift
        who = target if step > 0 else source
        many = "one line" if abs(step) == 1 else f"{abs(step)} lines"
        found.append(
            Finding("shifted", tuple(range(first, last + 1)), detail=f": {who} seems to be {many} behind there")
        )
    return tuple(found)


def _swapped(ours: Side, theirs: Side) -> tuple[int, ...]:
    """A run of lines that stand the other way round than most: between the sides differ the letters, and there their sign.

    The direction in which the letter counts of the two sides differ most is the first singular vector of their differences,
    which does not change when pairs are turned; a turned pair lies on its other side.
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
    """(lines, width): how often each letter and each two letters occur, hashed into `width` columns, each row of length 1."""
    counts: NDArray[np.float32] = np.zeros((len(side), width), dtype=np.float32)
    for row, text in enumerate(side):
        lower = text[:300].lower()
        marks = [*lower, *map("".join, pairwise(lower))]
        np.add.at(counts[row], [zlib.crc32(mark.encode("utf-8", "surrogatepass")) % width for mark in marks], 1)
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    return np.asarray(counts / np.where(norms == 0, 1, norms), dtype=np.float32)


def _shifted(ours: Side, theirs: Side) -> tuple[int, int, int] | None:
    """(first line, last line, step): where line i goes with line i + step of the other side rather than with line i.

    For each step the run of lines is sought that gains most log-likelihood by it. It is believed if it gains more than the
    logarithm of the number of runs and steps among which it was chosen.
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
    """How much likelier two lines are as translations of each other than as strangers, in nats, for steps near 0."""

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
        """Of line i of the first side with line i + step of the second; NaN where there is none."""
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
        """How often the marks agree beyond chance, as Cohen's kappa has it."""
        ours, theirs = _beside(self.marks, step)
        chance = sum((ours == mark).mean() * (theirs == mark).mean() for mark in range(3))
        return float(((ours == theirs).mean() - chance) / max(1 - chance, 0.02))


def _beside(sides: Sequence[NDArray[Any]], step: int) -> tuple[NDArray[Any], NDArray[Any]]:
    ours, theirs = sides
    return ours[max(0, -step) : len(ours) - max(0, step)], theirs[max(0, step) : len(theirs) - max(0, -step)]


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((values - values.mean()) / (values.std() or 1.0))


def _mark(text: str) -> int:
    """0 for a statement, 1 for a question, 2 for an exclamation, by the marks that languages write."""
    return 1 if re.search("[?？؟;՞፧]", text) else 2 if re.search("[!！՜]", text) else 0


def _anchors(text: str) -> frozenset[str]:
    """What a translation keeps: numbers, and the beginnings of longer Latin words."""
    plain = unicodedata.normalize("NFKC", text[:400])
    numbers = {str(int(number)) for number in re.findall(r"\d{1,9}", plain)}
    words = {word[:5].lower() for word in re.findall(r"[A-Za-z]{5,}", plain)}
    return frozenset(numbers | words)


def _densest_run(values: NDArray[np.float64]) -> tuple[int, int, float]:
    """The run of lines with the largest sum: first, last, sum."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums[:-1])
    gains = sums[1:] - lowest
    last = int(gains.argmax())
    first = int(np.flatnonzero(sums[: last + 1] == lowest[last])[-1])
    return first, last, float(gains[last])
