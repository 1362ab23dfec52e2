"""Separability, ANC and CKA beside the scores of a table: as far as they are at hand, and an invitation to the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.space_means import Space, find_means
from neuronxa_core.gallery.models import stored_models
from neuronxa_core.gallery.space import precomputed_means
from neuronxa_core.models.locate import local_checkpoint
from neuronxa_core.states import store
from neuronxa_core.study.study import Study
from pages.shared import look
from pages.shared.invitation import invite_rest
from pages.shared.precision import or_stop
from pages.shared.run import find_here
from pages.shared.tickets import join, progress, submit, waiting

_WHAT = "Separability, ANC and CKA"


@dataclass(frozen=True)
class SpaceHere:
    """The means of the measures by study, as far as they are at hand. request: what would compute the rest, if any.

    away: models of the gallery whose weights are not here.
    """

    means: Mapping[Study, pd.DataFrame]
    request: Space | None
    away: tuple[str, ...]


def space_here(studies: Iterable[Study]) -> SpaceHere:
    """What gallery, session and cache have of these studies' measures."""
    asked = tuple(dict.fromkeys(studies))
    means = {study: found for study in asked if (found := precomputed_means(study)) is not None}
    models = {study.model: study for study in asked if study not in means and study.model in stored_models()}
    away = tuple(model for model, study in models.items() if local_checkpoint(study.ref) is None)
    rest = tuple(study for study in asked if study not in means and study.model not in away)
    if not rest:
        return SpaceHere(means, None, away)
    found = find_here(Space(rest))
    return SpaceHere(means | dict(found.answer.means if found else _some(rest)), None if found else Space(rest), away)


def _some(studies: tuple[Study, ...]) -> Mapping[Study, pd.DataFrame]:
    """Those in the cache, looked up anew when anything has come into it."""
    kept: tuple[object, dict[Study, pd.DataFrame]] | None = st.session_state.get("space_kept")
    if kept is None or kept[0] != (studies, store.version()):
        found = or_stop(lambda: {study: each for study in studies if (each := find_means(study)) is not None})
        kept = st.session_state.space_kept = ((studies, store.version()), found)
    return kept[1]


def invite_to_space(here: SpaceHere) -> None:
    """Below a table: what of its measures is not computed yet, and the run that computes it, if any is missing."""
    for model in here.away:
        title = look.plain(stored_models()[model].title)
        st.caption(f"{_WHAT} are not precomputed for {title}, and its weights are not on this machine.")
    if here.request is None:
        return
    join(here.request)
    with st.container(border=True, key="rest_space"):
        st.caption(f"{_WHAT} are not computed yet where the table has a dash. States in the cache are not run again.")
        if waiting(here.request):
            progress(here.request, "_space")
        else:
            invite_rest(here.request, submit, "_space")
