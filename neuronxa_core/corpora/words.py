"""Word lists: one word per row in several languages, bundled or the user's own, and the prompts' definitions if any.

A list is a table in TSV or CSV. Its header names languages (`deu_Latn`, or any code that `language` reads), and
`CODE definition` a column with a definition of the word in that language, with `___` in the word's place.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from neuronxa_core.corpora.bounds import Bound, Budget, text_lines
from neuronxa_core.corpora.formats import csv_rows, lines_of
from neuronxa_core.corpora.languages import ENGLISH, language, looks_like_a_language
from neuronxa_core.corpora.offered import offered_path, refuse_links_outside
from neuronxa_core.corpora.uploads import PREFIX, upload_files
from neuronxa_core.corpora.validation import is_decoded
from neuronxa_core.errors import CorpusError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.settings import ASSETS, settings

BUNDLED = "bundled"
"""The name of the list that comes with the project."""
GAP = "___"
"""Stands for the word in a definition."""
_FILE, _CLOZE = ASSETS / "words.tsv", ASSETS / "words_cloze.tsv"
_BOUND = Bound(50_000_000, 2_000)
_LONGEST = 500
"""Characters in a cell: a word, or a definition."""
_DEFINITION = " definition"


@dataclass(frozen=True)
class WordList:
    """Words by row. words, definitions: a column per language code; an empty cell is a word that is not given."""

    name: str
    words: Mapping[str, tuple[str, ...]]
    definitions: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(next(iter(self.words.values())))

    def of(self, code: str) -> tuple[str, ...]:
        """The words of one language. Raises CorpusError if the list lacks it."""
        if code not in self.words:
            some = ", ".join(list(self.words)[:6]) + (" ..." if len(self.words) > 6 else "")
            raise CorpusError(f"The word list {self.name} has no {code}.", f"Choose one of its languages: {some}.")
        return self.words[code]

    def digest(self, codes: Sequence[str]) -> str:
        """Hex digits that identify the words and definitions of these languages."""
        content = [(code, self.words.get(code, ()), self.definitions.get(code, ())) for code in codes]
        return hashlib.blake2b(repr(content).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def open_words(name_or_path: str) -> WordList:
    """The word list of this name or path: `bundled`, an upload, or a file in TSV or CSV. Raises CorpusError."""
    if name_or_path == BUNDLED:
        return _bundled()
    if name_or_path.startswith(PREFIX):
        file = upload_files(name_or_path)[0]
        return read_words(file, file.name)
    path, name = offered_path(name_or_path), shown(name_or_path)
    if path is None and settings().mode == "shared":
        raise CorpusError(
            f"This shared dashboard does not offer {name}: there is no such word list.", "Use the bundled word list."
        )
    if path is None:
        raise CorpusError(f"There is no word list {name}.", f"Use {BUNDLED}, or the path of a TSV or CSV.")
    refuse_links_outside(path)
    return read_words(path)


def _bundled() -> WordList:
    """The bundled words, with the definitions that some of them have in some languages."""
    words, cloze = read_words(_FILE, BUNDLED), _cells(_CLOZE, _CLOZE.name, fewest=1)
    places = {concept: place for place, concept in enumerate(cloze.pop((ENGLISH, False)))}
    found = [places.get(concept) for concept in words.of(ENGLISH)]
    definitions = {
        code: tuple("" if place is None else column[place] for place in found) for (code, _), column in cloze.items()
    }
    return replace(words, definitions=definitions)


def read_words(file: Path, name: str = "") -> WordList:
    """The word list in a file; name: what it is called in messages. Raises CorpusError."""
    name = name or file.name
    cells = _cells(file, name)
    words = {code: column for (code, defines), column in cells.items() if not defines}
    return WordList(name, words, {code: column for (code, defines), column in cells.items() if defines})


def _cells(file: Path, name: str, fewest: int = 2) -> dict[tuple[str, bool], tuple[str, ...]]:
    """The columns of a table, by language and whether they define. fewest: languages with words. Raises CorpusError."""
    with told_in_one_sentence(name):
        rows = _rows(file)
        header = [cell.strip().removeprefix("\ufeff") for cell in next(rows, [])]
        columns = _columns(name, header, fewest)
        table = _filled(name, rows, len(header))
    return {key: tuple(row[place] for row in table) for key, place in columns.items()}


def _rows(file: Path) -> Iterator[Sequence[str]]:
    if file.suffix.lower() == ".csv":
        return csv_rows(file.name, text_lines(file, _BOUND, newline=""))
    return (line.split("\t") for line in lines_of(file, _BOUND))


def _columns(name: str, header: Sequence[str], fewest: int) -> dict[tuple[str, bool], int]:
    """The column of every language's words, and of its definitions (True), by code."""
    found: dict[tuple[str, bool], int] = {}
    for place, title in enumerate(header):
        code, defines = title.removesuffix(_DEFINITION), title.endswith(_DEFINITION)
        if not looks_like_a_language(code):
            continue
        key = language(code).code, defines
        if key in found:
            raise CorpusError(f"{name} has two columns for {key[0]}.", "Keep one of them.")
        found[key] = place
    if sum(not defines for _, defines in found) < fewest:
        raise CorpusError(
            f"The first line of {name} names fewer than two languages.",
            "Begin with a line of language codes, such as eng_Latn and deu_Latn, separated by tabs.",
        )
    return found


def _filled(name: str, rows: Iterator[Sequence[str]], width: int) -> list[list[str]]:
    """The rows below the header, each cell trimmed and in Unicode's composed form (NFC). Empty rows are passed over."""
    budget, table = Budget(name, _BOUND), []
    for number, row in enumerate(rows, start=2):
        cells = [unicodedata.normalize("NFC", cell.strip()) for cell in row]
        if not any(cells):
            continue
        if len(cells) > width:
            raise CorpusError(f"Line {number} of {name} has {len(cells)} cells, but its header has {width}.", _MEND)
        if not all(map(is_decoded, cells)):
            raise CorpusError(f"Line {number} of {name} is not valid UTF-8.", "Save the file as UTF-8.")
        if max(map(len, cells)) > _LONGEST:
            raise CorpusError(f"Line {number} of {name} has a cell of more than {_LONGEST} characters.", _MEND)
        budget.hold(cells)
        table.append(cells + [""] * (width - len(cells)))
    if not table:
        raise CorpusError(f"{name} has no words.", "Put one word per row below the line of language codes.")
    return table


_MEND = "Put one word per row, with a column for each language."
