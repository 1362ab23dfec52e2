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


def read_file(file: Path) -> Contents:
    """Whatever a file holds, told by its suffix. Raises CorpusError, naming the line, for what cannot be read."""
    read = _BY_SUFFIX.get(file.suffix.lower(), _read_tsv)
    return read(file)


def text_of(file: Path) -> str:
    """The text of a UTF-8 file, or of UTF-16 with its mark. Raises CorpusError, naming the line, for any other encoding."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{file} cannot be read ({error.strerror}).", "Check the file and its permissions."
        ) from error
    try:
        return content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise CorpusError(
            f"{file.name} is not UTF-8 in line {line} (byte {error.start}).",
            "Save it as UTF-8 and try again; a file from Windows is often Windows-1252.",
        ) from error


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
    delimiter = max(",;", key=header.count)
    try:
        return _table(file, list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)))
    except csv.Error as error:
        raise CorpusError(f"{file.name} is no CSV ({error}).", "Quote sentences that hold a quotation mark.") from error


def _table(file: Path, rows: Sequence[Sequence[str]]) -> Contents:
    header = [name.strip() for name in rows[0]] if rows else []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise CorpusError(
                f"Line {number} of {file.name} has {len(row)} columns, its header has {len(header)}.",
                "Give every line the same number of columns.",
            )
    columns = {column: name for column, name in enumerate(header) if looks_like_a_language(name)}
    return _columns(file, [(name, [row[column] for row in rows[1:]]) for column, name in columns.items()])


def _read_jsonl(file: Path) -> Contents:
    """One object on each line, the languages as its keys, or inside `translation`."""
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(lines_of(file), start=1):
        try:
            row = json.loads(line) if line.strip() else {}
        except ValueError as error:
            raise CorpusError(f"Line {number} of {file.name} is not JSON ({error}).", "Mend or remove it.") from error
        if not isinstance(row, dict):
            raise CorpusError(f"Line {number} of {file.name} is no JSON object.", "Write one object on each line.")
        if row:
            rows.append(row["translation"] if isinstance(row.get("translation"), dict) else row)
    names = [name for name in (rows[0] if rows else {}) if looks_like_a_language(_bare(name))]
    return _columns(file, [(name, [_text(row.get(name)) for row in rows]) for name in names])


def _read_parquet(file: Path) -> Contents:
    import pyarrow.parquet as parquet
    from pyarrow.lib import ArrowException

    try:
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


_BY_SUFFIX: dict[str, Callable[[Path], Contents]] = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".parquet": _read_parquet,
    ".tmx": _read_tmx,
    ".po": _read_po,
}
"""Any other suffix is read as TSV."""
