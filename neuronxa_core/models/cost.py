"""What a study will cost, before anything is downloaded or loaded, and a refusal that says what would fit.

Estimated from config.json, the headers of the weights or what the hub says of them, and the free memory.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from neuronxa_core.errors import ModelError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.models import demo, hub
from neuronxa_core.models.config import BYTES, Shape, shape_of, stored
from neuronxa_core.models.hardware import (
    Device,
    Dtype,
    has_bitsandbytes,
    memory_available,
    resolve_device,
    resolve_dtype,
)
from neuronxa_core.models.locate import ModelRef, is_hub_id, local_checkpoint

_CHARACTERS_PER_TOKEN = 3.0
"""Measured on the bundled corpus with Gemma's tokenizer, 2.9 to 4.1 by language; a guess for other tokenizers."""
_SHARE_OF_PEAK = {"float32": 0.8, "bfloat16": 1.3}
"""Speed of an extraction relative to one large float32 product.

Measured on two cores with AVX512_BF16, rounded down.
"""
_WRITING = 2.0
"""How much longer a token takes that is written after another: all weights are read for a few rows. Measured so."""
_OVERHEAD = 600_000_000
"""Bytes for torch, transformers and one batch or one block of cosines, measured with the demo model."""
_COPIES = 3
"""Of the layer that is scored: as it is read, and normalised in float64, or twice in float32."""


@dataclass(frozen=True)
class Cost:
    """The approximate cost of a study. What the config does not tell is None, and then nothing is refused."""

    model: str
    sentences: int
    device: str
    dtype: str
    parameters: int | None = None
    weight_bytes: int | None = None
    """The weights in memory, in `dtype`."""
    loading_bytes: int = 0
    """Peak memory while a GGUF file is loaded, which is unpacked to float32 first; 0 for other formats."""
    sentence_bytes: int | None = None
    """The states of one sentence: all layers if `held`, else what reading one layer takes, since the rest stays in the
    cache's file."""
    held: bool = False
    """Whether all states are in memory at a time, which they are without the cache."""
    seconds: float | None = None
    """On a CPU; None on any other device."""
    written: int = 0
    """Tokens that are written one after the other."""
    download_bytes: int = 0
    """Not on disk yet."""
    available_bytes: int | None = None
    """Free memory of the device, including what unloading the current model will free."""
    demo_unprepared: bool = False

    @property
    def state_bytes(self) -> int | None:
        """The states in CPU memory."""
        return None if self.sentence_bytes is None else self.sentence_bytes * self.sentences

    @property
    def memory_bytes(self) -> int | None:
        """On the device: weights, states unless it is a GPU, and one batch."""
        if self.weight_bytes is None or self.state_bytes is None:
            return None
        here = 0 if self.device == "cuda" else self.state_bytes
        return max(self.weight_bytes + here, self.loading_bytes) + _OVERHEAD

    @property
    def fits(self) -> bool:
        """Whether the study fits in memory; True also if that is unknown."""
        return self.memory_bytes is None or self.available_bytes is None or self.memory_bytes <= self.available_bytes


def study_cost(
    ref: ModelRef,
    characters: int,
    sentences: int,
    dtype: Dtype = "auto",
    device: Device = "auto",
    at_once: int | None = None,
    held: bool = False,
    head: float = 0,
    written: int = 0,
    lens: int = 0,
) -> Cost:
    """The estimated cost of a study; asks the hub if the model is not on this machine.

    characters: in all sentences; at_once: how many sentences are in memory at a time, if not all; held: with all their
    layers, because the cache is not used; head: the share of the tokens whose likelihood the head computes; written:
    tokens that are written one after the other; lens: tokens of which the head reads every layer.
    Raises ModelError if the model is damaged or not on the hub.
    """
    where = resolve_device(device)
    dtype = resolve_dtype(dtype, where)
    available = memory_available(where)
    cost = Cost(ref.model, at_once or sentences, where, dtype, held=held, written=written, available_bytes=available)
    if cost.available_bytes is not None:
        cost = replace(cost, available_bytes=cost.available_bytes + _given_back())
    config, parameters, missing = _told_of(ref)
    is_demo = ref.model == demo.NAME
    cost = replace(cost, demo_unprepared=is_demo and missing > 0, download_bytes=0 if is_demo else missing)
    if parameters:
        cost = replace(cost, parameters=parameters, weight_bytes=int(parameters * BYTES[dtype]))
        cost = replace(cost, loading_bytes=_loading_bytes(ref, dtype))
    shape = shape_of(config)
    if shape is None:
        return cost
    if not parameters and shape.parameters:
        cost = replace(cost, parameters=shape.parameters, weight_bytes=int(shape.parameters * BYTES[dtype]))
    per_sentence = _COPIES * 4 * max(shape.neurons, shape.hidden)
    if held:
        per_sentence = 4 * (2 * shape.layers * shape.neurons + (shape.layers + 1) * shape.hidden)
    if where == "cpu":
        tokens = characters / _CHARACTERS_PER_TOKEN
        through_head = tokens * head + _WRITING * written + shape.layers * lens
        cost = replace(cost, seconds=_seconds(shape, tokens + _WRITING * written, through_head, dtype))
    return replace(cost, sentence_bytes=per_sentence)


def layer_count(ref: ModelRef) -> int | None:
    """Number of a model's decoder blocks by its config, without loading it; None where the config does not tell.

    Raises like study_cost.
    """
    shape = shape_of(_told_of(ref)[0])
    return shape.layers if shape else None


def _told_of(ref: ModelRef) -> tuple[Mapping[str, Any], int | None, int]:
    with told_in_one_sentence(shown(ref.model), ModelError, "Download it again"):
        return _told(ref)


def _told(ref: ModelRef) -> tuple[Mapping[str, Any], int | None, int]:
    """A model's config, its number of parameters if known, and how many of its bytes are not here yet."""
    checkpoint = local_checkpoint(ref)
    if checkpoint and checkpoint.gguf:
        config, tensors = _gguf(checkpoint.weights[0])
        return config, sum(tensors), 0
    if checkpoint:
        return checkpoint.config, stored(checkpoint.weights)[0], 0
    if ref.model == demo.NAME:
        return demo.SHAPE, demo.BYTES_IN_MEMORY // 4, demo.BYTES_NEEDED
    if not is_hub_id(ref.model):
        return {}, None, 0
    seen = _peek(ref.model, ref.revision)
    return seen.config, seen.parameters, seen.weight_bytes - seen.here_bytes


def _gguf(file: Path) -> tuple[Mapping[str, Any], list[int]]:
    from neuronxa_core.models.gguf_header import gguf_told

    return gguf_told(file)


def _loading_bytes(ref: ModelRef, dtype: str) -> int:
    """Peak memory of loading GGUF; 0 for other formats.

    All weights in float32, plus three times the largest tensor or the model in `dtype`, whichever is more. Measured
    with the demo's file.
    """
    checkpoint = local_checkpoint(replace(ref, adapter=""))
    tensors = _gguf(checkpoint.weights[0])[1] if checkpoint and checkpoint.gguf else []
    return int(4 * sum(tensors) + max(12 * max(tensors), BYTES[dtype] * sum(tensors))) if tensors else 0


def _peek(model: str, revision: str) -> hub.Peek:
    """The hub's answer or refusal, cached for a minute: pages redraw often, and an unreachable hub takes seconds."""
    seen = _peek_in(int(time.monotonic() // 60), model, revision)
    if isinstance(seen, ModelError):
        raise seen
    return seen


def ask_again() -> None:
    """Clears the cached answers of the hub."""
    _peek_in.cache_clear()


@lru_cache(maxsize=64)
def _peek_in(_minute: int, model: str, revision: str) -> hub.Peek | ModelError:
    try:
        return hub.peek(model, revision)
    except ModelError as refusal:
        return refusal


def refuse_what_does_not_fit(cost: Cost) -> None:
    """Raises ModelError if a study does not fit in memory, with what it needs, what is free, and what would fit."""
    if cost.fits or cost.memory_bytes is None or cost.available_bytes is None:
        return
    raise ModelError(
        f"{cost.model} needs about {_gb(cost.memory_bytes)} of memory in {cost.dtype}, "
        f"{_states_part(cost)}and {cost.device} has {_gb(cost.available_bytes)} free.",
        _what_fits(cost),
    )


def _states_part(cost: Cost) -> str:
    if cost.device == "cuda":
        return ""
    what = "the states" if cost.held else "one layer of states"
    return f"{_gb(cost.state_bytes or 0)} of it for {what} of {cost.sentences} sentences, "


def _what_fits(cost: Cost) -> str:
    """The smallest change that fits: a smaller dtype, another device, fewer pairs, and only then a smaller model."""
    smaller = ["bfloat16", *(["8bit", "4bit"] if has_bitsandbytes() else [])]
    for dtype in (name for name in smaller if BYTES[name] < BYTES[cost.dtype]):
        other = replace(cost, dtype=dtype, weight_bytes=int((cost.parameters or 0) * BYTES[dtype]))
        if other.fits:
            return f"It fits in {dtype} ({_gb(other.memory_bytes or 0)}): choose that dtype."
    if cost.device != "cpu" and replace(cost, available_bytes=memory_available("cpu")).fits:
        return "It fits in CPU memory: use the device cpu."
    room = (cost.available_bytes or 0) - (cost.weight_bytes or 0) - _OVERHEAD
    if cost.device != "cuda" and room >= 4 * (cost.sentence_bytes or 1):
        return f"Use at most {room // (2 * (cost.sentence_bytes or 1))} pairs."
    half = ", or spread it over several devices and disk (device spread)" if cost.device == "cuda" else ""
    largest = max(0.0, (cost.available_bytes or 0) - _OVERHEAD) / BYTES["bfloat16"] / 1e9
    return f"Use a smaller model{half}: about {largest:.1f} billion parameters in bfloat16 fit here."


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _given_back() -> int:
    """Bytes of the model in memory, here or in the worker, which is freed before another is loaded."""
    return resident_bytes() + _worker_memory


def resident_bytes() -> int:
    """Bytes of the model in this process; found without importing torch."""
    loading = sys.modules.get("neuronxa_core.models.loading")
    return int(loading.RESIDENT.weight_bytes) if loading else 0


_worker_memory = 0


def tell_worker_memory(count: int) -> None:
    """Notes the bytes of the model in the worker process."""
    global _worker_memory
    _worker_memory = count


def _seconds(shape: Shape, tokens: float, through_head: float, dtype: str) -> float:
    """For so many tokens through the layers, and so many through the head."""
    operations = 2 * tokens * shape.layers * (3 * shape.hidden * shape.active_neurons + 4 * shape.hidden**2)
    operations += 2 * through_head * shape.hidden * shape.vocabulary
    return operations / (_SHARE_OF_PEAK.get(dtype, _SHARE_OF_PEAK["float32"]) * operations_per_second())


@lru_cache(maxsize=1)
def operations_per_second() -> float:
    """Speed of a float32 matrix product on this machine's CPU, measured once in about ten milliseconds."""
    square = np.ones((768, 768), dtype=np.float32)
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        square @ square
        best = min(best, time.perf_counter() - started)
    return 2 * 768**3 / best
