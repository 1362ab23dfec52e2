"""Time and memory from 1,000 to 20,000 pairs, of what is computed from states that are there. Run by hand, alone:

    python -m tests.benchmarks.scale [--pairs 1000 5000] [--part scores]

The states are random vectors of the demo model's sizes, one layer of each kind, since all layers take the same. Every
number comes from a process of its own: seconds, and by how much its peak lies above the vectors that it was given.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.analyses.space import MEASURES, LayerSpace
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.metrics.scoring import retrieval
from tests.benchmarks.conditions import heading
from tests.benchmarks.memory import peak_above, possible

PAIRS = (1_000, 2_000, 5_000, 10_000, 20_000)
NEURONS = 2_048
_Side = NDArray[np.float32]
PARTS: Mapping[str, tuple[str, Callable[[_Side, _Side], object]]] = {
    "scores": ("scores, both directions", retrieval),
    "csls": (
        "the same by centred CSLS (Settings)",
        lambda source, target: retrieval(source, target, how="centred csls"),
    ),
    "cosines": ("what Similarity says of every pair", lambda *sides: Cosines(*sides).summary),
    "rivals": (
        "Asymmetry's list, a quarter of the pairs lost each way",
        lambda *sides: _rivals(Cosines(*sides)),
    ),
    "space": ("the measures of the space", lambda *sides: _measured(LayerSpace(*sides))),
}


def _rivals(cosines: Cosines) -> list[object]:
    places = np.arange(0, len(cosines), 4)
    return [cosines.row_rivals(places), cosines.column_rivals(places)]


def _measured(space: LayerSpace) -> list[object]:
    return [measure.of(space) for measure in MEASURES]


def sides(pairs: int) -> tuple[_Side, _Side]:
    """Random sentences and translations that are near them, (pairs, NEURONS) each."""
    numbers = np.random.default_rng(0)
    source = numbers.standard_normal((pairs, NEURONS), dtype=np.float32)
    return source, source + 2 * numbers.standard_normal((pairs, NEURONS), dtype=np.float32)


def print_measured(part: str, pairs: int) -> None:
    both = sides(pairs)
    PARTS[part][1](*(side[:50] for side in both))
    started = time.perf_counter()
    peak, _ = peak_above(lambda: PARTS[part][1](*both))
    print(time.perf_counter() - started, possible(peak, 0))


def rows(part: str, counts: Sequence[int]) -> None:
    for pairs in counts:
        code = f"from tests.benchmarks.scale import print_measured; print_measured({part!r}, {pairs})"
        seconds, peak = map(float, subprocess.check_output([sys.executable, "-c", code], text=True).split())
        print(f"| {PARTS[part][0]} | {pairs:,} | {seconds:.1f} | {peak / 2**20:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS)
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    options = parser.parse_args()
    print(heading(f"one layer of {NEURONS:,} neurons"))
    print("| what | pairs | seconds | MB |\n|---|---|---|---|", flush=True)
    for part in options.part:
        rows(part, options.pairs)


if __name__ == "__main__":
    main()
