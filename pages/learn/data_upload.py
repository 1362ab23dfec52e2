"""Uploads: files, or two pasted columns of lines, stored under a name that fits in a link."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.corpora.kept import by_name
from neuronxa_core.corpora.languages import ENGLISH, known_languages, search_terms
from neuronxa_core.corpora.uploads import PREFIX, keep_upload, remove_upload, upload_limits
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.study.study import Study
from pages.shared import look, picker
from pages.shared.study_link import DEFAULT

_SUFFIXES = ["tsv", "csv", "jsonl", "ndjson", "parquet", "tmx", "po", "txt", "dev", "devtest"]
_TEMPLATE = ("deu_Latn", "eng_Latn", "hin_Deva")


def bring_a_text() -> None:
    """Draws both ways to add a text, and a button to delete it."""
    with st.expander("Bring your own text", icon=":material/upload_file:"):
        upload, paste = st.tabs(["Upload", "Paste"])
        with upload:
            _upload()
        with paste:
            _paste()
        _kept()


def _upload() -> None:
    megabytes, lines = upload_limits()
    st.markdown(look.text("bring_a_text").format(megabytes=megabytes, lines=lines))
    files = st.file_uploader(
        "Files", accept_multiple_files=True, max_upload_size=megabytes, key="bring_files", label_visibility="collapsed"
    )
    use, template = st.columns([1, 2])
    if use.button("Use this text", type="primary", disabled=not files, key="bring_upload", icon=":material/check:"):
        _use([(file.name, file.getvalue()) for file in files])
    template.download_button(
        "Download a template",
        _template,
        file_name="template.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="bring_template",
    )


def _template() -> str:
    corpus = open_corpus(EVERYDAY.name)
    rows = zip(*(corpus.sentences(code)[:3] for code in _TEMPLATE), strict=True)
    return "\ufeff" + look.csv_text(_TEMPLATE, rows)


def _paste() -> None:
    sides: dict[str, tuple[str, str]] = {}
    places = (("Left", "First", "deu_Latn"), ("Right", "Second", "eng_Latn"))  # stacked on a phone, so not said
    for column, (name, said, usual) in zip(st.columns(2), places, strict=True):
        codes = list(known_languages())
        code = column.selectbox(
            f"{said} language",
            codes,
            index=codes.index(usual),
            format_func=search_terms,
            accept_new_options=True,
            key=f"bring_{name}_code",
        )
        lines = column.text_area(
            f"{said} lines", height=180, key=f"bring_{name}_lines", placeholder="One sentence per line"
        )
        sides[name] = code, lines
    (left, ours), (right, theirs) = sides.values()
    counts = [len(text.strip().splitlines()) for text in (ours, theirs)]
    if any(counts) and counts[0] != counts[1]:
        st.caption(
            f"{counts[0]} lines in the first box, {counts[1]} in the second. "
            "Each line needs its translation in the other."
        )
    if st.button(
        "Use these lines", type="primary", disabled=not all(counts), key="bring_pasted", icon=":material/check:"
    ):
        if left == right:
            st.error("Both sides are in the same language. Choose two languages.", icon=":material/error:")
        else:
            _use([(f"{left}.txt", _lines(ours)), (f"{right}.txt", _lines(theirs))], f"pasted-{left}-{right}")


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").strip("\n").encode("utf-8", "replace")


def _use(files: Sequence[tuple[str, bytes]], title: str = "") -> None:
    """Stores the files and makes them the study's corpus."""
    try:
        name = keep_upload(by_name(files), title)
        corpus = open_corpus(name)
        source = next(code for code in corpus.languages if code != ENGLISH and corpus.beside(code))
        beside = corpus.beside(source)
        target = ENGLISH if ENGLISH in beside else beside[0]
        paired = min(len(corpus.sentences(source, target)), len(corpus.sentences(target, source)))
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        return
    mine: list[str] = st.session_state.setdefault("my_uploads", [])
    if name not in mine:
        mine.insert(0, name)
    study: Study = st.session_state.study or DEFAULT
    pairs = max(2, min(100, paired))
    st.session_state.study_next = replace(
        study, corpus=name, source=source, target=target, pairs=pairs, sample=0, leave_out=""
    )
    st.rerun()


def _kept() -> None:
    """Draws a button that deletes the text in use, if it was uploaded."""
    corpus = str(st.session_state.get("study_corpus", ""))
    mine = corpus in st.session_state.setdefault("my_uploads", [])
    if not corpus.startswith(PREFIX) or not (mine or corpus in picker.offered_corpora()):
        return
    st.caption(
        f"In use: `{corpus.removeprefix(PREFIX)}`. It stays here until you delete it, or until it is unused and "
        "there is no room for others. Anyone with its link can open it."
    )
    if st.button("Delete this text", icon=":material/delete:", key="bring_delete"):
        remove_upload(corpus)
        st.session_state.my_uploads = [name for name in st.session_state.my_uploads if name != corpus]
        st.session_state.study_next = DEFAULT
        st.rerun()
