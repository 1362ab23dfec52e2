"""Precomputed results: the demo model on the bundled corpus, every language against English.

They lie in assets/gallery as one Parquet file, a row per study, state and layer, and carry their provenance. The
dashboard opens with them, no model loaded; `python -m neuronxa_core gallery` builds them.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from neuronxa_core.alignment.result import Study, StudyResult, from_frame
from neuronxa_core.alignment.study import run_study
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.models import demo
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import ASSETS
from neuronxa_core.states.store import write_aside

GALLERY = ASSETS / "gallery"
PIVOT = "eng_Latn"
_FILE = "studies.parquet"


def gallery_studies() -> tuple[Study, ...]:
    """What the gallery holds, or should hold: every bundled language to English."""
    languages = open_corpus(EVERYDAY.name).languages
    return tuple(Study(demo.NAME, EVERYDAY.name, code, PIVOT) for code in languages if code != PIVOT)


def build_gallery(folder: Path = GALLERY, watcher: Watcher = SILENT) -> Iterator[StudyResult]:
    """Runs every study of the gallery on the CPU in float32, yields each result, and writes the file at the end."""
    results = []
    for study in gallery_studies():
        result = run_study(replace(study, dtype="float32"), device="cpu", watcher=watcher)
        results.append(replace(result, study=study))
        yield results[-1]
    frame = pd.concat([result.to_frame() for result in results], ignore_index=True)
    write_aside(folder / _FILE, lambda path: frame.to_parquet(path, compression="zstd", index=False))


def precomputed(study: Study) -> StudyResult | None:
    """The gallery's result for a study, from either end, or None. `float32` is what the gallery was computed in."""
    wanted = replace(study, dtype="auto") if study.dtype == "float32" else study
    results = gallery_results()
    if wanted in results:
        return replace(results[wanted], study=study)
    back = replace(wanted, source=study.target, target=study.source)
    return replace(results[back].reversed(), study=study) if back in results else None


@lru_cache(maxsize=1)
def gallery_results() -> dict[Study, StudyResult]:
    """Everything in the gallery, by study, in the order of the corpus; empty if it has not been built."""
    try:
        frame = pd.read_parquet(GALLERY / _FILE)
    except FileNotFoundError:
        return {}
    by_study = (from_frame(rows) for _, rows in frame.groupby(list(asdict(gallery_studies()[0])), sort=False))
    return {result.study: result for result in by_study}
