"""What the space of the sentence vectors looks like through the layers: why some states tell sentences apart."""

import numpy as np
import pandas as pd

from neuronxa_core.metrics.geometry import anisotropy, effective_rank, hubness
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.study.layers import StudyLayers

MEASURES = ("parallel", "anisotropy", "effective_rank", "hubness")


def space_measures(layers: StudyLayers, last_layer: int) -> pd.DataFrame:
    """One row per state and layer: state, layer, and the measures of geometry.py.

    parallel: mean cosine of the pairs, in [-1, 1]; anisotropy: of all others; effective_rank: of both languages' vectors
    together, 1 to 2 x pairs; hubness: skew, 0 for none.
    """
    rows = []
    for state in STATES:
        for layer in range(first_layer(state), last_layer + 1):
            similarity = layers.similarity(state, layer)
            rows.append(
                {
                    "state": state,
                    "layer": layer,
                    "parallel": float(similarity.diagonal().mean()),
                    "anisotropy": anisotropy(similarity),
                    "effective_rank": effective_rank(np.concatenate(layers.states(state, layer))),
                    "hubness": hubness(similarity),
                }
            )
    return pd.DataFrame(rows)
