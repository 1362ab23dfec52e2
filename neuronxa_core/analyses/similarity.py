"""The pairs of a study at one layer, orders for drawing a similarity matrix, and measures of the space by layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.errors import CacheError
from neuronxa_core.metrics.clustering import average_linkage
from neuronxa_core.metrics.geometry import (
    anisotropy,
    cell_rivals,
    effective_rank,
    hubness,
    margins,
    neuron_correlation,
    ranks,
)
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, find_result, run_study
from neuronxa_core.study.study import Study

Order = Literal["source", "alignment", "clustered"]
ORDERS: tuple[Order, ...] = get_args(Order)


def pair_table(bitext: Bitext, matrices: dict[State, NDArray[np.float64]]) -> pd.DataFrame:
    """One row per pair: pair (from 1), both sentences; for each state cosine, margin, and rank in each direction.

    A pair is aligned in a state if `STATE_margin` is above 0.
    """
    columns: dict[str, object] = {
        "pair": np.arange(1, len(bitext) + 1),
        "source_sentence": bitext.source_sentences,
        "target_sentence": bitext.target_sentences,
    }
    for state, similarity in matrices.items():
        row, column = ranks(similarity)
        columns |= {
            f"{state}_cosine": similarity.diagonal(),
            f"{state}_margin": margins(similarity),
            f"{state}_rank_source_to_target": row,
            f"{state}_rank_target_to_source": column,
        }
    return pd.DataFrame(columns)


def rival_table(bitext: Bitext, matrices: dict[State, NDArray[np.float64]], source: int, target: int) -> pd.DataFrame:
    """The five strongest rivals of a cell on each side: state, side, pair (from 1), cosine, sentence; best first.

    source, target: sentence indices. side "target": target sentences near the source one; "source": the reverse.
    """
    rows = []
    for state, similarity in matrices.items():
        targets, sources = cell_rivals(similarity, source, target)
        rows += [
            (state, "source", each + 1, similarity[each, target], bitext.source_sentences[each]) for each in sources
        ]
        rows += [
            (state, "target", each + 1, similarity[source, each], bitext.target_sentences[each]) for each in targets
        ]
    return pd.DataFrame(rows, columns=["state", "side", "pair", "cosine", "sentence"])


def cosine_table(matrices: dict[State, NDArray[np.float64]]) -> pd.DataFrame:
    """Every cell: source and target (sentence numbers from 1), and a column with the cosine of each state."""
    pairs = len(next(iter(matrices.values())))
    source, target = np.divmod(np.arange(pairs * pairs), pairs)
    table = pd.DataFrame({"source": source + 1, "target": target + 1})
    return table.assign(**{str(state): similarity.ravel() for state, similarity in matrices.items()})


def pair_order(similarity: NDArray[np.float64], order: Order) -> list[int]:
    """The pairs in corpus order, by margin (best aligned first), or clustered, see metrics.clustering."""
    if order == "source":
        return list(range(len(similarity)))
    if order == "alignment":
        return np.argsort(-margins(similarity), kind="stable").tolist()  # type: ignore[no-any-return]
    return average_linkage(similarity)[1]


Array = NDArray[np.floating]


@dataclass(frozen=True)
class Measure:
    """A measure of the sentence vectors of one layer, for each state.

    name: its column. title: the heading of its figure; the part before the colon is its label. help: one sentence that
    explains it. of: a function of the cosines (pairs, pairs) and both languages' vectors (pairs, dim). finding: a
    sentence with the means over layers, as text, in {nas} and {embedding}, or empty. drawn: whether it has a figure.
    """

    name: str
    title: str
    help: str
    of: Callable[[Array, Array, Array], float]
    finding: str = ""
    drawn: bool = True

    @property
    def label(self) -> str:
        return self.title.partition(":")[0]


MEASURES = (
    Measure(
        "parallel",
        "Translations: mean cosine",
        "Mean cosine of sentences that are translations of each other.",
        lambda similarity, source, target: float(similarity.diagonal().mean()),
        drawn=False,
    ),
    Measure(
        "anisotropy",
        "Anisotropy: mean cosine of non-translations",
        "Mean cosine of sentences that are not translations of each other.",
        lambda similarity, source, target: anisotropy(similarity),
    ),
    Measure(
        "effective_rank",
        "Effective rank: directions in use",
        "How many directions both languages' vectors use together, from 1 to twice the pairs.",
        lambda similarity, source, target: effective_rank(np.concatenate([source, target])),
    ),
    Measure(
        "hubness",
        "Hubness: skew of nearest-neighbour counts",
        "How unequally sentences are chosen as nearest neighbours; 0 if none is chosen more than others.",
        lambda similarity, source, target: hubness(similarity),
    ),
    Measure(
        "anc",
        "ANC: mean correlation of a neuron in both languages",
        "Mean over neurons of the absolute Pearson correlation between sentences and their translations.",
        lambda similarity, source, target: neuron_correlation(source, target),
        "A neuron's values in sentences and in their translations have an absolute correlation of {nas} in NAS "
        "and, for the dimensions of the embeddings, of {embedding} (ANC, mean over layers).",
    ),
)
"""The measures of the space. A measure added here gets its figure, its column and its place in the report."""


def space_measures(layers: StudyLayers, last_layer: int, chosen: Sequence[Measure] = MEASURES) -> pd.DataFrame:
    """One row per state and layer: state, layer, and a column for each measure."""
    rows = []
    for state in STATES:
        for layer in range(first_layer(state), last_layer + 1):
            similarity, (source, target) = layers.similarity(state, layer), layers.states(state, layer)
            values = {measure.name: measure.of(similarity, source, target) for measure in chosen}
            rows.append({"state": state, "layer": layer, **values})
    return pd.DataFrame(rows)


def drawn_measures(table: pd.DataFrame) -> list[Measure]:
    """The measures that have a figure and are in the table; an older table may lack some."""
    return [measure for measure in MEASURES if measure.drawn and measure.name in table]


def absent_measures(table: pd.DataFrame) -> list[Measure]:
    """The measures that an older table lacks."""
    return [measure for measure in MEASURES if measure.name not in table]


class Similarities(Protocol):
    """The cosines of a study's sentences, layer by layer, wherever they are stored."""

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosines of one layer, (pairs, pairs); row = source, column = target. Raises OSError or ValueError."""


@dataclass(frozen=True)
class PairSimilarities(Shown):
    """The cosines of a study's pairs at every layer, and the measures of its space."""

    study: Study
    layers: Similarities
    last_layer: int
    measures: pd.DataFrame
    """The table from space_measures; an older one may lack a column."""
    provenance: Mapping[str, Any]

    def matrices(self, layer: int) -> dict[State, NDArray[np.float64]]:
        """The cosines of each state that has this layer."""
        return {state: self.layers.similarity(state, layer) for state in STATES if layer >= first_layer(state)}

    def states(self, state: State, layer: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Source and target vectors of one layer, each (pairs, dim).

        Raises CacheError where only the cosines are stored, as in precomputed answers, and OSError or ValueError if the
        states are missing.
        """
        if not isinstance(self.layers, StudyLayers):
            raise CacheError(
                "Only the cosines of this pair are stored, not its states.", "Run the request to have both."
            )
        return self.layers.states(state, layer)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: every pair at every layer, and the measures of the space."""
        bitext, numbers = self.study.bitext(), range(self.last_layer + 1)
        pairs = [pair_table(bitext, self.matrices(layer)).assign(layer=layer) for layer in numbers]
        return {"pairs": pd.concat(pairs, ignore_index=True), "measures": self.measures}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the measures as means over layers by state, and the provenance."""
        means = self.measures.drop(columns="layer").groupby("state").mean()
        return {
            "study": self.study.told,
            "measures": means.to_dict("index"),
            "provenance": self.study.traced(self.provenance),
        }


@dataclass(frozen=True)
class Similarity:
    """Which sentences does the model confuse, and by what margin?"""

    name: ClassVar[str] = "similarity"
    study: Study
    at_once: ClassVar[int | None] = None

    def sentences(self) -> tuple[str, ...]:
        return pair_sentences(self.study)

    def cached(self) -> PairSimilarities | None:
        result, layers = find_result(self.study), find_layers(self.study)
        return _measured(result, layers) if result and layers else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> PairSimilarities:
        result = run_study(self.study, device=device, keep_states=True, watcher=watcher)
        layers = find_layers(self.study, device)
        if layers is None:
            raise CacheError("The cache is too small for the states of this study.", "Increase NEURONXA_CACHE_GB.")
        return _measured(result, layers)


def _measured(result: StudyResult, layers: StudyLayers) -> PairSimilarities:
    last = result.last_layer
    return PairSimilarities(result.study, layers, last, space_measures(layers, last), result.provenance)
