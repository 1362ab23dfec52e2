"""Results -> plotly figures and the sentences under them. Pure functions; the only room that knows plotly."""

from neuronxa_core.figures.alignment import layer_curves
from neuronxa_core.figures.asymmetry import direction_curves, gap_ranking
from neuronxa_core.figures.downstream import correlation_curves, downstream_scatter
from neuronxa_core.figures.findings import alignment_finding, similarity_finding, space_finding, tokenizer_finding
from neuronxa_core.figures.findings_comparison import comparison_finding, difference_finding
from neuronxa_core.figures.findings_direction import direction_finding, gap_languages_finding
from neuronxa_core.figures.findings_downstream import best_layer_finding, downstream_finding
from neuronxa_core.figures.findings_languages import fertility_finding, level_finding, matrix_finding, pivot_finding
from neuronxa_core.figures.findings_neurons import overlap_finding, sharing_finding, specific_finding
from neuronxa_core.figures.findings_projection import projection_finding
from neuronxa_core.figures.languages import language_heatmap, level_comparison, pivot_ranking
from neuronxa_core.figures.models import depth_figure, difference_figure
from neuronxa_core.figures.neurons import overlap_figure, sharing_figure, specific_figure, token_figure
from neuronxa_core.figures.overview import language_ranking, layer_ranking
from neuronxa_core.figures.plates import Plate, printed
from neuronxa_core.figures.projection import number_curves, projection_panel
from neuronxa_core.figures.settings import ablation_figure, ablation_finding, pairs_figure, pairs_finding
from neuronxa_core.figures.similarity import (
    MOST_SHOWN,
    layer_strip,
    measure_curves,
    similarity_distribution,
    similarity_matrix,
)

__all__ = [
    "MOST_SHOWN",
    "Plate",
    "ablation_figure",
    "ablation_finding",
    "alignment_finding",
    "best_layer_finding",
    "comparison_finding",
    "correlation_curves",
    "depth_figure",
    "difference_figure",
    "difference_finding",
    "direction_curves",
    "direction_finding",
    "downstream_finding",
    "downstream_scatter",
    "fertility_finding",
    "gap_languages_finding",
    "gap_ranking",
    "language_heatmap",
    "language_ranking",
    "layer_curves",
    "layer_ranking",
    "layer_strip",
    "level_comparison",
    "level_finding",
    "matrix_finding",
    "measure_curves",
    "number_curves",
    "overlap_figure",
    "overlap_finding",
    "pairs_figure",
    "pairs_finding",
    "pivot_finding",
    "pivot_ranking",
    "printed",
    "projection_finding",
    "projection_panel",
    "sharing_figure",
    "sharing_finding",
    "similarity_distribution",
    "similarity_finding",
    "similarity_matrix",
    "space_finding",
    "specific_figure",
    "specific_finding",
    "token_figure",
    "tokenizer_finding",
]
