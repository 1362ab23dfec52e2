"""A lesson as a value: its steps in order, each with a page, the view that opens there, a task, and its answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from neuronxa_core.interface import translated
from neuronxa_core.lessons.answer import Answer

LessonKind = Literal["lesson", "tour"]


@dataclass(frozen=True)
class Step:
    """A step. page: the name of its page, as in its address; view: (name, value) of parameters of a link to it.

    section: at which of the page's headings it begins, from 1; 0 for the top.
    """

    title: str
    page: str
    view: tuple[tuple[str, str], ...]
    task: str
    answer: Answer | None
    hints: tuple[str, ...]
    solution: str
    section: int = 0

    @property
    def words(self) -> Iterator[str]:
        """Every text of the step, as a catalogue has it: a paragraph on one line."""
        yield self.title
        yield from map(_one_line, self.task.split("\n\n"))
        if self.answer:
            yield from (self.answer.unit, *self.answer.choices, *(told for _, told in self.answer.helps))
        yield from self.hints
        yield self.solution

    @property
    def in_language(self) -> "Step":
        """The step in the language of the interface; choices stay, since a link and an answer hold them."""
        answer = self.answer
        if answer:
            helps = tuple((choice, translated(told)) for choice, told in answer.helps)
            answer = replace(answer, unit=translated(answer.unit), helps=helps)
        return replace(
            self,
            title=translated(self.title),
            task="\n\n".join(translated(_one_line(part)) for part in self.task.split("\n\n")),
            answer=answer,
            hints=tuple(map(translated, self.hints)),
            solution=translated(self.solution),
        )


def _one_line(paragraph: str) -> str:
    return " ".join(paragraph.split())


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

    @property
    def words(self) -> Iterator[str]:
        """Every text of the lesson that is translated."""
        yield from (self.title, self.about)
        for step in self.steps:
            yield from step.words

    def query(self, step: int) -> Mapping[str, str]:
        """The parameters of a link to a step, from 1: the study's model, the step's view, lesson and step."""
        model = {} if self.model == "demo" else {"model": self.model}
        return {**model, **dict(self.steps[step - 1].view), "lesson": self.slug, "step": str(step)}
