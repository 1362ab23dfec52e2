"""Lessons in the app: every step opens as it should, answers are checked, and the lesson stays in the link."""

from html import escape

import pytest

from neuronxa_core import interface
from neuronxa_core.figures.worksheet import inline, worksheet
from pages.learn.worksheets import worksheet_of
from pages.shared import lesson as lessons
from tests.conftest import set_settings
from tests.lessons.test_read import FRONT, STEP
from tests.pages.app import chart_count, html, open_page, page_file, said

STEPS = [
    (lesson.slug, number)
    for lesson in lessons.shelf().lessons.values()
    for number in range(1, len(lesson.steps) + 1)
    if lesson.kind == "lesson"
]


def query(app, name: str) -> str:
    value = dict(app.query_params).get(name, "")
    return value[0] if isinstance(value, list) else value


@pytest.mark.parametrize("slug", sorted({slug for slug, _ in STEPS}))
def test_every_step_opens_its_page_with_an_answer_at_hand(slug: str):
    """From the first to the last by *Next*; what the page refuses of a view would be a toast."""
    lesson = lessons.shelf().lessons[slug]
    app = open_page(lesson=slug, step="1")
    for number, step in enumerate(lesson.steps, 1):
        assert not app.exception, (slug, number)
        assert f"step {number} of {len(lesson.steps)}" in said(app)
        assert not app.toast, (slug, number, app.toast)
        assert not [each for each in app.button if each.key == "run"], (slug, number)
        assert (query(app, "lesson"), query(app, "step")) == (slug, str(number))
        assert ("scrollIntoView" in html(app)) == bool(step.section), (slug, number)  # it comes into sight once
        for name, text in step.view:
            held = app.session_state[f"study_{name}"] if name == "source" else app.session_state[name]
            assert str(held) == text, (slug, number, name)
        if number < len(lesson.steps):
            app.button(key="lesson_next").click().run()


def test_a_wrong_answer_gets_help_and_a_right_one_its_reason():
    app = open_page(lesson="neuron", step="1")
    assert app.title[0].value == "Method"
    app.text_input(key="lesson_answer_neuron_1").set_value("twelve")
    app.button(key="lesson_check").click().run()
    assert "not a number" in app.warning[0].value
    assert "**Hint 1.**" in said(app)
    app.text_input(key="lesson_answer_neuron_1").set_value("18")
    app.button(key="lesson_check").click().run()
    assert "too small" in app.warning[0].value
    assert app.button(key="lesson_hint").label == "Show the solution"
    app.button(key="lesson_hint").click().run()
    assert "German needs 24 tokens" in app.info[0].value
    app.text_input(key="lesson_answer_neuron_1").set_value("24")
    app.button(key="lesson_check").click().run()
    assert "Right." in app.success[0].value


def test_a_lesson_is_told_in_the_language_of_the_link_and_checked_by_its_own_words():
    app = open_page(lesson="left_out", step="3", lang="de")
    assert "Über dem Zufall oder nicht" in said(app)
    answer = app.radio(key="lesson_answer_left_out_3")
    assert answer.options == ["ja", "nein"]
    answer.set_value("ja")
    app.button(key="lesson_check").click().run()
    assert app.warning[0].value.startswith("Selbst die beste Schicht")
    app.radio(key="lesson_answer_left_out_3").set_value("nein")
    app.button(key="lesson_check").click().run()
    assert app.success[0].value.startswith("Richtig. Nein. Selbst in der besten Schicht")


def test_a_lesson_stays_open_on_other_pages_until_one_leaves_it():
    app = open_page(lesson="left_out", step="2")
    assert app.selectbox(key="study_source").value == "yor_Latn"
    app.switch_page(page_file("glossary")).run()
    assert "step 2 of 6" in said(app)
    assert query(app, "step") == "2"
    app.button(key="lesson_page").click().run()
    assert app.title[0].value == "Alignment by layer"
    assert app.selectbox(key="study_source").value == "yor_Latn"
    app.button(key="lesson_leave").click().run()
    assert query(app, "lesson") == ""
    assert "step 2 of 6" not in said(app)


def test_the_page_lists_lessons_and_the_faults_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / "rivers.md").write_text(FRONT + STEP)
    (tmp_path / "bad.md").write_text(FRONT + STEP.replace("method", "nowhere"))
    set_settings(monkeypatch, lessons=str(tmp_path))
    app = open_page("lessons", lesson="none")
    assert "no such lesson" in app.toast[0].value
    assert "bad.md, step 1 (Look): there is no page 'nowhere'" in app.error[0].value.replace("\\", "")
    app.button(key="lesson_start_rivers").click().run()
    assert app.title[0].value == "Method"
    assert "Do it." in said(app)


def test_the_arrow_keys_lead_through_a_tour_of_eight_stops_on_the_stage():
    app = open_page(lesson="tour")
    tour = lessons.shelf().lessons["tour"]
    assert len(tour.steps) == 8
    for number, step in enumerate(tour.steps, 1):
        assert chart_count(app) >= 1, step.title
        assert html(app).count(f"<p class='nx-stage-title'>{step.title}</p>") == 1
        assert step.task in html(app)
        assert (query(app, "step"), query(app, "present")) == (str(number), dict(step.view)["present"])
        assert not app.toast
        if number < 8:
            app.button(key="stage_Right").click().run()
    app.button(key="stage_Left").click().run()
    assert tour.steps[6].title in html(app)
    app.button(key="stage_Escape").click().run()
    assert query(app, "present") == query(app, "lesson") == ""
    assert app.title[0].value == "Latent language"


@pytest.mark.parametrize("slug", sorted({slug for slug, _ in STEPS}))
def test_a_lesson_prints_with_a_picture_and_its_key_has_every_answer(slug: str):
    lesson = lessons.shelf().lessons[slug]
    sheet, key = worksheet_of(lesson, False), worksheet_of(lesson, True)
    assert sheet.count("class='task'") == key.count("class='task'") == len(lesson.steps)
    assert sheet.count("<figure>") == 1
    for step in lesson.steps:
        solution = inline(step.solution)
        assert not solution or (solution in key and solution not in sheet), step.title
        if step.answer:
            assert f"<b>{escape(step.answer.right)} " in key
    assert "class='line'" in sheet
    assert "class='line'" not in key


def test_a_worksheet_in_another_language_has_no_english_choice_and_runs_its_way(monkeypatch):
    for code in ("de", "ar"):
        monkeypatch.setattr(interface, "_asked", [lambda code=code: code])
        sheet = worksheet(lessons.shelf().lessons["neuron"], [], True)
        assert "it is on" not in sheet
        assert ("direction: rtl" in sheet) == (code == "ar")


def test_a_paragraph_is_html_in_which_nothing_typed_is_code():
    assert (
        inline("**Two** *rivers*, `x < 1` & <b>") == "<b>Two</b> <i>rivers</i>, <code>x &lt; 1</code> &amp; &lt;b&gt;"
    )
