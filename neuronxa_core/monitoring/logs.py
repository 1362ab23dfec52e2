"""The log as JSON, one object per line, on request: made for machines, and without anything that people typed.

A line holds the fixed words of a message, never what was put into them; of a traceback the kind of the exception and
where it passed; paths only in local mode.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neuronxa_core.monitoring.events import Event, listen
from neuronxa_core.settings import settings

_OURS = "neuronxa_core"
_FRAME = re.compile(r'^ *File "(.+?)", line (\d+), in (\S+)', re.M)
_KIND = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Cancelled))(?=:|$)", re.M)
_log = logging.getLogger(f"{_OURS}.events")


class JsonLines(logging.Formatter):
    """Turns a record into one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        local = settings().mode == "local"
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        event = getattr(record, "event", None)
        if event is not None:
            return json.dumps(line | event, ensure_ascii=False)
        if local or record.name.startswith(_OURS):  # others put whatever they like into their words
            line["message"] = str(record.msg).partition("\n")[0]
        if error_id := getattr(record, "error_id", ""):
            line["error_id"] = error_id
        paths = [str(part) for part in record.args or () if isinstance(part, Path)]
        if paths and local:
            line["paths"] = paths
        return json.dumps(line | _trace(self._traceback(record), local), ensure_ascii=False)

    def _traceback(self, record: logging.LogRecord) -> str:
        own = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join([*(str(part) for part in record.args or () if "Traceback" in str(part)), own])


def _trace(text: str, local: bool) -> dict[str, Any]:
    """The kind of the exception and the places that it passed, from a traceback; without its message."""
    kinds, frames = _KIND.findall(text), _FRAME.findall(text)
    if not frames:
        return {}
    places = [f"{file if local else Path(file).name}:{line} {function}" for file, line, function in frames]
    return {"exception": kinds[-1] if kinds else "", "trace": places}


def begin(root: logging.Logger | None = None) -> None:
    """Writes the log of this process as JSON to standard error from now on if NEURONXA_LOG says so.

    root: the logger that all others hand their records to, or that has to be changed alone.
    """
    if settings().log != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    (root or logging.getLogger()).handlers = [handler]
    others = [] if root else list(logging.Logger.manager.loggerDict.values())
    for logger in others:
        for own in logger.handlers if isinstance(logger, logging.Logger) else ():  # one that writes by itself
            own.setFormatter(JsonLines())
    _log.setLevel(logging.INFO)
    listen(write)


def write(event: Event) -> None:
    """Writes an event as a line of the log."""
    _log.info("%s", event.kind, extra={"event": event.told})
