"""What the benchmark of memory says, against memory that was taken on purpose."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from neuronxa_core.models import demo
from tests.benchmarks import speed
from tests.benchmarks.memory import CLEAR, MeasurementError, memory_rows, possible

ROOT = Path(__file__).parents[2]
MB = 2**20
CHILD = """
import numpy as np
from tests.benchmarks.memory import peak_above

np.ones(300 * 2**17).sum()  # 300 MB that are gone again
def work():
    np.ones(40 * 2**17).sum()
    return np.ones(25 * 2**17), np.ones(15 * 2**17), np.ones(24 * 2**17)
peak, made = peak_above(work)
print(peak, sum(array.nbytes for array in made))
"""


@pytest.mark.slow
@pytest.mark.skipif(not CLEAR.exists(), reason="counts with Linux's /proc")
def test_a_childs_peak_is_its_own_after_a_larger_parent_and_a_larger_past():
    np.ones(500 * MB // 8).sum()
    output = subprocess.check_output([sys.executable, "-c", CHILD], cwd=ROOT, text=True)
    peak, held = map(int, output.split())
    assert held == 64 * MB
    assert 63 * MB < possible(peak, 0) < 70 * MB


@pytest.mark.parametrize(("peak", "held"), [(0, 0), (-MB, 0), (0, 66 * MB), (65 * MB, 66 * MB)])
def test_a_peak_below_what_was_held_is_refused(peak, held):
    with pytest.raises(MeasurementError, match="is impossible where"):
        possible(peak, held)


def test_the_benchmark_says_so_and_prints_no_row(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "check_output", lambda *_, **__: f"0 {66 * MB}")
    monkeypatch.setattr(demo, "prepare_demo", lambda: None)
    monkeypatch.setattr(sys, "argv", ["speed", "--only", "memory"])
    with pytest.raises(SystemExit, match="A peak of 0 MB is impossible where 0 MB were held at the end"):
        speed.main()
    assert "peak memory" not in capsys.readouterr().out


def test_a_possible_peak_is_printed(monkeypatch):
    monkeypatch.setattr(subprocess, "check_output", lambda *_, **__: f"{140 * MB} {66 * MB}")
    small, large = memory_rows()
    assert small == (
        "peak memory above the loaded model, 100 pairs (66 MB of states in the cache's file)",
        "under 150 MB",
        "140 MB",
        True,
    )
    assert large[2:] == ("140 MB", True)
