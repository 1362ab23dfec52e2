"""A sweep in this process: as single runs, each piece of work once, and on past what fails."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.cli import main
from neuronxa_core.models import loading
from neuronxa_core.models.loading import out_of_memory
from neuronxa_core.progress import SILENT
from neuronxa_core.states import extraction
from neuronxa_core.states import store as cache
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.study.rows import result_of
from neuronxa_core.study.runner import run_states, run_study, score_layers
from neuronxa_core.sweep.store import Store


@pytest.fixture
def plan(tiny_model, tiny_corpus: Path, tmp_path: Path) -> Path:
    file = tmp_path / "plan.yaml"
    file.write_text(f"models: [{tiny_model('llama')}]\ncorpora: {tiny_corpus}\npairs: 8\ndtype: float32\n")
    return file


def counted(monkeypatch, module, name: str) -> list[object]:
    """A list that grows with every call of a function."""
    calls: list[object] = []
    original = getattr(module, name)

    def count(*arguments, **more):
        calls.append(arguments)
        return original(*arguments, **more)

    monkeypatch.setattr(module, name, count)
    return calls


def test_a_sweep_gives_what_single_runs_give_and_does_nothing_twice(plan: Path, tmp_path: Path, monkeypatch, capsys):
    loading.RESIDENT.free()
    loads = counted(monkeypatch, loading, "load_model")
    extractions = counted(monkeypatch, extraction, "extract")
    store, out = str(tmp_path / "store"), tmp_path / "out"
    assert main(["sweep", str(plan), "--store", store]) == 0
    assert (len(loads), len(extractions)) == (1, 3)  # German, French, and English once for both
    assert "2 done now, 0 there before, 0 failed" in capsys.readouterr().out
    with cache.apart():
        assert main(["sweep", str(plan), "--store", store]) == 0
    assert len(extractions) == 3
    assert "0 done now, 2 there before" in capsys.readouterr().out
    assert main(["store", "export", store, "--out", str(out)]) == 0
    swept = pd.read_csv(out / "scores.csv")
    columns = "model corpus source target state layer score source_to_target target_to_source"
    assert list(swept) == columns.split()
    model, corpus = plan.read_text().split("[")[1].split("]")[0], plan.read_text().split("corpora: ")[1].split("\n")[0]
    where = ["--model", model, "--corpus", corpus, "--pairs", "8", "--dtype", "float32", "--no-cache"]
    for source in ("deu_Latn", "fra_Latn"):
        assert main(["run", *where, "--source", source, "--target", "eng_Latn", "--out", str(out / source)]) == 0
        single = pd.read_csv(out / source / "scores.csv")
        rows = swept[swept["source"] == source].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows[columns.split()[4:]], single[columns.split()[4:]], check_exact=True)


def test_what_fails_is_named_in_the_store_and_stops_nothing_else(
    plan: Path, tmp_path: Path, tiny_corpus: Path, monkeypatch, capsys
):
    (tmp_path / "empty").mkdir()
    lines = (tiny_corpus / "fra_Latn.txt").read_text().splitlines()
    (tiny_corpus / "fra_Latn.txt").write_text("\n".join([*lines[:3], "", *lines[4:]]))
    plan.write_text(plan.read_text().replace("models: [", f"models: [{tmp_path / 'empty'}, "))
    store = str(tmp_path / "store")
    assert main(["sweep", str(plan), "--store", store]) == 2
    told = capsys.readouterr()
    assert "1 done now, 0 there before, 3 failed" in told.out
    assert told.err.startswith("neuronxa: 3 of 4 tasks failed, the first because: ")
    assert len(told.err.splitlines()) == 1
    assert Store(store).rows()["source"].tolist() == ["deu_Latn"]
    assert main(["store", "ls", store]) == 0
    listed = capsys.readouterr().out
    assert "empty, corpus, deu_Latn -> eng_Latn and 1 other pair: " in listed
    assert "[2/4] empty, corpus, fra_Latn -> eng_Latn: failed, as the one before" in told.out
    assert "1 result, 3 of the planned tasks missing, 3 failed" in listed
    assert "fra_Latn -> eng_Latn: Line 4 of fra_Latn" in listed
    (tiny_corpus / "fra_Latn.txt").write_text("\n".join([*lines[:3], "Voici!", *lines[4:]]))
    main(["sweep", str(plan), "--store", store])
    assert "1 done now, 1 there before, 2 failed" in capsys.readouterr().out


def test_a_bug_in_one_task_is_named_and_passes(plan: Path, tmp_path: Path, monkeypatch, capsys):
    def break_once(study, **more):
        if study.source == "deu_Latn":
            raise ZeroDivisionError("by chance")
        return run_study(study, **more)

    monkeypatch.setattr("neuronxa_core.sweep.run.run_study", break_once)
    assert main(["sweep", str(plan), "--store", str(tmp_path / "store")]) == 2
    told = capsys.readouterr()
    assert "1 done now, 0 there before, 1 failed" in told.out
    assert "ZeroDivisionError: by chance." in told.err


def test_memory_that_runs_out_in_one_language_gives_up_that_language_alone(
    plan: Path, tmp_path, tiny_corpus, monkeypatch
):
    (tiny_corpus / "spa_Latn.txt").write_text((tiny_corpus / "fra_Latn.txt").read_text())

    def run_out(study, **more):
        if study.source == "fra_Latn":
            raise out_of_memory("The text", "cpu")  # which frees the model
        return run_study(study, **more)

    monkeypatch.setattr("neuronxa_core.sweep.run.run_study", run_out)
    store = str(tmp_path / "store")
    assert main(["sweep", str(plan), "--store", store]) == 2
    assert sorted(Store(store).rows()["source"]) == ["deu_Latn", "spa_Latn"]
    (failure,) = Store(store).failures().values()
    assert failure.problem == "The text does not fit in the memory of cpu."


def test_states_are_kept_on_request_once_a_language_and_read_back_to_the_bit(
    plan: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    url, other, out = str(tmp_path / "store"), str(tmp_path / "other"), tmp_path / "out"
    assert main(["sweep", str(plan), "--store", url]) == 0
    assert main(["store", "export", url, "--out", str(out / "before")]) == 0
    assert main(["sweep", str(plan), "--store", url, "--states"]) == 0  # none of the tasks has its states yet
    assert main(["sweep", str(plan), "--store", url, "--states"]) == 0
    assert "0 done now, 2 there before" in capsys.readouterr().out
    store = Store(url)
    assert len([name for name in store.objects.names("states") if name.endswith(".safetensors")]) == 3
    for row in store.rows().to_dict("records"):
        result, layers = run_states(result_of(row).study, "cpu", SILENT)
        read: list[str] = []
        get = store.objects.get
        with monkeypatch.context() as counted:
            counted.setattr(store.objects, "get", lambda name, get=get, read=read: read.append(name) or get(name))
            sides = store.states(row["key"])
        assert sides is not None
        assert len(read) == 3  # which two files it compared, and these
        for state in STATES:
            for ours, theirs in zip(sides, layers.states(state, first_layer(state)), strict=True):
                assert np.array_equal(ours.of(state)[0], theirs)
            outcomes = score_layers(state, *sides)
            assert np.array_equal(outcomes.mutual, result.outcomes[state].mutual)
    assert main(["store", "export", url, "--out", str(out / "after")]) == 0
    assert (out / "after" / "scores.csv").read_bytes() == (out / "before" / "scores.csv").read_bytes()
    assert main(["store", "merge", other, url]) == 0
    assert Store(other).objects.names("states") == store.objects.names("states")
    file = next((tmp_path / "other" / "states").rglob("*.safetensors"))
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    (problem,) = Store(other).problems()
    assert file.name in problem
    file.unlink()  # as the message asks: then the sweep makes it again
    assert main(["sweep", str(plan), "--store", other, "--states"]) == 0
    assert Store(other).problems() == []
    assert Store(other).objects.names("states") == store.objects.names("states")


def test_what_may_pass_is_tried_again(plan: Path, tmp_path: Path, monkeypatch, capsys):
    tries: list[str] = []

    def fail_twice(study, **more):
        tries.append(study.source)
        if len(tries) < 3:
            raise ConnectionResetError("gone")
        return run_study(study, **more)

    monkeypatch.setattr("neuronxa_core.sweep.run.run_study", fail_twice)
    assert main(["sweep", str(plan), "--store", str(tmp_path / "store")]) == 0
    assert tries == ["deu_Latn", "deu_Latn", "deu_Latn", "fra_Latn"]


def test_a_dry_run_tells_and_touches_nothing(plan: Path, tmp_path: Path, capsys):
    assert main(["sweep", str(plan), "--store", str(tmp_path / "store"), "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(
        "tasks: 2 (2 to do, 0 in the store already)\nforward passes: 24 sentences\n"
    )
    assert not (tmp_path / "store").exists()


def test_check_merge_and_export_say_what_they_did(plan: Path, tmp_path: Path, capsys):
    store = str(tmp_path / "store")
    main(["sweep", str(plan), "--store", store])
    capsys.readouterr()
    assert main(["store", "check", store]) == 0
    assert main(["store", "merge", store]) == 0
    assert main(["store", "merge", str(tmp_path / "all"), store]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 results, nothing wrong",
        f"2 files merged; 2 results in {store}",
        f"2 results taken from {store}",
        f"0 files merged; 2 results in {tmp_path / 'all'}",
    ]
    next((tmp_path / "all").glob("results/*/*/*.parquet")).write_bytes(b"PAR1")
    assert main(["store", "check", str(tmp_path / "all")]) == 2
