"""Reading a model from inside: forward hooks, held by a context manager, that pool what they see at once.

Nothing of the size tokens x neurons x layers is ever kept: a hook turns (sentences, tokens, dim) into
(sentences, dim) before the next layer runs.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from neuronxa_core.errors import ModelError
from neuronxa_core.models.adapters import DecoderParts, expert_neurons, expert_sizes, site_modules
from neuronxa_core.states.neuron import neuron_activation_state, neuron_activation_value
from neuronxa_core.states.pooling import pool
from neuronxa_core.states.sentences import Site, State

NEURON_STATES: tuple[State, State] = ("nas", "nav")
Pooled = dict[State, torch.Tensor]
"""Per state the pooled layers in the order they ran, float32, (layers, sentences, dim): nas, nav 1..L, embedding 0..L."""


@contextmanager
def capture(
    parts: DecoderParts, site: Site, weights: torch.Tensor, check: Callable[[], None], threshold: float = 0.0
) -> Iterator[Pooled]:
    """While the context is open, one forward pass of the decoder fills the dictionary that it yields.

    weights: (sentences, tokens), see pooling.token_weights. `check` runs at every layer and may raise to stop the pass.
    Several may be open at once, for several ways to read one pass. The embedding of layer l is `hidden_states[l]` of transformers: 0 enters the first block, L leaves the final norm.
    """
    pooled: Pooled = {}
    seen: Counter[State] = Counter()
    room = weights.new_empty(0)  # one layer's neurons, used again by every layer

    def next_layer(state: State, width: int) -> torch.Tensor:
        if state not in pooled:  # all layers at once: many small pieces would keep the memory between them from reuse
            layers = len(parts.blocks) + (state == "embedding")
            pooled[state] = weights.new_empty(layers, len(weights), width)
        if seen[state] == len(pooled[state]):
            raise _ran_otherwise(parts, seen[state] + 1)
        if width != pooled[state].shape[-1]:
            raise ModelError(
                f"Layer {seen[state] + 1} has {width} neurons, the ones before it {pooled[state].shape[-1]}.",
                "Use a model whose layers are of one width.",
            )
        seen[state] += 1
        return pooled[state][seen[state] - 1]

    def keep(state: State, tokens: torch.Tensor) -> None:
        pool(tokens.to(weights.device), weights, out=next_layer(state, tokens.shape[-1]))

    def keep_neurons(activation: torch.Tensor) -> None:
        nonlocal room
        check()
        activation = _per_token(activation, weights)
        if room.shape != activation.shape or room.device != activation.device:
            room = torch.empty_like(activation, dtype=torch.float32)
        keep("nas", neuron_activation_state(activation, room, threshold))
        keep("nav", neuron_activation_value(activation, room))

    def keep_experts(experts: nn.Module, hidden: torch.Tensor, routed: torch.Tensor) -> None:
        check()
        count, neurons = expert_sizes(experts)
        nas, nav = (next_layer(state, count * neurons).zero_().view(-1, count, neurons) for state in NEURON_STATES)
        per_token = weights.flatten()
        for expert in range(count):
            tokens = ((routed == expert).any(dim=-1) & (per_token > 0)).nonzero()[:, 0]
            if len(tokens):
                activation = expert_neurons(experts, expert, hidden[tokens])[site == "product"].to(weights.device)
                sentence, weight = tokens // weights.shape[1], per_token[tokens, None]
                nas[:, expert].index_add_(
                    0, sentence, weight * neuron_activation_state(activation, threshold=threshold)
                )
                nav[:, expert].index_add_(0, sentence, weight * neuron_activation_value(activation))

    def keep_embedding(hidden: Any) -> None:
        keep("embedding", _per_token(hidden[0] if isinstance(hidden, tuple) else hidden, weights, "A block"))

    with ExitStack() as hooks:
        for block in parts.blocks:
            hooks.enter_context(before(block, lambda _, hidden, *rest: keep_embedding(hidden)))
        hooks.enter_context(after(parts.norm or parts.blocks[-1], keep_embedding))
        if parts.experts and site != "attention":
            for experts in parts.experts:
                hooks.enter_context(
                    before(experts, lambda each, hidden, routed, *rest: keep_experts(each, hidden, routed))
                )
        else:
            modules, goes_in = site_modules(parts, site)
            for module in modules:
                hooks.enter_context(
                    before(module, lambda _, activation, *rest: keep_neurons(activation))
                    if goes_in
                    else after(module, keep_neurons)
                )
        yield pooled
    if seen["nas"] != len(parts.blocks) or seen["embedding"] != len(parts.blocks) + 1:
        raise _ran_otherwise(parts, seen["nas"])


def _ran_otherwise(parts: DecoderParts, times: int) -> ModelError:
    return ModelError(
        f"The module that was taken for the neurons ran {times} times in {len(parts.blocks)} blocks.",
        "Name another one (--neurons, or More in the sidebar).",
    )


def _per_token(
    activation: Any, weights: torch.Tensor, what: str = "The module that was taken for the neurons"
) -> torch.Tensor:
    """(sentences, tokens, dim), whether or not the family flattens sentences and tokens."""
    if not isinstance(activation, torch.Tensor) or activation.shape[:-1].numel() != weights.numel():
        raise ModelError(
            f"{what} does not give one row per token.",
            "Name another one (--neurons, or More in the sidebar).",
        )
    return activation.reshape(*weights.shape, activation.shape[-1])


def after(module: nn.Module, keep: Callable[[Any], None]) -> Any:
    """A removable hook on what `module` returns."""
    return module.register_forward_hook(lambda _module, _inputs, output: keep(output))


def before(module: nn.Module, keep: Callable[..., None]) -> Any:
    """A removable hook on `module` and what it is given, whether by position or by name."""

    def hook(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        first = () if inputs or "hidden_states" not in named else (named["hidden_states"],)
        keep(module, *inputs, *first, *named.values())

    return module.register_forward_pre_hook(hook, with_kwargs=True)
