"""One precision for all that a page shows: settled above everything else, and the other one offered beside it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import streamlit as st

from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.precision import Lookup, settled_variants
from neuronxa_core.models.hardware import resolve_device, resolve_dtype
from neuronxa_core.study.study import Study
from pages.shared import look

_Settled = TypeVar("_Settled")


def variants_in_one_precision(variants: Sequence[Study], stored: Lookup, at_hand: Lookup) -> list[Study]:
    """Studies side by side in one precision, once for all that a page shows, see gallery.precision.settled_variants."""
    return or_stop(lambda: settled_variants(variants, stored, at_hand))


def or_stop(find: Callable[[], _Settled]) -> _Settled:
    """What `find` gives; what a user can mend ends the page in one sentence."""
    try:
        return find()
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.stop()


def offer_the_other(asked: str, shown: str, choose: Callable[[str], None]) -> None:
    """Where `auto` was asked and the page shows another precision than this device's: says so and offers that one.

    choose: is called with the dtype when the offer is taken.
    """
    here = _of_this_device()
    if asked != "auto" or here in ("", shown):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="other_precision"):
        st.caption(f"This page shows results in {shown}; `auto` on this machine is {here}.", width="content")
        st.button(
            f"Compute in {here}",
            key="compute_in",
            icon=":material/swap_horiz:",
            type="tertiary",
            on_click=choose,
            args=(here,),
        )


def _of_this_device() -> str:
    """What `auto` is here; empty where the device that is set is not here, which a run will say."""
    try:
        return resolve_dtype("auto", resolve_device("auto"))
    except NeuronXAError:
        return ""


def ask_in(dtype: str) -> None:
    """Another dtype in the picker, and so in the link, from the next drawing on."""
    st.session_state.study_next = replace(st.session_state.study, dtype=dtype)
