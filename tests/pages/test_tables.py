"""How tables are shown: titles for column names and words for codes, while the columns keep their names."""

import html
import re

import pandas as pd
import pytest

from neuronxa_core.analyses.asymmetry import direction_gaps, gap_table
from neuronxa_core.analyses.downstream import alignment_table
from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.settings import COLUMNS as CHOICES
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.figures.settings import choice_name
from neuronxa_core.figures.tables import COLUMNS, Column, html_table, readable, text_of
from neuronxa_core.gallery.read import gallery_results, precomputed_matrix
from pages.shared.columns import shown_table


def test_every_column_of_the_precomputed_tables_has_a_title():
    results = list(gallery_results().values())
    matrix = precomputed_matrix(results[0].study)
    assert matrix
    pivot = pivot_scores(matrix, ENGLISH)
    tables = (results[0].scores, direction_gaps(results[0]), gap_table(results), alignment_table(results))
    shown = {name for table in (*tables, pivot, level_summary(pivot)) for name in table.columns}
    assert shown | {*CHOICES} - {"choice", "value"} <= set(COLUMNS)
    assert COLUMNS["nasca_low"].title == "NASCA, 95\u00a0% from"


def test_codes_become_words_and_the_table_itself_stays():
    table = pd.DataFrame({"state": ["nas"], "language": ["deu_Latn"], "target": ["eng_Latn"], "nasca_low": [0.5]})
    assert readable(table).to_dict("records") == [
        {"state": "NAS", "language": "German", "target": "English", "nasca_low": 0.5}
    ]
    assert table["state"][0] == "nas"


def test_a_code_beside_a_name_is_hidden():
    table = pd.DataFrame({"language": ["deu_Latn"], "name": ["German"]})
    assert readable(table)["language"][0] == "deu_Latn"
    assert shown_table(table, {})[1]["language"] is None
    assert "deu_Latn" not in html_table(table)


def test_cells_show_numbers_as_texts_do_and_hold_them_as_they_are():
    table = pd.DataFrame({"gain": [-0.123, 0.004, None], "score": [0.5, 0.001, 0.999], "layer": [2, 10, 1]})
    shown, _ = shown_table(table, {})
    assert shown.data["gain"][0] == -0.123
    rows = re.findall("<tr>(.*?)</tr>", shown.to_html(), re.S)[1:]
    cells = [[html.escape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in rows]
    assert cells == [["\N{MINUS SIGN}0.12", "0.50", "2"], ["&lt;+0.01", "&lt;0.01", "10"], ["–", "&gt;0.99", "1"]]
    assert [re.findall(r"<td>(.*?)</td>", row) for row in html_table(table).split("</tr>")[1:-1]] == cells


@pytest.mark.parametrize(
    ("pattern", "value", "text"),
    [("%.2f", -0.004, ">\N{MINUS SIGN}0.01"), ("%+.1f", 3.14, "+3.1"), ("%.0f", 41.6, "42"), ("%d", 7.0, "7")],
)
def test_a_pattern_gives_digits_and_sign(pattern: str, value: float, text: str):
    assert text_of(Column("", pattern))(value) == text


def test_choices_are_called_as_people_call_them():
    assert choice_name("similarity", "centred csls") == "Mean-centred, CSLS"
    assert choice_name("threshold of NAS", "0.1") == "NAS threshold 0.1"
    assert choice_name("site", "attention") == "Attention site"
    assert choice_name("pivot", "fra_Latn") == "Target French"
