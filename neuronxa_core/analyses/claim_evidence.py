"""What the scores of many languages against one target say about each condition of the paper's claims.

Layers are chosen, and the direction of a gap is taken, on every other pair, the first, third and so on; what is
reported of them comes from the others. Intervals draw languages and pairs, see metrics.crossed.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.claim_rules import FEWEST, RULES, Evidence
from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.bootstrap import percentile_interval
from neuronxa_core.metrics.correlation import difference, fisher_interval, pearson
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import StudyResult

Over = Literal["best", "mean"]
"""Where P@1 is taken: in the state's best layer, on the half that did not choose it, or as the mean over layers."""
COMPARED: tuple[State, ...] = ("nas", "embedding")
LEVELS = ("head", "long-tail")
ENOUGH = 100
"""The number of pairs that the paper calls enough."""
_CHOOSING, _REPORTING = slice(0, None, 2), slice(1, None, 2)
Array = NDArray[np.float64]
Results = Sequence[StudyResult]


def choosing(pairs: int) -> NDArray[np.bool_]:
    """Which of so many pairs choose layers and directions; the others report."""
    chooses = np.zeros(pairs, dtype=bool)
    chooses[_CHOOSING] = True
    return chooses


def of_level(results: Results, level: str) -> list[StudyResult]:
    """The results whose source is a head, or a long-tail, language."""
    return [each for each in results if language(each.study.source).resource_level == level]


def found_by_layer(results: Results, state: State) -> Array:
    """Whether each pair is found: (2, languages, layers, pairs), from the source first, then from the target."""
    both = [np.stack(tuple(each.outcomes[state])).astype(np.float64) for each in results]
    return np.stack(both, axis=1)


def best_layer(results: Results, state: State) -> int:
    """The layer with the highest P@1, mean of both directions and all languages, on the half that chooses."""
    scores = found_by_layer(results, state)[..., _CHOOSING].mean(axis=(0, 1, 3))
    return int(scores.argmax()) + first_layer(state)


def best_layers(results: Results) -> dict[State, int]:
    """`best_layer` of the two states that are compared; empty without results."""
    return {state: best_layer(results, state) for state in COMPARED} if results else {}


def found_pairs(results: Results, state: State, layers: Mapping[State, int], over: Over) -> Array:
    """(2, languages, pairs) in the state's layer, or as the mean over layers. All pairs, those that choose too."""
    by_layer = found_by_layer(results, state)
    return by_layer.mean(axis=2) if over == "mean" else by_layer[:, :, layers[state] - first_layer(state)]


def reported(values: Array, over: Over) -> Array:
    """The pairs that count: all for a mean over layers, the half that did not choose for a layer that was chosen."""
    return values if over == "mean" else values[..., _REPORTING]


def measured(values: Array, seed: int = 0) -> Evidence:
    """Mean in percentage points with its interval, if there are enough languages. values: (languages, pairs)."""
    if not len(values):
        return Evidence()
    return _with_interval(100 * values.mean(), 100 * crossed_means(values, seed), len(values))


def apart(one: Array, other: Array) -> Evidence:
    """Mean of one group of languages minus that of another, in points; n is the smaller one's number of languages."""
    n = min(len(one), len(other))
    if not n:
        return Evidence()
    resampled = crossed_means(one, 1) - crossed_means(other, 2)
    return _with_interval(100 * (one.mean() - other.mean()), 100 * resampled, n)


def _with_interval(value: float, resampled: Array, n: int) -> Evidence:
    low, high = percentile_interval(resampled) if n >= FEWEST else (np.nan, np.nan)
    return Evidence(float(value), float(low), float(high), n)


def gains(results: Results, layers: Mapping[State, int], over: Over) -> Array:
    """P@1 by NAS minus P@1 by embedding, mean of both directions, (languages, pairs that count)."""
    if not results:
        return np.zeros((0, 0))
    nas, embedding = (found_pairs(results, state, layers, over).mean(axis=0) for state in COMPARED)
    return reported(nas - embedding, over)


def gap_sizes(results: Results, state: State, layers: Mapping[State, int], over: Over) -> Array:
    """P@1 from one side minus P@1 from the other, (languages, reporting pairs), positive on average if the direction
    is the same as in the half that chooses. Unlike an absolute value it has no bias: without a gap it is 0."""
    forth, back = found_pairs(results, state, layers, over)
    signs = np.sign((forth - back)[:, _CHOOSING].mean(axis=1, keepdims=True))
    return np.asarray(signs * (forth - back)[:, _REPORTING])


GROUP_COLUMNS = ("group", "state", "value", "low", "high", "n")


def gap_groups(results: Results, layers: Mapping[State, int], over: Over) -> pd.DataFrame:
    """One row per state: the mean gap between the directions in points, see gap_sizes, with its interval."""
    rows = [(state, state, *measured(gap_sizes(results, state, layers, over))[:4]) for state in COMPARED]
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))


def level_groups(results: Results) -> pd.DataFrame:
    """One row per resource level and state: the mean score over layers and languages in points, with its interval."""
    rows = []
    for level in LEVELS:
        for state in COMPARED if (group := of_level(results, level)) else ():
            scores = np.array([each.outcomes[state].mutual.mean(axis=0) for each in group])
            rows.append((level, state, *measured(scores)[:4]))
    return pd.DataFrame(rows, columns=list(GROUP_COLUMNS))


def quarters(layers: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of so many layers lie in the first quarter of the depth, the middle half and the last quarter."""
    depth = (np.arange(layers) + 0.5) / layers
    return depth < 0.25, (depth >= 0.25) & (depth <= 0.75), depth > 0.75


def half_scores(results: Results) -> Array:
    """(2, languages): NASCA from either half of the pairs."""
    each = np.array([result.outcomes["nas"].mutual.mean(axis=0) for result in results])
    return np.stack([each[:, half].mean(axis=1) for half in (_CHOOSING, _REPORTING)])


def stepped(coefficient: float, times: float) -> float:
    """The correlation of sets so many times as large, by Spearman and Brown's formula; one below 0 stays as it is.

    Source: Spearman 1910, Brown 1910, doi:10.1111/j.2044-8295.1910.tb00206.x and 00207.x.
    """
    return times * coefficient / (1 + (times - 1) * coefficient) if coefficient > 0 else coefficient


def mean_accuracies(accuracies: pd.DataFrame) -> pd.Series:
    """Accuracy by language: the mean over all benchmarks, for languages that have all of them.

    accuracies: of one model, see accuracies.COLUMNS.
    """
    table = accuracies.pivot_table(index="language", columns="benchmark", values="accuracy", aggfunc="last")
    return table.dropna().mean(axis=1)


def evidence(
    results: Results, over: Over = "best", accuracies: pd.DataFrame | None = None
) -> dict[tuple[int, str], Evidence]:
    """Evidence by claim and condition, for claims 1 to 6; empty if there are no results.

    accuracies: of this model, or None if there are none.
    """
    if not results:
        return {}
    layers = best_layers(results)
    head, tail = (of_level(results, level) for level in LEVELS)
    return {
        (1, "head"): _none_of(measured(gains(head, layers, over)), "head"),
        (1, "long-tail"): _none_of(measured(gains(tail, layers, over)), "long-tail"),
        **_symmetry(results, layers, over),
        **_middle(results),
        (4, "level"): _none_of(_level(head, tail), "long-tail" if head else "head"),
        (4, "gain"): _none_of(apart(gains(tail, layers, over), gains(head, layers, over)), _absent(head)),
        (5, "halves"): _enough(results),
        (6, "over_mexa"): _downstream(results, accuracies),
    }


def _absent(head: Results) -> str:
    return LEVELS[1] if head else LEVELS[0]


def _none_of(found: Evidence, level: str) -> Evidence:
    return found if found.n else found._replace(reason=f"The corpus has no {level} languages here.")


def _symmetry(results: Results, layers: Mapping[State, int], over: Over) -> dict[tuple[int, str], Evidence]:
    nas, embedding = (gap_sizes(results, state, layers, over) for state in COMPARED)
    return {(2, "difference"): measured(embedding - nas), (2, "nas"): measured(nas)}


def _middle(results: Results) -> dict[tuple[int, str], Evidence]:
    scores = np.stack([each.outcomes["nas"].mutual for each in results], dtype=np.float64)  # (languages, layers, pairs)
    first, middle, last = quarters(scores.shape[1])
    if not (first.any() and last.any()):
        few = Evidence(reason="The model has too few layers to have quarters.")
        return {(3, "first"): few, (3, "last"): few}
    middle_scores = scores[:, middle].mean(axis=1)
    ends = {"first": first, "last": last}
    return {(3, name): measured(middle_scores - scores[:, end].mean(axis=1)) for name, end in ends.items()}


def _level(head: Results, tail: Results) -> Evidence:
    one, other = ([each.outcomes["nas"].mutual.mean(axis=0) for each in group] for group in (head, tail))
    return apart(np.array(one), np.array(other))


def _enough(results: Results) -> Evidence:
    n, times = len(results), ENOUGH / (results[0].pairs / 2)
    least = next(rule.fewest for rule in RULES if rule.part == "halves")
    if n < least:
        return Evidence(n=n)
    one, other = half_scores(results)
    value = float(pearson(one, other))
    low, high = fisher_interval(value, n)
    return Evidence(stepped(value, times), stepped(low, times), stepped(high, times), n)


def _downstream(results: Results, accuracies: pd.DataFrame | None) -> Evidence:
    if accuracies is None:
        return Evidence(reason="There are no accuracies of this model.")
    known = mean_accuracies(accuracies)
    there = [each for each in results if each.study.source in known.index]
    if not there:
        return Evidence(reason="None of the languages has an accuracy.")
    accuracy = np.array([known[each.study.source] for each in there], dtype=np.float64)
    nasca, mexa = (np.array([each.mean(state) for each in there]) for state in COMPARED)
    return Evidence(*difference(nasca, mexa, accuracy), len(there))
