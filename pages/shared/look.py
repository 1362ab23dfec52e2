"""How the pages look: theme of the viewer, style sheet, and the few pieces of HTML that Streamlit has no widget for."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import cast

import pandas as pd
import streamlit as st

from neuronxa_core.alignment.language_matrix import LanguageMatrix
from neuronxa_core.alignment.result import StudyResult
from neuronxa_core.corpora.languages import Language
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_HELP, STATE_NAMES, Theme
from neuronxa_core.figures.report import BIBTEX, study_report
from neuronxa_core.settings import ASSETS
from neuronxa_core.states.sentences import STATES

LOGO = ASSETS / "logo.svg"
ICON = ASSETS / "icon.svg"
TEXTS = ASSETS / "texts"
PLOTLY_CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "svg", "scale": 1},
}


def apply_style() -> None:
    st.html(ASSETS / "style.css")


def theme() -> Theme:
    """The theme that the viewer sees, light until the browser has said."""
    return cast(Theme, st.context.theme.type or "light")


def score_cards(result: StudyResult) -> None:
    """NASCA, NAVCA and MEXA with interval and peak, in the colours of their states."""
    cards = "".join(_card(result, state) for state in STATES)
    st.html(f"<div class='nx-cards'>{cards}</div>")


def _card(result: StudyResult, state: str) -> str:
    low, high = result.mean_interval(state)  # type: ignore[arg-type]
    layer, score = result.peak(state)  # type: ignore[arg-type]
    colour = PALETTES[theme()].states[state]  # type: ignore[index]
    return (
        f"<div class='nx-card' style='--nx: {colour}' title='{html.escape(STATE_HELP[state], quote=True)}'>"  # type: ignore[index]
        f"<div class='nx-name'>{SCORE_NAMES[state]} <span>{STATE_NAMES[state]}, mean over layers</span></div>"  # type: ignore[index]
        f"<div class='nx-value'>{result.mean(state):.2f} <span>{low:.2f} – {high:.2f}</span></div>"  # type: ignore[arg-type]
        f"<div class='nx-peak'>peak {score:.2f} at layer {layer}</div></div>"
    )


SCORE_COLUMNS = {
    "state": "State",
    "layer": "Layer",
    "score": st.column_config.NumberColumn(
        "Score", format="%.2f", help="Share of pairs that are mutual nearest neighbours"
    ),
    "source_to_target": st.column_config.NumberColumn("Source → target", format="%.2f", help="P@1 over rows"),
    "target_to_source": st.column_config.NumberColumn("Target → source", format="%.2f", help="P@1 over columns"),
    "ci_low": st.column_config.NumberColumn("95 % from", format="%.2f"),
    "ci_high": st.column_config.NumberColumn("95 % to", format="%.2f"),
}


def downloads(result: StudyResult) -> None:
    """The files that the command line writes, the scores as Parquet, and a report that opens without this dashboard."""
    summary = json.dumps(result.summary, indent=2, ensure_ascii=False)
    files = {
        "scores.csv": (result.scores.to_csv(index=False), "text/csv"),
        "scores.parquet": (result.scores.to_parquet(index=False), "application/vnd.apache.parquet"),
        "summary.json": (summary, "application/json"),
        "report.html": (lambda: study_report(result), "text/html"),  # five megabytes: made when it is asked for
    }
    for place, (name, (data, mime)) in zip(st.columns(len(files)), files.items(), strict=True):
        place.download_button(
            name,
            data,
            file_name=f"{result.study.stem}.{name}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"download_{name}",
        )
    st.caption("To cite the method:")
    st.code(BIBTEX, language="bibtex")


def copy_link() -> None:
    """A button that copies the address as it stands: the study and the view."""
    st.html(ASSETS / "copy_link.html", unsafe_allow_javascript=True)


def sentence_table(columns: Mapping[str, Sequence[object]], languages: Mapping[str, Language] | None = None) -> None:
    """Sentences in full, as text and nothing else, each column in its own direction; Streamlit's tables cut them off.

    languages: of the columns that hold sentences, by column name.
    """
    spoken = languages or {}
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(_cell(value, spoken.get(name)) for name, value in zip(columns, row, strict=True)) + "</tr>"
        for row in zip(*columns.values(), strict=True)
    )
    st.html(f"<div class='nx-table'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _cell(value: object, spoken: Language | None) -> str:
    text = html.escape(f"{value:.3f}" if isinstance(value, float) else str(value))
    if spoken is None:
        return f"<td dir='auto'>{text}</td>"
    return f"<td dir='{spoken.direction}' lang='{html.escape(spoken.code[:3], quote=True)}'>{text}</td>"


def table_downloads(table: pd.DataFrame, stem: str, key: str) -> None:
    """A table as CSV and as Parquet."""
    for place, suffix, mime in zip(
        st.columns(2), ("csv", "parquet"), ("text/csv", "application/vnd.apache.parquet"), strict=True
    ):
        place.download_button(
            f"{suffix.upper() if suffix == 'csv' else 'Parquet'}",
            table.to_csv(index=False).encode() if suffix == "csv" else table.to_parquet(index=False),
            file_name=f"{stem}.{suffix}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"{key}_{suffix}",
        )


def provenance(result: StudyResult | LanguageMatrix) -> None:
    rows = {name.replace("_", " "): str(value) for name, value in result.provenance.items()}
    st.dataframe({"what": list(rows), "value": list(rows.values())}, hide_index=True)
