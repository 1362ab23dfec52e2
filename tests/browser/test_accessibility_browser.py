"""Every page for everybody: axe-core, document titles, alt texts, from one session that walks through the dashboard."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.audit import KNOWN, PAGES, SIZES, stand, violations
from tests.browser.conftest import WAIT
from tests.conftest import needs_chromium

pytestmark = needs_chromium


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
    assert walk.title() == f"{(path or 'overview').capitalize()} · NeuronXA Explorer"
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
