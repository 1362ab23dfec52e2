"""The Projection page in a real browser: a click on a point, Play, and a phone."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.gallery.read import gallery_studies, precomputed_projection
from neuronxa_core.numbers import percent, score
from pages.shared.study_link import DEFAULT
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


ALONG = """layer => ({
  slider: document.querySelector('.st-key-proj_layer [data-testid=stSliderThumbValue]').textContent,
  thumb: parseFloat(document.querySelector('.st-key-proj_layer [style*="left:"]').style.left),
  name: document.querySelector('.nx-name').textContent,
  aligned: document.querySelector('.st-key-along_nas_mutual [data-testid=stMetricValue]').textContent,
  trust: [...document.querySelectorAll('p')].map(each => each.textContent).find(text => text.startsWith('At layer')),
  lines: [...document.querySelectorAll('.js-plotly-plot')].filter(each => each.layout.shapes?.length).map(each => {
    const {x, width} = each.querySelector('.shapelayer path').getBoundingClientRect()
    const axis = each._fullLayout.xaxis
    const at = each.getBoundingClientRect().x + axis._offset + axis.l2p(layer)
    return Math.abs(x + width / 2 - at)
  }),
})"""
"""Everything beside the points that belongs to a layer; of the upright lines, their distance in pixels from it."""


def test_play_runs_in_the_browser_with_all_that_belongs_to_a_layer_and_stop_returns(page: Page, server: str):
    open_projection(page, server, "proj_layer=9&proj_pair=3")
    found = precomputed_projection(DEFAULT, "nas", ProjectionSettings())
    shares = found.table.set_index("layer")["mutual"]
    cosine = page.locator(".nx-table td").nth(1)
    at_nine = page.evaluate(ALONG, 9), cosine.inner_text()
    page.locator(".js-plotly-plot").nth(1).locator(".updatemenu-button").first.click(force=True)
    page.wait_for_function(f"({AT})(1) === 'Layer 3' && ({AT})(2) === 'Layer 3'", timeout=WAIT)
    playing = page.evaluate(ALONG, 3)
    assert (playing["slider"], playing["name"]) == ("3", "NAS, layer 3")
    assert playing["thumb"] == pytest.approx(100 * 3 / 18, abs=0.1)
    assert playing["aligned"] == percent(shares[3]) != percent(shares[9]) == at_nine[0]["aligned"]
    assert playing["trust"].startswith("At layer 3, ")
    assert len(playing["lines"]) == 3
    assert max(playing["lines"]) < 1
    assert cosine.inner_text() == score(found.cosines[2, 2], 3) != at_nine[1]
    page.get_by_role("button", name="Stop both").click()
    page.wait_for_function(f"({AT})(1) === 'Layer 9' && ({AT})(2) === 'Layer 9'", timeout=WAIT)
    assert (page.evaluate(ALONG, 9), cosine.inner_text()) == at_nine


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
