from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neuronxa_core.analyses.latent_answer import LatentAnswer
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentAnswers
from neuronxa_core.analyses.latent_prompts import Question, Role
from neuronxa_core.analyses.lens_grid import GridAnswer, script_of
from neuronxa_core.figures.latent_language import (
    across_finding,
    grid_finding,
    latent_curves,
    latent_finding,
    lens_grid,
    targets_figure,
    words_finding,
)
from neuronxa_core.study.study import Study

WORDS = 12


def invented(target: list[float], pivot: list[float], baseline: float = 0.0, left: int = 0) -> LatentAnswer:
    """Twelve words that agree: a probability per layer, and the same baseline everywhere."""
    request = LatentLanguage(Study("demo", "everyday", "deu", "fra", dtype="float32"))
    every: dict[Role, Any] = {
        "target": np.float32(np.outer(target, np.ones(WORDS))),
        "pivot": np.float32(np.outer(pivot, np.ones(WORDS))),
        "source": np.zeros((len(target), WORDS), np.float32),
    }
    flat = np.full((len(target), WORDS), baseline, np.float32)
    words: dict[Role, str] = {"target": "eau", "pivot": "water", "source": "Wasser"}
    reason = "French and English begin with the same token 't'"
    asked = [Question(row + 1, words, "p", reason if row >= WORDS else "") for row in range(WORDS + left)]
    return LatentAnswer(request, tuple(asked), every, dict.fromkeys(every, flat), 3 * flat / max(baseline, 1), {})


def drawn(answer: LatentAnswer, name: str) -> Any:
    return next(trace for trace in latent_curves(answer).data if trace.name == name)


def test_answers_that_all_begin_alike_say_nothing():
    answer = invented([0.8, 0.9], [0.1, 0.2])
    alike = replace(answer, shuffled={**answer.shuffled, "target": answer.own["target"]})
    assert latent_finding(alike).startswith("All 12 answers in French begin with the same token")
    assert "begin with the same token" not in latent_finding(answer)


def test_the_curves_are_the_probabilities_without_the_baseline_which_is_dotted():
    answer = invented([0.1, 0.2, 0.7], [0.1, 0.4, 0.2], baseline=0.1)
    np.testing.assert_allclose(drawn(answer, "French").y, [0.0, 0.1, 0.6], atol=1e-7)
    np.testing.assert_allclose(drawn(answer, "English").y, [0.0, 0.3, 0.1], atol=1e-7)
    np.testing.assert_allclose(drawn(answer, "French baseline").y, [0.1, 0.1, 0.1])
    assert drawn(answer, "French baseline").line.dash == "dot"
    assert list(drawn(answer, "French").x) == [1, 2, 3]


def test_the_finding_says_where_the_pivot_leads_and_where_the_target_overtakes():
    text = latent_finding(invented([0.1, 0.2, 0.3, 0.8], [0.1, 0.4, 0.6, 0.2]))
    assert text.startswith("The model leans to English before it answers in French: English is ahead at layers 2 to 3,")
    assert "most at layer 3, where English has 0.60 (no interval, since all words agree) and French 0.30" in text
    assert text.endswith("French stays ahead from layer 4 on, in every resample of the words.")


def test_without_a_lead_there_is_no_detour_and_a_target_behind_does_not_overtake():
    text = latent_finding(invented([0.1, 0.5], [0.1, 0.2]))
    assert text.startswith("At no layer is English measurably more probable than French")
    assert "French does not overtake English" in latent_finding(invented([0.1, 0.1], [0.2, 0.3]))


def test_the_words_that_were_left_out_are_counted_by_reason():
    assert words_finding(invented([0.1], [0.1])) == "12 words of 12 count."
    told = words_finding(invented([0.1], [0.1], left=3))
    assert told.startswith("12 words of 15 count. Left out: 3: French and English begin with the same token.")


@pytest.mark.parametrize(
    ("text", "script"),
    [(" Wasser", "Latin"), ("水", "Han"), ("の", "Kana"), ("вода", "Cyrillic"), ("நீர்", "Tamil"), ('."', ""), ("", "")],
)
def test_a_token_has_the_script_of_its_first_letter(text: str, script: str):
    assert script_of(text) == script


def grid() -> GridAnswer:
    """Two layers, three tokens, two candidates."""
    candidates = np.array([[["a", "b"], ["b", "a"], ["水", "a"]], [["a", "b"], ["<b>", "a"], ["eau", "a"]]])
    values = [[[0.5, 0.2], [0.4, 0.1], [0.3, 0.2]], [[0.6, 0.2], [0.7, 0.1], [0.9, 0.05]]]
    probabilities = np.array(values, np.float32)
    return GridAnswer(
        Study("demo", "everyday", "deu", "fra"), "<x> y z", ("<x>", " y", " z"), candidates, probabilities, {}
    )


def test_a_cell_shows_the_likeliest_token_its_script_and_its_probability():
    figure = lens_grid(grid(), (2, 1))
    heat = figure.data[0]
    np.testing.assert_allclose(heat.z, [[0.5, 0.4, 0.3], [0.6, 0.7, 0.9]])
    assert heat.text[0][2] == "水<br><span style='font-size:12px'>Han</span>"
    assert heat.text[1][1] == "&lt;b>"  # never markup
    assert list(figure.layout.xaxis.ticktext) == ["&lt;x>", "y", "z"]
    (frame,) = figure.layout.shapes
    assert (frame.x0, frame.y0) == (0.5, 1.5)
    targets = figure.data[1]
    assert targets.customdata[5].tolist() == [2, 2]
    assert targets.text[0] == "after '&lt;x>': 'a', p = 0.50"
    only_last = lens_grid(grid(), tokens=2)
    assert list(only_last.layout.xaxis.ticktext) == ["y", "z"]
    assert only_last.data[1].customdata[0].tolist() == [1, 1]


def test_the_table_of_a_cell_and_the_grids_finding():
    assert grid().cell(1, 2)["candidate"].tolist() == ["水", "a"]
    assert grid().cell(1, 2)["script"].tolist() == ["Han", "Latin"]
    assert grid().table.query("layer == 2 and position == 3 and rank == 1")["candidate"].tolist() == ["eau"]
    assert grid_finding(grid()) == (
        "After the last token the model puts 'eau' next (probability 0.90). It is the likeliest token from layer 2 of "
        "2 on."
    )


def test_every_target_has_a_row_with_its_share_its_layer_and_its_nasca():
    one, other = invented([0.1, 0.3, 0.8], [0.1, 0.6, 0.2]), invented([0.0, 0.1], [0.0, 0.3])
    answers = LatentAnswers((one, other))
    table = answers.table({"fra_Latn": 0.5})
    assert table["pivot_share"].tolist() == pytest.approx([0.9 / 2.1, 0.75])
    assert table["overtaking"].tolist() == pytest.approx([3, np.nan], nan_ok=True)
    figure = targets_figure(table.assign(language=["fra_Latn", "spa_Latn"]), 3)
    shares, layers, nasca = figure.data
    assert list(shares.x) == pytest.approx([0.9 / 2.1, 0.75])
    assert layers.x[0] == 3
    assert list(nasca.x) == [0.5, 0.5]
    assert list(figure.layout.yaxis.ticktext) == ["French", "Spanish"]
    text = across_finding(answers, table.assign(language=["fra_Latn", "spa_Latn"]))
    assert text.startswith("Of 2 target languages, Spanish goes by way of English most (English's share 0.75), French ")
    assert "1 target never overtakes English." in text


def test_without_alignment_at_hand_there_is_no_panel_for_it():
    table = LatentAnswers((invented([0.1, 0.3], [0.1, 0.2]),)).table()
    assert [trace.name for trace in targets_figure(table, 2).data] == ["Pivot's share", "Overtaking layer"]
    nothing = LatentAnswers((invented([0.0], [0.0]),))
    assert across_finding(nothing, nothing.table()).startswith("Neither English nor any target has probability")
