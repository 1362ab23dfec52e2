import logging
import time
from collections.abc import Callable
from functools import partial
from threading import Event
from types import SimpleNamespace

import pytest

from neuronxa_core import jobs, progress
from neuronxa_core.errors import ModelError
from neuronxa_core.jobs import JobQueue, Snapshot
from neuronxa_core.progress import Phase, Progress, Watcher

PATIENCE = 5.0
"""Seconds until a test gives up; no test that passes waits for it."""


class Step:
    """Work that says when it has begun and goes on until it is told to, or stopped."""

    def __init__(self, result: object = None) -> None:
        self.begun, self.go, self.over = Event(), Event(), Event()
        self.result, self.runs = result, 0

    def __call__(self, watcher: Watcher) -> object:
        self.runs += 1
        self.begun.set()
        try:
            while not self.go.wait(0.005):
                watcher.check()
            return self.result
        finally:
            self.over.set()


@pytest.fixture
def queue() -> JobQueue:
    return JobQueue()


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.002)


def end_of(queue: JobQueue, ticket: str) -> Snapshot:
    """How the job ended."""
    wait_until(lambda: status(queue, ticket) not in ("queued", "running"))
    return look(queue, ticket)


def look(queue: JobQueue, ticket: str) -> Snapshot:
    snapshot = queue.look(ticket)
    assert snapshot is not None
    return snapshot


def status(queue: JobQueue, ticket: str) -> str:
    return look(queue, ticket).status


def test_jobs_run_one_at_a_time_in_the_order_they_came(queue: JobQueue):
    steps = [Step(number) for number in range(3)]
    tickets = [queue.submit(number, step) for number, step in enumerate(steps)]
    for number, step in enumerate(steps):
        assert step.begun.wait(PATIENCE)
        assert [status(queue, ticket) for ticket in tickets[number:]] == ["running", "queued", "queued"][: 3 - number]
        assert [look(queue, ticket).ahead for ticket in tickets[number:]] == [0, 1, 2][: 3 - number]
        assert not any(later.begun.is_set() for later in steps[number + 1 :])
        step.go.set()
        assert end_of(queue, tickets[number]).result == number


def test_equal_keys_share_one_run_whether_it_waits_or_runs(queue: JobQueue):
    first, second, never = Step("first"), Step("second"), Step()
    tickets = [queue.submit("a", first)]
    assert first.begun.wait(PATIENCE)
    tickets += [queue.submit("b", second), queue.submit("b", never), queue.submit("a", never)]
    assert len(set(tickets)) == 4
    first.go.set()
    second.go.set()
    assert [end_of(queue, ticket).result for ticket in tickets] == ["first", "second", "second", "first"]
    assert (first.runs, second.runs, never.runs) == (1, 1, 0)


def test_one_of_two_lets_go_and_the_run_goes_on(queue: JobQueue):
    step = Step("there")
    ours, theirs = queue.submit("a", step), queue.submit("a", step)
    assert step.begun.wait(PATIENCE)
    queue.cancel(ours)
    assert (status(queue, ours), status(queue, theirs)) == ("cancelled", "running")
    queue.cancel(ours)  # again, which is not the other's cancel
    step.go.set()
    assert end_of(queue, theirs).result == "there"


def test_the_run_stops_when_both_have_let_go(queue: JobQueue):
    step, next_one = Step(), Step("next")
    tickets = [queue.submit("a", step), queue.submit("a", step)]
    assert step.begun.wait(PATIENCE)
    for ticket in tickets:
        queue.cancel(ticket)
    assert [status(queue, ticket) for ticket in tickets] == ["cancelled", "cancelled"]
    assert step.over.wait(PATIENCE)
    next_one.go.set()
    assert end_of(queue, queue.submit("b", next_one)).result == "next"
    assert not step.go.is_set()


def test_a_stopped_run_is_not_joined_by_who_asks_anew(queue: JobQueue):
    stubborn, again = Event(), Step("again")
    begun = Event()
    ticket = queue.submit("a", lambda _: (begun.set(), stubborn.wait(PATIENCE)))
    assert begun.wait(PATIENCE)
    queue.cancel(ticket)
    anew = queue.submit("a", again)
    assert (status(queue, anew), look(queue, anew).ahead) == ("queued", 1)
    stubborn.set()
    again.go.set()
    assert end_of(queue, anew).result == "again"


def test_a_job_that_is_cancelled_in_the_queue_never_runs(queue: JobQueue):
    first, never, last = Step(), Step(), Step("last")
    ahead = queue.submit("a", first)
    assert first.begun.wait(PATIENCE)
    cancelled, waiting = queue.submit("b", never), queue.submit("c", last)
    assert look(queue, waiting).ahead == 2
    queue.cancel(cancelled)
    assert status(queue, cancelled) == "cancelled"
    assert look(queue, waiting).ahead == 1
    first.go.set()
    last.go.set()
    assert end_of(queue, waiting).result == "last"
    assert end_of(queue, ahead).status == "done"
    assert never.runs == 0


def test_what_the_user_can_mend_is_told_in_its_own_sentence(queue: JobQueue, caplog: pytest.LogCaptureFixture):
    def work(_: Watcher) -> None:
        raise ModelError("There is no model at x.", "Check the path.")

    end = end_of(queue, queue.submit("a", work))
    assert (end.status, end.error, end.error_id) == ("failed", "There is no model at x. Check the path.", "")
    assert caplog.text == ""


def test_any_other_failure_has_an_id_under_which_the_log_holds_its_traceback(
    queue: JobQueue, caplog: pytest.LogCaptureFixture
):
    def divide_by_nothing(_: Watcher) -> float:
        return 1 / 0

    with caplog.at_level(logging.ERROR, logger="neuronxa_core.jobs"):
        ends = [end_of(queue, queue.submit(key, divide_by_nothing)) for key in ("a", "b")]
    for end, record in zip(ends, caplog.records, strict=True):
        assert (end.status, len(end.error_id)) == ("failed", 8)
        assert "division by zero" not in end.error
        assert end.error_id in record.message
        assert "in divide_by_nothing" in record.message
        assert "ZeroDivisionError: division by zero" in record.message
    assert ends[0].error_id != ends[1].error_id


@pytest.mark.parametrize("failure", [ValueError, MemoryError, SystemExit])
def test_the_worker_survives_what_the_work_does(queue: JobQueue, failure: type[BaseException]):
    def work(_: Watcher) -> None:
        raise failure("gone wrong")

    failed = queue.submit("a", work)
    step = Step("next")
    step.go.set()
    good = queue.submit("b", step)
    assert end_of(queue, failed).status == "failed"
    assert look(queue, failed).error.endswith(".")
    assert end_of(queue, good).result == "next"


def test_whoever_sees_a_failure_can_try_again_at_once(queue: JobQueue):
    tries: list[int] = []

    def work(_: Watcher) -> str:
        tries.append(1)
        if len(tries) % 2:
            raise ModelError("Not yet.", "Try again.")
        return "done"

    for _ in range(100):
        failed = queue.submit("a", work)
        while status(queue, failed) != "failed":
            pass  # no pause: the moment between the end of a job and the next one is short
        assert end_of(queue, queue.submit("a", work)).result == "done"


def test_results_are_remembered_for_the_last_jobs_and_then_forgotten(queue: JobQueue, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "_KEEP_FINISHED", 3)
    tickets = []
    for number in range(6):
        tickets.append(queue.submit(number, partial(lambda number, _: number, number)))
        end_of(queue, tickets[-1])
    known = [snapshot.result for ticket in tickets if (snapshot := queue.look(ticket))]
    assert known[-3:] == [3, 4, 5]
    assert queue.look(tickets[0]) is None
    assert queue.look("no such ticket") is None
    queue.cancel("no such ticket")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time that jobs see: `clock.now`, in seconds."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def reported(queue: JobQueue, clock: SimpleNamespace, *reports: tuple[float, Phase, int, int]) -> Snapshot:
    """The snapshot after these reports: seconds since the one before, phase, done, total."""
    step = Step()

    def work(watcher: Watcher) -> None:
        for seconds, phase, done, total in reports:
            clock.now += seconds
            watcher.report(phase, done, total, "detail")
        step(watcher)

    ticket = queue.submit("a", work)
    assert step.begun.wait(PATIENCE)
    snapshot = look(queue, ticket)
    step.go.set()
    assert end_of(queue, ticket).status == "done"
    return snapshot


def test_progress_tells_phase_rate_and_seconds_left(queue: JobQueue, clock: SimpleNamespace):
    now = reported(queue, clock, (0, "loading", 0, 0), (5, "extracting", 0, 50), (2, "extracting", 20, 50))
    assert now.status == "running"
    assert now.progress == Progress("extracting", 20, 50, "detail", 10.0, 3.0)
    assert str(now.progress) == "Extracting · 20 of 50 sentences · 10 per second · about 3\u00a0s left · detail"


def test_before_anything_is_done_no_time_is_promised(queue: JobQueue, clock: SimpleNamespace):
    now = reported(queue, clock, (0, "extracting", 0, 50), (2, "extracting", 0, 50))
    assert now.progress == Progress("extracting", 0, 50, "detail")


def test_what_was_done_before_the_phase_began_does_not_count_as_speed(queue: JobQueue, clock: SimpleNamespace):
    """The second language of a study starts at half of the total, after another look at the model."""
    now = reported(queue, clock, (0, "loading", 0, 0), (0, "extracting", 100, 200), (10, "extracting", 120, 200))
    assert now.progress == Progress("extracting", 120, 200, "detail", 2.0, 40.0)


def test_the_process_has_one_queue():
    assert jobs.shared_queue() is jobs.shared_queue()
