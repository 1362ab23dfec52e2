"""What visitors leave behind in the server's memory: sessions that are over, and what the allocator keeps for more."""

import asyncio
import ctypes
import gc
import sys
from contextlib import suppress
from typing import Any

from streamlit import runtime

_SECONDS = 30.0
"""Between two rounds."""


async def tidy_up() -> None:
    """Without end: forgets the sessions whose two minutes are up, and gives the memory of those that went back.

    Streamlit itself forgets one only when another visitor leaves, so that a class of forty would stay until then.
    """
    before = 0
    while True:
        await asyncio.sleep(_SECONDS)
        with suppress(Exception):  # of a Streamlit that keeps its sessions otherwise
            now = sessions_kept(runtime.get_instance())
            if now < before:
                await asyncio.to_thread(give_back)
            before = now


def sessions_kept(server: Any) -> int:
    """How many sessions a server keeps, connected or not, after those have gone whose time is up."""
    manager = server._session_mgr
    stored = manager._session_storage._cache
    stored.expire()
    return len(stored) + int(manager.num_active_sessions())


def give_back() -> None:
    """Collects what nobody refers to any more; on Linux the system gets the pages that are free."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
