"""How tables are shown: titles for column names and words for codes, while the columns keep their names."""

import pandas as pd

from neuronxa_core.analyses.asymmetry import direction_gaps, gap_table
from neuronxa_core.analyses.downstream import alignment_table
from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.settings import COLUMNS as CHOICES
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.figures.settings import choice_name
from neuronxa_core.gallery.read import gallery_results, precomputed_matrix
from pages.shared.columns import COLUMNS, column_config, readable


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
    assert column_config(table.columns, {})["language"] is None


def test_choices_are_called_as_people_call_them():
    assert choice_name("similarity", "centred csls") == "Mean-centred, CSLS"
    assert choice_name("threshold of NAS", "0.1") == "NAS threshold 0.1"
    assert choice_name("site", "attention") == "Attention site"
    assert choice_name("pivot", "fra_Latn") == "Target French"
