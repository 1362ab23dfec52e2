"""Interventions against models whose weights were edited by hand, and the model afterwards against itself."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.errors import ModelError, StudyError
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.interventions import SetNeurons, Shift, intervene
from neuronxa_core.states.likelihood import Likelihood, mean_activations
from neuronxa_core.states.sentences import SentenceStates, Site
from tests.tiny import FAMILIES, SENTENCES, tiny_tokenizer

DECODERS = [name for name, tiny in FAMILIES.items() if tiny.head]
DENSE = [name for name in DECODERS if name not in ("gpt_oss", "mixtral", "olmoe", "qwen3_moe")]
DOWN = {
    "llama": "mlp.down_proj",
    "gemma3_text": "mlp.down_proj",
    "qwen3": "mlp.down_proj",
    "phi3": "mlp.down_proj",
    "apertus": "mlp.down_proj",
    "gpt2": "mlp.c_proj",
    "opt": "fc2",
    "bloom": "mlp.dense_4h_to_h",
    "falcon": "mlp.dense_4h_to_h",
    "gpt_neox": "mlp.dense_4h_to_h",
}
"""What reads the neurons, with a gate and without."""
OFF = {1: (3, 17), 3: (0, 5, 31)}
"""Neurons by layer."""


def loaded(folder: Path) -> LoadedModel:
    return load_model(checkpoint_at(folder), "cpu", "float32")


def switched_off(site: Site = "gate", value: float = 0.0) -> SetNeurons:
    return SetNeurons(
        site, {layer: (np.array(each), np.full(len(each), value, np.float32)) for layer, each in OFF.items()}
    )


def read(model: LoadedModel, change: SetNeurons | Shift | None = None) -> tuple[SentenceStates, np.ndarray]:
    bits = np.zeros(len(SENTENCES))
    if change is None:
        return extract(model, SENTENCES, bits=bits), bits
    with intervene(model.parts, change):
        return extract(model, SENTENCES, bits=bits), bits


def edited(folder: Path, family: str, path: str, to: Path, value: float = 0.0) -> Path:
    """The model without what it does with the neurons of OFF; with a value, their share is in the bias instead."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    blocks = model.base_model.get_submodule(FAMILIES[family].blocks)
    with torch.no_grad():
        for layer, neurons in OFF.items():
            linear = blocks[layer - 1].get_submodule(path)
            matrix = linear.weight if type(linear).__name__ == "Conv1D" else linear.weight.T  # (neurons, hidden)
            if value:
                linear.bias += value * matrix[list(neurons)].sum(dim=0)
            matrix[list(neurons)] = 0
    model.save_pretrained(to)
    tiny_tokenizer().save_pretrained(to)
    return to


@pytest.mark.parametrize("family", DOWN)
@pytest.mark.parametrize("site", ["gate", "product"])
def test_switched_off_is_a_model_without_the_columns_of_the_down_projection(tiny_model, tmp_path, family, site: Site):
    (states, bits), plain = read(loaded(tiny_model(family)), switched_off(site)), read(loaded(tiny_model(family)))
    expected, expected_bits = read(loaded(edited(tiny_model(family), family, DOWN[family], tmp_path)))
    np.testing.assert_allclose(bits, expected_bits, rtol=1e-5)
    np.testing.assert_allclose(states.embedding, expected.embedding, rtol=1e-3, atol=1e-4)
    assert np.abs(bits / plain[1] - 1).max() > 2e-4
    np.testing.assert_array_equal(states.embedding[0], plain[0].embedding[0])
    if site == "gate":
        assert not states.nas[0][:, OFF[1]].any()
        assert not states.nav[2][:, OFF[3]].any()


@pytest.mark.parametrize("family", ["llama", "gpt2", "bloom", "gemma3_text", "opt", "mixtral"])
def test_a_switched_off_attention_is_a_model_without_the_columns_of_its_output_projection(tiny_model, tmp_path, family):
    folder = tiny_model(family)
    expected = read(loaded(edited(folder, family, FAMILIES[family].attention, tmp_path)))
    states, bits = read(loaded(folder), switched_off("attention"))
    np.testing.assert_allclose(bits, expected[1], rtol=1e-4)
    np.testing.assert_allclose(states.embedding, expected[0].embedding, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", ["gpt2", "opt"])
def test_set_to_a_value_is_a_model_that_has_it_in_its_bias(tiny_model, tmp_path, family: str):
    folder = tiny_model(family)
    expected = read(loaded(edited(folder, family, DOWN[family], tmp_path, 0.7)))
    np.testing.assert_allclose(read(loaded(folder), switched_off("gate", 0.7))[1], expected[1], rtol=1e-4)


@pytest.mark.parametrize("family", DECODERS)
def test_passes_that_share_their_first_layers_are_whole_passes(tiny_model, family: str):
    """To the bit, for every family; that the shared way is taken at all is part of the claim."""
    model = loaded(tiny_model(family))
    site: Site = "gate" if family in DENSE else "attention"
    changes = [SetNeurons(site, {layer: (np.array([1, 4]), np.zeros(2, np.float32))}) for layer in (1, 2, 3)]
    passes = Likelihood(model).read(SENTENCES, {change.first_layer for change in changes})
    assert passes._shared
    whole = Likelihood(model).read(SENTENCES)
    np.testing.assert_array_equal(passes.bits, whole.bits)
    for change in changes:
        np.testing.assert_array_equal(passes.changed(change), whole.changed(change))
        assert not np.array_equal(passes.changed(change), passes.bits)
    np.testing.assert_allclose(passes.bits, read(model)[1], rtol=1e-5)


def test_where_blocks_alone_are_not_the_decoder_whole_passes_run(tiny_model):
    model = loaded(tiny_model("llama"))
    with model.parts.decoder.register_forward_hook(lambda _, __, output: (output[0] + 1,)):
        passes = Likelihood(model).read(SENTENCES, {2})
        assert not passes._shared
        change = SetNeurons("gate", {2: (np.array([1]), np.zeros(1, np.float32))})
        np.testing.assert_array_equal(passes.changed(change), Likelihood(model).read(SENTENCES).changed(change))


def test_a_shift_adds_its_vector_to_what_a_layer_gives(tiny_model):
    for family in ("llama", "bloom"):
        model = loaded(tiny_model(family))
        vector = np.linspace(-1, 1, 32, dtype=np.float32)
        states, plain = read(model, Shift(2, vector))[0], read(model)[0]
        np.testing.assert_array_equal(states.embedding[:2], plain.embedding[:2])
        np.testing.assert_allclose(states.embedding[2], plain.embedding[2] + vector, atol=1e-4)
        assert np.abs(states.embedding[3] - plain.embedding[3]).max() > 1e-2


@pytest.mark.parametrize("site", ["gate", "product", "attention"])
def test_a_mean_activation_is_that_of_every_token(tiny_model, site: Site):
    model = loaded(tiny_model("llama"))
    seen: list[torch.Tensor] = []
    module = {"gate": "act_fn", "product": "down_proj", "attention": "o_proj"}[site]
    block = model.parts.blocks[1]
    hooked = block.get_submodule(f"{'self_attn' if site == 'attention' else 'mlp'}.{module}")
    if site == "gate":
        hook = hooked.register_forward_hook(lambda _, __, output: seen.append(output[0]))
    else:
        hook = hooked.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0]))
    with hook, torch.inference_mode():
        for sentence in SENTENCES:
            model.parts.decoder(input_ids=torch.tensor([tiny_tokenizer()(sentence)["input_ids"]]))
    expected = torch.cat(seen).double().mean(dim=0).numpy()
    np.testing.assert_allclose(mean_activations(model, SENTENCES, site)[1], expected, atol=1e-5)


@pytest.mark.parametrize("family", ["mixtral", "gpt_oss"])
def test_neurons_of_experts_are_refused(tiny_model, family: str):
    model = loaded(tiny_model(family))
    with pytest.raises(ModelError, match="mixture of experts"), intervene(model.parts, switched_off()):
        pass


def test_a_layer_that_is_not_there_is_refused_and_leaves_no_hook(tiny_model):
    model = loaded(tiny_model("llama"))
    one = (np.array([1]), np.zeros(1, np.float32))
    with (
        pytest.raises(StudyError, match="no layer 4"),
        intervene(model.parts, SetNeurons("gate", {1: one, 4: one})),
    ):
        pass
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.parts.decoder.modules())


def test_someone_else_reads_the_unchanged_model_meanwhile(tiny_model):
    model = loaded(tiny_model("llama"))
    plain = extract(model, SENTENCES)
    passes, stop = Likelihood(model).read(SENTENCES, {1}), threading.Event()
    found: list[np.ndarray] = []

    def change_on_and_on() -> None:
        while not stop.is_set():
            found.append(passes.changed(switched_off()))

    thread = threading.Thread(target=change_on_and_on)
    thread.start()
    try:
        for _ in range(20):
            states = extract(model, SENTENCES)
            assert np.array_equal(states.embedding, plain.embedding)
    finally:
        stop.set()
        thread.join()
    assert found
    assert all(np.array_equal(each, found[0]) for each in found)
    assert not np.array_equal(found[0], passes.bits)
