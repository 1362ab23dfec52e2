"""Parquet files with a checksum of their content, since Parquet does not detect every flipped bit."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pandas as pd

Content = TypeVar("Content")


def write_checked(frame: pd.DataFrame, checksum: int, path: Path) -> None:
    """Writes a frame as Parquet with zstd, its content's checksum in every row. Raises OSError if it cannot."""
    frame.assign(checksum=checksum).to_parquet(path, compression="zstd", index=False)


def read_checked(
    path: Path, content_of: Callable[[pd.DataFrame], Content], checksum_of: Callable[[Content], int]
) -> Content:
    """The content of a file that write_checked wrote. Raises OSError or ValueError if it is missing or damaged."""
    frame = pd.read_parquet(io.BytesIO(path.read_bytes()))
    content = content_of(frame)
    if (frame["checksum"] != checksum_of(content)).any():
        raise ValueError("checksum")
    return content
