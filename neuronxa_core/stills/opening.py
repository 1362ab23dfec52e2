"""What a browser can show of the first page before Streamlit has drawn anything: its head and its first picture."""

import html
import json
import re
from dataclasses import fields

import pandas as pd

from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.settings import ASSETS
from neuronxa_core.stills.read import stills_in
from neuronxa_core.study.study import Study

OPENING_FILE = "opening.html"
PICTURE = "beside"
"""How the name of the first picture ends."""


def opening(table: pd.DataFrame) -> str:
    """The HTML that goes into index.html; `{{font}}` is left for the address of the typeface. table: of all stills."""
    found = {theme: still for (name, theme), still in stills_in(table).items() if name.endswith(f".{PICTURE}")}
    pictures = {
        theme: {"packed": still.packed, "alt": still.alt, "height": still.height} for theme, still in found.items()
    }
    welcome = " ".join((ASSETS / "texts" / "welcome.md").read_text(encoding="utf-8").split())
    parts = {
        "still.js": (ASSETS / "still.js").read_text(encoding="utf-8"),
        "welcome": re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(welcome, quote=False)),
        "pictures": json.dumps(pictures).replace("<", "\\u003c"),  # no text in it can end the script
        "names": json.dumps([field.name for field in fields(Study)]),
    }
    for theme, palette in PALETTES.items():
        parts |= {f"{theme}.{name}": getattr(palette, name) for name in ("ground", "ink", "muted")}
    page = (ASSETS / OPENING_FILE).read_text(encoding="utf-8")
    return re.sub(r"\{\{([\w.]+)\}\}", lambda hole: parts.get(hole[1], hole[0]), page)
