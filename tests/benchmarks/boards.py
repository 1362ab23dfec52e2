"""The Leaderboard on a store of 20 models by 204 languages: how large it is, and how fast it opens. Run by hand, alone:

    python -m tests.benchmarks.boards [--models 20] [--languages 204] [--keep FOLDER]

The store is drawn at random at the paper's scale: 100 pairs, 32 layers, three states. Times are from the address until
the heat map stands in Chromium, which has opened another page before: first on a server that has not seen the store,
then once more.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from playwright.sync_api import Page, sync_playwright

from neuronxa_core.corpora.languages import known_languages
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.plan import Task
from neuronxa_core.sweep.store import Store
from tests.benchmarks.conditions import heading
from tests.benchmarks.runs import prepared
from tests.browser.conftest import serving
from tests.conftest import CHROMIUM, SWITCHES

LAYERS, PAIRS = 32, 100


def drawn(models: int, languages: int) -> Iterator[tuple[Task, StudyResult]]:
    """Tasks and results; the models differ in level, and each language in how hard it is."""
    numbers = np.random.default_rng(0)
    codes = [code for code in known_languages() if code != "eng_Latn"][:languages]
    hard = numbers.random(len(codes))
    for model in range(models):
        for place, code in enumerate(codes):
            study = Study(f"lab/model-{model}", "flores", code, "eng_Latn", pooling="position", dtype="bfloat16")
            rate = 0.2 + 0.7 * (1 - hard[place]) * (0.5 + 0.5 * model / max(1, models - 1))
            outcomes = {
                state: Outcomes(*(numbers.random((2, LAYERS + (state == "embedding"), PAIRS)) < rate))
                for state in STATES
            }
            provenance = {"model_fingerprint": str(model), "corpus_hash": code, "seconds": 1.0, "device": "cuda"}
            yield Task(study, f"{model}-{code}"), StudyResult(study, outcomes, provenance)


def filled(folder: Path, models: int, languages: int) -> Store:
    store = Store(str(folder), create=True)
    for task, result in drawn(models, languages):
        store.add(task, result)
    store.merge_files()
    return store


def seconds_to_stand(page: Page, address: str, store: str) -> float:
    started = time.perf_counter()
    page.goto(f"{address}/leaderboard?{urlencode({'board_store': 'Other', 'board_address': store})}")
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image", state="attached", timeout=120_000)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--languages", type=int, default=204)
    parser.add_argument("--keep", type=Path, help="keep the store in this folder, or use the one that is there")
    options = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as cache, sync_playwright() as playwright:
        folder = options.keep or Path(made) / "store"
        if not (folder / "manifest.json").exists():
            filled(folder, options.models, options.languages)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        started = time.perf_counter()
        rows = len(Store(str(folder)).rows())
        print(f"{rows:,} results, {size / 1e6:.1f} MB, read in {time.perf_counter() - started:.2f} s", flush=True)
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=SWITCHES)
        with serving(prepared(cache)) as address:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(address)
            page.wait_for_selector(".js-plotly-plot, .nx-still")
            page.wait_for_timeout(3000)
            for which in ("first", "again", "again"):
                seconds = seconds_to_stand(page, address, str(folder))
                print(f"{which}: the heat map stands after {seconds:.2f} s", flush=True)


if __name__ == "__main__":
    main()
