"""What comes from elsewhere: whatever a file holds, the reader ends at once, with a result or one sentence.

Every entrance is held by a search for a file that brings anything else out of it. A failure names the file. To search
longer and elsewhere: NEURONXA_FUZZ=2000 python -m pytest tests/test_entrances.py -k bring --hypothesis-seed 7
"""

import json
import os
import shutil
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuronxa_core.analyses.accuracies import read_accuracies
from neuronxa_core.analyses.choice_files import read_choices
from neuronxa_core.analyses.neuron_sets import listed_from
from neuronxa_core.corpora import bitext
from neuronxa_core.corpora.bounds import Bound
from neuronxa_core.corpora.catalogue import Corpus
from neuronxa_core.corpora.readers import read_path
from neuronxa_core.corpora.words import read_words
from neuronxa_core.errors import ModelError, NeuronXAError, StudyError
from neuronxa_core.lessons.read import examine
from neuronxa_core.models import gguf_header, tokenizer
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.config import context_length, shape_of
from neuronxa_core.models.cost import study_cost
from neuronxa_core.models.families import FAMILIES, family_of, is_encoder
from neuronxa_core.models.hub_cache import INDEX, in_local_cache, local_folder
from neuronxa_core.models.loading import load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint, is_hub_id, local_checkpoint
from neuronxa_core.models.tokenizer import count_tokens
from neuronxa_core.sweep.plan import read_plan
from neuronxa_core.sweep.store import Store
from pages.shared import study_link
from pages.shared.link_names import paths_in_link
from tests.conftest import set_settings

search = settings(
    max_examples=int(os.environ.get("NEURONXA_FUZZ", "60")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    print_blob=True,
)


def ends_well(read: Callable[[], object]) -> NeuronXAError | None:
    """The sentence that a reader ends with, if it ends with one."""
    try:
        read()
    except NeuronXAError as error:
        found = error
    else:
        return None
    str(found).encode()  # a page can draw it
    assert "\n" not in str(found)
    assert len(found.problem) < 1_100
    return found


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**30),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["4096", "~nosuchuser/x", "\0", "../../x", "\ud800"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
SIZES = {key for family in FAMILIES.values() for key in vars(family.keys).values()}
KEYS = [
    *sorted(SIZES),
    *("model_type", "text_config", "architectures", "is_encoder_decoder", "quantization_config", "auto_map"),
    *("num_experts_per_tok", "vocab_size", "head_dim", "pad_token_id", "mlp_only_layers", "decoder_sparse_step"),
]
TYPES = st.one_of(st.sampled_from(sorted(FAMILIES)), ODD)
ODD_CONFIG = st.dictionaries(st.sampled_from(KEYS), ODD, max_size=6)


@search
@given(TYPES, ODD_CONFIG)
def test_a_config_of_odd_types_gives_sizes_or_none(model_type: Any, odd: dict[str, Any]):
    config = {"num_hidden_layers": 2, "hidden_size": 8, "num_attention_heads": 2, **odd, "model_type": model_type}
    for each in (config, {"model_type": model_type, "text_config": config}):
        shape, _ = shape_of(each), is_encoder(each)
        assert shape is None or min(shape.layers, shape.hidden, shape.neurons) > 0
        assert (context_length(each) or 1) > -(2**32)
        ends_well(partial(family_of, each))


def config_of(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.fixture
def folder(tiny_model, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return shutil.copytree(tiny_model("llama"), tmp_path / "model")


def entered(folder: Path) -> None:
    """What a page asks of a model before Run, and what a run asks."""
    ref = ModelRef(str(folder))
    study_cost(ref, 100, 2)
    checkpoint = local_checkpoint(ref)
    assert checkpoint is not None
    is_encoder(checkpoint.config)
    ends_well(lambda: count_tokens(checkpoint, ("a",)))
    assert checkpoint.fingerprint
    load_model(checkpoint, "cpu", "float32")


LOADED = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "rms_norm_eps",
    "rope_parameters",
    "hidden_act",
    "vocab_size",
    "dtype",
)
MORE = (
    "eos_token_id",
    "layer_types",
    "attention_bias",
    "tie_word_embeddings",
    "max_position_embeddings",
    "torch_dtype",
)


@pytest.mark.parametrize(
    "value", [[], {"a": [1]}, "1", float("nan"), -1, 10**20, {"rope_type": "yarn"}, [[[1]]]], ids=str
)
def test_a_config_of_odd_types_is_told_at_load(folder: Path, value: object):
    whole = (folder / "config.json").read_text()
    for key in (*LOADED, *MORE):
        (folder / "config.json").write_text(whole)
        config_of(folder, **{key: value})
        error = ends_well(lambda: entered(folder))
        assert error is None or "cannot be loaded" in str(error), (key, value)


def gguf(fields: bytes = b"", tensors: bytes = b"", *, tensor_count: int = 0, field_count: int = 1) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensor_count, field_count) + fields + tensors


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def array(kind: int, count: int, content: bytes = b"") -> bytes:
    return text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, kind, count) + content


def tensor(dimensions: tuple[int, ...], kind: int = 0, start: int = 0) -> bytes:
    return text("t") + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions, kind, start)


GGUF = {
    "832 bytes that claim 2^60 strings": (
        gguf(array(8, 2**60)).ljust(832, b"\0"),
        "array of 1,152,921,504,606,846,976",
    ),
    "a million numbers that are not there": (gguf(array(4, 10**6)), "more than fit"),
    "a string longer than the file": (gguf(text("a") + struct.pack("<IQ", 8, 2**63)), "more than fit"),
    "more fields than bytes": (gguf(field_count=2**60), "more than fit"),
    "more tensors than bytes": (gguf(field_count=0, tensor_count=2**60), "more than fit"),
    "arrays of arrays": (gguf(array(9, 1, struct.pack("<IQ", 9, 1) * 50)), "array of arrays"),
    "an unknown type": (gguf(text("a") + struct.pack("<I", 77)), "unknown type 77"),
    "a tensor of 2^31 dimensions": (
        gguf(b"", text("t") + struct.pack("<I", 2**31) + bytes(20), tensor_count=1, field_count=0),
        "dimensions",
    ),
    "a tensor beyond the end": (gguf(b"", tensor((2**40, 2**20)), tensor_count=1, field_count=0), "truncated"),
    "a tensor of no type": (gguf(b"", tensor((1,), 999), tensor_count=1, field_count=0), "unknown type 999"),
    "an alignment of 0": (gguf(text("general.alignment") + struct.pack("<II", 4, 0)), "alignment"),
    "a version of the future": (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "its version is 9"),
    "nothing": (b"", "empty"),
}


@pytest.mark.parametrize("name", GGUF)
def test_a_gguf_header_that_does_not_fit_its_file_ends_at_once(tmp_path: Path, name: str):
    content, said = GGUF[name]
    file = tmp_path / "a.gguf"
    file.write_bytes(content)
    study_cost(ModelRef(str(file)), 100, 2)
    with pytest.raises(ModelError, match=rf"cannot be loaded \(.*{said}") as error:
        load_model(checkpoint_at(file), "cpu", "float32")
    assert "error id" not in str(error.value)


def test_a_gguf_file_of_a_billion_layers_is_not_built(tmp_path: Path):
    fields = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    for name, size in (("block_count", 10**9), ("embedding_length", 8), ("feed_forward_length", 8)):
        fields += text(f"llama.{name}") + struct.pack("<II", 4, size)
    (tmp_path / "a.gguf").write_bytes(gguf(fields, field_count=4))
    with pytest.raises(ModelError, match=r"no sound llama\.attention\.head_count"):
        load_model(checkpoint_at(tmp_path / "a.gguf"), "cpu", "float32")


SOUND = {"block_count": 2, "embedding_length": 8, "feed_forward_length": 16, "attention.head_count": 2}
TENSORS = {"token_embd.weight": (8, 6), "blk.0.ffn_up.weight": (8, 16), "blk.1.ffn_up.weight": (8, 16)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"feed_forward_length": None}, ""),  # an array: it differs from layer to layer
        ({"block_count": -1}, "no sound llama.block_count"),
        ({"embedding_length": 2.0}, "no sound llama.embedding_length"),
        ({"embedding_length": 4096}, "embeddings are missing, or have another size"),
        ({"block_count": 10**9}, "more than its tensors hold"),
        ({"feed_forward_length": 2**31}, "more than its tensors hold"),
        ({"attention.key_length": 2**20}, "more than its tensors hold"),
        ({"attention.head_count": 64}, "more than its tensors hold"),
        ({"context_length": 2**31}, "position embeddings have another size"),
    ],
)
def test_sizes_that_are_not_those_of_the_tensors_are_refused(changes: dict[str, Any], said: str):
    """transformers would take its defaults, of seven billion parameters, and draw what the file lacks at random."""
    fields = {f"llama.{name}": value for name, value in (SOUND | changes).items() if value != -1}
    tensors = TENSORS | ({"position_embd.weight": (8, 64)} if "context_length" in changes else {})
    header = gguf_header.Header({"general.architecture": "llama", **fields}, tensors)
    if not said:
        gguf_header.refuse_odd_sizes(header)
        return
    with pytest.raises(gguf_header.GGUFError, match=said):
        gguf_header.refuse_odd_sizes(header)


def test_what_gguf_itself_writes_is_read(tmp_path: Path):
    from gguf import GGUFWriter
    from numpy import zeros

    writer = GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_block_count(3)
    writer.add_token_list(["a", "b"] * 9)
    writer.add_token_scores([0.5] * 18)
    writer.add_tensor("token_embd.weight", zeros((7, 64), "float32"))
    writer.add_tensor("blk.0.w", zeros((2, 32), "float16"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    told = gguf_header.gguf_told(tmp_path / "m.gguf")
    assert told == ({"model_type": "llama", "num_hidden_layers": 3}, [7 * 64, 64])
    cut = (tmp_path / "m.gguf").read_bytes()[:-200]
    (tmp_path / "m.gguf").write_bytes(cut)
    with pytest.raises(gguf_header.GGUFError, match="truncated"):
        gguf_header.read_header(tmp_path / "m.gguf")


NUMBER = st.one_of(st.integers(0, 20), st.sampled_from([2**20, 2**31, 2**60, 2**64 - 1]))
PIECE = st.one_of(
    st.builds(
        lambda kind, value: text("general.alignment") + struct.pack("<IQ", kind, value), st.integers(0, 13), NUMBER
    ),
    st.builds(array, st.integers(0, 13), NUMBER, st.binary(max_size=30)),
    st.builds(
        lambda sizes, kind, start: tensor(tuple(sizes), kind, start),
        st.lists(NUMBER, max_size=3),
        st.integers(0, 40),
        NUMBER,
    ),
    st.binary(max_size=40),
)


@search
@given(st.lists(PIECE, max_size=5).map(b"".join), NUMBER, NUMBER)
def test_no_gguf_file_brings_anything_but_a_sentence(tmp_path: Path, content: bytes, tensors: int, fields: int):
    (tmp_path / "a.gguf").write_bytes(gguf(content, tensor_count=tensors, field_count=fields))
    try:
        gguf_header.read_header(tmp_path / "a.gguf")
    except gguf_header.GGUFError:
        assert gguf_header.gguf_told(tmp_path / "a.gguf") == ({}, [])


JSON = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["weight_map", "metadata", "a", "base_model_name_or_path", "revision", "dtype", "shape"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
BYTES = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"[" * 100_000, b"\xff\xfe{", b"{" * 9, b"1" * 9_000, b""]),
)


@search
@given(BYTES)
def test_no_index_adapter_or_header_brings_anything_but_a_sentence(tmp_path: Path, content: bytes):
    for name in ("config.json", INDEX, "adapter_config.json", "model.safetensors"):
        shutil.rmtree(tmp_path / "m", ignore_errors=True)
        (tmp_path / "m").mkdir()
        (tmp_path / "m" / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
        head = struct.pack("<Q", len(content)) if name == "model.safetensors" else b""
        (tmp_path / "m" / name).write_bytes(head + content)
        ref = ModelRef(str(tmp_path / "m"))
        ends_well(lambda: study_cost(ref, 100, 2))  # noqa: B023
        checkpoint = ends_well(lambda: local_checkpoint(ref)) or local_checkpoint(ref)  # noqa: B023
        if checkpoint is not None and not isinstance(checkpoint, NeuronXAError):
            ends_well(lambda: checkpoint.config)  # noqa: B023
        ends_well(lambda: find_checkpoint(ModelRef(str(tmp_path), adapter=ref.model)))  # noqa: B023


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/a.safetensors", "a/../../b.safetensors", "a.bin", 3, ["x"]])
def test_an_index_does_not_lead_out_of_its_folder(folder: Path, tmp_path: Path, monkeypatch, name: object):
    shutil.copy(folder / "model.safetensors", tmp_path / "a.safetensors")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(ModelError, match=r"index\.json is damaged"):
        checkpoint_at(folder)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    kept = tmp_path / "hub" / "models--a--b" / "snapshots" / ("0" * 40)
    shutil.copytree(folder, kept)
    assert local_folder("a/b", "0" * 40) is None
    assert in_local_cache() == ()


def test_a_pipe_in_place_of_a_file_is_not_waited_for(folder: Path):
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ModelError):
            entered(folder)


def test_a_config_does_not_choose_what_computes_attention_nor_another_config(folder: Path, tmp_path: Path):
    asked = {"attn_implementation": "someone/kernels", "_attn_implementation": "someone/kernels"}
    config_of(folder, **asked, experts_implementation="someone/kernels")
    decoder: Any = load_model(checkpoint_at(folder), "cpu", "float32").parts.decoder
    assert decoder.config._attn_implementation == "sdpa"
    config_of(folder, configuration_files=["../config.4.0.0.json"])
    with pytest.raises(ModelError, match="names other configuration files"):
        load_model(checkpoint_at(folder), "cpu", "float32")


def test_a_config_of_more_than_its_weights_can_hold_is_not_built(folder: Path):
    config_of(folder, hidden_size=2**20, num_attention_heads=2**10)
    with pytest.raises(ModelError, match=r"describes [\d,]+ parameters, and its weights have [\d,]+ bytes"):
        load_model(checkpoint_at(folder), "cpu", "float32")


@search
@given(BYTES, st.sampled_from(["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]))
def test_no_tokenizer_brings_anything_but_a_sentence(tiny_model, tmp_path: Path, content: bytes, name: str):
    folder = shutil.copytree(tiny_model("llama"), tmp_path / "model", dirs_exist_ok=True)
    (folder / name).write_bytes(content)
    count_tokens.cache_clear()
    tokenizer._kept.cache_clear()
    ends_well(lambda: count_tokens(checkpoint_at(folder), ("a dog",)))


TABLES = st.sampled_from(
    [
        "de,en\n",
        "de\ten\n",
        '{"de": 1, "en": ',
        '{"translation": {"de"',
        "<tmx><body><tu>",
        '<tuv xml:lang="de"><seg>',
        'msgid "a"\nmsgstr ',
        '"',
        "\0",
        "\r",
        "\ud800",
        "a,b\n",
        "PAR1",
        "language,accuracy\n",
        "layer,neuron\n",
        "1,2\n",
        '{"results": {"xnli_de": {"acc": ',
        "}}}",
        "1e999",
        "\ufeff",
        "\n",
        "eng\tdeu\n",
        "w\tv\n",
    ]
)
CONTENT = st.one_of(
    st.lists(TABLES, max_size=7).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass")),
    st.binary(max_size=60),
    BYTES,
    st.sampled_from([b"\xff\xfea\0", b"PAR1" + bytes(12) + b"PAR1", b"[" * 9_999]),
)
SUFFIXES = st.sampled_from(["tsv", "csv", "jsonl", "parquet", "tmx", "po", "txt", "dev"])


@search
@given(CONTENT, SUFFIXES)
def test_no_text_brings_anything_but_a_sentence(tmp_path: Path, content: bytes, suffix: str):
    shutil.rmtree(tmp_path / "t", ignore_errors=True)
    (tmp_path / "t").mkdir()
    file = tmp_path / "t" / f"de.{suffix}"
    file.write_bytes(content)
    (tmp_path / "t" / f"en.{suffix}").write_bytes(content)
    bound = Bound(10_000_000, 1_000)
    for path in (file, file.parent):
        ends_well(lambda: _all_of(path, bound))  # noqa: B023
    ends_well(lambda: read_words(file))


def _all_of(path: Path, bound: Bound) -> None:
    corpus = Corpus(path.name, read_path(path, bound))
    for code in corpus.languages:
        for other in corpus.beside(code):
            bitext.check(corpus.text(code, other))
            corpus.usable(code, other, "empty")
            corpus.bitext(code, other, 2)


@search
@given(CONTENT, st.sampled_from(["a.json", "a.csv", "\ud800\n.csv"]))
def test_no_accuracies_and_no_list_of_neurons_bring_anything_but_a_sentence(content: bytes, name: str):
    def read() -> None:
        found = read_accuracies({name: content})
        for text in (*found.notes, *found.rows["model"], *found.rows["benchmark"]):
            text.encode()

    ends_well(read)
    ends_well(lambda: listed_from(content.decode("utf-8", "surrogateescape"), "a"))


def test_accuracies_and_lists_whose_names_no_page_can_draw():
    results = {"model_name": "\ud800", "results": {"xnli_de": {"acc": 0.5}, "\ud800": {"acc": 0.5}}}
    found = read_accuracies({"a.json": json.dumps(results).encode()})
    assert list(found.rows["model"]) == ["\ufffd"]
    assert found.notes == ("a.json: 1 task was skipped (\ufffd).",)
    with pytest.raises(StudyError, match=r"a cannot be read \(Error, error id [0-9a-f]{8}\)"):
        listed_from("layer,neuron\n" + "1" * 200_000, "a")


LINES = st.sampled_from(
    [
        *(
            "---\n",
            "title: a\n",
            "about: b\n",
            "minutes: 5\n",
            "minutes: 10000000000\n",
            "## One\n",
            "```yaml\n",
            "```\n",
        ),
        *("page: method\n", "page: ~\n", "answer: 3\n", "answer: [1, 2]\n", "kind: tour\n", "study: {source: x}\n"),
        *("models: [demo]\n", "corpora: [everyday]\n", "languages: [x, [y]]\n", "pairs: 1e999\n", "pairs: -1\n"),
        *(
            "pairs: " + "9" * 5_000 + "\n",
            "pivot: no\n",
            "site: {a: b}\n",
            "&a [*a]\n",
            "a: *b\n",
            "[" * 9_999,
            "!!x y\n",
        ),
        *(
            "language,item,question,choice1,choice2,correct\n",
            "eng_Latn,1,q,a,b,1\n",
            "eng_Latn,1,q,a,b,\u00b2\n",
            "\t\n",
        ),
        *(
            '{"language": "x"}\n',
            '{"link": 1, "mc_answer1": []}\n',
            '{"keys": 3}',
            '{"keys": [[1]]}',
            '{"schema": 1e999}',
        ),
        *('{"schema": 1}', '{"key": 1, "study": {}}', "null", "\0", "\ud800", "\ufeff", "- \n", "? \n"),
    ]
)


@settings(search, max_examples=search.max_examples // 3)
@given(st.one_of(st.lists(LINES, max_size=7).map("".join), CONTENT.map(lambda raw: raw.decode("utf-8", "replace"))))
def test_no_lesson_plan_item_or_store_brings_anything_but_a_sentence(tmp_path: Path, written: str):
    content = written.encode("utf-8", "surrogatepass")
    for fault in examine(written, "a.md", ("method",))[1]:
        str(fault).encode()
    ends_well(lambda: read_choices({"a.csv": content}))
    (tmp_path / "plan.yaml").write_bytes(content)
    ends_well(lambda: read_plan(tmp_path / "plan.yaml"))
    for name in ("manifest.json", "plans/a.json", "failures/a.json", "results/m/c/a.parquet", "states/m/c/a.json"):
        (tmp_path / "store" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "store" / name).write_bytes(content)
    ends_well(lambda: Store(str(tmp_path / "store")))
    (tmp_path / "store" / "manifest.json").write_text('{"schema": 1}')
    store = Store(str(tmp_path / "store"))
    assert len(store.rows()) == 0
    assert store.failures() == {}
    assert "results/m/c/a.parquet is damaged" in store.problems()
    assert store.planned() is not None
    ends_well(lambda: store.states("a"))


LINK = st.dictionaries(
    st.sampled_from(
        ["model", "corpus", "source", "target", "pairs", "sample", "revision", "adapter", "neurons", "dtype"]
    ),
    st.one_of(st.text(max_size=8), st.sampled_from(["~nosuchuser/x", "~root/x", "a/b", "\0", "x" * 300, "9" * 5_000])),
)


@search
@given(LINK, st.sampled_from(["local", "shared"]))
def test_no_link_brings_anything_but_a_study(monkeypatch: pytest.MonkeyPatch, link: dict[str, str], mode: str):
    set_settings(monkeypatch, mode=mode)
    monkeypatch.setattr(streamlit, "query_params", SimpleNamespace(to_dict=lambda: link))
    monkeypatch.setattr(streamlit, "toast", lambda text, **_: text.encode("utf-8", "surrogatepass"))
    study = study_link.study_from_url()
    assert study.stem
    assert study.caption
    assert study_link.study_query(study)
    paths_in_link(study)
    is_hub_id(study.model)
    ends_well(lambda: local_checkpoint(study.ref))
    ends_well(study.bitext)
