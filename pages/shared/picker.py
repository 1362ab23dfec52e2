"""The study picker in the sidebar, and the study in the URL: what one sees, the other says."""

from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path
from typing import Any

import streamlit as st

from neuronxa_core.corpora.catalogue import BUNDLED, EVERYDAY, Corpus, configured, is_offered, open_corpus
from neuronxa_core.corpora.hub_texts import HUB_NAMES, hub_title, is_hub_text
from neuronxa_core.corpora.languages import search_terms
from neuronxa_core.corpora.selection import LEAVE_OUT
from neuronxa_core.corpora.uploads import PREFIX as UPLOAD
from neuronxa_core.corpora.uploads import uploads
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.models import demo
from neuronxa_core.models.curated import CURATED, CuratedModel, curated
from neuronxa_core.models.hardware import has_bitsandbytes
from neuronxa_core.models.hub_cache import in_local_cache
from neuronxa_core.models.locate import is_hub_id
from neuronxa_core.settings import settings
from neuronxa_core.study.study import CHOICES, Study
from pages.shared import look

DEFAULT = Study(model=demo.NAME, corpus=EVERYDAY.name, source="deu_Latn", target="eng_Latn")
MOST_LANGUAGES = 32
"""Languages in one picture."""
_OPTIONAL = {field.name: field.default for field in fields(Study) if field.default is not MISSING}
_HELP = {
    "model": f"`demo` is {demo.TITLE}, under the [{demo.LICENCE}]({demo.LICENCE_URL}). A tick stands before models that are on "
    "this machine. Or type a hub id, or the path of a folder with safetensors weights, of a GGUF file, or of a LoRA adapter.",
    "corpus": "`everyday` comes with the dashboard. Or type the path of a folder (FLORES, NTREX-128, Tatoeba, Moses pairs, gettext "
    "catalogues, or line-aligned files named by language code) or of a TSV, CSV, JSONL, Parquet, TMX or PO file. Texts are "
    "uploaded and checked on the Data page.",
    "pairs": "How many sentence pairs. The paper finds 100 enough.",
    "sample": "0: the first pairs, as the paper and MEXA take them. Any other number: a random sample, drawn with that seed.",
    "leave_out": "What is left out before pairs are chosen: line numbers (`12`, `40-44`) and kinds of lines "
    f"({', '.join(f'`{kind}`' for kind in LEAVE_OUT)}). The Data page says which lines are of which kind.",
    "site": "Where a neuron is read. `gate`: after the activation function. `product`: after the gate has been multiplied "
    "with the up-projection, just before the down-projection. `attention`: no FFN, what the attention heads say before it is mixed.",
    "pooling": "How tokens become a sentence. `position`: later tokens weigh more, as they have seen more. `mean`: all the "
    "same. `last`: the last token alone. `auto`: by position in a decoder, by mean in an encoder, where every token sees all.",
    "dtype": "The precision in which the model computes. `auto`: float32 where the answer came with the dashboard, else bfloat16 where the device computes in it, which is "
    "about twice as fast and moves a score by a pair or two of a hundred; else float32. For figures that you publish: float32.",
    "revision": "Branch, tag or commit of a model on the hub. Empty: its main branch.",
    "adapter": "The folder of a LoRA adapter (peft, safetensors) to put on top of the model.",
    "neurons": "The module that is read, as seen from a block, where the one that was found is not the right one: `mlp.act_fn` "
    "reads what it returns, `mlp.down_proj:input` what it is given.",
}
_TYPED = ("revision", "adapter", "neurons")
_DEMO_ON_THE_HUB = "google/gemma-3-270m"
_BOX_WIDTH = 26
"""Characters that the box shows of a name."""


def study_picker() -> None:
    """Draws the picker and puts its study in `st.session_state.study`, or what is wrong with it in `study_problem`."""
    state = st.session_state
    if "study_model" not in state:
        _adopt(_study_from_url())
    if study := state.pop("study_next", None):
        _adopt(study)
    _keep()
    with st.sidebar:
        st.markdown("##### Study")
        _model()
        _choice("corpus", "Corpus", offered_corpora(), new=not _shared())
        try:
            corpus = open_corpus(state.study_corpus)
        except NeuronXAError as problem:
            state.study, state.study_problem = None, str(problem)
            return
        _languages(corpus)
        with st.expander("More", expanded=False):
            _more()
    try:
        state.study, state.study_problem = Study(**{name: state[f"study_{name}"] for name in asdict(DEFAULT)}), ""
    except NeuronXAError as problem:
        state.study, state.study_problem = None, str(problem)
        return
    _write_url(state.study)


def open_study(page: Path, study: Study) -> None:
    """Goes to a page with another study than the one in the sidebar."""
    st.session_state.study_next = study
    st.switch_page(page, query_params=study_query(study))  # without, a parameter bound to a widget is an error


def choose_languages(study: Study, key: str, first: Sequence[str], without: str = "") -> tuple[str, ...]:
    """Those of the corpus's languages that the viewer chose; before that `first` and the next ones, 32 at most."""
    corpus = open_corpus(study.corpus)
    languages = [code for code in (corpus.beside(without) if without else corpus.languages) if code != without]
    ours = [code for code in dict.fromkeys(first) if code in languages]
    default = {*ours, *[code for code in languages if code not in ours][: MOST_LANGUAGES - len(ours)]}
    kept = st.session_state.get(key)
    if kept is not None and not set(kept) <= set(languages):
        del st.session_state[key]
    with st.popover("Choose languages", icon=":material/translate:"):
        chosen = st.multiselect(
            f"Languages, {MOST_LANGUAGES} at most",
            languages,
            default=[code for code in languages if code in default],
            key=key,
            bind="query-params",
            format_func=search_terms,
            max_selections=MOST_LANGUAGES,
            help="Each language is run through the model once, whatever the number of pairs.",
        )
    return tuple(code for code in languages if code in chosen)


def study_query(study: Study) -> dict[str, str]:
    """The study as URL parameters; what has its default value is left out."""
    return {
        name: str(value)
        for name, value in asdict(study).items()
        if name not in _OPTIONAL or replace(study, **{name: _OPTIONAL[name]}) != study
    }


def _shared() -> bool:
    """Whether many people use this dashboard, so that nobody chooses what runs on its machine."""
    return settings().mode == "shared"


def offered_models() -> tuple[str, ...]:
    """What the box offers: what a shared dashboard lists, or the demo, what is on this machine, and the curated ones."""
    return settings().models if _shared() else (demo.NAME, *_on_this_machine(), *(model.id for model in CURATED))


def _on_this_machine() -> tuple[str, ...]:
    return () if _shared() else tuple(model.id for model in in_local_cache() if not model.revision)


def _model() -> None:
    here, offered = _on_this_machine(), offered_models()

    def label(model: str) -> str:
        known = curated(model)
        name = f"demo · {demo.TITLE}" if model == demo.NAME else known.title if known else model
        return f"{'✓ ' if model in here else ''}{name}{f' · {_gigabytes(known)}' if known else ''}"

    chosen = st.session_state.study_model
    st.selectbox(
        "Model",
        list(dict.fromkeys(offered if chosen in offered else (chosen, *offered))),
        key="study_model",
        format_func=label,
        accept_new_options=not _shared(),
        on_change=_start_anew,
        help=_HELP["model"],
    )
    _model_caption(st.session_state.study_model, st.session_state.study_model in here)


def _model_caption(model: str, here: bool) -> None:
    known = curated(_DEMO_ON_THE_HUB if model == demo.NAME else model)
    if known:
        size = f"{known.billions:g} billion parameters, {_gigabytes(known)} in bfloat16 · {known.languages}"
        terms = " · accept its terms and set HF_TOKEN" if known.gated and not here and not _shared() else ""
        licence = f"[{demo.LICENCE}]({demo.LICENCE_URL})" if model == demo.NAME else f"{known.licence}{terms}"
        st.caption(f"{'' if model == demo.NAME else f'`{known.id}` · '}{size} · {licence}")
    elif len(model) > _BOX_WIDTH:
        st.caption(f"`{model.replace('`', '')}`")


def _gigabytes(model: CuratedModel) -> str:
    return f"{model.memory_bytes / 1e9:.1f} GB" if model.memory_bytes < 1e10 else f"{model.memory_bytes / 1e9:.0f} GB"


def _start_anew() -> None:
    """Another model starts with the pooling that is its default, and without what was named inside the one before."""
    state = st.session_state
    state.study_pooling = "position" if state.study_model == demo.NAME else "auto"
    for name in _TYPED:
        state[f"study_{name}"] = ""


def _more() -> None:
    state = st.session_state
    if state.study_model == demo.NAME and state.study_pooling == "auto":
        state.study_pooling = "position"
    for name, values in CHOICES.items():
        offered = [value for value in values if value not in ("8bit", "4bit") or has_bitsandbytes()]
        if name == "pooling" and state.study_model == demo.NAME:
            offered.remove("auto")
        _choice(name, name.capitalize(), offered)
    if not _shared():
        for name in _TYPED if is_hub_id(state.study_model) else _TYPED[1:]:
            st.text_input(name.capitalize(), key=f"study_{name}", help=_HELP[name])
    st.number_input("Sample", min_value=0, max_value=10**9, step=1, key="study_sample", help=_HELP["sample"])
    st.text_input("Leave out", key="study_leave_out", help=_HELP["leave_out"])


def _languages(corpus: Corpus) -> None:
    state = st.session_state
    for name, fallback in (("source", 0), ("target", -1)):
        if state[f"study_{name}"] not in corpus.languages:
            taken = state["study_source" if name == "target" else "study_target"]
            english = [code for code in ("eng_Latn",) if name == "target" and code in corpus.languages]
            free = [code for code in (*english, *corpus.languages) if code != taken]
            chosen = free[0 if english else fallback]
            st.toast(
                f"{look.plain(corpus.name)} has no {look.plain(state[f'study_{name}'])}; {chosen} stands instead.",
                icon=":material/info:",
            )
            state[f"study_{name}"] = chosen
    beside = corpus.beside(state.study_source) if corpus.pairwise else corpus.languages
    if state.study_target not in beside:
        chosen = "eng_Latn" if "eng_Latn" in beside else beside[0]
        st.toast(f"{look.plain(corpus.name)} has no text in {state.study_source} and {state.study_target}; {chosen} stands instead.", icon=":material/info:")  # fmt: skip
        state.study_target = chosen
    _choice("source", "Source language", corpus.languages)
    _choice("target", "Target language", beside)
    swap, pairs = st.columns([1, 1], vertical_alignment="bottom")
    swap.button(
        "Swap", icon=":material/swap_vert:", on_click=_swap, width="stretch", help="Source and target change places"
    )
    most = _most_pairs(corpus)
    if state.study_pairs > most:
        st.toast(
            f"{look.plain(corpus.name)} has {most} pairs{' left' if state.study_leave_out else ''}, so {state.study_pairs} become {most}.",
            icon=":material/info:",
        )
        state.study_pairs = most
    pairs.number_input("Pairs", min_value=2, max_value=most, step=10, key="study_pairs", help=_HELP["pairs"])


def _most_pairs(corpus: Corpus) -> int:
    """How many pairs can be asked for; where the two sides do not fit together, the page will say so."""
    state = st.session_state
    try:
        usable = corpus.usable(state.study_source, state.study_target, state.study_leave_out)
    except NeuronXAError:
        usable = 0
    return usable if usable > 1 else max(2, state.study_pairs)


def offered_corpora() -> list[str]:
    """What the box offers: what is bundled or configured, and what was uploaded, in a shared dashboard only by this session."""
    mine = st.session_state.setdefault("my_uploads", [])
    return list(dict.fromkeys((*BUNDLED, *configured(), *(mine if _shared() else uploads()), *HUB_NAMES)))


def _corpus_label(name: str) -> str:
    if name.startswith(UPLOAD):
        return f"{name.removeprefix(UPLOAD).rpartition('-')[0]} (uploaded)"
    if is_hub_text(name):
        return hub_title(name)
    return name


def _choice(name: str, label: str, options: Sequence[str], new: bool = False) -> None:
    key = f"study_{name}"
    chosen = st.session_state[key]
    st.selectbox(
        label,
        options if chosen in options else [chosen, *options],
        key=key,
        format_func=_LABELS.get(name, str),
        accept_new_options=new,
        help=_HELP.get(name),
    )


_LABELS = {"source": search_terms, "target": search_terms, "corpus": _corpus_label}


def _swap() -> None:
    state = st.session_state
    state.study_source, state.study_target = state.study_target, state.study_source


def _study_from_url() -> Study:
    """The study that the link asks for; each value that does not fit is refused on its own and said so."""
    asked = {name: text for name, text in st.query_params.to_dict().items() if name in asdict(DEFAULT)}
    both: dict[str, str] = {name: asked.pop(name) for name in ("source", "target") if name in asked}
    study = _default()
    refused: list[str] = []
    first = sorted(asked, key=lambda name: name != "model")
    changes: list[dict[str, str]] = [both, *({name: asked[name]} for name in first)]
    for change in changes:
        try:
            values: dict[str, Any] = {name: _value(name, text, study.model) for name, text in change.items()}
            if "model" in change:
                values["pooling"] = "auto"  # what it is by default depends on the model
            study = replace(study, **values)
        except (NeuronXAError, ValueError):
            refused += [f"{name} = {text}" for name, text in change.items()]
    if refused:
        st.toast(
            "The link held values that do not fit; the default stands instead: " + look.plain(", ".join(refused)),
            icon=":material/link_off:",
            duration="long",
        )
    return study


def _default() -> Study:
    """Without a link: the demo, or what a shared dashboard offers first."""
    if not _shared() or demo.NAME in settings().models:
        return DEFAULT
    return replace(DEFAULT, model=settings().models[0], pooling="auto")


def _value(name: str, text: str, model: str) -> str | int:
    """A value from a link. Raises ValueError if it is empty, no count of pairs, or not offered in a shared dashboard.

    Only a model on the hub has a revision.
    """
    if _shared() and (name in _TYPED or (name == "model" and text not in settings().models) or (name == "corpus" and not is_offered(text))):  # fmt: skip
        raise ValueError(name)
    value = int(text) if name in ("pairs", "sample") else text
    if name == "revision" and not is_hub_id(model):
        raise ValueError(name)
    if value == "" or (name == "pairs" and int(text) < 2):
        raise ValueError(name)
    return value


def _adopt(study: Study) -> None:
    for name, value in asdict(study).items():
        st.session_state[f"study_{name}"] = value


def _keep() -> None:
    """Holds the values of widgets that this run may not draw, which Streamlit would forget; spaces around text go."""
    for name, usual in asdict(_default()).items():
        value = st.session_state.get(f"study_{name}", usual)
        st.session_state[f"study_{name}"] = (value.strip() or usual) if isinstance(value, str) else value


def _write_url(study: Study) -> None:
    """Only what belongs to the study; a page's own view is bound to its widgets (`bind="query-params"`)."""
    query = study_query(study)
    for name in asdict(study):
        if name in query and st.query_params.get(name) != query[name]:
            st.query_params[name] = query[name]
        elif name not in query and name in st.query_params:
            del st.query_params[name]
