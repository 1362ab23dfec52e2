import itertools

import pytest

from neuronxa_core.figures.palette import PALETTES, score_scale
from neuronxa_core.figures.style import short_codes, spread, tick
from neuronxa_core.states.sentences import STATES


def test_labels_keep_their_distance_and_their_order():
    placed = spread([0.50, 0.51, 0.0, 0.52], gap=0.05, low=0.0, high=1.0)
    ordered = sorted(placed)
    assert all(upper - lower >= 0.05 - 1e-12 for lower, upper in itertools.pairwise(ordered))
    assert placed[0] < placed[1] < placed[3]
    assert max(spread([1.0, 1.0, 1.0], 0.1, 0.0, 1.0)) == 1.0


def test_long_tail_names_are_italic_and_codes_stay_apart():
    assert tick("yor_Latn") == "<i>Yoruba</i>"
    assert tick("arb_Arab", longest=10) == "Modern St…"
    assert short_codes(["deu_Latn", "zho_Hans", "zho_Hant"]) == ["deu", "zho_Hans", "zho_Hant"]


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("state", STATES)
def test_the_colour_scale_runs_one_way_in_lightness(state, theme):
    def lightness(colour: str) -> float:
        return sum(weight * int(colour[start : start + 2], 16) for weight, start in ((0.21, 1), (0.72, 3), (0.07, 5)))

    values = [lightness(str(colour)) for _, colour in score_scale(state, theme)]
    assert values == sorted(values, reverse=theme == "light")
    assert abs(values[0] - values[-1]) > 150
