"""The sentences under the pictures of the Languages page. Markdown without links."""

import numpy as np
import pandas as pd

from neuronxa_core.analyses.languages import LanguageMatrix
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.states.sentences import State


def matrix_finding(matrix: LanguageMatrix, state: State, layer: int | None = None) -> str:
    """The closest and the farthest pair, and the language that is nearest to all others."""
    scores = matrix.score(state, layer)
    rows, columns = np.triu_indices(len(matrix.codes), 1)
    pairs = scores[rows, columns]
    names = [language(code).name for code in matrix.codes]
    best, worst = int(pairs.argmax()), int(pairs.argmin())
    where = "over all layers" if layer is None else f"at layer {layer}"
    by = "embedding" if state == "embedding" else STATE_NAMES[state]
    text = f"By {by} {where}, {names[rows[best]]} and {names[columns[best]]} are closest ({pairs[best]:.2f})"
    if len(pairs) == 1:
        return f"{text}: they are the only pair (chance {matrix.chance:.3f})."
    means = np.nanmean(scores, axis=1)
    hub = int(means.argmax())
    return (
        f"{text}, {names[rows[worst]]} and {names[columns[worst]]} farthest apart ({pairs[worst]:.2f}; chance "
        f"{matrix.chance:.3f}). {names[hub]} is closest to all others, with {means[hub]:.2f} on average, where a mean over all "
        f"{len(pairs)} pairs gives {pairs.mean():.2f}."
    )


def fertility_finding(scores: pd.DataFrame, pivot: str) -> str:
    """How far tokens per English token go with the score over the languages; empty for fewer than six, or none counted."""
    known = scores.dropna(subset=["nas", "fertility"])
    if len(known) < _FEWEST or known["nas"].nunique() < 2 or known["fertility"].nunique() < 2:
        return ""
    together = float(known["nas"].corr(known["fertility"], method="spearman"))
    worst = known.loc[known["fertility"].idxmax()]
    text = (
        f"Tokens: {worst['name']} takes most, {worst['fertility']:.2f} for every English one. Over the {len(known)} languages, fertility "
        f"and the NAS score with {language(pivot).name} go together at Spearman {together:+.2f}"
    )
    return text + (": a low score is in part the tokenizer's doing." if together <= -0.3 else ".")


_FEWEST = 6


def pivot_finding(scores: pd.DataFrame, pivot: str) -> str:
    """The pivot's nearest language, and with how many of them NAS beats the embedding."""
    name, first = language(pivot).name, scores.iloc[0]
    if scores["nas"].isna().any():
        return f"By token embedding, {first['name']} is closest to {name} ({first['embedding']:.2f}); there are no neurons yet."
    above = int((scores["gain"] > 0).sum())
    return (
        f"By neuron state, {first['name']} is closest to {name} ({first['nas']:.2f}). NAS scores above the embedding for {above} "
        f"of {len(scores)} languages, by {scores['gain'].mean():+.2f} on average."
    )


def level_finding(summary: pd.DataFrame, pivot: str) -> str:
    """What NAS gains over embeddings among head and among long-tail languages, with its interval."""
    gains = summary[summary["measure"] == "gain"]
    if gains.empty:
        return ""
    parts = [f"{_gain(row)} for {_members(row)}" for _, row in gains.iterrows()]
    return f"Against {language(pivot).name}, NAS minus embedding is " + ", and ".join(parts) + "."


def _gain(row: pd.Series) -> str:
    if np.isnan(row["ci_low"]):
        return f"{row['mean']:+.2f} (too few for an interval)"
    return f"**{row['mean']:+.2f}** (95 % interval {row['ci_low']:+.2f} to {row['ci_high']:+.2f})"


def _members(row: pd.Series) -> str:
    count = int(row["languages"])
    return f"{count} {row['level']} language{'s' if count > 1 else ''}"
