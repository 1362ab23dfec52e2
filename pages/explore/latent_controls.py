"""The controls of the Latent language page: languages, task, words and prompt, which together are the request."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from neuronxa_core.analyses.latent_language import MOST_SHOTS, LatentLanguage
from neuronxa_core.analyses.latent_prompts import ROLES, TASKS, TEMPLATES, Task
from neuronxa_core.corpora.languages import ENGLISH, language, search_terms
from neuronxa_core.corpora.uploads import PREFIX, uploads
from neuronxa_core.corpora.words import BUNDLED, WordList, open_words
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.study.study import Study
from pages.shared import bound, link, look
from pages.shared.study_link import is_shared

_USUAL = ("fra_Latn", "deu_Latn", "spa_Latn")


def latent_request(study: Study) -> LatentLanguage:
    """The request that the controls describe. Stops the page with one sentence if they contradict each other."""
    _follow(study)
    one, two, three, four = st.columns([1, 1, 1, 0.8], vertical_alignment="bottom")
    with four, st.popover("Prompt and words", icon=":material/tune:", width="stretch"):
        asked = _prompt_controls()
    words = _opened(asked["words"])
    codes = sorted(words.words, key=lambda code: language(code).name)
    if len(codes) < len(ROLES):
        st.error(f"{look.plain(words.name)} has only two languages. Add a third: one is from, one to, one the pivot.")
        st.stop()
    pivot = _language(three, "Pivot", codes, ENGLISH, "lat_pivot", "The language to watch besides source and target.")
    source = _language(one, "From", codes, _first(codes, (study.source, study.target, *_USUAL), (pivot,)), "lat_source")
    usual = _first(codes, (study.target, study.source, *_USUAL), (pivot, source))
    target = _language(two, "To", codes, usual, "lat_target")
    try:
        return LatentLanguage(replace(study, source=source, target=target), pivot, **asked)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/info:")
        link.stop()


def _follow(study: Study) -> None:
    """Adopts the sidebar's pair when it changes; until then, the choice of the link or the viewer stays."""
    pair = study.source, study.target
    if st.session_state.setdefault("lat_pair", pair) != pair:
        st.session_state.lat_pair = pair
        for key in ("lat_source", "lat_target"):
            st.session_state.pop(key, None)
            st.query_params.pop(key, None)


def _prompt_controls() -> dict[str, Any]:
    """The task, number of shots, word list, seed and template."""
    task: Task = bound.one_of(
        "Task",
        {task: task.capitalize() for task in TASKS},
        "lat_task",
        help="Translation: the word in the source, then in the target. Repetition: the target's word twice. Cloze: a "
        "definition with a gap, for word lists that have definitions.",
    )
    shots = st.slider("Examples before the question", 0, min(8, MOST_SHOTS), 4, key="lat_shots", bind="query-params")
    seed = st.number_input(
        "Seed of the examples", 0, 9999, 0, key="lat_seed", bind="query-params", help="Others give other examples."
    )
    kept = st.session_state.get("my_uploads", []) if is_shared() else uploads()
    named = st.session_state.get("lat_words") or st.query_params.get("lat_words") or BUNDLED
    words = st.selectbox(
        "Word list",
        list(dict.fromkeys((BUNDLED, *kept, named))),
        key="lat_words",
        bind="query-params",
        format_func=lambda name: name.removeprefix(PREFIX),
        accept_new_options=not is_shared(),
        help="The bundled list, a table that you uploaded on the Data page, or the path of a TSV or CSV file with a "
        "column per language.",
    )
    template = st.text_input(
        "Line of the prompt",
        key="lat_template",
        bind="query-params",
        placeholder=TEMPLATES[task],
        help="`{source}` and `{target}` are the languages' own names, `{word}` the source's word, `{answer}` the "
        "target's. The question is this line up to its last `{answer}`.",
    )
    return {"task": task, "shots": int(shots), "words": words, "seed": int(seed), "template": template}


def _opened(name: str) -> WordList:
    try:
        return open_words(name)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        link.stop()


def _first(codes: Sequence[str], wanted: Sequence[str], taken: Sequence[str]) -> str:
    """The first preferred language that the list has and that is not taken, else any other."""
    return next((code for code in (*wanted, *codes) if code in codes and code not in taken), codes[0])


def _language(box: Any, label: str, codes: Sequence[str], usual: str, key: str, help: str | None = None) -> str:
    """The chosen language, which is in the link as `key`. usual: what the link leaves out."""
    st.session_state[f"{key}_default"] = usual if usual in codes else codes[0]  # another one replaces no choice
    bound.adopt(key, codes, st.session_state[f"{key}_default"], bound.code_of)
    chosen: str = box.selectbox(label, codes, format_func=search_terms, key=key, help=help)
    bound.write(key)
    return chosen
