"""Keeps everything on a page in one precision, and offers the device's own where it differs."""

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
    """The variants of a comparison in one precision, see gallery.precision.settled_variants."""
    return or_stop(lambda: settled_variants(variants, stored, at_hand))


def or_stop(find: Callable[[], _Settled]) -> _Settled:
    """The result of `find`; a NeuronXAError is shown as one sentence and stops the page."""
    try:
        return find()
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.stop()


def offer_the_other(asked: str, shown: str, choose: Callable[[str], None]) -> None:
    """If `auto` was requested but the page shows another precision than this device's, says so and offers that one.

    choose: called with the dtype if the viewer accepts.
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
    """The dtype that `auto` means on this device; empty if the device is not available, which a run will report."""
    try:
        return resolve_dtype("auto", resolve_device("auto"))
    except NeuronXAError:
        return ""


def ask_in(dtype: str) -> None:
    """Sets the dtype in the picker, and so in the link, from the next rerun on."""
    st.session_state.study_next = replace(st.session_state.study, dtype=dtype)
