"""Rooms of class mode: which step a class looks at and how it answers, in the server's memory and nowhere else."""

from neuronxa_core.rooms.invitation import PAGE, link_to, qr_code
from neuronxa_core.rooms.room import Room, RoomKey, Rooms, shared_rooms

__all__ = ["PAGE", "Room", "RoomKey", "Rooms", "link_to", "qr_code", "shared_rooms"]
