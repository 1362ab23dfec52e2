"""One server of the dashboard and one browser for the whole run, and a study of each file's own that takes no time."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.tiny import save_tiny_model

ROOT = Path(__file__).parents[2]
WAIT = 60_000
DESK: ViewportSize = {"width": 1440, "height": 1000}
FORGET = "if (!sessionStorage.known) { localStorage.clear(); sessionStorage.known = true; }"
"""A test does not know how the one before has left the sidebar."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, demo_model: Path) -> Iterator[str]:
    """The address of a fresh server with an empty cache in which the demo model is prepared."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "models").mkdir()
    (cache / "models" / demo_model.name).symlink_to(demo_model)
    with serving(cache) as address:
        yield address


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(
    cache: Path,
    port: int | None = None,
    program: Sequence[str] = (sys.executable, "-m", "streamlit", "run", "app.py"),
    folder: Path = ROOT,
) -> Iterator[str]:
    """The address of a server of the dashboard with this cache, started in `folder`, for as long as the block lasts."""
    port = port or free_port()
    command = [*program, "--server.headless=true", f"--server.port={port}"]
    log = (cache / "log").open("w")
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"NEURONXA_CACHE_DIR": str(cache), "NEURONXA_WORKER": "process"},
        stdout=log,
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health")
                break
            except OSError:
                assert process.poll() is None, (cache / "log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture(scope="session")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor for the whole run, who keeps what a page has downloaded and parsed for the next."""
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(WAIT)
    context.add_init_script(FORGET)
    expect.set_options(timeout=WAIT)
    yield context
    context.close()


@pytest.fixture(scope="session")
def tab(visitor: BrowserContext) -> Iterator[Page]:
    """The one tab of most tests: in a new one, a browser would compile the page's scripts anew."""
    page = visitor.new_page()
    yield page
    page.close()


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """A blank page as large as a desk's screen, which remembers nothing."""
    tab.set_viewport_size(DESK)
    yield tab
    tab.evaluate("try { sessionStorage.clear() } catch { }")  # a page that did not open has none
    tab.goto("about:blank")


@pytest.fixture(scope="module")
def tiny_query(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """A link's query for a study that takes no time: a tiny model on eight short pairs.

    Every file has a model with other weights, so that none finds what another has left in the server's cache.
    """
    folder = tmp_path_factory.mktemp("tiny")
    model = save_tiny_model(folder / "model", seed=zlib.crc32(request.module.__name__.encode()))
    corpus = folder / "corpus"
    corpus.mkdir()
    for code, word in (("eng_Latn", "sun"), ("deu_Latn", "Sonne")):
        (corpus / f"{code}.txt").write_text("\n".join(f"{word} {letter * 3}" for letter in "abcdefgh"))
    return urlencode({"model": model, "corpus": corpus, "source": "deu_Latn", "target": "eng_Latn", "pairs": 8})
