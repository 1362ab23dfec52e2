"""Precomputed for the room: pairs with and without an intervention, and the beginning of a sentence, continued.

Of the interventions that the gallery has, with the source language's own neurons off, see gallery.interventions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from neuronxa_core.analyses.continuation import Continuation, ContinuedText, beginning
from neuronxa_core.analyses.with_without import ChangedAlignment, WithWithout, content_of, outcomes_of
from neuronxa_core.gallery.interventions import FOLDER, gallery_request
from neuronxa_core.gallery.read import as_stored
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled
from neuronxa_core.study.study import Study

SOURCES = ("deu_Latn", "fra_Latn", "arb_Arab", "hin_Deva")
"""The languages whose sentence is continued; the pair with English is measured for those in `MEASURED`."""
MEASURED = ("deu_Latn", "hin_Deva")
PAIRS_FILE = "pairs.parquet"


def changed_requests() -> list[WithWithout | Continuation]:
    """What is precomputed."""
    gallery = gallery_request()
    studies = [replace(gallery.study, source=code) for code in SOURCES]
    texts = [Continuation(each, gallery, each.source, beginning(each, each.source)) for each in studies]
    curves = [WithWithout(each, gallery, each.source) for each in studies if each.source in MEASURED]
    return [*texts, *curves]


def write_changed(answers: Sequence[ChangedAlignment | ContinuedText], folder: Path) -> None:
    """Writes the answers as one Parquet file: what each is about, and its content as JSON."""
    frame = pd.DataFrame([_row(answer) for answer in answers])
    path = folder / FOLDER / PAIRS_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_aside(path, lambda aside: frame.to_parquet(aside, compression="zstd", index=False))


def _row(answer: ChangedAlignment | ContinuedText) -> dict[str, Any]:
    content: dict[str, Any] = {"neurons": answer.neurons, "asked": dict(answer.asked)}
    content["provenance"] = dict(answer.provenance)
    text, tokens = "", 0
    if isinstance(answer, ContinuedText):
        text, tokens = answer.text, answer.tokens
        content["continuations"] = dict(answer.continuations)
    else:
        conditions = (answer.unchanged, answer.changed, *answer.controls)
        content["conditions"] = [content_of(measured) for measured in conditions]
    about = {"source": answer.study.source, "target": answer.study.target, "neurons_of": answer.neurons_of}
    return {**about, "text": text, "tokens": tokens, "content": json.dumps(content, ensure_ascii=False)}


def precomputed_curves(request: WithWithout) -> ChangedAlignment | None:
    """The gallery's answer to this request, or None."""
    study, content = _found(request.study, request, "", 0)
    if content is None:
        return None
    unchanged, changed, *controls = (outcomes_of(each) for each in content["conditions"])
    size, asked, provenance = content["neurons"], content["asked"], content["provenance"]
    return ChangedAlignment(study, request.neurons_of, size, unchanged, changed, tuple(controls), asked, provenance)


def precomputed_continuation(request: Continuation) -> ContinuedText | None:
    """The gallery's answer to this request, or None."""
    study, content = _found(request.study, request, request.text, request.tokens)
    if content is None:
        return None
    size, asked, provenance = content["neurons"], content["asked"], content["provenance"]
    told = (request.neurons_of, size, content["continuations"], asked, provenance)
    return ContinuedText(study, request.text, request.tokens, *told)


def _found(
    study: Study, request: WithWithout | Continuation, text: str, tokens: int
) -> tuple[Study, Mapping[str, Any] | None]:
    """The study as the gallery stores it, and the content of the answer if it is there."""
    wanted, gallery = as_stored(study), gallery_request()
    plain = replace(wanted, source=gallery.study.source, target=gallery.study.target)
    if plain != gallery.study or replace(request.intervention, study=gallery.study) != gallery:
        return wanted, None
    about = (wanted.source, wanted.target, request.neurons_of, text, tokens)
    content = _stored_in(bundled.GALLERY / FOLDER / PAIRS_FILE).get(about)
    return wanted, None if content is None else json.loads(content)


@lru_cache(maxsize=2)
def _stored_in(path: Path) -> dict[tuple[Any, ...], str]:
    frame = bundled.read(path, pd.read_parquet)
    rows = () if frame is None else frame.itertuples(index=False, name=None)
    return {tuple(row[:-1]): str(row[-1]) for row in rows}
