"""The Leaderboard's stores: which one is shown, and how far its sweeps are."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import count, with_unit
from neuronxa_core.study.study import Study
from neuronxa_core.sweep import board as reader
from neuronxa_core.sweep.store import Store
from pages.shared import look
from pages.shared.study_link import is_shared

GALLERY = "Gallery"
_OTHER = "Other"
_STILL_RUNNING = 900  # seconds after its last result in which a sweep with tasks left counts as running


def rows_or_stop() -> tuple[Store | None, pd.DataFrame]:
    """The store, None for the gallery, and its rows; the page stops where it cannot be read."""
    which, where = st.columns([1, 2], vertical_alignment="bottom")
    address = named_store("Store", "board", [GALLERY], which, where)
    if address == GALLERY:
        return None, reader.gallery_rows()
    found = opened(address)
    if found is None:
        st.stop()
    return found


def named_store(label: str, key: str, first: Sequence[str], which: DeltaGenerator, where: DeltaGenerator) -> str:
    """One of `first`, or a store's name or address, chosen or typed; empty while nothing is typed.

    key: of both widgets. which, where: the containers of the choice and of what is typed.
    """
    offered = [*first, *reader.offered_stores(), *([] if is_shared() else [_OTHER])]
    chosen = str(which.selectbox(label, offered, key=f"{key}_store", bind="query-params"))
    if chosen != _OTHER:
        return chosen
    return str(
        where.text_input(
            "Folder or address",
            key=f"{key}_address",
            bind="query-params",
            placeholder="results, or s3://bucket/name",
            help="The store that `neuronxa sweep --store` writes to.",
        )
    )


def opened(address: str) -> tuple[Store, pd.DataFrame] | None:
    """The store of this name or address and its rows; None, and the page says why, where it cannot be read."""
    if not address:
        st.info("Type the folder or the address of a store of sweeps.", icon=":material/database:")
        return None
    try:
        store = Store(reader.store_address(address))
        return store, reader.store_rows(store)
    except NeuronXAError as error:
        told = f"The store {address} cannot be read at the moment. Try again later." if is_shared() else str(error)
        st.error(look.plain(told), icon=":material/error:")
        return None


def watch(url: str) -> None:
    """Shows how far the sweeps of a store are, and draws the page anew when results have come."""
    try:
        store = Store(url)
        now = reader.progress(store)
    except NeuronXAError:
        st.warning("The store cannot be read at the moment.", icon=":material/cloud_off:")
        return
    if st.session_state.setdefault("board_seen", (url, now.newest)) != (url, now.newest):
        st.session_state.board_seen = (url, now.newest)
        st.rerun()
    if now.left:
        ended = now.done + len(now.failures)
        st.progress(ended / now.planned, f"{ended:,} of {count(now.planned, 'task')} · {_last(now.newest)}")
    if now.failures and is_shared():  # the reasons name paths
        st.caption(f"{count(len(now.failures), 'task')} failed.")
    elif now.failures:
        with st.expander(f"{count(len(now.failures), 'task')} failed", icon=":material/report:"):
            studies = [Study(**failure.study) for failure in now.failures.values()]
            told = [f"{failure.problem} {failure.next_step}" for failure in now.failures.values()]
            look.table(
                pd.DataFrame(
                    {
                        "variant": [study.title for study in studies],
                        "source": [study.source for study in studies],
                        "reason": told,
                    }
                ),
                {"variant": Column("Model"), "reason": Column("Why")},
            )


def _last(newest: str) -> str:
    if not newest:
        return "no result yet"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(newest)).total_seconds()
    if seconds > _STILL_RUNNING:
        return "the last result is a while ago: start the sweep again to go on"
    return f"the last result came {with_unit(f'{seconds:.0f}', 's')} ago"
