"""The precomputed traps: German and English in the demo model, and what can go wrong with them."""

from dataclasses import replace
from functools import lru_cache

from neuronxa_core.analyses.traps import TrapResults, Traps, read_traps
from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.gallery.read import PRECISION, as_stored
from neuronxa_core.models import demo
from neuronxa_core.study import bundled
from neuronxa_core.study.study import Study

TRAPS_FILE = "traps.parquet"


def traps_request() -> Traps:
    """What is precomputed."""
    return Traps(Study(demo.NAME, EVERYDAY.name, "deu_Latn", ENGLISH, dtype=PRECISION))


def precomputed_traps(request: Traps) -> TrapResults | None:
    """The gallery's traps, or None for any other study."""
    return _stored() if replace(request, study=as_stored(request.study)) == traps_request() else None


@lru_cache(maxsize=1)
def _stored() -> TrapResults | None:
    return bundled.read(bundled.GALLERY / TRAPS_FILE, read_traps)
