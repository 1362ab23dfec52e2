"""The pairs of a study at one layer: outcome, margin and ranks of each, and the orders in which a matrix can be drawn."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.metrics.clustering import average_linkage
from neuronxa_core.metrics.geometry import cell_rivals, margins, ranks
from neuronxa_core.states.sentences import State

Order = Literal["source", "alignment", "clustered"]
ORDERS: tuple[Order, ...] = get_args(Order)


def pair_table(bitext: Bitext, matrices: dict[State, NDArray[np.float64]]) -> pd.DataFrame:
    """One row per pair: pair (from 1), both sentences, and per state the cosine, margin, and rank in each direction.

    `STATE_margin` above 0 means that the pair counts as aligned in that state.
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
    """The pairs in the order of the corpus, by margin with the best aligned first, or with like sentences side by side.

    Clustered: see metrics.clustering.
    """
    if order == "source":
        return list(range(len(similarity)))
    if order == "alignment":
        return np.argsort(-margins(similarity), kind="stable").tolist()  # type: ignore[no-any-return]
    return average_linkage(similarity)[1]
