"""Data: the sentences of the study side by side, the check, and uploads."""

import contextlib
import re
from dataclasses import replace

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.tokenization import language_statistics, too_long
from neuronxa_core.corpora import bitext
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.catalogue import BUNDLED, Corpus, open_corpus
from neuronxa_core.corpora.configured import skipped
from neuronxa_core.corpora.findings import NEXT_STEP, Finding
from neuronxa_core.corpora.languages import language, script_name
from neuronxa_core.corpora.selection import read_left_out
from neuronxa_core.corpora.sources import SOURCES
from neuronxa_core.corpora.uploads import PREFIX
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.settings import settings
from neuronxa_core.study.study import Study
from pages.learn.data_upload import bring_a_text
from pages.shared import glossary, look
from pages.shared.run import study_or_stop
from pages.shared.sentences import sentence_table

MOST_SHOWN = 500
MOST_SKIPPED = 10


def passed_over() -> None:
    """Lists configured corpora that cannot be read, and why. Paths are shown only in local mode."""
    found = skipped()
    if not found:
        return
    one = len(found) == 1
    told = [each.told(whole=settings().mode == "local") for each in found[:MOST_SKIPPED]]
    more = f"\n\n{len(found) - MOST_SKIPPED:,} more are in the log." if len(found) > MOST_SKIPPED else ""
    st.warning(
        f"{'A corpus' if one else f'{len(found):,} corpora'} in NEURONXA_CORPORA cannot be read and "
        f"{'is' if one else 'are'} not offered:\n\n"
        + "\n".join(f"- **{look.plain(name)}**: {look.plain(reason)}" for name, reason in told)
        + more,
        icon=":material/folder_off:",
    )


def about(study: Study, corpus: Corpus) -> None:
    """Licence, citation, and what the corpus is suited for."""
    entry, source = BUNDLED.get(study.corpus), SOURCES.get(corpus.contents.source)
    if entry:
        st.warning(entry.note, icon=":material/smart_toy:")
        st.caption(f"{entry.title} · licence: {entry.licence} · {entry.cite}")
    elif source:
        st.caption(f"{source.note} Licence: [{source.licence}]({source.licence_url}) · [{source.title}]({source.url})")
        st.caption(f"To cite: {source.cite}")
    else:
        whose = "An uploaded text" if study.corpus.startswith(PREFIX) else "A text of your own"
        st.caption(f"{whose}. The dashboard does not know its licence or how to cite it.")
    if study.names["corpus"] != study.corpus and settings().mode == "local":
        st.caption(f"Read from {look.plain(study.corpus)}. Exports call it {look.plain(study.names['corpus'])}.")


def check(study: Study, text: Bitext) -> None:
    """Draws the report: the findings with their lines, and a button for those that can safely be left out."""
    st.header("The check")
    findings = _findings(study, text)
    taken = read_left_out(study.leave_out)
    open_: list[Finding] = []
    gone: list[Finding] = []
    for finding in findings:
        left = finding.kind in taken.kinds or all(map(taken.names, finding.lines))
        (gone if left else open_).append(finding)
    lengths = dict(
        zip((study.source, study.target), map(len, (text.source_sentences, text.target_sentences)), strict=True)
    )
    counted = " and ".join(f"{count:,} lines of {language(code).name}" for code, count in lengths.items())
    if not open_:
        st.success(
            f"{counted}: {'no further' if gone else 'no'} problems found.",
            icon=":material/check:",
        )
    else:
        st.markdown(f"{counted}. Line numbers start at 1; the header of a table does not count.")
    shifted = any(finding.kind == "shifted" for finding in open_)
    safe = [finding for finding in open_ if finding.can_be_left_out and not (shifted and finding.kind == "unpaired")]
    if open_:
        with st.container(border=True, gap="xsmall"):
            for finding in open_:
                _finding(study, finding, finding in safe)
    ways = list(dict.fromkeys(finding.leave_out for finding in safe))
    if len(ways) > 1:
        st.button(
            "Leave out all of these lines",
            icon=":material/filter_alt:",
            key="leave_all",
            on_click=_leave_out,
            args=(study, ways),
            type="primary",
        )
    _in_use(study)


def _findings(study: Study, text: Bitext) -> list[Finding]:
    found = [*bitext.check(text)]
    with contextlib.suppress(NeuronXAError):  # the study cannot be made yet, which _in_use says
        found += too_long(study)
    return found


def _finding(study: Study, finding: Finding, safe: bool) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    icon = ":material/report:" if finding.kind in ("swapped", "shifted") else ":material/info:"
    row.markdown(f"{icon} {look.plain(finding.message)} {NEXT_STEP.get(finding.kind, '')}")
    if safe:
        row.button(
            "Leave them out" if len(finding.lines) > 1 else "Leave it out",
            key=f"leave_{finding.kind}_{finding.code}",
            on_click=_leave_out,
            args=(study, [finding.leave_out]),
        )


def _leave_out(study: Study, what: list[str]) -> None:
    st.session_state.study_next = replace(study, leave_out=",".join(filter(None, [study.leave_out, *what])))


def _take_back(study: Study) -> None:
    st.session_state.study_next = replace(study, leave_out="")


def _in_use(study: Study) -> None:
    """Says which pairs the study uses, or why it cannot use any."""
    try:
        choice = study.bitext().choice
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        choice = None
    line = st.container(horizontal=True, vertical_alignment="center")
    if choice:
        line.markdown(f"**In use:** {choice}.")
    if study.leave_out:
        line.button(
            "Leave nothing out", icon=":material/undo:", key="leave_nothing", on_click=_take_back, args=(study,)
        )


def side_by_side(study: Study, text: Bitext) -> None:
    """Draws the pairs of the study, or all lines, filtered by a search on both sides."""
    source, target = language(study.source), language(study.target)
    st.header("The sentences")
    search, which = st.columns([2, 1], vertical_alignment="bottom")
    sought = (
        search.text_input("Search", key="data_search", placeholder="A word or part of a word, in either language")
        .strip()
        .casefold()
    )
    in_use = _rows(study, text, every=False)
    usual = "In use" if in_use else "All lines"
    shown = which.segmented_control("Show", ["In use", "All lines"], default=usual, required=True, key="data_which")
    rows = _rows(study, text, every=True) if shown == "All lines" else in_use
    names = ("line", study.source, study.target)
    table = pd.DataFrame(
        [row for row in rows if sought in row[1].casefold() or sought in row[2].casefold()], columns=list(names)
    )
    if table.empty:
        st.info(
            "No sentence contains this text." if sought else "No pairs are in use; see the check.",
            icon=":material/search_off:",
        )
        return
    top = table.head(MOST_SHOWN)
    sentence_table(
        {name: list(top[column]) for name, column in zip(("Line", source.name, target.name), names, strict=True)},
        {source.name: source, target.name: target},
        height=480,
    )
    if len(table) > MOST_SHOWN:
        st.caption(f"Showing the first {MOST_SHOWN} of {len(table):,} pairs.")
    look.table_downloads(table, f"{study.source}-{study.target}_{len(table)}", "data_pairs")


def _rows(study: Study, text: Bitext, every: bool) -> list[tuple[int, str, str]]:
    try:
        used = text if every else study.bitext()
    except NeuronXAError:
        return []
    sides = [[_shown(sentence) for sentence in side] for side in (used.source_sentences, used.target_sentences)]
    missing = len(sides[0]) - len(sides[1])
    sides[0] += [""] * -missing
    sides[1] += [""] * missing
    return list(zip(used.lines if not every else range(1, len(sides[0]) + 1), *sides, strict=True))


def _shown(sentence: str) -> str:
    """The text with bytes that are not UTF-8 replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]+", "\ufffd", sentence)


def languages(study: Study, corpus: Corpus) -> None:
    """Draws a table of the corpus's languages, with sentence lengths in characters and tokens."""
    st.header(f"{len(corpus.languages)} languages")
    table = _language_table(study, corpus)
    look.table(table.assign(script=table["script"].map(script_name)))
    look.table_downloads(table, "languages", "data_languages")
    if table["tokens"].isna().all() and table["sentences"].notna().any():
        st.caption("Tokens are counted once the model is on this machine.")


def _language_table(study: Study, corpus: Corpus) -> pd.DataFrame:
    known = [language(code) for code in corpus.languages]
    table = pd.DataFrame(
        {
            "code": [each.code for each in known],
            "name": [each.name for each in known],
            "own name": [each.autonym for each in known],
            "family": [each.family for each in known],
            "script": [each.script for each in known],
            "direction": [each.direction for each in known],
            "resources": [each.resource_level for each in known],
        }
    )
    numbers = ["code", "sentences", "characters", "tokens", "fertility", "unknown"]
    try:
        statistics = language_statistics(study, corpus.languages)
    except NeuronXAError:
        statistics = pd.DataFrame(columns=numbers)
    return table.merge(statistics.reindex(columns=numbers), on="code", how="left")


st.title("The data")
st.html("<p class='nx-question'>Which sentences are compared, and what are they good for?</p>")
passed_over()
bring_a_text()
study = study_or_stop()
try:
    corpus = open_corpus(study.corpus)
    text = corpus.text(study.source, study.target)
except NeuronXAError as problem:
    st.error(look.plain(str(problem)), icon=":material/error:")
    st.stop()
about(study, corpus)
check(study, text)
side_by_side(study, text)
languages(study, corpus)
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("data"))
