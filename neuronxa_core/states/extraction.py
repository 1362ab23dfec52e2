"""From sentences to SentenceStates: one forward pass of the decoder, without its head, over length-sorted batches.

The batches of a language depend only on its sentences, so a fresh extraction repeats a cached one bit for bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from neuronxa_core.errors import ModelError, SentenceError
from neuronxa_core.models.adapters import DecoderParts
from neuronxa_core.models.head import Head
from neuronxa_core.models.loading import LoadedModel, is_out_of_memory, out_of_memory
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings
from neuronxa_core.states.capture import Pooled, capture
from neuronxa_core.states.interventions import Change, intervene
from neuronxa_core.states.mapped import Shapes, give_back
from neuronxa_core.states.pooling import token_weights
from neuronxa_core.states.sentences import Pooling, ReadoutConfig, SentenceStates, Site

Padding = Literal["right", "left"]
Make = Callable[[Shapes], dict[str, NDArray[Any]]]
"""What makes the arrays of one readout, from their shapes by name."""


def in_memory(shapes: Shapes) -> dict[str, NDArray[Any]]:
    """Arrays that are to be filled, in memory."""
    return {name: np.empty(shape, np.int64 if len(shape) == 1 else np.float32) for name, shape in shapes.items()}


def extract(
    model: LoadedModel,
    sentences: Sequence[str],
    site: Site = "gate",
    pooling: Pooling = "position",
    *,
    batch_tokens: int | None = None,
    padding: Padding = "right",
    watcher: Watcher = SILENT,
    bits: NDArray[np.float64] | None = None,
    make: Make = in_memory,
) -> SentenceStates:
    """The states of all sentences in one readout; see `extract_readouts`."""
    how = {"batch_tokens": batch_tokens, "padding": padding, "watcher": watcher, "bits": bits, "makes": [make]}
    return extract_readouts(model, sentences, [ReadoutConfig(site, pooling)], **how)[0]  # type: ignore[arg-type]


def extract_readouts(
    model: LoadedModel,
    sentences: Sequence[str],
    readouts: Sequence[ReadoutConfig],
    *,
    batch_tokens: int | None = None,
    padding: Padding = "right",
    watcher: Watcher = SILENT,
    bits: NDArray[np.float64] | None = None,
    makes: Sequence[Make] | None = None,
    change: Change | None = None,
) -> list[SentenceStates]:
    """NAS, NAV and embeddings of every layer and sentence, pooled over tokens: one SentenceStates per readout.

    All readouts come from the same passes. Equal sentences get equal states, so they tie when scored.
    batch_tokens: tokens in one forward pass, padding included, see length_sorted_batches; by default from the settings,
    or what suits the device. It and `padding` change results by no more than rounding.
    bits: if given, filled with -log2 p of each sentence, without its first token.
    makes: what makes the arrays of each readout, from their shapes by name; by default in memory.
    change: what is done to the model meanwhile, see states.interventions.
    Raises SentenceError for a sentence that has no tokens or exceeds the model's context, and Cancelled.
    """
    rows_of: dict[str, list[int]] = {}
    for row, sentence in enumerate(sentences):
        rows_of.setdefault(sentence, []).append(row)
    unique, rows = list(rows_of), list(rows_of.values())
    tokens = token_ids(model, unique)
    lengths = [len(sentence) for sentence in tokens]
    unknown = [sentence.count(model.unknown) if model.unknown is not None else 0 for sentence in tokens]
    batches = batches_of(model, lengths, batch_tokens)
    held: list[dict[str, NDArray[Any]]] = []
    done = 0
    head = None if bits is None else head_of(model)
    with model.lock, intervene(model.parts, change) if change else nullcontext():
        for batch in batches:
            watcher.report("extracting", done, len(unique))
            passed = _forward(model, [tokens[row] for row in batch], readouts, padding, watcher, head)
            held = held or [
                make(_shapes(pooled, len(sentences)))
                for make, pooled in zip(makes or [in_memory] * len(readouts), passed.pooled, strict=True)
            ]
            for number, each in enumerate(batch):  # equal sentences lie in several rows
                where = rows[each]
                if bits is not None:
                    bits[where] = passed.bits[number]
                for arrays in held:
                    arrays["tokens"][where], arrays["unknown"][where] = lengths[each], unknown[each]
            for arrays, pooled in zip(held, passed.pooled, strict=True):
                _keep(arrays, pooled, [rows[each] for each in batch])
            done += len(batch)
    watcher.report("extracting", done, len(unique))
    return [SentenceStates(**arrays) for arrays in held]


def _shapes(pooled: Pooled, sentences: int) -> Shapes:
    layers: Shapes = {state: (array.shape[0], sentences, array.shape[2]) for state, array in pooled.items()}
    return {"tokens": (sentences,), "unknown": (sentences,), **layers}


def _keep(arrays: Mapping[str, NDArray[Any]], pooled: Pooled, rows: Sequence[Sequence[int]]) -> None:
    """Writes one batch. rows: the places of each of its sentences."""
    where = [row for places in rows for row in places]
    which = [number for number, places in enumerate(rows) for _ in places]
    for state, layers in pooled.items():
        arrays[state][:, where] = layers.cpu().numpy()[:, which]
    give_back(*arrays.values())


def length_sorted_batches(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    """Row numbers, longest sentences first, in groups of at most `batch_tokens` tokens, padding included.

    A longer sentence forms its own group. The cuts minimise the total cost, where a batch costs its tokens, padding
    included, plus a sixteenth of `batch_tokens`.
    """
    order = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    cost, start_of = [0.0], [0]  # for the first n sentences: the lowest cost, and where their last batch starts
    for end in range(1, len(order) + 1):
        best, best_start = float("inf"), end - 1
        for start in range(end - 1, -1, -1):
            tokens = (end - start) * lengths[order[start]]
            if tokens > batch_tokens and start < end - 1:
                break
            if cost[start] + tokens < best:
                best, best_start = cost[start] + tokens, start
        cost.append(best + batch_tokens / 16)
        start_of.append(best_start)
    cuts = [len(order)]
    while cuts[-1]:
        cuts.append(start_of[cuts[-1]])
    for end, start in reversed(list(pairwise(cuts))):
        yield order[start:end]


def batches_of(model: LoadedModel, lengths: Sequence[int], batch_tokens: int | None) -> Iterator[list[int]]:
    """`length_sorted_batches`, by default few enough tokens for the caches of a CPU and enough to keep a GPU busy."""
    usual = settings().batch_tokens or (512 if model.device == "cpu" else 8192)
    return length_sorted_batches(lengths, batch_tokens or usual)


def token_ids(model: LoadedModel, sentences: Sequence[str]) -> list[list[int]]:
    """Token ids of each sentence, with the tokenizer's own special tokens and without padding."""
    tokens: list[list[int]] = model.tokenize(sentences)
    for sentence, ids in zip(sentences, tokens, strict=True):
        if not ids:
            raise SentenceError(
                f"The tokenizer finds no tokens in {sentence[:60]!r}.", "Leave out that pair.", sentence
            )
        if len(ids) > model.context:
            raise SentenceError(
                f"A sentence has {len(ids)} tokens, but the model's context is {model.context}: {sentence[:60]!r} ...",
                "Shorten it or leave out that pair.",
                sentence,
            )
    vocabulary = model.parts.decoder.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if max(chain.from_iterable(tokens), default=0) >= vocabulary:
        raise ModelError(
            f"The tokenizer has more tokens than the model has embeddings ({vocabulary}).",
            "Use the model's own tokenizer.",
        )
    return tokens


class _Pass(NamedTuple):
    """The result of one forward pass: a Pooled per readout, and -log2 p per sentence (zeros without a head)."""

    pooled: list[Pooled]
    bits: NDArray[np.float64]


def _forward(
    model: LoadedModel,
    tokens: list[list[int]],
    readouts: Sequence[ReadoutConfig],
    padding: Padding,
    watcher: Watcher,
    head: Head | None,
) -> _Pass:
    ids, mask = pad(tokens, padding)
    ids, mask = ids.to(model.device), mask.to(model.device)
    try:
        with torch.inference_mode(), ExitStack() as open_:
            pooled = [
                open_.enter_context(
                    capture(
                        model.parts,
                        readout.site,
                        token_weights(mask, readout.pooling),
                        watcher.check,
                        readout.threshold,
                    )
                )
                for readout in readouts
            ]
            hidden = run_decoder(model.parts, ids, mask)
            bits = sentence_bits(head, hidden, ids, mask) if head else np.zeros(len(tokens))
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise out_of_memory(f"A batch of {ids.numel()} tokens", model.device) from error
        raise
    return _Pass(pooled, bits)


def run_decoder(parts: DecoderParts, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The last hidden states, (sentences, tokens, hidden size). ids, mask: (sentences, tokens)."""
    first = parts.first_position
    named = {} if first is None else {"position_ids": positions(mask, first)}
    last: torch.Tensor = parts.decoder(input_ids=ids, attention_mask=mask, use_cache=False, **named)[0]
    return last


def head_of(model: LoadedModel) -> Head:
    """The language-model head, read now. Raises ModelError for an encoder, or if there is none."""
    if model.load_head is None:
        raise ModelError("An encoder is bidirectional, so it assigns sentences no likelihood.", "Use a decoder.")
    return model.load_head()


def sentence_bits(head: Head, hidden: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> NDArray[np.float64]:
    """-log2 p of every sentence without its first token, (sentences,). hidden: (sentences, tokens, hidden size)."""
    follows = (mask[:, 1:] * mask[:, :-1]).bool()
    each = torch.zeros(follows.shape, dtype=torch.float64)
    each[follows.cpu()] = head.bits(hidden[:, :-1][follows], ids[:, 1:][follows]).double().cpu()
    return np.asarray(each.sum(dim=1).numpy())


def positions(mask: torch.Tensor, first: int) -> torch.Tensor:
    """Position ids: rank among real tokens, counted from `first`, so that padding shifts nothing."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0) + first


def pad(tokens: list[list[int]], padding: Padding) -> tuple[torch.Tensor, torch.Tensor]:
    """(ids, mask), each (sentences, tokens). Padding is token 0, which is never attended to and has weight 0."""
    width = max(len(sentence) for sentence in tokens)
    ids = torch.zeros(len(tokens), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, sentence in enumerate(tokens):
        columns = slice(0, len(sentence)) if padding == "right" else slice(width - len(sentence), width)
        ids[row, columns] = torch.tensor(sentence)
        mask[row, columns] = 1
    return ids, mask
