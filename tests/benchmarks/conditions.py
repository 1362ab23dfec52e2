"""Under what conditions a benchmark ran: the line above its table."""

import os

_ALONE = 1.0
"""Load average of the last minute from which on something else was running too."""


def heading(*beside: str) -> str:
    """`2 cores, load average 0.3`, and a warning where the machine was busy; `beside`: what else tells runs apart."""
    load = os.getloadavg()[0]
    line = ", ".join((f"{os.cpu_count()} cores", f"load average {load:.1f}", *beside))
    if load <= _ALONE:
        return f"{line}\n"
    return f"{line}\n\nNot alone: other processes kept {load:.1f} cores busy, so read these times as upper bounds.\n"
