"""The precomputed answers of latent language: the demo model, from German to some languages."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

from neuronxa_core.analyses.latent_answer import LatentAnswer, latent_frame, latent_from_frame
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentAnswers, LatentLanguages
from neuronxa_core.analyses.lens_grid import GridAnswer, Lens, read_grid
from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.read import PRECISION, as_stored, precomputed
from neuronxa_core.models import demo
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled
from neuronxa_core.study.runner import find_result
from neuronxa_core.study.study import Study

LATENT_FILE = "latent.parquet"
LENS_FILE = "lens.parquet"
TARGETS = (
    *("fra_Latn", "spa_Latn", "zho_Hans", "rus_Cyrl", "swh_Latn", "por_Latn", "jpn_Jpan", "arb_Arab", "tur_Latn"),
    *("kor_Hang", "nld_Latn", "ita_Latn", "hin_Deva", "pol_Latn", "vie_Latn", "ind_Latn", "swe_Latn"),
)
"""The targets that are precomputed from German: a minute each."""
USUAL_TARGETS = TARGETS[:5]
"""Those that a page compares unless others are chosen, which fit in a small picture."""
_SOURCE, _OTHER = "deu_Latn", "fra_Latn"


def latent_requests() -> tuple[LatentLanguage, ...]:
    """What is precomputed, or should be: German to each of TARGETS, and French to German."""
    pairs = [*((_SOURCE, code) for code in TARGETS), (_OTHER, _SOURCE)]
    return tuple(
        LatentLanguage(Study(demo.NAME, EVERYDAY.name, source, target, dtype=PRECISION)) for source, target in pairs
    )


def lens_request() -> Lens:
    """The text whose grid is precomputed: the first prompt from German to French."""
    request = LatentLanguage(Study(demo.NAME, EVERYDAY.name, _SOURCE, _OTHER, dtype=PRECISION))
    return Lens(request.study, next(each.prompt for each in request.questions() if each.prompt))


def write_answers(answers: Sequence[LatentAnswer], path: Path) -> None:
    """Writes the answers as one file, in which `precomputed_latent` finds each by its languages."""
    frame = pd.concat([latent_frame(each).assign(**_pair(each.request)) for each in answers], ignore_index=True)
    write_aside(path, lambda aside: frame.to_parquet(aside, compression="zstd", index=False))


def _pair(request: LatentLanguage) -> dict[str, str]:
    return {"from": request.study.source, "to": request.study.target}


def precomputed_latent(request: LatentLanguage) -> LatentAnswer | None:
    """The gallery's answer to a request, or None. Reads only its rows."""
    return _stored(replace(request, study=as_stored(request.study)))


@lru_cache(maxsize=64)
def _stored(request: LatentLanguage) -> LatentAnswer | None:
    if request.study.model != demo.NAME or request not in latent_requests():
        return None
    rows = [(name, "==", code) for name, code in _pair(request).items()]
    frame = bundled.read(bundled.GALLERY / LATENT_FILE, partial(pd.read_parquet, filters=rows))
    return latent_from_frame(frame, request) if frame is not None and len(frame) else None


def precomputed_targets(request: LatentLanguages) -> LatentAnswers | None:
    """The gallery's answers to all of a request's targets, or None."""
    answers = [precomputed_latent(each) for each in request.requests()]
    return LatentAnswers(tuple(each for each in answers if each)) if all(answers) else None


@lru_cache(maxsize=4)
def precomputed_lens(request: Lens) -> GridAnswer | None:
    """The gallery's grid of a text, or None."""
    wanted = replace(request, study=as_stored(request.study))
    if wanted.study.model != demo.NAME or wanted.study.dtype != PRECISION or wanted.text != lens_request().text:
        return None
    return bundled.read(bundled.GALLERY / LENS_FILE, partial(read_grid, request=wanted))


def alignment_with(study: Study, pivot: str, codes: Sequence[str]) -> dict[str, float]:
    """NASCA of each language with the pivot on the study's corpus, by code, as far as it is at hand."""
    found = {}
    for code in codes:
        try:
            each = replace(study, source=code, target=pivot)
            result = precomputed(each) or find_result(each)
        except NeuronXAError:  # the corpus lacks a language, or the model is not here
            continue
        if result:
            found[code] = result.mean("nas")
    return found
