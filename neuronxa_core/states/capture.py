"""Reading a model from inside: forward hooks in a context manager, which pool what they see at once.

Nothing of size tokens x neurons x layers is ever held: a hook turns (sentences, tokens, dim) into (sentences, dim)
before the next layer runs.
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
"""Pooled layers by state, in the order they ran: float32, (layers, sentences, dim); nas, nav 1..L, embedding 0..L."""


@contextmanager
def capture(
    parts: DecoderParts, site: Site, weights: torch.Tensor, check: Callable[[], None], threshold: float = 0.0
) -> Iterator[Pooled]:
    """A dictionary that one forward pass of the decoder fills while the context is open.

    weights: (sentences, tokens), see pooling.token_weights. `check` runs at every layer and may raise to stop the pass.
    Several captures may be open at once, for several readouts of one pass. The embedding of layer l is
    `hidden_states[l]` of transformers: 0 enters the first block, L leaves the final norm.
    Raises ModelError if a hooked module does not give one row per token, or does not run once per block.
    """
    reader = Capture(parts, site, weights, check, threshold)
    with ExitStack() as hooks:
        for hook in reader.hooks():
            hooks.enter_context(hook)
        yield reader.pooled
    reader.refuse_incomplete()


class Capture:
    """The pooled layers of one forward pass, and the hooks that fill them; see `capture`."""

    def __init__(
        self, parts: DecoderParts, site: Site, weights: torch.Tensor, check: Callable[[], None], threshold: float
    ) -> None:
        self.parts, self.site, self.weights, self.check, self.threshold = parts, site, weights, check, threshold
        self.pooled: Pooled = {}
        self._layers_seen: Counter[State] = Counter()
        self._buffer = weights.new_empty(0)  # one layer's neurons, reused by every layer

    def hooks(self) -> Iterator[Any]:
        """Registers the hooks one by one: before every block, after the final norm, and where the neurons are."""
        for block in self.parts.blocks:
            yield before(block, lambda _, hidden, *rest: self._keep_embedding(hidden))
        yield after(self.parts.norm or self.parts.blocks[-1], self._keep_embedding)
        if self.parts.experts and self.site != "attention":
            for experts in self.parts.experts:
                yield before(experts, lambda each, hidden, routed, *rest: self._keep_experts(each, hidden, routed))
            return
        modules, goes_in = site_modules(self.parts, self.site)
        for module in modules:
            if goes_in:
                yield before(module, lambda _, activation, *rest: self._keep_neurons(activation))
            else:
                yield after(module, self._keep_neurons)

    def refuse_incomplete(self) -> None:
        """Raises ModelError unless the pass gave one row of neurons per block and one embedding more."""
        blocks = len(self.parts.blocks)
        if self._layers_seen["nas"] != blocks or self._layers_seen["embedding"] != blocks + 1:
            raise _wrong_module(self.parts, self._layers_seen["nas"])

    def _next_layer(self, state: State, width: int) -> torch.Tensor:
        """(sentences, width), where the next layer of a state goes."""
        if state not in self.pooled:  # one block for all layers, since many small ones fragment memory
            layers = len(self.parts.blocks) + (state == "embedding")
            self.pooled[state] = self.weights.new_empty(layers, len(self.weights), width)
        pooled, seen = self.pooled[state], self._layers_seen[state]
        if seen == len(pooled):
            raise _wrong_module(self.parts, seen + 1)
        if width != pooled.shape[-1]:
            raise ModelError(
                f"Layer {seen + 1} has {width} neurons, but the layers before it have {pooled.shape[-1]}.",
                "Use a model whose layers all have the same width.",
            )
        self._layers_seen[state] += 1
        return pooled[seen]

    def _keep(self, state: State, tokens: torch.Tensor) -> None:
        pool(tokens.to(self.weights.device), self.weights, out=self._next_layer(state, tokens.shape[-1]))

    def _keep_embedding(self, hidden: Any) -> None:
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        self._keep("embedding", _per_token(hidden, self.weights, "A block"))

    def _keep_neurons(self, activation: torch.Tensor) -> None:
        self.check()
        activation = _per_token(activation, self.weights)
        if self._buffer.shape != activation.shape or self._buffer.device != activation.device:
            self._buffer = torch.empty_like(activation, dtype=torch.float32)
        self._keep("nas", neuron_activation_state(activation, self._buffer, self.threshold))
        self._keep("nav", neuron_activation_value(activation, self._buffer))

    def _keep_experts(self, experts: nn.Module, hidden: torch.Tensor, routed: torch.Tensor) -> None:
        """Keeps one layer of a mixture of experts; a token counts only for the experts it is routed to.

        hidden: (tokens, dim); routed: (tokens, experts per token).
        """
        self.check()
        count, neurons = expert_sizes(experts)
        nas, nav = (
            self._next_layer(state, count * neurons).zero_().view(-1, count, neurons) for state in NEURON_STATES
        )
        per_token = self.weights.flatten()
        for expert in range(count):
            tokens = ((routed == expert).any(dim=-1) & (per_token > 0)).nonzero()[:, 0]
            if not len(tokens):
                continue
            activation = expert_neurons(experts, expert, hidden[tokens])[self.site == "product"].to(per_token.device)
            sentence, weight = tokens // self.weights.shape[1], per_token[tokens, None]
            active = neuron_activation_state(activation, threshold=self.threshold)
            nas[:, expert].index_add_(0, sentence, weight * active)
            nav[:, expert].index_add_(0, sentence, weight * neuron_activation_value(activation))


_OTHER_MODULE = "Choose another module (--neurons, or More in the sidebar)."


def _wrong_module(parts: DecoderParts, times: int) -> ModelError:
    return ModelError(
        f"The module read as neurons ran {times} times in {len(parts.blocks)} blocks, not once in each.", _OTHER_MODULE
    )


def _per_token(activation: Any, weights: torch.Tensor, what: str = "The module read as neurons") -> torch.Tensor:
    """(sentences, tokens, dim), also for families that flatten sentences and tokens. Raises ModelError otherwise."""
    if not isinstance(activation, torch.Tensor) or activation.shape[:-1].numel() != weights.numel():
        raise ModelError(f"{what} does not give one row per token.", _OTHER_MODULE)
    return activation.reshape(*weights.shape, activation.shape[-1])


def after(module: nn.Module, keep: Callable[[Any], None]) -> Any:
    """A removable hook that passes on the output of `module`."""
    return module.register_forward_hook(lambda _module, _inputs, output: keep(output))


def before(module: nn.Module, keep: Callable[..., None]) -> Any:
    """A removable hook that passes on `module` and its inputs, positional or by keyword."""

    def hook(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        first = () if inputs or "hidden_states" not in named else (named["hidden_states"],)
        keep(module, *inputs, *first, *named.values())

    return module.register_forward_pre_hook(hook, with_kwargs=True)
