"""The cache on disk: files are written atomically, checked when read, and recomputed if damaged.

States are safetensors with a JSON header, one file per language; results are Parquet (see study.result). The least
recently used files are deleted when the folder exceeds NEURONXA_CACHE_GB.
"""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from neuronxa_core import spare
from neuronxa_core.errors import CacheError
from neuronxa_core.settings import settings
from neuronxa_core.states import mapped
from neuronxa_core.states.sentences import SentenceStates

_Read = TypeVar("_Read")
_Stamp = tuple[int, int, int, int]
_WHOLE: dict[Path, _Stamp] = {}
"""Files that this process wrote, or read and found intact, with their state at that time."""
_ABANDONED = 3600.0
"""Seconds after which nobody is still writing to a file that has not got its name."""
_OFTEN_ENOUGH = 60.0
"""Seconds in which a file counts as just used. Updating its timestamp would make other processes check it again."""
FORMAT = 3
"""Part of every key. Increase it when the meaning of a stored number changes."""
_APART: ContextVar[Path | None] = ContextVar("apart", default=None)
_log = logging.getLogger(__name__)


@contextmanager
def apart() -> Iterator[None]:
    """A context with a cache of its own: empty at the start, deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="neuronxa-") as folder:
        token = _APART.set(Path(folder))
        try:
            yield
        finally:
            _APART.reset(token)


def root() -> Path:
    """The folder that holds states and results."""
    return _APART.get() or settings().cache_dir


def result_path(key: str, suffix: str = ".parquet") -> Path:
    """The path of the result with this key."""
    return _place("results", f"{key}{suffix}")


def _place(folder: str, name: str) -> Path:
    """Where a file of the cache is to be, or where it lies if the cache folder could not take it."""
    path = root() / folder / name
    if _APART.get() or os.path.exists(path):  # noqa: PTH110 - Path.exists raises where it may not look
        return path
    return next((spared for place in spare.folders() if (spared := place / folder / name).is_file()), path)


def newest_results(suffix: str) -> list[Path]:
    """The results whose file names end like this, the most recently used first."""
    used = []
    for path in (path for place in _all_places() for path in (place / "results").glob(f"*{suffix}")):
        with contextlib.suppress(OSError):  # another process may delete it
            stat = path.stat()
            used.append((max(stat.st_atime, stat.st_mtime), path))
    return [path for _, path in sorted(used, reverse=True)]


def version() -> tuple[int, ...]:
    """A value that changes whenever a state or a result is added or deleted."""
    folders = (place / name for place in _all_places() for name in ("states", "results"))
    return tuple(folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in folders)


def _all_places() -> tuple[Path, ...]:
    return (root(),) if _APART.get() else (root(), *spare.folders())


def cache_key(parts: Mapping[str, str | int]) -> str:
    """Thirty-two hex digits that identify `parts`."""
    text = json.dumps({"format": FORMAT, **parts}, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def states_path(key: str) -> Path:
    return _place("states", f"{key}.safetensors")


def write_states(key: str, states: SentenceStates, header: Mapping[str, str | int]) -> None:
    """Stores states with their header. Raises CacheError if the cache cannot be written to."""
    with writing_states(key, header) as file:
        for name, array in file.make({name: array.shape for name, array in vars(states).items()}).items():
            array[:] = vars(states)[name]


@contextmanager
def writing_states(key: str, header: Mapping[str, str | int]) -> Iterator["StatesFile"]:
    """A file of states for the block to fill; in the cache once the block ends without an error, else deleted.

    Raises CacheError if the cache cannot be written to.
    """
    file = StatesFile(states_path(key), header)
    try:
        yield file
        if file.held:
            return
        with spare.told():
            file.seal()
            file.path.replace(file.target)
    finally:
        discard(file.path)
    _evict(keep=file.target)
    with contextlib.suppress(OSError):  # another process may have evicted it
        _WHOLE[file.target] = _stamp(file.target)


class StatesFile:
    """A file of states that is being written: at `path`, and at `target` once it is complete.

    held: whether no folder has room for it, so that its arrays are in memory alone.
    """

    def __init__(self, target: Path, header: Mapping[str, str | int]) -> None:
        self.target, self.path, self.header, self.held = target, spare.aside(target), header, False
        self._arrays: dict[str, NDArray[Any]] = {}

    def make(self, shapes: mapped.Shapes) -> dict[str, NDArray[Any]]:
        """The arrays to fill, mapped into memory. Raises CacheError if there is no room, unless a run spares it."""
        try:
            spare.first_that_takes(self.target, root(), partial(self._create, shapes))
        except CacheError:
            if not spare.is_allowed():
                raise
            self.held, self._arrays = True, mapped.in_memory(shapes)
        return self._arrays

    def _create(self, shapes: mapped.Shapes, target: Path) -> None:
        discard(self.path)
        self.target, self.path = target, spare.aside(target)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._arrays = mapped.create(self.path, shapes, self.header)

    def seal(self) -> None:
        """Adds the checksum. The arrays can no longer be written."""
        mapped.seal(self.path, self._arrays, self.header)


def read_states(key: str) -> SentenceStates | None:
    """The states with this key; None if they are missing or damaged. A damaged file is deleted."""
    path = states_path(key)
    states = _read_checked(path)
    if states is not None:
        touch(path)
    return states


def _read_checked(path: Path) -> SentenceStates | None:
    from safetensors import SafetensorError

    try:
        return SentenceStates(**mapped.read(path)[0])
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        discard(path)
        return None


def read_header(path: Path) -> dict[str, Any]:
    """The header that write_states stored with the states at `path`; empty if they are missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header: dict[str, Any] = json.loads(file.metadata()["neuronxa"])
            return header
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return {}


def taken_from(path: Path) -> str:
    """Description of the module read as neurons when the states at `path` were extracted."""
    return str(read_header(path).get("taken_from", ""))


def is_whole(path: Path) -> bool:
    """Whether the states at `path` exist and are intact. A file is read once, and again only if it has changed."""
    try:
        before = _stamp(path)
        if _WHOLE.get(path) == before:
            return True
        if _read_checked(path) is None:
            return False
        if _stamp(path) == before:
            _WHOLE[path] = before
    except OSError:
        return False
    return True


def _stamp(path: Path) -> _Stamp:
    """Inode, size and timestamps, which change when a file is replaced or written, even if an old date is restored."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a temporary file beside `path`, then renames it, so that no reader sees a partial file.

    Raises CacheError if the folder cannot be written to. A run that spares it keeps the file elsewhere, or not at all.
    """

    def write_beside(target: Path) -> None:
        aside = spare.aside(target)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write(aside)
            aside.replace(target)
        finally:
            discard(aside)

    try:
        _evict(keep=spare.first_that_takes(path, root(), write_beside))
    except CacheError as error:
        if not spare.is_allowed():
            raise
        _log.warning("%s is not kept: %s", path.name, error.problem)


def read_or_discard(path: Path, read: Callable[[Path], _Read]) -> _Read | None:
    """What `read` returns for a cached file; None if it is missing or damaged. A damaged file is deleted."""
    try:
        found = read(path)
    except FileNotFoundError:
        return None
    except Exception:  # a damaged Parquet or JSON file fails in many ways
        discard(path)
        return None
    touch(path)
    return found


def touch(path: Path) -> None:
    """Marks a file as just used by its access time, at most once a minute; the other timestamps show changes."""
    with contextlib.suppress(OSError):  # the cache may be read-only
        stat, before = path.stat(), _stamp(path)
        if time.time() - max(stat.st_atime, stat.st_mtime) < _OFTEN_ENOUGH:
            return
        os.utime(path, ns=(time.time_ns(), stat.st_mtime_ns))
        after = _stamp(path)
        if _WHOLE.get(path) == before and after[:-1] == before[:-1]:
            _WHOLE[path] = after


def discard(path: Path) -> None:
    """Deletes a file; ignores one that is missing or that we may not delete."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _evict(keep: Path) -> None:
    """Deletes the least recently used states and results, but never `keep`, until the rest fits.

    And what killed processes have left half-written.
    """
    files = []
    base = next(filter(keep.is_relative_to, spare.folders()), root())
    for folder in ("states", "results"):
        for file in (base / folder).glob("*"):
            try:
                stat = file.stat()
            except OSError:
                continue  # another process deleted it
            if file.suffix == ".part" and time.time() - stat.st_mtime > _ABANDONED:
                discard(file)
                continue
            files.append((max(stat.st_atime, stat.st_mtime), stat.st_size, file))
    room = settings().cache_limit_bytes - sum(size for _, size, _ in files)
    for _, size, file in sorted(files):
        if room >= 0:
            break
        if file != keep:
            discard(file)
            room += size
