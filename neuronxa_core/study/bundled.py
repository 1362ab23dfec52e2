"""The files of the gallery, which comes with the dashboard: each is read only if it is as it was built.

A list beside them holds the SHA-256 of every one. It is compared whenever a file is read, which takes a millisecond for
each megabyte. A file that is damaged is as good as missing: what it answers can be computed, and no number is wrong.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from neuronxa_core.settings import ASSETS

Content = TypeVar("Content")
GALLERY = ASSETS / "gallery"
LIST = "checksums.json"
_log = logging.getLogger(__name__)


def read(path: Path, reader: Callable[[Path], Content]) -> Content | None:
    """What the reader makes of a file of the gallery; None if there is no such file, or it is damaged."""
    return reader(path) if is_whole(path) else None


def is_whole(path: Path) -> bool:
    """Whether a file of the gallery is there, as it was built. The log names one that is not."""
    digest = _digest(path)
    whole = digest is not None and digest == _listed(GALLERY).get(path.relative_to(GALLERY).as_posix())
    if digest is not None and not whole:
        _tell(path)
    return whole


def damaged_files() -> list[str]:
    """The files of the gallery that are missing or not as they were built; the list if that cannot be read."""
    listed = _listed(GALLERY)
    return [name for name, digest in listed.items() if _digest(GALLERY / name) != digest] if listed else [LIST]


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """While files of a gallery are written into a folder: the list has the new ones afterwards.

    What was damaged before and is not written anew stays so.
    """
    from neuronxa_core.states.store import write_aside  # with NumPy, for which the first page would wait

    before = _digests(folder)
    yield
    after = _digests(folder)
    listed = {name: digest for name, digest in _listed(folder).items() if name in after}
    listed |= {name: digest for name, digest in after.items() if before.get(name) != digest or name not in listed}
    listed.pop(LIST, None)
    text = json.dumps(dict(sorted(listed.items())), indent=1) + "\n"
    write_aside(folder / LIST, lambda path: path.write_text(text, encoding="utf-8"))


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _digest(path) or "" for path in files}


def _listed(folder: Path) -> dict[str, str]:
    """Name -> SHA-256; empty if there is no list that can be read."""
    try:
        listed = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return dict(listed) if isinstance(listed, dict) else {}


@lru_cache(maxsize=256)
def _tell(path: Path) -> None:
    """Says it once."""
    _log.warning("%s is damaged and is not used: get it again from the repository or the package.", path)
