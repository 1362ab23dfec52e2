"""Two Ray workers against one, Ray against the local engine, and a plan at scale. Run by hand, alone:

    python -m tests.benchmarks.sweeps [--only workers|scale] [--times 5]

`workers` runs 24 bundled languages against English through the demo, scoring included, one thread a
worker. Workers have started and loaded the model before the clock does; every repetition draws other sentences, also in
another run of this program, so that nothing is cached. Processor time is told beside the seconds, since it does not
depend on what else the machine does. `scale` is a plan of 20 models on 204 languages: the scheduler with tasks that end
at once, beside tasks at the paper's size (100 pairs, 32 layers, 14,336 neurons) whose states are drawn and scored.
"""

import argparse
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import known_languages
from neuronxa_core.metrics.scoring import Outcomes, retrieval
from neuronxa_core.settings import settings
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.crew import Crew
from neuronxa_core.sweep.plan import Task, task_of
from neuronxa_core.sweep.ray_engine import Actors, Share, _ray, _Worker
from neuronxa_core.sweep.run import Done, Told, run_group, run_task
from neuronxa_core.sweep.store import Store
from tests.benchmarks.conditions import heading
from tests.benchmarks.runs import prepared

LANGUAGES, PAIRS = 24, 10


def tasks(seed: int, languages: int = LANGUAGES) -> list[Task]:
    """A task per language on sentences that this seed draws."""
    codes = [code for code in open_corpus("everyday").languages if code != "eng_Latn"][:languages]
    return [task_of(Study("demo", "everyday", code, "eng_Latn", pairs=PAIRS, sample=seed)) for code in codes]


class Warm(Actors):
    """Workers that were started, and have loaded the model, before they are asked for."""

    def __init__(self, url: str, size: int) -> None:
        super().__init__(url, "cpu", Share(1))
        self.kind = self.ray.remote(num_cpus=0.5)(_Worker)  # three on two cores, of which two work at a time
        self.warm = [super(Warm, self).start() for _ in range(size)]
        self.ray.get([worker.run.remote(task) for worker, task in zip(self.warm, tasks(9999, size), strict=True)])
        self.left: list[Any] = []

    def start(self) -> Any:
        return self.left.pop()

    def seconds(self, todo: Sequence[Task], store: Store) -> tuple[float, float]:
        """(seconds, processor seconds of the workers and of this process)."""
        self.left = list(self.warm)
        started, before = time.perf_counter(), self._processor()
        Crew(self, len(self.warm), todo, store, lambda done: None).run()
        return time.perf_counter() - started, self._processor() - before

    def _processor(self) -> float:
        ticks = 0
        for pid in self.ray.get([worker.pid.remote() for worker in self.warm]):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def compare(folder: Path, times: int) -> None:
    """Seconds of one worker, of two, and of the local engine, in turn."""
    (folder / "cache").mkdir()
    os.environ["NEURONXA_CACHE_DIR"] = str(prepared(str(folder / "cache")))  # alike for all: a full one takes time
    settings.cache_clear()
    store = Store(str(folder / "store"), create=True)
    found: dict[str, list[tuple[float, float]]] = {"one worker": [], "two workers": [], "local": []}
    first = random.SystemRandom().randrange(1_000_000)
    with _ray(""):
        one, two = Warm(store.url, 1), Warm(store.url, 2)
        run_task(tasks(9998, 1)[0], store)
        for turn in range(times):
            seed = first + 3 * turn
            found["one worker"].append(one.seconds(tasks(seed + 1), store))
            found["two workers"].append(two.seconds(tasks(seed + 2), store))
            todo, started, before = tasks(seed + 3), time.perf_counter(), time.process_time()
            run_group(todo, store, "cpu", Told().watcher, lambda done: None)
            found["local"].append((time.perf_counter() - started, time.process_time() - before))
    medians = {name: [statistics.median(values) for values in zip(*each, strict=True)] for name, each in found.items()}
    for name, each in found.items():
        told = ", ".join(f"{second:.2f}" for second, _ in each)
        print(f"{name}: median {medians[name][0]:.2f} s of {told}; {medians[name][1]:.2f} s of processor time")
    one_worker, two_workers, local = (medians[name] for name in ("one worker", "two workers", "local"))
    print(f"two workers are {one_worker[0] / two_workers[0]:.2f} times as fast as one")
    for end, what in enumerate(("", " of processor time")):
        over = 100 * (one_worker[end] / local[end] - 1)
        print(f"one worker takes {over:+.1f} %{what} against the local engine")


class Stub:
    """Workers in this process. full: states at the paper's size, drawn and scored; else the outcomes alone."""

    def __init__(self, store: Store | None, full: bool) -> None:
        self.store, self.full, self.working = store, full, 0.0
        self.drawn = np.random.default_rng(0)
        self.resident: list[float] = []
        """Memory after each task."""

    def start(self) -> int:
        return 0

    def hand(self, worker: int, task: Task) -> Task:
        return task

    def ready(self, tickets: Sequence[Task]) -> list[Task]:
        return list(tickets[:1])

    def collect(self, ticket: Task) -> Done:
        started = time.perf_counter()
        outcomes = {}
        for state, layers, width in zip(STATES, (32, 32, 33), (14_336, 14_336, 4_096), strict=True):
            found = [self._layer(width) for _ in range(layers)]
            outcomes[state] = Outcomes(*(np.stack(direction) for direction in zip(*found, strict=True)))
        result = StudyResult(ticket.study, outcomes, {"model_fingerprint": "stub"})
        if self.store:
            self.store.add(ticket, result)
        self.working += time.perf_counter() - started
        self.resident.append(_resident())
        return Done(ticket, 0.0, result.mean("nas"))

    def _layer(self, width: int) -> Outcomes:
        if not self.full:
            return Outcomes(*(self.drawn.random((2, 100)) < 0.5))
        ours, theirs = self.drawn.random((2, 100, width), dtype=np.float32)
        return retrieval(ours, theirs)


def at_scale(folder: Path, most: int) -> None:
    """Time outside of the tasks, and memory, over a plan of 20 x 204; then tasks at full size."""
    codes = [code for code in known_languages() if code != "eng_Latn"][:204]
    plan = [
        Task(
            Study(f"stub/{model}", "flores", code, "eng_Latn", pooling="position", dtype="bfloat16"), f"{model}-{code}"
        )
        for model in range(20)
        for code in codes
    ]
    store = Store(str(folder / "scale"), create=True)
    for name, todo, full in (("20 x 204 at once", plan, False), (f"{most} at full size", plan[:most], True)):
        stub = Stub(store, full)
        started = time.perf_counter()
        Crew(stub, 8, todo, store, lambda done: None).run()
        seconds = time.perf_counter() - started
        outside = (seconds - stub.working) / len(todo)
        marks = [stub.resident[place * (len(todo) - 1) // 4] / 1e6 for place in range(5)]
        print(
            f"{name}: {seconds:.1f} s, {1000 * outside:.2f} ms a task outside of the task "
            f"({stub.working / len(todo):.3f} s in it), memory after the first, a quarter, a half, three quarters and "
            f"all: {', '.join(f'{mark:.0f}' for mark in marks)} MB"
        )
    size = sum(file.stat().st_size for file in (folder / "scale").rglob("*") if file.is_file())
    started = time.perf_counter()
    rows = len(Store(store.url).rows())
    print(f"the store: {size / 1e6:.1f} MB, {rows:,} rows read in {time.perf_counter() - started:.2f} s")


def _resident() -> float:
    """Bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return float(pages * resource.getpagesize())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["workers", "scale"], default="")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=20, help="at full size")
    options = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as made:
        if options.only != "scale":
            compare(Path(made), options.times)
        if options.only != "workers":
            at_scale(Path(made), options.tasks)
