"""Changing a model while it runs: hooks in a context manager, which set neurons to a value or shift a hidden state.

The hooks run before those of `capture`, in whichever order the two are opened, so that what is read is what was set.
Weights are never touched, and with the context every trace is gone. Hold the model's lock while one is open.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuronxa_core.errors import StudyError
from neuronxa_core.models.adapters import DecoderParts, site_modules
from neuronxa_core.states.sentences import Site

Values = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Neurons of one layer, from 0, and the activation that each is set to."""


class Change(Protocol):
    """Something that is done to a model while it runs."""

    @property
    def first_layer(self) -> int:
        """The first layer, from 1, that runs differently."""

    def hooks(self, parts: DecoderParts) -> Iterator[Any]:
        """Registers the hooks one by one. Raises NeuronXAError if the model does not allow the change."""


@contextmanager
def intervene(parts: DecoderParts, change: Change) -> Iterator[None]:
    """A context in which the model runs with the change. What `change` raises leaves no hook behind either."""
    with ExitStack() as hooks:
        for hook in change.hooks(parts):
            hooks.enter_context(hook)
        yield


@dataclass(frozen=True)
class SetNeurons:
    """Neurons set to a value at every token: at `gate`, the output of the activation function; see states.neuron.

    layers: by layer from 1. Switched off means set to 0.
    """

    site: Site
    layers: Mapping[int, Values]

    @property
    def first_layer(self) -> int:
        return min(self.layers, default=1)

    def hooks(self, parts: DecoderParts) -> Iterator[Any]:
        """Raises ModelError for the FFN of a mixture of experts, and StudyError for a layer that is not there."""
        modules, goes_in = site_modules(parts, self.site)
        for layer, values in self.layers.items():
            if not 1 <= layer <= len(modules):
                raise StudyError(f"The model has no layer {layer}.", f"Choose layers from 1 to {len(modules)}.")
            yield _on_input(modules[layer - 1], *values) if goes_in else _on_output(modules[layer - 1], *values)


@dataclass(frozen=True)
class Shift:
    """A vector added to the output of a layer, from 1, at every token. vector: (hidden size,)."""

    layer: int
    vector: NDArray[np.float32]

    @property
    def first_layer(self) -> int:
        return self.layer

    def hooks(self, parts: DecoderParts) -> Iterator[Any]:
        """Raises StudyError for a layer that is not there."""
        if not 1 <= self.layer <= len(parts.blocks):
            raise StudyError(f"The model has no layer {self.layer}.", f"Choose one from 1 to {len(parts.blocks)}.")
        vector = torch.from_numpy(self.vector)

        def shift(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            if isinstance(output, tuple):
                return (output[0] + vector.to(output[0]), *output[1:])
            return output + vector.to(output)

        yield parts.blocks[self.layer - 1].register_forward_hook(shift, prepend=True)


def _set(activation: torch.Tensor, neurons: NDArray[np.int64], values: NDArray[np.float32]) -> torch.Tensor:
    """A copy of (..., neurons) in which some have their value; the tensor itself may be read by others."""
    changed = activation.clone()
    changed[..., torch.from_numpy(neurons).to(activation.device)] = torch.from_numpy(values).to(activation)
    return changed


def _on_output(module: nn.Module, neurons: NDArray[np.int64], values: NDArray[np.float32]) -> Any:
    return module.register_forward_hook(lambda _module, _inputs, output: _set(output, neurons, values), prepend=True)


def _on_input(module: nn.Module, neurons: NDArray[np.int64], values: NDArray[np.float32]) -> Any:
    def change(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if inputs:
            return (_set(inputs[0], neurons, values), *inputs[1:]), named
        return inputs, {**named, "hidden_states": _set(named["hidden_states"], neurons, values)}

    return module.register_forward_pre_hook(change, with_kwargs=True, prepend=True)
