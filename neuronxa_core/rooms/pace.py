"""A pace for work that many ask for at once."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets through so many callers a second, evenly; the others ask again. It may be asked from any thread."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._apart = 1 / per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._next = float("-inf")

    def lets_through(self) -> bool:
        """Whether a caller may go now."""
        with self._lock:
            now = self._clock()
            if now < self._next:
                return False
            self._next = now + self._apart
            return True
