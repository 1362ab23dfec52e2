"""The comparison that Overview, Models and Claims open with: the demo beside a model of the gallery."""

import streamlit as st

from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.gallery.models import stored_models
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.models import demo
from neuronxa_core.stills.overview import two_models
from neuronxa_core.study.study import Study
from pages.shared import look


def beside(key: str) -> None:
    """Draws the demo beside the gallery's first other model, language by language; nothing if there is none.

    Nothing either where the study is about another model or corpus.
    """
    asked: Study | None = st.session_state.study
    if asked and (asked.corpus != EVERYDAY.name or asked.model not in (demo.NAME, *stored_models())):
        return
    shown = two_models(list(gallery_results().values()))
    if shown is None:
        return
    look.picture(shown.exportable, f"beside_{key}", look.plain(shown.finding))
