"""The hub's cache on this machine: which models are complete, and where; needs neither the hub nor its library."""

import os
import re
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neuronxa_core.foreign import read_json

ID = re.compile(r"(?!.*\.\.)([\w.-]+/[\w.-]+)(?:/([\w./+-]+\.gguf))?")
INDEX = "model.safetensors.index.json"
CONFIGS = ("config.json", "adapter_config.json")


@dataclass(frozen=True)
class CachedModel:
    """A model that is complete in the hub's local cache; `id` and `revision` name it."""

    id: str
    bytes: int
    """Size of its weights."""
    revision: str = ""
    """Empty for main, else the branch or tag, or the commit if neither points to it."""
    commit: str = ""


def local_folder(model: str, revision: str = "") -> Path | None:
    """What `download` would return, if it is complete in the local cache, else None. The hub is not asked."""
    match = ID.fullmatch(model)
    if not match:
        return None
    storage = storage_of(match[1])
    try:
        ref = storage / "refs" / (revision or "main")
        folder = storage / "snapshots" / (ref.read_text().strip() if ref.is_file() else revision or "main")
        if match[2]:
            return folder / match[2] if (folder / match[2]).is_file() else None
        weights = whole(folder)
    except (OSError, ValueError):
        return None
    if weights and weights[0].suffix == ".gguf":
        return weights[0] if len(weights) == 1 else None
    return folder if weights else None


def in_local_cache() -> tuple[CachedModel, ...]:
    """The models that are complete in the hub's local cache, most recently used first. Damaged entries are skipped."""
    found: list[tuple[float, CachedModel]] = []
    for storage in cache_folder().glob("models--*--*"):
        try:
            found += _cached(storage)
        except (OSError, ValueError):
            continue
    return tuple(model for _, model in sorted(found, key=lambda each: each[0], reverse=True))


def commit_of(folder: Path) -> str:
    """The commit of a snapshot folder in the hub's cache, or of a file in one; empty for any other path."""
    try:
        _, kind, commit = folder.absolute().relative_to(cache_folder().absolute()).parts[:3]
    except ValueError:
        return ""
    return commit if kind == "snapshots" and re.fullmatch("[0-9a-f]{40}", commit) else ""


def _cached(storage: Path) -> list[tuple[float, CachedModel]]:
    repository = storage.name.removeprefix("models--").replace("--", "/")
    refs = storage / "refs"
    names = {ref.read_text().strip(): ref.relative_to(refs).as_posix() for ref in refs.rglob("*") if ref.is_file()}
    if (refs / "main").is_file():
        names[(refs / "main").read_text().strip()] = ""
    found = []
    for folder in (storage / "snapshots").iterdir():
        weights = whole(folder) if folder.is_dir() else ()
        gguf = bool(weights) and weights[0].suffix == ".gguf"
        if gguf or (weights and (folder / "config.json").is_file()):
            for group in [(file,) for file in weights] if gguf else [weights]:
                model = f"{repository}/{group[0].name}" if gguf else repository
                stats = [file.stat() for file in group]
                used = max(max(stat.st_atime, stat.st_mtime) for stat in stats)
                revision = names.get(folder.name, folder.name)
                found.append((used, CachedModel(model, sum(stat.st_size for stat in stats), revision, folder.name)))
    return found


def whole(folder: Path) -> tuple[Path, ...]:
    """The weights in a snapshot folder; empty if one of them or the config is missing. Raises OSError, ValueError."""
    names = {file.name for file in folder.iterdir() if file.is_file()} if folder.is_dir() else set()
    chosen = weight_names(names)
    if INDEX in names:
        chosen = indexed_names(folder / INDEX)
    count = re.search(r"-of-(\d+)\.safetensors$", chosen[0]) if chosen else None
    short = count is not None and len(chosen) < int(count[1])
    headless = bool(chosen) and chosen[0].endswith(".safetensors") and not names.intersection(CONFIGS)
    return () if short or headless or not names.issuperset(chosen) else tuple(folder / name for name in chosen)


def indexed_names(index: Path) -> list[str]:
    """The files that an index of weights lists. Raises OSError, and ValueError for a list that is none.

    A file may be a link, as in this cache, but its name cannot lead out of the folder.
    """
    content = read_json(index)
    names = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(names, dict) or not names or not all(map(_is_name_inside, names.values())):
        raise ValueError(f"{index.name} does not list files of its folder")
    return sorted(set(names.values()))


def _is_name_inside(name: object) -> bool:
    if not isinstance(name, str) or "\0" in name or "\\" in name:
        return False
    path = PurePosixPath(name)
    return name.endswith(".safetensors") and not path.is_absolute() and ".." not in path.parts


def weight_names(names: Collection[str]) -> list[str]:
    """The weight files among a model's files, each parameter once; all GGUF files if there are no safetensors."""
    found = sorted(name for name in names if name.endswith(".safetensors"))
    shards = [name for name in found if re.fullmatch(r"model-\d+-of-\d+\.safetensors", name)]
    if INDEX in names and shards:
        return shards
    if "model.safetensors" in found:
        return ["model.safetensors"]
    others = [name for name in found if not name.startswith("consolidated")]  # Mistral's copy of the same weights
    gguf = sorted(name for name in names if name.endswith(".gguf") and not name.startswith("mmproj"))
    return others or found or gguf


def storage_of(repository: str) -> Path:
    """The folder of a repository in the cache."""
    return cache_folder() / f"models--{repository.replace('/', '--')}"


def cache_folder() -> Path:
    """The cache folder, from the same environment variables that the hub's library reads."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants:
        return Path(constants.HF_HUB_CACHE)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()
