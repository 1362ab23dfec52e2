"""The boundary at which files from elsewhere come in: whatever they cause becomes one sentence with an error id."""

import json
import logging
import stat
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuronxa_core.errors import Cancelled, CorpusError, NeuronXAError

_LARGEST_JSON = 100_000_000
_log = logging.getLogger(__name__)


@contextmanager
def told_in_one_sentence(
    name: str, kind: type[NeuronXAError] = CorpusError, mend: str = "Save it again"
) -> Iterator[None]:
    """Turns whatever reading a file raises into a NeuronXAError that names the file.

    An unexpected error leaves its traceback in the log, under an id given in the message. mend: what to do then.
    """
    try:
        yield
    except NeuronXAError:
        raise
    except MemoryError as error:
        raise kind(f"{name} does not fit in memory.", "Use only part of it.") from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise kind(f"{name} cannot be read ({why}).", "Check the file and its permissions.") from error
    except BaseException as error:
        if not is_failure(error):
            raise
        said = f"{type(error).__name__}, error id {logged(name, error)}"
        raise kind(f"{name} cannot be read ({said}).", f"{mend}, or look up the id in the log.") from error


def is_failure(error: BaseException) -> bool:
    """Whether something went wrong, as opposed to a word to stop. A panic of a library in Rust is no Exception."""
    if isinstance(error, Exception):
        return not isinstance(error, Cancelled)
    return type(error).__name__ == "PanicException"


def logged(name: str, error: BaseException) -> str:
    """The id under which the traceback of an unexpected error is in the log."""
    error_id = uuid.uuid4().hex[:8]
    told = name, error_id, "".join(traceback.format_exception(error))
    _log.error("%s cannot be read, error id %s\n%s", *told, extra={"error_id": error_id})
    return error_id


def read_json(file: Path) -> Any:
    """The content of a JSON file. Raises OSError for what is no regular file, and ValueError for any other reason."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        raise IsADirectoryError(f"{file.name} is not a file")  # a pipe would never end
    if status.st_size > _LARGEST_JSON:
        raise ValueError(f"it has more than {_LARGEST_JSON / 1e6:.0f} MB")
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
