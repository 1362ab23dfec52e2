"""The report of a study as people see it: at two widths, in dark and on paper. Nothing overlaps, nothing is cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from neuronxa_core.figures.report import study_report
from neuronxa_core.gallery.read import gallery_results, gallery_studies
from neuronxa_core.gallery.report import gather

MEASURE = """() => {
  const box = (node) => { const b = node.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
  return [...document.querySelectorAll("figure")].map((figure) => ({
    title: figure.querySelector("figcaption b").textContent,
    figure: box(figure),
    plot: box(figure.querySelector(".main-svg")),
    caption: box(figure.querySelector("figcaption")),
    drawn: figure.querySelectorAll(".plot path, .plot image, .hm image, .cartesianlayer path").length,
    texts: [...figure.querySelectorAll(".main-svg text")].filter((text) => text.textContent.trim()).map(box),
  }));
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = next(study for study in gallery_studies() if study.source == "deu_Latn")
    result = gallery_results()[study]
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(study_report(result, gather(result)), encoding="utf-8")
    return file


@pytest.fixture(params=[(1100, "light", "screen"), (1440, "dark", "screen"), (794, "dark", "print")], ids=str)
def opened(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    width, scheme, medium = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelectorAll('.main-svg').length > 20")
    if medium == "print":
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 680, "height": 1000})  # A4 between the report's margins
        page.wait_for_function("document.querySelector('details').open")
        page.wait_for_timeout(400)
    yield page
    context.close()


def apart(one: list[float], two: list[float]) -> bool:
    return one[2] <= two[0] + 1 or two[2] <= one[0] + 1 or one[3] <= two[1] + 1 or two[3] <= one[1] + 1


def test_nothing_overlaps_colours_follow_the_viewer_and_it_prints_on_a4(opened: Page, request: pytest.FixtureRequest):
    """In one test, since a browser takes longer to open a report of all figures than to look at it."""
    overlap_nothing(opened)
    colours_are(opened, dark="1440" in request.node.callspec.id)
    pdf = opened.pdf(prefer_css_page_size=True)
    assert b"/MediaBox [0 0 594" in pdf or b"/MediaBox [0 0 595" in pdf


def overlap_nothing(opened: Page) -> None:
    """No figure overlaps another, its caption or the page, and none is blank or cut off."""
    figures: list[dict[str, Any]] = opened.evaluate(MEASURE)
    assert len(figures) > 15
    for place, each in enumerate(figures):
        left, _, right, bottom = each["plot"]
        assert right - left > 250, each["title"]
        assert left >= each["figure"][0] - 1, each["title"]
        assert right <= each["figure"][2] + 1, each["title"]
        assert bottom <= each["caption"][1] + 1, each["title"]
        assert each["drawn"], f"{each['title']} is blank"
        cut = [text for text in each["texts"] if text[0] < left - 2 or text[2] > right + 2 or text[3] > bottom + 2]
        assert not cut, f"{each['title']} cuts {len(cut)} texts off"
        assert all(apart(each["figure"], other["figure"]) for other in figures[place + 1 :]), each["title"]
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert not opened.locator(".modebar-btn").count()


def colours_are(opened: Page, dark: bool) -> None:
    """Paper is light, and a screen as its viewer wants it."""
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = opened.evaluate("getComputedStyle(document.querySelector('.main-svg .xtick text')).fill")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
    assert ink == ("rgb(232, 234, 237)" if dark else "rgb(27, 31, 36)")
