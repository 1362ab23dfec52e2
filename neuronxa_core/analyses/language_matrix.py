"""The matrix of scores of all language pairs, and its storage format."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.study import Study, study_of


@dataclass(frozen=True)
class LanguageMatrix(Shown):
    """Scores of all language pairs, by state (layers, languages, languages), in [0, 1], NaN on the diagonal.

    study: the settings that all pairs share; its source and target are the first two languages.
    mutual: weak alignment, symmetric. precision: P@1 from the row's language to the column's.
    """

    study: Study
    codes: tuple[str, ...]
    mutual: Mapping[State, NDArray[np.float64]]
    precision: Mapping[State, NDArray[np.float64]]
    provenance: Mapping[str, Any]

    @property
    def chance(self) -> float:
        return chance_rate(self.study.pairs)

    @property
    def stem(self) -> str:
        """A file name without suffix."""
        return self.study.stem.replace(f"{self.study.source}-{self.study.target}", f"{len(self.codes)}-languages")

    @property
    def last_layer(self) -> int:
        return len(self.mutual["nas"])

    def layers(self, state: State) -> range:
        """The numbers of a state's layers."""
        return range(first_layer(state), self.last_layer + 1)

    def score(self, state: State, layer: int | None = None) -> NDArray[np.float64]:
        """(languages, languages): scores at a layer, or their mean over layers (NASCA, NAVCA or MEXA) without one.

        Raises IndexError for a layer that the state lacks.
        """
        return self._at(self.mutual, state, layer)

    def direction(self, state: State, layer: int | None = None) -> NDArray[np.float64]:
        """P@1 from the row's language to the column's; layer as in `score`."""
        return self._at(self.precision, state, layer)

    def _at(self, values: Mapping[State, NDArray[np.float64]], state: State, layer: int | None) -> NDArray[np.float64]:
        if layer is not None and layer not in self.layers(state):
            raise IndexError(f"{state} has no layer {layer}")
        chosen: NDArray[np.float64] = (
            values[state].mean(axis=0) if layer is None else values[state][layer - first_layer(state)]
        )
        return chosen

    def take(self, codes: Sequence[str]) -> "LanguageMatrix":
        """The matrix of some of its languages, in the given order. Raises ValueError for one that it lacks."""
        places = [self.codes.index(code) for code in codes]
        mutual, precision = (
            {state: np.ascontiguousarray(array[:, places][:, :, places]) for state, array in values.items()}
            for values in (self.mutual, self.precision)
        )
        return replace(
            self, study=matrix_study(self.study, codes), codes=tuple(codes), mutual=mutual, precision=precision
        )

    def pairs(self, state: State, layer: int | None = None) -> pd.DataFrame:
        """One row per pair: source, target, score, source_to_target, target_to_source; layer as in `score`."""
        source, target = np.triu_indices(len(self.codes), 1)
        names = np.array(self.codes, dtype=object)
        score, direction = self.score(state, layer), self.direction(state, layer)
        return pd.DataFrame(
            {
                "source": names[source],
                "target": names[target],
                "score": score[source, target],
                "source_to_target": direction[source, target],
                "target_to_source": direction[target, source],
            }
        )

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Pairs at every state and layer: source, target, state, layer, score, source_to_target, target_to_source."""
        every = [(state, layer) for state in STATES for layer in self.layers(state)]
        rows = pd.concat(
            [self.pairs(state, layer).assign(state=state, layer=layer) for state, layer in every], ignore_index=True
        )
        return rows[["source", "target", "state", "layer", "score", "source_to_target", "target_to_source"]]

    @property
    def summary(self) -> dict[str, Any]:
        """Languages, settings, the mean scores of each pair by state, and the provenance."""
        shared = {name: value for name, value in self.study.told.items() if name not in ("source", "target")}
        means = {state: self.pairs(state)[["source", "target", "score"]].to_dict("records") for state in STATES}
        return {
            "languages": list(self.codes),
            "study": shared,
            "chance": self.chance,
            **{SUMMARY_NAMES[state]: means[state] for state in STATES},
            "provenance": self.study.traced(self.provenance),
        }

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: the scores of every pair, state and layer."""
        return {"scores": self.scores}

    def to_frame(self) -> pd.DataFrame:
        """`scores` with the study's fields, the order of the languages and the provenance in every row."""
        shared = {name: value for name, value in self.study.fields.items() if name not in ("source", "target")}
        provenance = json.dumps(dict(self.provenance), sort_keys=True)
        return self.scores.assign(**shared, codes=" ".join(self.codes), provenance=provenance)


def from_frame(frame: pd.DataFrame) -> LanguageMatrix:
    """The matrix of which `to_frame` made these rows. Raises KeyError or ValueError if they are invalid."""
    first = frame.iloc[0]
    codes = tuple(first["codes"].split())
    study = study_of({**first, "source": codes[0], "target": codes[1]})
    mutual: dict[State, NDArray[np.float64]] = {}
    precision: dict[State, NDArray[np.float64]] = {}
    for state in STATES:
        rows = frame[frame["state"] == state]
        mutual[state], precision[state] = _unstack(rows, codes, first_layer(state))
    return LanguageMatrix(study, codes, mutual, precision, json.loads(first["provenance"]))


def _unstack(rows: pd.DataFrame, codes: tuple[str, ...], first: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    place = {code: number for number, code in enumerate(codes)}
    source, target = (rows[side].map(place).to_numpy() for side in ("source", "target"))
    layer = rows["layer"].to_numpy() - first
    layers = int(layer.max()) + 1
    if len(rows) != layers * len(codes) * (len(codes) - 1) // 2:
        raise ValueError(f"{len(rows)} rows do not make a matrix of {len(codes)} languages and {layers} layers")
    mutual, precision = (np.full((layers, len(codes), len(codes)), np.nan) for _ in range(2))
    mutual[layer, source, target] = mutual[layer, target, source] = rows["score"]
    precision[layer, source, target] = rows["source_to_target"]
    precision[layer, target, source] = rows["target_to_source"]
    return mutual, precision


def matrix_study(study: Study, codes: Sequence[str]) -> Study:
    """The study with the first two languages as source and target, so that studies of the same matrix are equal.

    Raises StudyError unless there are at least two languages, each given once.
    """
    if len(set(codes)) < max(2, len(codes)):
        raise StudyError("A matrix needs at least two languages, each given once.", "Choose more languages.")
    return replace(study, source=codes[0], target=codes[1])


def write_matrix(matrix: LanguageMatrix, path: Path) -> None:
    """Writes a matrix as Parquet with zstd. Raises OSError if it cannot be written."""
    write_checked(_packed(matrix), _checksum(matrix), path)


def read_matrix(path: Path) -> LanguageMatrix:
    """The matrix that write_matrix stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, lambda frame: _unpacked(frame) if "mutual" in frame else from_frame(frame), _checksum)


def _packed(matrix: LanguageMatrix) -> pd.DataFrame:
    """One row per state and layer, with its scores of all pairs as bytes: two hundred languages have 20,000 pairs."""
    shared = {name: value for name, value in matrix.study.fields.items() if name not in ("source", "target")}
    rows = [
        {"state": state, "layer": layer, "mutual": mutual.tobytes(), "precision": precision.tobytes()}
        for state in STATES
        for layer, (mutual, precision) in enumerate(
            zip(matrix.mutual[state], matrix.precision[state], strict=True), first_layer(state)
        )
    ]
    provenance = json.dumps(dict(matrix.provenance), sort_keys=True)
    return pd.DataFrame(rows).assign(**shared, codes=" ".join(matrix.codes), provenance=provenance)


def _unpacked(frame: pd.DataFrame) -> LanguageMatrix:
    """The matrix of which `_packed` made these rows. Raises KeyError or ValueError if they are invalid."""
    first = frame.iloc[0]
    codes = tuple(first["codes"].split())
    study = study_of({**first, "source": codes[0], "target": codes[1]})
    shape = (-1, len(codes), len(codes))
    mutual, precision = (
        {state: np.frombuffer(b"".join(frame[frame["state"] == state][name])).reshape(shape) for state in STATES}
        for name in ("mutual", "precision")
    )
    return LanguageMatrix(study, codes, mutual, precision, json.loads(first["provenance"]))


def _checksum(matrix: LanguageMatrix) -> int:
    """CRC-32 of everything in a stored matrix."""
    text = json.dumps([matrix.study.fields, matrix.codes, dict(matrix.provenance)], sort_keys=True)
    numbers = b"".join(values[state].tobytes() for values in (matrix.mutual, matrix.precision) for state in STATES)
    return zlib.crc32(numbers, zlib.crc32(text.encode()))
