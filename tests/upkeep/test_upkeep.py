"""`doctor` says what is wrong and changes nothing unless told to; `cache` lists and deletes what the project wrote."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.cli import main
from neuronxa_core.corpora.uploads import keep_accuracies, keep_upload
from neuronxa_core.models import demo
from neuronxa_core.states import store
from neuronxa_core.states.sentences import SentenceStates
from neuronxa_core.study.parquet import write_checked, write_checked_json
from neuronxa_core.upkeep import doctor
from tests.conftest import set_settings

KEY = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "memory_available", lambda device: 8_000_000_000)


@pytest.fixture
def filled(cache: Path) -> dict[str, Path]:
    """A cache with a file of states, a Parquet and a JSON result, an upload, accuracies, and files of somebody else."""
    layers = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    counts = np.array([5, 6, 7])
    store.write_states(KEY, SentenceStates(layers, layers, layers, counts, counts), {})
    store.write_aside(
        store.result_path(KEY), lambda path: write_checked(pd.DataFrame({"score": np.arange(500) / 500}), 1, path)
    )
    store.write_aside(store.result_path(KEY, ".bits.json"), lambda path: write_checked_json({"eng_Latn": 2.5}, path))
    name = keep_upload({"mine.tsv": b"deu_Latn\teng_Latn\nHund\tdog\nBrot\tbread\n"})
    accuracies = keep_accuracies({"acc.csv": b"language,accuracy\ndeu_Latn,0.5\n"})
    for other in ("states/notes.txt", "models/my-model/config.json"):
        (cache / other).parent.mkdir(parents=True, exist_ok=True)
        (cache / other).write_text("{}")
    return {
        "states": store.states_path(KEY),
        "parquet": store.result_path(KEY),
        "json": store.result_path(KEY, ".bits.json"),
        "upload": cache / "uploads" / name.partition(":")[2],
        "accuracies": cache / "accuracies" / accuracies,
        "notes": cache / "states" / "notes.txt",
        "model": cache / "models" / "my-model" / "config.json",
    }


def there(files: dict[str, Path]) -> set[str]:
    return {name for name, path in files.items() if path.exists()}


def lines_of(capsys: pytest.CaptureFixture[str], *options: str, code: int = 0) -> list[str]:
    assert main(list(options)) == code
    return capsys.readouterr().out.splitlines()


def test_doctor_on_an_empty_machine_finds_nothing_to_do_and_writes_nothing(cache: Path, capsys):
    lines = lines_of(capsys, "doctor")
    assert [line.partition(":")[0] for line in lines] == [
        f"ok  {about}"
        for about in (
            *("settings", "versions", "packages", "cores", "memory", "GPU", "cache", "damaged files", "gallery"),
            "demo weights",
            "chromium",
        )
    ]
    assert not cache.exists()


@pytest.mark.parametrize(("name", "place"), [("states", -3), ("parquet", 300), ("json", -3)])
def test_one_flipped_bit_is_found_and_only_repair_deletes_the_file(name: str, place: int, filled, capsys):
    everything = there(filled)
    assert not [line for line in lines_of(capsys, "doctor") if line.startswith("do")]
    content = bytearray(filled[name].read_bytes())
    content[place] ^= 1
    filled[name].write_bytes(content)
    (line,) = [line for line in lines_of(capsys, "doctor", code=1) if line.startswith("do")]
    assert line.startswith("do  damaged files: 1 file ")
    assert str(filled[name]) in line
    assert there(filled) == everything
    assert not [line for line in lines_of(capsys, "doctor", "--repair") if line.startswith("do")]
    assert there(filled) == everything - {name}


def test_a_leftover_is_deleted_once_nobody_can_be_writing_it(filled, capsys):
    leftover = filled["states"].with_name(f".{filled['states'].name}.77.0a0b0c0d.part")
    leftover.write_bytes(b"x" * 2000)
    lines_of(capsys, "doctor", "--repair")
    assert leftover.exists()
    os.utime(leftover, (time.time() - 4000,) * 2)
    assert "do  damaged files: 1 file (2 kB)" in "\n".join(lines_of(capsys, "doctor", code=1))
    lines_of(capsys, "doctor", "--repair")
    assert not leftover.exists()


def test_damaged_weights_are_found_by_their_digests_and_prepared_again(cache: Path, capsys, monkeypatch):
    folder = demo.demo_folder()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / demo.SUMS).write_text(f"{'0' * 64}  config.json\n{'1' * 64}  model.safetensors\n")
    told = [line for line in lines_of(capsys, "doctor", code=1) if "demo weights" in line]
    assert told[0].startswith("do  demo weights: damaged or missing: config.json, model.safetensors. ")
    asked: list[object] = []
    monkeypatch.setattr(demo, "prepare_demo", asked.append)
    lines_of(capsys, "doctor", "--repair")
    assert len(asked) == 1


def test_what_has_to_be_done_is_said_with_the_step_and_in_the_exit_code(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "memory_available", lambda device: 1_000_000_000)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr(doctor, "_requirements", lambda: ["nobody-wrote-this>=1", "numpy>=99", "pandas>=1"])
    told = [line for line in lines_of(capsys, "doctor", code=1) if line.startswith("do")]
    assert [line.partition(":")[0] for line in told] == ["do  packages", "do  memory", "do  cache"]
    assert "nobody-wrote-this is missing; numpy is " in told[0]
    assert told[0].endswith("pip install -r requirements.txt")
    assert "Set NEURONXA_CACHE_DIR" in told[2]


def test_a_wrong_setting_is_a_line_of_the_list(capsys, monkeypatch):
    set_settings(monkeypatch, mode="public")
    (line,) = lines_of(capsys, "doctor", code=1)
    assert line.startswith("do  settings: NEURONXA_MODE is 'public'. Set it to one of: local, shared")


def test_the_list_has_kinds_numbers_and_sizes_and_leaves_out_what_others_wrote(filled, capsys):
    header, *rows = lines_of(capsys, "cache", "ls")
    assert header == str(filled["states"].parents[1])
    assert [row.split()[:2] for row in rows] == [
        ["states", "1"],
        ["results", "2"],
        ["uploads", "1"],
        ["accuracies", "1"],
        ["all", "5"],
    ]
    each = lines_of(capsys, "cache", "ls", "--each", "--kind", "results", "uploads")
    assert {row.split()[-1] for row in each[1:-1]} == {filled[name].name for name in ("parquet", "json", "upload")}


def test_clearing_keeps_what_was_brought_and_what_others_wrote(filled, capsys):
    assert lines_of(capsys, "cache", "clear", "--yes")[0].startswith("Deleted 3 entries, ")
    assert there(filled) == {"upload", "accuracies", "notes", "model"}
    lines_of(capsys, "cache", "clear", "--yes", "--kind", "uploads", "--uploads")
    assert there(filled) == {"accuracies", "notes", "model"}
    lines_of(capsys, "cache", "clear", "--yes", "--uploads")
    assert there(filled) == {"notes", "model"}
    assert lines_of(capsys, "cache", "clear") == ["There is nothing to delete."]


def test_age_and_size_choose_what_is_cleared(filled, capsys):
    os.utime(filled["json"], (time.time() - 40 * 86_400,) * 2)
    lines_of(capsys, "cache", "clear", "--yes", "--older-than", "30")
    assert there(filled) == {"states", "parquet", "upload", "accuracies", "notes", "model"}
    lines_of(capsys, "cache", "clear", "--yes", "--larger-than", "0.002", "--kind", "results")
    assert "states" in there(filled)
    assert "parquet" not in there(filled)


def test_nothing_is_deleted_without_a_yes(filled, capsys, monkeypatch):
    assert main(["cache", "clear"]) == 2
    assert main(["cache", "clear", "--yes", "--kind", "uploads"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert "Add --yes" in said[0]
    assert "Add --uploads" in said[1]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    answers = iter(["no", "", "y"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
    everything = there(filled)
    assert [main(["cache", "clear"]) for _ in range(2)] == [130, 130]
    assert there(filled) == everything
    assert main(["cache", "clear"]) == 0
    assert there(filled) == {"upload", "accuracies", "notes", "model"}


def test_a_prepared_model_that_lies_elsewhere_loses_only_its_link(cache: Path, tmp_path: Path, capsys):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config.json").write_text(json.dumps({}))
    (cache / "models").mkdir(parents=True)
    demo.demo_folder().symlink_to(tmp_path / "elsewhere")
    lines_of(capsys, "cache", "clear", "--yes", "--kind", "models")
    assert not demo.demo_folder().is_symlink()
    assert (tmp_path / "elsewhere" / "config.json").exists()
