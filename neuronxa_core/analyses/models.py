"""Several models, or one model in several ways, on the same sentences: who aligns what better, and which languages gain."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
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
