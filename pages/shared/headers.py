"""What every answer of the server tells the browser about its limits, and the names under which the server answers.

Streamlit needs inline scripts and styles, and what draws its charts compiles code, so the policy forbids neither; it
keeps a page from loading anything from elsewhere, from sending anything elsewhere, and out of frames of other sites.
"""

from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from streamlit import config

from neuronxa_core.settings import settings
from pages.shared.access import answers_others, hostname, is_this_machine

_HEALTH = "/_stcore/health"
"""Asked by address rather than by name, by whoever watches over the server."""
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; media-src 'self' "
    "data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors "
)


def headers() -> dict[str, str]:
    """The headers of every answer. X-Frame-Options cannot name a site: it goes where NEURONXA_FRAMED_BY has one."""
    framed_by = settings().framed_by
    own = {} if framed_by else {"X-Frame-Options": "SAMEORIGIN"}
    return own | {
        "Content-Security-Policy": _POLICY + " ".join(("'self'", *framed_by)),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }


def answers_to(host: str | None) -> bool:
    """Whether the server answers to the name in a Host header: as server.allowedHosts lists, or in local mode its own.

    In shared mode without such a list it answers to every name, since a proxy may have any.
    """
    name = hostname(host or "")
    if not answers_others():
        return is_this_machine(name)
    listed = [each.strip().lower() for each in config.get_option("server.allowedHosts") or ["*"]]
    return any(each in ("*", name) or (each[:2] == "*." and name.endswith(each[1:])) for each in listed)


class Guard:
    """Middleware that refuses other names and adds the headers. Websockets are left to Streamlit and to access."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers())
            await send(message)

        if scope["path"] == _HEALTH or answers_to(Headers(scope=scope).get("host")):
            await self.app(scope, receive, with_headers)
        else:
            await PlainTextResponse("This server does not answer to this name.\n", 403)(scope, receive, with_headers)
