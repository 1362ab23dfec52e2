"""Finds the checkpoint of a model that a user names: `demo`, a local folder or GGUF file, or a hub id."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from neuronxa_core.errors import ModelError
from neuronxa_core.models import demo, hub, hub_cache
from neuronxa_core.models.checkpoint import Checkpoint, base_of_adapter, checkpoint_at, with_adapter
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(/[\w./-]+\.gguf)?")


@dataclass(frozen=True)
class ModelRef:
    """A user's choice of model: `demo`, a hub id, or a path, with revision, adapter and neurons."""

    model: str
    revision: str = ""
    """Branch, tag or commit of a model on the hub; empty for its main branch."""
    adapter: str = ""
    """The folder of a LoRA adapter to apply to the model."""
    neurons: str = ""
    """Path of a module to read in place of the family's, see adapters.decoder_parts."""

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.model, self.revision and f"at {self.revision}", self.adapter and f"with {self.adapter}"))
        )


def is_hub_id(model: str) -> bool:
    """Whether a name could be a hub id: it has the form of one and is not a path on this machine."""
    return model != demo.NAME and not Path(model).expanduser().exists() and bool(_HUB_ID.fullmatch(model))


def allow(ref: ModelRef) -> None:
    """Raises ModelError if a shared deployment does not offer this model."""
    here = settings()
    if here.mode == "shared" and (ref.model not in here.models or ref.revision or ref.adapter):
        raise ModelError(f"This shared dashboard does not offer {ref}.", f"Choose one of: {', '.join(here.models)}.")


def find_checkpoint(ref: ModelRef, watcher: Watcher = SILENT) -> Checkpoint:
    """The checkpoint of a model. Prepares the demo, or downloads a hub model, if necessary.

    An existing path takes precedence over a hub id of the same name. An adapter's folder stands for its base model with
    the adapter on top. Raises ModelError, CacheError, Cancelled.
    """
    allow(ref)
    return _find(ref, watcher)


def _find(ref: ModelRef, watcher: Watcher) -> Checkpoint:
    if ref.adapter:
        return with_adapter(_find(replace(ref, adapter=""), watcher), Path(ref.adapter).expanduser())
    if ref.model == demo.NAME:
        folder = demo.prepare_demo(watcher)
        return demo.prepared_demo() or checkpoint_at(folder)
    path = Path(ref.model).expanduser()
    if is_hub_id(ref.model):
        path = hub.download(ref.model, ref.revision, watcher)
    return cast(Checkpoint, _at(path, lambda base: _find(base, watcher)))


def local_checkpoint(ref: ModelRef) -> Checkpoint | None:
    """The checkpoint of a model if it is already on this machine, else None. Raises ModelError if it is damaged."""
    allow(ref)
    return _find_local(ref)


def _find_local(ref: ModelRef) -> Checkpoint | None:
    if ref.adapter:
        checkpoint = _find_local(replace(ref, adapter=""))
        return with_adapter(checkpoint, Path(ref.adapter).expanduser()) if checkpoint else None
    if ref.model == demo.NAME:
        return demo.prepared_demo()
    path = Path(ref.model).expanduser()
    if path.exists():
        return _at(path, _find_local)
    folder_in_cache = hub_cache.local_folder(ref.model, ref.revision) if is_hub_id(ref.model) else None
    return None if folder_in_cache is None else _at(folder_in_cache, _find_local)


def _at(path: Path, find: Callable[[ModelRef], Checkpoint | None]) -> Checkpoint | None:
    """The checkpoint at a path; for an adapter's folder, the base with the adapter; None if `find` has no base."""
    base = base_of_adapter(path)
    if base is None:
        return checkpoint_at(path)
    checkpoint = find(ModelRef(*base))
    return with_adapter(checkpoint, path) if checkpoint else None
