"""Rooms: opened by a teacher, joined without a name, and gone after hours of silence.

A room holds the lesson, its step, three switches, and counts: how many are here, and how many gave which answer to
which step. Who is here is known by random seats that say when they were last heard of, and by nothing else.
"""

import secrets
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

from neuronxa_core.errors import RoomError

MOST_ROOMS = 20
MOST_MEMBERS = 200
SILENCE = 3 * 3600.0
"""Seconds without a move of the teacher, an answer or a new member, after which a room ends."""
AWAY = 60.0
"""Seconds after which a member who was not heard of no longer counts as being here."""
_MOST_ANSWERS = 60
"""Different answers to a step that are told apart; the others count together."""
OTHER = "other"
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Of a code: none that is mistaken for another when it is read from a wall."""


class RoomKey(NamedTuple):
    """What a teacher has. code: what the class types; key: lets its holder move the class."""

    code: str
    key: str


@dataclass(frozen=True)
class Room:
    """A room as everybody in it sees it. step: from 1; free: members may go on by themselves.

    open: the step's question takes answers; shown: members see the answers; members: how many are here; answers: how
    many gave which to the step, the most frequent first; given: by how many, over all steps.
    """

    code: str
    lesson: str
    step: int = 1
    free: bool = False
    open: bool = False
    shown: bool = False
    members: int = 0
    answers: tuple[tuple[str, int], ...] = ()
    given: int = 0


@dataclass
class _Kept:
    room: Room
    key: str
    heard: float
    seats: dict[str, float] = field(default_factory=dict)
    counts: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


class Rooms:
    """All rooms of a server. Every method may be called from any thread. clock: seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rooms: dict[str, _Kept] = {}

    def open(self, lesson: str) -> RoomKey:
        """Opens a room at the first step of a lesson. Raises RoomError if the server has as many as it may."""
        with self._lock:
            self._end_silent()
            if len(self._rooms) >= MOST_ROOMS:
                raise RoomError(
                    f"This server has {MOST_ROOMS} classes already.", "End one of them, or try again in an hour."
                )
            code = next(code for code in iter(_new_code, "") if code not in self._rooms)
            key = secrets.token_urlsafe(12)
            self._rooms[code] = _Kept(Room(code, lesson), key, self._clock())
            return RoomKey(code, key)

    def join(self, code: str) -> str:
        """A seat in a room. Raises RoomError if there is no such room or it is full."""
        with self._lock:
            kept = self._find(code)
            if kept is None:
                raise RoomError("There is no class with this code.", "Compare the code with the one on the screen.")
            if len(self._here(kept)) >= MOST_MEMBERS:
                raise RoomError(f"This class is full: {MOST_MEMBERS} are here.", "Share a phone with somebody.")
            seat = secrets.token_urlsafe(9)
            kept.seats[seat] = kept.heard = self._clock()
            return seat

    def look(self, code: str, seat: str = "") -> Room | None:
        """The room as it is now, or None once it has ended. seat: whoever looks, who is thereby still here."""
        with self._lock:
            kept = self._find(code)
            if kept is None:
                return None
            if seat and (seat in kept.seats or len(self._here(kept)) < MOST_MEMBERS):
                kept.seats[seat] = self._clock()
            return self._seen(kept)

    def leave(self, code: str, seat: str) -> None:
        """Gives a seat back."""
        with self._lock:
            kept = self._find(code)
            if kept:
                kept.seats.pop(seat, None)

    def answer(self, code: str, seat: str, step: int, text: str, before: str = "") -> bool:
        """Counts an answer; whether it was taken, which it is only while the step's question is open.

        before: what the same member gave before, which this replaces. Who gave what is not kept.
        """
        with self._lock:
            kept = self._find(code)
            if kept is None or seat not in kept.seats or not kept.room.open or kept.room.step != step:
                return False
            counts, kept.heard = kept.counts[step], self._clock()
            if counts[before] > 0:
                counts[before] -= 1
            counts[text if text in counts or len(counts) < _MOST_ANSWERS else OTHER] += 1
            return True

    def teach(self, held: RoomKey, **changes: Any) -> Room | None:
        """Changes step, free, open or shown, and returns the room; None if it has ended or the key is not its own.

        A new step begins with its question closed and its answers hidden.
        """
        with self._lock:
            kept = self._theirs(held)
            if kept is None:
                return None
            if changes.get("step", kept.room.step) != kept.room.step:
                changes = {"open": False, "shown": False} | changes
            kept.room, kept.heard = replace(kept.room, **changes), self._clock()
            return self._seen(kept)

    def end(self, held: RoomKey) -> None:
        """Ends a room; everything in it is forgotten."""
        with self._lock:
            if self._theirs(held):
                del self._rooms[held.code]

    def holds(self, held: RoomKey) -> bool:
        """Whether this is the key of a room that has not ended."""
        with self._lock:
            return self._theirs(held) is not None

    def __len__(self) -> int:
        """How many rooms there are."""
        with self._lock:
            self._end_silent()
            return len(self._rooms)

    def _theirs(self, held: RoomKey) -> _Kept | None:
        kept = self._find(held.code)
        return kept if kept and secrets.compare_digest(kept.key.encode(), held.key.encode()) else None

    def _find(self, code: str) -> _Kept | None:
        self._end_silent()
        return self._rooms.get(code)

    def _end_silent(self) -> None:
        now = self._clock()
        for code in [code for code, kept in self._rooms.items() if now - kept.heard > SILENCE]:
            del self._rooms[code]

    def _here(self, kept: _Kept) -> dict[str, float]:
        """The seats that were heard of lately; the others are forgotten."""
        now = self._clock()
        for seat in [seat for seat, heard in kept.seats.items() if now - heard > AWAY]:
            del kept.seats[seat]
        return kept.seats

    def _seen(self, kept: _Kept) -> Room:
        counts = +kept.counts[kept.room.step]
        answers = tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
        return replace(kept.room, members=len(self._here(kept)), answers=answers, given=counts.total())


def _new_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


@lru_cache(maxsize=1)
def shared_rooms() -> Rooms:
    """The rooms of this server."""
    return Rooms()
