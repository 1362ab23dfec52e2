"""Claims: what the paper says, how it is tested here, what is measured, and the verdict of a rule."""

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.claim_evidence import Over
from neuronxa_core.analyses.claim_rules import SOURCE, VERDICTS, Judged, Verdict
from neuronxa_core.analyses.claims import FAMILIES, Claims, ClaimsAnswer, Others, Rows, rows_of
from neuronxa_core.corpora.hub_texts import is_hub_text
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.figures import claims as figures
from neuronxa_core.figures.claims_report import RETRIEVAL_HEAD, claims_markdown, claims_report, retrieval_rows
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.claims import with_other_models
from neuronxa_core.gallery.models import stored_models
from neuronxa_core.models import demo
from neuronxa_core.numbers import count
from neuronxa_core.study.citations import bibliography
from neuronxa_core.study.study import Study
from pages.shared import bound, glossary, languages, look
from pages.shared.accuracies import file_name, kept_names, kept_rows
from pages.shared.beside import beside
from pages.shared.part import with_answers
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

_NONE = "none"
_OVER: dict[Over, str] = {"best": "Best layer", "mean": "Mean over layers"}
_ICONS: dict[Verdict, str] = {
    "holds": ":material/check_circle:",
    "fails": ":material/cancel:",
    "undecided": ":material/help:",
}
_PAPERS_CORPORA = {"flores": "FLORES-200", "tatoeba": "Tatoeba"}
_CONDITIONS = {
    "claim": Column("Claim", "%d"),
    "part": Column("Condition"),
    "verdict": Column("Verdict"),
    "value": Column("Value", "%.2f"),
    "low": Column("Interval from", "%.2f"),
    "high": Column("Interval to", "%.2f"),
    "n": Column("Number", "%d", "Of languages, or of model families"),
    "reason": Column("Why undecided"),
    "threshold": Column("Threshold", "%.2f"),
    "side": Column("Holds"),
    "unit": Column("Unit"),
    "fewest": Column("At least", "%d", "Languages, or model families"),
    "rule": Column("Rule"),
}
_RETRIEVAL = {"layer": Column("Layer")}


def claims_page() -> None:
    study = study_or_stop().against_pivot
    which, where, accurate = st.columns([1, 1.2, 1.2], vertical_alignment="bottom")
    help_ = "The best layer of each state is chosen on one half of the pairs and reported on the other."
    over: Over = bound.one_of("P@1 is taken in", _OVER, "claims_over", where, help=help_)
    with accurate:
        rows = _accuracies(study)
    with which:
        answered = with_answers(lambda codes: Claims(study, codes, over, rows))
        codes = languages.choose_languages(
            study, "claims_codes", (study.source,), without=study.target, answered=answered
        )
    request = settle_or_stop(with_other_models(Claims(study, codes, over, rows)))
    against = language(study.target).name
    answer = answer_or_stop(
        request,
        Place(
            380,
            lambda asked: f"{count(len(asked.languages), 'language')} against {against}",
            files=_files,
            stem=f"{study.stem}.claims",
        ),
    )
    _view(answer)


def _accuracies(study: Study) -> Rows:
    """The uploaded accuracies that claim 6 is tested on, if any are chosen."""
    offered = [_NONE, *kept_names("claims_accuracies")]
    bound.adopt("claims_accuracies", offered, _NONE)
    chosen = st.selectbox(
        "Accuracies for claim 6",
        offered,
        key="claims_accuracies",
        format_func=lambda name: "None" if name == _NONE else file_name(name),
        help="Bring them on the Downstream page: result files of lm-evaluation-harness, or a CSV.",
    )
    bound.write("claims_accuracies")
    kept = None if chosen == _NONE else kept_rows(chosen)
    if kept is None:
        return ()
    try:
        return rows_of(kept[0], study.model)
    except StudyError as problem:
        st.info(look.plain(str(problem)), icon=":material/info:")
        return ()


def _files(answer: ClaimsAnswer) -> look.Files:
    return {
        "Verdicts, JSON": (".json", lambda: look.json_text(answer.told)),
        "Conditions, CSV": (".conditions.csv", lambda: answer.conditions.to_csv(index=False)),
        "Layers, CSV": (".layers.csv", lambda: answer.tables["layers"].to_csv(index=False)),
        "Pairs, CSV": (".pairs.csv", lambda: answer.tables["pairs"].to_csv(index=False)),
        "Report with all figures, HTML": (".html", lambda: claims_report(answer)),
        "Report, Markdown": (".md", lambda: claims_markdown(answer)),
        "Study and provenance, JSON": (".provenance.json", lambda: look.json_text(answer.summary)),
        "Papers to cite, BibTeX": (".bib", lambda: bibliography(answer.study)),
    }


def _view(answer: ClaimsAnswer) -> None:
    st.markdown(look.plain(figures.claims_finding(answer)))
    if not answer.results:
        return
    pictures = figures.claim_figures(answer)
    st.markdown("## Claim by claim")
    for place in range(0, len(answer.judged), 2):
        for column, judged in zip(st.columns(2), answer.judged[place : place + 2], strict=False):
            with column.container(border=True, height="stretch"):
                others = answer.others if judged.claim.number == FAMILIES else ()
                _card(judged, pictures.get(judged.claim.number), others)
    _retrieval(answer)
    with st.expander("The numbers", icon=":material/table:"):
        own = {"conditions": _CONDITIONS, "retrieval": _RETRIEVAL, "languages": None}
        for key, columns in own.items():  # the Export menu has the tables of layers and pairs
            table = answer.tables[key]
            look.table(_in_words(table) if key == "conditions" else table, columns)
            look.table_downloads(table, f"{answer.study.stem}.claims.{key}", f"claims_{key}")


def _in_words(conditions: pd.DataFrame) -> pd.DataFrame:
    words = {"over_mexa": "minus MEXA", "nas": "NAS"}
    return conditions.assign(
        verdict=[VERDICTS[each] for each in conditions["verdict"]],
        part=[words.get(each, each) for each in conditions["part"]],
    )


def _card(judged: Judged, picture: ExportableFigure | None, others: Others = ()) -> None:
    """Draws a claim: the paper's words and figure, the test, the verdict, what was measured, and the rule.

    others: verdicts in models of other families, for claim 7.
    """
    claim = judged.claim
    st.markdown(f"### {claim.number}. {claim.title}")
    st.markdown(f"{claim.statement} *{claim.figure}*")
    st.caption(f"{SOURCE}, paraphrased.")
    st.markdown(f"**Test.** {claim.test}")
    reason = f" {look.plain(judged.reason)}" if judged.reason else ""
    st.markdown(f"{_ICONS[judged.verdict]} **{VERDICTS[judged.verdict]}.**{reason}")
    for rule, found, verdict in judged.conditions:
        measured = look.plain(figures.measured_in_words(rule, found))
        said = f" ({VERDICTS[verdict].lower()})" if len(judged.conditions) > 1 else ""
        st.markdown(f"- {rule.measure}: {measured}{said}")
    for model, verdicts in others:
        name = demo.TITLE if model == demo.NAME else stored_models()[model].title
        st.markdown(f"- {look.plain(name)}: {look.plain(figures.others_in_words(verdicts))}")
    if picture:
        look.picture(picture, f"claims_{claim.number}", shows=f"{claim.title}: {figures.verdict_in_words(judged)}")
    with st.expander("Rule and caution", icon=":material/rule:"):
        for rule, _, _ in judged.conditions:
            st.markdown(f"- {rule.text}")
        st.markdown(claim.caution)


def _retrieval(answer: ClaimsAnswer) -> None:
    """Draws the paper's retrieval table for this corpus, the paper's own rows, and how to get its corpora."""
    st.header("Retrieval in the paper's form")
    look.table(pd.DataFrame(retrieval_rows(answer), columns=list(RETRIEVAL_HEAD)))
    corpus = answer.study.names["corpus"].lower()
    missing = [name for part, name in _PAPERS_CORPORA.items() if part not in corpus]
    if missing:
        hub = "" if is_hub_text(answer.study.corpus) else " under Corpus in the sidebar"
        st.caption(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not measured here. Choose `hub:flores+` "
            f"(gated: accept its terms and set HF_TOKEN) or `hub:tatoeba`{hub}, or give the path of a download; the "
            "Data page says where each comes from. The paper does not say in which layer its figures are taken."
        )


st.title("Claims")
st.html("<p class='nx-question'>Do the paper's claims hold for this model, and how sure can one be?</p>")

beside("claims")
claims_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("claims"))
