"""Parquet and JSON files with a checksum of their content, since neither detects every flipped bit."""

import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

Content = TypeVar("Content")


def write_checked(frame: pd.DataFrame, checksum: int, path: Path) -> None:
    """Writes a frame as Parquet with zstd, its content's checksum in every row. Raises OSError if it cannot.

    Every page has a checksum of its own too, for those who do not know what the content means.
    """
    frame.assign(checksum=checksum).to_parquet(path, compression="zstd", index=False, write_page_checksum=True)


def read_checked(
    path: Path, content_of: Callable[[pd.DataFrame], Content], checksum_of: Callable[[Content], int]
) -> Content:
    """The content of a file that write_checked wrote. Raises OSError or ValueError if it is missing or damaged."""
    frame = pd.read_parquet(io.BytesIO(path.read_bytes()))
    content = content_of(frame)
    if (frame["checksum"] != checksum_of(content)).any():
        raise ValueError("checksum")
    return content


def write_checked_json(content: object, path: Path) -> None:
    """Writes what JSON can hold, with its checksum beside it. Raises OSError if it cannot."""
    path.write_text(json.dumps({"checksum": _crc32(content), "content": content}), encoding="utf-8")


def read_checked_json(path: Path) -> Any:
    """The content of a file that write_checked_json wrote. Raises OSError, ValueError, KeyError or TypeError if it is
    missing or damaged."""
    file = json.loads(path.read_text(encoding="utf-8"))
    if file["checksum"] != _crc32(file["content"]):
        raise ValueError("checksum")
    return file["content"]


def is_damaged(path: Path) -> bool:
    """Whether there is a file of these two kinds that is not as it was written.

    In a Parquet file from before pages had checksums, only what cannot be read is found.
    """
    try:
        if path.suffix == ".json":
            read_checked_json(path)
        else:
            pd.read_parquet(io.BytesIO(path.read_bytes()), page_checksum_verification=True)
    except FileNotFoundError:
        return False
    except Exception:  # a damaged file fails in many ways
        return True
    return False


def _crc32(content: object) -> int:
    return zlib.crc32(json.dumps(content).encode())
