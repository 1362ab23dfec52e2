"""Does alignment predict performance? Scores of languages against a pivot, correlated with their accuracies.

Source: Huang et al. 2025, arXiv:2507.14900, and Kargaran et al. 2025, arXiv:2410.05873, who correlate over languages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from neuronxa_core.analyses.bits_per_byte import find_bits_per_byte, run_bits_per_byte
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.metrics.correlation import Vector, correlation, difference, fisher_interval, fit_line
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study

BITS = "bits per byte"
"""The measure that needs no upload. Lower is better, so its sign is reversed."""
Over = Literal["mean", "max"]

PUBLISHED = pd.DataFrame(
    [
        ("MEXA", "Belebele", 0.8994, "mean over models, FLORES", "Kargaran et al. 2025, arXiv:2410.05873"),
        ("MEXA", "m-MMLU", 0.9513, "mean over models, FLORES", "Kargaran et al. 2025, arXiv:2410.05873"),
        ("MEXA", "m-ARC", 0.9393, "mean over models, FLORES", "Kargaran et al. 2025, arXiv:2410.05873"),
        *(
            (measure, benchmark, value, "7B to 14B", "Huang et al. 2025, arXiv:2507.14900")
            for measure, values in (
                ("MEXA", (0.8370, 0.7463, 0.8291)),
                ("NASCA", (0.9326, 0.7701, 0.8312)),
                ("NAVCA", (0.8937, 0.8065, 0.8191)),
            )
            for benchmark, value in zip(
                ("XNLI", "BMLAMA-53", "mean of the multilingual benchmarks"), values, strict=True
            )
        ),
    ],
    columns=["measure", "benchmark", "pearson", "of", "source"],
)
"""Published Pearson correlations, for comparison."""
PUBLISHED_MEXA = {
    "Gemma 2 9B": 0.5088,
    "Llama 3.1 70B": 0.4110,
    "Llama 3.1 8B": 0.3963,
    "Gemma 1 7B": 0.3815,
    "Mistral 0.3 7B": 0.2642,
    "Llama 2 7B": 0.0866,
    "OLMo 1.7 7B": 0.0413,
}
"""MEXA on FLORES, mean pooling, by model. Source: Kargaran et al. 2025, arXiv:2410.05873."""


@dataclass(frozen=True)
class Measured(Shown):
    """The scores of every language against the pivot, and bits per byte if requested."""

    study: Study
    """The first language's study."""
    results: tuple[StudyResult, ...]
    bits: dict[str, float] | None

    def correlations(self, accuracies: pd.DataFrame) -> dict[str, pd.DataFrame]:
        """Tables that relate the scores to accuracies of one model and benchmark: correlations, languages, layers."""
        table = joined(alignment_table(self.results), accuracies)
        return {
            "correlations": correlation_table(table),
            "languages": table,
            "layers": layer_correlations(self.results, accuracies),
        }

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the scores of every language and, if measured, their correlation with bits per byte."""
        if self.bits is None:
            return {"languages": alignment_table(self.results)}
        return self.correlations(bits_as_accuracies(self.bits, self.study.names["model"]))

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the languages, bits per byte if measured, and the provenance of each result."""
        return {
            "study": self.study.told,
            "languages": [each.study.source for each in self.results],
            **({"bits_per_byte": self.bits} if self.bits is not None else {}),
            "provenance": {each.study.source: each.study.traced(each.provenance) for each in self.results},
        }


@dataclass(frozen=True)
class Downstream(AgainstTarget):
    """Does alignment predict performance? bits: also measure bits per byte, from the same forward passes."""

    name: ClassVar[str] = "downstream"
    bits: bool = True

    def cached(self) -> Measured | None:
        bits = find_bits_per_byte(self.study, self._with_target) if self.bits else None
        results = None if self.bits and bits is None else find_against_target(self.study, self.languages)
        return Measured(results[0].study, results, bits) if results else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Measured:
        found = run_bits_per_byte(self.study, self._with_target, device=device, watcher=watcher) if self.bits else None
        results = run_against_target(self.study, self.languages, device=device, watcher=watcher)
        return Measured(results[0].study, results, found)

    @property
    def _with_target(self) -> tuple[str, ...]:
        return (*self.languages, self.study.target)


def alignment_table(results: Sequence[StudyResult], over: Over = "mean") -> pd.DataFrame:
    """One row per result: language (its source), name; nas, nav, embedding: mean or maximum score over layers."""
    rows = []
    for result in results:
        scores = [result.mean(state) if over == "mean" else result.peak(state)[1] for state in STATES]
        source = result.study.source
        rows.append([source, language(source).name, *scores])
    return pd.DataFrame(rows, columns=["language", "name", *STATES])


def joined(alignment: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """The rows of `alignment` with an accuracy, plus MEXA's adjusted estimates: score x English accuracy.

    accuracies: rows of one model and benchmark, see accuracies.COLUMNS. Without English the estimates are NaN.
    """
    by_language = accuracies.drop_duplicates("language", keep="last").set_index("language")["accuracy"]
    table = alignment[alignment["language"].isin(by_language.index)].reset_index(drop=True)
    table["accuracy"] = table["language"].map(by_language).astype(np.float64)
    english = float(by_language.get(ENGLISH, np.nan))
    for state in STATES:
        table[f"{state}_adjusted"] = table[state] * english
    return table


def bits_as_accuracies(bits: Mapping[str, float], model: str) -> pd.DataFrame:
    """Bits per byte as rows of accuracies.COLUMNS, with the sign reversed, so that higher is better."""
    rows = [(model, BITS, code, -value, BITS) for code, value in bits.items()]
    return pd.DataFrame(rows, columns=["model", "benchmark", "language", "accuracy", "metric"])


def correlation_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per measure: languages, Pearson and Spearman with both intervals, Pearson minus MEXA's, the fit line.

    table: from `joined`. Coefficients are NaN for fewer than six languages.
    """
    accuracy: Vector = table["accuracy"].to_numpy(dtype=np.float64)
    mexa: Vector = table["embedding"].to_numpy(dtype=np.float64)
    rows = []
    for state in STATES:
        score: Vector = table[state].to_numpy(dtype=np.float64)
        slope, intercept = fit_line(score, accuracy)
        row: dict[str, object] = {"measure": SUMMARY_NAMES[state].upper(), "languages": len(table)}
        for method in ("pearson", "spearman"):
            row |= _coefficient(score, accuracy, method)
        apart = difference(score, mexa, accuracy) if state != "embedding" else None
        row |= {
            "over_mexa": apart.value if apart else np.nan,
            "over_mexa_low": apart.low if apart else np.nan,
            "over_mexa_high": apart.high if apart else np.nan,
        }
        rows.append(row | {"slope": slope, "intercept": intercept})
    return pd.DataFrame(rows)


def _coefficient(score: Vector, accuracy: Vector, method: str) -> dict[str, float]:
    """A coefficient with both of its intervals: the percentile one over languages, and Fisher's."""
    found = correlation(score, accuracy, method)
    low, high = fisher_interval(found.value, len(score), method)
    columns = {method: found.value, f"{method}_low": found.low, f"{method}_high": found.high}
    return columns | {f"{method}_fisher_low": low, f"{method}_fisher_high": high}


def layer_correlations(results: Sequence[StudyResult], accuracies: pd.DataFrame) -> pd.DataFrame:
    """One row per state and layer: Pearson and Spearman correlation of its scores with accuracy, with intervals.

    Only results whose source has an accuracy count. Empty if there are none.
    """
    by_language = accuracies.drop_duplicates("language", keep="last").set_index("language")["accuracy"]
    known = [result for result in results if result.study.source in by_language.index]
    accuracy: Vector = np.array([by_language[result.study.source] for result in known], dtype=np.float64)
    rows = []
    for state in STATES if known else ():
        scores = np.stack([result.outcomes[state].mutual.mean(axis=1) for result in known])  # (languages, layers)
        for layer, column in enumerate(scores.T, first_layer(state)):
            row: dict[str, object] = {"state": state, "layer": layer}
            for method in ("pearson", "spearman"):
                row |= _coefficient(column, accuracy, method)
            rows.append(row)
    return pd.DataFrame(rows)


def best_layer(layers: pd.DataFrame, state: State) -> tuple[int, float] | None:
    """(layer, coefficient) with the highest Pearson correlation; None if there is none."""
    rows = layers[(layers["state"] == state) & layers["pearson"].notna()] if len(layers) else layers
    if rows.empty:
        return None
    best = rows.loc[rows["pearson"].idxmax()]
    return int(best["layer"]), float(best["pearson"])
