"""Damage done to files, as a failing disk does it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from neuronxa_core.models import digests


def flip_a_bit(file: Path, keep_date: bool = True, position: int = -102) -> None:
    """Flips one bit in place, by default in a float32; the file keeps its length, and its date if that is asked."""
    time.sleep(0.02)  # a file system's clock may stand still for some milliseconds
    stat = file.stat()
    with file.open("r+b") as content:
        content.seek(position, os.SEEK_END if position < 0 else os.SEEK_SET)
        byte = content.read(1)[0]
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([byte ^ 0x40]))
    if keep_date:
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def flip_a_bit_that_no_date_tells(file: Path, position: int = -102) -> None:
    """As a disk that loses a bit: what an earlier process read of the file still counts for its new stamp."""
    digest = digests.read(file)
    flip_a_bit(file, position=position)
    digests._READ.clear()
    digests._remember(digests._memo(file, digests.stamp(file)), digest)


def flipped(file: Path, step: int = 1) -> Iterator[int]:
    """Every `step`th position of a file, which has one bit flipped there for as long as the loop stays with it."""
    good = file.read_bytes()
    for position in range(0, len(good), step):
        file.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        yield position
