"""Every family's states against a recomputation from weights and inputs that shares no code with the capture.

The recomputation runs one sentence at a time, unpadded, through the model as transformers calls it, takes what enters
each FFN's first matrix, and multiplies with the weights in float64.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import erf, expit
from torch import nn
from transformers import AutoConfig, AutoModel

from neuronxa_core.errors import ModelError
from neuronxa_core.models.adapters import decoder_parts
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.families import FAMILIES as TABLE
from neuronxa_core.models.families import family_of
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.sentences import STATES
from tests.tiny import FAMILIES, SENTENCES, SIZES, save_tiny_model, tiny_model_of, tiny_tokenizer

Array = np.ndarray


def silu(x: Array) -> Array:
    return x * expit(x)


def gelu(x: Array) -> Array:
    return x * (1 + erf(x / np.sqrt(2))) / 2


def gelu_tanh(x: Array) -> Array:
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def relu2(x: Array) -> Array:
    return relu(x) ** 2


def xielu(x: Array, act: nn.Module) -> Array:
    """Huang and Schlag 2024, arXiv:2411.13010: quadratic above zero, integrated ELU below."""
    above = np.log1p(np.exp(float(act.alpha_p)))
    below = float(act.beta) + np.log1p(np.exp(float(act.alpha_n)))
    negative = (np.expm1(np.minimum(x, float(act.eps))) - x) * below
    return np.where(x > 0, above * x * x, negative) + float(act.beta) * x


Neurons = Callable[[nn.Module, Array], tuple[Array, Array]]
"""A block and what enters its FFN, (tokens, hidden) -> the sites gate and product, (tokens, neurons)."""


def weights(block: nn.Module, path: str) -> tuple[Array, Array]:
    linear = block.get_submodule(path)
    bias = getattr(linear, "bias", None)
    matrix = linear.weight.detach().double().numpy()
    matrix = matrix.T if type(linear).__name__ == "Conv1D" else matrix
    return matrix, np.zeros(len(matrix)) if bias is None else bias.detach().double().numpy()


def plain(block: nn.Module, x: Array, path: str, act: Callable[[Array], Array]) -> tuple[Array, Array]:
    matrix, bias = weights(block, path)
    neurons = act(x @ matrix.T + bias)
    return neurons, neurons


def gated(block: nn.Module, x: Array, act: Callable[[Array], Array]) -> tuple[Array, Array]:
    (gate, gate_bias), (up, up_bias) = weights(block, "mlp.gate_proj"), weights(block, "mlp.up_proj")
    neurons = act(x @ gate.T + gate_bias)
    return neurons, neurons * (x @ up.T + up_bias)


def fused(block: nn.Module, x: Array) -> tuple[Array, Array]:
    both, _ = weights(block, "mlp.gate_up_proj")
    half = len(both) // 2
    neurons = silu(x @ both[:half].T)
    return neurons, neurons * (x @ both[half:].T)


def apertus(block: nn.Module, x: Array) -> tuple[Array, Array]:
    return plain(block, x, "mlp.up_proj", partial(xielu, act=block.mlp.act_fn))


def routed(block: nn.Module, x: Array, router: str = "mlp.gate") -> tuple[Array, Array]:
    """Two of four experts per token, those with the largest logits; the neurons of the others are 0."""
    gate_of, experts = block.get_submodule(router), block.mlp.experts
    logits = x @ gate_of.weight.detach().double().numpy().T
    if getattr(gate_of, "bias", None) is not None:
        logits = logits + gate_of.bias.detach().double().numpy()
    chosen = np.argsort(-logits, axis=1)[:, :2]
    matrices = experts.gate_up_proj.detach().double().numpy()
    sites = [[], []]
    for expert in range(4):
        if router == "mlp.router":  # GPT-OSS
            both = x @ matrices[expert] + experts.gate_up_proj_bias[expert].detach().double().numpy()
            gate, up = np.minimum(both[:, 0::2], 7.0), np.clip(both[:, 1::2], -7.0, 7.0)
            gate = gate * expit(1.702 * gate)
            values = gate, gate * (up + 1)
        else:
            half = matrices.shape[1] // 2
            gate = silu(x @ matrices[expert, :half].T)
            values = gate, gate * (x @ matrices[expert, half:].T)
        here = (chosen == expert).any(axis=1)[:, None]
        for site, value in zip(sites, values, strict=True):
            site.append(np.where(here, value, 0.0))
    return np.concatenate(sites[0], axis=1), np.concatenate(sites[1], axis=1)


LLAMA = ("layers", "mlp.gate_proj", partial(gated, act=silu))
GEMMA = ("layers", "mlp.gate_proj", partial(gated, act=gelu_tanh))
FUSED = ("layers", "mlp.gate_up_proj", fused)
EXPERTS = ("layers", "mlp.gate", routed)


def without_gate(blocks: str, path: str, act: Callable[[Array], Array]) -> tuple[str, str, Neurons]:
    return blocks, path, partial(plain, path=path, act=act)


EXPECTED: dict[str, tuple[str, str, Neurons]] = {
    **dict.fromkeys(("llama", "qwen2", "qwen3", "mistral", "ministral", "ministral3", "olmo", "olmo2", "olmo3"), LLAMA),
    **dict.fromkeys(("cohere", "cohere2", "granite", "stablelm", "smollm3"), LLAMA),
    **dict.fromkeys(("gemma", "gemma2", "gemma3_text"), GEMMA),
    **dict.fromkeys(("glm", "glm4", "phi3"), FUSED),
    **dict.fromkeys(("mixtral", "qwen3_moe", "olmoe"), EXPERTS),
    "gpt_oss": ("layers", "mlp.router", partial(routed, router="mlp.router")),
    "gemma3": ("language_model.layers", *GEMMA[1:]),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl"), ("language_model.layers", *LLAMA[1:])),
    "apertus": ("layers", "mlp.up_proj", apertus),
    "arcee": without_gate("layers", "mlp.up_proj", relu2),
    "nemotron": without_gate("layers", "mlp.up_proj", relu2),
    "phi": without_gate("layers", "mlp.fc1", gelu_tanh),
    "gpt_neox": without_gate("layers", "mlp.dense_h_to_4h", gelu),
    "gpt2": without_gate("h", "mlp.c_fc", gelu_tanh),
    "gptj": without_gate("h", "mlp.fc_in", gelu_tanh),
    "bloom": without_gate("h", "mlp.dense_h_to_4h", gelu_tanh),
    "falcon": without_gate("h", "mlp.dense_h_to_4h", gelu),
    "mpt": without_gate("blocks", "ffn.up_proj", gelu),
    "xglm": without_gate("layers", "fc1", gelu),
    "opt": without_gate("decoder.layers", "fc1", relu),
    "bert": without_gate("encoder.layer", "intermediate.dense", gelu),
    "xlm-roberta": without_gate("encoder.layer", "intermediate.dense", gelu),
}  # fmt: skip


def recompute(model: nn.Module, family: str, sentence: str) -> dict[str, Array]:
    """One sentence: the token states of every layer, pooled by a loop over its tokens."""
    blocks, first, neurons = EXPECTED[family]
    entered: list[Array] = []
    hooks = [
        block.get_submodule(first).register_forward_pre_hook(
            lambda _, inputs: entered.append(inputs[0].double().numpy().reshape(-1, inputs[0].shape[-1]))
        )
        for block in model.get_submodule(blocks)
    ]
    with torch.inference_mode():
        ids = tiny_tokenizer()(sentence, return_tensors="pt")["input_ids"]
        output = model(input_ids=ids, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    sites = [neurons(block, x) for block, x in zip(model.get_submodule(blocks), entered, strict=True)]
    states = {"embedding": [by_position(hidden[0].double().numpy()) for hidden in output.hidden_states]}
    for site, values in zip(("gate", "product"), zip(*sites, strict=True), strict=True):
        states[f"nas {site}"] = [by_position(np.where(value > 0, 1.0, 0.0)) for value in values]
        states[f"nav {site}"] = [by_position(np.abs(value)) for value in values]
    return {name: np.stack(layers) for name, layers in states.items()}


def by_position(tokens: Array) -> Array:
    total = len(tokens) * (len(tokens) + 1) / 2
    return sum((t / total) * tokens[t - 1] for t in range(1, len(tokens) + 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_states_are_those_recomputed_from_the_weights(tiny_model, family: str):
    folder = tiny_model(family)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    expected = [recompute(model, family, sentence) for sentence in SENTENCES]
    loaded = load_model(checkpoint_at(folder), "cpu", "float32")
    for site, padding in (("gate", "right"), ("product", "left")):
        states = extract(loaded, SENTENCES, site, batch_tokens=10_000, padding=padding)  # one padded batch
        for row, alone in enumerate(expected):
            np.testing.assert_allclose(states.nas[:, row], alone[f"nas {site}"], atol=1e-5)
            np.testing.assert_allclose(states.nav[:, row], alone[f"nav {site}"], rtol=3e-4, atol=3e-5)
            np.testing.assert_allclose(states.embedding[:, row], alone["embedding"], rtol=3e-4, atol=3e-5)
        assert 0.05 < states.nas.mean() < 0.95  # neither dead nor always on, or the comparison would prove nothing
        assert np.ptp(states.embedding, axis=0).min() >= 0
        assert np.abs(np.diff(states.embedding, axis=0)).max(axis=(1, 2)).min() > 0.01  # no layer twice


def test_every_family_of_the_table_is_recomputed():
    by_structure_of_another = {"roberta": "xlm-roberta", "camembert": "xlm-roberta", "mistral3": "gemma3"}
    assert set(FAMILIES) == set(EXPECTED)
    assert set(TABLE) - set(FAMILIES) == set(by_structure_of_another)
    assert TABLE["roberta"] == TABLE["xlm-roberta"]
    assert TABLE["mistral3"] == TABLE["gemma3"]


UNKNOWN = {
    "helium": ("mlp.act_fn", "mlp.down_proj"),
    "exaone4": ("mlp.act_fn", "mlp.down_proj"),
    "starcoder2": ("mlp.act", ""),
    "gpt_bigcode": ("mlp.act", ""),
    "seed_oss": ("mlp.act_fn", "mlp.down_proj"),
    "vaultgemma": ("mlp.act_fn", "mlp.down_proj"),
    "gemma4_text": ("mlp.act_fn", "mlp.down_proj"),  # beside a second activation
    "moshi": ("mlp.activation_fn", "mlp.fc2"),  # gate and up in one matrix that does not say so
    "modernbert-decoder": ("mlp.act", "mlp.Wo"),
    "bitnet": ("mlp.act_fn", "mlp.ffn_sub_norm"),  # the product is normed before the down-projection
    "jais2": ("mlp.act_fn", ""),
}


@pytest.mark.parametrize("family", UNKNOWN)
def test_a_model_that_no_table_knows_is_read_by_its_structure_and_says_so(family: str):
    model, config = built(family)
    parts = decoder_parts(model, config)
    activation, down = UNKNOWN[family]
    assert parts.activations == tuple(block.get_submodule(activation) for block in parts.blocks)
    assert parts.down_projections == tuple(block.get_submodule(down) for block in parts.blocks if down)
    assert len(parts.blocks) == 3
    assert parts.norm is not None
    assert f"output of {activation}" in parts.neurons
    assert "guessed from its structure" in parts.neurons


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"mixtral", "qwen3_moe", "olmoe", "gpt_oss"}))
def test_the_guess_agrees_with_the_table_where_both_know(family: str, monkeypatch: pytest.MonkeyPatch):
    model, config = built(family)
    known = decoder_parts(model, config)
    monkeypatch.delitem(TABLE, family)
    guessed = decoder_parts(model, config)
    assert guessed.activations == known.activations
    assert guessed.down_projections == known.down_projections
    assert guessed.blocks == known.blocks
    assert guessed.norm is known.norm
    assert guessed.decoder.get_input_embeddings() is known.decoder.get_input_embeddings()


def built(family: str) -> tuple[nn.Module, dict[str, object]]:
    config = AutoConfig.for_model(family, **FAMILIES.get(family, SIZES), pad_token_id=0, bos_token_id=1, eos_token_id=2)
    whole = tiny_model_of(config)
    return getattr(whole, "base_model", whole), config.to_dict()


def test_the_viewer_may_name_another_module(tiny_model):
    checkpoint = checkpoint_at(tiny_model("llama"))
    usual = load_model(checkpoint, "cpu", "float32")
    gate = extract(load_model(checkpoint, "cpu", "float32", "mlp.act_fn"), SENTENCES, "product")
    product = extract(load_model(checkpoint, "cpu", "float32", "mlp.down_proj:input"), SENTENCES, "gate")
    for state in STATES:
        np.testing.assert_array_equal(gate.of(state), extract(usual, SENTENCES, "gate").of(state))
        np.testing.assert_array_equal(product.of(state), extract(usual, SENTENCES, "product").of(state))
    before = extract(load_model(checkpoint, "cpu", "float32", "mlp.up_proj"), SENTENCES)
    assert before.nas.shape == (3, len(SENTENCES), 48)
    assert (before.nas != gate.nas).any()


@pytest.mark.parametrize(
    ("neurons", "said"),
    [
        ("mlp.nonsense", "no attribute `nonsense`"),
        ("mlp.act_fn:sideways", "ends with 'sideways'"),
        ("self_attn.o_proj.weight", "weight"),
    ],
)
def test_a_module_that_is_not_there_ends_in_a_next_step(tiny_model, neurons: str, said: str):
    with pytest.raises(ModelError, match=said) as error:
        load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32", neurons)
    assert error.value.next_step.endswith(".")


@pytest.mark.parametrize("neurons", ["self_attn", "input_layernorm:input", "self_attn.q_proj"])
def test_a_module_that_gives_no_row_per_token_is_refused_and_another_width_is_not(tiny_model, neurons: str):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32", neurons)
    if neurons == "self_attn":  # a tuple
        with pytest.raises(ModelError, match="one row per token"):
            extract(model, SENTENCES)
    else:
        assert extract(model, SENTENCES).nas.shape == (3, len(SENTENCES), 32)
    assert not model.lock.locked()


def test_what_cannot_be_read_rightly_is_refused_by_name_with_the_reason():
    for config, said in (
        ({"model_type": "deepseek_v3"}, "'deepseek_v3' cannot be read rightly: experts that all tokens share"),
        ({"model_type": "mamba"}, "'mamba' cannot be read rightly: its blocks are no FFNs"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "'t5' is an encoder-decoder"),
        ({"model_type": "qwen3_moe", "mlp_only_layers": [0], "num_hidden_layers": 3}, "experts in some of its 3 layers only"),
        ({"model_type": "qwen3_moe", "decoder_sparse_step": 2}, "experts in some"),
        ({}, "no model_type"),
    ):  # fmt: skip
        with pytest.raises(ModelError, match=said):
            family_of(config)


@pytest.mark.parametrize("family", ["granitemoe", "phimoe", "jetmoe"])
def test_experts_that_no_table_knows_are_refused(family: str):
    with pytest.raises(ModelError, match="structure does not tell where its neurons are"):
        decoder_parts(*built(family))


def test_a_checkpoint_of_an_encoder_needs_no_pooler(tmp_path: Path):
    """Masked language models are stored without one, and no state depends on it."""
    states = extract(load_model(checkpoint_at(save_tiny_model(tmp_path, "bert")), "cpu", "float32"), SENTENCES, pooling="mean")  # fmt: skip
    assert states.embedding.shape == (4, len(SENTENCES), 32)


MIXING = {
    **dict.fromkeys(FAMILIES, "self_attn.o_proj"),
    **dict.fromkeys(("xglm", "opt"), "self_attn.out_proj"),
    **dict.fromkeys(("bert", "xlm-roberta"), "attention.output.dense"),
    **dict.fromkeys(("bloom", "falcon"), "self_attention.dense"),
    "gpt2": "attn.c_proj",
    "gptj": "attn.out_proj",
    "mpt": "attn.out_proj",
    "phi": "self_attn.dense",
    "gpt_neox": "attention.dense",
}
"""What mixes the heads, family by family."""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_site_attention_is_what_the_heads_say_before_they_are_mixed(tiny_model, family: str):
    folder = tiny_model(family)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    mixed: list[Array] = []
    blocks = [block.get_submodule(MIXING[family]) for block in model.get_submodule(EXPECTED[family][0])]
    hooks = [
        module.register_forward_hook(
            lambda _, __, output: mixed.append(output.double().numpy().reshape(-1, output.shape[-1])[-1])
        )
        for module in blocks
    ]
    with torch.inference_mode():
        model(input_ids=tiny_tokenizer()(SENTENCES[0], return_tensors="pt")["input_ids"])
    for hook in hooks:
        hook.remove()
    loaded = load_model(checkpoint_at(folder), "cpu", "float32")
    states = extract(loaded, SENTENCES, "attention", "last", batch_tokens=10_000)
    for layer, (module, expected) in enumerate(zip(blocks, mixed, strict=True)):
        heads = torch.tensor(
            states.nav[layer, 0] * (2 * states.nas[layer, 0] - 1)
        )  # the sign is the state, the size the value
        with torch.inference_mode():
            np.testing.assert_allclose(module(heads[None]).numpy()[0], expected, rtol=3e-4, atol=3e-5)
    assert 0.05 < states.nas.mean() < 0.95
