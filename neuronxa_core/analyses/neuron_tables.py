"""The numbers behind the pictures of the Neurons page: a bar's neurons, the overlap, and one pair token by token."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.neurons import NeuronRates, TokenPair, sharing_kinds


def neurons_of_bar(rates: NeuronRates, threshold: float, layer: int, kind: str) -> list[int]:
    """The neurons (from 0) that a bar of `neurons.sharing` counts, those with the highest rate in some language first.

    layer: from 1; kind: one of neurons.SHARES.
    """
    chosen = np.flatnonzero(sharing_kinds(rates, threshold)[kind][layer - 1])
    highest = rates.rates[:, layer - 1, chosen].max(axis=0)
    return [int(neuron) for neuron in chosen[np.argsort(-highest, kind="stable")]]


def overlap_table(overlap: NDArray[np.float64], codes: Sequence[str]) -> pd.DataFrame:
    """One row per pair of languages: source, target, overlap. overlap: as neurons.overlap gives it."""
    row, column = np.triu_indices(len(codes), 1)
    names = np.array(codes, dtype=object)
    return pd.DataFrame({"source": names[row], "target": names[column], "overlap": overlap[row, column]})


def token_table(pair: TokenPair, neurons: Sequence[int]) -> pd.DataFrame:
    """One row per token and neuron, of both sentences: language, place (from 1), token, neuron, activation."""
    frames = []
    for code, side in ((pair.study.source, pair.source), (pair.study.target, pair.target)):
        tokens, chosen = len(side.tokens), len(neurons)
        frames.append(
            pd.DataFrame(
                {
                    "language": code,
                    "place": np.repeat(np.arange(1, tokens + 1), chosen),
                    "token": np.repeat(np.array(side.tokens, dtype=object), chosen),
                    "neuron": np.tile(list(neurons), tokens),
                    "activation": side.activations[:, list(neurons)].ravel(),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
