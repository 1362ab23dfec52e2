"""An S3-compatible server that survives SIGKILL: moto keeps everything in memory, so every change is journalled first.

    python -m tests.benchmarks.persistent_s3 PORT JOURNAL

It does again what the journal holds, then serves. A change that was cut off in the journal was never answered, so its
sender tries again.
"""

import base64
import io
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
from werkzeug.test import run_wsgi_app

_CHANGES = ("PUT", "POST", "DELETE")


class Journalled:
    """The WSGI application of moto, with a journal of all changes."""

    def __init__(self, journal: Path) -> None:
        self.app, self.journal = DomainDispatcherApplication(create_backend_app), journal
        self.replay()

    def replay(self) -> None:
        """Makes the journalled changes."""
        if not self.journal.exists():
            return
        whole = self.journal.read_bytes().rpartition(b"\n")[0]
        self.journal.write_bytes(whole + b"\n" if whole else b"")
        for line in whole.splitlines():
            environ = json.loads(line)
            body = base64.b64decode(environ.pop("body"))
            streams = {"wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "wsgi.version": (1, 0)}
            run_wsgi_app(self.app, environ | streams, buffered=True)

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in _CHANGES:
            stream = environ["wsgi.input"]
            length = environ.get("CONTENT_LENGTH")
            body = (
                stream.read(int(length)) if length else stream.read() if environ.get("wsgi.input_terminated") else b""
            )
            environ["wsgi.input"] = io.BytesIO(body)
            plain = {name: value for name, value in environ.items() if isinstance(value, str | bool)}
            line = json.dumps(plain | {"body": base64.b64encode(body).decode()}).encode() + b"\n"
            with self.journal.open("ab", buffering=0) as file:
                file.write(line)
        answer: Iterable[bytes] = self.app(environ, start)
        return answer


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), Journalled(Path(sys.argv[2])), threaded=True)
