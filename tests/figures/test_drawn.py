"""The table of what a figure draws: series, places by their names, values, and the ends of intervals."""

import numpy as np
import plotly.graph_objects as go
import pytest

from neuronxa_core.figures.drawn import drawn_values
from neuronxa_core.figures.export import standing
from tests.figures.examples import EXAMPLES


def test_points_have_the_names_of_their_rows_and_the_ends_of_their_intervals():
    figure = go.Figure()
    figure.add_scatter(
        x=[0.5, 0.2], y=[0.1, 0.9], name="<b>NAS</b>", error_x={"array": [0.1, 0.2], "arrayminus": [0.2, 0.1]}
    )
    figure.add_scatter(x=[0, 1], y=[0, 1], fill="toself", name="NAS interval")
    figure.update_xaxes(title_text="Score,<br>mean")
    figure.update_yaxes(tickvals=[0, 1], ticktext=["<i>Welsh</i>", "German"])
    table = drawn_values(figure)
    assert list(table) == ["Series", "Score, mean", "Up", "From", "To"]
    assert table["Series"].tolist() == ["NAS", "NAS"]
    assert table["Up"].tolist() == ["Welsh", "German"]
    np.testing.assert_allclose(table[["From", "To"]], [[0.3, 0.6], [0.1, 0.4]])


def test_a_heat_map_has_a_row_for_each_cell():
    figure = go.Figure(go.Heatmap(z=[[1, 2], [3, 4]], name="scores"))
    figure.add_scatter(x=[0], y=[0], name="cells")
    figure.update_xaxes(tickvals=[0, 1], ticktext=["deu", "fra"])
    assert drawn_values(figure).to_dict("list") == {
        "Series": ["scores"] * 4,
        "Across": ["deu", "fra"] * 2,
        "Up": [0, 0, 1, 1],
        "Value": [1, 2, 3, 4],
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_has_its_values_in_the_table(name: str):
    example = EXAMPLES[name]()
    table = drawn_values(standing(example.exportable))
    numbers = table.select_dtypes("number").to_numpy(float)
    assert not any("<" in column for column in table)
    for place, wanted in example.holds.items() if name != "exportable_score" else ():  # its places are `4/5`
        if place.endswith((".x", ".y", ".z")) and "interval" not in place:
            for value in np.ravel([*wanted]).astype(float)[:50]:
                assert np.isnan(value) or np.isclose(numbers, value, rtol=1e-4, atol=1e-6).any(), f"{place}: {value}"
