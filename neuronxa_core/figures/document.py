"""The parts of a self-contained HTML document: the page, figures in both themes, folded tables, sentences."""

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from neuronxa_core.figures.export import ExportableFigure, standing
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.tables import html_table
from neuronxa_core.settings import ASSETS
from neuronxa_core.study.citations import bibliography
from neuronxa_core.study.study import Study

_KEYS = ("state", "layer", "language")
_MOST_COLUMNS = 9
"""Columns of a table beside one another: as many as an A4 page has room for."""


def document(title: str, study: Study, summary: Mapping[str, Any], sections: Iterable[str]) -> str:
    """The page as text: its title, the study, the sections in HTML, summary and provenance, and what to cite.

    What a user typed (title, paths, names) is escaped.
    """
    told = {"Summary and provenance": json.dumps(summary, indent=2, ensure_ascii=False), "Cite": bibliography(study)}
    ends = [f"<h2>{heading}</h2><pre>{html.escape(text)}</pre>" for heading, text in told.items()]
    return page(title, study.caption, [*sections, *ends])


def page(title: str, caption: str, sections: Iterable[str]) -> str:
    """A self-contained page: its title, a line below it, and the sections in HTML, whose figures it draws.

    What a part holds is not looked through for other parts' places.
    """
    parts = {
        "title": html.escape(title),
        "caption": html.escape(caption),
        "sections": "\n".join(sections),
        "plotly": get_plotlyjs(),
    }
    template = (ASSETS / "report.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], template)


def drawn(exportable: ExportableFigure) -> str:
    """A figure in both themes, as data that the page's script draws once the page has its layout."""
    figures = {theme: standing(exportable, theme) for theme in PALETTES}
    scripts = "".join(
        f"<script type='application/json' data-theme='{theme}'>{_script_text(figure)}</script>"
        for theme, figure in figures.items()
    )
    title, height = html.escape(exportable.title), figures["light"].layout.height
    return (
        f"<figure><div class='plotly-graph-div' role='img' aria-label='{title}' style='height: {height}px'></div>"
        f"{scripts}<figcaption><b>{title}.</b> {html.escape(exportable.note)}</figcaption></figure>"
    )


def _script_text(figure: go.Figure) -> str:
    """JSON that cannot end the script that it stands in."""
    return str(figure.to_json()).replace("<", "\\u003c")


def row(exportables: Sequence[ExportableFigure]) -> str:
    two = " two" if len(exportables) == 2 else ""  # one below the other on paper
    return f"<div class='row{two}'>{''.join(map(drawn, exportables))}</div>"


def folded_table(table: pd.DataFrame) -> str:
    shown = "".join(f"<div class='wide'>{html_table(part)}</div>" for part in _beside(table))
    return f"<details><summary>The numbers</summary>{shown}</details>"


def _beside(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The table in parts that fit a page, each with what its rows are about; a value stays with its interval."""
    keys = [name for name in table.columns if name in _KEYS]
    part: list[str] = []
    for name in table.columns.drop(keys):
        value = re.sub("_(low|high)$", "", name)
        if value != name and value in table.columns:  # it came with its value
            continue
        group = [each for each in (name, f"{name}_low", f"{name}_high") if each in table.columns]
        if part and len(keys) + len(part) + len(group) > _MOST_COLUMNS:
            yield table[keys + part]
            part = []
        part += group
    yield table[keys + part]


def said(finding: str) -> str:
    return f"<p>{html.escape(finding)}</p>"
