"""What the check of a bitext reports: findings that name their lines, and what to do about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuronxa_core.corpora.selection import LEAVE_OUT, number_ranges


@dataclass(frozen=True)
class Finding:
    """One problem and the lines that have it, counted from 1. `code` is the language concerned, empty for both."""

    kind: str
    lines: tuple[int, ...]
    code: str = ""
    detail: str = ""

    @property
    def can_be_left_out(self) -> bool:
        """Whether the remaining pairs are sound once these lines are left out."""
        return self.kind in LEAVE_OUT or self.kind == "long"

    @property
    def leave_out(self) -> str:
        """The entry for a study's leave-out list: the kind, or line numbers where the kind depends on a model."""
        return self.kind if self.kind in LEAVE_OUT else number_ranges(self.lines)

    @property
    def message(self) -> str:
        """One sentence that names the lines."""
        whose = f" of {self.code}" if self.code else ""
        return f"{named_lines(self.lines)}{whose} {_SAID[self.kind][len(self.lines) > 1]}{self.detail}."


_SAID: Mapping[str, tuple[str, str]] = {
    "unpaired": ("has no counterpart in the other language", "have no counterpart in the other language"),
    "unreadable": ("cannot be read", "cannot be read"),
    "empty": ("is empty", "are empty"),
    "duplicate": (
        "repeats an earlier line; equal sentences tie, and a tie is a miss",
        "repeat earlier lines; equal sentences tie, and a tie is a miss",
    ),
    "same": ("is the same text on both sides", "are the same text on both sides"),
    "script": ("is not in the script of its language code", "are not in the script of their language code"),
    "control": ("contains control characters", "contain control characters"),
    "long": ("is longer than the model's context", "are longer than the model's context"),
    "swapped": ("appears to have its two sides swapped", "appear to have their two sides swapped"),
    "shifted": ("does not appear to be a translation", "do not appear to be translations of each other"),
}
"""What a message says of one line and of several, by kind."""
NEXT_STEP: Mapping[str, str] = {
    "swapped": "Compare them with the lines around them, and swap them back in the file.",
    "shifted": "Repair the file from the first of these lines on; scores of shifted lines are meaningless.",
    "unreadable": "They are not UTF-8 or have the wrong number of columns. Repair the file, or leave these lines out.",
}
"""The next step for kinds where it is not simply to leave the lines out."""


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
