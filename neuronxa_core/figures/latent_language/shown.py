"""The figures and the findings of latent language for a notebook; importing this registers them."""

from neuronxa_core.analyses.latent_answer import LatentAnswer
from neuronxa_core.analyses.latent_languages import LatentAnswers
from neuronxa_core.analyses.lens_grid import GridAnswer
from neuronxa_core.figures.latent_language.across import across_finding, exportable_across
from neuronxa_core.figures.latent_language.curves import exportable_latent, latent_finding, words_finding
from neuronxa_core.figures.latent_language.grid import exportable_grid, grid_finding
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of


@exportables_of.register
def _(answer: LatentAnswer) -> Exportables:
    return {"latent": exportable_latent(answer)}


@finding_of.register
def _(answer: LatentAnswer) -> str:
    return f"{latent_finding(answer)} {words_finding(answer)}"


@exportables_of.register
def _(answer: LatentAnswers) -> Exportables:
    return {"targets": exportable_across(answer, answer.table())}


@finding_of.register
def _(answer: LatentAnswers) -> str:
    return across_finding(answer, answer.table())


@exportables_of.register
def _(answer: GridAnswer) -> Exportables:
    return {"lens": exportable_grid(answer)}


@finding_of.register
def _(answer: GridAnswer) -> str:
    return grid_finding(answer)
