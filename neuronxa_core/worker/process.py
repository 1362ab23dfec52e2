"""The worker process as the server sees it: started when it is first needed, kept, and started again after it died.

Work goes to it and answers come back over a pair of connected sockets that only these two processes have; nothing
listens, and what is pickled never leaves their memory. The worker is a fresh interpreter: in the server's own, the same
run took twice as long, since it shares the interpreter's lock with whatever draws and polls.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from neuronxa_core.errors import Cancelled, NeuronXAError, WorkerError
from neuronxa_core.models.cost import tell_worker_memory
from neuronxa_core.progress import Watcher
from neuronxa_core.settings import PASSIVE

Work = Callable[[Watcher], Any]
PATIENCE = 1.5
"""Seconds from a cancellation until a worker that has not heeded it is killed."""
_POLL = 0.1
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[3]); "
    "from neuronxa_core.worker.loop import main; main(int(sys.argv[1]), int(sys.argv[2]))"
)


class BrokenWorkError(Exception):
    """A fault of the program in the worker; the message is its traceback there."""


class _NotBegunError(WorkerError):
    """The worker had ended before it took the work."""


@dataclass
class _Link:
    """A worker that was started, and this end of the pipe to it."""

    process: "subprocess.Popen[bytes]"
    pipe: "Connection[Any, Any]"
    sending: threading.Lock = field(default_factory=threading.Lock)

    def send(self, *message: object) -> None:
        with self.sending:
            self.pipe.send(message)

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def end(self) -> int:
        """Kills the worker and what it started, if they live; its return code."""
        if hasattr(os, "killpg") and self.lives:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.pipe.close()
        return self.process.wait()


class Worker:
    """At most one process that does one piece of work at a time."""

    def __init__(self) -> None:
        self._link: _Link | None = None
        self._starting, self._working = threading.Lock(), threading.Lock()
        self._numbers = itertools.count()

    @property
    def pid(self) -> int | None:
        """The process, if one lives."""
        link = self._link
        return link.process.pid if link and link.lives else None

    def run(self, work: Work, watcher: Watcher) -> Any:
        """What `work(watcher)` returns or raises, called in the worker. `work` and its answer have to be picklable.

        Raises Cancelled within two seconds of the watcher's word, if need be by killing the worker; WorkerError if the
        worker dies; NeuronXAError without its subclass. Call it from a thread that lives as long as this process.
        """
        packed = bytes(ForkingPickler.dumps(work))
        with self._working:
            try:
                return self._attempt(packed, watcher)
            except _NotBegunError:  # the worker had died before, unnoticed
                return self._attempt(packed, watcher)

    def warm_up(self, work: Work) -> None:
        """Has the worker do `work` at a low priority until the first run that does not need it; nothing comes back.

        Call it from a thread that lives as long as this process.
        """
        link = self._started()
        with contextlib.suppress(OSError):  # dead, which the next run mends
            link.send("warm up", -1, bytes(ForkingPickler.dumps(work)))

    def end(self) -> None:
        """Ends the process, if there is one."""
        with self._starting:
            if self._link:
                self._link.end()
            self._link = None
        tell_worker_memory(0)

    def _attempt(self, packed: bytes, watcher: Watcher) -> Any:
        link, number = self._started(), next(self._numbers)
        try:
            link.send("run", number, packed)
        except OSError:
            raise self._died(link, _NotBegunError) from None
        return self._answer(link, number, watcher)

    def _started(self) -> _Link:
        with self._starting:
            if self._link is None or not self._link.lives:
                if self._link:
                    self._link.end()
                self._link = _start()
                tell_worker_memory(0)
            return self._link

    def _answer(self, link: _Link, number: int, watcher: Watcher) -> Any:
        """Passes on progress and cancellation until the work has ended."""
        deadline: float | None = None
        failure: type[WorkerError] = _NotBegunError
        while True:
            try:
                if link.pipe.poll(_POLL):
                    kind, of, *rest = link.pipe.recv()
                    if of != number:  # the end of what was cancelled before
                        continue
                    failure = WorkerError
                    if kind == "progress":
                        watcher.report(*rest[0])
                    elif kind != "begun":
                        return _ended(kind, *rest)
            except (EOFError, OSError):
                raise self._died(link, failure) from None
            try:
                watcher.check()
            except Cancelled:
                if deadline is None:
                    deadline = time.monotonic() + PATIENCE
                    with contextlib.suppress(OSError):  # dead, which the next look at the pipe tells
                        link.send("stop", number)
                elif time.monotonic() > deadline:
                    self.end()
                    raise

    def _died(self, link: _Link, failure: type[WorkerError]) -> WorkerError:
        """What to raise for a worker that has ended by itself."""
        try:
            code = link.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = 0
        self.end()
        if code == -signal.SIGKILL:
            return failure(
                "The process that was computing this was killed, most likely because memory ran out.",
                "Use fewer pairs, a smaller dtype or a smaller model, or try again.",
            )
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return failure(
            f"The process that was computing this crashed ({how}).",
            "Try again, which starts another one; the server's log may say more.",
        )


def _start() -> _Link:
    """A fresh interpreter with this one's search path, in a process group of its own, at the other end of a pipe."""
    ours, theirs = Pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, str(theirs.fileno()), str(os.getpid()), json.dumps(sys.path)],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            process_group=0,
            env=dict([PASSIVE]) | os.environ,
        )
    finally:
        theirs.close()
    return _Link(process, ours)


def _ended(how: str, answer: Any, held: int) -> Any:
    """The answer, or what the work raised. See loop.Ending."""
    tell_worker_memory(held)
    if how == "done":
        return ForkingPickler.loads(answer)
    if how == "refused":
        raise NeuronXAError(*answer)
    if how == "broken":
        raise BrokenWorkError(answer)
    raise MemoryError if how == "no memory" else Cancelled
