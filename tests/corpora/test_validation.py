"""What is found in a text alone: line by line, and a swapped or shifted part of it. No alarm without a fire."""

from itertools import combinations
from pathlib import Path

import pytest

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.findings import Finding, named_lines
from neuronxa_core.corpora.misalignment import text_findings
from neuronxa_core.corpora.validation import line_findings
from neuronxa_core.errors import CorpusError
from tests.confined import confined

NTREX = Path(__file__).parents[3] / "shared" / "data" / "ntrex"
needs_ntrex = pytest.mark.skipif(not NTREX.is_dir(), reason="needs NTREX-128 in ../shared/data/ntrex")
FAR_APART = ["deu_Latn", "hin_Deva", "jpn_Jpan", "arb_Arab", "swh_Latn", "zho_Hans", "fin_Latn", "amh_Ethi", "tha_Thai"]
Side = tuple[str, ...]


def kinds(findings: tuple[Finding, ...]) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(finding.kind, finding.code, finding.lines) for finding in findings]


def lines(source: str, target: str, ours: list[str], theirs: list[str]) -> list[tuple[str, str, tuple[int, ...]]]:
    return kinds(line_findings(source, target, tuple(ours), tuple(theirs)))


def test_every_kind_of_line_is_found_on_its_side():
    ours = ["eins", "", "drei", "eins", "Ωραία μέρα", "sechs\x00", "acht \udc80"]
    theirs = ["one", "two", "drei", "four", "five", "six", "", "eight"]
    assert lines("deu_Latn", "eng_Latn", ours, theirs) == [
        ("unpaired", "eng_Latn", (8,)),
        ("unreadable", "deu_Latn", (7,)),
        ("empty", "deu_Latn", (2,)),
        ("empty", "eng_Latn", (7,)),
        ("duplicate", "deu_Latn", (4,)),
        ("same", "", (3,)),
        ("script", "deu_Latn", (5,)),
        ("control", "deu_Latn", (6,)),
    ]


@pytest.mark.parametrize(
    ("code", "right", "wrong"),
    [
        ("jpn_Jpan", "テレビを見る。", "watching TV"),
        ("zho_Hans", "他用 iPhone 打电话给我妈妈。", "iPhone"),
        ("kor_Hang", "나는 韓國 사람이다", "Я из Кореи"),
        ("hin_Deva", "मैं BBC देखता हूँ", "main dekhta hoon"),
        ("srp_Cyrl", "Слушам радио Б92", "Slušam radio"),
        ("heb_Hebr", "אני בבית", "أنا في البيت"),
        ("eng_Latn", "naïve café, 12 %", "привет"),
        ("sat_Olck", "ᱟᱢ ᱪᱮᱫ", "আমি"),
        ("xyz_Latn", "anything", "άλλο"),
    ],
)
def test_another_script_is_told_from_a_name_or_two(code: str, right: str, wrong: str):
    assert lines(code, "eng_Latn", [right, wrong], ["a b c", "d e f"]) == [("script", code, (2,))]


def test_no_script_is_expected_of_a_code_that_names_none():
    assert lines("klingon", "eng_Latn", ["ελληνικά", "latin"], ["a", "b"]) == []


def test_marks_of_writing_are_no_control_characters():
    assert lines("pes_Arab", "hin_Deva", ["می\u200cروم"], ["क्\u200dष\t"]) == []
    for mark in "\x00\x1b\x85\u202e\ufeff\ufffd\u2028":
        assert lines("deu_Latn", "eng_Latn", [f"ab{mark}c"], ["abc"])[0][0] == "control", hex(ord(mark))


def test_numbers_and_marks_on_both_sides_are_not_untranslated():
    assert lines("deu_Latn", "eng_Latn", ["1914 – 1918"], ["1914 – 1918"]) == []


def test_the_lines_are_named():
    assert named_lines((3,)) == "Line 3"
    assert named_lines((3, 7, 8, 9)) == "Lines 3 and 7-9"
    assert named_lines(tuple(range(1, 61, 2))) == "Lines 1, 3, 5, 7, 9, 11, 13, 15 and 22 more"
    assert Finding("empty", (2, 4), "deu_Latn").message == "Lines 2 and 4 of deu_Latn are empty."
    assert Finding("same", (2,)).message == "Line 2 is the same text on both sides."


def ntrex(code: str) -> Side:
    return open_corpus(str(NTREX)).sentences(code)


def whole(source: str, ours: Side, theirs: Side) -> list[Finding]:
    return list(text_findings(source, "eng_Latn", ours, theirs))


@needs_ntrex
@pytest.mark.parametrize("code", FAR_APART)
def test_a_lost_line_shows_where_it_is_missing(code: str):
    ours, english = ntrex(code), ntrex("eng_Latn")
    (found,) = whole(code, (*ours[:120], *ours[121:]), english)
    assert found.kind == "shifted"
    assert abs(found.lines[0] - 121) <= 6
    assert found.lines[-1] >= 190
    assert found.message.endswith(f"{'eng_Latn'} appears to be one line behind.")
    assert not found.can_be_left_out


@needs_ntrex
@pytest.mark.parametrize("code", FAR_APART)
def test_two_lines_too_many_show_too(code: str):
    ours, english = ntrex(code), ntrex("eng_Latn")
    (found,) = whole(code, ("Etwas", "ganz anderes.", *ours), english)
    assert found.lines[0] <= 15
    assert f"{code} appears to be 2 lines behind" in found.message


@needs_ntrex
@pytest.mark.parametrize("code", FAR_APART)
@pytest.mark.parametrize(("first", "last"), [(100, 200), (60, 90)])
def test_a_part_whose_sides_are_swapped_shows(code: str, first: int, last: int):
    ours, english = ntrex(code), ntrex("eng_Latn")
    turned = (*ours[:first], *english[first:last], *ours[last:]), (*english[:first], *ours[first:last], *english[last:])
    (found,) = whole(code, *turned)
    assert found.kind == "swapped"
    half = {(first + 1, last), (1, 100)} if last - first == 100 else {(first + 1, last)}
    assert any(abs(found.lines[0] - a) <= 3 and abs(found.lines[-1] - b) <= 3 for a, b in half)


@needs_ntrex
@pytest.mark.slow
def test_sound_translations_raise_no_alarm_about_the_whole():
    english = ntrex("eng_Latn")
    corpus = open_corpus(str(NTREX))
    alarms = [code for code in corpus.languages if code != "eng_Latn" and whole(code, ntrex(code), english)]
    assert alarms == []


def test_the_bundled_corpus_raises_no_alarm_at_all():
    corpus = open_corpus("everyday")
    for one, two in list(combinations(corpus.languages, 2))[::5]:
        text = corpus.text(one, two)
        arguments = one, two, text.source_sentences, text.target_sentences
        assert line_findings(*arguments) == text_findings(*arguments) == (), (one, two)
    shifted = corpus.text("deu_Latn", "eng_Latn")
    found = whole("deu_Latn", shifted.source_sentences[1:], shifted.target_sentences)
    assert [finding.kind for finding in found] == ["shifted"]


def test_a_text_of_few_lines_is_not_judged_as_a_whole():
    assert whole("deu_Latn", ("Hund",) * 19, ("dog",) * 19) == []
    assert whole("deu_Latn", ("Hund",) * 50, ("dog",) * 50) == []


def test_a_lone_half_of_a_pair_from_json_is_no_text(tmp_path: Path):
    rows = ['{"de": "Hund", "en": "dog"}', '{"de": "Br\\ud800ot", "en": "bread"}', '{"de": "Fluss", "en": "river"}']
    (tmp_path / "a.jsonl").write_text("\n".join(rows))
    corpus = open_corpus(str(tmp_path / "a.jsonl"))
    assert [(each.kind, each.lines) for each in line_findings(*corpus.text("de", "en").sides)] == [("unreadable", (2,))]
    assert corpus.bitext("de", "en", 2, leave_out="unreadable").source_sentences == ("Hund", "Fluss")
    with pytest.raises(CorpusError, match="Line 2 of deu_Latn"):
        corpus.bitext("de", "en", 3)


@pytest.mark.slow
def test_a_line_of_five_million_characters_is_checked_in_a_process_of_three_gigabytes():
    said = confined(
        """
        from neuronxa_core.corpora.misalignment import text_findings
        from neuronxa_core.corpora.validation import line_findings
        sides = [tuple(f"{part * 1_000_000} {number}" for number in range(2)) for part in ("Нож, 1", "1a? b")]
        print(*[(each.kind, each.code, each.lines) for each in line_findings("deu_Latn", "eng_Latn", *sides)])
        print(text_findings("deu_Latn", "eng_Latn", *sides))
        """
    )
    assert said.splitlines() == ["('script', 'deu_Latn', (1, 2))", "()"]
