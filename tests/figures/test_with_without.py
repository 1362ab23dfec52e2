"""The curves with and without a change, and their finding, by hand."""

from dataclasses import replace

from neuronxa_core.figures.with_without import changed_curves, with_without_finding
from tests.figures.examples import aligned, changed_alignment


def test_the_finding_says_what_changes_beside_the_controls_and_where_most():
    said = with_without_finding(changed_alignment(), "nas").replace("\u00a0", " ")
    assert said.startswith(
        "With the 7 neurons of German switched off, NASCA of German and English is 0.37 instead of 0.60, a change of"
    )
    assert (
        "Under 2 random sets of as many in the same layers it is 0.57 (0.53 to 0.60); the difference is −0.20" in said
    )
    assert "so these neurons matter more to the pair than random ones." in said
    assert said.endswith("The curve changes most at layer 2, from 0.80 to 0.20.")


def test_the_finding_says_so_if_random_neurons_do_as_much():
    alike = replace(changed_alignment(), controls=(aligned(5, 2, 4), aligned(5, 2, 4)))
    assert "does not stand out from changing random ones" in with_without_finding(alike, "nas")
    assert "No random neurons were measured" in with_without_finding(replace(alike, controls=()), "nas")
    assert with_without_finding(replace(alike, neurons=0), "nas").startswith("No neuron is selected")


def test_the_finding_says_so_if_the_pair_is_better_aligned():
    better = replace(changed_alignment(), changed=aligned(10, 10, 10))
    assert "so the pair is better aligned with these neurons changed" in with_without_finding(better, "nas")


def test_the_hover_texts_say_the_score_the_curve_and_the_layer():
    said = {each.name: each.hovertext for each in changed_curves(changed_alignment(), "nas").data}
    assert said["changed"][1] == "<b>0.20</b> changed, layer 2"
    assert said["random"][1] == "<b>0.70</b> mean of 2 random sets, layer 2"
