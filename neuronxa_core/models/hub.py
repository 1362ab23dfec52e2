"""Models from the hub: inspected before anything is downloaded, then downloaded into the hub's own cache.

A model is `owner/name`; one of several GGUF files in it is `owner/name/file.gguf`.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from neuronxa_core import foreign
from neuronxa_core.errors import ModelError
from neuronxa_core.hub_access import Asked, hub_errors, hub_token
from neuronxa_core.models.families import mapping_in
from neuronxa_core.models.hub_cache import CONFIGS, INDEX, local_folder, weight_names, whole
from neuronxa_core.models.hub_fetch import (
    HubFile,
    HubSnapshot,
    alone,
    check_room,
    fetch,
    name_commit,
    patiently,
    read_json,
)
from neuronxa_core.progress import Watcher

_SMALL = (".json", ".model", ".txt")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class Peek:
    """What is known of a model without its weights."""

    config: dict[str, Any]
    """config.json, or adapter_config.json of an adapter; empty for GGUF without one."""
    weight_bytes: int
    parameters: int | None
    """None if neither the hub nor the index gives their number."""
    stored_dtype: str | None
    """The dtype of most parameters: float32, bfloat16, ..., or safetensors' name in lower case; None if unknown."""
    here_bytes: int
    """How many of `weight_bytes` are already in the local cache."""


def download(model: str, revision: str, watcher: Watcher) -> Path:
    """The model's snapshot folder in the hub's cache, or its GGUF file there; a complete local copy if the hub fails.

    Can be cancelled within a second, whatever the hub does. What arrived before an interruption is kept.
    Raises ModelError, Cancelled.
    """
    watcher.report("downloading", detail=f"asking the hub for {model}")
    try:
        with hub_errors(_asked(model, revision)):
            info = patiently(lambda: _info(model, revision), watcher.check)
    except ModelError:
        if here := local_folder(model, revision):
            return here
        raise
    snapshot = _chosen(model, info)
    files = (*snapshot.small, *snapshot.weights)
    total = sum(file.bytes for file in files)
    with hub_errors(_asked(model, revision, begun=True)), alone(snapshot, watcher):
        check_room(snapshot, total - snapshot.arrived(*files))
        for file in files:

            def tick(name: str = file.name) -> None:
                watcher.report("downloading", round(snapshot.arrived(*files) / 1e6), round(total / 1e6), name)
                watcher.check()

            fetch(snapshot, file, tick)
        name_commit(snapshot, revision or "main")
    return snapshot.folder / (snapshot.weights[0].name if snapshot.weights[0].name.endswith(".gguf") else "")


def peek(model: str, revision: str = "") -> Peek:
    """Config and sizes of a model, without downloading weights; those of a complete local copy if the hub fails.

    Raises the same errors as `download`.
    """
    from huggingface_hub import constants

    until = time.monotonic() + 2 * constants.HF_HUB_ETAG_TIMEOUT

    def tick() -> None:
        if time.monotonic() > until:
            raise TimeoutError

    try:
        with hub_errors(_asked(model, revision)):
            info = patiently(lambda: _info(model, revision), tick)
            snapshot = _chosen(model, info)
            names = [file.name for file in snapshot.small]
            read = {
                name: patiently(partial(read_json, snapshot, name), tick)
                for name in (*CONFIGS, INDEX)
                if name in names and (name != INDEX or not info.safetensors)
            }
    except ModelError:
        if here := local_folder(model, revision):
            with hub_errors(_asked(model, revision)):
                return _peek_here(here)
        raise
    counted = info.safetensors.parameters if info.safetensors else {}
    indexed = mapping_in(read.get(INDEX, {}), "metadata").get("total_parameters")
    told = (info.safetensors or info.gguf or {}).get("total") or indexed
    dtype = max(counted, key=lambda name: counted[name], default=None)
    return Peek(
        config=next((read[name] for name in CONFIGS if name in read), {}),
        weight_bytes=sum(file.bytes for file in snapshot.weights),
        parameters=int(told) if isinstance(told, int | float) and 0 < told < 2**60 else None,
        stored_dtype=_DTYPES.get(dtype, dtype.lower()) if dtype else None,
        here_bytes=snapshot.arrived(*snapshot.weights),
    )


def _asked(model: str, revision: str, begun: bool = False) -> Asked:
    instead = "give the path of a local folder, or use the demo model: demo"
    return Asked(model, "model", ModelError, instead, revision=revision, begun=begun)


def _info(model: str, revision: str) -> Any:
    from huggingface_hub import HfApi, constants

    repository, timeout = model.split("/")[:2], constants.HF_HUB_ETAG_TIMEOUT
    api = HfApi(token=hub_token(ModelError))
    return api.model_info("/".join(repository), revision=revision or None, files_metadata=True, timeout=timeout)


def _chosen(model: str, info: Any) -> HubSnapshot:
    """The files to download. Raises ModelError if the weights are only pickles, several GGUF files, or missing."""
    repository, gguf = "/".join(model.split("/")[:2]), "/".join(model.split("/")[2:])
    files = {
        each.rfilename: HubFile(
            each.rfilename,
            each.size or 0,
            "" if each.size is None else each.lfs.sha256 if each.lfs else each.blob_id or "",
        )
        for each in info.siblings or ()
    }
    top = [name for name in files if "/" not in name]
    weights = [gguf] if gguf in files else weight_names(top)
    ggufs = [f"{repository}/{name}" for name in weights if name.endswith(".gguf")]
    if gguf and gguf not in files:
        raise ModelError(f"{repository} has no file {gguf}.", f"It has: {', '.join(top[:12])}.")
    if len(ggufs) > 1:
        raise ModelError(f"{model} has {len(ggufs)} GGUF files.", f"Name the one you mean: {', '.join(ggufs[:8])}.")
    if not weights and any(name.endswith(_PICKLES) for name in top):
        raise ModelError(
            f"{model} has weights as pickles only, and loading a pickle can run code.",
            "Give a branch with safetensors as the revision, if its page lists one, or load the model where you trust "
            "it and save it with save_pretrained.",
        )
    if not weights:
        raise ModelError(f"{model} has no weights.", "Choose a model with *.safetensors or *.gguf files.")
    small = [files[name] for name in top if name.endswith(_SMALL)]
    return HubSnapshot(repository, str(info.sha), tuple(small), tuple(files[name] for name in weights))


def _peek_here(path: Path) -> Peek:
    folder, weights = (path.parent, (path,)) if path.is_file() else (path, whole(path))
    config = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    size = sum(file.stat().st_size for file in weights)
    told = foreign.read_json(config) if config else {}
    return Peek(told if isinstance(told, dict) else {}, size, None, None, size)
