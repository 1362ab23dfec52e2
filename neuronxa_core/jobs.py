"""A job queue that runs one job at a time, with progress and cancellation.

Two people who request the same thing share one job, which stops when the last of them cancels. A job whose caller
leaves without cancelling keeps running, and its result goes into the cache. Nothing here depends on the kind of work,
and the thread that takes the jobs does not do it: the shared queue hands it to a process of its own (worker.process).
"""

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from neuronxa_core.errors import Cancelled, NeuronXAError
from neuronxa_core.models.warmth import warm_up
from neuronxa_core.progress import Meter, Phase, Progress, Watcher
from neuronxa_core.settings import settings
from neuronxa_core.worker.process import Work, Worker

Status = Literal["queued", "running", "done", "failed", "cancelled"]
_KEEP_FINISHED = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The state of a job at one moment; safe to read from any thread."""

    status: Status
    ahead: int = 0
    """Number of jobs before it, the running one included; 0 once it runs."""
    progress: Progress | None = None
    """None until the work has reported."""
    result: Any = None
    error: str = ""
    error_id: str = ""
    """Identifies a failure that the user cannot fix; its traceback is in the log under this id."""


@dataclass
class _Job(Watcher):
    key: Hashable
    work: Work
    tickets: set[str] = field(default_factory=set)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot("queued"))
    stop: threading.Event = field(default_factory=threading.Event)
    meter: Meter = field(default_factory=Meter)

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.snapshot = Snapshot("running", progress=self.meter.read(phase, done, total, detail))

    def check(self) -> None:
        if self.stop.is_set():
            raise Cancelled


class JobQueue:
    """Runs one job at a time, in the order in which they came."""

    def __init__(self, execute: Callable[[Work, Watcher], Any] = lambda work, watcher: work(watcher)) -> None:
        """execute: does a job's work, here and now unless stated otherwise."""
        self._execute = execute
        self._lock = threading.Condition()
        self._waiting: list[_Job] = []
        self._running: _Job | None = None
        self._by_ticket: dict[str, _Job] = {}
        self._worker: threading.Thread | None = None

    def submit(self, key: Hashable, work: Work) -> str:
        """A ticket for `work`, which is queued, or joined if the same job is already active."""
        ticket = uuid.uuid4().hex
        with self._lock:
            job = next((job for job in self._active() if job.key == key and not job.stop.is_set()), None)
            if job is None:
                job = _Job(key, work)
                self._waiting.append(job)
            job.tickets.add(ticket)
            self._by_ticket[ticket] = job
            self._forget_old()
            self._start_worker()
            self._lock.notify()
        return ticket

    def look(self, ticket: str) -> Snapshot | None:
        """The state of this ticket's job; None if the ticket is unknown or has expired."""
        with self._lock:
            job = self._by_ticket.get(ticket)
            if job is None:
                return None
            if ticket not in job.tickets:
                return Snapshot("cancelled")
            if job in self._waiting:
                return Snapshot("queued", ahead=self._waiting.index(job) + (self._running is not None))
            return job.snapshot

    def cancel(self, ticket: str) -> None:
        """Cancels a ticket, at once. The work itself stops at its next check if nobody else waits for it."""
        with self._lock:
            job = self._by_ticket.get(ticket)
            if job is None:
                return
            job.tickets.discard(ticket)
            if not job.tickets:
                job.stop.set()
                if job in self._waiting:
                    self._waiting.remove(job)

    def _active(self) -> list[_Job]:
        return [*([self._running] if self._running else []), *self._waiting]

    def _start_worker(self) -> None:
        if self._worker is None or not self._worker.is_alive():
            self._worker = threading.Thread(target=self._loop, name="neuronxa-jobs", daemon=True)
            self._worker.start()

    def _loop(self) -> None:
        while True:
            with self._lock:
                while not self._waiting:
                    self._lock.wait()
                job = self._running = self._waiting.pop(0)
                job.snapshot = Snapshot("running")
            ended = self._ended(job)
            with self._lock:  # both at once, so that a new request never joins a job that has ended
                job.snapshot = ended
                self._running = None

    def _ended(self, job: _Job) -> Snapshot:
        try:
            return Snapshot("done", result=self._execute(job.work, job))
        except Cancelled:
            return Snapshot("cancelled")
        except NeuronXAError as error:
            return Snapshot("failed", error=str(error))
        except MemoryError:
            return Snapshot(
                "failed", error="There is not enough memory for this model. Use a smaller one or a smaller dtype."
            )
        except BaseException:  # a SystemExit from a library must not end the worker
            error_id = uuid.uuid4().hex[:8]
            _log.error("job %s failed, error id %s\n%s", job.key, error_id, traceback.format_exc())
            return Snapshot(
                "failed", error="Something in the program broke, not in what you asked for.", error_id=error_id
            )

    def _forget_old(self) -> None:
        """Drops all tickets except those of active jobs and of the jobs that ended last."""
        active = self._active()
        ended = [ticket for ticket, job in self._by_ticket.items() if job not in active]
        for ticket in ended[:-_KEEP_FINISHED]:
            del self._by_ticket[ticket]


@lru_cache(maxsize=1)
def shared_queue() -> JobQueue:
    """The one queue of this process."""
    return JobQueue(shared_worker().run) if settings().worker == "process" else JobQueue()


class WarmUp:
    """Warms the shared worker up once a page stands and nobody has pressed anything for some seconds."""

    def __init__(self, worker: Worker, work: Work, seconds: float) -> None:
        self._worker, self._work, self._seconds = worker, work, seconds
        self._drawn = threading.Event()
        self._thread = threading.Thread(target=self._wait, name="neuronxa-warm-up", daemon=True)
        self._lock = threading.Lock()

    def page_drawn(self) -> None:
        """Counts the seconds anew; called whenever a page is drawn."""
        self._drawn.set()
        with self._lock:
            if self._thread.ident is None:
                self._thread.start()

    def _wait(self) -> None:
        while self._drawn.is_set():
            self._drawn.clear()
            time.sleep(self._seconds)
        self._worker.warm_up(self._work)
        threading.Event().wait()  # the system ends a worker with the thread that started it


@lru_cache(maxsize=1)
def shared_warm_up() -> WarmUp:
    """The one warm-up of this process."""
    return WarmUp(shared_worker(), warm_up, seconds=4.0)


@lru_cache(maxsize=1)
def shared_worker() -> Worker:
    """The one worker of this process, not started before it is needed."""
    return Worker()
