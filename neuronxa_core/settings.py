"""The environment, read once: every setting is a NEURONXA_* variable and has a default that works."""

import os
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from neuronxa_core.errors import SettingsError, hide


def _dashboard() -> Path:
    """The folder of app.py, pages/ and assets/: beside this package in the repository, inside it once installed."""
    package = Path(__file__).resolve().parent
    installed = package / "_dashboard"
    return installed if installed.is_dir() else package.parent


DASHBOARD = _dashboard()
ASSETS = DASHBOARD / "assets"
PASSIVE = ("OMP_WAIT_POLICY", "PASSIVE")
"""Makes torch's waiting threads leave their core to others instead of spinning. Set it before torch is imported."""


@dataclass(frozen=True)
class Settings:
    """The settings of a process, one field per environment variable."""

    cache_dir: Path
    """NEURONXA_CACHE_DIR: converted weights, states and results. Default: ~/.cache/neuronxa."""
    cache_limit_bytes: int
    """NEURONXA_CACHE_GB: GB for states and results on disk; the least recently used are deleted first. Default: 10."""
    upload_bytes: int
    """NEURONXA_UPLOADS_GB: GB for all uploads together; the oldest unused are deleted first. Default: 2."""
    mode: str
    """NEURONXA_MODE: local, or shared: only models in NEURONXA_MODELS and paths in NEURONXA_CORPORA. Default: local."""
    allow_remote: bool
    """NEURONXA_ALLOW_REMOTE: 1 lets the dashboard serve other machines even in local mode. Default: 0."""
    models: tuple[str, ...]
    """NEURONXA_MODELS: comma-separated hub ids and paths that a shared deployment offers. Default: demo."""
    corpora: tuple[Path, ...]
    """NEURONXA_CORPORA: comma-separated files and folders, each offered with the corpora inside it. Default: none."""
    stores: tuple[str, ...]
    """NEURONXA_STORES: comma-separated folders and addresses of stores of sweeps, offered by name. Default: none."""
    address: str
    """NEURONXA_ADDRESS: the address under which other devices open the dashboard. Default: empty, none is known."""
    lessons: Path | None
    """NEURONXA_LESSONS: a folder of lessons of one's own, shown after the bundled ones. Default: none."""
    device: str
    """NEURONXA_DEVICE: the meaning of the device `auto`: auto, cpu, cuda, mps or spread. Default: auto, the fastest."""
    memory_bytes: int | None
    """NEURONXA_MEMORY_GB: how much of the device's memory a study may use, in GB. Default: what is free."""
    worker: str
    """NEURONXA_WORKER: where the dashboard computes: in a `process` of its own, or in a `thread` of the server."""
    framed_by: tuple[str, ...]
    """NEURONXA_FRAMED_BY: comma-separated sites that may show the dashboard in a frame. Default: none but its own."""
    runs_per_session: int
    """NEURONXA_RUNS_PER_SESSION: runs that one session of the dashboard may have queued or running. Default: 4."""
    log: str
    """NEURONXA_LOG: text, or json: one object per line on standard error, for machines. Default: text."""
    metrics: tuple[str, int] | None
    """NEURONXA_METRICS_PORT: port, or ADDRESS:PORT, that answers Prometheus; alone, on 127.0.0.1. Default: none."""
    batch_tokens: int | None
    """NEURONXA_BATCH_TOKENS: tokens in one forward pass, padding included. Default: 512 on a CPU, 8192 on a GPU."""


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. `settings.cache_clear()` reads the environment again.

    In shared mode, errors no longer tell where things lie on this machine.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    read = Settings(
        cache_dir=Path(os.environ.get("NEURONXA_CACHE_DIR") or home / "neuronxa").expanduser().absolute(),
        cache_limit_bytes=int(_positive("NEURONXA_CACHE_GB", 10.0) * 1e9),
        upload_bytes=int(_positive("NEURONXA_UPLOADS_GB", 2.0) * 1e9),
        mode=_one_of("NEURONXA_MODE", ("local", "shared")),
        allow_remote=_one_of("NEURONXA_ALLOW_REMOTE", ("0", "1")) == "1",
        models=_listed("NEURONXA_MODELS") or ("demo",),
        corpora=tuple(Path(path).expanduser().absolute() for path in _listed("NEURONXA_CORPORA")),
        stores=_listed("NEURONXA_STORES"),
        address=_address("NEURONXA_ADDRESS"),
        lessons=Path(os.environ["NEURONXA_LESSONS"]).expanduser().absolute()
        if os.environ.get("NEURONXA_LESSONS")
        else None,
        device=_one_of("NEURONXA_DEVICE", ("auto", "cpu", "cuda", "mps", "spread")),
        memory_bytes=int(_positive("NEURONXA_MEMORY_GB", 8.0) * 1e9) if "NEURONXA_MEMORY_GB" in os.environ else None,
        worker=_one_of("NEURONXA_WORKER", ("thread",) if sys.platform == "win32" else ("process", "thread")),
        framed_by=_sites("NEURONXA_FRAMED_BY"),
        runs_per_session=max(1, int(_positive("NEURONXA_RUNS_PER_SESSION", 4))),
        log=_one_of("NEURONXA_LOG", ("text", "json")),
        metrics=_place("NEURONXA_METRICS_PORT"),
        batch_tokens=max(1, int(_positive("NEURONXA_BATCH_TOKENS", 512)))
        if "NEURONXA_BATCH_TOKENS" in os.environ
        else None,
    )
    hide(_places(read) if read.mode == "shared" else {})
    return read


def _places(read: Settings) -> dict[str, str]:
    """Where things lie on this machine, by what people are told instead."""
    offered = [Path(model).expanduser() for model in read.models if model[0] in "/~."]
    named = {path: path.name for path in (*read.corpora, *offered)} | {read.cache_dir: "the cache folder"}
    named |= {Path.home(): "~"} if len(Path.home().parts) > 1 else {}
    return {str(path): name for path, name in named.items() if name}


def _listed(name: str) -> tuple[str, ...]:
    """The comma-separated values, each once; empty if the variable is unset or empty."""
    parts = (part.strip() for part in os.environ.get(name, "").split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _sites(name: str) -> tuple[str, ...]:
    """The sites listed in a variable. Raises SettingsError for what is not an address such as https://example.org."""
    sites = _listed(name)
    for site in sites:
        if not re.fullmatch(r"https?://(\*\.)?[\w.-]+(:\d+)?", site, re.ASCII):
            raise SettingsError(f"{name} has {site!r}, which is no site.", "Write it as https://example.org.")
    return sites


def _one_of(name: str, choices: tuple[str, ...]) -> str:
    """The value of a variable, by default the first choice. Raises SettingsError for any other value."""
    value = os.environ.get(name) or choices[0]
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}.", f"Set it to one of: {', '.join(choices)}.")
    return value


def _place(name: str) -> tuple[str, int] | None:
    """(address, port) of a variable that is a port or ADDRESS:PORT; None if it is unset or empty."""
    text = os.environ.get(name, "").strip()
    address, _, port = text.rpartition(":")
    if not text:
        return None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise SettingsError(f"{name} is {text!r}, which is not a port.", "Set it to one such as 9464.")
    return address.strip("[]") or "127.0.0.1", int(port)


def _address(name: str) -> str:
    """An address of the web without a slash at its end; empty if the variable is. Raises SettingsError for others."""
    text = os.environ.get(name, "").strip()
    if text and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise SettingsError(f"{name} is {text!r}.", "Write it as http://192.168.1.20:8501 or https://name.example.org.")
    return text.rstrip("/")


def _positive(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise SettingsError(
            f"{name} is {text!r}, which is not a positive number.", f"Unset it or set it to {default:g}."
        )
    return value
