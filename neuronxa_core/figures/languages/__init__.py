"""How close the languages are to each other: the matrix of all, and one language against the rest."""

from neuronxa_core.figures.languages.large import LARGE, large_heatmap
from neuronxa_core.figures.languages.matrix import exportable_languages, language_heatmap, matrix_finding
from neuronxa_core.figures.languages.pivot import (
    exportable_levels,
    exportable_pivot,
    fertility_finding,
    level_comparison,
    level_finding,
    pivot_finding,
    pivot_ranking,
)

__all__ = [
    "LARGE",
    "exportable_languages",
    "exportable_levels",
    "exportable_pivot",
    "fertility_finding",
    "language_heatmap",
    "large_heatmap",
    "level_comparison",
    "level_finding",
    "matrix_finding",
    "pivot_finding",
    "pivot_ranking",
]
