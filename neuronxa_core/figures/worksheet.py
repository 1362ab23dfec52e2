"""A lesson on paper: its tasks with a picture and room to write, or the same with the answers for the teacher."""

import html
import re
from collections.abc import Iterator, Sequence

from neuronxa_core.figures.document import drawn, page
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.interface import RIGHT_TO_LEFT, current, tr, translated
from neuronxa_core.lessons import Lesson, Step

_STYLE = """<style>
.task { break-inside: avoid; margin: 0.7rem 0; }
.task h2 { font-size: 1.05rem; margin: 0 0 0.15rem; }
.task p { margin: 0.1rem 0; max-width: none; }
.line { border-bottom: 1px solid var(--muted); height: 1.7rem; }
.name { display: grid; grid-template-columns: 3fr 1fr; gap: 1.5rem; color: var(--muted); }
figure { margin: 0.6rem 0; }
@media print {
  body { font-size: 10pt; line-height: 1.35; }
  h1 { font-size: 16pt; margin: 0; }
  figcaption { display: none; }
}
</style>"""


def worksheet(lesson: Lesson, pictures: Sequence[ExportableFigure], key: bool) -> str:
    """The page as text, for one or two sheets of A4. key: with the answers, for the teacher."""
    title, about, name, date = translated(lesson.title), translated(lesson.about), tr("Name"), tr("Date")
    head = "" if key else f"<div class='name'><div class='line'>{name}</div><div class='line'>{date}</div></div>"
    of_key, minutes = tr("Key"), tr("{count} min", count=lesson.minutes)
    steps = [_task(number, step.in_language, key) for number, step in enumerate(lesson.steps, 1)]
    return page(
        f"{title} · {of_key}" if key else title,
        f"{about} {minutes}",
        [_STYLE, _direction(), head, *map(drawn, pictures), *steps],
    )


def _direction() -> str:
    """What a language that is written from right to left needs; pictures stay as they are."""
    if current() not in RIGHT_TO_LEFT:
        return ""
    return "<style>body { direction: rtl; } figure, #js-plotly-tester { direction: ltr; }</style>"  # texts are measured


def _task(number: int, step: Step, key: bool) -> str:
    return f"<div class='task'><h2>{number}. {html.escape(step.title)}</h2>{''.join(_lines(step, key))}</div>"


def _lines(step: Step, key: bool) -> Iterator[str]:
    """What stands below a step's title: the task, the choices, and lines to write on or the answer."""
    yield from (f"<p>{inline(part)}</p>" for part in step.task.split("\n\n"))
    if step.answer and step.answer.choices:
        yield "<p>" + " &emsp; ".join(f"☐ {html.escape(translated(choice))}" for choice in step.answer.choices) + "</p>"
    if key:
        right = (
            f"<b>{html.escape(translated(step.answer.right))} {html.escape(step.answer.unit)}</b> "
            if step.answer
            else ""
        )
        yield f"<p>{right}{inline(step.solution)}</p>"
    else:
        yield "<div class='line'></div>" * (1 if step.answer and step.answer.choices else 2)


def inline(markdown: str) -> str:
    """A paragraph of Markdown as HTML: bold, emphasis and code; everything else stands as it is, escaped."""
    text = html.escape(" ".join(markdown.split()))
    for sign, tag in ((r"\*\*", "b"), (r"\*", "i"), ("`", "code")):
        text = re.sub(rf"{sign}(\S.*?){sign}", rf"<{tag}>\1</{tag}>", text)
    return text
