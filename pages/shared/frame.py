"""The script that every session runs: page config, navigation, the study picker in the sidebar, and the page."""

from pathlib import Path
from typing import NamedTuple

import streamlit as st

from neuronxa_core.interface import tr, translated
from neuronxa_core.jobs import shared_warm_up
from neuronxa_core.settings import ASSETS, settings
from pages.shared import (
    access,
    aloud,
    class_bar,
    classroom,
    glossary,
    interface,
    lesson,
    lesson_bar,
    link,
    look,
    picker,
    stage,
    tickets,
)
from pages.shared.visitor import hold_uploads

PAGES = Path(__file__).parent.parent
TITLE = "NeuronXA Explorer"


class Entry(NamedTuple):
    """A page in the menu: its module below pages/ without the suffix, its title in English, and its icon."""

    path: str
    title: str
    icon: str

    @property
    def address(self) -> str:
        """Its path in a link; empty for the first page."""
        name = self.path.split("/")[-1]
        return "" if name == "overview" else name


def draw() -> None:
    st.set_page_config(page_title=TITLE, page_icon=str(look.ICON), layout="wide")
    access.stop_other_machines()
    st.logo(str(look.LOGO), icon_image=str(look.ICON), size="large")
    look.apply_style()
    st.html(ASSETS / "close_sidebar.html", unsafe_allow_javascript=True)
    look.follow_theme()
    link.remember()
    interface.begin()
    page = st.navigation({title: [*map(_drawn, pages)] for title, pages in menu().items()}, expanded=True)
    st.set_page_config(page_title=f"{page.title} · {TITLE}")  # a tab, a bookmark and a screen reader tell pages apart
    lesson.begin()
    classroom.begin()
    stage.begin(page.title)
    glossary.begin()
    tickets.begin()
    aloud.begin()
    picker.study_picker()
    hold_uploads()
    if settings().worker == "process" and settings().mode == "local":
        shared_warm_up().page_drawn()
    stage.draw()
    interface.choose()
    (class_bar if classroom.role() else lesson_bar).draw(page.url_path or "overview")
    page.run()
    stage.end()
    link.say_what_was_refused()


def menu() -> dict[str, list[Entry]]:
    """The pages of every section, in the order of the menu; Babel finds the titles by the name Entry."""
    return {
        tr("Explore"): [
            Entry("explore/overview", "Overview", "travel_explore"),
            Entry("explore/alignment", "Alignment", "show_chart"),
            Entry("explore/similarity", "Similarity", "grid_on"),
            Entry("explore/asymmetry", "Asymmetry", "swap_horiz"),
            Entry("explore/projection", "Projection", "scatter_plot"),
            Entry("explore/languages", "Languages", "language"),
            Entry("explore/neurons", "Neurons", "neurology"),
            Entry("explore/latent_language", "Latent language", "psychology_alt"),
        ],
        tr("Compare"): [
            Entry("compare/models", "Models", "compare_arrows"),
            Entry("compare/leaderboard", "Leaderboard", "leaderboard"),
            Entry("compare/settings", "Settings", "tune"),
            Entry("compare/downstream", "Downstream", "insights"),
        ],
        tr("Experiment"): [
            Entry("experiment/interventions", "Interventions", "toggle_off"),
            Entry("experiment/steering", "Steering", "explore"),
            Entry("experiment/items", "Items", "format_list_numbered"),
            Entry("experiment/claims", "Claims", "gavel"),
        ],
        tr("Learn"): [
            Entry("learn/lessons", "Lessons", "school"),
            Entry("learn/class", "Class", "groups"),
            Entry("learn/method", "Method", "stairs"),
            Entry("learn/embeddings", "Embeddings", "hub"),
            Entry("learn/traps", "Traps", "warning"),
            Entry("learn/glossary", "Glossary", "dictionary"),
            Entry("learn/data", "Data", "translate"),
            Entry("learn/guide", "Guide", "menu_book"),
        ],
    }


def entries() -> list[Entry]:
    """The pages of all sections, in the order of the menu."""
    return [page for pages in menu().values() for page in pages]


def _drawn(entry: Entry) -> "st.Page":
    return st.Page(
        PAGES / f"{entry.path}.py",
        title=translated(entry.title),
        icon=f":material/{entry.icon}:",
        url_path=entry.address or None,
        default=not entry.address,
    )


if __name__ == "__main__":
    draw()
