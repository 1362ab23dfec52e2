import logging
import time
from collections.abc import Callable
from functools import partial
from threading import Event
from types import SimpleNamespace

import pytest

from neuronxa_core import fairness, jobs, progress
from neuronxa_core.errors import ModelError, StudyError
from neuronxa_core.fairness import Caller
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


class Visitor:
    """Somebody whose browser is connected until they leave."""

    def __init__(self, name: str) -> None:
        self.there = True
        self.caller = Caller(name, lambda: self.there)


def in_turn(queue: JobQueue, *asked: tuple[str, str]) -> list[str]:
    """The order in which jobs run that visitors asked for while another was running: (visitor, job)."""
    first, ran = Step(), list[str]()
    queue.submit("first", first)
    assert first.begun.wait(PATIENCE)
    tickets = [queue.submit(job, partial(lambda job, _: ran.append(job), job), Caller(name)) for name, job in asked]
    ahead = [look(queue, ticket).ahead for ticket in tickets]
    first.go.set()
    for ticket in tickets:
        assert end_of(queue, ticket).status == "done"
    assert [ran.index(job) + 1 for _, job in asked] == ahead
    return ran


def test_callers_take_turns_whatever_each_has_queued(queue: JobQueue):
    assert in_turn(queue, ("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")) == [
        *("a1", "b1", "c1", "a2", "b2", "a3")
    ]
    assert in_turn(queue, ("b", "b3"), ("a", "a4"), ("new", "n1")) == ["n1", "b3", "a4"]  # a was served last


def test_a_caller_has_so_many_jobs_and_joining_is_free():
    queue = JobQueue(most=2)
    step, caller = Step(), Caller("a")
    queue.submit("x", step, caller)
    second = queue.submit("y", Step(), caller)
    with pytest.raises(StudyError, match=r"You have 2 runs that are not finished\. Wait for one"):
        queue.submit("z", Step(), caller)
    queue.submit("y", Step(), caller)
    queue.submit("z", Step(), Caller("b"))
    queue.submit("z", Step(), caller)
    queue.cancel(second)
    step.go.set()


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The time by which callers leave: `minutes.now`."""
    minutes = SimpleNamespace(now=1.0)
    monkeypatch.setattr(fairness, "time", SimpleNamespace(monotonic=lambda: minutes.now * 60))
    return minutes


def leave(queue: JobQueue, minutes: SimpleNamespace, visitor: Visitor) -> None:
    """The visitor leaves, and more than a minute passes."""
    visitor.there = False
    for _ in range(2):
        minutes.now += 0.6
        queue.look("nobody")
        minutes.now += 0.6


def test_what_a_visitor_queued_who_left_is_dropped_after_a_minute(queue: JobQueue, minutes: SimpleNamespace):
    running, never, shared = Step(), Step(), Step("shared")
    gone, here = Visitor("gone"), Visitor("here")
    queue.submit("running", running, here.caller)
    assert running.begun.wait(PATIENCE)
    dropped = [queue.submit(number, never, gone.caller) for number in range(3)]
    queue.submit("shared", shared, gone.caller)
    ours = queue.submit("shared", shared, here.caller)
    assert look(queue, ours).ahead == 2
    gone.there = False
    minutes.now += 0.5
    assert look(queue, ours).ahead == 2
    leave(queue, minutes, gone)
    assert look(queue, ours).ahead == 1
    assert [status(queue, ticket) for ticket in dropped] == ["cancelled"] * 3
    assert [queue.was_left(ticket, key) for ticket, key in zip(dropped, (0, 1, 0), strict=True)] == [True, True, False]
    cancelled = queue.submit("cancelled", never, here.caller)
    queue.cancel(cancelled)
    assert not queue.was_left(cancelled, "cancelled")
    for step in (running, shared):
        step.go.set()
    assert end_of(queue, ours).result == "shared"
    assert never.runs == 0


@pytest.mark.parametrize(("done", "others", "stops"), [(10, True, True), (90, True, False), (10, False, False)])
def test_a_run_whose_caller_left_gives_way_unless_it_is_nearly_done(
    queue: JobQueue, minutes: SimpleNamespace, done: int, others: bool, stops: bool
):
    step, gone = Step("kept"), Visitor("gone")

    def work(watcher: Watcher) -> object:
        watcher.report("extracting", done, 100)
        return step(watcher)

    ticket = queue.submit("a", work, gone.caller)
    assert step.begun.wait(PATIENCE)
    if others:
        waits = Step()
        waits.go.set()
        queue.submit("b", waits, Visitor("here").caller)
    leave(queue, minutes, gone)
    if stops:
        assert end_of(queue, ticket).status == "cancelled"
    else:
        assert status(queue, ticket) == "running"
        step.go.set()
        assert end_of(queue, ticket).result == "kept"


def test_whoever_comes_back_within_a_minute_keeps_the_place(queue: JobQueue, minutes: SimpleNamespace):
    running, ours, visitor = Step(), Step("ours"), Visitor("a")
    queue.submit("running", running)
    assert running.begun.wait(PATIENCE)
    ticket = queue.submit("ours", ours, visitor.caller)
    for _ in range(4):
        visitor.there = not visitor.there
        minutes.now += 0.7
        assert status(queue, ticket) == "queued"
    running.go.set()
    ours.go.set()
    assert end_of(queue, ticket).result == "ours"


def test_the_wait_is_what_the_running_job_has_left_and_what_jobs_usually_take(queue: JobQueue):
    step = Step()

    def work(watcher: Watcher) -> object:
        watcher.report("extracting", 0, 100)
        time.sleep(0.01)
        watcher.report("extracting", 50, 100)
        return step(watcher)

    queue.submit("a", work)
    assert step.begun.wait(PATIENCE)
    first, second = queue.submit("b", Step()), queue.submit("c", Step())
    left = look(queue, first).wait
    assert 0.005 < left < 1
    assert look(queue, second).wait is None  # nothing has ended yet that would tell
    queue._took.extend([4.0, 6.0, 100.0])
    assert look(queue, second).wait == pytest.approx(left + 6)
    step.go.set()


def test_it_tells_whether_a_job_can_be_joined(queue: JobQueue):
    step = Step()
    assert not queue.is_active("a")
    ticket = queue.submit("a", step)
    assert queue.is_active("a")
    step.go.set()
    end_of(queue, ticket)
    assert not queue.is_active("a")


def test_the_process_has_one_queue():
    assert jobs.shared_queue() is jobs.shared_queue()
