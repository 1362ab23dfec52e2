"""Which language a short text is in, without a network: naive Bayes over character n-grams of the bundled corpus.

Trained on the first half of the lines of each language and tested on the second. It is a closed choice: it names the
likeliest of the languages that it knows, whatever the text is in. All are equally likely beforehand, and each n-gram of
a text counts once, so that a word said ten times is no more evidence than the same word said once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import regex  # type: ignore[import-untyped]

from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus

MARGIN = 6.0
"""The likeliest language leads the next one by at least so much log-likelihood (nats); otherwise it cannot be told."""
PIECE = 40
"""Characters of a short text, about as many as twenty tokens have."""
_LONGEST = 3
_SMOOTHING = 0.3
_MOST_LINES = 50
_WORDS = regex.compile(r"[\p{L}\p{M}]+")

Halves = tuple[tuple[str, ...], tuple[str, ...]]
"""The lines of one language that train, and those that test."""


class Guess(NamedTuple):
    """The language of a text, empty if it cannot be told, and by how much it leads the next one in nats."""

    code: str
    margin: float


class Identifier:
    """Tells languages apart. texts: the lines that train it, by language."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self.codes = tuple(texts)
        counted = [Counter(gram for line in lines for gram in _grams(line)) for lines in texts.values()]
        self._places = {
            gram: place for place, gram in enumerate(dict.fromkeys(gram for each in counted for gram in each))
        }
        counts = np.array([[each[gram] for gram in self._places] for each in counted], dtype=np.float64)
        lengths = np.array([len(gram) for gram in self._places])
        self._logs = np.zeros(counts.T.shape)  # (n-grams, languages)
        for length in range(1, _LONGEST + 1):
            chosen = lengths == length
            smoothed = counts[:, chosen] + _SMOOTHING
            self._logs[chosen] = np.log(smoothed / smoothed.sum(axis=1, keepdims=True)).T

    def guess(self, text: str) -> Guess:
        """The language of a text. One without any n-gram that was seen in training cannot be told."""
        places = [self._places[gram] for gram in dict.fromkeys(_grams(text)) if gram in self._places]
        scores = self._logs[places].sum(axis=0)
        if len(scores) < 2:
            return Guess("", 0.0)
        second, first = np.argsort(scores, kind="stable")[-2:]
        margin = float(scores[first] - scores[second])
        return Guess(self.codes[first] if margin >= MARGIN else "", margin)


def _grams(text: str) -> list[str]:
    """All n-grams of the lower-case letters of a text, words apart by one space."""
    words = f" {' '.join(_WORDS.findall(text.lower()))} "
    found = [words[start : start + n] for n in range(1, _LONGEST + 1) for start in range(len(words) - n + 1)]
    return [gram for gram in found if gram != " "]


@lru_cache(maxsize=4)
def identifier(others: tuple[tuple[str, Halves], ...] = ()) -> tuple[Identifier, pd.DataFrame]:
    """An identifier of the bundled languages and of others, and how far it is right on lines it has not seen.

    others: languages with lines of their own, of which as many are used as the bundled ones have.
    The table has one row per language: language, lines, right, cannot_tell, right_short, cannot_tell_short; shares of
    the lines, and of pieces of PIECE characters from their ends.
    """
    corpus = open_corpus(EVERYDAY.name)
    halves = {code: _halves(corpus.sentences(code)) for code in corpus.languages}
    halves |= {code: (train[:_MOST_LINES], test[:_MOST_LINES]) for code, (train, test) in others}
    made = Identifier({code: train for code, (train, _) in halves.items()})
    rows = [(code, len(test), *_tested(made, code, test)) for code, (_, test) in halves.items()]
    columns = ["language", "lines", "right", "cannot_tell", "right_short", "cannot_tell_short"]
    return made, pd.DataFrame(rows, columns=columns)


def _halves(lines: tuple[str, ...]) -> Halves:
    return lines[: len(lines) // 2], lines[len(lines) // 2 :]


def _tested(made: Identifier, code: str, lines: Sequence[str]) -> list[float]:
    """Shares of the lines that are named rightly and not named at all, whole and in pieces."""
    told = []
    for texts in (lines, [line[-PIECE:] for line in lines]):
        guesses = [made.guess(text).code for text in texts]
        told += [guesses.count(code) / len(lines), guesses.count("") / len(lines)]
    return told
