"""Tables as Streamlit draws them: cells that sort by the number and show its text, see `figures.tables`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from neuronxa_core.figures.tables import Column, known, readable, texts
from neuronxa_core.numbers import MISSING

_MOST_CELLS = 100_000
"""Beyond which pandas takes too long to write them all."""


def shown_table(frame: pd.DataFrame, own: Mapping[str, Column]) -> tuple[Any, dict[str, Any]]:
    """What `st.dataframe` draws: the readable table with its texts, and the configuration of its columns."""
    shown = readable(frame).reset_index(drop=True)
    columns = known(map(str, shown), own)
    config: dict[str, Any] = {name: _config(column) for name, column in columns.items()}
    if {"language", "name"} <= set(shown):
        config["language"] = None
    if shown.size > _MOST_CELLS:
        return shown, config
    return shown.style.format(texts(columns), na_rep=MISSING), config


def _config(column: Column) -> object:
    kind = st.column_config.NumberColumn if column.pattern else st.column_config.Column
    return kind(column.title, help=column.help or None, width=column.width)


def no_formula(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def table_csv(table: pd.DataFrame) -> str:
    """The table as CSV: numbers as pandas writes them, text without formulas."""
    texts = table.select_dtypes(exclude=["number", "bool"])
    return str(table.assign(**{str(name): texts[name].map(no_formula) for name in texts}).to_csv(index=False))
