import numpy as np
import pytest

from neuronxa_core.figures.alignment import alignment_finding, layer_curves
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.states.sentences import STATES


@pytest.fixture(scope="module")
def results():
    return list(gallery_results().values())


@pytest.mark.parametrize("theme", PALETTES)
def test_the_curves_are_the_scores_in_their_states_colours(results, theme):
    figure = layer_curves(results[0], theme)
    for state in STATES:
        curve = next(trace for trace in figure.data if trace.name == STATE_NAMES[state])
        assert list(curve.y) == results[0].of(state)["score"].tolist()
        assert list(curve.x) == results[0].of(state)["layer"].tolist()
        assert curve.line.color == PALETTES[theme].states[state]
        peak = results[0].peak(state)[0]
        biggest = int(np.argmax(curve.marker.size))
        assert curve.x[biggest] == peak
    labels = [note.text for note in figure.layout.annotations]
    assert {"NAS", "NAV", "Embedding", "chance"} <= set(labels)


def test_the_band_is_the_interval_and_the_dotted_line_is_chance(results):
    figure = layer_curves(results[0])
    rows = results[0].of("nas")
    band = next(trace for trace in figure.data if trace.name == "NAS interval")
    assert list(band.y) == [*rows["ci_high"], *rows["ci_low"][::-1]]
    assert set(next(trace for trace in figure.data if trace.name == "chance").y) == {1 / 199}


def test_the_finding_says_what_the_numbers_say(results):
    by_source = {result.study.source: result for result in results}
    german = by_source["deu_Latn"]
    layer, score = german.peak("nas")
    text = alignment_finding(german)
    assert (layer, score) == (7, 0.95)
    assert "best aligned at layers 7, 8 and 11 of 18: at each of them, 95 of 100 sentence pairs" in text
    assert f"NASCA {german.mean('nas'):.2f}" in text
    assert "neuron states are better aligned than the embeddings" in text
