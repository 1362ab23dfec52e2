"""Results -> plotly figures and the sentences under them. Pure functions; the only room that knows plotly.

A module is a question: its figures, each also as one that can leave the page (`exportable_...`), and its findings.
`figures_of` and `finding_of` give an answer's own. Modules and the two functions load when they are first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuronxa_core.figures.notebook import figures_of
    from neuronxa_core.figures.shown import finding_of

__all__ = ["figures_of", "finding_of"]
_QUESTIONS = (
    "alignment",
    "asymmetry",
    "downstream",
    "languages",
    "latent_language",
    "models",
    "neurons",
    "overview",
    "projection",
    "settings",
    "similarity",
)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(f"{__name__}.notebook"), name)
    if name in _QUESTIONS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
