"""A few pairs with everything that is counted on them in sight: tokens, neurons, cosines, scores.

An answer and its file, which the page Method shows. The states and scores are those of a study of the same pairs.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.scoring import Outcomes, pair_outcomes
from neuronxa_core.states.sentences import Pooling, Site, State, first_layer
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.result import StudyResult, from_frame
from neuronxa_core.study.study import Study

Space = Literal["nas", "nav", "embedding", "centred"]
"""What cosines are taken in; `centred` is the embedding minus the mean of each language."""
_ARRAYS = ("incoming", "activation", "product")


@dataclass(frozen=True)
class SentenceInside:
    """One sentence, token by token, at the chosen neurons; arrays as in states.ffn: (layers, tokens, neurons)."""

    text: str
    tokens: tuple[str, ...]
    incoming: NDArray[np.float32]
    activation: NDArray[np.float32]
    product: NDArray[np.float32]

    def read_at(self, site: Site) -> NDArray[np.float32]:
        """What the study reads as a neuron's activation, (layers, tokens, neurons)."""
        return self.product if site == "product" else self.activation

    def up(self, layer: int, token: int, place: int) -> float:
        """up_proj(x) of one neuron at one token, which the gate multiplies; NaN where the activation is 0."""
        gate, product = self.activation[layer - 1, token, place], self.product[layer - 1, token, place]
        return float(product) / float(gate) if gate else float("nan")


@dataclass(frozen=True)
class WorkedExample(Shown):
    """A few pairs in full. neurons: (layers, chosen), from 0; lengths: of what each adds to the hidden state.

    sides: the source's sentences and the target's. cosines: by space, (layers, pairs, pairs). function: the activation
    function's name.
    """

    result: StudyResult
    neurons: NDArray[np.int64]
    lengths: NDArray[np.float32]
    sides: tuple[tuple[SentenceInside, ...], tuple[SentenceInside, ...]]
    cosines: Mapping[Space, NDArray[np.float64]]
    function: str

    @property
    def study(self) -> Study:
        return self.result.study

    @property
    def provenance(self) -> Mapping[str, Any]:
        return self.result.provenance

    def matrix(self, space: Space, layer: int) -> NDArray[np.float64]:
        """The cosines of a layer, (pairs, pairs); row = source, column = target."""
        found: NDArray[np.float64] = self.cosines[space][layer - first_layer(state_of(space))]
        return found

    def outcomes(self, space: Space, layer: int) -> Outcomes:
        """Which pairs win their row and their column at a layer."""
        return pair_outcomes(self.matrix(space, layer))

    def scores(self, space: Space) -> NDArray[np.float64]:
        """The share of aligned pairs, layer by layer."""
        return np.array([pair_outcomes(each).mutual.mean() for each in self.cosines[space]])

    def states(self, side: int, pair: int, layer: int, pooling: Pooling) -> tuple[NDArray[np.float64], ...]:
        """NAS and NAV of a sentence at the chosen neurons, each (chosen,), with a pooling of one's choice."""
        inside = self.sides[side][pair]
        values = inside.read_at(self.study.site)[layer - 1].astype(np.float64)
        weights = pooling_weights(len(inside.tokens), pooling)
        return weights @ (values > 0), weights @ np.abs(values)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: every cosine by space and layer, and the tokens of every sentence."""
        rows = [
            {"space": space, "layer": layer, "source": row + 1, "target": column + 1, "cosine": value}
            for space, layers in self.cosines.items()
            for layer, matrix in enumerate(layers, start=first_layer(state_of(space)))
            for (row, column), value in np.ndenumerate(matrix)
        ]
        tokens = [
            {"language": code, "pair": pair, "position": place, "token": token}
            for code, side in zip((self.study.source, self.study.target), self.sides, strict=True)
            for pair, inside in enumerate(side, start=1)
            for place, token in enumerate(inside.tokens, start=1)
        ]
        return {"cosines": pd.DataFrame(rows), "tokens": pd.DataFrame(tokens)}

    @property
    def summary(self) -> dict[str, Any]:
        """What the study's own summary says."""
        return self.result.summary


def state_of(space: Space) -> State:
    """The state whose vectors a space takes its cosines of."""
    return "embedding" if space == "centred" else space


def pooling_weights(tokens: int, pooling: Pooling) -> NDArray[np.float64]:
    """The weight of every token of a sentence, summing to 1, as states.pooling gives them."""
    rank = np.arange(1, tokens + 1, dtype=np.float64)
    if pooling == "position":
        return np.asarray(rank / rank.sum())
    return np.asarray((rank == tokens).astype(np.float64) if pooling == "last" else np.full(tokens, 1 / tokens))


def write_example(answer: WorkedExample, path: Path) -> None:
    """Writes an answer as Parquet: a row per sentence, layer and token. Raises OSError if it cannot."""
    frame = pd.DataFrame({name: list(_rows(answer, name)) for name in _ARRAYS})
    frame["rest"] = [_rest(answer), *[None] * (len(frame) - 1)]
    write_checked(frame, _checksum(answer), path)


def read_example(path: Path) -> WorkedExample:
    """The answer that write_example stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, _example, _checksum)


def _rows(answer: WorkedExample, name: str) -> NDArray[np.float32]:
    """(rows, neurons): one array of all sentences, sentence by sentence, in each layer by layer."""
    arrays = [getattr(inside, name) for side in answer.sides for inside in side]
    return np.concatenate([each.reshape(-1, each.shape[-1]) for each in arrays])


def _rest(answer: WorkedExample) -> str:
    """All but the large arrays, as JSON."""
    rest = {
        "neurons": answer.neurons.tolist(),
        "lengths": [[None if np.isnan(each) else each for each in row] for row in answer.lengths.tolist()],
        "texts": [[inside.text for inside in side] for side in answer.sides],
        "tokens": [[inside.tokens for inside in side] for side in answer.sides],
        "cosines": {space: each.tolist() for space, each in answer.cosines.items()},
        "function": answer.function,
        "result": answer.result.to_frame().to_dict("records"),
    }
    return json.dumps(rest)


def _example(frame: pd.DataFrame) -> WorkedExample:
    rest = json.loads(frame["rest"].iloc[0])
    arrays = {name: np.stack(frame[name].to_numpy()).astype(np.float32) for name in _ARRAYS}
    neurons = np.array(rest["neurons"], dtype=np.int64)
    start, sides = 0, []
    for texts, tokens in zip(rest["texts"], rest["tokens"], strict=True):
        side = []
        for text, pieces in zip(texts, tokens, strict=True):
            end = start + len(neurons) * len(pieces)
            side.append(_sentence(text, pieces, {name: each[start:end] for name, each in arrays.items()}, len(neurons)))
            start = end
        sides.append(tuple(side))
    return WorkedExample(
        result=from_frame(pd.DataFrame(rest["result"])),
        neurons=neurons,
        lengths=np.array(rest["lengths"], dtype=np.float32),
        sides=(sides[0], sides[1]),
        cosines={space: np.array(each, dtype=np.float64) for space, each in rest["cosines"].items()},
        function=rest["function"],
    )


def _sentence(text: str, tokens: Sequence[str], rows: Mapping[str, NDArray[np.float32]], layers: int) -> SentenceInside:
    shaped = {name: each.reshape(layers, len(tokens), -1) for name, each in rows.items()}
    return SentenceInside(text, tuple(tokens), **shaped)


def _checksum(answer: WorkedExample) -> int:
    """CRC-32 of all that write_example stores."""
    checksum = zlib.crc32(_rest(answer).encode())
    for name in _ARRAYS:
        checksum = zlib.crc32(np.ascontiguousarray(_rows(answer, name)).tobytes(), checksum)
    return checksum
