"""Activations of one sentence at one layer, token by token, before pooling."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.models.adapters import site_modules
from neuronxa_core.models.loading import LoadedModel
from neuronxa_core.states.capture import after, before
from neuronxa_core.states.extraction import run_decoder
from neuronxa_core.states.neuron import neuron_activation_state, neuron_activation_value
from neuronxa_core.states.pooling import token_weights
from neuronxa_core.states.sentences import Pooling, Site


class SentenceTokens(NamedTuple):
    """One sentence at one layer.

    tokens: as text; activations: (tokens, neurons); nas, nav: (neurons,), pooled over the tokens.
    """

    tokens: tuple[str, ...]
    activations: NDArray[np.float32]
    nas: NDArray[np.float32]
    nav: NDArray[np.float32]


def sentence_tokens(model: LoadedModel, sentence: str, layer: int, site: Site, pooling: Pooling) -> SentenceTokens:
    """Activations of every neuron of a layer (from 1) at every token of a sentence, and their pooled states.

    Raises IndexError if there is no such layer, and ModelError for a mixture of experts, whose neurons differ from
    token to token.
    """
    parts = model.parts
    if not 1 <= layer <= len(parts.blocks):
        raise IndexError(f"there is no layer {layer}")
    modules, goes_in = site_modules(parts, site)
    seen: list[torch.Tensor] = []
    module = modules[layer - 1]
    hook = before(module, lambda _, values, *rest: seen.append(values)) if goes_in else after(module, seen.append)
    ids = torch.tensor(model.tokenize([sentence]), device=model.device)
    mask = torch.ones_like(ids)
    with model.lock, torch.inference_mode(), hook:
        run_decoder(parts, ids, mask)
    activations = seen[0].float().cpu().reshape(ids.shape[1], -1)
    weights = token_weights(mask.cpu(), pooling)[0]
    return SentenceTokens(
        tuple(model.token_texts(ids[0].tolist())),
        activations.numpy(),
        (weights @ neuron_activation_state(activations)).numpy(),
        (weights @ neuron_activation_value(activations)).numpy(),
    )
