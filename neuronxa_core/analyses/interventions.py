"""What breaks when neurons are switched off? Neurons found on one half of the sentences, changed on the other half.

Found on the first half of the pairs, tested on the second: relative change of bits per byte in every language, beside
random neurons of the same number in the same layers, without which the change says nothing.
Source: LAPE and its deactivation, Tang et al. 2024, arXiv:2402.16438. That interventions on such neurons do not improve
tasks in low-resource languages: arXiv:2503.17456.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from neuronxa_core.analyses.cells import Plan, halves
from neuronxa_core.analyses.effects import Cell, Effects
from neuronxa_core.analyses.neuron_sets import SETS, SetName
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.recipe import local_recipe, recipe_for
from neuronxa_core.study.study import Study

ControlCells = Literal["own", "all"]
CONTROL_CELLS: tuple[ControlCells, ...] = ("own", "all")
ZERO, MEAN = "zero", "mean"
FEWEST_CONTROLS = 5


@dataclass(frozen=True)
class Interventions:
    """What does changing some neurons do to each language?

    set: whose neurons, see neuron_sets; share: of all neurons; layers: the first and last from which they come, 0 and 0
    for all; to: zero, mean (over all languages), or a language for its mean; control_cells: where controls are
    measured; listed: (set, layer, neuron) of the set `listed`.
    """

    name: ClassVar[str] = "interventions"
    bits: ClassVar[bool] = True
    study: Study
    languages: tuple[str, ...]
    set: SetName = "lape"
    share: float = 0.02
    layers: tuple[int, int] = (0, 0)
    to: str = ZERO
    controls: int = FEWEST_CONTROLS
    control_cells: ControlCells = "own"
    seed: int = 0
    listed: tuple[tuple[str, int, int], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "languages", tuple(dict.fromkeys(language(code).code for code in self.languages)))
        if self.set not in SETS or bool(self.listed) != (self.set == "listed"):
            raise StudyError(f"The set cannot be {self.set!r}.", f"Choose one of: {', '.join(SETS)}.")
        if len(self.languages) < (2 if self.set in ("lape", "shared") else 1):
            raise StudyError("Neurons of languages need at least two languages.", "Choose more languages.")
        if not 0 < self.share <= 1:
            raise StudyError(f"The share of neurons cannot be {self.share}.", "Use a fraction above 0 and up to 1.")
        if self.control_cells not in CONTROL_CELLS or self.controls < 0 or self.seed < 0:
            raise StudyError("Controls and seed cannot be negative.", "Use 5 controls and the seed 0.")
        if self.layers != (0, 0) and not 1 <= self.layers[0] <= self.layers[1]:
            raise StudyError(f"The layers cannot be {self.layers[0]}-{self.layers[1]}.", "Give the first and the last.")
        if self.to not in (ZERO, MEAN):
            object.__setattr__(self, "to", language(self.to).code)
            if self.to not in self.languages:
                raise StudyError(f"{self.to} is not one of the languages.", f"Use {ZERO}, {MEAN} or one of them.")

    @property
    def names(self) -> tuple[str, ...]:
        """Whose neurons: the languages, or the one set; of a list, its sets."""
        if self.set == "listed":
            return tuple(dict.fromkeys(name for name, _, _ in self.listed))
        return self.languages if self.set == "lape" else (self.set,)

    def refuse_other_than_mine(self, name: str) -> None:
        """Raises StudyError unless this is one of `names`."""
        if name not in self.names:
            raise StudyError(
                f"{name} owns none of the neurons that are changed.", f"Choose one of: {', '.join(self.names)}."
            )

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What is measured: the unchanged model, every set in every language, and the controls.

        A set that belongs to a language has its controls measured in that language, or in all on request; any other
        set has them measured in all.
        """
        plain = [Cell("", 0, code) for code in self.languages]
        own = [Cell(name, 0, code) for name in self.names for code in self.languages]
        controls = [
            Cell(name, number, code)
            for name in self.names
            for code in self.languages
            if self.control_cells == "all" or name not in self.languages or name == code
            for number in range(1, self.controls + 1)
        ]
        return (*plain, *own, *controls)

    @property
    def asked(self) -> dict[str, Any]:
        """The choices beside study and languages, as an export tells them."""
        told = {
            "set": self.set,
            "share": self.share,
            "layers": list(self.layers) if any(self.layers) else "all",
            "to": self.to,
            "controls": self.controls,
            "control_cells": self.control_cells,
            "seed": self.seed,
        }
        return told | ({"listed": self.listed_digest} if self.listed else {})

    @property
    def listed_digest(self) -> str:
        """Identifies the neurons that are listed; empty if none are."""
        text = json.dumps(self.listed, ensure_ascii=False)
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if self.listed else ""

    @property
    def at_once(self) -> int:
        return self.study.pairs

    def sentences(self) -> list[str]:
        """Those that find, once, and those that test, once per cell. Raises CorpusError."""
        return self._sentences(None)

    def unread(self) -> list[str]:
        """As `sentences`, without those of cells that are in the cache."""
        return self._sentences(self.finished())

    def _sentences(self, done: Effects | None) -> list[str]:
        found = {code: halves(self.study, code) for code in self.languages}
        cells = [cell for cell in self.cells if done is None or cell not in done.bits]
        tested = [sentence for cell in cells for sentence in found[cell.measured_in][1]]
        return tested if done else [sentence for first, _ in found.values() for sentence in first] + tested

    def cached(self) -> Effects | None:
        """The answer if every cell is in the cache."""
        found = self.finished()
        return found if found and found.finished == len(self.cells) else None

    def finished(self) -> Effects | None:
        """The cells in the cache, such as those of a run that was cancelled; None if there are none."""
        try:
            recipe = local_recipe(self.study)
            found = Plan(self, recipe).stored() if recipe else None
        except NeuronXAError:  # run reports a language that lacks these lines
            return None
        return found if found and found.finished else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Effects:
        return Plan(self, recipe_for(self.study, device, watcher)).run(watcher)
