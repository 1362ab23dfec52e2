"""What a click on a picture hits, in each of the forms in which Streamlit tells it."""

from typing import Any

import pytest
import streamlit as st

from pages.shared.clicks import clicked


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([{"customdata": ["deu_Latn", "eng_Latn"]}], ["deu_Latn", "eng_Latn"]),
        ([{"customdata": {"0": 9, "1": 3}}], [9, 3]),  # as from an array that travels in binary
        ([{"customdata": 7}], [7]),
        ([{"x": 1}], []),
        ([], []),
    ],
)
def test_a_click_gives_what_the_point_carries(points: list[Any], expected: list[Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(st, "session_state", {"picture": {"selection": {"points": points}}})
    assert clicked("picture") == expected
    assert clicked("not drawn yet") == []
