"""What an answer is drawn as: `exportables_of` and `finding_of`, which notebook and the questions' modules register."""

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from neuronxa_core.figures.export import ExportableFigure

Exportables = Mapping[str, ExportableFigure]


@singledispatch
def exportables_of(answer: Any) -> Exportables:
    """The figures of an answer by name, each with its title and caption, the main one first."""
    raise TypeError(f"{type(answer).__name__} has no figures: register them in neuronxa_core/figures/notebook.py")


@singledispatch
def finding_of(answer: Any) -> str:
    """What an answer shows, in a sentence or a few."""
    raise TypeError(f"{type(answer).__name__} has no finding: register one in neuronxa_core/figures/notebook.py")
