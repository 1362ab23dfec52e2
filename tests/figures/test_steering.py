"""What the steering pictures draw, and their finding in every branch, by hand."""

from dataclasses import replace

import pytest

from neuronxa_core.analyses.steering_answer import Condition, SteeringAnswer
from neuronxa_core.figures.steering import cost_figure, identifier_sentence, language_figure, steering_finding
from tests.figures.examples import steered
from tests.figures.test_findings import check


def said(answer: SteeringAnswer) -> str:
    text = steering_finding(answer)
    check(text)
    return text.replace("\u00a0", " ")


def test_the_finding_says_how_far_the_language_moves_beyond_the_controls_and_what_it_costs():
    assert said(steered((0.0, 1.0))) == (
        "DiffMean from English to Russian, added after layer 9 of 18 with strength 1 puts 100 % of 4 continuations "
        "into Russian, where 0 % are in it without steering and 12 % under 2 random directions of the same length "
        "(difference +87.5 points, 95 % interval +62.5 to +100.0 points). So steering moves the language beyond the "
        "controls. Bits per byte change by +200 % in English, no interval, since all sentences agree (random: +100 %) "
        "and by +100 % in Russian, no interval, since all sentences agree (random: +50 %). Of the letters, 100 % "
        "are in the script of Russian."
    )


def test_of_several_strengths_the_one_that_moves_most_is_named():
    assert "with strength 2, which moves most of 3, puts 75 % of 4 continuations" in said(
        steered((0.0, 0.5, 0.75, 0.75))
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (steered((0.0, 0.25), (0.25, 0.25)), "So steering does not move the language beyond the controls."),
        (steered((1.0, 1.0), (0.0, 0.0)), "where 100 % are in it without steering"),
        (steered((1.0, 1.0), (0.0, 0.0)), "So steering does not move the language beyond the controls."),
        (steered((0.0, 0.0)), "Steering does not move the language: after layer 9 of 18, DiffMean turns none of 4"),
        (steered((0.5, 0.0, 0.0)), "at any of 2 strengths, where 50 % are in it without steering."),
        (steered((0.0, 0.0)), "at strength 1, where 0 %"),
        (steered((0.0, 1.0), ()), "No random direction was measured"),
        (steered((0.0, 1.0), length=0.0), "have the same mean hidden state after layer 9 of 18"),
        (steered((0.0, 1.0), study=replace(steered().study, target="deu_Latn")), "Steering does not move"),
    ],
)
def test_every_other_outcome_is_told_as_it_is(answer: SteeringAnswer, expected: str):
    assert expected in said(answer)


def test_a_shared_script_and_texts_that_repeat_themselves_are_told():
    study = replace(steered().study, source="ukr_Cyrl")
    assert "share a script, so only the identifier tells them apart." in said(replace(steered(), study=study))
    answer = steered((0.0, 1.0))
    loop = answer.conditions[Condition(1.0, 0)]
    loop = replace(loop, said=tuple(each._replace(text="да " * 20) for each in loop.said))
    again = replace(answer, conditions={**answer.conditions, Condition(1.0, 0): loop})
    assert "The continuations repeat themselves: 95 % of their pieces of four characters stood in them" in said(again)


def test_the_identifier_is_claimed_no_better_than_it_is():
    text = identifier_sentence(steered())
    check(text)
    text = text.replace("\u00a0", " ")
    assert "it names 99 % correctly; of pieces of 40 characters, 85 %, and it cannot tell 8 %" in text
    assert "(Russian 80 % right, 10 % not told; English 90 % right, 6 % not told)" in text


def test_without_controls_the_pictures_have_no_random_directions():
    for figure in (language_figure(steered((0.0, 1.0), ())), cost_figure(steered((0.0, 1.0), ()), "dark")):
        assert "random" not in {trace.name for trace in figure.data}
    assert language_figure(steered()).layout.xaxis.ticktext == ("0", "1")
