"""The states of a corpus's sentences in one language: what extraction makes, the cache keeps, and scoring reads.

The names of the choices stand here, away from torch, so that a page can offer them before a model is needed.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Site = Literal["gate", "product", "attention"]
"""Where a neuron is read, see states.neuron."""
SITES: tuple[Site, ...] = get_args(Site)
Pooling = Literal["position", "mean", "last"]
"""How tokens become a sentence, see states.pooling."""
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
State = Literal["nas", "nav", "embedding"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class SentenceStates:
    """Pooled states, float32, each (layers, sentences, dim).

    nas, nav: layers 1..L, dim = intermediate_size; NAS in [0, 1], NAV >= 0.
    embedding: layers 0..L, dim = hidden_size.
    tokens: (sentences,), int64, how many tokens each sentence has, special ones included.
    unknown: (sentences,), int64, how many of them are the tokenizer's token for what it does not know.
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
    """How neurons are read and pooled; NAS is 1 above the threshold."""

    site: Site = "gate"
    pooling: Pooling = "position"
    threshold: float = 0.0


def first_layer(state: State) -> int:
    """The number of the first layer that a state has: embeddings start before the first block."""
    return 0 if state == "embedding" else 1
