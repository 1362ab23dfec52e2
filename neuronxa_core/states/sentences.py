"""States of the sentences of one language: produced by extraction, stored in the cache, read by scoring.

The names of sites, poolings and states are defined here, without torch, so that a page can offer them cheaply.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Site = Literal["gate", "product", "attention"]
"""Where activations are read, see states.neuron."""
SITES: tuple[Site, ...] = get_args(Site)
Pooling = Literal["position", "mean", "last"]
"""How tokens are pooled into a sentence, see states.pooling."""
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
State = Literal["nas", "nav", "embedding"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class SentenceStates:
    """Pooled states, float32, each (layers, sentences, dim).

    nas, nav: layers 1..L, dim = intermediate_size; NAS in [0, 1], NAV >= 0.
    embedding: layers 0..L, dim = hidden_size.
    tokens: (sentences,), int64, number of tokens, special tokens included.
    unknown: (sentences,), int64, how many of these are the tokenizer's unknown token.
    """

    nas: NDArray[np.float32]
    nav: NDArray[np.float32]
    embedding: NDArray[np.float32]
    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]

    def of(self, state: State) -> NDArray[np.float32]:
        return {"nas": self.nas, "nav": self.nav, "embedding": self.embedding}[state]


@dataclass(frozen=True)
class ReadoutConfig:
    """Site, pooling and threshold of a readout; NAS is 1 above the threshold."""

    site: Site = "gate"
    pooling: Pooling = "position"
    threshold: float = 0.0


def first_layer(state: State) -> int:
    """Number of a state's first layer: 0 for embeddings, which start before the first block, otherwise 1."""
    return 0 if state == "embedding" else 1
