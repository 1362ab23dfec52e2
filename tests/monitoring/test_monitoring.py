"""The log as JSON and the numbers for Prometheus tell what happened, and nothing that anybody typed."""

import json
import logging
import socket
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from neuronxa_core.cli import main
from neuronxa_core.errors import Cancelled, SettingsError, StudyError
from neuronxa_core.fairness import Caller
from neuronxa_core.foreign import logged
from neuronxa_core.jobs import JobQueue
from neuronxa_core.monitoring import events, logs, prometheus
from neuronxa_core.settings import settings
from neuronxa_core.study.study import Study
from neuronxa_core.worker.process import Work
from tests.conftest import set_settings
from tests.test_jobs import wait_until

STUDY = Study("demo", "/srv/private/corpus", "deu_Latn", "eng_Latn")
SENTENCE = "Der geheime Satz."


@dataclass(frozen=True)
class Asked:
    """A request with text that somebody typed."""

    study: Study = STUDY
    text: str = SENTENCE
    name: ClassVar[str] = "lens"


@pytest.fixture
def heard() -> Iterator[list[events.Event]]:
    found: list[events.Event] = []
    deaf = events.listen(found.append)
    yield found
    deaf()


def failing(error: BaseException):
    def work(watcher: object) -> None:
        raise error

    return work


def ended(queue: JobQueue, work: Work) -> None:
    ticket = queue.submit(Asked(), work, Caller("session-1"))
    wait_until(lambda: queue.look(ticket).status not in ("queued", "running"))
    wait_until(lambda: queue.lengths() == (0, 0))


def test_every_way_a_run_ends_is_told_with_its_session_as_a_hash(heard):
    queue = JobQueue()
    for work in (
        lambda watcher: 1,
        failing(StudyError("Wrong.", "Right it.")),
        failing(KeyError(SENTENCE)),
        failing(Cancelled()),
    ):
        ended(queue, work)
    wait_until(lambda: len(heard) == 4)
    assert [event.outcome for event in heard] == ["done", "refused", "failed", "cancelled"]
    assert [len(event.error_id) for event in heard] == [0, 0, 8, 0]
    assert {(event.kind, event.run, event.sessions) for event in heard} == {
        ("run", "lens", (events.hashed("session-1"),))
    }
    assert "session-1" not in repr(heard)
    assert events.hashed("session-1") != events.hashed("session-2")


def test_what_a_listener_raises_disturbs_nobody(heard, caplog):
    deaf = events.listen(failing(ValueError("no")))
    ended(JobQueue(), lambda watcher: 1)
    wait_until(lambda: "was not heard" in caplog.text)  # by the one, after the other has heard it
    deaf()
    assert len(heard) == 1


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture):
    """What the log says, as JSON, after it was formatted as NEURONXA_LOG=json does."""
    caplog.set_level(logging.INFO)
    return lambda: [json.loads(logs.JsonLines().format(record)) for record in caplog.records]


@pytest.mark.parametrize("mode", ["local", "shared"])
def test_the_log_has_run_duration_and_error_id_but_no_text_and_paths_only_in_local_mode(
    mode: str, lines, monkeypatch: pytest.MonkeyPatch
):
    set_settings(monkeypatch, mode=mode)
    deaf = events.listen(logs.write)
    queue = JobQueue()
    ended(queue, failing(KeyError(SENTENCE)))
    ended(queue, lambda watcher: 1)
    wait_until(lambda: len(lines()) == 3)
    deaf()
    failure, failed, done = lines()
    assert failure["message"] == "run of %s failed, error id %s"
    assert failure["error_id"] == failed["error_id"]
    assert failure["exception"] == "KeyError"
    assert failure["trace"][-1].endswith(" work")
    assert {name: failed[name] for name in ("event", "run", "outcome", "cache_hit")} == {
        "event": "run",
        "run": "lens",
        "outcome": "failed",
        "cache_hit": False,
    }
    assert done["outcome"] == "done"
    assert 0 <= done["seconds"] < 60
    assert done["sessions"] == [events.hashed("session-1")]
    text = json.dumps(lines(), ensure_ascii=False)
    assert SENTENCE not in text
    assert ("/srv/private/corpus" in text) == ("/tests/" in text) == (mode == "local")


def test_a_file_from_elsewhere_leaves_its_id_and_where_it_failed(lines, monkeypatch: pytest.MonkeyPatch):
    set_settings(monkeypatch, mode="shared")
    try:
        raise OverflowError(SENTENCE)
    except OverflowError as error:
        error_id = logged("/home/me/corpus.csv", error)
    logging.getLogger("elsewhere").warning(f"{SENTENCE} in /home/me")
    ours, others = lines()
    assert (ours["error_id"], ours["exception"]) == (error_id, "OverflowError")
    assert (others["logger"], others["level"]) == ("elsewhere", "warning")
    assert not [word for word in (SENTENCE, "/home") if word in json.dumps([ours, others])]


def test_the_log_stays_as_it_is_unless_json_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    root, silent = logging.Logger("root of its own"), logging.NullHandler()
    root.addHandler(silent)
    logs.begin(root)
    assert root.handlers == [silent]
    set_settings(monkeypatch, log="json")
    monkeypatch.setattr(events, "_LISTENERS", [])
    logs.begin(root)
    assert [type(handler.formatter) for handler in root.handlers] == [logs.JsonLines]
    assert [logs.write] == events._LISTENERS


def test_a_command_is_told_with_its_cache_hit_and_error_id_but_without_text(
    heard, tiny_model, tiny_corpus, tmp_path, cache, lines, capsys, monkeypatch: pytest.MonkeyPatch
):
    study = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    options = [part for name, value in (study | {"pairs": "8"}).items() for part in (f"--{name}", value)]
    out = ["--out", str(tmp_path)]
    assert main(["run", *options, *out]) == 0
    assert not heard
    set_settings(monkeypatch, cache_dir=str(cache / "fresh"), log="json")
    monkeypatch.setattr(logs, "begin", lambda: None)  # which would take the log of the whole test run
    ended = [main(["run", *options, *out]) for _ in range(2)] + [main(["run", *options, "--pairs", "900", *out])]
    capsys.readouterr()
    monkeypatch.setattr("neuronxa_core.cli.study_from", failing(KeyError(SENTENCE)))
    assert [*ended, main(["run", *options, *out])] == [0, 0, 2, 1]
    assert {event.run for event in heard} == {"run"}
    assert [(event.outcome, event.told["cache_hit"]) for event in heard] == [
        ("done", False),
        ("done", True),
        ("refused", False),
        ("failed", False),
    ]
    assert heard[0].told["model"] == study["model"]
    assert lines()[-1]["error_id"] == heard[-1].error_id
    assert SENTENCE not in json.dumps(lines()) + capsys.readouterr().err


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def scraped(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        text = reply.read().decode()
    rows = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in rows}


def test_prometheus_gets_queue_runs_seconds_and_cache(free_port: int):
    stop = prometheus.serve("127.0.0.1", free_port, lambda: (3, 1), lambda: {"states": 1234})
    try:
        for seconds in (4.0, 8.0):
            events.tell(events.Event("run", "lens", seconds=seconds, waited=30.0))
        events.tell(events.Event("run", "lens", "failed", seconds=0.25, waited=30.0))
        events.tell(events.Event("answer", "lens", source="cached"))
        found = scraped(free_port)
        assert (found["neuronxa_queue_length"], found["neuronxa_runs_active"]) == (3, 1)
        assert found['neuronxa_runs_total{outcome="done",run="lens"}'] == 2
        assert found['neuronxa_runs_total{outcome="failed",run="lens"}'] == 1
        assert found['neuronxa_run_seconds_sum{run="lens"}'] == 12.25
        assert found['neuronxa_run_seconds_bucket{le="5.0",run="lens"}'] == 2
        assert found["neuronxa_wait_seconds_sum"] == 90
        assert found['neuronxa_answers_total{run="lens",source="cached"}'] == 1
        assert found['neuronxa_cache_bytes{kind="states"}'] == 1234
        assert found["process_resident_memory_bytes"] > 1e6
        with pytest.raises(SettingsError, match="where nothing can listen"):
            prometheus.serve("127.0.0.1", free_port, lambda: (0, 0), dict)
    finally:
        stop()
    assert not events._LISTENERS


@pytest.mark.parametrize(
    ("text", "place"),
    [("", None), ("9464", ("127.0.0.1", 9464)), ("0.0.0.0:9464", ("0.0.0.0", 9464)), ("[::1]:9464", ("::1", 9464))],
)
def test_a_port_alone_listens_on_this_machine_only(text: str, place: object, monkeypatch: pytest.MonkeyPatch):
    set_settings(monkeypatch, metrics_port=text)
    assert settings().metrics == place


@pytest.mark.parametrize("text", ["0", "65536", "nine", "1.5", "::", "-1"])
def test_what_is_no_port_is_refused(text: str, monkeypatch: pytest.MonkeyPatch):
    set_settings(monkeypatch, metrics_port=text)
    with pytest.raises(SettingsError, match="which is not a port"):
        settings()
