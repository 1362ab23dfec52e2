"""Every page for everybody: axe-core, document titles, alt texts, from one session that walks through the dashboard."""

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, NamedTuple
from urllib.parse import urljoin

import pytest
from playwright.sync_api import BrowserContext, Page, TimeoutError, ViewportSize, expect

from tests.browser.audit import COLOURS, KNOWN, PAGES, SIZES, Violation, stand, violations
from tests.conftest import needs_chromium

pytestmark = needs_chromium


class View(NamedTuple):
    """How a page is looked at, and which of axe-core's rules it is held to there: None for none, () for all."""

    size: ViewportSize
    scheme: Literal["light", "dark"]
    rules: tuple[str, ...] | None


DESK, PHONE = SIZES["desk"], SIZES["phone"]
PROJECTORS: tuple[ViewportSize, ...] = ({"width": 1280, "height": 720}, {"width": 853, "height": 480})
"""A projector's screen, as it is and at 150 %."""
VIEWS = (
    View(DESK, "light", ()),
    View(DESK, "dark", COLOURS),
    *(View(size, "dark", None) for size in PROJECTORS),
    View(PHONE, "dark", ()),
    View(PHONE, "light", COLOURS),
)
"""Each differs from the one before by a size or a scheme, since every change draws all figures anew, and the last has
the scheme of the first, in which the next page is opened. A scheme changes colours only, so the second look at a size
asks for these only.
"""
AT_ONCE = "*, *::before, *::after { transition: none !important; animation: none !important; }"
"""A colour on its way to another would be measured halfway, and drawing it takes time."""
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


ABOVE = "([figure, most]) => figure.getBoundingClientRect().top < most"
INK_FITS = """dark => [...document.querySelectorAll('.js-plotly-plot .xtick text')].every(tick => {
  const [red, green, blue] = getComputedStyle(tick).fill.match(/\\d+/g).map(Number);
  return (red + green + blue > 384) === dark;
})"""
"""Whether the figures' text is bright on a dark page and dark on a bright one."""


SCHEME_STANDS = """dark => ['h1', '[data-testid=stApp]'].every((selector, ground) => {
  const style = getComputedStyle(document.querySelector(selector));
  const [red, green, blue] = (ground ? style.backgroundColor : style.color).match(/\\d+/g).map(Number);
  return (red + green + blue > 384) === (ground ? !dark : dark);
})"""
"""Whether the page's own ink and ground have followed the scheme, which Streamlit lets them do one after the other."""


@pytest.fixture(scope="module")
def walk(visitor: BrowserContext, server: str) -> Iterator[Page]:
    """One session for all pages: a page is opened by its link, which is quicker than to load the dashboard anew."""
    page = visitor.new_page()
    page.goto(server)
    stand(page)
    page.add_style_tag(content=AT_ONCE)
    yield page
    page.close()


def look(page: Page, size: ViewportSize, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(size)
    page.wait_for_function(SCHEME_STANDS, arg=scheme == "dark")
    stand(page)


def go(page: Page, path: str) -> None:
    """Opens a page at a desk. The one before is left as it is until then, so that it is not drawn once more."""
    page.get_by_test_id("stSidebarNavLink").nth(PAGES.index(path)).evaluate("link => link.click()")
    title = f"{(path or 'overview').replace('_', ' ').capitalize()} · NeuronXA Explorer"
    expect(page).to_have_title(title)
    expect(page.locator("h1")).to_be_visible()
    look(page, DESK, "light")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_serves_everybody_at_a_desk_at_a_projector_and_on_a_phone(walk: Page, path: str):
    """Axe-core at a desk and on a phone, light and dark; the first screen of a projector; ink and width on phones."""
    go(walk, path)
    assert walk.get_by_test_id("stException").count() == 0
    found = [each for view in VIEWS for each in seen(walk, view, path)]
    assert [each for each in found if not each.known] == []
    assert {each.rule for each in found} == KNOWN.keys(), "Streamlit has mended this: take it off KNOWN"
    said = [
        chart.get_attribute("aria-label") or ""
        for chart in walk.locator("[data-testid=stPlotlyChart], .nx-still").all()
    ]
    assert [
        alt for alt in said if not re.match("(Line chart|Bar chart|Heat map|Scatter plot|Dot plot).{60}", alt)
    ] == []


def seen(page: Page, view: View, path: str) -> list[Violation]:
    """What axe-core finds on a page in one view, after what else has to hold there."""
    if view.size in PROJECTORS and path in ("lessons", "class", "glossary", "data", "guide"):
        return []
    look(page, view.size, view.scheme)
    if view.size in PROJECTORS:
        assert page.evaluate(SEEN, "h1"), view
        first = page.locator("[data-testid=stPlotlyChart], .nx-still, .st-key-run").first
        with suppress(TimeoutError):  # columns may still be on their way to the new width
            page.wait_for_function(ABOVE, arg=[first.element_handle(), 0.85 * view.size["height"]], timeout=5000)
        figure = first.bounding_box()
        assert figure["y"] < 0.85 * view.size["height"], view
        assert page.evaluate(CUT) == [], view
    if view.size == PHONE:
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.wait_for_function(INK_FITS, arg=view.scheme == "dark")
    return [] if view.rules is None else list(violations(page, *view.rules))


def test_on_a_phone_the_sidebar_closes_when_a_page_is_chosen(walk: Page):
    go(walk, "")
    walk.set_viewport_size(PHONE)
    walk.goto(walk.url)
    stand(walk)
    walk.get_by_test_id("stExpandSidebarButton").click()
    link = walk.get_by_test_id("stSidebarNavLink").nth(PAGES.index("alignment"))
    link.click()
    expect(walk.get_by_role("heading", name="Alignment by layer")).to_be_visible()
    expect(link).not_to_be_in_viewport()


def test_play_is_within_reach_of_the_keyboard(walk: Page):
    walk.set_viewport_size(DESK)
    walk.goto(urljoin(walk.url, "/projection"))  # by its address, since the sidebar may be closed
    stand(walk)
    walk.get_by_role("heading", name="Projection").click()
    for _ in range(20):
        walk.keyboard.press("Tab")
        if walk.evaluate("document.activeElement.textContent").strip() == "▶ Play both":
            return
    pytest.fail("20 tabs into the page, Play has not been reached")
