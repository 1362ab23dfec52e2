"""What the verdicts rest on, pair by pair and layer by layer: each can be recomputed from the exported files."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from neuronxa_core.analyses.claim_evidence import COMPARED, Over, choosing, found_by_layer, found_pairs, quarters
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import StudyResult

_QUARTERS = ("nas_first_quarter", "nas_middle_half", "nas_last_quarter")
_OF_A_STATE = ("source_to_target", "target_to_source", "score")
PAIR_COLUMNS = (
    "language",
    "pair",
    "half",
    *(f"{state}_{each}" for state in COMPARED for each in _OF_A_STATE),
    *_QUARTERS,
)
LAYER_COLUMNS = ("state", "layer", "choosing", "reporting")


def pair_rows(results: Sequence[StudyResult], layers: Mapping[State, int], over: Over) -> pd.DataFrame:
    """One row per language and pair: what claims 1 to 5 are measured on; empty without results.

    half: `choosing` or `reporting`. Per state the share of layers (of the one that was chosen, 0 or 1) at which the
    translation is found from the source and from the target, and the share of all layers at which the pair is aligned.
    """
    if not results:
        return pd.DataFrame(columns=list(PAIR_COLUMNS))
    pairs = results[0].pairs
    languages = [each.study.source for each in results]
    table = pd.DataFrame({"language": np.repeat(languages, pairs), "pair": np.tile(range(1, pairs + 1), len(results))})
    table["half"] = np.tile(np.where(choosing(pairs), "choosing", "reporting"), len(results))
    for state in COMPARED:
        forth, back = found_pairs(results, state, layers, over)
        table[f"{state}_source_to_target"], table[f"{state}_target_to_source"] = forth.ravel(), back.ravel()
        table[f"{state}_score"] = np.concatenate([each.outcomes[state].mutual.mean(axis=0) for each in results])
    parts = quarters(results[0].last_layer)
    for name, part in zip(_QUARTERS, parts, strict=True):
        found = [
            each.outcomes["nas"].mutual[part].mean(axis=0) if part.any() else np.full(pairs, np.nan) for each in results
        ]
        table[name] = np.concatenate(found)
    return table


def layer_rows(results: Sequence[StudyResult]) -> pd.DataFrame:
    """One row per state and layer: P@1, mean of both directions and all languages, on each half of the pairs.

    The layer that is best by `choosing` is the one that is reported, by the pairs of `reporting`.
    """
    tables = [pd.DataFrame(columns=list(LAYER_COLUMNS))] if not results else []
    for state in COMPARED if results else ():
        found = found_by_layer(results, state)
        chooses = choosing(found.shape[-1])
        halves = {"choosing": chooses, "reporting": ~chooses}
        means = {name: found[..., half].mean(axis=(0, 1, 3)) for name, half in halves.items()}
        numbers = np.arange(found.shape[2]) + first_layer(state)
        tables.append(pd.DataFrame({"state": state, "layer": numbers, **means}))
    return pd.concat(tables, ignore_index=True)
