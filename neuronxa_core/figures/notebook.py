"""Every answer as figures and a finding, at the layer and the state that a page opens with: what a notebook shows.

The same figures and sentences as on the pages; `exportables_of` and `finding_of` have an entry for each kind of answer.
"""

import html
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from neuronxa_core.analyses import similarity as pairs_similarity
from neuronxa_core.analyses.asymmetry import LanguageResults, largest_gap
from neuronxa_core.analyses.downstream import BITS, Measured, bits_as_accuracies
from neuronxa_core.analyses.effects import Effects
from neuronxa_core.analyses.language_matrix import LanguageMatrix
from neuronxa_core.analyses.language_order import arrange, level_summary, pivot_scores
from neuronxa_core.analyses.models import ModelComparison, depth_curves, language_differences, variant_summary
from neuronxa_core.analyses.neurons import USUAL_THRESHOLD, NeuronRates, TokenPair, overlap, sharing, specific_neurons
from neuronxa_core.analyses.pairs_needed import RankStability
from neuronxa_core.analyses.projections import Projections
from neuronxa_core.analyses.settings import Ablation
from neuronxa_core.analyses.similarity import PairSimilarities
from neuronxa_core.analyses.space import beside_alignment, drawn_measures
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures import (
    alignment,
    asymmetry,
    downstream,
    interventions,
    languages,
    models,
    neurons,
    overview,
    plane,
    projection,
    settings,
    similarity,
    space,
)
from neuronxa_core.figures import claims as _claims  # noqa: F401 - registers its answer
from neuronxa_core.figures import continuation as _continued  # noqa: F401 - registers its answer
from neuronxa_core.figures import items as _items  # noqa: F401 - registers its answers
from neuronxa_core.figures import revisions as _revisions  # noqa: F401 - registers its answer
from neuronxa_core.figures import steering as _steering  # noqa: F401 - registers its answer
from neuronxa_core.figures import traps as _traps  # noqa: F401 - registers its answer
from neuronxa_core.figures import with_without as _with_without  # noqa: F401 - registers its answer
from neuronxa_core.figures.export import printed, standing
from neuronxa_core.figures.latent_language import shown as _words  # noqa: F401 - registers its answers
from neuronxa_core.figures.method import shown as _steps  # noqa: F401 - registers its answer
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.analysis import Found
from neuronxa_core.study.result import StudyResult


def figures_of(answer: Any, theme: Theme = "light") -> dict[str, go.Figure]:
    """The figures of an answer by name, the main one first, on the theme's ground. TypeError for anything else."""
    ground = {"paper_bgcolor": PALETTES[theme].ground}
    return {name: standing(each, theme).update_layout(ground) for name, each in exportables_of(answer).items()}


def html_of(answer: Any) -> str:
    """The finding and the main figure as HTML, with plotly's own code (4 MB), so that it opens without a network."""
    exportable = next(iter(exportables_of(answer).values()), None)
    if exportable is None:  # nothing was measured
        return _said(answer)
    drawn = printed(exportable).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False})
    return f"{_said(answer)}<figure>{drawn}</figure>"


def bundle_of(answer: Any) -> dict[str, Any]:
    """What plotly's renderer makes of the main figure, with the finding above it, and the finding as HTML.

    plotly knows which notebook it is in and ships its code at most once, so that an answer takes kilobytes.
    """
    exportable = next(iter(exportables_of(answer).values()), None)
    if exportable is None:
        return {"text/html": _said(answer)}
    figure = printed(replace(exportable, note=finding_of(answer)))
    return {"text/html": _said(answer), **(figure._repr_mimebundle_() or {})}


def _said(answer: Any) -> str:
    return f"<p>{html.escape(finding_of(answer), quote=False)}</p>"


@exportables_of.register
def _(answer: Found) -> Exportables:  # type: ignore[type-arg]
    return exportables_of(answer.answer)


@finding_of.register
def _(answer: Found) -> str:  # type: ignore[type-arg]
    return finding_of(answer.answer)


@exportables_of.register
def _(answer: StudyResult) -> Exportables:
    direction = asymmetry.exportable_direction(answer, "nas", largest_gap(answer, "nas")[0])
    return {"alignment": alignment.exportable_curves(answer), "directions": direction}


@finding_of.register
def _(answer: StudyResult) -> str:
    return alignment.alignment_finding(answer)


@exportables_of.register
def _(answer: PairSimilarities) -> Exportables:
    study, layer = answer.study, _best_layer(answer)
    matrices = answer.cosines(layer)
    order = pairs_similarity.pair_order(matrices["nas"], "source")
    shown = order[: similarity.MOST_SHOWN]
    found = {
        f"matrix_{state}": similarity.exportable_matrix(study, matrix, state, layer, shown)
        for state, matrix in matrices.items()
    }
    found["distribution"] = similarity.exportable_distribution(study, matrices, layer)
    measures = answer.measures
    if set(plane.AXES) <= set(measures):
        found["plane"] = plane.exportable_plane(study, beside_alignment(answer.scores, measures))
    return found | {
        each.name: space.exportable_measure(study, measures, each, layer) for each in drawn_measures(measures)
    }


@finding_of.register
def _(answer: PairSimilarities) -> str:
    layer = _best_layer(answer)
    return similarity.similarity_finding(answer.study, answer.cosines(layer), layer)


def _best_layer(answer: PairSimilarities) -> int:
    """The layer where most pairs are aligned by NAS, the first of equals."""
    aligned = [answer.cosines(each)["nas"].summary.aligned for each in range(1, answer.last_layer + 1)]
    return int(np.argmax(aligned)) + 1


@exportables_of.register
def _(answer: LanguageResults) -> Exportables:
    return {"gaps": asymmetry.exportable_gaps(answer.results), "ranking": overview.exportable_ranking(answer.results)}


@finding_of.register
def _(answer: LanguageResults) -> str:
    if len(answer.results) == 1:
        return asymmetry.direction_finding(answer.results[0], "nas")
    return asymmetry.gap_languages_finding(answer.results)


@exportables_of.register
def _(answer: Projections) -> Exportables:
    layer, bitext = _closest_layer(answer), answer.study.bitext()
    found = {f"points_{each.state}": projection.exportable_projection(each, bitext, layer) for each in answer.states}
    numbers = ("foreign_neighbours", "silhouette")
    return found | {name: projection.exportable_numbers(answer.states, name, layer) for name in numbers}


@finding_of.register
def _(answer: Projections) -> str:
    return projection.projection_finding(answer.states, _closest_layer(answer))


def _closest_layer(answer: Projections) -> int:
    """The layer where most pairs are aligned by the first state with neurons; only an embedding has a layer 0."""
    first = min(answer.states, key=lambda each: each.state == "embedding")
    table = first.table
    return int(table.loc[table["mutual"].idxmax(), "layer"])


@exportables_of.register
def _(answer: LanguageMatrix) -> Exportables:
    pivot = ENGLISH if ENGLISH in answer.codes else answer.codes[0]
    scores = pivot_scores(answer, pivot)
    order = arrange(answer, "similarity") if len(answer.codes) > 1 else arrange(answer, "name")
    return {
        "matrix": languages.exportable_languages(answer, order, "nas", None),
        "pivot": languages.exportable_pivot(answer, scores, pivot, None),
        "levels": languages.exportable_levels(answer, scores, level_summary(scores), pivot, None),
    }


@finding_of.register
def _(answer: LanguageMatrix) -> str:
    return languages.matrix_finding(answer, "nas")


@exportables_of.register
def _(answer: NeuronRates) -> Exportables:
    study, count = answer.study, len(answer.codes)
    shared = overlap(answer, USUAL_THRESHOLD)
    return {
        "sharing": neurons.exportable_sharing(study, sharing(answer, USUAL_THRESHOLD), count, USUAL_THRESHOLD),
        "overlap": neurons.exportable_overlap(study, shared, answer.codes, "all layers"),
        "specific": neurons.exportable_specific(study, specific_neurons(answer), answer),
    }


@finding_of.register
def _(answer: NeuronRates) -> str:
    return neurons.sharing_finding(sharing(answer, USUAL_THRESHOLD), len(answer.codes), USUAL_THRESHOLD)


@exportables_of.register
def _(answer: TokenPair) -> Exportables:
    study, chosen = answer.study, answer.strongest()
    sides = {"source": (study.source, answer.source), "target": (study.target, answer.target)}
    return {
        name: neurons.exportable_token(study, states, chosen, code, answer.pair, answer.layer)
        for name, (code, states) in sides.items()
    }


@finding_of.register
def _(answer: TokenPair) -> str:
    on, also = answer.source.nas >= 0.5, answer.target.nas >= 0.5
    one, two = (language(code).name for code in (answer.study.source, answer.study.target))
    return (
        f"Layer {answer.layer}. {(on & also).sum()} of {len(on)} neurons have a pooled NAS of 0.5 or more in both "
        f"sentences, {(on & ~also).sum()} in the {one} one alone and {(~on & also).sum()} in the {two} one alone."
    )


@exportables_of.register
def _(answer: Effects) -> Exportables:
    own = {"own": interventions.exportable_own(answer)} if answer.diagonal() else {}
    return {"effects": interventions.exportable_effects(answer), **own}


@finding_of.register
def _(answer: Effects) -> str:
    return interventions.effects_finding(answer)


@exportables_of.register
def _(answer: Ablation) -> Exportables:
    return {
        "choices": settings.exportable_ablation(answer.study, answer.table, "nas"),
        "pairs": settings.exportable_pairs(answer.study, answer.pairs, "score"),
    }


@finding_of.register
def _(answer: Ablation) -> str:
    return settings.ablation_finding(answer.table, "nas")


@exportables_of.register
def _(answer: RankStability) -> Exportables:
    return {"ranks": settings.exportable_pairs(answer.study, answer.table, "rank_correlation")}


@finding_of.register
def _(answer: RankStability) -> str:
    return settings.pairs_finding(answer.table, len(answer.languages))


@exportables_of.register
def _(answer: ModelComparison) -> Exportables:
    study, names = answer.study, list(answer.results)
    curves = depth_curves(answer.results, study.source)
    found = {"depth": models.exportable_depth(study, curves, "nas")}
    for name in names[1:2]:
        table = language_differences(answer.results[name], answer.results[names[0]], "nas")
        found["difference"] = models.exportable_difference(study, table, "nas", name, names[0])
    return found


@finding_of.register
def _(answer: ModelComparison) -> str:
    return models.comparison_finding(variant_summary(answer.results), "nas")


@exportables_of.register
def _(answer: Measured) -> Exportables:
    if answer.bits is None:
        return {"ranking": overview.exportable_ranking(answer.results)}
    study = answer.study
    tables = answer.correlations(bits_as_accuracies(answer.bits, study.names["model"]))
    found = {
        f"scatter_{state}": downstream.exportable_downstream(study, tables["languages"], state, BITS)
        for state in STATES
    }
    if tables["layers"]["pearson"].notna().any():
        found["layers"] = downstream.exportable_correlation(study, tables["layers"], "pearson", BITS)
    return found


@finding_of.register
def _(answer: Measured) -> str:
    if answer.bits is None:
        return overview.ranking_finding(answer.results)
    accuracies = bits_as_accuracies(answer.bits, answer.study.names["model"])
    return downstream.downstream_finding(answer.correlations(accuracies)["correlations"], BITS)
