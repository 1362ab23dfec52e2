"""Every family's states against a recomputation from weights and inputs that shares no code with the capture.

The recomputation runs one sentence at a time, unpadded, through the model as transformers calls it, takes what enters
each FFN's first matrix, and multiplies with the weights in float64.
"""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModel

from neuronxa_core.errors import ModelError
from neuronxa_core.models.adapters import decoder_parts
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.families import _REFUSED, Family, family_of
from neuronxa_core.models.families import FAMILIES as TABLE
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import Padding, extract
from neuronxa_core.states.sentences import STATES, Site
from tests.recomputation import Array
from tests.tiny import FAMILIES, SENTENCES, save_tiny_model, tiny_config, tiny_model_of, tiny_tokenizer

ROOT = Path(__file__).parents[2]


def recompute(model: Any, family: str, sentence: str) -> dict[str, Array]:
    """One sentence: the token states of every layer, pooled by a loop over its tokens."""
    tiny = FAMILIES[family]
    blocks, entered = model.get_submodule(tiny.blocks), list[Array]()
    hooks = [
        block.get_submodule(tiny.ffn).register_forward_pre_hook(
            lambda _, inputs: entered.append(inputs[0].double().numpy().reshape(-1, inputs[0].shape[-1]))
        )
        for block in blocks
    ]
    with torch.inference_mode():
        ids = tiny_tokenizer()(sentence, return_tensors="pt")["input_ids"]
        output = model(input_ids=ids, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    sites = [tiny.neurons(block, x) for block, x in zip(blocks, entered, strict=True)]
    states = {"embedding": [by_position(hidden[0].double().numpy()) for hidden in output.hidden_states]}
    for site, values in zip(("gate", "product"), zip(*sites, strict=True), strict=True):
        states[f"nas {site}"] = [by_position(np.where(value > 0, 1.0, 0.0)) for value in values]
        states[f"nav {site}"] = [by_position(np.abs(value)) for value in values]
    return {name: np.stack(layers) for name, layers in states.items()}


def by_position(tokens: Array) -> Array:
    total = len(tokens) * (len(tokens) + 1) / 2
    return np.sum([(t / total) * tokens[t - 1] for t in range(1, len(tokens) + 1)], axis=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_states_are_those_recomputed_from_the_weights(tiny_model, family: str):
    folder = tiny_model(family)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    expected = [recompute(model, family, sentence) for sentence in SENTENCES]
    loaded = load_model(checkpoint_at(folder), "cpu", "float32")
    passes: tuple[tuple[Site, Padding], ...] = (("gate", "right"), ("product", "left"))
    for site, padding in passes:
        states = extract(loaded, SENTENCES, site, batch_tokens=10_000, padding=padding)  # one padded batch
        for row, alone in enumerate(expected):
            np.testing.assert_allclose(states.nas[:, row], alone[f"nas {site}"], atol=1e-5)
            np.testing.assert_allclose(states.nav[:, row], alone[f"nav {site}"], rtol=3e-4, atol=3e-5)
            np.testing.assert_allclose(states.embedding[:, row], alone["embedding"], rtol=3e-4, atol=3e-5)
        assert 0.05 < states.nas.mean() < 0.95  # neither dead nor always on, or the comparison would prove nothing
        assert np.abs(np.diff(states.embedding, axis=0)).max(axis=(1, 2)).min() > 0.01  # no layer twice


def test_every_family_of_the_table_is_compared_with_a_recomputation():
    missing = ", ".join(sorted(set(TABLE) - set(FAMILIES)))
    assert not missing, (
        f"Add a line for {missing} to FAMILIES in tests/tiny.py: Tiny() if it is built like Llama and has its config "
        "keys, else what makes its config small and where its FFN begins (assets/texts/guide/add_a_family.md)."
    )
    unknown = ", ".join(sorted(set(FAMILIES) - set(TABLE)))
    assert not unknown, (
        f"Add {unknown} to FAMILIES in neuronxa_core/models/families.py, or take it out of tests/tiny.py."
    )


def test_no_module_beside_the_table_asks_for_a_family():
    """By name: not in a comparison, nor in a set, list, tuple or dictionary that a family is looked up in."""
    names = {*TABLE, *" ".join(_REFUSED.values()).split(), "xlm-roberta-xl"}
    found = []
    for file in sorted(path for folder in ("neuronxa_core", "pages") for path in (ROOT / folder).rglob("*.py")):
        if file.name == "families.py":
            continue
        source = file.read_text(encoding="utf-8")
        asked = names - {"phi"} if "Phi" in source else names  # where it is the coefficient
        for node in ast.walk(ast.parse(source)):
            asks = isinstance(node, ast.Compare | ast.MatchValue | ast.Set | ast.List | ast.Tuple | ast.Dict)
            parts = node.keys if isinstance(node, ast.Dict) else ast.iter_child_nodes(node) if asks else ()
            named = {part.value for part in parts if isinstance(part, ast.Constant)} & asked
            found += [
                f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)} {name}" for name in sorted(map(str, named))
            ]
    assert not found, f"Make it a field of Family in neuronxa_core/models/families.py: {found}"


def test_the_table_is_read_without_torch():
    code = "import sys, neuronxa_core.models.families, neuronxa_core.models.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


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
def test_a_model_that_no_table_knows_is_read_by_its_structure_and_says_so(family: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(TABLE, family, raising=False)
    model, config = built(family)
    parts = decoder_parts(model, config)
    activation, down = UNKNOWN[family]
    assert parts.activations == tuple(block.get_submodule(activation) for block in parts.blocks)
    assert parts.down_projections == tuple(block.get_submodule(down) for block in parts.blocks if down)
    assert len(parts.blocks) == 3
    assert parts.norm is not None
    assert f"output of {activation}" in parts.neurons
    assert "guessed from its structure" in parts.neurons


@pytest.mark.parametrize("family", [name for name in FAMILIES if not TABLE.get(name, Family()).experts])
def test_the_guess_agrees_with_the_table_where_both_know(family: str, monkeypatch: pytest.MonkeyPatch):
    model, config = built(family)
    known: Any = decoder_parts(model, config)
    monkeypatch.delitem(TABLE, family)
    guessed: Any = decoder_parts(model, config)
    assert guessed.activations == known.activations
    assert guessed.down_projections == known.down_projections
    assert guessed.blocks == known.blocks
    assert guessed.norm is known.norm
    assert guessed.decoder.get_input_embeddings() is known.decoder.get_input_embeddings()


def built(family: str) -> tuple[nn.Module, dict[str, object]]:
    config = tiny_config(family)
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


def test_what_is_not_supported_is_refused_by_name_with_the_reason():
    for config, said in (
        ({"model_type": "deepseek_v3"}, "'deepseek_v3' is not supported: it has shared experts beside the routed ones"),
        ({"model_type": "mamba"}, "'mamba' is not supported: its blocks are not attention followed"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "'t5' is an encoder-decoder"),
        (
            {"model_type": "qwen3_moe", "mlp_only_layers": [0], "num_hidden_layers": 3},
            "experts in only some of its 3 lay",
        ),
        ({"model_type": "qwen3_moe", "decoder_sparse_step": 2}, "experts in only some"),
        ({}, "no model_type"),
    ):
        with pytest.raises(ModelError, match=said):
            family_of(config)


@pytest.mark.parametrize("family", ["granitemoe", "phimoe", "jetmoe"])
def test_experts_that_no_table_knows_are_refused(family: str):
    with pytest.raises(ModelError, match="structure does not show where its neurons are"):
        decoder_parts(*built(family))


def test_a_checkpoint_of_an_encoder_needs_no_pooler(tmp_path: Path):
    """Masked language models are stored without one, and no state depends on it."""
    from safetensors import safe_open

    folder = save_tiny_model(tmp_path, "bert")
    with safe_open(folder / "model.safetensors", framework="pt") as stored:
        assert not [name for name in stored.keys() if "pooler" in name]  # noqa: SIM118
    states = extract(load_model(checkpoint_at(folder), "cpu", "float32"), SENTENCES, pooling="mean")
    assert states.embedding.shape == (4, len(SENTENCES), 32)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_site_attention_is_what_the_heads_say_before_they_are_mixed(tiny_model, family: str):
    folder = tiny_model(family)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    mixed: list[Array] = []
    blocks = [block.get_submodule(FAMILIES[family].attention) for block in model.get_submodule(FAMILIES[family].blocks)]
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
