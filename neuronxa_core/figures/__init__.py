"""Results -> plotly figures and the sentences under them. Pure functions; the only room that knows plotly."""

from neuronxa_core.figures.findings import alignment_finding
from neuronxa_core.figures.layers import layer_curves
from neuronxa_core.figures.ranking import language_ranking

__all__ = ["alignment_finding", "language_ranking", "layer_curves"]
