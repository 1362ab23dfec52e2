"""A store keeps what it is given, whoever else writes, and tells what is damaged."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuronxa_core.errors import ModelError, SweepError
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.rows import result_of
from neuronxa_core.sweep.diff import differences, lines, moved_between
from neuronxa_core.sweep.store import Store
from tests.sweep.examples import task_and_result


@pytest.fixture(params=["folder", "memory"])
def url(request, tmp_path: Path) -> str:
    return str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}"


def test_a_result_comes_back_to_the_bit_and_with_its_provenance(url: str):
    task, result = task_and_result("k", seed=3)
    Store(url, create=True).add(task, result)
    (row,) = Store(url).rows().to_dict("records")
    again = result_of(row)
    assert (again.study, again.provenance) == (result.study, result.provenance)
    for state in STATES:
        assert np.array_equal(again.outcomes[state], result.outcomes[state])
    assert row["nasca"] == result.mean("nas")
    assert (row["mexa_low"], row["mexa_high"]) == result.mean_interval("embedding")


def test_the_latest_result_of_a_task_counts_before_and_after_a_merge(url: str):
    store = Store(url, create=True)
    for seed in (1, 2):
        store.add(*task_and_result("k", seed=seed))
    expected = task_and_result("k", seed=2)[1].mean("nas")
    assert store.rows()["nasca"].tolist() == [expected]
    assert store.merge_files() == 2
    assert store.rows()["nasca"].tolist() == [expected]
    assert len(store.objects.names("results")) == 1


def test_writers_that_merge_at_the_same_time_lose_nothing_and_readers_never_see_less(url: str):
    Store(url, create=True)
    seen: list[int] = []
    over = threading.Event()

    def write(number: int) -> None:
        store = Store(url)
        for place in range(6):
            store.add(*task_and_result(f"{number}-{place}", seed=place))
            store.merge_files()

    def read() -> None:
        store = Store(url)
        while not over.is_set():
            seen.append(len(store.rows(["key"])))

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=[number]) for number in range(3)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    over.set()
    reader.join()
    assert sorted(Store(url).rows()["key"]) == sorted(f"{number}-{place}" for number in range(3) for place in range(6))
    assert seen == sorted(seen)
    assert Store(url).problems() == []


def test_a_flipped_bit_is_found_and_the_rest_is_read(tmp_path: Path):
    store = Store(str(tmp_path), create=True)
    for key in ("one", "two"):
        store.add(*task_and_result(key))
    file = next(tmp_path.glob("results/*/*/one-*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    assert store.rows()["key"].tolist() == ["two"]
    (problem,) = store.problems()
    assert file.name in problem
    store.merge_files()  # which leaves the damaged file where it is
    assert file.exists()


def test_another_stores_results_are_taken_over_once(tmp_path: Path):
    ours, theirs = (Store(str(tmp_path / name), create=True) for name in ("ours", "theirs"))
    ours.add(*task_and_result("a", seed=1))
    for key in ("a", "b"):
        theirs.add(*task_and_result(key, seed=2))
    assert ours.take_from(theirs) == 2  # theirs of `a` is newer
    assert ours.take_from(theirs) == 0
    expected = task_and_result("b", seed=2)[1].mean("nas")
    assert dict(zip(ours.rows()["key"], ours.rows()["nasca"], strict=True)) == {"a": expected, "b": expected}


def test_a_failure_is_told_until_the_task_succeeds(url: str):
    store = Store(url, create=True)
    task, result = task_and_result("k")
    for problem in ("It is gated.", "It does not fit."):
        store.add_failure(task, ModelError(problem, "Wait."), 1)
    assert [failure.problem for failure in store.failures().values()] == ["It does not fit."]
    assert store.missing([task]) == [task]
    store.add(task, result)
    assert store.failures(store.rows()["key"]) == {}
    assert store.missing([task]) == []
    assert store.missing([task], {"demo": "another file"}) == [task]


def test_what_is_no_store_or_of_a_later_version_is_refused(tmp_path: Path):
    with pytest.raises(SweepError, match="There is no store at"):
        Store(str(tmp_path))
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(SweepError, match="holds other files"):
        Store(str(tmp_path), create=True)
    Store(str(tmp_path / "later"), create=True)
    (tmp_path / "later" / "manifest.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(SweepError, match="has the format 99"):
        Store(str(tmp_path / "later"))
    with pytest.raises(SweepError, match="cannot be opened"):
        Store("nowhere://bucket/x", create=True)


def test_what_moved_beyond_its_interval_is_told_and_what_did_not_is_not(tmp_path: Path):
    before, after = (Store(str(tmp_path / name), create=True) for name in ("before", "after"))
    task, low = task_and_result("k", "deu_Latn", rate=0.2)
    _, high = task_and_result("k", "deu_Latn", rate=0.95)
    same, steady = task_and_result("same", "fra_Latn", seed=4)
    before.add(task, low)
    after.add(replace(task, key="another revision"), replace(high, study=replace(high.study, revision="main")))
    for store in (before, after):
        store.add(same, steady)
    before.add(*task_and_result("only here", "spa_Latn"))
    table = differences(before, after)
    assert len(table) == 2 * len(STATES)
    assert table.loc[table["moved"], "source"].unique().tolist() == ["deu_Latn"]
    row = table[(table["source"] == "deu_Latn") & (table["measure"] == "nasca")].iloc[0]
    assert row["difference"] == pytest.approx(high.mean("nas") - low.mean("nas"))
    assert 0 < row["ci_low"] < row["difference"] < row["ci_high"]
    assert (table.loc[table["source"] == "fra_Latn", "difference"] == 0).all()
    between = moved_between(before.rows()[:1], after.rows()[:1])
    assert between.iloc[0].to_dict() == row.to_dict()
    assert lines(table)[0].startswith("2 results in both stores; 3 of 6 scores moved")
