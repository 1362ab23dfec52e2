"""The sentence under a picture: what it shows for this study, in plain words, with its numbers."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.metrics.geometry import anisotropy, margins
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import StudyResult, fertility, unknown_share


def alignment_finding(result: StudyResult) -> str:
    """Two or three sentences on the layer curves. Markdown without links."""
    source, target = language(result.study.source).name, language(result.study.target).name
    layers = int(result.of("nas")["layer"].max())
    layer, score = result.peak("nas")
    row = result.of("nas").set_index("layer").loc[layer]
    if score <= 5 * result.chance or row["ci_low"] <= result.chance:
        return (
            f"The neuron states of this model do not align {source} and {target} at any layer: even at its best, layer "
            f"{layer} of {layers}, {_count(score, result.pairs)} find each other, and {100 * result.chance:.1f} % would by chance. "
            + _comparison(result)
        )
    return (
        f"{source} and {target} meet {_where(layer, layers)}: at layer {layer} of {layers}, {_count(score, result.pairs)} "
        f"are each other's nearest neighbour by neuron state (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f}; chance "
        f"{result.chance:.3f}). " + _comparison(result)
    )


_COSTLY = 2.0
_UNKNOWN = 0.01


def tokenizer_finding(result: StudyResult) -> str:
    """What the tokenizer makes of the two languages; empty for a result that was stored before tokens were counted."""
    study, provenance = result.study, result.provenance
    pivot = ENGLISH if ENGLISH in (study.source, study.target) else study.target
    other = study.target if pivot == study.source else study.source
    ratio = fertility(provenance, other, pivot)
    if ratio is None:
        return ""
    name = language(other).name
    shares = {code: unknown_share(provenance, code) or 0.0 for code in (study.source, study.target)}
    unknown = [f"{100 * share:.1f} % of {language(code).name}" for code, share in shares.items() if share]
    text = f"Tokens: {name} takes {ratio:.2f} for every {language(pivot).name} one"
    text += f", and the tokenizer does not know {' and '.join(unknown)}." if unknown else ", and none is unknown."
    if ratio >= _COSTLY or max(shares.values()) >= _UNKNOWN:
        text += " A low score is then often the tokenizer's doing: pieces that small, or unknown, carry little meaning each."
    return text


def _where(layer: int, layers: int) -> str:
    """Which third of the network a layer lies in."""
    third = (layer - 1) * 3 // layers
    return ("in the first third of the network", "in the middle of the network", "in the last third of the network")[
        third
    ]


def _count(share: float, pairs: int) -> str:
    return f"{round(share * pairs)} of {pairs} sentence pairs"


def _comparison(result: StudyResult) -> str:
    """NASCA against MEXA, with the interval of their difference."""
    nas, embedding = result.mean("nas"), result.mean("embedding")
    low, high = result.advantage_interval("nas", "embedding")
    numbers = f"NASCA {nas:.2f}, MEXA {embedding:.2f}, difference {nas - embedding:+.2f} with interval {low:+.2f} to {high:+.2f}"
    if low > 0:
        return f"Over all layers the neuron states are aligned better than the embeddings ({numbers})."
    if high < 0:
        return f"Over all layers the embeddings are aligned better than the neuron states ({numbers})."
    return f"Over all layers neuron states and embeddings cannot be told apart with these sentences ({numbers})."


def similarity_finding(result: StudyResult, matrices: Mapping[State, NDArray[np.float64]], layer: int) -> str:
    """What one layer's matrices show: who is aligned, and how far translations stand out from all other sentences."""
    parts = []
    for state, similarity in matrices.items():
        aligned = int((margins(similarity) > 0).sum())
        parts.append(
            f"{STATE_NAMES[state]}: {aligned} of {result.pairs} pairs aligned, translations at cosine "
            f"{similarity.diagonal().mean():.2f} against {anisotropy(similarity):.2f} for all others"
        )
    return f"Layer {layer}. " + "; ".join(parts) + "."


def space_finding(measures: pd.DataFrame, layer: int) -> str:
    """What the measures of the space say about neurons and embeddings, over all layers and at this one."""
    means = measures.groupby("state")[["anisotropy", "effective_rank"]].mean()
    nas, embedding = means.loc["nas"], means.loc["embedding"]
    crowded = "more" if embedding["anisotropy"] > nas["anisotropy"] else "less"
    return (
        f"On average over the layers the embeddings are {crowded} crowded into one direction than the neuron states: sentences "
        f"that have nothing to do with each other have cosine {embedding['anisotropy']:.2f} in embeddings and "
        f"{nas['anisotropy']:.2f} in NAS, and {embedding['effective_rank']:.0f} against {nas['effective_rank']:.0f} directions are in use."
    )
