"""Latent language for several targets: the pivot's share and where each target overtakes, beside alignment."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from neuronxa_core.analyses.latent_answer import LatentAnswer
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import CorpusError, StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.study.display import Shown
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class LatentAnswers(Shown):
    """One answer per target, from the same source with the same pivot. refused: why a language has none, by code."""

    answers: tuple[LatentAnswer, ...]
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def study(self) -> Study:
        return self.answers[0].study

    def table(self, nasca: Mapping[str, float] | None = None) -> pd.DataFrame:
        """One row per target: language, words, pivot_share and overtaking layer with intervals, and nasca if given.

        An overtaking layer is missing where the target is behind the pivot at the last layer.
        """
        rows = []
        for each in self.answers:
            share, layer = each.pivot_share, each.overtaking
            reached = [value if value <= each.layers else np.nan for value in layer]
            rows.append(
                {
                    "language": each.study.target,
                    "words": len(each.used),
                    "pivot_share": share.value,
                    "pivot_share_low": share.low,
                    "pivot_share_high": share.high,
                    "overtaking": reached[0],
                    "overtaking_low": reached[1],
                    "overtaking_high": reached[2],
                    "nasca": (nasca or {}).get(each.study.target, np.nan),
                }
            )
        return pd.DataFrame(rows)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: one row per language, and the curves of all."""
        curves = [each.curves.assign(language=each.study.target) for each in self.answers]
        return {"targets": self.table().drop(columns="nasca"), "curves": pd.concat(curves, ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """What was asked, the numbers of each language, and the provenance."""
        return {
            "study": self.answers[0].told,
            "targets": self.table().drop(columns="nasca").to_dict("records"),
            "refused": dict(self.refused),
            "provenance": self.answers[0].traced,
        }


@dataclass(frozen=True)
class LatentLanguages:
    """Which targets are reached by way of the pivot? request: asked again for each of the targets."""

    name: ClassVar[str] = "latent-languages"
    at_once: ClassVar[int | None] = 1
    study: Study
    request: LatentLanguage
    targets: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "request", replace(self.request, study=self.study))
        object.__setattr__(self, "study", self.request.study)
        apart = {self.study.source, self.request.pivot}
        object.__setattr__(self, "targets", tuple(code for code in self.targets if language(code).code not in apart))
        if not self.targets:
            raise StudyError("No target besides source and pivot is selected.", "Choose at least one.")

    def requests(self) -> tuple[LatentLanguage, ...]:
        """The request for each target."""
        return tuple(replace(self.request, study=replace(self.study, target=code)) for code in self.targets)

    def sentences(self) -> list[str]:
        """Those of the targets that are not in the cache."""
        return [prompt for each in self.requests() if not each.cached() for prompt in _prompts(each)]

    @property
    def lens(self) -> int:
        """Tokens of which the head reads every layer: the last of each prompt."""
        return len(self.sentences())

    def cached(self) -> LatentAnswers | None:
        answers = [each.cached() for each in self.requests()]
        return LatentAnswers(tuple(each for each in answers if each)) if all(answers) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LatentAnswers:
        requests = self.requests()
        together = Together(watcher, sum(len(_prompts(each)) for each in requests))
        answers, refused = [], {}
        for each in requests:
            try:
                answers.append(each.run(together, device))
            except CorpusError as error:
                refused[each.study.target] = error.problem
            together.before += len(_prompts(each))
        if not answers:
            raise CorpusError(
                f"No target can be measured. {next(iter(refused.values()))}",
                "Use a longer word list, or other languages.",
            )
        return LatentAnswers(tuple(answers), refused)


def _prompts(request: LatentLanguage) -> list[str]:
    """The prompts of a target, none if it has too few words."""
    try:
        return request.sentences()
    except CorpusError:
        return []
