"""Work for the worker process, which imports it by name: quick to import, and each does one thing."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from neuronxa_core.errors import ModelError
from neuronxa_core.progress import Phase, Watcher


def process(watcher: Watcher) -> int:
    """The process that it runs in."""
    return os.getpid()


def count(folder: Path, until: Path, watcher: Watcher) -> int:
    """Reports until a file is there, and heeds the watcher; how many times it ran. Leaves a file for each run."""
    runs = len(list(folder.glob("run-*"))) + 1
    (folder / f"run-{runs}").touch()
    done = 0
    while not until.exists():
        done += 1
        watcher.report("extracting", done, 1000, "counting")
        watcher.check()
        time.sleep(0.01)
    return runs


def sleep_on(begun: Path, watcher: Watcher) -> None:
    """Heeds nothing."""
    begun.touch()
    time.sleep(60)


def start_a_child(told: Path, watcher: Watcher) -> None:
    """Starts a process, writes down both, and sleeps."""
    code = (
        "import time; from neuronxa_core.lifetime import end_with_parent\n"
        f"end_with_parent({os.getpid()}); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    aside = told.with_suffix(".part")
    aside.write_text(f"{os.getpid()} {child.pid}")
    aside.replace(told)
    time.sleep(60)


def die(by: signal.Signals, watcher: Watcher) -> None:
    os.kill(os.getpid(), by)


def refuse(watcher: Watcher) -> None:
    raise ModelError("There is no model at x.", "Check the path.")


def divide_by_nothing(watcher: Watcher) -> float:
    return 1 / 0


def run_out_of_memory(watcher: Watcher) -> None:
    raise MemoryError


def idle(told: Path, watcher: Watcher, imports: bool = False) -> None:
    """Writes down its priority, and goes on until it is stopped, which it writes down too.

    imports: as a warm-up that has not come to the weights yet.
    """
    if not imports:
        watcher.report("preparing weights")
    told.write_text(str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    try:
        while True:
            watcher.check()
            time.sleep(0.01)
    finally:
        told.write_text("stopped")


def report(phase: Phase, watcher: Watcher) -> None:
    watcher.report(phase)
