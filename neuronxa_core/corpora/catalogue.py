"""Opening a corpus: a bundled one by name, an upload, a hub corpus, or any other by path."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neuronxa_core.corpora.bitext import Bitext, choose_pairs, left_out
from neuronxa_core.corpora.contents import Contents
from neuronxa_core.corpora.hub_texts import HUB_NAMES, is_hub_text, open_hub_text
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.offered import offered_path, refuse_links_outside
from neuronxa_core.corpora.readers import read_path
from neuronxa_core.corpora.selection import read_left_out
from neuronxa_core.corpora.uploads import PREFIX, open_upload
from neuronxa_core.errors import CorpusError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.settings import ASSETS, settings


@dataclass(frozen=True)
class CatalogueEntry:
    """A corpus that comes with the project."""

    name: str
    title: str
    path: Path
    licence: str
    note: str
    cite: str


EVERYDAY = CatalogueEntry(
    name="everyday",
    title="Everyday sentences",
    path=ASSETS / "corpora" / "everyday.tsv",
    licence="CC0 1.0",
    note="100 sentences written for this project and machine-translated into the languages below. No native speaker "
    "has reviewed them: use them for demos and teaching, not for figures you publish.",
    cite="to cite it, name NeuronXA Explorer",
)
BUNDLED = {EVERYDAY.name: EVERYDAY}


@dataclass(frozen=True)
class Corpus:
    """Parallel text in several languages, or in language pairs that each have their own text. Sentences load lazily."""

    name: str
    contents: Contents

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of its languages: first those of the common text, then those of the pairs, sorted."""
        paired = {code for pair in self.contents.pairs for code in pair}
        return (*self.contents.together, *sorted(paired - set(self.contents.together)))

    @property
    def pairwise(self) -> bool:
        """Whether each language pair has its own text, so that no more than two languages can be compared."""
        return not self.contents.together

    def sentences(self, code: str, beside: str = "") -> tuple[str, ...]:
        """All lines of one language. In a pairwise corpus, `beside` is the other language of the pair.

        Raises CorpusError if the corpus lacks it.
        """
        code, beside = language(code).code, language(beside).code if beside else ""
        with told_in_one_sentence(self.name):
            found = self._found(code, beside)
        if found is not None:
            return found
        if code not in self.languages:
            some = ", ".join(self.languages[:6]) + (" ..." if len(self.languages) > 6 else "")
            raise CorpusError(f"The corpus {self.name} has no {code}.", f"Choose one of its languages: {some}")
        raise CorpusError(
            f"The corpus {self.name} has no text in both {code} and {beside}.",
            f"Choose a language that it pairs with {code}: {', '.join(self.beside(code)[:6])}.",
        )

    def _found(self, code: str, beside: str) -> tuple[str, ...] | None:
        if code in self.contents.together:
            return self.contents.together[code]()
        for (one, two), (read_one, read_two) in self.contents.pairs.items():
            if code == one and beside in ("", two):
                return read_one()
            if code == two and beside in ("", one):
                return read_two()
        return None

    def beside(self, code: str) -> tuple[str, ...]:
        """The languages that share a text with `code`."""
        together = [other for other in self.contents.together if code in self.contents.together]
        paired = [two if code == one else one for one, two in self.contents.pairs if code in (one, two)]
        return tuple(other for other in dict.fromkeys([*together, *paired]) if other != code)

    def text(self, source: str, target: str) -> Bitext:
        """All lines of two languages, unchecked. Raises CorpusError if one is missing."""
        source, target = language(source).code, language(target).code
        return Bitext(source, target, self.sentences(source, target), self.sentences(target, source))

    def bitext(self, source: str, target: str, pairs: int, sample: int = 0, leave_out: str = "") -> Bitext:
        """The pairs that a study uses, see choose_pairs. Raises CorpusError."""
        return choose_pairs(self.text(source, target), self.name, pairs, sample, leave_out)

    def usable(self, source: str, target: str, leave_out: str = "") -> int:
        """Number of pairs of two languages once the lines in `leave_out` are removed."""
        text, unwanted = self.text(source, target), read_left_out(leave_out)
        paired = min(len(text.source_sentences), len(text.target_sentences))
        return paired - sum(line <= paired for line in left_out(text, unwanted))


def open_corpus(name_or_path: str) -> Corpus:
    """The corpus of this name or path: bundled, uploaded, on the hub, or a file or folder (see readers and formats).

    Raises CorpusError if there is none, or if reading it fails.
    """
    with told_in_one_sentence(shown(name_or_path)):
        return _open(name_or_path)


def _open(name_or_path: str) -> Corpus:
    entry = BUNDLED.get(name_or_path)
    if entry:
        return _bundled(entry.name)
    if name_or_path.startswith(PREFIX):
        return Corpus(name_or_path, open_upload(name_or_path))
    if is_hub_text(name_or_path):
        return Corpus(name_or_path, open_hub_text(name_or_path))
    path = offered_path(name_or_path)
    if path is None and settings().mode == "shared":
        raise CorpusError(
            f"This shared dashboard does not offer {shown(name_or_path)}: there is no such corpus.",
            f"Use {', '.join(BUNDLED)}, or upload a text on the Data page.",
        )
    if path is None or ("/" not in name_or_path and not path.exists()):
        raise CorpusError(
            f"There is no corpus called {shown(name_or_path)!r}.",
            f"Use {', '.join((*BUNDLED, *HUB_NAMES))}, or the path of a folder or file.",
        )
    refuse_links_outside(path)
    return Corpus(name_or_path, read_path(path))


def is_offered(name_or_path: str) -> bool:
    """Whether a corpus may be opened.

    In shared mode that is what is bundled, uploaded, on the hub's list, or in a configured folder.
    """
    if settings().mode == "local" or name_or_path in BUNDLED or name_or_path.startswith(PREFIX):
        return True
    return is_hub_text(name_or_path) or offered_path(name_or_path) is not None


@cache
def _bundled(name: str) -> Corpus:
    return Corpus(name, read_path(BUNDLED[name].path))
