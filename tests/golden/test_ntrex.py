"""The demo model on NTREX-128, against figures from an independent implementation (one sentence at a time, float32).

The figures are means over layers 1 to 18 for the first 100 lines, site gate, position pooling; one pair in one layer
moves a mean by 1/1800.
"""

import numpy as np
import pytest
import torch

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.models.demo import GGUF_SHA256
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.conftest import NTREX, needs_ntrex

pytestmark = needs_ntrex


def test_nasca_and_navca_are_those_of_the_independent_implementation(demo_cache):
    for code, nasca, navca in (("deu_Latn", 0.4994, 0.3211), ("hin_Deva", 0.2606, 0.1261)):  # English runs once
        result = run_study(Study("demo", str(NTREX), code, "eng_Latn", dtype="float32"), device="cpu")
        assert result.mean("nas") == pytest.approx(nasca, abs=1 / 1800), code
        assert result.mean("nav") == pytest.approx(navca, abs=1 / 1800), code


def test_every_layer_is_that_of_one_sentence_at_a_time(demo_cache, demo_model):
    """All layers and states of six pairs, recomputed with transformers' model, its hidden states and plain loops."""
    from transformers import AutoModel, AutoTokenizer

    study = Study("demo", str(NTREX), "swh_Latn", "eng_Latn", pairs=6, dtype="float32")
    result = run_study(study, device="cpu")
    tokenizer = AutoTokenizer.from_pretrained(demo_model)
    model = AutoModel.from_pretrained(demo_model, dtype=torch.float32).eval()
    bitext = open_corpus(str(NTREX)).bitext("swh_Latn", "eng_Latn", 6)
    sides = [
        [_one(model, tokenizer, text) for text in side] for side in (bitext.source_sentences, bitext.target_sentences)
    ]
    for state in ("nas", "nav", "embedding"):
        source, target = (np.array([sentence[state] for sentence in side]) for side in sides)
        scores = [_score(source[:, layer], target[:, layer]) for layer in range(source.shape[1])]
        np.testing.assert_allclose(result.of(state)["score"], scores, atol=1e-9)
        assert len(set(scores)) > 2, "the layers must differ for the comparison to tell them apart"


def _one(model, tokenizer, text: str) -> dict[str, list[np.ndarray]]:
    gates = []
    hooks = [
        layer.mlp.gate_proj.register_forward_hook(lambda module, inputs, output: gates.append(output[0].double()))
        for layer in model.layers
    ]
    with torch.inference_mode():
        hidden = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
    for hook in hooks:
        hook.remove()
    values = [torch.nn.functional.gelu(gate, approximate="tanh") for gate in gates]
    return {
        "nas": [_by_position((value > 0).double()) for value in values],
        "nav": [_by_position(value.abs()) for value in values],
        "embedding": [_by_position(layer[0].double()) for layer in hidden],
    }


def _by_position(tokens: torch.Tensor) -> np.ndarray:
    weights = torch.arange(1, len(tokens) + 1, dtype=torch.float64)
    return (weights / weights.sum() @ tokens).numpy()


def _score(source: np.ndarray, target: np.ndarray) -> float:
    hits = 0
    for i in range(len(source)):
        own = _cosine(source[i], target[i])
        others = [j for j in range(len(source)) if j != i]
        hits += all(own > _cosine(source[i], target[j]) and own > _cosine(source[j], target[i]) for j in others)
    return hits / len(source)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_the_demo_is_the_model_that_the_figures_are_of():
    assert GGUF_SHA256 == "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
