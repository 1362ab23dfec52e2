"""Small files that unpack to gigabytes or keep a reader busy: one sentence, in a process of three gigabytes."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neuronxa_core.corpora import bounds, parquet, readers
from neuronxa_core.corpora.bounds import Bound
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.formats import read_file
from neuronxa_core.corpora.uploads import keep_upload
from neuronxa_core.errors import CorpusError
from tests.confined import confined
from tests.conftest import set_settings

OPENED = """
import sys
from pathlib import Path
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.uploads import keep_upload
from neuronxa_core.errors import CorpusError
from neuronxa_core.settings import settings
for path in map(Path, sys.argv[1:]):
    try:
        shared = settings().mode == "shared" and path.is_file()
        corpus = open_corpus(keep_upload({path.name: path.read_bytes()}) if shared else str(path))
        print(*[len(corpus.sentences(code)) for code in corpus.languages], flush=True)
    except CorpusError as error:
        print(f"CorpusError: {error}", flush=True)
"""
"""One line per file, all in one process: a process takes longer to start than most files take to be refused."""


def repeated(folder: Path) -> Path:
    """Six hundred thousand characters in five thousand rows, as the dictionary of a column holds them: once."""
    long = pa.array(["x" * 600_000 + "y"])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), long)
    file = folder / "repeated.parquet"
    pq.write_table(pa.table({"de": column, "en": column}), file, compression="zstd", write_statistics=False)
    assert file.stat().st_size < 2_000
    return file


def repeated_nested(folder: Path) -> Path:
    column = pa.array([{"de": "x" * 20_000, "en": "y"}] * 5_000)
    pq.write_table(pa.table({"translation": column}), folder / "nested.parquet", compression="zstd")
    return folder / "nested.parquet"


def endless_rows(folder: Path) -> Path:
    """Run lengths: a few bytes for any number of empty rows."""
    column = pa.DictionaryArray.from_arrays(_zeros(30_000_000), pa.array([""]))
    pq.write_table(pa.table({"de": column, "en": column}), folder / "rows.parquet", row_group_size=10**9)
    return folder / "rows.parquet"


def _zeros(count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.int8(), count, [None, pa.py_buffer(bytes(count))])


def one_value(folder: Path) -> Path:
    table = pa.table({"de": ["x" * 60_000_000], "en": ["y"]})
    pq.write_table(table, folder / "value.parquet", compression="zstd", use_dictionary=False, write_statistics=False)
    return folder / "value.parquet"


def one_before(folder: Path) -> Path:
    """DELTA_BYTE_ARRAY: every value is written as what it adds to the one before, which is nothing."""
    pq.write_table(
        pa.table({"de": ["x" * 100_000] * 2_000, "en": ["y"] * 2_000}),
        folder / "delta.parquet",
        compression="zstd",
        use_dictionary=False,
        column_encoding={"de": "DELTA_BYTE_ARRAY", "en": "PLAIN"},
    )
    return folder / "delta.parquet"


def written(name: str, *parts: str, times: int = 1) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        before, again, after = parts
        (folder / name).write_text(before + again * times + after)
        return folder / name

    return write


HEADER = 'msgid ""\nmsgstr "Language: de\\n"\n'
LANGUAGES = {f"{a}{b}{c}_Latn": "" for a in "abcdefghijk" for b in "abcdefghijk" for c in "abcdefghijk"}
SHARED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a value repeated": (repeated, "takes more than 40 MB of memory"),
    "a field repeated": (repeated_nested, "takes more than 40 MB of memory"),
    "rows without end": (endless_rows, "has 30,000,000 rows"),
    "a long value": (one_value, "unpacks to more than 40 MB"),
    "a value like the one before": (one_before, "takes more than 40 MB of memory"),
    "cells": (written("a.csv", "de,en\n", "aa,bb\n", "", times=100_000), "has more than 50,000 rows"),
    "languages": (written("a.jsonl", json.dumps(LANGUAGES) + "\n", "{}\n", "", times=4_000), "has 1,331 languages"),
    "nested": (written("a.jsonl", '{"de": ', "[" * 1_000, "\n", times=1_000), "nested too deeply"),
    "elements": (written("a.tmx", "<tmx><body>", "<tu>", "", times=100_000), "nested too deeply"),
    "segments": (written("a.tmx", "<tmx><body><tu>", "<tuv/>", "", times=400_000), "nested too deeply"),
    "units": (written("a.tmx", "<tmx><body>", "<tu/>", "</body></tmx>", times=100_000), "has more than 50,000 rows"),
    "pairs": (
        written(
            "a.tmx",
            "<tmx><tu>",
            "".join(f'<tuv lang="{code}"><seg>x</seg></tuv>' for code in list(LANGUAGES)[:400]),
            '</tu><tu><tuv lang="de"><seg>x</seg></tuv></tu></tmx>',
        ),
        "has more than 50,000 language pairs",
    ),
    "pieces": (
        written("a.po", HEADER + '\nmsgid "x"\nmsgstr ""\n', '"a"\n', "", times=100_000),
        "more than 1,000 lines",
    ),
    "obsolete pieces": (
        written("a.po", HEADER + '\n#~ msgid "x"\n#~ msgstr ""\n', '#~ "a"\n#. b\n', "", times=40_000),
        "more than 1,000 lines",
    ),
    "messages": (written("a.po", HEADER, '\nmsgid "x"\nmsgstr "y"\n', "", times=180_000), "takes more than 40 MB"),
}


def made(folder: Path, cases: dict[str, tuple[Callable[[Path], Path], str]]) -> list[Path]:
    """The file of each case, in a folder of its own."""
    files = []
    for number, (make, _) in enumerate(cases.values()):
        (folder / str(number)).mkdir()
        files.append(make(folder / str(number)))
    return files


@pytest.mark.slow
def test_an_upload_that_bursts_is_refused_in_one_sentence(tmp_path: Path):
    told = confined(OPENED, *made(tmp_path, SHARED), NEURONXA_MODE="shared", NEURONXA_CACHE_DIR=str(tmp_path / "cache"))
    for line, (name, (_, said)) in zip(told.splitlines(), SHARED.items(), strict=True):
        assert line.startswith("CorpusError: "), name
        assert said in line, name


LOCAL: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a value repeated": (repeated, "takes more than 1,000 MB of memory"),
    "rows without end": (endless_rows, "has 30,000,000 rows"),
    "rows": (written("a.tsv", "de\ten\n", "\t\n", "", times=2_100_000), "has more than 2,000,000 rows"),
    "a line": (
        written("a.tsv", "de\ten\n", "\t" * 1_000, "", times=17_000),
        "a line of more than 16 million characters",
    ),
    "a row of lines": (written("a.csv", "de,en\n", '"aa\n",', "", times=3_000_000), "a line of more than 16 million"),
    "short lines": (written("de.txt", "", "aa\n", "", times=2_100_000), "has more than 2,000,000 rows"),
    "a tag": (written("a.tmx", "<tmx x='", "y" * 1_000, "", times=17_000), "a line of more than 16 million characters"),
}


@pytest.mark.slow
def test_a_file_of_ones_own_that_bursts_is_refused_in_one_sentence(tmp_path: Path):
    files = made(tmp_path, LOCAL)
    for number, file in enumerate(files):
        if file.suffix == ".txt":
            (file.parent / "en.txt").write_text("x\n")
            files[number] = file.parent
    for line, (name, (_, said)) in zip(confined(OPENED, *files).splitlines(), LOCAL.items(), strict=True):
        assert line.startswith("CorpusError: "), name
        assert said in line, name


def short_rows(folder: Path, suffix: str, count: int) -> Path:
    file = folder / f"a{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"de": [str(n) for n in range(count)], "en": ["x"] * count}), file)
    else:
        row = '{"de": "%d", "en": "x"}\n' if suffix == ".jsonl" else "%d,x\n" if suffix == ".csv" else "%d\tx\n"
        header = {".jsonl": "", ".csv": "de,en\n", ".tsv": "de\ten\n"}[suffix]
        file.write_text(header + "".join(row % number for number in range(count)))
    return file


@pytest.mark.slow
def test_a_million_short_rows_are_read(tmp_path: Path):
    """Of the quickest reader's format; the slower ones read as many as their speed allows in a test."""
    counts = {".parquet": 10**6, ".tsv": 300_000, ".csv": 200_000, ".jsonl": 200_000}
    files = [short_rows(tmp_path, suffix, count) for suffix, count in counts.items()]
    assert confined(OPENED, *files).splitlines() == [f"{count} {count}" for count in counts.values()]


def test_pages_are_measured_by_their_own_headers(tmp_path: Path):
    """Against what the footer says, which for a file that is written honestly is the same but for the headers."""
    words = [f"Wort {number % 5_000}" for number in range(30_000)]
    table = pa.table({"de": words, "en": words, "other": words})
    for version in ("1.0", "2.0"):
        pq.write_table(table, tmp_path / "a.parquet", data_page_size=10_000, data_page_version=version)
        column = pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0)
        with (tmp_path / "a.parquet").open("rb") as content:
            pages = list(parquet._page_headers(content, column))
        assert len(pages) > 3
        assert sum(size for size, _ in pages) <= column.total_uncompressed_size
        assert sum(size for size, _ in pages) + 60 * len(pages) > column.total_uncompressed_size
        assert {encoding for _, encoding in pages} <= {0, 8}
        assert open_corpus(str(tmp_path / "a.parquet")).sentences("de") == tuple(words)


def test_values_written_as_what_they_add_are_read(tmp_path: Path):
    words = [f"Wort {number}" for number in range(10_000)]
    encodings = {"de": "DELTA_BYTE_ARRAY", "en": "DELTA_LENGTH_BYTE_ARRAY"}
    table = pa.table({"de": words, "en": words})
    pq.write_table(table, tmp_path / "a.parquet", use_dictionary=False, column_encoding=encodings)
    assert open_corpus(str(tmp_path / "a.parquet")).sentences("de") == tuple(words)
    assert open_corpus(str(tmp_path / "a.parquet")).sentences("en") == tuple(words)


def test_a_column_of_lists_is_no_text(tmp_path: Path):
    pq.write_table(pa.table({"de": [["a"]], "en": ["b"]}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match=r"The column de of a\.parquet is not text"):
        open_corpus(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08", b"PK\x03\x04", b"\x28\xb5\x2f\xfd"])
def test_an_archive_is_known_by_how_it_begins(tmp_path: Path, head: bytes):
    (tmp_path / "a.tsv").write_bytes(head + b"de\ten\nHund\tdog\n")
    with pytest.raises(CorpusError, match=r"a\.tsv is an archive, and archives are not unpacked"):
        open_corpus(str(tmp_path / "a.tsv"))


def test_a_bound_is_reached_exactly(tmp_path: Path):
    (tmp_path / "a.tsv").write_text("de\ten\n" + "Hund\tdog\n" * 10)
    assert read_file(tmp_path / "a.tsv", Bound(rows=10)).rows == 10
    with pytest.raises(CorpusError, match="more than 9 rows"):
        read_file(tmp_path / "a.tsv", Bound(rows=9))
    size = read_file(tmp_path / "a.tsv").size
    assert size == 10 * (49 + 4 + 8 + 49 + 3 + 8)
    with pytest.raises(CorpusError, match="takes more than 0 MB of memory"):
        read_file(tmp_path / "a.tsv", Bound(size=size - 1))


def test_a_folder_with_very_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "MOST_FILES", 20)
    (tmp_path / "deep").mkdir()
    for number in range(19):
        (tmp_path / "deep" / f"{number}.po").touch()
    with pytest.raises(CorpusError, match="does not state its language"):
        open_corpus(str(tmp_path))
    (tmp_path / "deep" / "19.po").touch()
    with pytest.raises(CorpusError, match="contains more than 20 files"):
        open_corpus(str(tmp_path))
    (tmp_path / "deep" / "20.po").touch()
    with pytest.raises(CorpusError, match=r"contains more than 20 files\. Use a folder"):
        open_corpus(str(tmp_path / "deep"))


def test_an_upload_of_very_many_files_is_refused(monkeypatch: pytest.MonkeyPatch):
    set_settings(monkeypatch, mode="shared")
    with pytest.raises(CorpusError, match="1,001 files; the limit for uploads is 1,000"):
        keep_upload({f"{number}.txt": b"" for number in range(1_001)})


def test_a_catalogue_whose_text_is_a_path_opens_no_other_file(tmp_path: Path):
    (tmp_path / "secret.po").write_text('msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "a"\nmsgstr "b"\n')
    (tmp_path / "fr.po").write_text(str(tmp_path / "secret.po"))
    with pytest.raises(CorpusError, match=r"fr\.po is not a valid gettext catalogue"):
        open_corpus(str(tmp_path / "fr.po"))


def test_what_was_read_is_kept_only_while_it_takes_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(readers, "_MOST_KEPT", (8, 300))
    readers._kept.clear()
    for name in "abc":
        (tmp_path / f"{name}.tsv").write_text("de\ten\nHund\tdog\n")  # 121 bytes each
        open_corpus(str(tmp_path / f"{name}.tsv"))
    assert [key[0] for key in readers._kept] == [tmp_path / "b.tsv", tmp_path / "c.tsv"]


def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "de.po")
    with pytest.raises(CorpusError, match=r"de\.po is neither a file nor a folder"):
        open_corpus(str(tmp_path / "de.po"))
    with pytest.raises(CorpusError, match="is named by language"):
        open_corpus(str(tmp_path))
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        bounds.refuse_unreadable(tmp_path / "de.po")
