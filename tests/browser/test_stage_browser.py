"""Stage mode in a real browser: keys move layer, figure and language, Play runs, Escape leaves."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import needs_chromium

pytestmark = needs_chromium
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.st-key-stage text, .st-key-stage p')]
  .filter(text => text.textContent.trim() && text.getBoundingClientRect().width)
  .map(text => parseFloat(getComputedStyle(text).fontSize)))"""
"""Pixels of the smallest text on the stage."""


@pytest.fixture
def room(page: Page) -> Page:
    """A projector's screen."""
    page.set_viewport_size({"width": 1280, "height": 720})
    return page


def test_keys_move_layer_figure_and_language_and_escape_leaves(room: Page, server: str):
    room.goto(f"{server}/similarity?sim_layer=5")
    expect(room.get_by_role("button", name="Present")).to_be_visible()
    expect(room.locator(".js-plotly-plot .heatmaplayer image").first).to_be_visible()
    room.keyboard.press("p")
    title = room.locator(".nx-stage-title").last  # the one before stands until the page is drawn
    expect(title).to_contain_text("by NAS at layer 5")
    expect(room).to_have_url(re.compile("present=1"))
    expect(room.get_by_test_id("stSidebar")).to_be_hidden()
    box = room.locator(".st-key-stage .js-plotly-plot").bounding_box()
    assert box["width"] > 1200
    assert box["height"] > 600
    assert room.evaluate(SMALLEST) >= 24
    room.keyboard.press("ArrowRight")
    expect(title).to_contain_text("by NAS at layer 6")
    expect(room).to_have_url(re.compile("sim_layer=6"))
    room.keyboard.press("ArrowLeft")
    expect(title).to_contain_text("by NAS at layer 5")
    room.keyboard.press("ArrowDown")
    expect(title).to_contain_text("by NAV at layer 5")
    room.keyboard.press("2")
    expect(title).to_contain_text("French → English")
    room.keyboard.press("Space")
    expect(title).to_contain_text("at layer 7")
    said = room.locator("#nx-aloud")
    expect(said).to_have_text("Cosine similarity by NAV at layer 7")
    room.keyboard.press("Escape")
    expect(title).to_have_count(0)
    expect(room.get_by_test_id("stSidebar")).to_be_visible()
    assert "present" not in room.url


def test_a_link_opens_on_the_stage_and_the_first_page_has_one_too(room: Page, server: str):
    for path in ("alignment?present=1", "?present=1"):
        room.goto(f"{server}/{path}")
        expect(room.locator(".st-key-stage .js-plotly-plot .main-svg").first).to_be_visible()
        assert room.evaluate(SMALLEST) >= 24


def test_a_key_pressed_while_the_page_loads_counts_and_the_link_holds_the_layer(room: Page, server: str):
    room.goto(f"{server}/alignment?present=1")
    room.locator(".st-key-stage_Right button").wait_for(state="attached")
    room.keyboard.press("ArrowRight")
    title = room.locator(".nx-stage-title").last
    expect(title).to_contain_text("layer 8: NAS 0")
    expect(room).to_have_url(re.compile("stage_layer=8"))
    room.reload()
    expect(title).to_contain_text("layer 8: NAS 0")


def test_a_digit_frames_its_language_among_many_and_no_dead_key_is_shown(room: Page, server: str):
    room.goto(f"{server}/leaderboard?present=1")
    expect(room.locator(".st-key-stage .heatmaplayer image").first).to_be_visible()
    bar = room.locator(".st-key-stage_bar")
    expect(bar.locator(".st-key-stage_Right")).to_be_hidden()
    expect(bar.locator(".st-key-stage_1")).to_be_visible()
    assert room.locator(".shapelayer path").count() == 0
    room.keyboard.press("2")
    expect(room.locator(".st-key-stage .shapelayer path")).to_have_count(1)
    room.goto(f"{server}/traps?present=1")
    expect(room.locator(".st-key-stage .js-plotly-plot .main-svg").first).to_be_visible()
    expect(bar.locator(".st-key-stage_Down")).to_be_visible()
    expect(bar.locator(".st-key-stage_1")).to_be_hidden()
