"""One sentence inside the FFN of every layer: some neurons before and after the gate, and what they pass on."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.errors import ModelError
from neuronxa_core.models.loading import LoadedModel
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.capture import after, before
from neuronxa_core.states.extraction import run_decoder, token_ids

_KNOWN = re.compile(r"gelu|silu|swish|relu2|relu", re.I)
_NAMES = {"gelu": "GELU", "silu": "SiLU", "swish": "SiLU", "relu2": "ReLU²", "relu": "ReLU"}


class FfnTokens(NamedTuple):
    """One sentence, token by token, at some neurons of every layer; arrays are float32, (layers, tokens, neurons).

    incoming: gate_proj(x), what goes into the activation function; activation: what comes out of it, the site `gate`;
    product: activation times up_proj(x), the site `product`, or the activation again in an FFN without a gate.
    """

    tokens: tuple[str, ...]
    incoming: NDArray[np.float32]
    activation: NDArray[np.float32]
    product: NDArray[np.float32]


def sentence_ffn(model: LoadedModel, sentence: str, neurons: NDArray[np.int64], watcher: Watcher = SILENT) -> FfnTokens:
    """A sentence at chosen neurons. neurons: (layers, chosen), from 0.

    Raises SentenceError like `extract`, and ModelError if the model has no activation function to look into.
    """
    parts = model.parts
    refuse_without_activation(model)
    ids = torch.tensor(token_ids(model, [sentence]), device=model.device)
    tokens = ids.shape[1]
    seen: dict[str, list[torch.Tensor]] = {"incoming": [], "activation": [], "product": []}

    def keep(name: str, layer: int, values: torch.Tensor) -> None:
        watcher.check()
        chosen = values.reshape(tokens, -1)[:, torch.as_tensor(neurons[layer], device=values.device)]
        seen[name].append(chosen.float().cpu())

    with ExitStack() as hooks:
        for layer, module in enumerate(parts.activations):
            hooks.enter_context(before(module, _given(partial(keep, "incoming", layer))))
            hooks.enter_context(after(module, partial(keep, "activation", layer)))
        for layer, module in enumerate(parts.down_projections):
            hooks.enter_context(before(module, _given(partial(keep, "product", layer))))
        with model.lock, torch.inference_mode():
            run_decoder(parts, ids, torch.ones_like(ids))
    stacked = {name: torch.stack(layers).numpy() for name, layers in seen.items() if layers}
    return FfnTokens(tuple(model.token_texts(ids[0].tolist())), **{"product": stacked["activation"], **stacked})


def _given(keep: Callable[[torch.Tensor], None]) -> Callable[..., None]:
    """A hook that keeps a module's first input."""
    return lambda module, given, *rest: keep(given)


def refuse_without_activation(model: LoadedModel) -> None:
    """Raises ModelError for a mixture of experts, and where the neurons are read at another place than the FFN's."""
    if model.parts.experts or not model.parts.activations:
        raise ModelError(
            "This page looks into the activation function of an FFN, which this model does not show.",
            "Use the demo model, or another without experts and without a module of your own under More.",
        )


def output_lengths(model: LoadedModel, neurons: NDArray[np.int64]) -> NDArray[np.float32]:
    """How long the vector is that a neuron with product 1 adds to the hidden state, (layers, chosen).

    The length of its column of down_proj; NaN where the FFN has no linear down-projection that is known.
    """
    lengths = np.full(neurons.shape, np.nan, dtype=np.float32)
    with torch.inference_mode():
        for layer, module in enumerate(model.parts.down_projections):
            wide = getattr(module, "in_features", None)
            parameter = next(model.parts.blocks[layer].parameters())
            if wide is None:  # a norm before the projection
                continue
            one = torch.zeros(1, neurons.shape[1] + 1, wide, dtype=parameter.dtype, device=parameter.device)
            one[0, torch.arange(neurons.shape[1]), torch.as_tensor(neurons[layer])] = 1
            out = module(one)[0].float()
            lengths[layer] = (out[:-1] - out[-1]).norm(dim=1).cpu().numpy()  # the last row is the bias alone
    return lengths


def activation_name(model: LoadedModel) -> str:
    """GELU, SiLU or ReLU, as papers call it; `act` for another function."""
    found = _KNOWN.search(type(model.parts.activations[0]).__name__)
    return _NAMES[found[0].lower()] if found else "act"
