"""What moved beyond its interval from one store to another, or between two models or revisions in one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.rows import result_of
from neuronxa_core.sweep.store import Store

_TEXT = ("source", "target", "pairs", "sample", "leave_out")
_SAME = (*_TEXT, "site", "pooling", "dtype", "neurons")
_AT_ONCE = 256
"""Results whose resamples are in memory together."""
COLUMNS = [
    *("model", "corpus", "source", "target", "pairs", "site", "pooling", "dtype", "measure"),
    *("before", "after", "difference", "ci_low", "ci_high", "moved"),
]
_Row = Mapping[Any, Any]
_Couple = tuple[StudyResult, StudyResult]


def differences(before: Store, after: Store) -> pd.DataFrame:
    """One row per result that both stores have, and measure: both means, the difference with its interval, `moved`.

    Results are the same question if model and corpus have the same names, and all settings but the revision are equal;
    of several revisions the same one is taken. The interval resamples the pairs, jointly where both have the same
    sentences. moved: it excludes 0.
    """
    return moved(before.rows(), after.rows())


def moved(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """`differences` of the rows of two stores."""
    theirs: dict[tuple[Any, ...], dict[str, _Row]] = {}
    for row in after.to_dict("records"):
        theirs.setdefault(_question(row), {})[row["revision"]] = row
    couples = []
    for row in before.to_dict("records"):
        others = theirs.get(_question(row), {})
        other = others.get(row["revision"]) or (next(iter(others.values())) if len(others) == 1 else None)
        if other:
            couples.append((result_of(row), result_of(other)))
    return _table(couples)


def moved_between(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """`differences` of two models, revisions or settings, given the rows of each, on what both have. Model: `before`'s.

    Raises KeyError or ValueError for an invalid row.
    """
    theirs = {_text(row): row for row in after.to_dict("records")}
    couples = [
        (result_of(row), result_of(theirs[_text(row)])) for row in before.to_dict("records") if _text(row) in theirs
    ]
    return _table(couples)


def _question(row: _Row) -> tuple[Any, ...]:
    return model_name(row["model"]), corpus_name(row["corpus"]), *(row[name] for name in _SAME)


def _text(row: _Row) -> tuple[Any, ...]:
    return corpus_name(row["corpus"]), *(row[name] for name in _TEXT)


def _table(couples: Sequence[_Couple]) -> pd.DataFrame:
    """The rows of COLUMNS, the states of a result together."""
    rows = pd.DataFrame([row for group in _alike(couples) for row in _compared(group)], columns=["place", *COLUMNS])
    return rows.sort_values("place", kind="stable", ignore_index=True).drop(columns="place")


def _alike(couples: Sequence[_Couple]) -> Iterator[dict[int, _Couple]]:
    """The couples by place in groups of a bounded size, those with as many pairs, on the same sentences or not."""
    groups: dict[tuple[int, bool], dict[int, _Couple]] = {}
    for place, couple in enumerate(couples):
        key = couple[0].pairs, _on_the_same_sentences(*couple)
        group = groups.setdefault(key, {})
        group[place] = couple
        if len(group) == _AT_ONCE:
            yield groups.pop(key)
    yield from groups.values()


def _on_the_same_sentences(before: StudyResult, after: StudyResult) -> bool:
    return before.provenance.get("corpus_hash") == after.provenance.get("corpus_hash")


def _compared(group: Mapping[int, _Couple]) -> Iterator[dict[str, Any]]:
    joint = _on_the_same_sentences(*next(iter(group.values())))
    for state in STATES:
        ours, theirs = (np.stack([_by_pair(couple[end], state) for couple in group.values()]) for end in (0, 1))
        lows, highs = (bootstrap_interval(theirs - ours) if joint else _apart(ours, theirs)).T
        columns = (ours.mean(axis=1), theirs.mean(axis=1), lows, highs)
        for (place, (result, _)), old, new, low, high in zip(group.items(), *columns, strict=True):
            study = result.study
            yield (
                {name: getattr(study, name) for name in ("source", "target", "pairs", "site", "pooling", "dtype")}
                | {"place": place, "model": study.names["model"], "corpus": study.names["corpus"]}
                | {"measure": SUMMARY_NAMES[state], "before": old, "after": new, "difference": new - old}
                | {"ci_low": low, "ci_high": high, "moved": bool(low > 0 or high < 0)}
            )


def _by_pair(result: StudyResult, state: State) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = result.outcomes[state].mutual.mean(axis=0)
    return mean


def _apart(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intervals of the differences of means on different sentences, (results, 2), by square-and-add."""
    (low, high), (other_low, other_high) = bootstrap_interval(ours).T, bootstrap_interval(theirs).T
    mean, other = ours.mean(axis=1), theirs.mean(axis=1)
    below, above = np.hypot(other - other_low, high - mean), np.hypot(other_high - other, mean - low)
    return np.stack([other - mean - below, other - mean + above], axis=-1)


def largest_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that moved, those that moved most first."""
    found = table[table["moved"]]
    return found.loc[found["difference"].abs().sort_values(ascending=False, kind="stable").index]


def lines(table: pd.DataFrame, most: int = 20) -> list[str]:
    """How many scores moved, then those that moved most."""
    found = largest_first(table)
    told = [
        f"{len(table) // len(STATES):,} results in both stores; {len(found):,} of {len(table):,} scores moved beyond "
        "their interval"
    ]
    for row in found.head(most).to_dict("records"):
        told.append(
            f"{row['model']}, {row['corpus']}, {row['source']} -> {row['target']}, {row['measure']}: "
            f"{row['before']:.4f} to {row['after']:.4f}, {row['difference']:+.4f} "
            f"(interval {row['ci_low']:+.4f} to {row['ci_high']:+.4f})"
        )
    return [*told, *([f"and {len(found) - most:,} more"] if len(found) > most else [])]
