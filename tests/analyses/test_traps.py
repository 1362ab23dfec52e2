"""The traps against stored cosines of the same pairs, repeated, cut or shuffled, and against the gallery's studies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.traps import TRAPS, TrapResults, label, other_letters, read_traps, write_traps
from neuronxa_core.errors import StudyError
from neuronxa_core.figures import traps as figures
from neuronxa_core.gallery.read import precomputed, precomputed_layers
from neuronxa_core.gallery.traps import precomputed_traps, traps_request
from neuronxa_core.metrics.scoring import pair_outcomes

ALL = range(100)
MOVED = [(row + 37) % 100 for row in ALL]
CUT = {
    "half": (ALL[:50], ALL[:50]),
    "few": (ALL[:10], ALL[:10]),
    "eighty": (ALL[:80], ALL[:80]),
    "repeated": ([*ALL[:80], *ALL[:20]], [*ALL[:80], *ALL[:20]]),
    "shuffled": (ALL, MOVED),
    "few_shuffled": (ALL[:10], MOVED[:10]),
    "other_shuffled": (ALL[10:20], MOVED[10:20]),
}
"""Which of the hundred source and target sentences each study is of."""


@pytest.fixture(scope="module")
def answer() -> TrapResults:
    return precomputed_traps(traps_request())


@pytest.mark.parametrize("name", CUT)
def test_every_score_follows_from_the_cosines_of_its_pairs(answer: TrapResults, name: str):
    layers = precomputed_layers(answer.study)
    rows, columns = (list(each) for each in CUT[name])
    for layer in range(1, 19):
        cosines = layers.similarity("nas", layer)[np.ix_(rows, columns)]
        expected = pair_outcomes(cosines).mutual
        np.testing.assert_array_equal(answer.results[name].outcomes["nas"].mutual[layer - 1], expected)


@pytest.mark.parametrize("name", ["whole", "shredded", "unlabelled"])
def test_what_is_compared_with_is_a_study_of_the_gallery(answer: TrapResults, name: str):
    stored, study = answer.results[name], answer.results[name].study
    assert study.corpus == "everyday"
    np.testing.assert_array_equal(stored.outcomes["nas"].mutual, precomputed(study).outcomes["nas"].mutual)


def test_the_stored_studies_are_of_the_sentences_that_are_laid_today(answer: TrapResults):
    """If a sentence or a label changes, rebuild: `gallery --only traps`. The name of a corpus holds its content."""
    studies = traps_request().studies()
    assert {name: result.study for name, result in answer.results.items()} == studies
    labelled = studies["labelled"].bitext()
    assert labelled.source_sentences[11].endswith(" (Bruno 1407)")
    assert labelled.target_sentences[11].endswith(" (Bruno 1407)")
    assert len({label(row) for row in ALL}) == 100
    assert other_letters("Aä z") == "𝖠ä 𝗓"
    assert studies["other_letters"].bitext().target_sentences == studies["whole"].bitext().target_sentences


def test_each_trap_goes_wrong_as_its_text_says(answer: TrapResults):
    became = {trap: figures.change(*figures.compared(answer, trap)) for trap in TRAPS}
    assert became == {
        **{"duplicates": "falls", "shredded": "falls", "labels": "rises"},
        **{"few": "rises", "shuffled": "falls", "picked": "rises"},
    }
    repeated = answer.results["repeated"].outcomes["nas"].mutual
    assert not repeated[:, :20].any()  # a copy ties with what it was copied from
    assert not repeated[:, 80:].any()
    mean, best, same = answer.readings("picked")
    assert same.score < mean.chance < best.score
    assert best.layer == same.layer == 8


def test_the_picture_hides_what_is_to_be_guessed_and_the_finding_says_both(answer: TrapResults):
    shown = figures.trap_figure(answer, "few")
    hidden = figures.trap_figure(answer, "few", shown=False)
    assert [len(figure.data[0].y) for figure in (shown, hidden)] == [3, 1]
    assert [each.text for each in hidden.layout.annotations] == ["<b>0.65</b>", "?", "?"]
    assert figures.trap_finding(answer, "few") == ("The score rises from 0.65 to 0.81; chance is 0.053.")
    assert figures.labels(answer, "shredded")[1:] == [
        "German in other letters, 7.5 tokens per English token",
        "Yoruba, 3.1 tokens per English token",
    ]
    assert answer.tables["traps"].query("trap == 'few'")["score"].round(2).tolist() == [0.65, 0.68, 0.81]


def test_they_come_back_from_their_file_and_a_flipped_outcome_is_noticed(answer: TrapResults, tmp_path: Path):
    path = tmp_path / "traps.parquet"
    write_traps(answer, path)
    assert read_traps(path).summary == answer.summary
    frame = pd.read_parquet(path)
    frame.at[0, "source_to_target"] = ~frame.at[0, "source_to_target"]
    frame.to_parquet(path)
    with pytest.raises(ValueError, match="checksum"):
        read_traps(path)


def test_other_pairs_are_refused_in_a_sentence():
    with pytest.raises(StudyError, match="first 100 pairs"):
        replace(traps_request(), study=replace(traps_request().study, pairs=50))
