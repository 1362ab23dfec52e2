"""The figures and the finding of a worked example for a notebook; importing this registers them."""

import numpy as np

from neuronxa_core.analyses.worked_example import WorkedExample
from neuronxa_core.figures.alignment import alignment_finding, exportable_curves
from neuronxa_core.figures.method.inside import exportable_firing, exportable_gate, exportable_tokens
from neuronxa_core.figures.method.neighbours import exportable_neighbours, exportable_score
from neuronxa_core.figures.method.pooling import exportable_pooling
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.states.sentences import POOLINGS


def telling_layer(example: WorkedExample) -> int:
    """The first layer with the best NAS score below 1, where there is something to count; else the best of all."""
    scores = example.scores("nas")
    return int(np.argmax(np.where(scores < 1, scores, 0))) + 1


@exportables_of.register
def _(answer: WorkedExample) -> Exportables:
    layer, study = telling_layer(answer), answer.study
    return {
        "cosines": exportable_neighbours(answer, "nas", layer),
        "tokens": exportable_tokens(answer),
        "gate": exportable_gate(answer, 0, layer, 0, (0, len(answer.sides[0][0].tokens) - 1)),
        "firing": exportable_firing(answer, 0, 0, layer),
        "pooling": exportable_pooling(answer, 0, 0, layer, POOLINGS[0] if study.pooling == "auto" else study.pooling),
        "score": exportable_score(answer, "nas", layer),
        "curves": exportable_curves(answer.result, layer),
    }


@finding_of.register
def _(answer: WorkedExample) -> str:
    return alignment_finding(answer.result)
