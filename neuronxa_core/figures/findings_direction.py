"""The sentences under the pictures of the direction gap."""

from collections.abc import Sequence

import numpy as np

from neuronxa_core.analyses.asymmetry import largest_gap, mean_gap
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.asymmetry import PAPERS_GAP
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult


def direction_finding(result: StudyResult, state: State) -> str:
    """Which direction of this pair finds more in one state, where most, and whether the interval leaves 0 out."""
    gap, low, high = mean_gap(result, state)
    layer, largest = largest_gap(result, state)
    source, target = language(result.study.source).name, language(result.study.target).name
    if low <= 0 <= high:
        head = f"In {STATE_NAMES[state]} neither direction is ahead over all layers"
    else:
        first, second = (source, target) if gap > 0 else (target, source)
        head = (
            f"In {STATE_NAMES[state]} more {first} sentences find their {second} translation than the other way round"
        )
    return (
        f"{head}: gap {gap:+.1f} points ({source} to {target} minus back), interval {low:+.1f} to {high:+.1f}; "
        f"it is largest at layer {layer} with {largest:+.0f} points."
    )


def gap_languages_finding(results: Sequence[StudyResult]) -> str:
    """The paper's claim on direction gaps beside what these languages show, whichever way it comes out."""
    neurons = [abs(mean_gap(result, "nas")[0]) for result in results]
    embeddings = [abs(mean_gap(result, "embedding")[0]) for result in results]
    larger = sum(e > n for n, e in zip(neurons, embeddings, strict=True))
    low, high = bootstrap_interval(np.array(embeddings) - np.array(neurons))
    verdict = (
        "so the paper's contrast shows here"
        if low > 0
        else "so here it is the neurons that differ more"
        if high < 0
        else "so the paper's contrast does not show here"
    )
    return (
        f"The paper reports up to {PAPERS_GAP} points between the two directions for embeddings on Tatoeba, and hardly any for NAS. "
        f"Here, averaged over layers, the gap of embeddings is at most {max(embeddings):.1f} points (mean {sum(embeddings) / len(results):.1f}) and "
        f"that of NAS at most {max(neurons):.1f} (mean {sum(neurons) / len(results):.1f}); it is larger for embeddings in {larger} of "
        f"{len(results)} languages, {verdict} (interval of the mean difference {low:+.1f} to {high:+.1f} points, languages resampled)."
    )
