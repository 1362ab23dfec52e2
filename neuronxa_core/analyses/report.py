"""The material of a study's report, in addition to its scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.analyses.similarity import Similarities
from neuronxa_core.corpora.bitext import Bitext


@dataclass(frozen=True)
class Material:
    """The parts of a report besides the scores, as far as they are available on this machine."""

    bitext: Bitext
    layers: Similarities
    measures: pd.DataFrame
    projections: Sequence[Projection]
