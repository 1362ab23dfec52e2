"""Parallel text in one file: TSV, CSV, JSONL and Parquet with a column per language, TMX, and gettext catalogues.

Each gives the sentences that mean the same in every language, or, where not every language has every sentence (TMX,
gettext), pairs of languages with what both have.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.errors import CorpusError

ReadLanguage = Callable[[], tuple[str, ...]]
"""Reads the sentences of one language when they are asked for, not before."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Contents:
    """What lies at a path: one text in several languages, or pairs of languages with a text of their own each."""

    together: dict[str, ReadLanguage] = field(default_factory=dict)
    pairs: dict[Pair, tuple[ReadLanguage, ReadLanguage]] = field(default_factory=dict)
    source: str = ""
    """A key of sources.SOURCES, where names and layout tell."""
    commit: str = ""
    """Of a corpus on the hub."""


def read_file(file: Path) -> Contents:
    """Whatever a file holds, told by its suffix. Raises CorpusError, naming the line, for what cannot be read."""
    suffix = file.suffix.lower()
    if suffix in _PACKED:
        raise CorpusError(f"{file.name} is packed, and archives are not unpacked here.", "Unpack it and give the text.")
    if suffix in _SHEETS:
        raise CorpusError(f"{file.name} is a spreadsheet.", "Save it as CSV, with a column per language.")
    return _BY_SUFFIX.get(suffix, _read_tsv)(file)


def text_of(file: Path) -> str:
    """The text of a UTF-8 file, or of UTF-16 with its mark. Bytes that are neither stay as lone surrogates, which no text has.

    Raises CorpusError if the file cannot be read, or UTF-16 is cut off.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{file} cannot be read ({error.strerror}).", "Check the file and its permissions."
        ) from error
    if content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-8-sig", "surrogateescape")
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file.name} is UTF-16 that is cut off.", "Save it as UTF-8 and try again.") from error


def lines_of(file: Path) -> list[str]:
    """Only line feeds end a line, so that a stray U+2028 inside a sentence does not shift the rest of the file."""
    text = text_of(file)
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _read_tsv(file: Path) -> Contents:
    """Tabs cannot be quoted, so that a sentence may begin with a quotation mark."""
    return _table(file, [line.split("\t") for line in lines_of(file)])


def _read_csv(file: Path) -> Contents:
    text = text_of(file)
    header = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;", key=header.count), strict=True)
    rows: list[Sequence[str]] = []
    before = 0
    while True:
        before = reader.line_num
        try:
            rows.append(next(reader))
        except StopIteration:
            return _table(file, rows)
        except csv.Error as error:
            if (
                len(rows) > 2 and "unexpected end" in str(error) and reader.line_num == before + 1
            ):  # the file was cut off here
                return _table(file, [*rows, []])
            raise CorpusError(
                f"{file.name} is no CSV from line {before + 1} on ({error}).",
                "Quote sentences that hold a quotation mark.",
            ) from error


def _table(file: Path, rows: Sequence[Sequence[str]]) -> Contents:
    header = [name.strip() for name in rows[0]] if rows else []
    columns = {column: name for column, name in enumerate(header) if looks_like_a_language(name)}
    misfits = [number for number, row in enumerate(rows[1:], start=2) if len(row) != len(header)]
    _refuse_if_most(
        misfits,
        len(rows) - 1,
        lambda line: f"Line {line} of {file.name} has {len(rows[line - 1])} columns, its header has {len(header)}.",
        "Give every line the same number of columns.",
    )
    fitting = [row if len(row) == len(header) else [UNREADABLE] * len(header) for row in rows[1:]]
    return _columns(file, [(name, [row[column] for row in fitting]) for column, name in columns.items()])


UNREADABLE = "\udc80"
"""Stands for a row that does not fit; like bytes that are not UTF-8, a lone surrogate, see validation.is_decoded."""


def _refuse_if_most(misfits: Sequence[int], rows: int, said: Callable[[int], str], next_step: str) -> None:
    """One row that does not fit is a finding about that row; if most do not, the file is something else."""
    if misfits and 2 * len(misfits) > rows:
        raise CorpusError(said(misfits[0]), next_step)


def _read_jsonl(file: Path) -> Contents:
    """One object on each line, the languages as its keys, or inside `translation`."""
    rows: list[Mapping[str, Any] | None] = []
    misfits: dict[int, str] = {}
    for number, line in enumerate(lines_of(file), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            row, misfits[number] = None, f"is not JSON ({error})"
        if row is not None and not isinstance(row, dict):
            row, misfits[number] = None, "is no JSON object"
        rows.append(row["translation"] if row and isinstance(row.get("translation"), dict) else row)
    _refuse_if_most(
        list(misfits),
        len(rows),
        lambda line: f"Line {line} of {file.name} {misfits[line]}.",
        "Write one object on each line.",
    )
    names = [name for name in next(filter(None, rows), {}) if looks_like_a_language(_bare(name))]
    return _columns(
        file, [(name, [UNREADABLE if row is None else _text(row.get(name)) for row in rows]) for name in names]
    )


def _read_parquet(file: Path) -> Contents:
    import pyarrow.parquet as parquet
    from pyarrow.lib import ArrowException

    try:
        _refuse_what_bursts(file, parquet.read_metadata(file))
        table = parquet.read_table(file)
    except (ArrowException, OSError) as error:
        raise CorpusError(f"{file.name} cannot be read as Parquet.", "Write or download it again.") from error
    if "translation" in table.column_names:
        rows = table.column("translation").to_pylist()
        columns = {name: [_text((row or {}).get(name)) for row in rows] for name in (rows[0] if rows else {})}
    else:
        wanted = [name for name in table.column_names if looks_like_a_language(_bare(name))]
        columns = {name: [_text(value) for value in table.column(name).to_pylist()] for name in wanted}
    return _columns(file, [(name, values) for name, values in columns.items() if looks_like_a_language(_bare(name))])


def _refuse_what_bursts(file: Path, metadata: Any) -> None:
    """Parquet is packed: a small file may hold more than fits."""
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    if size > _MOST_BYTES or metadata.num_rows > _MOST_ROWS:
        raise CorpusError(f"{file.name} holds {metadata.num_rows:,} rows, {size / 1e6:,.0f} MB.", "Take a part of it.")


_MOST_BYTES, _MOST_ROWS = 1_000_000_000, 2_000_000


def _bare(name: str) -> str:
    """FLORES+ on the hub calls its columns `sentence_deu_Latn`."""
    return name.removeprefix("sentence_").removeprefix("text_")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _columns(file: Path, columns: Sequence[tuple[str, Sequence[str]]]) -> Contents:
    """A reader per language; white space at the ends of a sentence goes. Raises CorpusError for fewer than two languages."""
    found: dict[str, ReadLanguage] = {}
    for name, values in columns:
        if _numbers_rows(name, values):
            continue
        code = language(_bare(name)).code
        if code in found:
            raise CorpusError(f"{file.name} has two columns for {code}.", "Rename or remove one of them.")
        found[code] = lambda values=values: tuple(one_line(value) for value in values)  # type: ignore[misc]
    if len(found) < 2:
        raise CorpusError(
            f"{file.name} has no header with two or more language codes.",
            "Give it one column per language, named by codes like deu_Latn.",
        )
    return Contents(found)


def _numbers_rows(name: str, values: Sequence[str]) -> bool:
    """Whether a column called `id` or `no` numbers the rows, rather than being Indonesian or Norwegian."""
    return name.lower() in ("id", "no") and not any(" " in value.strip() for value in values)


def one_line(text: str) -> str:
    """A sentence as one line: line ends inside it become spaces, white space at its ends goes."""
    return " ".join(text.split("\n")).replace("\r", "").strip() if "\n" in text else text.strip()


def _read_tmx(file: Path) -> Contents:
    """Translation memories: each unit holds one segment per language. Markup inside a segment is left out, its text stays."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    try:
        units = parse(file, forbid_dtd=False).getroot().iter("tu")
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise CorpusError(f"{file.name} is no TMX that can be read ({error}).", "Export it again.") from error
    rows: list[dict[str, str]] = []
    for unit in units:
        row: dict[str, str] = {}
        for variant in unit.iter("tuv"):
            name = variant.get("{http://www.w3.org/XML/1998/namespace}lang") or variant.get("lang") or ""
            segment = variant.find("seg")
            if name and segment is not None:
                row[language(name).code] = one_line("".join(segment.itertext()))
        rows.append(row)
    return by_pairs(file, rows)


def _read_po(file: Path) -> Contents:
    """A gettext catalogue: the messages are English, unless the file says otherwise; fuzzy and empty translations are left out."""
    return by_pairs(file, [{"eng_Latn": source, code: target} for code, source, target in po_messages(file)])


def po_messages(file: Path) -> list[tuple[str, str, str]]:
    """(language code, message, translation) of every finished message; the language by the header, or by the file's name."""
    import polib

    try:
        catalogue = polib.pofile(text_of(file))
    except (OSError, ValueError, UnicodeError) as error:
        raise CorpusError(f"{file.name} is no gettext catalogue ({error}).", "Export it again.") from error
    name = catalogue.metadata.get("Language") or file.name.split(".")[0]
    if not looks_like_a_language(name):
        raise CorpusError(f"{file.name} does not say its language.", "Name the file after it: de.po.")
    return [
        (language(name).code, one_line(each.msgid), one_line(each.msgstr)) for each in catalogue.translated_entries()
    ]


def by_pairs(file: Path, rows: Sequence[Mapping[str, str]]) -> Contents:
    """One text, if every row has every language; else for each two languages the rows that have both."""
    codes = sorted({code for row in rows for code in row})
    if len(codes) < 2:
        raise CorpusError(f"{file.name} has fewer than two languages.", "It needs each sentence in two or more.")
    if all(row.get(code) for row in rows for code in codes):
        return Contents({code: lambda code=code: tuple(row[code] for row in rows) for code in codes})  # type: ignore[misc]

    def side(code: str, other: str) -> ReadLanguage:
        return lambda: tuple(row[code] for row in rows if row.get(code) and row.get(other))

    pairs = {pair for row in rows for pair in combinations(sorted(code for code in row if row[code]), 2)}
    return Contents(pairs={(one, two): (side(one, two), side(two, one)) for one, two in sorted(pairs)})


_PACKED = {".zip", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar"}
_SHEETS = {".xlsx", ".xls", ".ods", ".numbers"}
_BY_SUFFIX: dict[str, Callable[[Path], Contents]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
    ".tmx": _read_tmx,
    ".po": _read_po,
}
"""Any other suffix is read as TSV."""
