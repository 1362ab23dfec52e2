"""The guide in a real browser: links between chapters keep the session, on a wide screen and on a phone."""

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import needs_chromium

pytestmark = needs_chromium


@pytest.mark.parametrize("width", [1440, 390])
def test_a_link_to_another_chapter_opens_it_in_the_same_session(page: Page, server: str, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{server}/guide?chapter=getting_started&source=fra_Latn")
    heading = page.locator(".st-key-guide_text h2")
    expect(heading).to_have_text("Getting started")
    expect(page.locator(".st-key-guide_go_commands button").first).to_be_attached()
    page.wait_for_function("window.neuronxaOpensChapters")
    page.locator(".st-key-guide_text a", has_text="Command line").first.click()
    expect(heading).to_have_text("Command line")
    assert "chapter=commands" in page.url
    assert "source=fra_Latn" in page.url
    assert len(page.context.pages) == 1
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator(".st-key-guide_box")).to_be_visible(visible=width == 390)
    expect(page.locator(".st-key-guide_contents")).to_be_visible(visible=width == 1440)
    page.go_back()
    expect(heading).to_have_text("Getting started")
