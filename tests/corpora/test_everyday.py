"""The bundled corpus: complete, unique, in the right script, of plausible lengths, nothing left in English."""

import re
import unicodedata

import pytest

from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.corpora.languages import language

CORPUS = open_corpus(EVERYDAY.name)
ENGLISH = CORPUS.sentences("eng_Latn")
OTHERS = [code for code in CORPUS.languages if code != "eng_Latn"]
SCRIPTS = {
    "Latn": ("LATIN",),
    "Cyrl": ("CYRILLIC",),
    "Arab": ("ARABIC",),
    "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",),
    "Taml": ("TAMIL",),
    "Hans": ("CJK",),
    "Jpan": ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC ITERATION"),
    "Hang": ("HANGUL",),
}
FUNCTION_WORDS = {"the", "and", "of", "which", "with", "because", "that", "they", "from", "their", "before"}


def letters(text: str) -> list[str]:
    return [character for character in text if unicodedata.category(character)[0] == "L"]


def test_it_has_a_hundred_sentences_in_english_and_at_least_23_more_languages():
    assert len(ENGLISH) == 100
    assert len(OTHERS) >= 23
    assert all(language(code).known for code in CORPUS.languages)
    assert sum(not language(code).head for code in OTHERS) >= 1


def test_the_english_sentences_have_10_to_25_words_and_no_names_or_numbers():
    for sentence in ENGLISH:
        assert 10 <= len(sentence.split()) <= 25, sentence
        assert not re.search(r"\d", sentence)
        capitals = re.findall(r"(?<=[a-z,;] )([A-HJ-Z]\w*)", sentence)  # within a sentence: a name, or a day
        assert set(capitals) <= {"Saturday"}, sentence


@pytest.mark.parametrize("code", CORPUS.languages)
def test_every_sentence_is_there_once_and_clean(code: str):
    sentences = CORPUS.sentences(code)
    assert len(sentences) == len(set(sentences)) == 100
    for sentence in sentences:
        assert sentence == unicodedata.normalize("NFC", sentence) == sentence.strip()
        assert not any(unicodedata.category(character) in ("Cc", "Cf", "Co", "Cn") for character in sentence), sentence
        assert not re.search(r"\d", sentence), sentence
        assert "  " not in sentence
        assert sentence[-1] in ".!?。！？।։؟…", sentence


@pytest.mark.parametrize("code", OTHERS)
def test_every_letter_is_of_the_languages_script(code: str):
    wanted = SCRIPTS[language(code).script]
    for sentence in CORPUS.sentences(code):
        strangers = [c for c in letters(sentence) if not unicodedata.name(c).startswith((*wanted, "MODIFIER"))]
        assert not strangers, (sentence, strangers)


@pytest.mark.parametrize("code", OTHERS)
def test_lengths_are_plausible(code: str):
    """A translation that lost half its sentence, or took in its neighbour, stands out against its own language."""
    ratios = [
        len(letters(text)) / len(letters(english))
        for text, english in zip(CORPUS.sentences(code), ENGLISH, strict=True)
    ]
    usual = sorted(ratios)[50]
    for ratio, text in zip(ratios, CORPUS.sentences(code), strict=True):
        assert 0.5 * usual < ratio < 2 * usual, (ratio / usual, text)


@pytest.mark.parametrize("code", OTHERS)
def test_no_english_is_left_standing(code: str):
    for text, english in zip(CORPUS.sentences(code), ENGLISH, strict=True):
        words = re.findall(r"\w+", text.lower())
        assert text != english
        assert len(FUNCTION_WORDS & set(words)) <= 1, text  # "of" is an Icelandic word as well
        shared = {word for word in words if len(word) > 4} & set(re.findall(r"[a-z]{5,}", english.lower()))
        assert len(shared - {"winter", "tunnel"}) <= 1, (text, shared)  # these two are German words as well


def test_its_page_and_its_entry_say_that_a_machine_wrote_it():
    assert "machine" in EVERYDAY.note
    assert "native speaker" in EVERYDAY.note
    assert EVERYDAY.licence.startswith("CC0")
