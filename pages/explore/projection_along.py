"""What runs along while a projection plays: numbers that hold every layer, for the browser to put in."""

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.figures import projection as figures
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES
from neuronxa_core.numbers import MISSING, percent, score
from neuronxa_core.states.sentences import first_layer
from neuronxa_core.study.result import StudyResult
from pages.shared import look

_BESIDE = ("mutual", "foreign_neighbours", "silhouette", "silhouette_projection", "trustworthiness")
_SHARES = _BESIDE[:2]


def along(texts: Mapping[int, str], layer: int, into: str = "") -> str:
    """HTML of the text of a layer, in whose place `assets/play_together.html` puts that of the layer being played.

    into: the CSS selector of an element whose text it is, instead of one's own.
    """
    held = html.escape(json.dumps(texts, ensure_ascii=False), quote=True)
    place = f" data-into='{into}' hidden" if into else ""
    said = "" if into else html.escape(texts.get(layer, MISSING))
    return f"<span class='nx-along' data-at='{layer}' data-layers='{held}'{place}>{said}</span>"


def trust(projections: Sequence[Projection], result: StudyResult, layer: int) -> None:
    """How far to trust the picture at the layer in view."""
    layers = range(result.last_layer + 1)
    st.html(f"<p>{along({each: figures.trust_finding(projections, each) for each in layers}, layer)}</p>")


def beside(projections: Sequence[Projection], layer: int) -> None:
    """The numbers of the layer in view, a line per state."""
    helps = look.passages("numbers")
    for projection in projections:
        if layer not in projection.layers:
            continue
        state, table = projection.state, projection.table.set_index("layer")
        name, colour = STATE_NAMES[state], PALETTES[look.theme()].states[state]
        at = along({each: str(each) for each in projection.layers}, layer)
        st.html(f"<div class='nx-name' style='--nx: {colour}'>{name}, layer {at}</div>")
        held = []
        with st.container(horizontal=True, gap="medium"):
            for number in _BESIDE:
                values = {each: _said(number, table.loc[each, number]) for each in projection.layers}
                with st.container(key=f"along_{state}_{number}", width="content"):
                    st.metric(figures.NUMBER_NAMES[number], values[layer], help=helps[number], width="content")
                held.append(along(values, layer, f".st-key-along_{state}_{number} [data-testid=stMetricValue]"))
        st.html("".join(held))


def _said(number: str, value: float) -> str:
    return percent(value) if number in _SHARES else score(value)


def pair_row(projection: Projection, layer: int, pair: int) -> dict[str, Any]:
    """How near the halves of a pair are at a layer."""
    index = layer - first_layer(projection.state)
    there, back = (int(rank) for rank in projection.ranks[index, :, pair])
    return {
        "State": STATE_NAMES[projection.state],
        "Cosine": projection.cosines[index, pair],
        "Rank of the translation": there,
        "Rank of the source": back,
        "Aligned": there == back == 1,
    }


def pair_table(projections: Sequence[Projection], layer: int, pair: int) -> None:
    """`pair_row` of every state."""
    shown = [each for each in projections if layer in each.layers]
    rows = [pd.DataFrame([pair_row(each, at, pair) for at in each.layers], index=[*each.layers]) for each in shown]
    if not rows:
        return
    head = "".join(f"<th>{name}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{_cell(row[name], layer)}</td>' for name in row)}</tr>" for row in rows)
    st.html(f"<div class='nx-table'><table><tr>{head}</tr>{body}</table></div>")


def _cell(column: pd.Series, layer: int) -> str:
    if column.name == "Cosine":
        told = [score(value, 3) for value in column]
    elif column.name == "Aligned":
        told = ["yes" if value else "no" for value in column]
    else:
        told = list(map(str, column))
    return along(dict(zip(column.index, told, strict=True)), layer)
