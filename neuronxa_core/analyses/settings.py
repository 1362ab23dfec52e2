"""Ablation of the method's choices: each is changed on its own, from one pass of the model per language.

Columns of `Ablation.table`: choice, value, state, score (mean over the state's layers, or that of the best layer) with
its 95 percent interval, and the difference from the unchanged study with its interval on the same resampled pairs.
"""

import io
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.pairs_needed import _numbers, outcomes_by_pairs, pair_counts
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.scoring import retrieval
from neuronxa_core.metrics.similarity import SIMILARITY_KINDS, SimilarityKind
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import POOLINGS, SITES, STATES, ReadoutConfig, State
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study

OWN = "as it is"
"""The choice of the study itself, with which the others are compared."""
THRESHOLDS = (0.01, 0.1, 0.5)
COLUMNS = ["choice", "value", "state", "score", "ci_low", "ci_high", "difference", "difference_low", "difference_high"]


@dataclass(frozen=True)
class Ablation(Shown):
    """The effect of each choice.

    table: the columns COLUMNS. pairs: one row per state and number of pairs: state, pairs, score, ci_low, ci_high.
    """

    study: Study
    table: pd.DataFrame
    pairs: pd.DataFrame
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the choices, and the scores from fewer pairs."""
        return {"choices": self.table, "pairs": self.pairs}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, every choice's score and difference, and the provenance."""
        choices = json.loads(self.table.to_json(orient="records"))
        return {"study": self.study.told, "choices": choices, "provenance": self.study.traced(self.provenance)}


def layer_outcomes(layers: StudyLayers, state: State, how: SimilarityKind = "cosine") -> NDArray[np.bool_]:
    """Whether each pair is aligned, (layers, pairs)."""
    found = []
    for layer in _numbers(layers, state):
        found.append(retrieval(*layers.states(state, layer), how=how))
    return np.stack([outcomes.mutual for outcomes in found])


def run_ablation(
    study: Study, pivots: Sequence[str] = (), *, device: Device = "auto", watcher: Watcher = SILENT
) -> Ablation:
    """The effect of each choice, changed on its own. pivots: further targets for the source. Raises like run_study."""
    base = _run_choices(study, device, watcher)
    results = [run_study(replace(base.study, target=pivot), device=device, watcher=watcher) for pivot in pivots]
    return with_pivots(base, results)


def with_pivots(base: Ablation, results: Sequence[StudyResult]) -> Ablation:
    """The ablation with a row more per state and result: the source of `base` against another target."""
    own = base.table[base.table["choice"] == OWN].set_index("state")["score"]
    rows = []
    for result in results:
        for state in STATES:
            per_pair = result.outcomes[state].mutual.mean(axis=0)
            low, high = bootstrap_interval(per_pair)
            score = float(per_pair.mean())
            apart = [score - float(own[state]), np.nan, np.nan]  # other sentences, so no interval
            rows.append(["pivot", result.study.target, state, score, float(low), float(high), *apart])
    if not rows:
        return base
    return replace(base, table=pd.concat([base.table, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True))


def _run_choices(study: Study, device: Device, watcher: Watcher) -> Ablation:
    """The ablation without pivots, from the cache or computed."""
    recipe = recipe_for(study, device, watcher)
    study = recipe.study
    path = _path(recipe, study)
    stored = store.read_or_discard(path, partial(read_ablation, study=study))
    if stored:
        return stored
    bitext, readouts = study.bitext(), readouts_of(study)
    together = Together(watcher, 2 * len(bitext))
    sides = []
    for number, (code, sentences) in enumerate(
        ((bitext.source, bitext.source_sentences), (bitext.target, bitext.target_sentences))
    ):
        together.before = number * len(bitext)
        sides.append(recipe.readouts(code, sentences, readouts, together))
    layers = {readout: StudyLayers(sides[0][readout], sides[1][readout]) for readout in readouts if readout in sides[0]}
    watcher.report("scoring")
    rows = _Rows(study, layers, watcher)
    rows.add_all()
    own = layers[study.readout]
    table, pairs = pd.DataFrame(rows.found, columns=COLUMNS), _by_pairs(own, study.pairs, watcher)
    ablation = Ablation(study, table, pairs, recipe.provenance(store.taken_from(own.source)))
    store.write_aside(path, lambda file: write_ablation(ablation, file))
    return ablation


def find_ablation(study: Study, pivots: Sequence[str] = ()) -> Ablation | None:
    """The result of run_ablation if all of it is cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    if recipe is None:
        return None
    path = _path(recipe, recipe.study)
    base = store.read_or_discard(path, partial(read_ablation, study=recipe.study))
    results = [find_result(replace(recipe.study, target=pivot)) for pivot in pivots] if base else []
    there = [result for result in results if result]
    return with_pivots(base, there) if base and len(there) == len(pivots) else None


def readouts_of(study: Study) -> list[ReadoutConfig]:
    """The study's own readout, and those with one choice changed: site, pooling or threshold.

    Pooling `auto` counts as `position` until the model is known; the number of readouts is the same.
    """
    own = (replace(study, pooling="position") if study.pooling == "auto" else study).readout
    changed = [
        *(replace(own, site=site) for site in SITES),
        *(replace(own, pooling=pooling) for pooling in POOLINGS),
        *(replace(own, threshold=threshold) for threshold in THRESHOLDS),
    ]
    return list(dict.fromkeys((own, *changed)))


class _Rows:
    """Collects the rows of the table; for every state the unchanged study comes first."""

    def __init__(self, study: Study, layers: Mapping[ReadoutConfig, StudyLayers], watcher: Watcher) -> None:
        self.study, self.layers, self.watcher = study, layers, watcher
        self.own = study.readout
        self.base: dict[State, NDArray[np.float64]] = {}
        self.found: list[list[Any]] = []

    def add_all(self) -> None:
        for state in STATES:
            self.watcher.check()
            outcomes = layer_outcomes(self.layers[self.own], state)
            self.base[state] = outcomes.mean(axis=0)
            self.add(OWN, "", state, self.base[state])
            self.add("layers", "best layer", state, outcomes[outcomes.mean(axis=1).argmax()])
            for how in SIMILARITY_KINDS[1:]:
                self.add("similarity", how, state, layer_outcomes(self.layers[self.own], state, how).mean(axis=0))
            for readout in self.layers:
                self._add_readout(readout, state)

    def _add_readout(self, readout: ReadoutConfig, state: State) -> None:
        """Adds a changed readout where it applies: embeddings have no site, and only NAS has a threshold."""
        self.watcher.check()
        if readout.site != self.own.site and state != "embedding":
            self.add("site", readout.site, state, self._mean(readout, state))
        elif readout.pooling != self.own.pooling:
            self.add("pooling", readout.pooling, state, self._mean(readout, state))
        elif readout.threshold and state == "nas":
            self.add("threshold of NAS", f"{readout.threshold:g}", state, self._mean(readout, state))

    def _mean(self, readout: ReadoutConfig, state: State) -> NDArray[np.float64]:
        return np.asarray(layer_outcomes(self.layers[readout], state).mean(axis=0))

    def add(self, choice: str, value: str, state: State, each: NDArray[Any]) -> None:
        """Adds a row. each: score of every pair, (pairs,)."""
        per_pair: NDArray[np.float64] = np.asarray(each, dtype=np.float64)
        low, high = bootstrap_interval(per_pair)
        apart = per_pair - self.base[state]
        apart_low, apart_high = bootstrap_interval(apart)
        numbers = (per_pair.mean(), low, high, apart.mean(), apart_low, apart_high)
        self.found.append([choice, value, state, *map(float, numbers)])


def _by_pairs(layers: StudyLayers, pairs: int, watcher: Watcher) -> pd.DataFrame:
    """Scores from the first 10 pairs to all. Fewer pairs have fewer distractors, so small samples score too high."""
    rows = []
    for state in STATES:
        watcher.check()
        for count, each in outcomes_by_pairs(layers, state, pair_counts(pairs)).items():
            low, high = bootstrap_interval(each)
            rows.append((state, count, float(each.mean()), float(low), float(high)))
    return pd.DataFrame(rows, columns=["state", "pairs", "score", "ci_low", "ci_high"])


def _path(recipe: Recipe, study: Study) -> Path:
    """The cache file of the ablation without pivots, whose rows follow from the results of their studies."""
    return recipe.result_path(study.bitext(), ".ablation.parquet", ablation="")


def write_ablation(ablation: Ablation, path: Path) -> None:
    """Writes the table as Parquet, with the curve over pairs in every row. Raises OSError if it cannot be written."""
    frame = ablation.table.assign(
        pairs=json.dumps(ablation.pairs.to_dict("list")),
        study=json.dumps(ablation.study.fields, sort_keys=True),
        provenance=json.dumps(dict(ablation.provenance), sort_keys=True),
    )
    write_checked(frame, _checksum(ablation), path)


def read_ablation(path: Path, study: Study, bundled: bool = False) -> Ablation:
    """The ablation that write_ablation stored. bundled: it comes with the dashboard, and may be without a checksum.

    Raises OSError, KeyError or ValueError if the file is missing or damaged.
    """
    if bundled:
        frame = pd.read_parquet(io.BytesIO(path.read_bytes()))
        if "checksum" not in frame:
            return _from_frame(study, frame)
    return read_checked(path, partial(_from_frame, study), _checksum)


def _checksum(ablation: Ablation) -> int:
    """CRC-32 of everything in it but the study, which is asked for."""
    held = [ablation.table.to_dict("list"), ablation.pairs.to_dict("list"), dict(ablation.provenance)]
    return zlib.crc32(json.dumps(held, sort_keys=True).encode())


def _from_frame(study: Study, frame: pd.DataFrame) -> Ablation:
    pairs = pd.DataFrame(json.loads(frame["pairs"].iloc[0]))
    provenance = json.loads(frame["provenance"].iloc[0]) if "provenance" in frame else {}  # not in the oldest files
    return Ablation(study, frame[COLUMNS], pairs, provenance)


@dataclass(frozen=True)
class Settings:
    """How much does each choice of the method matter? pivots: further targets for the source."""

    name: ClassVar[str] = "settings"
    study: Study
    pivots: tuple[str, ...] = ()
    at_once: ClassVar[int | None] = None

    def sentences(self) -> tuple[str, ...]:
        return pair_sentences(self.study)

    def cached(self) -> Ablation | None:
        return find_ablation(self.study, self.pivots)

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Ablation:
        return run_ablation(self.study, self.pivots, device=device, watcher=watcher)
