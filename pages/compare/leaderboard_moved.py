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
from neuronxa_core.sweep.diff import largest_first, moved, moved_between
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


def moved_view(rows: pd.DataFrame, board: Board, state: State) -> None:
    """Draws the choice of what to compare with, then what moved beyond its interval.

    rows: all of the store; board: what the page shows of it, which bounds the comparison.
    """
    with st.expander("Compare with another store, or two models or revisions", icon=":material/compare_arrows:"):
        which, where = st.columns([1, 2], vertical_alignment="bottom")
        first = [_NOTHING, *([_WITHIN] if len(board.studies) > 1 else []), GALLERY]
        chosen = named_store("Compare with", "moved", first, which, where)
        if chosen == _NOTHING:
            st.caption("Shows which scores moved beyond their interval, such as after a change of a model or a corpus.")
            return
        if chosen == _WITHIN:
            table, what = _between(board)
        else:
            table, what = _with_store(board, chosen)
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


def _with_store(board: Board, chosen: str) -> tuple[pd.DataFrame | None, str]:
    if chosen == GALLERY:
        rows = reader.gallery_rows()
    else:
        found = opened(chosen)
        if found is None:
            return None, ""
        rows = found[1]
    return moved(board.rows, rows), f"this store to {chosen.rstrip('/').rpartition('/')[2]}"


def _draw(table: pd.DataFrame, state: State, what: str) -> None:
    finding = look.plain(figures.moved_finding(table, state))
    look.picture(figures.exportable_moved(table, state, what), "moved_map", finding)
    shown = largest_first(table[table["measure"] == SUMMARY_NAMES[state]])
    if len(shown):
        look.table(shown[_SHOWN], _COLUMNS, key="moved_table")
    look.table_downloads(table, "differences", "moved_rows", "Every difference")
