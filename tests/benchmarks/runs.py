"""How long people wait for a run and for UMAP, in the dashboard and on the command line. Run by hand, alone:

    python -m tests.benchmarks.runs [--only page]

The run is 100 bundled pairs, French to German, site product, with the demo weights prepared and nothing cached. `page`
opens a fresh server, waits twenty seconds as somebody who reads does, presses Run, and waits for the curve; then it
opens Projection and waits until UMAP has taken the place of PCA. `alone` and `busy` are the same run on the command
line, all of it, by itself and beside a process that keeps one core busy.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

from neuronxa_core.models import demo
from tests.benchmarks.conditions import heading
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

STUDY = {"model": "demo", "corpus": "everyday", "source": "fra_Latn", "target": "deu_Latn", "site": "product"}
READING = 20_000
"""Milliseconds between opening the page and pressing Run."""


def prepared(folder: str) -> Path:
    """A fresh cache in which the demo is prepared."""
    cache = Path(folder)
    (cache / "models").mkdir()
    (cache / "models" / demo.demo_folder().name).symlink_to(demo.prepare_demo())
    return cache


def page_rows() -> list[tuple[str, float]]:
    """Seconds from Run to the curve, and from opening Projection to PCA and to UMAP, on a fresh server."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        with serving(prepared(folder)) as address:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(180_000)
            page.goto(f"{address}/alignment?{urlencode(STUDY)}")
            page.get_by_role("button", name="Run", exact=True).wait_for()
            page.wait_for_timeout(READING)
            started = time.perf_counter()
            page.get_by_role("button", name="Run", exact=True).click()
            page.wait_for_selector(".js-plotly-plot .scatterlayer .trace", state="attached")
            curve = time.perf_counter() - started
            started = time.perf_counter()
            page.goto(f"{address}/projection?{urlencode(STUDY)}")
            page.get_by_text("Until it is done").wait_for()
            pca = time.perf_counter() - started
            page.get_by_text("Until it is done").wait_for(state="detached")
            umap = time.perf_counter() - started
        browser.close()
    return [
        ("from Run to the curve", curve),
        ("from opening Projection to PCA, the page included", pca),
        ("from opening Projection to UMAP, the page included", umap),
    ]


def command_row(busy: bool) -> list[tuple[str, float]]:
    """Seconds of the run on the command line."""
    options = [part for name, value in STUDY.items() for part in (f"--{name}", value)]
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "neuronxa_core", "run", *options, "--no-cache", "--out", folder]
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds = time.perf_counter() - started
    finally:
        if neighbour:
            neighbour.kill()
    return [(f"the command line, {'beside a busy neighbour' if busy else 'alone'}", seconds)]


PARTS: dict[str, Callable[[], list[tuple[str, float]]]] = {
    "alone": lambda: command_row(busy=False),
    "busy": lambda: command_row(busy=True),
    "page": page_rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    print(f"{heading()}\n| what | seconds |\n|---|---|")
    for name in [options.only] if options.only else PARTS:
        for what, seconds in PARTS[name]():
            print(f"| {what} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
