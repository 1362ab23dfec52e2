"""Separability, ANC and debiased CKA beside scores: for every study that a row of Models or Settings is about.

Alignment is only interesting beside them: sentences of two languages that no classifier tells apart are aligned easily.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from neuronxa_core.analyses.models import Variants
from neuronxa_core.analyses.settings import OWN, Ablation
from neuronxa_core.analyses.space import ENDS, TABLED, find_space, space_of
from neuronxa_core.errors import CacheError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.runner import find_layers, run_states
from neuronxa_core.study.study import Study

COLUMNS = [f"{measure.name}{end}" for measure in TABLED for end in ("", *ENDS)]
Find = Callable[[Study], pd.DataFrame | None]
"""The means of a study's measures if they are at hand: one row per state, as SpaceMeasures.means has them."""


def find_means(study: Study) -> pd.DataFrame | None:
    """The means of a study's measures from the cache, or None. Never loads or downloads a model."""
    found = find_space(study)
    return found.means if found else None


@dataclass(frozen=True)
class SpaceMeans:
    """The means over layers of the measures of several studies, each one row per state."""

    means: Mapping[Study, pd.DataFrame]

    @property
    def study(self) -> Study:
        """The first study."""
        return next(iter(self.means))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """One row per study and state: the study's fields, state, and COLUMNS."""
        rows = [each[["state", *COLUMNS]].assign(**study.fields) for study, each in self.means.items()]
        return {"space": pd.concat(rows, ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """The studies."""
        return {"studies": [study.told for study in self.means]}


def write_means(answers: Sequence[SpaceMeans], path: Path) -> None:
    """Writes the means as one Parquet file, to six digits. Raises OSError if it cannot be written."""
    frame = pd.concat([answer.tables["space"] for answer in answers], ignore_index=True)
    frame[COLUMNS] = frame[COLUMNS].round(6)
    frame.to_parquet(path, compression="zstd", index=False)


@dataclass(frozen=True)
class Space:
    """How is the space of these studies used, on average over the layers?"""

    name: ClassVar[str] = "space"
    studies: tuple[Study, ...]

    @property
    def study(self) -> Study:
        """The first study."""
        return self.studies[0]

    @property
    def at_once(self) -> int:
        return 2 * self.study.pairs

    def sentences(self) -> list[str]:
        """Those whose states are not in the cache."""
        lacking = [study for study in self.studies if find_means(study) is None and find_layers(study) is None]
        return [sentence for study in lacking for sentence in pair_sentences(study)]

    def cached(self) -> SpaceMeans | None:
        found = {study: find_means(study) for study in self.studies}
        there = {study: means for study, means in found.items() if means is not None}
        return SpaceMeans(there) if len(there) == len(found) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> SpaceMeans:
        together = Together(watcher, sum(2 * study.pairs for study in self.studies))
        means: dict[Study, pd.DataFrame] = {}
        for study in self.studies:
            found = find_means(study)
            if found is None:
                result, layers = run_states(study, device, together)
                found = space_of(result, layers, together).means
            means[study] = found
            together.before += 2 * study.pairs
        return SpaceMeans(means)


def measured(studies: Iterable[Study], watcher: Watcher = SILENT, device: Device = "auto") -> dict[Study, pd.DataFrame]:
    """The means of every study, from the cache or computed; without those whose states the cache cannot take."""
    means: dict[Study, pd.DataFrame] = {}
    for study in dict.fromkeys(studies):
        with suppress(CacheError):
            means |= Space((study,)).run(watcher, device).means
    return means


def with_space(summary: pd.DataFrame, variants: Variants, find: Find) -> pd.DataFrame:
    """The table of variants with STATE_MEASURE for each state and measure of TABLED, means over the languages.

    summary: as models.variant_summary gives it. NaN where a language of the variant is not at hand.
    """
    rows = []
    for results in variants.values():
        found = [find(result.study) for result in results]
        there = [each.set_index("state") for each in found if each is not None]
        whole = len(there) == len(found)
        rows.append(
            {
                f"{state}_{measure.name}": float(np.mean([each.loc[state, measure.name] for each in there]))
                if whole
                else np.nan
                for state in STATES
                for measure in TABLED
            }
        )
    return pd.concat([summary.reset_index(drop=True), pd.DataFrame(rows)], axis=1)


def studies_of_choices(ablation: Ablation) -> list[Study | None]:
    """The study whose states each row of the table is about; None for the best layer and for another threshold.

    Another similarity measure compares the same states.
    """
    return [_study_of(ablation.study, *row) for row in ablation.table[["choice", "value"]].itertuples(index=False)]


def _study_of(study: Study, choice: str, value: str) -> Study | None:
    if choice in (OWN, "similarity"):
        return study
    fields = {"site": "site", "pooling": "pooling", "pivot": "target"}
    return replace(study, **{fields[choice]: value}) if choice in fields else None  # type: ignore[arg-type]


def choices_with_space(ablation: Ablation, find: Find) -> pd.DataFrame:
    """The table of choices with COLUMNS, of the row's state, means over its layers. NaN where they are not at hand."""
    means = {study: find(study) for study in dict.fromkeys(filter(None, studies_of_choices(ablation)))}
    rows = [
        _measured(means[study] if study else None, state)
        for study, state in zip(studies_of_choices(ablation), ablation.table["state"], strict=True)
    ]
    return pd.concat([ablation.table.reset_index(drop=True), pd.DataFrame(rows, columns=COLUMNS)], axis=1)


def _measured(means: pd.DataFrame | None, state: str) -> list[float]:
    if means is None:
        return [np.nan] * len(COLUMNS)
    return [float(value) for value in means.set_index("state").loc[state, COLUMNS]]


def studies_compared(variants: Variants) -> Iterator[Study]:
    """Every study of a comparison of models."""
    return (result.study for results in variants.values() for result in results)
