"""The pairs of a study at one layer, and orders for drawing a similarity matrix."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.space import ENDS, space_of
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.errors import CacheError
from neuronxa_core.metrics.clustering import average_linkage
from neuronxa_core.metrics.geometry import cell_rivals, margins, ranks
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, find_result, run_states
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
    """The layers of analyses.space.SpaceMeasures; an older table may lack a column."""
    provenance: Mapping[str, Any]
    scores: pd.DataFrame
    """As StudyResult.scores."""

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
        means = means[[name for name in means if not name.endswith(ENDS)]]  # an interval of the mean is not their mean
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
        return _measured(*run_states(self.study, device, watcher))


def _measured(result: StudyResult, layers: StudyLayers) -> PairSimilarities:
    measures = space_of(result, layers).layers
    return PairSimilarities(result.study, layers, result.last_layer, measures, result.provenance, result.scores)
