"""What a click on a picture hits."""

from typing import Any

import streamlit as st


def clicked(key: str) -> list[Any]:
    """What the clicked point of a picture carries, its `customdata`; empty without a click.

    Streamlit gives a list, a single value, or a mapping where the figure's arrays travel in binary.
    """
    points = st.session_state.get(key, {}).get("selection", {}).get("points", [])
    carried = points[0].get("customdata", []) if points else []
    if hasattr(carried, "values"):
        return list(carried.values())
    return list(carried) if isinstance(carried, list | tuple) else [carried]
