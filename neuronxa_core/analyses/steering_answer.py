"""What a direction between two languages does: the answer of `steering`, from bits and continuations by condition."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.effects import Beyond, Drawn, beyond, relative_change
from neuronxa_core.corpora.scripts import letters_in_script, scripts_of
from neuronxa_core.metrics.bootstrap import percentile_interval, resampled_means
from neuronxa_core.study.display import Shown
from neuronxa_core.study.study import Study

Side = Literal["target", "source"]
SIDES: tuple[Side, Side] = ("target", "source")
KINDS = (*SIDES, "other", "cannot_tell")
"""What the identifier says of a continuation, seen from the study's two languages."""


class Condition(NamedTuple):
    """What is added. strength: 0 for nothing; control: 0 for the direction itself, from 1 for a random one."""

    strength: float
    control: int


UNSTEERED = Condition(0.0, 0)


class Said(NamedTuple):
    """A continuation, the language that the identifier names, empty if it cannot tell, and its margin in nats."""

    text: str
    code: str
    margin: float


@dataclass(frozen=True)
class Measured:
    """What comes out under one condition. bits: -log2 p of each test sentence, (sentences,), by side."""

    bits: Mapping[Side, NDArray[np.float64]]
    said: tuple[Said, ...]

    @property
    def repetition(self) -> float:
        """How much the continuations repeat themselves, 0 to 1: of the pieces of four characters in each, the share
        that stood in it before; the mean over the continuations. NaN if all are shorter."""
        shares = [_repeated(each.text) for each in self.said if len(each.text) > 3]
        return float(np.mean(shares)) if shares else np.nan


def _repeated(text: str) -> float:
    pieces = [text[start : start + 4] for start in range(len(text) - 3)]
    return 1 - len(set(pieces)) / len(pieces)


@dataclass(frozen=True)
class SteeringAnswer(Shown):
    """Bits and continuations by condition. A run that was cancelled lacks some strengths.

    layer: after which the direction is added, of `layers`; length: the direction's, as a share of the mean length of
    the source's hidden states there; prompts: in the source; utf8_bytes: of the test sentences, by side; reliability:
    of the identifier, see corpora.identifier; asked: the choices of the request, as an export tells them.
    """

    study: Study
    layer: int
    layers: int
    length: float
    prompts: tuple[str, ...]
    conditions: Mapping[Condition, Measured]
    utf8_bytes: Mapping[Side, int]
    reliability: pd.DataFrame
    asked: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def strengths(self) -> tuple[float, ...]:
        """The strengths that are measured, rising, without 0."""
        return tuple(sorted({each.strength for each in self.conditions} - {0.0}))

    def controls(self, strength: float) -> list[Measured]:
        """What comes out under each random direction of a strength."""
        numbers = sorted(each.control for each in self.conditions if each.strength == strength and each.control)
        return [self.conditions[Condition(strength, number)] for number in numbers]

    @property
    def script_tells(self) -> bool:
        """Whether a letter's script tells the two languages apart."""
        one, other = scripts_of(self.study.target), scripts_of(self.study.source)
        return bool(one and other) and not one & other

    def share(self, measured: Measured, kind: str) -> float:
        """The share of the continuations that are in the target, in the source, in another language, or untold."""
        return float(self._outcomes(measured, kind).mean())

    def share_interval(self, measured: Measured, kind: str) -> tuple[float, float]:
        """The 95 percent interval of `share`, over prompts."""
        low, high = percentile_interval(resampled_means(self._outcomes(measured, kind)))
        return float(low), float(high)

    def _outcomes(self, measured: Measured, kind: str) -> NDArray[np.bool_]:
        return np.array([self._kind(each.code) == kind for each in measured.said])

    def _kind(self, code: str) -> str:
        names = {"": "cannot_tell", self.study.target: "target", self.study.source: "source"}
        return names.get(code, "other")

    def script_share(self, measured: Measured) -> float:
        """The share of all letters that are in the target's script; NaN without letters, or if script cannot tell."""
        ours, letters = self._letters(*(each.text for each in measured.said))
        return ours / letters if letters and self.script_tells else np.nan

    def _letters(self, *texts: str) -> tuple[int, int]:
        counted = np.array([letters_in_script(text, self.study.target) for text in texts])
        return int(counted[:, 0].sum()), int(counted[:, 1].sum())

    def change(self, measured: Measured, side: Side) -> tuple[float, float, float]:
        """The relative change of bits per byte of a language, with its 95 percent interval over sentences."""
        value, resampled = self._change(measured, side)
        low, high = percentile_interval(resampled)
        return value, float(low), float(high)

    def _change(self, measured: Measured, side: Side) -> Drawn:
        return relative_change(measured.bits[side], self.conditions[UNSTEERED].bits[side])

    def beyond_language(self, strength: float) -> Beyond | None:
        """The share in the target minus its mean under the random directions, over prompts; None without these.

        `highest` is the largest of the shares under a single random direction and without any.
        """
        steered, controls = self.conditions[Condition(strength, 0)], self.controls(strength)
        if not controls:
            return None
        own, *others = (self._drawn(each) for each in (steered, *controls))
        found = beyond(own, others)
        return replace(found, highest=max(found.highest, self.share(self.conditions[UNSTEERED], "target")))

    def _drawn(self, measured: Measured) -> Drawn:
        outcomes = self._outcomes(measured, "target")
        return float(outcomes.mean()), resampled_means(outcomes)

    def beyond_bits(self, strength: float, side: Side) -> Beyond | None:
        """The change of bits per byte minus its mean under the random directions, over sentences; or None."""
        steered, controls = self.conditions[Condition(strength, 0)], self.controls(strength)
        return (
            beyond(self._change(steered, side), [self._change(each, side) for each in controls]) if controls else None
        )

    @property
    def bits_per_byte(self) -> dict[str, float]:
        """Bits per byte of the unchanged model on the test sentences, by language."""
        plain = self.conditions[UNSTEERED].bits
        return {getattr(self.study, side): float(plain[side].sum() / self.utf8_bytes[side]) for side in SIDES}

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per condition.

        strength, direction (none, diffmean, random), control (its number), continuations; target, source, other,
        cannot_tell: shares of these by the identifier; target_script: share of letters, NaN if script cannot tell the
        two; repetition, see Measured; target_change, source_change: relative change of bits per byte as a fraction,
        each with its 95 percent interval over sentences (_low, _high).
        """
        return pd.DataFrame([self._row(each) for each in sorted(self.conditions)])

    def _row(self, condition: Condition) -> dict[str, Any]:
        measured = self.conditions[condition]
        row: dict[str, Any] = {
            "strength": condition.strength,
            "direction": direction_of(condition),
            "control": condition.control,
            "continuations": len(measured.said),
            **{kind: self.share(measured, kind) for kind in KINDS},
            "target_script": self.script_share(measured),
            "repetition": measured.repetition,
        }
        for side in SIDES:
            names = (f"{side}_change", f"{side}_low", f"{side}_high")
            row |= dict(zip(names, self.change(measured, side), strict=True))
        return row

    @cached_property
    def continuations(self) -> pd.DataFrame:
        """One row per condition and prompt: strength, direction, control, prompt, continuation, language (empty if the
        identifier cannot tell), margin (nats), target_script (share of its letters; NaN if script cannot tell)."""
        return pd.DataFrame([row for each in sorted(self.conditions) for row in self._texts(each)])

    def _texts(self, condition: Condition) -> Iterator[dict[str, Any]]:
        for prompt, said in zip(self.prompts, self.conditions[condition].said, strict=True):
            ours, letters = self._letters(said.text)
            yield {
                "strength": condition.strength,
                "direction": direction_of(condition),
                "control": condition.control,
                "prompt": prompt,
                "continuation": said.text,
                "language": said.code,
                "margin": said.margin,
                "target_script": ours / letters if letters and self.script_tells else np.nan,
            }

    @cached_property
    def differences(self) -> pd.DataFrame:
        """One row per strength and measure (share in the target; change of bits per byte in target and source):
        steered, control (the mean under the random directions), difference, ci_low, ci_high, stands_out."""
        rows = []
        for strength in self.strengths:
            found = {"target": self.beyond_language(strength)}
            found |= {f"{side}_change": self.beyond_bits(strength, side) for side in SIDES}
            for name, each in found.items():
                if each:
                    numbers = (each.change, each.change - each.value, each.value, each.low, each.high)
                    rows.append((strength, name, *numbers, each.stands_out))
        columns = ["strength", "measure", "steered", "control", "difference", "ci_low", "ci_high", "stands_out"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the conditions, the continuations, what goes beyond the controls, the identifier."""
        return {
            "steering": self.table,
            "continuations": self.continuations,
            "beyond_controls": self.differences,
            "identifier": self.reliability,
        }

    @property
    def summary(self) -> dict[str, Any]:
        """The study, what was asked, bits per byte of the unchanged model, and what goes beyond the controls."""
        rows = self.reliability.set_index("language").loc[[self.study.target, self.study.source]]
        return {
            "study": self.study.told,
            "steering": dict(self.asked) | {"layer": self.layer, "layers": self.layers, "length": self.length},
            "prompts": len(self.prompts),
            "bits_per_byte": self.bits_per_byte,
            "script_tells": self.script_tells,
            "beyond_controls": self.differences.to_dict("records"),
            "identifier": {
                "languages": len(self.reliability),
                **self.reliability.drop(columns=["language", "lines"]).mean().to_dict(),
                "of_the_two": rows.to_dict("index"),
            },
            "provenance": self.study.traced(self.provenance),
        }


def direction_of(condition: Condition) -> str:
    """`none`, `diffmean` or `random`."""
    if not condition.strength:
        return "none"
    return "random" if condition.control else "diffmean"
