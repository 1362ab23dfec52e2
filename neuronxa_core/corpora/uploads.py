"""Texts that users bring: kept as they came, under a name made from their content, so that a link finds them again."""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from neuronxa_core.corpora.bounds import Bound
from neuronxa_core.corpora.contents import Contents
from neuronxa_core.corpora.readers import read_lines, read_path
from neuronxa_core.errors import CacheError, CorpusError
from neuronxa_core.settings import settings

PREFIX = "upload:"
_NAME = re.compile(rf"{PREFIX}(?P<folder>[\w.-]{{1,60}}-[0-9a-f]{{12}})")
_MOST_SHARED = 5, 5_000
_MOST_LOCAL = 200, 100_000
_MOST_FILES = 1_000
MOST_ACCURACIES = 20
"""Megabytes that result files may have, in any mode."""


def upload_limits() -> tuple[int, int]:
    """Megabytes and lines that an upload may have."""
    return _MOST_SHARED if settings().mode == "shared" else _MOST_LOCAL


def upload_bound() -> Bound:
    """What an upload may take once it is read: eight bytes for each of the file, as short lines take, and rows enough to
    say how many there are."""
    megabytes, lines = upload_limits()
    return Bound(min(8 * megabytes * 1_000_000, Bound().size), 10 * lines)


def keep_upload(files: Mapping[str, bytes], title: str = "") -> str:
    """Keeps one file, or several that belong together, and returns the name under which `open_corpus` finds them.

    The same files get the same name. Raises CorpusError for what is too large or no corpus, CacheError if it cannot be kept.
    """
    files = {_file_name(name): content for name, content in files.items()}
    if not files:
        raise CorpusError("There is nothing to upload.", "Choose a file.")
    _refuse_too_large(files, upload_limits()[0])
    folder = _content_name(files, title)
    _write(folder, files)
    return PREFIX + folder


def _refuse_too_large(files: Mapping[str, bytes], megabytes: int) -> None:
    size = sum(map(len, files.values()))
    if size > megabytes * 1_000_000:
        raise CorpusError(
            f"These files have {size / 1e6:.1f} MB and uploads here may have {megabytes}.", "Upload a part of the text."
        )
    if len(files) > _MOST_FILES:
        raise CorpusError(f"These are {len(files):,} files and uploads here may have {_MOST_FILES:,}.", "Upload fewer.")


def keep_accuracies(files: Mapping[str, bytes]) -> str:
    """Keeps result files as they came, and returns the name under which `open_accuracies` finds them.

    Raises CorpusError for what is too large, CacheError if it cannot be kept.
    """
    files = {_file_name(name): content for name, content in files.items()}
    _refuse_too_large(files, MOST_ACCURACIES)
    name = _content_name(files)
    folder = _root("accuracies") / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            (folder / file).write_bytes(content)
    except OSError as error:
        raise _cannot_keep(folder.parent, error) from error
    return name


def open_accuracies(name: str) -> dict[str, bytes] | None:
    """The files that were kept under a name; None if there are none."""
    folder = _root("accuracies") / name
    if not _NAME.fullmatch(PREFIX + name) or not folder.is_dir():
        return None
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def kept_accuracies() -> tuple[str, ...]:
    """The names of all that is kept, the newest first."""
    return _kept_names("accuracies")


def _content_name(files: Mapping[str, bytes], title: str = "") -> str:
    digest = hashlib.blake2b(digest_size=6)
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    stem = re.sub(r"[^\w.-]+", "-", title or Path(min(files)).stem)
    return f"{stem.strip('-.')[:40] or 'text'}-{digest.hexdigest()}"


def _cannot_keep(folder: Path, error: OSError) -> CacheError:
    return CacheError(
        f"The upload cannot be kept in {folder} ({error.strerror}).",
        "Make room, or set NEURONXA_CACHE_DIR to a folder that can be written.",
    )


def _kept_names(kind: str) -> tuple[str, ...]:
    kept = {}
    for folder in _root(kind).glob("*"):
        with contextlib.suppress(OSError):  # deleted meanwhile
            if _NAME.fullmatch(PREFIX + folder.name):
                kept[folder.name] = folder.stat().st_mtime
    return tuple(sorted(kept, key=lambda name: -kept[name]))


def _write(folder: str, files: Mapping[str, bytes]) -> None:
    """Written aside, read once, and renamed: what is kept can be read."""
    kept = _root() / folder
    if kept.is_dir():
        return
    aside = _root() / f".{folder}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        aside.mkdir(parents=True)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        _refuse_too_long(aside, _read(aside))
        if not kept.is_dir():
            aside.rename(kept)
    except OSError as error:
        raise _cannot_keep(_root(), error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_too_long(folder: Path, contents: Contents) -> None:
    _, most = upload_limits()
    longest = contents.rows or max(len(read_lines(file, upload_bound())) for file in folder.iterdir())
    if longest > most:
        raise CorpusError(f"The text has {longest:,} lines and uploads here may have {most:,}.", "Upload a part of it.")


def _file_name(name: str) -> str:
    """The last part of a path, without what a file system or a browser could take for something else."""
    last = re.sub(r"[^\w. -]+", "-", re.split(r"[/\\]", name)[-1]).strip(" .-")
    return last[-80:] or "text.tsv"


def open_upload(name: str) -> Contents:
    """What was kept under a name. Raises CorpusError if nothing was."""
    found = _NAME.fullmatch(name)
    folder = _root() / found["folder"] if found else None
    if folder is None or not folder.is_dir():
        raise CorpusError(f"The upload {name.removeprefix(PREFIX)} is not here.", "Upload the file on the Data page.")
    return _read(folder)


def _read(folder: Path) -> Contents:
    files = sorted(folder.iterdir())
    return read_path(files[0] if len(files) == 1 else folder, upload_bound())


def uploads() -> tuple[str, ...]:
    """The names of all that is kept, the newest first."""
    return tuple(PREFIX + name for name in _kept_names("uploads"))


def remove_upload(name: str) -> None:
    """Deletes what was kept under a name; nothing happens if it is gone."""
    found = _NAME.fullmatch(name)
    if found:
        shutil.rmtree(_root() / found["folder"], ignore_errors=True)


def _root(kind: str = "uploads") -> Path:
    return settings().cache_dir / kind
