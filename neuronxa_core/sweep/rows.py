"""One row per task: the study, its outcomes packed as bits, the scores that follow from them, and the provenance."""

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.gallery.pairs import packed, unpacked
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult

Row = Mapping[str, Any]
SCORES = tuple(f"{name}{end}" for name in SUMMARY_NAMES.values() for end in ("", "_low", "_high"))
"""The means over layers with both ends of their intervals: `nasca`, `nasca_low`, `nasca_high`, ..."""


def row_of(key: str, result: StudyResult) -> dict[str, Any]:
    """The row of a task's result, with a checksum over everything in it."""
    means: dict[str, float] = {}
    for state, name in SUMMARY_NAMES.items():
        low, high = result.mean_interval(state)
        means |= {name: result.mean(state), f"{name}_low": low, f"{name}_high": high}
    written = datetime.now(UTC).isoformat(timespec="microseconds")
    row = {**asdict(result.study), **packed(result), "key": key, "layers": result.last_layer, **means}
    row |= {"written": written}
    return row | {"checksum": checksum_of(row)}


def result_of(row: Row) -> StudyResult:
    """The result of a row. Raises KeyError or ValueError if it is invalid."""
    return unpacked(row)


def checksum_of(row: Row) -> int:
    """CRC-32 of everything in a row but the checksum itself."""
    bits = b"".join(bytes(row[state]) for state in STATES)
    rest = {name: _plain(value) for name, value in row.items() if name not in (*STATES, "checksum")}
    return zlib.crc32(json.dumps(rest, sort_keys=True).encode(), zlib.crc32(bits))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def is_intact(row: Row) -> bool:
    """Whether a row is what was written."""
    try:
        return checksum_of(row) == int(row["checksum"])
    except (KeyError, TypeError, ValueError):
        return False


def to_bytes(rows: Sequence[Row]) -> bytes:
    """The rows as a Parquet file with zstd."""
    file = io.BytesIO()
    pd.DataFrame(list(rows)).to_parquet(file, compression="zstd", index=False, write_page_checksum=True)
    return file.getvalue()


def from_bytes(content: bytes, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The rows of such a file. Raises an error of pyarrow's, OSError or ValueError if it is damaged."""
    wanted = list(columns) if columns else None
    return pd.read_parquet(io.BytesIO(content), columns=wanted, page_checksum_verification=True)


def newest(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows, of those with the same key the one that was written last."""
    if not frames:
        return pd.DataFrame({"key": pd.Series(dtype=str), "written": pd.Series(dtype=str)})
    rows = pd.concat(frames, ignore_index=True).sort_values("written", kind="stable")
    return rows.drop_duplicates("key", keep="last").reset_index(drop=True)


def layer_scores(row: Row, names: Mapping[str, str]) -> pd.DataFrame:
    """One line per state and layer: model, corpus, source, target, state, layer, score and both directions.

    names: of the model and the corpus, as people read them.
    """
    result = result_of(row)
    frames = []
    for state in STATES:
        outcomes = result.outcomes[state]
        columns = {
            "model": names["model"],
            "corpus": names["corpus"],
            "source": result.study.source,
            "target": result.study.target,
            "state": state,
            "layer": np.arange(len(outcomes.mutual)) + first_layer(state),
            "score": outcomes.mutual.mean(axis=1),
            "source_to_target": outcomes.source_to_target.mean(axis=1),
            "target_to_source": outcomes.target_to_source.mean(axis=1),
        }
        frames.append(pd.DataFrame(columns))
    return pd.concat(frames, ignore_index=True)
