"""Downloads from the hub that can be resumed: into `blobs/<hash>.incomplete`, which is renamed once complete.

The library's own downloads start over after an interruption and cannot be cancelled while the hub is silent.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from neuronxa_core import foreign
from neuronxa_core.errors import ModelError
from neuronxa_core.hub_access import hub_token
from neuronxa_core.models.hub_cache import storage_of
from neuronxa_core.progress import Watcher

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class HubFile:
    name: str
    bytes: int
    digest: str
    """SHA-256, or git's SHA-1 for a small file; empty unless the hub gives both digest and size."""


@dataclass(frozen=True)
class HubSnapshot:
    """The files of a model at one commit: `small` ones are downloaded first, so that the weights complete the model."""

    repository: str
    commit: str
    small: tuple[HubFile, ...]
    weights: tuple[HubFile, ...]

    @property
    def folder(self) -> Path:
        return storage_of(self.repository) / "snapshots" / self.commit

    def blob(self, file: HubFile) -> Path:
        return storage_of(self.repository) / "blobs" / (file.digest or "none")

    def part(self, file: HubFile) -> Path:
        return self.blob(file).with_name(f"{file.digest}.incomplete")

    def arrived(self, *files: HubFile) -> int:
        """How many bytes of the files are on this machine."""
        places = ((self.folder / file.name, self.blob(file), self.part(file)) for file in files)
        return sum(next((path.stat().st_size for path in paths if path.is_file()), 0) for paths in places)


def fetch(snapshot: HubSnapshot, file: HubFile, tick: Callable[[], None]) -> None:
    """Downloads one file to its place in the snapshot folder, and resumes an interrupted download."""
    from huggingface_hub import constants

    tick()
    pointer, blob = snapshot.folder / file.name, snapshot.blob(file)
    for path in (pointer, blob):
        if (
            file.digest and path.is_file() and path.stat().st_size != file.bytes
        ):  # truncated by a full disk or an interrupted copy
            path.unlink()
    if pointer.is_file():
        return
    # The library refuses to fetch files over 50 GB by plain HTTP; it downloads those itself, with hf_xet.
    if file.digest and not blob.is_file() and file.bytes <= constants.MAX_HTTP_DOWNLOAD_SIZE:
        _fetch_blob(snapshot, file, tick)
    pointer.unlink(missing_ok=True)  # a dangling link
    patiently(lambda: _linked(snapshot, file.name), tick)


def _fetch_blob(snapshot: HubSnapshot, file: HubFile, tick: Callable[[], None]) -> None:
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    constants.DOWNLOAD_CHUNK_SIZE = 2**18  # lost in an interruption; the library's default is 10 MB
    part, url = snapshot.part(file), hf_hub_url(snapshot.repository, file.name, revision=snapshot.commit)
    headers = build_hf_headers(token=hub_token(ModelError)) | {"Accept-Encoding": "identity"}
    part.parent.mkdir(parents=True, exist_ok=True)
    if part.is_file() and part.stat().st_size > file.bytes:
        part.unlink()
    with part.open("ab") as content:  # closed on cancellation, so that the abandoned thread cannot write
        get: Callable[..., None] = partial(http_get, url, content, resume_size=content.tell(), headers=headers)
        patiently(partial(get, expected_size=file.bytes, tqdm_class=_NoBar), tick)
    if len(file.digest) == 64 and patiently(lambda: _sha256(part), tick) != file.digest:
        part.unlink()
        raise ModelError(f"{file.name} of {snapshot.repository} arrived damaged.", "Run again to repeat the download.")
    part.replace(snapshot.blob(file))


class _NoBar:
    """Replaces the progress bar that the library would draw into the log."""

    def __init__(self, *_: object, **__: object) -> None: ...
    def __enter__(self) -> "_NoBar":
        return self

    def __exit__(self, *_: object) -> None: ...
    def update(self, _: float | None = 1) -> None: ...


def _linked(snapshot: HubSnapshot, name: str) -> Path:
    """The file in the snapshot folder; the library links it to its blob, or downloads it if there is no blob."""
    from huggingface_hub import hf_hub_download

    bar: Any = _NoBar
    return Path(
        hf_hub_download(
            snapshot.repository, name, revision=snapshot.commit, token=hub_token(ModelError), tqdm_class=bar
        )
    )


def read_json(snapshot: HubSnapshot, name: str) -> dict[str, Any]:
    content = foreign.read_json(_linked(snapshot, name))
    if not isinstance(content, dict):
        raise ValueError(f"{name} is not a JSON object")
    return content


def patiently(work: Callable[[], _Answer], tick: Callable[[], None]) -> _Answer:
    """The result of `work`, run in a thread that is abandoned if `tick`, called five times a second, raises."""
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
def alone(snapshot: HubSnapshot, watcher: Watcher) -> Iterator[None]:
    """Allows one download of a repository at a time on this machine: two would write to the same file."""
    path = storage_of(snapshot.repository).parent / ".locks" / storage_of(snapshot.repository).name / "neuronxa.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        watcher.check()
        try:
            lock.acquire(timeout=0.2)
        except Timeout:
            watcher.report("downloading", detail="waiting for another process to download it")
    try:
        yield
    finally:
        lock.release()


def check_room(snapshot: HubSnapshot, missing: int) -> None:
    cache = storage_of(snapshot.repository).parent
    free = shutil.disk_usage(cache).free
    if missing > free:
        raise ModelError(
            f"{snapshot.repository} needs {missing / 1e6:,.0f} MB more, and the disk of {cache} has "
            f"{free / 1e6:,.0f} MB free.",
            "Free some disk space, or set HF_HOME to a folder on a larger disk.",
        )


def name_commit(snapshot: HubSnapshot, revision: str) -> None:
    """Points `revision` to the commit; called last, so that a complete older version is found until then."""
    if revision != snapshot.commit:
        ref = storage_of(snapshot.repository) / "refs" / revision
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(snapshot.commit)


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
