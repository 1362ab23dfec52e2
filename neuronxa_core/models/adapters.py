"""The modules of a loaded model that capture hooks into: from the family table, from its structure, or as named."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any, Literal, cast

import torch
from torch import nn

from neuronxa_core.errors import ModelError
from neuronxa_core.models.families import Family, family_of


@dataclass(frozen=True)
class DecoderParts:
    """The modules that capture hooks into. Each tuple has one entry per block, in order, or is empty."""

    decoder: nn.Module
    blocks: tuple[nn.Module, ...]
    norm: nn.Module | None
    """After the last block; None where the last block's output is the last embedding."""
    activations: tuple[nn.Module, ...]
    """Their output is the site `gate`: act_fn(gate_proj(x)), (batch, tokens, neurons)."""
    down_projections: tuple[nn.Module, ...]
    """Their input is the site `product`: act_fn(gate_proj(x)) * up_proj(x). Empty where `product` equals `gate`."""
    attention: tuple[nn.Module, ...] = ()
    """Their input is the site `attention`. Empty where it is unknown."""
    experts: tuple[nn.Module, ...] = ()
    """In a mixture of experts, in place of `activations` and `down_projections`; see `expert_neurons`."""
    first_position: int | None = 0
    """The position of a sentence's first token; None if the model takes no `position_ids`."""
    encoder: bool = False
    neurons: str = ""
    """Where the neurons are read, in words, for the page and the provenance."""


def decoder_parts(model: nn.Module, config: Mapping[str, Any], neurons: str = "") -> DecoderParts:
    """The parts of `model`, as built by `AutoModel`.

    neurons: path, seen from a block, of a module to read in place of the family's: its output, or its input if the path
    ends in `:input`. Raises ModelError if a module is not where it should be.
    """
    family, known = family_of(config), True
    if family is None:
        family, known = guess_family(model, blocks_only=bool(neurons)), False
    where = "by its family" if known else "guessed from its structure"
    if neurons:
        family, where = _overridden(family, neurons), "as asked for"
    try:
        decoder = model.get_submodule(family.decoder)
        blocks = tuple(cast(nn.ModuleList, decoder.get_submodule(family.blocks)))
        parts = DecoderParts(
            decoder=decoder,
            blocks=blocks,
            norm=_norm(decoder, family.norm),
            activations=_in_each(blocks, family.activation),
            down_projections=_in_each(blocks, family.down),
            attention=_in_each(blocks, family.attention) if known else _attention(blocks),
            experts=_in_each(blocks, family.experts),
            first_position=family.first_position(config),
            encoder=family.encoder,
            neurons=f"{_in_words(family)}, {where}",
        )
    except AttributeError as error:
        raise ModelError(
            f"This {config.get('model_type')!r} model does not have the expected structure ({error}).",
            "Name the module whose output is the neurons (--neurons)."
            if neurons or not known
            else "Check that the installed transformers matches requirements.txt.",
        ) from error
    return parts


def site_modules(parts: DecoderParts, site: str) -> tuple[tuple[nn.Module, ...], bool]:
    """The modules at which a site is read, one per block, and whether to read their input rather than their output.

    Raises ModelError if the site is unknown for this architecture, or is that of experts (see `expert_neurons`).
    """
    if site == "attention":
        if not parts.attention:
            raise ModelError(
                "The output projection of this architecture's attention is not known.", "Use another site."
            )
        return parts.attention, True
    if parts.experts:
        raise ModelError("In a mixture of experts, each token has its own neurons.", "Use a model without experts.")
    if parts.activations and (site == "gate" or not parts.down_projections):
        return parts.activations, False
    return parts.down_projections, True


def _norm(decoder: nn.Module, path: str) -> nn.Module | None:
    """The norm at `path`; None if there is none, or if the config switches it off, as in OPT 350M."""
    owner, _, name = path.rpartition(".")
    return getattr(decoder.get_submodule(owner), name) if name else None


def _in_each(blocks: Iterable[nn.Module], path: str) -> tuple[nn.Module, ...]:
    return tuple(block.get_submodule(path) for block in blocks) if path else ()


def _attention(blocks: Sequence[nn.Module]) -> tuple[nn.Module, ...]:
    """The output projection of each block's attention, found by its usual names; empty if it is not unique."""
    names = [name for name, _ in blocks[0].named_modules() if _MIXES_HEADS.search(name)]
    return _in_each(blocks, names[0]) if len(names) == 1 else ()


_MIXES_HEADS = re.compile(r"att\w*\.(?:\w+\.)?(?:o_proj|out_proj|c_proj|dense|wo)$")


def _in_words(family: Family) -> str:
    sites = [f"output of {family.activation}"] if family.activation else []
    if family.experts:
        sites = [f"the activation inside {family.experts} (experts x neurons)"]
    elif family.down:
        sites.append(f"input of {family.down}" + " (product)" * bool(sites))
    blocks = ".".join(filter(None, (family.decoder, family.blocks)))
    return f"{' (gate) and '.join(sites)} of every block of {blocks}"


def _overridden(family: Family, neurons: str) -> Family:
    path, _, end = neurons.partition(":")
    if end not in ("", "input", "output"):
        raise ModelError(f"{neurons!r} ends with {end!r}.", "Give the module's path, or the path followed by :input.")
    activation, down = ("", path) if end == "input" else (path, "")
    return replace(family, activation=activation, down=down, experts="")


_ACTIVATION = re.compile(r"(^|_)(act|activation|gelu|silu|relu)(_|$)|act_fn|activation_fn")
_DOWN = re.compile(r"down_proj|fc2|fc_out|c_proj|w2|w_out|wo|dense_4h_to_h|proj_out|output_linear|linear_2|lin2", re.I)
_NOT_TEXT = re.compile(r"attn|attention|mixer|rotary|vision|visual|image|img|audio|speech|embed|router|pooler")


def guess_family(model: nn.Module, blocks_only: bool = False) -> Family:
    """A family for a model that is not in the table, guessed from the structure of its blocks.

    The blocks are the longest module list of the text decoder. The neurons are the output of the only activation module
    outside attention; `product` is the input of the down-projection, or of a norm before it. Raises ModelError if there
    is no such module, or more than one.
    """
    stacks = {
        path: module
        for path, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) and not _NOT_TEXT.search(path)
    }
    stacks = {
        path: stack for path, stack in stacks.items() if not any(path.startswith(f"{other}.") for other in stacks)
    }
    if not stacks:
        raise _no_guess(model, "no stack of blocks")
    path = max(stacks, key=lambda name: len(stacks[name]))  # the first of the longest
    decoder, blocks = _owner(model, path)
    owner = model.get_submodule(decoder)
    if not isinstance(_input_embeddings(owner), nn.Embedding):
        raise _no_guess(model, "blocks without a token embedding")
    family = Family(
        decoder=decoder,
        blocks=blocks,
        norm=_last_norm(model, path),
        activation="",
        down="",
        positions=_guess_positions(owner),
    )
    if blocks_only:
        return family
    block = stacks[path][0]
    if any(
        re.search(r"expert|moe|router", f"{name} {type(child).__name__}", re.I) for name, child in block.named_modules()
    ):
        raise _no_guess(model, "experts of an unknown family", block)
    names = [name for name, _ in block.named_modules() if not _NOT_TEXT.search(name)]
    found = [name for name in names if _ACTIVATION.search(name.rpartition(".")[2])]
    if len(found) > 1:
        found = [name for name in found if _down_of(block, name)]
    if len(found) != 1:
        raise _no_guess(model, f"{len(found) or 'no'} activation modules in a block", block)
    gated, down = _is_gated(block, found[0]), _down_of(block, found[0])
    if gated and not down:
        raise _no_guess(model, "a gate without a down-projection", block)
    return replace(family, activation=found[0], down=down if gated else "")


def _guess_positions(decoder: nn.Module) -> Literal["rank", "after padding", "none"]:
    if any(hasattr(module, "create_position_ids_from_input_ids") for module in decoder.modules()):
        return "after padding"  # as in RoBERTa and its successors
    return "rank" if "position_ids" in signature(decoder.forward).parameters else "none"


def _input_embeddings(decoder: nn.Module) -> Any:
    try:
        return decoder.get_input_embeddings()  # type: ignore[operator]
    except (AttributeError, NotImplementedError, TypeError):
        return None


def _beside(block: nn.Module, activation: str) -> dict[str, nn.Module]:
    """The modules in the FFN of an activation, by path."""
    ffn = activation.rpartition(".")[0]
    return {".".join(filter(None, (ffn, name))): child for name, child in block.get_submodule(ffn).named_children()}


def _down_of(block: nn.Module, activation: str) -> str:
    """The module whose input is the product; empty if there is none."""
    beside = _beside(block, activation)
    down = [path for path in beside if _DOWN.fullmatch(path.rpartition(".")[2])]
    in_ffn = activation.rpartition(".")[0] and down
    norms = [path for path, child in beside.items() if in_ffn and "norm" in type(child).__name__.lower()]
    return next(iter(norms + down), "")


def _is_gated(block: nn.Module, activation: str) -> bool:
    """Whether a module is named after a gate, or one matrix is twice as wide as the down-projection's input."""
    beside = _beside(block, activation)
    widths = {
        path: (child.in_features, child.out_features) for path, child in beside.items() if isinstance(child, nn.Linear)
    }
    taken = [most_in for path, (most_in, _) in widths.items() if _DOWN.fullmatch(path.rpartition(".")[2])]
    return any("gate" in path.rpartition(".")[2] for path in beside) or any(
        given == 2 * neurons for _, given in widths.values() for neurons in taken
    )


def _owner(model: nn.Module, path: str) -> tuple[str, str]:
    """The nearest module above the blocks that takes token ids, and the blocks' path from there."""
    names = path.split(".")
    for end in range(len(names) - 1, -1, -1):
        owner = model.get_submodule(".".join(names[:end]))
        if hasattr(owner, "get_input_embeddings"):
            return ".".join(names[:end]), ".".join(names[end:])
    return "", path


def _last_norm(model: nn.Module, path: str) -> str:
    """The last norm beside the blocks, as seen from their owner; empty if there is none."""
    parent = path.rpartition(".")[0]
    children = model.get_submodule(parent).named_children()
    beside = [name for name, child in children if "norm" in type(child).__name__.lower()]
    owner = _owner(model, path)[0]
    inner = parent.removeprefix(owner).strip(".")
    return ".".join(filter(None, (inner, beside[-1]))) if beside else ""


def _no_guess(model: nn.Module, found: str, block: nn.Module | None = None) -> ModelError:
    names = [name for name, _ in block.named_modules() if name] if block else []
    return ModelError(
        f"{type(model).__name__} is not of a known family, and its structure does not show where its neurons are: "
        f"{found}.",
        "Name the module whose output is the neurons (--neurons, or More in the sidebar)"
        + (f"; a block has {', '.join(names[:24])}." if names else "."),
    )


def expert_neurons(experts: nn.Module, expert: int, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """One expert's neurons, computed from its weights: the sites `gate` and `product`, each (tokens, neurons).

    hidden: (tokens, hidden size), of the tokens routed to this expert.
    Source: the experts' forward pass in transformers, one for Mixtral, Qwen3-MoE and OLMoE, another for GPT-OSS.
    """
    weights: Any = experts
    if hasattr(experts, "gate_up_proj_bias"):  # GPT-OSS: interleaved, transposed, with a bias, clamped
        both = hidden @ weights.gate_up_proj[expert] + weights.gate_up_proj_bias[expert]
        gate = both[..., ::2].clamp(max=weights.limit)
        up = both[..., 1::2].clamp(min=-weights.limit, max=weights.limit)
        gate = gate * torch.sigmoid(gate * weights.alpha)
        return gate, (up + 1) * gate
    gate, up = nn.functional.linear(hidden, weights.gate_up_proj[expert]).chunk(2, dim=-1)
    activate: Callable[[torch.Tensor], torch.Tensor] = weights.act_fn
    gate = activate(gate)
    return gate, gate * up


def expert_sizes(experts: nn.Module) -> tuple[int, int]:
    """The number of experts, and of neurons in each."""
    down = cast(torch.Tensor, experts.down_proj)  # (experts, hidden, neurons), in GPT-OSS (experts, neurons, hidden)
    return int(down.shape[0]), int(down.shape[1 if hasattr(experts, "gate_up_proj_bias") else 2])
