"""One task, wherever it runs: the study as a single run computes it, its result or its failure put into the store."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from neuronxa_core.errors import (
    Cancelled,
    CorpusError,
    ModelError,
    NeuronXAError,
    SentenceError,
    SweepError,
    WorkerError,
)
from neuronxa_core.models.hardware import Device
from neuronxa_core.models.locate import local_checkpoint
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import holds_model
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import run_states, run_study
from neuronxa_core.sweep.plan import Plan, Task
from neuronxa_core.sweep.store import Store

ATTEMPTS = 3
"""How often a task is tried whose failure may pass."""
MERGE_AT = 8
"""Number of files from which those of a model and a corpus are merged when its tasks are done."""


@dataclass(frozen=True)
class Done:
    """How a task ended: its NASCA, or the failure. of_model: every other task of the model would fail likewise."""

    task: Task
    seconds: float
    nasca: float = 0.0
    failure: NeuronXAError | None = None
    of_model: bool = False


class Told:
    """Is told how a sweep goes; this one ignores it."""

    watcher: Watcher = SILENT

    def begin(self, total: int, there: int) -> None:
        """total: tasks of the plan; there: how many of them the store has already."""

    def ended(self, done: Done) -> None:
        """A task ended."""

    def finish(self) -> None:
        """The sweep is over."""


@dataclass
class Tally:
    """How many tasks of a sweep were there, are done now, and failed."""

    total: int
    there: int
    done: int = 0
    failed: int = 0
    why: NeuronXAError | None = None
    """The first failure."""

    def count(self, done: Done) -> None:
        if done.failure is None:
            self.done += 1
        else:
            self.failed, self.why = self.failed + 1, self.why or done.failure


def missing_tasks(plan: Plan, store: Store, states: bool = False) -> list[Task]:
    """The tasks that the store lacks, or has from a model of that name whose files were others. states: or without."""
    return store.missing(plan.tasks, _fingerprints(plan), states)


@contextmanager
def followed(
    plan: Plan, store: Store, listener: Told, states: bool = False
) -> Iterator[tuple[list[Task], Tally, Callable[[Done], None]]]:
    """(the tasks to run, the tally, whom to tell of each that ended), with the plan noted in the store."""
    store.note_plan(plan)
    missing = missing_tasks(plan, store, states)
    tally = Tally(len(plan.tasks), len(plan.tasks) - len(missing))
    listener.begin(tally.total, tally.there)

    def ended(done: Done) -> None:
        tally.count(done)
        listener.ended(done)

    try:
        yield missing, tally, ended
    finally:
        listener.finish()


def _fingerprints(plan: Plan) -> dict[str, str]:
    found = {}
    for ref, _ in plan.by_model:
        try:
            checkpoint = local_checkpoint(ref)
        except NeuronXAError:  # told by its first task
            continue
        if checkpoint:
            found[ref.model] = checkpoint.fingerprint
    return found


def run_task(
    task: Task, store: Store, device: Device = "auto", watcher: Watcher = SILENT, states: bool = False
) -> Done:
    """How a task ended, once its result or its failure is in the store. Raises Cancelled, and SweepError for the store.

    states: store the states of both languages too, before the result, which so tells that they are there.
    What may pass, such as a worker that died, is tried again.
    """
    started = time.perf_counter()
    for attempt in range(1, ATTEMPTS + 1):
        try:
            result, layers = _run(task, device, watcher, states)
        except (Cancelled, KeyboardInterrupt):
            raise
        except Exception as error:
            failure = told(error)
            if attempt < ATTEMPTS and may_pass(error):
                continue
            store.add_failure(task, failure, attempt)
            of_model = isinstance(failure, ModelError) and not holds_model(task.study, device)
            return Done(task, time.perf_counter() - started, failure=failure, of_model=of_model)
        if layers:
            store.add_states(task, layers)
        store.add(task, result)
        return Done(task, time.perf_counter() - started, result.mean("nas"))
    raise AssertionError("the last attempt returns")


def _run(task: Task, device: Device, watcher: Watcher, states: bool) -> tuple[StudyResult, StudyLayers | None]:
    if states:
        return run_states(task.study, device, watcher)
    return run_study(task.study, device=device, watcher=watcher), None


def may_pass(error: Exception) -> bool:
    """Whether the same task may succeed when it is tried again."""
    return isinstance(error, WorkerError | OSError)


def told(error: Exception) -> NeuronXAError:
    """The error as a user can read it; a bug with its type, so that the sweep goes on and names it."""
    if isinstance(error, SentenceError):  # which does not survive the way from one process to another
        return CorpusError(error.problem, error.next_step)
    if isinstance(error, NeuronXAError):
        return error
    if isinstance(error, MemoryError):
        return SweepError("The memory ran out.", "Use fewer pairs, or a machine with more memory.")
    return SweepError(f"{type(error).__name__}: {error}.", "This is a bug, or the machine ran out of something.")


def fail_rest(tasks: Iterable[Task], first: Done, store: Store) -> list[Done]:
    """The ends of the other tasks of a model that cannot be used, for the reason of the first."""
    assert first.failure is not None
    ends = []
    for task in tasks:
        store.add_failure(task, first.failure, 0)
        ends.append(Done(task, 0.0, failure=first.failure))
    return ends


def run_group(
    tasks: Sequence[Task],
    store: Store,
    device: Device,
    watcher: Watcher,
    ended: Callable[[Done], None],
    states: bool = False,
) -> None:
    """Runs the tasks of one model, one after the other. A model of which some task has succeeded is not given up."""
    proven = False
    for place, task in enumerate(tasks):
        done = run_task(task, store, device, watcher, states)
        ended(done)
        proven |= done.failure is None
        if done.of_model and not proven:
            for other in fail_rest(tasks[place + 1 :], done, store):
                ended(other)
            break
    merge_done(tasks, store)


def merge_done(tasks: Iterable[Task], store: Store) -> None:
    """Merges the files of tasks that have all ended, if there are enough of them."""
    for study in {(task.study.model, task.study.corpus): task.study for task in tasks}.values():
        store.merge_files(study, least=MERGE_AT)
