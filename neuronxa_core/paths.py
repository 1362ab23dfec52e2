"""Texts that may be paths (typed by a user, or found in a link or in a file from elsewhere), and files of one piece."""

import errno
import os
from collections.abc import Callable
from pathlib import Path


def path_of(text: str) -> Path | None:
    """The path that a text names, `~` expanded; None if nothing on this machine can have that name.

    So it is for a NUL, a name that is too long, or the home of a user who does not exist.
    """
    try:
        path = Path(text).expanduser()
        path.stat()
    except (RuntimeError, ValueError):
        return None
    except OSError as error:
        return None if error.errno == errno.ENAMETOOLONG else path
    return path


def exists(text: str) -> bool:
    """Whether a text is the path of something on this machine."""
    path = path_of(text)
    return path is not None and os.path.exists(path)  # noqa: PTH110 - Path.exists raises where it may not look


def resolved(path: Path) -> Path | None:
    """The path with its links followed; None if it cannot be, as with circular links."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file beside `path`, then renames it: whoever is killed leaves no half of a result.

    What is left of a killed one is written over by the next. Raises OSError.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        write(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
