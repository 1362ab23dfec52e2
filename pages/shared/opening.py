"""The head of the first page and its first picture, sent inside index.html, to stand while a browser loads Streamlit.

They lie where the page draws the same and go when its own picture stands, so that nothing flickers or moves. The
gallery's build writes them (stills.opening); here they only travel.
"""

import asyncio
import re
from functools import lru_cache
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from streamlit import config

_ROOT = b'<div id="root"></div>'
_FONT = re.compile(rb'href="([^"]+\.woff2)"')
_CONDITIONS = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
"""Headers of requests that may be answered with less than all of index.html, or with something packed."""


@lru_cache(maxsize=1)
def opening() -> bytes:
    """What goes into index.html; empty if the gallery does not have it."""
    from neuronxa_core.study import bundled  # the server answers before it is imported

    return bundled.read(bundled.GALLERY / "opening.html", lambda path: path.read_bytes()) or b""


def with_opening(index: bytes, opens_with: bytes) -> bytes:
    """index.html with the opening before what Streamlit draws; as it is if it has no place or no typeface for it."""
    font = _FONT.search(index)
    return index.replace(_ROOT, opens_with.replace(b"{{font}}", font[1]) + _ROOT, 1) if font else index


class Opening:
    """Middleware that puts the opening into the answer to whoever asks for the first page."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _is_first_page(scope["path"]):
            await self.app(scope, receive, send)
            return
        opens_with = await asyncio.to_thread(opening)
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def put_in(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if not message.get("more_body"):
                body = _answer(start, b"".join(parts), opens_with)  # which changes the headers
                await send(start)
                await send({"type": "http.response.body", "body": body})

        asked = [(name, value) for name, value in scope["headers"] if name.lower() not in _CONDITIONS]
        await self.app({**scope, "headers": asked, "extensions": {}}, receive, put_in)


def _is_first_page(path: str) -> bool:
    return path.strip("/") == str(config.get_option("server.baseUrlPath")).strip("/")


def _answer(start: dict[str, Any], body: bytes, opens_with: bytes) -> bytes:
    """The body with the opening if it is a page; then the headers in `start` are changed to fit."""
    if not opens_with or "html" not in Headers(raw=start["headers"]).get("content-type", ""):
        return body
    body, headers = with_opening(body, opens_with), MutableHeaders(scope=start)
    headers["content-length"] = str(len(body))
    for name in ("etag", "last-modified"):  # of index.html as it comes
        del headers[name]
    return body
