"""The languages of the stage's digits: which studies they open, and what of a figure changes with the language."""

from collections.abc import Sequence
from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.stage import places_of
from neuronxa_core.gallery.answers import at_hand
from neuronxa_core.gallery.read import LAYERED
from neuronxa_core.study.study import Study

DIGITS = 9
_LOOKED_AT = 64
"""Languages of a corpus that are asked for an answer, to find those for the digits."""


def shows_pair(exportable: ExportableFigure) -> bool:
    """Whether the figure is about the study's own pair of languages."""
    study: Study | None = st.session_state.study
    return study is not None and f"{study.source} → {study.target}" in exportable.source


def chosen(exportable: ExportableFigure) -> str:
    """The language that a digit has chosen, where the figure is about many; else empty."""
    study: Study | None = st.session_state.study
    return study.source if study and not shows_pair(exportable) and st.session_state.get("stage_chosen") else ""


def tell_apart(exportable: ExportableFigure, figure: go.Figure) -> bool:
    """Whether another source changes the figure: its pair, or the row or column that is framed."""
    return shows_pair(exportable) or any(places_of(figure, study.source) for study in studies(st.session_state.study))


def studies(study: Study | None) -> Sequence[Study]:
    """The studies that the digits open: the corpus's languages that have an answer, in a stable order."""
    if study is None:
        return ()
    asked = replace(study, source=_other(study))
    kept: tuple[Study, tuple[str, ...]] | None = st.session_state.get("stage_languages")
    if kept is None or kept[0] != asked:
        kept = st.session_state.stage_languages = (asked, _languages(study))
    return [replace(study, source=code) for code in kept[1]]


def _other(study: Study) -> str:
    """Any language but the target, so that studies that differ only in their source are equal."""
    return next(code for code in ("eng_Latn", "deu_Latn") if code != study.target)


def _languages(study: Study) -> tuple[str, ...]:
    try:
        beside = open_corpus(study.corpus).beside(study.target)
    except NeuronXAError:
        return (study.source,)
    offered = list(dict.fromkeys((*(code for code in LAYERED if code in beside), *beside)))[:_LOOKED_AT]
    found = [study.source]
    for code in offered:
        if len(found) < DIGITS and code not in found and at_hand(replace(study, source=code)):
            found.append(code)
    return tuple(found)
