"""A model's size from its config, against the model that transformers builds from the same config."""

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel

from neuronxa_core.models.adapters import decoder_parts
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.config import shape_of, stored
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import extract
from tests.tiny import FAMILIES, SENTENCES

NEEDS_MORE = {"ministral": {"head_dim": 128, "sliding_window": 4096}, "nemotron": {"num_key_value_heads": 48}}


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_hidden_size_and_neurons_are_those_that_are_extracted(tiny_model, family: str):
    checkpoint = checkpoint_at(tiny_model(family))
    shape = shape_of(checkpoint.config)
    states = extract(load_model(checkpoint, "cpu", "float32"), SENTENCES[:1])
    assert (shape.layers, shape.neurons) == (len(states.nas), states.nas.shape[2])
    assert (shape.layers + 1, shape.hidden) == (len(states.embedding), states.embedding.shape[2])


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_within_three_percent_at_the_size_that_the_family_has_by_default(family: str):
    config = AutoConfig.for_model(family, **NEEDS_MORE.get(family, {}))
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    decoder = decoder_parts(model, config.to_dict()).decoder
    assert shape_of(config.to_dict()).parameters == pytest.approx(sum(each.numel() for each in decoder.parameters()), rel=0.03)  # fmt: skip


def test_a_config_that_leaves_out_what_it_takes_gives_no_number():
    assert shape_of({"model_type": "llama", "hidden_size": 64}) is None
    assert shape_of({"model_type": "mamba", "num_hidden_layers": 2, "hidden_size": 64}) is None
    shape = shape_of({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128})
    assert shape is not None
    assert shape.parameters is None


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_the_headers_of_the_weights_tell_how_many_numbers_they_hold(tiny_model, tmp_path: Path, dtype: str):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model("llama"))
    model.to({"F32": torch.float32, "BF16": torch.bfloat16}[dtype]).save_pretrained(tmp_path)
    assert stored([tmp_path / "model.safetensors"]) == (sum(each.numel() for each in model.parameters()), dtype)
