"""How long work tells what it is doing, and how it is told to stop."""

from typing import Literal

Phase = Literal["downloading", "preparing weights", "loading", "extracting", "scoring", "projecting"]


def counted(phase: Phase | None) -> str:
    """What is counted in a phase."""
    return {"downloading": "MB", "scoring": "layers", "projecting": "steps"}.get(phase or "", "sentences")


class Watcher:
    """Passed down to everything that takes long. This one is silent and never stops anybody."""

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        """`done` of `total` in this phase, of what `counted` says; a total of 0 means that it cannot be counted."""

    def check(self) -> None:
        """Raises Cancelled if the work should stop. Called at least once per layer and per batch."""


SILENT = Watcher()


class Together(Watcher):
    """Counts the sentences of several languages as one piece of work; `before` is what is done already."""

    def __init__(self, watcher: Watcher, total: int) -> None:
        self.watcher, self.total, self.before = watcher, total, 0

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        counted = phase == "extracting"
        self.watcher.report(phase, self.before + done if counted else 0, self.total if counted else 0, detail)

    def check(self) -> None:
        self.watcher.check()
