import itertools
import re
from pathlib import Path

import pytest

from neuronxa_core import figures
from neuronxa_core.figures.palette import PALETTES, score_scale
from neuronxa_core.figures.style import count_ticks, hover, short_codes, signed_ticks, spread, tick
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


def test_ticks_of_differences_have_round_steps_a_true_minus_and_a_bare_0():
    assert signed_ticks(-38, 38, most=4) == {
        "tickvals": [-20, 0, 20],
        "ticktext": ["\N{MINUS SIGN}20", "0", "+20"],
    }
    assert signed_ticks(-0.012, 0.031, most=4)["ticktext"] == ["0", "+0.02"]
    assert signed_ticks(0, 0.5, unit=0.01)["ticktext"] == ["0", "+10", "+20", "+30", "+40", "+50"]
    assert signed_ticks(0, 0)["ticktext"][0] == "0"


def test_a_hover_text_is_text_and_a_small_number_in_it_is_no_tag():
    assert hover(["<b>NAS</b> <0.01 [<0.01 to >0.99]"])["hovertext"] == ["<b>NAS</b> &lt;0.01 [&lt;0.01 to >0.99]"]
    assert hover([["<+0.01"]])["hovertext"] == [["&lt;+0.01"]]


def test_no_figure_leaves_a_number_that_people_read_to_plotly_to_format():
    for module in Path(figures.__path__[0]).rglob("*.py"):
        code = module.read_text(encoding="utf-8")
        assert not re.search(r"%\{+[\w.\[\]]+:", code), module  # %{y:.2f} in a hover text
        assert not re.search(r"tickformat=?\W{1,4}\+", code), module


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("state", STATES)
def test_the_colour_scale_runs_one_way_in_lightness(state, theme):
    def lightness(colour: str) -> float:
        return sum(weight * int(colour[start : start + 2], 16) for weight, start in ((0.21, 1), (0.72, 3), (0.07, 5)))

    values = [lightness(str(colour)) for _, colour in score_scale(state, theme)]
    assert values == sorted(values, reverse=theme == "light")
    assert abs(values[0] - values[-1]) > 150


def test_counts_have_whole_ticks_each_once():
    assert count_ticks(1) == {"tickformat": "d", "dtick": 1}
    assert count_ticks(300) == {"tickformat": "d", "dtick": None, "nticks": 5}
