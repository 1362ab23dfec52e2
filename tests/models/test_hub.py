"""Models from the hub, against a stand-in of its HTTP interface on loopback."""

import errno
import hashlib
import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from huggingface_hub import constants, file_download
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from neuronxa_core.errors import Cancelled, ModelError
from neuronxa_core.models import hub, hub_cache
from neuronxa_core.models.checkpoint import Checkpoint, checkpoint_at
from neuronxa_core.models.cost import ask_again
from neuronxa_core.models.locate import ModelRef, find_checkpoint, local_checkpoint
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests import tiny
from tests.hub_stand_in import StandIn, running

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MODEL = "someone/model"
TOKEN = "hf_sentinelsentinelsentinel"


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose weights are 12.9 MB, which is large to the hub."""
    folder = tmp_path_factory.mktemp("large")
    return tiny.save_tiny_model(folder, "llama", hidden_size=256, intermediate_size=1024)


@pytest.fixture
def cache_of_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return tmp_path / "hub"


@pytest.fixture
def stand_in(cache_of_hub: Path, large_model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with running() as server:
        files = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)  # made of it when the library is imported
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
        server.models[MODEL] = large_model
        yield server


class Recorder(Watcher):
    """Keeps what was reported, and cancels as soon as so many MB have arrived."""

    def __init__(self, cancel_at: float = float("inf")) -> None:
        self.reports: list[tuple[str, int, int]] = []
        self.last = 0.0
        self.cancel_at = cancel_at

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.reports.append((phase, done, total))

    def check(self) -> None:
        self.last = time.monotonic()
        if self.reports[-1][1] >= self.cancel_at:
            raise Cancelled


def weights_of(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


def test_a_model_is_downloaded_whole_and_studied(stand_in: StandIn, large_model: Path, tiny_corpus: Path):
    assert local_checkpoint(ModelRef(MODEL)) is None
    recorder = Recorder()
    checkpoint = find_checkpoint(ModelRef(MODEL), watcher=recorder)
    assert checkpoint.fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent == weights_of(large_model)
    assert local_checkpoint(ModelRef(MODEL)) == checkpoint
    assert local_checkpoint(ModelRef(MODEL, "main")) == checkpoint
    assert {phase for phase, _, _ in recorder.reports} == {"downloading"}
    assert ("downloading", 0, round(weights_of(large_model) / 1e6)) in recorder.reports
    study = Study(MODEL, str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="float32")
    assert run_study(study).provenance["model_fingerprint"] == checkpoint.fingerprint
    assert stand_in.sent == weights_of(large_model)  # once


def test_what_is_no_part_of_the_model_is_not_downloaded(stand_in: StandIn, large_model: Path, tmp_path: Path):
    folder = shutil.copytree(large_model, tmp_path / "more")
    (folder / "original").mkdir()
    for name in ("pytorch_model.bin", "consolidated.safetensors", "model.onnx", "evil.py", "original/params.json"):
        (folder / name).write_bytes(b"x" * 1_100_000)
    stand_in.models[MODEL] = folder
    arrived = {file.name for file in find_checkpoint(ModelRef(MODEL)).folder.iterdir()}
    assert arrived == {file.name for file in large_model.iterdir()}


def test_a_revision_that_is_a_commit_is_found_by_it(stand_in: StandIn):
    commit = stand_in.commit(MODEL)
    assert find_checkpoint(ModelRef(MODEL, commit)).folder.name == commit
    assert local_checkpoint(ModelRef(MODEL, commit)) is not None


def test_a_killed_download_goes_on_where_it_stopped(stand_in: StandIn, large_model: Path, cache_of_hub: Path):
    stand_in.pause = 0.1
    code = f"from neuronxa_core.models.locate import ModelRef, find_checkpoint; find_checkpoint(ModelRef({MODEL!r}))"
    environment = os.environ | {"HF_ENDPOINT": stand_in.address, "HF_HUB_CACHE": str(cache_of_hub)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)
    deadline = time.monotonic() + 60
    while stand_in.sent < 4_000_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.3)  # the server notices at its next piece
    arrived = sum(part.stat().st_size for part in cache_of_hub.rglob("*.incomplete"))
    assert 1_000_000 < arrived < weights_of(large_model)
    assert local_checkpoint(ModelRef(MODEL)) is None
    stand_in.pause, stand_in.sent = 0.0, 0
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent == weights_of(large_model) - arrived
    assert f"bytes={arrived}-" in [asked for _, path, asked in stand_in.asked if path.endswith("model.safetensors")]
    assert not list(cache_of_hub.rglob("*.incomplete"))


def test_a_cancelled_download_stops_within_a_second_and_goes_on_later(stand_in: StandIn, large_model: Path):
    stand_in.pause = 0.1
    recorder = Recorder(cancel_at=2)
    with pytest.raises(Cancelled):
        find_checkpoint(ModelRef(MODEL), watcher=recorder)
    time.sleep(0.5)
    sent = stand_in.sent
    assert sent < weights_of(large_model)
    time.sleep(0.3)
    assert stand_in.sent - sent <= 256_000
    stand_in.pause = 0.0
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent <= weights_of(large_model) + 4 * 256_000


def test_a_hub_that_hangs_in_the_middle_of_a_file_can_be_cancelled(stand_in: StandIn):
    stand_in.breaks_after, stand_in.hangs = 2_200_000, True
    recorder = Recorder(cancel_at=2)
    with pytest.raises(Cancelled):
        find_checkpoint(ModelRef(MODEL), watcher=recorder)
    assert time.monotonic() - recorder.last < 0.5


def test_a_connection_that_breaks_is_taken_up_again_by_itself(stand_in: StandIn, large_model: Path):
    stand_in.breaks_after = 9_000_000
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent < weights_of(large_model) + 2**18  # what the library had not handed on yet


def test_a_hub_that_always_cuts_ends_in_a_next_step_and_what_arrived_is_kept(
    stand_in: StandIn, large_model: Path, cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda _: None))  # it waits between its attempts
    stand_in.breaks_at = 5_000_000
    with pytest.raises(ModelError, match=r"was interrupted\. Run again; it resumes where it stopped"):
        find_checkpoint(ModelRef(MODEL))
    kept = sum(part.stat().st_size for part in cache_of_hub.rglob("*.incomplete"))
    assert 5_000_000 - 2**18 < kept <= 5_000_000
    assert hub.peek(MODEL).here_bytes == kept
    assert hub_cache.in_local_cache() == ()
    stand_in.breaks_at = None
    stand_in.asked.clear()
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint
    assert ("GET", f"bytes={kept}-") in stand_in.requests("model.safetensors")
    assert [method for method, _ in stand_in.requests("model.safetensors")].count("GET") == 1


def test_a_part_that_is_longer_than_the_file_is_thrown_away(stand_in: StandIn, large_model: Path, cache_of_hub: Path):
    digest = hashlib.sha256((large_model / "model.safetensors").read_bytes()).hexdigest()
    part = cache_of_hub / "models--someone--model" / "blobs" / f"{digest}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(weights_of(large_model) + 1))
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint


def test_two_who_want_the_same_model_download_it_once(stand_in: StandIn, large_model: Path):
    stand_in.pause = 0.01
    first, second = ask_aside(MODEL), ask_aside(MODEL)
    assert first.result(timeout=10) == second.result(timeout=10)
    assert stand_in.sent == weights_of(large_model)


def test_a_disk_that_fills_up_on_the_way_ends_in_a_next_step(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    with pytest.raises(ModelError, match=r"The disk is full; someone/model .* Free some disk space, or set HF_HOME"):
        find_checkpoint(ModelRef(MODEL))


def test_a_file_that_arrives_damaged_is_thrown_away(stand_in: StandIn, cache_of_hub: Path, large_model: Path):
    stand_in.pause = 0.1
    with pytest.raises(Cancelled):
        find_checkpoint(ModelRef(MODEL), watcher=Recorder(cancel_at=2))
    stand_in.pause = 0.0
    time.sleep(0.5)
    part = next(cache_of_hub.rglob("*.incomplete"))
    part.write_bytes(b"\0" * part.stat().st_size)
    with pytest.raises(ModelError, match=r"arrived damaged\. Run again"):
        find_checkpoint(ModelRef(MODEL))
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint


def test_a_disk_that_is_too_small_is_told_before_anything_is_downloaded(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    free = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        ModelError, match=r"needs 12 MB more, and the disk of .* has 1 MB free\. Free some disk space, or set HF_HOME"
    ):
        find_checkpoint(ModelRef(MODEL))
    assert stand_in.sent == 0


def test_gated_private_and_missing_models_are_told_apart(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    stand_in.gated.add(MODEL)
    for model, revision, said in (
        (MODEL, "", r"is gated\. Accept its terms on its page and set HF_TOKEN"),
        (
            "someone/nothing",
            "",
            r"is not a public model on the hub\. Check the spelling; .* HF_TOKEN, which is not set",
        ),
        (MODEL, "v9", r"someone/model has no revision v9\. Use a branch, tag or commit"),
    ):
        with pytest.raises(ModelError, match=said):
            find_checkpoint(ModelRef(model, revision))
        with pytest.raises(ModelError, match=said):
            hub.peek(model, revision)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(
        ModelError, match=r"is gated, and HF_TOKEN has no access to it\. Accept its terms on its page with the account"
    ):
        find_checkpoint(ModelRef(MODEL))
    stand_in.readers.add(TOKEN)
    assert find_checkpoint(ModelRef(MODEL)).weights


def test_the_token_is_sent_and_never_shown(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    stand_in.gated.add(MODEL)
    with pytest.raises(ModelError) as refused:
        find_checkpoint(ModelRef(MODEL))
    stand_in.readers.add(TOKEN)
    find_checkpoint(ModelRef(MODEL))
    assert stand_in.tokens == {TOKEN}
    for shown in (str(refused.value), repr(refused.value), caplog.text, *capfd.readouterr()):
        assert TOKEN not in shown


def test_a_token_that_was_saved_elsewhere_is_not_used(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    find_checkpoint(ModelRef(MODEL))
    assert not stand_in.tokens


def test_a_pickle_alone_is_refused_before_it_is_downloaded(stand_in: StandIn, large_model: Path, tmp_path: Path):
    folder = shutil.copytree(large_model, tmp_path / "pickle")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    stand_in.models[MODEL] = folder
    with pytest.raises(ModelError, match="pickles only"):
        find_checkpoint(ModelRef(MODEL))
    assert stand_in.sent == 0
    assert not [path for _, path, _ in stand_in.asked if "resolve" in path]


def test_one_gguf_file_is_asked_for_by_its_name(stand_in: StandIn, tmp_path: Path):
    folder = tmp_path / "gguf"
    folder.mkdir()
    for name in ("model-q4.gguf", "model-q8.gguf"):
        (folder / name).write_bytes(b"GGUF" + name.encode() * 100_000)
    stand_in.models["someone/gguf"] = folder
    with pytest.raises(ModelError, match=r"Name the one you mean: someone/gguf/model-q4\.gguf"):
        find_checkpoint(ModelRef("someone/gguf"))
    with pytest.raises(ModelError, match=r"has no file other\.gguf\. It has: model-q4\.gguf, model-q8\.gguf"):
        find_checkpoint(ModelRef("someone/gguf/other.gguf"))
    checkpoint = find_checkpoint(ModelRef("someone/gguf/model-q8.gguf"))
    assert checkpoint.gguf == "model-q8.gguf"
    assert checkpoint.weights[0].read_bytes() == (folder / "model-q8.gguf").read_bytes()
    assert local_checkpoint(ModelRef("someone/gguf/model-q8.gguf")) == checkpoint
    assert local_checkpoint(ModelRef("someone/gguf/model-q4.gguf")) is None


def test_an_adapter_on_the_hub_brings_its_base(stand_in: StandIn, large_model: Path, tmp_path: Path):
    model = AutoModelForCausalLM.from_pretrained(large_model)
    model.config._name_or_path = model.name_or_path = MODEL
    wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=["down_proj"], task_type="CAUSAL_LM"))
    wrapped.save_pretrained(str(tmp_path / "adapter"))
    stand_in.models["someone/adapter"] = tmp_path / "adapter"
    checkpoint = find_checkpoint(ModelRef("someone/adapter"))
    assert checkpoint.adapter is not None
    assert checkpoint.weights[0].samefile(find_checkpoint(ModelRef(MODEL)).weights[0])
    assert local_checkpoint(ModelRef("someone/adapter")) == checkpoint


def test_a_model_of_which_a_shard_has_not_arrived_is_not_here(stand_in: StandIn, cache_of_hub: Path):
    folder = find_checkpoint(ModelRef(MODEL)).folder
    index = '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'
    (folder / "model.safetensors.index.json").write_text(index)
    assert local_checkpoint(ModelRef(MODEL)) is None


def test_a_peek_reads_the_config_and_no_weight(stand_in: StandIn, large_model: Path):
    seen = hub.peek(MODEL)
    assert seen.config["hidden_size"] == 256
    assert seen.weight_bytes == weights_of(large_model)
    assert seen.here_bytes == 0
    assert stand_in.sent == 0
    assert not [path for _, path, _ in stand_in.asked if "safetensors" in path]
    assert local_checkpoint(ModelRef(MODEL)) is None
    find_checkpoint(ModelRef(MODEL))
    assert hub.peek(MODEL).here_bytes == weights_of(large_model)


def test_what_is_here_is_listed_and_runs_without_a_network(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    assert hub_cache.in_local_cache() == ()
    checkpoint = find_checkpoint(ModelRef(MODEL))
    (listed,) = hub_cache.in_local_cache()
    assert (listed.id, listed.bytes > 12_000_000) == (MODEL, True)
    stand_in.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find_checkpoint(ModelRef(MODEL)) == checkpoint
    assert not stand_in.asked
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert find_checkpoint(ModelRef(MODEL)) == checkpoint
    assert find_checkpoint(ModelRef(MODEL, "main")) == checkpoint


@pytest.mark.parametrize("reach", ["offline", "unreachable"])
def test_a_model_that_is_not_here_ends_in_a_next_step(reach: str, cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", reach == "offline")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert local_checkpoint(ModelRef("nobody/no-such-model")) is None
    said = {
        "offline": r"HF_HUB_OFFLINE is set\. Unset HF_HUB_OFFLINE to download it",
        "unreachable": r"the hub cannot be reached\. Check the name and the network",
    }
    with pytest.raises(ModelError, match=said[reach]):
        find_checkpoint(ModelRef("nobody/no-such-model", "main"))


@pytest.fixture
def silent(cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A hub that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(3)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


def ask_aside(model: str = "nobody/no-such-model", watcher: Watcher = SILENT) -> Future[Checkpoint]:
    """Looks for a hub model in a thread that nobody has to wait for."""
    answer: Future[Checkpoint] = Future()

    def ask() -> None:
        try:
            answer.set_result(find_checkpoint(ModelRef(model), watcher=watcher))
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer


def test_a_hub_that_breaks_off_ends_in_a_next_step(silent: socket.socket):
    answer = ask_aside()
    silent.accept()[0].close()
    silent.close()
    with pytest.raises(ModelError, match="hub cannot be reached"):
        answer.result(timeout=5)


def test_a_hub_that_never_answers_is_not_waited_for_without_end(silent: socket.socket, monkeypatch: pytest.MonkeyPatch):
    """The queue has one worker: a download that hangs would hold up everybody."""
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    with pytest.raises(ModelError, match="hub cannot be reached"):
        ask_aside().result(timeout=3)


def test_a_hub_that_never_answers_can_be_cancelled(silent: socket.socket):
    with pytest.raises(Cancelled):
        ask_aside(watcher=Recorder(cancel_at=0)).result(timeout=3)


@pytest.mark.parametrize("name", ["nobody/-model", "some--body/model", "nobody/model.git"])
def test_a_name_that_no_hub_model_can_have_ends_in_a_next_step(name: str, cache_of_hub: Path):
    assert local_checkpoint(ModelRef(name)) is None
    with pytest.raises(ModelError):
        find_checkpoint(ModelRef(name))


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        (
            "model.safetensors.index.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors "
            "model.safetensors",
            "model-00001-of-00002.safetensors model-00002-of-00002.safetensors",
        ),
        ("model.safetensors model.fp16.safetensors", "model.safetensors"),
        ("consolidated.safetensors model-00001-of-00001.safetensors", "model-00001-of-00001.safetensors"),
        ("consolidated.safetensors", "consolidated.safetensors"),
        ("model.safetensors model-q4.gguf", "model.safetensors"),
    ],
)
def test_every_weight_is_downloaded_once(
    names: str, weights: str, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in names.split():
        (folder / name).write_bytes(b"7")
    (folder / "config.json").write_text("{}")
    if "index" in names:
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": dict(enumerate(weights.split()))})
        )
    stand_in.models["someone/many"] = folder
    assert hub.peek("someone/many").weight_bytes == len(weights.split())
    arrived = {file.name for file in hub.download("someone/many", "", SILENT).iterdir()}
    assert arrived - {"config.json", "model.safetensors.index.json"} == set(weights.split())
    assert [model.bytes for model in hub_cache.in_local_cache()] == [len(weights.split())]


def test_the_only_gguf_file_needs_no_name(stand_in: StandIn, tmp_path: Path):
    for name in ("model-q4.gguf", "mmproj-model.gguf", "tokenizer.json", "README.md"):
        (tmp_path / "gguf" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "gguf" / name).write_bytes(b"{}")
    stand_in.models["someone/gguf"] = tmp_path / "gguf"
    assert hub.peek("someone/gguf") == hub.Peek({}, 2, None, None, 0)
    checkpoint = find_checkpoint(ModelRef("someone/gguf"))
    assert {file.name for file in checkpoint.folder.iterdir()} == {"model-q4.gguf", "tokenizer.json"}
    assert local_checkpoint(ModelRef("someone/gguf")) == checkpoint
    (listed,) = hub_cache.in_local_cache()
    assert listed == hub_cache.CachedModel("someone/gguf/model-q4.gguf", 2, "", stand_in.commit("someone/gguf"))
    assert local_checkpoint(ModelRef(listed.id, listed.revision)) == checkpoint


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, r"The hub does not accept HF_TOKEN\. Set it to a valid token"),
        (503, r"The hub answered 503 for someone/model\. Try again"),
        (200, r"answer for someone/model is not valid\. Check whether a proxy"),
    ],
)
def test_a_hub_that_refuses_is_quoted_and_does_not_matter_if_the_model_is_here(
    status: int, said: str, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    stand_in.status = status
    with pytest.raises(ModelError, match=said):
        find_checkpoint(ModelRef(MODEL))
    stand_in.status = None
    checkpoint = find_checkpoint(ModelRef(MODEL))
    stand_in.status = status
    assert find_checkpoint(ModelRef(MODEL)) == checkpoint
    assert hub.peek(MODEL).here_bytes == hub.peek(MODEL).weight_bytes > 0


@pytest.mark.parametrize("spoilt", [f"{TOKEN}\nX-Other: 1", f"{TOKEN} {TOKEN}", f"{TOKEN}é"])
def test_a_token_that_no_header_can_carry_is_not_shown(spoilt: str, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", spoilt)
    with pytest.raises(ModelError, match=r"HF_TOKEN contains characters that no token can have\.") as refused:
        find_checkpoint(ModelRef(MODEL))
    assert TOKEN not in "".join(traceback.format_exception(refused.value))
    assert not stand_in.asked


def test_the_token_stays_with_the_hub_when_it_sends_a_download_on(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running() as storage:
        storage.models, stand_in.elsewhere = stand_in.models, storage.address
        find_checkpoint(ModelRef(MODEL))
        assert storage.sent == weights_of(stand_in.models[MODEL])
        assert (stand_in.tokens, storage.tokens) == ({TOKEN}, set())


def test_a_branch_that_moved_is_downloaded_again_and_its_old_commit_stays(
    stand_in: StandIn, large_model: Path, tmp_path: Path
):
    before = find_checkpoint(ModelRef(MODEL)).folder
    stand_in.models[MODEL] = Path(shutil.copytree(large_model, tmp_path / "moved"))
    (tmp_path / "moved" / "config.json").write_text((large_model / "config.json").read_text() + "\n")
    after = find_checkpoint(ModelRef(MODEL)).folder
    assert hub_cache.commit_of(after) == after.name == stand_in.commit(MODEL) != before.name
    assert stand_in.sent == weights_of(large_model)  # the weights are the same
    assert hub_cache.local_folder(MODEL) == hub_cache.local_folder(MODEL, "main") == after
    assert hub_cache.local_folder(MODEL, before.name) == before
    assert {(model.id, model.revision) for model in hub_cache.in_local_cache()} == {(MODEL, ""), (MODEL, before.name)}


def test_a_commit_is_read_off_a_snapshot_in_the_cache_alone(cache_of_hub: Path, tmp_path: Path):
    commit = "0123456789" * 4
    snapshots = cache_of_hub / "models--someone--model" / "snapshots"
    assert hub_cache.commit_of(snapshots / commit) == hub_cache.commit_of(snapshots / commit / "model.gguf") == commit
    assert (
        hub_cache.commit_of(snapshots / "main")
        == hub_cache.commit_of(snapshots)
        == hub_cache.commit_of(cache_of_hub)
        == ""
    )
    assert hub_cache.commit_of(tmp_path / "models--someone--model" / "snapshots" / commit) == ""


def test_a_peek_tells_what_the_hub_has_counted(stand_in: StandIn, large_model: Path, tmp_path: Path):
    stand_in.told = {"safetensors": {"parameters": {"F32": 7, "BF16": 100}, "total": 107}}
    assert (hub.peek(MODEL).parameters, hub.peek(MODEL).stored_dtype) == (107, "bfloat16")
    stand_in.told = {}
    assert (hub.peek(MODEL).parameters, hub.peek(MODEL).stored_dtype) == (None, None)
    stand_in.models[MODEL] = Path(shutil.copytree(large_model, tmp_path / "indexed"))
    index = {"metadata": {"total_parameters": 5, "total_size": 20}, "weight_map": {"a": "model.safetensors"}}
    (tmp_path / "indexed" / "model.safetensors.index.json").write_text(json.dumps(index))
    assert hub.peek(MODEL).parameters == 5
    assert stand_in.sent == 0


def test_a_peek_at_an_adapter_reads_its_own_config(stand_in: StandIn, tmp_path: Path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/model"}')
    (folder / "adapter_model.safetensors").write_bytes(bytes(9))
    stand_in.models["someone/adapter"] = folder
    assert hub.peek("someone/adapter").config == {"base_model_name_or_path": "someone/model"}
    assert hub.peek("someone/adapter").weight_bytes == 9


def test_a_peek_does_not_wait_for_a_silent_hub(silent: socket.socket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
    started = time.monotonic()
    with pytest.raises(ModelError, match="hub cannot be reached"):
        hub.peek(MODEL)
    assert time.monotonic() - started < 1


def test_a_peek_does_not_wait_for_a_file_that_never_comes(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.3)
    stand_in.keeps_files = True
    started = time.monotonic()
    with pytest.raises(ModelError, match="hub cannot be reached"):
        hub.peek(MODEL)
    assert time.monotonic() - started < 1.5


def test_a_half_download_is_neither_here_nor_listed(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    folder = find_checkpoint(ModelRef(MODEL)).folder
    (folder / "model.safetensors").unlink()
    assert hub_cache.local_folder(MODEL) is None
    assert hub_cache.in_local_cache() == ()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="is not complete in the local cache, and HF_HUB_OFFLINE is set"):
        find_checkpoint(ModelRef(MODEL))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert find_checkpoint(ModelRef(MODEL)).weights[0].is_file()
    assert stand_in.sent == weights_of(folder)  # the blob was here still


def test_a_model_of_which_a_shard_is_missing_is_not_here_with_an_index_or_without(cache_of_hub: Path):
    snapshot = cache_of_hub / "models--someone--model" / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model-00001-of-00002.safetensors").write_bytes(bytes(8))
    assert hub_cache.local_folder(MODEL, "a" * 40) is None
    (snapshot / "model-00002-of-00002.safetensors").write_bytes(bytes(8))
    assert hub_cache.local_folder(MODEL, "a" * 40) == snapshot
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00003.safetensors"}}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps(index))
    assert hub_cache.local_folder(MODEL, "a" * 40) is None


def snapshot_of(cache: Path, repository: str, used: int) -> Path:
    """A tiny whole snapshot, on main, last used at a time."""
    storage = cache / f"models--{repository.replace('/', '--')}"
    folder = storage / "snapshots" / (f"{used:040d}")
    folder.mkdir(parents=True)
    (storage / "refs").mkdir()
    (storage / "refs" / "main").write_text(folder.name)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(8))
    os.utime(folder / "model.safetensors", (used, used))
    return folder


def test_what_is_broken_in_the_cache_is_passed_over(cache_of_hub: Path):
    for used, name in enumerate(("some/old", "some/new", "some/index", "some/link", "some/names"), 1):
        snapshot_of(cache_of_hub, name, used)
    (cache_of_hub / "models--some--index/snapshots" / f"{3:040d}" / "model.safetensors.index.json").write_text("{")
    link = cache_of_hub / "models--some--link/snapshots" / f"{4:040d}" / "model.safetensors"
    link.unlink()
    link.symlink_to("../../blobs/gone")
    (cache_of_hub / "models--some--names/refs/main").write_bytes(b"\xff")
    (cache_of_hub / "models--some--file").write_text("")
    (cache_of_hub / "datasets--some--texts").mkdir()
    assert [model.id for model in hub_cache.in_local_cache()] == ["some/new", "some/old"]


def test_there_may_be_no_cache_at_all_or_a_file_in_its_place(cache_of_hub: Path):
    assert hub_cache.in_local_cache() == ()
    cache_of_hub.write_text("")
    assert hub_cache.in_local_cache() == ()
    assert hub_cache.local_folder(MODEL) is None


def test_the_local_cache_is_listed_in_no_time_and_without_torch(cache_of_hub: Path):
    for used in range(1, 9):
        snapshot_of(cache_of_hub, f"some/model-{used}", used)
    code = (
        "import sys, time; from neuronxa_core.models import hub_cache; hub_cache.in_local_cache();"
        "start = time.perf_counter();"
        "found = hub_cache.in_local_cache(); seconds = time.perf_counter() - start;"
        "print(len(found), seconds < 0.05, sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    environment = os.environ | {"HF_HUB_CACHE": str(cache_of_hub)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.split() == ["8", "True", "[]"], done.stderr


@pytest.mark.parametrize("name", ["a", "a/b/c", "/a/b", "a/b/c.safetensors"])
def test_what_is_no_hub_id_is_not_asked_for(name: str, stand_in: StandIn):
    assert hub_cache.local_folder(name) is None
    with pytest.raises(ModelError, match="There is no model at"):
        find_checkpoint(ModelRef(name))
    assert not stand_in.asked


def test_no_name_leads_out_of_the_cache(cache_of_hub: Path):
    (cache_of_hub / "models--a--b" / "snapshots" / "main").mkdir(parents=True)
    (cache_of_hub / "secret.gguf").write_bytes(b"GGUF")
    assert hub_cache.local_folder("a/b/../../../secret.gguf") is None


def test_a_blob_that_was_cut_off_is_downloaded_again(stand_in: StandIn, large_model: Path):
    blob = find_checkpoint(ModelRef(MODEL)).weights[0].resolve()
    blob.write_bytes(blob.read_bytes()[:-9])
    assert find_checkpoint(ModelRef(MODEL)).fingerprint == checkpoint_at(large_model).fingerprint


def test_the_page_shows_a_download_and_lets_it_be_cancelled_and_taken_up_again(
    stand_in: StandIn, large_model: Path, tiny_corpus: Path
):
    from tests.pages.app import open_page, wait_for_charts

    ask_again()
    stand_in.pause = 0.1
    app = open_page("alignment", model=MODEL, corpus=str(tiny_corpus), pairs="8")
    assert any("12\xa0MB to download" in line.value for line in app.caption)
    app.button(key="run").click().run()
    deadline = time.monotonic() + 20
    while (
        not (shown := [line for line in texts_of_progress(app) if "of 12 MB" in line]) and time.monotonic() < deadline
    ):
        time.sleep(0.1)
        app.run()
    assert shown[0].startswith("Downloading · ")
    app.button(key="cancel").click().run()
    app.run()
    assert app.button(key="run")
    stand_in.pause = 0.0
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    assert stand_in.sent < 1.5 * weights_of(large_model)


def texts_of_progress(app) -> list[str]:
    return [bar.proto.text for bar in app.get("progress")]


def test_a_hub_that_was_away_can_be_asked_again(stand_in: StandIn, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch):
    from tests.pages.app import open_page

    ask_again()
    with monkeypatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
        app = open_page("alignment", model=MODEL, corpus=str(tiny_corpus), pairs="8")
        assert "hub cannot be reached" in app.error[0].value
    app.button(key="ask_again").click().run()
    assert not app.error
    assert not app.button(key="run").disabled
