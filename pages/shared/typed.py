"""One to five sentence pairs, typed on the page where they are used: a small corpus, kept like an upload."""

from dataclasses import replace

import streamlit as st

from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.uploads import PREFIX, corpus_of
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.interface import language_named, local, tr
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.study.study import Study
from pages.shared import look

MOST = 5
FEW = 10
"""Pairs below which a page says what chance does."""
_TITLE = "typed"


def offer(study: Study) -> None:
    """Draws a box for sentences in the study's two languages, which become its corpus."""
    with st.popover(tr("Type text"), icon=":material/edit:"):
        st.markdown(look.text("typed").format(most=MOST))
        sides = {code: _lines(code) for code in (study.source, study.target)}
        counts = {code: len(lines) for code, lines in sides.items()}
        pairs = counts[study.source]
        among = _among(study)
        if problem := _problem(counts, among):
            st.caption(problem)
        elif pairs:
            st.caption(what_chance_does(pairs + (study.pairs if among else 0)))
        ready = not problem and pairs > 0
        st.button(
            tr("Use these sentences"),
            type="primary",
            icon=":material/check:",
            key="typed_use",
            disabled=not ready,
            on_click=_use,
            args=(study, sides, among),
        )
        if said := st.session_state.pop("typed_problem", ""):
            st.error(look.plain(said), icon=":material/error:")
        _way_back(study)


def what_chance_does(pairs: int) -> str:
    """A sentence on the chance level with so few pairs, and on how far a single pair moves the score."""
    return tr(
        "With {pairs} pairs, chance alone aligns 1/(2n - 1) = {chance} of them, and a single pair moves the score by "
        "{step}.",
        pairs=pairs,
        chance=local(f"{chance_rate(pairs):.2g}"),
        step=local(f"{1 / pairs:.2g}"),
    )


def warn_of_few(study: Study) -> None:
    """Warns below ten pairs that single sentences can be inspected, but scores hardly compared."""
    if study.pairs < FEW:
        advice = tr("Look at sentences here rather than at scores.")
        st.caption(f":material/info: {what_chance_does(study.pairs)} {advice}")


def _lines(code: str) -> tuple[str, ...]:
    label = tr("{language}, one sentence per line", language=_named(code))
    text = st.text_area(label, height=110, key=f"typed_{code}", placeholder=tr("One per line"))
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _named(code: str) -> str:
    return language_named(language(code).tag, language(code).name)


def _among(study: Study) -> bool:
    """Whether to look for the sentences among those of the study, which makes the task harder."""
    if is_typed(study.corpus):
        return False
    return st.toggle(
        tr(
            "Find them among the {pairs} pairs of {corpus}", pairs=study.pairs, corpus=look.plain(study.names["corpus"])
        ),
        key="typed_among",
        help=tr("On: your pairs come first, followed by the study's, so that each has many rivals. Off: yours alone."),
    )


def _problem(counts: dict[str, int], among: bool) -> str:
    """Why these lines cannot be used, in one sentence; empty if they can, or if nothing has been typed."""
    (source, pairs), (target, others) = counts.items()
    if pairs != others:
        told = {"source": _named(source), "pairs": pairs, "target": _named(target), "others": others}
        return tr(
            "{source} has {pairs}, {target} has {others}: each sentence needs its translation on the same line.", **told
        )
    if pairs > MOST:
        return tr(
            "{pairs} pairs; at most {most} can be typed. Longer texts can be pasted on the Data page.",
            pairs=pairs,
            most=MOST,
        )
    if pairs == 1 and not among:
        return tr("One pair alone has no rival to be confused with. Type another, or find it among other sentences.")
    return ""


def _use(study: Study, sides: dict[str, tuple[str, ...]], among: bool) -> None:
    """Stores the sentences and makes them the study's corpus from the next rerun on."""
    state = st.session_state
    try:
        if among:
            bitext = study.bitext()
            sides = {
                study.source: (*sides[study.source], *bitext.source_sentences),
                study.target: (*sides[study.target], *bitext.target_sentences),
            }
        corpus = corpus_of(sides, _TITLE)
    except NeuronXAError as problem:
        state.typed_problem = str(problem)
        return
    mine: list[str] = state.setdefault("my_uploads", [])
    if corpus not in mine:
        mine.insert(0, corpus)
    if not is_typed(study.corpus):
        state.typed_before = study
    state.study_next = replace(study, corpus=corpus, pairs=len(sides[study.source]), sample=0, leave_out="")


def is_typed(corpus: str) -> bool:
    """Whether a corpus was typed on a page."""
    return corpus.startswith(f"{PREFIX}{_TITLE}-")


def _way_back(study: Study) -> None:
    before: Study | None = st.session_state.get("typed_before")
    if before is None or not is_typed(study.corpus):
        return
    back = replace(study, corpus=before.corpus, pairs=before.pairs, sample=before.sample, leave_out=before.leave_out)
    st.button(
        f"Back to {look.plain(before.names['corpus'])}",
        icon=":material/undo:",
        key="typed_back",
        on_click=lambda: st.session_state.update(study_next=back),
    )
