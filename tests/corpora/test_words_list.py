"""The bundled words: every language of the bundled corpus, no gaps, no two concepts with one form, the right script."""

import re
import unicodedata

import pytest

from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.words import BUNDLED, open_words
from neuronxa_core.settings import ASSETS
from tests.corpora.test_everyday import SCRIPTS

WORD_SCRIPTS = {**SCRIPTS, "Jpan": ("CJK", "HIRAGANA", "KATAKANA"), "Hang": ("HANGUL SYLLABLE",)}
"""Stricter than in sentences: no iteration mark, and no letters of Hangul outside a syllable."""
MARKS_BETWEEN_LETTERS = set(" -'’")
CAPITALISED = {"deu_Latn", "ltz_Latn"}


def table(name: str) -> dict[str, list[str]]:
    text = (ASSETS / name).read_bytes().decode("utf-8")
    assert text.endswith("\n")
    assert not set(text) & set("\r\ufeff")
    header, *rows = [line.split("\t") for line in text[:-1].split("\n")]
    return {title: list(column) for title, column in zip(header, zip(*rows, strict=True), strict=True)}


WORDS = table("words.tsv")
LANGUAGES = tuple(WORDS)


def of_script(character: str, script: str) -> bool:
    """Letters and vowel signs carry their script in their name; a tone mark over a Latin letter does not."""
    name = unicodedata.name(character)
    return name.startswith(WORD_SCRIPTS[script]) or (script == "Latn" and name.startswith("COMBINING"))


def test_its_columns_are_the_languages_of_the_bundled_corpus():
    assert open_corpus(EVERYDAY.name).languages == LANGUAGES
    assert LANGUAGES[0] == "eng_Latn"
    assert len(WORDS["eng_Latn"]) >= 120
    guide = (ASSETS / "texts" / "guide" / "getting_started.md").read_text(encoding="utf-8")
    assert f"{len(WORDS['eng_Latn'])} concrete nouns and adjectives" in guide


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_concept_has_a_form_of_its_own(code: str):
    forms = [unicodedata.normalize("NFC", word).casefold() for word in WORDS[code]]
    assert all(forms)
    assert sorted({form for form in forms if forms.count(form) > 1}) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_is_clean_and_in_the_script_of_its_language(code: str):
    for word in WORDS[code]:
        assert word == unicodedata.normalize("NFC", word) == " ".join(word.split())
        strangers = [c for c in word if c not in MARKS_BETWEEN_LETTERS and not of_script(c, language(code).script)]
        assert not strangers, (word, strangers)


def test_chinese_is_simplified_and_arabic_has_no_vowel_marks():
    for word in WORDS["zho_Hans"]:
        word.encode("gb2312")  # has no traditional forms
    assert not any(unicodedata.combining(character) for word in WORDS["arb_Arab"] for character in word)


@pytest.mark.parametrize("code", LANGUAGES)
def test_only_nouns_of_german_and_luxembourgish_are_capitalised(code: str):
    nouns = WORDS["eng_Latn"].index("red")
    if code in CAPITALISED:
        assert all(word[0].isupper() for word in WORDS[code][:nouns])
        assert all(word == word.lower() for word in WORDS[code][nouns:])
    else:
        assert all(word == word.lower() for word in WORDS[code])


def test_few_words_are_spelled_as_in_english():
    """A row that slipped, or a word left in English, would be spelled as some English word."""
    english = set(WORDS["eng_Latn"])
    for code in set(LANGUAGES) - {"eng_Latn"}:
        shared = [word for word in WORDS[code] if word.casefold() in english]
        assert len(shared) <= 8, (code, shared)


def test_cognates_stand_in_the_same_row():
    """If a row had slipped in a language, these would no longer meet."""
    for row in (
        {"eng_Latn": "sun", "deu_Latn": "Sonne", "nld_Latn": "zon", "arb_Arab": "شمس", "mlt_Latn": "xemx"},
        {"eng_Latn": "tongue", "heb_Hebr": "לשון", "mlt_Latn": "ilsien", "pol_Latn": "język", "rus_Cyrl": "язык"},
        {"eng_Latn": "money", "ind_Latn": "uang", "tam_Taml": "பணம்", "zho_Hans": "钱", "yor_Latn": "owó"},
        {"eng_Latn": "sick", "jpn_Jpan": "病気", "eus_Latn": "gaixo", "hin_Deva": "बीमार", "swh_Latn": "mgonjwa"},
    ):
        at = {WORDS[code].index(unicodedata.normalize("NFC", word)) for code, word in row.items()}
        assert len(at) == 1, row


def test_every_definition_has_one_gap_and_keeps_its_word_to_itself():
    cloze = table("words_cloze.tsv")
    concepts = cloze.pop("eng_Latn")
    assert len(set(concepts)) == len(concepts) >= 40
    assert {"eng", "deu", "fra", "spa", "zho"} <= {title[:3] for title in cloze}
    guide = (ASSETS / "texts" / "guide" / "getting_started.md").read_text(encoding="utf-8")
    assert f"defines {len(concepts)} of them in seven languages" in guide
    assert len(cloze) == 7
    for title, definitions in cloze.items():
        code = title.removesuffix(" definition")
        assert title == f"{code} definition"
        assert len(set(definitions)) == len(definitions)
        for concept, text in zip(concepts, definitions, strict=True):
            assert text.count("___") == text.count('"___"') == 1, text
            assert text == unicodedata.normalize("NFC", text) == text.strip()
            answer = WORDS[code][WORDS["eng_Latn"].index(concept)].casefold()
            told = text.casefold() if code == "zho_Hans" else re.findall(r"\w+", text.casefold())
            assert answer not in told, text


def test_the_list_opens_with_its_definitions_beside_their_words():
    words, cloze = open_words(BUNDLED), table("words_cloze.tsv")
    assert words.words == {code: tuple(column) for code, column in WORDS.items()}
    titles = [title for title in cloze if title.endswith(" definition")]
    assert words.definitions.keys() == {title.removesuffix(" definition") for title in titles}
    for title in titles:
        beside = dict(zip(words.of("eng_Latn"), words.definitions[title.removesuffix(" definition")], strict=True))
        assert {concept: text for concept, text in beside.items() if text} == dict(
            zip(cloze["eng_Latn"], cloze[title], strict=True)
        )
    for page in ("latent_language.md", "guide/corpora.md"):
        text = (ASSETS / "texts" / page).read_text(encoding="utf-8")
        assert re.search(rf"\b{len(cloze['eng_Latn'])}\b.* in seven languages", text)
    assert len(titles) == 7
