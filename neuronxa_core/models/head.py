"""The language-model head: from the last hidden state to the likelihood of each next token.

States do not need it, so it is not loaded with the decoder; bits per byte do. A tied head is the input embeddings; any
other is read from the checkpoint. How a family scales or caps its logits is in the table of families.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import nn

from neuronxa_core.errors import ModelError
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.families import FAMILIES, Family, known_family
from neuronxa_core.models.packing import packed_product, packs_linear_layers

_ROOM = 16_000_000
"""Logits computed at a time: 64 MB in float32."""
_TILE = 8192
"""Tokens of the vocabulary whose logits `bits` computes at a time, of many hidden states: weights are read once."""


Product = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Head:
    """A head. Logits are x = scale * (hidden @ weight.T + bias), or `cap * tanh(x / cap)` if there is a cap."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    scale: float = 1.0
    cap: float | None = None
    products: tuple[Product, ...] = ()
    """The linear layer in tiles of the vocabulary and in another layout, see `packed`."""

    def packed(self) -> "Head":
        """The same head with a copy of its weights as this CPU multiplies them fastest, for `bits` of many passes."""
        if not packs_linear_layers(str(self.weight.dtype).removeprefix("torch.")):
            return self
        return replace(self, products=tuple(packed_product(*tile) for tile in self._tiles()))

    @property
    def rows_at_once(self) -> int:
        """How many hidden states to give to `logits` at a time, so that memory stays bounded."""
        return max(1, _ROOM // len(self.weight))

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """The logits of every token of the vocabulary, (n, vocabulary), float32. hidden: (n, hidden size)."""
        return self._logits_of(nn.functional.linear(hidden.to(self.weight.dtype), self.weight, self.bias))

    def bits(self, hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """-log2 p(token) for each token, (n,), float32. hidden: (n, hidden size), the state before it; tokens: (n,)."""
        rows = max(1, _ROOM // min(_TILE, len(self.weight)))
        parts = zip(torch.split(hidden, rows), torch.split(tokens, rows), strict=True)
        found = [self._nats(part.to(self.weight.dtype), each) for part, each in parts]
        return torch.cat(found) / math.log(2) if found else hidden.new_zeros(0, dtype=torch.float32)

    def _nats(self, hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """-ln p(token) for each token, from tile to tile of the vocabulary."""
        own = torch.zeros(len(tokens), dtype=torch.float32, device=hidden.device)
        total = torch.full_like(own, -math.inf)
        plain = (partial(nn.functional.linear, weight=weight, bias=bias) for weight, bias in self._tiles())
        products: Iterable[Product] = self.products or plain
        for first, product in zip(range(0, len(self.weight), _TILE), products, strict=True):
            logits = self._logits_of(product(hidden))
            total = torch.logaddexp(total, logits.logsumexp(dim=1))
            here = (tokens >= first) & (tokens < first + _TILE)
            own[here] = logits[here, tokens[here] - first]
        return total - own

    def _tiles(self) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
        """Weight and bias of `_TILE` tokens of the vocabulary each."""
        for first in range(0, len(self.weight), _TILE):
            tile = slice(first, first + _TILE)
            yield self.weight[tile], None if self.bias is None else self.bias[tile]

    def _logits_of(self, product: torch.Tensor) -> torch.Tensor:
        """The logits of a product, scaled and capped, float32."""
        logits = product.float() if self.scale == 1 else product.float() * self.scale
        return self.cap * torch.tanh(logits / self.cap) if self.cap else logits


def load_head(model: nn.Module, checkpoint: Checkpoint) -> Head:
    """The head of a decoder that was loaded without it. Raises ModelError if it has none that can be read."""
    config: Any = model.config
    family = known_family(config.to_dict())
    scale, cap = _shaped(family, config.get_text_config().to_dict(), checkpoint.name)
    embeddings: torch.Tensor = model.get_input_embeddings().weight  # type: ignore[operator]
    tensors = _tensors(checkpoint, family)
    weight = tensors.get("weight")
    if weight is None and _is_tied(config):
        weight = embeddings
    if weight is None:
        raise ModelError(
            f"{checkpoint.name} has no readable language-model head, so it gives no likelihoods.",
            "Use a causal language model in safetensors.",
        )
    bias = tensors.get("bias")
    bias = None if bias is None else bias.to(embeddings.device, embeddings.dtype)
    return Head(weight.to(embeddings.device, embeddings.dtype), bias, scale, cap)


def _is_tied(config: Any) -> bool:
    return bool(
        getattr(config, "tie_word_embeddings", False) or getattr(config.get_text_config(), "tie_word_embeddings", False)
    )


def _shaped(family: Family | None, config: Mapping[str, Any], name: str) -> tuple[float, float | None]:
    """Scale and cap of the logits, from the family's config keys.

    A cap means the same in every family, but some multiply by the same key by which others divide. Raises ModelError if
    the config of a model that is not in the table sets such a key.
    """
    if family is None:
        keys = {key for each in FAMILIES.values() for key in (each.logit_scale, each.logit_divisor) if key}
        scales = [key for key in sorted(keys) if _number(config, key, 1.0) != 1.0]
        if scales:
            raise ModelError(
                f"{name} is not of a known family, and its config sets {scales[0]}, by which one family multiplies "
                "logits and another divides them.",
                "Use accuracies instead of bits per byte, or a model of a known family.",
            )
        caps = {_number(config, each.logit_cap, 0.0) for each in FAMILIES.values()} - {0.0}
        return 1.0, next(iter(caps), None)
    scale = _number(config, family.logit_scale, 1.0) / _number(config, family.logit_divisor, 1.0)
    return scale, _number(config, family.logit_cap, 0.0) or None


def _number(config: Mapping[str, Any], key: str, default: float) -> float:
    value = config.get(key)
    return float(value) if value and isinstance(value, int | float) and math.isfinite(value) else default


def _tensors(checkpoint: Checkpoint, family: Family | None) -> dict[str, torch.Tensor]:
    """The head's `weight` and, if it has one, its `bias`, read from the files."""
    from safetensors import safe_open

    heads = {each.head for each in ((family,) if family else FAMILIES.values())}
    names = {f"{head}.{kind}": kind for head in heads for kind in ("weight", "bias")}
    found: dict[str, torch.Tensor] = {}
    for file in checkpoint.weights:
        if file.suffix != ".safetensors":
            continue
        with safe_open(file, framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118
                if kind := names.get(name.removeprefix("language_model.")):
                    found[kind] = weights.get_tensor(name)
    return found
