"""Three corpora on the hub, read through huggingface_hub: one language at a time, cached, and pinned to a commit.

The first access records a repository's commit and its list of files. Later runs read that commit, so results stay the
same, also offline. `hub:ntrex@COMMIT` reads another one.
"""

import gzip
import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from sys import getsizeof
from typing import IO, Any, cast

from neuronxa_core.corpora import parquet
from neuronxa_core.corpora.bounds import Budget, lines_in
from neuronxa_core.corpora.contents import Contents, Pair, ReadLanguage, one_line
from neuronxa_core.corpora.formats import csv_rows, json_object
from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.errors import CorpusError
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.hub_access import Asked, hub_errors, hub_token
from neuronxa_core.settings import settings

PREFIX = "hub:"
_NAME = re.compile(rf"{PREFIX}(?P<name>[a-z+]+)(@(?P<revision>[\w./-]+))?")
_TABLE = re.compile(r"\.(parquet|jsonl|jsonl\.gz|csv|tsv)$")
_PATIENCE = 30.0
"""Seconds before a hub that failed to answer is asked again."""


@dataclass(frozen=True)
class HubText:
    """A corpus on the hub: its repository, and which of its files to read."""

    title: str
    repository: str
    split: str
    source: str
    pairwise: bool = False
    gated: bool = False


HUB_TEXTS = {
    "flores+": HubText("FLORES+ devtest", "openlanguagedata/flores_plus", "devtest", "flores", gated=True),
    "ntrex": HubText("NTREX-128", "mteb/NTREX", "test", "ntrex"),
    "tatoeba": HubText("Tatoeba", "mteb/tatoeba-bitext-mining", "test", "tatoeba", pairwise=True),
}
HUB_NAMES = tuple(PREFIX + name for name in HUB_TEXTS)


@dataclass(frozen=True)
class _Listing:
    """A repository at one commit."""

    text: HubText
    commit: str
    files: tuple[str, ...]


def is_hub_text(name: str) -> bool:
    """Whether a name is one of HUB_NAMES, with or without a revision."""
    found = _NAME.fullmatch(name)
    return found is not None and found["name"] in HUB_TEXTS


def hub_title(name: str) -> str:
    """The title shown in a picker."""
    text = HUB_TEXTS[name.removeprefix(PREFIX).partition("@")[0]]
    return f"{text.title} (hub{', gated' if text.gated else ''})"


def open_hub_text(name: str) -> Contents:
    """The corpus of this name. A language is downloaded when its sentences are first read. Raises CorpusError."""
    found = _NAME.fullmatch(name)
    text = HUB_TEXTS[found["name"]] if found else None
    if found is None or text is None:
        raise CorpusError(f"There is no corpus called {name}.", f"Use one of: {', '.join(HUB_NAMES)}.")
    listing = _listing(name, text, found["revision"] or "")
    tables = [file for file in listing.files if _TABLE.search(file) and (text.split in file or _split_of(file) == "")]
    contents = _by_pair(listing, tables) if text.pairwise else _by_language(listing, tables)
    if not (contents.together or contents.pairs):
        raise CorpusError(
            f"{text.title} on the hub has an unknown layout.",
            "Download it, and give the path of the folder.",
        )
    return contents


def _split_of(file: str) -> str:
    return next((split for split in ("train", "validation", "devtest", "dev", "test") if split in file), "")


def _by_language(listing: _Listing, tables: Sequence[str]) -> Contents:
    """A common text, from one file per language (`devtest/deu_Latn.parquet`) or one table with a column for each."""
    found: dict[str, ReadLanguage] = {}
    for file in sorted(tables):
        stem = Path(_TABLE.sub("", file)).name
        named = next((part for part in (stem, Path(file).parent.name) if looks_like_a_language(part)), "")
        if named:
            code = language(named).code
            found.setdefault(code, partial(_column, listing, file, (code, named, "text", "sentence")))
    if not found and len(tables) == 1:
        for column in _columns_of(listing, tables[0]):
            if looks_like_a_language(column):
                found.setdefault(language(column).code, partial(_column, listing, tables[0], (column,)))
    return Contents(dict(sorted(found.items())), source=listing.text.source, commit=listing.commit)


def _by_pair(listing: _Listing, tables: Sequence[str]) -> Contents:
    """A text per pair, from one file each (`fra-eng/test.parquet`) or one table whose rows name their pair."""
    pairs: dict[Pair, tuple[ReadLanguage, ReadLanguage]] = {}
    for file in tables:
        named = re.search(r"(?<![a-z])(?P<one>[a-z]{3})-(?P<two>[a-z]{3})(?![a-z])", file)
        if named:
            _add_pair(pairs, listing, file, named["one"], named["two"], "")
    if not pairs and len(tables) == 1:
        for name in sorted(set(_rows(listing, tables[0]).get("lang", ()))):
            one, _, two = str(name).partition("-")
            if one and two:
                _add_pair(pairs, listing, tables[0], one, two, str(name))
    return Contents(pairs=dict(sorted(pairs.items())), source=listing.text.source, commit=listing.commit)


def _add_pair(
    pairs: dict[Pair, tuple[ReadLanguage, ReadLanguage]], listing: _Listing, file: str, one: str, two: str, only: str
) -> None:
    codes = language(one).code, language(two).code
    if codes[0] != codes[1]:
        read = partial(_column, listing, file, only=only)
        pairs.setdefault(codes, (partial(read, ("sentence1",)), partial(read, ("sentence2",))))


def _column(listing: _Listing, file: str, names: Sequence[str], only: str = "") -> tuple[str, ...]:
    """The first of these columns that the file has, ordered by `id` where FLORES+ numbers its rows."""
    rows = _rows(listing, file)
    if only:
        rows = rows[rows["lang"] == only]
    if "id" in rows and listing.text.source == "flores":
        rows = rows.sort_values("id", kind="stable")
    column = next((name for name in names if name in rows), None)
    if column is None:
        raise CorpusError(
            f"{file} of {listing.text.title} has no column {names[0]}.", "Download it, and give the path."
        )
    return tuple("" if value is None else one_line(str(value)) for value in rows[column])


def _columns_of(listing: _Listing, file: str) -> list[str]:
    return [str(name) for name in _rows(listing, file).columns]


@lru_cache(maxsize=8)
def _rows(listing: _Listing, file: str) -> Any:
    """A file of the repository as a table, downloaded if necessary. Raises CorpusError."""
    import pandas as pd

    path, name = _file(listing, file), f"{file} of {listing.text.title}"
    with told_in_one_sentence(name):
        if file.endswith(".parquet"):
            return pd.DataFrame(parquet.columns(path, _counts)[0])
        try:
            return pd.DataFrame(list(_records(path, file, name)))
        except (EOFError, zlib.error) as error:
            raise CorpusError(f"{name} is truncated.", "Download it again.") from error


def _counts(column: str) -> bool:
    """Whether a column is one that is read, see _by_language and _by_pair."""
    return column in ("id", "lang", "text", "sentence", "sentence1", "sentence2") or looks_like_a_language(column)


def _records(path: Path, file: str, name: str) -> Iterator[dict[str, Any]]:
    """The rows of JSON lines (gzipped or not), CSV or TSV, counted as they are read."""
    budget = Budget(name)
    with cast("IO[bytes]", gzip.open(path) if file.endswith(".gz") else path.open("rb")) as content:
        head = content.read(8)
        content.seek(0)
        for row in _objects(name, head, content) if ".jsonl" in file else _table_rows(name, head, content, file):
            row = {column: value for column, value in row.items() if _counts(column)}
            budget.take(300 + sum(map(getsizeof, row.values())), 1)
            yield row


def _objects(name: str, head: bytes, content: IO[bytes]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines_in(name, head, content), start=1):
        row, said = json_object(line)
        if row is None:
            raise CorpusError(f"Line {number} of {name} {said}.", "Download it again.")
        yield row


def _table_rows(name: str, head: bytes, content: IO[bytes], file: str) -> Iterator[Mapping[str, Any]]:
    rows = csv_rows(name, lines_in(name, head, content, newline=""), "\t" if file.endswith(".tsv") else ",")
    header = next(rows, [])
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise CorpusError(f"Row {number} of {name} has {len(row)} columns.", "Download it again.")
        yield dict(zip(header, row, strict=True))


def _file(listing: _Listing, file: str) -> Path:
    from huggingface_hub import hf_hub_download

    with _errors(listing.text, listing.commit):
        return Path(
            hf_hub_download(
                listing.text.repository,
                file,
                repo_type="dataset",
                revision=listing.commit,
                token=hub_token(CorpusError),
                etag_timeout=5,
            )
        )


def _listing(name: str, text: HubText, revision: str) -> _Listing:
    """The repository at the commit recorded at the first access, or else at the hub's present one."""
    path = (
        settings().cache_dir / "hub_texts" / f"{re.sub(r'[^a-z0-9+.@-]+', '-', name.removeprefix(PREFIX).lower())}.json"
    )
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return _Listing(text, written["commit"], tuple(written["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        listing = _asked(name, lambda: _ask(text, revision))
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(json.dumps({"commit": listing.commit, "files": listing.files}), encoding="utf-8")
    aside.replace(path)
    return listing


_FAILED: dict[str, tuple[float, CorpusError]] = {}


def _asked(name: str, ask: Callable[[], _Listing]) -> _Listing:
    """The hub's answer. After a failure, raises the same error for _PATIENCE seconds without asking again."""
    when, problem = _FAILED.get(name, (float("-inf"), None))
    if problem and time.monotonic() - when < _PATIENCE:
        raise problem
    try:
        return ask()
    except CorpusError as error:
        _FAILED[name] = time.monotonic(), error
        raise


def _ask(text: HubText, revision: str) -> _Listing:
    from huggingface_hub import HfApi

    with _errors(text, revision):
        info = HfApi().dataset_info(text.repository, revision=revision or None, timeout=5, token=hub_token(CorpusError))
    files = tuple(sibling.rfilename for sibling in info.siblings or ())
    return _Listing(text, str(info.sha), files)


def _errors(text: HubText, revision: str = "") -> AbstractContextManager[None]:
    instead = "give the path of a folder with it instead"
    return hub_errors(Asked(text.title, "corpus", CorpusError, instead, page=text.repository, revision=revision))
