"""Lesson files: what a step may ask for, and a sentence for every fault that names file, step and next step."""

from pathlib import Path

import pytest

from neuronxa_core.lessons import Answer, examine, number_of, shelf
from tests.conftest import set_settings

PAGES = ("alignment", "method")
FRONT = "---\ntitle: Rivers\nabout: Two of them.\nminutes: 15\n---\n"
BLOCK = "```yaml\npage: method\nnumber: 0.5\ntolerance: 0.1\n```"
STEP = f"## Look\n\n{BLOCK}\n\nDo it.\n\n**Hint.** Left.\n\n**Solution.** 0.5.\n"


def faults(source: str, file: str = "rivers.md") -> list[str]:
    lesson, found = examine(source, file, PAGES)
    assert (lesson is None) == bool(found)
    return [str(each) for each in found]


def test_a_file_becomes_a_lesson_with_its_steps():
    lesson, found = examine(FRONT + STEP + STEP.replace("number: 0.5", "section: 2\nlayer: 7"), "2-rivers.md", PAGES)
    assert not found
    assert (lesson.slug, lesson.title, lesson.minutes, lesson.kind) == ("rivers", "Rivers", 15, "lesson")
    first, second = lesson.steps
    assert (first.page, first.task, first.hints, first.solution) == ("method", "Do it.", ("Left.",), "0.5.")
    assert first.answer == Answer("number", "0.5", 0.1)
    assert second.answer.kind == "layer"
    assert (first.section, second.section) == (0, 2)
    assert lesson.query(2) == {"lesson": "rivers", "step": "2"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("---\ntitle", "title"), "rivers.md: it does not begin with front matter."),
        (("title: Rivers\n", ""), "rivers.md: it has no title. Add a line `title: ...` at the top."),
        (("minutes: 15", "minutes: long"), "it does not say how many minutes it takes."),
        (("minutes: 15", "minutes: 15\nkind: trip"), "kind is 'trip'. Write one of lesson, tour."),
        (("title: Rivers", "title: a: b"), "rivers.md, line 2: this is not valid YAML"),
        (("page: method", "page: metod"), "step 1 (Look): there is no page 'metod'. Write `page:` with one of alig"),
        (("page: method\n", ""), "step 1 (Look): it names no page."),
        (("page: method", "page: method\nview: 3"), "view is not a list of names and values."),
        (("page: method", "page: method\nsection: two"), "section is not a number. Write which heading of the page"),
        (("number: 0.5", "number: half"), "number or tolerance is not a number."),
        (("number: 0.5", "layer: 19"), "layer is not a layer of the model."),
        (("number: 0.5", "number: 1\nlayer: 2"), "it has number and layer. Keep one of them"),
        (("number: 0.5", "choices: [a]\nchoice: a"), "choices is not a list of 2 to 8 different texts."),
        (("number: 0.5", "choices: [a, b]\nchoice: c"), "choice is none of the choices."),
        (("number: 0.5", "choices: [a, b]\nchoice: a\nhelp: {a: no}"), "help is not about the wrong choices."),
        (("tolerance", "tolerence"), "there is no key 'tolerence'. The keys are page, view"),
        (("page: method", "page: &x method\nview: *x"), "this refers to another place with `*`"),
        (("number: 0.5", "page: alignment"), "line 1 of its block: the key 'page' is empty or there twice."),
        (("**Solution.** 0.5.", ""), "it has an answer and not one solution."),
        (("Do it.", ""), "step 1 (Look): it has no task."),
        (("```yaml", "```"), "it has no block of settings."),
        ((STEP, ""), "rivers.md: it has 0 steps."),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_every_fault_is_a_sentence_with_the_next_step(change: tuple[str, str], said: str):
    assert change[0] in FRONT + STEP
    found = faults((FRONT + STEP).replace(*change, 1))
    assert any(said in each for each in found), found
    assert all(each.endswith(".") for each in found)


def test_all_faults_of_a_file_are_named_at_once_and_nothing_raises():
    found = faults(FRONT.replace("title: Rivers\n", "") + STEP.replace("page: method", "page: no") + STEP, "My File.md")
    assert len(found) == 3
    assert "step 1" in found[1]
    for source in ("", "---\n", "---\n---\n", FRONT + "## x\n```yaml\n" + "[" * 1200 + "\n```\n", FRONT + "\x00"):
        assert faults(source)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.54", 0.54), ("0,54", 0.54), (" 54 % ", 54), ("−3", -3), ("+2", 2), ("x", None), ("1e9", None), ("", None)],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float):
    assert number_of(text) == number


def test_a_wrong_answer_is_told_in_which_direction_to_look():
    number, layer = Answer("number", "0.5", 0.1), Answer("layer", "7")
    assert [number.is_right(text) for text in ("0.4", "0,6", "0.61", "half")] == [True, True, False, False]
    assert number.help("0.2") == "Your number is too small."
    assert "not a number" in number.help("half")
    assert (layer.is_right("7"), layer.help("9")) == (True, "The layer is earlier in the model.")
    choice = Answer("choice", "a", choices=("a", "b", "c"), helps=(("b", "Look left."),))
    assert (choice.help("b"), choice.help("c")) == ("Look left.", "Not this one.")
    assert number.written("0,50") == number.written("0.5") == "0.5"


def test_a_folder_of_ones_own_is_on_the_shelf_and_its_faults_are_told(tmp_path: Path, monkeypatch):
    (tmp_path / "rivers.md").write_text(FRONT + STEP)
    (tmp_path / "neuron.md").write_text(FRONT + STEP)
    (tmp_path / "broken.md").write_bytes(b"\xff\xfe")
    before = shelf(PAGES)
    set_settings(monkeypatch, lessons=str(tmp_path))
    after = shelf(PAGES)
    assert set(after.lessons) - set(before.lessons) == {"rivers"}
    told = [str(each) for each in after.faults[len(before.faults) :]]
    assert told == [
        "broken.md is not UTF-8. Save it as UTF-8.",
        "neuron.md: another lesson has this name. Give the file another name.",
    ]
    (tmp_path / "rivers.md").write_text(FRONT.replace("Rivers", "Seas") + STEP)
    assert shelf(PAGES).lessons["rivers"].title == "Seas"  # a change shows at once
    set_settings(monkeypatch, lessons=str(tmp_path / "nowhere"))
    assert "cannot be read" in str(shelf(PAGES).faults[-1])
