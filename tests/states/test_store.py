import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from safetensors import SafetensorError

from neuronxa_core.errors import CacheError, Cancelled
from neuronxa_core.states import store
from neuronxa_core.states.mapped import give_back
from neuronxa_core.states.sentences import SentenceStates
from neuronxa_core.states.store import (
    cache_key,
    is_whole,
    read_header,
    read_or_discard,
    read_states,
    states_path,
    write_aside,
    write_states,
    writing_states,
)
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from tests.conftest import set_settings
from tests.damage import flip_a_bit, flipped

HEADER = {"model": "abc", "language": "deu_Latn"}


def some_states(seed: int = 0) -> SentenceStates:
    """Two layers, three sentences, five neurons, a hidden size of four."""
    numbers = np.random.default_rng(seed)
    nas, nav = (numbers.random((2, 3, 5), dtype=np.float32) for _ in range(2))
    return SentenceStates(
        nas, nav, numbers.standard_normal((3, 3, 4), dtype=np.float32), np.array([7, 1, 40]), np.array([0, 1, 3])
    )


def same(ours: SentenceStates | None, theirs: SentenceStates) -> bool:
    """To the last bit and in the same types."""
    return ours is not None and all(
        array.dtype == vars(theirs)[name].dtype
        and array.shape == vars(theirs)[name].shape
        and array.tobytes() == vars(theirs)[name].tobytes()
        for name, array in vars(ours).items()
    )


def files_in(cache: Path) -> list[str]:
    return sorted(file.name for file in cache.rglob("*") if file.is_file())


def test_states_come_back_to_the_last_bit():
    write_states("a", some_states(), HEADER)
    assert same(read_states("a"), some_states())
    assert read_states("b") is None


def test_states_that_are_a_view_come_back_as_they_look():
    whole = some_states()
    view = SentenceStates(
        whole.nas[:, ::-1], whole.nav[..., ::2], whole.embedding[::2], whole.tokens[::-1], whole.unknown[::2]
    )
    write_states("a", view, HEADER)
    back = read_states("a")
    assert back is not None
    for name, array in vars(view).items():
        np.testing.assert_array_equal(vars(back)[name], array)


@pytest.mark.parametrize("keep", [0, 4, 8, 200, -200, -1])
def test_a_file_that_was_cut_off_is_removed_and_not_read(keep: int):
    write_states("a", some_states(), HEADER)
    states_path("a").write_bytes(states_path("a").read_bytes()[:keep])
    assert read_states("a") is None
    assert not states_path("a").exists()
    write_states("a", some_states(), HEADER)
    assert same(read_states("a"), some_states())


def test_no_flipped_bit_anywhere_in_the_file_gives_other_states():
    write_states("a", some_states(), HEADER)
    removed, size = 0, states_path("a").stat().st_size
    for position in flipped(states_path("a")):
        states = read_states("a")
        assert states_path("a").exists() == (states is not None)
        assert states is None or same(states, some_states()), f"byte {position} of {size}"
        removed += states is None
    assert removed > 0.8 * size  # the rest is the part of the header that only people read


@pytest.mark.parametrize("keep_date", [True, False])
@pytest.mark.parametrize("known", ["written", "read"])
def test_states_that_are_damaged_after_they_were_found_whole_are_not_whole(known: str, keep_date: bool):
    write_states("a", some_states(), HEADER)
    if known == "read":
        store._WHOLE.clear()
    assert is_whole(states_path("a"))
    flip_a_bit(states_path("a"), keep_date)
    assert not is_whole(states_path("a"))
    assert not states_path("a").exists()


def test_whole_states_are_read_once_however_often_they_are_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "_OFTEN_ENOUGH", -1.0)  # every use is marked
    write_states("a", some_states(), HEADER)
    os.utime(states_path("a"), (1, 1))
    reads: list[Path] = []
    read = store._read_checked
    monkeypatch.setattr(store, "_read_checked", lambda path: (reads.append(path), read(path))[1])
    for _ in range(3):
        assert is_whole(states_path("a"))
        time.sleep(0.02)
        store.touch(states_path("a"))
    assert len(reads) == 1


def test_use_leaves_the_date_of_the_states_and_their_age_is_that_of_the_last_use():
    write_states("a", some_states(), HEADER)
    os.utime(states_path("a"), (1, 1))
    store.touch(states_path("a"))
    used = states_path("a").stat()
    assert used.st_mtime == 1
    assert abs(used.st_atime - time.time()) < 60


def test_a_full_disk_is_told_before_the_work_and_leaves_nothing_half_written(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_room(_file: int, _start: int, _size: int) -> None:
        assert [name.endswith(".part") for name in files_in(cache)].count(True) == 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_states("a", some_states(), HEADER)
    with monkeypatch.context() as full:
        full.setattr(os, "posix_fallocate", no_room)
        for key in ("a", "b"):
            with pytest.raises(
                CacheError, match=r"No space left on device.* Free some disk space, or set NEURONXA_CACHE_DIR"
            ):
                write_states(key, some_states(1), HEADER)
    assert files_in(cache) == ["a.safetensors"]
    assert same(read_states("a"), some_states())  # what was there before is still there


def test_a_full_disk_is_told_whatever_library_writes(cache: Path):
    def write(file: Path) -> None:
        file.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    with pytest.raises(CacheError, match="Free some disk space"):
        write_aside(cache / "results" / "a", write)
    assert not files_in(cache)


def test_states_that_are_not_complete_leave_nothing_behind(cache: Path):
    def stopped() -> None:
        with writing_states("a", HEADER) as file:
            file.make({"nas": (2, 3, 5)})["nas"][0] = 1
            raise Cancelled

    with pytest.raises(Cancelled):
        stopped()
    assert read_states("a") is None
    assert not files_in(cache)


def test_what_was_given_back_to_the_kernel_is_still_there(cache: Path):
    whole = some_states()
    with writing_states("a", HEADER) as file:
        arrays = file.make({name: array.shape for name, array in vars(whole).items()})
        for name, array in vars(whole).items():
            for row, values in enumerate(array):
                arrays[name][row] = values
                give_back(arrays[name])
    assert same(read_states("a"), whole)
    written = SentenceStates(**arrays)
    assert same(written, whole)
    with pytest.raises(ValueError, match="read-only"):
        written.nas[0] = 0


def test_other_programs_read_the_file(cache: Path):
    write_states("a", some_states(), HEADER)
    read = safetensors.numpy.load_file(states_path("a"))
    assert same(SentenceStates(**read), some_states())
    assert read_header(states_path("a"))["language"] == "deu_Latn"


def test_a_fault_of_the_program_is_not_called_a_full_disk(cache: Path):
    with pytest.raises(ZeroDivisionError):
        write_aside(cache / "states" / "a", lambda _: 1 / 0)


def test_a_cache_that_cannot_be_written_is_named_with_a_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file" / "cache"))
    assert read_states("a") is None
    with pytest.raises(
        CacheError, match=r"file/cache cannot be written to \(.*\)\. Free some disk space, or set NEURONXA_CACHE_DIR"
    ):
        write_states("a", some_states(), HEADER)


def test_what_is_read_is_marked_as_used_whatever_the_disk_notes_by_itself(tmp_path: Path, monkeypatch):
    write_states("a", some_states(), HEADER)
    result = tmp_path / "result"
    result.write_bytes(b"whole")
    used: list[Path] = []
    monkeypatch.setattr(store, "touch", used.append)
    assert read_states("a") is not None
    assert read_or_discard(result, Path.read_bytes) == b"whole"
    assert used == [states_path("a"), result]


def test_the_least_recently_used_go_and_the_newest_stays(cache: Path, monkeypatch: pytest.MonkeyPatch):
    for age, key in enumerate("cba", start=1):
        write_states(key, some_states(), HEADER)
        os.utime(states_path(key), (1000 - age, 1000 - age))  # a is the oldest
    size = states_path("a").stat().st_size
    read_states("a")  # and now it is the last one used
    set_settings(monkeypatch, cache_gb=str(2.5 * size / 1e9))
    write_states("d", some_states(), HEADER)
    assert files_in(cache) == ["a.safetensors", "d.safetensors"]


def test_results_and_states_share_the_room_and_converted_models_are_left_alone(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    for folder in ("results", "models"):
        (cache / folder).mkdir(parents=True)
        (cache / folder / "old").write_bytes(bytes(5000))
        os.utime(cache / folder / "old", (1, 1))
    set_settings(monkeypatch, cache_gb="5e-6")
    write_states("a", some_states(), HEADER)
    assert files_in(cache) == ["a.safetensors", "old"]
    assert (cache / "models" / "old").exists()


def test_what_a_killed_process_left_half_written_goes_with_the_next_write_an_hour_later(cache: Path):
    write_states("a", some_states(), HEADER)
    old, new = (states_path("a").with_name(f".{name}.1.part") for name in ("old", "new"))
    for file, age in ((old, 3700), (new, 60)):
        file.write_bytes(b"half")
        os.utime(file, (time.time() - age,) * 2)
    write_states("b", some_states(), HEADER)
    assert files_in(cache) == [".new.1.part", "a.safetensors", "b.safetensors"]


def test_one_file_beyond_the_limit_is_kept_until_the_next(cache: Path, monkeypatch: pytest.MonkeyPatch):
    set_settings(monkeypatch, cache_gb="1e-9")
    for key in ("a", "b"):
        write_states(key, some_states(), HEADER)
        assert files_in(cache) == [f"{key}.safetensors"]


def test_the_key_depends_on_what_is_said_and_not_on_its_order():
    assert cache_key({"site": "gate", "pairs": 8}) == cache_key({"pairs": 8, "site": "gate"})
    assert cache_key({"site": "gate", "pairs": 8}) == "a3a689bb0f0edbe1b4a9ddb28f0a1f48"  # what is on people's disks
    all_of_them: list[dict[str, str | int]] = [
        {"site": "gate", "pairs": 8},
        {"site": "gate"},
        {"site": "gate", "pairs": 9},
        {"site": "gate", "pairs": "8"},
        {"sitegate": "", "pairs": 8},
    ]
    assert len({cache_key(parts) for parts in all_of_them}) == 5


@pytest.mark.slow
def test_no_flipped_bit_in_a_stored_result_gives_another_result(tiny_model, tiny_corpus: Path, cache: Path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    fresh = run_study(study)
    (path,) = (cache / "results").iterdir()
    for position in flipped(path, step=67):
        found = find_result(study)
        assert path.exists() == (found is not None)
        if found:
            assert found.scores.equals(fresh.scores), f"byte {position}"
            assert found.provenance == fresh.provenance, f"byte {position}"
