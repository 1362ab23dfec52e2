"""What a step of a lesson asks for: a number within a tolerance, one of several choices, or a layer."""

import re
from dataclasses import dataclass
from typing import Literal

from neuronxa_core.interface import tr

Kind = Literal["number", "choice", "layer"]
LAYERS = 18
"""Layers on offer where a lesson does not say how many there are: those of the demo model."""


@dataclass(frozen=True)
class Answer:
    """The right answer. tolerance: how far a number may be off; unit: beside the field; choices: in the file's order.

    layers: how many are on offer; helps: (wrong choice, what to say about it).
    """

    kind: Kind
    right: str
    tolerance: float = 0.0
    unit: str = ""
    choices: tuple[str, ...] = ()
    layers: int = LAYERS
    helps: tuple[tuple[str, str], ...] = ()

    def is_right(self, given: str) -> bool:
        """Whether a given answer is right. A text that is no number is a wrong number."""
        if self.kind == "choice":
            return given == self.right
        value, right = number_of(given), number_of(self.right)
        return value is not None and right is not None and abs(value - right) <= self.tolerance + 1e-9

    def help(self, given: str) -> str:
        """One sentence about a wrong answer that does not give the right one away."""
        if self.kind == "choice":
            return dict(self.helps).get(given, tr("Not this one."))
        value, right = number_of(given), number_of(self.right)
        if value is None or right is None:
            return tr("This is not a number: write it in digits, such as 12 or 0.54.")
        less = value < right
        if self.kind == "layer":
            return tr("The layer is deeper in the model.") if less else tr("The layer is earlier in the model.")
        return tr("Your number is too small.") if less else tr("Your number is too large.")

    def written(self, given: str) -> str:
        """A given answer in one spelling, so that equal answers count as one: `0,50` and `0.5` both as 0.5."""
        value = number_of(given)
        return given if self.kind == "choice" or value is None else f"{value:.10g}"


_NUMBER = re.compile(r"[+-]?\d{1,12}(\.\d{1,12})?")


def number_of(text: str) -> float | None:
    """The number that a person wrote: 0.54, 0,54, 54 %, −3; None for any other text."""
    plain = text.strip().replace("−", "-").replace(",", ".").removesuffix("%").strip()
    return float(plain) if plain.isascii() and _NUMBER.fullmatch(plain) else None
