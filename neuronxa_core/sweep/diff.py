"""What moved beyond its interval from one store to another, such as those of two revisions of a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.sweep.rows import result_of
from neuronxa_core.sweep.store import Store

_SAME = ("source", "target", "pairs", "sample", "leave_out", "site", "pooling", "dtype", "neurons")
COLUMNS = [
    *("model", "corpus", "source", "target", "pairs", "site", "pooling", "dtype", "measure"),
    *("before", "after", "difference", "ci_low", "ci_high", "moved"),
]


def differences(before: Store, after: Store) -> pd.DataFrame:
    """One row per result that both stores have, and measure: both means, the difference with its interval, `moved`.

    Results are the same question if model and corpus have the same names, and all settings but the revision are equal.
    The interval resamples the pairs, jointly where both have the same sentences. moved: it excludes 0.
    """
    theirs = {_question(row): row for row in after.rows().to_dict("records")}
    rows: list[dict[str, Any]] = []
    for row in before.rows().to_dict("records"):
        other = theirs.get(_question(row))
        if other:
            rows += _compared(result_of(row), result_of(other))
    return pd.DataFrame(rows, columns=COLUMNS)


def _question(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return model_name(row["model"]), corpus_name(row["corpus"]), *(row[name] for name in _SAME)


def _compared(before: StudyResult, after: StudyResult) -> list[dict[str, Any]]:
    rows = []
    same = before.provenance.get("corpus_hash") == after.provenance.get("corpus_hash")
    for state in STATES:
        ours, theirs = (each.outcomes[state].mutual.mean(axis=0) for each in (before, after))
        low, high = bootstrap_interval(theirs - ours) if same else _apart(ours, theirs)
        study = before.study
        rows.append(
            {name: getattr(study, name) for name in ("source", "target", "pairs", "site", "pooling", "dtype")}
            | {"model": study.names["model"], "corpus": study.names["corpus"], "measure": SUMMARY_NAMES[state]}
            | {"before": ours.mean(), "after": theirs.mean(), "difference": theirs.mean() - ours.mean()}
            | {"ci_low": low, "ci_high": high, "moved": bool(low > 0 or high < 0)}
        )
    return rows


def _apart(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> tuple[float, float]:
    """Interval of the difference of two means on different sentences, from both intervals by square-and-add."""
    (low, high), (other_low, other_high) = bootstrap_interval(ours), bootstrap_interval(theirs)
    below = np.hypot(theirs.mean() - other_low, high - ours.mean())
    above = np.hypot(other_high - theirs.mean(), ours.mean() - low)
    difference = theirs.mean() - ours.mean()
    return float(difference - below), float(difference + above)


def lines(table: pd.DataFrame, most: int = 20) -> list[str]:
    """How many scores moved, then those that moved most."""
    moved = table[table["moved"]]
    moved = moved.reindex(moved["difference"].abs().sort_values(ascending=False, kind="stable").index)
    told = [
        f"{len(table) // len(STATES):,} results in both stores; {len(moved):,} of {len(table):,} scores moved beyond "
        "their interval"
    ]
    for row in moved.head(most).to_dict("records"):
        told.append(
            f"{row['model']}, {row['corpus']}, {row['source']} -> {row['target']}, {row['measure']}: "
            f"{row['before']:.4f} to {row['after']:.4f}, {row['difference']:+.4f} "
            f"(interval {row['ci_low']:+.4f} to {row['ci_high']:+.4f})"
        )
    return [*told, *([f"and {len(moved) - most:,} more"] if len(moved) > most else [])]
