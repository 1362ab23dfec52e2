"""Texts in figures, measured in Chromium: large enough, whole, and none over another, for every pair with English."""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plotly
import plotly.io
import pytest
from playwright.sync_api import Browser, Page

from neuronxa_core.analyses.neurons import specific_neurons
from neuronxa_core.figures import alignment, asymmetry
from neuronxa_core.figures.alt_text import kind
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.neurons import specific_figure
from neuronxa_core.gallery.read import gallery_results, gallery_studies, precomputed_rates
from neuronxa_core.settings import ASSETS
from tests.conftest import needs_chromium
from tests.figures.examples import EXAMPLES

pytestmark = needs_chromium
PHONE, DESK = 358, 1100
WIDER = {"exportable_grid": 992}
"""Figures that a phone moves sideways, since the words in their cells need that width (style.css)."""
SMALLEST = 12
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_DRAW = """async ([drawn, width]) => {
  const place = document.getElementById('figure'), figure = JSON.parse(drawn);
  place.parentElement.style.width = width + 'px';
  await Plotly.newPlot(place, figure.data, {...figure.layout, width, updatemenus: []});
  const frame = place.querySelector('.svg-container').getBoundingClientRect();
  const texts = [...place.querySelectorAll('.main-svg text')].filter(each => each.textContent.trim());
  return [...texts, ...place.querySelectorAll('.cbfills')].map(each => {
    const box = each.getBoundingClientRect(), parts = [each, ...each.querySelectorAll('tspan')];
    return {
      text: each.textContent || 'a colour bar',
      left: box.left - frame.left, right: box.right - frame.left,
      top: box.top - frame.top, bottom: box.bottom - frame.top,
      size: Math.min(...parts.map(part => parseFloat(getComputedStyle(part).fontSize))),
      width: frame.width, height: frame.height,
    };
  }).filter(each => each.right > each.left);
}"""
Box = dict[str, Any]


@pytest.fixture(scope="module")
def paper(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_content("<div class='st-key-picture_'><div id='figure'></div></div>")
    page.add_style_tag(path=ASSETS / "style.css")
    page.add_script_tag(path=PLOTLY)
    yield page
    page.close()


def boxes(paper: Page, exportable: ExportableFigure, width: int) -> list[Box]:
    """The texts of a figure that is so many pixels wide, and its colour bars, with their boxes and font sizes."""
    figure = json.loads(plotly.io.to_json(exportable.draw("light"), validate=False))
    found: list[Box] = paper.evaluate(_DRAW, [json.dumps({"data": figure["data"], "layout": figure["layout"]}), width])
    return found


def faults(found: list[Box]) -> list[str]:
    """Texts that are too small, cut at the edge, or lie over one another by more than a hair."""
    said = [f"{each['text']} is {each['size']} px" for each in found if each["size"] < SMALLEST]
    for each in found:
        if each["left"] < -1 or each["right"] > each["width"] + 1 or each["bottom"] > each["height"] + 1:
            said.append(f"{each['text']} is cut")
    for one, two in itertools.combinations(found, 2):
        across = min(one["right"], two["right"]) - max(one["left"], two["left"])
        down = min(one["bottom"], two["bottom"]) - max(one["top"], two["top"])
        if across > 1 and down > 3:  # a line of text is taller than its letters
            said.append(f"{one['text']} lies over {two['text']}")
    return said


def unnamed_columns(exportable: ExportableFigure, found: list[Box]) -> list[str]:
    """Names of a heat map's columns that it does not show, unless its rows bear the same names."""
    figure = exportable.draw("light")
    layout = figure.layout
    if kind(figure) != "Heat map":
        return []
    across, up = (axis.ticktext or () for axis in (layout.xaxis, layout.yaxis))
    shown = {each["text"] for each in found}
    return [] if len(across) == len(up) else [each for each in across if re.sub("<[^>]+>", "", each) not in shown]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_text_of_a_figure_can_be_read_on_a_phone_and_on_a_desk(paper: Page, name: str):
    exportable = EXAMPLES[name]().exportable
    for width in (WIDER.get(name, PHONE), DESK):
        found = boxes(paper, exportable, width)
        assert faults(found) == []
        assert unnamed_columns(exportable, found) == []


def test_a_colour_bars_title_lies_over_nothing_in_a_small_figure(paper: Page):
    """Plotly places it by the height of the picture where the bar is placed from the edge."""
    rates = precomputed_rates(gallery_studies()[0], ("deu_Latn", "vie_Latn"))
    one = specific_neurons(rates).head(1)
    few = ExportableFigure("few", "Few", "", "", lambda theme: specific_figure(one, rates, theme))
    assert [faults(boxes(paper, few, width)) for width in (PHONE, DESK)] == [[], []]


def test_direct_labels_never_lie_over_one_another_whatever_the_languages(paper: Page):
    found = {}
    for study, result in gallery_results().items():
        for width in (PHONE, DESK):
            for exportable in (alignment.exportable_curves(result), asymmetry.exportable_direction(result, "nas", 7)):
                found[study.source, width, exportable.stem] = faults(boxes(paper, exportable, width))
    assert {place: said for place, said in found.items() if said} == {}


def test_the_ruler_sees_what_it_is_there_for():
    good = {"text": "a", "left": 0, "right": 9, "top": 0, "bottom": 9, "size": 12, "width": 100, "height": 100}
    assert faults([good]) == []
    assert faults([good, good | {"text": "b", "left": 5, "right": 14}]) == ["a lies over b"]
    assert faults([good | {"size": 11}]) == ["a is 11 px"]
    assert faults([good | {"right": 102}]) == ["a is cut"]
