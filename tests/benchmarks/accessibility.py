"""axe-core on every page and every chapter of the guide, in both schemes, wide and narrow. Run by hand:

    python -m tests.benchmarks.accessibility

Prints what it finds, one line per element, without what Streamlit causes. The test run has a shorter walk: every page
on a light desk and on a dark phone, see tests/browser/test_accessibility_browser.py.
"""

import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import sync_playwright

from neuronxa_core.models import demo
from pages.learn.guide_chapters import chapters
from tests.browser.audit import PAGES, SIZES, stand, violations
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_INVITATION = "source=fra_Latn&target=deu_Latn&site=product"


def main() -> int:
    """The number of violations."""
    count = 0
    paths = [
        *PAGES,
        *(f"{path}?{_INVITATION}" for path in PAGES),
        *(f"guide?chapter={each.slug}" for each in chapters()),
    ]
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        cache = Path(folder)
        (cache / "models").mkdir()
        (cache / "models" / demo.demo_folder().name).symlink_to(demo.prepare_demo())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        with serving(cache) as address:
            for size, scheme in itertools.product(SIZES, SCHEMES):
                page = browser.new_page(viewport=SIZES[size], color_scheme=scheme)
                for path in paths:
                    page.goto(f"{address}/{path}")
                    stand(page)
                    for each in violations(page):
                        if not each.known:
                            count += 1
                            print(
                                f"{path or 'overview'} {size} {scheme}: {each.rule}: {each.html}\n  {each.reason}",
                                flush=True,
                            )
                page.close()
        browser.close()
    print(f"{count} violations on {len(paths)} addresses")
    return count


if __name__ == "__main__":
    sys.exit(bool(main()))
