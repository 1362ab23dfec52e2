"""The logit lens: what a model would predict if it stopped after a layer.

The hidden state of a layer goes through the model's final norm and its head; the last layer's has had its norm already.
Intermediate layers were never trained for this, so early ones are mostly noise.
Source: nostalgebraist 2020, "interpreting GPT: the logit lens"; Wendler et al. 2024, arXiv:2402.10588.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.errors import ModelError
from neuronxa_core.models.head import Head
from neuronxa_core.models.loading import LoadedModel, is_out_of_memory, out_of_memory
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.capture import before
from neuronxa_core.states.extraction import Padding, batches_of, head_of, pad, run_decoder, token_ids


@dataclass(frozen=True)
class LastToken:
    """What follows each prompt, by the lens of every layer 1..L.

    probabilities: (prompts, layers, tokens), of the tokens that were asked for; entropy: (prompts, layers), in bits.
    """

    probabilities: NDArray[np.float32]
    entropy: NDArray[np.float32]


@dataclass(frozen=True)
class TokenGrid:
    """The likeliest next tokens after every token of a text, by the lens of every layer 1..L.

    tokens: the text's own, (tokens,); candidates: as text, (layers, tokens, top), likeliest first, and their
    probabilities.
    """

    tokens: tuple[str, ...]
    candidates: tuple[tuple[tuple[str, ...], ...], ...]
    probabilities: NDArray[np.float32]


def last_token(
    model: LoadedModel,
    prompts: Sequence[str],
    tokens: Sequence[int],
    *,
    batch_tokens: int | None = None,
    padding: Padding = "right",
    watcher: Watcher = SILENT,
) -> LastToken:
    """The probability of these tokens after each prompt, and the entropy of the whole prediction, layer by layer.

    Only the last token's states are kept, and of the logits only what is asked for. Raises like extraction.extract.
    """
    ids = [without_end(model, each) for each in token_ids(model, prompts)]
    layers, head = len(model.parts.blocks), head_of(model)
    probabilities = np.empty((len(ids), layers, len(tokens)), dtype=np.float32)
    entropy = np.empty((len(ids), layers), dtype=np.float32)
    done = 0
    with model.lock, torch.inference_mode():
        for batch in batches_of(model, [len(each) for each in ids], batch_tokens):
            watcher.report("extracting", done, len(ids))
            padded = pad([ids[row] for row in batch], padding)
            pick = partial(_at, torch.arange(len(batch)), padded[1].cumsum(dim=1).argmax(dim=1))
            states = _layer_states(model, *padded, pick, watcher.check)
            for layer, state in enumerate(states):
                watcher.check()
                probabilities[batch, layer], entropy[batch, layer] = _read(head, state, tokens)
            done += len(batch)
    watcher.report("extracting", done, len(ids))
    return LastToken(probabilities, entropy)


def every_token(model: LoadedModel, text: str, top: int = 10, *, watcher: Watcher = SILENT) -> TokenGrid:
    """The `top` likeliest next tokens after each token of a text, layer by layer. Raises like extraction.extract."""
    (ids,), head = token_ids(model, [text]), head_of(model)
    with model.lock, torch.inference_mode():
        states = _layer_states(model, *pad([ids], "right"), lambda hidden: hidden[0], watcher.check)
        found = []
        for state in states:
            watcher.check()
            found.append(_likeliest(head, state, top))
    chosen = np.stack([tokens for tokens, _ in found])
    names = iter(model.token_texts(chosen.flatten().tolist()))
    candidates = tuple(tuple(tuple(next(names) for _ in cell) for cell in row) for row in chosen)
    return TokenGrid(tuple(model.token_texts(ids)), candidates, np.stack([values for _, values in found]))


def first_tokens(model: LoadedModel, prompts: Sequence[str], words: Sequence[str]) -> list[frozenset[int]]:
    """The tokens with which each word may begin after its prompt, with a space before it or without.

    Where a tokenizer joins the word to the prompt's last character, its first token on its own takes their place.
    The unknown token and tokens of whitespace alone are left out, since any word may begin with them; so a set may be
    empty.
    """
    end = _end(model)
    found: list[set[int]] = [set() for _ in words]
    starts = model.tokenize(list(prompts))
    for space in ("", " "):
        texts = [prompt + space + word for prompt, word in zip(prompts, words, strict=True)]
        for tokens, start, each in zip(model.tokenize(texts), starts, found, strict=True):
            length = len(start) - end
            if tokens[:length] == start[:length] and len(tokens) > length:
                each.add(tokens[length])
    begin = _begin(model)
    for each, tokens in zip(found, model.tokenize(list(words)), strict=True):
        if not each and len(tokens) > begin:
            each.add(tokens[begin])
    chosen = sorted(set().union(*found) - {model.unknown})
    named = {token for token, text in zip(chosen, model.token_texts(chosen), strict=True) if text.strip()}
    return [frozenset(each & named) for each in found]


def _at(rows: torch.Tensor, places: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """One token of each row, (rows, hidden size)."""
    return hidden[rows, places]


def without_end(model: LoadedModel, tokens: list[int]) -> list[int]:
    """The tokens without the special ones that the tokenizer puts behind a text, after which nothing would follow."""
    end = _end(model)
    return tokens[:-end] if end else tokens


def _end(model: LoadedModel) -> int:
    """How many special tokens the tokenizer puts behind a text: those in which two different letters agree."""
    one, other = model.tokenize(["a", "b"])
    return next((count for count, pair in enumerate(_pairs(one[::-1], other[::-1])) if pair[0] != pair[1]), 0)


def _begin(model: LoadedModel) -> int:
    """How many special tokens, and marks of a text's beginning, stand before its first character."""
    one, other = model.tokenize(["a", "b"])
    return next((count for count, pair in enumerate(_pairs(one, other)) if pair[0] != pair[1]), 0)


def _pairs(one: Sequence[int], other: Sequence[int]) -> Iterator[tuple[int, int]]:
    return zip(one, other, strict=False)


def _layer_states(
    model: LoadedModel,
    ids: torch.Tensor,
    mask: torch.Tensor,
    pick: Callable[[torch.Tensor], torch.Tensor],
    check: Callable[[], None],
) -> list[torch.Tensor]:
    """The states of layers 1..L as the head expects them, each (rows, hidden size). pick: the rows of a state."""
    parts = model.parts
    ids, mask = ids.to(model.device), mask.to(model.device)
    kept: list[torch.Tensor] = []

    def keep(hidden: Any) -> None:
        check()
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        kept.append(pick(hidden.reshape(*ids.shape, hidden.shape[-1])))

    try:
        with ExitStack() as hooks:
            for block in parts.blocks[1:]:
                hooks.enter_context(before(block, lambda _, hidden, *rest: keep(hidden)))
            last = pick(run_decoder(parts, ids, mask))
        if len(kept) != len(parts.blocks) - 1 or any(each.shape != last.shape for each in kept):
            raise ModelError(
                "This architecture changes its hidden states between its last block and its head, so the head cannot "
                "read other layers.",
                "Use another model.",
            )
        return [*(_normed(model, each) for each in kept), last]
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise out_of_memory(f"A batch of {ids.numel()} tokens", model.device) from error
        raise


def _normed(model: LoadedModel, hidden: torch.Tensor) -> torch.Tensor:
    norm = model.parts.norm
    if norm is None:
        return hidden
    weight = next((each for each in norm.parameters() if not each.is_meta), None)
    normed: torch.Tensor = norm(hidden[:, None] if weight is None else hidden[:, None].to(weight.device))
    return normed[:, 0]


def _log_chances(head: Head, state: torch.Tensor) -> Iterator[torch.Tensor]:
    """Log-probabilities of the whole vocabulary, some rows at a time."""
    for rows in torch.split(state.to(head.weight.device), head.rows_at_once):
        yield head.logits(rows).log_softmax(dim=-1)


def _read(head: Head, state: torch.Tensor, tokens: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The probabilities of some tokens, (rows, tokens), and the entropy of all in bits, (rows,)."""
    some, entropy = [], []
    asked = torch.tensor(tokens, dtype=torch.long, device=head.weight.device)
    for chances in _log_chances(head, state):
        some.append(chances[:, asked].exp().cpu())
        entropy.append(torch.special.entr(chances.exp_()).sum(dim=-1).cpu() / math.log(2))
    return torch.cat(some).numpy(), torch.cat(entropy).numpy()


def _likeliest(head: Head, state: torch.Tensor, top: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The likeliest tokens of every row, (rows, top), and their probabilities."""
    found = [chances.topk(min(top, chances.shape[-1]), dim=-1) for chances in _log_chances(head, state)]
    tokens = torch.cat([each.indices.cpu() for each in found])
    return tokens.numpy(), torch.cat([each.values.exp().cpu() for each in found]).numpy()
