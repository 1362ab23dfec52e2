"""Every page for everybody: axe-core, document titles, alt texts, from one session that walks through the dashboard."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.audit import KNOWN, PAGES, SIZES, stand, violations
from tests.browser.conftest import WAIT
from tests.conftest import needs_chromium

pytestmark = needs_chromium
CUT = """() => [...document.querySelectorAll(
  '[data-testid=stMain] :is([role=radiogroup], [data-testid=stWidgetLabel] p, button p)')]
  .filter(each => each.offsetParent && !each.closest('[class*=st-key-save_]'))
  .filter(each => each.scrollWidth > each.clientWidth + 1)
  .map(each => each.textContent)"""
"""The labels of controls that do not fit into them."""
SEEN = """selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  const top = document.elementFromPoint(box.left + 5, box.top + box.height / 2);
  return box.top >= 0 && !!top.closest('[data-testid=stMain]') && !top.closest('[data-testid=stHeader]');
}"""
"""Whether nothing lies over the beginning of an element."""


@pytest.fixture(scope="module")
def walk(browser: Browser, server: str) -> Iterator[Page]:
    """One session for all pages: a page is opened by its link, which is quicker than to load the dashboard anew."""
    context = browser.new_context(viewport=SIZES["desk"], color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(server)
    stand(page)
    yield page
    context.close()


def go(page: Page, path: str) -> None:
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(SIZES["desk"])
    link = page.get_by_test_id("stSidebarNavLink").nth(PAGES.index(path))
    link.click()
    expect(page.locator("h1")).to_be_visible()
    stand(page)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_on_a_light_desk_and_a_dark_phone(walk: Page, path: str):
    go(walk, path)
    assert walk.title() == f"{(path or 'overview').replace('_', ' ').capitalize()} · NeuronXA Explorer"
    assert walk.get_by_test_id("stException").count() == 0
    found = list(violations(walk))
    walk.emulate_media(color_scheme="dark")
    walk.set_viewport_size(SIZES["phone"])
    stand(walk)
    found += violations(walk)
    assert [each for each in found if not each.known] == []
    assert {each.rule for each in found} == KNOWN.keys(), "Streamlit has mended this: take it off KNOWN"
    said = [chart.get_attribute("aria-label") or "" for chart in walk.get_by_test_id("stPlotlyChart").all()]
    assert [
        alt for alt in said if not re.match("(Line chart|Bar chart|Heat map|Scatter plot|Dot plot).{60}", alt)
    ] == []


@pytest.mark.parametrize("path", [path for path in PAGES if path not in ("glossary", "data", "guide")])
def test_the_first_figure_stands_on_the_first_screen_of_a_projector(walk: Page, path: str):
    go(walk, path)
    for width, height in ((1280, 720), (853, 480)):
        walk.set_viewport_size({"width": width, "height": height})
        stand(walk)
        assert walk.evaluate(SEEN, "h1"), width
        figure = walk.locator("[data-testid=stPlotlyChart], .st-key-run").first.bounding_box()
        assert figure["y"] < 0.85 * height, width
        assert walk.evaluate(CUT) == [], width


def test_on_a_phone_the_sidebar_closes_when_a_page_is_chosen(walk: Page):
    go(walk, "")
    walk.set_viewport_size(SIZES["phone"])
    walk.goto(walk.url)
    stand(walk)
    walk.get_by_test_id("stExpandSidebarButton").click()
    link = walk.get_by_test_id("stSidebarNavLink").nth(PAGES.index("alignment"))
    link.click()
    expect(walk.get_by_role("heading", name="Alignment by layer")).to_be_visible()
    expect(link).not_to_be_in_viewport()


def test_play_is_within_reach_of_the_keyboard(walk: Page):
    walk.set_viewport_size(SIZES["desk"])
    walk.goto(urljoin(walk.url, "/projection"))  # by its address, since the sidebar may be closed
    stand(walk)
    walk.get_by_role("heading", name="Projection").click()
    for _ in range(20):
        walk.keyboard.press("Tab")
        if walk.evaluate("document.activeElement.textContent").strip() == "▶ Play both":
            return
    pytest.fail("20 tabs into the page, Play has not been reached")
