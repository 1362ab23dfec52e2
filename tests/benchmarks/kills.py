"""SIGKILL of a worker, the driver, Ray's head and the store's server at random moments. Run by hand:

    python -m tests.benchmarks.kills [--only worker|driver|head|server] [--times 10] [--seed 0] [--languages 12]

Two tiny models on made-up languages. Each time a new sweep with a cache of its own loses one process at a moment that
the seed draws, is started again if that was the driver or the head, and its store must hold what an undisturbed one
holds: the same tasks, bit for bit, nothing damaged, nothing failed. The server is moto with a journal, see
persistent_s3.
"""

import argparse
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from neuronxa_core.sweep.objects import Objects
from neuronxa_core.sweep.store import Store
from tests.benchmarks.conditions import heading
from tests.tiny import save_tiny_model

PAIRS = 8
_NEVER_EQUAL = ["written", "checksum", "provenance"]
"""Columns with a time in them; what else is in the provenance is compared with the times left out."""
_S3 = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@dataclass
class Setting:
    """A plan and how many tasks it has, and where everything lies."""

    folder: Path
    tasks: int
    drawn: random.Random
    more: dict[str, str] = field(default_factory=dict)
    """Further variables for the processes."""

    @property
    def plan(self) -> Path:
        return self.folder / "plan.yaml"

    def start(self, store: str, name: str, *options: str) -> subprocess.Popen[bytes]:
        """A sweep, with the cache of this name."""
        command = [sys.executable, "-m", "neuronxa_core", "sweep", str(self.plan), "--store", store, "--device", "cpu"]
        own = {"NEURONXA_CACHE_DIR": str(self.folder / f"cache {name}"), "OMP_NUM_THREADS": "1"}
        environment = {**os.environ, **own, **self.more}
        with self.log.open("w") as log:
            return subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT, env=environment)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def ended(self) -> int:
        """Tasks that the running sweep says have ended."""
        return sum(line.startswith("[") for line in self.log.read_text().splitlines())

    def moment(self, process: subprocess.Popen[bytes]) -> str:
        """Waits for a moment of the sweep that the seed draws, and tells which."""
        share, more = self.drawn.random(), self.drawn.random()
        while process.poll() is None and self.ended < int(share * self.tasks):
            time.sleep(0.003)
        time.sleep(0.05 * more)
        over = "" if process.poll() is None else ", when all was over"
        return f"at {self.ended} of {self.tasks} tasks{over}"

    def finished(self, process: subprocess.Popen[bytes]) -> None:
        assert process.wait(timeout=500) == 0, self.log.read_text()[-2000:]


def made(folder: Path, languages: int, seed: int) -> Setting:
    """Two tiny models, a corpus, and the plan."""
    drawn = random.Random(seed)
    corpus = folder / "corpus"
    corpus.mkdir()
    codes = ["eng_Latn", *(f"q{chr(97 + place // 26)}{chr(97 + place % 26)}_Latn" for place in range(languages))]
    for code in codes:
        lines = [" ".join(f"{code[1:3]}{drawn.randrange(99)}" for _ in range(12)) for _ in range(PAIRS)]
        (corpus / f"{code}.txt").write_text("\n".join(lines) + "\n")
    models = [str(save_tiny_model(folder / f"model {number}", seed=number)) for number in (1, 2)]
    setting = Setting(folder, 2 * languages, drawn)
    setting.plan.write_text(f"models: {models}\ncorpora: {corpus}\npairs: {PAIRS}\ndtype: float32\n")
    return setting


def content(store: str) -> pd.DataFrame:
    """What a store holds, without times. Raises AssertionError if anything is damaged or failed."""
    opened = Store(store)
    assert opened.problems() == []
    rows = opened.rows()
    assert opened.failures(rows["key"]) == {}, opened.failures(rows["key"])
    assert opened.planned() == set(rows["key"])
    return rows.drop(columns=_NEVER_EQUAL).sort_values("key", ignore_index=True)


def finish(setting: Setting, store: str, name: str, *options: str) -> None:
    setting.finished(setting.start(store, name, *options))


def kill_driver(setting: Setting, store: str, name: str, *options: str) -> str:
    process = setting.start(store, name, *options)
    told = setting.moment(process)
    process.kill()
    process.wait()
    finish(setting, store, name, *options)
    return told


def kill_worker(setting: Setting, store: str, name: str, *options: str) -> str:
    process = setting.start(store, name, *options)
    told = setting.moment(process)
    workers = [pid for pid in descendants(process.pid) if "ray::_Worker" in command_of(pid)]
    if workers and process.poll() is None:
        os.kill(setting.drawn.choice(workers), signal.SIGKILL)
    setting.finished(process)
    return told if workers else f"{told}: no worker was there"


def kill_head(setting: Setting, store: str, name: str, *options: str) -> str:
    """Kills what holds a cluster of Ray together; the sweep may end, and is started again."""
    process = setting.start(store, name, *options)
    told = setting.moment(process)
    for pid in [pid for pid in descendants(process.pid) if "gcs_server" in command_of(pid).partition("\0")[0]]:
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=500)
    finish(setting, store, name, *options)
    return told


def descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


class Server:
    """An S3 server that keeps a journal, and can be killed."""

    def __init__(self, journal: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.journal = journal
        self.process = self.begin()

    def begin(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.benchmarks.persistent_s3", str(self.port), str(self.journal)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self.process
            except OSError:
                time.sleep(0.1)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def s3(setting: Setting) -> Iterator[Server]:
    server = Server(setting.folder / "journal")
    setting.more = _S3 | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}"}
    os.environ.update(setting.more)
    try:
        Objects("s3://results").fs.mkdir("results")
        yield server
    finally:
        server.kill()


def kill_server(server: Server, setting: Setting, store: str, name: str) -> str:
    process = setting.start(store, name)
    told = setting.moment(process)
    server.kill()
    time.sleep(2 * setting.drawn.random())
    server.begin()
    setting.finished(process)
    return told


def repeat(what: str, times: int, reference: pd.DataFrame, once: Callable[[str], tuple[str, str]]) -> bool:
    """Whether every repetition ended in the undisturbed store. once: of a name, (store, what was told)."""
    equal = 0
    for number in range(times):
        started = time.perf_counter()
        store, told = once(f"{what}-{number}")
        try:
            pd.testing.assert_frame_equal(content(store), reference, check_exact=True)
            equal, said = equal + 1, "identical"
        except AssertionError as error:
            said = f"DIFFERS: {error}"
        print(f"{what} {number + 1}: killed {told}, {time.perf_counter() - started:.0f} s, {said}", flush=True)
    print(f"{what}: {equal} of {times} stores are identical to the undisturbed one", flush=True)
    return equal == times


def main(options: argparse.Namespace, folder: Path) -> bool:
    setting = made(folder, options.languages, options.seed)
    finish(setting, str(folder / "undisturbed"), "undisturbed")
    reference, wanted = content(str(folder / "undisturbed")), options.only or "driver worker head server"
    assert len(reference) == setting.tasks
    ray = ["--engine", "ray", "--workers", "2"]
    good = True
    kinds: Mapping[str, tuple[Callable[..., str], Sequence[str]]] = {
        "driver": (kill_driver, []),
        "worker": (kill_worker, ray),
        "ray-driver": (kill_driver, ray),
        "head": (kill_head, ray),
    }
    for what, (kill, engine) in kinds.items():
        if what.rpartition("-")[2] in wanted:

            def once(name: str, kill: Callable[..., str] = kill, engine: Sequence[str] = engine) -> tuple[str, str]:
                return str(folder / name), kill(setting, str(folder / name), name, *engine)

            good &= repeat(what, options.times, reference, once)
    if "server" in wanted:
        with s3(setting) as server:
            good &= repeat(
                "server",
                options.times,
                reference,
                lambda name: (f"s3://results/{name}", kill_server(server, setting, f"s3://results/{name}", name)),
            )
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=["worker", "driver", "head", "server"], default="")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--languages", type=int, default=12)
    chosen = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as made_here:
        sys.exit(not main(chosen, Path(made_here)))
