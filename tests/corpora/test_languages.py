import csv

import pytest

from neuronxa_core.corpora import languages
from neuronxa_core.corpora.languages import language, looks_like_a_language
from tests.conftest import NTREX, needs_ntrex

with languages._TABLE.open(encoding="utf-8", newline="") as lines:
    ROWS = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
CODES = [row["code"] for row in ROWS]


@pytest.mark.parametrize("column", ["code", "name", "autonym"])
def test_no_two_languages_are_called_the_same(column: str):
    values = [row[column] for row in ROWS]
    assert "" not in values
    assert sorted(values) == sorted(set(values))


def test_the_script_stands_in_the_code_and_gives_the_direction():
    right_to_left = {"Arab", "Hebr", "Thaa"}
    for row in ROWS:
        assert row["script"] == row["code"][4:8]
        assert row["direction"] == ("rtl" if row["script"] in right_to_left else "ltr")
        assert language(row["code"]).direction == row["direction"]


def test_head_is_yes_or_no_and_says_the_resource_level():
    assert {row["head"] for row in ROWS} == {"yes", "no"}
    assert language("deu_Latn").resource_level == "head"
    assert language("ban_Latn").resource_level == "long-tail"


def test_every_language_has_the_region_of_its_country():
    assert {row["code"] for row in ROWS if not row["region"]} == {"epo_Latn"}
    known = {"swh_Latn": "Eastern Africa", "por_Latn-BR": "South America", "spa_Latn-MX": "Central America"}
    known |= {"eng_Latn-IN": "Southern Asia", "pbt_Arab": "Southern Asia", "srp_Cyrl": "Southern Europe"}
    known |= {"quy_Latn": "South America", "epo_Latn": "worldwide", "xxx_Latn": "unknown"}
    assert {code: language(code).region for code in known} == known


@pytest.mark.parametrize("column", ["iso639_1", "ntrex"])
def test_every_other_spelling_leads_to_one_language(column: str):
    spelt = {row[column]: row["code"] for row in ROWS if row[column]}
    assert len(spelt) > 60
    assert len(spelt) == sum(bool(row[column]) for row in ROWS)
    assert {spelling: language(spelling).code for spelling in spelt} == spelt


def test_a_three_letter_code_leads_to_a_language_that_carries_it():
    assert {code[:3]: language(code[:3]).code[:3] for code in CODES} == {code[:3]: code[:3] for code in CODES}


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("deu", "deu_Latn"),
        ("de", "deu_Latn"),
        ("DE", "deu_Latn"),
        ("deu_latn", "deu_Latn"),
        ("zh", "zho_Hans"),
        ("zho-CN", "zho_Hans"),
        ("zho-TW", "zho_Hant"),
        ("srp-Latn", "srp_Latn"),
        ("swa", "swh_Latn"),
        ("fas", "pes_Arab"),
        ("fil", "tgl_Latn"),
        ("eng", "eng_Latn"),
        ("eng-GB", "eng_Latn-GB"),
    ],
)
def test_spellings_that_people_use(spelling: str, code: str):
    assert language(spelling).code == code
    assert language(spelling).known


@needs_ntrex
def test_every_file_of_ntrex_is_a_known_language_of_its_own():
    spellings = [file.name.split(".")[1] for file in NTREX.glob("newstest2019-*.txt") if "ref-2" not in file.name]
    assert len(spellings) >= 128
    assert [spelling for spelling in spellings if not language(spelling).known] == []
    assert len({language(spelling).code for spelling in spellings}) == len(spellings)


@pytest.mark.parametrize(("code", "script", "direction"), [("xyz_Arab", "Arab", "rtl"), ("xyz_Latn", "Latn", "ltr")])
def test_an_unknown_code_is_marked_and_keeps_its_script(code: str, script: str, direction: str):
    unknown = language(code)
    assert (unknown.code, unknown.name, unknown.autonym) == (code, code, code)
    assert (unknown.known, unknown.resource_level, unknown.family) == (False, "unknown", "unknown")
    assert (unknown.script, unknown.direction) == (script, direction)
    assert looks_like_a_language(code)


@pytest.mark.parametrize("name", ["README", "notes", "LICENSE", "", "deu_Latn.part", "newstest2019-ref.deu"])
def test_a_name_that_is_no_code_does_not_look_like_a_language(name: str):
    assert not looks_like_a_language(name)


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("deu_Latn", "de"),
        ("zho_Hant", "zh-Hant"),
        ("srp_Cyrl", "sr-Cyrl"),
        ("swh_Latn", "sw"),
        ("pes_Arab", "fa"),
        ("ceb_Latn", "ceb-Latn"),
        ("my file", "und"),
        ("zzz_Latn", "und"),
    ],
)
def test_a_web_page_names_the_language_by_its_shortest_tag(code: str, tag: str):
    assert language(code).tag == tag
