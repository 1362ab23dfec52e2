"""Which neurons to change: a language's own (LAPE), those that all share, random ones, or a list; and matched controls.

Source: LAPE in full as its authors' code selects, Tang et al. 2024, arXiv:2402.16438.
"""

import csv
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.neurons import USUAL_THRESHOLD, NeuronRates, lape
from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.errors import StudyError
from neuronxa_core.foreign import told_in_one_sentence

SetName = Literal["lape", "shared", "random", "listed"]
SETS: tuple[SetName, ...] = get_args(SetName)
COLUMNS = ("neurons_of", "layer", "neuron", "lape", "rate")
OFTEN = 0.95
"""The bar of LAPE is this quantile of all rates."""
MOST_LISTED = 1_000_000


@dataclass(frozen=True)
class NeuronSet:
    """Neurons of a model. layers, from 1, and neurons, from 0: of equal length, sorted, no pair twice."""

    layers: NDArray[np.int64]
    neurons: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that identify the neurons; empty for no neurons."""
        if not len(self):
            return ""
        both = np.stack([self.layers, self.neurons]).astype("<i8").tobytes()
        return hashlib.blake2b(both, digest_size=8).hexdigest()

    @property
    def by_layer(self) -> dict[int, NDArray[np.int64]]:
        """The neurons of each layer that has some."""
        return {int(layer): self.neurons[self.layers == layer] for layer in np.unique(self.layers)}


def neuron_set(layers: Sequence[int] | NDArray[np.int64], neurons: Sequence[int] | NDArray[np.int64]) -> NeuronSet:
    """The set of these neurons, in any order, some perhaps named twice."""
    both = np.unique(np.stack([np.asarray(layers, np.int64), np.asarray(neurons, np.int64)], axis=1), axis=0)
    return NeuronSet(both[:, 0], both[:, 1])


def lape_table(rates: NeuronRates, share: float) -> pd.DataFrame:
    """One row per neuron and language that it belongs to, the lowest LAPE first; see COLUMNS.

    The bar is the 95th percentile of all rates. A neuron is a candidate if its rate in some language is above the bar.
    Of the candidates, `share` of all neurons with the lowest entropy are language-specific, and each belongs to every
    language in which its rate is above the bar. rate: in that language. Ties go by layer and neuron.
    """
    entropy, bar = lape(rates.rates), float(np.quantile(rates.rates, OFTEN))
    layers, neurons = np.nonzero((rates.rates > bar).any(axis=0))
    order = np.argsort(entropy[layers, neurons], kind="stable")[: _count(share, entropy.size)]
    layers, neurons = layers[order], neurons[order]
    chosen = rates.rates[:, layers, neurons]
    frames = [
        _table(code, layers[mine], neurons[mine], entropy, rates.rates[place])
        for place, (code, mine) in enumerate(zip(rates.codes, chosen > bar, strict=True))
    ]
    return pd.concat(frames, ignore_index=True)


def shared_table(rates: NeuronRates, share: float) -> pd.DataFrame:
    """The neurons active in all languages (see neurons.USUAL_THRESHOLD), as one set named `shared`.

    At most `share` of all neurons, those with the highest lowest rate. rate: the mean over the languages.
    """
    lowest = rates.rates.min(axis=0)
    layers, neurons = np.nonzero(lowest > USUAL_THRESHOLD)
    order = np.argsort(-lowest[layers, neurons], kind="stable")[: _count(share, lowest.size)]
    return _table("shared", layers[order], neurons[order], lape(rates.rates), rates.rates.mean(axis=0))


def random_table(rates: NeuronRates, share: float, seed: int) -> pd.DataFrame:
    """`share` of all neurons, drawn evenly from all of them, as one set named `random`. rate: as in shared_table."""
    shape = rates.rates.shape[1:]
    drawn = np.random.default_rng([seed, 0]).permutation(shape[0] * shape[1])[: _count(share, shape[0] * shape[1])]
    layers, neurons = np.unravel_index(np.sort(drawn), shape)
    return _table("random", layers, neurons, lape(rates.rates), rates.rates.mean(axis=0))


def listed_table(rates: NeuronRates, listed: Sequence[tuple[str, int, int]]) -> pd.DataFrame:
    """The neurons that the user lists, by name of their set. rate: in the language of that name, else the mean.

    Raises StudyError for a layer or neuron that the model does not have.
    """
    layers, width = rates.rates.shape[1:]
    for _, layer, neuron in listed:
        if not (1 <= layer <= layers and 0 <= neuron < width):
            raise StudyError(
                f"The list names neuron {neuron} of layer {layer}, which the model does not have.",
                f"It has layers 1 to {layers}, with neurons 0 to {width - 1} each.",
            )
    entropy, mean, frames = lape(rates.rates), rates.rates.mean(axis=0), []
    for name in dict.fromkeys(name for name, _, _ in listed):
        of_name = neuron_set(*zip(*((layer, neuron) for each, layer, neuron in listed if each == name), strict=True))
        own = rates.rates[rates.codes.index(name)] if name in rates.codes else mean
        frames.append(_table(name, of_name.layers - 1, of_name.neurons, entropy, own))
    return pd.concat(frames, ignore_index=True)


def within_layers(table: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """The rows whose layer is in first..last."""
    return table[table["layer"].between(first, last)].reset_index(drop=True)


def sets_of(table: pd.DataFrame, names: Sequence[str]) -> dict[str, NeuronSet]:
    """The sets of a table by name; empty for a name without neurons."""
    rows = dict(list(table.groupby("neurons_of")))
    none = table.iloc[:0]
    return {
        name: neuron_set(each["layer"].to_numpy(), each["neuron"].to_numpy())
        for name, each in ((name, rows.get(name, none)) for name in names)
    }


def control_sets(chosen: NeuronSet, name: str, width: int, count: int, seed: int) -> tuple[NeuronSet, ...]:
    """Random sets with as many neurons in every layer as `chosen`, each drawn evenly from all neurons of the layer.

    width: neurons per layer. The same seed, name and number give the same set.
    """
    drawn = []
    for number in range(1, count + 1):
        random = np.random.default_rng([seed, number, zlib.crc32(name.encode())])
        layers = chosen.by_layer
        picked = [np.sort(random.permutation(width)[: len(mine)]) for mine in layers.values()]
        drawn.append(NeuronSet(chosen.layers, np.concatenate([*picked, np.empty(0, np.int64)])))
    return tuple(drawn)


def read_listed(path: Path) -> tuple[tuple[str, int, int], ...]:
    """(name of the set, layer, neuron) of every row of a CSV or TSV. Raises StudyError if it cannot be read."""
    try:
        return listed_from(path.read_text(encoding="utf-8-sig"), path.stem)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "") or "it is not UTF-8 text"
        raise StudyError(
            f"{path} cannot be read ({reason}).", "Give lape, shared, random, or the path of a CSV."
        ) from error


def listed_from(text: str, name: str) -> tuple[tuple[str, int, int], ...]:
    """The rows of a CSV or TSV with the columns layer and neuron. Raises StudyError, naming the line.

    The column `neurons_of`, or else `language`, names the set; without one all rows are one set of the given name.
    """
    with told_in_one_sentence(name, StudyError):
        return _listed(text, name)


def _listed(text: str, name: str) -> tuple[tuple[str, int, int], ...]:
    separator = "\t" if "\t" in text.partition("\n")[0] else ","
    rows = csv.DictReader(text.splitlines(), delimiter=separator)
    columns = rows.fieldnames or ()
    if not {"layer", "neuron"} <= set(columns):
        raise StudyError("The list of neurons lacks the columns layer and neuron.", "Name them in its first line.")
    named = next((column for column in ("neurons_of", "language") if column in columns), "")
    found: list[tuple[str, int, int]] = []
    for row in rows:
        try:
            found.append((_named(row.get(named) or name), int(row["layer"]), int(row["neuron"])))
        except (TypeError, ValueError) as error:
            raise StudyError(
                f"Line {rows.line_num} of the list of neurons has no whole numbers for layer and neuron.",
                "Correct that line.",
            ) from error
    if not found or len(found) > MOST_LISTED:
        raise StudyError(f"The list has {len(found)} neurons.", f"List between 1 and {MOST_LISTED:,}.")
    return tuple(dict.fromkeys(found))


def listed_in_words(text: str) -> tuple[tuple[str, int, int], ...]:
    """The neurons of a list such as `9.1204, 12.5` (layer.neuron), as one set. Raises StudyError, naming the word."""
    found = []
    for word in text.replace(",", " ").split():
        layer, dot, neuron = word.partition(".")
        if not (dot and layer.isdecimal() and neuron.isdecimal()):
            raise StudyError(
                f"{word[:20]!r} is not a layer and a neuron.", "Write them as in 9.1204, with commas between."
            )
        found.append(("listed", int(layer), int(neuron)))
    return tuple(dict.fromkeys(found))


def _named(name: str) -> str:
    """A language's code, however it is spelt; any other name as it is."""
    name = name.strip()
    return language(name).code if looks_like_a_language(name) else name


def _count(share: float, neurons: int) -> int:
    return max(1, round(share * neurons))


def _table(
    name: str,
    layers: NDArray[np.int64],
    neurons: NDArray[np.int64],
    entropy: NDArray[np.float64],
    rates: NDArray[np.float32],
) -> pd.DataFrame:
    """Rows of COLUMNS. layers: from 0. entropy, rates: (layers, neurons)."""
    columns: Mapping[str, Any] = {
        "neurons_of": np.full(len(layers), name, dtype=object),
        "layer": layers.astype(np.int64) + 1,
        "neuron": neurons.astype(np.int64),
        "lape": entropy[layers, neurons],
        "rate": rates[layers, neurons].astype(np.float64),
    }
    return pd.DataFrame(columns)
