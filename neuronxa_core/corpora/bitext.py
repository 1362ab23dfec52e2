"""A bitext: sentences of one language beside their translations in another, line by line."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from neuronxa_core.corpora.findings import Finding
from neuronxa_core.corpora.misalignment import text_findings
from neuronxa_core.corpora.selection import Choice, LeftOut, drawn, read_left_out
from neuronxa_core.corpora.validation import is_decoded, line_findings
from neuronxa_core.errors import CorpusError


@dataclass(frozen=True)
class Bitext:
    """Parallel sentences: `source_sentences[i]` and `target_sentences[i]` mean the same."""

    source: str
    target: str
    source_sentences: tuple[str, ...]
    target_sentences: tuple[str, ...]
    choice: Choice | None = None
    """Which lines of a corpus these are; None for a whole text."""

    def __len__(self) -> int:
        return len(self.source_sentences)

    @property
    def sides(self) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
        """Both codes and both sides, in the order that the checks take them."""
        return self.source, self.target, self.source_sentences, self.target_sentences

    @property
    def lines(self) -> tuple[int, ...]:
        """Line numbers of the pairs in the corpus, from 1."""
        return self.choice.lines if self.choice else tuple(range(1, len(self) + 1))


def choose_pairs(text: Bitext, name: str, pairs: int, sample: int = 0, leave_out: str = "") -> Bitext:
    """The first `pairs` pairs of a text, as in MEXA and NeuronXA, or a random sample of them if `sample` is a seed.

    Lines named by `leave_out` (see selection.read_left_out) are removed first. Raises CorpusError, naming the corpus,
    if the sides differ in length, a line in use is empty or unreadable, or there are fewer pairs than 2 or requested.
    """
    ours, theirs = text.source_sentences, text.target_sentences
    unwanted = read_left_out(leave_out)
    if len(ours) != len(theirs) and "unpaired" not in unwanted.kinds:
        raise CorpusError(
            f"In {name}, {text.source} has {len(ours)} lines and {text.target} has {len(theirs)}, so they are not "
            "aligned.",
            "Make line i of one file the translation of line i of the other. If only the end is missing, leave out "
            "these lines: unpaired.",
        )
    if pairs < 2:
        raise CorpusError(
            f"{pairs} pair{'' if pairs == 1 else 's'} cannot be scored: with one pair the translation is the only "
            "choice.",
            "Use at least 2 pairs; the paper uses 100.",
        )
    gone = left_out(text, unwanted)
    kept = [line for line in range(1, min(len(ours), len(theirs)) + 1) if line not in gone]
    if pairs > len(kept):
        raise CorpusError(
            f"{text.source}-{text.target} has {len(kept)} pairs{' left' if gone else ''}, fewer than the {pairs} "
            "requested.",
            f"Ask for {len(kept)} pairs or fewer." if len(kept) > 1 else "Use a longer text.",
        )
    lines = sorted(drawn(kept, sample)[:pairs]) if sample else kept[:pairs]
    choice = Choice(tuple(lines), len(kept) + len(gone), sample, _counted(gone))
    chosen = Bitext(
        text.source,
        text.target,
        tuple(ours[line - 1] for line in lines),
        tuple(theirs[line - 1] for line in lines),
        choice,
    )
    _refuse_unusable(chosen, name)
    return chosen


def check(text: Bitext) -> tuple[Finding, ...]:
    """Problems in a text: first those of the text as a whole (not for a sample), then those of single lines.

    Lines are numbered within the text.
    """
    whole = () if text.choice and text.choice.seed else text_findings(*text.sides)
    return (*whole, *line_findings(*text.sides))


def warnings(bitext: Bitext) -> tuple[Finding, ...]:
    """Problems in the pairs of a study, with line numbers of the corpus."""
    found = check(bitext)
    return tuple(replace(each, lines=tuple(bitext.lines[line - 1] for line in each.lines)) for each in found)


def left_out(text: Bitext, unwanted: LeftOut) -> dict[int, str]:
    """The lines of a text to remove, and why: the first kind that applies, or `by number`."""
    gone: dict[int, str] = {}
    if unwanted.kinds:
        for finding in line_findings(*text.sides):
            if finding.kind in unwanted.kinds:
                gone |= {line: finding.kind for line in finding.lines if line not in gone}
    most = max(len(text.source_sentences), len(text.target_sentences))
    return gone | {line: "by number" for line in unwanted.up_to(most) if line not in gone}


def _counted(gone: Mapping[int, str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for kind in gone.values():
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def _refuse_unusable(bitext: Bitext, name: str) -> None:
    for code, sentences in ((bitext.source, bitext.source_sentences), (bitext.target, bitext.target_sentences)):
        for line, sentence in zip(bitext.lines, sentences, strict=True):
            if not sentence:
                raise CorpusError(
                    f"Line {line} of {code} in {name} is empty.",
                    "Fill it in, delete the line from every language, or leave such lines out: empty.",
                )
            if not is_decoded(sentence):
                raise CorpusError(
                    f"Line {line} of {code} in {name} is not UTF-8, or has the wrong number of columns.",
                    "Save the file as UTF-8 (files from Windows are often Windows-1252), repair the line, or leave "
                    "such lines out: unreadable.",
                )


def sentences_hash(sentences: Sequence[str]) -> str:
    """Sixteen hex digits that identify these sentences in this order (blake2b over their UTF-8 text)."""
    digest = hashlib.blake2b(digest_size=8)
    for sentence in sentences:
        text = sentence.encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()
