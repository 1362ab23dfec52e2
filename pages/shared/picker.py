"""The study picker in the sidebar. The URL always describes the study that it shows."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import streamlit as st

from neuronxa_core.corpora.catalogue import BUNDLED, Corpus, open_corpus
from neuronxa_core.corpora.configured import configured
from neuronxa_core.corpora.hub_texts import HUB_NAMES, hub_title, is_hub_text
from neuronxa_core.corpora.languages import ENGLISH, language, search_terms
from neuronxa_core.corpora.selection import LEAVE_OUT
from neuronxa_core.corpora.uploads import PREFIX as UPLOAD
from neuronxa_core.corpora.uploads import uploads
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.models import stored_models
from neuronxa_core.interface import tr
from neuronxa_core.models import demo
from neuronxa_core.models.curated import CURATED, CuratedModel, curated
from neuronxa_core.models.hardware import has_bitsandbytes
from neuronxa_core.models.hub_cache import in_local_cache
from neuronxa_core.models.locate import is_hub_id
from neuronxa_core.numbers import with_unit
from neuronxa_core.settings import settings
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.study import CHOICES, Study
from pages.shared import look
from pages.shared.link_names import labels
from pages.shared.study_link import (
    DEFAULT,
    TYPED,
    default_study,
    is_shared,
    study_from_url,
    study_query,
    write_url,
)

_HELP_VALUES = {
    "demo": f"{demo.TITLE}, under the [{demo.LICENCE}]({demo.LICENCE_URL})",
    "kinds": ", ".join(f"`{kind}`" for kind in LEAVE_OUT),
}
_DEMO_ON_THE_HUB = "google/gemma-3-270m"
_BOX_WIDTH = 26
"""Characters of a name that fit in the box."""


def study_picker() -> None:
    """Draws the picker; stores its study in `st.session_state.study`, or an error message in `study_problem`."""
    state = st.session_state
    if "study_model" not in state:
        _adopt(study_from_url())
    if study := state.pop("study_next", None):
        _adopt(study)
    _keep()
    study_title = tr("Study")
    with st.sidebar:
        st.html(f"<p class='nx-section'>{study_title}</p>")  # no heading: the page's own comes first
        _model()
        _choice("corpus", tr("Corpus"), offered_corpora(), new=not is_shared())
        try:
            corpus = open_corpus(state.study_corpus)
        except NeuronXAError as problem:
            state.study, state.study_problem = None, str(problem)
            return _way_back()
        state.study_opened, state.study_instead = state.study_corpus, []
        _languages(corpus)
        with st.expander(tr("More"), expanded=False):
            _more()
    try:
        state.study, state.study_problem = Study(**{name: state[f"study_{name}"] for name in asdict(DEFAULT)}), ""
    except NeuronXAError as problem:
        state.study, state.study_problem = None, str(problem)
        return
    if state.study_instead:
        state.study_notes = (state.study, tuple(state.study_instead))
    write_url(state.study)


def _way_back() -> None:
    """Draws the unchanged languages and a button back to the last corpus that opened."""
    state = st.session_state
    opened, usual = state.get("study_opened"), default_study().corpus
    before = usual if opened in (None, state.study_corpus) else opened
    st.button(
        tr("Back to {corpus}", corpus=corpus_name(before)),
        icon=":material/undo:",
        on_click=lambda: state.__setitem__("study_corpus", before),
        key="study_back",
        width="stretch",
    )
    for name in ("source", "target"):
        label = tr("Source language") if name == "source" else tr("Target language")
        _choice(name, label, (state[f"study_{name}"],), disabled=True)


def open_study(page: Path, study: Study) -> None:
    """Opens a page with a study other than the one in the sidebar."""
    st.session_state.study_next = study
    st.switch_page(page, query_params=study_query(study))  # without, a parameter bound to a widget is an error


def offered_models() -> tuple[str, ...]:
    """The models on offer: a shared dashboard's, or the demo, the gallery's, those here, and the curated ones."""
    if is_shared():
        return settings().models
    others = (*stored_models(), *_on_this_machine(), *(model.id for model in CURATED))
    return (demo.NAME, *dict.fromkeys(others))


def _on_this_machine() -> tuple[str, ...]:
    return () if is_shared() else tuple(model.id for model in in_local_cache() if not model.revision)


def _model() -> None:
    here, offered = _on_this_machine(), offered_models()

    def label(model: str) -> str:
        known = curated(model)
        stored = stored_models().get(model)
        named = known.title if known else stored.title if stored else model_name(model)
        name = f"demo · {demo.TITLE}" if model == demo.NAME else named
        return f"{'✓ ' if model in here else ''}{name}{f' · {_gigabytes(known)}' if known else ''}"

    chosen = st.session_state.study_model
    st.selectbox(
        tr("Model"),
        list(dict.fromkeys(offered if chosen in offered else (chosen, *offered))),
        key="study_model",
        format_func=label,
        accept_new_options=not is_shared(),
        on_change=_start_anew,
        help=help_on("model"),
    )
    _model_caption(st.session_state.study_model, st.session_state.study_model in here)


def _model_caption(model: str, here: bool) -> None:
    known = curated(_DEMO_ON_THE_HUB if model == demo.NAME else model)
    if known:
        size = f"{known.billions:g} billion parameters, {_gigabytes(known)} in bfloat16 · {known.languages}"
        terms = " · gated: accept its terms and set HF_TOKEN" if known.gated and not here and not is_shared() else ""
        licence = f"[{demo.LICENCE}]({demo.LICENCE_URL})" if model == demo.NAME else f"{known.licence}{terms}"
        st.caption(f"{'' if model == demo.NAME else f'`{known.id}` · '}{size} · {licence}")
    elif stored := stored_models().get(model):
        st.caption(look.plain(f"{stored.title} · computed from {stored.weights}"))
    elif len(model) > _BOX_WIDTH and not is_shared():
        st.caption(f"`{model.replace('`', '')}`")


def _gigabytes(model: CuratedModel) -> str:
    return with_unit(f"{model.memory_bytes / 1e9:.{int(model.memory_bytes < 1e10)}f}", "GB")


def _start_anew() -> None:
    """Resets pooling to the new model's default and clears revision, adapter and neurons."""
    state = st.session_state
    state.study_pooling = "position" if state.study_model == demo.NAME else "auto"
    for name in TYPED:
        state[f"study_{name}"] = ""


def _more() -> None:
    state = st.session_state
    if state.study_model == demo.NAME and state.study_pooling == "auto":
        state.study_pooling = "position"
    for name, values in CHOICES.items():
        offered = [value for value in values if value not in ("8bit", "4bit") or has_bitsandbytes()]
        if name == "pooling" and state.study_model == demo.NAME:
            offered.remove("auto")
        _choice(name, _fields()[name], offered)
    if not is_shared():
        for name in TYPED if is_hub_id(state.study_model) else TYPED[1:]:
            st.text_input(_fields()[name], key=f"study_{name}", help=help_on(name))
    st.number_input(tr("Sample"), min_value=0, max_value=10**9, step=1, key="study_sample", help=help_on("sample"))
    st.text_input(tr("Leave out"), key="study_leave_out", help=help_on("leave_out"))


def _fields() -> dict[str, str]:
    """The labels of the fields that are folded."""
    chosen = {"site": tr("Site"), "pooling": tr("Pooling"), "dtype": tr("Precision (dtype)")}
    return chosen | {"revision": tr("Revision"), "adapter": tr("Adapter"), "neurons": tr("Neurons")}


def _languages(corpus: Corpus) -> None:
    state, called = st.session_state, look.plain(corpus_name(corpus.name))
    for name, fallback in (("source", 0), ("target", -1)):
        if state[f"study_{name}"] not in corpus.languages:
            taken = state["study_source" if name == "target" else "study_target"]
            english = [code for code in (ENGLISH,) if name == "target" and code in corpus.languages]
            free = [code for code in (*english, *corpus.languages) if code != taken]
            chosen = free[0 if english else fallback]
            _say_instead(f"{called} has no {_name(state[f'study_{name}'])}; using {_name(chosen)} instead.")
            state[f"study_{name}"] = chosen
    beside = corpus.beside(state.study_source) if corpus.pairwise else corpus.languages
    if state.study_target not in beside:
        chosen = ENGLISH if ENGLISH in beside else beside[0]
        both = f"{_name(state.study_source)} and {_name(state.study_target)}"
        _say_instead(f"{called} has no sentence pairs of {both}; using {_name(chosen)} as target instead.")
        state.study_target = chosen
    _choice("source", tr("Source language"), corpus.languages)
    _choice("target", tr("Target language"), beside)
    swap, pairs = st.columns([1, 1], vertical_alignment="bottom")
    told = tr("Swap source and target")
    swap.button(tr("Swap"), icon=":material/swap_vert:", on_click=_swap, width="stretch", help=told)
    most = _most_pairs(corpus)
    if state.study_pairs > most:
        left = " left" if state.study_leave_out else ""
        _say(f"{called} has {most} pairs{left}; using {most} instead of {state.study_pairs}.")
        state.study_pairs = most
    pairs.number_input(tr("Pairs"), min_value=2, max_value=most, step=10, key="study_pairs", help=help_on("pairs"))


def _say(message: str) -> None:
    st.toast(message, icon=":material/info:")


def _say_instead(message: str) -> None:
    """Says in a toast, and on the page for as long as it holds, what replaced a language that the corpus lacks."""
    _say(message)
    st.session_state.study_instead.append(message)


def _name(code: str) -> str:
    return look.plain(language(code).name)


def _most_pairs(corpus: Corpus) -> int:
    """The largest number of pairs to offer. If the two sides do not fit together, the page reports it."""
    state = st.session_state
    try:
        usable = corpus.usable(state.study_source, state.study_target, state.study_leave_out)
    except NeuronXAError:
        usable = 0
    return usable if usable > 1 else max(2, state.study_pairs)


def offered_corpora() -> list[str]:
    """The corpora on offer: bundled, configured, uploaded (in shared mode, only by this session) and from the hub."""
    mine = st.session_state.setdefault("my_uploads", [])
    return list(dict.fromkeys((*BUNDLED, *configured(), *(mine if is_shared() else uploads()), *HUB_NAMES)))


def _corpus_labels(offered: Sequence[str]) -> Callable[[str], str]:
    names = labels("corpus", offered)
    return lambda option: _corpus_label(names.get(option, option))


def _corpus_label(name: str) -> str:
    if name.startswith(UPLOAD):
        title, _, content = name.removeprefix(UPLOAD).rpartition("-")
        return f"{title} (uploaded, {content[:6]})"  # the browser answers with the label: two alike would be one corpus
    if is_hub_text(name):
        return hub_title(name)
    return name


def help_on(name: str) -> str | None:
    """The help text of a field, from assets/texts/study.md; None for source and target."""
    said = look.passages("study").get(name)
    return said.format(**_HELP_VALUES) if said else None


def _choice(name: str, label: str, options: Sequence[str], new: bool = False, disabled: bool = False) -> None:
    key = f"study_{name}"
    chosen = st.session_state[key]
    offered = options if chosen in options else [chosen, *options]
    st.selectbox(
        label,
        offered,
        key=key,
        format_func=_corpus_labels(offered) if name == "corpus" else _LABELS.get(name, str),
        accept_new_options=new,
        help=help_on(name),
        disabled=disabled,
    )


_LABELS = {"source": search_terms, "target": search_terms}


def _swap() -> None:
    state = st.session_state
    state.study_source, state.study_target = state.study_target, state.study_source


def _adopt(study: Study) -> None:
    for name, value in asdict(study).items():
        st.session_state[f"study_{name}"] = value


def _keep() -> None:
    """Preserves the values of widgets that this run may not draw, which Streamlit would drop; strips spaces."""
    for name, usual in asdict(default_study()).items():
        value = st.session_state.get(f"study_{name}", usual)
        st.session_state[f"study_{name}"] = (value.strip() or usual) if isinstance(value, str) else value
