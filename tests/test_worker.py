"""The worker process: what it computes, how it is stopped, and that nothing of it stays behind."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from neuronxa_core import jobs, lifetime
from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.errors import Cancelled, NeuronXAError, WorkerError
from neuronxa_core.gallery import answers
from neuronxa_core.jobs import JobQueue, Snapshot
from neuronxa_core.models import cost
from neuronxa_core.models.demo import prepared_demo
from neuronxa_core.models.loading import RESIDENT
from neuronxa_core.models.warmth import warm_up
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from neuronxa_core.worker import process
from neuronxa_core.worker.process import Worker
from tests import chores
from tests.conftest import set_settings
from tests.pages.app import open_page, query_of, wait_for_charts

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="there a thread works")]
PATIENCE = 30.0
"""Seconds until a test gives up; no test that passes waits for it."""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One for all tests that leave it alive, or that it survives by starting anew."""
    worker = Worker()
    yield worker
    worker.end()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody has waited for has ended too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Stopped(Watcher):
    """Stops the work as soon as it is told to, and keeps what was reported."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.reports: list[tuple[object, ...]] = []

    def report(self, *report: object) -> None:
        self.reports.append(report)

    def check(self) -> None:
        if self.stop.is_set():
            raise Cancelled


def begin(worker: Worker, work: process.Work, watcher: Watcher) -> tuple[threading.Thread, list[object]]:
    """A thread in which the worker runs, and the list into which it puts what came of it."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(worker.run(work, watcher))
        except (Cancelled, NeuronXAError) as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def test_work_is_done_in_another_process_which_stays(worker: Worker):
    first = worker.run(chores.process, SILENT)
    assert first == worker.pid != os.getpid()
    assert worker.run(chores.process, SILENT) == first


def test_a_cancelled_run_stops_and_the_same_process_does_the_next(worker: Worker, tmp_path: Path):
    before, watcher = worker.run(chores.process, SILENT), Stopped()
    thread, came = begin(worker, partial(chores.count, tmp_path, tmp_path / "never"), watcher)
    wait_until(lambda: len(watcher.reports) > 2)
    assert watcher.reports[:2] == [("extracting", 1, 1000, "counting"), ("extracting", 2, 1000, "counting")]
    watcher.stop.set()
    thread.join(PATIENCE)
    assert isinstance(came[0], Cancelled)
    assert worker.run(chores.process, SILENT) == before


def test_a_run_that_heeds_nothing_is_killed_and_another_process_does_the_next(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(process, "PATIENCE", 0.2)
    before, watcher = worker.run(chores.process, SILENT), Stopped()
    thread, came = begin(worker, partial(chores.sleep_on, tmp_path / "begun"), watcher)
    wait_until((tmp_path / "begun").exists)
    watcher.stop.set()
    thread.join(PATIENCE)
    assert isinstance(came[0], Cancelled)
    assert not lives(before)
    assert worker.run(chores.process, SILENT) not in (before, os.getpid())


@pytest.mark.parametrize(
    ("by", "said"),
    [(signal.SIGKILL, "was killed, most likely because memory ran out"), (signal.SIGSEGV, "crashed (SIGSEGV)")],
)
def test_a_worker_that_dies_is_one_sentence_and_the_next_run_works(worker: Worker, by: signal.Signals, said: str):
    with pytest.raises(WorkerError) as told:
        worker.run(partial(chores.die, by), SILENT)
    assert said in told.value.problem
    assert worker.pid is None
    assert worker.run(chores.process, SILENT) == worker.pid


def test_a_worker_that_died_while_nobody_needed_it_is_not_noticed(worker: Worker):
    os.kill(before := worker.run(chores.process, SILENT), signal.SIGKILL)
    wait_until(lambda: not lives(before))
    assert worker.run(chores.process, SILENT) != before


def test_what_the_work_raises_is_told_as_if_it_had_run_here(worker: Worker, caplog: pytest.LogCaptureFixture):
    queue = JobQueue(worker.run)

    def end_of(work: process.Work) -> Snapshot:
        ticket = queue.submit(work, work)
        wait_until(lambda: queue.look(ticket).status not in ("queued", "running"))
        return queue.look(ticket)

    assert end_of(chores.refuse) == Snapshot("failed", error="There is no model at x. Check the path.")
    assert "not enough memory" in end_of(chores.run_out_of_memory).error
    assert caplog.text == ""
    with caplog.at_level(logging.ERROR, logger="neuronxa_core.jobs"):
        broken = end_of(chores.divide_by_nothing)
    assert broken.error_id in caplog.text
    assert "in divide_by_nothing" in caplog.text
    assert "ZeroDivisionError: division by zero" in caplog.text


def test_two_who_ask_for_the_same_share_one_run(worker: Worker, tmp_path: Path):
    queue, go = JobQueue(worker.run), tmp_path / "go"
    work = partial(chores.count, tmp_path, go)
    tickets = [queue.submit("the same", work) for _ in range(2)]
    wait_until(lambda: queue.look(tickets[0]).progress)
    go.touch()
    wait_until(lambda: queue.look(tickets[1]).status == "done")
    assert [queue.look(ticket).result for ticket in tickets] == [1, 1]


def test_nothing_stays_when_the_server_is_killed(tmp_path: Path):
    code = (
        "from functools import partial; from pathlib import Path\n"
        "from neuronxa_core.progress import SILENT; from neuronxa_core.worker.process import Worker\n"
        "from tests import chores\n"
        f"Worker().run(partial(chores.start_a_child, Path({str(tmp_path / 'pids')!r})), SILENT)"
    )
    server = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[1])
    wait_until((tmp_path / "pids").exists)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert [lives(pid) for pid in pids] == [True, True]
    server.kill()
    server.wait()
    wait_until(lambda: not any(lives(pid) for pid in pids))


def test_a_warm_up_has_a_low_priority_and_stops_for_a_run_that_does_not_need_it(tmp_path: Path):
    worker, told = Worker(), tmp_path / "told"
    worker.warm_up(partial(chores.idle, told))
    wait_until(lambda: told.exists() and told.read_text())
    if sys.platform == "linux":
        assert int(told.read_text()) >= 10
    worker.run(partial(chores.report, "preparing weights"), SILENT)  # waits for what is being prepared
    assert told.read_text() != "stopped"
    worker.run(partial(chores.report, "loading"), SILENT)
    wait_until(lambda: told.read_text() == "stopped")
    worker.end()


def test_a_run_begins_once_nothing_is_imported_beside_it(tmp_path: Path):
    worker, told = Worker(), tmp_path / "told"
    worker.warm_up(partial(chores.idle, told, imports=True))
    wait_until(lambda: told.exists() and told.read_text())
    worker.run(partial(chores.report, "preparing weights"), SILENT)
    assert told.read_text() == "stopped"
    worker.end()


def test_the_warm_up_begins_once_when_pages_have_been_left_alone():
    class Warmed(Worker):
        works: ClassVar[list[object]] = []

        def warm_up(self, work: process.Work) -> None:
            self.works.append(work)

    warmth = jobs.WarmUp(Warmed(), chores.process, seconds=0.05)
    for _ in range(3):
        warmth.page_drawn()
    assert Warmed.works == []
    wait_until(lambda: Warmed.works)
    warmth.page_drawn()
    time.sleep(0.2)
    assert Warmed.works == [chores.process]


def test_a_warm_up_prepares_the_demo_and_loads_no_model(demo_cache: Path):
    RESIDENT.free()
    warm_up(SILENT)
    assert prepared_demo() is not None
    assert RESIDENT._model is None


@pytest.fixture
def computing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """The process's own queue and worker as the dashboard has them, with this test's cache."""
    set_settings(monkeypatch, worker="process")
    jobs.shared_queue.cache_clear()
    jobs.shared_worker.cache_clear()
    yield jobs.shared_worker()
    jobs.shared_worker().end()
    jobs.shared_queue.cache_clear()
    jobs.shared_worker.cache_clear()


def test_a_page_shows_what_the_worker_computed_to_the_bit_as_it_is_here(
    computing: Worker, study: Study, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    app = open_page("alignment", **query_of(study))
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    there = answers.find(Alignment(study)).answer
    in_worker = cost._given_back() - cost.resident_bytes()
    assert in_worker == cost.study_cost(study.ref, 0, 16, "auto", "cpu").weight_bytes
    set_settings(monkeypatch, cache_dir=str(tmp_path / "other"))
    here = run_study(study)
    for state in STATES:
        np.testing.assert_array_equal(there.outcomes[state], here.outcomes[state])
    names = sorted(path.name for path in (cache / "states").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "other" / "states").iterdir())
    assert len(names) == 2
    for name in names:
        theirs = store._read_checked(cache / "states" / name)
        for key, array in vars(store.read_states(name.partition(".")[0])).items():
            np.testing.assert_array_equal(getattr(theirs, key), array)
    computing.end()
    assert cost._given_back() == cost.resident_bytes()


def test_where_the_system_does_not_tell_a_child_looks_for_its_parent(monkeypatch: pytest.MonkeyPatch):
    parents = iter([7, 7, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    ended: list[int] = []
    lifetime._end_after(7, ended.append)
    assert ended == [1]
    assert not list(parents)
