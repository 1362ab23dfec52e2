"""Rooms: forty members at once, answers counted once each, limits, silence, and nothing left behind."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from neuronxa_core.errors import RoomError
from neuronxa_core.rooms import RoomKey, Rooms, link_to, qr_code
from neuronxa_core.rooms.room import AWAY, MOST_MEMBERS, MOST_ROOMS, OTHER, SILENCE


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_forty_members_at_once_are_all_counted_and_each_once():
    rooms = Rooms()
    held = rooms.open("neuron")
    rooms.teach(held, open=True)

    def member(number: int) -> int:
        seat, taken = rooms.join(held.code), 0
        for turn in range(25):
            before = str((number + turn - 1) % 4) if turn else ""
            taken += rooms.answer(held.code, seat, 1, str((number + turn) % 4), before)
            rooms.look(held.code, seat)
        return taken

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(member, range(40))) == [25] * 40
    room = rooms.look(held.code)
    assert room.members == room.given == 40
    assert dict(room.answers) == Counter(str((number + 24) % 4) for number in range(40))


def test_only_the_key_moves_a_room_and_a_new_step_begins_closed():
    rooms = Rooms()
    held = rooms.open("neuron")
    assert rooms.teach(RoomKey(held.code, "guessed"), step=2) is None
    seat = rooms.join(held.code)
    assert not rooms.answer(held.code, seat, 1, "a")  # not open yet
    rooms.teach(held, open=True, shown=True)
    assert rooms.answer(held.code, seat, 1, "a")
    assert not rooms.answer(held.code, seat, 2, "a")
    assert not rooms.answer(held.code, "nobody", 1, "a")
    room = rooms.teach(held, step=2)
    assert (room.step, room.open, room.shown, room.given) == (2, False, False, 0)
    assert rooms.teach(held, step=1).answers == (("a", 1),)
    assert rooms.teach(held, free=True).free


def test_a_room_holds_counts_and_no_member_s_answer():
    rooms = Rooms()
    held = rooms.open("neuron")
    rooms.teach(held, open=True)
    seat = rooms.join(held.code)
    rooms.answer(held.code, seat, 1, "0.88")
    kept = rooms._rooms[held.code]
    assert kept.counts == {1: Counter({"0.88": 1})}
    assert list(kept.seats) == [seat]
    assert isinstance(kept.seats[seat], float)


def test_rooms_members_and_different_answers_have_limits():
    rooms = Rooms()
    keys = [rooms.open("neuron") for _ in range(MOST_ROOMS)]
    assert len({key.code for key in keys}) == MOST_ROOMS
    with pytest.raises(RoomError, match=f"{MOST_ROOMS} classes already"):
        rooms.open("neuron")
    held = keys[0]
    seats = [rooms.join(held.code) for _ in range(MOST_MEMBERS)]
    with pytest.raises(RoomError, match="is full"):
        rooms.join(held.code)
    with pytest.raises(RoomError, match="no class with this code"):
        rooms.join("AAAAA")
    rooms.teach(held, open=True)
    for number, seat in enumerate(seats):
        rooms.answer(held.code, seat, 1, str(number))
    room = rooms.look(held.code)
    assert room.given == MOST_MEMBERS
    assert len(room.answers) <= 61
    assert dict(room.answers)[OTHER] == MOST_MEMBERS - len(room.answers) + 1
    rooms.leave(held.code, seats[0])
    assert rooms.look(held.code).members == MOST_MEMBERS - 1


def test_who_is_gone_no_longer_counts_and_a_silent_room_ends():
    clock = Clock()
    rooms = Rooms(clock)
    held = rooms.open("neuron")
    stays, goes = rooms.join(held.code), rooms.join(held.code)
    clock.now = AWAY - 1
    assert rooms.look(held.code, stays).members == 2
    clock.now = AWAY + 1
    assert rooms.look(held.code).members == 1
    assert rooms.look(held.code, goes).members == 2  # a phone that wakes up is back
    for hour in range(1, 9):  # looking alone keeps no room alive
        clock.now = hour * 3600.0
        rooms.look(held.code, stays)
    assert rooms.look(held.code, stays) is None
    assert len(rooms) == 0
    assert not rooms.holds(held)
    second = rooms.open("neuron")
    clock.now += SILENCE - 1
    rooms.teach(second, step=2)
    clock.now += SILENCE - 1
    assert rooms.look(second.code).step == 2
    rooms.end(second)
    assert rooms._rooms == {}


def test_a_link_joins_a_room_and_its_code_is_a_picture_that_phones_read():
    assert link_to("https://lab.example.org/", "K7QXM") == "https://lab.example.org/class?room=K7QXM"
    picture = qr_code("https://lab.example.org/class?room=K7QXM")
    assert picture.startswith("<svg")
    assert 'viewBox="0 0 ' in picture
    assert "#fff" in picture  # black on white in a dark theme, too
    assert picture != qr_code("https://lab.example.org/class?room=K7QXN")
