"""Every page for everybody: axe-core, document titles, alt texts, from one session that walks through the dashboard."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urljoin

import pytest
from playwright.sync_api import BrowserContext, Page, ViewportSize, expect

from tests.browser.audit import KNOWN, PAGES, SIZES, stand, violations
from tests.conftest import needs_chromium

pytestmark = needs_chromium
PROJECTORS: tuple[ViewportSize, ...] = ({"width": 1280, "height": 720}, {"width": 853, "height": 480})
"""A projector's screen, as it is and at 150 %."""
CUT = """() => [...document.querySelectorAll(
  '[data-testid=stMain] :is([role=radiogroup], [data-testid=stWidgetLabel] p, button p, [data-tag] span)')]
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


INK_FITS = """dark => [...document.querySelectorAll('.js-plotly-plot .xtick text')].every(tick => {
  const [red, green, blue] = getComputedStyle(tick).fill.match(/\\d+/g).map(Number);
  return (red + green + blue > 384) === dark;
})"""
"""Whether the figures' text is bright on a dark page and dark on a bright one."""


@pytest.fixture(scope="module")
def walk(visitor: BrowserContext, server: str) -> Iterator[Page]:
    """One session for all pages: a page is opened by its link, which is quicker than to load the dashboard anew."""
    page = visitor.new_page()
    page.goto(server)
    stand(page)
    yield page
    page.close()


def look(page: Page, size: ViewportSize, scheme: Literal["light", "dark"] = "light") -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    stand(page)


def go(page: Page, path: str) -> None:
    look(page, SIZES["desk"])
    page.get_by_test_id("stSidebarNavLink").nth(PAGES.index(path)).click()
    expect(page.locator("h1")).to_be_visible()
    stand(page)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_serves_everybody_at_a_desk_at_a_projector_and_on_a_phone(walk: Page, path: str):
    """Axe-core on a light desk and a dark phone, the first screen of a projector, ink and width on phones."""
    go(walk, path)
    assert walk.title() == f"{(path or 'overview').replace('_', ' ').capitalize()} · NeuronXA Explorer"
    assert walk.get_by_test_id("stException").count() == 0
    found = list(violations(walk))
    for size in PROJECTORS if path not in ("lessons", "class", "glossary", "data", "guide") else ():
        look(walk, size)
        assert walk.evaluate(SEEN, "h1"), size
        figure = walk.locator("[data-testid=stPlotlyChart], .nx-still, .st-key-run").first.bounding_box()
        assert figure["y"] < 0.85 * size["height"], size
        assert walk.evaluate(CUT) == [], size
    for scheme in ("light", "dark"):
        look(walk, SIZES["phone"], scheme)
        assert walk.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"]["width"]
        walk.wait_for_function(INK_FITS, arg=scheme == "dark")
    found += violations(walk)
    assert [each for each in found if not each.known] == []
    assert {each.rule for each in found} == KNOWN.keys(), "Streamlit has mended this: take it off KNOWN"
    said = [
        chart.get_attribute("aria-label") or ""
        for chart in walk.locator("[data-testid=stPlotlyChart], .nx-still").all()
    ]
    assert [
        alt for alt in said if not re.match("(Line chart|Bar chart|Heat map|Scatter plot|Dot plot).{60}", alt)
    ] == []


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
