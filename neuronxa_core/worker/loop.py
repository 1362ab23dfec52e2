"""Inside the worker process: takes one piece of work after another from the pipe, and sends back progress and answers.

The main thread works. A second thread reads the pipe, so that a cancellation arrives while the work goes on, and the
end of the pipe ends the process: whatever became of the server, nobody is left to compute for.
"""

import contextlib
import os
import queue
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, Literal

from neuronxa_core.errors import Cancelled, NeuronXAError
from neuronxa_core.lifetime import end_group, end_with_parent
from neuronxa_core.models.cost import resident_bytes
from neuronxa_core.monitoring import logs
from neuronxa_core.progress import Phase, Watcher

Ending = Literal["done", "cancelled", "refused", "no memory", "broken"]
"""How a piece of work ended. Behind it: the pickled answer, nothing, both sentences, nothing, or the traceback."""


class _Run(Watcher):
    """A piece of work under way: reports go to the server, and `check` heeds its word to stop."""

    def __init__(self, number: int, work: bytes, loop: "Loop") -> None:
        self.number, self.work, self.loop = number, work, loop
        self.stop = threading.Event()

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        if phase != "preparing weights":  # else it may be the warm-up that this run waits for
            self.loop.warming.set()
        self.loop.send("progress", self.number, (phase, done, total, detail))

    def check(self) -> None:
        if self.stop.is_set():
            raise Cancelled


class _WarmUp(Watcher):
    """Work that nobody waits for; it stops when a run begins that does not need it."""

    def __init__(self, loop: "Loop") -> None:
        self.loop = loop

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.loop.imported.set()  # what it reports on comes after its imports

    def check(self) -> None:
        if self.loop.warming.is_set() or (self.loop.has_runs and not self.loop.imported.is_set()):
            raise Cancelled


class Loop:
    """The worker's life: `listen` reads the pipe, `work` does what it says, one piece after another."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe, self._sending = pipe, threading.Lock()
        self._runs: dict[int, _Run] = {}
        self._waiting: queue.SimpleQueue[_Run] = queue.SimpleQueue()
        self.warming = threading.Event()
        """Set when a warm-up has to stop, or need not begin."""
        self.imported = threading.Event()
        """Unset while a warm-up imports: transformers breaks where two threads import it at once."""
        self.imported.set()

    @property
    def has_runs(self) -> bool:
        """Whether a run is under way or waits."""
        return bool(self._runs)

    def send(self, *message: object) -> None:
        with self._sending:
            self._pipe.send(message)

    def listen(self) -> None:
        """Reads the pipe until it ends, and then ends the process."""
        try:
            while True:
                kind, number, *rest = self._pipe.recv()
                if kind == "run":
                    self._runs[number] = run = _Run(number, rest[0], self)
                    self._waiting.put(run)
                elif kind == "warm up":
                    threading.Thread(target=self._warm_up, args=rest, name="neuronxa-warm-up", daemon=True).start()
                elif number in self._runs:  # else it has ended meanwhile
                    self._runs[number].stop.set()
        except (EOFError, OSError):
            end_group()

    def work(self) -> None:
        while True:
            run = self._waiting.get()
            self.imported.wait()
            self.send("begun", run.number)
            how, answer = _ended(run)
            del self._runs[run.number]
            self.send(how, run.number, answer, resident_bytes())

    def _warm_up(self, work: bytes) -> None:
        """Does work at a low priority, until a run begins that does not need it."""
        if sys.platform == "linux":  # where a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        self.imported.clear()
        try:
            if not self.has_runs:  # which imports for itself
                with contextlib.suppress(Cancelled, NeuronXAError):  # a run tells what is wrong
                    ForkingPickler.loads(work)(_WarmUp(self))
        finally:
            self.imported.set()


def _ended(run: _Run) -> tuple[Ending, Any]:
    try:
        work = ForkingPickler.loads(run.work)
        return "done", bytes(ForkingPickler.dumps(work(run)))
    except Cancelled:
        return "cancelled", None
    except NeuronXAError as error:
        return "refused", (error.problem, error.next_step)
    except MemoryError:
        return "no memory", None
    except BaseException:  # a SystemExit from a library must not end the worker
        return "broken", traceback.format_exc()


def main(descriptor: int, server: int) -> None:
    """Works for the process `server`, at the other end of this pipe, for as long as that lives."""
    end_with_parent(server)
    logs.begin()
    loop = Loop(Connection(descriptor))
    threading.Thread(target=loop.listen, name="neuronxa-pipe", daemon=True).start()
    loop.work()
