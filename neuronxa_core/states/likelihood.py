"""Bits of the same sentences with a model changed in many ways; each change runs only the layers from its first on.

An unchanged pass keeps what enters the blocks. A changed one calls the blocks from there, the final norm and the head.
Whether that gives what the decoder gives is checked to the bit on the unchanged model; where it does not, whole passes
run instead.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuronxa_core.models.adapters import DecoderParts, site_modules
from neuronxa_core.models.head import Head
from neuronxa_core.models.loading import LoadedModel, is_out_of_memory, out_of_memory
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.capture import after, before
from neuronxa_core.states.extraction import batches_of, head_of, pad, run_decoder, sentence_bits, token_ids
from neuronxa_core.states.interventions import Change, intervene
from neuronxa_core.states.sentences import Site


class _Call(NamedTuple):
    """What a block was called with beside the hidden state."""

    inputs: tuple[Any, ...]
    named: dict[str, Any]
    by_name: bool


@dataclass
class _Batch:
    rows: list[int]
    ids: torch.Tensor
    mask: torch.Tensor
    calls: list[_Call] = field(default_factory=list)
    entering: dict[int, torch.Tensor] = field(default_factory=dict)
    """The hidden state before a layer, from 1."""


class Likelihood:
    """Bits of sentences under one model, whose head is read once."""

    def __init__(self, model: LoadedModel) -> None:
        self.model, self.head = model, head_of(model)
        if model.device == "cpu":
            self.head = self.head.packed()

    def read(self, sentences: Sequence[str], starts: Collection[int] = (), watcher: Watcher = SILENT) -> "Passes":
        """An unchanged pass over the sentences. starts: layers, from 1, from which changed passes will begin.

        Raises SentenceError for a sentence that the model cannot take, and Cancelled.
        """
        return Passes(self.model, self.head, sentences, starts, watcher)


class Passes:
    """An unchanged pass, and the bits of changed ones. bits: -log2 p of each sentence without its first token."""

    def __init__(
        self, model: LoadedModel, head: Head, sentences: Sequence[str], starts: Collection[int], watcher: Watcher
    ) -> None:
        self.model, self.head = model, head
        tokens = token_ids(model, sentences)
        self.bits = np.zeros(len(tokens))
        self._shared = bool(starts)
        self._batches: list[_Batch] = []
        for rows in batches_of(model, [len(ids) for ids in tokens], None):
            ids, mask = pad([tokens[row] for row in rows], "right")
            batch = _Batch(rows, ids.to(model.device), mask.to(model.device))
            self.bits[rows] = self._run(batch, None, frozenset(starts), watcher)
            self._batches.append(batch)

    def changed(self, change: Change, watcher: Watcher = SILENT) -> NDArray[np.float64]:
        """The bits of each sentence, (sentences,), while the model runs with the change. Raises Cancelled."""
        bits = np.zeros(len(self.bits))
        for batch in self._batches:
            bits[batch.rows] = self._run(batch, change, frozenset(), watcher)
        return bits

    def _run(
        self, batch: _Batch, change: Change | None, starts: frozenset[int], watcher: Watcher
    ) -> NDArray[np.float64]:
        parts = self.model.parts
        context = intervene(parts, change) if change else nullcontext()
        try:
            with self.model.lock, torch.inference_mode(), context:
                watcher.check()
                if change and self._shared and change.first_layer in batch.entering:
                    hidden = _replay(parts, batch, change.first_layer, watcher)
                elif starts:
                    hidden = self._record(batch, starts, watcher)
                else:
                    hidden = run_decoder(parts, batch.ids, batch.mask)
                return sentence_bits(self.head, hidden, batch.ids, batch.mask)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise out_of_memory(f"A batch of {batch.ids.numel()} tokens", self.model.device) from error
            raise

    def _record(self, batch: _Batch, starts: frozenset[int], watcher: Watcher) -> torch.Tensor:
        """The last hidden states; keeps what enters the blocks, as long as replaying it gives the same."""
        parts = self.model.parts

        def keep(_module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            watcher.check()
            hidden = inputs[0] if inputs else named["hidden_states"]
            rest = {name: value for name, value in named.items() if inputs or name != "hidden_states"}
            batch.calls.append(_Call(inputs[1:], rest, not inputs))
            if (layer := len(batch.calls)) in starts:
                batch.entering[layer] = hidden.clone()

        with ExitStack() as hooks:
            for block in parts.blocks:
                hooks.enter_context(block.register_forward_pre_hook(keep, with_kwargs=True))
            hidden = run_decoder(parts, batch.ids, batch.mask)
        if not self._batches:  # the first batch tells
            self._shared = _repeats(parts, batch, hidden)
        if not self._shared:
            batch.entering.clear()
            batch.calls.clear()
        return hidden


def _repeats(parts: DecoderParts, batch: _Batch, hidden: torch.Tensor) -> bool:
    """Whether the blocks alone, from the first layer kept on, give the decoder's last hidden states to the bit."""
    if len(batch.calls) != len(parts.blocks) or not batch.entering:
        return False
    try:
        return torch.equal(_replay(parts, batch, min(batch.entering), SILENT), hidden)
    except (RuntimeError, TypeError, ValueError) as error:
        if is_out_of_memory(error):
            raise
        return False


def _replay(parts: DecoderParts, batch: _Batch, start: int, watcher: Watcher) -> torch.Tensor:
    """The last hidden states, (sentences, tokens, hidden size), from what entered layer `start`."""
    hidden = batch.entering[start].clone()
    for block, call in zip(parts.blocks[start - 1 :], batch.calls[start - 1 :], strict=True):
        watcher.check()
        first, named = ((), {"hidden_states": hidden}) if call.by_name else ((hidden,), {})
        output = block(*first, *call.inputs, **named, **call.named)
        hidden = output[0] if isinstance(output, tuple) else output
    return parts.norm(hidden) if parts.norm else hidden


def mean_activations(
    model: LoadedModel, sentences: Sequence[str], site: Site, watcher: Watcher = SILENT
) -> NDArray[np.float64]:
    """The mean activation of every neuron over all tokens of the sentences, (layers, neurons); layers 1..L.

    Raises ModelError for the FFN of a mixture of experts.
    """
    modules, goes_in = site_modules(model.parts, site)
    tokens = token_ids(model, sentences)
    sums: list[NDArray[np.float64] | float] = [0.0] * len(modules)
    for rows in batches_of(model, [len(ids) for ids in tokens], None):
        ids, mask = (each.to(model.device) for each in pad([tokens[row] for row in rows], "right"))

        def hook(layer: int, module: nn.Module, mask: torch.Tensor = mask) -> Any:
            def add(activation: torch.Tensor) -> None:
                watcher.check()
                real = activation.reshape(*mask.shape, -1)[mask.bool()]
                sums[layer] = sums[layer] + real.float().cpu().double().sum(dim=0).numpy()

            return before(module, lambda _, values, *rest: add(values)) if goes_in else after(module, add)

        with model.lock, torch.inference_mode(), ExitStack() as hooks:
            for layer, module in enumerate(modules):
                hooks.enter_context(hook(layer, module))
            run_decoder(model.parts, ids, mask)
    return np.stack([np.asarray(layer) for layer in sums]) / sum(len(ids) for ids in tokens)
