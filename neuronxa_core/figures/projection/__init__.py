"""Sentences as points, and the numbers that keep the picture honest."""

from neuronxa_core.figures.projection.numbers import (
    NUMBER_NAMES,
    exportable_numbers,
    mixing_finding,
    number_curves,
    projection_finding,
    trust_finding,
)
from neuronxa_core.figures.projection.panel import HEIGHT, exportable_projection, projection_panel

__all__ = [
    "HEIGHT",
    "NUMBER_NAMES",
    "exportable_numbers",
    "exportable_projection",
    "mixing_finding",
    "number_curves",
    "projection_finding",
    "projection_panel",
    "trust_finding",
]
