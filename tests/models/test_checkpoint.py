import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from neuronxa_core.errors import ModelError
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"


@pytest.fixture
def folder(tiny_model, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return shutil.copytree(tiny_model("llama"), tmp_path / "model")


def load(folder: Path) -> LoadedModel:
    return load_model(checkpoint_at(folder), "cpu", "float32")


def configure(folder: Path, **changes: object) -> None:
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps(config | changes))


def drop_tensor(folder: Path, name: str) -> None:
    tensors = load_file(folder / WEIGHTS)
    del tensors[name]
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def cut(file: Path, end: int) -> None:
    file.write_bytes(file.read_bytes()[:end])


def instead_of_weights(folder: Path, **contents: bytes) -> None:
    (folder / WEIGHTS).unlink()
    for name, content in contents.items():
        (folder / name.replace("__", ".")).write_bytes(content)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "holds no weights. It needs a"),
    "pickle only": (lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"), "pickles only"),
    "weights cut off": (lambda folder: cut(folder / WEIGHTS, -1000), "model.safetensors is damaged or cut off"),
    "weights cut to a header": (lambda folder: cut(folder / WEIGHTS, 100), "model.safetensors is damaged or cut off"),
    "weights empty": (lambda folder: cut(folder / WEIGHTS, 0), "model.safetensors is damaged or cut off"),
    "missing shard": (
        lambda folder: (folder / INDEX).write_text(
            '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'
        ),
        "lacks model-2.safetensors, which its index names. Download",
    ),
    "index that is no JSON": (lambda folder: (folder / INDEX).write_text("{"), "index.json is damaged"),
    "index without a map": (lambda folder: (folder / INDEX).write_text("{}"), "index.json is damaged"),
    "index of another shape": (lambda folder: (folder / INDEX).write_text("[]"), "index.json is damaged"),
    "index that names nothing": (
        lambda folder: (folder / INDEX).write_text('{"weight_map": {}}'),
        "index.json is damaged",
    ),
    "no config": (lambda folder: (folder / CONFIG).unlink(), "has no config.json. Point to"),
    "config that is no JSON": (lambda folder: cut(folder / CONFIG, 50), "config.json is not JSON"),
    "config that is a list": (lambda folder: (folder / CONFIG).write_text("[1]"), "config.json"),
    "config of the wrong type": (lambda folder: configure(folder, hidden_size="wide"), "cannot be loaded"),
    "config that contradicts itself": (lambda folder: configure(folder, num_attention_heads=5), "cannot be loaded"),
    "no model_type": (lambda folder: (folder / CONFIG).write_text("{}"), "has no model_type"),
    "unknown architecture": (
        lambda folder: configure(folder, model_type="frobnicate"),
        "does not know the architecture 'frobnicate'",
    ),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "cannot be loaded"),
    "several GGUF files": (
        lambda folder: instead_of_weights(folder, b__gguf=b"GGUF", a__gguf=b"GGUF"),
        "several GGUF files. Name the one you mean: a.gguf, b.gguf.",
    ),
    "GGUF empty": (lambda folder: instead_of_weights(folder, a__gguf=b""), "cannot be loaded"),
    "GGUF that is none": (
        lambda folder: instead_of_weights(folder, a__gguf=b"not a GGUF file " * 9),
        "cannot be loaded",
    ),
    "GGUF cut off": (
        lambda folder: instead_of_weights(folder, a__gguf=b"GGUF\3\0\0\0" + bytes(10)),
        "cannot be loaded",
    ),
    "lacking tensor": (
        lambda folder: drop_tensor(folder, "model.layers.1.mlp.gate_proj.weight"),
        "the weights of layers.1.mlp.gate_proj.weight",
    ),
    "one layer too few": (lambda folder: configure(folder, num_hidden_layers=4), "layers.3."),
    "tensors of another shape": (lambda folder: configure(folder, intermediate_size=64), "cannot be loaded"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_ends_in_one_sentence_and_a_next_step(folder: Path, damage: str):
    break_it, said = DAMAGE[damage]
    break_it(folder)
    with pytest.raises(ModelError) as error:
        load(folder)
    assert said in str(error.value)
    assert error.value.next_step.endswith(".")
    assert "\n" not in str(error.value)


def test_a_path_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ModelError, match=r"There is no model at .*/nowhere\. Check the path"):
        find_checkpoint(ModelRef(str(tmp_path / "nowhere")))


@pytest.mark.parametrize("model_type", ["llama", "frobnicate"])
def test_code_that_a_model_brings_along_is_never_run(folder: Path, tmp_path: Path, model_type: str):
    evil = f"open({str(tmp_path / 'ran')!r}, 'w')\nclass C: ...\n"
    (folder / "evil.py").write_text(evil)
    auto_map = dict.fromkeys(("AutoConfig", "AutoModel", "AutoModelForCausalLM"), "evil.C")
    configure(folder, model_type=model_type, auto_map=auto_map)
    if model_type == "llama":  # transformers' own class takes its place
        assert type(load(folder).parts.decoder).__module__ == "transformers.models.llama.modeling_llama"
    else:
        with pytest.raises(ModelError, match="brings program code of its own, which is never run"):
            load(folder)
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    tokenizer |= {"tokenizer_class": "C", "auto_map": {"AutoTokenizer": ["evil.C", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="brings program code of its own, which is never run"):
        load(folder)
    assert not (tmp_path / "ran").exists()


def test_a_head_that_the_weights_lack_does_not_matter(folder: Path):
    """The decoder runs without its language-model head, so a checkpoint of the decoder alone will do."""
    drop_tensor(folder, "lm_head.weight")
    gate = load(folder).parts.decoder.layers[0].mlp.gate_proj
    assert (gate.out_features, gate.in_features) == (48, 32)


def test_the_fingerprint_names_the_bytes_and_not_the_place(folder: Path, tiny_model):
    assert checkpoint_at(folder).fingerprint == checkpoint_at(tiny_model("llama")).fingerprint
    assert len(checkpoint_at(folder).fingerprint) == 16
    assert checkpoint_at(folder).fingerprint != checkpoint_at(tiny_model("qwen2")).fingerprint


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, "tokenizer.json"])
def test_one_other_byte_makes_another_fingerprint(folder: Path, name: str):
    before = checkpoint_at(folder).fingerprint
    content = bytearray((folder / name).read_bytes())
    content[-9] ^= 1
    (folder / name).write_bytes(content)
    assert checkpoint_at(folder).fingerprint != before


def test_a_large_file_is_hashed_again_only_when_its_size_or_date_changes(folder: Path, cache: Path):
    large = folder / "added_tokens.json"
    large.write_bytes(b"a" * 1_000_001)
    os.utime(large, (1, 1))
    before = checkpoint_at(folder).fingerprint
    assert len(list((cache / "digests").iterdir())) == 1
    large.write_bytes(b"b" * 1_000_001)
    os.utime(large, (1, 1))
    assert checkpoint_at(folder).fingerprint == before
    os.utime(large, (2, 2))
    assert checkpoint_at(folder).fingerprint != before
