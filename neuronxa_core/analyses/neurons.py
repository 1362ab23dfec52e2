"""Shared and language-specific neurons: activation rates by language, sharing, overlap and LAPE.

A neuron's rate in a language is the share of tokens (special tokens included) at which its activation is above 0. The
neuron is active in the language if its rate is above a threshold.
Source: LAPE, Tang et al. 2024, arXiv:2402.16438; all, some, one or none, Wang et al. 2024, arXiv:2406.09265.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import mapped, store
from neuronxa_core.states.sentences import ReadoutConfig
from neuronxa_core.study.analysis import sentences_against_target
from neuronxa_core.study.display import Shown
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.study import Study

SHARES = ("all", "some", "one", "none")
"""Categories of neurons by the number of languages in which they are active."""
USUAL_THRESHOLD = 0.5
"""Default threshold: a neuron is active in a language if its rate is above this."""
_OFTEN = 0.95
"""LAPE considers only neurons whose highest rate is above this quantile of all rates."""


@dataclass(frozen=True)
class NeuronRates(Shown):
    """Activation rates of every neuron. rates: (languages, layers, neurons), float32 in [0, 1]; layers 1..L."""

    study: Study
    codes: tuple[str, ...]
    rates: NDArray[np.float32]
    provenance: Mapping[str, Any]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the most language-specific neurons (LAPE), and sharing by layer."""
        return {"specific": specific_neurons(self), "sharing": sharing(self, USUAL_THRESHOLD)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the languages, the overlap of their active neurons (Jaccard), and the provenance."""
        return {
            "study": self.study.told,
            "languages": list(self.codes),
            "threshold": USUAL_THRESHOLD,
            "overlap": overlap(self, USUAL_THRESHOLD).tolist(),
            "provenance": self.study.traced(self.provenance),
        }

    def take(self, codes: Sequence[str]) -> "NeuronRates":
        """The rates of some of its languages, in the given order. Raises ValueError for one that it lacks."""
        places = [self.codes.index(code) for code in codes]
        return replace(self, codes=tuple(codes), rates=self.rates[places])


def run_neuron_rates(
    study: Study, codes: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> NeuronRates:
    """The rate of every neuron in every language, on the lines of its study against the study's target.

    Raises like run_study, and StudyError for fewer than two languages.
    """
    if len(set(codes)) < 2:
        raise StudyError("Shared neurons need at least two languages.", "Choose more languages.")
    recipe = recipe_for(study, device, watcher)
    together = Together(watcher, study.pairs * len(codes))
    readout, paths = _readout(study), []
    for number, code in enumerate(codes):
        together.before = study.pairs * number
        together.report("extracting", detail=language(code).name)
        paths.append(recipe.readouts(code, study.sentences(code), [readout], together)[readout])
    return rates_of(recipe, codes, paths)


def find_neuron_rates(study: Study, codes: Sequence[str]) -> NeuronRates | None:
    """The rates if the states of all languages are cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    if recipe is None or len(languages_with_rates(study, codes)) < len(codes):
        return None
    return rates_of(recipe, codes, [recipe.readout_path(_readout(study), study.sentences(code)) for code in codes])


def languages_with_rates(study: Study, codes: Sequence[str]) -> tuple[str, ...]:
    """Those of the languages whose states are cached. Raises NeuronXAError for one that lacks these lines."""
    recipe = local_recipe(study)
    return tuple(
        code
        for code in (codes if recipe else ())
        if recipe and store.is_whole(recipe.readout_path(_readout(study), study.sentences(code)))
    )


def rates_of(recipe: Recipe, codes: Sequence[str], paths: Sequence[Path]) -> NeuronRates:
    """The rates from states on disk, with the same provenance whether these were cached or new."""
    rates = np.stack([_rates(path) for path in paths])
    return NeuronRates(recipe.study, tuple(codes), rates, recipe.provenance(store.taken_from(paths[0])))


def _readout(study: Study) -> ReadoutConfig:
    """The readout of a rate: mean pooling, whatever the study's own, since a rate counts every token once."""
    return ReadoutConfig(study.site, "mean")


def _rates(path: Path) -> NDArray[np.float32]:
    """(layers, neurons): the mean of the sentences' shares, weighted by their number of tokens."""
    tokens = mapped.read_counts(path, "tokens").astype(np.float64)
    weights = tokens / tokens.sum()
    layers = [weights @ mapped.read_layer(path, "nas", layer) for layer in range(mapped.count_layers(path, "nas"))]
    return np.stack(layers).astype(np.float32)


def sharing(rates: NeuronRates, threshold: float) -> pd.DataFrame:
    """One row per layer: the shares of its neurons active in all, some, one or none of the languages.

    "some" is more than one but not all, so it is 0 for two languages. The four shares sum to 1.
    """
    kinds = sharing_kinds(rates, threshold)
    table = pd.DataFrame({name: kind.mean(axis=1) for name, kind in kinds.items()})
    table.insert(0, "layer", np.arange(1, len(table) + 1))
    return table


def sharing_kinds(rates: NeuronRates, threshold: float) -> dict[str, NDArray[np.bool_]]:
    """Which neurons are active in all, some, one or none of the languages, each (layers, neurons), see `sharing`."""
    active, languages = (rates.rates > threshold).sum(axis=0), len(rates.codes)
    some = (active > 1) & (active < languages)
    return {"all": active == languages, "some": some, "one": active == 1, "none": active == 0}


def overlap(rates: NeuronRates, threshold: float, layer: int | None = None) -> NDArray[np.float64]:
    """Jaccard index of the languages' active neurons, (languages, languages), at a layer or over all layers.

    Active in both over active in either; NaN if neither has any.
    """
    chosen = rates.rates if layer is None else rates.rates[:, layer - 1]
    active = (chosen > threshold).reshape(len(rates.codes), -1).astype(np.float64)
    both = active @ active.T
    each = active.sum(axis=1)
    either = each[:, None] + each[None, :] - both
    return np.where(either > 0, both / np.where(either > 0, either, 1), np.nan)


def lape(rates: NDArray[np.floating]) -> NDArray[np.float64]:
    """Entropy over languages of each neuron's normalised rates, in nats, in [0, ln(languages)].

    0 if a neuron is active in one language only; NaN if it never is. rates: (languages, ...).
    Source: Tang et al. 2024, arXiv:2402.16438.
    """
    exact: NDArray[np.float64] = rates.astype(np.float64)
    total = exact.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = exact / total
        entropy = -np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0).sum(axis=0)
    return np.where(total > 0, entropy, np.nan)


def specific_neurons(rates: NeuronRates, share: float = 0.01) -> pd.DataFrame:
    """One row per language-specific neuron, the lowest LAPE first.

    Columns: layer, neuron (from 0), lape, language (of its highest rate), name, rate, and the mean rate in the others.
    Only neurons whose highest rate is above the 95th percentile of all rates; at most `share` of all neurons.
    """
    entropy, highest = lape(rates.rates), rates.rates.max(axis=0)
    often = highest > np.quantile(rates.rates, _OFTEN)
    layers, neurons = np.nonzero(often & ~np.isnan(entropy))
    order = np.argsort(entropy[layers, neurons], kind="stable")[: max(1, round(share * entropy.size))]
    layers, neurons = layers[order], neurons[order]
    best = rates.rates[:, layers, neurons].argmax(axis=0)
    rate = rates.rates[best, layers, neurons]
    others = (rates.rates[:, layers, neurons].sum(axis=0) - rate) / max(1, len(rates.codes) - 1)
    codes = [rates.codes[place] for place in best]
    return pd.DataFrame(
        {
            "layer": layers + 1,
            "neuron": neurons,
            "lape": entropy[layers, neurons],
            "language": codes,
            "name": [language(code).name for code in codes],
            "rate": rate.astype(np.float64),
            "rate_elsewhere": others.astype(np.float64),
        }
    )


@dataclass(frozen=True)
class TokenStates:
    """One sentence at one layer.

    activations: (tokens, neurons), float32; nas, nav: (neurons,), with the study's pooling.
    """

    tokens: tuple[str, ...]
    activations: NDArray[np.float32]
    nas: NDArray[np.float32]
    nav: NDArray[np.float32]


def run_token_states(
    study: Study, pair: int, layer: int, *, device: Device = "auto", watcher: Watcher = SILENT
) -> tuple[TokenStates, TokenStates]:
    """Both sentences of a pair (from 0) at one layer, token by token.

    Raises like run_study, and IndexError if there is no such layer.
    """
    recipe = recipe_for(study, device, watcher)
    bitext = study.bitext()
    one, two = (
        recipe.token_states(side[pair], layer, watcher) for side in (bitext.source_sentences, bitext.target_sentences)
    )
    return TokenStates(*one), TokenStates(*two)


@dataclass(frozen=True)
class TokenPair(Shown):
    """Both sentences of a pair at one layer, token by token."""

    study: Study
    layer: int
    source: TokenStates
    target: TokenStates
    pair: int = 0
    """Which of the study's pairs, from 0."""

    def strongest(self, count: int = 80) -> list[int]:
        """The neurons with the highest pooled NAV in both sentences together, highest first."""
        order: list[int] = np.argsort(-(self.source.nav + self.target.nav), kind="stable")[:count].tolist()
        return order

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: the activations of every token, with a column per neuron (from 0)."""
        sides = {self.study.source: self.source, self.study.target: self.target}
        frames = [
            pd.DataFrame(side.activations).assign(language=code, token=side.tokens) for code, side in sides.items()
        ]
        return {"tokens": pd.concat(frames, ignore_index=True).rename(columns=str)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the layer and the tokens."""
        tokens = {self.study.source: list(self.source.tokens), self.study.target: list(self.target.tokens)}
        return {"study": self.study.told, "layer": self.layer, "tokens": tokens}


@dataclass(frozen=True)
class Neurons:
    """Which neurons do languages share, and which are specific to one?"""

    name: ClassVar[str] = "neurons"
    study: Study
    languages: tuple[str, ...]

    @property
    def at_once(self) -> int:
        return self.study.pairs

    def sentences(self) -> list[str]:
        return sentences_against_target(self.study, self.languages)

    def cached(self) -> NeuronRates | None:
        try:
            return find_neuron_rates(self.study, self.languages)
        except NeuronXAError:  # run reports a language that lacks these lines
            return None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> NeuronRates:
        return run_neuron_rates(self.study, self.languages, device=device, watcher=watcher)


@dataclass(frozen=True)
class Tokens:
    """What are pooled states made of: one pair (from 0) at one layer, token by token."""

    name: ClassVar[str] = "tokens"
    study: Study
    pair: int
    layer: int
    at_once: ClassVar[int | None] = None

    def sentences(self) -> tuple[str, str]:
        bitext = self.study.bitext()
        return bitext.source_sentences[self.pair], bitext.target_sentences[self.pair]

    def cached(self) -> None:
        """None: the activations are large and take a second to compute, so they are not stored."""

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> TokenPair:
        source, target = run_token_states(self.study, self.pair, self.layer, device=device, watcher=watcher)
        return TokenPair(self.study, self.layer, source, target, self.pair)
