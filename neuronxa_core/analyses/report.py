"""The material of a study's report, in addition to its scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.states.sentences import State


class Similarities(Protocol):
    """The cosines of a study's sentences, layer by layer, wherever they are stored."""

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosines of one layer, (pairs, pairs); row = source, column = target. Raises OSError or ValueError."""


@dataclass(frozen=True)
class Material:
    """The parts of a report besides the scores, as far as they are available on this machine."""

    bitext: Bitext
    layers: Similarities
    measures: pd.DataFrame
    projections: Sequence[Projection]
