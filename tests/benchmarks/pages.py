"""What every page sends to the browser, and how long a change of view takes until it is drawn. Run by hand, alone:

    python -m tests.benchmarks.pages [--only neurons settings]

Prints a table: page, megabytes sent until it stands, and the median milliseconds of nine changes of view. A change
counts from the key or the click to the frame after the figure has its new data: browser, server and network together.
"""

import argparse
import statistics
import tempfile

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.conditions import heading
from tests.benchmarks.runs import prepared
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

MOST_MEGABYTES, MOST_MILLISECONDS = 1.0, 300
SCORES = ("MEXA", "NAVCA", "NASCA")
STATES = ("Embedding", "NAV", "NAS")
PAGES: dict[str, tuple[str, tuple[str, ...]] | None] = {
    "": None,
    "alignment": None,
    "similarity": ("slider", ("Layer",)),
    "asymmetry": ("radio", STATES),
    "projection": ("slider", ("Layer",)),
    "languages": ("radio", STATES),
    "neurons": ("slider", ("Threshold",)),
    "latent_language": None,
    "models": ("radio", SCORES),
    "settings": ("radio", SCORES),
    "leaderboard": ("radio", SCORES),
    "downstream": ("radio", ("max", "mean")),
    "interventions": ("radio", SCORES),
    "steering": None,
    "items": None,
    "claims": None,
    "method": ("slider", ("Layer",)),
    "embeddings": None,
    "traps": None,
    "data": ("textbox", ("Search", "sun", "water")),
}
"""Of each page the kind of a control, and its name, the options of a choice, or the name of a box and what to type."""
ROUNDS = 9
_WATCH = """index => {
  const table = () => [document.querySelector('.nx-table')?.textContent];
  const figures = () => [...document.querySelectorAll('.js-plotly-plot')].slice(index).map(each => each.data);
  const shown = () => index < 0 ? table() : figures();
  window.drawn = new Promise(done => {
    const begin = () => {
      if (window.drawing) return;
      window.drawing = true;
      const started = performance.now(), before = shown();
      const look = () => shown().some((each, place) => each && each !== before[place])
        ? requestAnimationFrame(() => { window.drawing = false; done(performance.now() - started); })
        : requestAnimationFrame(look);
      look();
    };
    for (const kind of ['pointerdown', 'keydown']) document.addEventListener(kind, begin, {once: true, capture: true});
  });
}"""
"""Watches, from the click or the key on, for new data in a figure from this one on (-1: in the table)."""


def measure(page: Page, address: str, path: str) -> tuple[float, float | None]:
    """Megabytes received on the socket until the page stands still, and the median milliseconds of a change of view."""
    received: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    page.goto(f"{address}/{path}")
    page.wait_for_selector("[data-test-script-state='notRunning'] [data-testid='stMain'] h1", state="attached")
    page.wait_for_timeout(4000)
    megabytes = sum(received) / 1e6
    control = PAGES[path]
    if control is None:
        return megabytes, None
    kind, names = control
    times = []
    strip = path in ("similarity", "projection")  # beside their slider the first figure is the strip above it
    for number in range(ROUNDS + 1):
        page.evaluate(_WATCH, -1 if kind == "textbox" else int(strip))
        if kind == "slider":
            page.get_by_role("slider", name=names[0]).first.focus()
            page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
        elif kind == "radio":
            page.get_by_role("radio", name=names[number % len(names)], exact=True).first.click()
        else:
            page.get_by_role("textbox", name=names[0]).fill(names[1 + number % (len(names) - 1)])
            page.keyboard.press("Enter")
        times.append(page.evaluate("window.drawn"))
        page.wait_for_timeout(500)
    return megabytes, statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PAGES, default=PAGES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        print(heading(f"Chromium {browser.version}"))
        print("| page | MB | ms | met |\n|---|---|---|---|")
        with serving(prepared(folder)) as address:
            for path in options.only:
                page = browser.new_page(viewport={"width": 1440, "height": 1000})
                megabytes, milliseconds = measure(page, address, path)
                late = "" if milliseconds is None else f"{milliseconds:.0f}"
                met = megabytes <= MOST_MEGABYTES and (milliseconds or 0) <= MOST_MILLISECONDS
                print(f"| {path or 'overview'} | {megabytes:.2f} | {late} | {'yes' if met else 'no'} |", flush=True)
                page.close()


if __name__ == "__main__":
    main()
