"""From what a user calls a model to a checkpoint on disk: `demo`, a local folder or GGUF file, or a hub id."""

import re
from pathlib import Path

from neuronxa_core.errors import ModelError
from neuronxa_core.models import demo
from neuronxa_core.models.checkpoint import Checkpoint, base_of_adapter, checkpoint_at, with_adapter
from neuronxa_core.progress import SILENT, Watcher

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]


def find_checkpoint(model: str, revision: str = "", watcher: Watcher = SILENT, adapter: str = "") -> Checkpoint:
    """The checkpoint of `model`. The demo is prepared and a hub model downloaded if they are not there yet.

    A path that exists is taken before a hub id of the same name. adapter: the folder of a LoRA adapter to put on top; a
    `model` that is such a folder itself stands on the model that it names. Raises ModelError, CacheError, Cancelled.
    """
    if adapter:
        return with_adapter(find_checkpoint(model, revision, watcher), Path(adapter).expanduser())
    if base := base_of_adapter(Path(model).expanduser()):
        return with_adapter(find_checkpoint(*base, watcher), Path(model).expanduser())
    if model == demo.NAME:
        return checkpoint_at(demo.prepare_demo(watcher))
    path = Path(model).expanduser()
    if path.exists() or not _HUB_ID.fullmatch(model):
        return checkpoint_at(path)
    return checkpoint_at(_from_hub(model, revision, watcher))


def local_checkpoint(model: str, revision: str = "", adapter: str = "") -> Checkpoint | None:
    """The checkpoint of `model` if it is on this machine already, else None. Raises ModelError if it is damaged."""
    base = base_of_adapter(Path(model).expanduser())
    if adapter or base:
        checkpoint = local_checkpoint(*base) if base and not adapter else local_checkpoint(model, revision)
        return with_adapter(checkpoint, Path(adapter or model).expanduser()) if checkpoint else None
    if model == demo.NAME:
        folder = demo.demo_folder()
        return checkpoint_at(folder) if folder.is_dir() else None
    path = Path(model).expanduser()
    if path.exists():
        return checkpoint_at(path)
    if not _HUB_ID.fullmatch(model):
        return None
    from huggingface_hub import errors, snapshot_download

    try:
        return checkpoint_at(Path(snapshot_download(model, revision=revision or None, local_files_only=True)))
    except (errors.LocalEntryNotFoundError, OSError, ValueError):
        return None


def _from_hub(model: str, revision: str, watcher: Watcher) -> Path:
    """A snapshot in the hub's own cache; without a network the one that is there already."""
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, constants, errors, snapshot_download

    watcher.report("preparing weights", detail=f"downloading {model}, if it is not here yet")
    wanted = revision or None
    try:
        here_only = False
        try:  # snapshot_download itself would wait for a silent hub without end
            HfApi().model_info(model, revision=wanted, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except errors.HfHubHTTPError:
            pass  # the hub did answer: what is said below, or what lies in the local cache, is right
        except (HTTPError, errors.OfflineModeIsEnabled):
            here_only = True
        return Path(snapshot_download(model, revision=wanted, allow_patterns=_FILES, local_files_only=here_only))
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{model} is gated.", "Accept its terms on its page and set HF_TOKEN to a token that may read it."
        ) from error
    except (errors.HFValidationError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ModelError(
            f"The hub knows no model {model}{f' at revision {revision}' if revision else ''}.",
            "Check the spelling; a private model needs HF_TOKEN.",
        ) from error
    except (errors.HfHubHTTPError, HTTPError, OSError) as error:
        raise ModelError(
            f"{model} is neither a folder here nor in the local cache, and the hub cannot be reached.",
            "Check the name and the network, give the path of a local folder, or use the demo model: demo.",
        ) from error
