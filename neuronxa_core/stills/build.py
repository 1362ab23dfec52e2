"""Draws stills with a browser that this machine has, as the page would: the same plotly, the same typeface."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.printing import FACES, face
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.states.store import write_aside
from neuronxa_core.stills.opening import OPENING_FILE, opening
from neuronxa_core.stills.overview import Shown, first_page
from neuronxa_core.stills.read import STEPS_FILE, STILLS_FILE, fingerprint
from neuronxa_core.stills.steps import steps_pictured
from neuronxa_core.study.result import StudyResult

PART = "stills"
SOURCE = "deu_Latn"
"""The language of the study that the dashboard opens with."""
WIDTHS = {
    "alignment": (358, 604, 776),
    "beside": (358, 660, 970),
    "card": (266, 326, 370, 450),
    "other": (298, 358, 402, 482),
}
"""Widths in pixels at which they are drawn: what the page's columns have on a phone, a projector and a desk."""
STEP_WIDTHS = (326, 604)
"""Likewise of a lesson's step, which a class sees on phones."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 120
_PAGE = """<!doctype html><meta charset="utf-8"><style>{faces}</style><pre id="drawn"></pre><script>{plotly}</script>
<script>
let seed = 1;  // plotly names what it refers to at random; the same build writes the same file
Math.random = () => (seed = seed * 48271 % 2147483647) / 2147483647;
(async () => {{
  await Promise.all([...document.fonts].map(face => face.load()));
  const svgs = [];
  for (const {{data, layout}} of {figures}) {{
    const size = {{format: "svg", width: layout.width, height: layout.height}};
    const address = await Plotly.toImage({{data, layout, config: {{staticPlot: true}}}}, size);
    svgs.push(decodeURIComponent(address.slice(address.indexOf(",") + 1)));
  }}
  const bytes = new TextEncoder().encode(JSON.stringify(svgs));
  document.getElementById("drawn").textContent = btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));
}})();
</script>"""


def build(folder: Path) -> None:
    """Draws every figure of the first page in both themes and all widths, and writes them. Raises FigureError."""
    rows, figures = [], []
    for shown in first_page(_default(), list(gallery_results().values())):
        for theme in PALETTES:
            drawn = shown.draw(theme)
            same = {"name": shown.name, "theme": theme, "height": drawn.layout.height, "alt": shown.alt(drawn)}
            same["figure"] = fingerprint(drawn)
            for width in _widths(shown):
                rows.append({**same, "width": width})
                figures.append(go.Figure(drawn).update_layout(width=width, autosize=False))
    table = pd.DataFrame(rows).assign(svg=draw(figures))
    write_aside(folder / STILLS_FILE, lambda aside: table.to_parquet(aside, compression="zstd", index=False))
    write_opening(table, folder)


def write_opening(table: pd.DataFrame, folder: Path) -> None:
    """Writes what index.html opens with. table: of the first page's stills."""
    text = opening(table)
    write_aside(folder / OPENING_FILE, lambda aside: aside.write_text(text, encoding="utf-8"))


def build_steps(folder: Path) -> None:
    """Draws the picture of every step of the bundled lessons likewise, each once, however many steps have it."""
    rows, figures = [], []
    for (slug, number), (exportable, said) in steps_pictured().items():
        for theme in PALETTES:
            drawn = exportable.draw(theme)
            alt = alt_text(drawn, exportable.title, said or exportable.note)
            same = {"lesson": slug, "step": number, "theme": theme, "height": drawn.layout.height, "alt": alt}
            same |= {"said": said, "figure": fingerprint(drawn)}
            for width in STEP_WIDTHS:
                rows.append({**same, "width": width})
                still = go.Figure(drawn).update_layout(width=width, autosize=False, updatemenus=[])  # nothing to press
                figures.append(still)
    table = pd.DataFrame(rows)
    first = table.reset_index().groupby(["figure", "theme", "width"])["index"].transform("first")
    drawn_once = dict(zip(first.unique(), draw([figures[at] for at in first.unique()]), strict=True))
    table = table.assign(svg=first.map(drawn_once))
    write_aside(folder / STEPS_FILE, lambda aside: table.to_parquet(aside, compression="zstd", index=False))


def _default() -> StudyResult:
    return next(result for study, result in gallery_results().items() if study.source == SOURCE)


def _widths(shown: Shown) -> tuple[int, ...]:
    part = shown.exportable.stem.rpartition(".")[2]
    return WIDTHS["card" if shown.height else part if part in WIDTHS else "other"]


def draw(figures: Sequence[go.Figure]) -> list[str]:
    """Each figure as SVG of its layout's width and height. Raises FigureError if there is no browser, or it fails."""
    from plotly.offline import get_plotlyjs

    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None:
        raise FigureError("There is no Chromium or Chrome to draw pictures with.", "Install one, then repeat.")
    texts = "[" + ",".join(figure.to_json().replace("</", "<\\/") for figure in figures) + "]"
    with tempfile.TemporaryDirectory(prefix="neuronxa-stills-") as folder:
        page = Path(folder, "page.html")
        faces = "".join(face(*each[:3]) for each in FACES)
        page.write_text(_PAGE.format(faces=faces, plotly=get_plotlyjs(), figures=texts), encoding="utf-8")
        command = [browser, "--headless", "--disable-gpu", f"--user-data-dir={folder}/profile", "--dump-dom"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root otherwise
        command += [f"--virtual-time-budget={1000 * _SECONDS}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * _SECONDS, check=False)
    drawn = done.stdout.partition('<pre id="drawn">')[2].partition("</pre>")[0]
    if not drawn:
        raise FigureError(f"{Path(browser).name} could not draw the pictures.", "Try again with a newer one.")
    svgs: list[str] = json.loads(base64.b64decode(drawn))
    return svgs
