"""Names beside points, as far as there is room for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_PANEL = 230.0, 290.0
"""Pixels of a panel, about."""
_AROUND = {"top center": (0, 14), "bottom center": (0, -14), "middle right": (19, 0), "middle left": (-19, 0)}


def point_labels(
    names: Sequence[str],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    down: bool = False,
    height: float | None = None,
) -> list[tuple[str, str]]:
    """A name beside each point where there is room, and none where there is not: the point's hover text has it.

    x: from 0 to 1 across the panel. height: what the panel's height spans of y, by default all values of y.
    Each name comes with plotly's place for it.
    """
    span = height or float(np.ptp(y)) or 1.0
    points = np.stack([x * _PANEL[0], (y.max() - y if down else y) / span * _PANEL[1]], axis=1)
    taken: list[NDArray[np.float64]] = []
    labels = []
    for name, point in zip(names, points, strict=True):
        free = next((place for place, away in _AROUND.items() if _is_free(point + away, points, taken)), None)
        if free:
            taken.append(point + _AROUND[free])
        labels.append((name if free else "", free or "top center"))
    return labels


def _is_free(label: NDArray[np.float64], points: NDArray[np.float64], taken: Sequence[NDArray[np.float64]]) -> bool:
    """Whether a label of three letters covers no other label and no point."""
    others = np.abs(np.array(taken).reshape(-1, 2) - label)
    near = np.abs(points - label)
    return not ((others < (26, 15)).all(axis=1).any() or (near < (16, 10)).all(axis=1).any())
