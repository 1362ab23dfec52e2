"""What a foreign text may take while it is read, and what becomes of whatever it makes a reader raise.

Every reader counts what it is about to hold, before it holds it: a small file may unpack to more than a machine has.
"""

import io
import logging
import stat
import traceback
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sys import getsizeof
from typing import IO

from neuronxa_core.errors import CorpusError, NeuronXAError

LONGEST = 16_000_000
"""Characters of one line, and of one row that is spread over several."""
MOST_LANGUAGES, MOST_PAIRS = 1_000, 50_000
"""Languages of one text, and pairs of languages with a text of their own."""
MOST_FILES = 20_000
"""Files and folders in a folder, counted with those below where catalogues are looked for."""
_PACKED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"\x28\xb5\x2f\xfd", b"Rar!")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bound:
    """What one text may take: bytes of memory once it is read, and rows."""

    size: int = 1_000_000_000
    rows: int = 2_000_000


GENEROUS = Bound()
"""For what whoever runs the dashboard chose; uploads have one of their own, see uploads.upload_bound."""


class Budget:
    """What is left of a bound while one text is read."""

    def __init__(self, name: str, bound: Bound = GENEROUS) -> None:
        self.name, self.bound = name, bound
        self.size = self.rows = 0

    def take(self, size: int = 0, rows: int = 0) -> None:
        """Counts what is about to be held. Raises CorpusError if it is too much."""
        self.size += size
        self.rows += rows
        if self.rows > self.bound.rows:
            raise CorpusError(f"{self.name} has more than {self.bound.rows:,} rows.", "Take a part of it.")
        if self.size > self.bound.size:
            raise CorpusError(
                f"{self.name} takes more than {self.bound.size / 1e6:,.0f} MB of memory once it is read.",
                "Take a part of it.",
            )

    def hold(self, cells: Sequence[str]) -> None:
        """Counts one row with these cells."""
        self.take(sum(map(getsizeof, cells)) + 8 * len(cells), 1)


@contextmanager
def told_in_one_sentence(name: str, kind: type[NeuronXAError] = CorpusError) -> Iterator[None]:
    """Whatever reading a foreign text raises comes out as a NeuronXAError that names the text.

    What no reader expects keeps its traceback in the log, under an id that the message gives.
    """
    try:
        yield
    except NeuronXAError:
        raise
    except MemoryError as error:
        raise kind(f"{name} takes more memory than there is.", "Take a part of it.") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise kind(f"{name} cannot be read ({why}).", "Check the file and its permissions.") from error
    except Exception as error:
        error_id = uuid.uuid4().hex[:8]
        _log.error("%s cannot be read, error id %s\n%s", name, error_id, traceback.format_exc())
        raise kind(
            f"{name} cannot be read ({type(error).__name__}, error id {error_id}).",
            "Save it again, or look the id up in the log.",
        ) from error


def refuse_unreadable(file: Path, bound: Bound = GENEROUS) -> None:
    """Raises CorpusError for what is no plain file (reading a pipe would wait for ever), and for what is too large."""
    try:
        status = file.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise CorpusError(f"{file.name} is neither a file nor a folder.", "Remove it, or put a file in its place.")
    if status.st_size > bound.size:
        raise CorpusError(f"{file.name} has {status.st_size / 1e6:,.0f} MB.", "Take a part of it.")


def text_lines(file: Path, bound: Bound = GENEROUS, newline: str = "\n") -> Iterator[str]:
    """The lines of a file in UTF-8, or in UTF-16 with its mark, each with its end, one at a time.

    newline: as `open` has it. Bytes that are not UTF-8 stay as lone surrogates, which no text has. Raises CorpusError for
    what cannot be read, archives, UTF-16 that is cut off, and lines longer than LONGEST.
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
    """As text_lines, of what is open already; `head` is how it begins."""
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
        raise CorpusError(f"{name} is UTF-16 that is cut off.", "Save it as UTF-8 and try again.") from error


def packed(name: str) -> CorpusError:
    return CorpusError(f"{name} is packed, and archives are not unpacked here.", "Unpack it and give the text.")


def too_long(name: str) -> CorpusError:
    return CorpusError(
        f"{name} has a line of more than {LONGEST / 1e6:.0f} million characters.", "Put each sentence on a line."
    )


def _unreadable(file: Path, error: OSError) -> CorpusError:
    why = error.strerror or type(error).__name__
    return CorpusError(f"{file} cannot be read ({why}).", "Check the file and its permissions.")
