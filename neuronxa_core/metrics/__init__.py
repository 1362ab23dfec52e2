"""The metrics: functions of NumPy arrays, each with its formula and its source. Imports nothing of the house."""

from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.correspondence import average_correlation, debiased_cka, neuron_correlation
from neuronxa_core.metrics.estimate import Estimate
from neuronxa_core.metrics.geometry import (
    anisotropy,
    effective_rank,
    hubness,
    margins,
    ranks,
)
from neuronxa_core.metrics.scoring import Outcomes, chance_rate, mutual_nearest_rate, pair_outcomes
from neuronxa_core.metrics.separability import decision_values, discriminability, separability
from neuronxa_core.metrics.similarity import centred, cosine_similarity, csls

__all__ = [
    "Estimate",
    "Outcomes",
    "anisotropy",
    "average_correlation",
    "bootstrap_interval",
    "centred",
    "chance_rate",
    "cosine_similarity",
    "csls",
    "debiased_cka",
    "decision_values",
    "discriminability",
    "effective_rank",
    "hubness",
    "margins",
    "mutual_nearest_rate",
    "neuron_correlation",
    "pair_outcomes",
    "ranks",
    "separability",
]
