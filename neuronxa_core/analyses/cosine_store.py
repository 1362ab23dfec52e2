"""What the cosines of a study say at every layer, kept in the cache, so that a page of many pairs only reads."""

import zlib
from collections.abc import Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from neuronxa_core.metrics.cosines import CosineSummary
from neuronxa_core.states import store
from neuronxa_core.states.sentences import State
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.recipe import Recipe

Summaries = Mapping[tuple[State, int], CosineSummary]
"""By state and layer."""
_FIELDS = [each.name for each in fields(CosineSummary)]


def find_summaries(recipe: Recipe) -> Summaries | None:
    """The summaries of a study if they are cached, else None. A damaged file is deleted."""
    read = partial(read_checked, content_of=_from_frame, checksum_of=_checksum)
    return store.read_or_discard(_path(recipe), read)


def keep_summaries(recipe: Recipe, summaries: Summaries) -> None:
    """Writes them to the cache. Raises OSError if they cannot be written."""
    rows = [
        {"state": state, "layer": layer} | {name: getattr(summary, name) for name in _FIELDS}
        for (state, layer), summary in summaries.items()
    ]
    frame = pd.DataFrame(rows)
    store.write_aside(_path(recipe), lambda path: write_checked(frame, _checksum(summaries), path))


def _from_frame(frame: pd.DataFrame) -> Summaries:
    return {
        (row["state"], int(row["layer"])): CosineSummary(**{name: row[name] for name in _FIELDS})
        for row in frame.to_dict("records")
    }


def _checksum(summaries: Summaries) -> int:
    checksum = 0
    for (state, layer), summary in summaries.items():
        checksum = zlib.crc32(f"{state} {layer}".encode(), checksum)
        for name in _FIELDS:
            checksum = zlib.crc32(np.atleast_1d(getattr(summary, name)).tobytes(), checksum)
    return checksum


def _path(recipe: Recipe) -> Path:
    return recipe.result_path(recipe.study.bitext(), ".cosines.parquet")
