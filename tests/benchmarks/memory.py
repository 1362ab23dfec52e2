"""How much memory a piece of work takes at its peak, from the kernel's count for this process alone (Linux).

`ru_maxrss` will not do: a child starts with its parent's, so that after a large parent it seems to take nothing.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from neuronxa_core.models.loading import load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.states.extraction import extract
from tests.benchmarks.pairs import PAIRS, sides

CLEAR = Path("/proc/self/clear_refs")
_Made = TypeVar("_Made")


class MeasurementError(Exception):
    """A number that cannot be true."""


def peak_above(work: Callable[[], _Made]) -> tuple[int, _Made]:
    """Bytes by which `work` raised this process's peak above what it held before, and what `work` returned."""
    CLEAR.write_text("5")  # the peak becomes what is resident now
    before = _peak()
    made = work()
    return _peak() - before, made


def possible(peak: int, held: int) -> int:
    """`peak`, if work that returned `held` bytes can have had it. Raises MeasurementError with the reason otherwise."""
    if peak <= 0 or peak < held:
        raise MeasurementError(
            f"A peak of {peak / 2**20:.0f} MB is impossible where {held / 2**20:.0f} MB were held at the end: "
            "the measurement is wrong."
        )
    return peak


def memory_rows() -> list[tuple[str, str, str, bool]]:
    """For each size, the peak above the whole model in memory with one sentence read, in a process of its own."""
    rows = []
    for pairs, most in ((PAIRS, 150), (1000, None)):
        code = f"from tests.benchmarks.memory import print_memory; print_memory({pairs})"
        measured = subprocess.check_output([sys.executable, "-c", code], text=True)
        peak, held = map(int, measured.split())
        megabytes, states = possible(peak, held) / 2**20, held / 2**20
        what = f"peak memory above the loaded model, {pairs:,} pairs ({states:.0f} MB of it states)"
        target = f"under {most} MB" if most else "states and 100 MB"
        rows.append((what, target, f"{megabytes:.0f} MB", megabytes < (most or states + 100)))
    return rows


def print_memory(pairs: int) -> None:
    """Print the bytes of the peak above the loaded model, and those of the states that are held at the end."""
    model = load_model(find_checkpoint(ModelRef("demo")), "cpu", "float32")
    both = sides(pairs)
    extract(model, both[0][:1])
    for weights in model.parts.decoder.parameters():
        weights.sum()  # all of it in memory, mapped or not
    peak, kept = peak_above(lambda: [extract(model, side) for side in both])
    print(peak, sum(array.nbytes for each in kept for array in vars(each).values()))


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise MeasurementError("This kernel does not count a process's peak (VmHWM).")
