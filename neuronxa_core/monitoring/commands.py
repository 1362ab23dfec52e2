"""What a command of the command line did, as one event of the log, if the log is JSON."""

import argparse
import logging
import time
import traceback
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress

from neuronxa_core.errors import Cancelled, NeuronXAError, SettingsError
from neuronxa_core.monitoring import events, logs
from neuronxa_core.settings import settings

_COMPUTED = {"loading", "scoring", "projecting"}
"""What a command reports at least one of unless it found its answer in the cache."""
_log = logging.getLogger(__name__)


class ToldError(Exception):
    """A fault of the program whose traceback the log has."""


@contextmanager
def told_as_event(options: argparse.Namespace, phases: Collection[str]) -> Iterator[None]:
    """Tells how the command of the block ended, if NEURONXA_LOG=json; without it, nothing happens here.

    phases: what the command has reported by its end.
    Raises ToldError for a fault of the program, whose traceback would show what people typed.
    """
    json = False
    with suppress(SettingsError):  # the command says what is wrong with them
        json = settings().log == "json"
    if json:
        logs.begin()
    with _told(options, phases) if json else nullcontext():
        yield


@contextmanager
def _told(options: argparse.Namespace, phases: Collection[str]) -> Iterator[None]:
    started, ending, error_id = time.monotonic(), "failed", ""
    try:
        yield
        ending = "done"
    except (KeyboardInterrupt, Cancelled):
        ending = "cancelled"
        raise
    except NeuronXAError:
        raise
    except Exception as error:
        error_id = uuid.uuid4().hex[:8]
        told = options.called, error_id, traceback.format_exc()
        _log.error("command %s failed, error id %s\n%s", *told, extra={"error_id": error_id})
        raise ToldError from error
    finally:
        asked = {"run": options.called, "paths": _paths(options)}
        found = ending == "done" and hasattr(options, "no_cache") and _COMPUTED.isdisjoint(phases)
        seconds = time.monotonic() - started
        events.tell(events.ended(ending, asked, error_id, seconds=seconds, source="cached" if found else "fresh"))


def _paths(options: argparse.Namespace) -> dict[str, str]:
    """What the command was given as model and corpus, and where it writes."""
    return {name: str(vars(options)[name]) for name in ("model", "corpus", "out") if vars(options).get(name)}
