"""Measures interventions cell by cell. Each cell is a small file in the cache, so a cancelled run keeps what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.effects import Bits, Cell, Effects
from neuronxa_core.analyses.neuron_sets import (
    COLUMNS,
    NeuronSet,
    control_sets,
    lape_table,
    listed_table,
    random_table,
    sets_of,
    shared_table,
    within_layers,
)
from neuronxa_core.analyses.neurons import NeuronRates, rates_of
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import ModelError, StudyError
from neuronxa_core.models.families import family_of
from neuronxa_core.progress import Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import ReadoutConfig
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from neuronxa_core.analyses.interventions import Interventions
    from neuronxa_core.states.interventions import SetNeurons
    from neuronxa_core.states.likelihood import Likelihood


def halves(study: Study, code: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The sentences of a language that find neurons, and those that test them: the first half and the rest."""
    sentences = study.sentences(code)
    return sentences[: len(sentences) // 2], sentences[len(sentences) // 2 :]


@dataclass(frozen=True)
class Chosen:
    """The neurons of every set. width: neurons per layer; layers: of the model; taken_from: the module read."""

    table: pd.DataFrame
    width: int
    layers: int
    taken_from: str


class Plan:
    """A request on this machine: the neurons that it is about, and the file of each of its cells."""

    def __init__(self, request: "Interventions", recipe: Recipe) -> None:
        self.request, self.recipe = request, recipe
        self._reader: Likelihood | None = None
        self.find: dict[str, tuple[str, ...]] = {}
        self.test: dict[str, tuple[str, ...]] = {}
        for code in request.languages:
            self.find[code], self.test[code] = halves(request.study, code)

    def stored_choice(self) -> Chosen | None:
        """The neurons of every set, if the cache has them."""
        return store.read_or_discard(self._neurons_path, _read_chosen)

    def stored(self) -> Effects | None:
        """The cells in the cache; None if the neurons are not there. Loads no model."""
        chosen = self.stored_choice()
        if chosen is None:
            return None
        sets = self.sets(chosen)
        bits = {cell: store.read_or_discard(self._path(cell, sets), _read_array) for cell in self.request.cells}
        return self._effects(chosen, {cell: each for cell, each in bits.items() if each is not None})

    def run(self, watcher: Watcher) -> Effects:
        """All cells, measured as far as they are missing. Raises NeuronXAError, and Cancelled."""
        self.refuse_experts()
        finding = sum(map(len, self.find.values()))
        together = Together(watcher, finding + sum(len(self.test[cell.measured_in]) for cell in self.request.cells))
        chosen = self.choose(together)
        sets = self.sets(chosen)
        together.before = finding
        for code in self.request.languages:
            self._measure(code, sets, together)
        effects = self.stored()
        if effects is None or effects.finished < len(self.request.cells):
            raise StudyError("The cache lost cells while they were measured.", "Raise NEURONXA_CACHE_GB.")
        return effects

    def refuse_experts(self) -> None:
        """Before anything runs; states.interventions refuses it again for models that no table knows."""
        family = family_of(self.recipe.checkpoint.config) if not self.recipe.checkpoint.gguf else None
        if family and family.experts and self.request.study.site != "attention":
            raise ModelError(
                f"{self.recipe.checkpoint.name} is a mixture of experts, whose neurons differ from token to token and "
                "cannot be switched off one by one.",
                "Choose the site attention, or a model without experts.",
            )

    def choose(self, together: Together) -> Chosen:
        """The neurons of every set, from the cache or found on the first half."""
        chosen = self.stored_choice()
        if chosen is not None:
            return chosen
        readout, paths = ReadoutConfig(self.request.study.site, "mean"), []
        for code, sentences in self.find.items():
            together.report("extracting", detail=f"finding neurons: {language(code).name}")
            found = self.recipe.readouts(code, sentences, [readout], together)
            if readout not in found:
                raise ModelError(
                    "The output projection of this architecture's attention is not known.", "Use another site."
                )
            paths.append(found[readout])
            together.before += len(sentences)
        rates = rates_of(self.recipe, tuple(self.find), paths)
        table, layers = self._selected(rates), rates.rates.shape[1]
        if any(self.request.layers):
            first, last = self.request.layers
            if last > layers:
                raise StudyError(f"The model has no layer {last}.", f"Choose layers from 1 to {layers}.")
            table = within_layers(table, first, last)
        chosen = Chosen(table, rates.rates.shape[2], layers, store.taken_from(paths[0]))
        store.write_aside(self._neurons_path, partial(write_checked_json, _content(chosen)))
        return chosen

    def _selected(self, rates: NeuronRates) -> pd.DataFrame:
        request = self.request
        if request.set == "listed":
            return listed_table(rates, request.listed)
        if request.set == "random":
            return random_table(rates, request.share, request.seed)
        return (lape_table if request.set == "lape" else shared_table)(rates, request.share)

    def sets(self, chosen: Chosen) -> dict[tuple[str, int], NeuronSet]:
        """Every set and its controls, by name and number; 0 is the set itself."""
        sets: dict[tuple[str, int], NeuronSet] = {("", 0): sets_of(chosen.table, [""])[""]}
        for name, neurons in sets_of(chosen.table, self.request.names).items():
            controls = control_sets(neurons, name, chosen.width, self.request.controls, self.request.seed)
            sets |= {(name, number): each for number, each in enumerate((neurons, *controls))}
        return sets

    def _measure(self, code: str, sets: Mapping[tuple[str, int], NeuronSet], together: Together) -> None:
        """Measures the cells of one language that are missing, each written as soon as it is finished."""
        cells = [cell for cell in self.request.cells if cell.measured_in == code]
        missing = [cell for cell in cells if store.read_or_discard(self._path(cell, sets), _read_array) is None]
        sentences = self.test[code]
        together.before += (len(cells) - len(missing)) * len(sentences)
        if not missing:
            return
        together.report("extracting", detail=f"{language(code).name}: unchanged")
        changes = {cell: self.change(sets[cell.neurons_of, cell.control], together) for cell in missing}
        starts = {change.first_layer for change in changes.values() if change.layers}
        passes = self._likelihood(together).read(sentences, starts, together)
        for cell, change in changes.items():
            together.report("extracting", detail=f"{language(code).name}: {_in_words(cell)}")
            self._write(cell, sets, passes.changed(change, together) if change.layers else passes.bits)
            together.before += len(sentences)

    def _likelihood(self, watcher: Watcher) -> "Likelihood":
        """The model's, whose head is read once for all languages."""
        from neuronxa_core.states.likelihood import Likelihood

        if self._reader is None:
            self._reader = Likelihood(self.recipe.model(watcher))
        return self._reader

    def change(self, neurons: NeuronSet, watcher: Watcher) -> "SetNeurons":
        """What is done to these neurons, see states.interventions."""
        from neuronxa_core.states.interventions import SetNeurons

        to = self.request.to
        means = None if to == "zero" or not len(neurons) else self._means(watcher)
        values = {
            layer: (mine, np.zeros(len(mine), np.float32) if means is None else means[layer - 1, mine])
            for layer, mine in neurons.by_layer.items()
        }
        return SetNeurons(self.request.study.site, values)

    def _means(self, watcher: Watcher) -> NDArray[np.float32]:
        """The mean activation, (layers, neurons): of one language, or the mean of all languages' means."""
        codes = self.request.languages if self.request.to == "mean" else (self.request.to,)
        return np.asarray(np.mean([self._mean(code, watcher) for code in codes], axis=0), np.float32)

    def _mean(self, code: str, watcher: Watcher) -> NDArray[np.float64]:
        """The mean activation over the tokens of the first half, from the cache or measured."""
        from neuronxa_core.states.likelihood import mean_activations

        site = self.request.study.site
        key = store.cache_key(self._site_key | {"means": sentences_hash(self.find[code])})
        path = store.result_path(key, ".means.json")
        means = store.read_or_discard(path, _read_array)
        if means is None:
            means = mean_activations(self.recipe.model(watcher), self.find[code], site, watcher)
            store.write_aside(path, partial(write_checked_json, means.tolist()))
        return means

    def _write(self, cell: Cell, sets: Mapping[tuple[str, int], NeuronSet], bits: NDArray[np.float64]) -> None:
        store.write_aside(self._path(cell, sets), partial(write_checked_json, bits.tolist()))

    def _effects(self, chosen: Chosen, bits: Bits) -> Effects:
        sizes = {name: len(each) for name, each in sets_of(chosen.table, self.request.names).items()}
        lengths = {code: sum(len(text.encode()) for text in self.test[code]) for code in self.request.languages}
        provenance = self.recipe.provenance(chosen.taken_from)
        study, asked = self.recipe.study, self.request.asked
        return Effects(study, self.request.languages, sizes, chosen.table, bits, lengths, asked, provenance)

    @cached_property
    def _site_key(self) -> dict[str, str | int]:
        return {name: value for name, value in self.recipe.key.items() if name != "pooling"}

    @cached_property
    def _found_on(self) -> str:
        return " ".join(sentences_hash(sentences) for sentences in self.find.values())

    @cached_property
    def _neurons_path(self) -> Path:
        request = self.request
        asked: dict[str, str | int] = {
            "chosen": request.set,
            "languages": " ".join(request.languages),
            "found_on": self._found_on,
            "layers": "-".join(map(str, request.layers)),
            "share": str(request.share),
            "seed": request.seed if request.set == "random" else 0,
            "listed": request.listed_digest,
        }
        return store.result_path(store.cache_key(self._site_key | asked), ".neurons.json")

    def _path(self, cell: Cell, sets: Mapping[tuple[str, int], NeuronSet]) -> Path:
        """The file of a cell: an unchanged one depends on neither site nor set."""
        parts = self.recipe.model_key | {"cell": sentences_hash(self.test[cell.measured_in])}
        return store.result_path(
            store.cache_key(parts | self.change_key(sets[cell.neurons_of, cell.control])), ".cell.json"
        )

    def change_key(self, neurons: NeuronSet) -> dict[str, str | int]:
        """What tells a change from others in the key of a measurement; nothing for no neurons."""
        if not len(neurons):
            return {}
        to = self.request.to if self.request.to == "zero" else f"{self.request.to} {self._found_on}"
        return self._site_key | {"set": neurons.digest, "to": to}


def _in_words(cell: Cell) -> str:
    if not cell.neurons_of:
        return "unchanged"
    name = language(cell.neurons_of).name if "_" in cell.neurons_of else cell.neurons_of
    return f"control {cell.control} of {name}" if cell.control else f"neurons of {name}"


def _content(chosen: Chosen) -> dict[str, Any]:
    columns = {name: chosen.table[name].tolist() for name in COLUMNS}
    return {"width": chosen.width, "layers": chosen.layers, "taken_from": chosen.taken_from, "columns": columns}


def _read_chosen(path: Path) -> Chosen:
    told = read_checked_json(path)
    kinds = {"neurons_of": object, "layer": np.int64, "neuron": np.int64, "lape": np.float64, "rate": np.float64}
    table = pd.DataFrame({name: np.array(told["columns"][name], dtype=kind) for name, kind in kinds.items()})
    return Chosen(table, int(told["width"]), int(told["layers"]), str(told["taken_from"]))


def _read_array(path: Path) -> NDArray[np.float64]:
    return np.array(read_checked_json(path), dtype=np.float64)
