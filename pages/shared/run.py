"""From the study in the sidebar to its result on the page: precomputed, cached, running, or an invitation to run it."""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import streamlit as st

from neuronxa_core import spare
from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.figures.wording import named
from neuronxa_core.gallery import answers
from neuronxa_core.interface import tr
from neuronxa_core.monitoring import events
from neuronxa_core.states import store
from neuronxa_core.study.analysis import Analysis, Found, Given
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers
from neuronxa_core.study.study import Study
from pages.shared import link, look, typed
from pages.shared.invitation import invite, invite_rest
from pages.shared.link_names import paths_in_link
from pages.shared.part import part_here
from pages.shared.precision import ask_in, offer_the_other, or_stop
from pages.shared.tickets import declined, join, progress, submit, waiting
from pages.shared.visitor import visitor

Request = TypeVar("Request")


def study_or_stop() -> Study:
    """The study in the sidebar; if it is invalid, the page stops with one sentence."""
    if st.session_state.study is None:
        st.error(look.plain(st.session_state.study_problem), icon=":material/info:")
        link.stop()
    study: Study = st.session_state.study
    noted, messages = st.session_state.get("study_notes", (None, ()))
    if noted == study:
        st.warning(" ".join(messages), icon=":material/translate:")
    return study


@dataclass(frozen=True)
class Place:
    """How an answer stands on a page. height: of its picture in pixels, so that the page does not jump.

    names: in the study line instead of source and target, from the request that is answered, which has fewer items
    where only a part is at hand; files, stem: what Export offers, see look.Files; note: above the invitation, made when
    there is one; dtypes: in the study line, where the page does not take the sidebar's; key: tells the buttons of
    several answers on a page apart; about: in the study line instead of corpus, pairs, site and pooling.
    """

    height: int
    names: Callable[[Any], str] = lambda request: ""
    files: Callable[[Any], look.Files] | None = None
    stem: str = ""
    note: Callable[[], str] = str
    dtypes: str = ""
    key: str = ""
    about: tuple[str, ...] = ()


def answer_or_stop(request: Analysis[Given], place: Place) -> Given:
    """The answer, with its study line above. Without one: the invitation, the progress or the error, then stop."""
    answer = answer_with_line(request, place)
    if answer is None:
        link.stop()
    return answer


def answer_with_line(request: Analysis[Given], place: Place) -> Given | None:
    """As `answer_here`, with its study line above."""
    found, asked = _find_whole_or_part(request)
    study = found.answer.study if found else request.study
    files = place.files(found.answer) if found and place.files else None
    badge = found.badge if found else ""
    study_line(study, badge, place.names(asked), files, place.stem or None, place.dtypes, place.about)
    return _show(request, found, asked, place)


def answer_here(request: Analysis[Given], place: Place) -> Given | None:
    """The answer for a part of a page that already has its study line; None if the invitation or progress is shown.

    Where only some of the languages, variants or pivots are at hand, it is the answer for these, and a line above says
    what is still to compute.
    """
    found, asked = _find_whole_or_part(request)
    return _show(request, found, asked, place)


def _find_whole_or_part(request: Analysis[Given]) -> tuple[Found[Given] | None, Analysis[Given]]:
    """The answer, and the request that it answers, which has fewer items where only a part is available."""
    if found := find_here(request):
        return found, request
    if part := part_here(request):
        return Found(cast(Given, part.answer), "partial"), part.request
    return None, request


def _show(request: Analysis[Given], found: Found[Given] | None, asked: Analysis[Given], place: Place) -> Given | None:
    if found is None or asked is not request:
        join(request)
    if found is None:
        with st.container(border=True, height=place.height, vertical_alignment="center", horizontal_alignment="center"):
            progress(request, place.key, early=True) if waiting(request) else invite(
                request, submit, place.note, place.key
            )
        return None
    if asked is not request:
        with st.container(border=True, key=f"rest{place.key}"):
            progress(request, place.key) if waiting(request) else invite_rest(request, submit, place.key)
    return found.answer


def settle_or_stop(request: Request) -> Request:
    """The request with its precision resolved for the whole page, see gallery.answers.settle."""
    return or_stop(lambda: answers.settle(request))


def find_here(request: Analysis[Given]) -> Found[Given] | None:
    """The answer and its origin (gallery, session or cache); None while it is missing or being computed."""
    started = time.monotonic()
    stored = answers.stored(request)
    if stored is not None:
        _tell(request, "precomputed", started)
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
    _tell(request, "cached", started)
    return Found(cast(Given, kept), "cached")


def _tell(request: Analysis[Any], badge: str, started: float) -> None:
    """Tells whoever listens, once for every request of a session, where its answer came from."""
    told: set[Hashable] = st.session_state.setdefault("told", set())
    if request not in told:
        told.add(request)
        session = (events.hashed(visitor().name),)
        seconds = time.monotonic() - started
        events.tell(events.Event("answer", **events.asked(request), source=badge, seconds=seconds, sessions=session))


def alignment_or_stop(height: int) -> StudyResult:
    """The scores of the study in the sidebar, with its study line above; otherwise like `answer_or_stop`."""
    request = settle_or_stop(Alignment(study_or_stop()))
    result = answer_or_stop(request, Place(height, files=look.study_files))
    _say_what_was_guessed(str(result.provenance.get("neurons", "")))
    if warnings := result.provenance.get("warnings"):
        st.warning(f"{look.plain(str(warnings))} See the Data page for the full check.", icon=":material/fact_check:")
    return result


def _say_what_was_guessed(neurons: str) -> None:
    """Says which module is read if the architecture is not in the table of families, and how to name another."""
    if "guessed" in neurons:
        st.info(
            f"NeuronXA Explorer does not know this architecture and reads its neurons from: {neurons}. If that is the "
            "wrong module, enter the right one under More in the sidebar.",
            icon=":material/account_tree:",
        )


def states_or_stop(study: Study, height: int) -> StudyLayers:
    """The states of both languages, which the gallery lacks; otherwise the page stops with invitation or progress."""
    request = Alignment(study)
    layers = None if waiting(request) else find_layers(study)
    if layers is None and request in st.session_state.get("finished", {}):
        st.error(
            "The states of this study fit neither in the cache folder nor in a temporary one, and this page reads them "
            "there. Free some disk space, or use fewer pairs.",
            icon=":material/error:",
        )
        link.stop()
    if layers is None:
        _show(request, None, request, Place(height))
        link.stop()
    return layers


def followed_or_stop(request: Analysis[Given], height: int) -> Given:
    """What follows from the states of a pair; the page stops until it is there. Draws no study line.

    It is asked for at once where the states are in the cache, since that takes no model, and invited to otherwise.
    """
    found = find_here(request)
    if found is None and not declined(request) and not waiting(request) and find_layers(request.study):
        submit(request)
    answer = _show(request, found, request, Place(height))
    if answer is None:
        link.stop()
    return answer


def study_line(
    study: Study,
    badge: str,
    names: str = "",
    files: look.Files | None = None,
    stem: str | None = None,
    dtypes: str = "",
    about: tuple[str, ...] = (),
) -> None:
    """Draws in one line what is shown and where it comes from, with Copy link and Export.

    names: instead of source and target; stem: of the files, instead of the study's; dtypes: instead of the study's,
    where the page does not take the sidebar's; about: see Place.
    """
    line, actions = st.columns([3.4, 1.2] if names else [2.4, 1.7], vertical_alignment="center")  # two buttons or three
    with actions, st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"):
        if not (names or about):  # typed sentences are a corpus, which a page about something else does not read
            typed.offer(st.session_state.study or study)
        link.copy_link(paths_in_link(study))
        if files:
            look.export(stem or study.stem, files)
    word, told = _badges().get(badge, (badge, None))
    parts = (
        f"**{names or f'{named(study.source)} → {named(study.target)}'}**",
        look.plain(study.title),
        *(about or _corpus_parts(study)),
        tr("dtype {dtype}", dtype=dtypes or study.dtype),
    )
    shown = " &nbsp;·&nbsp; ".join(parts) + _chosen(study) + (f" &nbsp; :gray-badge[{word}]" if badge else "")
    line.markdown(shown, help=told)
    if badge == "fresh" and (problem := spare.problem(store.root())):
        st.warning(
            f"{look.plain(problem)} This result is kept only for the time being. Export it before you leave.",
            icon=":material/save:",
        )
    typed.warn_of_few(study)
    if not dtypes and (asked := st.session_state.study):
        offer_the_other(asked.dtype, study.dtype, ask_in)


def _badges() -> dict[str, tuple[str, str | None]]:
    """The word of each badge, and what it means."""
    return {
        "precomputed": (
            tr("precomputed"),
            tr("Computed in advance on a CPU and shipped with the dashboard."),
        ),
        "cached": (tr("cached"), tr("Computed earlier on this machine and read from its cache.")),
        "fresh": (tr("fresh"), tr("Computed just now on this machine.")),
        "partial": (tr("partial"), tr("Some of what you chose is still to compute; the rest was computed earlier.")),
    }


def _corpus_parts(study: Study) -> tuple[str, ...]:
    corpus = _code(study.names["corpus"])
    site, pooling = tr("site {site}", site=study.site), tr("pooling {pooling}", pooling=study.pooling)
    return corpus, tr("{count} pairs", count=study.pairs), site, pooling


def _chosen(study: Study) -> str:
    """How the pairs were chosen, if they are not simply the first ones; else empty."""
    sample = " &nbsp; " + tr("sample {seed}", seed=study.sample) if study.sample else ""
    return sample + (" &nbsp; " + tr("without {lines}", lines=_code(study.leave_out)) if study.leave_out else "")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"
