"""The guide's chapters: Markdown files that can also be read in the repository, in the order of an index."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pages.shared import look

FOLDER = look.TEXTS / "guide"
INDEX = FOLDER / "README.md"
_GROUP = re.compile(r"## (?P<group>.+)")
_ENTRY = re.compile(r"- \[(?P<title>[^\]]+)\]\((?P<file>[^)]+\.md)\): (?P<summary>.+)")
_LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.S)
_EXCERPT = 160


@dataclass(frozen=True)
class Chapter:
    """One file of the guide. slug: its name in a link; group: its heading in the index."""

    slug: str
    title: str
    group: str
    summary: str
    path: Path

    @property
    def source(self) -> str:
        """The Markdown of the file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def body(self) -> str:
        """The Markdown for the page: no title, headings one level deeper, and links that stay in the guide."""
        text = _COMMENT.sub("", self.source)
        return _LINK.sub(self._link, "\n".join(_one_level_down(text))).strip()

    def _link(self, found: re.Match[str]) -> str:
        """A link that opens a chapter in the page; just its text if the target is a file that the page cannot open."""
        text, target = found["text"], found["target"]
        if "://" in target or target.startswith("#"):
            return found[0]
        path = (self.path.parent / target.partition("#")[0]).resolve()
        chapter = next((each for each in chapters() if each.path == path), None)
        return f"[{text}](?chapter={chapter.slug})" if chapter else text


@dataclass(frozen=True)
class Hit:
    """A section in which all words of a search occur."""

    chapter: Chapter
    section: str
    excerpt: str


def chapters() -> tuple[Chapter, ...]:
    """Every chapter, in the order of the index."""
    found, group = [], ""
    for line in INDEX.read_text(encoding="utf-8").splitlines():
        if heading := _GROUP.fullmatch(line):
            group = heading["group"]
        elif entry := _ENTRY.fullmatch(line):
            path = (FOLDER / entry["file"]).resolve()
            slug = path.stem if path.parent == FOLDER.resolve() else f"reading_{path.stem}"
            found.append(Chapter(slug, entry["title"], group, entry["summary"], path))
    return tuple(found)


def search(words: str) -> list[Hit]:
    """The sections that contain every word, ignoring case, in the order of the guide."""
    sought = words.casefold().split()
    hits = []
    for chapter in chapters() if sought else ():
        for section, text in _sections(chapter):
            folded = f"{chapter.title} {section} {text}".casefold()
            if all(word in folded for word in sought):
                hits.append(Hit(chapter, section, _excerpt(text, sought[0])))
    return hits


def _sections(chapter: Chapter) -> Iterator[tuple[str, str]]:
    """(heading, plain text) of each section; the part before the first heading has the chapter's title."""
    heading = chapter.title
    lines: list[str] = []
    for line in chapter.body.splitlines():
        if line.startswith("### "):
            yield heading, _plain(lines)
            heading, lines = line.removeprefix("### "), []
        else:
            lines.append(line)
    yield heading, _plain(lines)


def _plain(lines: list[str]) -> str:
    text = _LINK.sub(lambda found: found["text"], " ".join(lines))
    return " ".join(re.sub(r"[*`|#]|-{3,}", " ", text).split())


def _excerpt(text: str, word: str) -> str:
    """The text around a word, cut at spaces."""
    place = max(0, text.casefold().find(word))
    start = text.rfind(" ", 0, max(0, place - _EXCERPT // 3)) + 1
    cut = text[start : start + _EXCERPT]
    whole = start + _EXCERPT >= len(text)
    return ("… " if start else "") + (cut if whole else cut.rpartition(" ")[0] + " …")


def _one_level_down(text: str) -> Iterator[str]:
    """The lines below the title, each heading one level deeper; fenced code is unchanged."""
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if fenced or not line.startswith("#"):
            yield line
        elif line.startswith("##"):
            yield f"#{line}"
