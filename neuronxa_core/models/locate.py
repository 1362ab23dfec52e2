"""From what a user calls a model to a checkpoint on disk: `demo`, a local folder or GGUF file, or a hub id."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

from neuronxa_core.errors import ModelError
from neuronxa_core.models import demo, hub, hub_cache
from neuronxa_core.models.checkpoint import Checkpoint, base_of_adapter, checkpoint_at, with_adapter
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(/[\w./-]+\.gguf)?")


def is_hub_id(model: str) -> bool:
    """Whether a name that is no path here could be one on the hub."""
    return model != demo.NAME and not Path(model).expanduser().exists() and bool(_HUB_ID.fullmatch(model))


def allow(model: str, revision: str = "", adapter: str = "") -> None:
    """Raises ModelError for what a shared deployment does not offer."""
    here = settings()
    if here.mode == "shared" and (model not in here.models or revision or adapter):
        what = " ".join(filter(None, (model, revision and f"at {revision}", adapter and f"with {adapter}")))
        raise ModelError(f"This shared dashboard does not offer {what}.", f"Choose one of: {', '.join(here.models)}.")


def find_checkpoint(model: str, revision: str = "", watcher: Watcher = SILENT, adapter: str = "") -> Checkpoint:
    """The checkpoint of `model`. The demo is prepared and a hub model downloaded if they are not there yet.

    A path that exists is taken before a hub id of the same name. adapter: the folder of a LoRA adapter to put on top; a
    `model` that is such a folder itself stands on the model that it names. Raises ModelError, CacheError, Cancelled.
    """
    allow(model, revision, adapter)
    return _find(model, revision, watcher, adapter)


def _find(model: str, revision: str, watcher: Watcher, adapter: str = "") -> Checkpoint:
    if adapter:
        return with_adapter(_find(model, revision, watcher), Path(adapter).expanduser())
    if model == demo.NAME:
        return checkpoint_at(demo.prepare_demo(watcher))
    path = Path(model).expanduser()
    if is_hub_id(model):
        path = hub.download(model, revision, watcher)
    return cast(Checkpoint, _at(path, lambda base, of: _find(base, of, watcher)))


def local_checkpoint(model: str, revision: str = "", adapter: str = "") -> Checkpoint | None:
    """The checkpoint of `model` if it is on this machine already, else None. Raises ModelError if it is damaged."""
    allow(model, revision, adapter)
    return _find_local(model, revision, adapter)


def _find_local(model: str, revision: str = "", adapter: str = "") -> Checkpoint | None:
    if adapter:
        checkpoint = _find_local(model, revision)
        return with_adapter(checkpoint, Path(adapter).expanduser()) if checkpoint else None
    if model == demo.NAME:
        folder = demo.demo_folder()
        return checkpoint_at(folder) if folder.is_dir() else None
    path = Path(model).expanduser()
    if path.exists():
        return _at(path, _find_local)
    folder_in_cache = hub_cache.local_folder(model, revision) if is_hub_id(model) else None
    if folder_in_cache is None:
        return None
    return _at(folder_in_cache, _find_local)


def _at(path: Path, find: Callable[[str, str], Checkpoint | None]) -> Checkpoint | None:
    """The checkpoint at a path; in an adapter's folder its base with it on top, or None if `find` has no base."""
    base = base_of_adapter(path)
    if base is None:
        return checkpoint_at(path)
    checkpoint = find(*base)
    return with_adapter(checkpoint, path) if checkpoint else None
