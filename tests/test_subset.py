"""The fast subset, `pytest -m "not slow and not browser"`: what it leaves out, without reading data to find out."""

from pathlib import Path

import pytest

from neuronxa_core.study import bundled
from tests.conftest import NO_GALLERY

TESTS = Path(__file__).parent
AT_COLLECTION = bundled.GALLERY


def test_tests_are_collected_without_the_gallery():
    """A damaged gallery is for its own tests to tell, so nothing may read it to know what tests there are."""
    assert AT_COLLECTION == NO_GALLERY
    assert bundled.GALLERY.is_dir()


def test_the_fast_subset_runs_no_browser_and_no_demo_model(request: pytest.FixtureRequest):
    items = request.session.items
    if {item.path for item in items} != set(TESTS.rglob("test_*.py")):
        pytest.skip("only a part of the tests was collected")
    marks = {item: {mark.name for mark in item.iter_markers()} & {"slow", "browser"} for item in items}
    assert len([item for item in items if not marks[item]]) > 0.7 * len(items) > 1000
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        assert ("browser" in marks[item]) == (folder == "browser"), item.nodeid
        runs_the_demo = "demo_model" in getattr(item, "fixturenames", ())
        assert "slow" in marks[item] or not runs_the_demo, f"{item.nodeid} runs the demo model"
        assert "slow" in marks[item] or folder != "pages", f"{item.nodeid} opens a page"
        assert marks[item] or "test_the_tree_is_clean[mypy]" not in item.nodeid


def test_the_contributing_guide_names_the_subset():
    guide = (TESTS.parent / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert 'python -m pytest -m "not slow and not browser"\n' in guide
