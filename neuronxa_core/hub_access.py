"""The hub's token, and readable errors in place of those of the hub's library; shared by models and corpora.

Importing this does not import that library.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from neuronxa_core.errors import NeuronXAError


@dataclass(frozen=True)
class Asked:
    """A request to the hub, described for its error messages."""

    name: str
    """`owner/name`, or the title of a corpus."""
    kind: str
    """model or corpus."""
    error: type[NeuronXAError]
    """The class of error to raise."""
    instead: str
    """What to do without the hub, as the end of a sentence: `give the path of a local folder`."""
    page: str = ""
    """The repository on whose page the terms are accepted, if `name` is not its name."""
    revision: str = ""
    begun: bool = False
    """Whether files may have arrived already, which are then kept."""


def hub_token(error: type[NeuronXAError]) -> str | bool:
    """HF_TOKEN; if it is not set, False, which keeps the library from sending a token saved earlier.

    Raises `error` if it cannot be a token: the HTTP library would print it in its own error.
    """
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise error(
            "HF_TOKEN contains characters that no token can have.", "Set it to a token from the hub, or unset it."
        )
    return token or False


@contextmanager
def hub_errors(asked: Asked) -> Iterator[None]:
    """Raises `asked.error`, with a readable message, in place of the errors of the library."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        said = _of_the_repository(asked, error, errors) or _of_the_disk(asked, error) or _of_the_way(asked, error)
        raise asked.error(*said) from error


def _of_the_repository(asked: Asked, error: Exception, errors: Any) -> tuple[str, str] | None:
    """Problem and next step for an answer of the hub or its library; None if the error is not one."""
    token, name = bool(hub_token(asked.error)), asked.name
    page = f"the page of {asked.page}" if asked.page else "its page"
    or_instead = f", or {asked.instead}." if asked.page else "."
    match error:
        case errors.GatedRepoError() if token:
            return (
                f"{name} is gated, and HF_TOKEN has no access to it.",
                f"Accept its terms on {page} with the account of that token{or_instead}",
            )
        case errors.GatedRepoError():
            return (
                f"{name} is gated.",
                f"Accept its terms on {page} and set HF_TOKEN to a token of the same account{or_instead}",
            )
        case errors.RevisionNotFoundError():
            return (
                f"{name} has no revision {asked.revision}.",
                "Use a branch, tag or commit that its page lists, or no revision.",
            )
        case errors.RepositoryNotFoundError():
            reader = "set to a token with access to it" if token else "which is not set"
            no_path = "" if asked.page else "is not a path on this machine, and "
            return (
                f"{name} {no_path}is not a public {asked.kind} on the hub.",
                f"Check the spelling; a private {asked.kind} needs HF_TOKEN, {reader}.",
            )
        case errors.HFValidationError():
            return (
                f"{name} is not a path on this machine, and no {asked.kind} on the hub can have that name.",
                "Give it as owner/name.",
            )
        case errors.OfflineModeIsEnabled():
            return (
                f"{name} is not complete in the local cache, and HF_HUB_OFFLINE is set.",
                f"Unset HF_HUB_OFFLINE to download it, or {asked.instead}.",
            )
        case errors.LocalEntryNotFoundError():
            return None
        case errors.HfHubHTTPError() if error.response.status_code == 401:
            return "The hub does not accept HF_TOKEN.", "Set it to a valid token; public repositories need none."
        case errors.HfHubHTTPError():
            return f"The hub answered {error.response.status_code} for {name}.", f"Try again later, or {asked.instead}."
    return None


def _of_the_disk(asked: Asked, error: Exception) -> tuple[str, str] | None:
    match error:
        case OSError(errno=number) if number in (errno.ENOSPC, errno.EDQUOT):
            return (
                f"The disk is full; {asked.name} has not arrived completely.",
                "Free some disk space, or set HF_HOME to a folder on a larger disk, and run again.",
            )
        case PermissionError() | OSError(errno=errno.EROFS):
            return f"The hub's cache cannot be written to ({error.strerror}).", "Set HF_HOME to a writable folder."
    return None


def _of_the_way(asked: Asked, error: Exception) -> tuple[str, str]:
    if isinstance(error, ValueError):
        return (
            f"The hub's answer for {asked.name} is not valid.",
            "Check whether a proxy answers in its place.",
        )
    if asked.begun:
        return f"The download of {asked.name} was interrupted.", "Run again; it resumes where it stopped."
    return (
        f"{asked.name} is not on this machine, and the hub cannot be reached.",
        f"Check the name and the network, or {asked.instead}.",
    )
