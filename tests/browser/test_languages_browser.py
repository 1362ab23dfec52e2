"""The Languages page in a real browser: a click on a cell, a row of the table, a view in the link, a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import needs_chromium

pytestmark = needs_chromium
CELL = """([row, column]) => {
  const plot = document.querySelector('.js-plotly-plot');
  const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
  const place = (axis, name) => [...axis.ticktext].indexOf(name);
  const columns = [...yaxis.ticktext];  // the same languages in the same order, by name
  return {
    x: box.left + xaxis._offset + xaxis.l2p(columns.indexOf(column)),
    y: box.top + yaxis._offset + yaxis.l2p(place(yaxis, row)),
    target: xaxis.ticktext[columns.indexOf(column)],
  };
}"""
"""Where the cell of a row's and a column's language is on the screen, and the code that stands under the column."""


def open_matrix(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_role("heading", name="Languages", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot .heatmaplayer image").first).to_be_visible()
    page.wait_for_timeout(800)


@pytest.mark.parametrize("size", [(1440, 1000), (390, 844)])
def test_a_click_on_a_cell_leads_to_its_pair(page: Page, server: str, size: tuple[int, int]):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_matrix(page, f"{server}/languages?lang_order=By+name")
    page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    cell = page.evaluate(CELL, ["Polish", "German"])
    page.mouse.move(cell["x"], cell["y"])
    expect(page.locator(".hoverlayer").first).to_contain_text(
        re.compile(r"Polish and German.*score 0\.\d\d.*Polish → German", re.S)
    )
    page.mouse.click(cell["x"] + 3, cell["y"] + 3)
    expect(page.get_by_role("heading", name="Alignment by layer")).to_be_visible()
    expect(page.get_by_text(re.compile("^Polish → German"))).to_be_visible()
    assert cell["target"] == "deu"
    assert "target=deu" in page.url
    assert "lang_" not in page.url


def test_a_click_on_the_diagonal_stays(page: Page, server: str):
    open_matrix(page, f"{server}/languages?lang_order=By+name")
    cell = page.evaluate(CELL, ["German", "German"])
    page.mouse.click(cell["x"], cell["y"])
    page.wait_for_timeout(1500)
    expect(page.get_by_role("heading", name="Languages", exact=True)).to_be_visible()


def test_the_link_holds_the_view(page: Page, server: str):
    open_matrix(page, f"{server}/languages")
    page.get_by_role("radio", name="Embedding").click()
    expect(page.get_by_text("By embedding over all layers")).to_be_visible()
    page.get_by_role("radio", name="NAV").click()
    expect(page.get_by_text("By NAV over all layers")).to_be_visible()
    link = page.url
    assert "lang_state=NAV" in link
    page.goto("about:blank")
    open_matrix(page, link)
    expect(page.get_by_text("By NAV over all layers")).to_be_visible()


def test_a_run_for_a_corpus_it_has_not_seen_draws_the_matrix(page: Page, server: str, tiny_query: str):
    page.goto(f"{server}/languages?{tiny_query}")
    expect(page.get_by_text("16 sentences to run")).to_be_visible()
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("fresh", exact=True)).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(3)


def test_a_ticked_row_of_the_table_leads_to_its_pair(page: Page, server: str):
    open_matrix(page, f"{server}/languages")
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 36 + 18)  # the box before the first row, the closest pair
    expect(page.get_by_role("heading", name="Alignment by layer")).to_be_visible()
    expect(page.get_by_text("Portuguese → Spanish")).to_be_visible()
