"""Faster linear layers on a CPU: weights are packed once into oneDNN's blocked layout.

torch multiplies float32 with MKL, which reaches half of an AMD CPU's speed, and repacks bfloat16 weights at every
call. The sums are the same, but their order, and hence the rounding, is oneDNN's.
"""

import os
from collections.abc import Callable

import torch
from torch import nn

os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16")
"""By default oneDNN caches 1024 kernels with their workspaces, one per shape, and every batch has its own shape."""


class PackedLinear(nn.Module):
    """Computes the same as an nn.Linear, for inference only. Its weight can no longer be read."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        bias = None if linear.bias is None else linear.bias.detach()
        self._product = packed_product(linear.weight.detach(), bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self._product(inputs)


def packed_product(weight: torch.Tensor, bias: torch.Tensor | None) -> Callable[[torch.Tensor], torch.Tensor]:
    """What multiplies by a packed copy of the weight and adds the bias."""
    packed = torch.ops.mkldnn._reorder_linear_weight(weight)

    def product(inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, packed, bias, "none", [], "")
        return outputs

    return product


def packs_linear_layers(dtype: str) -> bool:
    """Whether this CPU benefits: oneDNN is available and computes in `dtype`."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == "float32" or (dtype == "bfloat16" and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))


def pack_linear_layers(block: nn.Module) -> None:
    """Replaces every nn.Linear below `block`, one at a time, so that only one is in memory twice."""
    for parent in list(block.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, PackedLinear(child))
