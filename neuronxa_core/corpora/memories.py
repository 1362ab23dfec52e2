"""Readers for translation memories (TMX) and gettext catalogues (PO), where a unit may lack some languages."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from neuronxa_core.corpora.bounds import GENEROUS, Bound, Budget, refuse_unreadable, text_lines, too_long
from neuronxa_core.corpora.contents import Contents, by_pairs, one_line
from neuronxa_core.corpora.languages import ENGLISH, language, looks_like_a_language
from neuronxa_core.errors import CorpusError

_DEEPEST = 200
"""Depth of nested elements in a TMX."""
_ELEMENT, _MESSAGE = 200, 1_500
"""Bytes of overhead of an XML element and of a catalogue message, without their text."""
_MOST_LINES = 1_000
"""Lines of one catalogue message."""


def read_tmx(file: Path, bound: Bound = GENEROUS) -> Contents:
    """The contents of a TMX: one sentence per unit and language, markup inside a segment removed, its text kept."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError

    budget = Budget(file.name, bound)
    refuse_unreadable(file, bound)
    try:
        with file.open("rb") as content:
            rows = [_sides(unit, budget) for unit in _units(file.name, content, budget)]
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise CorpusError(f"{file.name} is not valid TMX ({error}).", "Export it again.") from error
    return by_pairs(file.name, rows, budget.size)


def _units(name: str, content: IO[bytes], budget: Budget) -> Iterator[Any]:
    """The units, one at a time; each is freed once it has been read."""
    from defusedxml.ElementTree import iterparse

    above: list[Any] = []
    inside = elements = 0
    for event, element in iterparse(_Pieces(name, content), ("start", "end"), forbid_dtd=False):
        if event == "start":
            above.append(element)
            inside += element.tag == "tu"
            elements = elements + 1 if inside else 0
            if len(above) > _DEEPEST or _ELEMENT * elements > budget.bound.size:
                raise CorpusError(f"{name} is nested too deeply for a TMX.", "Export it again.")
            continue
        above.pop()
        if element.tag == "tu":
            inside -= 1
            yield element
        if not inside and above:
            above[-1].clear()


class _Pieces:
    """Reads a file a megabyte at a time. Raises CorpusError where a tag does not end."""

    def __init__(self, name: str, content: IO[bytes]) -> None:
        self.name, self.content, self.open = name, content, 0

    def read(self, _size: int = -1) -> bytes:
        piece = self.content.read(1_000_000)
        self.open = 0 if b">" in piece else self.open + len(piece)
        if self.open > 16_000_000:
            raise too_long(self.name)
        return piece


def _sides(unit: Any, budget: Budget) -> dict[str, str]:
    row: dict[str, str] = {}
    for variant in unit.iter("tuv"):
        name = variant.get("{http://www.w3.org/XML/1998/namespace}lang") or variant.get("lang") or ""
        segment = variant.find("seg")
        if name and segment is not None:
            row[language(name).code] = one_line("".join(segment.itertext()))
    budget.hold([text for side in row.items() for text in side])
    budget.take(_ELEMENT)
    return row


def read_po(file: Path, bound: Bound = GENEROUS) -> Contents:
    """The contents of a catalogue: English messages and their translations, without fuzzy and empty ones."""
    budget = Budget(file.name, bound)
    rows = [{ENGLISH: source, code: target} for code, source, target in po_messages(file, budget)]
    return by_pairs(file.name, rows, budget.size)


def po_messages(file: Path, budget: Budget) -> list[tuple[str, str, str]]:
    """(language code, message, translation) of every finished message; header or file name gives the language."""
    import polib

    text = "\n".join(_po_lines(file, budget)) + "\n"  # the final line feed keeps polib from taking it for a path
    try:
        catalogue = polib.pofile(text)
    except (OSError, ValueError, UnicodeError) as error:
        raise CorpusError(f"{file.name} is not a valid gettext catalogue ({error}).", "Export it again.") from error
    name = catalogue.metadata.get("Language") or file.name.split(".")[0]
    if not looks_like_a_language(name):
        raise CorpusError(f"{file.name} does not state its language.", "Name the file after it: de.po.")
    return [
        (language(name).code, one_line(each.msgid), one_line(each.msgstr)) for each in catalogue.translated_entries()
    ]


def _po_lines(file: Path, budget: Budget) -> Iterator[str]:
    """The lines of a catalogue, comments blanked. A message of too many lines would keep polib busy for ever."""
    pieces = 0
    for line in map(str.strip, text_lines(file, budget.bound)):
        if not line or (line.startswith("#") and (line.startswith("#~|") or line[:2] not in ("#,", "#~"))):
            yield ""
            continue
        said = line.removeprefix("#~").lstrip()
        pieces = pieces + 1 if said.startswith('"') else 0
        if pieces > _MOST_LINES:
            raise CorpusError(f"{file.name} has a message of more than {_MOST_LINES:,} lines.", "Export it again.")
        starts = said.startswith("msgid")
        budget.take(4 * len(line) + 60 + _MESSAGE * starts, int(starts))
        yield line
