"""A result is worth more than its place in the cache: a full or read-only disk costs the place, not the result."""

import errno
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from neuronxa_core import spare
from neuronxa_core.errors import CacheError
from neuronxa_core.models import warmth
from neuronxa_core.progress import SILENT
from neuronxa_core.states import mapped, store
from neuronxa_core.study.runner import find_layers, find_result, run_study
from neuronxa_core.study.study import Study
from tests.conftest import set_settings


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The temporary folder and the folder in memory of this test alone."""
    both = tmp_path / "tmp", tmp_path / "memory"
    for place in both:
        place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(both[0]))
    monkeypatch.setattr(spare, "MEMORY", both[1])
    return both


@pytest.fixture
def read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: tuple[Path, Path]) -> Path:
    """A cache folder that nobody can make: a file lies in its way, which stops root too."""
    (tmp_path / "file").touch()
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file" / "cache"))
    return tmp_path / "file" / "cache"


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def files_in(*folders: Path) -> list[str]:
    return sorted(file.suffix for folder in folders for file in folder.rglob("*") if file.is_file())


def test_a_run_keeps_elsewhere_what_a_read_only_cache_cannot_take(study: Study, read_only: Path, places):
    with pytest.raises(CacheError):
        run_study(study)
    assert not files_in(*places)
    with spare.allowed():
        result = run_study(study)
    assert files_in(places[0]) == [".parquet", ".safetensors", ".safetensors"]
    found = find_result(study)  # also outside of the run, as the page looks for it
    assert found.scores.equals(result.scores)
    assert find_layers(study) is not None
    assert "cannot be written to (Not a directory)" in spare.problem(store.root())


def test_the_numbers_are_those_of_a_sound_cache(study: Study, cache: Path, places, monkeypatch: pytest.MonkeyPatch):
    sound = run_study(study)
    assert not files_in(*places)
    assert spare.problem(store.root()) == ""
    set_settings(monkeypatch, cache_dir=str(cache / "other"))
    monkeypatch.setattr(mapped, "create", full)
    monkeypatch.setattr("neuronxa_core.study.runner.write_result", full)
    with spare.allowed():
        result = run_study(study)
    assert result.scores.equals(sound.scores)
    assert not files_in(cache / "other", *places)
    assert find_result(study) is None


def test_a_full_disk_leads_to_the_next_place(study: Study, cache: Path, places, monkeypatch: pytest.MonkeyPatch):
    create = mapped.create

    def crowded(path: Path, *more: Any) -> object:
        if not path.is_relative_to(places[1]):
            path.write_bytes(b"half")
            full()
        return create(path, *more)

    monkeypatch.setattr(mapped, "create", crowded)
    with spare.allowed():
        run_study(study)
    assert (files_in(cache), files_in(places[0])) == ([".parquet"], [])
    assert files_in(places[1]) == [".safetensors", ".safetensors"]
    assert find_layers(study) is not None


def test_a_folder_that_somebody_else_could_have_made_is_not_used(study: Study, read_only: Path, places, tmp_path: Path):
    with spare.allowed():
        ours, other = list(spare.made())
    ours.chmod(0o777)
    other.rmdir()
    other.symlink_to(tmp_path)
    with spare.allowed():
        assert list(spare.made()) == []
    assert spare.folders() == ()


def test_asking_a_full_disk_leaves_nothing_on_it(cache: Path, monkeypatch: pytest.MonkeyPatch):
    written = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        written(path, content[:100])
        return full()

    monkeypatch.setattr(Path, "write_bytes", half)
    assert "No space left" in spare.problem(cache)
    assert list(cache.iterdir()) == []


def test_a_shared_dashboard_does_not_say_where_the_cache_lies(read_only: Path, monkeypatch: pytest.MonkeyPatch):
    assert str(read_only) in spare.problem(store.root())
    set_settings(monkeypatch, mode="shared")
    assert spare.problem(store.root()) == "The cache folder cannot be written to (Not a directory)."


def test_a_warm_up_puts_the_weights_where_a_run_would(monkeypatch: pytest.MonkeyPatch):
    allowed: list[bool] = []
    monkeypatch.setattr(warmth, "prepare_demo", lambda watcher: allowed.append(spare.is_allowed()))
    warmth.warm_up(SILENT)
    assert allowed == [True]
    assert not spare.is_allowed()
