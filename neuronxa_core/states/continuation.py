"""Greedy continuations: at every step the likeliest token, while the model is changed or not.

A prompt is read once and its keys and values are kept, so that each step reads one token; a decoder without such a
cache reads the whole text at every step instead.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import torch

from neuronxa_core.errors import StudyError
from neuronxa_core.models.head import Head
from neuronxa_core.models.loading import LoadedModel, is_out_of_memory, out_of_memory
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.extraction import head_of, pad, positions, token_ids
from neuronxa_core.states.interventions import Change, intervene
from neuronxa_core.states.lens import without_end


def continue_greedily(
    model: LoadedModel,
    prompts: Sequence[str],
    tokens: int,
    change: Change | None = None,
    watcher: Watcher = SILENT,
) -> list[str]:
    """What follows each prompt: the likeliest next token, up to `tokens` times or until the model ends the text.

    change: what is done to the model meanwhile, at the prompt's tokens as at the new ones, see states.interventions.
    Raises StudyError if prompt and continuation exceed the model's context, ModelError for an encoder, and Cancelled.
    """
    ids = [without_end(model, each) for each in token_ids(model, prompts)]
    longest = max((len(each) for each in ids), default=0)
    if longest + tokens > model.context:
        raise StudyError(
            f"The text has {longest} tokens, and with {tokens} more it exceeds the model's context of {model.context}.",
            "Use a shorter text or fewer tokens.",
        )
    head = head_of(model)
    with model.lock, torch.inference_mode(), intervene(model.parts, change) if change else nullcontext():
        try:
            found = _continue(model, head, ids, tokens, watcher)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise out_of_memory(f"A batch of {longest * len(ids)} tokens", model.device) from error
            raise
    return [model.text(_until_the_end(each, model.end)) for each in found]


def _continue(
    model: LoadedModel, head: Head, prompts: list[list[int]], tokens: int, watcher: Watcher
) -> list[list[int]]:
    """The new token ids of every prompt; what stands behind the end of a text is not yet cut off."""
    ids, mask = (each.to(model.device) for each in pad(prompts, "left"))
    found: list[list[int]] = [[] for _ in prompts]
    kept: Any = None
    for _ in range(tokens):
        watcher.check()
        last, kept = _step(model, ids if kept is None else ids[:, -1:], mask, kept)
        likeliest = _likeliest(head, last)
        for each, token in zip(found, likeliest.tolist(), strict=True):
            each.append(int(token))
        if model.end is not None and all(model.end in each for each in found):
            break
        ids = torch.cat([ids, likeliest[:, None].to(ids)], dim=1)
        mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)
    return found


def _step(model: LoadedModel, ids: torch.Tensor, mask: torch.Tensor, kept: Any) -> tuple[torch.Tensor, Any]:
    """The last token's hidden state of every row, and the keys and values of all tokens, if the decoder gives them."""
    first = model.parts.first_position
    named: dict[str, Any] = {} if first is None else {"position_ids": positions(mask, first)[:, -ids.shape[1] :]}
    if kept is not None:
        named["past_key_values"] = kept
    output = model.parts.decoder(input_ids=ids, attention_mask=mask, use_cache=True, **named)
    return output[0][:, -1], getattr(output, "past_key_values", None)


def _likeliest(head: Head, last: torch.Tensor) -> torch.Tensor:
    """The likeliest next token of every row, (rows,)."""
    rows = torch.split(last.to(head.weight.device), head.rows_at_once)
    return torch.cat([head.logits(each).argmax(dim=-1) for each in rows])


def _until_the_end(tokens: list[int], end: int | None) -> list[int]:
    return tokens[: tokens.index(end)] if end in tokens else tokens
