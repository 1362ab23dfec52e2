"""Loading: adapters, tokenizers of every kind, other dtypes, layers offloaded, memory that runs out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import IA3Config, get_peft_model
from safetensors.numpy import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from neuronxa_core.errors import ModelError
from neuronxa_core.models import loading
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.hardware import has_bitsandbytes
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint, local_checkpoint
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.sentences import STATES, SentenceStates
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.tiny import SENTENCES, save_tiny_adapter, save_tiny_model, tiny_tokenizer


def load(folder: Path, **options: str) -> LoadedModel:
    return load_model(find_checkpoint(ModelRef(str(folder))), **{"device": "cpu", "dtype": "float32"} | options)


def assert_same(one: SentenceStates, other: SentenceStates, tolerance: float = 0.0) -> None:
    for state in STATES:
        np.testing.assert_allclose(one.of(state), other.of(state), rtol=tolerance, atol=tolerance)


@pytest.fixture
def adapter(tiny_model, tmp_path: Path) -> Path:
    """A LoRA adapter of the tiny Llama, on attention and FFN, that changes what they do."""
    return save_tiny_adapter(tmp_path / "adapter", tiny_model("llama"))


def test_an_adapter_is_what_its_matrices_add_to_the_weights(tiny_model, adapter: Path, tmp_path: Path):
    merged = shutil.copytree(tiny_model("llama"), tmp_path / "merged")
    weights, low_rank = load_file(merged / "model.safetensors"), load_file(adapter / "adapter_model.safetensors")
    for key in [key for key in low_rank if key.endswith("lora_A.weight")]:
        name = key.removeprefix("base_model.model.").replace("lora_A.weight", "weight")
        weights[name] = weights[name] + low_rank[key.replace("lora_A", "lora_B")] @ low_rank[key] * np.float32(12 / 4)
    save_file(weights, merged / "model.safetensors", metadata={"format": "pt"})
    expected, plain = extract(load(merged), SENTENCES), extract(load(tiny_model("llama")), SENTENCES)
    assert np.abs(expected.nav - plain.nav).max() > 0.05
    assert_same(extract(load(adapter), SENTENCES), expected, 1e-4)  # on the model that it names itself
    given = find_checkpoint(ModelRef(str(tiny_model("llama")), adapter=str(adapter)))
    assert_same(extract(load_model(given, "cpu", "float32"), SENTENCES), expected, 1e-4)
    assert given.fingerprint != find_checkpoint(ModelRef(str(tiny_model("llama")))).fingerprint
    assert local_checkpoint(ModelRef(str(adapter))) == given


def test_a_study_with_an_adapter_is_another_study(tiny_model, adapter: Path, tiny_corpus: Path):
    plain = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    on_top = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, adapter=str(adapter))
    assert plain.stem != on_top.stem
    assert f" + {adapter.name} · " in on_top.caption
    first, second = run_study(plain), run_study(on_top)
    assert first.provenance["model_fingerprint"] != second.provenance["model_fingerprint"]
    assert second.summary["provenance"]["paths"]["adapter"] == str(adapter)
    assert run_study(on_top).scores.equals(second.scores)


def other_kind(adapter: Path, tiny_model: Callable[[str], Path]) -> None:
    config = IA3Config(target_modules=["down_proj"], feedforward_modules=["down_proj"])
    shutil.rmtree(adapter)
    get_peft_model(AutoModelForCausalLM.from_pretrained(tiny_model("llama")), config).save_pretrained(str(adapter))


def pickle_only(adapter: Path, _: object) -> None:
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")


def cut_off(adapter: Path, _: object) -> None:
    whole = (adapter / "adapter_model.safetensors").read_bytes()
    (adapter / "adapter_model.safetensors").write_bytes(whole[:-100])


def no_config(adapter: Path, _: object) -> None:
    (adapter / "adapter_config.json").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_kind, "is a .*IA3 adapter. Use a LoRA"),
        (pickle_only, "only a pickle"),
        (cut_off, "damaged or truncated"),
        (no_config, "has no adapter_config.json"),
    ],
)
def test_an_adapter_that_cannot_be_used_ends_in_a_next_step(tiny_model, adapter: Path, change, said: str):
    change(adapter, tiny_model)
    with pytest.raises(ModelError, match=said) as error:
        load_model(find_checkpoint(ModelRef(str(tiny_model("llama")), adapter=str(adapter))), "cpu", "float32")
    assert error.value.next_step.endswith(".")


@pytest.mark.parametrize("family", ["gpt2", "phi3", "bert"])
def test_an_adapter_of_another_model_is_refused(tiny_model, adapter: Path, family: str):
    with pytest.raises(ModelError):
        load_model(find_checkpoint(ModelRef(str(tiny_model(family)), adapter=str(adapter))), "cpu", "float32")


def without_pad(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer, bos_token="<s>", eos_token="</s>")


def without_bos(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    backend = tokenizer.backend_tokenizer
    backend.post_processor = None
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", pad_token="</s>")


def with_chat_template(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    tokenizer.chat_template = "{% for message in messages %}<s>USER: {{ message.content }}</s>{% endfor %}"
    return tokenizer


def padding_left_and_cutting(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    tokenizer.padding_side, tokenizer.truncation_side, tokenizer.model_max_length = "left", "left", 10
    return tokenizer


@pytest.mark.parametrize(
    ("change", "special"),
    [(without_pad, 1), (without_bos, 0), (with_chat_template, 1), (padding_left_and_cutting, 1)],
)
def test_every_kind_of_tokenizer_gives_the_sentence_and_its_own_special_tokens(
    tiny_model, tmp_path: Path, change, special: int
):
    folder = shutil.copytree(tiny_model("llama"), tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    change(tiny_tokenizer()).save_pretrained(folder)
    model = load(folder)
    ids = model.tokenize(SENTENCES)
    assert [len(each) for each in ids] == [len(sentence.encode()) + special for sentence in SENTENCES]
    if special:
        assert_same(extract(model, SENTENCES), extract(load(tiny_model("llama")), SENTENCES))
    assert_same(extract(model, SENTENCES, batch_tokens=10_000), extract(model, SENTENCES, batch_tokens=1), 1e-4)


def test_a_tokenizer_that_is_a_sentencepiece_file_alone_is_read(tiny_model, tmp_path: Path):
    import sentencepiece

    folder = shutil.copytree(tiny_model("llama"), tmp_path / "model")
    (folder / "tokenizer.json").unlink()
    (tmp_path / "text").write_text("\n".join(SENTENCES) * 9, encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text"),
        model_prefix=str(folder / "tokenizer"),
        vocab_size=299,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    (folder / "tokenizer.vocab").unlink()
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "LlamaTokenizer", "add_bos_token": True})
    )
    reader = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    ids = load(folder).tokenize(SENTENCES)
    assert ids == [[1, *reader.encode(sentence)] for sentence in SENTENCES]


def test_an_encoder_pools_by_mean_unless_told_otherwise_and_the_result_says_so(tiny_model, tiny_corpus: Path):
    def study(family: str, **choices: Any) -> Study:
        return Study(str(tiny_model(family)), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, **choices)

    by_default, by_mean = run_study(study("bert")), run_study(study("bert", pooling="mean"))
    assert by_default.study.pooling == "mean"
    assert by_default.scores.equals(by_mean.scores)
    assert run_study(study("bert", pooling="position")).study.pooling == "position"
    assert run_study(study("llama")).study.pooling == "position"
    assert Study("demo", "everyday", "deu_Latn", "eng_Latn").pooling == "position"


def test_a_result_says_where_its_neurons_were_taken_from_also_when_it_comes_from_the_cache(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    words = "output of mlp.act_fn (gate) and input of mlp.down_proj (product) of every block of layers, by its family"
    assert run_study(study).provenance["neurons"] == words
    swapped = Study(study.model, study.corpus, "eng_Latn", "deu_Latn", pairs=8)  # its states are in the cache
    assert run_study(swapped).provenance["neurons"] == words
    named = run_study(Study(study.model, study.corpus, "deu_Latn", "eng_Latn", pairs=8, neurons="mlp.up_proj"))
    assert named.provenance["neurons"] == "output of mlp.up_proj of every block of layers, as asked for"
    assert named.summary["study"]["neurons"] == "mlp.up_proj"


def test_layers_that_are_laid_aside_on_disk_compute_the_same(tiny_model, monkeypatch: pytest.MonkeyPatch):
    whole = extract(load(tiny_model("llama")), SENTENCES)
    assert_same(extract(load(tiny_model("llama"), device="spread"), SENTENCES), whole, 1e-5)
    lay_aside(monkeypatch)
    model = load(tiny_model("llama"), device="spread")
    assert any(weight.is_meta for weight in model.parts.decoder.parameters())
    assert_same(extract(model, SENTENCES), whole, 1e-5)


def test_experts_that_are_laid_aside_on_disk_are_refused(tiny_model, monkeypatch: pytest.MonkeyPatch):
    lay_aside(monkeypatch)
    with pytest.raises(ModelError, match="experts that were offloaded"):
        load(tiny_model("mixtral"), device="spread")


def lay_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    placement = loading._placement
    monkeypatch.setattr(loading, "_placement", lambda *how: placement(*how) | {"max_memory": {"cpu": 30_000}})


@pytest.mark.skipif(not has_bitsandbytes(), reason="bitsandbytes is not installed")
@pytest.mark.parametrize("dtype", ["8bit", "4bit"])
def test_fewer_bits_change_the_states_a_little(tmp_path: Path, dtype: str):
    folder = save_tiny_model(tmp_path, "llama", hidden_size=128, intermediate_size=256)
    whole, rounded = extract(load(folder), SENTENCES), extract(load(folder, dtype=dtype), SENTENCES)
    assert 0 < np.abs(rounded.nas - whole.nas).mean() < 0.1


@pytest.mark.skipif(has_bitsandbytes(), reason="bitsandbytes is installed")
def test_fewer_bits_without_bitsandbytes_end_in_a_next_step(tiny_model, tiny_corpus: Path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="8bit")
    with pytest.raises(ModelError, match=r"8bit needs the package bitsandbytes\. Install it"):
        run_study(study)


@pytest.mark.parametrize("where", ["loading", "extracting"])
def test_running_out_of_memory_ends_in_a_sentence_and_the_next_study_runs(
    tiny_model, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch, where: str
):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)

    def exhausted(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")

    with monkeypatch.context() as patch:
        if where == "loading":
            patch.setattr(loading, "_load_decoder", exhausted)
        else:
            patch.setattr("transformers.models.llama.modeling_llama.LlamaMLP.forward", exhausted)
        with pytest.raises(ModelError, match=r"does not fit in the memory of cpu\. Use a smaller dtype"):
            run_study(study)
    assert loading.RESIDENT._model is None
    assert len(run_study(study).scores) == 3 + 3 + 4


def test_context_is_what_the_model_has_positions_for(tiny_model):
    assert {name: load(tiny_model(name)).context for name in ("llama", "gpt2", "mpt", "xlm-roberta", "bloom")} == {
        "llama": 256,
        "gpt2": 256,
        "mpt": 256,
        "xlm-roberta": 255,
        "bloom": 1_000_000,
    }


def test_a_tokenizer_of_transformers_and_ours_agree(tiny_model):
    theirs = AutoTokenizer.from_pretrained(tiny_model("llama"))(list(SENTENCES))["input_ids"]
    assert load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32").tokenize(SENTENCES) == theirs
