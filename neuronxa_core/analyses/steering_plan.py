"""Measures steering condition by condition. Each is a small file in the cache, so a cancelled run keeps what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.analyses.cells import halves
from neuronxa_core.analyses.continuation import beginning_of
from neuronxa_core.analyses.steering_answer import (
    SIDES,
    UNSTEERED,
    Condition,
    Measured,
    Said,
    Side,
    SteeringAnswer,
)
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.corpora.identifier import Halves, Identifier, identifier
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import ModelError, StudyError
from neuronxa_core.models.families import is_encoder
from neuronxa_core.progress import Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from neuronxa_core.analyses.steering import Steering
    from neuronxa_core.states.interventions import Shift
    from neuronxa_core.states.likelihood import Passes

TOKENS = 20
"""How far a prompt is continued."""


@dataclass(frozen=True)
class Mean:
    """The mean hidden state of a language after a layer, (hidden size,), and how long those of its sentences are."""

    layer: int
    layers: int
    vector: NDArray[np.float64]
    length: float


@dataclass(frozen=True)
class Direction:
    """DiffMean: the mean hidden state of the target minus that of the source, (hidden size,), after a layer."""

    layer: int
    layers: int
    vector: NDArray[np.float32]
    length: float
    """As a share of the mean length of the source's hidden states."""

    def random(self, seed: int, number: int) -> NDArray[np.float32]:
        """A direction of the same length, drawn evenly over all directions."""
        drawn = np.random.default_rng([seed, number]).standard_normal(len(self.vector))
        return np.asarray(drawn * np.linalg.norm(self.vector) / np.linalg.norm(drawn), np.float32)

    def shift(self, condition: Condition, seed: int) -> "Shift":
        """What is done to the model under a condition, see states.interventions."""
        from neuronxa_core.states.interventions import Shift

        vector = self.random(seed, condition.control) if condition.control else self.vector
        return Shift(self.layer, np.asarray(condition.strength * vector, np.float32))


class Plan:
    """A request on this machine: its sentences, and the file of each of its conditions."""

    def __init__(self, request: "Steering", recipe: Recipe) -> None:
        self.request, self.recipe = request, recipe
        self.halves = halves_of(request.study)
        self._passes: dict[Side, Passes] = {}

    @cached_property
    def prompts(self) -> tuple[str, ...]:
        """Beginnings of the source's test sentences."""
        return prompts_of(self.halves, self.request.prompts)

    def stored_direction(self) -> Direction | None:
        """The direction, if the cache has what it is made of."""
        found = [store.read_or_discard(self._mean_path(side), _read_mean) for side in SIDES]
        target, source = found
        return _difference(target, source) if target and source else None

    def missing(self) -> list[Condition]:
        """The conditions that the cache lacks."""
        direction = self.stored_direction()
        if direction is None:
            return list(self.request.conditions)
        return [each for each in self.request.conditions if not self._path(each, direction).is_file()]

    def stored(self) -> SteeringAnswer | None:
        """The strengths in the cache that are whole; None unless there is one. Loads no model."""
        direction = self.stored_direction()
        if direction is None:
            return None
        found = {
            each: store.read_or_discard(self._path(each, direction), _read_raw) for each in self.request.conditions
        }
        lacking = {each.strength for each, raw in found.items() if raw is None}
        there = {each: raw for each, raw in found.items() if raw and each.strength not in lacking}
        if UNSTEERED not in there or len(there) < 2:
            return None
        teller, reliability = identifier(_others(self.request.study, self.halves))
        conditions = {each: _measured(raw, teller) for each, raw in there.items()}
        lengths = {side: sum(len(text.encode()) for text in self.halves[side][1]) for side in SIDES}
        told = (direction.layer, direction.layers, direction.length, self.prompts, conditions, lengths, reliability)
        return SteeringAnswer(self.recipe.study, *told, self.request.asked, self.recipe.provenance())

    def run(self, watcher: Watcher) -> SteeringAnswer:
        """All conditions, measured as far as they are missing. Raises NeuronXAError, and Cancelled."""
        if is_encoder(self.recipe.checkpoint.config):
            raise ModelError("An encoder does not continue a text, so nothing can be steered.", "Use a decoder.")
        tests = sum(len(test) for _, test in self.halves.values()) + len(self.prompts)
        finding = sum(len(find) for find, _ in self.halves.values())
        together = Together(watcher, finding + tests * len(self.request.conditions))
        direction = self._direction(together)
        for condition in self.request.conditions:
            path = self._path(condition, direction)
            if store.read_or_discard(path, _read_raw) is None:
                together.report("extracting", detail=_in_words(condition))
                store.write_aside(path, partial(write_checked_json, self._measure(condition, direction, together)))
            together.before += tests
        answer = self.stored()
        if answer is None or len(answer.conditions) < len(self.request.conditions):
            raise StudyError("The cache lost results while others were computed.", "Raise NEURONXA_CACHE_GB.")
        return answer

    def _direction(self, together: Together) -> Direction:
        return _difference(*(self._mean(side, together) for side in SIDES))

    def _mean(self, side: Side, together: Together) -> Mean:
        from neuronxa_core.states.steering import layer_of, sentence_means

        path, sentences = self._mean_path(side), self.halves[side][0]
        found = store.read_or_discard(path, _read_mean)
        if found is None:
            name = language(getattr(self.request.study, side)).name
            together.report("extracting", detail=f"mean hidden state: {name}")
            model = self.recipe.model(together)
            layer = layer_of(model, self.request.layer)
            means = sentence_means(model, sentences, layer, together)
            length = float(np.linalg.norm(means, axis=1).mean())
            found = Mean(layer, len(model.parts.blocks), means.mean(axis=0), length)
            content = {**vars(found), "vector": found.vector.tolist()}
            store.write_aside(path, partial(write_checked_json, content))
        together.before += len(sentences)
        return found

    def _measure(self, condition: Condition, direction: Direction, together: Together) -> dict[str, Any]:
        """Bits by side, and the continuations, as the cache keeps them."""
        from neuronxa_core.states.continuation import continue_greedily

        model = self.recipe.model(together)
        if not self._passes:
            self._passes = self._read(direction, together)
        change = direction.shift(condition, self.request.seed) if condition.strength else None
        said = continue_greedily(model, self.prompts, TOKENS, change, together)
        bits: dict[str, list[float]] = {
            side: (passes.changed(change, together) if change else passes.bits).tolist()
            for side, passes in self._passes.items()
        }
        return {**bits, "said": said}

    def _read(self, direction: Direction, together: Together) -> "dict[Side, Passes]":
        """The unchanged passes over the test sentences, from which the changed ones begin."""
        from neuronxa_core.states.likelihood import Likelihood

        reader = Likelihood(self.recipe.model(together))
        return {side: reader.read(self.halves[side][1], {direction.layer}, together) for side in SIDES}

    def _mean_path(self, side: Side) -> Path:
        parts: dict[str, str | int] = {"mean_state": sentences_hash(self.halves[side][0]), "layer": self.request.layer}
        return store.result_path(store.cache_key(self.recipe.model_key | parts), ".mean.json")

    def _path(self, condition: Condition, direction: Direction) -> Path:
        """The file of a condition: without a direction it depends on neither layer nor the sentences that find one."""
        tested: dict[str, str | int] = {"steered": self._hash(1), "prompts": sentences_hash(self.prompts)}
        parts: dict[str, str | int] = self.recipe.model_key | tested | {"tokens": TOKENS}
        if condition.strength:
            parts |= {"found_on": self._hash(0), "layer": direction.layer, "strength": str(condition.strength)}
        if condition.control:
            parts |= {"control": condition.control, "seed": self.request.seed}
        return store.result_path(store.cache_key(parts), ".steered.json")

    def _hash(self, half: int) -> str:
        return " ".join(sentences_hash(self.halves[side][half]) for side in SIDES)


def halves_of(study: Study) -> dict[Side, Halves]:
    """The sentences of both languages that find the direction, and those that test it. Raises CorpusError."""
    return {side: halves(study, getattr(study, side)) for side in SIDES}


def prompts_of(found: Mapping[Side, Halves], most: int) -> tuple[str, ...]:
    """Beginnings of the source's test sentences, so many at most."""
    return tuple(map(beginning_of, found["source"][1][:most]))


def _others(study: Study, found: dict[Side, Halves]) -> tuple[tuple[str, Halves], ...]:
    """The study's languages that the bundled corpus lacks, from whose own lines the identifier learns."""
    bundled = open_corpus(EVERYDAY.name).languages
    codes = {side: getattr(study, side) for side in SIDES}
    return tuple((code, found[side]) for side, code in codes.items() if code not in bundled)


def _difference(target: Mean, source: Mean) -> Direction:
    vector = np.asarray(target.vector - source.vector, np.float32)
    length = float(np.linalg.norm(vector)) / source.length if source.length else 0.0
    return Direction(source.layer, source.layers, vector, length)


def _in_words(condition: Condition) -> str:
    if not condition.strength:
        return "unsteered"
    whose = f"random direction {condition.control}" if condition.control else "DiffMean"
    return f"{whose}, strength {condition.strength:g}"


def _read_mean(path: Path) -> Mean:
    told = read_checked_json(path)
    return Mean(int(told["layer"]), int(told["layers"]), np.array(told["vector"], np.float64), float(told["length"]))


def _read_raw(path: Path) -> dict[str, Any]:
    return dict(read_checked_json(path))


def _measured(raw: dict[str, Any], teller: Identifier) -> Measured:
    bits = {side: np.array(raw[side], np.float64) for side in SIDES}
    return Measured(bits, tuple(Said(text, *teller.guess(text)) for text in raw["said"]))
