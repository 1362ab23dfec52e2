"""Results without a model, for tests of what keeps and shows them."""

import numpy as np

from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.plan import Task


def made_up(code: str = "deu_Latn", model: str = "demo", pairs: int = 11) -> Study:
    """A study that nobody ran."""
    return Study(model, "everyday", code, "eng_Latn", pairs=pairs, pooling="position", dtype="float32")


def outcomes_of(study: Study, seed: int = 0, layers: int = 3, rate: float = 0.5) -> StudyResult:
    """Outcomes drawn with a seed; each pair is found with probability `rate`."""
    drawn = np.random.default_rng(seed)
    outcomes = {
        state: Outcomes(*(drawn.random((2, layers + (state == "embedding"), study.pairs)) < rate)) for state in STATES
    }
    return StudyResult(study, outcomes, {"model_fingerprint": "f", "seconds": 1.0})


def task_and_result(key: str, code: str = "deu_Latn", seed: int = 0, model: str = "demo", rate: float = 0.5):
    """(a task with this key, its result)."""
    study = made_up(code, model)
    return Task(study, key), outcomes_of(study, seed, rate=rate)
