"""Progress and cancellation of long work."""

import time
from dataclasses import dataclass
from typing import Literal

from neuronxa_core.numbers import with_unit

Phase = Literal["downloading", "preparing weights", "loading", "extracting", "scoring", "projecting"]


def counted(phase: Phase | None) -> str:
    """The unit that is counted in a phase."""
    return {"downloading": "MB", "scoring": "layers", "projecting": "steps"}.get(phase or "", "sentences")


class Watcher:
    """Passed to everything that takes long. This one ignores progress and never cancels."""

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Reports `done` of `total` in this phase, in the unit of `counted`; a total of 0 means unknown."""

    def check(self) -> None:
        """Raises Cancelled if the work should stop. Called at least once per layer and per batch."""


SILENT = Watcher()


@dataclass(frozen=True)
class Progress:
    """Progress at one moment: phase, count, rate per second, and seconds left if they can be estimated."""

    phase: Phase
    done: int = 0
    total: int = 0
    detail: str = ""
    rate: float = 0.0
    seconds_left: float | None = None

    def __str__(self) -> str:
        """`Extracting · 12 of 200 sentences · 25 per second · about 8 s left`."""
        parts = [self.phase.capitalize()]
        if self.total:
            parts.append(f"{self.done} of {self.total} {counted(self.phase)}")
        if self.rate:
            parts.append(_pace(self.rate))
        if self.seconds_left is not None:
            parts.append(f"about {with_unit(str(max(1, round(self.seconds_left))), 's')} left")
        return " · ".join([*parts, *([self.detail] if self.detail else [])])


def _pace(rate: float) -> str:
    """Per second, or per minute or hour where that would be less than one."""
    for seconds, unit in ((1, "second"), (60, "minute")):
        if rate * seconds >= 1:
            return f"{rate * seconds:.0f} per {unit}"
    return f"{max(1, round(rate * 3600))} per hour"


class Meter:
    """Turns the reports of one job into Progress; the rate is that of the phase since its first report."""

    def __init__(self) -> None:
        self._phase: Phase | None = None
        self._started, self._before = 0.0, 0

    def read(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> Progress:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._started, self._before = phase, now, done
        fresh = done - self._before
        rate = fresh / (now - self._started) if fresh > 0 and now > self._started else 0.0
        return Progress(phase, done, total, detail, rate, (total - done) / rate if rate and total else None)


class Together(Watcher):
    """Counts the sentences of several languages as one job; `before` is the number already done."""

    def __init__(self, watcher: Watcher, total: int) -> None:
        self.watcher, self.total, self.before = watcher, total, 0

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        counted = phase == "extracting"
        self.watcher.report(phase, self.before + done if counted else 0, self.total if counted else 0, detail)

    def check(self) -> None:
        self.watcher.check()


class _Side(Watcher):
    """One of several pieces of work that run at the same time; `counts` holds done and total of each."""

    def __init__(self, watcher: Watcher, counts: list[tuple[int, int]], index: int) -> None:
        self.watcher, self.counts, self.index = watcher, counts, index

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.counts[self.index] = done, total
        done, total = (sum(column) for column in zip(*self.counts, strict=True))
        self.watcher.report(phase, done, total, detail)

    def check(self) -> None:
        self.watcher.check()


def side_by_side(watcher: Watcher, count: int) -> list[Watcher]:
    """A watcher for each of `count` pieces of the same work in threads of their own; `watcher` sees their sums."""
    counts = [(0, 0)] * count
    return [_Side(watcher, counts, index) for index in range(count)]
