"""What the gallery adds to the claims: the verdicts on models of other families, for claim 7."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from neuronxa_core.analyses.claim_rules import Verdict
from neuronxa_core.analyses.claims import FAMILY_CLAIMS, Claims, Others
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.models import stored_models
from neuronxa_core.gallery.read import PRECISION, precomputed_against_target
from neuronxa_core.models import demo
from neuronxa_core.models.curated import curated
from neuronxa_core.models.gguf_header import gguf_told
from neuronxa_core.models.locate import local_checkpoint
from neuronxa_core.study.study import Study

_DEMOS_FAMILY = "gemma3_text"


def with_other_models(request: Claims) -> Claims:
    """The request with the verdicts on claims 1 to 4 in precomputed models of other families.

    They are of the same corpus, languages and choices. Loads no model.
    """
    return replace(request, others=_others(replace(request, accuracies=(), others=())))


@lru_cache(maxsize=32)
def _others(request: Claims) -> Others:
    return tuple(_judged_beside(request)) if request.languages else ()


def _judged_beside(request: Claims) -> Iterator[tuple[str, tuple[Verdict, ...]]]:
    seen = {family_of(request.study)}
    for model in (demo.NAME, *stored_models()):
        study = _with_model(request.study, model)
        family = family_of(study)
        results = precomputed_against_target(study, request.languages) if family not in seen else None
        if results:
            seen.add(family)
            judged = request.answer(results).judged
            yield model, tuple(each.verdict for each in judged if each.claim.number in FAMILY_CLAIMS)


def _with_model(study: Study, model: str) -> Study:
    return replace(study, model=model, pooling="auto", dtype=PRECISION, revision="", adapter="", neurons="")


def family_of(study: Study) -> str:
    """The `model_type` of a study's model, as far as it is known without loading or downloading; or its name."""
    if study.model == demo.NAME:
        return _DEMOS_FAMILY
    known = stored_models().get(study.model) or curated(study.model)
    if known:
        return known.family
    try:
        checkpoint = local_checkpoint(study.ref)
    except NeuronXAError:  # a run will say what is wrong with it
        checkpoint = None
    if checkpoint is None:
        return study.model
    told = gguf_told(checkpoint.weights[0])[0] if checkpoint.gguf else checkpoint.config
    return str(told.get("model_type") or study.model)
