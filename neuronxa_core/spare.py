"""Where a run keeps what the cache folder cannot take: in temporary folders of this user, on disk or in memory.

Only whoever allows it writes there; whatever lies there is found by every process of this user.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from neuronxa_core.errors import CacheError
from neuronxa_core.settings import settings

MEMORY = Path("/dev/shm")
"""A folder of Linux whose files lie in memory."""
_ALLOWED: ContextVar[bool] = ContextVar("allowed", default=False)


@contextmanager
def allowed() -> Iterator[None]:
    """A context in which a result is more important than its place in the cache."""
    token = _ALLOWED.set(True)
    try:
        yield
    finally:
        _ALLOWED.reset(token)


def is_allowed() -> bool:
    return _ALLOWED.get()


def folders() -> tuple[Path, ...]:
    """The folders that exist, for reading."""
    return tuple(filter(_is_ours, _named()))


def made() -> Iterator[Path]:
    """The folders to try one after another for writing, made if necessary; none unless it is allowed."""
    for folder in _named() if is_allowed() else ():
        with suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
        if _is_ours(folder):
            yield folder


def _named() -> list[Path]:
    """One folder per temporary place, user and cache folder."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    digest = hashlib.blake2b(os.fsencode(settings().cache_dir), digest_size=6).hexdigest()
    places = [MEMORY]
    with suppress(OSError):  # no place for temporary files
        places.insert(0, Path(tempfile.gettempdir()))
    return [place / f"neuronxa-{user}-{digest}" for place in places]


def _is_ours(folder: Path) -> bool:
    """Whether a folder belongs to this user alone: in a place that all can write to, anybody may have made it."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077)
    return stat.S_ISDIR(status.st_mode) and mine


def first_that_takes(path: Path, base: Path, write: Callable[[Path], object]) -> Path:
    """The path at which a file was written: the one given, below `base`, or the same in one of these folders.

    Raises CacheError for the first if none takes it.
    """
    try:
        with told():
            write(path)
            return path
    except CacheError:
        for folder in made() if path.is_relative_to(base) else ():
            with suppress(CacheError), told():
                write(folder / path.relative_to(base))
                return folder / path.relative_to(base)
        raise


def problem(base: Path) -> str:
    """Why the cache folder cannot take a small file, in one sentence; empty if it can."""
    probe = aside(base / "probe")
    try:
        with told():
            base.mkdir(parents=True, exist_ok=True)
            try:
                probe.write_bytes(bytes(65_536))
            finally:
                probe.unlink(missing_ok=True)
    except CacheError as error:
        return error.problem
    return ""


def aside(path: Path) -> Path:
    """The name of a file until it is complete."""
    return path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")


@contextmanager
def told() -> Iterator[None]:
    """Turns what a disk that is full or read-only raises into a CacheError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or "No space left" in str(error) or "I/O error" in str(error):
            where = f" {settings().cache_dir}" if settings().mode == "local" else ""
            raise CacheError(
                f"The cache folder{where} cannot be written to ({getattr(error, 'strerror', None) or error}).",
                "Free some disk space, or set NEURONXA_CACHE_DIR to a writable folder.",
            ) from error
        raise
