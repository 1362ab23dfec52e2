"""Every test has a cache folder of its own. The demo model is converted once per test run, or taken from your cache."""

import gc
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before torch is imported: two processes that each use every core slow one another down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("NEURONXA_WORKER", "thread")  # a page's test patches what the job runs
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each process that a test starts would compile the project anew

import hypothesis
import pytest

from neuronxa_core.models import demo, hardware
from neuronxa_core.progress import Watcher
from neuronxa_core.settings import settings
from neuronxa_core.study import bundled
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NTREX = Path(__file__).parents[2] / "shared" / "data" / "ntrex"
CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

hypothesis.settings.register_profile("house", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("house")

needs_ntrex = pytest.mark.skipif(not NTREX.is_dir(), reason=f"NTREX-128 is not at {NTREX}")
needs_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")


NO_GALLERY = Path("/nowhere")
OF_EVERY_KIND = frozenset(
    ["llama", "gpt2", "bloom", "opt", "mixtral", "bert", "phi3", "gemma3_text", "qwen2_vl", "cohere", "falcon"]
)
"""The families that the fast subset runs: one of each kind of structure."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a test that drives a browser or a server waits most of its time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """As in a checkout without its gallery: what a damaged one breaks are its own tests, not the collection of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundled, "GALLERY", NO_GALLERY)
        return (yield)


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What opens a page or runs the demo model is slow, and so is every family but one of each kind; what lies in
    tests/browser drives one: nobody has to say so.
    """
    tests = Path(__file__).parent
    for item in items:
        if tests / "pages" in item.path.parents or "demo_model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        if item.path.parent.name in ("models", "states") and OF_EVERY_KIND.isdisjoint(families_of(item)):
            item.add_marker(pytest.mark.slow)
        if tests / "browser" in item.path.parents:
            item.add_marker(pytest.mark.browser)


def families_of(item: pytest.Item) -> frozenset[str]:
    """The family that a test is about, as its parameter says; any, for a test of no family."""
    of = getattr(item, "callspec", None)
    return frozenset({of.params["family"]}) if of and "family" in of.params else OF_EVERY_KIND


def pytest_collection_finish() -> None:
    """What was imported by now never goes: a garbage collection that looks through it all takes half a second.

    One comes with every model that is given back.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache folder that nobody else writes to."""
    monkeypatch.setenv("NEURONXA_CACHE_DIR", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path / "cache"
    settings.cache_clear()


@pytest.fixture(params=["float32", "bfloat16"])
def device_dtype(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the dtype `auto` is on this machine's CPU during a test: one, then the other, whatever the CPU is."""
    auto_is(request.param, monkeypatch)
    return str(request.param)


def set_settings(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    """Sets NEURONXA_* variables, named without their prefix and in lower case, for the rest of a test."""
    for name, value in variables.items():
        monkeypatch.setenv(f"NEURONXA_{name.upper()}", value)
    settings.cache_clear()


def auto_is(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_settings(monkeypatch, device="cpu")
    monkeypatch.setattr(hardware, "_processor_computes_in_bfloat16", lambda: dtype == "bfloat16")


@pytest.fixture(scope="session")
def demo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the converted demo model: the one in your own cache, or converted now, which takes a minute."""
    settings.cache_clear()
    if demo.demo_folder().is_dir():
        return demo.prepare_demo()  # which mends it if a file is damaged
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # one for all workers: who comes second waits for the first
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURONXA_CACHE_DIR", str(folder / "demo"))
        settings.cache_clear()
        return demo.prepare_demo()


@pytest.fixture
def demo_cache(cache: Path, demo_model: Path) -> Path:
    """A cache folder of this test's own in which the demo model is prepared already."""
    (cache / "models").mkdir(parents=True)
    (cache / "models" / demo_model.name).symlink_to(demo_model)
    return cache


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model of a family, made once."""
    from tests.tiny import save_tiny_model  # transformers, which the process that hands out tests has no use for

    made: dict[str, Path] = {}

    def make(family: str = "llama") -> Path:
        if family not in made:
            made[family] = save_tiny_model(tmp_path_factory.mktemp(family), family)
        return made[family]

    return make


@pytest.fixture
def tiny_corpus(tmp_path: Path) -> Path:
    """Eight pairs in three languages, line-aligned files named by code."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    words = ("sun", "rain", "dog", "bread", "river", "night", "song", "winter")
    for code, shape in (
        ("eng_Latn", "The {} is here."),
        ("deu_Latn", "Hier ist {} nun."),
        ("fra_Latn", "Voici donc {} !"),
    ):
        lines = [shape.format(word if code == "eng_Latn" else word[::-1]) for word in words]
        (folder / f"{code}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def study(tiny_model: Callable[[str], Path], tiny_corpus: Path) -> Study:
    """German and English in a tiny model, all eight pairs."""
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)


class Recorder(Watcher):
    """Keeps what was reported: phase, done, total."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, int, int]] = []

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.reports.append((phase, done, total))


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """The one Chromium of the test run: Playwright allows only one at a time in a process."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        yield browser
        browser.close()
