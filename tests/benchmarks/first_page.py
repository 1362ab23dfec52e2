"""Where the time of the first page goes, from `streamlit run` to the last picture. Run by hand, alone:

    python -m tests.benchmarks.first_page [--rounds 5]

Every round starts a fresh server and a fresh browser profile. Prints the medians, in seconds, of the server's answer,
of the browser's own marks (first and largest contentful paint), of the first and the last picture, and of what plotly
costs. Beside them stands the floor: the same of a Streamlit page with a single SVG. Two more tables say which imports
and which readings of the gallery the server's time is made of.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.conditions import heading
from tests.benchmarks.runs import prepared
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

PICTURES = 9
"""On the first page: two models (first in index.html, then on the page), the curve, four cards, and two rankings."""
FIRST, ALL = 1.5, 3.0
"""Asked: seconds from the server's answer to the first picture, and from the command to the last."""
_MARKS = """() => {
  const marks = window.marks = {drawn: [], busy: 0, largest: 0};
  const watch = (type, each) =>
    new PerformanceObserver(list => list.getEntries().forEach(each)).observe({type, buffered: true});
  watch('largest-contentful-paint', entry => marks.largest = entry.startTime);
  watch('longtask', entry => marks.busy += entry.duration);
  const seen = new Set();
  const look = () => {
    for (const each of document.querySelectorAll('.nx-still > svg, .js-plotly-plot .main-svg:first-of-type'))
      if (!seen.has(each) && each.getBoundingClientRect().width && each.querySelector('path, image')) {
        seen.add(each);
        marks.drawn.push(performance.now());
      }
    requestAnimationFrame(look);
  };
  look();
}"""
"""Notes, frame by frame, when each picture stands, as SVG or as a live figure."""
_READ = """() => {
  const plotly = performance.getEntriesByType('resource').filter(each => each.name.includes('PlotlyChart'));
  return {
    'first contentful paint': performance.getEntriesByName('first-contentful-paint')[0].startTime,
    'largest contentful paint': marks.largest,
    'first picture': Math.min(...marks.drawn),
    'last picture': Math.max(...marks.drawn),
    'plotly downloaded': plotly.length ? plotly[0].duration : 0,
    'main thread busy for over 50 ms at a time': marks.busy,
  };
}"""
_FLOOR = """
import streamlit as st
draw = \"\"\"export default function ({ parentElement }) {
  parentElement.innerHTML = "<div class='nx-still'><svg width='9' height='9'><path d='M0 0h9v9z'/></svg></div>";
}\"\"\"
st.components.v2.component("floor", js=draw, isolate_styles=False)(height=9)
"""
"""The least that Streamlit can show: one SVG, drawn as the stills are."""
_IMPORT = "import streamlit.web.bootstrap, app, pages.shared.frame"
_GALLERY = """
import time, pages.shared.frame
from neuronxa_core.gallery import read
from neuronxa_core.analyses.umap import ProjectionSettings
study = read.gallery_studies()[0]
german = next(each for each in read.gallery_studies() if each.source == 'deu_Latn')
for name, work in {
    'results of every language': read.gallery_results,
    'language matrix': lambda: read.precomputed_matrix(study),
    'projection': lambda: read.precomputed_projection(german, 'nas', ProjectionSettings()),
    'cosines of one layer': lambda: read.precomputed_layers(german).similarity('nas', 7),
}.items():
    started = time.perf_counter(); work(); print(name, time.perf_counter() - started, sep='\\t')
"""


def one_round(browser: Browser, floor: bool = False) -> dict[str, float]:
    """Seconds by name; what the browser marks counts from the navigation, which follows the server's answer."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "floor.py") if floor else Path("app.py")
        if floor:
            script.write_text(_FLOOR, encoding="utf-8")
        program = (sys.executable, "-m", "streamlit", "run", str(script))
        started = time.perf_counter()
        with serving(prepared(folder), program=program) as address:
            answered = time.perf_counter() - started
            context = browser.new_context(viewport={"width": 1440, "height": 1000})
            page = context.new_page()
            page.add_init_script(f"({_MARKS})()")
            page.goto(address)
            page.wait_for_function(f"window.marks.drawn.length >= {1 if floor else PICTURES}", timeout=60_000)
            page.wait_for_timeout(1000)
            marks: dict[str, float] = page.evaluate(_READ)
            context.close()
    seconds = {name: value / 1000 for name, value in marks.items()}
    total = {"server answers": answered, "from the command to the last picture": answered + seconds["last picture"]}
    return total | seconds


def import_seconds() -> dict[str, float]:
    """Cumulative seconds of importing the largest packages, each the first time that it is met."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _IMPORT], capture_output=True, text=True, check=True
    )
    found = [match for line in done.stderr.splitlines() if (match := re.match(r".*\|\s+(\d+) \| ( *)(\S+)$", line))]
    outer = {match[3]: int(match[1]) / 1e6 for match in found}
    return dict(sorted(outer.items(), key=lambda each: -each[1])[:25])


def gallery_seconds() -> dict[str, float]:
    printed = subprocess.check_output([sys.executable, "-c", _GALLERY], text=True)
    return {name: float(value) for name, value in (line.split("\t") for line in printed.splitlines())}


def table(title: str, seconds: Mapping[str, float]) -> str:
    rows = [f"| {title} | seconds |", "|---|---|", *(f"| {name} | {value:.2f} |" for name, value in seconds.items())]
    return "\n".join(rows)


def page_table(seconds: Mapping[str, float], floor: Mapping[str, float], asked: Mapping[str, float]) -> str:
    """The first page beside the least that Streamlit can show."""
    rows = ["| first page | asked | seconds | an empty Streamlit page |", "|---|---|---|---|"]
    for name, value in seconds.items():
        goal = f"under {asked[name]:g}" if name in asked else ""
        rows.append(f"| {name} | {goal} | {value:.2f} | {floor[name]:.2f} |")
    return "\n".join(rows)


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        print(heading(f"Chromium {browser.version}"))
        rounds = [(one_round(browser), one_round(browser, floor=True)) for _ in range(options.rounds)]
        browser.close()
    asked = {"first picture": FIRST, "from the command to the last picture": ALL}
    print(page_table(medians([ours for ours, _ in rounds]), medians([floor for _, floor in rounds]), asked))
    print("\n" + table("imports", import_seconds()))
    print("\n" + table("gallery, read once", gallery_seconds()))


if __name__ == "__main__":
    main()
