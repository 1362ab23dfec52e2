"""The sentence under a picture: what it shows for this study, in plain words, with its numbers."""

from neuronxa_core.alignment.result import StudyResult
from neuronxa_core.corpora.languages import language


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
