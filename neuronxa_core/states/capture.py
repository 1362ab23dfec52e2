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

from neuronxa_core.models.adapters import DecoderParts
from neuronxa_core.states.neuron import neuron_activation_state, neuron_activation_value
from neuronxa_core.states.pooling import pool
from neuronxa_core.states.sentences import Site, State

Pooled = dict[State, torch.Tensor]
"""Per state the pooled layers in the order they ran, float32, (layers, sentences, dim): nas, nav 1..L, embedding 0..L."""


@contextmanager
def capture(parts: DecoderParts, site: Site, weights: torch.Tensor, check: Callable[[], None]) -> Iterator[Pooled]:
    """While the context is open, one forward pass of the decoder fills the dictionary that it yields.

    weights: (sentences, tokens), see pooling.token_weights. `check` runs at every layer and may raise to stop the pass.
    The embedding of layer l is `hidden_states[l]` of transformers: 0 enters the first block, L leaves the final norm.
    """
    pooled: Pooled = {}
    seen: Counter[State] = Counter()
    room = weights.new_empty(0)  # one layer's neurons, used again by every layer

    def keep(state: State, tokens: torch.Tensor) -> None:
        if state not in pooled:  # all layers at once: many small pieces would keep the memory between them from reuse
            layers = len(parts.blocks) + (state == "embedding")
            pooled[state] = weights.new_empty(layers, len(weights), tokens.shape[-1])
        pool(tokens, weights, out=pooled[state][seen[state]])
        seen[state] += 1

    def keep_neurons(activation: torch.Tensor) -> None:
        nonlocal room
        check()
        if room.shape != activation.shape:
            room = weights.new_empty(activation.shape)
        keep("nas", neuron_activation_state(activation, room))
        keep("nav", neuron_activation_value(activation, room))

    def keep_embedding(hidden: torch.Tensor) -> None:
        keep("embedding", hidden)

    with ExitStack() as hooks:
        for block in parts.blocks:
            hooks.enter_context(_before(block, keep_embedding))
        hooks.enter_context(_after(parts.norm, keep_embedding))
        if site == "gate":
            for activation in parts.activations:
                hooks.enter_context(_after(activation, keep_neurons))
        else:
            for down in parts.down_projections:
                hooks.enter_context(_before(down, keep_neurons))
        yield pooled


def _after(module: nn.Module, keep: Callable[[torch.Tensor], None]) -> Any:
    """A removable hook on what `module` returns."""
    return module.register_forward_hook(lambda _module, _inputs, output: keep(output))


def _before(module: nn.Module, keep: Callable[[torch.Tensor], None]) -> Any:
    """A removable hook on the first thing `module` is given, by position or by name."""

    def hook(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        keep(inputs[0] if inputs else named["hidden_states"])

    return module.register_forward_pre_hook(hook, with_kwargs=True)
