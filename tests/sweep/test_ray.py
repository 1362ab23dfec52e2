"""The one test that starts Ray: a worker is killed, and the store is as if nothing had happened."""

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from neuronxa_core.errors import SweepError
from neuronxa_core.states import store as cache
from neuronxa_core.sweep import ray_engine
from neuronxa_core.sweep.listing import scores
from neuronxa_core.sweep.local import run_here
from neuronxa_core.sweep.plan import read_plan
from neuronxa_core.sweep.run import Told
from neuronxa_core.sweep.store import Store


@pytest.mark.slow
@pytest.mark.parametrize(("deaths", "started"), [(2, 3), (9, 3)])
def test_a_worker_that_dies_while_it_starts_is_started_again_though_not_for_ever(deaths: int, started: int):
    from ray import exceptions

    left, made = [exceptions.ActorDiedError()] * deaths, list[str]()

    def get(pid, timeout: float) -> int:
        if left:
            raise left.pop()
        return 1

    def begin(url: str, device: str) -> SimpleNamespace:
        made.append(url)
        return SimpleNamespace(pid=SimpleNamespace(remote=int))

    actors = object.__new__(ray_engine.Actors)
    vars(actors).update(ray=SimpleNamespace(get=get), kind=SimpleNamespace(remote=begin), made=("store", "cpu"))
    if deaths < started:
        assert actors.start().pid
    else:
        with pytest.raises(SweepError, match="A worker did not start"):
            actors.start()
    assert len(made) == started


@pytest.mark.slow
def test_a_killed_worker_leaves_the_store_of_an_undisturbed_sweep(tiny_model, tiny_corpus: Path, tmp_path, monkeypatch):
    for code in ("ita_Latn", "spa_Latn", "por_Latn"):
        lines = (tiny_corpus / "fra_Latn.txt").read_text().splitlines()
        (tiny_corpus / f"{code}.txt").write_text("\n".join(f"{line} {code}" for line in lines))
    file = tmp_path / "plan.yaml"
    file.write_text(f"models: {tiny_model('llama')}\ncorpora: {tiny_corpus}\npairs: 8\ndtype: float32\n")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    pids: list[int] = []
    start = ray_engine.Actors.start

    def noted(self):
        worker = start(self)
        pids.append(self.ray.get(worker.pid.remote()))
        return worker

    monkeypatch.setattr(ray_engine.Actors, "start", noted)

    class Killer(Told):
        def ended(self, done) -> None:
            if len(pids) == 1:
                os.kill(pids[0], signal.SIGKILL)
                time.sleep(0.1)
                assert os.environ["RAY_AUTH_MODE"] == "token"

    plan, disturbed = read_plan(file), Store(str(tmp_path / "disturbed"), create=True)
    tally = ray_engine.run_on_ray(plan, disturbed, listener=Killer(), workers=1)
    assert (tally.done, tally.failed, len(pids)) == (5, 0, 2)
    with cache.apart():
        undisturbed = Store(str(tmp_path / "undisturbed"), create=True)
        assert run_here(plan, undisturbed).done == 5
    pd.testing.assert_frame_equal(scores(disturbed), scores(undisturbed), check_exact=True)
    assert sorted(disturbed.rows()["key"]) == sorted(undisturbed.rows()["key"])
    assert ray_engine.run_on_ray(plan, disturbed).there == 5  # nothing is left to do, so no worker starts
    assert len(pids) == 2
