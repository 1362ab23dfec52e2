"""Texts that users upload, stored unchanged under a name derived from their content, so that links keep working."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from neuronxa_core.corpora import kept
from neuronxa_core.corpora.bounds import Bound
from neuronxa_core.corpora.contents import Contents
from neuronxa_core.corpora.kept import by_name
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.readers import read_lines, read_path
from neuronxa_core.errors import CorpusError, shown
from neuronxa_core.settings import settings

PREFIX = "upload:"
_LINE_ENDS = re.compile(r"[\r\n]+")
_MOST_SHARED = 5, 5_000
_MOST_LOCAL = 200, 100_000
_MOST_FILES = 1_000
MOST_ACCURACIES = 20
"""Megabytes allowed for accuracy files, in any mode."""


def upload_limits() -> tuple[int, int]:
    """(megabytes, lines) allowed for an upload."""
    return _MOST_SHARED if settings().mode == "shared" else _MOST_LOCAL


def upload_bound() -> Bound:
    """The bound for reading an upload.

    Eight bytes of memory per byte of the file, which is what short lines take; and ten times the allowed lines, so that
    a message can say how many there are.
    """
    megabytes, lines = upload_limits()
    return Bound(min(8 * megabytes * 1_000_000, Bound().size), 10 * lines)


def keep_upload(files: Mapping[str, bytes], title: str = "") -> str:
    """The name under which `open_corpus` finds these files, once they are stored: one, or several that belong together.

    The same files get the same name. Raises CorpusError if they are too large or not a corpus, or there is no room for
    them, and CacheError if they cannot be stored.
    """
    files = by_name(files.items())
    if not files:
        raise CorpusError("There is nothing to upload.", "Choose a file.")
    _refuse_too_large(files, upload_limits()[0])
    name = kept.content_name(files, title)
    kept.keep("uploads", name, files, _check)
    return PREFIX + name


def corpus_of(sentences: Mapping[str, Sequence[str]], title: str = "") -> str:
    """Keeps parallel sentences by language, and returns the name that a study takes as its corpus.

    Line i of every language means the same; line ends inside a sentence become spaces. The same sentences get the same
    name, which begins with `title` or the languages. Raises CorpusError for one language alone, for lists of unequal
    length and for an empty sentence or none.
    """
    if text := next((code for code, each in sentences.items() if isinstance(each, str)), ""):
        raise CorpusError(f"{text} has one text instead of a list of sentences.", "Give a list for each language.")
    lines = {language(code).code: [_LINE_ENDS.sub(" ", each).strip() for each in sentences[code]] for code in sentences}
    if len(lines) < len(sentences):
        raise CorpusError(f"A language is named twice: {', '.join(sentences)}.", "Give one list for each language.")
    if len(lines) < 2:
        raise CorpusError("A corpus needs sentences in two languages or more.", "Give a list for each language.")
    lengths = {code: len(each) for code, each in lines.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{code} has {length}" for code, length in lengths.items())
        raise CorpusError(f"The lists differ in length: {told}.", "Give each sentence in every language.")
    if not any(lengths.values()):
        raise CorpusError("The lists have no sentences.", "Give two or more in each language.")
    for code, each in lines.items():
        if "" in each:
            raise CorpusError(f"Sentence {each.index('') + 1} of {code} is empty.", "Leave it out of every language.")
    files = {f"{code}.txt": "\n".join([*each, ""]).encode() for code, each in lines.items()}
    return keep_upload(files, title or "-".join(sorted(lines)))


def _refuse_too_large(files: Mapping[str, bytes], megabytes: int) -> None:
    size = sum(map(len, files.values()))
    if size > megabytes * 1_000_000:
        raise CorpusError(
            f"These files have {size / 1e6:.1f} MB; the limit for uploads is {megabytes} MB.",
            "Upload part of the text.",
        )
    if len(files) > _MOST_FILES:
        raise CorpusError(f"These are {len(files):,} files; the limit for uploads is {_MOST_FILES:,}.", "Upload fewer.")


def keep_accuracies(files: Mapping[str, bytes]) -> str:
    """The name under which `open_accuracies` finds these files, once they are stored.

    Raises CorpusError if they are too large or there is no room, CacheError if they cannot be stored.
    """
    files = by_name(files.items())
    _refuse_too_large(files, MOST_ACCURACIES)
    name = kept.content_name(files)
    kept.keep("accuracies", name, files)
    return name


def open_accuracies(name: str) -> dict[str, bytes] | None:
    """The stored files by name; None if there are none."""
    try:
        return {file.name: file.read_bytes() for file in kept.files_of("accuracies", name)} or None
    except OSError:  # they are being deleted
        return None


def kept_accuracies() -> tuple[str, ...]:
    """The names of all stored accuracy files, newest first."""
    return kept.names("accuracies")


def remove_accuracies(name: str) -> None:
    """Deletes stored accuracy files; missing ones are ignored."""
    kept.remove("accuracies", name)


def _check(folder: Path) -> None:
    """Raises CorpusError if the files in a folder are not a corpus, or too long."""
    contents = _read(folder)
    _, most = upload_limits()
    longest = contents.rows or max(len(read_lines(file, upload_bound())) for file in folder.iterdir())
    if longest > most:
        raise CorpusError(f"The text has {longest:,} lines; the limit for uploads is {most:,}.", "Upload part of it.")


def open_upload(name: str) -> Contents:
    """The corpus stored under a name. Raises CorpusError if there is none."""
    return _read(upload_files(name)[0].parent)


def upload_files(name: str) -> tuple[Path, ...]:
    """The files stored under a name, as they were uploaded. Raises CorpusError if there are none."""
    files = kept.files_of("uploads", name.removeprefix(PREFIX)) if name.startswith(PREFIX) else ()
    if not files:
        raise CorpusError(
            f"There is no upload {shown(name.removeprefix(PREFIX))} on this machine.",
            "Upload the file on the Data page.",
        )
    return files


def _read(folder: Path) -> Contents:
    files = sorted(folder.iterdir())
    return read_path(files[0] if len(files) == 1 else folder, upload_bound())


def uploads() -> tuple[str, ...]:
    """The names of all stored uploads, newest first."""
    return tuple(PREFIX + name for name in kept.names("uploads"))


def remove_upload(name: str) -> None:
    """Deletes a stored upload; a missing one is ignored."""
    if name.startswith(PREFIX):
        kept.remove("uploads", name.removeprefix(PREFIX))
