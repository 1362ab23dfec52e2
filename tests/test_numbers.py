"""How numbers are written where people read them."""

import ast
import math
import re
from pathlib import Path

import pytest

from neuronxa_core import numbers
from neuronxa_core.numbers import (
    chance,
    confidence,
    count,
    decimal,
    interval,
    percent,
    points,
    score,
    signed,
    unbroken,
)
from pages.shared import look

NAN = math.nan
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.834, "0.83"),
        (-0.126, "−0.13"),
        (0, "0"),
        (-0.0, "0"),
        (1e-12, "0"),
        (0.004, "<0.01"),
        (-0.004, ">−0.01"),
        (0.9951, ">0.99"),
        (-0.9951, "<−0.99"),
        (0.99, "0.99"),
        (1, "1"),
        (1 - 1e-12, "1"),
        (-1, "−1"),
        (1.5, "1.50"),
        (NAN, "–"),
        (None, "–"),
        (math.inf, "–"),
    ],
)
def test_a_score_reads_0_or_1_only_where_it_is(value: float, text: str):
    assert score(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.126, "+0.13"), (-0.126, "−0.13"), (0, "0"), (0.004, "<+0.01"), (-0.004, ">−0.01"), (NAN, "–"), (1.0, "+1.00")],
)
def test_a_difference_has_its_sign_even_where_it_rounds_to_0(value: float, text: str):
    assert signed(value) == text


def test_a_ratio_may_pass_1_and_is_not_held_below_it():
    assert [decimal(0.9951), decimal(3.999), decimal(16.4, 0), decimal(0.4, 0)] == ["1.00", "4.00", "16", "<1"]


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.123, 0, "12 %"),
        (0.0004, 0, "<1 %"),
        (0.0004, 1, "<0.1 %"),
        (0.9996, 0, ">99 %"),
        (0.9996, 1, ">99.9 %"),
        (1, 0, "100 %"),
        (0, 1, "0 %"),
        (NAN, 0, "–"),
    ],
)
def test_a_share_in_percent_has_a_space_that_does_not_break(share: float, digits: int, text: str):
    assert percent(share, digits) == text.replace(" ", numbers.SPACE)


def test_units_and_counts_stay_on_the_line_of_their_number():
    assert points(-0.04) == ">−0.1\u00a0points"
    assert points(30.73) == "+30.7\u00a0points"
    assert [count(1, "pair"), count(2000, "pair"), count(0, "way", "ways")] == [
        "1 pair",
        "2,000 pairs",
        "0 ways",
    ]
    assert [chance(1 / 9), chance(1 / 19999)] == ["0.111", "<0.001"]


@pytest.mark.parametrize(
    ("low", "high", "form", "text"),
    [
        (0.41, 0.52, score, "0.41 to 0.52"),
        (0.001, 0.004, score, "below 0.01"),
        (0.996, 0.999, score, "above 0.99"),
        (0, 0.02, score, "0 to 0.02"),
        (-0.002, 0.003, signed, "within ±0.01"),
        (0.001, 0.003, signed, "below +0.01"),
        (-0.04, 0.01, signed, "−0.04 to +0.01"),
    ],
)
def test_an_interval_never_reads_as_nothing(low: float, high: float, form, text: str):
    assert interval(low, high, form) == text


def test_an_interval_without_width_says_why():
    assert confidence(0.2, 0.4) == "95\u00a0% interval 0.20 to 0.40"
    assert confidence(1, 1) == "no interval, since all pairs agree"
    assert confidence(NAN, NAN, of="languages") == "too few languages for an interval"


UNIT = re.compile(r"[0-9] (%|[kMG]B|m?s|mm|px|dpi|points)(?![\w/{])")


def test_a_text_keeps_a_number_and_its_unit_on_one_line_and_leaves_code_alone():
    assert unbroken("95 % of 3 MB in 5 s, 3 states") == "95\u00a0% of 3\u00a0MB in 5\u00a0s, 3 states"
    assert unbroken("`a 5 %` is 5 %\n```\n5 MB\n```") == "`a 5 %` is 5\u00a0%\n```\n5 MB\n```"


def test_no_text_of_the_pages_breaks_between_a_number_and_its_unit():
    for file in look.TEXTS.glob("*.md"):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", look.text(file.stem), flags=re.S)
        assert UNIT.search(prose) is None, file.name


def test_no_string_of_the_pages_and_figures_does_either():
    """What a page writes itself: constants, and what stands behind a value in an f-string."""
    found = []
    for folder in ("pages", "neuronxa_core/figures"):
        for file in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(file.read_text(encoding="utf-8"))
            told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("unbroken", "tr"):
                    told |= set(map(id, ast.walk(node)))
                parts = node.values if isinstance(node, ast.JoinedStr) else [node]
                text = "".join(_text(each) or "0" for each in parts) if id(node) not in told else ""
                if (len(parts) > 1 or _text(node)) and UNIT.search(text):
                    found.append(f"{file.relative_to(ROOT)}: {text}")
    assert found == []


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
