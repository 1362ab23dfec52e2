"""SIGKILL of runs at random moments: nothing half-written is read, the next run has the same numbers. Run by hand:

    python -m tests.benchmarks.kills_of_runs [--times 6] [--demo 2] [--seed 0] [--only PHASE]

Each time a run with a cache of its own is killed at a moment that the seed draws: `preparing` the demo's weights,
`extracting`, `writing` to the cache, `exporting` to --out, or in the dashboard's `worker`. Then no process of it may be
left, what has its name in the cache must be whole, and the same command once more must write the scores of a run that
nobody disturbed, byte for byte. An hour later nothing half-written is left either.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.errors import WorkerError
from neuronxa_core.gallery.parts import run_anyway
from neuronxa_core.progress import SILENT
from neuronxa_core.settings import settings
from neuronxa_core.study.study import Study
from neuronxa_core.upkeep import cache
from neuronxa_core.worker.process import Worker
from tests.benchmarks.conditions import heading
from tests.benchmarks.load import processes
from tests.tiny import save_tiny_model

PAIRS = 200
_AT_A_FILE = """
import os, signal, sys
left, under = int(sys.argv.pop(1)), sys.argv.pop(1)
def hook(event, of):
    global left
    if event in ("open", "os.rename", "os.mkdir", "os.remove") and str(of[0]).startswith(under):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from neuronxa_core.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line in a process that kills itself before it touches the n-th file below a folder."""


@dataclass
class Setting:
    """A tiny model, a corpus of long lines, and where the caches lie."""

    folder: Path
    drawn: random.Random

    def options(self, model: str, name: str) -> list[str]:
        corpus, pairs = ("everyday", "8") if model == "demo" else (str(self.folder / "corpus"), str(PAIRS))
        asked = {"model": model, "corpus": corpus, "source": "deu_Latn", "target": "eng_Latn", "pairs": pairs}
        asked |= {"device": "cpu", "out": str(self.folder / name / "out")}
        return ["run", *(part for option, value in asked.items() for part in (f"--{option}", value))]

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        folders = {"NEURONXA_CACHE_DIR": str(self.folder / name), "TMPDIR": str(self.folder / "tmp")}
        environment = os.environ | folders | {"OMP_NUM_THREADS": "1"}
        with (self.folder / "log").open("w") as log:
            return subprocess.Popen([sys.executable, *command], stdout=log, stderr=subprocess.STDOUT, env=environment)

    def whole(self, name: str, model: str) -> bytes:
        """The scores of a run that nobody disturbs."""
        code = self.start(name, "-m", "neuronxa_core", *self.options(model, name)).wait()
        assert code == 0, (self.folder / "log").read_text()
        return (self.folder / name / "out" / "scores.csv").read_bytes()

    @property
    def tiny(self) -> str:
        return str(self.folder / "model")


def prepared(folder: Path, seed: int) -> Setting:
    """Everything that the runs need."""
    save_tiny_model(folder / "model")
    (folder / "corpus").mkdir()
    (folder / "tmp").mkdir()
    for code, word in (("eng_Latn", "sun"), ("deu_Latn", "Sonne")):
        lines = (f"{word} {number} " + "und so weiter " * (number % 7) for number in range(PAIRS))
        (folder / "corpus" / f"{code}.txt").write_text("\n".join(lines))
    return Setting(folder, random.Random(seed))


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _at(true: Callable[[], bool], process: "subprocess.Popen[bytes]", later: float) -> None:
    """Waits until it is true or the process has ended, then so many seconds more."""
    while process.poll() is None and not true():
        time.sleep(0.001)
    time.sleep(later)


def preparing(setting: Setting, name: str) -> str:
    """The demo's weights are being converted, which takes fifteen seconds."""
    process, later = setting.start(name, "-m", "neuronxa_core", *setting.options("demo", name)), setting.drawn.random()
    models = setting.folder / name / "models"
    _at(lambda: models.is_dir() and any(models.glob("*.part-*")), process, 12 * later)
    process.kill()
    process.wait()
    return ", ".join(sorted({path.name for path in models.glob("*")})) or "nothing yet"


def extracting(setting: Setting, name: str) -> str:
    """States are being computed; their file has not got its name."""
    process = setting.start(name, "-m", "neuronxa_core", *setting.options(setting.tiny, name))
    states = setting.folder / name / "states"
    _at(lambda: states.is_dir() and any(states.iterdir()), process, 0.6 * setting.drawn.random())
    process.kill()
    process.wait()
    return f"{len(_files(states))} files of states"


def _at_a_file(below: str, most: int, setting: Setting, name: str) -> str:
    number, folder = setting.drawn.randrange(most), setting.folder / name / below
    options = setting.options(setting.tiny, name)
    code = setting.start(name, "-c", _AT_A_FILE, str(number), str(folder), *options).wait()
    assert code in (0, -signal.SIGKILL), (setting.folder / "log").read_text()
    return f"before file operation {number}{'' if code else ', which there was not'}"


def worker(setting: Setting, name: str) -> str:
    """The process in which a dashboard computes."""
    os.environ["NEURONXA_CACHE_DIR"] = str(setting.folder / name)
    settings.cache_clear()
    study = Study(setting.tiny, str(setting.folder / "corpus"), "deu_Latn", "eng_Latn", pairs=PAIRS)
    ours, said = Worker(), ["done before"]

    def run() -> None:
        try:
            ours.run(partial(run_anyway, Alignment(study)), SILENT)
        except WorkerError as error:
            said[0] = error.problem

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(setting.drawn.uniform(0.2, 6))
    if ours.pid:
        os.kill(ours.pid, signal.SIGKILL)
    thread.join()
    ours.run(partial(run_anyway, Alignment(study)), SILENT)  # a new worker
    ours.end()
    return said[0]


PHASES: Mapping[str, Callable[[Setting, str], str]] = {
    "preparing": preparing,
    "extracting": extracting,
    "writing": partial(_at_a_file, "", 40),
    "exporting": partial(_at_a_file, "out", 6),
    "worker": worker,
}


def faults(setting: Setting, name: str, model: str, undisturbed: bytes) -> list[str]:
    """What is not as it has to be after a kill."""
    folder, found = setting.folder / name, []
    deadline = time.monotonic() + 5
    while processes(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    found += [f"process {process.name} is left" for process in processes(folder)]
    os.environ["NEURONXA_CACHE_DIR"] = str(folder)
    settings.cache_clear()
    found += [f"{entry.path} is damaged" for entry in cache.damaged(cache.entries())]
    out = folder / "out" / "scores.csv"
    if out.exists() and out.read_bytes() != undisturbed:
        found.append("half of scores.csv")
    if setting.whole(name, model) != undisturbed:
        found.append("other scores")
    return found + [f"{path} stays" for path in _left(setting, name)]


def _left(setting: Setting, name: str) -> list[Path]:
    """What is half-written an hour later, after a run that writes something."""
    folder = setting.folder / name
    for file in _files(folder):
        os.utime(file, (time.time() - 4000,) * 2)
    options = [*setting.options(setting.tiny, name), "--pairs", "20"]
    assert setting.start(name, "-m", "neuronxa_core", *options).wait() == 0, (setting.folder / "log").read_text()
    return [*(path for path in folder.rglob("*") if ".part" in path.name), *(setting.folder / "tmp").iterdir()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=6, help="kills of each phase but preparing")
    parser.add_argument("--demo", type=int, default=2, help="kills while the demo is prepared")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=PHASES)
    asked = parser.parse_args()
    print(f"{heading(f'seed {asked.seed}')}\n| phase | killed at | found |\n|---|---|---|", flush=True)
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        setting = prepared(Path(place), asked.seed)
        for phase in [asked.only] if asked.only else PHASES:
            model = "demo" if phase == "preparing" else setting.tiny
            times = asked.demo if model == "demo" else asked.times
            undisturbed = setting.whole(f"whole {phase}", model) if times else b""
            for number in range(times):
                name = f"{phase} {number}"
                moment = PHASES[phase](setting, name)
                found = faults(setting, name, model, undisturbed)
                wrong += bool(found)
                print(f"| {phase} | {moment} | {'; '.join(found) or 'the same scores, nothing left'} |", flush=True)
    sys.exit(f"{wrong} kills left something wrong" if wrong else 0)


if __name__ == "__main__":
    main()
