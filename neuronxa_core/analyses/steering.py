"""Does adding a direction change which language comes out? DiffMean between two languages, beside random directions.

The direction is the mean hidden state of the target minus that of the source after one layer, over the first half of
the pairs. Times a strength it is added there at every token while the second half is tested: beginnings of sentences in
the source are continued greedily, and both languages are read for their bits per byte. Random directions of the same
length are the control. Sources: DiffMean over 32 languages, arXiv:2601.08331; how unreliable steering is from input to
input, arXiv:2407.12404.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

from neuronxa_core.analyses.steering_answer import UNSTEERED, Condition, SteeringAnswer
from neuronxa_core.analyses.steering_plan import TOKENS, Plan, halves_of, prompts_of
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.recipe import local_recipe, recipe_for
from neuronxa_core.study.study import Study

STRENGTHS = (0.5, 1.0, 2.0)
CONTROLS = 5
PROMPTS = 20
MOST_PROMPTS = 200
FEWEST_PAIRS = 4
_MOST = {"strengths": 10, "controls": 20}


@dataclass(frozen=True)
class Steering:
    """Does DiffMean turn the study's source into its target?

    layer: after which it is added, from 1, or 0 for the middle one; strengths: by which it is multiplied; controls: how
    many random directions; prompts: how many of the source's test sentences are begun, if there are as many.
    """

    name: ClassVar[str] = "steering"
    study: Study
    layer: int = 0
    strengths: tuple[float, ...] = STRENGTHS
    controls: int = CONTROLS
    prompts: int = PROMPTS
    seed: int = 0

    def __post_init__(self) -> None:
        strengths = tuple(sorted({float(each) for each in self.strengths} - {0.0}))
        object.__setattr__(self, "strengths", strengths)
        if not strengths or len(strengths) > _MOST["strengths"]:
            raise StudyError("There is no strength, or more than ten.", "Use some, such as 0.5, 1 and 2.")
        if not all(isfinite(each) and 0 < each <= 100 for each in strengths):
            raise StudyError("A strength must be above 0 and up to 100.", "Swap the languages to steer the other way.")
        if not 0 <= self.controls <= _MOST["controls"] or self.seed < 0 or self.layer < 0:
            raise StudyError("Layer, controls and seed cannot be negative.", f"Use {CONTROLS} controls and the seed 0.")
        if not 1 <= self.prompts <= MOST_PROMPTS:
            raise StudyError(f"There cannot be {self.prompts} prompts.", f"Use 1 to {MOST_PROMPTS}.")
        if self.study.pairs < FEWEST_PAIRS:
            raise StudyError("The pairs are too few to halve.", f"Use {FEWEST_PAIRS} pairs or more.")

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What is measured: the unchanged model, and at each strength the direction and the random ones."""
        numbers = range(self.controls + 1)
        return (UNSTEERED, *(Condition(strength, number) for strength in self.strengths for number in numbers))

    @property
    def asked(self) -> dict[str, Any]:
        """The choices beside the study, as an export tells them."""
        return {
            "layer": self.layer,
            "strengths": list(self.strengths),
            "controls": self.controls,
            "prompts": self.prompts,
            "tokens": TOKENS,
            "seed": self.seed,
        }

    @property
    def at_once(self) -> int:
        return self.study.pairs

    def sentences(self) -> list[str]:
        """Those that find the direction, once, and those that test it, once per condition. Raises CorpusError."""
        return [*self._finding(), *len(self.conditions) * self._testing()]

    def unread(self) -> list[str]:
        """As `sentences`, without those of conditions that are in the cache."""
        recipe = local_recipe(self.study)
        if recipe is None:
            return self.sentences()
        plan = Plan(self, recipe)
        finding = [] if plan.stored_direction() else self._finding()
        return [*finding, *len(plan.missing()) * self._testing()]

    @property
    def written(self) -> int:
        """Tokens that are written, without those of conditions that are in the cache. Raises CorpusError."""
        return len(self._missing()) * len(prompts_of(halves_of(self.study), self.prompts)) * TOKENS

    @property
    def characters(self) -> tuple[float, float]:
        """How many go through the layers, and how many through the head, as `unread`. Raises CorpusError.

        A steered pass begins at its layer, which is half of the work for the middle one.
        """
        found, missing = halves_of(self.study), self._missing()
        finding = 0 if UNSTEERED not in missing else sum(map(len, self._finding()))
        tested = sum(len(each) for _, test in found.values() for each in test)
        steered = len(missing) - (UNSTEERED in missing)
        depth = 1.0 if self.layer else 0.5
        return finding + tested * (len(missing) - steered + depth * steered), tested * len(missing)

    def _missing(self) -> Sequence[Condition]:
        recipe = local_recipe(self.study)
        return Plan(self, recipe).missing() if recipe else self.conditions

    def _finding(self) -> list[str]:
        return [each for find, _ in halves_of(self.study).values() for each in find]

    def _testing(self) -> list[str]:
        """The test sentences of both languages, and those whose beginnings are continued."""
        found = halves_of(self.study)
        return [*found["target"][1], *found["source"][1], *prompts_of(found, self.prompts)]

    def cached(self) -> SteeringAnswer | None:
        """The answer if every condition is in the cache."""
        found = self.finished()
        return found if found and len(found.conditions) == len(self.conditions) else None

    def finished(self) -> SteeringAnswer | None:
        """The strengths in the cache, such as those of a run that was cancelled; None if there are none."""
        try:
            recipe = local_recipe(self.study)
            return Plan(self, recipe).stored() if recipe else None
        except NeuronXAError:  # run reports a language that lacks these lines
            return None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> SteeringAnswer:
        return Plan(self, recipe_for(self.study, device, watcher)).run(watcher)
