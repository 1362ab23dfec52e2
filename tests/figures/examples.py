"""An example of every exportable figure, with the numbers that must be found in it, made from the gallery."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.analyses.asymmetry import direction_gaps, mean_gap
from neuronxa_core.analyses.beside import beside_table
from neuronxa_core.analyses.choices import ChoicesAnswer
from neuronxa_core.analyses.claim_evidence import of_level
from neuronxa_core.analyses.claims import ClaimsAnswer
from neuronxa_core.analyses.downstream import alignment_table, joined, layer_correlations
from neuronxa_core.analyses.effects import Cell, Effects
from neuronxa_core.analyses.items import SentenceItems
from neuronxa_core.analyses.language_order import arrange, level_summary, pivot_scores
from neuronxa_core.analyses.latent_languages import LatentLanguages
from neuronxa_core.analyses.leaderboard import board_of, texts_of
from neuronxa_core.analyses.models import depth_curves, language_differences
from neuronxa_core.analyses.neurons import TokenStates, overlap, sharing, specific_neurons
from neuronxa_core.analyses.revisions import RevisionCurve
from neuronxa_core.analyses.space import beside_alignment, drawn_measures
from neuronxa_core.analyses.steering_answer import UNSTEERED, Condition, Measured, Said, SteeringAnswer
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.analyses.with_without import ChangedAlignment
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import (
    alignment,
    asymmetry,
    beside,
    claims,
    downstream,
    interventions,
    items,
    languages,
    latent_language,
    leaderboard,
    models,
    moved,
    neurons,
    overview,
    plane,
    projection,
    revisions,
    settings,
    similarity,
    space,
    steering,
    traps,
    with_without,
)
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.method import inside, neighbours, pooling, spaces
from neuronxa_core.gallery.latent import (
    USUAL_TARGETS,
    alignment_with,
    latent_requests,
    lens_request,
    precomputed_latent,
    precomputed_lens,
    precomputed_targets,
)
from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.gallery.models import stored_models, stored_results
from neuronxa_core.gallery.read import (
    gallery_results,
    gallery_studies,
    precomputed_ablation,
    precomputed_layers,
    precomputed_matrix,
    precomputed_pairs_needed,
    precomputed_projection,
    precomputed_rates,
    variant_results,
)
from neuronxa_core.gallery.traps import precomputed_traps, traps_request
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import row_of
from neuronxa_core.study.table import StudyTable
from neuronxa_core.sweep.board import gallery_rows
from neuronxa_core.sweep.diff import moved_between

MODULES = (
    alignment,
    asymmetry,
    beside,
    claims,
    downstream,
    inside,
    interventions,
    items,
    languages,
    latent_language,
    leaderboard,
    models,
    moved,
    neighbours,
    neurons,
    overview,
    plane,
    pooling,
    projection,
    revisions,
    settings,
    similarity,
    space,
    spaces,
    steering,
    traps,
    with_without,
)
STUDY = next(study for study in gallery_studies() if study.source == "deu_Latn")
CODES = ("eng_Latn", "deu_Latn", "fra_Latn", "zho_Hans", "yor_Latn")


@dataclass(frozen=True)
class Example:
    """An exportable figure, and what it must show: values by the trace and the axis that hold them, as `NAS.y`."""

    exportable: ExportableFigure
    holds: Mapping[str, Iterable[float]]


EXAMPLES: dict[str, Callable[[], Example]] = {}
"""By the name of the function that makes the exportable figure."""


def example(make: Callable[[], Example]) -> Callable[[], Example]:
    EXAMPLES[make.__name__] = cache(make)
    return EXAMPLES[make.__name__]


@example
def exportable_curves() -> Example:
    result = gallery_results()[STUDY]
    return Example(alignment.exportable_curves(result), {"NAS.y": result.of("nas")["score"]})


@example
def exportable_direction() -> Example:
    result = gallery_results()[STUDY]
    gaps = direction_gaps(result).query("state == 'nas'")["gap"]
    return Example(asymmetry.exportable_direction(result, "nas", 7), {"gap.y": gaps})


@example
def exportable_gaps() -> Example:
    results = list(gallery_results().values())
    gaps = sorted((mean_gap(result, "embedding")[0] for result in results), key=abs)
    return Example(asymmetry.exportable_gaps(results), {"Embedding.x": gaps})


@example
def exportable_matrix() -> Example:
    cosines = precomputed_layers(STUDY).similarity("nas", 7)
    order = [4, 2, 9]
    exportable = similarity.exportable_matrix(STUDY, cosines, "nas", 7, order)
    return Example(exportable, {"None.z": cosines[np.ix_(order, order)].ravel()})


@example
def exportable_distribution() -> Example:
    cosines = precomputed_layers(STUDY).similarity("nas", 7)
    edges = np.linspace(0, 1, 81)
    heights = [np.histogram(values, edges, density=True)[0] for values in (cosines.diagonal(), _others(cosines))]
    shown = 0.85 * heights[0] / max(height.max() for height in heights)
    exportable = similarity.exportable_distribution(STUDY, {"nas": cosines}, 7)
    return Example(exportable, {"NAS, translations.y": [0, *shown, 0]})


def _others(cosines: np.ndarray) -> np.ndarray:
    return cosines[~np.eye(len(cosines), dtype=bool)]


@example
def exportable_measure() -> Example:
    measures = precomputed_layers(STUDY).measures
    hubness = next(measure for measure in drawn_measures(measures) if measure.name == "hubness")
    rows = measures[measures["state"] == "nav"]
    return Example(space.exportable_measure(STUDY, measures, hubness, 7), {"NAV.y": rows["hubness"]})


@example
def exportable_plane() -> Example:
    result, measures = gallery_results()[STUDY], precomputed_layers(STUDY).measures
    rows = measures[measures["state"] == "nas"]
    exportable = plane.exportable_plane(STUDY, beside_alignment(result.scores, measures))
    return Example(exportable, {"NAS.x": rows["discriminability"], "NAS.y": result.of("nas")["score"]})


@example
def exportable_projection() -> Example:
    found, bitext = precomputed_projection(STUDY, "nas", ProjectionSettings()), STUDY.bitext()
    points = found.points(7)[: found.pairs, 1].astype(float).round(3)
    return Example(projection.exportable_projection(found, bitext, 7, pair=3), {"German.y": points})


@example
def exportable_numbers() -> Example:
    found = precomputed_projection(STUDY, "nas", ProjectionSettings())
    return Example(projection.exportable_numbers([found], "silhouette", 7), {"NAS.y": found.table["silhouette"]})


@example
def exportable_languages() -> Example:
    matrix = precomputed_matrix(STUDY)
    arrangement = arrange(matrix, "name")
    cells = matrix.take(arrangement.codes).score("nas", 3).ravel()
    return Example(languages.exportable_languages(matrix, arrangement, "nas", 3), {"scores.z": cells})


@example
def exportable_pivot() -> Example:
    matrix = precomputed_matrix(STUDY)
    scores = pivot_scores(matrix, "eng_Latn")
    return Example(languages.exportable_pivot(matrix, scores, "eng_Latn", None), {"NAS.x": scores["nas"][::-1]})


@example
def exportable_levels() -> Example:
    matrix = precomputed_matrix(STUDY)
    scores = pivot_scores(matrix, "eng_Latn")
    head = scores[scores["level"] == "head"]["nas"]
    exportable = languages.exportable_levels(matrix, scores, level_summary(scores), "eng_Latn", None)
    return Example(exportable, {"NAS, head.x": [head.mean()]})


@example
def exportable_ablation() -> Example:
    table = precomputed_ablation(STUDY).table
    scores = table[table["state"] == "nas"]["score"][::-1]
    return Example(settings.exportable_ablation(STUDY, table, "nas"), {"NASCA.x": scores})


@example
def exportable_pairs() -> Example:
    pairs = precomputed_ablation(STUDY).pairs
    rows = pairs[pairs["state"] == "nav"]
    band = [*rows["ci_high"], *rows["ci_low"][::-1]]
    return Example(
        settings.exportable_pairs(STUDY, pairs, "score"), {"NAVCA.y": rows["score"], "NAVCA interval.y": band}
    )


@example
def exportable_pairs_of_languages() -> Example:
    needed = precomputed_pairs_needed(STUDY, [study.source for study in gallery_studies()]).table
    ranks = needed[needed["state"] == "nas"]["rank_correlation"]
    return Example(settings.exportable_pairs(STUDY, needed, "rank_correlation"), {"NASCA.y": ranks})


@example
def exportable_sharing() -> Example:
    table = sharing(precomputed_rates(STUDY, CODES), 0.5)
    return Example(
        neurons.exportable_sharing(STUDY, table, 5, 0.5), {"in all.y": table["all"], "in none.y": table["none"]}
    )


@example
def exportable_overlap() -> Example:
    shared = overlap(precomputed_rates(STUDY, CODES), 0.5)
    cells = np.where(np.eye(len(CODES), dtype=bool), np.nan, shared).ravel()
    return Example(neurons.exportable_overlap(STUDY, shared, CODES, "all layers"), {"None.z": cells})


@example
def exportable_specific() -> Example:
    rates = precomputed_rates(STUDY, CODES)
    table = specific_neurons(rates)
    counts = pd.crosstab(table["language"], table["layer"]).reindex(columns=range(1, 19), fill_value=0)
    ordered = counts.loc[counts.sum(axis=1).sort_values().index]
    return Example(neurons.exportable_specific(STUDY, table, rates), {"None.z": ordered.to_numpy().ravel()})


@example
def exportable_token() -> Example:
    activations = np.arange(12, dtype=np.float32).reshape(3, 4) - 5
    states = TokenStates(
        ("a", "b", "c"), activations, np.array([0, 0.5, 1, 1], np.float32), np.arange(4, dtype=np.float32)
    )
    exportable = neurons.exportable_token(STUDY, states, [3, 1], "deu_Latn", 2, 4)
    return Example(exportable, {"None.z": activations[:, [3, 1]].ravel()})


@example
def exportable_tokens() -> Example:
    worked = precomputed_method(method_request())
    counts = [len(each.tokens) for each in worked.sides[1]]
    return Example(inside.exportable_tokens(worked), {"English.y": counts})


@example
def exportable_gate() -> Example:
    worked = precomputed_method(method_request())
    sentence = worked.sides[0][2]
    shown = {"German.x": sentence.incoming[8, :, 13], "German.y": sentence.activation[8, :, 13]}
    return Example(inside.exportable_gate(worked, 2, 9, 13, (0, 4)), shown)


@example
def exportable_firing() -> Example:
    worked = precomputed_method(method_request())
    values = worked.sides[1][0].activation[4]
    return Example(
        inside.exportable_firing(worked, 1, 0, 5, 3), {"NAS.z": (values > 0).ravel(), "NAV.z": np.abs(values).ravel()}
    )


@example
def exportable_pooling() -> Example:
    worked = precomputed_method(method_request())
    values = worked.sides[0][1].activation[6]
    return Example(
        pooling.exportable_pooling(worked, 0, 1, 7, "mean"),
        {"weights.y": [1 / len(values)] * len(values), "mean.y": (values > 0).mean(axis=0), "last.y": values[-1] > 0},
    )


@example
def exportable_neighbours() -> Example:
    worked = precomputed_method(method_request())
    return Example(neighbours.exportable_neighbours(worked, "nas", 3), {"NAS.z": worked.cosines["nas"][2].ravel()})


@example
def exportable_score() -> Example:
    worked = precomputed_method(method_request())
    score = worked.result.of("nas")["score"][2]
    return Example(neighbours.exportable_score(worked, "nas", 3), {"score.x": [score], "possible.x": np.arange(6) / 5})


@cache
def _variants() -> dict[str, tuple[StudyResult, ...]]:
    gate = tuple(gallery_results().values())
    return {"gate": gate, "product": tuple(variant_results()[replace(each.study, site="product")] for each in gate)}


@example
def exportable_depth() -> Example:
    curves = depth_curves(_variants(), "deu_Latn")
    scores = gallery_results()[STUDY].of("nas")["score"]
    return Example(models.exportable_depth(STUDY, curves, "nas"), {"gate.y": scores})


@example
def exportable_difference() -> Example:
    variants = _variants()
    table = language_differences(variants["product"], variants["gate"], "nas")
    exportable = models.exportable_difference(STUDY, table, "nas", "product", "gate")
    return Example(exportable, {"difference.x": table["difference"][::-1]})


@example
def exportable_moved() -> Example:
    product = variant_results()[replace(STUDY, site="product")]
    before, after = (pd.DataFrame([row_of("k", each)]) for each in (gallery_results()[STUDY], product))
    exportable = moved.exportable_moved(moved_between(before, after), "nas", "gate to product")
    return Example(exportable, {"moved.y": [product.mean("nas")]})


@example
def exportable_board() -> Example:
    rows = gallery_rows()
    board = board_of(rows, texts_of(rows)[0])
    codes = sorted(board.common)
    scores = [result.mean("nas") for result in sorted(gallery_results().values(), key=lambda each: each.study.source)]
    exportable = leaderboard.exportable_board(board, ["demo, gate, float32"], codes, "nas")
    return Example(exportable, {"scores.z": [float(np.float32(each)) for each in scores]})


@cache
def _accuracies() -> pd.DataFrame:
    codes = [study.source for study in gallery_studies()]
    return pd.DataFrame({"language": codes, "accuracy": [0.2 + 0.01 * (7 * place % 31) for place in range(len(codes))]})


@example
def exportable_downstream() -> Example:
    table = joined(alignment_table(list(gallery_results().values())), _accuracies())
    exportable = downstream.exportable_downstream(STUDY, table, "nas", "XNLI")
    return Example(exportable, {"NASCA.y": table["accuracy"]})


@example
def exportable_correlation() -> Example:
    layers = layer_correlations(list(gallery_results().values()), _accuracies())
    rows = layers[layers["state"] == "nas"]
    band = [*rows["pearson_fisher_high"], *rows["pearson_fisher_low"][::-1]]
    exportable = downstream.exportable_correlation(STUDY, layers, "pearson", "XNLI")
    return Example(exportable, {"NAS.y": rows["pearson"], "NAS interval.y": band})


@example
def exportable_spaces() -> Example:
    worked = precomputed_method(method_request())
    apart = ~np.eye(5, dtype=bool)
    shown = {f"{space} circle.x": worked.matrix(space, 5).diagonal() for space in ("nas", "centred")}
    shown |= {f"{space} circle-open.x": worked.matrix(space, 5)[apart] for space in ("nas", "centred")}
    return Example(spaces.exportable_spaces(worked, 5, centred=True), shown)


@example
def exportable_trap() -> Example:
    answer = precomputed_traps(traps_request())
    scores = [answer.results[name].mean("nas") for name in ("whole", "half", "few")]
    return Example(traps.exportable_trap(answer, "few"), {"NAS.y": scores})


@example
def exportable_ranking() -> Example:
    results = list(gallery_results().values())
    return Example(overview.exportable_ranking(results), {"NASCA.x": sorted(result.mean("nas") for result in results)})


@example
def exportable_layers() -> Example:
    results = sorted(gallery_results().values(), key=lambda result: result.mean("nas"))
    cells = np.concatenate([result.of("nas")["score"] for result in results])
    return Example(overview.exportable_layers(results, "nas"), {"None.z": cells})


@example
def exportable_beside() -> Example:
    others = stored_results(next(iter(stored_models()))).values()
    table = beside_table(list(gallery_results().values()), list(others))
    shown = {"NASCA, B.y": table["other_nasca"], "Fertility, A.y": table["fertility"]}
    return Example(beside.exportable_beside(STUDY, table, ("A", "B")), shown)


def claims_of_the_gallery() -> ClaimsAnswer:
    return ClaimsAnswer(STUDY, tuple(gallery_results().values()))


@example
def exportable_retrieval() -> Example:
    answer = claims_of_the_gallery()
    shown = answer.retrieval.query("state == 'nas'")["mean"]
    return Example(claims.exportable_retrieval(answer), {"NAS.x": 100 * shown})


@example
def exportable_gap_sizes() -> Example:
    answer = claims_of_the_gallery()
    size = answer.conditions.query("part == 'nas'")["value"]
    return Example(claims.exportable_gap_sizes(answer), {"NAS.x": size})


@example
def exportable_level_scores() -> Example:
    answer = claims_of_the_gallery()
    levels = [[each.mean("nas") for each in of_level(answer.results, level)] for level in ("head", "long-tail")]
    return Example(claims.exportable_level_scores(answer), {"NAS.x": [100 * float(np.mean(each)) for each in levels]})


@example
def exportable_profile() -> Example:
    answer = claims_of_the_gallery()
    mean = np.mean([each.of("embedding")["score"] for each in answer.results], axis=0)
    return Example(claims.exportable_profile(answer), {"Embedding.y": mean})


@example
def exportable_halves() -> Example:
    answer = claims_of_the_gallery()
    halves = [each.outcomes["nas"].mutual[:, 1::2].mean() for each in answer.results]
    return Example(claims.exportable_halves(answer), {"NASCA.y": halves})


@example
def exportable_revisions() -> Example:
    results = list(gallery_results().values())[:3]
    others = tuple(replace(each, outcomes={**each.outcomes, "nas": each.outcomes["nav"]}) for each in results)
    means = [float(np.mean([each.mean(state) for each in results])) for state in ("nas", "nav")]
    curve = RevisionCurve(STUDY, {"step1": tuple(results), "step9": others})
    return Example(revisions.exportable_revisions(curve), {"NASCA.y": means, "NASCA.x": [1, 9]})


@example
def exportable_items() -> Example:
    margin = np.arange(8.0)
    table = pd.DataFrame({"pair": range(1, 9), **dict.fromkeys(("nas", "nav", "embedding"), margin)})
    pairs = StudyTable(STUDY, table.assign(target=-margin, source=margin), {})
    answer = SentenceItems(STUDY, (pairs,))
    return Example(items.exportable_items(answer, "target"), {"NAS.x": [1.0], "Embedding.x": [1.0]})


@example
def exportable_phi() -> Example:
    outcomes = [(True, True)] * 4 + [(False, False)] * 3 + [(True, False)]
    rows = [
        {"item": str(place), "right_source": right, "right_target": right}
        | {f"{state}_margin": 1.0 if aligned else -1.0 for state in ("nas", "nav", "embedding")}
        for place, (aligned, right) in enumerate(outcomes)
    ]
    phi = (4 * 3) / (5 * 3 * 4 * 4) ** 0.5
    return Example(items.exportable_phi(ChoicesAnswer(STUDY, tuple(rows), {})), {"NAS.x": [phi], "NAV.x": [phi]})


def three_effects(**changed: object) -> Effects:
    """Three languages by hand, 10 bits a sentence unchanged: German's neurons cost German half as much again."""
    change = {
        ("deu_Latn", "deu_Latn"): 15.0,
        ("deu_Latn", "fra_Latn"): 11.0,
        ("deu_Latn", "hin_Deva"): 10.5,
        ("fra_Latn", "deu_Latn"): 12.0,
        ("fra_Latn", "fra_Latn"): 11.5,
        ("fra_Latn", "hin_Deva"): 9.8,
        ("hin_Deva", "deu_Latn"): 10.0,
        ("hin_Deva", "fra_Latn"): 10.2,
        ("hin_Deva", "hin_Deva"): 30.0,
    }
    codes = ("deu_Latn", "fra_Latn", "hin_Deva")
    controls = {"deu_Latn": (10.5, 11.0), "fra_Latn": (10.5, 13.0), "hin_Deva": (10.2, 10.4)}
    bits = {Cell("", 0, code): 10.0 for code in codes}
    bits |= {Cell(name, 0, code): each for (name, code), each in change.items()}
    bits |= {Cell(code, place, code): each for code in codes for place, each in enumerate(controls[code], start=1)}
    asked = {"set": "lape", "share": 0.02, "layers": "all", "to": "zero", "controls": 2}
    spread = np.array([0.9, 1.0, 1.1, 1.0])
    neurons = pd.DataFrame({"neurons_of": ["deu_Latn"], "layer": [1], "neuron": [4], "lape": [0.1], "rate": [0.9]})
    effects = Effects(
        replace(STUDY, dtype="float32"),
        codes,
        {"deu_Latn": 7, "fra_Latn": 5, "hin_Deva": 3},
        neurons,
        {cell: each * spread for cell, each in bits.items()},
        dict.fromkeys(codes, 100),
        asked,
        {},
    )
    return replace(effects, **changed)  # type: ignore[arg-type]


@example
def exportable_effects() -> Example:
    shown = {"change.z": [0.5, 0.1, 0.05, 0.2, 0.15, -0.02, 0.0, 0.02, 2.0], "random.z": [0.075, 0.175, 0.03]}
    return Example(interventions.exportable_effects(three_effects()), shown)


@example
def exportable_own() -> Example:
    shown = {"own.x": [0.15, 0.5, 2.0], "random.x": [0.05, 0.3, 0.05, 0.1, 0.02, 0.04]}
    return Example(interventions.exportable_own(three_effects()), shown)


def aligned(*counts: int, pairs: int = 10) -> dict[State, Outcomes]:
    """Outcomes in which the first `counts` of the pairs are aligned, layer by layer from 1, by every state."""
    layers = np.arange(pairs) < np.array(counts)[:, None]
    embedding = np.concatenate([layers[:1], layers])
    return {state: Outcomes(*2 * (embedding if first_layer(state) == 0 else layers,)) for state in STATES}


def changed_alignment(**changed: object) -> ChangedAlignment:
    """Three layers and ten pairs by hand: 6, 8 and 4 are aligned, 5, 2 and 4 with the change."""
    study, asked = replace(STUDY, dtype="float32"), {"set": "lape", "share": 0.02, "layers": "all", "to": "zero"}
    controls = (aligned(6, 8, 4), aligned(6, 6, 4))
    answer = ChangedAlignment(study, "deu_Latn", 7, aligned(6, 8, 4), aligned(5, 2, 4), controls, asked, {})
    return replace(answer, **changed)  # type: ignore[arg-type]


@example
def exportable_with_without() -> Example:
    shown = {"unchanged.y": [0.6, 0.8, 0.4], "changed.y": [0.5, 0.2, 0.4], "random.y": [0.6, 0.7, 0.4]}
    return Example(with_without.exportable_with_without(changed_alignment(), "nas"), shown)


def steered(
    shares: tuple[float, ...] = (0.0, 0.75), random: tuple[float, ...] = (0.25, 0.0), **changed: Any
) -> SteeringAnswer:
    """English steered to Russian by hand: the share of four continuations that come out in Russian, without steering
    and at the strengths 1, 2 ..., under which the bits in Russian are the strength plus 1 times as many."""
    bits = np.array([9.0, 10.0, 11.0, 10.0])

    def measured(share: float, times: float, text: str = "дом и сад") -> Measured:
        ours = round(4 * share)
        said = (Said(text, "rus_Cyrl", 9.0),) * ours + (Said("the house", "eng_Latn", 9.0),) * (4 - ours)
        return Measured({"target": bits * times, "source": bits * (2 * times - 1)}, said)

    conditions = {UNSTEERED: measured(shares[0], 1)}
    for strength, share in enumerate(shares[1:], start=1):
        conditions[Condition(float(strength), 0)] = measured(share, 1 + strength)
        for number, each in enumerate(random, start=1):
            conditions[Condition(float(strength), number)] = measured(each, 1 + strength / 2)
    reliability = pd.DataFrame(
        {
            "language": ["eng_Latn", "rus_Cyrl"],
            "lines": [50, 50],
            "right": [1.0, 0.98],
            "cannot_tell": [0.0, 0.02],
            "right_short": [0.9, 0.8],
            "cannot_tell_short": [0.06, 0.1],
        }
    )
    answer = SteeringAnswer(
        replace(STUDY, source="eng_Latn", target="rus_Cyrl", dtype="float32"),
        layer=9,
        layers=18,
        length=0.2,
        prompts=("The old", "A young", "Two red", "My own"),
        conditions=conditions,
        utf8_bytes={"target": 100, "source": 50},
        reliability=reliability,
        asked={"strengths": [*range(1, len(shares))], "controls": len(random)},
        provenance={},
    )
    return replace(answer, **changed)


@example
def exportable_language() -> Example:
    shown = {"Russian.y": [0.0, 0.75], "English.y": [1.0, 0.25], "random.y": [0.0, 0.125], "each random.y": [0.25, 0.0]}
    return Example(steering.exportable_language(steered()), shown)


@example
def exportable_cost() -> Example:
    return Example(steering.exportable_cost(steered()), {"Russian.y": [0.0, 1.0], "English.y": [0.0, 2.0]})


@example
def exportable_latent() -> Example:
    answer = precomputed_latent(latent_requests()[0])
    rows = answer.corrected_curves.query("role == 'target'")
    shown = {
        f"{language(answer.study.target).name}.y": rows["difference"],
        f"{language(answer.study.target).name} baseline.y": rows["baseline"],
        "entropy.y": answer.entropies["entropy"],
    }
    return Example(latent_language.exportable_latent(answer), shown)


@example
def exportable_across() -> Example:
    first = latent_requests()[0]
    answers = precomputed_targets(LatentLanguages(first.study, first, USUAL_TARGETS))
    table = answers.table(alignment_with(first.study, first.pivot, USUAL_TARGETS))
    shown = {"Pivot's share.x": sorted(table["pivot_share"])}
    return Example(latent_language.exportable_across(answers, table), shown)


@example
def exportable_grid() -> Example:
    answer = precomputed_lens(lens_request())
    return Example(latent_language.exportable_grid(answer), {"None.z": answer.probabilities[:, -16:, 0].ravel()})
