"""The sentences under the projection: where the languages meet, and how far the picture can be trusted."""

from collections.abc import Sequence

from neuronxa_core.analyses.projection import NEIGHBOURS, Projection
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import STATE_NAMES

_TRUSTED = 0.9


def projection_finding(projections: Sequence[Projection], layer: int) -> str:
    """What the numbers say for the layer in view and over all layers; two sentences per state. Markdown without links."""
    return " ".join(_meeting(each) for each in projections) + " " + _trust(projections, layer)


def _meeting(projection: Projection) -> str:
    table = projection.table
    best = table.loc[table["foreign_neighbours"].idxmax()]
    share, pairs = best["foreign_neighbours"], projection.pairs
    k = min(NEIGHBOURS, pairs - 1)
    source, target = language(projection.study.source).name, language(projection.study.target).name
    chance = pairs / (2 * pairs - 1)
    if share < 0.02:
        return f"By {STATE_NAMES[projection.state]}, {source} and {target} stay apart at every layer."
    return (
        f"By {STATE_NAMES[projection.state]}, {source} and {target} are closest at layer {best['layer']:.0f}: {100 * share:.0f} % of a "
        f"sentence's {k} nearest neighbours are of the other language ({100 * chance:.0f} % if languages were mixed), and "
        f"{100 * best['mutual']:.0f} % of pairs are aligned."
    )


def _trust(projections: Sequence[Projection], layer: int) -> str:
    shown = [each for each in projections if layer in each.layers]
    values = {
        STATE_NAMES[each.state]: float(each.table.set_index("layer").loc[layer, "trustworthiness"]) for each in shown
    }
    numbers = ", ".join(f"{name} {value:.2f}" for name, value in values.items())
    if not values:
        return ""
    if min(values.values()) < _TRUSTED:
        return f"At layer {layer} the picture bends the neighbourhoods (trustworthiness {numbers}): believe the numbers first."
    return f"At layer {layer} the picture keeps most neighbourhoods (trustworthiness {numbers})."
