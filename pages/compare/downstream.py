"""Downstream: does alignment predict how well the model does in a language?"""

from dataclasses import replace
from typing import cast

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.accuracies import COLUMNS, UNNAMED, are_of, read_accuracies
from neuronxa_core.analyses.downstream import (
    BITS,
    PUBLISHED,
    PUBLISHED_MEXA,
    Downstream,
    Over,
    alignment_table,
    bits_as_accuracies,
    correlation_table,
    joined,
    layer_correlations,
)
from neuronxa_core.corpora.kept import by_name
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.uploads import keep_accuracies
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.figures import downstream as figures
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.figures.tables import Column
from neuronxa_core.numbers import count
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.naming import model_name
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.shared import bound, glossary, languages, link, look
from pages.shared.accuracies import file_name, kept_names, kept_rows, offer_deletion
from pages.shared.part import with_answers
from pages.shared.run import Place, answer_or_stop, settle_or_stop, study_or_stop

_TEMPLATE = "model,language,benchmark,accuracy\nmy-model,fra_Latn,Belebele,0.61\nmy-model,swh_Latn,Belebele,0.38\n"
_MOST_MEGABYTES = 5
_UNNAMED_MODEL = "not named"
_PUBLISHED_COLUMNS = {
    "pearson": Column("Pearson", "%.4f"),
    "of": Column("Models and data"),
    "source": Column("Paper"),
    "model": Column("Model"),
    "mexa": Column("MEXA", "%.4f"),
}


def bring_accuracies() -> "st.delta_generator.DeltaGenerator":
    """Draws the upload of accuracies: harness result files or a CSV, kept under a name that fits a link.

    Returns the place of the button that deletes those in use, which are not known before the page is drawn.
    """
    with st.expander("Bring your own accuracies", icon=":material/upload_file:"):
        st.markdown(look.text("bring_accuracies"))
        files = st.file_uploader(
            "Accuracy files",
            accept_multiple_files=True,
            max_upload_size=_MOST_MEGABYTES,
            key="down_files",
            label_visibility="collapsed",
        )
        use, template = st.columns([1, 2])
        if use.button("Use these files", type="primary", disabled=not files, key="down_use", icon=":material/check:"):
            _keep([(file.name, file.getvalue()) for file in files])
        template.download_button(
            "Download a template",
            _TEMPLATE,
            file_name="accuracies.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="down_template",
        )
        return st.container()


def _keep(brought: list[tuple[str, bytes]]) -> None:
    try:
        files = by_name(brought)
        found = read_accuracies(files)
        name = keep_accuracies(files)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        return
    st.session_state.setdefault("my_accuracies", []).insert(0, name)
    st.session_state.down_next = name
    told = count(len(found.rows), "accuracy", "accuracies")
    st.toast(f"{told} of {count(found.rows['language'].nunique(), 'language')}.", icon=":material/check:")
    st.rerun()


def downstream_page(deletion: "st.delta_generator.DeltaGenerator") -> None:
    """Draws the page: the choice of accuracies, then the figures, or the run that they need."""
    study = study_or_stop().against_pivot
    which, benchmark_box, model_box = st.columns([1.4, 1, 1.2], vertical_alignment="bottom")
    with which:
        name = _accuracy_source()
    with deletion:
        offer_deletion("down_source")
    rows, notes = _accuracies(name)
    benchmark, model = BITS, study.model
    if name != BITS:
        benchmark = _benchmark(benchmark_box, rows)
        model = _model(model_box, rows[rows["benchmark"] == benchmark], study)
        rows = rows[(rows["benchmark"] == benchmark) & (rows["model"] == model)]
    answered = with_answers(lambda codes: Downstream(study, codes, bits=name == BITS))
    codes = languages.choose_languages(study, "down_codes", (study.source,), without=study.target, answered=answered)
    if not codes:
        st.info("Choose at least one language.", icon=":material/translate:")
        link.stop()
    if name != BITS:
        codes = _with_accuracy(codes, rows)
        _say_whose(model, study)
    request = settle_or_stop(Downstream(study, codes, bits=name == BITS))
    against = language(study.target).name
    measured = answer_or_stop(
        request, Place(380, lambda asked: f"{count(len(asked.languages), 'language')} against {against}")
    )
    study = replace(study, dtype=measured.study.dtype)
    if measured.bits is not None:
        rows = bits_as_accuracies(measured.bits, study.model)
    for note in notes:
        st.caption(look.plain(note))
    _view(study, measured.results, rows, benchmark, layer_correlations(measured.results, rows))


def _accuracy_source() -> str:
    """`bits per byte`, or the name of kept files."""
    offered: list[str] = [BITS, *kept_names("down_source")]
    bound.adopt("down_source", offered, BITS)
    if wanted := st.session_state.pop("down_next", None):
        st.session_state.down_source = wanted
    chosen = st.selectbox(
        "Accuracy from",
        offered,
        key="down_source",
        format_func=_source_name,
        help="`bits per byte`: how many bits the model needs per byte of a language's sentences, from the same forward "
        "passes. Or files that you have uploaded.",
    )
    bound.write("down_source")
    return chosen


def _source_name(name: str) -> str:
    return "Bits per byte" if name == BITS else file_name(name)


def _with_accuracy(codes: tuple[str, ...], rows: pd.DataFrame) -> tuple[str, ...]:
    """The languages that have an accuracy, since no other can be plotted. Says how many lack one; stops if all do."""
    known = tuple(code for code in codes if code in set(rows["language"]))
    if not known:
        st.info(
            "None of these languages has an accuracy here. Choose others, or upload their accuracies.",
            icon=":material/search_off:",
        )
        link.stop()
    if len(known) < len(codes):
        st.caption(
            f"{len(known)} of {count(len(codes), 'chosen language')} have an accuracy here; the page shows these."
        )
    return known


def _say_whose(named: str, study: Study) -> None:
    """Says so if the file is about another model than the study, or names none."""
    ours = model_name(study.model)
    if not named:
        st.caption(
            look.plain(f"The file names no model. The comparison holds only if its accuracies are those of {ours}.")
        )
    elif not are_of(named, study.model):
        st.warning(
            look.plain(
                f"These accuracies are of {named}, but alignment is measured in {ours}. To compare the two, choose "
            )
            + look.plain(f"{named} in the sidebar or bring accuracies of {ours}."),
            icon=":material/compare_arrows:",
        )


def _accuracies(name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    kept = None if name == BITS else kept_rows(name)
    return kept or (pd.DataFrame(columns=list(COLUMNS)), ())


def _benchmark(box: "st.delta_generator.DeltaGenerator", rows: pd.DataFrame) -> str:
    offered = sorted(rows["benchmark"].unique())
    bound.adopt("down_benchmark", offered, offered[0])
    chosen = box.selectbox(
        "Benchmark",
        offered,
        key="down_benchmark",
        disabled=len(offered) == 1,
        format_func=look.named({UNNAMED: "not named"}),
    )
    bound.write("down_benchmark")
    return cast(str, chosen)


def _model(box: "st.delta_generator.DeltaGenerator", rows: pd.DataFrame, study: Study) -> str:
    """The model whose accuracies are used: the study's if the file has it, else the file's first."""
    offered = sorted(rows["model"].unique())
    ours = next((each for each in offered if are_of(each, study.model)), offered[0])
    bound.adopt("down_model", offered, ours, lambda text: "" if text == _UNNAMED_MODEL else text)
    chosen = box.selectbox(
        "Model in the file",
        offered,
        key="down_model",
        disabled=len(offered) == 1,
        format_func=look.named({"": _UNNAMED_MODEL}),
    )
    bound.write("down_model")
    return cast(str, chosen)


@st.fragment
def _view(
    study: Study, results: tuple[StudyResult, ...], accuracies: pd.DataFrame, benchmark: str, layers: pd.DataFrame
) -> None:
    """Draws what depends on the aggregation over layers and on the coefficient. layers: as layer_correlations."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    over: Over = bound.one_of("Over the layers", {"mean": "mean", "max": "max"}, "down_over", left)
    methods = {"pearson": "Pearson", "spearman": "Spearman"}
    method = bound.one_of("Correlation (for the curves by layer)", methods, "down_method", right)
    table = joined(alignment_table(results, over), accuracies)
    correlations = correlation_table(table)
    finding = figures.downstream_finding(correlations, benchmark)
    for column, state in zip(st.columns(3), STATES, strict=True):
        with column:
            look.picture(figures.exportable_downstream(study, table, state, benchmark), f"down_{state}", shows=finding)
    st.markdown(finding)
    if layers[method].notna().any():
        look.picture(
            figures.exportable_correlation(study, layers, method, benchmark),
            "down_layers",
            figures.best_layer_finding(layers),
        )
    with st.expander("The numbers", icon=":material/table:"):
        for key, shown in (("correlations", correlations), ("languages", table), ("layers", layers)):
            look.table(*_as_read(shown, benchmark) if key == "languages" else (shown,))
            look.table_downloads(shown, f"{study.stem}.downstream.{key}", f"down_{key}")


def _as_read(table: pd.DataFrame, benchmark: str) -> tuple[pd.DataFrame, dict[str, Column]]:
    """The table of languages to show, and its columns: scores over the layers, and the benchmark's accuracy."""
    scores: dict[str, Column] = {state: Column(SCORE_NAMES[state], "%.2f") for state in STATES}
    if benchmark != BITS:
        return table, scores
    return table.assign(accuracy=-table["accuracy"]), scores | {"accuracy": Column("Bits per byte", "%.2f")}


def published() -> None:
    """Draws the published correlations, with their sources, for comparison."""
    st.markdown("Pearson correlations over languages:")
    look.table(PUBLISHED, _PUBLISHED_COLUMNS)
    st.markdown("MEXA on FLORES, mean pooling (Kargaran et al. 2025, arXiv:2410.05873):")
    look.table(pd.DataFrame({"model": list(PUBLISHED_MEXA), "mexa": list(PUBLISHED_MEXA.values())}), _PUBLISHED_COLUMNS)


st.title("Downstream")
st.html("<p class='nx-question'>Does alignment predict how well the model does in a language?</p>")

downstream_page(bring_accuracies())
with st.expander("What papers report", icon=":material/menu_book:"):
    published()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("downstream"))
