"""How a process that another one started ends with it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Has the system kill this process as soon as `parent`, which started it, has ended, however it ended.

    Only Linux does so by itself. It takes the thread that started this process for the parent, so that thread must live
    as long. Elsewhere a thread of this process looks twice a second whether the parent is still there.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before it could be heard of
            os._exit(1)
    else:
        threading.Thread(target=_end_after, args=(parent,), name="neuronxa-lifetime", daemon=True).start()


def _end_after(parent: int, end: Callable[[int], object] = os._exit) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    end(1)


def end_group() -> None:
    """Ends this process at once and, where it leads a process group, every process that it started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
