"""A lesson as a value: its steps in order, each with a page, the view that opens there, a task, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neuronxa_core.lessons.answer import Answer

LessonKind = Literal["lesson", "tour"]


@dataclass(frozen=True)
class Step:
    """A step. page: the name of its page, as in its address; view: (name, value) of parameters of a link to it."""

    title: str
    page: str
    view: tuple[tuple[str, str], ...]
    task: str
    answer: Answer | None
    hints: tuple[str, ...]
    solution: str


@dataclass(frozen=True)
class Lesson:
    """A lesson or a tour. slug: its name in a link; about: one sentence; model: whose numbers its answers are."""

    slug: str
    title: str
    about: str
    minutes: int
    kind: LessonKind
    model: str
    steps: tuple[Step, ...]

    def query(self, step: int) -> Mapping[str, str]:
        """The parameters of a link to a step, from 1: the study's model, the step's view, lesson and step."""
        model = {} if self.model == "demo" else {"model": self.model}
        return {**model, **dict(self.steps[step - 1].view), "lesson": self.slug, "step": str(step)}
