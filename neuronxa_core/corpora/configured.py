"""The corpora in NEURONXA_CORPORA: those that open are offered, the others are skipped with a reason."""

import errno
import logging
import os
import stat
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from neuronxa_core.corpora.formats import SUFFIXES
from neuronxa_core.corpora.offered import refuse_links_outside
from neuronxa_core.corpora.readers import read_path
from neuronxa_core.errors import CorpusError
from neuronxa_core.settings import settings

_MOST_WATCHED = 2_000
"""Files and folders inspected to tell whether a folder has changed."""
_PATIENCE = 60.0
"""Seconds before a path that the system refused to read is tried again, even if unchanged."""
_log = logging.getLogger(__name__)
_lock = threading.Lock()


@dataclass(frozen=True)
class _Problem:
    """Why a path is not a corpus, without the traceback, whose frames would keep the text in memory."""

    reason: str
    passing: bool
    """Whether the system refused, which may not last."""


_seen: dict[Path, tuple[tuple[object, ...], float, _Problem | None]] = {}


@dataclass(frozen=True)
class Skipped:
    """A path that is not offered, with the reason in one sentence."""

    path: Path
    reason: str

    def told(self, whole: bool) -> tuple[str, str]:
        """Name and reason. `whole` gives the full path; without it no part of the path but the file name shows."""
        if whole:
            return str(self.path), self.reason
        return self.path.name, self.reason.replace(os.path.join(self.path.parent, ""), "")  # noqa: PTH118


def configured() -> tuple[str, ...]:
    """The paths in NEURONXA_CORPORA that are corpora, and the corpora directly inside those that are not."""
    return _looked_through()[0]


def skipped() -> tuple[Skipped, ...]:
    """The paths that cannot be offered. Notes, licences and the like beside the corpora do not count."""
    return _looked_through()[1]


def _looked_through() -> tuple[tuple[str, ...], tuple[Skipped, ...]]:
    offered: list[Path] = []
    passed: list[Skipped] = []
    for root in settings().corpora:
        problem = _problem(root)
        if problem is None:
            offered.append(root)
            continue
        problems = {each: _problem(each) for each in _inside(root)}
        offered += [each for each, why in problems.items() if why is None]
        meant = {each: why for each, why in problems.items() if why and _meant(each, why)}
        if all(problems.values()) and not meant:
            meant = {root: problem}
        passed += [Skipped(each, why.reason) for each, why in meant.items()]
    for each in passed:
        _say(each)
    return tuple(map(str, dict.fromkeys(offered))), tuple(dict.fromkeys(passed))


@lru_cache(maxsize=10_000)
def _say(each: Skipped) -> None:
    """Logs a skipped path, once."""
    _log.warning("%s in NEURONXA_CORPORA is skipped: %s", each.path, each.reason)


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError:  # reported as the folder's own problem
        return []


def _meant(path: Path, problem: _Problem) -> bool:
    """Whether this path was probably meant as a corpus."""
    return path.suffix.lower() in SUFFIXES or problem.passing or not path.is_file()


def _problem(path: Path) -> _Problem | None:
    """Why a path is not a corpus; None if it is one. An unchanged path is not opened again."""
    with _lock:
        now, looks = time.monotonic(), _looks(path)
        before = _seen.get(path)
        if before and before[0] == looks and (now - before[1] < _PATIENCE or not (before[2] and before[2].passing)):
            return before[2]
        problem = None
        try:
            refuse_links_outside(path)
            read_path(path)
        except CorpusError as error:
            problem = _Problem(error.problem, isinstance(error.__cause__, OSError | MemoryError))
        _seen[path] = looks, now, problem
        return problem


def _looks(path: Path) -> tuple[object, ...]:
    """A fingerprint of a path: dates and size of a file; for a folder those of all its subfolders and catalogues."""
    found: list[object] = [settings().mode, _dates(path)]
    if not path.is_dir():
        return tuple(found)
    count = 0
    for at, _, files in os.walk(path):
        found += [_dates(Path(at)), *(_dates(Path(at, name)) for name in files if name.endswith(".po"))]
        count += 1 + len(files)
        if count > _MOST_WATCHED:
            break
    return tuple(found)


def _dates(path: Path) -> tuple[object, ...]:
    try:
        status = path.stat()
    except OSError as error:
        return (errno.errorcode.get(error.errno or 0, ""),)
    changed = () if stat.S_ISFIFO(status.st_mode) else (status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    return status.st_mode, status.st_ino, *changed
