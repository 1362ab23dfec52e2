"""The sentences under the pictures of the Neurons page. Markdown without links."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.neurons import NeuronRates
from neuronxa_core.corpora.languages import language


def sharing_finding(table: pd.DataFrame, languages: int, threshold: float) -> str:
    """How much of the network all languages share, and where most. table: as neurons.sharing gives it."""
    most, least = table.loc[table["all"].idxmax()], table.loc[table["all"].idxmin()]
    return (
        f"Active in all {languages} languages, at more than {100 * threshold:.0f} % of the tokens: {100 * table['all'].mean():.1f} % of the neurons on "
        f"average, most at layer {int(most['layer'])} ({100 * most['all']:.1f} %), fewest at layer {int(least['layer'])} "
        f"({100 * least['all']:.1f} %). {100 * table['one'].mean():.1f} % are active in one language alone, {100 * table['none'].mean():.1f} % in none."
    )


def overlap_finding(overlap: NDArray[np.float64], codes: tuple[str, ...]) -> str:
    """The two languages whose active neurons overlap most, and the two that overlap least."""
    rows, columns = np.triu_indices(len(codes), 1)
    pairs = overlap[rows, columns]
    if not np.isfinite(pairs).any():
        return "No neuron is active that often in any of these languages."
    best, worst = int(np.nanargmax(pairs)), int(np.nanargmin(pairs))
    names = [language(code).name for code in codes]
    text = (
        f"{names[rows[best]]} and {names[columns[best]]} share most of their active neurons (Jaccard {pairs[best]:.2f})"
    )
    if len(pairs) == 1:
        return f"{text}."
    return f"{text}, {names[rows[worst]]} and {names[columns[worst]]} fewest ({pairs[worst]:.2f}); the mean is {np.nanmean(pairs):.2f}."


def specific_finding(table: pd.DataFrame, rates: NeuronRates) -> str:
    """Who has most of the language-specific neurons, and in which layers they lie."""
    counts = table["name"].value_counts()
    third = rates.rates.shape[1] / 3
    early, late = (table["layer"] <= third).mean(), (table["layer"] > 2 * third).mean()
    return (
        f"Of the {len(table)} neurons most specific to a language, {counts.iloc[0]} belong to {counts.index[0]}"
        + (f" and {counts.iloc[1]} to {counts.index[1]}" if len(counts) > 1 else "")
        + f"; {100 * early:.0f} % lie in the first third of the layers, {100 * late:.0f} % in the last."
    )
