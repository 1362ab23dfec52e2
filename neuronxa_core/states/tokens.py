"""One sentence, one layer, token by token: what the pooled states of a sentence are made of."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.errors import ModelError
from neuronxa_core.models.loading import LoadedModel
from neuronxa_core.states.neuron import neuron_activation_state, neuron_activation_value
from neuronxa_core.states.pooling import token_weights
from neuronxa_core.states.sentences import Pooling, Site


class SentenceTokens(NamedTuple):
    """tokens: as text; activations: (tokens, neurons); nas, nav: (neurons,), pooled over the tokens."""

    tokens: tuple[str, ...]
    activations: NDArray[np.float32]
    nas: NDArray[np.float32]
    nav: NDArray[np.float32]


def sentence_tokens(model: LoadedModel, sentence: str, layer: int, site: Site, pooling: Pooling) -> SentenceTokens:
    """What every neuron of a layer (from 1) does at every token of a sentence. Raises IndexError for a layer that is not there.

    Raises ModelError for a mixture of experts, whose neurons differ from token to token.
    """
    parts = model.parts
    if not 1 <= layer <= len(parts.blocks):
        raise IndexError(f"there is no layer {layer}")
    if parts.experts and site != "attention":
        raise ModelError("In a mixture of experts each token has neurons of its own.", "Use a model without experts.")
    seen: list[torch.Tensor] = []
    module, before = _module(model, layer, site)
    if before:
        hook = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach().float().cpu()))
    else:
        hook = module.register_forward_hook(lambda _, __, output: seen.append(output.detach().float().cpu()))
    ids = torch.tensor(model.tokenize([sentence]), device=model.device)
    mask = torch.ones_like(ids)
    first = parts.first_position
    named = {} if first is None else {"position_ids": torch.arange(ids.shape[1], device=ids.device)[None] + first}
    try:
        with model.lock, torch.inference_mode():
            parts.decoder(input_ids=ids, attention_mask=mask, use_cache=False, **named)
    finally:
        hook.remove()
    activations = seen[0].reshape(ids.shape[1], -1)
    weights = token_weights(mask.cpu(), pooling)[0]
    return SentenceTokens(
        tuple(model.token_texts(ids[0].tolist())),
        activations.numpy(),
        (weights @ neuron_activation_state(activations)).numpy(),
        (weights @ neuron_activation_value(activations)).numpy(),
    )


def _module(model: LoadedModel, layer: int, site: Site) -> tuple[torch.nn.Module, bool]:
    """Where a site is read in one block, and whether it is what goes in there."""
    parts = model.parts
    if site == "attention":
        if not parts.attention:
            raise ModelError("Where this architecture mixes its attention heads is not known.", "Use another site.")
        return parts.attention[layer - 1], True
    if parts.activations and (site == "gate" or not parts.down_projections):
        return parts.activations[layer - 1], False
    return parts.down_projections[layer - 1], True
