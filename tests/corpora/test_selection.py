"""Which lines become pairs: left out, the first, or a seeded sample; and that the study and its numbers say so."""

from dataclasses import replace
from pathlib import Path

import pytest

from neuronxa_core.analyses.languages import run_language_matrix
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.selection import LeftOut, drawn, number_ranges, read_left_out, runs_of
from neuronxa_core.errors import CorpusError, StudyError
from neuronxa_core.states import store
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.confined import confined

GERMAN = ["Hund", "", "Brot", "Hund", "bread", "Käse \udcff", "Нож", "Fluss", "Berg\x07", "Wald", "Meer"]
ENGLISH = ["dog", "cat", "bread", "a dog", "bread", "cheese", "knife", "river", "mountain", "forest"]


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    """Eleven German lines beside ten English: one kind of damage each, and four sound pairs."""
    (tmp_path / "deu_Latn.txt").write_bytes("\n".join(GERMAN).encode("utf-8", "surrogateescape"))
    (tmp_path / "eng_Latn.txt").write_text("\n".join(ENGLISH))
    return str(tmp_path)


ALL = "unpaired,unreadable,empty,duplicate,same,script,control"


def test_each_kind_is_left_out_counted_and_named(damaged: str):
    bitext = open_corpus(damaged).bitext("deu", "eng", 4, leave_out=ALL)
    assert bitext.lines == (1, 3, 8, 10)
    assert bitext.source_sentences == ("Hund", "Brot", "Fluss", "Wald")
    assert bitext.target_sentences == ("dog", "bread", "river", "forest")
    assert str(bitext.choice) == (
        "the first 4 of 11 lines; left out: 1 unpaired, 1 unreadable, 1 empty, 2 duplicate, 1 script, 1 control"
    )
    assert open_corpus(damaged).usable("deu", "eng", ALL) == 4


@pytest.mark.parametrize(
    ("leave_out", "said"),
    [
        ("", "has 11 lines and eng_Latn has 10"),
        ("unpaired", "Line 2 of deu_Latn in .* is empty.*leave such lines out: empty"),
        ("unpaired,empty", "Line 6 of deu_Latn in .* is not UTF-8.*leave such lines out: unreadable"),
        ("unpaired,unreadable,2,4-9", "has 3 pairs left, fewer than the 8 requested. Ask for 3 pairs or fewer"),
    ],
)
def test_what_cannot_be_used_is_told_with_what_to_leave_out(damaged: str, leave_out: str, said: str):
    with pytest.raises(CorpusError, match=said):
        open_corpus(damaged).bitext("deu", "eng", 8, leave_out=leave_out)


def test_a_sample_is_nested_seeded_and_in_the_order_of_the_corpus():
    lines = range(1, 501)
    assert drawn(lines, 7)[:3] == [437, 162, 265]  # the same for ever, on every machine
    assert drawn(lines, 7) != drawn(lines, 8)
    without = [line for line in drawn(lines, 7) if line % 2]
    assert drawn((line for line in lines if line % 2), 7) == without
    corpus = open_corpus("everyday")
    small, large = (corpus.bitext("deu", "eng", pairs, sample=3).lines for pairs in (10, 40))
    assert set(small) < set(large)
    assert list(large) == sorted(large)
    assert corpus.bitext("fra", "eng", 10, sample=3).lines == small
    assert len({corpus.bitext("deu", "eng", 10, sample=seed).lines for seed in range(5)}) == 5


def test_a_sample_is_spread_over_the_text():
    halves = [sum(line <= 500 for line in drawn(range(1, 1001), seed)[:100]) for seed in range(1, 31)]
    assert 45 < sum(halves) / 30 < 55


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("duplicate, empty", "empty,duplicate"),
        ("12 3-5,4,6", "3-6,12"),
        ("2,1,empty,empty", "empty,1,2"),
        ("40-44,1-3,42-50,4", "1-4,40-50"),
        ("7-8,10", "7,8,10"),
        ("", ""),
    ],
)
def test_what_is_left_out_is_written_one_way(text: str, same: str):
    assert str(read_left_out(text)) == same == str(read_left_out(same))
    assert Study("demo", "everyday", "deu", "eng", leave_out=text).leave_out == same


@pytest.mark.parametrize("text", ["blank", "0", "5-3", "1-", "-4", "1-99999999999", "<b>"])
def test_what_nobody_can_leave_out_is_refused(text: str):
    with pytest.raises(StudyError, match="Use line numbers"):
        read_left_out(text)


def test_ranges_of_lines():
    assert number_ranges([1, 2, 3, 5, 6, 9]) == "1-3,5,6,9"


def test_a_run_of_lines_stays_a_run_and_is_cut_to_the_text():
    left_out = read_left_out("3-10000000,1")
    assert left_out.lines == ((1, 1), (3, 10_000_000))
    assert list(left_out.up_to(5)) == [1, 3, 4, 5]
    assert [line for line in range(7) if left_out.names(line)] == [1, 3, 4, 5, 6]
    assert not LeftOut().names(1)
    assert runs_of([2, 4, 5, 6]) == ((2, 2), (4, 6))
    everyday = open_corpus("everyday").bitext("deu", "eng", 3, leave_out="4-10000000")
    assert everyday.lines == (1, 2, 3)
    assert everyday.choice is not None
    assert everyday.choice.left_out == {"by number": 97}


def test_a_list_of_millions_of_parts_is_refused():
    with pytest.raises(StudyError, match="list of lines to leave out is too long"):
        read_left_out("1," * 1_500_000)


@pytest.mark.slow
def test_a_link_with_ten_million_line_numbers_takes_no_more_memory_than_one_with_two():
    said = confined(
        """
        import tracemalloc
        from tests.corpora.test_selection import Study, open_corpus  # which names follow when modules move
        open_corpus("everyday").usable("deu", "eng")
        tracemalloc.start()
        study = Study("demo", "everyday", "deu", "eng", 2, leave_out="1-98,101-10000000")
        print(study.bitext().lines, study.stem, open_corpus("everyday").usable("deu", "eng", study.leave_out))
        print(tracemalloc.get_traced_memory()[1])
        """
    )
    told, peak = said.splitlines()
    assert told == "(99, 100) demo_everyday_deu_Latn-eng_Latn_2_without-1-98-101-10000000_gate_position_auto 2"
    assert int(peak) < 5_000_000


def test_the_choice_is_part_of_the_study_of_its_names_and_of_its_result(tiny_model, tiny_corpus: Path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=4, leave_out="2")
    sample = replace(study, sample=5)
    assert len({study.stem, sample.stem, replace(study, leave_out="").stem}) == 3
    assert "sample 5 without 2" in sample.caption
    assert "sample" not in study.fields
    first, drawn_pairs = run_study(study), run_study(sample)
    assert first.provenance["lines"] == "1,3-5"
    assert first.provenance["pairs"].startswith("the first 4 of ")
    assert first.provenance["pairs"].endswith("left out: 1 by number")
    assert "seed 5" in drawn_pairs.summary["provenance"]["pairs"]
    assert drawn_pairs.summary["study"]["sample"] == 5
    again = run_study(sample)
    assert again.provenance == drawn_pairs.provenance
    assert again.scores.equals(drawn_pairs.scores)


def test_a_line_left_out_of_one_language_is_left_out_of_all(tiny_model, tmp_path: Path):
    texts = {
        "deu": ["a b", "", "c d", "e f", "g h"],
        "eng": ["b", "c", "d", "e", "f"],
        "fra": ["q", "r", "s", "s", "t"],
    }
    for code, lines in texts.items():
        (tmp_path / f"{code}.txt").write_text("\n".join(lines))
    study = Study(str(tiny_model("llama")), str(tmp_path), "deu", "eng", pairs=3, leave_out="empty,duplicate")
    matrix = run_language_matrix(study, ("deu", "eng", "fra"))
    alone = run_study(replace(study, leave_out="2,4"))
    assert matrix.score("nas", 1)[0, 1] == alone.of("nas")["score"][0]
    with pytest.raises(CorpusError, match="has 3 pairs left"):
        run_language_matrix(replace(study, pairs=4), ("deu", "eng", "fra"))


def test_tokens_and_unknown_ones_are_counted_per_language(tiny_model, tiny_corpus: Path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=4)
    result = run_study(study)
    bitext = study.bitext()
    expected = {  # the tiny tokenizer takes bytes and adds one token
        code: sum(len(sentence.encode()) + 1 for sentence in side)
        for code, side in (("fra_Latn", bitext.source_sentences), ("eng_Latn", bitext.target_sentences))
    }
    assert result.provenance["tokens"] == expected
    assert result.provenance["unknown_tokens"] == {"fra_Latn": 0, "eng_Latn": 0}
    matrix = run_language_matrix(study, ("fra", "eng"))
    assert matrix.provenance["tokens"] == expected
    assert store.FORMAT == 3
