"""How many pairs are enough, for a score and for the ranking of languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.correlation import spearman
from neuronxa_core.metrics.scoring import retrieval
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import Recipe, local_recipe
from neuronxa_core.study.runner import run_states
from neuronxa_core.study.study import Study
from neuronxa_core.study.table import StudyTable, kept_table, run_tables

COLUMNS = ["state", "pairs", "rank_correlation"]


def outcomes_by_pairs(layers: StudyLayers, state: State, counts: Sequence[int]) -> dict[int, NDArray[np.float64]]:
    """By count, the per-pair scores of the first `count` pairs scored by themselves, means over layers, (count,)."""
    found = {count: np.zeros(count) for count in counts}
    numbers = _numbers(layers, state)
    for layer in numbers:
        source, target = layers.states(state, layer)
        for count in counts:
            found[count] += retrieval(source[:count], target[:count]).mutual
    return {count: total / len(numbers) for count, total in found.items()}


def _numbers(layers: StudyLayers, state: State) -> range:
    first = first_layer(state)
    return range(first, first + layers.count(state))


def pair_counts(pairs: int) -> list[int]:
    """The numbers of pairs to try, from 10 to all."""
    return [count for count in (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000) if count < pairs] + [pairs]


def rank_correlations(scores: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row per state and number of pairs: state, pairs, rank_correlation.

    scores: of each language, with state, pairs and score. rank_correlation: Spearman over languages between the scores
    from so many pairs and from all.
    """
    first = scores[0][["state", "pairs"]]
    values = np.stack([each["score"].to_numpy() for each in scores])  # (languages, rows)
    most = first["pairs"].max()
    rows = []
    for place, (state, count) in enumerate(first.itertuples(index=False)):
        whole = first.index[(first["state"] == state) & (first["pairs"] == most)][0]
        rows.append((state, count, float(spearman(values[:, place], values[:, whole]))))
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(["state", "pairs"], ignore_index=True)


def find_pair_scores(study: Study) -> StudyTable | None:
    """The scores of a study from fewer pairs if they are cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    return kept_table(_path(recipe), recipe.study) if recipe else None


def _computed(recipe: Recipe, device: Device, watcher: Watcher) -> StudyTable:
    study = recipe.study
    _, layers = run_states(study, device, watcher)
    rows = []
    for state in STATES:
        watcher.check()
        for count, each in outcomes_by_pairs(layers, state, pair_counts(study.pairs)).items():
            rows.append((state, count, float(each.mean())))
    table = pd.DataFrame(rows, columns=["state", "pairs", "score"])
    return StudyTable(study, table, recipe.provenance(store.taken_from(layers.source)))


def _path(recipe: Recipe) -> Path:
    return recipe.result_path(recipe.study.bitext(), ".pair_scores.parquet")


@dataclass(frozen=True)
class RankStability(Shown):
    """The agreement of rankings from fewer pairs with the full one. scores: by language: state, pairs, score."""

    study: Study
    scores: Mapping[str, pd.DataFrame]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.scores)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per state and number of pairs, see `rank_correlations`."""
        return rank_correlations(list(self.scores.values()))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: the rank correlation by number of pairs."""
        return {"pairs_needed": self.table}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the ranked languages and the provenance."""
        languages, provenance = list(self.languages), self.study.traced(self.provenance)
        return {"study": self.study.told, "languages": languages, "provenance": provenance}


@dataclass(frozen=True)
class PairsNeeded(AgainstTarget):
    """Do fewer pairs rank the languages in the same order?"""

    name: ClassVar[str] = "pairs_needed"

    def cached(self) -> RankStability | None:
        found = []
        for code in self.languages:
            scores = find_pair_scores(replace(self.study, source=code))
            if scores is None:
                return None
            found.append(scores)
        return self._ranked(found)

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> RankStability:
        return self._ranked(run_tables(self.study, self.languages, _path, _computed, device, watcher))

    def _ranked(self, scores: Sequence[StudyTable]) -> RankStability:
        by_language = {each.study.source: each.table for each in scores}
        return RankStability(scores[0].study, by_language, scores[0].provenance)
