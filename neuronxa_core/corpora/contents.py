"""The contents of a corpus: one text in several languages, or language pairs that each have their own text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from neuronxa_core.corpora.bounds import MOST_LANGUAGES, MOST_PAIRS
from neuronxa_core.errors import CorpusError

ReadLanguage = Callable[[], tuple[str, ...]]
"""Reads the sentences of one language on demand."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Contents:
    """One text in several languages (`together`), or language pairs that each have their own text (`pairs`)."""

    together: dict[str, ReadLanguage] = field(default_factory=dict)
    pairs: dict[Pair, tuple[ReadLanguage, ReadLanguage]] = field(default_factory=dict)
    source: str = ""
    """A key of sources.SOURCES, where file names and layout identify the corpus."""
    commit: str = ""
    """Commit of a corpus on the hub."""
    rows: int = 0
    """Rows of a file that is read as a whole; 0 where languages are read on demand."""
    size: int = 0
    """Bytes of memory that such a file takes."""


def one_line(text: str) -> str:
    """A sentence as one line: line ends become spaces, surrounding whitespace is removed."""
    return text.replace("\n", " ").replace("\r", "").strip() if "\n" in text else text.strip()


def by_pairs(name: str, rows: Sequence[Mapping[str, str]], size: int = 0) -> Contents:
    """One common text if every row has every language; otherwise, per language pair, the rows that have both.

    name: the file or folder, for error messages. Raises CorpusError for fewer than two languages, or too many.
    """
    codes = sorted({code for row in rows for code in row})
    if len(codes) < 2:
        raise CorpusError(f"{name} has fewer than two languages.", "Provide each sentence in two or more.")
    if len(codes) > MOST_LANGUAGES:
        raise CorpusError(f"{name} has {len(codes):,} languages.", f"Keep {MOST_LANGUAGES:,} or fewer.")
    if all(row.get(code) for row in rows for code in codes):
        together = {code: lambda code=code: tuple(row[code] for row in rows) for code in codes}
        return Contents(together, rows=len(rows), size=size)  # type: ignore[arg-type]

    def side(code: str, other: str) -> ReadLanguage:
        return lambda: tuple(row[code] for row in rows if row.get(code) and row.get(other))

    pairs = {(one, two): (side(one, two), side(two, one)) for one, two in sorted(_pairs_of(name, rows))}
    return Contents(pairs=pairs, rows=len(rows), size=size)


def _pairs_of(name: str, rows: Sequence[Mapping[str, str]]) -> set[Pair]:
    pairs: set[Pair] = set()
    for present in {frozenset(code for code in row if row[code]) for row in rows}:
        if len(present) * (len(present) - 1) // 2 <= MOST_PAIRS:
            pairs.update(combinations(sorted(present), 2))
        if len(present) * (len(present) - 1) // 2 > MOST_PAIRS or len(pairs) > MOST_PAIRS:
            raise CorpusError(f"{name} has more than {MOST_PAIRS:,} language pairs.", "Keep fewer languages.")
    return pairs
