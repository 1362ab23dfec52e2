"""Which paths a shared dashboard opens: those in NEURONXA_CORPORA and below, through no link that leads out of there.

Any other path is refused by its text alone, so that neither the answer nor its time tells whether it exists.
"""

import os
from pathlib import Path

from neuronxa_core.corpora.bounds import MOST_FILES
from neuronxa_core.errors import CorpusError
from neuronxa_core.paths import path_of, resolved
from neuronxa_core.settings import settings


def offered_path(name: str) -> Path | None:
    """The path of this name, which may not exist in local mode; None if it cannot or may not be opened."""
    if settings().mode == "local":
        return path_of(name)
    if "\0" in name:
        return None
    path = Path(os.path.abspath(name))  # noqa: PTH100 - `..` is taken from the text, before any link is followed
    roots = {each for root in settings().corpora for each in (Path(os.path.normpath(root)), resolved(root)) if each}
    return path if any(path.is_relative_to(root) and _is_reached(path, root) for root in roots) else None


def refuse_links_outside(path: Path) -> None:
    """Raises CorpusError in shared mode if a link at or below a configured path leads out of NEURONXA_CORPORA."""
    if settings().mode == "local":
        return
    _refuse_link(path, path)
    count = 0
    for at, below, files in os.walk(path):
        count += len(below) + len(files)
        if count > MOST_FILES:
            raise CorpusError(f"{path.name} contains more than {MOST_FILES:,} files.", "Use a smaller folder.")
        for name in (*below, *files):
            _refuse_link(Path(at, name), path)


def _refuse_link(file: Path, path: Path) -> None:
    if file.is_symlink() and not _is_inside(file):
        raise CorpusError(
            f"{path.name} has a link that leads out of NEURONXA_CORPORA.", "Put the file itself in place of the link."
        )


def _is_reached(path: Path, root: Path) -> bool:
    """Whether a path below a root exists. Stops at the first link that leads out, and looks at nothing behind it."""
    at = root
    try:
        for part in path.relative_to(root).parts:
            at /= part
            if at.is_symlink() and not _is_inside(at):
                return False
        return at.exists()
    except OSError:
        return False


def _is_inside(path: Path) -> bool:
    target = resolved(path)
    return target is not None and any(target.is_relative_to(root) for root in filter(None, _resolved_roots()))


def _resolved_roots() -> list[Path | None]:
    return [resolved(root) for root in settings().corpora]
