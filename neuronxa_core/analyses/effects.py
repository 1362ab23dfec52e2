"""What changing neurons does to bits per byte: the answer of `interventions`, from the bits of every sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.metrics.bootstrap import percentile_interval, resampled_means
from neuronxa_core.study.display import Shown
from neuronxa_core.study.study import Study


class Cell(NamedTuple):
    """One measurement. neurons_of: whose neurons are changed, empty for an unchanged model.

    control: 0 for the neurons themselves, from 1 for a random set matched with them.
    """

    neurons_of: str
    control: int
    measured_in: str


Bits = Mapping[Cell, NDArray[np.float64]]
"""-log2 p of each test sentence, (sentences,), by cell."""


@dataclass(frozen=True)
class Beyond:
    """An effect minus the mean of its controls, with its 95 percent interval over sentences.

    highest: the largest change under a single control.
    """

    value: float
    low: float
    high: float
    change: float
    highest: float

    @property
    def stands_out(self) -> bool:
        """Whether the interval is above 0, and the change above that of every single control."""
        return self.low > 0 and self.change > self.highest


Drawn = tuple[float, NDArray[np.float64]]
"""A statistic, and its value in every resample, (resamples,)."""


def relative_change(changed: NDArray[np.float64], plain: NDArray[np.float64]) -> Drawn:
    """The relative change of bits per byte, from the bits of every sentence; the sentences are resampled.

    Bytes cancel, so that the change of bits is the change of bits per byte.
    """
    resampled = resampled_means(np.stack([changed, plain]))
    return float(changed.sum() / plain.sum()) - 1, resampled[0] / resampled[1] - 1


def beyond(own: Drawn, controls: Sequence[Drawn]) -> Beyond:
    """An effect minus the mean of its controls, of which there is at least one."""
    values, resampled = zip(*controls, strict=True)
    low, high = percentile_interval(own[1] - np.mean(resampled, axis=0))
    return Beyond(own[0] - float(np.mean(values)), float(low), float(high), own[0], max(values))


@dataclass(frozen=True)
class Effects(Shown):
    """The cells that are measured, and the neurons behind them. A run that was cancelled lacks some cells.

    neurons: rows of neuron_sets.COLUMNS; sizes: how many neurons each set has; utf8_bytes: of the test sentences.
    asked: the choices of the request, as an export tells them.
    """

    study: Study
    codes: tuple[str, ...]
    sizes: Mapping[str, int]
    neurons: pd.DataFrame
    bits: Bits
    utf8_bytes: Mapping[str, int]
    asked: Mapping[str, Any]
    provenance: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        """Whose neurons were changed, in order."""
        return tuple(self.sizes)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the effects, and the neurons."""
        return {"effects": self.effects, "neurons": self.neurons}

    @cached_property
    def effects(self) -> pd.DataFrame:
        """One row per measured cell: neurons_of, measured_in, neurons, change, control, ci_low, ci_high.

        change: relative change of bits per byte, a fraction, with its 95 percent interval over sentences; control: the
        mean change under the random sets, NaN where these were not measured. A set without neurons changes nothing.
        """
        rows = []
        for name in self.names:
            for code in self.codes:
                drawn = self._changes(Cell(name, 0, code))
                if drawn is None:
                    continue
                change, resampled = drawn
                low, high = percentile_interval(resampled)
                control = self.control_changes(name, code)
                mean = float(control.mean()) if len(control) else np.nan
                rows.append((name, code, self.sizes[name], change, mean, float(low), float(high)))
        columns = ["neurons_of", "measured_in", "neurons", "change", "control", "ci_low", "ci_high"]
        return pd.DataFrame(rows, columns=columns)

    def control_changes(self, name: str, code: str) -> NDArray[np.float64]:
        """The change under each random set that was measured in this cell, (controls,)."""
        return np.array([change for change, _ in self._control_changes(name, code)])

    def beyond_controls(self, name: str, code: str) -> Beyond | None:
        """A cell's change minus the mean of its controls; None unless both are measured."""
        own, controls = self._changes(Cell(name, 0, code)), list(self._control_changes(name, code))
        if own is None or not controls:
            return None
        return beyond(own, controls)

    def diagonal(self) -> dict[str, Beyond]:
        """Every language's own neurons measured in it, beyond the controls, as far as both are measured."""
        found = {code: self.beyond_controls(code, code) for code in self.codes if code in self.sizes}
        return {code: beyond for code, beyond in found.items() if beyond}

    @property
    def bits_per_byte(self) -> dict[str, float]:
        """Bits per byte of the unchanged model on the test sentences, by language, see analyses.bits_per_byte."""
        plain = {code: self.bits.get(Cell("", 0, code)) for code in self.codes}
        return {code: float(bits.sum() / self.utf8_bytes[code]) for code, bits in plain.items() if bits is not None}

    @property
    def finished(self) -> int:
        """How many cells are measured, the unchanged model's and the controls' included."""
        return len(self.bits)

    @property
    def summary(self) -> dict[str, Any]:
        """The study, what was asked, bits per byte of the unchanged model, each control, and the diagonal."""
        controls = [
            {"neurons_of": name, "measured_in": code, "changes": self.control_changes(name, code).tolist()}
            for name in self.names
            for code in self.codes
            if len(self.control_changes(name, code))
        ]
        diagonal = {
            code: {"beyond_controls": each.value, "interval": [each.low, each.high], "stands_out": each.stands_out}
            for code, each in self.diagonal().items()
        }
        return {
            "study": self.study.told,
            "languages": list(self.codes),
            "intervention": dict(self.asked),
            "bits_per_byte": self.bits_per_byte,
            "controls": controls,
            "diagonal": diagonal,
            "provenance": self.study.traced(self.provenance),
        }

    def _control_changes(self, name: str, code: str) -> Iterator[Drawn]:
        for number in range(1, int(self.asked["controls"]) + 1):
            drawn = self._changes(Cell(name, number, code))
            if drawn is not None:
                yield drawn

    def _changes(self, cell: Cell) -> Drawn | None:
        """A cell's relative change; None if it is not measured."""
        plain, changed = self.bits.get(Cell("", 0, cell.measured_in)), self.bits.get(cell)
        return None if plain is None or changed is None else relative_change(changed, plain)
