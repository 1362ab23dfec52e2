"""From the study in the sidebar to its result on the page: precomputed, cached, running, or an invitation to run it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import streamlit as st

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.read import StoredLayers, precomputed, precomputed_layers
from neuronxa_core.jobs import Snapshot, Work, shared_queue
from neuronxa_core.models.cost import Cost, ask_again, refuse_what_does_not_fit, study_cost
from neuronxa_core.progress import Watcher
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, find_result, run_study
from neuronxa_core.study.study import Study
from pages.shared import look
from pages.shared.precision import ask_in, in_one_precision, offer_the_other

_BADGES = {
    "precomputed": "Came with the dashboard, computed on a CPU.",
    "cached": "Computed on this machine before and taken from its cache.",
    "fresh": "Computed on this machine just now.",
}


def study_or_stop() -> Study:
    """The study in the sidebar; where it does not fit together, one sentence instead of the page."""
    if st.session_state.study is None:
        st.error(look.plain(st.session_state.study_problem), icon=":material/info:")
        st.stop()
    study: Study = st.session_state.study
    return study


def result_or_stop(height: int) -> StudyResult:
    """The study's result with its study line above. Without one: the invitation, the progress or the error, then stop.

    height: of the picture that will stand here, in pixels, so that the page does not jump.
    """
    study = in_one_precision(study_or_stop())
    found = find(study, lambda: precomputed(study), lambda: find_result(study))
    if found is None:
        study_line(study, "")
        run_or_stop(study, _study_work(study), lambda: _invite(study), height)
    result, badge = found
    study_line(result.study, badge, files=look.study_files(result))
    _say_what_was_guessed(str(result.provenance.get("neurons", "")))
    if warnings := result.provenance.get("warnings"):
        st.warning(f"{look.plain(str(warnings))} The Data page has the whole check.", icon=":material/fact_check:")
    return result


def _say_what_was_guessed(neurons: str) -> None:
    """Where the table did not know the model: which module was taken for the neurons, and how to take another."""
    if "guessed" in neurons:
        st.info(
            f"This architecture is in no table. Taken for its neurons: {neurons}. If that is wrong, name the right module "
            "under More in the sidebar.",
            icon=":material/account_tree:",
        )


def layers_or_stop(study: Study, height: int) -> StudyLayers | StoredLayers:
    """The study's states, layer by layer. Where they are not on this machine: the invitation or the progress, then stop."""
    return precomputed_layers(study) or states_or_stop(study, height)


def layers_at_hand(study: Study) -> StudyLayers | StoredLayers | None:
    """The study's states, layer by layer, if the gallery or the cache has them; never an invitation."""
    return precomputed_layers(study) or find_layers(study)


def states_or_stop(study: Study, height: int) -> StudyLayers:
    """As `layers_or_stop`, for what needs the states themselves, which the gallery does not hold."""
    layers = None if waiting(study) else find_layers(study)
    if layers is None:
        run_or_stop(study, _study_work(study), lambda: _invite(study), height)
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
        look.copy_link()
        if files:
            look.export(stem or study.stem, files)
    line.markdown(
        f"**{names}** &nbsp;·&nbsp; {_code(study.model)} &nbsp;·&nbsp; {_code(study.corpus)} &nbsp;·&nbsp; {study.pairs} pairs "
        f"&nbsp;·&nbsp; site {study.site} &nbsp;·&nbsp; pooling {study.pooling} &nbsp;·&nbsp; dtype {dtypes or study.dtype}"
        + _chosen(study)
        + (f" &nbsp; :gray-badge[{badge}]" if badge else ""),
        help=_BADGES.get(badge),
    )
    if not dtypes and (asked := st.session_state.study):
        offer_the_other(asked.dtype, study.dtype, ask_in)


def _chosen(study: Study) -> str:
    """Where not simply the first pairs are used: how they were chosen."""
    sample = f" &nbsp; sample {study.sample}" if study.sample else ""
    return sample + (f" &nbsp; without {_code(study.leave_out)}" if study.leave_out else "")


def _code(text: str) -> str:
    return f"`{text.replace('`', '')}`"


def find(
    request: Hashable, precomputed: Callable[[], Any | None], cached: Callable[[], Any | None]
) -> tuple[Any, str] | None:
    """What was asked for and its badge, from the nearest place that has it; None while it is computed or not there."""
    if (result := precomputed()) is not None:
        return result, "precomputed"
    finished: dict[Hashable, Any] = st.session_state.setdefault("finished", {})
    if request in finished:
        return finished[request], "fresh"
    absent: set[Hashable] = st.session_state.setdefault("absent", set())
    if waiting(request) or request in absent:
        return None
    try:
        result = cached()
    except NeuronXAError as problem:
        _failed(str(problem))
    if result is None:
        absent.add(request)
        return None
    return result, "cached"


def run_or_stop(request: Hashable, work: Work, invite: Callable[[], None], height: int) -> NoReturn:
    """As `run_here`, and stops the page there."""
    run_here(request, work, invite, height)
    st.stop()


def run_here(request: Hashable, work: Work, invite: Callable[[], None], height: int) -> None:
    """Where the picture will be: the progress of the work if it was started, else the invitation."""
    with st.container(border=True, height=height, vertical_alignment="center", horizontal_alignment="center"):
        progress(request, work) if waiting(request) else invite()


def _tickets() -> dict[Hashable, str]:
    tickets: dict[Hashable, str] = st.session_state.setdefault("tickets", {})
    return tickets


def waiting(request: Hashable) -> bool:
    """Whether this session waits for the job that it asked for under this name."""
    return request in _tickets()


def submit(request: Hashable, work: Work) -> None:
    """Asks the worker for `work`; `progress` shows it."""
    _tickets()[request] = shared_queue().submit(request, work)


def release(request: Hashable) -> None:
    """Lets go of a job, if this session waits for it."""
    ticket = _tickets().pop(request, None)
    if ticket:
        shared_queue().cancel(ticket)


def _study_work(study: Study) -> Work:
    def work(watcher: Watcher) -> StudyResult:
        return run_study(study, keep_states=True, watcher=watcher)

    return work


def _invite(study: Study) -> None:
    def sentences() -> tuple[str, ...]:
        bitext = study.bitext()
        return (*bitext.source_sentences, *bitext.target_sentences)

    invitation(study, _study_work(study), study, sentences)


def _failed(problem: str) -> NoReturn:
    st.error(look.plain(problem), icon=":material/error:")
    st.stop()


def sentences_against_target(study: Study, codes: Sequence[str]) -> Iterator[str]:
    """What runs through the model when each language is studied against the study's target, for the cost of it."""
    corpus = open_corpus(study.corpus)
    others = [code for code in codes if code != study.target]
    sides = [corpus.sentences(code, study.target) for code in others]
    if corpus.pairwise:  # the target's sentences are others for each
        sides += [corpus.sentences(study.target, code) for code in others]
    else:
        sides.append(corpus.sentences(study.target))
    return (sentence for side in sides for sentence in side[: study.pairs])


def invitation(
    request: Hashable, work: Work, study: Study, sentences: Callable[[], Iterable[str]], at_once: int | None = None
) -> None:
    """What running the sentences through the study's model will cost, and the button that starts the work.

    at_once: how many sentences' states are in memory at a time, if not all.
    """
    try:
        texts = list(sentences())
        cost = study_cost(study.ref, sum(len(text) for text in texts), len(texts), study.dtype, at_once=at_once)
    except NeuronXAError as problem:
        st.error(look.plain(str(problem)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:", on_click=ask_again, key="ask_again")
        return
    st.markdown("#### Not computed yet", text_alignment="center")
    st.markdown(_work_line(cost, len(texts)), text_alignment="center")
    st.caption(_memory_line(cost), text_alignment="center")
    try:
        refuse_what_does_not_fit(cost)
    except NeuronXAError as problem:
        st.warning(look.plain(str(problem)), icon=":material/memory:")
    st.button(
        "Run",
        type="primary",
        icon=":material/play_arrow:",
        on_click=submit,
        args=(request, work),
        key="run",
        disabled=not cost.fits,
    )


def _work_line(cost: Cost, sentences: int) -> str:
    line = f"{sentences} sentences to run through the model"
    if cost.parameters:
        line = f"{sentences} sentences to run through {_count(cost.parameters)} parameters in {cost.dtype}"
    if cost.seconds is not None:
        line += f", about {_duration(cost.seconds)} on this processor"
    if cost.demo_unprepared:
        line += ". The first time, the demo's weights are prepared: some fifteen seconds, once"
    return line + "."


def _memory_line(cost: Cost) -> str:
    parts = []
    if cost.weight_bytes is not None and cost.state_bytes is not None:
        parts.append(f"Memory: about {_gb(cost.weight_bytes)} for weights and {_gb(cost.state_bytes)} for states")
    if cost.loading_bytes:
        parts.append(f"{_gb(cost.loading_bytes)} for a moment, while GGUF is unpacked")
    if cost.available_bytes is not None:
        parts.append(f"{_gb(cost.available_bytes)} free")
    if cost.download_bytes:
        parts.append(f"{_gb(cost.download_bytes)} to download")
    return " · ".join(parts) or "How much memory it takes cannot be told from its config."


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} billion" if parameters >= 1e9 else f"{max(1, round(parameters / 1e6))} million"


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{round(seconds)} seconds" if seconds >= 1.5 else "1 second"
    return f"{round(seconds / 60)} minutes" if seconds < 7200 else f"{round(seconds / 3600)} hours"


@st.fragment(run_every=0.5)
def progress(request: Hashable, work: Work) -> None:
    """Where the picture will be: what the job does now, and a way to stop it. Polls twice a second."""
    ticket = _tickets().get(request)
    snapshot = shared_queue().look(ticket) if ticket else None
    if snapshot is None or snapshot.status == "cancelled":
        _tickets().pop(request, None)
        st.rerun()
    if snapshot.status == "done":
        st.session_state.setdefault("finished", {})[request] = snapshot.result
        _tickets().pop(request)
        st.rerun()
    if snapshot.status == "failed":
        _show_failure(request, work, snapshot)
        return
    now = snapshot.progress
    st.progress(now.done / now.total if now and now.total else 0.0, text=_progress_line(snapshot))
    if st.button("Cancel", icon=":material/close:", key="cancel"):
        release(request)
        st.rerun()


def _show_failure(request: Hashable, work: Work, snapshot: Snapshot) -> None:
    st.error(look.plain(snapshot.error), icon=":material/error:")
    if snapshot.error_id:
        st.caption(f"Error {snapshot.error_id}; the log of the server has the details under that number.")
    st.button("Try again", icon=":material/refresh:", on_click=submit, args=(request, work), key="retry")


def _progress_line(snapshot: Snapshot) -> str:
    if snapshot.status == "queued":
        return f"Waiting: {snapshot.ahead} before this one" if snapshot.ahead else "Starting"
    return str(snapshot.progress) if snapshot.progress else "Starting"
