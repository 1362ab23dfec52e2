"""Sentences as points, and the numbers that keep the picture honest."""

from neuronxa_core.figures.projection.numbers import (
    NUMBER_NAMES,
    exportable_numbers,
    number_curves,
    projection_finding,
)
from neuronxa_core.figures.projection.panel import HEIGHT, exportable_projection, projection_panel

__all__ = [
    "HEIGHT",
    "NUMBER_NAMES",
    "exportable_numbers",
    "exportable_projection",
    "number_curves",
    "projection_finding",
    "projection_panel",
]
