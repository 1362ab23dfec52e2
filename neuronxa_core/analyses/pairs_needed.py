"""How many pairs are enough, for a score and for the ranking of languages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.correlation import spearman
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import sentences_against_target
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study


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
    for number, code in enumerate(codes):
        each = replace(study, source=code)
        watcher.report("extracting", number, len(codes), language(code).name)
        run_study(each, device=device, keep_states=True, watcher=_Quiet(watcher))
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
    table = pd.DataFrame(rows, columns=["state", "pairs", "rank_correlation"])
    return table.sort_values(["state", "pairs"], ignore_index=True)


class _Quiet(Watcher):
    """Passes on cancellation but no progress, since languages are counted instead."""

    def __init__(self, watcher: Watcher) -> None:
        self.check = watcher.check  # type: ignore[method-assign]


@dataclass(frozen=True)
class RankStability(Shown):
    """The agreement of rankings from fewer pairs with the full one. table: from run_pairs_needed."""

    study: Study
    languages: tuple[str, ...]
    table: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: the rank correlation by number of pairs."""
        return {"pairs_needed": self.table}

    @property
    def summary(self) -> dict[str, Any]:
        """The study and the ranked languages."""
        return {"study": self.study.fields, "languages": list(self.languages)}


@dataclass(frozen=True)
class PairsNeeded:
    """Do fewer pairs rank the languages in the same order?"""

    name: ClassVar[str] = "pairs_needed"
    study: Study
    languages: tuple[str, ...]

    @property
    def at_once(self) -> int:
        return 2 * self.study.pairs

    def sentences(self) -> list[str]:
        return sentences_against_target(self.study, self.languages)

    def cached(self) -> RankStability | None:
        """The answer from cached states; None unless those of every language are cached."""
        layers = [find_layers(replace(self.study, source=code)) for code in self.languages]
        return self.run() if all(layers) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> RankStability:
        table = run_pairs_needed(self.study, self.languages, device=device, watcher=watcher)
        return RankStability(self.study, self.languages, table)
