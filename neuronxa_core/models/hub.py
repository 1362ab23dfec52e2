"""Models from the hub: looked at before anything is downloaded, downloaded into the hub's own cache.

A model is `owner/name`, one of several GGUF files in it `owner/name/file.gguf`. The library's downloads start over when
they are cut off and cannot be cancelled while the hub is silent, so the files are fetched here, each into
`blobs/<its hash>.incomplete`, and handed to the library when they are whole.
"""

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from neuronxa_core.errors import ModelError
from neuronxa_core.models.hub_cache import CONFIGS, INDEX, local_folder, storage_of, weight_names, whole
from neuronxa_core.progress import Watcher

_SMALL = (".json", ".model", ".txt")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_DTYPES = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Peek:
    """What can be told of a model without its weights."""

    config: dict[str, Any]
    """config.json, of an adapter adapter_config.json; empty for GGUF without one."""
    weight_bytes: int
    parameters: int | None
    """None if neither the hub nor the index has counted them."""
    stored_dtype: str | None
    """Of most parameters: float32, bfloat16, ..., or as safetensors calls it, in lower case. None if the hub does not tell."""
    here_bytes: int
    """How many of `weight_bytes` are in the local cache already."""


@dataclass(frozen=True)
class _File:
    name: str
    bytes: int
    digest: str
    """SHA-256, of a small file git's SHA-1; empty if the hub does not tell it and the size."""


@dataclass(frozen=True)
class _Snapshot:
    """What there is to download of a model at one commit: `small` first, so that with its weights a model is whole."""

    repository: str
    commit: str
    small: tuple[_File, ...]
    weights: tuple[_File, ...]

    @property
    def folder(self) -> Path:
        return storage_of(self.repository) / "snapshots" / self.commit

    def blob(self, file: _File) -> Path:
        return storage_of(self.repository) / "blobs" / (file.digest or "none")

    def part(self, file: _File) -> Path:
        return self.blob(file).with_name(f"{file.digest}.incomplete")

    def arrived(self, *files: _File) -> int:
        """How many bytes of the files are here."""
        places = ((self.folder / file.name, self.blob(file), self.part(file)) for file in files)
        return sum(next((path.stat().st_size for path in paths if path.is_file()), 0) for paths in places)


def download(model: str, revision: str, watcher: Watcher) -> Path:
    """The model's snapshot folder in the hub's cache, or its GGUF file there; the one that is here if the hub gives none.

    Cancelled within a second, whatever the hub does. What arrived before a cut is kept and not asked for again.
    Raises ModelError, Cancelled.
    """
    watcher.report("downloading", detail=f"asking the hub for {model}")
    try:
        with _told(model, revision):
            info = _patiently(lambda: _info(model, revision), watcher.check)
    except ModelError:
        if here := local_folder(model, revision):
            return here
        raise
    snapshot = _chosen(model, info)
    files = (*snapshot.small, *snapshot.weights)
    total = sum(file.bytes for file in files)
    with _told(model, revision, begun=True), _alone(snapshot, watcher):
        _check_room(snapshot, total - snapshot.arrived(*files))
        for file in files:

            def tick(name: str = file.name) -> None:
                watcher.report("downloading", round(snapshot.arrived(*files) / 1e6), round(total / 1e6), name)
                watcher.check()

            _fetch(snapshot, file, tick)
        _name_commit(snapshot, revision or "main")
    return snapshot.folder / (snapshot.weights[0].name if snapshot.weights[0].name.endswith(".gguf") else "")


def peek(model: str, revision: str = "") -> Peek:
    """Config and sizes, without a single weight; of a model that is whole here, if the hub gives none. Errors as `download`."""
    from huggingface_hub import constants

    until = time.monotonic() + 2 * constants.HF_HUB_ETAG_TIMEOUT

    def tick() -> None:
        if time.monotonic() > until:
            raise TimeoutError

    try:
        with _told(model, revision):
            info = _patiently(lambda: _info(model, revision), tick)
            snapshot = _chosen(model, info)
            names = [file.name for file in snapshot.small]
            read = {
                name: _patiently(partial(_json, snapshot, name), tick)
                for name in (*CONFIGS, INDEX)
                if name in names and (name != INDEX or not info.safetensors)
            }
    except ModelError:
        if here := local_folder(model, revision):
            with _told(model, revision):
                return _peek_here(here)
        raise
    counted = info.safetensors.parameters if info.safetensors else {}
    told = (info.safetensors or info.gguf or {}).get("total") or read.get(INDEX, {}).get("metadata", {}).get(
        "total_parameters"
    )
    dtype = max(counted, key=lambda name: counted[name], default=None)
    return Peek(
        config=next((read[name] for name in CONFIGS if name in read), {}),
        weight_bytes=sum(file.bytes for file in snapshot.weights),
        parameters=int(told) if told else None,
        stored_dtype=_DTYPES.get(dtype, dtype.lower()) if dtype else None,
        here_bytes=snapshot.arrived(*snapshot.weights),
    )


def _info(model: str, revision: str) -> Any:
    from huggingface_hub import HfApi, constants

    repository, timeout = model.split("/")[:2], constants.HF_HUB_ETAG_TIMEOUT
    api = HfApi(token=_token())
    return api.model_info("/".join(repository), revision=revision or None, files_metadata=True, timeout=timeout)


def _chosen(model: str, info: Any) -> _Snapshot:
    """What to download. Raises ModelError if the weights are pickles only, several GGUF files, or not there."""
    repository, gguf = "/".join(model.split("/")[:2]), "/".join(model.split("/")[2:])
    files = {
        each.rfilename: _File(
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
        raise ModelError(f"{repository} holds no file {gguf}.", f"It holds: {', '.join(top[:12])}.")
    if len(ggufs) > 1:
        raise ModelError(f"{model} holds {len(ggufs)} GGUF files.", f"Name the one you mean: {', '.join(ggufs[:8])}.")
    if not weights and any(name.endswith(_PICKLES) for name in top):
        raise ModelError(
            f"{model} holds its weights as pickles only, and loading a pickle can run code.",
            "Look on its page for a branch with safetensors and give it as the revision, or convert the model where you "
            "trust it with save_pretrained.",
        )
    if not weights:
        raise ModelError(f"{model} holds no weights.", "Choose a model with *.safetensors or *.gguf files.")
    small = [files[name] for name in top if name.endswith(_SMALL)]
    return _Snapshot(repository, str(info.sha), tuple(small), tuple(files[name] for name in weights))


def _fetch(snapshot: _Snapshot, file: _File, tick: Callable[[], None]) -> None:
    """Brings one file to its place in the snapshot folder."""
    from huggingface_hub import constants

    tick()
    pointer, blob = snapshot.folder / file.name, snapshot.blob(file)
    for path in (pointer, blob):
        if (
            file.digest and path.is_file() and path.stat().st_size != file.bytes
        ):  # cut off: a disk was full, a copy broke
            path.unlink()
    if pointer.is_file():
        return
    # The library gives no file of more than 50 GB over HTTP: those it downloads itself, with hf_xet.
    if file.digest and not blob.is_file() and file.bytes <= constants.MAX_HTTP_DOWNLOAD_SIZE:
        _fetch_blob(snapshot, file, tick)
    pointer.unlink(missing_ok=True)  # a link to nothing
    _patiently(lambda: _linked(snapshot, file.name), tick)


def _fetch_blob(snapshot: _Snapshot, file: _File, tick: Callable[[], None]) -> None:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    constants.DOWNLOAD_CHUNK_SIZE = 2**18  # what is lost at a cut; the library's is 10 MB
    part, url = snapshot.part(file), hf_hub_url(snapshot.repository, file.name, revision=snapshot.commit)
    headers = build_hf_headers(token=_token()) | {"Accept-Encoding": "identity"}
    part.parent.mkdir(parents=True, exist_ok=True)
    if part.is_file() and part.stat().st_size > file.bytes:
        part.unlink()
    with part.open("ab") as content:  # closed when somebody cancels: the thread left behind can then write no more
        get: Callable[..., None] = partial(http_get, url, content, resume_size=content.tell(), headers=headers)
        _patiently(partial(get, expected_size=file.bytes, tqdm_class=_NoBar), tick)
    if len(file.digest) == 64 and _patiently(lambda: _sha256(part), tick) != file.digest:
        part.unlink()
        raise ModelError(f"{file.name} of {snapshot.repository} arrived damaged.", "Run again to download it anew.")
    part.replace(snapshot.blob(file))


class _NoBar:
    """In place of the progress bar that the library would draw into the log."""

    def __init__(self, *_: object, **__: object) -> None: ...
    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_: object) -> None: ...
    def update(self, _: float | None = 1) -> None: ...


def _linked(snapshot: _Snapshot, name: str) -> Path:
    """The file in the snapshot folder; the library links it to its blob, or downloads it if that is not there."""
    from huggingface_hub import hf_hub_download

    bar: Any = _NoBar
    return Path(hf_hub_download(snapshot.repository, name, revision=snapshot.commit, token=_token(), tqdm_class=bar))


def _json(snapshot: _Snapshot, name: str) -> dict[str, Any]:
    content = json.loads(_linked(snapshot, name).read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{name} is not a JSON object")
    return content


def _peek_here(path: Path) -> Peek:
    folder, weights = (path.parent, (path,)) if path.is_file() else (path, whole(path))
    config = next((folder / name for name in CONFIGS if (folder / name).is_file()), None)
    size = sum(file.stat().st_size for file in weights)
    return Peek(json.loads(config.read_text(encoding="utf-8")) if config else {}, size, None, None, size)


def _patiently(work: Callable[[], _Answer], tick: Callable[[], None]) -> _Answer:
    """What `work` gives. It runs in a thread, which is left behind when `tick`, called five times a second, raises."""
    answer: Future[_Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    tick()
    Thread(target=run, name="neuronxa-hub", daemon=True).start()
    while not wait([answer], timeout=0.2).done:
        tick()
    return answer.result()


@contextmanager
def _alone(snapshot: _Snapshot, watcher: Watcher) -> Iterator[None]:
    """One download of a repository at a time, on this machine: two would write to the same part."""
    path = storage_of(snapshot.repository).parent / ".locks" / storage_of(snapshot.repository).name / "neuronxa.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        watcher.check()
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            watcher.report("downloading", detail="waiting for another process that downloads it")
    try:
        yield
    finally:
        lock.release()


def _check_room(snapshot: _Snapshot, missing: int) -> None:
    cache = storage_of(snapshot.repository).parent
    free = shutil.disk_usage(cache).free
    if missing > free:
        raise ModelError(
            f"{snapshot.repository} needs {missing / 1e6:,.0f} MB more, and the disk of {cache} has {free / 1e6:,.0f} MB free.",
            "Make room, or set HF_HOME to a folder on a larger disk.",
        )


def _name_commit(snapshot: _Snapshot, revision: str) -> None:
    """Written when everything is here: a model that was whole before stays found until then."""
    if revision != snapshot.commit:
        ref = storage_of(snapshot.repository) / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(snapshot.commit)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _token() -> str | bool:
    """HF_TOKEN; False keeps the library from sending one that somebody saved. Raises ModelError if it can be none."""
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()) or " " in token:  # the HTTP library would show it in its error
        raise ModelError("HF_TOKEN holds signs that no token has.", "Set it to a token of the hub, or unset it.")
    return token or False


@contextmanager
def _told(model: str, revision: str, begun: bool = False) -> Iterator[None]:
    """Turns what the library raises into a ModelError. begun: whether something may have arrived."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        raise ModelError(*_said(model, revision, begun, error, errors)) from error


def _said(model: str, revision: str, begun: bool, error: Exception, errors: Any) -> tuple[str, str]:
    """What is wrong, and the next step."""
    token = bool(_token())
    match error:
        case errors.GatedRepoError():
            return (
                (f"{model} is gated, and HF_TOKEN may not read it.", "Accept its terms on its page with that account.")
                if token
                else (f"{model} is gated.", "Accept its terms on its page and set HF_TOKEN to a token of that account.")
            )
        case errors.RevisionNotFoundError():
            return (
                f"{model} has no revision {revision}.",
                "Give a branch, a tag or a commit that its page lists, or none.",
            )
        case errors.RepositoryNotFoundError():
            reader = "set to a token that may read it" if token else "which is not set"
            problem = f"{model} is no path here, and the hub knows no such model, or it is private."
            return problem, f"Check the spelling; a private model needs HF_TOKEN, {reader}."
        case errors.HFValidationError():
            return f"{model} is no path here, and no hub model can have that name.", "Give it as owner/name."
        case errors.OfflineModeIsEnabled():
            return (
                f"{model} is not whole in the local cache, and HF_HUB_OFFLINE is set.",
                "Unset HF_HUB_OFFLINE to download it, give the path of a local folder, or use the demo model: demo.",
            )
        case errors.HfHubHTTPError() if error.response.status_code == 401:
            return "The hub does not accept HF_TOKEN.", "Set it to a valid token; unset it for models open to all."
        case errors.HfHubHTTPError():
            return f"The hub answered {error.response.status_code} for {model}.", "Try again in a while."
        case OSError(errno=number) if number in (errno.ENOSPC, errno.EDQUOT):
            return (
                f"The disk is full; {model} has not arrived whole.",
                "Make room, or set HF_HOME to a folder on a larger disk, and run again.",
            )
        case PermissionError() | OSError(errno=errno.EROFS):
            return f"The hub's cache cannot be written ({error.strerror}).", "Set HF_HOME to a folder you can write."
        case ValueError():
            return (
                f"The hub's answer for {model} cannot be read.",
                "Check that nothing between here and it answers instead.",
            )
    if begun:
        return f"The download of {model} broke off.", "Run again; what has arrived is kept."
    return (
        f"{model} is neither a folder here nor whole in the local cache, and the hub cannot be reached.",
        "Check the name and the network, give the path of a local folder, or use the demo model: demo.",
    )
