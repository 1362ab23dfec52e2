"""How many pairs are enough, for a score and for the ranking of languages."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.correlation import spearman
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study, study_of

COLUMNS = ["state", "pairs", "rank_correlation"]


def outcomes_by_pairs(layers: StudyLayers, state: State, counts: Sequence[int]) -> dict[int, NDArray[np.float64]]:
    """By count, the per-pair scores of the first `count` pairs scored by themselves, means over layers, (count,)."""
    found = {count: np.zeros(count) for count in counts}
    numbers = _numbers(layers, state)
    for layer in numbers:
        cosines = layers.similarity(state, layer)
        for count in counts:
            found[count] += pair_outcomes(cosines[:count, :count]).mutual
    return {count: total / len(numbers) for count, total in found.items()}


def _numbers(layers: StudyLayers, state: State) -> range:
    first = first_layer(state)
    return range(first, first + layers.count(state))


def pair_counts(pairs: int) -> list[int]:
    """The numbers of pairs to try, from 10 to all."""
    return [count for count in (10, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000) if count < pairs] + [pairs]


def run_pairs_needed(
    study: Study, codes: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> pd.DataFrame:
    """One row per state and number of pairs: state, pairs, rank_correlation.

    rank_correlation: Spearman over languages between the scores from so many pairs and from all.
    """
    scores: dict[tuple[State, int], list[float]] = {}
    together = Together(watcher, study.pairs * (len(codes) + 1))
    for number, code in enumerate(codes):
        each = replace(study, source=code)
        together.before = study.pairs * (number + 1) if number else 0
        together.report("extracting", detail=language(code).name)
        run_study(each, device=device, keep_states=True, watcher=together)
        layers = find_layers(each, device)
        if layers is None:
            raise ValueError(f"the states of {code} are no longer in the cache")
        for state in STATES:
            watcher.check()
            for count, each_pair in outcomes_by_pairs(layers, state, pair_counts(study.pairs)).items():
                scores.setdefault((state, count), []).append(float(each_pair.mean()))
    rows = [
        (state, count, float(spearman(np.array(values), np.array(scores[state, study.pairs]))))
        for (state, count), values in scores.items()
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values(["state", "pairs"], ignore_index=True)


@dataclass(frozen=True)
class RankStability(Shown):
    """The agreement of rankings from fewer pairs with the full one. table: from run_pairs_needed."""

    study: Study
    languages: tuple[str, ...]
    table: pd.DataFrame
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: the rank correlation by number of pairs."""
        return {"pairs_needed": self.table}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the ranked languages and the provenance."""
        languages, provenance = list(self.languages), self.study.traced(self.provenance)
        return {"study": self.study.told, "languages": languages, "provenance": provenance}

    def to_frame(self) -> pd.DataFrame:
        """`table`, with study, languages and provenance in every row."""
        return self.table.assign(about=json.dumps(self.summary, sort_keys=True))


def from_frame(frame: pd.DataFrame) -> RankStability:
    """The answer of which `to_frame` made these rows. Raises KeyError or ValueError if they are invalid."""
    about = json.loads(frame["about"].iloc[0])
    return RankStability(study_of(about["study"]), tuple(about["languages"]), frame[COLUMNS], about["provenance"])


def _checksum(answer: RankStability) -> int:
    return zlib.crc32(json.dumps([answer.summary, answer.table.to_dict("list")], sort_keys=True).encode())


@dataclass(frozen=True)
class PairsNeeded(AgainstTarget):
    """Do fewer pairs rank the languages in the same order?"""

    name: ClassVar[str] = "pairs_needed"

    def cached(self) -> RankStability | None:
        recipe = local_recipe(self.study)
        return self._stored(recipe) if recipe else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> RankStability:
        recipe = recipe_for(self.study, device, watcher)
        if (stored := self._stored(recipe)) is not None:
            return stored
        table = run_pairs_needed(self.study, self.languages, device=device, watcher=watcher)
        layers = find_layers(self.study, device)
        provenance = recipe.provenance(store.taken_from(layers.source) if layers else "")
        answer = RankStability(recipe.study, self.languages, table, provenance)
        store.write_aside(self._path(recipe), lambda path: write_checked(answer.to_frame(), _checksum(answer), path))
        return answer

    def _stored(self, recipe: Recipe) -> RankStability | None:
        """The answer in the cache, under the study's present names; None if it is missing or damaged."""
        read = partial(read_checked, content_of=from_frame, checksum_of=_checksum)
        found = store.read_or_discard(self._path(recipe), read)
        return replace(found, study=recipe.study, languages=self.languages) if found else None

    def _path(self, recipe: Recipe) -> Path:
        """The same file whatever the order of the languages."""
        bitexts = {code: replace(self.study, source=code).bitext() for code in self.languages}
        sides = {
            code: sentences_hash((*bitext.source_sentences, *bitext.target_sentences))
            for code, bitext in bitexts.items()
        }
        return store.result_path(store.cache_key(recipe.key | sides), ".pairs_needed.parquet")
