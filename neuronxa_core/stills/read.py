"""Stills as the gallery holds them, by figure, theme and width, each with what tells whether it is still up to date."""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.figures.palette import Theme
from neuronxa_core.stills.overview import Shown
from neuronxa_core.study import bundled

STILLS_FILE = "stills.parquet"
STEPS_FILE = "lesson_stills.parquet"
_DIGITS = 5
"""Decimals that count: other processors may compute a figure's numbers differently behind them."""


@dataclass(frozen=True)
class Still:
    """A figure as pictures. packed: `[[width, svg], ...]`, narrowest first, as JSON, compressed (zlib), in base64."""

    packed: str
    alt: str
    height: int
    said: str = ""
    """What the figure's page says below it."""


def still_of(shown: Shown, theme: Theme) -> Still | None:
    """The figure as the gallery has drawn it in a theme, or None. Draws nothing."""
    return _stills(bundled.GALLERY / STILLS_FILE).get((shown.name, theme))


@lru_cache(maxsize=2)
def _stills(path: Path) -> dict[tuple[str, str], Still]:
    columns = ["name", "theme", "width", "height", "alt", "svg"]
    table = bundled.read(path, partial(pd.read_parquet, columns=columns))
    return {} if table is None else stills_in(table)


def stills_in(table: pd.DataFrame) -> dict[tuple[str, str], Still]:
    """The stills of the first page by figure and theme, from the table that holds them."""
    return {(str(name), str(theme)): _packed(rows) for (name, theme), rows in table.groupby(["name", "theme"])}


def still_of_step(lesson: str, step: int, theme: Theme) -> Still | None:
    """The picture of a step of a bundled lesson, from 1, in a theme, or None. Draws nothing."""
    return _step_stills(bundled.GALLERY / STEPS_FILE).get((lesson, step, theme))


@lru_cache(maxsize=2)
def _step_stills(path: Path) -> dict[tuple[str, int, str], Still]:
    table = bundled.read(path, pd.read_parquet)
    if table is None:
        return {}
    found = table.groupby(["lesson", "step", "theme"])
    return {
        (str(lesson), int(step), str(theme)): replace(_packed(rows), said=str(rows["said"].iloc[0]))
        for (lesson, step, theme), rows in found
    }


def _packed(rows: pd.DataFrame) -> Still:
    """A figure from its rows, one for each width."""
    rows = rows.sort_values("width")
    svgs = [[int(width), svg] for width, svg in zip(rows["width"], rows["svg"], strict=True)]
    packed = base64.b64encode(zlib.compress(json.dumps(svgs).encode())).decode()
    return Still(packed, str(rows["alt"].iloc[0]), int(rows["height"].iloc[0]))


def fingerprint(figure: go.Figure) -> str:
    """A hash of everything that a figure draws, the same on every machine."""
    text = json.dumps(_plain(figure.to_dict()), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key != "template"}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, (float, np.floating)):
        return round(float(value), _DIGITS) + 0.0  # never −0.0
    return value.item() if isinstance(value, np.generic) else value
