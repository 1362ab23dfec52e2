import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file, save_file

from neuronxa_core.errors import ChangedModelError, ModelError
from neuronxa_core.models import digests
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import RESIDENT, LoadedModel, load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint, local_checkpoint
from neuronxa_core.settings import settings
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from tests.damage import flip_a_bit, flip_a_bit_that_no_date_tells
from tests.tiny import save_tiny_adapter

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
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "has no weights. It needs a"),
    "pickle only": (lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin"), "pickles only"),
    "weights cut off": (lambda folder: cut(folder / WEIGHTS, -1000), "model.safetensors is damaged or truncated"),
    "weights cut to a header": (lambda folder: cut(folder / WEIGHTS, 100), "model.safetensors is damaged or truncated"),
    "weights empty": (lambda folder: cut(folder / WEIGHTS, 0), "model.safetensors is damaged or truncated"),
    "missing shard": (
        lambda folder: (folder / INDEX).write_text(
            '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'
        ),
        "lacks model-2.safetensors, which its index lists. Download",
    ),
    "index that is no JSON": (lambda folder: (folder / INDEX).write_text("{"), "index.json is damaged"),
    "index without a map": (lambda folder: (folder / INDEX).write_text("{}"), "index.json is damaged"),
    "index of another shape": (lambda folder: (folder / INDEX).write_text("[]"), "index.json is damaged"),
    "index that names nothing": (
        lambda folder: (folder / INDEX).write_text('{"weight_map": {}}'),
        "index.json is damaged",
    ),
    "no config": (lambda folder: (folder / CONFIG).unlink(), "has no config.json. Give a folder"),
    "config that is no JSON": (lambda folder: cut(folder / CONFIG, 50), "config.json is not valid JSON"),
    "config that is a list": (lambda folder: (folder / CONFIG).write_text("[1]"), "config.json"),
    "config of the wrong type": (lambda folder: configure(folder, hidden_size="wide"), "cannot be loaded"),
    "config that contradicts itself": (lambda folder: configure(folder, num_attention_heads=5), "cannot be loaded"),
    "no model_type": (lambda folder: (folder / CONFIG).write_text("{}"), "has no model_type"),
    "unknown architecture": (
        lambda folder: configure(folder, model_type="frobnicate"),
        "does not know the architecture 'frobnicate'",
    ),
    "tokenizer that is a list": (lambda folder: (folder / "tokenizer.json").write_text("[]"), "tokenizer is damaged"),
    "tokenizer cut off": (lambda folder: cut(folder / "tokenizer.json", 500), "cannot be loaded"),
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
        with pytest.raises(ModelError, match="comes with code of its own, which is never run"):
            load(folder)
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    tokenizer |= {"tokenizer_class": "C", "auto_map": {"AutoTokenizer": ["evil.C", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    with pytest.raises(ModelError, match="comes with code of its own, which is never run"):
        load(folder)
    assert not (tmp_path / "ran").exists()


def test_a_head_that_the_weights_lack_does_not_matter(folder: Path):
    """The decoder runs without its language-model head, so a checkpoint of the decoder alone will do."""
    drop_tensor(folder, "lm_head.weight")
    gate: Any = load(folder).parts.decoder.get_submodule("layers.0.mlp.gate_proj")
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


def test_a_flipped_bit_makes_another_fingerprint_though_the_date_is_kept(folder: Path):
    before = checkpoint_at(folder).fingerprint
    flip_a_bit(folder / WEIGHTS)
    assert checkpoint_at(folder).fingerprint != before


def test_a_large_file_is_read_again_only_when_its_stamp_changes(folder: Path, cache: Path):
    large = folder / "added_tokens.json"
    large.write_bytes(b"a" * 1_000_001)
    time.sleep(0.2)  # what was written just now is not remembered
    before = checkpoint_at(folder).fingerprint
    (memo,) = (cache / "digests").iterdir()
    digests._READ.clear()
    memo.write_text("0" * 64)  # what is remembered is taken as it is
    remembered = checkpoint_at(folder).fingerprint
    assert remembered != before
    flip_a_bit(large)
    assert checkpoint_at(folder).fingerprint not in (before, remembered)
    large.write_bytes(b"a" * 1_000_001)
    assert checkpoint_at(folder).fingerprint == before


def other_numbers(folder: Path, corpus: Path, adapter: str = "") -> None:
    """A run of a model whose file holds other bytes than is remembered ends in one sentence; the next counts anew."""
    study = Study(str(folder), str(corpus), "deu_Latn", "eng_Latn", pairs=8, adapter=adapter)
    stale = local_checkpoint(ModelRef(str(folder), adapter=adapter)).fingerprint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digests, "_SETTLED_NS", 0)  # the file was written a moment ago
        with pytest.raises(ChangedModelError, match=r"is damaged or has changed.* Delete it and download or copy it"):
            run_study(study)
    assert RESIDENT._model is None
    assert not list((settings().cache_dir).glob("results/*")) + list((settings().cache_dir).glob("states/*"))
    assert find_result(study) is None
    fingerprint = run_study(study).provenance["model_fingerprint"]
    assert fingerprint == local_checkpoint(ModelRef(str(folder), adapter=adapter)).fingerprint != stale


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_a_bit_lost_without_a_new_date_is_never_run_under_the_old_fingerprint(
    folder: Path, tiny_corpus: Path, name: str
):
    flip_a_bit_that_no_date_tells(folder / name)
    if name == WEIGHTS:
        other_numbers(folder, tiny_corpus)
    else:
        with pytest.raises(ChangedModelError, match=r"tokenizer\.json is damaged or has changed"):
            load(folder)


def test_a_bit_lost_in_an_adapter_is_found_too(folder: Path, tiny_corpus: Path, tmp_path: Path):
    adapter = save_tiny_adapter(tmp_path / "adapter", folder)
    flip_a_bit_that_no_date_tells(adapter / "adapter_model.safetensors")
    other_numbers(folder, tiny_corpus, str(adapter))


def test_a_bit_lost_in_a_gguf_file_is_found_too(tmp_path: Path):
    file = tmp_path / "a.gguf"
    file.write_bytes(b"whatever it holds " * 99)
    flip_a_bit_that_no_date_tells(file)
    with pytest.raises(ChangedModelError, match=r"a\.gguf is damaged or has changed"):
        load(file)


def test_damage_that_keeps_a_model_from_loading_is_called_damage(folder: Path):
    """A bit of a tensor's name: without a look at the digest it would be a model that lacks a weight."""
    position = (folder / WEIGHTS).read_bytes().index(b"layers.1.mlp.gate_proj") + 4
    flip_a_bit_that_no_date_tells(folder / WEIGHTS, position)
    with pytest.raises(ChangedModelError, match=r"model\.safetensors is damaged"):
        load(folder)


def test_a_file_that_the_hubs_cache_names_by_another_digest_is_refused_again_and_again(folder: Path, tmp_path: Path):
    blob = tmp_path / "blobs" / digests.read(folder / WEIGHTS)
    blob.parent.mkdir()
    (folder / WEIGHTS).rename(blob)
    (folder / WEIGHTS).symlink_to(blob)
    load(folder)
    flip_a_bit(blob)
    for _ in range(2):
        with pytest.raises(ChangedModelError, match=r"model\.safetensors is damaged"):
            load(folder)


def test_weights_that_cannot_be_read_in_time_count_as_remembered(folder: Path, monkeypatch: pytest.MonkeyPatch):
    flip_a_bit_that_no_date_tells(folder / WEIGHTS)
    monkeypatch.setattr(digests, "PATIENCE", 0.0)
    read = digests._sha256

    def slowly(file: Path, tick: Callable[[], object]) -> str:
        while file.name == WEIGHTS:
            tick()
            time.sleep(0.001)
        return read(file, tick)

    monkeypatch.setattr(digests, "_sha256", slowly)
    assert load(folder).fingerprint == checkpoint_at(folder).fingerprint


def test_the_digest_of_a_file_that_was_written_just_now_is_not_remembered(tmp_path: Path):
    """It could be written again before the file system's clock moves on."""
    (tmp_path / "file").write_bytes(b"a")
    assert digests.read(tmp_path / "file") == hashlib.sha256(b"a").hexdigest()
    assert digests.read_before(tmp_path / "file") is None
    time.sleep(0.2)
    digests.read(tmp_path / "file")
    assert digests.read_before(tmp_path / "file") == hashlib.sha256(b"a").hexdigest()


def test_a_resident_model_is_loaded_again_when_its_file_changes(folder: Path, tiny_corpus: Path):
    """Weights are mapped into memory, so the model that is held may have changed with them."""
    checkpoint = checkpoint_at(folder)
    first = RESIDENT.get(checkpoint, "cpu", "float32")
    assert RESIDENT.get(checkpoint_at(folder), "cpu", "float32") is first
    flip_a_bit(folder / WEIGHTS)
    assert not RESIDENT.holds(checkpoint, "cpu", "float32")
    with pytest.raises(ChangedModelError):
        RESIDENT.get(checkpoint, "cpu", "float32")


def test_adapters_that_name_themselves_or_each_other_as_their_base_are_told(tmp_path: Path):
    for name, base in (("itself", "itself"), ("one", "other"), ("other", "one"), ("astray", "~nosuchuser/x")):
        (tmp_path / name).mkdir()
        config = {"base_model_name_or_path": str(tmp_path / base) if "/" not in base else base}
        (tmp_path / name / "adapter_config.json").write_text(json.dumps(config))
    for name in ("itself", "one", "other"):
        for find in (find_checkpoint, local_checkpoint):
            with pytest.raises(ModelError, match=rf"{name} is an adapter, and its base model \w+ is an adapter itself"):
                find(ModelRef(str(tmp_path / name)))
    with pytest.raises(ModelError, match=r"no model at ~nosuchuser/x"):
        find_checkpoint(ModelRef(str(tmp_path / "astray")))
    assert local_checkpoint(ModelRef(str(tmp_path / "astray"))) is None
