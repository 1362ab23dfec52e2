"""The choice of languages on a page that shows many."""

from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import search_terms
from neuronxa_core.study.study import Study
from pages.shared import bound

MOST_LANGUAGES = 32
"""Languages in one picture."""
MOST_IN_MATRIX = 224
"""Languages in the matrix of all pairs, which are at least those of FLORES."""
FEW_LANGUAGES = 4
"""A corpus of no more than these is shown in full from the start."""


def choose_languages(
    study: Study,
    key: str,
    first: Sequence[str],
    without: str = "",
    answered: Callable[[tuple[str, ...]], Iterable[str]] = tuple,
    most: int = MOST_LANGUAGES,
) -> tuple[str, ...]:
    """Those of the corpus's languages that the viewer chose; before that `first` and those that have answers.

    answered: which of given languages have answers already, see part.with_answers. most: how many can be chosen.
    """
    corpus = open_corpus(study.corpus)
    languages = tuple(code for code in (corpus.beside(without) if without else corpus.languages) if code != without)
    start = _start(study, key, languages, [code for code in first if code in languages], answered, most)
    bound.adopt(key, languages, start, bound.code_of)
    with st.popover("Choose languages", icon=":material/translate:"):
        chosen = st.multiselect(
            f"Languages ({most} at most)",
            languages,
            key=key,
            format_func=search_terms,
            max_selections=most,
            help="The model reads the sentences of each language once. Only languages without an answer cost time.",
        )
        if len(chosen) < min(len(languages), most):
            st.button(
                f"All {len(languages)} languages" if len(languages) <= most else f"{most} languages",
                icon=":material/select_all:",
                key=f"{key}_all",
                on_click=_choose,
                args=(key, list(dict.fromkeys((*chosen, *languages)))[:most]),
            )
    bound.write(key)
    return tuple(code for code in languages if code in chosen)


def _choose(key: str, codes: list[str]) -> None:
    st.session_state[key] = codes


def _start(
    study: Study,
    key: str,
    languages: tuple[str, ...],
    ours: Sequence[str],
    answered: Callable[[tuple[str, ...]], Iterable[str]],
    most: int,
) -> list[str]:
    """The initial choice, made once per study: the study's own languages and those that have answers.

    For a corpus of few languages, all. It replaces an earlier study's initial choice, but not the viewer's.
    """
    started: dict[str, tuple[object, list[str]]] = st.session_state.setdefault("started", {})
    asked = (study, languages)
    if key not in started or started[key][0] != asked:
        there = languages if len(languages) <= FEW_LANGUAGES else answered(languages[: 2 * most])
        chosen = list(dict.fromkeys((*ours, *there)))[:most]
        before = started[key][1] if key in started else None
        started[key] = (asked, [code for code in languages if code in chosen])
        if before is not None and set(st.session_state.get(key, ())) == set(before):
            del st.session_state[key]
    return started[key][1]
