"""SHA-256 digests of files, so that results are stored under the bytes they came from.

Reading a gigabyte takes a second or more, so digests are remembered: in this process and, for large files, in the cache
folder. A remembered digest is valid while the file's stamp stays the same. A disk can lose a bit without changing the
stamp, so files are read again in a separate thread while they are loaded (see Check).
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from neuronxa_core.settings import settings

PATIENCE = 30.0
"""Seconds allowed, at least, for reading a model's files: about 30 GB. For the rest, the remembered digest counts."""
_LARGE = 1_000_000
_BLOCK = 1 << 20
_SETTLED_NS = 100_000_000
"""A file that changed this recently could change again with the same timestamp: file system clocks are coarse."""


class Stamp(NamedTuple):
    """File metadata that changes when the file is written, replaced, or has its old date restored."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    device: int


_READ: dict[Stamp, str] = {}
"""Digests of files that this process has read itself."""


def stamp(file: Path) -> Stamp:
    """The current stamp of a file. Raises OSError if the file is gone."""
    stat = file.stat()
    return Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev)


def stamp_if_there(file: Path) -> Stamp | None:
    try:
        return stamp(file)
    except OSError:
        return None


def remembered(file: Path) -> str:
    """SHA-256 of a file: as read by this or an earlier process, else read now. Raises OSError."""
    now = stamp(file)
    if now in _READ:
        return _READ[now]
    with contextlib.suppress(OSError, UnicodeDecodeError):
        digest = _memo(file, now).read_text()
        if len(digest) == 64:
            return digest
    return read(file)


def read(file: Path, tick: Callable[[], object] = lambda: None) -> str:
    """SHA-256 of a file, read by this process once per stamp. Raises OSError, and whatever `tick` raises."""
    before = stamp(file)
    if before in _READ:
        return _READ[before]
    digest = _sha256(file, tick)
    if stamp(file) == before and time.time_ns() - before.changed_ns > _SETTLED_NS:
        _READ[before] = digest
        if before.size > _LARGE:
            _remember(_memo(file, before), digest)
    return digest


def read_before(file: Path) -> str | None:
    """The digest of a file if this process has read it as it is now, else None. Raises OSError if it is gone."""
    return _READ.get(stamp(file))


class Check:
    """Reads files in a separate thread while they are loaded, and reports those that are not as expected."""

    def __init__(self, expected: Mapping[Path, str]) -> None:
        self._expected = expected
        self._damaged: list[Path] = []
        self._stop = threading.Event()
        self._until = time.monotonic() + PATIENCE
        self._thread = threading.Thread(target=self._read_all, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def damaged(self) -> tuple[Path, ...]:
        """The files whose content differs, among those that could be read in time; waits for the reading."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        self._stop.set()
        self._thread.join()
        return tuple(self._damaged)

    def _read_all(self) -> None:
        for file, digest in sorted(self._expected.items(), key=lambda each: each[0].suffix == ".safetensors"):
            try:
                found = read(file, self._go_on)
            except OSError:
                found = ""
            except _TooLate:
                return
            if found != digest or _named_otherwise(file, found):
                self._damaged.append(file)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _TooLate


class _TooLate(Exception):  # noqa: N818 - it is not an error
    pass


def _named_otherwise(file: Path, digest: str) -> bool:
    """Whether a file in the hub's cache, where large files are named by their SHA-256, is named by another digest."""
    blob = file.resolve()
    return blob.parent.name == "blobs" and len(blob.name) == 64 and blob.name != digest


def _sha256(file: Path, tick: Callable[[], object]) -> str:
    digest, block = hashlib.sha256(), memoryview(bytearray(_BLOCK))
    with file.open("rb", buffering=0) as content:
        while count := content.readinto(block):
            digest.update(block[:count])
            tick()
    return digest.hexdigest()


def _memo(file: Path, now: Stamp) -> Path:
    """Where a large file's digest is remembered. Device numbers are left out: they change on a reboot."""
    name = f"{file.resolve()}\0{now.size}\0{now.modified_ns}\0{now.changed_ns}\0{now.inode}"
    return settings().cache_dir / "digests" / hashlib.sha256(name.encode()).hexdigest()[:32]


def _remember(memo: Path, digest: str) -> None:
    with contextlib.suppress(OSError):  # optional: the next process will read the file again
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo.write_text(digest)
