"""The Projection page in a real browser: a click on a point, Play, and a phone."""

import re

from playwright.sync_api import Browser, Page, expect

from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.gallery.read import gallery_studies, precomputed_projection
from tests.browser.conftest import WAIT
from tests.conftest import needs_chromium

pytestmark = needs_chromium
AT = "index => document.querySelectorAll('.js-plotly-plot')[index].querySelector('.textpoint text').textContent"


def open_projection(page: Page, server: str, query: str = "") -> None:
    page.goto(f"{server}/projection?{query}")
    expect(page.locator(".js-plotly-plot")).to_have_count(5)
    expect(page.get_by_text("UMAP").first).to_be_visible()
    page.wait_for_timeout(1000)


def test_a_click_on_a_point_shows_both_sentences_and_the_link_holds_them(page: Page, server: str):
    open_projection(page, server)
    study = gallery_studies()[0]
    assert precomputed_projection(study, "nas", ProjectionSettings()) is not None
    page.locator(".js-plotly-plot").nth(1).locator(".points path").nth(5).click(force=True)
    sentences = page.locator(".nx-sentence")
    expect(sentences).to_have_count(2)
    number = re.search(r"proj_pair=(\d+)", page.url)[1]
    expect(sentences.first).to_contain_text(f"German {number}")
    expect(sentences.nth(1)).to_contain_text(f"English {number}")
    link, words = page.url, sentences.first.inner_text()
    page.goto("about:blank")
    page.goto(link)
    expect(sentences).to_have_count(2)
    assert sentences.first.inner_text() == words


def test_play_runs_in_the_browser_and_stop_returns_to_the_layer_of_the_slider(page: Page, server: str):
    open_projection(page, server, "proj_layer=9")
    buttons = page.locator(".js-plotly-plot").nth(1).locator(".updatemenu-button")
    assert page.evaluate(AT, 1) == "Layer 9"
    buttons.first.click(force=True)
    page.wait_for_function(f"({AT})(1) === 'Layer 3'", timeout=WAIT)
    buttons.nth(1).click(force=True)
    page.wait_for_function(f"({AT})(1) === 'Layer 9'", timeout=WAIT)


def test_both_panels_can_be_played_together(page: Page, server: str):
    open_projection(page, server, "proj_layer=9")
    page.get_by_role("button", name="Play both").click()
    page.wait_for_function(f"({AT})(1) === 'Layer 3' && ({AT})(2) === 'Layer 3'", timeout=WAIT)
    page.get_by_role("button", name="Stop both").click()
    page.wait_for_function(f"({AT})(1) === 'Layer 9' && ({AT})(2) === 'Layer 9'", timeout=WAIT)


def test_on_a_phone_the_panels_stack_and_fit(browser: Browser, server: str):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{server}/projection")
    expect(page.locator(".js-plotly-plot")).to_have_count(5, timeout=WAIT)
    page.wait_for_timeout(1000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    first, second = (page.locator(".js-plotly-plot").nth(index).bounding_box() for index in (1, 2))
    assert second["y"] >= first["y"] + first["height"]
    context.close()
