"""The states of a study on disk, read one layer at a time."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.states import mapped, store
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class StudyLayers:
    """The states of both languages on disk, read one layer at a time."""

    source: Path
    target: Path

    def count(self, state: State) -> int:
        """Number of layers of a state. Raises OSError or ValueError if the states are missing."""
        return mapped.count_layers(self.source, state)

    def states(self, state: State, layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Source and target vectors of one layer, each (pairs, dim). Raises OSError or ValueError if missing."""
        index = layer - first_layer(state)
        return mapped.read_layer(self.source, state, index), mapped.read_layer(self.target, state, index)

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosine similarities of one layer, (pairs, pairs); row = source, column = target. Raises like `states`."""
        return cosine_similarity(*self.states(state, layer))

    def cosines(self, state: State, layer: int) -> Cosines:
        """The same without the whole matrix, a few rows at a time. Raises like `states`."""
        return Cosines(*self.states(state, layer))

    def named(self, study: Study) -> Study:
        """The study with `auto` replaced by the dtype that these states were computed in."""
        if study.dtype != "auto":
            return study
        return replace(study, dtype=store.read_header(self.source).get("dtype", study.dtype))
