"""Models: two to six models, or variants of one, on the same sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.models import (
    ModelComparison,
    Models,
    depth_curves,
    language_differences,
    variant_summary,
)
from neuronxa_core.analyses.space import TABLED
from neuronxa_core.analyses.space_means import studies_compared, with_space
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import models as figures
from neuronxa_core.figures.palette import SCORE_NAMES, SITE_NAMES, variant_name
from neuronxa_core.gallery import answers
from neuronxa_core.gallery.read import precomputed_against_target
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import DTYPES, Dtype
from neuronxa_core.settings import settings
from neuronxa_core.states.sentences import SITES, STATES, Site
from neuronxa_core.study.naming import model_name
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from pages.compare.models_revisions import revisions_view
from pages.shared import bound, glossary, languages, look, picker
from pages.shared.beside import beside
from pages.shared.link_names import labels, linked, opened
from pages.shared.part import with_answers
from pages.shared.precision import offer_the_other, variants_in_one_precision
from pages.shared.run import Place, answer_or_stop, study_or_stop
from pages.shared.space import invite_to_space, space_here
from pages.shared.study_link import is_shared


def comparison_page() -> None:
    study = study_or_stop().against_pivot
    if settings().mode == "local" and _what() == "revisions":
        revisions_view(study)
        return
    variants = _variants(study)
    if not 2 <= len(variants) <= figures.MOST_VARIANTS:
        st.info(
            f"{len(variants)} variant{'s are' if len(variants) != 1 else ' is'} chosen. Choose 2 to "
            f"{figures.MOST_VARIANTS}: each model, site and dtype that you add makes more.",
            icon=":material/compare_arrows:",
        )
        return
    answered = with_answers(lambda codes: Models(_settled(variants, codes), codes))
    codes = languages.choose_languages(study, "cmp_codes", (study.source,), without=study.target, answered=answered)
    if not codes:
        st.info("Choose at least one language.", icon=":material/translate:")
        return
    settled = _settled(variants, codes)
    if len(settled) < 2:
        st.info(
            f"`auto` is {settled[0].dtype} here, so these variants are the same. Choose another dtype.",
            icon=":material/compare_arrows:",
        )
        return
    asked = "auto" if any(each.dtype == "auto" for each in variants) else ""
    comparison = _compared_or_stop(study, Models(settled, codes), asked)
    space = space_here(studies_compared(comparison.results))
    _view(replace(study, dtype=settled[0].dtype), comparison.results, space.means)
    invite_to_space(space)


def _what() -> str:
    what = {"models": "Models and settings", "revisions": "Revisions of one model"}
    return str(bound.one_of("Compare", what, "cmp_what", label_visibility="collapsed"))


def _variants(study: Study) -> list[Study]:
    """Every combination of the chosen models, sites and dtypes, the study's own first."""
    shared = is_shared()
    models = [*settings().models] if shared else list(dict.fromkeys((study.model, *picker.offered_models())))
    which, site_box, dtype_box = st.columns([1.7, 1.8, 1.1])
    with which:
        chosen = _models(study, models)
    usual: list[Site] = ["gate", "product"] if study.model == demo.NAME else [study.site]
    bound.adopt("cmp_sites", SITES, usual)
    sites = site_box.multiselect(
        "Sites", SITES, key="cmp_sites", format_func=look.named(SITE_NAMES), help=picker.help_on("site")
    )
    bound.write("cmp_sites")
    plain = [dtype for dtype in DTYPES if dtype not in ("8bit", "4bit")]
    default: list[Dtype] = [study.dtype if study.dtype in plain else "auto"]
    dtypes = dtype_box.multiselect(
        "Precisions (dtype)",
        plain,
        default=default,
        key="cmp_dtypes",
        bind="query-params",
        help="`auto` is one precision for all variants: float32 if all of them are precomputed, otherwise that of this "
        "machine, or float32 if that leaves less to compute. With two or more dtypes, each is a variant.",
    )
    return [
        _as(study, model, site, dtype)
        for model in chosen
        for site in (sites or [study.site])
        for dtype in (dtypes or [study.dtype])
    ]


_OWN = "study"
"""How a link writes the study's own model where that is a path, which the link holds already."""


def _models(study: Study, models: Sequence[str]) -> list[str]:
    """The models to compare, chosen among these, those that were typed, and those in the link."""
    shared = is_shared()

    def read(text: str) -> str:
        return study.model if text == _OWN else opened("model", text)

    def text_of(model: str) -> str:
        name = linked("model", model)
        return _OWN if model == study.model and name == model != model_name(model) else name

    typed = (
        [] if shared else [*map(read, st.query_params.get_all("cmp_models")), *st.session_state.get("cmp_models", [])]
    )
    offered = list(dict.fromkeys((study.model, *models, *typed)))
    bound.adopt("cmp_models", offered, [study.model], read)
    chosen: list[str] = st.multiselect(
        "Models",
        offered,
        key="cmp_models",
        format_func=look.named(labels("model", offered)),
        accept_new_options=not shared,
        max_selections=figures.MOST_VARIANTS,
        help="Hub ids, paths, or `demo`. All models read the same sentences, one model after the other.",
    )
    bound.write("cmp_models", text_of)
    return chosen


def _as(study: Study, model: str, site: Site, dtype: Dtype) -> Study:
    """The study with another model, site and dtype; only its own model keeps revision, adapter and neurons."""
    if model == study.model:
        return replace(study, site=site, dtype=dtype)
    return replace(study, model=model, site=site, dtype=dtype, pooling="auto", revision="", adapter="", neurons="")


def _compared_or_stop(study: Study, request: Models, asked: str) -> ModelComparison:
    """The comparison; otherwise the page stops with invitation or error. asked: the requested dtype."""
    dtypes = list(dict.fromkeys(each.dtype for each in request.variants))
    if len(dtypes) == 1:
        offer_the_other(asked, dtypes[0], _compare_in)

    def title(shown: Models) -> str:
        languages = f"{len(shown.languages)} language{'s' * (len(shown.languages) != 1)}"
        return f"{len(shown.variants)} variants, {languages} against {language(study.target).name}"

    return answer_or_stop(request, Place(figures.DEPTH_HEIGHT, title, dtypes=" and ".join(dtypes)))


def _compare_in(dtype: str) -> None:
    """Replaces `auto` by a dtype from the next rerun on."""
    st.session_state.cmp_dtypes = [dtype]


def _settled(variants: list[Study], codes: tuple[str, ...]) -> tuple[Study, ...]:
    """The variants in one precision: the one in which most answers for these languages are available."""

    def at_hand(each: Study) -> bool:
        return all(answers.at_hand(replace(each, source=code)) for code in codes)

    return tuple(variants_in_one_precision(variants, lambda each: precomputed_against_target(each, codes), at_hand))


@st.fragment
def _view(study: Study, results: Mapping[str, tuple[StudyResult, ...]], there: Mapping[Study, pd.DataFrame]) -> None:
    names = list(results)
    known = [result.study.source for result in results[names[0]]]
    source = study.source if study.source in known else known[0]
    left, middle, right = st.columns([1.3, 1, 1], vertical_alignment="bottom")
    state = look.state_control(SCORE_NAMES, "cmp_state", left)
    variant, reference = (
        _variant(box, label, key, names, names[place])
        for box, label, key, place in ((middle, "Compare", "cmp_variant", 1), (right, "with", "cmp_reference", 0))
    )
    curves = depth_curves(results, source)
    summary = with_space(variant_summary(results), results, there.get)
    said_curves, said_summary = (each.assign(variant=each["variant"].map(variant_name)) for each in (curves, summary))
    picture, gains = st.columns([1.3, 1], gap="large")
    with picture:
        look.picture(
            figures.exportable_depth(replace(study, source=source), said_curves, state),
            "cmp_depth",
            look.plain(figures.comparison_finding(said_summary, state)),
        )
        others = [f"{other}_{each.name}" for other in STATES if other != state for each in TABLED]
        look.table(said_summary.drop(columns=others))
    table = language_differences(results[variant], results[reference], state)
    with gains:
        look.picture(
            figures.exportable_difference(study, table, state, *map(variant_name, (variant, reference))),
            "cmp_gains",
            look.plain(figures.difference_finding(table, *map(variant_name, (variant, reference)))),
        )
    with st.expander("The numbers", icon=":material/table:"):
        for key, raw, said in (
            ("summary", summary, said_summary),
            ("differences", table, table),
            ("curves", curves, said_curves),
        ):
            look.table(said)
            look.table_downloads(raw, f"{study.stem}.models.{key}", f"cmp_{key}")


def _variant(box: "st.delta_generator.DeltaGenerator", label: str, key: str, names: Sequence[str], usual: str) -> str:
    bound.adopt(key, names, usual)
    chosen: str = box.selectbox(label, names, key=key, format_func=variant_name)
    bound.write(key)
    return chosen


st.title("Models")
st.html("<p class='nx-question'>Which model aligns which languages best, and at what depth?</p>")

beside("models")
comparison_page()
with st.expander("How to read this", icon=":material/help:"):
    st.markdown(glossary.explained("models"))
