"""The Leaderboard's comparison: what moved from one store to another, or between two models or revisions of it."""

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.leaderboard import Board
from neuronxa_core.figures import leaderboard as names
from neuronxa_core.figures import moved as figures
from neuronxa_core.figures.tables import Column
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.sweep import board as reader
from neuronxa_core.sweep.diff import largest_first, moved_between
from neuronxa_core.sweep.store import Store
from pages.compare.leaderboard_store import GALLERY, named_store, opened
from pages.shared import look

_NOTHING, _WITHIN = "Nothing", "Another model or revision here"
_COLUMNS = {
    "model": Column("Model"),
    "before": Column("Before", "%.2f"),
    "after": Column("After", "%.2f"),
    "difference": Column("Difference", "%+.2f", "After minus before, mean over layers"),
}
_SHOWN = ["model", "source", "before", "after", "difference", "ci_low", "ci_high"]


def moved_view(store: Store | None, board: Board, state: State) -> None:
    """Draws the choice of what to compare with, then what moved beyond its interval.

    store: None is the gallery; board: what the page shows of it, which bounds the comparison.
    """
    linked = "moved_store" in st.query_params
    with st.expander(
        "Compare with another store, or two models or revisions", linked, icon=":material/compare_arrows:"
    ):
        which, where = st.columns([1, 2], vertical_alignment="bottom")
        first = [_NOTHING, *([_WITHIN] if len(board.studies) > 1 else []), *([GALLERY] if store else [])]
        chosen = named_store("Compare with", "moved", first, which, where)
        if chosen == _NOTHING:
            st.caption("Shows which scores moved beyond their interval, such as after a change of a model or a corpus.")
            return
        if chosen == _WITHIN:
            table, what = _between(board)
        else:
            table, what = _with_store(store, board, chosen)
        if table is None:
            return
        if table.empty:
            st.info("They have no result in common on the languages shown.", icon=":material/join_inner:")
            return
        _draw(table, state, what)


def _between(board: Board) -> tuple[pd.DataFrame | None, str]:
    titles = names.titles(board)
    earlier, later = st.columns(2)
    options, named = list(titles), look.named(titles)
    before = earlier.selectbox("Before", options, key="moved_before", format_func=named)
    after = later.selectbox("After", options, index=1, key="moved_after", format_func=named)
    sides = (board.named[board.named["variant"] == each] for each in (before, after))
    return moved_between(*sides), f"{titles[before]} to {titles[after]}"


def _with_store(store: Store | None, board: Board, chosen: str) -> tuple[pd.DataFrame | None, str]:
    found = None if chosen == GALLERY else opened(chosen)
    if found is None and chosen != GALLERY:
        return None, ""
    table = reader.what_moved(store, found[0] if found else None, board.rows)
    return table, f"this store to {chosen.rstrip('/').rpartition('/')[2]}"


def _draw(table: pd.DataFrame, state: State, what: str) -> None:
    finding = look.plain(figures.moved_finding(table, state))
    look.picture(figures.exportable_moved(table, state, what), "moved_map", finding)
    shown = largest_first(table[table["measure"] == SUMMARY_NAMES[state]])
    if len(shown):
        columns = _SHOWN if shown["model"].nunique() > 1 else _SHOWN[1:]
        look.table(shown[columns], _COLUMNS, key="moved_table")
    look.table_downloads(table, "differences", "moved_rows", "Every difference")
