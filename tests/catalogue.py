"""The texts that want a translation, and the catalogues brought up to date with them: python -m tests.catalogue

New texts are added without a translation, those that are gone are taken out, and translations of the rest stay.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from neuronxa_core.interface import ENGLISH, FOLDER, LANGUAGES, LOCALES, TEXTS, blocks
from neuronxa_core.settings import ASSETS
from pages.shared import lesson as lessons

ROOT = Path(__file__).parents[1]
HEADER = "# Translated by a machine and not reviewed by a speaker of the language. Apache-2.0, as everything here."
NAMES = dict.fromkeys(("project", "last_translator", "language_team"), "NeuronXA Explorer") | {
    "version": "1",
    "msgid_bugs_address": "",
}
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
"""In place of the time, so that a file changes only with its texts."""
KEYWORDS = {"tr": None, "Entry": (2,)}
"""The functions that take a text to translate, and which of their arguments it is."""


def wanted() -> dict[str, str]:
    """Every text that is to be translated -> the file that it stands in."""
    found: dict[str, str] = {}
    for text, place in [*_in_code(), *_in_texts(), *_in_lessons()]:
        found.setdefault(text, place)
    return found


def _in_code() -> Iterator[tuple[str, str]]:
    for folder in ("pages", "neuronxa_core"):
        for file, _, text, _, _ in extract_from_dir(ROOT / folder, [("**.py", "python")], keywords=KEYWORDS):
            yield str(text), f"{folder}/{file}"


def _in_texts() -> Iterator[tuple[str, str]]:
    for name in TEXTS:
        for _, words in blocks((ASSETS / "texts" / f"{name}.md").read_text(encoding="utf-8")):
            if words:
                yield words, f"assets/texts/{name}.md"


def _in_lessons() -> Iterator[tuple[str, str]]:
    for lesson in lessons.shelf().lessons.values():
        for text in lesson.words:
            if any(map(str.isalpha, text)):
                yield text, f"assets/lessons/{lesson.slug}.md"


def catalogue_of(code: str) -> Catalog:
    """The catalogue of a language as it stands in its file."""
    with (FOLDER / f"{code}.po").open("rb") as file:
        return read_po(file, locale=LOCALES.get(code, code))


def update(code: str) -> int:
    """Brings the file of a language up to date; how many texts want a translation."""
    path, locale = FOLDER / f"{code}.po", LOCALES.get(code, code)
    before = catalogue_of(code) if path.exists() else Catalog(locale=locale)
    after = Catalog(locale, header_comment=HEADER, creation_date=BEGUN, revision_date=BEGUN, fuzzy=False, **NAMES)
    for text, place in wanted().items():
        known = before.get(text)
        after.add(text, known.string if known else "", locations=[(place, 0)])
    with path.open("wb") as file:
        write_po(file, after, width=0, omit_header=False, include_lineno=False)
    return sum(not each.string for each in after if each.id)


if __name__ == "__main__":
    for code in LANGUAGES:
        if code != ENGLISH:
            print(f"{code}: {update(code)} to translate")
