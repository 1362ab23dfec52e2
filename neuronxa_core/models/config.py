"""How large a model is, from its config.json and the headers of its weights alone. Importing this imports no torch."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from neuronxa_core.models.families import FAMILIES

BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "8bit": 1.1, "4bit": 0.6}
"""Per parameter in memory; bitsandbytes leaves embeddings and norms as they are."""


@dataclass(frozen=True)
class Shape:
    """What a config tells of a model's size."""

    layers: int
    hidden: int
    neurons: int
    """Per layer, as extracted: in a mixture of experts those of all experts."""
    active_neurons: int
    """Per layer and token: in a mixture of experts those of the experts that a token is routed to."""
    parameters: int | None
    """About, without the language-model head; None where the config leaves out what it takes."""


def shape_of(config: Mapping[str, Any]) -> Shape | None:
    """The shape that a config.json describes; None where it leaves out layers, hidden size or neurons."""
    model_type = str(config.get("model_type"))
    text: Mapping[str, Any] = config.get("text_config") or config
    layers = _first(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
    hidden = _first(text, "hidden_size", "n_embd", "d_model", "n_embed")
    experts = _first(text, "num_local_experts", "num_experts") or 1
    routed = _first(text, "num_experts_per_tok") or 1
    each = _first(text, "moe_intermediate_size") if experts > 1 else None
    each = each or _first(text, "intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size")
    if not each and hidden and model_type in ("bloom", "falcon", "gpt2", "gptj", "mpt"):
        each = 4 * hidden
    if not (layers and hidden and each):
        return None
    return Shape(layers, hidden, experts * each, routed * each, _parameters(text, model_type, layers, hidden, experts * each, experts))  # fmt: skip


def _first(config: Mapping[str, Any], *names: str) -> int | None:
    return next((int(config[name]) for name in names if config.get(name)), None)


def _parameters(
    text: Mapping[str, Any], model_type: str, layers: int, hidden: int, neurons: int, experts: int
) -> int | None:
    """Embeddings, attention and FFN matrices; norms and biases are less than a hundredth of that."""
    vocabulary = _first(text, "vocab_size")
    heads = _first(text, "num_attention_heads", "n_head", "n_heads", "attention_heads")
    if not vocabulary or not heads:
        return None
    width = heads * (_first(text, "head_dim") or hidden // heads)
    shared = _first(text, "num_key_value_heads", "num_kv_heads") or heads
    if model_type == "falcon" and not text.get("new_decoder_architecture"):
        shared = 1 if text.get("multi_query", True) else heads
    attention = 2 * hidden * width + 2 * hidden * width * shared // heads
    family = FAMILIES.get(model_type)
    gated = family is None or bool(family.down or family.experts)
    ffn = (3 if gated else 2) * hidden * neurons + (experts * hidden if experts > 1 else 0)
    learned = _first(text, "max_position_embeddings", "n_positions") if model_type in _LEARNED_POSITIONS else 0
    return layers * (attention + ffn) + (vocabulary + (learned or 0)) * hidden


_LEARNED_POSITIONS = ("gpt2", "opt", "bert", "roberta", "xlm-roberta", "camembert")


def stored(weights: Iterable[Path]) -> tuple[int, str]:
    """How many numbers safetensors files hold, by their headers, and the dtype of most of them. Raises OSError, ValueError."""
    numbers: Counter[str] = Counter()
    for file in weights:
        with file.open("rb") as content:
            header = json.loads(content.read(int.from_bytes(content.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                numbers[tensor["dtype"]] += prod(tensor["shape"])
    return sum(numbers.values()), max(numbers, key=numbers.__getitem__) if numbers else ""
