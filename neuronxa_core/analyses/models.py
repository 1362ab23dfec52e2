"""Several models, or one model in several ways, on the same sentences: who aligns what better, and which languages gain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import sentences_against_target
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study

FEWEST = 3
"""Languages that an interval over languages needs."""
Variants = Mapping[str, Sequence[StudyResult]]
"""By the name of a variant its results, one per language, all against the same target and in the same order."""


def variant_names(studies: Sequence[Study]) -> list[str]:
    """What tells the variants apart, and only that; the model's name alone if nothing does."""
    fields = ["model", "revision", "adapter", "neurons", "site", "pooling", "dtype"]
    if len({study.model for study in studies}) > 1:  # each then pools as it does by default
        fields.remove("pooling")
    differing = [name for name in fields if len({getattr(study, name) for study in studies}) > 1] or ["model"]
    return [", ".join(str(getattr(study, name)) or f"no {name}" for name in differing) for study in studies]


def depth_curves(variants: Variants, source: str) -> pd.DataFrame:
    """One row per variant, state and layer of one source language: layer, depth (0 is the embedding, 1 the last layer), score, interval."""
    rows = []
    for name, results in variants.items():
        result = next(each for each in results if each.study.source == source)
        scores = result.scores
        depth = scores["layer"] / scores["layer"].max()
        rows.append(scores.assign(variant=name, depth=depth))
    return pd.concat(rows, ignore_index=True)


def variant_summary(variants: Variants) -> pd.DataFrame:
    """One row per variant: languages, and NASCA, NAVCA and MEXA, means over the languages, with 95 percent intervals over them.

    Fewer than three languages have no interval (NaN).
    """
    rows = []
    for name, results in variants.items():
        row: dict[str, object] = {"variant": name, "languages": len(results)}
        for state in STATES:
            means = np.array([result.mean(state) for result in results])
            low, high = bootstrap_interval(means) if len(means) >= FEWEST else (np.nan, np.nan)
            summary = SUMMARY_NAMES[state]
            row |= {summary: float(means.mean()), f"{summary}_low": float(low), f"{summary}_high": float(high)}
            layers = [(result.peak(state)[0] - first_layer(state)) / max(1, len(result.outcomes[state].mutual) - 1) for result in results]  # fmt: skip
            row[f"{state}_peak_depth"] = float(np.mean(layers))
        rows.append(row)
    return pd.DataFrame(rows)


def language_differences(
    results: Sequence[StudyResult], reference: Sequence[StudyResult], state: State
) -> pd.DataFrame:
    """One row per language: the score of both, and their difference with its 95 percent interval; the largest gain first.

    Scores are means over layers. Both were measured on the same pairs, so the pairs are resampled together.
    """
    rows = []
    for ours, theirs in zip(results, reference, strict=True):
        if ours.study.source != theirs.study.source or ours.pairs != theirs.pairs:
            raise ValueError("the results are not of the same languages and pairs")
        each = ours.outcomes[state].mutual.mean(axis=0) - theirs.outcomes[state].mutual.mean(axis=0)
        low, high = bootstrap_interval(each)
        rows.append(
            {
                "language": ours.study.source,
                "name": language(ours.study.source).name,
                "score": ours.mean(state),
                "reference": theirs.mean(state),
                "difference": float(each.mean()),
                "ci_low": float(low),
                "ci_high": float(high),
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values(["difference", "name"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True)
class ModelComparison(Shown):
    """The results of every variant, one per language, all against one target."""

    variants: tuple[Study, ...]
    results: Mapping[str, tuple[StudyResult, ...]]

    @property
    def study(self) -> Study:
        """The first variant's study of the first language."""
        return self.variants[0]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is exported: the means of each variant, every language's difference to the first one, and all curves."""
        first, *others = self.results
        differences = [
            language_differences(self.results[name], self.results[first], state).assign(variant=name, state=state)
            for name in others
            for state in STATES
        ]
        sources = [each.study.source for each in self.results[first]]
        return {
            "summary": variant_summary(self.results),
            "differences": pd.concat(differences, ignore_index=True) if differences else pd.DataFrame(),
            "curves": pd.concat([depth_curves(self.results, code).assign(source=code) for code in sources]),
        }

    @property
    def summary(self) -> dict[str, Any]:
        """The variants with their studies, means and provenance."""
        provenance = {name: dict(results[0].provenance) for name, results in self.results.items()}
        means = variant_summary(self.results).to_dict("records")
        return {"variants": [each.fields for each in self.variants], "means": means, "provenance": provenance}


@dataclass(frozen=True)
class Models:
    """Which model, or which way to read one, keeps which languages together? languages: against the variants' target."""

    name: ClassVar[str] = "models"
    variants: tuple[Study, ...]
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        named = tuple(replace(each, source=self.languages[0]) for each in self.variants)
        object.__setattr__(self, "variants", named)

    @property
    def study(self) -> Study:
        """The variant that is run next, whose cost is told."""
        missing = (each for each in self.variants if find_against_target(each, self.languages) is None)
        return next(missing, self.variants[-1])

    @property
    def at_once(self) -> int:
        return 2 * self.variants[0].pairs

    def sentences(self) -> list[str]:
        return sentences_against_target(self.study, self.languages)

    def cached(self) -> ModelComparison | None:
        return self.gather([find_against_target(each, self.languages) for each in self.variants])

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> ModelComparison:
        ran = [run_against_target(each, self.languages, device=device, watcher=watcher) for each in self.variants]
        comparison = self.gather(ran)
        assert comparison is not None
        return comparison

    def gather(self, results: Sequence[tuple[StudyResult, ...] | None]) -> ModelComparison | None:
        """The answer made of each variant's results, in their order; None if one is missing."""
        found = [each for each in results if each]
        if len(found) < len(self.variants):
            return None
        studies = tuple(each[0].study for each in found)
        return ModelComparison(studies, dict(zip(variant_names(studies), found, strict=True)))
