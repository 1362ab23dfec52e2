"""The precomputed means of separability, ANC and CKA: every study that Models and Settings show of the demo at once.

Those of other models are in gallery/models.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

from neuronxa_core.analyses.space_means import COLUMNS, Space, SpaceMeans, write_means
from neuronxa_core.gallery.models import space_file, stored_models
from neuronxa_core.gallery.read import LAYERED, as_stored, gallery_studies
from neuronxa_core.models import demo
from neuronxa_core.states.sentences import POOLINGS, SITES
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled
from neuronxa_core.study.study import Study, study_of

SPACE_FILE = "space.parquet"


def space_requests() -> list[Space]:
    """What is precomputed: the gallery's studies at two sites, and those that Settings changes one choice of."""
    studies = gallery_studies()
    products = [replace(study, site="product") for study in studies]
    layered = [study for study in studies if study.source in LAYERED]
    changed = [replace(study, site=site) for study in layered for site in SITES]
    changed += [replace(study, pooling=pooling) for study in layered for pooling in POOLINGS]
    return [Space((study,)) for study in dict.fromkeys((*studies, *products, *changed))]


def write_space(answers: Sequence[SpaceMeans], folder: Path) -> None:
    """Writes the means as one Parquet file."""
    write_aside(folder / SPACE_FILE, partial(write_means, answers))


def precomputed_means(study: Study) -> pd.DataFrame | None:
    """The gallery's means of a study, in either direction: none of these measures changes with it."""
    if study.model != demo.NAME and study.model not in stored_models():
        return None
    file = bundled.GALLERY / SPACE_FILE if study.model == demo.NAME else space_file(study.model)
    wanted, stored = as_stored(study), _stored_in(file)
    found = stored.get(wanted)
    return found if found is not None else stored.get(replace(wanted, source=wanted.target, target=wanted.source))


@lru_cache(maxsize=4)
def _stored_in(path: Path) -> dict[Study, pd.DataFrame]:
    """The means by study; none from a file that lacks a measure, which is then computed from the states."""
    frame = bundled.read(path, pd.read_parquet)
    if frame is None or not set(COLUMNS) <= set(frame.columns):
        return {}
    by_study = frame.groupby([*gallery_studies()[0].fields], sort=False)
    return {study_of(rows.iloc[0].to_dict()): rows[["state", *COLUMNS]].reset_index(drop=True) for _, rows in by_study}
