"""Captured states against a recomputation from the weights that shares no code with the capture."""

import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.errors import Cancelled
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import load_model
from neuronxa_core.progress import Watcher
from neuronxa_core.states.extraction import extract
from tests.tiny import FAMILIES, SENTENCES, tiny_tokenizer

ACTIVATIONS = {
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu_pytorch_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
}


def recompute(folder, sentence: str, site: str) -> dict[str, np.ndarray]:
    """One sentence through the whole model; neurons from what enters each FFN and the weights, pooled token by token."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    seen: list[np.ndarray] = []
    for layer in model.model.layers:
        forward = layer.mlp.forward
        layer.mlp.forward = lambda x, forward=forward: (seen.append(x[0].numpy().astype(np.float64)), forward(x))[1]
    with torch.inference_mode():
        output = model(**tiny_tokenizer()(sentence, return_tensors="pt"), output_hidden_states=True)
    activate = ACTIVATIONS[getattr(model.config, "hidden_activation", None) or model.config.hidden_act]
    nas, nav = [], []
    for x, layer in zip(seen, model.model.layers, strict=True):
        neuron = activate(x @ layer.mlp.gate_proj.weight.detach().numpy().T.astype(np.float64))
        if site == "product":
            neuron = neuron * (x @ layer.mlp.up_proj.weight.detach().numpy().T.astype(np.float64))
        nas.append(by_position(np.where(neuron > 0, 1.0, 0.0)))
        nav.append(by_position(np.abs(neuron)))
    embedding = [by_position(hidden[0].numpy().astype(np.float64)) for hidden in output.hidden_states]
    return {"nas": np.stack(nas), "nav": np.stack(nav), "embedding": np.stack(embedding)}


def by_position(tokens: np.ndarray) -> np.ndarray:
    total = len(tokens) * (len(tokens) + 1) / 2
    return sum((t / total) * tokens[t - 1] for t in range(1, len(tokens) + 1))


@pytest.mark.parametrize("site", ["gate", "product"])
@pytest.mark.parametrize("family", FAMILIES)
def test_states_are_those_recomputed_from_the_weights(tiny_model, family: str, site: str):
    folder = tiny_model(family)
    states = extract(load_model(checkpoint_at(folder), "cpu", "float32"), SENTENCES, site)  # one padded batch
    assert states.nas.shape == (3, len(SENTENCES), 48)
    assert states.embedding.shape == (4, len(SENTENCES), 32)
    for row, sentence in enumerate(SENTENCES):
        expected = recompute(folder, sentence, site)
        np.testing.assert_allclose(states.nas[:, row], expected["nas"], atol=1e-5)
        np.testing.assert_allclose(states.nav[:, row], expected["nav"], rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(states.embedding[:, row], expected["embedding"], rtol=2e-4, atol=2e-5)
    assert 0.05 < states.nas.mean() < 0.95  # neither dead nor always on, or the comparison would prove nothing


def test_hooks_are_gone_when_the_pass_is_over_or_stopped(tiny_model):
    class Stop(Watcher):
        def check(self) -> None:
            raise Cancelled

    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    extract(model, SENTENCES)
    with pytest.raises(Cancelled):
        extract(model, SENTENCES, watcher=Stop())
    modules = [*model.parts.activations, *model.parts.down_projections, *model.parts.blocks, model.parts.norm]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    assert not model.lock.locked()
