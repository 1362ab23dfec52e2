"""Two models on the same sentences, language by language, with the tokens that each needs beside the scores.

How much of the difference goes with fertility: the squared correlation, over languages, of the difference in NASCA with
the logarithm of the ratio of both fertilities. It is a share of variance and says nothing of causes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.correlation import fisher_interval, pearson
from neuronxa_core.study.result import StudyResult, fertility

COLUMNS = ("language", "name", "nasca", "other_nasca", "difference", "fertility", "other_fertility")


class Relation(NamedTuple):
    """Pearson's r with Fisher's interval, and the number of languages; NaN for fewer than six."""

    value: float
    low: float
    high: float
    languages: int


def beside_table(results: Sequence[StudyResult], others: Sequence[StudyResult]) -> pd.DataFrame:
    """One row per language that both models have: NASCA and fertility of each, best NASCA of the first model on top.

    difference: the first model's NASCA minus the other's. fertility: tokens per English token, NaN where unknown.
    """
    theirs = {each.study.source: each for each in others}
    rows = []
    for ours in results:
        code = ours.study.source
        if code in theirs:
            one, other = ours.mean("nas"), theirs[code].mean("nas")
            tokens = (fertility(each.provenance, code) for each in (ours, theirs[code]))
            rows.append((code, language(code).name, one, other, one - other, *tokens))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"fertility": float, "other_fertility": float})
    return table.sort_values(["nasca", "name"], ascending=[False, True], ignore_index=True)


def relation_to_fertility(table: pd.DataFrame) -> Relation:
    """Correlation of the difference in NASCA with the log of the other model's fertility over the first one's.

    Positive: the first model is further ahead where the other splits a language into more tokens than it does itself.
    """
    known = table.dropna(subset=["fertility", "other_fertility"])
    ratio = np.log(known["other_fertility"].to_numpy(dtype=np.float64) / known["fertility"].to_numpy(dtype=np.float64))
    apart = known["difference"].to_numpy(dtype=np.float64)
    value = float(pearson(ratio, apart)) if len(known) else np.nan
    low, high = fisher_interval(value, len(known))
    return Relation(value if not np.isnan(low) else np.nan, low, high, len(known))
