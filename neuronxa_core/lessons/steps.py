"""A step of a lesson from its section: page, view and answer from the YAML block, the rest from the paragraphs."""

import re
from collections.abc import Collection, Mapping, Sequence

from neuronxa_core.errors import LessonError, shown
from neuronxa_core.lessons.answer import LAYERS, Answer, number_of
from neuronxa_core.lessons.lesson import Step
from neuronxa_core.lessons.written import Plain, Section, YamlFaultError, mapping

_KEYS = ("page", "view", "section", "number", "tolerance", "unit", "layer", "layers", "choices", "choice", "help")
_HINT, _SOLUTION = "**Hint.** ", "**Solution.** "


class Faults:
    """The faults of a file, each a sentence with the next step."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[LessonError] = []

    def add(self, where: str, problem: str, next_step: str) -> None:
        place = f"{self.file}, {where}" if where else self.file
        self.found.append(LessonError(f"{place}: {problem}.", f"{next_step.removesuffix('.')}."))


def step_of(section: Section, number: int, pages: Collection[str], faults: Faults) -> Step:
    """The step; what is wrong with it is added to `faults`."""
    where = f"step {number} ({shown(section.title, 40)})"
    told = _settings(section, where, faults)
    page = told.get("page")
    if page not in pages:
        what = "it names no page" if page is None else f"there is no page {shown(str(page))!r}"
        faults.add(where, what, f"Write `page:` with one of {', '.join(sorted(pages))}")
    view = told.get("view", {})
    if not isinstance(view, dict) or not all(isinstance(value, str) for value in view.values()):
        faults.add(where, "view is not a list of names and values", "Write it as `view: {source: fra_Latn}`")
        view = {}
    section_of_page = str(told.get("section", "0"))
    if not re.fullmatch(r"\d{1,2}", section_of_page):
        faults.add(where, "section is not a number", "Write which heading of the page it is, such as `section: 2`")
        section_of_page = "0"
    answer = _answer(told, where, faults)
    task = [part for part in section.paragraphs if not part.startswith((_HINT, _SOLUTION))]
    hints = tuple(_one_line(part, _HINT) for part in section.paragraphs if part.startswith(_HINT))
    solutions = [_one_line(part, _SOLUTION) for part in section.paragraphs if part.startswith(_SOLUTION)]
    if not task:
        faults.add(where, "it has no task", "Write what to do below the block")
    if answer and len(solutions) != 1:
        faults.add(where, "it has an answer and not one solution", f"Add a paragraph that begins with `{_SOLUTION}`")
    items = tuple((str(name), str(value)) for name, value in view.items())
    text, solution = "\n\n".join(task), "".join(solutions[:1])
    return Step(section.title, str(page), items, text, answer, hints, solution, int(section_of_page))


def _one_line(paragraph: str, mark: str) -> str:
    return " ".join(paragraph.removeprefix(mark).split())


def _settings(section: Section, where: str, faults: Faults) -> Mapping[str, Plain]:
    if section.settings is None:
        faults.add(where, "it has no block of settings", "Begin it with a block ```yaml that has a line `page: ...`")
        return {}
    try:
        told = mapping(section.settings)
    except YamlFaultError as fault:
        place = f"{where}, line {fault.line} of its block" if fault.line else where
        faults.add(place, fault.problem, fault.next_step)
        return {}
    for key in told:
        if key not in _KEYS:
            faults.add(where, f"there is no key {shown(key)!r}", f"The keys are {', '.join(_KEYS)}")
    return told


def _answer(told: Mapping[str, Plain], where: str, faults: Faults) -> Answer | None:
    """The answer that a step asks for, or None if it asks for nothing."""
    kinds = [kind for kind in ("number", "layer", "choice") if kind in told]
    if len(kinds) > 1:
        faults.add(where, f"it has {' and '.join(kinds)}", "Keep one of them: a step asks for one answer")
        return None
    if "choices" in told or kinds == ["choice"]:
        return _choice(told, where, faults)
    if kinds == ["layer"]:
        return _layer(told, where, faults)
    return _number(told, where, faults) if kinds else None


def _number(told: Mapping[str, Plain], where: str, faults: Faults) -> Answer | None:
    right, off = (number_of(str(told.get(key, default))) for key, default in (("number", ""), ("tolerance", "0")))
    if right is None or off is None or off < 0:
        faults.add(where, "number or tolerance is not a number", "Write them as `number: 0.54` and `tolerance: 0.01`")
        return None
    return Answer("number", str(told["number"]), off, unit=str(told.get("unit", "")))


def _layer(told: Mapping[str, Plain], where: str, faults: Faults) -> Answer | None:
    layer, layers = str(told["layer"]), str(told.get("layers", LAYERS))
    whole = all(re.fullmatch(r"\d{1,3}", text) for text in (layer, layers))
    if not whole or not 1 <= int(layer) <= int(layers):
        faults.add(where, "layer is not a layer of the model", f"Write a number from 1 to {LAYERS}, or add `layers:`")
        return None
    return Answer("layer", layer, layers=int(layers))


def _choice(told: Mapping[str, Plain], where: str, faults: Faults) -> Answer | None:
    choices, right, helps = told.get("choices"), told.get("choice"), told.get("help", {})
    if not isinstance(choices, list) or not _are_choices(choices):
        faults.add(where, "choices is not a list of 2 to 8 different texts", "Write it as `choices: [one, two]`")
    elif right not in choices:
        faults.add(where, "choice is none of the choices", "Write the right one as it stands in the list")
    elif not isinstance(helps, dict) or not set(helps) <= set(choices) - {right}:
        faults.add(where, "help is not about the wrong choices", "Write it as `help: {a wrong choice: a sentence}`")
    else:
        told_of = tuple((str(wrong), str(text)) for wrong, text in helps.items())
        return Answer("choice", str(right), choices=tuple(choices), helps=told_of)
    return None


def _are_choices(choices: Sequence[Plain]) -> bool:
    texts = {each for each in choices if isinstance(each, str) and each}
    return 2 <= len(choices) <= 8 and len(texts) == len(choices)
