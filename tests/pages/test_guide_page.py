"""The guide in the dashboard: every chapter opens, links between chapters stay in it, and the search finds sections."""

import re

import pytest

from neuronxa_core.numbers import unbroken
from pages.learn.guide_chapters import Chapter, chapters, search
from tests.pages.app import open_page

SLUGS = [chapter.slug for chapter in chapters()]


def chapter_of(slug: str) -> Chapter:
    return next(chapter for chapter in chapters() if chapter.slug == slug)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_link_opens_its_chapter(slug: str):
    app = open_page("guide", chapter=slug)
    assert app.header[0].value == chapter_of(slug).title
    assert unbroken(chapter_of(slug).body) in [text.value for text in app.markdown]
    assert not app.info
    assert app.query_params["chapter"] in (slug, [slug])


def test_without_a_link_the_first_chapter_is_open_and_in_the_address():
    app = open_page("guide")
    assert app.header[0].value == "Getting started"
    assert app.query_params["chapter"] in ("getting_started", ["getting_started"])


def test_a_chapter_that_is_not_there_is_said_and_the_first_one_stands_in():
    app = open_page("guide", chapter="<b>no</b>")
    assert "no chapter called \\<b\\>no\\</b\\>" in app.info[0].value
    assert app.header[0].value == "Getting started"
    assert not app.exception


def test_the_contents_and_the_way_on_lead_to_other_chapters():
    app = open_page("guide")
    app.button(key="guide_go_method").click().run()
    assert app.header[0].value == "Method and limits"
    app.button(key="guide_next").click().run()
    assert app.header[0].value == "Command line"
    app.selectbox(key="guide_select").set_value("sources").run()
    assert app.header[0].value == "Sources"


def test_the_search_finds_a_section_and_opens_its_chapter():
    app = open_page("guide")
    app.text_input(key="guide_search").set_value("NEURONXA_ALLOW_REMOTE shared").run()
    found = [button for button in app.button if str(button.key).startswith("guide_hit_")]
    assert [button.label for button in found][-1] == "Deployment · Shared mode"
    found[-1].click().run()
    assert app.header[0].value == "Deployment"
    assert app.text_input(key="guide_search").value == ""


def test_a_search_for_nothing_in_the_guide_says_so():
    app = open_page("guide")
    app.text_input(key="guide_search").set_value("zebra crossing").run()
    assert "No chapter contains zebra crossing" in app.info[0].value


def test_a_search_needs_every_word_in_one_section():
    assert [(hit.chapter.slug, hit.section) for hit in search("7.5 sentence by")] == [("speed", "What was measured")]
    assert search("") == []


def test_links_between_chapters_become_links_into_the_page():
    body = chapter_of("getting_started").body
    assert "[Deployment](?chapter=deployment)" in body
    assert "[Gemma Terms of Use](https://ai.google.dev/gemma/terms)" in body
    assert "](../" not in "".join(chapter.body for chapter in chapters())


def test_headings_go_one_level_down_and_code_stays_as_it_is():
    body = chapter_of("library").body
    assert body.startswith("`neuronxa_core` knows nothing")
    assert "\n### A study\n" in body
    assert not re.search(r"^#{1,2} ", re.sub(r"```.*?```", "", body, flags=re.S), re.M)
    assert "# each (layers, sentences, dim)" in body
