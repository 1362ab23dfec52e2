"""Stage mode: one figure fills the screen, and keys move it through layers, languages and figures.

`present=N` in the link puts the page's Nth figure on the stage. A page registers its layer control with `moves`; the
rest is the same for all: `look.picture` asks `show` for every figure. Digits change the study's source, whose row and
column are framed in a figure of many languages. Keys that do nothing are not shown. On a tour the arrow keys lead from
stop to stop.
"""

import html
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.stage import staged
from neuronxa_core.interface import tr
from neuronxa_core.settings import ASSETS
from neuronxa_core.study.study import Study
from pages.shared import aloud, bound, stage_languages
from pages.shared import lesson as lessons
from pages.shared.lesson import Walk

PARAMETER, LAYER = "present", "stage_layer"
_SECONDS = 1.2
"""That Play stays with a layer."""


def number() -> int:
    """Which of the page's figures is on the stage, from 1; 0 for none."""
    return max(0, bound.number(st.query_params.get(PARAMETER, "")))


def begin(page: str) -> None:
    """Sets the layers that keys or Play have reached. Call it before the page and its widgets.

    A key may interrupt a drawing, so what the page registered before stays until another page is drawn.
    """
    state = st.session_state
    if not number() or state.get("stage_page") != page:
        state.stage_page, state.stage_layers, state.stage_at, state.stage_most = page, {}, {}, 1
        state.stage_drawn, state.stage_early, state.stage_pair = False, [], True
    state.stage_fixed = False
    if state.pop("stage_next", False):
        _step(1, around=True)
    for key, value in state.stage_at.items():  # the browser may not have heard yet where the keys have led
        state[key] = value
    state.stage_figures = []


def end() -> None:
    """Records how many figures the page has, and does what keys asked for before. Call it after a page's last line."""
    state = st.session_state
    state.stage_most, state.stage_drawn = max(1, len(state.stage_figures)), number() > 0
    early, state.stage_early = state.stage_early, []
    if state.stage_drawn and not _tour():
        _hide_dead_keys()
    if number() > state.stage_most:  # a link to a figure that the page has not
        early.append(partial(_turn, 0))
    if state.stage_drawn and early:
        for does in early:
            does()
        st.rerun()


def _hide_dead_keys() -> None:
    """Takes the keys that do nothing for the figure that stands out of the bar."""
    state = st.session_state
    dead = {
        ("Left", "Right"): not state.stage_layers,
        ("Up", "Down"): state.stage_most < 2,
        ("Space",): not state.stage_layers and state.stage_most < 2,
        tuple(map(str, range(1, stage_languages.DIGITS + 1))): not state.stage_pair,
    }
    hidden = ", ".join(f".st-key-stage_{key}" for keys, off in dead.items() if off for key in keys)
    st.html(f"<style>{hidden or '.nx-none'} {{ display: none !important; }}</style>")


def draw() -> None:
    """Draws the stage's keys as a bar that appears under the pointer; off the stage, the button that leads there."""
    if not number():
        st.session_state.stage_plays = False
        st.sidebar.button(
            tr("Present"),
            key="stage_enter",
            icon=":material/slideshow:",
            shortcut="P",
            on_click=_put,
            args=(1,),
            help=tr(
                "One figure on the whole screen. Left and right arrow: layers. Up and down: the page's figures. "
                "1 to 9: languages. Space: play. Escape: leave."
            ),
            width="stretch",
        )
        return
    st.html(ASSETS / "stage.css")
    if _tour():
        _draw_tour()
        return
    with st.container(key="stage_bar", horizontal=True, gap="small"):
        _key(tr("Layer"), "Left", "keyboard_arrow_left", partial(_step, -1))
        _key(tr("Layer"), "Right", "keyboard_arrow_right", partial(_step, 1))
        _key(tr("Figure"), "Up", "keyboard_arrow_up", partial(_turn, -1))
        _key(tr("Figure"), "Down", "keyboard_arrow_down", partial(_turn, 1))
        plays = st.session_state.get("stage_plays", False)
        _key(tr("Pause") if plays else tr("Play"), "Space", "pause" if plays else "play_arrow", _play)
        for digit, study in enumerate(stage_languages.studies(st.session_state.study), 1):
            _key(language(study.source).name, str(digit), "", partial(_open, study))
        _key(tr("Leave"), "Escape", "close", partial(_put, 0))
    if plays:
        _clock()


def _tour() -> Walk | None:
    """The stop of a tour that is open, or None."""
    walk = lessons.current()
    return walk if walk and walk.lesson.kind == "tour" else None


def _draw_tour() -> None:
    """Draws the keys of a tour, and opens the stop that one of them has asked for."""
    state, walk = st.session_state, _tour()
    if walk and (to := state.pop("tour_to", 0)):
        lessons.enter(walk.at(to))
    if walk:
        with st.container(key="stage_bar", horizontal=True, gap="small"):
            st.html(f"<p class='nx-stage-place'>{walk.number} / {len(walk.lesson.steps)}</p>")
            _key(tr("Stop"), "Left", "keyboard_arrow_left", partial(state.update, tour_to=max(1, walk.number - 1)))
            _key(tr("Stop"), "Right", "keyboard_arrow_right", partial(state.update, tour_to=walk.number + 1))
            _key(tr("Leave"), "Escape", "close", _leave_tour)


def _leave_tour() -> None:
    _put(0)
    lessons.leave()


def moves(key: str, values: Iterable[object]) -> None:
    """Lets the arrow keys move a page's widget through its values. Call it where the widget is drawn."""
    st.session_state.stage_layers[key] = list(values)


def keeps_its_languages() -> None:
    """Takes the digits away from a page whose figures do not follow the study. Call it before they are drawn."""
    st.session_state.stage_fixed = True


def layer(values: Sequence[int], start: int) -> int | None:
    """The layer that arrow keys mark on a page without a layer control, kept in the link; None off the stage."""
    if not number():
        st.query_params.pop(LAYER, None)
        return None
    bound.adopt(LAYER, values, start, bound.number)
    bound.write(LAYER)
    moves(LAYER, values)
    return int(st.session_state[LAYER])


def show(exportable: ExportableFigure, key: str, theme: Theme, said: str) -> bool:
    """Whether the stage is on, where a figure is drawn here if its turn has come, and nowhere else.

    said: what a screen reader says of the figure after its kind and title.
    """
    if not number():
        return False
    state = st.session_state
    figures: list[str] = state.stage_figures
    if key not in figures:
        figures.append(key)
    if figures.index(key) + 1 == number():
        with st.container(key="stage"):
            st.html(f"<style>.st-key-stage {{ --nx-ground: {PALETTES[theme].ground} }}</style>")
            tour = _tour()
            st.html(f"<p class='nx-stage-title'>{html.escape(tour.step.title if tour else _title(exportable))}</p>")
            if tour:
                st.html(f"<p class='nx-stage-told'>{html.escape(tour.step.task)}</p>")
            figure = staged(exportable, theme, stage_languages.chosen(exportable))
            state.stage_pair = not state.stage_fixed and stage_languages.tell_apart(exportable, figure)
            aloud.say(exportable.title)
            st.plotly_chart(
                figure,
                key=f"stage_{key}",
                theme=None,
                height="stretch",
                alt=alt_text(figure, exportable.title, said or exportable.note),
                config={"displayModeBar": False, "staticPlot": True, "responsive": True},
            )
    return True


def _title(exportable: ExportableFigure) -> str:
    """The figure's title, with the language pair if it does not name it, since the digits change the pair."""
    study: Study | None = st.session_state.study
    if study is None or not stage_languages.shows_pair(exportable):
        return exportable.title
    names = [language(code).name for code in (study.source, study.target)]
    return exportable.title if names[0] in exportable.title else f"{exportable.title}: {' → '.join(names)}"


def _key(label: str, key: str, icon: str, does: Callable[[], None]) -> None:
    st.button(
        label,
        key=f"stage_{key}",
        shortcut=key,
        icon=f":material/{icon}:" if icon else None,
        type="tertiary",
        on_click=does,
    )


def _put(figure: int) -> None:
    if figure:
        st.query_params[PARAMETER] = str(figure)
    else:
        st.query_params.pop(PARAMETER, None)
        st.session_state.stage_chosen = False


def _turn(by: int) -> None:
    """Moves to the page's next or previous figure."""
    if not st.session_state.stage_drawn:
        st.session_state.stage_early.append(partial(_turn, by))
        return
    st.session_state.stage_plays = False
    _put(min(max(1, number() + by), st.session_state.stage_most))


def _step(by: int, around: bool = False) -> None:
    """Moves to the next or previous layer, or figure on a page without layers.

    What a key asks for while the page is first drawn waits for its end, where layers and figures are known.
    """
    state = st.session_state
    if not (state.stage_drawn or state.get("stage_layers")):
        if not around:
            state.stage_early.append(partial(_step, by))
        return
    for key, values in state.get("stage_layers", {}).items():
        held = state.stage_at.get(key, state.get(key))
        place = values.index(held) + by if held in values else 0
        state.stage_at[key] = values[place % len(values) if around else min(max(0, place), len(values) - 1)]
    if not state.get("stage_layers"):
        plays = state.get("stage_plays", False)
        _turn(by if not around or number() < state.stage_most else 1 - number())
        state.stage_plays = plays


def _play() -> None:
    st.session_state.stage_plays = not st.session_state.get("stage_plays", False)


@st.fragment(run_every=_SECONDS)
def _clock() -> None:
    """Reruns the page with the next layer, at the pace of Play."""
    now, state = time.monotonic(), st.session_state
    if now - state.get("stage_last", 0.0) < 0.8 * _SECONDS:  # also called by every drawing of the page
        return
    state.stage_last = now
    if state.get("stage_started"):
        state.stage_next = True
        st.rerun()
    state.stage_started = True


def _open(study: Study) -> None:
    state = st.session_state
    if not state.stage_drawn or state.stage_pair:
        state.study_next, state.stage_chosen = replace(study), True
