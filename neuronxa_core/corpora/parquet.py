"""Parquet within a bound: a file of a kilobyte may hold a value of a gigabyte, or one value a billion times.

Sizes in the footer are only what the writer claims. The decoder follows the page headers, so these are added up before
anything is decompressed. Rows then come in batches, in which repeated values are counted before they are copied.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from neuronxa_core.corpora.bounds import GENEROUS, Bound, Budget, refuse_unreadable
from neuronxa_core.errors import CorpusError

_BATCH = 4096
_DELTA_BYTE_ARRAY = 7
"""An encoding that stores each value as its difference from the one before."""
_LARGEST_PAGE = 256_000_000
_MOST_PAGES = 200_000
_LARGEST_FOOTER = 16_000_000
_LARGEST_HEADER = 1_000_000


def columns(file: Path, wanted: Callable[[str], bool], bound: Bound = GENEROUS) -> tuple[dict[str, list[Any]], int]:
    """(values of the wanted columns by name, bytes of memory that they take).

    The fields of a struct column `translation` count as columns. Raises CorpusError for a file that is too large or not
    Parquet, and for a wanted column that is not text.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    budget = Budget(file.name, bound)
    try:
        refuse_unreadable(file, bound)
        _refuse_long_footer(file)
        with ParquetFile(file) as table:
            paths = _paths(file, table.schema_arrow, wanted)
            _refuse_what_bursts(file, table.metadata, budget)
            largest, delta = _pages(file, table.metadata, set(paths), budget)
        batch = max(1, min(_BATCH, _LARGEST_PAGE // max(1, largest))) if delta else _BATCH
        found: dict[str, list[Any]] = {name: [] for name in paths.values()}
        for name, values in _batches(file, paths, batch, () if delta else list(paths), budget) if paths else ():
            found[name] += values
    except pa.lib.ArrowMemoryError as error:
        raise MemoryError from error
    except (pa.lib.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{file.name} cannot be read as Parquet.", "Write or download it again.") from error
    return found, budget.size


def _paths(file: Path, schema: Any, wanted: Callable[[str], bool]) -> dict[str, str]:
    """Column names of the wanted leaves, by path."""
    import pyarrow.types as types

    nested = "translation" in schema.names and types.is_struct(schema.field("translation").type)
    fields = schema.field("translation").type.fields if nested else schema
    found = {}
    for field in fields:
        if not wanted(field.name):
            continue
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_nested(kind):
            raise CorpusError(f"The column {field.name} of {file.name} is not text.", "Write it as text.")
        found[f"translation.{field.name}" if nested else field.name] = field.name
    return found


def _refuse_long_footer(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as content:
        content.seek(max(0, size - 8))
        end = content.read(8)
    if _LARGEST_FOOTER < int.from_bytes(end[:4], "little") < size and end[4:] == b"PAR1":
        raise CorpusError(f"The Parquet footer of {file.name} is too long.", "Write it again with fewer row groups.")


def _refuse_what_bursts(file: Path, metadata: Any, budget: Budget) -> None:
    rows = max(metadata.num_rows, sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)))
    if rows > budget.bound.rows:
        raise CorpusError(
            f"{file.name} has {rows:,} rows, more than the {budget.bound.rows:,} allowed.", "Use only part of it."
        )


def _batches(
    file: Path, paths: dict[str, str], size: int, dictionaries: Sequence[str], budget: Budget
) -> Iterator[tuple[str, list[Any]]]:
    """(column name, values) for each column of each batch; a repeated value counts against the budget every time.

    dictionaries: paths of the leaves that stay dictionary-encoded until they have been counted.
    """
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file, read_dictionary=dictionaries, pre_buffer=False) as table:
        for batch in table.iter_batches(batch_size=size, columns=list(paths), use_threads=False):
            budget.take(rows=len(batch))
            nested = batch.schema.names == ["translation"] and list(paths) != ["translation"]
            names = [field.name for field in batch.column(0).type.fields] if nested else batch.schema.names
            for name, column in zip(names, batch.column(0).flatten() if nested else batch.columns, strict=True):
                yield name, _values(column, budget)


def _values(column: Any, budget: Budget) -> list[Any]:
    import pyarrow.compute as compute
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        words = column.dictionary
        lengths = compute.binary_length(words) if _is_text(words.type) else None
        size = compute.sum(lengths.take(column.indices)).as_py() if lengths is not None else 0
        budget.take((size or 0) + 64 * len(column))
        column = column.dictionary_decode()
    else:
        size = compute.sum(compute.binary_length(column)).as_py() if _is_text(column.type) else column.nbytes
        budget.take((size or 0) + 64 * len(column))
    return list(column.to_pylist())


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind)
    )


def _pages(file: Path, metadata: Any, paths: set[str], budget: Budget) -> tuple[int, bool]:
    """(bytes of the largest page once decompressed, whether any page is delta-encoded and may expand further).

    Raises CorpusError if the pages of these columns exceed the budget, or a single page exceeds _LARGEST_PAGE.
    """
    largest, total, count, delta = 0, 0, 0, False
    with file.open("rb") as content:
        for group in range(metadata.num_row_groups):
            row_group = metadata.row_group(group)
            for number in range(row_group.num_columns):
                column = row_group.column(number)
                if column.path_in_schema not in paths:
                    continue
                for size, encoding in _page_headers(content, column):
                    count, total, largest = count + 1, total + size, max(largest, size)
                    delta = delta or encoding == _DELTA_BYTE_ARRAY
                    if total > budget.bound.size or largest > _LARGEST_PAGE or count > _MOST_PAGES:
                        raise CorpusError(
                            f"{file.name} unpacks to more than {min(budget.bound.size, max(total, 1)) / 1e6:,.0f} MB.",
                            "Use only part of it.",
                        )
    return largest, delta


def _page_headers(content: Any, column: Any) -> Iterator[tuple[int, int]]:
    """(decompressed size, encoding) of every page of a column chunk."""
    start = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        start = min(start, column.dictionary_page_offset)
    end = start + column.total_compressed_size
    while start < end:
        try:
            header, length = _header(content, start)
            size, packed = int(header[2]), int(header[3])
        except (IndexError, KeyError, TypeError) as error:
            raise OSError("a damaged page") from error
        if size < 0 or packed < 0:
            raise OSError("a damaged page")
        data = header.get(5) or header.get(8) or {}
        yield size, data.get(2 if 5 in header else 4, 0)
        start += length + packed


def _header(content: Any, start: int) -> tuple[dict[int, Any], int]:
    """The page header at `start`, and its length. Most are short; statistics make some long."""
    content.seek(start)
    try:
        return _struct(content.read(2_000), 0)
    except IndexError:
        content.seek(start)
        return _struct(content.read(_LARGEST_HEADER), 0)


def _struct(content: bytes, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """(integers and structs of a Thrift compact-protocol struct by field number, position after its end)."""
    if depth > 8:
        raise IndexError
    found: dict[int, Any] = {}
    field = 0
    while (head := content[at]) != 0:
        at += 1
        kind, step = head & 15, head >> 4
        if step:
            field += step
        else:
            field, at = _integer(content, at)
        found[field], at = _value(content, at, kind, depth)
    return found, at + 1


def _value(content: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (1, 2):  # the kind itself encodes true and false
        return kind == 1, at
    if kind == 3:
        return content[at], at + 1
    if kind in (4, 5, 6):
        return _integer(content, at)
    if kind == 8:
        length, at = _varint(content, at)
        return None, at + length
    if kind == 12:
        return _struct(content, at, depth + 1)
    raise IndexError  # page headers contain no doubles, lists or maps


def _integer(content: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(content, at)
    return number >> 1 ^ -(number & 1), at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise IndexError
