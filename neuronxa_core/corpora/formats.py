"""Readers for parallel text in one file: TSV, CSV, JSONL and Parquet (for TMX and gettext see `memories`).

A table has one column per language and one row per sentence. Files are read row by row within a bound, see `bounds`.
"""

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neuronxa_core.corpora import parquet
from neuronxa_core.corpora.bounds import GENEROUS, LONGEST, MOST_LANGUAGES, Bound, Budget, packed, text_lines, too_long
from neuronxa_core.corpora.contents import Contents, one_line
from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.corpora.memories import read_po, read_tmx
from neuronxa_core.errors import CorpusError, OneLanguageError


def read_file(file: Path, bound: Bound = GENEROUS) -> Contents:
    """The contents of a file, whose suffix gives the format. Raises CorpusError, naming the line, if it is invalid."""
    suffix = file.suffix.lower()
    if suffix in _PACKED:
        raise packed(file.name)
    if suffix in _SHEETS:
        raise CorpusError(f"{file.name} is a spreadsheet.", "Save it as CSV, with a column per language.")
    return _BY_SUFFIX.get(suffix, _read_tsv)(file, bound)


def lines_of(file: Path, bound: Bound = GENEROUS) -> Iterator[str]:
    """The lines of a file. Only a line feed ends one, so a stray U+2028 in a sentence does not shift the rest."""
    for line in text_lines(file, bound):
        yield line.removesuffix("\n").removesuffix("\r")


def _read_tsv(file: Path, bound: Bound) -> Contents:
    """A table with tabs and no quoting, so that a sentence may begin with a quotation mark."""
    return _table(file, (line.split("\t") for line in lines_of(file, bound)), bound)


def _read_csv(file: Path, bound: Bound) -> Contents:
    return _table(file, csv_rows(file.name, text_lines(file, bound, newline="")), bound)


def csv_rows(name: str, lines: Iterator[str], delimiters: str = ",;") -> Iterator[Sequence[str]]:
    """The rows of a CSV, whose delimiter is the one most frequent in the first line.

    A truncated last row comes back empty. Raises CorpusError for invalid CSV and for a row longer than LONGEST.
    """
    first = next(lines, "")
    row_length = 0

    def counted() -> Iterator[str]:
        nonlocal row_length
        for line in itertools.chain([first] if first else [], lines):
            row_length += len(line)
            if row_length > LONGEST:
                raise too_long(name)
            yield line

    reader = csv.reader(counted(), delimiter=max(delimiters, key=first.count), strict=True)
    for number in itertools.count():
        before, row_length = reader.line_num, 0
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            truncated = "unexpected end" in str(error) and reader.line_num == before + 1
            if number > 2 and truncated:
                yield []
                return
            raise CorpusError(
                f"{name} is not valid CSV from line {before + 1} on ({error}).",
                "Quote sentences that contain a quotation mark.",
            ) from error
        yield row


UNREADABLE = "\udc80"
"""Placeholder for a malformed row: a lone surrogate, like invalid UTF-8, see validation.is_decoded."""


def _table(file: Path, rows: Iterator[Sequence[str]], bound: Bound) -> Contents:
    header = [name.strip() for name in next(rows, [])]
    named = {column: name for column, name in enumerate(header) if looks_like_a_language(name)}
    columns = _Columns(file, list(named.values()), bound)
    misfits = _Misfits()
    for number, row in enumerate(rows, start=2):
        if len(row) == len(header):
            columns.add([row[column] for column in named])
        else:
            misfits.add(f"Line {number} of {file.name} has {len(row)} columns, but its header has {len(header)}.")
            columns.add([UNREADABLE] * len(named))
        misfits.rows += 1
    misfits.refuse_most("Give every line the same number of columns.")
    return columns.contents()


class _Misfits:
    """Counts malformed rows. A few are findings about those rows; if most are malformed, the file is refused."""

    def __init__(self) -> None:
        self.first = ""
        self.count = self.rows = 0

    def add(self, said: str) -> None:
        self.first = self.first or said
        self.count += 1

    def refuse_most(self, next_step: str) -> None:
        if 2 * self.count > self.rows:
            raise CorpusError(self.first, next_step)


class _Columns:
    """The cells of the language columns, counted before they are held."""

    def __init__(self, file: Path, names: Sequence[str], bound: Bound) -> None:
        self.file, self.names, self.budget = file, names, Budget(file.name, bound)
        if len(names) > MOST_LANGUAGES:
            raise CorpusError(f"{file.name} has {len(names):,} languages.", f"Keep {MOST_LANGUAGES:,} or fewer.")
        self.values: list[list[str]] = [[] for _ in names]

    def add(self, cells: Sequence[str]) -> None:
        """Adds one row, without whitespace around the sentences."""
        cells = [one_line(cell) for cell in cells]
        self.budget.hold(cells)
        for values, cell in zip(self.values, cells, strict=True):
            values.append(cell)

    def contents(self) -> Contents:
        return _contents(self.file, zip(self.names, self.values, strict=True), self.budget.size)


def _read_jsonl(file: Path, bound: Bound) -> Contents:
    """One JSON object per line, with the languages as keys, at the top level or under `translation`."""
    columns: _Columns | None = None
    misfits = _Misfits()
    before: list[str] = []
    for number, line in enumerate(lines_of(file, bound), start=1):
        if not line.strip():
            continue
        misfits.rows += 1
        row, said = json_object(line)
        if row is None:
            misfits.add(f"Line {number} of {file.name} {said}.")
        if columns is None and row:
            columns = _Columns(file, [name for name in row if looks_like_a_language(_bare(name))], bound)
            for cell in before:
                columns.add([cell] * len(columns.names))
        if columns is None:
            before.append("" if row is not None else UNREADABLE)
            continue
        columns.add([UNREADABLE if row is None else _text(row.get(name)) for name in columns.names])
    misfits.refuse_most("Write one JSON object on each line.")
    return columns.contents() if columns else _contents(file, (), 0)


def json_object(line: str) -> tuple[Mapping[str, Any] | None, str]:
    """(object, "") for a JSON object or the one under its `translation`; otherwise (None, what is wrong)."""
    try:
        row = json.loads(line)
    except ValueError as error:
        return None, f"is not JSON ({error})"
    except RecursionError:
        return None, "is nested too deeply"
    if not isinstance(row, dict):
        return None, "is not a JSON object"
    inner = row.get("translation")
    return (inner if isinstance(inner, dict) else row), ""


def _read_parquet(file: Path, bound: Bound) -> Contents:
    found, size = parquet.columns(file, lambda name: looks_like_a_language(_bare(name)), bound)
    return _contents(file, ((name, [one_line(_text(value)) for value in found[name]]) for name in found), size)


def _bare(name: str) -> str:
    """A column name without the prefix in names such as `sentence_deu_Latn` (FLORES+ on the hub)."""
    return name.removeprefix("sentence_").removeprefix("text_")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _contents(file: Path, columns: Iterable[tuple[str, Sequence[str]]], size: int) -> Contents:
    """A common text with one language per column. Raises CorpusError for fewer than two."""
    found: dict[str, tuple[str, ...]] = {}
    for name, values in columns:
        if _numbers_rows(name, values):
            continue
        code = language(_bare(name)).code
        if code in found:
            raise CorpusError(f"{file.name} has two columns for {code}.", "Rename or remove one of them.")
        found[code] = tuple(values)
    if len(found) < 2:
        kind = OneLanguageError if found else CorpusError
        raise kind(
            f"{file.name} has no header with two or more language codes.",
            "Use one column per language, named by codes such as deu_Latn.",
        )
    readers = {code: lambda values=values: values for code, values in found.items()}
    return Contents(readers, rows=max(map(len, found.values())), size=size)  # type: ignore[arg-type]


def _numbers_rows(name: str, values: Sequence[str]) -> bool:
    """Whether a column named `id` or `no` holds row numbers rather than Indonesian or Norwegian."""
    return name.lower() in ("id", "no") and not any(" " in value for value in values)


_PACKED = {".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar"}
_SHEETS = {".xlsx", ".xls", ".ods", ".numbers"}
_BY_SUFFIX: dict[str, Callable[[Path, Bound], Contents]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
    ".tmx": read_tmx,
    ".po": read_po,
}
"""Any other suffix is read as TSV."""
SUFFIXES = frozenset({".tsv", *_BY_SUFFIX, *_PACKED, *_SHEETS})
"""Suffixes of files that are meant as a corpus, readable or not."""
