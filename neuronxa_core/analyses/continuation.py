"""How does a text go on while neurons are changed? The greedy continuation with the change, without it, and under a
random set of as many neurons in the same layers.

An anecdote and no measurement: one text, and at each step only the likeliest token.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from neuronxa_core.analyses.cells import Chosen, Plan, halves
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.lens_grid import LONGEST
from neuronxa_core.analyses.neuron_sets import NeuronSet
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import local_recipe, recipe_for
from neuronxa_core.study.study import Study

CONDITIONS = ("unchanged", "changed", "random")
MOST_TOKENS = 200


def beginning(study: Study, neurons_of: str) -> str:
    """The beginning of the first test sentence, in the set's language if it has one, else in the study's source."""
    return beginning_of(halves(study, neurons_of if language(neurons_of).known else study.source)[1][0])


def beginning_of(sentence: str) -> str:
    """The first half of a sentence's words; of its characters where it has three words or fewer."""
    words = sentence.split()
    return " ".join(words[: (len(words) + 1) // 2]) if len(words) > 3 else sentence[: (len(sentence) + 1) // 2]


@dataclass(frozen=True)
class ContinuedText(Shown):
    """What follows a text by condition; `random` is missing where the intervention has no controls.

    neurons_of, neurons: the set that is changed, and how many neurons it has.
    """

    study: Study
    text: str
    tokens: int
    neurons_of: str
    neurons: int
    continuations: Mapping[str, str]
    asked: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def table(self) -> pd.DataFrame:
        """One row per condition: condition, neurons_of, neurons (how many are changed), text, continuation."""
        rows = [
            (
                name,
                "" if name == "unchanged" else self.neurons_of,
                self.neurons * (name != "unchanged"),
                self.text,
                said,
            )
            for name, said in self.continuations.items()
        ]
        return pd.DataFrame(rows, columns=["condition", "neurons_of", "neurons", "text", "continuation"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table."""
        return {"continuation": self.table}

    def words_alike(self, condition: str) -> int:
        """With how many of the unchanged continuation's words the other one begins; characters without spaces."""
        one, other = (self._words(name) for name in ("unchanged", condition))
        both = zip(one, other, strict=False)
        return next((place for place, (ours, theirs) in enumerate(both) if ours != theirs), min(len(one), len(other)))

    def _words(self, condition: str) -> list[str]:
        said = self.continuations[condition]
        return said.split() if " " in said.strip() else list(said.strip())

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the intervention, and the continuations."""
        return {
            "study": self.study.told,
            "intervention": dict(self.asked) | {"neurons_of": self.neurons_of, "neurons": self.neurons},
            "text": self.text,
            "tokens": self.tokens,
            "continuations": dict(self.continuations),
            "provenance": self.study.traced(self.provenance),
        }


@dataclass(frozen=True)
class Continuation:
    """How does a text go on with one of an intervention's sets changed, and without?

    intervention: its study is this one; neurons_of: which of its sets is changed; tokens: at most that many follow.
    """

    name: ClassVar[str] = "continuation"
    study: Study
    intervention: Interventions
    neurons_of: str
    text: str
    tokens: int = 40

    def __post_init__(self) -> None:
        object.__setattr__(self, "intervention", replace(self.intervention, study=self.study))
        self.intervention.refuse_other_than_mine(self.neurons_of)
        if not self.text.strip():
            raise StudyError("There is no text to continue.", "Write the beginning of a sentence.")
        if len(self.text) > LONGEST:
            raise StudyError(f"The text has {len(self.text):,} characters.", f"Use {LONGEST:,} or fewer.")
        if not 1 <= self.tokens <= MOST_TOKENS:
            raise StudyError(f"A text cannot go on for {self.tokens} tokens.", f"Use 1 to {MOST_TOKENS}.")

    @property
    def written(self) -> int:
        """Tokens that follow the text under all conditions, at most."""
        return len(self.conditions) * self.tokens

    @property
    def at_once(self) -> int:
        return self.study.pairs

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is compared: without controls there is no random set."""
        return CONDITIONS if self.intervention.controls else CONDITIONS[:2]

    def sentences(self) -> list[str]:
        """Those that find the neurons, if these are not in the cache, and the text once for each condition."""
        recipe = local_recipe(self.study)
        chosen = Plan(self.intervention, recipe).stored_choice() if recipe else None
        finding = (
            [] if chosen else [each for code in self.intervention.languages for each in halves(self.study, code)[0]]
        )
        return [*finding, *(len(self.conditions) * [self.text])]

    def cached(self) -> ContinuedText | None:
        recipe = local_recipe(self.study)
        return self._stored(Plan(self.intervention, recipe)) if recipe else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> ContinuedText:
        """Raises StudyError if text and tokens exceed the model's context, and ModelError for an encoder."""
        from neuronxa_core.states.continuation import continue_greedily

        plan = Plan(self.intervention, recipe_for(self.study, device, watcher))
        plan.refuse_experts()
        together = Together(watcher, len(self.sentences()))
        chosen = plan.choose(together)
        for condition, neurons in self._sets(plan, chosen).items():
            path = self._path(plan, neurons)
            if store.read_or_discard(path, _read) is None:
                together.report("extracting", detail=condition)
                change = plan.change(neurons, together) if len(neurons) else None
                said = continue_greedily(plan.recipe.model(together), [self.text], self.tokens, change, together)[0]
                store.write_aside(path, partial(write_checked_json, said))
            together.before += 1
        answer = self._stored(plan)
        if answer is None:
            raise StudyError("The cache lost results while others were computed.", "Raise NEURONXA_CACHE_GB.")
        return answer

    def _stored(self, plan: Plan) -> ContinuedText | None:
        chosen = plan.stored_choice()
        if chosen is None:
            return None
        sets = self._sets(plan, chosen)
        found = {name: store.read_or_discard(self._path(plan, neurons), _read) for name, neurons in sets.items()}
        there = {name: said for name, said in found.items() if said is not None}
        if len(there) < len(found):
            return None
        size, provenance = len(sets["changed"]), plan.recipe.provenance(chosen.taken_from)
        study, asked = plan.recipe.study, self.intervention.asked
        return ContinuedText(study, self.text, self.tokens, self.neurons_of, size, there, asked, provenance)

    def _sets(self, plan: Plan, chosen: Chosen) -> dict[str, NeuronSet]:
        """What is changed in each condition: nothing, the neurons, a random set."""
        sets = plan.sets(chosen)
        changed = [sets["", 0], *(sets[self.neurons_of, number] for number in range(len(self.conditions) - 1))]
        return dict(zip(self.conditions, changed, strict=True))

    def _path(self, plan: Plan, neurons: NeuronSet) -> Path:
        key = plan.recipe.model_key | {"continued": self.text, "tokens": self.tokens} | plan.change_key(neurons)
        return store.result_path(store.cache_key(key), ".continued.json")


def _read(path: Path) -> str:
    return str(read_checked_json(path))
