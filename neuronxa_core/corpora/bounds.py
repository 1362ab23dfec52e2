"""Limits on the memory that a user's file may take while it is read.

Every reader counts what it is about to hold before it holds it: a small file may unpack to more than fits in memory.
"""

import io
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import getsizeof
from typing import IO

from neuronxa_core.errors import CorpusError

LONGEST = 16_000_000
"""Characters in one line, or in one row that spans several."""
MOST_LANGUAGES, MOST_PAIRS = 1_000, 50_000
"""Languages in one text, and language pairs that each have their own text."""
MOST_FILES = 20_000
"""Files and folders in a folder; the search for catalogues counts subfolders too."""
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd", b"Rar!")


@dataclass(frozen=True)
class Bound:
    """Limits for one text: bytes of memory once it is read, and rows."""

    size: int = 1_000_000_000
    rows: int = 2_000_000


GENEROUS = Bound()
"""For corpora chosen by whoever runs the dashboard; uploads have their own, see uploads.upload_bound."""


class Budget:
    """Counts memory and rows against a bound while one text is read."""

    def __init__(self, name: str, bound: Bound = GENEROUS) -> None:
        self.name, self.bound = name, bound
        self.size = self.rows = 0

    def take(self, size: int = 0, rows: int = 0) -> None:
        """Counts what is about to be held. Raises CorpusError if that exceeds the bound."""
        self.size += size
        self.rows += rows
        if self.rows > self.bound.rows:
            raise CorpusError(f"{self.name} has more than {self.bound.rows:,} rows.", "Use only part of it.")
        if self.size > self.bound.size:
            raise CorpusError(
                f"{self.name} takes more than {self.bound.size / 1e6:,.0f} MB of memory once it is read.",
                "Use only part of it.",
            )

    def hold(self, cells: Sequence[str]) -> None:
        """Counts one row with these cells."""
        self.take(sum(map(getsizeof, cells)) + 8 * len(cells), 1)


def refuse_unreadable(file: Path, bound: Bound = GENEROUS) -> None:
    """Raises CorpusError unless this is a regular file (reading a pipe would block) within the bound."""
    try:
        status = file.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise CorpusError(f"{file.name} is neither a file nor a folder.", "Remove it, or put a file in its place.")
    if status.st_size > bound.size:
        raise CorpusError(
            f"{file.name} has {status.st_size / 1e6:,.0f} MB, more than the {bound.size / 1e6:,.0f} MB allowed.",
            "Use only part of it.",
        )


def text_lines(file: Path, bound: Bound = GENEROUS, newline: str = "\n") -> Iterator[str]:
    """The lines of a file in UTF-8, or UTF-16 with a byte order mark, line ends included, one at a time.

    newline: as for `open`. Invalid UTF-8 becomes lone surrogates, which valid text never contains.
    Raises CorpusError for an unreadable file, an archive, truncated UTF-16 and a line longer than LONGEST.
    """
    refuse_unreadable(file, bound)
    try:
        with file.open("rb") as content:
            head = content.read(8)
            content.seek(0)
            yield from lines_in(file.name, head, content, newline)
    except OSError as error:
        raise _unreadable(file, error) from error


def lines_in(name: str, head: bytes, content: IO[bytes], newline: str = "\n") -> Iterator[str]:
    """Like text_lines, for an open file; `head` is its first bytes."""
    if head.startswith(_PACKED):
        raise packed(name)
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    encoding, errors = ("utf-16", "strict") if wide else ("utf-8-sig", "surrogateescape")
    text = io.TextIOWrapper(content, encoding, errors, newline)
    try:
        while line := text.readline(LONGEST + 1):
            if len(line) > LONGEST:
                raise too_long(name)
            yield line
    except UnicodeDecodeError as error:
        raise CorpusError(f"{name} is truncated UTF-16.", "Save it as UTF-8 and try again.") from error


def packed(name: str) -> CorpusError:
    return CorpusError(f"{name} is an archive, and archives are not unpacked.", "Unpack it and use the text itself.")


def too_long(name: str) -> CorpusError:
    return CorpusError(
        f"{name} has a line of more than {LONGEST / 1e6:.0f} million characters.", "Put one sentence on each line."
    )


def _unreadable(file: Path, error: OSError) -> CorpusError:
    why = error.strerror or type(error).__name__
    return CorpusError(f"{file.name} cannot be read ({why}).", "Check the file and its permissions.")
