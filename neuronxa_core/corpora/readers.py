"""Reading parallel text from disk. Line i of every language means the same; nothing is repaired in silence.

Three layouts, told apart by what lies there:
- a folder of line-aligned files named by language code: `deu_Latn.devtest`, `deu_Latn.dev`, `deu_Latn.txt`
  (FLORES-200 calls them so; a folder that holds a `devtest` or `dev` folder of such files will do);
- a folder in NTREX-128's layout: `newstest2019-src.eng.txt`, `newstest2019-ref.deu.txt`;
- a TSV file with one column per language, the codes in its header. Tabs cannot be quoted.
"""

import re
from collections.abc import Callable
from pathlib import Path

from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.errors import CorpusError

ReadLanguage = Callable[[], tuple[str, ...]]
"""Reads the sentences of one language when they are asked for, not before."""

_SPLITS = (".devtest", ".dev", ".txt")
_NTREX = re.compile(r"newstest2019-(?:src|ref)\.(?P<code>[A-Za-z-]+)\.txt")
_NO_LANGUAGE = "Name its files by language code (deu_Latn.txt, eng_Latn.txt), line i of each meaning the same."


def read_path(path: Path) -> dict[str, ReadLanguage]:
    """Language code -> reader for whatever lies at `path`. Raises CorpusError if no language is found there."""
    if path.is_dir():
        return _read_folder(path)
    if path.is_file():
        return _read_tsv(path)
    raise CorpusError(f"There is no corpus at {path}.", "Check the path, or use the bundled corpus: everyday.")


def _read_folder(folder: Path) -> dict[str, ReadLanguage]:
    for candidate in (folder, folder / "devtest", folder / "dev"):
        files = _files_by_language(candidate) if candidate.is_dir() else {}
        if files:
            return {code: lambda file=file: read_lines(file) for code, file in files.items()}  # type: ignore[misc]
    raise CorpusError(f"No file in {folder} is named after a language.", _NO_LANGUAGE)


def _files_by_language(folder: Path) -> dict[str, Path]:
    """Where a language has several files, the first of devtest, dev, txt."""
    found: dict[str, Path] = {}
    for split in _SPLITS:
        for file in sorted(folder.glob(f"*{split}")):
            ntrex = _NTREX.fullmatch(file.name)
            name = ntrex["code"] if ntrex else file.name.removesuffix(split)
            if not (file.is_file() and looks_like_a_language(name)):
                continue
            code = language(name).code
            if code in found and found[code].suffix == split:
                raise CorpusError(
                    f"{found[code].name} and {file.name} are both {code}.", "Rename or remove one of them."
                )
            found.setdefault(code, file)
    return dict(sorted(found.items()))


def read_lines(file: Path) -> tuple[str, ...]:
    """The sentences of a file with one on each line, white space at their ends removed.

    Raises CorpusError if the file cannot be read or is not UTF-8.
    """
    return tuple(line.strip() for line in _lines(file))


def _lines(file: Path) -> list[str]:
    """Only line feeds end a line, so that a stray U+2028 inside a sentence does not shift the rest of the file."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{file.name} is not UTF-8 (byte {error.start}).", "Save it as UTF-8 and try again."
        ) from error
    except OSError as error:
        raise CorpusError(
            f"{file} cannot be read ({error.strerror}).", "Check the file and its permissions."
        ) from error
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []


def _read_tsv(file: Path) -> dict[str, ReadLanguage]:
    lines = _lines(file)
    header = [name.strip() for name in lines[0].split("\t")] if lines else []
    columns: dict[str, int] = {}
    for column, name in enumerate(header):
        if looks_like_a_language(name):
            code = language(name).code
            if code in columns:
                raise CorpusError(f"{file.name} has two columns for {code}.", "Rename or remove one of them.")
            columns[code] = column
    if len(columns) < 2:
        raise CorpusError(
            f"{file.name} has no header with two or more language codes.",
            "Give it one column per language, separated by tabs, with codes like deu_Latn in its first line.",
        )
    rows = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise CorpusError(
                f"Line {number} of {file.name} has {len(row)} columns, its header has {len(header)}.",
                "Give every line the same number of tabs.",
            )
    return {
        code: lambda column=column: tuple(row[column].strip() for row in rows)  # type: ignore[misc]
        for code, column in columns.items()
    }
