"""The hub's token, and what the hub's library raises as one sentence with a next step: the same for models and corpora.

Importing this does not import the library.
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
    """What the hub is asked for, as its errors call it."""

    name: str
    """`owner/name`, or the title of a corpus."""
    kind: str
    """model or corpus."""
    error: type[NeuronXAError]
    """What is raised."""
    instead: str
    """What works without the hub, as the end of a sentence: `give the path of a local folder`."""
    page: str = ""
    """The repository on whose page terms are accepted, where `name` does not say it."""
    revision: str = ""
    begun: bool = False
    """Whether something may have arrived, and would be kept."""


def hub_token(error: type[NeuronXAError]) -> str | bool:
    """HF_TOKEN; False, which keeps the library from sending one that somebody saved, where it is not set.

    Raises `error` if it cannot be a token: the HTTP library would show it in its own error.
    """
    token = os.environ.get("HF_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise error(
            "HF_TOKEN contains characters that no token can have.", "Set it to a token of the hub, or unset it."
        )
    return token or False


@contextmanager
def hub_errors(asked: Asked) -> Iterator[None]:
    """Turns what the library raises into `asked.error`."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except (HTTPError, OSError, ValueError) as error:
        said = _of_the_repository(asked, error, errors) or _of_the_disk(asked, error) or _of_the_way(asked, error)
        raise asked.error(*said) from error


def _of_the_repository(asked: Asked, error: Exception, errors: Any) -> tuple[str, str] | None:
    """What the hub, or the library in its place, answered; None if it did not."""
    token, name = bool(hub_token(asked.error)), asked.name
    page = f"the page of {asked.page}" if asked.page else "its page"
    or_instead = f", or {asked.instead}." if asked.page else "."
    match error:
        case errors.GatedRepoError() if token:
            return (
                f"{name} is gated, and HF_TOKEN may not read it.",
                f"Accept its terms on {page} with that account{or_instead}",
            )
        case errors.GatedRepoError():
            return (
                f"{name} is gated.",
                f"Accept its terms on {page} and set HF_TOKEN to a token of that account{or_instead}",
            )
        case errors.RevisionNotFoundError():
            return (
                f"{name} has no revision {asked.revision}.",
                "Give a branch, a tag or a commit that its page lists, or none.",
            )
        case errors.RepositoryNotFoundError():
            reader = "set to a token that may read it" if token else "which is not set"
            no_path = "" if asked.page else "is not a path on this machine, and "
            return (
                f"{name} {no_path}is not a {asked.kind} on the hub that everybody may read.",
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
            return "The hub does not accept HF_TOKEN.", "Set it to a valid token; unset it for what is open to all."
        case errors.HfHubHTTPError():
            return f"The hub answered {error.response.status_code} for {name}.", f"Try again later, or {asked.instead}."
    return None


def _of_the_disk(asked: Asked, error: Exception) -> tuple[str, str] | None:
    match error:
        case OSError(errno=number) if number in (errno.ENOSPC, errno.EDQUOT):
            return (
                f"The disk is full; {asked.name} has not arrived completely.",
                "Make room, or set HF_HOME to a folder on a larger disk, and run again.",
            )
        case PermissionError() | OSError(errno=errno.EROFS):
            return f"The hub's cache cannot be written ({error.strerror}).", "Set HF_HOME to a folder you can write to."
    return None


def _of_the_way(asked: Asked, error: Exception) -> tuple[str, str]:
    if isinstance(error, ValueError):
        return (
            f"The hub's answer for {asked.name} is not valid.",
            "Check whether a proxy on the way answers in its place.",
        )
    if asked.begun:
        return f"The download of {asked.name} broke off.", "Run again; what has arrived is kept."
    return (
        f"{asked.name} is not on this machine, and the hub cannot be reached.",
        f"Check the name and the network, or {asked.instead}.",
    )
