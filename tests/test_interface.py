"""The languages of the interface: no text without its translation, none too many, and each with what it must keep."""

import re
from pathlib import Path

import pytest

from neuronxa_core import interface
from neuronxa_core.interface import ENGLISH, LANGUAGES, blocks, current, listed, local, tr, translated_markdown
from pages.shared import glossary
from tests.catalogue import ROOT, catalogue_of, wanted

OTHERS = [code for code in LANGUAGES if code != ENGLISH]
KEPT = re.compile(r"\{\w+\}|\*\*|`[^`]*`|\$[^$]*\$|\]\([^)]*\)|(?:^|\n)- |gate_proj\(x\)|1/\(2n − 1\)")
"""What a translation has as often as the English text: names in braces, bold, code, formulas, links, items."""


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch):
    """Sets the language for the rest of a test."""
    return lambda code: monkeypatch.setattr(interface, "_asked", [lambda: code])


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return wanted()


@pytest.mark.parametrize("code", OTHERS)
def test_every_text_is_translated_and_no_translation_is_stale(code: str, texts: dict[str, str]):
    """python -m tests.catalogue brings the files up to date; the empty ones are then to be translated."""
    stored = {str(each.id): each for each in catalogue_of(code) if each.id}
    place = f"assets/texts/locale/{code}.po"
    stale = [text for text in stored if text not in texts]
    assert stale == [], f"Run `python -m tests.catalogue`: {place} has texts that nobody shows any more."
    open_ones = {text: file for text, file in texts.items() if text not in stored or not stored[text].string}
    assert open_ones == {}, f"Run `python -m tests.catalogue`, then translate the empty texts of {place}."
    for text, message in stored.items():
        assert not message.fuzzy, f"{place}: check the translation of {text!r}, then take its line `#, fuzzy` off."
        kept = sorted(KEPT.findall(text))
        assert kept == sorted(KEPT.findall(str(message.string))), f"{place}: the translation of {text!r} keeps {kept}."


def test_the_texts_are_found_where_they_are_written(texts: dict[str, str]):
    assert texts["Learn"] == "pages/shared/frame.py"
    assert texts["Latent language"] == "pages/shared/frame.py"
    assert texts["Bits per byte"] == "assets/texts/glossary.md"
    assert len(texts) > 300
    for path in [*ROOT.glob("pages/**/*.py"), *ROOT.glob("neuronxa_core/**/*.py")]:
        assert not re.search(r"""f["'].*\{tr\(""", path.read_text(encoding="utf-8")), f"Babel reads no f-string: {path}"


def test_what_is_missing_stays_english_text_by_text(speak, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "de.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Layer"\nmsgstr "Schicht"\n\n'
        '#, fuzzy\nmsgid "Pair"\nmsgstr "Birne"\n\nmsgid "Token"\nmsgstr ""\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(interface, "FOLDER", tmp_path)
    interface.catalogue.cache_clear()
    try:
        speak("de")
        assert [tr("Layer"), tr("Pair"), tr("Token"), tr("layer {layer}", layer=3)] == [
            *("Schicht", "Pair", "Token"),
            "layer 3",
        ]
        speak("fr")
        assert tr("Layer") == "Layer"  # there is no file
        speak("xx")
        assert current() == ENGLISH
    finally:
        interface.catalogue.cache_clear()


@pytest.mark.parametrize(
    ("code", "number", "row"),
    [
        ("en", "−0.12, 2,048", "A, B and C"),
        ("de", "−0,12, 2.048", "A, B und C"),
        ("zh", "−0.12, 2,048", "A、B和C"),
        ("fr", "−0,12, 2\u202f048", "A, B et C"),
    ],
)
def test_numbers_and_lists_are_written_as_the_language_writes_them(speak, code: str, number: str, row: str):
    speak(code)
    assert local("−0.12, 2,048") == number
    assert listed(["A", "B", "C"]) == row


def test_a_text_is_translated_block_by_block_and_its_formulas_stay(speak):
    speak("de")
    markdown = "## Tokens\n\n$$a = b$$\n\n**Question.** Would ten pairs raise the score\nor lower it?\n\n**Source.** X."
    assert translated_markdown(markdown) == (
        "## Tokens\n\n$$a = b$$\n\n**Question.** Würden zehn Paare den Wert heben oder senken?\n\n**Source.** X.\n"
    )
    assert list(blocks("# A\nb\n\n- c\n  d\n- e")) == [("# ", "A b"), ("", "- c d\n- e")]


@pytest.mark.parametrize("code", OTHERS)
def test_every_term_has_its_entry_in_every_language(speak, code: str):
    english = glossary.terms()
    glossary.begin()
    speak(code)
    here = glossary.terms()
    assert list(here) == list(english)
    for slug, term in here.items():
        assert '"' not in term.sentence, slug
        assert term.sentence != english[slug].sentence, slug
        assert (term.source, term.picture) == (english[slug].source, english[slug].picture)
        assert f"?term={slug} " in glossary.linked(f"x {term.names[-1]} y", "test"), slug
