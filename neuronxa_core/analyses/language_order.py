"""Orders of languages in a matrix, and summaries for head and long-tail languages."""

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
"""Minimum number of languages in a group for a bootstrap interval."""


@dataclass(frozen=True)
class Arrangement:
    """Languages in order.

    groups: consecutive groups as (name, size), empty if nothing is grouped.
    linkage: SciPy's linkage of the languages in the order of the matrix, if they are clustered.
    """

    codes: tuple[str, ...]
    groups: tuple[tuple[str, int], ...] = ()
    linkage: NDArray[np.float64] | None = None


def arrange(
    matrix: LanguageMatrix, order: LanguageOrder, state: State = "nas", layer: int | None = None
) -> Arrangement:
    """The languages of a matrix by family, script, resource level (head first) or name, or clustered by score."""
    if order == "similarity":
        return cluster(matrix.codes, matrix.score(state, layer))
    codes = sorted(matrix.codes, key=lambda code: (*_rank(language(code), order), language(code).name, code))
    if order == "name":
        return Arrangement(tuple(codes))
    names = [group_name(language(code), order) for code in codes]
    return Arrangement(tuple(codes), tuple((name, len(list(members))) for name, members in groupby(names)))


def group_name(known: Language, order: LanguageOrder) -> str:
    """Name of the group that a language belongs to in this order."""
    if order == "family":
        return known.family
    return known.script or "unknown" if order == "script" else known.resource_level


def _rank(known: Language, order: LanguageOrder) -> tuple[int, str]:
    """Sort key of a language's group: groups by name, unknown last; resource levels head first."""
    name = group_name(known, order)
    return (LEVELS.index(name), "") if order == "resources" else (int(name == "unknown"), name)


def cluster(codes: tuple[str, ...], scores: NDArray[np.float64]) -> Arrangement:
    """Similar languages next to each other, see metrics.clustering. scores: (languages, languages), symmetric."""
    tree, leaves = average_linkage(scores)
    return Arrangement(tuple(codes[leaf] for leaf in leaves), linkage=tree)


def pivot_scores(matrix: LanguageMatrix, pivot: str, layer: int | None = None) -> pd.DataFrame:
    """One row per language other than `pivot`: code, name, level, nas, nav, embedding, gain, fertility, unknown.

    gain: NAS minus embedding. fertility: tokens per English token, or per token of the pivot if English is missing.
    unknown: share of tokens. Sorted by NAS, best first; at layer 0, where neuron columns are NaN, by embedding.
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
    """A value per row from the token counts; NaN where tokens were not counted."""
    return np.array([of(matrix.codes[row]) for row in rows], dtype=np.float64)


def level_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per resource level and measure: level, measure, languages, mean, ci_low, ci_high.

    Means of pivot_scores (nas, nav, embedding, gain) over the languages of a level. The 95 percent interval resamples
    languages; it is NaN for fewer than 3.
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
