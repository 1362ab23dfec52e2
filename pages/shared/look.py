"""The look of the pages: theme, style sheet, tables, exports, and HTML for what Streamlit has no widget."""

import csv
import html
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.alt_text import alt_text
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, SCORE_NAMES, STATE_HELP, STATE_NAMES, Theme
from neuronxa_core.figures.report import study_report
from neuronxa_core.figures.tables import Column
from neuronxa_core.gallery.report import gather
from neuronxa_core.interface import tr, translated_markdown
from neuronxa_core.numbers import score, unbroken
from neuronxa_core.settings import ASSETS
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.analysis import Traced
from neuronxa_core.study.citations import bibliography
from neuronxa_core.study.result import StudyResult
from pages.shared import stage
from pages.shared.columns import no_formula, shown_table, table_csv
from pages.shared.kit import open_kit
from pages.shared.save import save_picture

LOGO = ASSETS / "logo.svg"
ICON = ASSETS / "icon.svg"
TEXTS = ASSETS / "texts"
PLOTLY_CONFIG = {"displayModeBar": False}
Files = Mapping[str, tuple[str, Callable[[], Any]]]
"""The entries of the Export menu: label -> (suffix of the file name, function that returns its content)."""
_DIALOG = ""
"""In place of a suffix: a dialog that opens and makes the file."""
_MIME = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "html": "text/html",
    "bib": "application/x-bibtex",
    "md": "text/markdown",
}


def text(name: str) -> str:
    """The Markdown of a file in assets/texts, in the language of the interface."""
    return unbroken(translated_markdown((TEXTS / f"{name}.md").read_text(encoding="utf-8")))


def passages(name: str) -> dict[str, str]:
    """The passages of a text, each as one line, by their headings."""
    parts = re.split(r"^## (.+)$", text(name), flags=re.M)[1:]
    return {heading: " ".join(passage.split()) for heading, passage in zip(parts[::2], parts[1::2], strict=True)}


def apply_style() -> None:
    """The style sheet, and the colours of figures/palette.py that it needs, as the browser's scheme asks for them."""
    light, dark = PALETTES["light"], PALETTES["dark"]
    colours = "".join(
        f"--nx-{name}: light-dark({getattr(light, name)}, {getattr(dark, name)});"
        for name in ("ink", "muted", "ground")
    )
    st.html(f"<style>:root {{ {colours} }}</style>")
    st.html(ASSETS / "style.css")


def named(names: Mapping[Any, str]) -> Callable[[Any], str]:
    """A `format_func` for widgets, which returns the name of an option."""
    return lambda option: names.get(option, str(option))


def state_control(names: Mapping[State, str], key: str, box: Any = st, help: str | None = None) -> State:
    """The state, or its score, chosen in a control that the link holds as `key`. box: the control's container."""
    chosen: State | None = box.segmented_control(
        tr("State") if names is STATE_NAMES else tr("Score"),
        STATES,
        format_func=named(names),
        default="nas",
        required=True,
        key=key,
        bind="query-params",
        help=help,
    )
    return chosen or "nas"  # nothing where a link has the key without a value


def theme() -> Theme:
    """The theme of the viewer's browser; light until it is known."""
    return st.context.theme.type or "light"


def follow_theme() -> None:
    """Lets the page be drawn once more when the viewer's browser changes its theme, as many do in the evening."""
    st.sidebar.button("Draw in the new theme", key="theme_changed")  # nobody sees it: the script presses it
    st.html(ASSETS / "follow_theme.html", unsafe_allow_javascript=True)


def score_cards(result: StudyResult) -> None:
    """Draws NASCA, NAVCA and MEXA with interval and peak, in the colours of their states."""
    cards = "".join(_card(result, state) for state in STATES)
    st.html(f"<div class='nx-cards'>{cards}</div>")


def _card(result: StudyResult, state: str) -> str:
    low, high = result.mean_interval(state)  # type: ignore[arg-type]
    ends = f"{score(low)} – {score(high)}" if low < high else "no interval"
    layer, peak = result.peak(state)  # type: ignore[arg-type]
    colour = PALETTES[theme()].states[state]  # type: ignore[index]
    best = f"peak {score(peak)} at layer {layer}" if peak else "0 at every layer"
    return (
        f"<div class='nx-card' style='--nx: {colour}' title='{html.escape(STATE_HELP[state], quote=True)}'>"  # type: ignore[index]
        f"<div class='nx-name'>{SCORE_NAMES[state]} <span>{STATE_NAMES[state]}, mean over layers</span></div>"  # type: ignore[index]
        f"<div class='nx-value'>{score(result.mean(state))} <span>{ends}</span></div>"  # type: ignore[arg-type]
        f"<div class='nx-peak'>{best}</div></div>"
    )


def picture(
    exportable: ExportableFigure,
    key: str,
    finding: str = "",
    shows: str = "",
    draw: Callable[[], None] | None = None,
    **options: Any,
) -> None:
    """Draws a figure with a button in its corner that saves it, and its finding below, or the figure on the stage.

    shows: what a screen reader says of it, where the finding stands elsewhere on the page.
    draw: draws it, instead of Streamlit's chart, which takes the options.
    """
    if stage.show(exportable, key, theme(), finding or shows):
        return
    with st.container(key=f"picture_{key}"):
        if draw:
            draw()
        else:
            live(exportable.draw(theme()), exportable, key, finding or shows, **options)
        asked = st.button(
            ": ".join((tr("Save this picture"), plain(exportable.title))),
            key=f"save_{key}",
            icon=":material/download:",
            type="tertiary",
            help=tr("Save as PNG, SVG or PDF at print size, or see its numbers as a table"),
        )
    if finding:
        st.markdown(finding)
    if asked:
        save_picture(exportable)


def live(figure: go.Figure, exportable: ExportableFigure, key: str, shows: str, **options: Any) -> None:
    """Draws a figure as one that can be touched."""
    alt = alt_text(figure, exportable.title, shows or exportable.note)
    st.plotly_chart(figure, key=key, theme=None, config=PLOTLY_CONFIG, alt=alt, **options)


def study_files(result: StudyResult) -> Files:
    """The Export menu of a study: the files of the command line, Parquet, a report, and the papers to cite."""
    return {
        **table_files("Scores", ".scores", lambda: result.scores),
        **table_files("Outcomes by pair", ".outcomes", lambda: result.pair_outcomes),
        "Summary and provenance, JSON": (".summary.json", lambda: json_text(result.summary)),
        "Report with all figures, HTML": (".report.html", lambda: study_report(result, gather(result))),
        "Papers to cite, BibTeX": (".bib", lambda: bibliography(result.study)),
        "Paper kit, ZIP…": (_DIALOG, lambda: open_kit(result)),
    }


def matrix_files(matrix: LanguageMatrix) -> Files:
    """The Export menu of a language matrix."""
    return {
        **table_files("Scores", ".scores", lambda: matrix.scores),
        "Study and provenance, JSON": (".summary.json", lambda: json_text(matrix.summary)),
        "Papers to cite, BibTeX": (".bib", lambda: bibliography(matrix.study)),
    }


def table_files(title: str, ending: str, table: Callable[[], pd.DataFrame]) -> Files:
    """A table in an Export menu, as CSV and as Parquet."""
    return {
        f"{title}, CSV": (f"{ending}.csv", lambda: table().to_csv(index=False)),
        f"{title}, Parquet": (f"{ending}.parquet", lambda: table().to_parquet(index=False)),
    }


def json_text(content: object) -> str:
    """JSON as the exports have it."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def export(stem: str, files: Files) -> None:
    """Draws a menu of files, each made on demand."""
    with st.popover(tr("Export"), icon=":material/download:"):
        for label, (suffix, make) in files.items():
            if suffix == _DIALOG:
                if st.button(label, icon=":material/inventory_2:", width="stretch", key="export_kit"):
                    make()
                continue
            st.download_button(
                label,
                make,
                file_name=f"{stem}{suffix}",
                mime=_MIME[suffix.rsplit(".", 1)[1]],
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
                key=f"export_{suffix}",
            )


def plain(text: str) -> str:
    """Markdown that shows a text literally: no links, formulas, icons or emphasis."""
    return _MARKUP.sub(r"\\\1", text)


_MARKUP = re.compile(r"([\\`*\[\]<>$#|]|~~|:(?=\S)|(?<!\w)_|_(?!\w))")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV that is safe in spreadsheets: text that would be read as a formula is prefixed with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([no_formula(value) for value in row] for row in rows)
    return text.getvalue()


def table_downloads(table: pd.DataFrame | Callable[[], pd.DataFrame], stem: str, key: str, label: str = "") -> None:
    """Draws buttons that download a table as CSV and Parquet. A function is called only on download."""
    made = (lambda: table) if isinstance(table, pd.DataFrame) else table
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if label:
            st.caption(label)
        for name, suffix, make in (
            ("CSV", "csv", lambda: table_csv(made())),
            ("Parquet", "parquet", lambda: made().to_parquet(index=False)),
        ):
            st.download_button(
                name,
                make,
                file_name=f"{stem}.{suffix}",
                mime=_MIME[suffix],
                icon=":material/download:",
                on_click="ignore",
                key=f"{key}_{suffix}",
            )


def table(frame: pd.DataFrame, own: Mapping[str, Column] | None = None, **options: Any) -> None:
    """Draws a readable table: titles for column names, words for codes, a dash for missing values.

    own: columns with another meaning than in columns.COLUMNS. options: for Streamlit's table.
    """
    shown, config = shown_table(frame, own or {})
    config |= options.pop("column_config", {})
    st.dataframe(shown, hide_index=True, placeholder="–", column_config=config, **options)


_PROVENANCE = {
    "dtype": "Precision (dtype)",
    "model_fingerprint": "Fingerprint of the model",
    "corpus_hash": "Hash of the sentences",
    "lines": "Lines of the corpus",
    "neurons": "Where neurons are read",
    "neuronxa": "NeuronXA Explorer",
    "torch": "PyTorch",
    "unknown_tokens": "Unknown tokens",
}


def provenance(result: Traced) -> None:
    """Draws the provenance of an answer, one row per item."""
    traced = result.study.traced(result.provenance)
    paths = {f"path of the {name}": path for name, path in traced.pop("paths", {}).items()}
    said = {name: value for name, value in (traced | paths).items() if value not in ("", None)}
    names = [_PROVENANCE.get(name, name.replace("_", " ").capitalize()) for name in said]
    st.dataframe({"Item": names, "Value": [_value(value) for value in said.values()]}, hide_index=True)


def _value(value: object) -> str:
    """A value in words; counts per language are listed by the languages' names."""
    if isinstance(value, Mapping):
        return "; ".join(f"{language(str(code)).name} {count:,}" for code, count in value.items())
    return str(value)
