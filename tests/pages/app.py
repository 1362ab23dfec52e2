"""The app as Streamlit's own test runner opens it: a page by its name, what it says, and waiting for the worker."""

import functools
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from neuronxa_core.analyses import umap
from neuronxa_core.study.study import Study

ROOT = Path(__file__).parents[2]
FRAME = str(ROOT / "pages" / "shared" / "frame.py")
SCAN = "scan_component_manifests"
_BOUND = (
    r'key="(\w+)"[^()]*(?:\([^()]*\)[^()]*)*bind='
    r'|bound\.(?:adopt|one_of)\([^)]*?"([a-z]+_[a-z_]+)"'
    r'|query_params\.get\("(\w+)"'
)
PARAMETERS = sorted(
    {
        name
        for page in (ROOT / "pages").rglob("*.py")
        for found in re.findall(_BOUND, page.read_text(encoding="utf-8"))
        for name in filter(None, found)
    }
)
"""What links may have besides a study, as far as the pages write it out."""
# Every AppTest asks all installed packages whether they bring components, which takes longer than to draw a page.
pytest.MonkeyPatch().setattr(manifest_scanner, SCAN, functools.cache(getattr(manifest_scanner, SCAN)))
# Projection compiles UMAP meanwhile, for a fit that no page's test waits for; UMAP's own tests do it too.
pytest.MonkeyPatch().setattr(umap, "warm_up_in_background", lambda: None)


def open_page(name: str = "overview", **query: str | list[str]) -> AppTest:
    """The app as a link into a page opens it: the page is known by its file's name, which is its address too."""
    app = AppTest.from_file(FRAME, default_timeout=30)
    app.query_params.update(query)
    if name != "overview":
        app.switch_page(page_file(name))
    app.run()
    assert not app.exception
    return app


def page_file(name: str) -> str:
    """The path of a page's script, which is what switches to it."""
    return str(next(page for page in (ROOT / "pages").glob(f"*/{name}.py") if page.parent.name != "shared"))


def query_of(study: Study) -> dict[str, str]:
    """A link's query for a study whose other fields are the defaults."""
    return {name: str(getattr(study, name)) for name in ("model", "corpus", "source", "target", "pairs")}


def said(app: AppTest) -> str:
    """All text on the page outside tables, a line per element."""
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(str(part.value) for kind in kinds for part in kind)


def html(app: AppTest) -> str:
    """The HTML that the page writes itself: its tables of sentences."""
    return "\n".join(part.proto.body for part in app.get("html"))


def table_rows(app: AppTest) -> list[list[str]]:
    """The cells of every sentence table on the page, row by row."""
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(<td.*?)</tr>", html(app))]


_RAW = re.compile(r"[a-z]+(_[A-Za-z]+)+|None|nan|NaN")


def raw_words(app: AppTest) -> list[str]:
    """What the page's tables show as a program calls it: `nas_low`, `fra_Latn`, `None`, or numbers in no format."""
    found = []
    for table in app.dataframe:
        config = json.loads(table.proto.columns or "{}")
        for name, column in table.value.items():
            told = config.get(str(name)) or {}
            if told.get("hidden"):
                continue
            title = told.get("label") or str(name)
            plain = column.dtype.kind == "f" and (told.get("type_config") or {}).get("type") != "number"
            found += [title] if plain or _RAW.fullmatch(title) or (title.islower() and not told.get("label")) else []
            if title != "Code":
                found += [cell for cell in column if isinstance(cell, str) and _RAW.fullmatch(cell)]
    return found


def chart_count(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def run_until(app: AppTest, reached: Callable[[], object]) -> None:
    """Reruns the page, as its fragments would, until `reached` holds; fails if it does not."""
    deadline = time.monotonic() + 60
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.1)
        app.run()
    assert reached(), said(app)


def wait_for_charts(app: AppTest, count: int) -> None:
    """Until the worker has done its job and the page draws so many charts."""
    run_until(app, lambda: chart_count(app) >= count)
    assert chart_count(app) == count
