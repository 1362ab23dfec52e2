"""Stills as the gallery holds them, by figure, theme and width, each with what tells whether it is still up to date."""

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.figures.palette import Theme
from neuronxa_core.gallery import read
from neuronxa_core.stills.overview import Shown

STILLS_FILE = "stills.parquet"
_DIGITS = 5
"""Decimals that count: other processors may compute a figure's numbers differently behind them."""


@dataclass(frozen=True)
class Still:
    """A figure as pictures. packed: `[[width, svg], ...]`, narrowest first, as JSON, compressed (zlib), in base64."""

    packed: str
    alt: str
    height: int


def still_of(shown: Shown, theme: Theme) -> Still | None:
    """The figure as the gallery has drawn it in a theme, or None. Draws nothing."""
    return _stills(str(read.GALLERY / STILLS_FILE)).get((shown.name, theme))


@lru_cache(maxsize=2)
def _stills(path: str) -> dict[tuple[str, str], Still]:
    try:
        table = pd.read_parquet(path, columns=["name", "theme", "width", "height", "alt", "svg"])
    except FileNotFoundError:
        return {}
    found = {}
    for (name, theme), rows in table.sort_values("width").groupby(["name", "theme"]):
        svgs = [[int(width), svg] for width, svg in zip(rows["width"], rows["svg"], strict=True)]
        packed = base64.b64encode(zlib.compress(json.dumps(svgs).encode())).decode()
        found[str(name), str(theme)] = Still(packed, str(rows["alt"].iloc[0]), int(rows["height"].iloc[0]))
    return found


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
