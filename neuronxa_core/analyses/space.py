"""How the space of a study's sentences is used: measures of every layer, and their means over the layers."""

import math
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.correspondence import average_correlation, constant_share, debiased_cka
from neuronxa_core.metrics.cosines import Cosines, CosineSummary
from neuronxa_core.metrics.estimate import Estimate, averaged
from neuronxa_core.metrics.geometry import effective_rank, hit_skew
from neuronxa_core.metrics.separability import decision_values, discriminability, separability
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe, local_recipe
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

LOW, HIGH = ENDS = ("_low", "_high")
"""How the columns of a measure's interval end."""


@dataclass(frozen=True)
class LayerSpace:
    """The sentences of both languages at one layer. source, target: vectors, each (pairs, dim)."""

    source: NDArray[np.floating]
    target: NDArray[np.floating]

    @cached_property
    def cosines(self) -> CosineSummary:
        """What the cosines of all sentences say."""
        return Cosines(self.source, self.target).summary

    @cached_property
    def decisions(self) -> NDArray[np.float64]:
        """What a classifier says of each sentence, (2, pairs), see metrics.separability."""
        return decision_values(self.source, self.target)


@dataclass(frozen=True)
class Measure:
    """A measure of the sentence vectors of one layer, for each state.

    name: its column; one with an interval has NAME_low and NAME_high too. title: the heading of its figure; the part
    before the colon is its label. help: one sentence that explains it. of: a number, or an Estimate where there is an
    interval. finding: a sentence with the means over layers, as text, in {nas} and {embedding}, or empty. drawn:
    whether it has a figure. chance: what sentences without any difference or correspondence would give, if that is one
    number. axis: what its axis shows at least.
    """

    name: str
    title: str
    help: str
    of: Callable[[LayerSpace], float | Estimate]
    finding: str = ""
    drawn: bool = True
    chance: float | None = None
    axis: tuple[float, float] = (math.inf, -math.inf)

    @property
    def label(self) -> str:
        return self.title.partition(":")[0]


MEASURES = (
    Measure(
        "parallel",
        "Translations: mean cosine",
        "Mean cosine of sentences that are translations of each other.",
        lambda space: float(space.cosines.own.mean()),
        drawn=False,
    ),
    Measure(
        "anisotropy",
        "Anisotropy: mean cosine of non-translations",
        "Mean cosine of sentences that are not translations of each other.",
        lambda space: space.cosines.other_mean,
    ),
    Measure(
        "effective_rank",
        "Effective rank: directions in use",
        "How many directions both languages' vectors use together, from 1 to twice the pairs.",
        lambda space: effective_rank(np.concatenate([space.source, space.target])),
    ),
    Measure(
        "hubness",
        "Hubness: skew of nearest-neighbour counts",
        "How unequally sentences are chosen as nearest neighbours; 0 if none is chosen more than others.",
        lambda space: hit_skew(space.cosines.row_hits, space.cosines.column_hits),
    ),
    Measure(
        "separability",
        "Separability: sentences whose language a linear classifier tells",
        "Share of sentences whose language is told by a linear classifier trained on other pairs; chance is 0.5.",
        lambda space: separability(space.decisions),
        chance=0.5,
        axis=(0.45, 1.0),
    ),
    Measure(
        "discriminability",
        "d′: standard deviations between the two languages",
        "Distance between the two languages' mean values under that classifier, in standard deviations; 0 is none.",
        lambda space: discriminability(space.decisions),
        "A linear classifier that was trained on other pairs puts the two languages {nas} standard deviations apart in "
        "NAS and {embedding} in embeddings (d′, mean over layers).",
        axis=(0.0, 0.0),
    ),
    Measure(
        "anc",
        "ANC: mean correlation of a neuron in both languages",
        "Mean over neurons of the absolute Pearson correlation between sentences and their translations.",
        lambda space: average_correlation(space.source, space.target),
        "A neuron's values in sentences and in their translations have an absolute correlation of {nas} in NAS "
        "and, for the dimensions of the embeddings, of {embedding} (ANC, mean over layers).",
    ),
    Measure(
        "constant",
        "Constant neurons: share that ANC leaves out",
        "Share of neurons that do not vary over the sentences of one of the two languages.",
        lambda space: constant_share(space.source, space.target),
        drawn=False,
    ),
    Measure(
        "cka",
        "CKA: agreement of the two similarity structures",
        "Linear CKA between the languages' vectors, debiased: 1 if sentences are arranged alike in both, 0 by chance.",
        lambda space: debiased_cka(space.source, space.target),
        "Debiased linear CKA between the two languages is {nas} in NAS and {embedding} in embeddings (mean over "
        "layers).",
        chance=0.0,
    ),
)
"""The measures of the space. A measure added here gets its figure, its columns and its place in the report."""


TABLED = tuple(measure for measure in MEASURES if measure.name in ("separability", "anc", "cka"))
"""The measures that stand beside scores in the tables of Models and Settings."""


@dataclass(frozen=True)
class SpaceMeasures:
    """The measures of a study's space.

    layers: one row per state and layer: state, layer, and for each measure its column and, if it has an interval,
    NAME_low and NAME_high. means: the same without layer, one row per state, the mean over layers with its interval.
    """

    layers: pd.DataFrame
    means: pd.DataFrame


def measure_space(
    layers: StudyLayers,
    last_layer: int,
    chosen: Sequence[Measure] = MEASURES,
    watcher: Watcher = SILENT,
    summaries: MutableMapping[tuple[State, int], CosineSummary] | None = None,
) -> SpaceMeasures:
    """The measures, computed from the states. Raises OSError or ValueError if these are missing.

    summaries: takes up what the cosines of every layer say, which is found on the way.
    """
    total = sum(last_layer + 1 - first_layer(state) for state in STATES)
    rows: list[dict[str, Any]] = []
    means: list[dict[str, Any]] = []
    for state in STATES:
        found: dict[str, list[float | Estimate]] = {measure.name: [] for measure in chosen}
        for layer in range(first_layer(state), last_layer + 1):
            watcher.check()
            watcher.report("scoring", len(rows), total)
            space = LayerSpace(*layers.states(state, layer))
            if summaries is not None:
                summaries[state, layer] = space.cosines
            for measure in chosen:
                found[measure.name].append(measure.of(space))
            values = {name: each[-1] for name, each in found.items()}
            rows.append({"state": state, "layer": layer, **dict(_columns(values))})
        means.append({"state": state, **dict(_columns({name: _mean(each) for name, each in found.items()}))})
    return SpaceMeasures(pd.DataFrame(rows), pd.DataFrame(means))


def _columns(values: Mapping[str, float | Estimate]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Estimate):
            yield from zip((name, f"{name}{LOW}", f"{name}{HIGH}"), (value.value, *value.interval), strict=True)
        else:
            yield name, value


def _mean(values: Sequence[float | Estimate]) -> float | Estimate:
    estimates = [value for value in values if isinstance(value, Estimate)]
    return averaged(estimates) if estimates else float(np.mean(values))  # type: ignore[arg-type]


def space_measures(layers: StudyLayers, last_layer: int, chosen: Sequence[Measure] = MEASURES) -> pd.DataFrame:
    """The measures of every layer, see SpaceMeasures, computed."""
    return measure_space(layers, last_layer, chosen).layers


def space_of(result: StudyResult, layers: StudyLayers, watcher: Watcher = SILENT) -> SpaceMeasures:
    """The measures of a study, from the cache or computed and kept there. layers: its states."""
    recipe = local_recipe(result.study)
    if recipe is None:  # the states outlive a model that was deleted
        return measure_space(layers, result.last_layer, watcher=watcher)
    if found := _stored(recipe):
        return found
    measured = measure_space(layers, result.last_layer, watcher=watcher)
    keep_space(recipe, measured)
    return measured


def keep_space(recipe: Recipe, measured: SpaceMeasures) -> None:
    """Writes the measures of a study to the cache. Raises OSError if they cannot be written."""
    store.write_aside(_path(recipe), lambda path: _write(measured, path))


def find_space(study: Study) -> SpaceMeasures | None:
    """The measures of a study if they are cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    return _stored(recipe) if recipe else None


def _path(recipe: Recipe) -> Path:
    """The cache file, which lies beside the study's result."""
    return recipe.result_path(recipe.study.bitext()).with_suffix(".space.json")


def _stored(recipe: Recipe) -> SpaceMeasures | None:
    """The cached measures, if none is missing. A damaged file is deleted."""
    found = store.read_or_discard(_path(recipe), _read)
    return found if found and not absent_measures(found.layers) else None


def _write(measured: SpaceMeasures, path: Path) -> None:
    tables = {"layers": measured.layers, "means": measured.means}
    content = {name: {"columns": [*table], "rows": table.to_numpy(object).tolist()} for name, table in tables.items()}
    write_checked_json(content, path)


def _read(path: Path) -> SpaceMeasures:
    content: dict[str, Any] = read_checked_json(path)
    return SpaceMeasures(*(_frame(content[name]) for name in ("layers", "means")))


def _frame(content: Mapping[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(content["rows"], columns=content["columns"])
    numbers = [name for name in frame if name != "state"]
    return frame.astype(dict.fromkeys(numbers, np.float64) | ({"layer": np.int64} if "layer" in frame else {}))


def beside_alignment(scores: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """One row per state and layer: its score with interval, and the measures of its space.

    scores: as StudyResult.scores; measures: as SpaceMeasures.layers.
    """
    return scores[["state", "layer", "score", "ci_low", "ci_high"]].merge(measures, on=["state", "layer"])


def drawn_measures(table: pd.DataFrame) -> list[Measure]:
    """The measures that have a figure and are in the table; an older table may lack some."""
    return [measure for measure in MEASURES if measure.drawn and measure.name in table]


def absent_measures(table: pd.DataFrame) -> list[Measure]:
    """The measures that an older table lacks."""
    return [measure for measure in MEASURES if measure.name not in table]
