"""Where the neurons are, family by family. The one place that knows a module's name.

A decoder block's FFN (`mlp`) maps the hidden state through `gate_proj` (and `up_proj`, if it is gated) to
`intermediate_size` neurons, and back through `down_proj`. A family is added with one line in `FAMILIES`:
the paths are those of the decoder that `AutoModel` builds, without the language-model head.
"""

from dataclasses import dataclass
from typing import cast

from torch import nn

from neuronxa_core.errors import ModelError


@dataclass(frozen=True)
class Family:
    """Module paths of one architecture family; `mlp`, `activation` and `down` are seen from a decoder block."""

    decoder: str = ""
    blocks: str = "layers"
    norm: str = "norm"
    mlp: str = "mlp"
    activation: str = "act_fn"
    down: str = "down_proj"


FAMILIES: dict[str, Family] = {
    "llama": Family(),
    "qwen2": Family(),
    "qwen3": Family(),
    "mistral": Family(),
    "gemma2": Family(),
    "gemma3_text": Family(),
    "gemma3": Family(decoder="language_model"),
    "olmo2": Family(),
}
"""Keyed by `model_type` of the config."""


@dataclass(frozen=True)
class DecoderParts:
    """The modules that capture hooks into. Every list has one entry per decoder block, first to last."""

    decoder: nn.Module
    blocks: tuple[nn.Module, ...]
    norm: nn.Module
    activations: tuple[nn.Module, ...]
    """Their output is the site `gate`: act_fn(gate_proj(x)), (batch, tokens, neurons)."""
    down_projections: tuple[nn.Module, ...]
    """Their input is the site `product`: act_fn(gate_proj(x)) * up_proj(x), (batch, tokens, neurons)."""


def family_of(model_type: str) -> Family:
    """The family of a config's `model_type`. Raises ModelError, naming it, if no adapter knows it."""
    if model_type not in FAMILIES:
        raise ModelError(
            f"The architecture {model_type!r} has no adapter, so it is not known where its neurons are.",
            f"Use a model of one of these: {', '.join(sorted(FAMILIES))}.",
        )
    return FAMILIES[model_type]


def decoder_parts(model: nn.Module, model_type: str) -> DecoderParts:
    """The parts of `model`, as `AutoModel` built it. Raises ModelError if they are not where the family has them."""
    family = family_of(model_type)
    try:
        decoder = model.get_submodule(family.decoder)
        blocks = tuple(cast(nn.ModuleList, decoder.get_submodule(family.blocks)))
        return DecoderParts(
            decoder=decoder,
            blocks=blocks,
            norm=decoder.get_submodule(family.norm),
            activations=tuple(block.get_submodule(f"{family.mlp}.{family.activation}") for block in blocks),
            down_projections=tuple(block.get_submodule(f"{family.mlp}.{family.down}") for block in blocks),
        )
    except AttributeError as error:
        raise ModelError(
            f"This {model_type!r} model is not built as its adapter expects ({error}).",
            "Check that transformers is the version in requirements.txt.",
        ) from error
