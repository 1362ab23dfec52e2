"""The hidden state after a layer, sentence by sentence: what a direction between two languages is the difference of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.errors import StudyError
from neuronxa_core.models.loading import LoadedModel, is_out_of_memory, out_of_memory
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.capture import after
from neuronxa_core.states.extraction import batches_of, pad, run_decoder, token_ids


def layer_of(model: LoadedModel, layer: int) -> int:
    """The layer itself, from 1, or the middle one for 0. Raises StudyError for one that is not there."""
    layers = len(model.parts.blocks)
    if not 0 <= layer <= layers:
        raise StudyError(f"The model has no layer {layer}.", f"Choose one from 1 to {layers}, or 0 for the middle.")
    return layer or (layers + 1) // 2


def sentence_means(
    model: LoadedModel, sentences: Sequence[str], layer: int, watcher: Watcher = SILENT
) -> NDArray[np.float64]:
    """The mean hidden state that a layer, from 1, gives to the residual stream, (sentences, hidden size).

    Over all tokens of a sentence but the first, which in many models is the token of a text's beginning and larger than
    the others by far; a sentence of one token has that one. After the last layer, it is before the final norm.
    """
    tokens, block = token_ids(model, sentences), model.parts.blocks[layer - 1]
    means: list[NDArray[np.float64]] = [np.empty(0)] * len(tokens)
    for rows in batches_of(model, [len(ids) for ids in tokens], None):
        ids, mask = (each.to(model.device) for each in pad([tokens[row] for row in rows], "right"))
        given: list[Any] = []
        try:
            with model.lock, torch.inference_mode(), after(block, given.append):
                watcher.check()
                run_decoder(model.parts, ids, mask)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise out_of_memory(f"A batch of {ids.numel()} tokens", model.device) from error
            raise
        for row, hidden in zip(rows, _first(given[0]).reshape(*ids.shape, -1), strict=True):
            count = len(tokens[row])
            means[row] = hidden[min(1, count - 1) : count].float().cpu().double().mean(dim=0).numpy()
    return np.stack(means)


def _first(output: torch.Tensor | tuple[torch.Tensor, ...]) -> torch.Tensor:
    return output[0] if isinstance(output, tuple) else output
