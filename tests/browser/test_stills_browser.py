"""The stills of the first page, drawn by a browser when the gallery is built."""

import plotly.graph_objects as go

from neuronxa_core.stills import build
from tests.conftest import needs_chromium

pytestmark = needs_chromium


def test_a_browser_draws_a_figure_at_its_size_with_its_words():
    texts = ["Über </script> & <b>fett</b>", "zwei"]
    figures = [go.Figure(go.Scatter(y=[1, 2]), {"title": text, "width": 300, "height": 200}) for text in texts]
    first, second = build.draw(figures)
    assert 'width="300" height="200"' in first
    assert "Über" in first
    assert "zwei" in second
