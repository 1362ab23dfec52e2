"""A file of the gallery with a flipped bit answers nothing, and no reader gets around the check."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from neuronxa_core.gallery import interventions, latent, method, models, pairs_changed, read, space, steering, traps
from neuronxa_core.gallery.answers import stored
from neuronxa_core.gallery.build import PARTS
from neuronxa_core.gallery.space import precomputed_means
from neuronxa_core.stills import read as stills
from neuronxa_core.study import bundled
from neuronxa_core.sweep import board
from neuronxa_core.upkeep import doctor
from tests.damage import flip_a_bit

READERS = (interventions, latent, method, models, pairs_changed, read, space, steering, traps, stills, board)


def forget() -> None:
    """What these modules have read."""
    for module in READERS:
        for cached in vars(module).values():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A gallery that may be damaged."""
    shutil.copytree(bundled.GALLERY, tmp_path / "gallery")
    monkeypatch.setattr(bundled, "GALLERY", tmp_path / "gallery")
    forget()
    yield tmp_path / "gallery"
    forget()


def answers() -> dict[str, object]:
    """The gallery's answer to the first request of each part that has one, and what else is read from it."""
    found: dict[str, object] = {
        name: stored(next(iter(part.requests()))) for name, part in PARTS.items() if name != "space"
    }
    study = read.gallery_studies()[0]
    found["space"] = precomputed_means(study)
    found["bits"] = read.precomputed_bits(study)
    found["models"] = models.stored_models() or None
    found["stills"] = stills._stills(bundled.GALLERY / stills.STILLS_FILE) or None
    found["steps"] = stills._step_stills(bundled.GALLERY / stills.STEPS_FILE) or None
    found["board"] = board.gallery_rows() if len(board.gallery_rows()) else None
    return found


def test_the_list_has_every_file_as_it_is():
    """If not, rebuild the part: python -m neuronxa_core gallery --only PART."""
    there = {path.relative_to(bundled.GALLERY).as_posix() for path in bundled.GALLERY.rglob("*") if path.is_file()}
    assert there - {bundled.LIST} == set(bundled._listed(bundled.GALLERY))
    assert bundled.damaged_files() == []


def test_a_gallery_in_which_every_file_has_a_flipped_bit_answers_nothing(copied: Path):
    assert [name for name, answer in answers().items() if answer is None] == []
    for file in copied.rglob("*"):
        if file.is_file() and file.name != bundled.LIST:
            flip_a_bit(file, position=file.stat().st_size // 2)
    forget()
    assert [name for name, answer in answers().items() if answer is not None] == []


def test_no_flipped_bit_gets_past_the_check(copied: Path):
    for name in bundled._listed(copied):
        file = copied / name
        good = file.read_bytes()
        assert bundled.read(file, Path.read_bytes) == good
        for position in {0, 5, len(good) // 3, len(good) // 2, len(good) - 9, len(good) - 1}:
            file.write_bytes(good[:position] + bytes([good[position] ^ 4]) + good[position + 1 :])
            assert bundled.read(file, Path.read_bytes) is None, (name, position)
        file.write_bytes(good[:-1])
        assert bundled.read(file, Path.read_bytes) is None, name


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"bits.json": 7}', "[" * 100_000])
def test_a_damaged_list_vouches_for_nothing(copied: Path, text: str):
    (copied / bundled.LIST).write_text(text)
    assert not bundled.is_whole(copied / "bits.json")
    assert bundled.damaged_files() != []


def test_what_was_damaged_before_a_part_was_built_stays_damaged(copied: Path):
    flip_a_bit(copied / "bits.json", position=30)
    with bundled.building(copied):
        (copied / "new.json").write_text("{}")
        (copied / "lens.parquet").write_bytes(b"built anew")
        (copied / "traps.parquet").unlink()
    assert bundled.damaged_files() == ["bits.json"]
    assert bundled.read(copied / "lens.parquet", Path.read_bytes) == b"built anew"


def test_the_doctor_names_a_damaged_file(copied: Path):
    examined = partial(doctor._gallery, "gallery", False, None)
    assert [str(each) for each in examined()] == ["ok  gallery: every precomputed file is as it was built"]
    flip_a_bit(copied / "rates.safetensors")
    (line,) = examined()
    said = f"1 file damaged or missing and not used, the first {copied / 'rates.safetensors'}. Get assets/gallery"
    assert str(line).startswith(f"do  gallery: {said}")
