"""How well is a language pair aligned while neurons are changed? Its curves and NASCA with the change and without it.

Measured on the pairs that did not find the neurons, beside random neurons of the same number in the same layers, whose
change is the control. A neuron that is set to a value is the same for every sentence, so at its own layer it tells no
sentences apart; from there on the change shows in what later layers make of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.cells import Chosen, Plan, halves
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.neuron_sets import NeuronSet
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.scoring import Outcomes, chance_rate
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, SentenceStates, State, first_layer
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.runner import score_layers
from neuronxa_core.study.study import Study

Measured = Mapping[State, Outcomes]
"""The outcomes of every test pair by state, each direction (layers, pairs)."""
FEWEST_PAIRS = 4
"""Pairs of a study whose second half can be scored."""


@dataclass(frozen=True)
class ChangedAlignment(Shown):
    """The alignment of the test pairs without the change, with it, and under each random set.

    neurons: how many are changed; asked: the choices of the intervention, as an export tells them.
    """

    study: Study
    neurons_of: str
    neurons: int
    unchanged: Measured
    changed: Measured
    controls: tuple[Measured, ...]
    asked: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def pairs(self) -> int:
        """How many pairs are scored: the second half of the study's."""
        return int(self.unchanged["nas"].mutual.shape[1])

    @property
    def chance(self) -> float:
        return chance_rate(self.pairs)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per state and layer: neurons_of, state, layer, `unchanged` and `changed` with their intervals,
        `change` with its own (ci_low, ci_high), and `control`, the mean score under the random sets.

        Scores are fractions in [0, 1]; intervals are 95 percent, pairs resampled. NaN where there are no controls.
        """
        return pd.concat([self._rows(state) for state in STATES], ignore_index=True)

    def _rows(self, state: State) -> pd.DataFrame:
        before, after = (each[state].mutual for each in (self.unchanged, self.changed))
        columns: dict[str, Any] = {
            "neurons_of": self.neurons_of,
            "state": state,
            "layer": np.arange(len(before)) + first_layer(state),
        }
        for name, mutual in (("unchanged", before), ("changed", after)):
            low, high = bootstrap_interval(mutual).T
            columns |= {name: mutual.mean(axis=1), f"{name}_low": low, f"{name}_high": high}
        low, high = bootstrap_interval(after.astype(float) - before).T
        columns |= {"change": after.mean(axis=1) - before.mean(axis=1), "ci_low": low, "ci_high": high}
        controls = [each[state].mutual.mean(axis=1) for each in self.controls]
        return pd.DataFrame(columns | {"control": np.mean(controls, axis=0) if controls else np.nan})

    def mean(self, state: State) -> tuple[float, float]:
        """NASCA, NAVCA or MEXA, the mean over the state's layers, without the change and with it."""
        return float(self.unchanged[state].mutual.mean()), float(self.changed[state].mutual.mean())

    def control_means(self, state: State) -> NDArray[np.float64]:
        """The mean over the state's layers under each random set, (controls,)."""
        return np.array([each[state].mutual.mean() for each in self.controls])

    def change_interval(self, state: State) -> tuple[float, float]:
        """95 percent interval of the change of `mean`, pairs resampled, each with all its layers."""
        return _interval(_by_pair(self.changed, state) - _by_pair(self.unchanged, state))

    def beyond_controls(self, state: State) -> tuple[float, float, float] | None:
        """`mean` with the change minus its mean under the random sets, and the 95 percent interval; None without any.

        Below 0, these neurons matter more to the pair than random ones.
        """
        if not self.controls:
            return None
        controls = np.mean([_by_pair(each, state) for each in self.controls], axis=0)
        difference = _by_pair(self.changed, state) - controls
        return float(difference.mean()), *_interval(difference)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table."""
        return {"with_without": self.table}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the intervention, and the mean over layers of every state."""
        means = {}
        for state, name in SUMMARY_NAMES.items():
            (before, after), interval = self.mean(state), list(self.change_interval(state))
            means[name] = {
                "unchanged": before,
                "changed": after,
                "interval_of_change": interval,
                "controls": self.control_means(state).tolist(),
            }
        return {
            "study": self.study.told,
            "intervention": dict(self.asked) | {"neurons_of": self.neurons_of, "neurons": self.neurons},
            "test_pairs": self.pairs,
            **means,
            "provenance": self.study.traced(self.provenance),
        }


def _by_pair(measured: Measured, state: State) -> NDArray[np.float64]:
    """The share of layers at which each pair is aligned, (pairs,)."""
    return np.asarray(measured[state].mutual.mean(axis=0))


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = bootstrap_interval(values)
    return float(low), float(high)


@dataclass(frozen=True)
class WithWithout:
    """How well are the study's two languages aligned with an intervention and without it?

    intervention: its study is this one; neurons_of: which of its sets is changed.
    """

    name: ClassVar[str] = "with_without"
    study: Study
    intervention: Interventions
    neurons_of: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "intervention", replace(self.intervention, study=self.study))
        self.intervention.refuse_other_than_mine(self.neurons_of)
        if self.study.pairs < FEWEST_PAIRS:
            raise StudyError(
                "The second half of the pairs is too small to score.", f"Use {FEWEST_PAIRS} pairs or more."
            )

    @property
    def at_once(self) -> int:
        return self.study.pairs

    @property
    def _numbers(self) -> range:
        """The set itself is 0, its controls count from 1."""
        return range(self.intervention.controls + 1)

    def sentences(self) -> list[str]:
        """Those that find the neurons, if these are not in the cache, and the test pairs once for each condition."""
        both = self._test_sentences()
        recipe = local_recipe(self.study)
        plan = Plan(self.intervention, recipe) if recipe else None
        chosen = plan.stored_choice() if plan else None
        if plan is None or chosen is None:
            finding = [each for code in self.intervention.languages for each in halves(self.study, code)[0]]
            return finding + (len(self._numbers) + 1) * both
        paths = {self._path(plan, neurons) for neurons in self._sets(plan, chosen)}
        return sum(not path.is_file() for path in paths) * both

    def _test_sentences(self) -> list[str]:
        return [each for code in (self.study.source, self.study.target) for each in halves(self.study, code)[1]]

    def cached(self) -> ChangedAlignment | None:
        recipe = local_recipe(self.study)
        return self._stored(Plan(self.intervention, recipe)) if recipe else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> ChangedAlignment:
        recipe = recipe_for(self.study, device, watcher)
        plan = Plan(self.intervention, recipe)
        plan.refuse_experts()
        together = Together(watcher, len(self.sentences()))
        chosen = plan.choose(together)
        for neurons in self._sets(plan, chosen):
            path = self._path(plan, neurons)
            if store.read_or_discard(path, _read) is None:
                measured = _measure(recipe, plan, neurons, together)
                store.write_aside(path, partial(write_checked_json, content_of(measured)))
        answer = self._stored(plan)
        if answer is None:
            raise StudyError("The cache lost results while others were computed.", "Raise NEURONXA_CACHE_GB.")
        return answer

    def _stored(self, plan: Plan) -> ChangedAlignment | None:
        chosen = plan.stored_choice()
        if chosen is None:
            return None
        sets = self._sets(plan, chosen)
        found = [store.read_or_discard(self._path(plan, neurons), _read) for neurons in sets]
        there = [each for each in found if each is not None]
        if len(there) < len(found):
            return None
        unchanged, changed, *controls = there
        provenance, asked = plan.recipe.provenance(chosen.taken_from), self.intervention.asked
        study, size = plan.recipe.study, len(sets[1])
        return ChangedAlignment(study, self.neurons_of, size, unchanged, changed, tuple(controls), asked, provenance)

    def _sets(self, plan: Plan, chosen: Chosen) -> list[NeuronSet]:
        """What is changed in each condition: nothing, the neurons, each random set."""
        sets = plan.sets(chosen)
        return [sets["", 0], *(sets[self.neurons_of, number] for number in self._numbers)]

    def _path(self, plan: Plan, neurons: NeuronSet) -> Path:
        sides = {
            side: sentences_hash(halves(self.study, getattr(self.study, side))[1]) for side in ("source", "target")
        }
        return store.result_path(store.cache_key(plan.recipe.key | sides | plan.change_key(neurons)), ".changed.json")


def _measure(recipe: Recipe, plan: Plan, neurons: NeuronSet, together: Together) -> Measured:
    """The outcomes of the test pairs while the neurons are changed."""
    from neuronxa_core.states.extraction import extract_readouts

    study = recipe.study
    sides: list[SentenceStates] = []
    change = plan.change(neurons, together) if len(neurons) else None
    for code in (study.source, study.target):
        sentences = halves(study, code)[1]
        model = recipe.model(together)
        sides += extract_readouts(model, sentences, [study.readout], watcher=together, change=change)
        together.before += len(sentences)
    source, target = sides
    return {state: score_layers(state, source, target, together) for state in STATES}


def content_of(measured: Measured) -> dict[str, dict[str, list[str]]]:
    """Each state and direction as a text of 0 and 1 per layer."""
    return {
        state: {
            name: ["".join("01"[int(each)] for each in row) for row in getattr(outcomes, name)]
            for name in Outcomes._fields
        }
        for state, outcomes in measured.items()
    }


def _read(path: Path) -> Measured:
    return outcomes_of(read_checked_json(path))


def outcomes_of(content: Mapping[str, Mapping[str, list[str]]]) -> Measured:
    """The outcomes of which `content_of` made this."""
    return {
        state: Outcomes(
            *(np.array([[each == "1" for each in row] for row in content[state][name]]) for name in Outcomes._fields)
        )
        for state in STATES
    }
