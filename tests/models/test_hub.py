"""Models from the hub, against a stand-in of its HTTP interface on loopback."""

import logging
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from neuronxa_core.alignment.result import Study
from neuronxa_core.alignment.study import run_study
from neuronxa_core.errors import Cancelled, ModelError
from neuronxa_core.models import hub
from neuronxa_core.models.catalogue import find_checkpoint, local_checkpoint
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.cost import ask_again
from neuronxa_core.progress import SILENT, Watcher
from tests import tiny
from tests.hub_stand_in import StandIn, running

MODEL = "someone/model"
TOKEN = "hf_sentinelsentinelsentinel"


@pytest.fixture(scope="module")
def large_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose weights are 12.9 MB, which is large to the hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny.FAMILIES, "llama", tiny.SIZES | {"hidden_size": 256, "intermediate_size": 1024})
        return tiny.save_tiny_model(tmp_path_factory.mktemp("large"), "llama")


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
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", files
        )  # what the library made of it when imported
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
        server.models[MODEL] = large_model
        yield server


class Recorder(Watcher):
    """Keeps what was reported, and cancels as soon as so many MB have arrived."""

    def __init__(self, cancel_at: float = float("inf")) -> None:
        self.reports: list[tuple[str, int, int]] = []
        self.cancel_at = cancel_at

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.reports.append((phase, done, total))

    def check(self) -> None:
        if self.reports[-1][1] >= self.cancel_at:
            raise Cancelled


def weights_of(folder: Path) -> int:
    return (folder / "model.safetensors").stat().st_size


def test_a_model_is_downloaded_whole_and_studied(stand_in: StandIn, large_model: Path, tiny_corpus: Path):
    assert local_checkpoint(MODEL) is None
    recorder = Recorder()
    checkpoint = find_checkpoint(MODEL, watcher=recorder)
    assert checkpoint.fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent == weights_of(large_model)
    assert local_checkpoint(MODEL) == checkpoint
    assert local_checkpoint(MODEL, "main") == checkpoint
    assert {phase for phase, _, _ in recorder.reports} == {"downloading"}
    assert ("downloading", 0, round(weights_of(large_model) / 1e6)) in recorder.reports
    study = Study(MODEL, str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="float32")
    assert run_study(study).provenance["model_fingerprint"] == checkpoint.fingerprint
    assert stand_in.sent == weights_of(large_model)  # once


def test_what_is_no_part_of_the_model_is_not_downloaded(stand_in: StandIn, large_model: Path, tmp_path: Path):
    folder = shutil.copytree(large_model, tmp_path / "more")
    for name in ("pytorch_model.bin", "consolidated.safetensors", "model.onnx", "evil.py"):
        (folder / name).write_bytes(b"x" * 1_100_000)
    stand_in.models[MODEL] = folder
    arrived = {file.name for file in find_checkpoint(MODEL).folder.iterdir()}
    assert arrived == {file.name for file in large_model.iterdir()}


def test_a_revision_that_is_a_commit_is_found_by_it(stand_in: StandIn):
    commit = stand_in.commit(MODEL)
    assert find_checkpoint(MODEL, commit).folder.name == commit
    assert local_checkpoint(MODEL, commit) is not None


def test_a_killed_download_goes_on_where_it_stopped(stand_in: StandIn, large_model: Path, cache_of_hub: Path):
    stand_in.pause = 0.1
    code = f"from neuronxa_core.models.catalogue import find_checkpoint; find_checkpoint({MODEL!r})"
    environment = os.environ | {"HF_ENDPOINT": stand_in.address, "HF_HUB_CACHE": str(cache_of_hub)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 60
    while stand_in.sent < 4_000_000 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    time.sleep(0.3)  # the server notices at its next piece
    arrived = sum(part.stat().st_size for part in cache_of_hub.rglob("*.neuronxa-part"))
    assert 1_000_000 < arrived < weights_of(large_model)
    assert local_checkpoint(MODEL) is None
    stand_in.pause, stand_in.sent = 0.0, 0
    assert find_checkpoint(MODEL).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent == weights_of(large_model) - arrived
    assert f"bytes={arrived}-" in [asked for _, path, asked in stand_in.asked if path.endswith("model.safetensors")]
    assert not list(cache_of_hub.rglob("*.neuronxa-part"))


def test_a_cancelled_download_stops_within_a_second_and_goes_on_later(stand_in: StandIn, large_model: Path):
    stand_in.pause = 0.1
    recorder = Recorder(cancel_at=2)
    with pytest.raises(Cancelled):
        find_checkpoint(MODEL, watcher=recorder)
    time.sleep(0.5)
    sent = stand_in.sent
    assert sent < weights_of(large_model)
    time.sleep(0.3)
    assert stand_in.sent - sent <= 256_000
    stand_in.pause = 0.0
    assert find_checkpoint(MODEL).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent <= weights_of(large_model) + 4 * 256_000


def test_a_hub_that_hangs_in_the_middle_of_a_file_can_be_cancelled(stand_in: StandIn):
    stand_in.breaks_after, stand_in.hangs = 2_000_000, True
    with pytest.raises(Cancelled):
        find_checkpoint(MODEL, watcher=Recorder(cancel_at=2))


def test_a_connection_that_breaks_is_taken_up_again_by_itself(stand_in: StandIn, large_model: Path):
    stand_in.breaks_after = 9_000_000
    assert find_checkpoint(MODEL).fingerprint == checkpoint_at(large_model).fingerprint
    assert stand_in.sent == weights_of(large_model)


def test_a_hub_that_goes_away_ends_in_a_next_step_and_what_arrived_is_kept(
    stand_in: StandIn, cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch
):
    from huggingface_hub import file_download

    def broken(_: str, content, **__: object) -> None:
        content.write(b"x" * 1000)
        raise file_download.httpx2.ReadTimeout("read")

    monkeypatch.setattr(file_download, "http_get", broken)
    with pytest.raises(ModelError, match=r"broke off\. Run again: what has arrived is kept"):
        find_checkpoint(MODEL)
    assert sum(part.stat().st_size for part in cache_of_hub.rglob("*.neuronxa-part")) == 1000


def test_a_file_that_arrives_damaged_is_thrown_away(stand_in: StandIn, cache_of_hub: Path, large_model: Path):
    stand_in.pause = 0.1
    with pytest.raises(Cancelled):
        find_checkpoint(MODEL, watcher=Recorder(cancel_at=2))
    stand_in.pause = 0.0
    time.sleep(0.5)
    part = next(cache_of_hub.rglob("*.neuronxa-part"))
    part.write_bytes(b"\0" * part.stat().st_size)
    with pytest.raises(ModelError, match=r"arrived damaged\. Run again"):
        find_checkpoint(MODEL)
    assert find_checkpoint(MODEL).fingerprint == checkpoint_at(large_model).fingerprint


def test_a_disk_that_is_too_small_is_told_before_anything_is_downloaded(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
):
    free = shutil.disk_usage("/")._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(ModelError, match=r"needs 0\.0 GB more on disk.*set HF_HOME"):
        find_checkpoint(MODEL)
    assert stand_in.sent == 0


def test_gated_private_and_missing_models_are_told_apart(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    stand_in.gated.add(MODEL)
    for model, revision, said in (
        (MODEL, "", r"is gated\. Accept its terms on its page and set HF_TOKEN"),
        ("someone/nothing", "", r"knows no model someone/nothing, or it is private\. Check the spelling"),
        (MODEL, "v9", r"knows no model someone/model at revision v9\."),
    ):
        with pytest.raises(ModelError, match=said):
            find_checkpoint(model, revision)
        with pytest.raises(ModelError, match=said):
            hub.peek(model, revision)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(ModelError, match=r"is gated\. Accept its terms on its page with the account that HF_TOKEN"):
        find_checkpoint(MODEL)
    stand_in.readers.add(TOKEN)
    assert find_checkpoint(MODEL).weights


def test_the_token_is_sent_and_never_shown(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    stand_in.gated.add(MODEL)
    with pytest.raises(ModelError) as refused:
        find_checkpoint(MODEL)
    stand_in.readers.add(TOKEN)
    find_checkpoint(MODEL)
    assert stand_in.tokens == {TOKEN}
    for shown in (str(refused.value), repr(refused.value), caplog.text, *capfd.readouterr()):
        assert TOKEN not in shown


def test_a_token_that_was_saved_elsewhere_is_not_used(
    stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    find_checkpoint(MODEL)
    assert not stand_in.tokens


def test_a_pickle_alone_is_refused_before_it_is_downloaded(stand_in: StandIn, large_model: Path, tmp_path: Path):
    folder = shutil.copytree(large_model, tmp_path / "pickle")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    stand_in.models[MODEL] = folder
    with pytest.raises(ModelError, match="pickles only"):
        find_checkpoint(MODEL)
    assert stand_in.sent == 0
    assert not [path for _, path, _ in stand_in.asked if "resolve" in path]


def test_one_gguf_file_is_asked_for_by_its_name(stand_in: StandIn, tmp_path: Path):
    folder = tmp_path / "gguf"
    folder.mkdir()
    for name in ("model-q4.gguf", "model-q8.gguf"):
        (folder / name).write_bytes(b"GGUF" + name.encode() * 100_000)
    stand_in.models["someone/gguf"] = folder
    with pytest.raises(ModelError, match=r"Name the one you mean: someone/gguf/model-q4\.gguf"):
        find_checkpoint("someone/gguf")
    with pytest.raises(ModelError, match=r"holds no other\.gguf\. It holds: model-q4\.gguf, model-q8\.gguf"):
        find_checkpoint("someone/gguf/other.gguf")
    checkpoint = find_checkpoint("someone/gguf/model-q8.gguf")
    assert checkpoint.gguf == "model-q8.gguf"
    assert checkpoint.weights[0].read_bytes() == (folder / "model-q8.gguf").read_bytes()
    assert local_checkpoint("someone/gguf/model-q8.gguf") == checkpoint
    assert local_checkpoint("someone/gguf/model-q4.gguf") is None


def test_an_adapter_on_the_hub_brings_its_base(stand_in: StandIn, large_model: Path, tmp_path: Path):
    model = AutoModelForCausalLM.from_pretrained(large_model)
    model.config._name_or_path = model.name_or_path = MODEL
    wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=["down_proj"], task_type="CAUSAL_LM"))
    wrapped.save_pretrained(tmp_path / "adapter")
    stand_in.models["someone/adapter"] = tmp_path / "adapter"
    checkpoint = find_checkpoint("someone/adapter")
    assert checkpoint.adapter is not None
    assert checkpoint.weights[0].samefile(find_checkpoint(MODEL).weights[0])
    assert local_checkpoint("someone/adapter") == checkpoint


def test_a_model_of_which_a_shard_has_not_arrived_is_not_here(stand_in: StandIn, cache_of_hub: Path):
    folder = find_checkpoint(MODEL).folder
    index = '{"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}'
    (folder / "model.safetensors.index.json").write_text(index)
    assert local_checkpoint(MODEL) is None


def test_a_peek_reads_the_config_and_no_weight(stand_in: StandIn, large_model: Path):
    seen = hub.peek(MODEL)
    assert seen.config["hidden_size"] == 256
    assert seen.weight_bytes == weights_of(large_model)
    assert seen.here_bytes == 0
    assert stand_in.sent == 0
    assert not [path for _, path, _ in stand_in.asked if "safetensors" in path]
    assert local_checkpoint(MODEL) is None
    find_checkpoint(MODEL)
    assert hub.peek(MODEL).here_bytes == weights_of(large_model)


def test_what_is_here_is_listed_and_runs_without_a_network(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch):
    assert hub.in_local_cache() == ()
    checkpoint = find_checkpoint(MODEL)
    (listed,) = hub.in_local_cache()
    assert (listed.id, listed.bytes > 12_000_000) == (MODEL, True)
    stand_in.asked.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert find_checkpoint(MODEL) == checkpoint
    assert not stand_in.asked
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert find_checkpoint(MODEL) == checkpoint
    assert find_checkpoint(MODEL, "main") == checkpoint


@pytest.mark.parametrize("reach", ["offline", "unreachable"])
def test_a_model_that_is_not_here_ends_in_a_next_step(reach: str, cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", reach == "offline")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert local_checkpoint("nobody/no-such-model") is None
    why = "HF_HUB_OFFLINE is set" if reach == "offline" else "the hub cannot be reached"
    with pytest.raises(ModelError, match=rf"{why}\. Check the name and the network"):
        find_checkpoint("nobody/no-such-model", "main")


@pytest.fixture
def silent(cache_of_hub: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A hub that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(3)
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield server


def ask_aside(watcher: Watcher = SILENT) -> Future[None]:
    """Looks for a hub model in a thread that nobody has to wait for."""
    answer: Future[None] = Future()

    def ask() -> None:
        try:
            find_checkpoint("nobody/no-such-model", watcher=watcher)
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
        ask_aside(Recorder(cancel_at=0)).result(timeout=3)


@pytest.mark.parametrize("name", ["nobody/-model", "some--body/model", "nobody/model.git"])
def test_a_name_that_no_hub_model_can_have_ends_in_a_next_step(name: str, cache_of_hub: Path):
    assert local_checkpoint(name) is None
    with pytest.raises(ModelError):
        find_checkpoint(name)


def test_the_page_shows_a_download_and_lets_it_be_cancelled_and_taken_up_again(
    stand_in: StandIn, large_model: Path, tiny_corpus: Path
):
    from tests.pages.test_pages import open_page, wait_for_charts

    ask_again()
    stand_in.pause = 0.1
    app = open_page("alignment", model=MODEL, corpus=str(tiny_corpus), pairs="8")
    assert any("12 MB to download" in line.value for line in app.caption)
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
    from tests.pages.test_pages import open_page

    ask_again()
    with monkeypatch.context() as patch:
        patch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
        app = open_page("alignment", model=MODEL, corpus=str(tiny_corpus), pairs="8")
        assert "hub cannot be reached" in app.error[0].value
    app.button(key="ask_again").click().run()
    assert not app.error
    assert not app.button(key="run").disabled
