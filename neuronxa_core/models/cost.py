"""What a study will take, before anything is loaded: from config.json, the sizes of files, and the machine's speed."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np

from neuronxa_core.models import demo
from neuronxa_core.models.catalogue import local_checkpoint
from neuronxa_core.models.hardware import Dtype, resolve_dtype

_CHARACTERS_PER_TOKEN = 3.0
"""Measured on the bundled corpus with Gemma's tokenizer, 2.9 to 4.1 by language; a guess for any other."""
_SHARE_OF_PEAK = {"float32": 0.8, "bfloat16": 1.3}
"""What an extraction reaches of the speed of one large float32 product, measured on two cores with AVX512_BF16, rounded down."""


@dataclass(frozen=True)
class Cost:
    """About what a study takes on a processor. seconds and memory_bytes are None where the model is not on this machine yet."""

    sentences: int
    seconds: float | None
    memory_bytes: float | None
    demo_unprepared: bool


def study_cost(model: str, revision: str, characters: int, sentences: int, dtype: str = "auto") -> Cost:
    """characters: of all sentences together. Raises ModelError if the model is here and damaged."""
    checkpoint = local_checkpoint(model, revision)
    config: Mapping[str, Any] = {}
    weights = 0.0
    if checkpoint:
        config, weights = checkpoint.config, sum(file.stat().st_size for file in checkpoint.weights)
    elif model == demo.NAME:
        config, weights = demo.SHAPE, demo.BYTES_IN_MEMORY
    config = config.get("text_config", config)
    layers, hidden, neurons = (
        int(config.get(name, 0)) for name in ("num_hidden_layers", "hidden_size", "intermediate_size")
    )
    if not (layers and hidden and neurons):
        return Cost(sentences, None, None, demo_unprepared=False)
    states = 4.0 * layers * (2 * neurons + hidden) * sentences
    tokens = characters / _CHARACTERS_PER_TOKEN
    operations = 2 * tokens * layers * (3 * hidden * neurons + 4 * hidden * hidden)
    share = _SHARE_OF_PEAK.get(resolve_dtype(cast(Dtype, dtype), "cpu"), _SHARE_OF_PEAK["float32"])
    seconds = operations / (share * operations_per_second())
    return Cost(sentences, seconds, weights + states, demo_unprepared=model == demo.NAME and checkpoint is None)


@lru_cache(maxsize=1)
def operations_per_second() -> float:
    """Of a float32 matrix product on this machine's processor, measured once, in some ten milliseconds."""
    square = np.ones((768, 768), dtype=np.float32)
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        square @ square
        best = min(best, time.perf_counter() - started)
    return 2 * 768**3 / best
