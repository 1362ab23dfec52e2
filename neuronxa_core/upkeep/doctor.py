"""What a study needs of this machine, checked one thing after another. Nothing is changed unless `repair` says so."""

import os
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from neuronxa_core.errors import NeuronXAError
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import memory_available, resolve_device, resolve_dtype
from neuronxa_core.numbers import count
from neuronxa_core.progress import Watcher
from neuronxa_core.settings import DASHBOARD, settings
from neuronxa_core.study import bundled
from neuronxa_core.upkeep import cache
from neuronxa_core.version import __version__

_NAMED = ("torch", "transformers", "streamlit", "numpy")
_ROOM = 500_000_000
_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


@dataclass(frozen=True)
class Finding:
    """One line of the examination. step: what to do; empty where nothing has to be done."""

    about: str
    said: str
    step: str = ""

    def __str__(self) -> str:
        return f"{'do' if self.step else 'ok'}  {self.about}: {self.said}{f'. {self.step}' if self.step else ''}"


def examine(repair: bool, watcher: Watcher) -> Iterator[Finding]:
    """The findings, each as soon as it is made. repair: deletes damaged cache files, mends the demo's weights.

    Raises Cancelled.
    """
    for about, check in _CHECKS.items():
        try:
            found = list(check(about, repair, watcher))
        except NeuronXAError as error:
            found = [Finding(about, error.problem.removesuffix("."), error.next_step)]
        except OSError as error:
            said = f"{error.filename} cannot be read ({error.strerror})"
            found = [Finding(about, said, "Check who may read it, or set NEURONXA_CACHE_DIR to another folder.")]
        yield from found
        if about == "settings" and found[0].step:  # without them, nobody knows which cache or which device
            return


def _settings(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    now = settings()
    yield Finding(about, f"{now.mode} mode, device {now.device}, runs in a {now.worker}")


def _versions(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    from packaging.requirements import Requirement

    installed, wrong = [], []
    for asked in map(Requirement, _requirements()):
        if asked.marker and not asked.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(asked.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{asked.name} is missing")
            continue
        installed.append(asked.name)
        if not asked.specifier.contains(version, prereleases=True):
            wrong.append(f"{asked.name} is {version}, not {asked.specifier}")
    versions = [f"{name} {metadata.version(name)}" for name in _NAMED if name in installed]
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(about, ", ".join([f"NeuronXA Explorer {__version__}", f"Python {python}", *versions]))
    if wrong:
        yield Finding("packages", "; ".join(wrong), "Install them with: pip install -r requirements.txt")
    else:
        yield Finding("packages", f"{count(len(installed), 'package')}, all in the releases that are supported")


def _requirements() -> list[str]:
    """What the package asks for: from pyproject.toml in the repository, else from its metadata."""
    project = DASHBOARD / "pyproject.toml"
    if project.is_file():
        asked: list[str] = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
        return asked
    return metadata.requires("neuronxa-explorer") or []


def _cores(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding(about, f"{count(usable, 'core')} to compute with")


def _memory(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    free, needed = memory_available("cpu"), 2 * demo.BYTES_IN_MEMORY
    if free is None:
        yield Finding(about, "unknown on this system")
    elif free < needed:
        step = "Close other programs, raise the container's limit or NEURONXA_MEMORY_GB, or use --dtype bfloat16."
        yield Finding(about, f"{size(free)} free, and a run of the demo takes up to {size(needed)}", step)
    else:
        yield Finding(about, f"{size(free)} free")


def _gpu(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    device = resolve_device("auto")
    said = f"studies run on {device} in {resolve_dtype('auto', device)}"
    if device == "cpu" and any(Path(driver).exists() for driver in _DRIVERS) and settings().device == "auto":
        step = "Install a build of torch for this GPU, or set NEURONXA_DEVICE=cpu."
        yield Finding(about, "there is a driver, but torch finds no GPU", step)
    else:
        yield Finding(about, said if device != "cpu" else f"none; {said}")


def _cache(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    folder = settings().cache_dir
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    free = shutil.disk_usage(there).free
    held = sum(entry.bytes for entry in cache.entries())
    said = f"{folder} has {size(held)}, and the disk {size(free)} free"
    needed = _ROOM if demo.demo_folder().is_dir() else demo.BYTES_NEEDED
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding(about, f"{folder} cannot be written to", "Set NEURONXA_CACHE_DIR to a writable folder.")
    elif free < needed:
        step = "Free some, for example with: neuronxa cache clear --older-than 30"
        yield Finding(about, f"{said}; runs need {size(needed)}", step)
    else:
        yield Finding(about, said)


def _damaged(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    entries = cache.entries()
    broken = cache.damaged(entries)
    broken += [entry for entry in entries if entry.kind == cache.LEFTOVERS]
    if not broken:
        yield Finding(about, "no file of the cache is damaged")
        return
    said = f"{count(len(broken), 'file')} ({size(sum(entry.bytes for entry in broken))})"
    if not repair:
        step = "Run neuronxa doctor --repair, which deletes them; what is needed is computed again."
        of = "damaged, of an earlier format or left by an interrupted run"
        yield Finding(about, f"{said} {of}, the first {broken[0].path}", step)
        return
    left = [entry for entry in broken if not cache.delete(entry)]
    if left:
        yield Finding(about, f"{left[0].path} cannot be deleted", "Check who may write to the cache folder.")
    else:
        yield Finding(about, f"{said} deleted")


def _gallery(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    broken = bundled.damaged_files()
    if broken:
        said = f"{count(len(broken), 'file')} damaged or missing and not used, the first {bundled.GALLERY / broken[0]}"
        yield Finding(about, said, "Get assets/gallery again from the repository, or install the package again.")
    else:
        yield Finding(about, "every precomputed file is as it was built")


def _demo(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    if not demo.demo_folder().is_dir():
        yield Finding(about, "not prepared yet, which the first run does in about fifteen seconds")
        return
    broken = demo.damaged_files(watcher)
    if broken and repair:
        demo.prepare_demo(watcher)
        yield Finding(about, f"{', '.join(broken)} prepared again")
    elif broken:
        step = "Run neuronxa doctor --repair, which prepares them again, or just a study of the demo."
        yield Finding(about, f"damaged or missing: {', '.join(broken)}", step)
    else:
        yield Finding(about, f"{demo.TITLE} is prepared, and every file is as it was")


def _chromium(about: str, repair: bool, watcher: Watcher) -> Iterator[Finding]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    yield Finding(about, found or "not installed; only the browser tests need it (apt-get install chromium)")


def size(number: int) -> str:
    """A number of bytes as people say it: `1.1 GB`, `12.3 MB`, `4 kB`."""
    for unit, digits, named in ((1e9, 1, "GB"), (1e6, 1, "MB")):
        if number >= unit:
            return f"{number / unit:.{digits}f} {named}"
    return f"{-(-number // 1000)} kB"


_CHECKS: Mapping[str, Callable[[str, bool, Watcher], Iterator[Finding]]] = {
    "settings": _settings,
    "versions": _versions,
    "cores": _cores,
    "memory": _memory,
    "GPU": _gpu,
    "cache": _cache,
    "damaged files": _damaged,
    "gallery": _gallery,
    "demo weights": _demo,
    "chromium": _chromium,
}
