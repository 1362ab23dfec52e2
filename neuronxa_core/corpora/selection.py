"""Which lines of a text become pairs: after some are left out, the first ones or a seeded sample."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from neuronxa_core.errors import StudyError

LEAVE_OUT = ("unpaired", "unreadable", "empty", "duplicate", "same", "script", "control")
"""Kinds of lines that can be left out, see validation, in the order in which they are reported."""
Range = tuple[int, int]
"""First and last line of a run."""

_PART = re.compile(r"[^\s,]+")
_LINES = re.compile(r"(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?")
_MOST_LINES = 10_000_000
_MOST_CHARACTERS = 2_000_000


@dataclass(frozen=True)
class LeftOut:
    """What a study leaves out: kinds of lines, and single lines by number, from 1.

    lines: ascending runs that neither overlap nor touch; a run takes the same memory however long it is.
    """

    kinds: frozenset[str] = frozenset()
    lines: tuple[Range, ...] = ()

    def __str__(self) -> str:
        kinds = [kind for kind in LEAVE_OUT if kind in self.kinds]
        return ",".join([*kinds, *([_written(self.lines)] if self.lines else [])])

    def names(self, line: int) -> bool:
        """Whether a line is left out by number."""
        place = bisect_right(self.lines, (line, _MOST_LINES)) - 1
        return place >= 0 and line <= self.lines[place][1]

    def up_to(self, last: int) -> Iterator[int]:
        """The lines up to `last` that are left out by number."""
        for first, end in self.lines:
            yield from range(first, min(end, last) + 1)


def read_left_out(text: str) -> LeftOut:
    """The kinds and lines in a list such as `empty,duplicate,12,40-44`.

    Raises StudyError for an entry that is neither, and for a list of over two million characters.
    """
    if len(text) > _MOST_CHARACTERS:
        raise StudyError("The list of lines to leave out is too long.", "Use ranges such as 40-44, or edit the file.")
    kinds: set[str] = set()
    lines: list[Range] = []
    for found in _PART.finditer(text):
        part = found[0]
        numbers = _LINES.fullmatch(part)
        if part in LEAVE_OUT:
            kinds.add(part)
        elif numbers and 0 < int(numbers["first"]) <= int(numbers["last"] or numbers["first"]) <= _MOST_LINES:
            lines.append((int(numbers["first"]), int(numbers["last"] or numbers["first"])))
        else:
            raise StudyError(
                f"{part[:40]!r} is neither a line number nor a kind of line to leave out.",
                f"Use line numbers (12, or 40-44) or one of: {', '.join(LEAVE_OUT)}.",
            )
    return LeftOut(frozenset(kinds), _merged(sorted(lines)))


def runs_of(numbers: Iterable[int]) -> tuple[Range, ...]:
    """Runs of consecutive numbers, from ascending numbers."""
    return _merged((number, number) for number in numbers)


def _merged(ascending: Iterable[Range]) -> tuple[Range, ...]:
    runs: list[Range] = []
    for first, last in ascending:
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = runs[-1][0], max(last, runs[-1][1])
        else:
            runs.append((first, last))
    return tuple(runs)


def number_ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as text, with three or more in a row as a range: `3,7,10-12`."""
    return _written(runs_of(numbers))


def _written(runs: Iterable[Range]) -> str:
    return ",".join(
        f"{first}-{last}" if last > first + 1 else ",".join(map(str, dict.fromkeys((first, last))))
        for first, last in runs
    )


def drawn(lines: Iterable[int], seed: int) -> list[int]:
    """The lines in the order in which a sample with this seed takes them.

    A line's place depends only on the seed and its number (blake2b over `seed:line`). So a larger sample contains the
    smaller one, leaving out a line moves no other, and the sample is the same on every machine and in every language.
    """
    return sorted(lines, key=lambda line: hashlib.blake2b(f"{seed}:{line}".encode(), digest_size=8).digest())


@dataclass(frozen=True)
class Choice:
    """The lines chosen, out of how many, and the number left out beforehand, by kind."""

    lines: tuple[int, ...]
    of: int
    seed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """`the first 100 of 1,012 lines; left out: 3 empty, 1 duplicate`."""
        if self.seed:
            how = f"a sample of {len(self.lines):,} of {self.of:,} lines, seed {self.seed}"
        elif len(self.lines) == self.of:
            how = f"all {self.of:,} lines"
        else:
            how = f"the first {len(self.lines):,} of {self.of:,} lines"
        gone = ", ".join(f"{count:,} {kind}" for kind, count in self.left_out.items() if count)
        return f"{how}; left out: {gone}" if gone else how
