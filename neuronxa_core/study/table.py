"""A table that follows from one study, kept in the cache: with study, provenance and a checksum of all of it."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from neuronxa_core.corpora.languages import language
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.recipe import Recipe, recipe_for
from neuronxa_core.study.study import Study, study_of


@dataclass(frozen=True)
class StudyTable:
    """A table of one study, such as one language's, with its provenance."""

    study: Study
    table: pd.DataFrame
    provenance: Mapping[str, Any]

    def to_frame(self) -> pd.DataFrame:
        """`table` with study and provenance in every row."""
        return self.table.assign(about=json.dumps(self._about, sort_keys=True))

    @property
    def _about(self) -> dict[str, Any]:
        return {"study": self.study.fields, "provenance": dict(self.provenance)}

    @property
    def checksum(self) -> int:
        return zlib.crc32(json.dumps([self._about, self.table.to_dict("list")], sort_keys=True).encode())

    def keep(self, path: Path) -> None:
        """Writes the table into the cache."""
        store.write_aside(path, lambda aside: write_checked(self.to_frame(), self.checksum, aside))


def from_frame(frame: pd.DataFrame) -> StudyTable:
    """The table of which `to_frame` made these rows. Raises KeyError or ValueError if they are invalid."""
    about = json.loads(frame["about"].iloc[0])
    table = frame.drop(columns=["about", "checksum"], errors="ignore")
    return StudyTable(study_of(about["study"]), table, about["provenance"])


def kept_table(path: Path, study: Study) -> StudyTable | None:
    """The table in the cache under the study's present names; None if it is missing or damaged, and then deleted."""
    read = partial(read_checked, content_of=from_frame, checksum_of=lambda found: found.checksum)
    found = store.read_or_discard(path, read)
    return replace(found, study=study) if found else None


def run_tables(
    study: Study,
    codes: Sequence[str],
    path: Callable[[Recipe], Path],
    compute: Callable[[Recipe, Device, Watcher], StudyTable],
    device: Device = "auto",
    watcher: Watcher = SILENT,
) -> list[StudyTable]:
    """The table of each language against the study's target, from the cache or computed and then kept.

    path: of a study's table in the cache. Raises like run_study, and CacheError.
    """
    found = []
    together = Together(watcher, study.pairs * (len(codes) + 1))
    for number, code in enumerate(codes):
        together.before = study.pairs * (number + 1) if number else 0
        together.report("extracting", detail=language(code).name)
        recipe = recipe_for(replace(study, source=code), device, watcher)
        table = kept_table(path(recipe), recipe.study)
        if table is None:
            table = compute(recipe, device, together)
            table.keep(path(recipe))
        found.append(table)
    return found
