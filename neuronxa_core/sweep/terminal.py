"""The progress of a sweep on the terminal: a bar that moves, or one line per task where there is no terminal."""

import sys
import time
from typing import Any

from neuronxa_core.numbers import count, score
from neuronxa_core.progress import Meter, Phase, Watcher
from neuronxa_core.sweep.run import Done, Tally, Told


class _Bar(Watcher):
    """Shows what the running task does, beside the bar."""

    def __init__(self, terminal: "Terminal") -> None:
        self.terminal, self.meter, self.shown = terminal, Meter(), 0.0

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        now = self.meter.read(phase, done, total, detail)
        if time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            self.terminal.detail(str(now))


class Terminal(Told):
    """Draws with rich on standard error if that is a terminal, else prints a plain line per task to standard output."""

    def __init__(self) -> None:
        self.watcher = _Bar(self)
        self.total, self.ends, self.failed, self.why = 0, 0, 0, ""
        self._bar: Any = None
        self._task: Any = None

    def begin(self, total: int, there: int) -> None:
        self.total, self.ends = total, there
        if not sys.stderr.isatty():
            print(f"{count(total, 'task')}, {there:,} of them in the store already", flush=True)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = [
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[failed]}", style="red"),
            TextColumn("{task.fields[detail]}", markup=False),
        ]
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._task = self._bar.add_task("", total=total, completed=there, rate="", failed="", detail="")
        self._bar.start()

    def detail(self, text: str) -> None:
        if self._bar:
            self._bar.update(self._task, detail=text)

    def ended(self, done: Done) -> None:
        self.ends += 1
        self.failed += done.failure is not None
        again, self.why = bool(done.failure) and str(done.failure) == self.why, str(done.failure or "")
        if not self._bar:
            print(f"[{self.ends}/{self.total}] {line_of(done, again)}", flush=True)
            return
        if done.failure and not again:
            self._bar.console.print(line_of(done), markup=False, highlight=False)
        speed = self._bar.tasks[0].speed
        rate = f"{60 * speed:.1f} per minute" if speed else ""
        failed = f"{self.failed} failed" if self.failed else ""
        self._bar.update(self._task, advance=1, rate=rate, failed=failed)

    def finish(self) -> None:
        if self._bar:
            self._bar.stop()


def line_of(done: Done, again: bool = False) -> str:
    """One line on how a task ended. again: for the reason that the line before tells."""
    study = done.task.study
    what = f"{study.names['model']}, {study.names['corpus']}, {study.source} -> {study.target}"
    if done.failure:
        return f"{what}: failed{', as the one before' if again else f': {done.failure}'}"
    return f"{what}: NASCA {score(done.nasca, 4)} in {done.seconds:.1f} s"


def summary(tally: Tally, url: str) -> str:
    """One line on how a sweep ended."""
    parts = [f"{tally.done:,} done now", f"{tally.there:,} there before", f"{tally.failed:,} failed"]
    return f"sweep: {count(tally.total, 'task')}, {', '.join(parts)}; store: {url}"
