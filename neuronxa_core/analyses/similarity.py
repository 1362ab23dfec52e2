"""The pairs of a study at one layer, and orders for drawing a similarity matrix."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.cosine_store import Summaries, find_summaries, keep_summaries
from neuronxa_core.analyses.space import ENDS, find_space, keep_space, measure_space
from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.errors import CacheError
from neuronxa_core.metrics.clustering import average_linkage
from neuronxa_core.metrics.cosines import Cosines, CosineSummary, cosines_of
from neuronxa_core.metrics.geometry import rivals_in
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import local_recipe
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, find_result, run_states
from neuronxa_core.study.study import Study

Order = Literal["source", "alignment", "clustered"]
ORDERS: tuple[Order, ...] = get_args(Order)


Layer = NDArray[np.float64] | Cosines
"""The cosines of a layer, as a whole matrix or as they are asked for."""
MOST_CLUSTERED = 2000
"""Pairs up to which the whole matrix is made, for the clustered order and the table of all cells: 32 MB of it."""


def pair_table(bitext: Bitext, matrices: Mapping[State, Layer]) -> pd.DataFrame:
    """One row per pair: pair (from 1), both sentences; for each state cosine, margin, and rank in each direction.

    A pair is aligned in a state if `STATE_margin` is above 0.
    """
    columns: dict[str, object] = {
        "pair": np.arange(1, len(bitext) + 1),
        "source_sentence": bitext.source_sentences,
        "target_sentence": bitext.target_sentences,
    }
    for state, similarity in matrices.items():
        told = cosines_of(similarity).summary
        columns |= {
            f"{state}_cosine": told.own,
            f"{state}_margin": told.margin,
            f"{state}_rank_source_to_target": told.row_rank,
            f"{state}_rank_target_to_source": told.column_rank,
        }
    return pd.DataFrame(columns)


def rival_table(bitext: Bitext, matrices: Mapping[State, Layer], source: int, target: int) -> pd.DataFrame:
    """The five strongest rivals of a cell on each side: state, side, pair (from 1), cosine, sentence; best first.

    source, target: sentence indices. side "target": target sentences near the source one; "source": the reverse.
    """
    rows = []
    for state, similarity in matrices.items():
        cosines = cosines_of(similarity)
        row, column = cosines.row(source), cosines.column(target)
        sources, targets = rivals_in(column, source), rivals_in(row, target)
        rows += [(state, "source", each + 1, column[each], bitext.source_sentences[each]) for each in sources]
        rows += [(state, "target", each + 1, row[each], bitext.target_sentences[each]) for each in targets]
    return pd.DataFrame(rows, columns=["state", "side", "pair", "cosine", "sentence"])


def cosine_table(matrices: Mapping[State, Layer]) -> pd.DataFrame:
    """Every cell: source and target (sentence numbers from 1), and a column with the cosine of each state."""
    pairs = len(next(iter(matrices.values())))
    source, target = np.divmod(np.arange(pairs * pairs), pairs)
    table = pd.DataFrame({"source": source + 1, "target": target + 1})
    return table.assign(**{str(state): cosines_of(matrix).whole().ravel() for state, matrix in matrices.items()})


def pair_order(similarity: Layer, order: Order) -> list[int]:
    """The pairs in corpus order, by margin (best aligned first), or clustered, see metrics.clustering.

    More than MOST_CLUSTERED pairs are not clustered, and stay in corpus order.
    """
    cosines = cosines_of(similarity)
    if order == "alignment":
        return np.argsort(-cosines.summary.margin, kind="stable").tolist()  # type: ignore[no-any-return]
    if order == "source" or len(cosines) > MOST_CLUSTERED:
        return list(range(len(cosines)))
    return average_linkage(cosines.whole())[1]


class Similarities(Protocol):
    """The cosines of a study's sentences, layer by layer, wherever they are stored."""

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosines of one layer, (pairs, pairs); row = source, column = target. Raises OSError or ValueError."""

    def cosines(self, state: State, layer: int) -> Cosines:
        """The same, a few rows at a time."""


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
    summaries: Summaries = field(default_factory=dict)
    """What the cosines say, by state and layer; where it is missing, it is found when it is asked for."""

    def cosines(self, layer: int) -> dict[State, Cosines]:
        """The cosines of each state that has this layer, without the whole matrix. Raises OSError or ValueError."""
        return {state: self._cosines(state, layer) for state in STATES if layer >= first_layer(state)}

    def _cosines(self, state: State, layer: int) -> Cosines:
        if isinstance(self.layers, StudyLayers):
            return Cosines(*self.layers.states(state, layer), self.summaries.get((state, layer)))
        return self.layers.cosines(state, layer)

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
        pairs = [pair_table(bitext, self.cosines(layer)).assign(layer=layer) for layer in numbers]
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
        recipe = local_recipe(self.study)
        if result is None or layers is None or recipe is None:
            return None
        space, summaries = find_space(self.study), find_summaries(recipe)
        return _answer(result, layers, space.layers, summaries) if space and summaries else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> PairSimilarities:
        if found := self.cached():
            return found
        result, layers = run_states(self.study, device, watcher)
        summaries: dict[tuple[State, int], CosineSummary] = {}
        space = measure_space(layers, result.last_layer, watcher=watcher, summaries=summaries)
        if recipe := local_recipe(result.study):
            keep_space(recipe, space)
            keep_summaries(recipe, summaries)
        return _answer(result, layers, space.layers, summaries)


def _answer(result: StudyResult, layers: StudyLayers, measures: pd.DataFrame, summaries: Summaries) -> PairSimilarities:
    return PairSimilarities(
        result.study, layers, result.last_layer, measures, result.provenance, result.scores, summaries
    )
