"""Colours and their meaning. NAS, NAV and embedding keep theirs on every page; shapes say the same without colour.

The hues are Okabe and Ito's blue, vermilion and bluish green, told apart in every common kind of colour blindness; on a
dark ground they are lightened, not changed.
"""

from dataclasses import dataclass
from typing import Literal

from neuronxa_core.states.sentences import State
from neuronxa_core.study.naming import model_title

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as hex."""

    states: dict[State, str]
    languages: tuple[str, str]
    """Source and target: Okabe and Ito's orange and reddish purple, which no state has."""
    ground: str
    ink: str
    muted: str
    grid: str


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        states={"nas": "#0072B2", "nav": "#C4500A", "embedding": "#00805F"},
        languages=("#D98C00", "#A8477F"),
        ground="#FFFFFF",
        ink="#1B1F24",
        muted="#5B6470",
        grid="#E6E8EB",
    ),
    "dark": Palette(
        states={"nas": "#56B4E9", "nav": "#F08A4B", "embedding": "#3CCB9F"},
        languages=("#F2B134", "#D98CB8"),
        ground="#14171B",
        ink="#E8EAED",
        muted="#A3ABB6",
        grid="#2C3138",
    ),
}

STATE_NAMES: dict[State, str] = {"nas": "NAS", "nav": "NAV", "embedding": "Embedding"}
SCORE_NAMES: dict[State, str] = {"nas": "NASCA", "nav": "NAVCA", "embedding": "MEXA"}
STATE_HELP: dict[State, str] = {
    "nas": "Neuron activation state: whether each neuron is active (activation > 0), averaged over the tokens.",
    "nav": "Neuron activation value: how active each neuron is (absolute activation), averaged over the tokens.",
    "embedding": "The hidden state that one layer passes to the next, averaged over the tokens, as in MEXA.",
}
LANGUAGE_SYMBOLS: tuple[str, str] = ("circle", "triangle-up")
SYMBOLS: dict[State, str] = {"nas": "circle", "nav": "diamond", "embedding": "square"}


def translucent(colour: str, alpha: float) -> str:
    """A hex colour as rgba()."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def score_scale(state: State, theme: Theme) -> list[list[float | str]]:
    """A colour scale for scores from 0 to 1: from the page's ground over the state's own colour away from the ground.

    Lightness runs one way only, so that it reads without hue too.
    """
    deep = {"nas": "#06263D", "nav": "#4A1A00", "embedding": "#00301F"}[state]
    bright = {"nas": "#E9F6FE", "nav": "#FFF1E6", "embedding": "#E6FBF3"}[state]
    ends = ("#F1F4F7", deep) if theme == "light" else ("#20262D", bright)
    return [[0.0, ends[0]], [0.6, PALETTES[theme].states[state]], [1.0, ends[1]]]


SITE_NAMES: dict[str, str] = {"gate": "Activation (gate)", "product": "Product (gate × up)", "attention": "Attention"}
POOLING_NAMES: dict[str, str] = {
    "auto": "default pooling",
    "position": "pooled by position",
    "mean": "mean pooling",
    "last": "last token",
}
"""What a study's codes are called where people read them."""


def variant_name(code: str) -> str:
    """A variant as analyses.models.variant_names writes it, in words: `Activation (gate), bfloat16`."""
    return ", ".join(SITE_NAMES.get(part) or POOLING_NAMES.get(part) or model_title(part) for part in code.split(", "))
