"""Arrays in a safetensors file that is mapped into memory: filled while they are computed, read where they lie.

The kernel may take back the memory of what is mapped whenever it needs it, so that the states of a large corpus never
have to fit beside the model. Only the layout is written here; safetensors checks what is read.
"""

import json
import mmap
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shapes = Mapping[str, tuple[int, ...]]
_TYPES: Mapping[str, type[np.generic]] = {"F32": np.float32, "I64": np.int64}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
_COUNTS = ("tokens", "unknown")
"""Arrays of whole numbers; all others are float32."""
_LARGEST = 2**32 - 1
"""The checksum while there is none yet: no other is written in more digits."""


def create(path: Path, shapes: Shapes, header: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Arrays of zeros in a new file, by name: `tokens` and `unknown` int64, all others float32.

    `seal` completes the file. Raises OSError if there is no room for all of it on the disk.
    """
    top = _top(shapes, header, _LARGEST)
    with path.open("xb") as file:
        os.posix_fallocate(file.fileno(), 0, len(top) + sum(size for _, size in _places(shapes).values()))
        file.write(top)
    return {
        name: np.memmap(path, _type(name), "r+", len(top) + start, shape)
        for (name, shape), (start, _) in zip(shapes.items(), _places(shapes).values(), strict=True)
    }


def in_memory(shapes: Shapes) -> dict[str, NDArray[Any]]:
    """The same arrays without a file."""
    return {name: np.zeros(shape, _type(name)) for name, shape in shapes.items()}


def seal(path: Path, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> None:
    """Writes the header with the arrays' checksum. The arrays can no longer be written."""
    with path.open("r+b") as file:
        file.write(_top({name: array.shape for name, array in arrays.items()}, header, _checksum(arrays)))
    for array in arrays.values():
        array.flags.writeable = False


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a file, mapped and read-only, and its header. Raises ValueError if the checksum is another.

    Raises SafetensorError, OSError, KeyError or TypeError for what is not such a file.
    """
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:  # which checks that sizes and places fit
        header: dict[str, Any] = json.loads(file.metadata()["neuronxa"])
    arrays = dict(_mapped(path))
    if header["crc32"] != _checksum(arrays):
        raise ValueError("checksum")
    return arrays, header


def read_layer(path: Path, name: str, index: int) -> NDArray[np.float32]:
    """One layer of an array of a file of states or of the gallery, (rows, dim).

    Raises OSError or ValueError if the file, the array or the layer is missing.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            layer: NDArray[np.float32] = file.get_slice(name)[index]
            return layer
    except (SafetensorError, IndexError) as error:
        raise ValueError(f"{path} has no layer {index} of {name}") from error


def read_counts(path: Path, name: str) -> NDArray[np.int64]:
    """`tokens` or `unknown` of a file of states, (sentences,). Raises like read_layer."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            counts: NDArray[np.int64] = file.get_tensor(name)
            return counts
    except SafetensorError as error:
        raise ValueError(f"{path} holds no {name}") from error


def count_layers(path: Path, name: str) -> int:
    """Number of layers of an array in such a file. Raises like read_layer."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return int(file.get_slice(name).get_shape()[0])
    except SafetensorError as error:
        raise ValueError(f"{path} holds no {name}") from error


def give_back(*arrays: NDArray[Any]) -> None:
    """Lets the kernel have the memory of mapped arrays, whole or in part. What was written stays in the file."""
    for array in arrays:
        mapping: mmap.mmap | None = getattr(array, "_mmap", None)
        if mapping is not None:
            mapping.madvise(mmap.MADV_DONTNEED)


def _mapped(path: Path) -> Iterator[tuple[str, NDArray[Any]]]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        top = json.loads(file.read(length))
    for name, entry in top.items():
        if name != "__metadata__":
            start, shape = 8 + length + entry["data_offsets"][0], tuple(entry["shape"])
            yield name, np.memmap(path, _TYPES[entry["dtype"]], "r", start, shape)


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> int:
    """CRC-32 of the arrays in the order of their names, a layer at a time."""
    checksum = 0
    for name in sorted(arrays):
        for layer in arrays[name]:
            checksum = zlib.crc32(np.atleast_1d(layer).view(np.uint8).data, checksum)
        give_back(arrays[name])
    return checksum


def _top(shapes: Shapes, header: Mapping[str, Any], checksum: int) -> bytes:
    """Length and header as they begin the file, as long for every checksum."""
    entries: dict[str, Any] = {
        name: {"dtype": _NAMES[np.dtype(_type(name))], "shape": list(shape), "data_offsets": [start, start + size]}
        for (name, shape), (start, size) in zip(shapes.items(), _places(shapes).values(), strict=True)
    }

    def text(crc: int) -> bytes:
        return json.dumps({"__metadata__": {"neuronxa": json.dumps({**header, "crc32": crc})}, **entries}).encode()

    length = -(-len(text(_LARGEST)) // 8) * 8
    return length.to_bytes(8, "little") + text(checksum).ljust(length)


def _places(shapes: Shapes) -> dict[str, tuple[int, int]]:
    """(start, size) of every array in bytes, counted from the end of the header."""
    places: dict[str, tuple[int, int]] = {}
    end = 0
    for name, shape in shapes.items():
        places[name] = end, int(np.prod(shape)) * np.dtype(_type(name)).itemsize
        end = sum(places[name])
    return places


def _type(name: str) -> type[np.generic]:
    return np.int64 if name in _COUNTS else np.float32
