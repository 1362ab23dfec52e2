"""The glossary: the terms of assets/texts/glossary.md, and links that explain a term where a page first uses it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from neuronxa_core.interface import LANGUAGES, current
from pages.shared import look

_ENTRY = re.compile(
    r"^## (?P<term>.+)\n\n(?:\*Also: (?P<also>[^*]+)\.\*\n\n)?(?P<sentence>(?:.+\n)+)\n(?P<longer>(?:.+\n)+)\n"
    r"\*\*Source\.\*\* (?P<source>(?:.+\n?)+)(?:\n\*\*Picture\.\*\* `(?P<picture>\w+)`\n?)?",
    re.M,
)
_NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|!?\[[^\]]*\]\([^)]*\)|\$\$.*?\$\$|\$[^$\n]+\$|^#.*?$|<[^>]+>|https?://\S+", re.M | re.S
)
"""Code, links, formulas, headings and HTML, where no term is linked."""

_LETTERS = r"\w@\u0900-\u0963\u064b-\u0655"
"""What a word may go on with: letters, and the vowel signs of Devanagari and Arabic."""


@dataclass(frozen=True)
class Term:
    """An entry. names: the term and what else it is called; picture: of the worked example, or empty."""

    slug: str
    name: str
    names: tuple[str, ...]
    sentence: str
    longer: str
    source: str
    picture: str

    def has(self, words: Iterable[str]) -> bool:
        """Whether every word occurs in the entry, in any case."""
        text = " ".join((*self.names, self.sentence, self.longer)).casefold()
        return all(word.casefold() in text for word in words)


def terms() -> dict[str, Term]:
    """Every term in the current language by its name in a link, in the order of the file."""
    return _terms(current())


@lru_cache(maxsize=len(LANGUAGES))
def _terms(code: str) -> dict[str, Term]:
    source = (look.TEXTS / "glossary.md").read_text(encoding="utf-8")
    slugs = [slug_of(entry["term"]) for entry in _ENTRY.finditer(source)]
    entries = _ENTRY.finditer(look.text("glossary"))
    return {slug: _term(slug, entry) for slug, entry in zip(slugs, entries, strict=True)}


def _term(slug: str, entry: re.Match[str]) -> Term:
    names = (entry["term"], *re.split(r"[,，،、]\s*", entry["also"] or ""))
    one_line = {part: " ".join((entry[part] or "").split()) for part in ("sentence", "longer", "source", "picture")}
    return Term(slug, names[0], tuple(filter(None, names)), **one_line)


def slug_of(name: str) -> str:
    """The name of a term in a link: `p_at_1`."""
    return re.sub(r"\W+", "_", name.lower().replace("@", "_at_"))


def begin() -> None:
    """Forgets which terms the page has explained. Call it before a page draws."""
    st.session_state.terms_told = {}


def explained(name: str) -> str:
    """The Markdown of a text in assets/texts; each term's first use on the page links to its entry."""
    return linked(look.text(name), name)


def linked(text: str, owner: str, without: str = "") -> str:
    """Markdown in which the first use of each term is a link with its sentence as hover help.

    owner: a text keeps its terms when a fragment draws it again, and no other text of the page links them. without: a
    term that is not linked.
    """
    told: dict[str, str] = st.session_state.setdefault("terms_told", {})
    parts, place = [], 0
    left = {slug for slug in terms() if slug != without and told.get(slug, owner) == owner}
    for kept in [*_NO_PROSE.finditer(text), None]:
        prose = text[place : kept.start() if kept else None]
        parts.append("".join(_linked(prose, left, told, owner)))
        if kept:
            parts.append(kept[0])
            place = kept.end()
    return "".join(parts)


def _linked(prose: str, left: set[str], told: dict[str, str], owner: str) -> Iterator[str]:
    """Pieces of a prose; each term that is linked is taken out of `left` and written into `told`."""
    slugs, pattern = _uses(current())
    place = 0
    for use in pattern.finditer(prose):
        slug = slugs.get(use[0]) or slugs[use[0].casefold()]
        if slug in left:
            left.discard(slug)
            told[slug] = owner
            yield f'{prose[place : use.start()]}[{use[0]}](glossary?term={slug} "{terms()[slug].sentence}")'
            place = use.end()
    yield prose[place:]


@lru_cache(maxsize=len(LANGUAGES))
def _uses(code: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """What a term is called in a text -> its slug, and a pattern that finds these, the longest first."""
    slugs = {each: term.slug for term in terms().values() for each in term.names}
    words = {each.casefold(): slug for each, slug in slugs.items() if not _is_acronym(each)}
    names = sorted({*slugs, *words}, key=len, reverse=True)
    either = "|".join(re.escape(each) if _is_acronym(each) else f"(?i:{re.escape(each)})" for each in names)
    edges = ("", "") if code == "zh" else (rf"(?<![{_LETTERS}/-])", rf"(?![{_LETTERS}-])")
    return slugs | words, re.compile(f"{edges[0]}(?:{either}){edges[1]}")


def _is_acronym(name: str) -> bool:
    return name.isupper()
