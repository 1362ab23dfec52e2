"""How much memory a piece of work takes at its peak, from the kernel's count for this process alone (Linux).

`ru_maxrss` will not do: a child starts with its parent's, so that after a large parent it seems to take nothing.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from neuronxa_core.models.loading import RESIDENT
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.states import store
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
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
        peak, written = map(int, measured.split())
        megabytes, states = possible(peak, 0) / 2**20, written / 2**20
        what = f"peak memory above the loaded model, {pairs:,} pairs ({states:.0f} MB of states in the cache's file)"
        target = f"under {most} MB" if most else "states and 100 MB"
        rows.append((what, target, f"{megabytes:.0f} MB", megabytes < (most or states + 100)))
    return rows


def print_memory(pairs: int) -> None:
    """Print the bytes of a study's peak above the loaded model, scores included, and those of the states it wrote."""
    with store.apart(), tempfile.TemporaryDirectory() as folder:
        for code, sentences in zip(("deu_Latn", "eng_Latn"), sides(pairs), strict=True):
            Path(folder, f"{code}.txt").write_text("\n".join(sentences) + "\n", encoding="utf-8")
        study = Study("demo", folder, "deu_Latn", "eng_Latn", pairs=2, dtype="float32")
        run_study(study, device="cpu")
        model = RESIDENT.get(find_checkpoint(ModelRef("demo")), "cpu", "float32")
        for weights in model.parts.decoder.parameters():
            weights.sum()  # all of it in memory, mapped or not
        before = _written()
        peak, _ = peak_above(lambda: run_study(replace(study, pairs=pairs), device="cpu"))
        print(peak, _written() - before)


def _written() -> int:
    return sum(file.stat().st_size for file in (store.root() / "states").iterdir())


def _peak() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise MeasurementError("This kernel does not count a process's peak (VmHWM).")
