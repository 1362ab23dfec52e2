"""One row per result: the study, its outcomes packed as bits, the scores that follow from them, and the provenance.

The format of the stores of sweeps and of the gallery, which is a store too: a folder with a manifest, and files of rows
in `results/MODEL/CORPUS`. Scores and intervals follow from the outcomes, so a stored result equals a fresh one to the
last digit.
"""

import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.errors import CorpusError
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.states.store import cache_key, write_aside
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.study import Study, study_of

SCHEMA = 1
"""The version of the format. Increase it when an older reader could no longer read what is written."""
MANIFEST, RESULTS = "manifest.json", "results"
_FORMAT = "neuronxa-store"
Row = Mapping[str, Any]
SCORES = tuple(f"{name}{end}" for name in SUMMARY_NAMES.values() for end in ("", "_low", "_high"))
"""The means over layers with both ends of their intervals: `nasca`, `nasca_low`, `nasca_high`, ..."""


def row_of(key: str, result: StudyResult) -> dict[str, Any]:
    """The row of a task's result, with a checksum over everything in it."""
    means: dict[str, float] = {}
    for state, name in SUMMARY_NAMES.items():
        low, high = result.mean_interval(state)
        means |= {name: result.mean(state), f"{name}_low": low, f"{name}_high": high}
    written = now()
    row = {**asdict(result.study), **_packed(result), "key": key, "layers": result.last_layer, **means}
    row |= {"written": written}
    return row | {"checksum": checksum_of(row)}


def _packed(result: StudyResult) -> dict[str, Any]:
    """The outcomes and the provenance. A state's bytes: (2, layers, pairs) bits, a layer in whole bytes."""
    bits = {str(state): np.packbits(np.stack(result.outcomes[state]), axis=-1).tobytes() for state in STATES}
    return {**bits, "provenance": json.dumps(dict(result.provenance), sort_keys=True)}


def result_of(row: Row) -> StudyResult:
    """The result of a row. Raises KeyError or ValueError if it is invalid."""
    study = study_of(row)
    bytes_of_layer = -(-study.pairs // 8)
    outcomes = {}
    for state in STATES:
        bits = np.frombuffer(row[state], np.uint8).reshape(2, -1, bytes_of_layer)
        outcomes[state] = Outcomes(*np.unpackbits(bits, axis=-1, count=study.pairs).astype(bool))
    return StudyResult(study, outcomes, json.loads(row["provenance"]))


def key_of(study: Study) -> str:
    """The name of a question wherever and whenever it is asked, from the study and the sentences themselves."""
    try:
        bitext = study.bitext()
        sides = {"source": sentences_hash(bitext.source_sentences), "target": sentences_hash(bitext.target_sentences)}
    except CorpusError:  # told when it runs
        sides = {}
    asked = {name: str(value) for name, value in study.fields.items()} | {"corpus": corpus_name(study.corpus)}
    return cache_key({f"sweep_{name}": value for name, value in asked.items()} | sides)


def folder_of(model: str, corpus: str) -> str:
    """The folder of the results of a model on a corpus."""
    slugs = (
        re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "x" for name in (model_name(model), corpus_name(corpus))
    )
    return "/".join((RESULTS, *slugs))


def manifest() -> bytes:
    """The manifest of a store that begins now."""
    return json.dumps({"format": _FORMAT, "schema": SCHEMA, "created": now()}).encode()


def now() -> str:
    """The time, as a row tells it."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


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


def write_rows(results: Sequence[StudyResult], store: Path, name: str) -> None:
    """Writes results of one model on one corpus as one file of a store, which begins if need be. Raises OSError."""
    if not (store / MANIFEST).is_file():
        write_aside(store / MANIFEST, lambda aside: aside.write_bytes(manifest()))
    content = to_bytes([row_of(key_of(result.study), result) for result in results])
    path = store / folder_of(results[0].study.model, results[0].study.corpus) / name
    write_aside(path, lambda aside: aside.write_bytes(content))


def read_rows(path: Path) -> dict[Study, Row]:
    """The rows of one file by study; empty if there is no such file. Raises an error as from_bytes does."""
    if not path.is_file():
        return {}
    return {study_of(row): row for row in from_bytes(path.read_bytes()).to_dict("records")}


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
