"""A store on an S3-compatible server on this machine, and one whose server goes away for a while."""

import time

import pytest

from neuronxa_core.errors import SweepError
from neuronxa_core.sweep.objects import WAITS, Objects
from neuronxa_core.sweep.store import Store
from tests.sweep.examples import task_and_result


@pytest.mark.slow
def test_a_store_on_s3_keeps_merges_and_lists(monkeypatch):
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SweepError):
            Store("s3://results/sweep")
        Objects("s3://results").fs.mkdir("results")
        store = Store("s3://results/sweep", create=True)
        for key in ("a", "b", "c"):
            store.add(*task_and_result(key, seed=ord(key)))
        assert store.merge_files() == 3
        store.add(*task_and_result("d"))
        again = Store("s3://results/sweep")
        assert again.rows()["key"].tolist() == ["a", "b", "c", "d"]
        assert len(again.objects.names("results")) == 2
        assert again.problems() == []
    finally:
        server.stop()


def test_a_server_that_comes_back_is_waited_for_and_one_that_never_answered_is_not(tmp_path, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    objects = Objects(str(tmp_path))
    objects.put("a", b"1")
    read, failures = objects.fs.cat_file, [ConnectionRefusedError("no answer")] * 3

    def come_back(path: str) -> bytes:
        if failures:
            raise failures.pop()
        return read(path)

    monkeypatch.setattr(objects.fs, "cat_file", come_back)
    assert objects.get("a") == b"1"
    assert waited == list(WAITS[:3])
    other = Objects(str(tmp_path))
    failures += [ConnectionRefusedError("no answer")] * 9
    with pytest.raises(SweepError, match="no answer"):
        other.get("a")
    assert len(waited) == 3 + 2
