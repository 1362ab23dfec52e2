"""From the study in the sidebar to its result on the page: precomputed, cached, running, or an invitation to run it."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import streamlit as st

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery import answers
from neuronxa_core.jobs import Snapshot, shared_queue
from neuronxa_core.models.cost import ask_again, refuse_what_does_not_fit, study_cost
from neuronxa_core.states import store
from neuronxa_core.study.analysis import Analysis, Found, Given
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers
from neuronxa_core.study.study import Study
from pages.shared import look
from pages.shared.cost import memory_line, work_line
from pages.shared.link_names import paths_in_link
from pages.shared.precision import ask_in, offer_the_other, or_stop

Request = TypeVar("Request")


_BADGES = {
    "precomputed": "Computed in advance on a CPU and shipped with the dashboard.",
    "cached": "Computed earlier on this machine and read from its cache.",
    "fresh": "Computed just now on this machine.",
}


def study_or_stop() -> Study:
    """The study in the sidebar; where it does not fit together, one sentence instead of the page."""
    if st.session_state.study is None:
        st.error(look.plain(st.session_state.study_problem), icon=":material/info:")
        st.stop()
    study: Study = st.session_state.study
    return study


@dataclass(frozen=True)
class Place:
    """How an answer stands on a page. height: of its picture in pixels, so that the page does not jump.

    names: in the study line instead of source and target; files, stem: what Export offers, see look.Files; note: above
    the invitation, made when there is one; dtypes: in the study line, where the page does not take the sidebar's.
    """

    height: int
    names: str = ""
    files: Callable[[Any], look.Files] | None = None
    stem: str = ""
    note: Callable[[], str] = str
    dtypes: str = ""


def answer_or_stop(request: Analysis[Given], place: Place) -> Given:
    """The answer, with its study line above. Without one: the invitation, the progress or the error, then stop."""
    found = find_here(request)
    study = found.answer.study if found else request.study
    files = place.files(found.answer) if found and place.files else None
    study_line(study, found.badge if found else "", place.names, files, place.stem or None, place.dtypes)
    if found is None:
        _run_here(request, place)
        st.stop()
    return found.answer


def answer_here(request: Analysis[Given], place: Place) -> Given | None:
    """The answer for a part of a page that has its study line already; None where the invitation or progress stands."""
    found = find_here(request)
    if found is None:
        _run_here(request, place)
        return None
    return found.answer


def settle_or_stop(request: Request) -> Request:
    """The request in one precision, for all that the page shows of it, see gallery.answers.settle."""
    return or_stop(lambda: answers.settle(request))


def find_here(request: Analysis[Given]) -> Found[Given] | None:
    """The answer and where it is from: the gallery, this session, the cache; None while it is computed or not there."""
    stored = answers.stored(request)
    if stored is not None:
        return Found(cast(Given, stored), "precomputed")
    finished: dict[Hashable, Any] = st.session_state.setdefault("finished", {})
    if request in finished:
        return Found(finished[request], "fresh")
    absent: dict[Hashable, object] = st.session_state.setdefault("absent", {})
    if waiting(request) or absent.get(request) == (now := store.version()):
        return None
    kept = or_stop(lambda: answers.cached(request))
    if kept is None:
        absent[request] = now  # looked for again as soon as anything has come into the cache
        return None
    return Found(cast(Given, kept), "cached")


def alignment_or_stop(height: int) -> StudyResult:
    """The scores of the study in the sidebar, with its study line above; without them as `answer_or_stop`."""
    request = settle_or_stop(Alignment(study_or_stop()))
    result = answer_or_stop(request, Place(height, files=look.study_files))
    _say_what_was_guessed(str(result.provenance.get("neurons", "")))
    if warnings := result.provenance.get("warnings"):
        st.warning(f"{look.plain(str(warnings))} See the Data page for the full check.", icon=":material/fact_check:")
    return result


def _say_what_was_guessed(neurons: str) -> None:
    """For an architecture that the table of families lacks: which module is read, and how to name another."""
    if "guessed" in neurons:
        st.info(
            f"NeuronXA Explorer does not know this architecture and reads its neurons from: {neurons}. If that is the "
            "wrong module, enter the right one under More in the sidebar.",
            icon=":material/account_tree:",
        )


def states_or_stop(study: Study, height: int) -> StudyLayers:
    """The states of both languages, which the gallery lacks; without them the invitation or the progress, then stop."""
    request = Alignment(study)
    layers = None if waiting(request) else find_layers(study)
    if layers is None:
        _run_here(request, Place(height))
        st.stop()
    return layers


def study_line(
    study: Study,
    badge: str,
    names: str = "",
    files: look.Files | None = None,
    stem: str | None = None,
    dtypes: str = "",
) -> None:
    """What exactly is shown, in one line, where the numbers come from, the link, and the files to take away.

    names: instead of source and target; stem: of the files, instead of the study's; dtypes: instead of the study's,
    where the page does not take the sidebar's.
    """
    names = names or f"{language(study.source).name} → {language(study.target).name}"
    line, actions = st.columns([3.4, 1.2], vertical_alignment="center")
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        look.copy_link(paths_in_link(study))
        if files:
            look.export(stem or study.stem, files)
    parts = (
        f"**{names}**",
        _code(study.names["model"]),
        _code(study.names["corpus"]),
        f"{study.pairs} pairs",
        f"site {study.site}",
        f"pooling {study.pooling}",
        f"dtype {dtypes or study.dtype}",
    )
    shown = " &nbsp;·&nbsp; ".join(parts) + _chosen(study) + (f" &nbsp; :gray-badge[{badge}]" if badge else "")
    line.markdown(shown, help=_BADGES.get(badge))
    if not dtypes and (asked := st.session_state.study):
        offer_the_other(asked.dtype, study.dtype, ask_in)


def _chosen(study: Study) -> str:
    """Where not simply the first pairs are used: how they were chosen."""
    sample = f" &nbsp; sample {study.sample}" if study.sample else ""
    return sample + (f" &nbsp; without {_code(study.leave_out)}" if study.leave_out else "")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def _run_here(request: Analysis[Any], place: Place) -> None:
    """Where the picture will be: the progress of the work if it was started, else the invitation."""
    with st.container(border=True, height=place.height, vertical_alignment="center", horizontal_alignment="center"):
        progress(request) if waiting(request) else _invite(request, place.note)


def _tickets() -> dict[Hashable, str]:
    tickets: dict[Hashable, str] = st.session_state.setdefault("tickets", {})
    return tickets


def waiting(request: Hashable) -> bool:
    """Whether this session waits for the job that it asked for under this name."""
    return request in _tickets()


def submit(request: Analysis[Any]) -> None:
    """Asks the worker for the answer; `progress` shows how it goes."""
    _tickets()[request] = shared_queue().submit(request, partial(answers.run, request))


def release(request: Hashable) -> None:
    """Lets go of a job, if this session waits for it."""
    ticket = _tickets().pop(request, None)
    if ticket:
        shared_queue().cancel(ticket)


def _invite(request: Analysis[Any], note: Callable[[], str]) -> None:
    """What running the sentences through the study's model will cost, and the button that starts the work."""
    try:
        rest = answers.remaining(request)
        texts, study = list(rest.sentences()), rest.study
        length = sum(map(len, texts))
        cost = study_cost(study.ref, length, len(texts), study.dtype, at_once=rest.at_once)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=ask_again, key="ask_again")
        return
    if said := note():
        st.caption(said, text_alignment="center")
    st.markdown("**Not computed yet**", text_alignment="center")
    st.markdown(work_line(cost, len(texts)), text_alignment="center")
    st.caption(memory_line(cost), text_alignment="center")
    try:
        refuse_what_does_not_fit(cost)
    except NeuronXAError as problem:
        st.warning(look.plain(str(problem)), icon=":material/memory:")
    st.button(
        "Run",
        type="primary",
        icon=":material/play_arrow:",
        on_click=submit,
        args=(request,),
        key="run",
        disabled=not cost.fits,
    )


def progress(request: Analysis[Any]) -> None:
    """Where the picture will be: what the job does now, and a way to stop it. Polls by drawing one line again."""
    snapshot = _looked(request)
    if snapshot is None or snapshot.status == "cancelled":
        _tickets().pop(request, None)
        st.rerun()
    if snapshot.status == "done":
        st.session_state.setdefault("finished", {})[request] = snapshot.result
        _tickets().pop(request)
        st.rerun()
    if snapshot.status == "failed":
        _show_failure(request, snapshot)
        return
    st.fragment(_progress, run_every=_SECONDS[snapshot.status])(request, snapshot.status)
    st.button("Cancel", icon=":material/close:", on_click=release, args=(request,), key="cancel")


def _looked(request: Hashable) -> Snapshot | None:
    ticket = _tickets().get(request)
    return shared_queue().look(ticket) if ticket else None


_SECONDS = {"queued": 2.0, "running": 0.5}
"""Between two looks at a job."""


def _progress(request: Hashable, before: str) -> None:
    """One line of what the job does now; as soon as its status changes, the whole page is drawn again."""
    snapshot = _looked(request)
    if snapshot is None or snapshot.status != before:
        st.rerun()
    now = snapshot.progress
    st.progress(now.done / now.total if now and now.total else 0.0, text=_progress_line(snapshot))


def _show_failure(request: Analysis[Any], snapshot: Snapshot) -> None:
    st.error(look.plain(snapshot.error), icon=":material/error:")
    if snapshot.error_id:
        st.caption(f"Error {snapshot.error_id}. The server log has the details under this number.")
    st.button("Try again", icon=":material/refresh:", on_click=submit, args=(request,), key="retry")


def _progress_line(snapshot: Snapshot) -> str:
    if snapshot.status == "queued":
        return f"Waiting for {snapshot.ahead} other run{'s' * (snapshot.ahead > 1)}" if snapshot.ahead else "Starting"
    return str(snapshot.progress) if snapshot.progress else "Starting"
