"""The study in the URL: reading it from a link, and writing it into the address."""

from dataclasses import MISSING, asdict, fields, replace
from typing import Any

import streamlit as st

from neuronxa_core.corpora.catalogue import EVERYDAY, is_offered
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.models import demo
from neuronxa_core.models.locate import is_hub_id
from neuronxa_core.settings import settings
from neuronxa_core.study.study import Study
from pages.shared import look
from pages.shared.link_names import linked, opened

DEFAULT = Study(model=demo.NAME, corpus=EVERYDAY.name, source="deu_Latn", target="eng_Latn")
TYPED = ("revision", "adapter", "neurons")
"""The fields that are typed into the picker; not available in shared mode."""
_OPTIONAL = {field.name: field.default for field in fields(Study) if field.default is not MISSING}


def is_shared() -> bool:
    """Whether the dashboard is in shared mode, where only models and corpora on offer can be used."""
    return settings().mode == "shared"


def study_query(study: Study) -> dict[str, str]:
    """The study as URL parameters, without those that have their default value."""
    return {
        name: linked(name, str(value))
        for name, value in asdict(study).items()
        if name not in _OPTIONAL or replace(study, **{name: _OPTIONAL[name]}) != study
    }


def study_from_url() -> Study:
    """The study that the link describes; values that do not fit are replaced by defaults and named in a toast."""
    asked = {name: opened(name, text) for name, text in st.query_params.to_dict().items() if name in asdict(DEFAULT)}
    both: dict[str, str] = {name: asked.pop(name) for name in ("source", "target") if name in asked}
    study = default_study()
    refused: list[str] = []
    first = sorted(asked, key=lambda name: name != "model")
    changes: list[dict[str, str]] = [both, *({name: asked[name]} for name in first)]
    for change in changes:
        try:
            values: dict[str, Any] = {name: _value(name, text, study.model) for name, text in change.items()}
            if "model" in change:
                values["pooling"] = "auto"  # the default depends on the model
            study = replace(study, **values)
        except (NeuronXAError, ValueError):
            refused += [f"{name} = {text}" for name, text in change.items()]
    if refused:
        st.toast(
            "The link contains values that do not fit; defaults are used instead: " + look.plain(", ".join(refused)),
            icon=":material/link_off:",
            duration="long",
        )
    return study


def default_study() -> Study:
    """The study without a link: the demo, or the first model that a shared dashboard offers."""
    if not is_shared() or demo.NAME in settings().models:
        return DEFAULT
    return replace(DEFAULT, model=settings().models[0], pooling="auto")


def _value(name: str, text: str, model: str) -> str | int:
    """A value from a link. Raises ValueError if it is empty, no valid number of pairs, or not on offer in shared mode.

    Only a model on the hub has a revision.
    """
    if is_shared() and not _is_offered_to_all(name, text):
        raise ValueError(name)
    value = int(text) if name in ("pairs", "sample") else text
    if name == "revision" and not is_hub_id(model):
        raise ValueError(name)
    if value == "" or (name == "pairs" and int(text) < 2):
        raise ValueError(name)
    return value


def _is_offered_to_all(name: str, text: str) -> bool:
    """Whether a link to a shared dashboard may contain this value."""
    if name == "model":
        return text in settings().models
    return is_offered(text) if name == "corpus" else name not in TYPED


def write_url(study: Study) -> None:
    """Writes the study into the address. The view of a page is bound to its widgets (`bind="query-params"`)."""
    query = study_query(study)
    for name in asdict(study):
        if name in query and st.query_params.get(name) != query[name]:
            st.query_params[name] = query[name]
        elif name not in query and name in st.query_params:
            del st.query_params[name]
