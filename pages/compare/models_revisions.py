"""The Models page over training: one model at several revisions, or the checkpoints of a run on this machine."""

import streamlit as st

from neuronxa_core.analyses.revisions import Revisions
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures import revisions as figures
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import count
from neuronxa_core.study.study import Study
from pages.shared import languages, look
from pages.shared.run import Place, answer_or_stop

_COLUMNS = {"revision": Column("Revision"), "step": Column("Step", "%d"), "peak_layer": Column("Peak, layer", "%d")}


def revisions_view(study: Study) -> None:
    """Draws the choice of revisions and languages, then the curve, or the run that it needs."""
    named = st.text_input(
        "Revisions, in their order, separated by commas",
        key="cmp_revisions",
        bind="query-params",
        placeholder="step1000, step8000, step64000, main",
        help="Branches, tags or commits of a hub model; or, if the model is a folder, folders of checkpoints in it.",
    )
    codes = languages.choose_languages(study, "cmp_revision_codes", (study.source,), without=study.target)
    if not (named and codes):
        st.info(
            "Name two revisions or more, and choose at least one language. Pythia and OLMo publish their checkpoints "
            "as revisions; a training run on this machine has them as folders.",
            icon=":material/timeline:",
        )
        return
    try:
        request = Revisions(study, codes, tuple(named.split(",")))
        _ = request.study
    except NeuronXAError as problem:
        st.info(look.plain(str(problem)), icon=":material/timeline:")
        return
    names = f"{count(len(request.revisions), 'revision')}, {count(len(codes), 'language')}"
    against = language(study.target).name
    answer = answer_or_stop(request, Place(figures.REVISIONS_HEIGHT, lambda asked: f"{names} against {against}"))
    finding = look.plain(figures.revisions_finding(answer))
    look.picture(figures.exportable_revisions(answer), "cmp_revisions_curve", finding)
    with st.expander("The numbers", icon=":material/table:"):
        for key, table in answer.tables.items():
            look.table(table, _COLUMNS)
            look.table_downloads(table, f"{study.stem}.revisions.{key}", f"cmp_revisions_{key}")
