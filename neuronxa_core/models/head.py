"""The language-model head: from the last hidden state to how likely each next token is.

States never need it, so it is not loaded with the decoder; bits per byte do. Tied heads are the input embeddings, others are
read from the checkpoint. What architectures do to logits besides is in their configs, and is done here.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from neuronxa_core.errors import ModelError
from neuronxa_core.models.checkpoint import Checkpoint

_WEIGHTS = ("lm_head.weight", "embed_out.weight", "output.weight")
_ROOM = 16_000_000
"""Logits at a time: 64 MB of them in float32."""


@dataclass(frozen=True)
class Head:
    """Logits are `cap * tanh(scale * (hidden @ weight.T + bias) / cap)`; without a cap, what stands inside the tanh."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    scale: float = 1.0
    cap: float | None = None

    def bits(self, hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """-log2 p(token) for each, float32. hidden: (n, hidden size), what comes before each token; tokens: (n,)."""
        rows = max(1, _ROOM // len(self.weight))
        found = [self._bits(*part) for part in zip(torch.split(hidden, rows), torch.split(tokens, rows), strict=True)]
        return torch.cat(found) if found else hidden.new_zeros(0, dtype=torch.float32)

    def _bits(self, hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits = nn.functional.linear(hidden.to(self.weight.dtype), self.weight, self.bias).float() * self.scale
        if self.cap:
            logits = self.cap * torch.tanh(logits / self.cap)
        return nn.functional.cross_entropy(logits, tokens, reduction="none") / math.log(2)


def load_head(model: nn.Module, checkpoint: Checkpoint) -> Head:
    """The head of a decoder that was loaded without it. Raises ModelError where there is none that can be read."""
    config: Any = model.config
    embeddings: torch.Tensor = model.get_input_embeddings().weight  # type: ignore[operator]
    tensors = _tensors(checkpoint)
    weight = next((tensors[name] for name in _WEIGHTS if name in tensors), None)
    if weight is None and _is_tied(config):
        weight = embeddings
    if weight is None:
        raise ModelError(
            f"{checkpoint.name} has no language-model head that can be read, so it gives no likelihood.",
            "Use a causal language model in safetensors.",
        )
    bias = tensors.get("lm_head.bias")
    text = config.get_text_config()
    bias = None if bias is None else bias.to(embeddings.device, embeddings.dtype)
    return Head(weight.to(embeddings.device, embeddings.dtype), bias, *_shaped(text))


def _is_tied(config: Any) -> bool:
    return bool(
        getattr(config, "tie_word_embeddings", False) or getattr(config.get_text_config(), "tie_word_embeddings", False)
    )


def _shaped(config: Any) -> tuple[float, float | None]:
    """What the config says of scale (Cohere multiplies, Granite divides) and of a cap (Gemma 2)."""
    scale = getattr(config, "logit_scale", None)
    divided = getattr(config, "logits_scaling", None)
    cap = getattr(config, "final_logit_softcapping", None)
    factor = float(scale) if isinstance(scale, int | float) else 1.0
    return factor / float(divided or 1.0), float(cap) if cap else None


def _tensors(checkpoint: Checkpoint) -> Mapping[str, torch.Tensor]:
    """The head's own tensors, under their names without a prefix."""
    from safetensors import safe_open

    found: dict[str, torch.Tensor] = {}
    for file in checkpoint.weights:
        if file.suffix != ".safetensors":
            continue
        with safe_open(file, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118
                short = name.removeprefix("language_model.")
                if short in (*_WEIGHTS, "lm_head.bias"):
                    found[short] = weights.get_tensor(name)
    return found
