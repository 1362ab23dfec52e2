"""Files with a checksum: what was written comes back, and nothing else does."""

from pathlib import Path

import pytest

from neuronxa_core.states.store import read_or_discard
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from tests.damage import flipped

CONTENT = {"bits": [12.5, 0.1 + 0.2, 1e-300, float("inf")], "taken_from": "output of mlp.act_fn: größer"}


def test_json_comes_back_to_the_last_bit(tmp_path: Path):
    write_checked_json(CONTENT, tmp_path / "a")
    assert read_checked_json(tmp_path / "a") == CONTENT


def test_no_flipped_bit_in_json_gives_another_content(tmp_path: Path):
    file, removed = tmp_path / "a", 0
    write_checked_json(CONTENT, file)
    size = file.stat().st_size
    for position in flipped(file):
        found = read_or_discard(file, read_checked_json)
        assert found in (None, CONTENT), f"byte {position}"
        removed += found is None
    assert removed > 0.8 * size


@pytest.mark.parametrize("text", ["[1.0, 2.0]", '{"content": [1.0]}', '{"checksum": 1, "content": [1.0]}', "", "{"])
def test_what_has_no_checksum_or_another_is_discarded(tmp_path: Path, text: str):
    (tmp_path / "a").write_text(text)
    assert read_or_discard(tmp_path / "a", read_checked_json) is None
    assert not (tmp_path / "a").exists()
