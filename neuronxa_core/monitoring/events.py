"""What happens in the dashboard, told to whoever listens: a run has ended, an answer was found.

No event holds text of anybody's sentences. Sessions are hashes that mean nothing outside this process.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from neuronxa_core.settings import settings

Kind = Literal["run", "answer"]
Outcome = Literal["done", "refused", "failed", "cancelled"]
_SECRET = os.urandom(16)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """kind: a run that ended, or an answer that was found without one.

    run: the analysis. outcome: refused for an error that a user can fix, failed for a fault of the program. seconds: it
    took; waited: it stood in the queue; source: of an answer (cached, precomputed). paths: only told in local mode.
    """

    kind: Kind
    run: str
    outcome: Outcome = "done"
    seconds: float = 0.0
    waited: float = 0.0
    source: str = "fresh"
    error_id: str = ""
    sessions: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """The fields of a log line, without those that say nothing."""
        rest: dict[str, Any] = {"waited": round(self.waited, 3)} if self.waited else {}
        rest |= {"error_id": self.error_id} if self.error_id else {}
        rest |= {"sessions": list(self.sessions)} if self.sessions else {}
        rest |= dict(self.paths) if settings().mode == "local" else {}
        return {
            "event": self.kind,
            "run": self.run,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "cache_hit": self.source != "fresh",
            "source": self.source,
            **rest,
        }


_LISTENERS: list[Callable[[Event], object]] = []


def listen(listener: Callable[[Event], object]) -> Callable[[], None]:
    """Calls `listener` with every event from now on, until the function that comes back is called."""
    _LISTENERS.append(listener)
    return lambda: _LISTENERS.remove(listener)


def tell(event: Event) -> None:
    """Tells everyone who listens. What a listener raises is logged and disturbs nobody."""
    for listener in tuple(_LISTENERS):
        try:
            listener(event)
        except Exception:
            _log.exception("an event was not heard")


def hashed(session: str) -> str:
    """Twelve hex digits that are the same for a session as long as this process lives, and lead nowhere else."""
    return hashlib.blake2b(session.encode(), digest_size=6, key=_SECRET).hexdigest() if session else ""


def asked(request: Any) -> dict[str, Any]:
    """The fields of an event that a request tells: the analysis, and the paths or names of model and corpus."""
    study = getattr(request, "study", None)
    paths = {name: str(getattr(study, name)) for name in ("model", "corpus") if hasattr(study, name)}
    name = getattr(request, "name", None)
    return {"run": name if isinstance(name, str) else type(request).__name__.lower(), "paths": paths}


def ended(status: str, asked: Mapping[str, Any], error_id: str, **more: Any) -> Event:
    """The event of a run that ended. status: done, cancelled or failed; an error with an id is a fault of the program.

    asked: what `asked` says of the request. more: other fields of the event.
    """
    outcome: Outcome = "cancelled" if status == "cancelled" else "done"
    if status == "failed":
        outcome = "failed" if error_id else "refused"
    return Event("run", **asked, outcome=outcome, error_id=error_id, **more)


def all_hashed(sessions: Collection[str]) -> tuple[str, ...]:
    """The hashes of those sessions that have a name, in order."""
    return tuple(sorted(filter(None, map(hashed, sessions))))
