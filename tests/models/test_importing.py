"""Loading a model while another thread is still importing transformers, as the warm-up of the worker does."""

import subprocess
import sys

import pytest

_RACE = """
import sys, threading, time
from types import SimpleNamespace
from neuronxa_core.models.refusals import _refuse_foreign_code
threading.Thread(target=__import__, args=("transformers",)).start()
while "transformers" not in sys.modules:
    time.sleep(0.001)
_refuse_foreign_code(SimpleNamespace(config={"model_type": "llama"}))
"""


@pytest.mark.slow
def test_a_run_waits_for_the_import_that_a_warm_up_has_begun():
    ended = subprocess.run([sys.executable, "-c", _RACE], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
