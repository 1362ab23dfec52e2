"""The metadata of a GGUF file, read without its vocabulary and weights."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader, GGUFValueType


class HeaderReader(GGUFReader):
    """gguf's reader, skipping arrays: a vocabulary of 262,144 tokens, with scores and types, takes it ten seconds."""

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
        reader = HeaderReader(path)
    except (ValueError, IndexError, KeyError, OSError, OverflowError):
        return {}, []

    def field(name: str) -> Any:
        found = reader.get_field(name)
        return found.contents() if found else None

    kind = field("general.architecture")
    names = {
        "num_hidden_layers": "block_count",
        "hidden_size": "embedding_length",
        "intermediate_size": "feed_forward_length",
        "num_local_experts": "expert_count",
        "num_experts_per_tok": "expert_used_count",
    }
    sizes = {ours: field(f"{kind}.{theirs}") for ours, theirs in names.items()}
    config = {"model_type": kind} | {name: size for name, size in sizes.items() if isinstance(size, int)}
    return config, [int(tensor.n_elements) for tensor in reader.tensors]
