"""A stand-in of the hub's HTTP interface on loopback, as far as a download needs it."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

LARGE = 1_000_000
"""Files of that size and more are stored by their SHA-256, as the hub stores weights."""


@dataclass
class StandIn:
    """What it holds, how it behaves, and what it was asked."""

    models: dict[str, Path] = field(default_factory=dict)
    """Hub id -> a folder whose files are the model's, those in its subfolders too."""
    told: dict[str, object] = field(default_factory=dict)
    """What it tells of a model besides its files: the counts of its parameters."""
    gated: set[str] = field(default_factory=set)
    readers: set[str] = field(default_factory=set)
    """The tokens that may read gated models."""
    breaks_after: int | None = None
    """How many bytes of a large file are sent before the connection is cut; None: all."""
    breaks_at: int | None = None
    """At which byte of a large file the connection is cut, however often it is asked for."""
    hangs: bool = False
    """Says nothing more after `breaks_after` bytes, instead of cutting the connection."""
    status: int | None = None
    """Every request is answered with that one."""
    elsewhere: str = ""
    """The address of another stand-in, to which requests for large files are sent on."""
    keeps_files: bool = False
    """Tells what there is, and says nothing when it is asked for it."""
    pause: float = 0.0
    """Seconds between two pieces of a large file."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """(method, path, Range) of every request."""
    tokens: set[str] = field(default_factory=set)
    sent: int = 0
    """Bytes of large files."""
    address: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def files(self, model: str) -> list[Path]:
        return sorted(file for file in self.models[model].rglob("*") if file.is_file())

    def requests(self, name: str) -> list[tuple[str, str]]:
        """(method, Range) of the requests for a file."""
        return [(method, asked) for method, path, asked in self.asked if path.endswith(f"/{name}")]

    def commit(self, model: str) -> str:
        """Another one as soon as a file of the model is another one."""
        files = "".join(f"{file.name} {file.stat().st_size}" for file in self.files(model))
        return hashlib.sha1(f"{model} {files}".encode()).hexdigest()


@contextmanager
def running() -> Iterator[StandIn]:
    """The stand-in, listening."""
    hub = StandIn()

    class Handler(_Handler):
        stand_in = hub

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hub
    finally:
        hub.over.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    stand_in: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub, path = self.stand_in, unquote(urlparse(self.path).path).strip("/")
        path = path.removeprefix("datasets/").replace(
            "api/datasets/", "api/models/", 1
        )  # both are folders of files here
        hub.asked.append((self.command, path, self.headers.get("Range", "")))
        if hub.status:
            return self._refuse(hub.status, "")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        hub.tokens |= {token} - {""}
        parts = path.removeprefix("api/models/").split("/")
        model, rest = "/".join(parts[:2]), parts[2:]
        if model not in hub.models:
            return self._refuse(401 if not token else 404, "RepoNotFound")
        files = "resolve" in rest or "tree" in rest
        if model in hub.gated and token not in hub.readers and files:
            return self._refuse(403 if token else 401, "GatedRepo")
        if len(rest) > 1 and rest[1] not in ("main", hub.commit(model)):
            return self._refuse(404, "RevisionNotFound")
        if files and hub.keeps_files:
            hub.over.wait()
        if not path.startswith("api/"):
            return self._file(model, "/".join(rest[2:]), body)
        listing = [self._described(model, file) for file in hub.files(model)]
        if "tree" in rest:
            return self._json([{"type": "file", "path": name, **more} for name, more in listing])
        return self._json(
            {
                "id": model,
                "sha": hub.commit(model),
                "gated": "auto" if model in hub.gated else False,
                "siblings": [
                    {"rfilename": name, "size": more["size"], "blobId": more["oid"]}
                    | (
                        {"lfs": {"sha256": more["lfs"]["oid"], "size": more["size"], "pointerSize": 134}}
                        if "lfs" in more
                        else {}
                    )
                    for name, more in listing
                ],
            }
            | hub.told
        )

    def _described(self, model: str, file: Path) -> tuple[str, dict[str, Any]]:
        content = file.read_bytes()
        described = {"size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        if len(content) >= LARGE:
            sha256 = hashlib.sha256(content).hexdigest()
            described["lfs"] = {"oid": sha256, "size": len(content), "pointerSize": 134}
        return file.relative_to(self.stand_in.models[model]).as_posix(), described

    def _file(self, model: str, name: str, body: bool) -> None:
        hub, file = self.stand_in, self.stand_in.models[model] / name
        if not file.is_file():
            return self._refuse(404, "EntryNotFound")
        content, (_, described) = file.read_bytes(), self._described(model, file)
        large = "lfs" in described
        first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if large and hub.elsewhere:
            return self._send_on(hub.elsewhere + self.path, described["lfs"])
        if first >= len(content) > 0:
            return self._refuse(416, "")
        self.send_response(206 if first else 200)
        self.send_header("X-Repo-Commit", hub.commit(model))
        self.send_header("ETag", f'"{described["lfs"]["oid"] if large else described["oid"]}"')
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(content) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if not body:
            return
        end = len(content)
        if large and hub.breaks_after is not None:
            end = min(end, first + hub.breaks_after)
        if large and hub.breaks_at is not None:
            end = min(end, hub.breaks_at)
        for start in range(first, end, 256_000):
            piece = content[start : min(start + 256_000, end)]
            try:
                self.wfile.write(piece)
            except ConnectionError:  # it was cancelled there
                return
            hub.sent += len(piece) if large else 0
            time.sleep(hub.pause if large else 0)
        if end < len(content):
            self.wfile.flush()
            if hub.hangs:
                hub.over.wait()
            self.close_connection = True
            self.connection.close()

    def _send_on(self, address: str, lfs: dict[str, Any]) -> None:
        self.send_response(302)
        for name, value in (
            ("Location", address),
            ("X-Repo-Commit", self.path.split("/")[4]),
            ("X-Linked-ETag", f'"{lfs["oid"]}"'),
            ("X-Linked-Size", str(lfs["size"])),
            ("Content-Length", "0"),
        ):
            self.send_header(name, value)
        self.end_headers()

    def _json(self, content: object) -> None:
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"Access to model is refused: {code}")
        self.send_header("Content-Length", "0")
        self.end_headers()
