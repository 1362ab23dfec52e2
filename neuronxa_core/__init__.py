"""NeuronXA: how well two languages are aligned inside a language model, layer by layer, in the states of its neurons.

from neuronxa_core import Study, run_study
result = run_study(Study(model="demo", corpus="everyday", source="deu_Latn", target="eng_Latn"))
result.scores    # one row per state and layer
result.summary   # NASCA, NAVCA, MEXA, peaks, direction gaps, provenance
"""

from typing import TYPE_CHECKING, Any

from neuronxa_core.version import __version__

__all__ = ["NeuronXAError", "Study", "StudyResult", "__version__", "open_corpus", "run_study"]

if TYPE_CHECKING:
    from neuronxa_core.corpora.catalogue import open_corpus
    from neuronxa_core.errors import NeuronXAError
    from neuronxa_core.study.result import StudyResult
    from neuronxa_core.study.runner import run_study
    from neuronxa_core.study.study import Study

_HOMES = {
    "NeuronXAError": "errors",
    "Study": "study.study",
    "StudyResult": "study.result",
    "open_corpus": "corpora.catalogue",
    "run_study": "study.runner",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used, so that importing the package costs nothing."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'neuronxa_core' has no attribute {name!r}")
    return getattr(import_module(f"neuronxa_core.{_HOMES[name]}"), name)
