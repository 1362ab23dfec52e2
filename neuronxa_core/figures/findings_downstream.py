"""The sentences under the pictures of the Downstream page. Markdown without links."""

import numpy as np
import pandas as pd

from neuronxa_core.analyses.downstream import BITS, best_layer
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.metrics.correlation import FEWEST
from neuronxa_core.states.sentences import STATES


def downstream_finding(correlations: pd.DataFrame, benchmark: str) -> str:
    """Which measure goes with accuracy best, and whether it goes better than MEXA; why not, for fewer than six languages.

    correlations: as downstream.correlation_table gives it.
    """
    languages = int(correlations["languages"].iloc[0])
    of = "predicts the text of the language" if benchmark == BITS else f"does on {benchmark}"
    if languages < FEWEST:
        return (
            f"{languages} language{'s have' if languages != 1 else ' has'} both a score and an accuracy; below {FEWEST} no coefficient "
            "would mean anything."
        )
    known = correlations.dropna(subset=["pearson"])
    if known.empty:
        return "One side does not vary over these languages, so there is no correlation."
    best = known.loc[known["pearson"].idxmax()]
    text = (
        f"Over {languages} languages, {best['measure']} goes best with how well the model {of}: Pearson {best['pearson']:.2f} "
        f"[{best['pearson_low']:.2f}, {best['pearson_high']:.2f}], Spearman {best['spearman']:.2f} "
        f"[{best['spearman_low']:.2f}, {best['spearman_high']:.2f}]."
    )
    rows = correlations.set_index("measure")
    nasca = rows.loc["NASCA"]
    if np.isnan(nasca["over_mexa"]):
        return text
    low, high = nasca["over_mexa_low"], nasca["over_mexa_high"]
    verdict = (
        "NASCA goes with it better than MEXA"
        if low > 0
        else "MEXA goes with it better than NASCA"
        if high < 0
        else "NASCA and MEXA cannot be told apart"
    )
    return f"{text} {verdict} (difference {nasca['over_mexa']:+.2f}, interval {low:+.2f} to {high:+.2f})."


def best_layer_finding(layers: pd.DataFrame) -> str:
    """For each state the layer whose scores alone go best with accuracy."""
    parts = []
    for state in STATES:
        best = best_layer(layers, state)
        if best:
            parts.append(f"{STATE_NAMES[state]} layer {best[0]} ({best[1]:.2f})")
    if not parts:
        return ""
    return f"The layers that predict best on their own, by Pearson: {', '.join(parts)}. Chosen after the fact, so the figures flatter."
