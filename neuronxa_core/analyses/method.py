"""The method step by step on two to five pairs, from what a token switches on to how a score is counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.analyses.worked_example import SentenceInside, Space, WorkedExample, read_example, write_example
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.selection import number_ranges
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.metrics.similarity import similarity_of
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import run_states
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from neuronxa_core.models.loading import LoadedModel

PAIRS = 5
"""The most pairs of an example: as many as can be counted by hand."""
LONGEST = 512
"""Tokens of a sentence, whose neurons are kept token by token."""
_STRONGEST = _SPREAD = 12


@dataclass(frozen=True)
class Method:
    """How is a score made, from the tokens of a few pairs to the mean over layers?

    Raises StudyError for more pairs than can be counted by hand, and for the site `attention`, which is no FFN.
    """

    name: ClassVar[str] = "method"
    study: Study

    def __post_init__(self) -> None:
        if self.study.pairs > PAIRS:
            raise StudyError(f"{self.study.pairs} pairs cannot be counted by hand.", f"Use {PAIRS} or fewer.")
        if self.study.site == "attention":
            raise StudyError(
                "The site attention reads attention heads, and these seven steps explain the neurons of an FFN.",
                "Choose the site gate or product under More in the sidebar.",
            )

    @property
    def at_once(self) -> int:
        return 2 * self.study.pairs

    def sentences(self) -> tuple[str, ...]:
        return pair_sentences(self.study)

    def cached(self) -> WorkedExample | None:
        try:
            recipe = local_recipe(self.study)
            return self._stored(recipe, self.study.bitext()) if recipe else None
        except NeuronXAError:  # run reports what is wrong with these sentences
            return None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> WorkedExample:
        recipe, bitext = recipe_for(self.study, device, watcher), self.study.bitext()
        if stored := self._stored(recipe, bitext):
            return stored
        _refuse_long(recipe.model(watcher), bitext)
        result, layers = run_states(self.study, device, watcher)
        answer = _worked(result, layers, recipe.model(watcher), bitext, watcher)
        store.write_aside(self._path(recipe, bitext), lambda path: write_example(answer, path))
        return answer

    def _stored(self, recipe: Recipe, bitext: Bitext) -> WorkedExample | None:
        found = store.read_or_discard(self._path(recipe, bitext), read_example)
        return found and replace(found, result=replace(found.result, study=recipe.study))

    def _path(self, recipe: Recipe, bitext: Bitext) -> Path:
        return recipe.result_path(bitext, ".method.parquet", method=_STRONGEST)


def with_lines(study: Study, lines: Sequence[int]) -> Study:
    """The study with these lines of its corpus alone, from 1, ascending, which must be among its own.

    Where they are simply its first ones, it stays short: a number of pairs. Raises CorpusError like `Study.bitext`.
    """
    first = replace(study, pairs=len(lines))
    if not study.sample and first.bitext().lines == tuple(lines):
        return first
    everything = range(1, len(open_corpus(study.corpus).text(study.source, study.target).source_sentences) + 1)
    without = number_ranges(line for line in everything if line not in set(lines))
    return replace(study, pairs=len(lines), sample=0, leave_out=without)


def _worked(
    result: StudyResult, layers: StudyLayers, model: "LoadedModel", bitext: Bitext, watcher: Watcher
) -> WorkedExample:
    from neuronxa_core.states.ffn import activation_name, output_lengths, sentence_ffn

    neurons = np.stack([_chosen(*layers.states("nav", layer)) for layer in range(1, result.last_layer + 1)])
    sides = tuple(
        tuple(SentenceInside(text, *sentence_ffn(model, text, neurons, watcher)) for text in side)
        for side in (bitext.source_sentences, bitext.target_sentences)
    )
    return WorkedExample(
        result=result,
        neurons=neurons,
        lengths=output_lengths(model, neurons),
        sides=(sides[0], sides[1]),
        cosines=_cosines(layers, result.last_layer),
        function=activation_name(model),
    )


def _chosen(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.int64]:
    """The neurons to show of a layer: those with the highest NAV over all sentences, then some evenly spread ones.

    source, target: (pairs, neurons).
    """
    order = np.argsort(-(source.sum(axis=0) + target.sum(axis=0)), kind="stable")
    rest = np.sort(order[_STRONGEST:])
    spread = rest[np.linspace(0, len(rest) - 1, min(_SPREAD, len(rest))).astype(int)]
    return np.concatenate([order[:_STRONGEST], spread]).astype(np.int64)


def _cosines(layers: StudyLayers, last: int) -> dict[Space, NDArray[np.float64]]:
    found: dict[Space, NDArray[np.float64]] = {
        state: np.stack([layers.similarity(state, layer) for layer in range(first_layer(state), last + 1)])
        for state in STATES
    }
    centred = [similarity_of(*layers.states("embedding", layer), "centred") for layer in range(last + 1)]
    return {**found, "centred": np.stack(centred)}


def _refuse_long(model: "LoadedModel", bitext: Bitext) -> None:
    """Raises StudyError for a text that is too long to be looked at token by token."""
    from neuronxa_core.states.extraction import token_ids
    from neuronxa_core.states.ffn import refuse_without_activation

    refuse_without_activation(model)
    tokens = token_ids(model, [*bitext.source_sentences, *bitext.target_sentences])
    if (most := max(map(len, tokens))) > LONGEST:
        raise StudyError(f"A sentence has {most:,} tokens; this page shows at most {LONGEST}.", "Use shorter ones.")
