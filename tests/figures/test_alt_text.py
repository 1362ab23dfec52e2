"""The kind of picture that a screen reader says first."""

import plotly.graph_objects as go

from neuronxa_core.figures.alt_text import alt_text, kind


def test_curves_with_single_points_beside_them_are_a_line_chart():
    points = go.Scatter(x=[1], y=[2], mode="markers")
    assert kind(go.Figure([points])) == "Scatter plot"
    assert kind(go.Figure([go.Scatter(x=[1, 2], y=[2, 3], mode="lines+markers"), points])) == "Line chart"
    assert kind(go.Figure([go.Scatter(x=[1, 2], y=[2, 3], mode="lines"), points])) == "Scatter plot"


def test_the_text_is_kind_title_and_finding_as_plain_sentences():
    figure = go.Figure([go.Scatter(x=[1], y=[2], mode="markers")])
    assert alt_text(figure, "Sentences", "*Two* groups") == "Scatter plot. Sentences. Two groups."
