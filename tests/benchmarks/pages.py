"""What every page sends to the browser, and how long a change of view takes until it is drawn. Run by hand, alone:

    python -m tests.benchmarks.pages

Prints a table: page, megabytes sent until it stands, and the median milliseconds of nine changes of view. A change
counts from the key or the click to the frame after the figure has its new data: browser, server and network together.
"""

import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from neuronxa_core.models import demo
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

MOST_MEGABYTES, MOST_MILLISECONDS = 3.0, 500
PAGES = {
    "": None,
    "alignment": None,
    "similarity": ("slider", "Layer"),
    "asymmetry": ("radio", "Embedding NAV NAS"),
    "projection": ("slider", "Layer"),
    "languages": ("radio", "Embedding NAV NAS"),
    "data": None,
}
ROUNDS = 9
_WATCH = """index => {
  const data = () => document.querySelectorAll('.js-plotly-plot')[index]?.data;
  window.drawn = new Promise(done => {
    const begin = () => {
      if (window.drawing) return;
      window.drawing = true;
      const started = performance.now(), before = data();
      const look = () => data() && data() !== before
        ? requestAnimationFrame(() => { window.drawing = false; done(performance.now() - started); })
        : requestAnimationFrame(look);
      look();
    };
    for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, begin, {once: true, capture: true});
  });
}"""
"""Watches, frame by frame from the click or the key on, for new data in a figure, and then for the frame after it."""


def measure(page: Page, address: str, path: str) -> tuple[float, float | None]:
    """Megabytes received on the socket until the page stands still, and the median milliseconds of a change of view."""
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{address}/{path}")
    page.wait_for_selector(".js-plotly-plot, .nx-table, .nx-still")
    page.wait_for_timeout(4000)
    megabytes = sum(received) / 1e6
    control = PAGES[path]
    if control is None:
        return megabytes, None
    kind, names = control
    times = []
    for number in range(ROUNDS + 1):
        index = 1 if kind == "slider" else 0  # beside a slider the first figure is the strip above it
        page.evaluate(_WATCH, index)
        if kind == "slider":
            page.get_by_role("slider", name=names).first.focus()
            page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
        else:
            page.get_by_role("radio", name=names.split()[number % 3], exact=True).first.click()
        times.append(page.evaluate("window.drawn"))
        page.wait_for_timeout(500)
    return megabytes, statistics.median(times[1:])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        cache = Path(folder)
        if demo.demo_folder().is_dir():
            (cache / "models").mkdir()
            (cache / "models" / demo.demo_folder().name).symlink_to(demo.demo_folder())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        print(f"{os.cpu_count()} cores, Chromium {browser.version}")
        print(f"{'page':12} {'MB':>6} {'ms':>6}")
        with serving(cache) as address:
            for path in PAGES:
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                megabytes, milliseconds = measure(page, address, path)
                late = "" if milliseconds is None else f"{milliseconds:6.0f}"
                met = megabytes <= MOST_MEGABYTES and (milliseconds or 0) <= MOST_MILLISECONDS
                print(f"{path or 'overview':12} {megabytes:6.2f} {late:>6}  {'met' if met else 'missed'}")
                page.close()


if __name__ == "__main__":
    main()
