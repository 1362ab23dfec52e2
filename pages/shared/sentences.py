"""Sentences in full, as plain text, each in its own writing direction; Streamlit's tables cut them off."""

import html
from collections.abc import Mapping, Sequence

import streamlit as st

from neuronxa_core.corpora.languages import Language, language
from neuronxa_core.numbers import score


def sentence_table(
    columns: Mapping[str, Sequence[object]], languages: Mapping[str, Language] | None = None, height: int | None = None
) -> None:
    """Draws a table of sentences with further columns.

    languages: of the columns that hold sentences, by column name. height: in pixels, from which on it scrolls, by keys
    too: it takes the focus.
    """
    spoken = languages or {}
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(_cell(value, spoken.get(name)) for name, value in zip(columns, row, strict=True)) + "</tr>"
        for row in zip(*columns.values(), strict=True)
    )
    said = html.escape(f"Table: {', '.join(columns)}", quote=True)
    tall = f" nx-tall' style='max-height: {height}px" if height else ""
    st.html(
        f"<div class='nx-table{tall}' role='group' tabindex='0' aria-label='{said}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(value: object, spoken: Language | None) -> str:
    text = html.escape(score(value, 3) if isinstance(value, float) else str(value))
    return f"<td dir='auto'>{text}</td>" if spoken is None else f"<td {_attributes(spoken)}>{text}</td>"


def _attributes(spoken: Language) -> str:
    return f"dir='{spoken.direction}' lang='{html.escape(spoken.tag, quote=True)}'"


def sentence_html(code: str, number: int, text: str, colour: str = "") -> str:
    """One sentence under its language and number, which stand in `colour`."""
    known = language(code)
    style = f" style='color: {colour}'" if colour else ""
    return (
        f"<div class='nx-sentence'><span{style}>{html.escape(known.name)} {number}</span>"
        f"<p {_attributes(known)}>{html.escape(text)}</p></div>"
    )
