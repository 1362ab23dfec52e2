"""The orders in which languages can stand, and what a matrix says about head and long-tail languages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.corpora.languages import ENGLISH, Language, language
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.clustering import average_linkage
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import fertility, unknown_share

LanguageOrder = Literal["similarity", "family", "script", "resources", "name"]
LANGUAGE_ORDERS: tuple[LanguageOrder, ...] = get_args(LanguageOrder)
LEVELS = ("head", "long-tail", "unknown")
FEWEST = 3
"""Languages that a group needs for an interval: fewer cannot be resampled to any effect."""


@dataclass(frozen=True)
class Arrangement:
    """Languages in order. groups: what follows one another, as (name, how many), empty if nothing is grouped.

    linkage: SciPy's, of the languages as they stand in the matrix, if the order is clustered.
    """

    codes: tuple[str, ...]
    groups: tuple[tuple[str, int], ...] = ()
    linkage: NDArray[np.float64] | None = None


def arrange(
    matrix: LanguageMatrix, order: LanguageOrder, state: State = "nas", layer: int | None = None
) -> Arrangement:
    """The languages of a matrix by family, script, resource level (head first) or name, or like beside like."""
    if order == "similarity":
        return cluster(matrix.codes, matrix.score(state, layer))
    codes = sorted(matrix.codes, key=lambda code: (*_rank(language(code), order), language(code).name, code))
    if order == "name":
        return Arrangement(tuple(codes))
    names = [group_name(language(code), order) for code in codes]
    return Arrangement(tuple(codes), tuple((name, len(list(members))) for name, members in groupby(names)))


def group_name(known: Language, order: LanguageOrder) -> str:
    """What a language is grouped by."""
    if order == "family":
        return known.family
    return known.script or "unknown" if order == "script" else known.resource_level


def _rank(known: Language, order: LanguageOrder) -> tuple[int, str]:
    """Groups by name, the unknown last; resource levels head first."""
    name = group_name(known, order)
    return (LEVELS.index(name), "") if order == "resources" else (int(name == "unknown"), name)


def cluster(codes: tuple[str, ...], scores: NDArray[np.float64]) -> Arrangement:
    """Like beside like, see metrics.clustering. scores: (languages, languages), symmetric."""
    tree, leaves = average_linkage(scores)
    return Arrangement(tuple(codes[leaf] for leaf in leaves), linkage=tree)


def pivot_scores(matrix: LanguageMatrix, pivot: str, layer: int | None = None) -> pd.DataFrame:
    """One row per language other than `pivot`: code, name, level, nas, nav, embedding, gain (NAS minus embedding),
    fertility (tokens per English token, or per token of the pivot without English) and unknown (share of tokens).

    Best NAS first; by embedding where layer 0 has no neurons, whose columns are then NaN.
    """
    row = matrix.codes.index(pivot)
    others = [number for number in range(len(matrix.codes)) if number != row]
    reference = ENGLISH if ENGLISH in matrix.codes else pivot
    known = [language(matrix.codes[number]) for number in others]
    columns: dict[State, NDArray[np.float64]] = {}
    for state in STATES:
        there = layer is None or layer in matrix.layers(state)
        columns[state] = matrix.score(state, layer)[row, others] if there else np.full(len(others), np.nan)
    frame = pd.DataFrame(
        {
            "code": [each.code for each in known],
            "name": [each.name for each in known],
            "level": [each.resource_level for each in known],
            **{str(state): column for state, column in columns.items()},
            "gain": columns["nas"] - columns["embedding"],
            "fertility": _tokens(matrix, others, lambda code: fertility(matrix.provenance, code, reference)),
            "unknown": _tokens(matrix, others, lambda code: unknown_share(matrix.provenance, code)),
        }
    )
    return frame.sort_values(["nas", "embedding", "name"], ascending=[False, False, True], ignore_index=True)


def _tokens(matrix: LanguageMatrix, rows: Sequence[int], of: Callable[[str], float | None]) -> NDArray[np.float64]:
    """NaN where the tokens were not counted."""
    return np.array([of(matrix.codes[row]) for row in rows], dtype=np.float64)


def level_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Head against long-tail: the mean of pivot_scores over the languages of a level, with its 95 percent interval.

    One row per level and measure (nas, nav, embedding, gain): level, measure, languages, mean, ci_low, ci_high. Languages
    are resampled; a level of fewer than 3 has no interval (NaN).
    """
    rows = []
    for level in LEVELS:
        members = scores[scores["level"] == level]
        for measure in (*STATES, "gain"):
            values = members[measure].to_numpy(dtype=np.float64)
            if not len(values) or np.isnan(values).any():
                continue
            low, high = bootstrap_interval(values) if len(values) >= FEWEST else (np.nan, np.nan)
            rows.append(
                {
                    "level": level,
                    "measure": measure,
                    "languages": len(values),
                    "mean": float(values.mean()),
                    "ci_low": float(low),
                    "ci_high": float(high),
                }
            )
    return pd.DataFrame(rows)
