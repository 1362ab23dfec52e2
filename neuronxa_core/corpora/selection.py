"""Which lines of a text become pairs: what is left out, then the first ones of the rest, or a seeded sample of it."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from neuronxa_core.errors import StudyError

LEAVE_OUT = ("unpaired", "unreadable", "empty", "duplicate", "same", "script", "control")
"""The kinds of lines that can be left out, see validation.LINE_KINDS, the one that is told first at the front."""

_LINES = re.compile(r"(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?")


@dataclass(frozen=True)
class LeftOut:
    """What a study leaves out: kinds of lines, and lines by their number, from 1."""

    kinds: frozenset[str] = frozenset()
    lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        kinds = [kind for kind in LEAVE_OUT if kind in self.kinds]
        return ",".join([*kinds, *([number_ranges(self.lines)] if self.lines else [])])


def read_left_out(text: str) -> LeftOut:
    """`empty,duplicate,12,40-44` as kinds and lines. Raises StudyError for what is neither."""
    kinds: set[str] = set()
    lines: set[int] = set()
    for part in filter(None, re.split(r"[\s,]+", text)):
        numbers = _LINES.fullmatch(part)
        if part in LEAVE_OUT:
            kinds.add(part)
        elif numbers and 0 < int(numbers["first"]) <= int(numbers["last"] or numbers["first"]) <= _MOST_LINES:
            lines |= set(range(int(numbers["first"]), int(numbers["last"] or numbers["first"]) + 1))
        else:
            raise StudyError(
                f"{part!r} is nothing that can be left out.",
                f"Give line numbers (12, or 40-44) or one of: {', '.join(LEAVE_OUT)}.",
            )
    return LeftOut(frozenset(kinds), tuple(sorted(lines)))


_MOST_LINES = 10_000_000


def number_ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers, runs of three and more as one part: `3,7,10-12`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    parts = [
        f"{first}-{last}" if last > first + 1 else ",".join(map(str, dict.fromkeys((first, last))))
        for first, last in runs
    ]
    return ",".join(parts)


def drawn(lines: Iterable[int], seed: int) -> list[int]:
    """The lines in the order in which the sample with this seed takes them.

    A line's place depends on the seed and its number alone (blake2b over `seed:line`), so a larger sample holds the
    smaller one, leaving a line out moves no other, and the sample is the same on every machine and in every language.
    """
    return sorted(lines, key=lambda line: hashlib.blake2b(f"{seed}:{line}".encode(), digest_size=8).digest())


@dataclass(frozen=True)
class Choice:
    """Which lines were chosen of how many, and what was left out before, by kind."""

    lines: tuple[int, ...]
    of: int
    seed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """`the first 100 of 1,012 lines; left out: 3 empty, 1 duplicate`."""
        how = f"a sample of {len(self.lines):,} of {self.of:,} lines, seed {self.seed}" if self.seed else (
            f"all {self.of:,} lines" if len(self.lines) == self.of else f"the first {len(self.lines):,} of {self.of:,} lines"
        )  # fmt: skip
        gone = ", ".join(f"{count:,} {kind}" for kind, count in self.left_out.items() if count)
        return f"{how}; left out: {gone}" if gone else how
