"""Results of many language pairs in one small file: a row per pair, its outcomes packed as bits.

Scores and intervals follow from the outcomes, so an unpacked result equals a fresh one to the last digit.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.states.store import write_aside
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study, study_of

Packed = Mapping[str, Any]
"""A row of the file: the fields of the study, the outcomes of each state as bytes, the provenance as JSON."""


def packed(result: StudyResult) -> dict[str, Any]:
    """The row of a result. A state's bytes are (2, layers, pairs) bits, each layer padded to whole bytes."""
    bits = {str(state): np.packbits(np.stack(result.outcomes[state]), axis=-1).tobytes() for state in STATES}
    return {**result.study.fields, **bits, "provenance": json.dumps(dict(result.provenance), sort_keys=True)}


def unpacked(row: Packed) -> StudyResult:
    """The result of which `packed` made this row. Raises KeyError or ValueError if it is invalid."""
    study = study_of(row)
    bytes_of_layer = -(-study.pairs // 8)
    outcomes = {}
    for state in STATES:
        bits = np.frombuffer(row[state], np.uint8).reshape(2, -1, bytes_of_layer)
        outcomes[state] = Outcomes(*np.unpackbits(bits, axis=-1, count=study.pairs).astype(bool))
    return StudyResult(study, outcomes, json.loads(row["provenance"]))


def write_packed(results: Iterable[StudyResult], path: Path) -> None:
    """Writes the results as Parquet with zstd. Raises OSError if it cannot be written."""
    frame = pd.DataFrame([packed(result) for result in results])
    write_aside(path, lambda file: frame.to_parquet(file, compression="zstd", index=False))


def read_packed(path: Path) -> dict[Study, Packed]:
    """The rows of a file by study; empty if there is no such file. Raises OSError or ValueError if it is damaged."""
    if not path.is_file():
        return {}
    return {study_of(row): row for row in pd.read_parquet(path).to_dict("records")}
