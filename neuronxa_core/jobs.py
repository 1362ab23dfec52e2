"""A job queue that runs one job at a time, with progress and cancellation.

Two people who request the same thing share one job, which stops when the last of them cancels. A job whose caller
leaves without cancelling keeps running, and its result goes into the cache; after a minute it gives way to jobs that
somebody waits for, unless it is nearly done. Callers take turns, whatever number of jobs each has queued. Nothing here
depends on the kind of work, and the thread that takes the jobs does not do it: the shared queue hands it to a process
of its own (worker.process).
"""

import logging
import statistics
import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from neuronxa_core.errors import Cancelled, NeuronXAError, StudyError
from neuronxa_core.fairness import ANYONE, Attendance, Caller, Turns
from neuronxa_core.models.warmth import warm_up
from neuronxa_core.monitoring import events
from neuronxa_core.progress import Meter, Phase, Progress, Watcher
from neuronxa_core.settings import settings
from neuronxa_core.worker.process import Work, Worker

Status = Literal["queued", "running", "done", "failed", "cancelled"]
_KEEP_FINISHED = 64
_NEARLY, _SOON = 0.8, 15.0
"""A job whose callers have left goes on from this share of its work, or with so few seconds left."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The state of a job at one moment; safe to read from any thread."""

    status: Status
    ahead: int = 0
    """Number of jobs before it, the running one included; 0 once it runs."""
    wait: float | None = None
    """Seconds until it will begin, from the progress of the running job and the time that the last jobs took."""
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
    tickets: dict[str, Caller] = field(default_factory=dict)
    snapshot: Snapshot = field(default_factory=lambda: Snapshot("queued"))
    stop: threading.Event = field(default_factory=threading.Event)
    meter: Meter = field(default_factory=Meter)
    since: float = field(default_factory=time.monotonic)
    left: bool = False
    """Whether it was given up because nobody who had asked for it was there."""
    heeds: Callable[[], None] = lambda: None
    """Called at every check, which may stop it."""

    @property
    def callers(self) -> set[str]:
        return {caller.name for caller in self.tickets.values()}

    @property
    def nearly_done(self) -> bool:
        now = self.snapshot.progress
        return bool(now and now.total and (now.done >= _NEARLY * now.total or (now.seconds_left or _SOON) < _SOON))

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.snapshot = Snapshot("running", progress=self.meter.read(phase, done, total, detail))

    def check(self) -> None:
        self.heeds()
        if self.stop.is_set():
            raise Cancelled


class JobQueue:
    """Runs one job at a time; callers take turns, see fairness.Turns."""

    def __init__(
        self, execute: Callable[[Work, Watcher], Any] = lambda work, watcher: work(watcher), most: int | None = None
    ) -> None:
        """execute: does a job's work, here and now unless stated otherwise. most: active jobs of one caller."""
        self._execute, self._most = execute, most
        self._turns, self._attendance = Turns(), Attendance()
        self._took: deque[float] = deque(maxlen=8)
        self._lock = threading.Condition()
        self._waiting: list[_Job] = []
        self._running: _Job | None = None
        self._by_ticket: dict[str, _Job] = {}
        self._worker: threading.Thread | None = None

    def submit(self, key: Hashable, work: Work, caller: Caller = ANYONE) -> str:
        """A ticket for `work`, which is queued, or joined if the same job is already active.

        Raises StudyError if this caller has as many active jobs as one may have.
        """
        ticket = uuid.uuid4().hex
        with self._lock:
            job = self._like(key)
            if job is None:
                self._refuse_too_many(caller)
                job = _Job(key, work, heeds=self._let_go_of_those_who_left)
                self._waiting.append(job)
            job.tickets[ticket] = caller
            self._by_ticket[ticket] = job
            self._forget_old()
            self._start_worker()
            self._lock.notify()
        return ticket

    def is_active(self, key: Hashable) -> bool:
        """Whether a job with this key waits or runs, which `submit` would join."""
        with self._lock:
            return self._like(key) is not None

    def was_left(self, ticket: str, key: Hashable) -> bool:
        """Whether this ticket's job had this key and was given up because nobody who had asked for it was there."""
        with self._lock:
            job = self._by_ticket.get(ticket)
            return job is not None and job.left and job.key == key

    def look(self, ticket: str) -> Snapshot | None:
        """The state of this ticket's job; None if the ticket is unknown or has expired."""
        with self._lock:
            self._let_go_of_those_who_left()
            job = self._by_ticket.get(ticket)
            if job is None:
                return None
            if ticket not in job.tickets:
                return Snapshot("cancelled")
            if job in self._waiting:
                before = self._turns.order(self._waiting).index(job)
                return Snapshot("queued", before + (self._running is not None), self._wait(before))
            return job.snapshot

    def lengths(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        with self._lock:
            return len(self._waiting), int(self._running is not None)

    def cancel(self, ticket: str) -> None:
        """Cancels a ticket, at once. The work itself stops at its next check if nobody else waits for it."""
        with self._lock:
            job = self._by_ticket.get(ticket)
            if job is None:
                return
            job.tickets.pop(ticket, None)
            if not job.tickets:
                self._stop(job)

    def _stop(self, job: _Job) -> None:
        job.stop.set()
        if job in self._waiting:
            self._waiting.remove(job)

    def _like(self, key: Hashable) -> _Job | None:
        return next((job for job in self._active() if job.key == key and not job.stop.is_set()), None)

    def _refuse_too_many(self, caller: Caller) -> None:
        if self._most and sum(caller.name in job.callers for job in self._active()) >= self._most:
            runs = "a run" if self._most == 1 else f"{self._most} runs"
            raise StudyError(f"You have {runs} that are not finished.", "Wait for one of them or cancel it.")

    def _wait(self, before: int) -> float | None:
        """Seconds until a job begins with so many others before it that wait; None if nothing tells."""
        usual = statistics.median(self._took) if self._took else None
        now = self._running.snapshot.progress if self._running else None
        rest = 0.0 if self._running is None else now.seconds_left if now and now.seconds_left is not None else usual
        if rest is None or (before and usual is None):
            return None
        return rest + before * (usual or 0.0)

    def _let_go_of_those_who_left(self) -> None:
        """Drops the tickets of callers who left. A running job goes on unless others wait and it has long to go."""
        with self._lock:
            active = self._active()
            left = self._attendance.left(caller for job in active for caller in job.tickets.values())
            for job in active if left else []:
                staying = {ticket: caller for ticket, caller in job.tickets.items() if caller.name not in left}
                others_wait = any(other is not job and other.callers - left for other in self._waiting)
                if staying:
                    job.tickets = staying
                elif job in self._waiting or (others_wait and not job.nearly_done):
                    job.tickets, job.left = {}, True
                    self._stop(job)

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
                self._let_go_of_those_who_left()
                if not self._waiting:
                    continue
                job = self._running = self._turns.order(self._waiting)[0]
                self._waiting.remove(job)
                self._turns.took(job)
                job.snapshot = Snapshot("running")
            started = time.monotonic()
            ended = self._ended(job)
            seconds = time.monotonic() - started
            if ended.status == "done":
                self._took.append(seconds)
            with self._lock:  # both at once, so that a new request never joins a job that has ended
                job.snapshot = ended
                self._running = None
            times = {"seconds": seconds, "waited": started - job.since, "sessions": events.all_hashed(job.callers)}
            events.tell(events.ended(ended.status, events.asked(job.key), ended.error_id, **times))

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
            told = events.asked(job.key)["run"], error_id, traceback.format_exc()
            _log.error("run of %s failed, error id %s\n%s", *told, extra={"error_id": error_id})
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
    most = settings().runs_per_session
    return JobQueue(shared_worker().run, most) if settings().worker == "process" else JobQueue(most=most)


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
