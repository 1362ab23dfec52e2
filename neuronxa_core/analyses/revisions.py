"""One model over its training: the same languages at several revisions, or checkpoints of a run, in their order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.models import FEWEST
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.bootstrap import bootstrap_interval, percentile_interval
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import Device
from neuronxa_core.models.locate import is_hub_id
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.analysis import sentences_against_target
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study

Results = Mapping[str, tuple[StudyResult, ...]]


def at_revision(base: Study, revision: str) -> Study:
    """The study at a revision of a hub model, or in that folder of a training run on this machine.

    Raises StudyError for the demo, which has neither.
    """
    if base.model == demo.NAME:
        raise StudyError("The demo has no revisions.", "Name a hub model, or the folder of a training run.")
    if is_hub_id(base.model):
        return replace(base, revision=revision)
    return replace(base, model=str(Path(base.model) / revision))


def step_of(revision: str) -> int | None:
    """The first number in a revision's name, such as 1000 of `step1000-tokens4B`; None without one."""
    found = re.search(r"\d+", revision)
    return int(found[0]) if found else None


def mean_interval(each: NDArray[np.float64]) -> tuple[float, float]:
    """95 percent interval of a mean over languages and pairs; over pairs alone for fewer than three languages.

    each: (languages, pairs).
    """
    low, high = (
        percentile_interval(crossed_means(each)) if len(each) >= FEWEST else bootstrap_interval(each.mean(axis=0))
    )
    return float(low), float(high)


@dataclass(frozen=True)
class RevisionCurve(Shown):
    """The results of every revision, one per language, all against the same target, in the order that was asked."""

    base: Study
    results: Results

    @property
    def study(self) -> Study:
        """The first revision's study of the first language."""
        return next(iter(self.results.values()))[0].study

    @cached_property
    def curve(self) -> pd.DataFrame:
        """One row per revision and state: the mean score over layers and languages, with its interval.

        step: the number in the revision's name, NaN without one. peak_layer: of the mean over the languages.
        """
        rows = []
        for name, results in self.results.items():
            for state in STATES:
                mutual = np.stack([each.outcomes[state].mutual for each in results]).astype(np.float64)
                low, high = mean_interval(mutual.mean(axis=1))
                peak = int(mutual.mean(axis=(0, 2)).argmax()) + (0 if state == "embedding" else 1)
                rows.append((name, step_of(name), state, float(mutual.mean()), low, high, peak, len(results)))
        columns = ["revision", "step", "state", "score", "ci_low", "ci_high", "peak_layer", "languages"]
        return pd.DataFrame(rows, columns=columns).astype({"step": float})

    @property
    def languages(self) -> pd.DataFrame:
        """One row per revision and language: NASCA, NAVCA and MEXA."""
        rows: list[dict[str, object]] = []
        for name, results in self.results.items():
            for each in results:
                code = each.study.source
                row: dict[str, object] = {"revision": name, "step": step_of(name), "language": code}
                row |= {"name": language(code).name}
                rows.append(row | {SUMMARY_NAMES[state]: each.mean(state) for state in STATES})
        return pd.DataFrame(rows).astype({"step": float})

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the curve over revisions, and every language."""
        return {"curve": self.curve, "languages": self.languages}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the revisions, their means and the provenance of each."""
        return {
            "study": self.base.told,
            "revisions": list(self.results),
            "curve": self.curve.to_dict("records"),
            "provenance": {name: each[0].study.traced(each[0].provenance) for name, each in self.results.items()},
        }


@dataclass(frozen=True)
class Revisions:
    """How does alignment change over training? revisions: of base's model, see at_revision; languages: as in Models.

    Raises StudyError for fewer than two revisions, or no language.
    """

    name: ClassVar[str] = "revisions"
    base: Study
    languages: tuple[str, ...]
    revisions: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.languages:
            raise StudyError("No languages are selected.", "Choose at least one.")
        names = tuple(dict.fromkeys(filter(None, (name.strip() for name in self.revisions))))
        if len(names) < 2:
            raise StudyError("A curve needs two revisions or more.", "Name them, separated by commas.")
        object.__setattr__(self, "revisions", names)
        object.__setattr__(self, "base", replace(self.base, source=self.languages[0]))

    @property
    def study(self) -> Study:
        """The first revision's study of the first language."""
        return at_revision(self.base, self.revisions[0])

    @property
    def at_once(self) -> int:
        return 2 * self.base.pairs

    def sentences(self) -> list[str]:
        return sentences_against_target(self.base, self.languages) * len(self.revisions)

    def cached(self) -> RevisionCurve | None:
        found = {name: find_against_target(at_revision(self.base, name), self.languages) for name in self.revisions}
        there = {name: results for name, results in found.items() if results}
        return RevisionCurve(self.base, there) if len(there) == len(found) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> RevisionCurve:
        studies = {name: at_revision(self.base, name) for name in self.revisions}
        results = {
            name: run_against_target(study, self.languages, device=device, watcher=watcher)
            for name, study in studies.items()
        }
        return RevisionCurve(self.base, results)
