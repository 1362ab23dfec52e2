"""What a study will take, told before anything is downloaded or loaded, and the refusal that says what would fit."""

import re
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from transformers import AutoConfig

from neuronxa_core.errors import ModelError
from neuronxa_core.models import cost, demo, hardware, hub, hub_cache, loading
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.cost import Cost, refuse_what_does_not_fit, study_cost
from neuronxa_core.models.loading import load_model
from neuronxa_core.models.locate import ModelRef
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.conftest import set_settings
from tests.tiny import FAMILIES, SENTENCES

LLAMA_70B = {
    "model_type": "llama",
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
}


def allow(gigabytes: float, monkeypatch: pytest.MonkeyPatch) -> None:
    set_settings(monkeypatch, memory_gb=str(gigabytes))


@pytest.fixture
def hub_has_70b(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that tells what a model with 70 billion parameters is like; the list holds what was downloaded from it."""
    downloads: list[str] = []
    cost._peek_in.cache_clear()
    seen = hub.Peek(LLAMA_70B, 141_107_412_992, 70_553_706_496, "BF16", 0)
    monkeypatch.setattr(hub, "peek", lambda *_: seen)
    monkeypatch.setattr(hub, "download", lambda model, *_: downloads.append(model))
    monkeypatch.setattr(hub_cache, "local_folder", lambda *_: None)
    return downloads


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral", "bert"])
def test_the_memory_of_weights_and_states_is_what_they_take(tiny_model, family: str):
    folder = tiny_model(family)
    held = study_cost(ModelRef(str(folder)), 300, len(SENTENCES), "float32", held=True)
    states = extract(load_model(checkpoint_at(folder), "cpu", "float32"), SENTENCES)
    assert held.state_bytes == sum(states.of(state).nbytes for state in STATES)
    told = study_cost(ModelRef(str(folder)), 300, len(SENTENCES), "float32")
    assert told.state_bytes == 3 * max(states.of(state)[0].nbytes for state in STATES)  # a layer and its copies
    size = (folder / "model.safetensors").stat().st_size
    assert told.weight_bytes == 4 * told.parameters
    assert told.weight_bytes == pytest.approx(size, rel=0.1)  # the file has a header too
    assert study_cost(ModelRef(str(folder)), 300, 6, "bfloat16").weight_bytes == told.weight_bytes / 2
    assert told.download_bytes == 0
    assert told.fits


def test_the_demo_is_told_before_it_is_prepared(cache: Path):
    told = study_cost(ModelRef(demo.NAME), 10_000, 200)
    assert told.demo_unprepared
    assert told.parameters == pytest.approx(268e6, rel=0.01)
    assert told.state_bytes == 3 * 4 * 200 * 2048
    held = study_cost(ModelRef(demo.NAME), 10_000, 200, held=True)
    assert held.state_bytes == 4 * 200 * (18 * 2 * 2048 + 19 * 640)
    assert not list(cache.glob("models/*"))


def test_a_model_of_70_billion_parameters_is_refused_before_a_byte_is_downloaded(
    hub_has_70b: list[str], tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    allow(40, monkeypatch)
    loading.RESIDENT.free()
    monkeypatch.setattr(hardware, "_processor_memory", lambda: 64_000_000_000)
    study = Study("someone/llama-70b", str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="bfloat16")
    with pytest.raises(ModelError) as refused:
        run_study(study, device="cpu")
    assert "needs about 141.7 GB of memory in bfloat16" in refused.value.problem
    assert "cpu has 40.0 GB free" in refused.value.problem
    assert refused.value.next_step == "Use a smaller model: about 19.7 billion parameters in bfloat16 fit here."
    assert not hub_has_70b
    told = study_cost(study.ref, 0, 16, "bfloat16", "cpu")
    assert told.download_bytes == 141_107_412_992


def test_a_local_model_is_refused_before_it_is_loaded(tiny_model, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch):
    allow(0.1, monkeypatch)
    monkeypatch.setattr(loading, "_load_decoder", lambda *_: pytest.fail("it was loaded"))
    loading.RESIDENT.free()
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    with pytest.raises(ModelError, match=r"needs about 0\.6 GB of memory .* has 0\.1 GB free"):
        run_study(study, device="cpu")


class _LoadedError(ModelError):
    """Stands for the model in memory."""


def test_states_that_lie_in_the_cache_do_not_have_to_fit_in_memory(
    tiny_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def loaded(*_: object) -> None:
        raise _LoadedError("It was loaded.", "")

    for code in ("deu_Latn", "eng_Latn"):
        (tmp_path / f"{code}.txt").write_text("".join(f"{code} {number}\n" for number in range(2_000)))
    ref = ModelRef(str(tiny_model("llama")))
    study = Study(ref.model, str(tmp_path), "deu_Latn", "eng_Latn", pairs=2_000, dtype="float32")
    mapped, held = (study_cost(ref, 0, 4_000, "float32", "cpu", held=held).memory_bytes for held in (False, True))
    assert held - mapped == 4_000 * 4 * (2 * 3 * 48 + 4 * 32 - 3 * 48)
    monkeypatch.setattr(loading, "_load_decoder", loaded)
    loading.RESIDENT.free()
    allow((mapped + held) / 2e9, monkeypatch)
    with pytest.raises(ModelError, match="for the states of 4000 sentences, and cpu has"):
        run_study(study, device="cpu", use_cache=False)
    with pytest.raises(_LoadedError):
        run_study(study, device="cpu")
    allow(mapped / 1e9 - 0.001, monkeypatch)
    with pytest.raises(ModelError, match="for one layer of states of 4000 sentences, and cpu has"):
        run_study(study, device="cpu")


def a_cost(weights: float, sentence: float, available: float, dtype: str = "float32", device: str = "cpu") -> Cost:
    """In GB; 400 sentences."""
    bytes_of = {"float32": 4, "bfloat16": 2}[dtype]
    return Cost(
        "m",
        400,
        device,
        dtype,
        int(weights * 1e9 / bytes_of),
        int(weights * 1e9),
        sentence_bytes=int(sentence * 1e9),
        available_bytes=int(available * 1e9),
    )


@pytest.fixture
def without_bitsandbytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "has_bitsandbytes", lambda: False)


@pytest.mark.usefixtures("without_bitsandbytes")
def test_the_refusal_names_what_fits():
    refuse_what_does_not_fit(a_cost(28, 0.001, 29))  # 28 + 0.4 + 0.6
    for told, said in (
        (a_cost(28, 0.001, 20), "It fits in bfloat16 (15.0 GB): choose that dtype."),
        (a_cost(14, 0.02, 20, "bfloat16"), "Use at most 135 pairs."),
        (a_cost(28, 0.001, 9, "bfloat16"), "Use a smaller model: about 4.2 billion parameters in bfloat16 fit here."),
    ):
        with pytest.raises(ModelError) as refused:
            refuse_what_does_not_fit(told)
        assert refused.value.next_step == said
    fewer = Cost(
        "m", 270, "cpu", "bfloat16", 1, 14_000_000_000, sentence_bytes=20_000_000, available_bytes=20_000_000_000
    )
    assert fewer.fits
    assert not Cost(
        "m", 272, "cpu", "bfloat16", 1, 14_000_000_000, sentence_bytes=20_000_000, available_bytes=20_000_000_000
    ).fits


@pytest.mark.usefixtures("without_bitsandbytes")
def test_a_gpu_that_is_too_small_is_told_of_the_processor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cost, "memory_available", lambda _: 64_000_000_000)
    with pytest.raises(ModelError, match=r"in bfloat16, and cuda has 12\.0 GB free.*use the device cpu"):
        refuse_what_does_not_fit(a_cost(16, 0.001, 12, "bfloat16", "cuda"))
    refuse_what_does_not_fit(a_cost(11, 0.1, 12, "bfloat16", "cuda"))  # states never lie on the GPU


def test_fewer_bits_are_offered_where_bitsandbytes_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cost, "has_bitsandbytes", lambda: True)
    with pytest.raises(ModelError, match="It fits in 8bit"):
        refuse_what_does_not_fit(a_cost(14, 0.001, 10, "bfloat16"))


def test_what_cannot_be_told_is_not_refused(tmp_path: Path, tiny_model):
    assert Cost("m", 10, "cpu", "float32", available_bytes=1).fits
    assert study_cost(ModelRef(str(tmp_path / "nowhere")), 10, 2).memory_bytes is None


def test_the_model_in_memory_counts_as_free(tiny_model, tiny_corpus: Path):
    loading.RESIDENT.free()
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="float32")
    run_study(study, device="cpu", use_cache=False)
    assert cost._given_back() == study_cost(study.ref, 0, 16, "float32", "cpu").weight_bytes
    loading.RESIDENT.free()
    assert cost._given_back() == 0


def test_memory_is_what_the_system_has_free_or_what_the_container_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "meminfo").write_text("MemTotal: 32000000 kB\nMemAvailable: 16000000 kB\n")
    (tmp_path / "max").write_text("max\n")
    (tmp_path / "current").write_text("3000000000\n")
    monkeypatch.setattr(hardware, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(hardware, "_LIMITS", ((tmp_path / "max", tmp_path / "current"),))
    assert hardware.memory_available("cpu") == 16_384_000_000
    (tmp_path / "max").write_text("8000000000\n")
    assert hardware.memory_available("cpu") == 5_000_000_000
    allow(2, monkeypatch)
    assert hardware.memory_available("cpu") == 2_000_000_000
    monkeypatch.setattr(hardware, "_MEMINFO", tmp_path / "nothing")
    assert hardware.memory_available("cpu") == 2_000_000_000


def test_a_gguf_file_tells_its_size_in_its_header(tmp_path: Path):
    writer = GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_block_count(3)
    writer.add_embedding_length(32)
    writer.add_feed_forward_length(48)
    writer.add_token_list([f"token {number}" for number in range(300)])
    writer.add_tensor("token_embd.weight", np.zeros((300, 32), dtype=np.float32))
    for write in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file):
        write()
    writer.close()
    told = study_cost(ModelRef(str(tmp_path / "m.gguf")), 1_000, 10, "bfloat16")
    assert (told.parameters, told.weight_bytes, told.state_bytes) == (9600, 19200, 3 * 4 * 10 * 48)
    assert told.loading_bytes == 4 * 9600 + 12 * 9600  # float32, and three times its largest tensor
    assert told.memory_bytes == told.loading_bytes + 600_000_000
    (tmp_path / "m.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(10))
    assert study_cost(ModelRef(str(tmp_path / "m.gguf")), 1_000, 10).memory_bytes is None


def test_seconds_grow_with_text_and_count_only_the_experts_that_work(tiny_model):
    one, ten = (study_cost(ModelRef(str(tiny_model("llama"))), characters, 6).seconds for characters in (1_000, 10_000))
    assert np.isclose(ten / one, 10)
    config = AutoConfig.from_pretrained(tiny_model("llama"))
    layers = 3 * (3 * config.hidden_size * config.intermediate_size + 4 * config.hidden_size**2)
    with_head = study_cost(ModelRef(str(tiny_model("llama"))), 1_000, 6, head=True).seconds
    head = config.hidden_size * config.vocab_size / layers
    assert np.isclose(with_head / one, 1 + head)
    lens = study_cost(ModelRef(str(tiny_model("llama"))), 1_000, 6, lens=100).seconds
    assert np.isclose(lens / one, 1 + 3 * head * 100 * 3 / 1_000)  # the head at three layers, of 100 of 333 tokens
    written = [study_cost(ModelRef(str(tiny_model("llama"))), 0, 6, written=count).seconds for count in (10, 30)]
    assert np.isclose(written[1] / written[0], 3)
    assert written[0] * 100 / 3 > with_head  # one by one takes longer
    plain = study_cost(ModelRef(str(tiny_model("mistral"))), 1_000, 6)
    experts = study_cost(ModelRef(str(tiny_model("mixtral"))), 1_000, 6)
    assert experts.sentence_bytes > plain.sentence_bytes * 2.5  # four experts
    assert 1 < experts.seconds / plain.seconds < 2  # two of them at work
    assert set(FAMILIES) >= {"mistral", "mixtral"}


def test_the_page_tells_the_cost_and_does_not_run_what_does_not_fit(
    tiny_model, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    from tests.pages.app import open_page

    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "pairs": "8"}
    app = open_page("alignment", **query)
    told = " ".join(each.value for each in [*app.markdown, *app.caption])
    assert re.search(r"16 sentences to run through 1 million parameters in \w+, about 1 second on this CPU", told)
    assert re.search(r"Memory: about 1.MB for weights and 1.MB for a layer of states · [\d.]+.GB free", told)
    assert not app.button(key="run").disabled
    allow(0.1, monkeypatch)
    app = open_page("alignment", **query)
    assert "has 0.1 GB free" in app.warning[0].value
    assert app.button(key="run").disabled
