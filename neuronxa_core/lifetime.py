"""How a process that another one started ends with it."""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int) -> None:
    """Has the system kill this process as soon as `parent`, which started it, has ended, however it ended.

    Only Linux can. It takes the thread that started this process for the parent, so that thread must live as long.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before it could be heard of
            os._exit(1)


def end_group() -> None:
    """Ends this process at once and, where it leads a process group, every process that it started."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
