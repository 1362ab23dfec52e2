"""Several models, or several variants of one, compared on the same sentences, overall and by language."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import PurePosixPath
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
"""Minimum number of languages for an interval over languages."""
Variants = Mapping[str, Sequence[StudyResult]]
"""Results by variant, one per language, all against the same target and in the same order."""


def variant_names(studies: Sequence[Study]) -> list[str]:
    """A name per variant, made of the fields that differ; the model's name if none does."""
    fields = ["model", "revision", "adapter", "neurons", "site", "pooling", "dtype"]
    if len({study.model for study in studies}) > 1:  # each model then uses its default pooling
        fields.remove("pooling")
    differing = [name for name in fields if len({getattr(study, name) for study in studies}) > 1] or ["model"]
    told = [asdict(study) | study.names | {"model": short_model(study)} for study in studies]
    names = [", ".join(str(each[name]) or f"no {name}" for name in differing) for each in told]
    again = [names[:place].count(name) for place, name in enumerate(names)]  # folders of the same name
    return [f"{name} ({count + 1})" if count else name for name, count in zip(names, again, strict=True)]


def short_model(study: Study) -> str:
    """The model's name; of a GGUF file on the hub only the file's, since its repository would fill the legend."""
    name = study.names["model"]
    return PurePosixPath(name).stem if name.endswith(".gguf") else name


def depth_curves(variants: Variants, source: str) -> pd.DataFrame:
    """One row per variant, state and layer for one source language: layer, depth, score, interval.

    depth: 0 is the embedding, 1 the last layer.
    """
    rows = []
    for name, results in variants.items():
        result = next(each for each in results if each.study.source == source)
        scores = result.scores
        depth = scores["layer"] / scores["layer"].max()
        rows.append(scores.assign(variant=name, depth=depth))
    return pd.concat(rows, ignore_index=True)


def variant_summary(variants: Variants) -> pd.DataFrame:
    """One row per variant: languages; NASCA, NAVCA and MEXA as means over languages, with 95 percent intervals.

    The intervals resample languages; they are NaN for fewer than three.
    """
    rows = []
    for name, results in variants.items():
        row: dict[str, object] = {"variant": name, "languages": len(results)}
        for state in STATES:
            means = np.array([result.mean(state) for result in results])
            low, high = bootstrap_interval(means) if len(means) >= FEWEST else (np.nan, np.nan)
            summary = SUMMARY_NAMES[state]
            row |= {summary: float(means.mean()), f"{summary}_low": float(low), f"{summary}_high": float(high)}
            row[f"{state}_peak_depth"] = float(np.mean([_peak_depth(result, state) for result in results]))
        rows.append(row)
    return pd.DataFrame(rows)


def _peak_depth(result: StudyResult, state: State) -> float:
    """Depth of the layer with the highest score: 0 is the state's first layer, 1 its last."""
    return (result.peak(state)[0] - first_layer(state)) / max(1, len(result.outcomes[state].mutual) - 1)


def language_differences(
    results: Sequence[StudyResult], reference: Sequence[StudyResult], state: State
) -> pd.DataFrame:
    """One row per language: both scores, and their difference with its 95 percent interval; largest gain first.

    Scores are means over layers. Both use the same pairs, so pairs are resampled jointly.
    Raises ValueError if languages or pairs differ.
    """
    rows = []
    for ours, theirs in zip(results, reference, strict=True):
        if ours.study.source != theirs.study.source or ours.pairs != theirs.pairs:
            raise ValueError("the results differ in languages or pairs")
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
    """The results of every variant, one per language, all against the same target."""

    variants: tuple[Study, ...]
    results: Mapping[str, tuple[StudyResult, ...]]

    @property
    def study(self) -> Study:
        """The first variant's study of the first language."""
        return self.variants[0]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: means by variant, differences from the first variant by language, and all curves."""
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
        provenance = {name: results[0].study.traced(results[0].provenance) for name, results in self.results.items()}
        means = variant_summary(self.results).to_dict("records")
        return {"variants": [each.told for each in self.variants], "means": means, "provenance": provenance}


@dataclass(frozen=True)
class Models:
    """Which model or readout aligns which languages best? languages: each against the variants' target."""

    name: ClassVar[str] = "models"
    variants: tuple[Study, ...]
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        named = tuple(replace(each, source=self.languages[0]) for each in self.variants)
        object.__setattr__(self, "variants", named)

    @property
    def study(self) -> Study:
        """The first variant's study of the first language."""
        return self.variants[0]

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
        """The answer from the results of all variants, in their order; None if one is missing."""
        found = [each for each in results if each]
        if len(found) < len(self.variants):
            return None
        studies = tuple(each[0].study for each in found)
        return ModelComparison(studies, dict(zip(variant_names(studies), found, strict=True)))
