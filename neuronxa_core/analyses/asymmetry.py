"""Finding a translation one way and not the other: the direction gap, its interval, and the hubs that take a place.

Directions are paired: both are asked of the same sentences, so the gap is the mean of per-pair differences.
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
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import first_of, sentences_against_target
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study


def _differences(outcomes: Outcomes) -> NDArray[np.float64]:
    """Per layer and pair 1 if found from the source only, -1 from the target only, else 0; (layers, pairs)."""
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
    """The gap averaged over layers, in points, and its 95 percent interval; pairs are resampled with all their layers."""
    per_pair = _differences(result.outcomes[state]).mean(axis=0)
    low, high = bootstrap_interval(per_pair)
    return 100 * float(per_pair.mean()), 100 * float(low), 100 * float(high)


def largest_gap(result: StudyResult, state: State) -> tuple[int, float]:
    """The layer whose gap is largest in size, and that gap in points."""
    gaps = 100 * _differences(result.outcomes[state]).mean(axis=1)
    index = int(np.abs(gaps).argmax())
    return index + first_layer(state), float(gaps[index])


def one_way_pairs(result: StudyResult, state: State, layer: int) -> pd.DataFrame:
    """The pairs of a layer that are found in one direction only: pair (from 1), found ("source_to_target" or the other)."""
    outcomes = result.outcomes[state]
    index = layer - first_layer(state)
    difference = _differences(outcomes)[index]
    pairs = np.flatnonzero(difference)
    found = np.where(difference[pairs] > 0, "source_to_target", "target_to_source")
    return pd.DataFrame({"pair": pairs + 1, "found": found})


def nearest_rival(similarity: NDArray[np.floating], pair: int, lost: str) -> int:
    """Who stands in the translation's place where the search is lost: the strongest rival in the row or the column.

    pair: from 0. lost: "source_to_target" looks along the row, at targets; "target_to_source" down the column, at sources.
    """
    line = (similarity[pair] if lost == "source_to_target" else similarity[:, pair]).copy()
    line[pair] = -np.inf
    return int(line.argmax())


def one_way_table(
    result: StudyResult, bitext: Bitext, state: State, layer: int, similarity: NDArray[np.floating] | None = None
) -> pd.DataFrame:
    """`one_way_pairs` with both sentences and, where the layer's cosines are given, the sentence in the lost one's place.

    Columns: pair, found, source_sentence, target_sentence, and taken_by (from 1), sentence_in_its_place.
    """
    table = one_way_pairs(result, state, layer)
    pairs = table["pair"] - 1
    table["source_sentence"] = [bitext.source_sentences[pair] for pair in pairs]
    table["target_sentence"] = [bitext.target_sentences[pair] for pair in pairs]
    if similarity is None:
        return table
    forth = table["found"] == "source_to_target"
    lost = np.where(forth, "target_to_source", "source_to_target")
    rivals = [nearest_rival(similarity, pair, way) for pair, way in zip(pairs, lost, strict=True)]
    table["taken_by"] = [rival + 1 for rival in rivals]
    table["sentence_in_its_place"] = [
        (bitext.source_sentences if found_forth else bitext.target_sentences)[rival]
        for rival, found_forth in zip(rivals, forth, strict=True)
    ]
    return table


def gap_table(results: Sequence[StudyResult]) -> pd.DataFrame:
    """One row per result: language (its source), target, and per state the mean gap in points with its interval."""
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
    """One result per language, all against one target: what the questions across languages are made of."""

    study: Study
    """The first language's study."""
    results: tuple[StudyResult, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is exported: the mean gap of each language, and both directions layer by layer."""
        directions = [direction_gaps(each).assign(language=each.study.source) for each in self.results]
        return {"gaps": gap_table(self.results), "directions": pd.concat(directions, ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the languages, their mean gaps in points, and the provenance of each."""
        return {
            "study": self.study.fields,
            "languages": [each.study.source for each in self.results],
            "direction_gap": gap_table(self.results).to_dict("records"),
            "provenance": {each.study.source: dict(each.provenance) for each in self.results},
        }


@dataclass(frozen=True)
class Asymmetry:
    """Is the way there as easy as the way back, for each language against the study's target?"""

    name: ClassVar[str] = "asymmetry"
    study: Study
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "study", first_of(self.study, self.languages))

    @property
    def at_once(self) -> int:
        return 2 * self.study.pairs

    def sentences(self) -> list[str]:
        return sentences_against_target(self.study, self.languages)

    def cached(self) -> LanguageResults | None:
        results = find_against_target(self.study, self.languages)
        return LanguageResults(results[0].study, results) if results else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LanguageResults:
        results = run_against_target(self.study, self.languages, device=device, watcher=watcher)
        return LanguageResults(results[0].study, results)
