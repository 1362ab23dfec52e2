"""Latent language: the answer's probability layer by layer, the lens as a grid, and the pivot's share by target."""

from neuronxa_core.figures.latent_language.across import across_finding, exportable_across, targets_figure
from neuronxa_core.figures.latent_language.curves import (
    HEIGHT,
    exportable_latent,
    latent_curves,
    latent_finding,
    words_finding,
)
from neuronxa_core.figures.latent_language.grid import exportable_grid, grid_finding, lens_grid

__all__ = [
    "HEIGHT",
    "across_finding",
    "exportable_across",
    "exportable_grid",
    "exportable_latent",
    "grid_finding",
    "latent_curves",
    "latent_finding",
    "lens_grid",
    "targets_figure",
    "words_finding",
]
