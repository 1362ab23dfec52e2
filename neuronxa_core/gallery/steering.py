"""The precomputed steering: the demo model, from and to some languages, with every condition's bits and texts."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.analyses.steering import Steering
from neuronxa_core.analyses.steering_answer import SIDES, Condition, Measured, Said, SteeringAnswer
from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.gallery.read import PRECISION, as_stored
from neuronxa_core.models import demo
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled
from neuronxa_core.study.study import Study

STEERING_FILE = "steering.parquet"
STEERED = (
    ("deu_Latn", ENGLISH),
    (ENGLISH, "deu_Latn"),
    (ENGLISH, "zho_Hans"),
    (ENGLISH, "rus_Cyrl"),
    (ENGLISH, "fra_Latn"),
    (ENGLISH, "swh_Latn"),
)
"""Source and target of what is precomputed: a few minutes each on a quiet machine."""


def steering_requests() -> tuple[Steering, ...]:
    """What is precomputed."""
    return tuple(Steering(Study(demo.NAME, EVERYDAY.name, *pair, dtype=PRECISION)) for pair in STEERED)


def write_steering(answers: Sequence[SteeringAnswer], folder: Path) -> None:
    """Writes all answers as one file, in which `precomputed_steering` finds each by its languages."""
    rows = [
        {"source": each.study.source, "target": each.study.target, "answer": json.dumps(_content(each))}
        for each in answers
    ]
    frame = pd.DataFrame(rows)
    write_aside(folder / STEERING_FILE, lambda path: frame.to_parquet(path, compression="zstd", index=False))


def precomputed_steering(request: Steering) -> SteeringAnswer | None:
    """The gallery's answer if it is to this request, whatever its site and pooling; or None."""
    wanted = as_stored(request.study)
    plain = Study(demo.NAME, EVERYDAY.name, wanted.source, wanted.target, dtype=PRECISION)
    asked = replace(request, study=replace(wanted, site=plain.site, pooling=plain.pooling))
    if asked not in steering_requests():
        return None
    content = _stored(plain.source, plain.target)
    return _answer(content, wanted) if content else None


@lru_cache(maxsize=16)
def _stored(source: str, target: str) -> dict[str, Any] | None:
    rows = [("source", "==", source), ("target", "==", target)]
    frame = bundled.read(bundled.GALLERY / STEERING_FILE, partial(pd.read_parquet, filters=rows))
    return dict(json.loads(frame["answer"].iloc[0])) if frame is not None and len(frame) else None


_PLAIN = ("layer", "layers", "length", "prompts", "utf8_bytes", "asked", "provenance")


def _content(answer: SteeringAnswer) -> dict[str, Any]:
    """An answer without its study, as JSON can hold it."""
    conditions = [
        [*condition, *(np.round(each.bits[side], 3).tolist() for side in SIDES), [list(said) for said in each.said]]
        for condition, each in answer.conditions.items()
    ]
    plain = {name: getattr(answer, name) for name in _PLAIN}
    return {**plain, "conditions": conditions, "reliability": answer.reliability.to_dict("list")}


def _answer(content: dict[str, Any], study: Study) -> SteeringAnswer:
    conditions = {
        Condition(float(strength), int(control)): Measured(
            {"target": np.array(target), "source": np.array(source)}, tuple(Said(*each) for each in said)
        )
        for strength, control, target, source, said in content["conditions"]
    }
    given = {name: content[name] for name in _PLAIN} | {"prompts": tuple(content["prompts"])}
    return SteeringAnswer(study, conditions=conditions, reliability=pd.DataFrame(content["reliability"]), **given)
