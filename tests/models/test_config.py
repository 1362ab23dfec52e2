"""A model's size from its config, against the model that transformers builds from the same config."""

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from neuronxa_core.models.adapters import decoder_parts
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.config import context_length, shape_of, stored
from neuronxa_core.models.families import FAMILIES as TABLE
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import extract
from tests.tiny import FAMILIES, SENTENCES


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_hidden_size_and_neurons_are_those_that_are_extracted(tiny_model, family: str):
    checkpoint = checkpoint_at(tiny_model(family))
    shape = shape_of(checkpoint.config)
    model = load_model(checkpoint, "cpu", "float32")
    states = extract(model, SENTENCES[:1])
    assert (shape.layers, shape.neurons) == (len(states.nas), states.nas.shape[2])
    assert (shape.layers + 1, shape.hidden) == (len(states.embedding), states.embedding.shape[2])
    assert model.context == (context_length(checkpoint.config) or 1_000_000)


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_within_three_percent_at_the_size_that_the_family_has_by_default(family: str):
    config = AutoConfig.for_model(family, **FAMILIES[family].default)
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    decoder = decoder_parts(model, config.to_dict()).decoder
    parameters = sum(each.numel() for each in decoder.parameters())
    assert shape_of(config.to_dict()).parameters == pytest.approx(parameters, rel=0.03)


def test_a_config_that_leaves_out_what_it_takes_gives_no_number():
    assert shape_of({"model_type": "llama", "hidden_size": 64}) is None
    assert shape_of({"model_type": "mamba", "num_hidden_layers": 2, "hidden_size": 64}) is None
    shape = shape_of({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128})
    assert shape is not None
    assert shape.parameters is None


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"model_type": "llama", "max_position_embeddings": 4096}, 4096),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 514, "pad_token_id": 0}, 513),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": None}, 512),
        ({"model_type": "gpt2", "n_positions": 1024}, 1024),
        ({"model_type": "mpt", "max_seq_len": 2048}, 2048),
        ({"model_type": "gemma3", "text_config": {"max_position_embeddings": 131072}}, 131072),
        ({"model_type": "gpt2", "max_position_embeddings": 768}, 768),  # as a GGUF file has it
        ({"model_type": "frobnicate", "n_positions": 64}, 64),
        ({"model_type": "bloom"}, None),
    ],
)
def test_the_context_is_what_the_config_has_positions_for(config: dict[str, object], context: int | None):
    assert context_length(config) == context


def test_falcon_counts_the_key_value_heads_as_its_three_generations_do():
    falcon = TABLE["falcon"].key_value_heads
    assert falcon({}, 71) == 1
    assert falcon({"multi_query": False}, 32) == 32
    assert falcon({"new_decoder_architecture": True, "num_kv_heads": 8}, 128) == 8


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_the_headers_of_the_weights_tell_how_many_numbers_they_hold(tiny_model, tmp_path: Path, dtype: str):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model("llama"))
    model.to({"F32": torch.float32, "BF16": torch.bfloat16}[dtype]).save_pretrained(tmp_path)
    assert stored([tmp_path / "model.safetensors"]) == (sum(each.numel() for each in model.parameters()), dtype)
