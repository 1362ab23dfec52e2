"""Whose turn it is in a queue that several people share, and who of them has left."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

AWAY = 60.0
"""Seconds after which somebody who is away counts as having left."""
_REMEMBERED = 256
"""Number of callers whose last turn is remembered."""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks for runs, such as the session of a page. here: whether they can still see an answer."""

    name: str = ""
    here: Callable[[], bool] = field(default=lambda: True, compare=False)


ANYONE = Caller()


class Waiting(Protocol):
    """Something in a queue."""

    @property
    def callers(self) -> Collection[str]:
        """The names of those who wait for it."""


Item = TypeVar("Item", bound=Waiting)


class Turns:
    """Round robin between callers: next is whoever was served longest ago, newcomers first; each in their own order."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._count = 0

    def took(self, item: Waiting) -> None:
        """Notes that everyone who waits for this item has had a turn."""
        self._count += 1
        for name in item.callers:
            self._last.pop(name, None)
            self._last[name] = self._count
        for name in list(self._last)[:-_REMEMBERED]:
            del self._last[name]

    def order(self, items: Sequence[Item]) -> list[Item]:
        """The items as they will be served if no other comes. items: in the order in which they came."""
        ahead = Turns()
        ahead._last, ahead._count = dict(self._last), self._count
        left, found = list(items), []
        while left:
            found.append(min(left, key=ahead._turn))  # of equal ones the first
            left.remove(found[-1])
            ahead.took(found[-1])
        return found

    def _turn(self, item: Waiting) -> int:
        return min((self._last.get(name, 0) for name in item.callers), default=0)


class Attendance:
    """Since when each caller has been away. Not safe to call from several threads at once."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._looked = 0.0

    def left(self, callers: Iterable[Caller]) -> set[str]:
        """The names of those who have been away for AWAY seconds. Looks once a second at most; none in between."""
        now = time.monotonic()
        if now - self._looked < 1:
            return set()
        self._looked = now
        everyone = {caller.name: caller for caller in callers}
        away = {name: self._since.get(name, now) for name, caller in everyone.items() if not caller.here()}
        self._since = away
        return {name for name, since in away.items() if now - since >= AWAY}
