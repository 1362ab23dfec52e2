"""Retrieval that succeeds in one direction only: the direction gap, its interval, and the nearest rivals.

The directions are paired, since both use the same sentences: the gap is the mean of per-pair differences.
Source: Huang et al. 2025, arXiv:2507.14900 (En to xx against xx to En).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study


def _differences(outcomes: Outcomes) -> NDArray[np.float64]:
    """(layers, pairs): 1 if a pair is found from the source only, -1 from the target only, otherwise 0."""
    return outcomes.source_to_target.astype(np.float64) - outcomes.target_to_source


def direction_gaps(result: StudyResult) -> pd.DataFrame:
    """One row per state and layer: state, layer, both directions' P@1, gap, gap_low, gap_high.

    The gap is P@1 source to target minus target to source, in percentage points, with its 95 percent interval.
    """
    frames = []
    for state in STATES:
        outcomes = result.outcomes[state]
        differences = _differences(outcomes)
        low, high = 100 * bootstrap_interval(differences).T
        frames.append(
            pd.DataFrame(
                {
                    "state": state,
                    "layer": np.arange(len(differences)) + first_layer(state),
                    "source_to_target": outcomes.source_to_target.mean(axis=1),
                    "target_to_source": outcomes.target_to_source.mean(axis=1),
                    "gap": 100 * differences.mean(axis=1),
                    "gap_low": low,
                    "gap_high": high,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def mean_gap(result: StudyResult, state: State) -> tuple[float, float, float]:
    """(gap, low, high), mean over layers, in points; the 95 percent interval resamples pairs with all their layers."""
    per_pair = _differences(result.outcomes[state]).mean(axis=0)
    low, high = bootstrap_interval(per_pair)
    return 100 * float(per_pair.mean()), 100 * float(low), 100 * float(high)


def largest_gap(result: StudyResult, state: State) -> tuple[int, float]:
    """(layer, gap in points) where the gap is largest in absolute value."""
    gaps = 100 * _differences(result.outcomes[state]).mean(axis=1)
    index = int(np.abs(gaps).argmax())
    return index + first_layer(state), float(gaps[index])


def one_way_pairs(result: StudyResult, state: State, layer: int) -> pd.DataFrame:
    """The pairs of a layer that are found in one direction only: pair (from 1), found (that direction)."""
    outcomes = result.outcomes[state]
    index = layer - first_layer(state)
    difference = _differences(outcomes)[index]
    pairs = np.flatnonzero(difference)
    found = np.where(difference[pairs] > 0, "source_to_target", "target_to_source")
    return pd.DataFrame({"pair": pairs + 1, "found": found})


def one_way_table(
    result: StudyResult, bitext: Bitext, state: State, layer: int, cosines: Cosines | None = None
) -> pd.DataFrame:
    """`one_way_pairs` with both sentences and, if the layer's cosines are given, the sentence retrieved instead.

    Columns: pair, found, source_sentence, target_sentence, and taken_by (from 1), sentence_in_its_place.
    """
    table = one_way_pairs(result, state, layer)
    pairs = table["pair"] - 1
    table["source_sentence"] = [bitext.source_sentences[pair] for pair in pairs]
    table["target_sentence"] = [bitext.target_sentences[pair] for pair in pairs]
    if cosines is None:
        return table
    forth, places = (table["found"] == "source_to_target").to_numpy(), pairs.to_numpy()
    rivals = np.empty(len(table), np.int64)
    rivals[forth] = cosines.column_rivals(places[forth])  # found from the source, so lost from the target
    rivals[~forth] = cosines.row_rivals(places[~forth])
    table["taken_by"] = rivals + 1
    table["sentence_in_its_place"] = [
        (bitext.source_sentences if found_forth else bitext.target_sentences)[rival]
        for rival, found_forth in zip(rivals, forth, strict=True)
    ]
    return table


def gap_table(results: Sequence[StudyResult]) -> pd.DataFrame:
    """One row per result: language (its source), target, and for each state the mean gap in points with interval."""
    return pd.DataFrame(
        [
            {"language": result.study.source, "target": result.study.target}
            | {
                f"{state}_{name}": value
                for state in STATES
                for name, value in zip(("gap", "low", "high"), mean_gap(result, state), strict=True)
            }
            for result in results
        ]
    )


@dataclass(frozen=True)
class LanguageResults(Shown):
    """One result per language, all against the same target."""

    study: Study
    """The first language's study."""
    results: tuple[StudyResult, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the mean gap of each language, and both directions layer by layer."""
        directions = [direction_gaps(each).assign(language=each.study.source) for each in self.results]
        return {"gaps": gap_table(self.results), "directions": pd.concat(directions, ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the languages, their mean gaps in points, and the provenance of each."""
        return {
            "study": self.study.told,
            "languages": [each.study.source for each in self.results],
            "direction_gap": gap_table(self.results).to_dict("records"),
            "provenance": {each.study.source: each.study.traced(each.provenance) for each in self.results},
        }


@dataclass(frozen=True)
class Asymmetry(AgainstTarget):
    """Are both directions of retrieval equally easy, for each language against the study's target?"""

    name: ClassVar[str] = "asymmetry"

    def cached(self) -> LanguageResults | None:
        results = find_against_target(self.study, self.languages)
        return LanguageResults(results[0].study, results) if results else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LanguageResults:
        results = run_against_target(self.study, self.languages, device=device, watcher=watcher)
        return LanguageResults(results[0].study, results)
