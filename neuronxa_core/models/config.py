"""What a model's config.json and the headers of its weights tell: its size, and the longest sentence it takes.

Importing this does not import torch.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from neuronxa_core.models.families import known_family, spellings, text_of, whole_number

BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "8bit": 1.1, "4bit": 0.6}
"""Bytes per parameter in memory; bitsandbytes does not quantize embeddings and norms."""


@dataclass(frozen=True)
class Shape:
    """A model's size, according to its config."""

    layers: int
    hidden: int
    neurons: int
    """Per layer, as extracted; in a mixture of experts, those of all experts."""
    active_neurons: int
    """Per layer and token; in a mixture of experts, those of the experts that a token is routed to."""
    parameters: int | None
    """Approximate, without the language-model head; None if the config lacks vocabulary or heads."""
    vocabulary: int = 0
    """0 if the config lacks it."""


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a config.json describes; None if it lacks layers, hidden size or neurons."""
    layers, hidden = _size(config, "layers"), _size(config, "hidden")
    experts = _size(config, "experts") or 1
    routed = whole_number(text_of(config).get("num_experts_per_tok")) or 1
    each = (_size(config, "expert_neurons") if experts > 1 else None) or _size(config, "neurons")
    family = known_family(config)
    if not each and hidden and family:
        each = family.neurons_by_default * hidden
    if not (layers and hidden and each):
        return None
    parameters = _parameters(config, layers, hidden, experts * each, experts)
    vocabulary = whole_number(text_of(config).get("vocab_size")) or 0
    return Shape(layers, hidden, experts * each, routed * each, parameters, vocabulary)


def context_length(config: Mapping[str, Any], first_position: int | None = None) -> int | None:
    """The longest sentence, in tokens, that the model has positions for; None if the config sets no limit.

    first_position: the position of a sentence's first token; None for the family's.
    """
    most = _size(config, "positions")
    if first_position is None:
        family = known_family(config)
        first_position = family.first_position(config) if family else 0
    return most - (first_position or 0) if most else None


def _size(config: Mapping[str, Any], name: str) -> int | None:
    """A size by its name in `ConfigKeys`, under any family's spelling; None if the config lacks it."""
    text = text_of(config)
    return next((size for key in spellings(config, name) if (size := whole_number(text.get(key)))), None)


def _parameters(config: Mapping[str, Any], layers: int, hidden: int, neurons: int, experts: int) -> int | None:
    """Parameters of embeddings, attention and FFN. Norms and biases, less than a hundredth of that, are left out."""
    text, family = text_of(config), known_family(config)
    vocabulary, heads = whole_number(text.get("vocab_size")), _size(config, "heads")
    if not vocabulary or not heads:
        return None
    width = heads * (whole_number(text.get("head_dim")) or hidden // heads)
    shared = _size(config, "key_value_heads") or heads
    if family and family.key_value_heads:
        shared = family.key_value_heads(text, heads)
    attention = 2 * hidden * width + 2 * hidden * width * shared // heads
    gated = family is None or bool(family.down or family.experts)
    ffn = (3 if gated else 2) * hidden * neurons + (experts * hidden if experts > 1 else 0)
    learned = (_size(config, "positions") or 0) if family and family.learned_positions else 0
    return layers * (attention + ffn) + (vocabulary + learned) * hidden


def stored(weights: Iterable[Path]) -> tuple[int, str]:
    """The number of parameters in safetensors files, from their headers, and the dtype of most of them.

    Raises OSError, ValueError.
    """
    numbers: Counter[str] = Counter()
    for file in weights:
        with file.open("rb") as content:
            header = json.loads(content.read(int.from_bytes(content.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                numbers[tensor["dtype"]] += prod(tensor["shape"])
    return sum(numbers.values()), max(numbers, key=numbers.__getitem__) if numbers else ""
