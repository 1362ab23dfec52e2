"""The result of a study. Nothing here needs torch: a stored result opens without a model."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.scoring import Outcomes, chance_rate
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.study import Study, study_of

SUMMARY_NAMES: dict[State, str] = {"nas": "nasca", "nav": "navca", "embedding": "mexa"}
"""Name of the mean over layers, by state."""


@dataclass(frozen=True)
class StudyResult(Shown):
    """Retrieval outcomes by state, layer and pair, with their provenance.

    outcomes: by state, both directions, each (layers, pairs) bool. Everything else is derived from them.
    provenance: model fingerprint, corpus hash, versions, device, dtype, seconds.
    """

    study: Study
    outcomes: Mapping[State, Outcomes]
    provenance: Mapping[str, Any]

    @property
    def pairs(self) -> int:
        return self.study.pairs

    @property
    def last_layer(self) -> int:
        """Number of decoder blocks, which is the number of the last layer."""
        return len(self.outcomes["nas"].mutual)

    @property
    def chance(self) -> float:
        return chance_rate(self.pairs)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per state and layer: state, layer, score, source_to_target, target_to_source, ci_low, ci_high.

        Fractions in [0, 1]; the interval is that of the score, 95 percent.
        """
        return pd.concat([self._scores_of(state) for state in STATES], ignore_index=True)

    def _scores_of(self, state: State) -> pd.DataFrame:
        outcomes = self.outcomes[state]
        mutual = outcomes.mutual
        low, high = bootstrap_interval(mutual).T
        return pd.DataFrame(
            {
                "state": state,
                "layer": np.arange(len(mutual)) + first_layer(state),
                "score": mutual.mean(axis=1),
                "source_to_target": outcomes.source_to_target.mean(axis=1),
                "target_to_source": outcomes.target_to_source.mean(axis=1),
                "ci_low": low,
                "ci_high": high,
            }
        )

    @property
    def pair_outcomes(self) -> pd.DataFrame:
        """One row per state, layer and pair (from 1): source_to_target, target_to_source, aligned."""
        frames = []
        for state in STATES:
            outcomes = self.outcomes[state]
            layers, pairs = outcomes.mutual.shape
            layer = np.repeat(np.arange(layers) + first_layer(state), pairs)
            columns = {"state": state, "layer": layer, "pair": np.tile(np.arange(1, pairs + 1), layers)}
            columns |= {name: getattr(outcomes, name).ravel() for name in Outcomes._fields}
            frames.append(pd.DataFrame(columns | {"aligned": outcomes.mutual.ravel()}))
        return pd.concat(frames, ignore_index=True)

    def of(self, state: State) -> pd.DataFrame:
        """The rows of `scores` of one state."""
        return self.scores[self.scores["state"] == state].reset_index(drop=True)

    def mean(self, state: State) -> float:
        """NASCA, NAVCA or MEXA: the mean score over the state's layers."""
        return float(self.outcomes[state].mutual.mean())

    def mean_interval(self, state: State) -> tuple[float, float]:
        """95 percent interval of `mean`, from resampling pairs, each with all its layers."""
        low, high = bootstrap_interval(self.outcomes[state].mutual.mean(axis=0))
        return float(low), float(high)

    def peak(self, state: State) -> tuple[int, float]:
        """(layer, score) of the highest score, the first one if several are equal."""
        scores = self.outcomes[state].mutual.mean(axis=1)
        return int(scores.argmax()) + first_layer(state), float(scores.max())

    def direction_gap(self, state: State) -> float:
        """P@1 source to target minus target to source, mean over layers, in percentage points."""
        outcomes = self.outcomes[state]
        return 100 * float(outcomes.source_to_target.mean() - outcomes.target_to_source.mean())

    @property
    def summary(self) -> dict[str, Any]:
        """summary.json: nasca, navca, mexa; interval, peak and direction gap by state; study; provenance."""
        means = {name: self.mean(state) for state, name in SUMMARY_NAMES.items()}
        return means | {
            "interval": {state: list(self.mean_interval(state)) for state in STATES},
            "peak": {state: dict(zip(("layer", "score"), self.peak(state), strict=True)) for state in STATES},
            "direction_gap": {state: self.direction_gap(state) for state in STATES},
            "study": self.study.told,
            "provenance": self.study.traced(self.provenance),
        }

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: scores, and the outcome of every pair."""
        return {"scores": self.scores, "outcomes": self.pair_outcomes}

    def advantage_interval(self, state: State, over: State) -> tuple[float, float]:
        """95 percent interval of `mean(state) - mean(over)` on the same pairs. Above 0, `state` is more aligned."""
        difference = self.outcomes[state].mutual.mean(axis=0) - self.outcomes[over].mutual.mean(axis=0)
        low, high = bootstrap_interval(difference)
        return float(low), float(high)

    def reversed(self) -> "StudyResult":
        """The same result with source and target exchanged: the directions swap, the scores stay."""
        study = replace(self.study, source=self.study.target, target=self.study.source)
        outcomes = {state: Outcomes(*reversed(directions)) for state, directions in self.outcomes.items()}
        return StudyResult(study, outcomes, self.provenance)

    def to_frame(self) -> pd.DataFrame:
        """One row per state and layer: the fields of the study, and the outcomes as lists of bool."""
        rows = [
            {**self.study.fields, "state": state, "layer": layer + first_layer(state)}
            | {name: getattr(self.outcomes[state], name)[layer].tolist() for name in Outcomes._fields}
            for state in STATES
            for layer in range(len(self.outcomes[state].mutual))
        ]
        return pd.DataFrame(rows).assign(provenance=json.dumps(dict(self.provenance), sort_keys=True))


def from_frame(frame: pd.DataFrame) -> StudyResult:
    """The result of which `to_frame` made these rows. Raises KeyError or ValueError if they are invalid."""
    first = frame.iloc[0]
    study = study_of(first)
    outcomes: dict[State, Outcomes] = {}
    for state in STATES:
        rows = frame[frame["state"] == state].sort_values("layer")
        outcomes[state] = Outcomes(*(_stack(rows[name], study.pairs) for name in Outcomes._fields))
    return StudyResult(study, outcomes, json.loads(first["provenance"]))


def fertility(provenance: Mapping[str, Any], code: str, reference: str = ENGLISH) -> float | None:
    """Tokens of a language per token of the reference, from a result's provenance; None if either is missing."""
    tokens = provenance.get("tokens")
    if not isinstance(tokens, Mapping) or not tokens.get(reference) or code not in tokens:
        return None
    return float(tokens[code] / tokens[reference])


def unknown_share(provenance: Mapping[str, Any], code: str) -> float | None:
    """Share of a language's tokens that are the unknown token, in [0, 1]; None if it was not counted."""
    tokens, unknown = provenance.get("tokens"), provenance.get("unknown_tokens")
    if not isinstance(tokens, Mapping) or not isinstance(unknown, Mapping) or not tokens.get(code):
        return None
    return float(unknown.get(code, 0) / tokens[code])


def _stack(lists: pd.Series, pairs: int) -> NDArray[np.bool_]:
    return np.array(lists.tolist(), dtype=bool).reshape(len(lists), pairs)


def write_result(result: StudyResult, path: Path) -> None:
    """Writes a result as Parquet with zstd. Raises OSError if it cannot be written."""
    write_checked(result.to_frame(), _checksum(result), path)


def read_result(path: Path) -> StudyResult:
    """The result that write_result stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, from_frame, _checksum)


def _checksum(result: StudyResult) -> int:
    """CRC-32 of everything in a stored result."""
    text = json.dumps([result.study.fields, dict(result.provenance)], sort_keys=True)
    return zlib.crc32(
        b"".join(np.stack(result.outcomes[state]).tobytes() for state in STATES), zlib.crc32(text.encode())
    )
