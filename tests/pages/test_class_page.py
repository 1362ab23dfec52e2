"""Class mode in the app: a teacher and members in sessions of their own, from the code to the end."""

import pytest

from neuronxa_core.rooms import shared_rooms
from neuronxa_core.stills.read import still_of_step
from tests.conftest import set_settings
from tests.pages.app import html, open_page, said


@pytest.fixture(autouse=True)
def no_rooms():
    """Rooms of this test alone."""
    shared_rooms.cache_clear()


def a_class(lesson: str = "neuron"):
    """A teacher's session with an open class, and its code."""
    teacher = open_page("class")
    teacher.selectbox(key="class_lesson").set_value(lesson).run()
    teacher.button(key="class_open").click().run()
    assert not teacher.exception
    return teacher, teacher.session_state.class_role.code


def test_a_class_follows_answers_and_sees_the_answers():
    teacher, code = a_class()
    assert code in html(teacher)
    member, other = open_page("class", room=code.lower()), open_page("class")
    assert member.title[0].value == "Class"
    assert "step 1 of 7" in said(member)
    assert still_of_step("neuron", 1, "light").said in said(member)
    assert "not opened the question" in said(member)
    other.text_input(key="class_code").set_value(code)
    next(each for each in other.button if each.label == "Join").click().run()
    assert "How many tokens does the German sentence cost?" in said(other)
    teacher.button(key="class_open").click().run()
    for phone, text in ((member, "24"), (other, "18,0")):
        phone.run()
        phone.text_input(key=f"class_answer_{code}_1").set_value(text)
        phone.button(key="class_send").click().run()
        assert "Sent." in said(phone)
    member.text_input(key=f"class_answer_{code}_1").set_value("24 ")
    member.button(key="class_send").click().run()
    teacher.run()
    assert "2 of 2 have answered" in said(teacher)
    assert "class='nx-bars'" not in html(teacher)  # nobody votes with the crowd
    teacher.button(key="class_shown").click().run()
    assert "Answers: 18: 1, 24: 1" in html(teacher)
    assert "✓" not in html(teacher)
    teacher.button(key="class_open").click().run()
    member.run()
    assert "24 ✓" in html(member)
    assert "German needs 24 tokens" in member.info[0].value
    teacher.button(key="class_next").click().run()
    assert teacher.title[0].value == "Class"
    member.run()
    assert "step 2 of 7" in said(member)
    assert member.title[0].value == "Class"
    member.button(key="lesson_page").click().run()
    assert member.title[0].value == "Method"  # the page of the step, with its view
    assert member.session_state.met_token == 2
    assert "step 2 of 7" in said(member)
    teacher.button(key="class_next").click().run()
    member.run()
    assert "step 3 of 7" in said(member)
    assert member.title[0].value == "Class"  # led back: forty pages at once would take many seconds


def test_a_class_that_is_free_goes_on_alone_and_is_gathered_again():
    teacher, code = a_class("left_out")
    member = open_page("class", room=code)
    assert member.title[0].value == "Class"
    assert not [each for each in member.button if each.key == "lesson_next"]
    teacher.button(key="class_free").click().run()
    member.run()
    member.button(key="lesson_next").click().run()
    assert "step 2 of 6" in said(member)
    assert member.title[0].value == "Alignment by layer"
    member.text_input(key="lesson_answer_left_out_2").set_value("3.1")
    member.button(key="lesson_check").click().run()
    assert "Right." in member.success[0].value
    teacher.button(key="class_free").click().run()
    member.run()
    assert "step 1 of 6" in said(member)


def test_a_class_ends_for_all_and_the_teacher_s_link_leads_back_until_then():
    teacher, code = a_class()
    held = teacher.session_state.class_role
    again = open_page("class", room=code, key=held.key)
    assert again.button(key="class_end")
    assert "key" not in dict(again.query_params)
    member = open_page("class", room=code)
    again.button(key="class_end").click().run()
    assert len(shared_rooms()) == 0
    member.run()
    assert "The class is over" in member.toast[0].value
    assert "step 1 of 7" not in said(member)
    assert "no class with this code" in open_page("class", room="AAAAA").toast[0].value


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        ({}, False),
        ({"mode": "shared"}, False),
        ({"address": "http://192.168.1.20:8501"}, False),
        ({"mode": "shared", "address": "http://localhost:8501"}, False),
        ({"mode": "shared", "address": "http://192.168.1.20:8501/"}, True),
    ],
)
def test_the_qr_code_is_there_only_where_phones_reach_the_server(settings, reached, monkeypatch):
    set_settings(monkeypatch, **settings)
    teacher, _ = a_class()
    assert ("data:image/svg+xml;base64," in html(teacher)) == reached
    assert ("NEURONXA_ADDRESS=" in said(teacher)) != reached
    assert ("http://192.168.1.20:8501/class?room=" in said(teacher)) == reached
