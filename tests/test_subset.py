"""The fast subset, `pytest -m "not slow and not browser"`: what it leaves out, without reading data to find out."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COLLECT = """
import sys
from pathlib import Path
import pytest
from neuronxa_core.gallery import read

class Tell:
    def pytest_collection_finish(self, session):
        for item in session.items:
            marks = {mark.name for mark in item.iter_markers()} & {"slow", "browser"}
            demo = "demo" if "demo_model" in getattr(item, "fixturenames", ()) else ""
            print("test", item.nodeid, demo, *marks, sep="\\t")

read.GALLERY = Path("/nowhere")
sys.exit(pytest.main(["--collect-only", "-qq", "-n0", "tests"], plugins=[Tell()]))
"""
"""Collection in a checkout whose gallery is gone: that is for the tests of the gallery to tell."""


@pytest.mark.slow
def test_the_fast_subset_is_collected_without_the_gallery_and_runs_no_browser_and_no_demo_model():
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    tests = [line.split("\t")[1:] for line in done.stdout.splitlines() if line.startswith("test\t")]
    fast = [name for name, _, *marks in tests if not marks]
    assert len(fast) > 0.7 * len(tests) > 1000
    for name, demo, *marks in tests:
        assert ("browser" in marks) == name.startswith("tests/browser/"), name
        assert "slow" in marks or not demo, f"{name} runs the demo model"
        assert "slow" in marks or not name.startswith("tests/pages/"), f"{name} opens a page"
    assert "tests/test_conventions.py::test_the_tree_is_clean[mypy]" not in fast


def test_the_contributing_guide_names_the_subset():
    guide = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert 'python -m pytest -m "not slow and not browser"\n' in guide
