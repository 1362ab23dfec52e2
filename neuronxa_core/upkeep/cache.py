"""What lies in the cache folder, by kind, and what of it is damaged or may be deleted.

Only files whose names this project gives are looked at, so that a NEURONXA_CACHE_DIR with other files in it is safe.
"""

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neuronxa_core.settings import settings
from neuronxa_core.states import mapped
from neuronxa_core.study import parquet

_HASH = "[0-9a-f]{32}"
_UPLOAD = r"[\w.-]{1,60}-[0-9a-f]{12}"
_NAMES: Mapping[str, str] = {
    "models": r"gemma-3-270m-[0-9a-f]{12}",
    "digests": _HASH,
    "states": rf"{_HASH}\.safetensors",
    "results": rf"{_HASH}(?:\.\w+)?\.(?:parquet|json)",
    "hub_texts": r"[a-z0-9+.@-]+\.json",
    "offload": r"[\w.-]+\.dat|index\.json",
    "uploads": _UPLOAD,
    "accuracies": _UPLOAD,
}
"""Folder in the cache -> what the names of its entries look like."""
_LEFTOVER = r"\..+\.part|gemma-3-270m-[0-9a-f]{12}\.part-.+|\.\d+\.[0-9a-f]{8}|\..+\.json\.\d+"
"""What an interrupted process leaves beside the entries."""
_IN_PROGRESS = 3600.0
"""Seconds during which what looks like a leftover may still be written to."""
LEFTOVERS = "leftovers"
KINDS = (*_NAMES, LEFTOVERS)
BROUGHT = ("uploads", "accuracies")
"""The kinds that users brought, which nothing here can make again."""


@dataclass(frozen=True)
class Entry:
    """A file or folder of the cache. used: when it was last read or written, in seconds since the epoch."""

    kind: str
    path: Path
    bytes: int
    used: float


@dataclass(frozen=True)
class Choice:
    """Which entries are meant. seconds: unused for longer; bytes: larger."""

    kinds: Sequence[str] = KINDS
    seconds: float = 0.0
    bytes: int = -1

    def of(self, entries: Sequence[Entry]) -> list[Entry]:
        until = time.time() - self.seconds
        return [each for each in entries if each.kind in self.kinds and each.used <= until and each.bytes > self.bytes]


def entries() -> list[Entry]:
    """Everything in the cache folder, by kind and the longest unused first; what is being written is left out."""
    found = [entry for folder, pattern in _NAMES.items() for entry in _entries_in(folder, pattern)]
    return sorted(found, key=lambda entry: (KINDS.index(entry.kind), entry.used))


def _entries_in(folder: str, pattern: str) -> Iterator[Entry]:
    try:
        paths = list((settings().cache_dir / folder).iterdir())
    except OSError:
        return
    for path in paths:
        kind = folder if re.fullmatch(pattern, path.name) else LEFTOVERS if re.fullmatch(_LEFTOVER, path.name) else ""
        with contextlib.suppress(OSError):  # deleted in the meantime
            size, used = _size_and_use(path)
            if kind and (kind != LEFTOVERS or time.time() - used > _IN_PROGRESS):
                yield Entry(kind, path, size, used)


def _size_and_use(path: Path) -> tuple[int, float]:
    """Bytes, and the last access or change, of a file or of a folder's files. Links are not followed."""
    stats = [path.lstat()]
    if path.is_dir() and not path.is_symlink():
        stats = [file.lstat() for file in path.rglob("*")] or stats
    return sum(stat.st_size for stat in stats), max(max(stat.st_atime, stat.st_mtime) for stat in stats)


def delete(entry: Entry) -> bool:
    """Deletes an entry; whether it is gone. A folder is renamed first, so that nobody finds half of it."""
    path = entry.path
    with contextlib.suppress(OSError):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
        else:
            aside = path.with_name(f".{path.name}.{time.time_ns()}.part")
            path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    return not os.path.lexists(path)


def damaged(found: Sequence[Entry]) -> list[Entry]:
    """Those that are not as they were written. Reads every file in full and deletes none."""
    return [entry for entry in found if entry.kind in _CHECKS and _CHECKS[entry.kind](entry.path)]


def _are_no_states(path: Path) -> bool:
    from safetensors import SafetensorError

    try:
        mapped.read(path)
    except FileNotFoundError:
        return False
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return True
    return False


def _is_no_digest(path: Path) -> bool:
    try:
        return not re.fullmatch("[0-9a-f]{64}", path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return True


def _is_no_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return True
    return False


_CHECKS: Mapping[str, Callable[[Path], bool]] = {
    "digests": _is_no_digest,
    "states": _are_no_states,
    "results": parquet.is_damaged,
    "hub_texts": _is_no_json,
}
