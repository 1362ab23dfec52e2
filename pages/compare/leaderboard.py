"""Leaderboard: models by languages, from a store of sweeps or from the gallery."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.leaderboard import Board, Filters, board_of, ranking, texts_of
from neuronxa_core.corpora.languages import Language, language, script_name, search_terms
from neuronxa_core.figures import alignment
from neuronxa_core.figures import leaderboard as figures
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery import answers
from neuronxa_core.numbers import CONFIDENCE
from neuronxa_core.settings import settings
from neuronxa_core.states.sentences import State
from neuronxa_core.study.naming import corpus_name
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.sweep import board as reader
from neuronxa_core.sweep.store import Store
from pages.compare.leaderboard_moved import moved_view
from pages.compare.leaderboard_store import rows_or_stop, watch
from pages.shared import glossary, look, picker
from pages.shared.clicks import clicked
from pages.shared.study_link import is_shared

_EXPLORE = Path(__file__).parent.parent / "explore"
_SECONDS = 5  # between two looks at a store whose sweep runs
_ORDERS = {"score": "By mean score", "name": "By name", "family": "By family", "region": "By region"}
_COLUMNS = {
    "rank": Column("Rank", "%d", "By the mean of the chosen score over the languages that all models have"),
    "rank_low": Column("Rank, from", "%d", f"Best rank in {CONFIDENCE} of the resampled sets of languages"),
    "rank_high": Column("Rank, to", "%d", f"Worst rank in {CONFIDENCE} of the resampled sets of languages"),
    "variant": Column("Model"),
    "nasca": Column("NASCA", "%.2f", "Mean over layers, then over languages"),
    "navca": Column("NAVCA", "%.2f", "Mean over layers, then over languages"),
    "mexa": Column("MEXA", "%.2f", "Mean over layers, then over languages"),
    "head": Column("Head", "%.2f", "Mean of the chosen score over the head languages, those XLM-R was trained on"),
    "long_tail": Column("Long-tail", "%.2f", "Mean of the chosen score over all other languages"),
    "languages": Column("Languages", "%d", "That have a result"),
}


def leaderboard_page() -> None:
    store, rows = rows_or_stop()
    if store:
        runs = reader.progress(store).left > 0
        st.fragment(watch, run_every=_SECONDS if runs else None)(store.url)
    if rows.empty:
        st.info("This store has no results yet.", icon=":material/hourglass_empty:")
        return
    _view(store, rows)


def _view(store: Store | None, rows: pd.DataFrame) -> None:
    """Draws the board of one text. Its controls change only the view."""
    if opened := st.session_state.pop("board_open", None):
        _open(rows, *opened)
    texts = texts_of(rows)
    what, how, which = st.columns([1.2, 1, 2], vertical_alignment="bottom")
    state = look.state_control(SCORE_NAMES, "board_state", what)
    order = how.selectbox("Order of the languages", _ORDERS, format_func=look.named(_ORDERS), key="board_order")
    text = texts[0]
    if len(texts) > 1:
        text = which.selectbox("Sentences", texts, format_func=_text_name, key="board_text")
    board = _filtered(board_of(rows, text))
    if board.rows.empty:
        st.info("No result fits these filters.", icon=":material/filter_alt_off:")
        return
    table = ranking(board, state)
    codes = _ordered(board, state, order)
    exportable = figures.exportable_board(board, list(table["variant"]), codes, state)
    finding = look.plain(figures.board_finding(table, board, state))
    look.picture(exportable, "board_map", finding, on_select=_clicked, selection_mode="points")
    _table(board, table, state)
    _pair(rows, board)
    moved_view(store, board, state)


def _text_name(text: tuple[str, str, int, int, str]) -> str:
    corpus, target, pairs, sample, left_out = text
    more = (f", sample {sample}" if sample else "") + (f", without {left_out}" if left_out else "")
    return f"{corpus_name(corpus)}, against {language(target).name}, {pairs} pairs{more}"


def _filtered(board: Board) -> Board:
    """The board of the languages and models that the filters keep."""
    codes = sorted(set(board.rows["source"]))
    known = [language(code) for code in codes]
    with st.expander("Filter", icon=":material/filter_alt:"):
        filters = Filters(*(_chosen(column, known, name) for column, name in zip(st.columns(4), _FILTERS, strict=True)))
        searched, chosen = st.columns(2)
        words = searched.text_input("Search", key="board_search", placeholder="a language or a model").lower().split()
        titles = figures.titles(board)
        models = chosen.multiselect(
            "Models", list(titles), key="board_models", placeholder="all", format_func=look.named(titles)
        )
    codes = filters.matching(codes)
    names = models or list(board.studies)
    for word in words:
        found = [code for code in codes if word in search_terms(code).lower()]
        if found:
            codes = found
        else:
            names = [name for name in names if word in f"{name} {titles[name]}".lower()]
    return board.only(codes, names)


_FILTERS = {"family": "Family", "script": "Script", "resource_level": "Resources", "region": "Region"}


def _chosen(column: Any, known: Iterable[Language], name: str) -> Sequence[str]:
    """What is chosen of one property of the languages, such as their families."""
    values = sorted({str(getattr(each, name)) for each in known})
    shown = script_name if name == "script" else str
    return list(column.multiselect(_FILTERS[name], values, key=f"board_{name}", format_func=shown, placeholder="all"))


def _ordered(board: Board, state: State, order: str) -> list[str]:
    scores = board.scores(state)
    codes = sorted(scores.columns, key=lambda code: language(code).name)
    if order in ("family", "region"):
        return sorted(codes, key=lambda code: str(getattr(language(code), order)))
    if order == "score":
        means = scores.mean()
        return sorted(codes, key=lambda code: -means[code])
    return codes


def _clicked() -> None:
    if cell := clicked("board_map"):
        st.session_state.board_open = tuple(cell[:2])


def _table(board: Board, table: pd.DataFrame, state: State) -> None:
    """Draws the ranking; a selected row opens the model."""
    name = SUMMARY_NAMES[state]
    usual = ["rank", "rank_low", "rank_high", "variant", name, f"{name}_low", f"{name}_high"]
    usual += ["head", "long_tail", "languages"]
    with st.popover("Columns", icon=":material/view_column:"):
        columns = st.multiselect(
            "Columns", list(table.columns), default=usual, format_func=_title, key=f"board_columns_{state}"
        )

    def chosen() -> None:
        selected = st.session_state.board_table.selection.rows
        if selected:
            st.session_state.board_open = (table["variant"][selected[0]], "")

    st.caption(
        "Ranks and means are over the languages that all models have; intervals resample these languages. Click a cell "
        "for its pair, or select a row to open the model."
    )
    shown = table.assign(variant=table["variant"].map(figures.titles(board)))
    look.table(shown[columns or usual], _COLUMNS, key="board_table", on_select=chosen, selection_mode="single-row")
    stem = f"leaderboard.{state}"
    look.table_downloads(table, stem, "board_ranking", "Ranking")
    wide = ["variant", *board.rows.columns]
    told = [column for column in wide if column in _EXPORTED]
    look.table_downloads(lambda: board.named[told], f"{stem}.languages", "board_cells", "Every language")


_EXPORTED = (
    "variant",
    "source",
    "target",
    "pairs",
    *(f"{name}{end}" for name in SUMMARY_NAMES.values() for end in ("", "_low", "_high")),
)


def _title(column: str) -> str:
    stem, _, end = column.rpartition("_")
    if column in _COLUMNS:
        return _COLUMNS[column].title
    return f"{SCORE_NAMES[_STATE_OF[stem]]}, {'from' if end == 'low' else 'to'}"


_STATE_OF: dict[str, State] = {name: state for state, name in SUMMARY_NAMES.items()}


def _open(rows: pd.DataFrame, variant: str, code: str) -> None:
    """Opens the model's page or the pair's; a pair whose result only the store has is drawn below instead."""
    board = next(board for text in texts_of(rows) if variant in (board := board_of(rows, text)).studies)
    study = board.studies[variant] if not code else board.study(variant, code)
    if is_shared() and study.model not in settings().models:
        st.session_state.board_pair = (variant, code) if code else None
        return
    if code and not answers.at_hand(study):
        st.session_state.board_pair = (variant, code)
        return
    picker.open_study(_EXPLORE / ("alignment.py" if code else "asymmetry.py"), study)


def _pair(rows: pd.DataFrame, board: Board) -> None:
    """Draws the curves of the cell that was clicked, from the store."""
    variant, code = st.session_state.get("board_pair") or ("", "")
    if not code or code not in set(board.rows["source"]) or variant not in board.studies:
        return
    result = reader.result_in(rows, board.study(variant, code))
    if result is None:
        return
    st.header(f"{look.plain(figures.titles(board)[variant])}: {language(code).name}")
    look.picture(
        alignment.exportable_curves(result), "board_pair_curves", look.plain(alignment.alignment_finding(result))
    )


st.title("Leaderboard")
st.html("<p class='nx-question'>Which models align which languages, and how sure is the order?</p>")

leaderboard_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("leaderboard"))
