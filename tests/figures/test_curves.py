import numpy as np
import plotly.graph_objects as go
import pytest

from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.palette import PALETTES

X, Y = np.array([1, 2, 3]), np.array([0.2, 0.6, 0.6])


def test_a_band_lies_below_every_curve_and_closes_over_its_interval():
    figure = go.Figure()
    banded = state_curve("nas", "light", x=X, y=Y, low=Y - 0.1, high=Y + 0.1)
    draw_curves(figure, [banded, Curve(name="plain", colour="#000000", x=X, y=Y)], "light", strength=0.3)
    assert [trace.name for trace in figure.data] == ["NAS interval", "NAS", "plain"]
    assert list(figure.data[0].x) == [1, 2, 3, 3, 2, 1]
    assert list(figure.data[0].y) == pytest.approx([0.3, 0.7, 0.7, 0.5, 0.5, 0.1])
    assert figure.data[0].fillcolor == "rgba(0,114,178,0.3)"
    assert [trace.mode for trace in figure.data] == ["lines", "lines+markers", "lines"]


@pytest.mark.parametrize("theme", PALETTES)
def test_the_ring_and_the_number_stand_at_the_first_of_the_highest_points(theme):
    figure = go.Figure()
    draw_curves(figure, [state_curve("nav", theme, x=X, y=Y, peak=True)], theme)
    (curve,), (note,) = figure.data, figure.layout.annotations
    assert list(curve.marker.size) == [7, 13, 7]
    assert curve.marker.color[1] == PALETTES[theme].ground
    assert (note.x, note.y, note.text) == (2, 0.6, "0.60")


def test_a_band_lies_on_the_axis_of_its_curve():
    figure = go.Figure()
    draw_curves(figure, [state_curve("nas", "light", x=X, y=Y, low=Y, high=Y, more={"yaxis": "y2"})], "light")
    assert [trace.yaxis for trace in figure.data] == ["y2", "y2"]


def test_names_stand_at_the_last_points_and_keep_their_distance():
    figure = go.Figure()
    curves = [state_curve("nas", "light", x=X, y=Y), state_curve("nav", "light", x=X, y=Y + 0.01)]
    label_ends(figure, ends(curves), gap=0.1, low=0, high=1, x=3.4)
    first, second = figure.layout.annotations
    assert (first.text, second.text) == ("NAS", "NAV")
    assert (first.x, first.y) == (3.4, 0.6)
    assert second.y == pytest.approx(0.7)
    assert ends([state_curve("nas", "light", x=X[:0], y=Y[:0])])[0][2] == 0
