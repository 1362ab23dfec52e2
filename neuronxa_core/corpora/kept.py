"""What people upload: files unchanged in folders that are named by their content, within a quota for all of them.

When an upload does not fit, the folders that were not used for longest go, but none that a page has open.
"""

import contextlib
import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from neuronxa_core.errors import CacheError, CorpusError
from neuronxa_core.settings import settings

KINDS = ("uploads", "accuracies")
_NAME = re.compile(r"[\w.-]{1,60}-[0-9a-f]{12}")
_OFTEN_ENOUGH = 60.0
"""Seconds in which a folder counts as just used."""
_LEFT_BEHIND = 3_600.0
"""Seconds after which a folder that is still being written was left by a process that has ended."""
_lock = threading.Lock()
_OPEN: dict[str, tuple[frozenset[str], Callable[[], bool]]] = {}


def hold(viewer: str, names: Iterable[str], here: Callable[[], bool]) -> None:
    """Notes the folders that a viewer has open, in place of those before. here: whether the viewer still has."""
    with _lock:
        for gone in [each for each, (_, stays) in _OPEN.items() if each != viewer and not stays()]:
            del _OPEN[gone]
        _OPEN[viewer] = frozenset(names), here


def by_name(files: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """The files by the names under which they are stored. Raises CorpusError if two that differ have one name."""
    found: dict[str, bytes] = {}
    for name, content in files:
        safe = _safe_name(name)
        if found.setdefault(safe, content) != content:
            raise CorpusError(f"Two of these files are called {safe}.", "Rename one of them, or upload it alone.")
    return found


def content_name(files: Mapping[str, bytes], title: str = "") -> str:
    """The name of the folder for these files: the title or the first file's name, and a digest of all of them."""
    digest = hashlib.blake2b(digest_size=6)
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    stem = re.sub(r"[^\w.-]+", "-", title or Path(min(files)).stem)
    return f"{stem.strip('-.')[:40] or 'text'}-{digest.hexdigest()}"


def keep(kind: str, name: str, files: Mapping[str, bytes], check: Callable[[Path], object] = lambda _: None) -> None:
    """Stores files under a name, once `check` has not refused the folder that holds them.

    Raises CorpusError if there is no room, or another upload under this name, CacheError if they cannot be stored.
    """
    place = _root(kind) / name
    if (there := _content(place)) is not None:
        if there != files:
            raise CorpusError("Another upload has the name of this one.", "Rename one of its files.")
        return _touch(place)
    around = _root(kind) / f".{os.getpid()}.{os.urandom(4).hex()}"
    aside = around / "this upload"  # what errors call it
    try:
        aside.mkdir(parents=True)
        for file, content in files.items():
            (aside / file).write_bytes(content)
        check(aside)
        make_room(sum(map(len, files.values())))  # last, so that what is refused costs nobody an upload
        if not place.is_dir():
            aside.rename(place)
    except OSError as error:
        raise CacheError(
            f"The upload cannot be stored in the cache folder ({error.strerror or type(error).__name__}).",
            "Free some disk space, or set NEURONXA_CACHE_DIR to a writable folder.",
        ) from error
    finally:
        shutil.rmtree(around, ignore_errors=True)


def make_room(size: int) -> None:
    """Deletes the uploads that were not used for longest until `size` more bytes fit the quota.

    Raises CorpusError, and deletes nothing, if they would not fit beside those that are open.
    """
    with _lock:
        held = {name for names, here in _OPEN.values() if here() for name in names}
    kept = sorted(_all())
    quota = settings().upload_bytes
    over = sum(bytes_ for _, bytes_, _ in kept) + size - quota
    free = [(bytes_, place) for _, bytes_, place in kept if place.name not in held]
    if over > sum(bytes_ for bytes_, _ in free):
        raise CorpusError(
            f"There is no room for this upload: all uploads together may have {quota / 1e6:,.0f} MB, and others are in "
            "use.",
            "Try again later, or have NEURONXA_UPLOADS_GB increased.",
        )
    for bytes_, place in free:
        if over <= 0:
            break
        shutil.rmtree(place, ignore_errors=True)
        over -= bytes_


def files_of(kind: str, name: str) -> tuple[Path, ...]:
    """The files stored under a name, which counts as a use; empty if there are none, or the name is none."""
    if not _NAME.fullmatch(name):
        return ()
    place = _root(kind) / name
    try:
        files = tuple(sorted(place.iterdir()))
    except OSError:
        return ()
    _touch(place)
    return files


def names(kind: str) -> tuple[str, ...]:
    """All names, the newest first."""
    kept = {}
    for place in _root(kind).glob("*"):
        with contextlib.suppress(OSError):  # deleted in the meantime
            if _NAME.fullmatch(place.name):
                kept[place.name] = place.stat().st_mtime
    return tuple(sorted(kept, key=lambda name: -kept[name]))


def remove(kind: str, name: str) -> None:
    """Deletes what is stored under a name; a missing one is ignored."""
    if _NAME.fullmatch(name):
        shutil.rmtree(_root(kind) / name, ignore_errors=True)


def _all() -> Iterator[tuple[float, int, Path]]:
    """(last use, bytes, folder) of everything that is stored, and of what was left behind while it was written."""
    for place in (place for kind in KINDS for place in _root(kind).glob("*")):
        with contextlib.suppress(OSError):
            files = [file.stat() for file in place.rglob("*") if file.is_file()]
            used = max((max(file.st_atime, file.st_mtime) for file in files), default=0.0)
            whole = _NAME.fullmatch(place.name)
            if whole or time.time() - place.stat().st_mtime > _LEFT_BEHIND:
                yield used if whole else 0.0, sum(file.st_size for file in files), place


def _content(place: Path) -> dict[str, bytes] | None:
    try:
        return {file.name: file.read_bytes() for file in place.iterdir()} or None
    except OSError:
        return None


def _touch(place: Path) -> None:
    """Marks a folder as just used by the access time of its files: its own changes whenever it is looked through."""
    with contextlib.suppress(OSError, StopIteration):
        file = next(place.iterdir())
        status = file.stat()
        if time.time() - status.st_atime > _OFTEN_ENOUGH:
            os.utime(file, ns=(time.time_ns(), status.st_mtime_ns))


def _safe_name(name: str) -> str:
    """The last part of a path, without characters that are unsafe in file names or URLs."""
    last = re.sub(r"[^\w. -]+", "-", re.split(r"[/\\]", name)[-1]).strip(" .-")
    return last[-80:] or "text.tsv"


def _root(kind: str) -> Path:
    return settings().cache_dir / kind
