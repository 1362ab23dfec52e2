"""The part of an answer that is already available: for the page that shows it, and for its choice of languages."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

from neuronxa_core.gallery import answers, parts
from neuronxa_core.gallery.parts import Part
from neuronxa_core.states import store
from neuronxa_core.study.analysis import Analysis
from pages.shared.precision import or_stop

Request = TypeVar("Request")


def part_here(request: Analysis[Any]) -> Part | None:
    """The part of the answer that is already available, looked up again as soon as anything has entered the cache."""
    kept: dict[Hashable, tuple[object, Part | None]] = st.session_state.setdefault("parts", {})
    if request not in kept or kept[request][0] != store.version():
        kept.pop(request, None)
        kept[request] = (store.version(), or_stop(lambda: parts.part(request)))
        for old in list(kept)[:-_MOST_PARTS]:
            del kept[old]
    return kept[request][1]


_MOST_PARTS = 8
"""Incomplete answers that a session keeps."""


def with_answers(ask: Callable[[tuple[str, ...]], Request]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """A function for languages.choose_languages: which of given languages have answers to the request `ask` makes."""
    return lambda codes: or_stop(lambda: parts.there(answers.settle(ask(codes))))
