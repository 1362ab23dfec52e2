"""Models from the hub: looked at before anything is downloaded, downloaded so that what arrived is never lost, found again.

Files land in the hub library's own cache, where its other users find them. Large files are fetched by this module into a
part beside the blob, which a later download goes on with; the library itself would start over.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from neuronxa_core.errors import ModelError
from neuronxa_core.progress import Watcher

_SMALL = (".json", ".model", ".txt")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_CONFIGS = ("config.json", "adapter_config.json")
_LARGE = 5_000_000
"""Files above that many bytes are fetched in parts that can be gone on with."""
_PIECE = 500_000
"""Bytes that are written at a time. The library takes ten million, which on a slow line are lost with every cut."""


@dataclass(frozen=True)
class Peek:
    """What the hub tells about a model without any of its weights."""

    config: dict[str, Any]
    weight_bytes: int
    parameters: int | None
    """None if the hub has not counted them."""
    stored_dtype: str | None
    here_bytes: int
    """How many of the weights' bytes have arrived already."""


@dataclass(frozen=True)
class CachedModel:
    """A model in the hub's local cache."""

    id: str
    bytes: int


def split(model: str) -> tuple[str, str]:
    """`owner/name` and, of `owner/name/file.gguf`, the file."""
    owner, name, *file = model.split("/")
    return f"{owner}/{name}", "/".join(file)


def download(model: str, revision: str, watcher: Watcher) -> Path:
    """The model's folder in the hub's cache, or its GGUF file; without a network the one that is there already.

    Cancelling, killing or losing the connection leaves what has arrived, and the next download goes on from there.
    Raises ModelError, Cancelled.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()
    watcher.report("downloading", detail=f"asking the hub for {model}")
    here = local_folder(model, revision)
    with _told(model, revision):
        info = _in_time(watcher, lambda: _model_info(model, revision)) if not _offline() else None
    if info is None:
        if here:
            return here
        raise _unreachable(model)
    files = _wanted(model, info)
    with _told(model, revision):
        _fetch_large(split(model)[0], info.sha, files, watcher)
        names = [file.rfilename for file in files]
        folder = _in_time(
            watcher,
            lambda: snapshot_download(split(model)[0], revision=info.sha, allow_patterns=names, token=_token()),
        )
    _remember_revision(split(model)[0], revision or "main", info.sha)
    return Path(folder) / split(model)[1]


def peek(model: str, revision: str = "") -> Peek:
    """Config and sizes, from the hub; no weight is read. Raises ModelError as `download`."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status  # type: ignore[attr-defined]

    with _told(model, revision):
        info = None if _offline() else _model_info(model, revision)
        if info is None:
            raise _unreachable(model)
        files = _wanted(model, info)
        config: dict[str, Any] = {}
        name = next((file.rfilename for file in files if file.rfilename in _CONFIGS), None)
        if name:
            url = hf_hub_url(split(model)[0], name, revision=info.sha, endpoint=_endpoint())
            answer = get_session().get(url, headers=build_hf_headers(token=_token()), timeout=_timeout())
            hf_raise_for_status(answer)
            config = answer.json()
    weights = [file for file in files if file.rfilename.endswith((".safetensors", ".gguf"))]
    counted = info.safetensors
    return Peek(
        config=config,
        weight_bytes=sum(file.size or 0 for file in weights),
        parameters=counted.total if counted else None,
        stored_dtype=max(counted.parameters, key=counted.parameters.__getitem__) if counted else None,
        here_bytes=sum(_arrived(split(model)[0], file) for file in weights),
    )


def local_folder(model: str, revision: str = "") -> Path | None:
    """The model's folder in the hub's cache, or its GGUF file, if its config has arrived; no network is asked."""
    from huggingface_hub import constants, errors, try_to_load_from_cache

    repository, file = split(model)
    for name in (file,) if file else _CONFIGS:
        try:
            found = try_to_load_from_cache(
                repository, name, cache_dir=constants.HF_HUB_CACHE, revision=revision or None
            )
        except (errors.HFValidationError, OSError):
            return None
        if isinstance(found, str):
            return Path(found) if file else Path(found).parent
    return None


def in_local_cache() -> tuple[CachedModel, ...]:
    """The models whose weights lie in the hub's cache as safetensors, the last used first; looked for twice a minute."""
    folder = _cache_folder()
    if next(folder.glob("models--*"), None) is None:  # without importing the hub's library, which takes a while
        return ()
    return _scan(str(folder), int(time.monotonic() // 30))


@lru_cache(maxsize=4)
def _scan(folder: str, _moment: int) -> tuple[CachedModel, ...]:
    from huggingface_hub import errors, scan_cache_dir

    try:
        repositories = scan_cache_dir(folder).repos
    except (errors.CacheNotFound, OSError, ValueError):
        return ()
    found = []
    for repository in sorted(repositories, key=lambda each: -each.last_accessed):
        names = {file.file_name for revision in repository.revisions for file in revision.files}
        whole = "config.json" in names and any(name.endswith(".safetensors") for name in names)
        if repository.repo_type == "model" and whole:
            found.append(CachedModel(repository.repo_id, repository.size_on_disk))
    return tuple(found)


def _cache_folder() -> Path:
    """Where the hub's library keeps models, as it reads the environment."""
    constants = sys.modules.get("huggingface_hub.constants")
    if constants:
        return Path(constants.HF_HUB_CACHE)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


def _model_info(model: str, revision: str) -> Any:
    """None if no hub answers. Raises what the library raises if it answers with a refusal."""
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, errors

    try:
        return HfApi(endpoint=_endpoint()).model_info(
            split(model)[0], revision=revision or None, files_metadata=True, timeout=_timeout(), token=_token()
        )
    except errors.HfHubHTTPError:
        raise
    except (HTTPError, errors.OfflineModeIsEnabled):
        return None


def _wanted(model: str, info: Any) -> list[Any]:
    """The files of the model itself: config, tokenizer, and safetensors or one GGUF. Raises ModelError, naming what is wrong."""
    top = [file for file in info.siblings or () if "/" not in file.rfilename]
    small = [file for file in top if file.rfilename.endswith(_SMALL)]
    asked = split(model)[1]
    if asked:
        weights = [file for file in info.siblings or () if file.rfilename == asked]
        if not weights:
            raise ModelError(f"{split(model)[0]} holds no {asked}.", f"It holds: {_names(top)}.")
        return small + weights
    weights = [file for file in top if file.rfilename.endswith(".safetensors")]
    sharded = [file for file in weights if not file.rfilename.startswith("consolidated")]
    if weights:
        return small + (sharded or weights)
    gguf = [file for file in top if file.rfilename.endswith(".gguf")]
    if gguf:
        raise ModelError(f"{model} holds GGUF files.", f"Name the one you mean: {model}/{gguf[0].rfilename}.")
    if any(file.rfilename.endswith(_PICKLES) for file in top):
        raise ModelError(
            f"{model} holds its weights as pickles only, and loading a pickle can run code.",
            "Use a conversion to safetensors, or convert them where you trust them with save_pretrained.",
        )
    raise ModelError(f"{model} holds no weights.", "It needs safetensors or GGUF files.")


def _names(files: list[Any]) -> str:
    return ", ".join(file.rfilename for file in files[:12])


def _fetch_large(repository: str, commit: str, files: list[Any], watcher: Watcher) -> None:
    """Every large file to its place among the blobs, one after the other, going on with what has arrived."""
    large = [file for file in files if file.lfs and (file.size or 0) > _LARGE]
    total = sum(file.size for file in large)
    missing = total - sum(_arrived(repository, file) for file in large)
    _check_room(repository, missing)
    for file in large:
        blob = _blob(repository, file)
        if blob.exists():
            continue
        stop = threading.Event()

        def report() -> None:
            done = sum(_arrived(repository, each) for each in large)
            watcher.report("downloading", round(done / 1e6), round(total / 1e6))

        try:
            _in_time(watcher, lambda file=file, stop=stop: _fetch(repository, commit, file, stop), report)
        finally:
            stop.set()


def _fetch(repository: str, commit: str, file: Any, stop: threading.Event) -> None:
    """One file into its part, from where that ends, and to its place when its SHA-256 is right."""
    import hashlib

    from filelock import FileLock
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, _PIECE)
    blob, part = _blob(repository, file), _part(repository, file)
    part.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{part}.lock"):  # one that was cancelled may still wait for the network
        if blob.exists() or stop.is_set():
            return
        with part.open("ab") as content:
            http_get(
                hf_hub_url(repository, file.rfilename, revision=commit, endpoint=_endpoint()),
                content,
                resume_size=content.tell(),
                headers=build_hf_headers(token=_token()),
                expected_size=file.size,
                tqdm_class=_stopped_by(stop),
            )
        with part.open("rb") as content:
            whole = hashlib.file_digest(content, "sha256").hexdigest() == file.lfs.sha256
        if not whole:
            part.unlink()
            raise ModelError(
                f"{file.rfilename} of {repository} arrived damaged.", "Run again; it will be downloaded anew."
            )
        part.replace(blob)


def _stopped_by(stop: threading.Event) -> Any:
    """What the library takes for a progress bar: it draws nothing, and ends the download when `stop` is set."""

    class Silent:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> "Silent":
            return self

        def __exit__(self, *_: object) -> None: ...

        def update(self, _: float | None = 1) -> None:
            if stop.is_set():
                raise InterruptedError("stopped")

    return Silent


def _in_time(watcher: Watcher, work: Any, report: Any = lambda: None) -> Any:
    """What `work` returns; it runs in a thread, so that a hub that hangs does not keep anybody from cancelling."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["result"] = work()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, name="neuronxa-download", daemon=True)
    thread.start()
    while thread.is_alive():
        report()
        watcher.check()
        thread.join(0.2)
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


def _storage(repository: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="model")


def _blob(repository: str, file: Any) -> Path:
    """Where the cache keeps a file's bytes: under their SHA-256, or git's name for a small file."""
    return _storage(repository) / "blobs" / (file.lfs.sha256 if file.lfs else file.blob_id or "none")


def _part(repository: str, file: Any) -> Path:
    return _blob(repository, file).with_suffix(".neuronxa-part")


def _arrived(repository: str, file: Any) -> int:
    for path in (_blob(repository, file), _part(repository, file)):
        try:
            return path.stat().st_size
        except OSError:
            continue
    return 0


def _check_room(repository: str, missing: int) -> None:
    folder = _storage(repository)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ModelError(
            f"{repository} needs {missing / 1e9:.1f} GB more on disk, and {free / 1e9:.1f} GB are free.",
            "Make room, or set HF_HOME to a folder on a larger disk.",
        )


def _remember_revision(repository: str, revision: str, commit: str) -> None:
    """A branch's name leads to its commit offline too; the library does that only for what it resolved itself."""
    if revision != commit:
        ref = _storage(repository) / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit)


@contextmanager
def _told(model: str, revision: str) -> Iterator[None]:
    """What the library raises, as one sentence and the next step. No token is in any of them."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(f"{model} is gated.", _ask_for_access()) from error
    except (errors.HFValidationError, errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ModelError(
            f"The hub knows no model {model}{f' at revision {revision}' if revision else ''}"
            f"{', or it is private' if not isinstance(error, errors.RevisionNotFoundError) else ''}.",
            "Check the spelling; a private model needs HF_TOKEN.",
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "no status")
        if status in (401, 403):
            raise ModelError(f"The hub does not let you read {model}.", _ask_for_access()) from error
        raise ModelError(f"The hub answered {status} for {model}.", "Try again in a while.") from error
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == 28:
            raise ModelError(f"The disk is full; {model} has not arrived whole.", "Make room and run again.") from error
        raise ModelError(
            f"The download of {model} broke off.", "Run again: what has arrived is kept, and it goes on from there."
        ) from error


def _ask_for_access() -> str:
    if _token():
        return "Accept its terms on its page with the account that HF_TOKEN belongs to."
    return "Accept its terms on its page and set HF_TOKEN to a token that may read it."


def _unreachable(model: str) -> ModelError:
    why = "HF_HUB_OFFLINE is set" if _offline() else "the hub cannot be reached"
    return ModelError(
        f"{model} is neither a folder here nor whole in the local cache, and {why}.",
        "Check the name and the network, give the path of a local folder, or use the demo model: demo.",
    )


def _token() -> str | bool:
    """From the environment alone; False keeps the library from looking for one that was saved."""
    return os.environ.get("HF_TOKEN") or False


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _timeout() -> float:
    from huggingface_hub import constants

    return float(constants.HF_HUB_ETAG_TIMEOUT)
