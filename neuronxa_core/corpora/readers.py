"""Readers for parallel text on disk. Line i of every language means the same; nothing is repaired silently.

`formats` reads single files. A folder may contain:
- line-aligned files named by language code: `deu_Latn.devtest`, `deu_Latn.dev`, `deu_Latn.txt` (as in FLORES-200 and
  FLORES+), directly or in a subfolder `devtest` or `dev`;
- the layout of NTREX-128: `newstest2019-src.eng.txt`, `newstest2019-ref.deu.txt`;
- language pairs that each have their own text: Tatoeba as in LASER (`tatoeba.fra-eng.fra` beside
  `tatoeba.fra-eng.eng`), or the Moses layout (`train.de` beside `train.en`);
- gettext catalogues: `de.po`, `fr.po`, or `de/LC_MESSAGES/name.po`.
"""

import os
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from neuronxa_core.corpora.bounds import GENEROUS, MOST_FILES, MOST_PAIRS, Bound, Budget
from neuronxa_core.corpora.contents import Contents, Pair, ReadLanguage, by_pairs
from neuronxa_core.corpora.formats import lines_of, read_file
from neuronxa_core.corpora.languages import ENGLISH, language, looks_like_a_language
from neuronxa_core.corpora.memories import po_messages
from neuronxa_core.errors import CorpusError
from neuronxa_core.foreign import told_in_one_sentence

_SPLITS = (".devtest", ".dev", ".txt")
_NTREX = re.compile(r"newstest2019-(?:src|ref)\.(?P<code>[A-Za-z-]+)\.txt")
_PAIR = re.compile(
    r"(?P<stem>.+)\.(?P<one>[A-Za-z]{2,3}(?:_[A-Za-z]{4})?)-(?P<two>[A-Za-z]{2,3}(?:_[A-Za-z]{4})?)\.(?P<code>[A-Za-z_]+)"
)
_NO_LANGUAGE = "Name its files by language code (deu_Latn.txt, eng_Latn.txt), with line i meaning the same in each."


def read_path(path: Path, bound: Bound = GENEROUS) -> Contents:
    """The corpus at `path`. Raises CorpusError if there is none, it names no language, or it cannot be read."""
    with told_in_one_sentence(path.name or str(path)):
        if path.is_dir():
            return _read_folder(path, bound)
        if path.is_file():
            return _read_once(path, bound)
        if path.exists():
            raise CorpusError(f"{path.name} is neither a file nor a folder.", "Remove it, or put a file in its place.")
        if path.is_symlink():
            raise CorpusError(f"{path.name} is a broken link.", "Repair or remove it.")
        raise CorpusError(f"There is no corpus at {path}.", "Check the path, or use the bundled corpus: everyday.")


_kept: OrderedDict[tuple[object, ...], Contents] = OrderedDict()
_lock = threading.Lock()
_MOST_KEPT = 8, GENEROUS.size


def _read_once(file: Path, bound: Bound) -> Contents:
    """The contents of a file. The files read last stay in memory, within bounds, until they change."""
    status = file.stat()
    key = file, status.st_mtime_ns, status.st_ctime_ns, status.st_size, bound
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    contents = read_file(file, bound)
    with _lock:
        _kept[key] = contents
        while len(_kept) > _MOST_KEPT[0] or (
            len(_kept) > 1 and sum(each.size for each in _kept.values()) > _MOST_KEPT[1]
        ):
            _kept.popitem(last=False)
    return contents


def _read_folder(folder: Path, bound: Bound) -> Contents:
    for number, _ in enumerate(folder.iterdir(), start=1):
        if number > MOST_FILES:
            raise _too_many(folder)
    for candidate in (folder, folder / "devtest", folder / "dev"):
        files = _files_by_language(candidate) if candidate.is_dir() else {}
        if files:
            together = {code: lambda file=file: read_lines(file, bound) for code, file in files.items()}
            return Contents(together, source=_source(files.values()))  # type: ignore[arg-type]
    contents = _pair_files(folder, bound) or _moses_files(folder, bound) or _catalogues(folder, bound)
    if contents:
        return contents
    raise CorpusError(f"No file in {folder.name} is named by language.", _NO_LANGUAGE)


def _source(files: Iterable[Path]) -> str:
    """The key in sources.SOURCES of files named by language: NTREX-128 by file name, FLORES by split; else empty."""
    names = [file.name for file in files]
    if all(map(_NTREX.fullmatch, names)):
        return "ntrex"
    return "flores" if all(name.endswith((".dev", ".devtest")) for name in names) else ""


def _too_many(folder: Path) -> CorpusError:
    return CorpusError(
        f"{folder.name} contains more than {MOST_FILES:,} files.", "Use a folder with only the text in it."
    )


def _pair_files(folder: Path, bound: Bound) -> Contents | None:
    """A text per language pair, from `stem.fra-eng.fra` beside `stem.fra-eng.eng`; None if there are no such files."""
    texts: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        found = _PAIR.fullmatch(file.name)
        if found and file.is_file() and found["code"] in (found["one"], found["two"]):
            text = texts.setdefault(file.name.removesuffix(f".{found['code']}"), {})
            text |= {
                language(found[side]).code: text.get(language(found[side]).code, Path()) for side in ("one", "two")
            }
            text[language(found["code"]).code] = file
    contents = _pairs(folder, {stem: files for stem, files in texts.items() if len(files) == 2}, bound)
    return replace(contents, source="tatoeba") if contents and any(map(_TATOEBA.match, texts)) else contents


_TATOEBA = re.compile(r"tatoeba\.", re.IGNORECASE)


def _moses_files(folder: Path, bound: Bound) -> Contents | None:
    """One common text from `stem.de` beside `stem.en`, or with several stems a text per pair; None if none."""
    stems: dict[str, dict[str, Path]] = {}
    for file in sorted(folder.iterdir()):
        stem, _, suffix = file.name.rpartition(".")
        if stem and file.is_file() and looks_like_a_language(suffix):
            stems.setdefault(stem, {})[language(suffix).code] = file
    stems = {stem: files for stem, files in stems.items() if len(files) > 1}
    if len(stems) == 1:
        (files,) = stems.values()
        return Contents({code: lambda file=file: read_lines(file, bound) for code, file in files.items()})  # type: ignore[misc]
    if sum(len(files) * (len(files) - 1) // 2 for files in stems.values()) > MOST_PAIRS:
        raise CorpusError(f"{folder.name} has more than {MOST_PAIRS:,} language pairs.", "Keep fewer languages.")
    pairs = {
        f"{stem}.{one}-{two}": {one: files[one], two: files[two]}
        for stem, files in stems.items()
        for one, two in combinations(sorted(files), 2)
    }
    return _pairs(folder, pairs, bound)


def _pairs(folder: Path, texts: dict[str, dict[str, Path]], bound: Bound) -> Contents | None:
    """A text per language pair; None if there are none.

    texts: the files of both languages, by the stem they share. The path of a missing side is not a file.
    """
    pairs: dict[Pair, tuple[ReadLanguage, ReadLanguage]] = {}
    for stem, files in texts.items():
        one, two = sorted(files)
        for code in (one, two):
            if not files[code].is_file():
                raise CorpusError(
                    f"{folder.name} lacks the {code} side of {one}-{two}.", "Add that file, or remove the other side."
                )
        if (one, two) in pairs:
            raise CorpusError(
                f"{folder.name} has {stem} and another text in {one} and {two}.",
                "Put each text in a folder of its own.",
            )
        pairs[one, two] = (
            lambda file=files[one]: read_lines(file, bound),  # type: ignore[misc]
            lambda file=files[two]: read_lines(file, bound),  # type: ignore[misc]
        )
    return Contents(pairs=pairs) if pairs else None


def _catalogues(folder: Path, bound: Bound) -> Contents | None:
    """All catalogues below a folder, merged: one row per message, with the message itself as the English."""
    rows: dict[str, dict[str, str]] = {}
    budget = Budget(folder.name, bound)
    for file in sorted(_catalogue_files(folder)):
        for code, message, translation in po_messages(file, budget):
            rows.setdefault(message, {ENGLISH: message})[code] = translation
    return by_pairs(folder.name, list(rows.values()), budget.size) if rows else None


def _catalogue_files(folder: Path) -> Iterator[Path]:
    """All `.po` files below a folder. Links to folders are not followed (they may be circular); pipes are skipped."""
    count = 0
    for at, below, files in os.walk(folder):
        count += len(below) + len(files)
        if count > MOST_FILES:
            raise _too_many(folder)
        yield from (file for name in files if name.endswith(".po") and (file := Path(at, name)).is_file())


def _files_by_language(folder: Path) -> dict[str, Path]:
    """One file per language code; of several splits the first of devtest, dev, txt."""
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


def read_lines(file: Path, bound: Bound = GENEROUS) -> tuple[str, ...]:
    """The sentences of a file with one per line, surrounding whitespace removed.

    Raises CorpusError if the file cannot be read or is not UTF-8.
    """
    budget = Budget(file.name, bound)
    lines = []
    for line in map(str.strip, lines_of(file, bound)):
        budget.hold((line,))
        lines.append(line)
    return tuple(lines)
