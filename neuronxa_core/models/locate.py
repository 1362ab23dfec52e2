"""Finds the checkpoint of a model that a user names: `demo`, a local folder or GGUF file, or a hub id."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from neuronxa_core.errors import ModelError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.models import demo, hub, hub_cache
from neuronxa_core.models.checkpoint import Checkpoint, base_of_adapter, checkpoint_at, with_adapter
from neuronxa_core.paths import exists, path_of
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
    return model != demo.NAME and bool(_HUB_ID.fullmatch(model)) and not exists(model)


def allow(ref: ModelRef) -> None:
    """Raises ModelError if a shared deployment does not offer this model."""
    here = settings()
    if here.mode == "shared" and (ref.model not in here.models or ref.revision or ref.adapter):
        raise ModelError(
            f"This shared dashboard does not offer {shown(str(ref))}: there is no such model.",
            f"Choose one of: {', '.join(here.models)}.",
        )


def find_checkpoint(ref: ModelRef, watcher: Watcher = SILENT) -> Checkpoint:
    """The checkpoint of a model. Prepares the demo, or downloads a hub model, if necessary.

    An existing path takes precedence over a hub id of the same name. An adapter's folder stands for its base model with
    the adapter on top. Raises ModelError, CacheError, Cancelled.
    """
    allow(ref)
    with told_in_one_sentence(shown(str(ref), 300), ModelError, "Download it again"):
        return _find(ref, watcher)


def _find(ref: ModelRef, watcher: Watcher, above: str = "") -> Checkpoint:
    if ref.adapter:
        return with_adapter(_find(replace(ref, adapter=""), watcher, above), _path(ref.adapter))
    if ref.model == demo.NAME:
        folder = demo.prepare_demo(watcher)
        return demo.prepared_demo() or checkpoint_at(folder)
    path = hub.download(ref.model, ref.revision, watcher) if is_hub_id(ref.model) else _path(ref.model)
    return cast(Checkpoint, _at(path, lambda base, seen: _find(base, watcher, seen), above))


def local_checkpoint(ref: ModelRef) -> Checkpoint | None:
    """The checkpoint of a model if it is already on this machine, else None. Raises ModelError if it is damaged."""
    allow(ref)
    with told_in_one_sentence(shown(str(ref), 300), ModelError, "Download it again"):
        return _find_local(ref)


def _find_local(ref: ModelRef, above: str = "") -> Checkpoint | None:
    if ref.adapter:
        checkpoint = _find_local(replace(ref, adapter=""), above)
        return with_adapter(checkpoint, _path(ref.adapter)) if checkpoint else None
    if ref.model == demo.NAME:
        return demo.prepared_demo()
    if is_hub_id(ref.model):
        folder_in_cache = hub_cache.local_folder(ref.model, ref.revision)
        return None if folder_in_cache is None else _at(folder_in_cache, _find_local, above)
    return _at(_path(ref.model), _find_local, above) if exists(ref.model) else None


def _path(text: str) -> Path:
    """The path that a user, or an adapter's config, names. Raises ModelError if nothing can have that name."""
    path = path_of(text)
    if path is None:
        raise ModelError(f"There is no model at {shown(text)}.", "Check the path, or use the demo model: demo.")
    return path


def _at(path: Path, find: Callable[[ModelRef, str], Checkpoint | None], above: str) -> Checkpoint | None:
    """The checkpoint at a path; for an adapter's folder, the base with the adapter; None if `find` has no base.

    above: the name of the adapter whose base it is, if it is one's. Raises ModelError if it is an adapter then.
    """
    base = base_of_adapter(path)
    if base is None:
        return checkpoint_at(path)
    if above:
        raise ModelError(
            f"{above} is an adapter, and its base model {shown(path.name)} is an adapter itself.",
            "Save the base model with its adapter merged, or name a model that is complete.",
        )
    checkpoint = find(ModelRef(*base), path.name)
    return with_adapter(checkpoint, path) if checkpoint else None
