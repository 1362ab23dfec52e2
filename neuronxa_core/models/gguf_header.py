"""The header of a GGUF file, read without its vocabulary and weights.

Every count is compared with the bytes that are left before anything is read for it: a file of a kilobyte can claim
2^60 strings. What passes here is short enough for the readers of gguf and transformers, which check nothing.
Source: the GGUF specification of ggml, version 3.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFReader, GGUFValueType

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
"""struct's letter for each type of value; 8 is a string and 9 an array."""
_MOST_ITEMS = 4_000_000
"""In one array; vocabularies have up to a million."""
_MOST_DIMENSIONS = 8
_LONGEST_TEXT = 10_000
"""Characters of a text that are kept."""


class GGUFError(ValueError):
    """What is wrong with a GGUF file, as the part of a sentence."""


@dataclass(frozen=True)
class Header:
    """fields: values by name, None for an array. tensors: their dimensions by name, the innermost first."""

    fields: Mapping[str, Any]
    tensors: Mapping[str, tuple[int, ...]]

    @property
    def elements(self) -> list[int]:
        """The number of parameters of each tensor."""
        return [prod(dimensions) for dimensions in self.tensors.values()]


def read_header(path: Path) -> Header:
    """The header of a GGUF file. Raises GGUFError if it does not fit its file, and OSError if it cannot be read."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise GGUFError("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Reader(content).header()


def refuse_odd_sizes(header: Header) -> None:
    """Raises GGUFError where the sizes in the fields are missing, or are not those of the tensors.

    What transformers does not find in a file it takes from its defaults or draws at random, in sizes of many gigabytes.
    """
    family, total = header.fields.get("general.architecture"), sum(header.elements)
    names = ("block_count", "embedding_length", "feed_forward_length", "attention.head_count")
    layers, hidden, neurons, heads = (_size(header, f"{family}.{name}") for name in names)
    width = _size(header, f"{family}.attention.key_length", 0) * heads
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or hidden not in embedding:
        raise GGUFError("its embeddings are missing, or have another size than its header says")
    if layers > len(header.tensors) or layers * hidden * max(neurons, width) > 2 * total or heads > hidden:
        raise GGUFError("its header says more than its tensors hold")
    positions = header.tensors.get("position_embd.weight")
    if positions and _size(header, f"{family}.context_length") not in positions:
        raise GGUFError("its position embeddings have another size than its header says")


def _size(header: Header, name: str, default: int | None = None) -> int:
    """A size in the header; 0 for one that differs from layer to layer. Raises GGUFError if it is missing or odd."""
    size = header.fields.get(name, -1 if default is None else default)
    if size is not None and (type(size) is not int or size < 0):
        raise GGUFError(f"its header has no sound {name}")
    return size or 0


class _Reader:
    """Walks through the bytes of a header."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at, self._order = content, 0, "<"

    def header(self) -> Header:
        if self._bytes(4) != b"GGUF":
            raise GGUFError("it does not begin with GGUF")
        version = self._number("I")
        if not version & 0xFFFF:  # written on a big-endian machine
            self._order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in (2, 3):
            raise GGUFError(f"its version is {version}, not 2 or 3")
        tensors, fields = self._number("Q"), self._number("Q")
        self._room(tensors, 24)
        self._room(fields, 13)
        found = dict(self._field() for _ in range(fields))
        described = [self._tensor() for _ in range(tensors)]
        self._check_data([place for *_, place in described], found.get("general.alignment", 32))
        return Header(found, {name: dimensions for name, dimensions, _ in described})

    def _field(self) -> tuple[str, Any]:
        return self._text(), self._value(self._number("I"))

    def _value(self, kind: int) -> Any:
        if kind == GGUFValueType.STRING:
            return self._text()
        if kind == GGUFValueType.ARRAY:
            return self._skip_array()
        if kind not in _SCALARS:
            raise GGUFError(f"it has a value of the unknown type {kind}")
        return self._number(_SCALARS[kind])

    def _skip_array(self) -> None:
        kind, count = self._number("I"), self._number("Q")
        if count > _MOST_ITEMS:
            raise GGUFError(f"it has an array of {count:,} items")
        if kind == GGUFValueType.STRING:
            self._room(count, 8)
            for _ in range(count):
                self._skip(self._number("Q"))
        elif kind in _SCALARS:
            self._skip(count * struct.calcsize(_SCALARS[kind]))
        else:
            raise GGUFError("it has an array of arrays" if kind == GGUFValueType.ARRAY else f"it has the type {kind}")

    def _tensor(self) -> tuple[str, tuple[int, ...], tuple[int, int]]:
        """Name, dimensions, (first byte, bytes) of a tensor; the first byte counts from the beginning of the data."""
        name = self._text()
        dimensions = self._number("I")
        if dimensions > _MOST_DIMENSIONS:
            raise GGUFError(f"it has a tensor of {dimensions:,} dimensions")
        sizes = tuple(self._number("Q") for _ in range(dimensions))
        kind, start = self._number("I"), self._number("Q")
        try:
            block, size = GGML_QUANT_SIZES[GGMLQuantizationType(kind)]
        except (KeyError, ValueError) as error:
            raise GGUFError(f"it has a tensor of the unknown type {kind}") from error
        return name, sizes, (start, prod(sizes) // block * size)

    def _check_data(self, places: list[tuple[int, int]], alignment: Any) -> None:
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1) or alignment > 1 << 20:
            raise GGUFError("its alignment is not a power of two")
        left = len(self._content) - -(-self._at // alignment) * alignment
        if any(start + size > left for start, size in places):
            raise GGUFError("it is truncated")

    def _text(self) -> str:
        length = self._number("Q")
        start = self._at
        self._skip(length)
        return self._content[start : start + min(length, _LONGEST_TEXT)].decode("utf-8", "replace")

    def _number(self, letter: str) -> Any:
        return struct.unpack(self._order + letter, self._bytes(struct.calcsize(letter)))[0]

    def _bytes(self, count: int) -> bytes:
        start = self._at
        self._skip(count)
        return self._content[start : self._at]

    def _room(self, count: int, each: int) -> None:
        """Raises GGUFError if `count` things of at least `each` bytes cannot follow."""
        if count * each > len(self._content) - self._at:
            raise GGUFError(f"it claims {count:,} entries, more than fit in it")

    def _skip(self, count: int) -> None:
        self._room(count, 1)
        self._at += count


class HeaderReader(GGUFReader):
    """gguf's reader, skipping arrays: a vocabulary of 262,144 tokens, with scores and types, takes it ten seconds.

    For a file that is known to be whole.
    """

    def _get_field_parts(self, orig_offs: int, raw_type: int) -> Any:
        if raw_type != GGUFValueType.ARRAY:
            return super()._get_field_parts(orig_offs, raw_type)
        kind = GGUFValueType(int(self._get(orig_offs, np.uint32)[0]))
        count = int(self._get(orig_offs + 4, np.uint64)[0])
        end = orig_offs + 12
        if kind == GGUFValueType.STRING:
            for _ in range(count):
                end += 8 + int.from_bytes(self.data[end : end + 8].tobytes(), "little")
        else:
            end += count * np.dtype(self.gguf_scalar_to_np[kind]).itemsize
        return end - orig_offs, [], [], []


def gguf_told(path: Path) -> tuple[Mapping[str, Any], list[int]]:
    """Sizes by config.json name, and the number of parameters of each tensor; both empty if the file is damaged."""
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int, _size: int) -> tuple[Mapping[str, Any], list[int]]:
    try:
        header = read_header(path)
    except (GGUFError, OSError):
        return {}, []
    kind = header.fields.get("general.architecture")
    names = {
        "num_hidden_layers": "block_count",
        "hidden_size": "embedding_length",
        "intermediate_size": "feed_forward_length",
        "num_local_experts": "expert_count",
        "num_experts_per_tok": "expert_used_count",
    }
    sizes = {ours: header.fields.get(f"{kind}.{theirs}") for ours, theirs in names.items()}
    config = {"model_type": kind} | {name: size for name, size in sizes.items() if type(size) is int}
    return config, header.elements
