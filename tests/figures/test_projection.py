import json

import numpy as np
import pytest

from neuronxa_core.analyses.projection import Projection
from neuronxa_core.analyses.umap import NUMBERS, ProjectionSettings
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.projection import number_curves, projection_finding, projection_panel
from neuronxa_core.states.sentences import State
from neuronxa_core.study.study import Study

PAIRS, LAYERS = 4, 3


def made(state: State = "nas", pairs: int = PAIRS, layers: int = LAYERS, **numbers: list[float]) -> Projection:
    points = np.random.default_rng(0).normal(size=(layers, 2 * pairs, 2)).astype(np.float32)
    table = np.column_stack([numbers.get(name, [0.5] * layers) for name in NUMBERS])
    ranks = np.ones((layers, 2, pairs), dtype=np.int64)
    study = Study("demo", "everyday", "deu_Latn", "eng_Latn", pairs=pairs)
    return Projection(study, state, ProjectionSettings(), points, table, np.full((layers, pairs), 0.5), ranks, {})


def bitext(pairs: int = PAIRS) -> Bitext:
    german = tuple(f"Satz <b>{i}</b> & mehr" for i in range(pairs))
    return Bitext("deu_Latn", "eng_Latn", german, tuple(f"Sentence {i}" for i in range(pairs)))


@pytest.mark.parametrize("theme", PALETTES)
def test_every_sentence_is_a_point_of_its_language_with_its_text(theme):
    projection = made()
    figure = projection_panel(projection, bitext(), 2, theme=theme)
    for side, (trace, name) in enumerate(zip(figure.data[:2], ("German", "English"), strict=True)):
        half = projection.points(2)[side * PAIRS : (side + 1) * PAIRS]
        np.testing.assert_allclose(np.column_stack([trace.x, trace.y]), half, atol=6e-4)
        assert trace.name == name
        assert trace.marker.color == PALETTES[theme].languages[side]
        assert list(trace.customdata) == [1, 2, 3, 4]
    assert figure.data[0].text[1] == "Satz &lt;b&gt;1&lt;/b&gt; &amp; mehr"
    assert len({trace.marker.symbol for trace in figure.data[:2]}) == 2
    assert not {*PALETTES[theme].languages} & {*PALETTES[theme].states.values()}


def test_a_line_joins_the_halves_of_the_chosen_pair_and_of_all_on_wish():
    projection = made()
    figure = projection_panel(projection, bitext(), 1, pair=2, all_lines=True)
    lines = {trace.name: trace for trace in figure.data if trace.mode == "lines"}
    halves = projection.points(1)[[2, PAIRS + 2]]
    np.testing.assert_allclose(np.array(lines["chosen pair"].x[:2], dtype=float), halves[:, 0], atol=6e-4)
    assert len(lines["pairs"].x) == 3 * PAIRS
    plain = projection_panel(projection, bitext(), 1)
    assert all(not trace.x for trace in plain.data if trace.mode == "lines")


def test_play_goes_through_all_layers_in_one_range_and_comes_back():
    projection = made()
    figure = projection_panel(projection, bitext(), 2, pair=0)
    assert [frame.name for frame in figure.frames] == ["1", "2", "3"]
    for frame, layer in zip(figure.frames, projection.layers, strict=True):
        np.testing.assert_allclose(frame.data[0].x, projection.points(layer)[:PAIRS, 0], atol=6e-4)
        assert frame.data[4].text == (f"Layer {layer}",)
    play, stop = figure.layout.updatemenus[0].buttons
    assert [*play.args[0]] == ["1", "2", "3", "2"]
    assert [*stop.args[0]] == ["2"]
    low, high = figure.layout.xaxis.range
    assert low < projection.coordinates.min() < projection.coordinates.max() < high
    assert figure.layout.yaxis.scaleanchor == "x"
    assert not figure.layout.xaxis.showticklabels


def test_five_hundred_pairs_and_thirty_layers_stay_small():
    figure = projection_panel(made(pairs=500, layers=30), bitext(500), 1, all_lines=True)
    assert len(figure.to_json()) < 1_500_000


def test_the_curves_are_the_table_and_mark_the_layer():
    projections = [made("nas", foreign_neighbours=[0.0, 0.3, 0.1]), made("embedding")]
    figure = number_curves(projections, "foreign_neighbours", 2)
    assert list(figure.data[0].y) == [0.0, 0.3, 0.1]
    assert list(figure.data[1].x) == [0, 1, 2]
    assert figure.layout.shapes[0].x0 == 2


def test_the_finding_says_where_the_languages_meet_and_whether_to_trust_the_picture():
    text = projection_finding([made(foreign_neighbours=[0.0, 0.3, 0.1], mutual=[0, 0.75, 0])], 2)
    assert "By NAS, German and English mix most at layer 2: of a sentence's 3 nearest neighbours, 30\u00a0%" in text
    assert "75\u00a0% of the pairs are aligned" in text
    assert "distorts neighbourhoods (trustworthiness NAS 0.50)" in text
    apart = projection_finding([made(foreign_neighbours=[0.0, 0.0, 0.0], trustworthiness=[0.95] * 3)], 1)
    assert "stay separate at every layer" in apart
    assert "preserves most neighbourhoods" in apart


def test_it_is_json_that_a_browser_can_read():
    json.loads(projection_panel(made(), bitext(), 1).to_json())
