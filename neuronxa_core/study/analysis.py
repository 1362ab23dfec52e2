"""One way to ask: a question about a study is a frozen request that pages, command line, gallery and notebooks share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import pandas as pd

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.study import Study

Badge = Literal["precomputed", "cached", "fresh"]
"""Where an answer comes from; its content is the same from everywhere."""


class Answer(Protocol):
    """What comes back: a frozen value that names its study and where its numbers come from."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The numbers, by the name under which a table is exported."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """What JSON can hold: the study, the main numbers, the provenance."""


Given = TypeVar("Given", bound=Answer, covariant=True)


class Analysis(Protocol[Given]):
    """A question: hashable, so that it is at once the job's key and the cache's."""

    name: ClassVar[str]
    """The page, the command and the stem of its files."""

    @property
    def study(self) -> Study:
        """The study whose model and corpus are asked."""

    def sentences(self) -> Iterable[str]:
        """What runs through the model, for the cost that is told before. Raises CorpusError."""

    @property
    def at_once(self) -> int | None:
        """Of how many sentences the states are in memory at a time; None for all of them."""

    def cached(self) -> Given | None:
        """The answer if this machine has it. Prepares, downloads and loads no model. Raises NeuronXAError."""

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Given:
        """The answer, from the cache or computed. Raises NeuronXAError, and Cancelled if the watcher asks for it."""


@dataclass(frozen=True)
class Found(Generic[Given]):
    """An answer, and where it was found."""

    answer: Given
    badge: Badge


def pair_sentences(study: Study) -> tuple[str, ...]:
    """Both sides of the study's pairs. Raises CorpusError."""
    bitext = study.bitext()
    return (*bitext.source_sentences, *bitext.target_sentences)


def sentences_against_target(study: Study, codes: Sequence[str]) -> list[str]:
    """What runs through the model when each language is studied against the study's target. Raises CorpusError."""
    corpus = open_corpus(study.corpus)
    others = [code for code in codes if code != study.target]
    sides = [corpus.sentences(code, study.target) for code in others]
    if corpus.pairwise:  # the target's sentences are others for each
        sides += [corpus.sentences(study.target, code) for code in others]
    else:
        sides.append(corpus.sentences(study.target))
    return [sentence for side in sides for sentence in side[: study.pairs]]


def first_of(study: Study, languages: Sequence[str]) -> Study:
    """The study of the first language: equal for all studies that ask the same of the same languages.

    Raises StudyError without a language.
    """
    if not languages:
        raise StudyError("No language is chosen.", "Choose at least one.")
    return replace(study, source=languages[0])
