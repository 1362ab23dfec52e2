"""Lessons from their files: those that come with the dashboard, and those of a folder of one's own.

A file is Markdown with YAML front matter; assets/texts/guide/add_a_lesson.md says how to write one. Every fault becomes
a sentence that names the file, the step and what to do.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from neuronxa_core.errors import LessonError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.lessons.lesson import Lesson, LessonKind
from neuronxa_core.lessons.steps import Faults, step_of
from neuronxa_core.lessons.written import Plain, YamlFaultError, front_matter, mapping, sections
from neuronxa_core.settings import ASSETS, settings

FOLDER = ASSETS / "lessons"
KINDS: tuple[LessonKind, ...] = ("lesson", "tour")
_KEYS = ("title", "about", "minutes", "kind", "model")
_LARGEST = 200_000
_MOST_FILES = 100
_MOST_STEPS = 40


@dataclass(frozen=True)
class Shelf:
    """All lessons by their names in links, the bundled ones first, and the faults of the files that are left out."""

    lessons: Mapping[str, Lesson]
    faults: tuple[LessonError, ...]


def shelf(pages: Collection[str]) -> Shelf:
    """Every lesson whose file has no fault. pages: the names of the pages that a step may open."""
    found: dict[str, Lesson] = {}
    faults: list[LessonError] = []
    for folder in filter(None, (FOLDER, settings().lessons)):
        try:
            paths = sorted(folder.glob("*.md"))[:_MOST_FILES]
            if not folder.is_dir():
                raise OSError("it is not a folder")
        except OSError as error:
            told = error.strerror or str(error)
            faults.append(LessonError(f"The folder of lessons {folder.name} cannot be read ({told}).", "Check it."))
            continue
        for path in paths:
            lesson, wrong = _read(path, tuple(pages))
            if lesson and lesson.slug in found:
                wrong = (LessonError(f"{path.name}: another lesson has this name.", "Give the file another name."),)
            elif lesson:
                found[lesson.slug] = lesson
            faults += wrong
    return Shelf(found, tuple(faults))


def _read(path: Path, pages: tuple[str, ...]) -> tuple[Lesson | None, tuple[LessonError, ...]]:
    try:
        with told_in_one_sentence(path.name, LessonError):
            status = path.stat()
            if not path.is_file() or status.st_size > _LARGEST:
                raise LessonError(
                    f"{path.name} is not a file of at most {_LARGEST // 1000} kB.", "Put pictures elsewhere."
                )
            return _examined(path, status.st_mtime_ns, pages)
    except LessonError as fault:
        return None, (fault,)


@lru_cache(maxsize=256)
def _examined(path: Path, changed: int, pages: tuple[str, ...]) -> tuple[Lesson | None, tuple[LessonError, ...]]:
    try:
        source = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None, (LessonError(f"{path.name} is not UTF-8.", "Save it as UTF-8."),)
    return examine(source, path.name, pages)


def examine(source: str, file: str, pages: Collection[str]) -> tuple[Lesson | None, tuple[LessonError, ...]]:
    """(the lesson, ()) of a file's text, or (None, its faults).

    >>> examine("no front matter", "mine.md", ("method",))[1][0].problem
    'mine.md: it does not begin with front matter.'
    """
    faults = Faults(file)
    source = source.removeprefix("\ufeff").replace("\r\n", "\n")
    told = _front(source, faults)
    written = list(sections(source))
    if not 0 < len(written) <= _MOST_STEPS:
        faults.add("", f"it has {len(written)} steps", f"Write 1 to {_MOST_STEPS}, each under a title `## ...`")
    steps = tuple(step_of(each, number, pages, faults) for number, each in enumerate(written[:_MOST_STEPS], 1))
    slug = re.sub(r"^\d+-", "", Path(file).stem)
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", slug):
        faults.add("", "its name cannot stand in a link", "Name it with small letters, digits, - and _, ending in .md")
    minutes = str(told.get("minutes", ""))
    if faults.found or told.get("kind", "lesson") not in KINDS:
        return None, tuple(faults.found)
    kind: LessonKind = "tour" if told.get("kind") == "tour" else "lesson"
    title, about, model = (str(told.get(key, "")) for key in ("title", "about", "model"))
    return Lesson(slug, title, about, int(minutes), kind, model or "demo", steps), ()


def _front(source: str, faults: Faults) -> Mapping[str, Plain]:
    """The front matter, with its faults noted."""
    text = front_matter(source)
    if text is None:
        faults.add("", "it does not begin with front matter", "Begin with `---`, lines `key: value`, and `---` again")
        return {}
    try:
        told = mapping(text)
    except YamlFaultError as fault:
        faults.add(f"line {fault.line + 1}" if fault.line else "front matter", fault.problem, fault.next_step)
        return {}
    for key in told:
        if key not in _KEYS:
            faults.add("", f"there is no key {shown(key)!r}", f"The keys are {', '.join(_KEYS)}")
    for key in ("title", "about"):
        if not isinstance(told.get(key), str) or not told[key]:
            faults.add("", f"it has no {key}", f"Add a line `{key}: ...` at the top")
    if told.get("kind", "lesson") not in KINDS:
        faults.add("", f"kind is {shown(str(told['kind']))!r}", f"Write one of {', '.join(KINDS)}")
    if not re.fullmatch(r"[1-9]\d{0,2}", str(told.get("minutes", ""))):
        faults.add("", "it does not say how many minutes it takes", "Add a line such as `minutes: 15`")
    return told
