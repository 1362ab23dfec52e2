"""The interface of an analysis: a frozen request, shared by pages, command line, gallery and notebooks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import pandas as pd

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.study import Study

Badge = Literal["precomputed", "cached", "fresh", "partial"]
"""Where an answer was found. Its content is the same in the first three cases; a partial one has fewer items."""


class Answer(Protocol):
    """A frozen value with its study and its provenance."""

    @property
    def study(self) -> Study:
        """The study that it answers."""

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables to export, by name."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """The study, the main numbers and the provenance, as JSON can store them."""


class Traced(Protocol):
    """An answer that says where it comes from."""

    @property
    def study(self) -> Study:
        """The study that it answers."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What it was made with."""


Given = TypeVar("Given", bound=Answer, covariant=True)


class Analysis(Protocol[Given]):
    """A request: hashable, so that it serves as key of the job and of the cache."""

    name: ClassVar[str]
    """Name of the page, of the command, and of the files.

    For the cost, `bits` is true for one that runs the head at every token, `written` is the number of tokens that it
    writes one after the other, and `lens` of those of which the head reads every layer; `characters` is how many go
    through the layers and how many through the head, where that is not the length of the sentences.
    """

    def __hash__(self) -> int:
        """The same for the same question."""

    @property
    def study(self) -> Study:
        """The study that gives model and corpus."""

    def sentences(self) -> Iterable[str]:
        """The sentences to run through the model, for the cost estimate. Raises CorpusError."""

    @property
    def at_once(self) -> int | None:
        """Number of sentences of which one layer is in memory at a time; None for all."""

    def cached(self) -> Given | None:
        """The answer if the cache has it, else None. Never loads or downloads a model. Raises NeuronXAError."""

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Given:
        """The answer, from the cache or computed. Raises NeuronXAError, and Cancelled if the watcher is stopped."""


@dataclass(frozen=True)
class Found(Generic[Given]):
    """An answer, and where it was found."""

    answer: Given
    badge: Badge


def pair_sentences(study: Study) -> tuple[str, ...]:
    """The sentences of both sides of a study's pairs. Raises CorpusError."""
    bitext = study.bitext()
    return (*bitext.source_sentences, *bitext.target_sentences)


def sentences_against_target(study: Study, codes: Sequence[str]) -> list[str]:
    """The sentences to run when each language is studied against the study's target. Raises CorpusError."""
    corpus = open_corpus(study.corpus)
    others = [code for code in codes if code != study.target]
    sides = [corpus.sentences(code, study.target) for code in others]
    if corpus.pairwise:  # the target's sentences differ from pair to pair
        sides += [corpus.sentences(study.target, code) for code in others]
    else:
        sides.append(corpus.sentences(study.target))
    return [sentence for side in sides for sentence in side[: study.pairs]]


@dataclass(frozen=True)
class AgainstTarget:
    """A request about several languages, each against the study's target.

    Its study has the first language as source, so that requests which differ only in their source are equal.
    Raises StudyError if there is no language.
    """

    study: Study
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.languages:
            raise StudyError("No languages are selected.", "Choose at least one.")
        object.__setattr__(self, "study", replace(self.study, source=self.languages[0]))

    @property
    def at_once(self) -> int:
        """Number of sentences of which one layer is in memory at a time: those of one pair of languages."""
        return 2 * self.study.pairs

    def sentences(self) -> list[str]:
        """The sentences to run through the model. Raises CorpusError."""
        return sentences_against_target(self.study, self.languages)
