"""What the report of one study shows beside its scores."""

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
    """The cosines of a study's sentences, layer by layer, wherever they are kept."""

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosines of one layer, (pairs, pairs); row = source, column = target. Raises OSError or ValueError."""


@dataclass(frozen=True)
class Material:
    """What a report shows beside the scores, as far as it is on this machine."""

    bitext: Bitext
    layers: Similarities
    measures: pd.DataFrame
    projections: Sequence[Projection]
