"""Every finding in every branch: what extreme data make of it reads as something that a person would have written."""

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.beside import beside_table
from neuronxa_core.analyses.claims import ClaimsAnswer
from neuronxa_core.analyses.downstream import BITS, alignment_table, correlation_table, joined, layer_correlations
from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.leaderboard import board_of, ranking, texts_of
from neuronxa_core.analyses.models import language_differences, variant_summary
from neuronxa_core.analyses.neurons import NeuronRates, TokenPair, TokenStates, overlap, sharing, specific_neurons
from neuronxa_core.analyses.projection import Projection
from neuronxa_core.analyses.revisions import RevisionCurve
from neuronxa_core.analyses.space import ENDS, MEASURES
from neuronxa_core.analyses.umap import NUMBERS, ProjectionSettings
from neuronxa_core.analyses.with_without import ChangedAlignment
from neuronxa_core.figures import (
    alignment,
    asymmetry,
    beside,
    claims,
    downstream,
    finding_of,
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
)
from neuronxa_core.figures.with_without import whose, with_without_finding
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult
from neuronxa_core.study.study import Study
from tests.analyses.test_languages import synthetic

CODES = ("deu_Latn", "fra_Latn", "swe_Latn", "yor_Latn", "swh_Latn", "zho_Hans", "jpn_Jpan", "arb_Arab")
LAYERS = 3
_FORBIDDEN = (
    r"[-−]0\.0+(?!\d)",  # minus nothing
    r"\+0\.0+(?!\d)",
    r"(?<![\d.<>])0\.0+(?!\d)",  # what is not 0 is <0.01, and what is 0 is 0
    r"(?<!\w)-\d",  # a hyphen for a minus
    r"\b(?:None(?! of the)|nan|NaN|inf)\b",
    r"\d %",  # a space that may break
    r"\b(\d+(?:\.\d+)?) to \1(?![\d.])",  # an interval without width
    r"\b1 (?:languages|pairs|variants|layers)\b",
    r"\b(?:of|all) (?:0|1) (?:languages|variants)\b",
    r"[a-z]+_[a-z]+",  # a raw column name or code
    r"\b[BbIi][yn] Embedding\b",
    r"  |\.\.| \.| ,",
)


def result_of(code: str, there: Any, back: Any, pairs: int = 5) -> StudyResult:
    """A study whose outcomes, by direction, are `there` and `back`, a value or an array (layers, pairs)."""
    outcomes = {
        state: Outcomes(
            *(
                np.broadcast_to(np.asarray(each, bool), (LAYERS + 1, pairs))[first_layer(state) :]
                for each in (there, back)
            )
        )
        for state in STATES
    }
    return StudyResult(Study("demo", "everyday", code, "eng_Latn", pairs=pairs), outcomes, {})


def mixed(code: str, seed: int, pairs: int, rate: float) -> StudyResult:
    rng = np.random.default_rng(seed)
    return result_of(code, rng.random((LAYERS + 1, pairs)) < rate, rng.random((LAYERS + 1, pairs)) < rate / 2, pairs)


RESULTS: dict[str, list[StudyResult]] = {
    "no pair": [result_of(code, False, False) for code in CODES],
    "every pair": [result_of(code, True, True) for code in CODES],
    "one direction": [result_of(code, True, False) for code in CODES],
    "two pairs": [mixed(code, place, 2, 0.7) for place, code in enumerate(CODES)],
    "five pairs": [mixed(code, place, 5, 0.9) for place, code in enumerate(CODES)],
    "a hundred pairs": [mixed(code, place, 100, (place + 1) / 8) for place, code in enumerate(CODES)],
    "hardly any": [mixed(code, place, 500, 0.01) for place, code in enumerate(CODES)],
    "one language": [mixed("deu_Latn", 0, 100, 0.6)],
    "two languages": [mixed(code, place, 5, 0.5) for place, code in enumerate(CODES[:2])],
}
TINY, LOWER = 0.001, -0.004


def of_results(results: list[StudyResult]) -> Iterator[str]:
    counted = {"tokens": {"deu_Latn": 1000, "eng_Latn": 997}, "unknown_tokens": {"deu_Latn": 1}}
    yield alignment.tokenizer_finding(replace(results[0], provenance=counted))
    for result in results[:3]:
        yield alignment.alignment_finding(result)
        yield from (asymmetry.direction_finding(result, state) for state in STATES)
    yield asymmetry.gap_languages_finding(results)
    yield overview.ranking_finding(results)
    for other in RESULTS.values():
        if len(table := beside_table(results, other)):
            yield beside.beside_finding(table, ("A", "B"))
    curve = RevisionCurve(results[0].study, {"step1": tuple(results), "step20": tuple(results[:1])})
    yield revisions.revisions_finding(curve)
    for over in ("best", "mean"):
        answer = ClaimsAnswer(results[0].study, tuple(results), over)
        yield claims.claims_finding(answer)
        for each in answer.judged:
            yield f"{claims.verdict_in_words(each)} {claims.measured_in_words(each.rule, each.found)}."
    for other in RESULTS.values():
        if other[0].pairs == results[0].pairs and len(other) == len(results):
            table = language_differences(results, other, "nas")
            yield models.difference_finding(table, "bfloat16", "float32")
            yield models.comparison_finding(variant_summary({"one": results, "two": other}), "nas")
    yield models.comparison_finding(variant_summary({"one": results}), "nas")
    for benchmark, accuracies in (("XNLI", range(len(CODES))), (BITS, [-0.5] * 8), ("accuracy", range(8, 0, -1))):
        rows = pd.DataFrame({"language": CODES, "accuracy": np.array(accuracies) / 10})
        yield downstream.downstream_finding(correlation_table(joined(alignment_table(results), rows)), benchmark)
        yield downstream.best_layer_finding(layer_correlations(results, rows))


def of_changes(results: list[StudyResult]) -> Iterator[str]:
    """Every result as what becomes of every other one of as many pairs, with controls and without."""
    asked = {"set": "lape", "share": 0.02, "layers": [1, 2], "to": "mean"}
    alike = [other[0] for other in RESULTS.values() if other[0].pairs == results[0].pairs]
    for other in alike:
        for name, controls in (("deu_Latn", ()), ("shared", (results[0].outcomes, other.outcomes))):
            both = results[0].outcomes, other.outcomes
            for count in (0, 1, 1200):
                given = asked | {"set": "lape" if name == "deu_Latn" else "shared"}
                answer = ChangedAlignment(results[0].study, name, count, *both, controls, given, {})
                yield from (with_without_finding(answer, state) for state in STATES)


@pytest.mark.parametrize("name", RESULTS)
def test_findings_on_results(name: str):
    for text in (*of_results(RESULTS[name]), *of_changes(RESULTS[name])):
        check(text)


def check(text: str) -> None:
    for pattern in _FORBIDDEN:
        assert not (found := re.search(pattern, text)), f"{found[0]!r} in: {text}"
    assert not text or text.endswith((".", ":"))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, TINY, 0.9996])
@pytest.mark.parametrize(
    "codes", [("eng_Latn", *CODES), ("eng_Latn", "deu_Latn"), ("deu_Latn", "fra_Latn", "yor_Latn")]
)
@pytest.mark.parametrize("one", [{}, {0: 0.7}, {0: 0.0}])
def test_findings_on_matrices(value: float, codes: tuple[str, ...], one: dict[int, float]):
    tokens = {code: 100 + 7 * place for place, code in enumerate(codes)}
    scores = {(codes[0], codes[1 + place]): score for place, score in one.items()}
    matrix = replace(synthetic(codes, scores, value), provenance={"tokens": tokens})
    shown: tuple[tuple[State, int | None], ...] = (("nas", None), ("embedding", 0), ("nav", 1))
    for state, layer in shown:
        check(languages.matrix_finding(matrix, state, layer))
    for layer in (None, 0, 1):
        table = pivot_scores(matrix, codes[0], layer)
        check(languages.pivot_finding(table, codes[0]))
        check(languages.fertility_finding(table, codes[0]))
        check(languages.level_finding(level_summary(table), codes[0]))


@pytest.mark.parametrize("rate", [0.0, 1.0, 0.6, "random", "one language", "barely"])
@pytest.mark.parametrize("count", [2, 3, 8])
def test_findings_on_neurons(rate: Any, count: int):
    rates = np.full((count, LAYERS, 200), 0.0 if isinstance(rate, str) else rate, np.float32)
    if rate == "random":
        rates = np.random.default_rng(0).random(rates.shape, np.float32)
    elif rate in ("one language", "barely"):
        rates[0, 1, : 200 if rate == "one language" else 1] = 1
    found = NeuronRates(RESULTS["no pair"][0].study, CODES[:count], rates, {})
    check(neurons.sharing_finding(sharing(found, 0.5), count, 0.5))
    check(neurons.overlap_finding(overlap(found, 0.5), found.codes))
    check(neurons.specific_finding(specific_neurons(found), found))
    check(neurons.specific_finding(specific_neurons(found).iloc[:1], found))


@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, TINY, 0.996, np.nan])
@pytest.mark.parametrize("pairs", [2, 5, 100])
def test_findings_on_projections(value: float, pairs: int):
    study = Study("demo", "everyday", "deu_Latn", "eng_Latn", pairs=pairs)
    numbers = np.full((LAYERS, len(NUMBERS)), value)
    if np.isnan(value):
        numbers = np.random.default_rng(0).random(numbers.shape)
        numbers[:, -1] = np.nan
    empty = np.zeros((LAYERS, 2, pairs), np.int64)
    points = np.zeros((LAYERS, 2 * pairs, 2), np.float32)
    found = Projection(study, "nas", ProjectionSettings(), points, numbers, empty[:, 0].astype(float), empty, {})
    check(projection.projection_finding([found], 1))
    check(projection.projection_finding([found], 0))


def ablation_table(differences: list[float], width: float) -> pd.DataFrame:
    rows = [
        ("as it is", "", 0.0, np.nan, np.nan),
        ("layers", "best layer", 0.3, 0.2, 0.4),
        *(
            ("similarity", kind, each, each - width, each + width)
            for kind, each in zip(("centred", "csls", "centred csls"), differences, strict=True)
        ),
        ("pivot", "fra_Latn", 0.1, np.nan, np.nan),
    ]
    columns = ["choice", "value", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows, columns=columns).assign(state="nas", score=TINY)


@pytest.mark.parametrize(
    "differences", [[0, 0, 0], [TINY] * 3, [LOWER, LOWER, -0.2], [0.2, TINY, LOWER], [0.1, 0.2, 0.3]]
)
@pytest.mark.parametrize("width", [0.0, 0.01])
def test_findings_on_choices(differences: list[float], width: float):
    check(settings.ablation_finding(ablation_table(differences, width), "nas"))


@pytest.mark.parametrize("ranks", [[np.nan] * 3, [0.1, 0.2, 1.0], [0.96, 0.9, 1.0], [0.999, 0.999, 1.0], [1.0]])
def test_findings_on_numbers_of_pairs(ranks: list[float]):
    needed = pd.DataFrame({"state": "nas", "pairs": [10, 20, 30][-len(ranks) :], "rank_correlation": ranks})
    check(settings.pairs_finding(needed, 3))


@pytest.mark.parametrize("value", [0.0, 1.0, LOWER, 0.9996, np.nan, 300.0])
def test_findings_on_spaces(value: float):
    table = pd.DataFrame({"state": STATES, "layer": 1, **{measure.name: value for measure in MEASURES}})
    check(space.space_finding(table))
    check(space.space_finding(table.assign(anisotropy=[0.1, 0.2, 0.3])))
    ends = {f"{name}{end}": value for name in plane.AXES for end in ENDS}
    check(plane.plane_finding(table.assign(score=1.0, ci_low=1.0, ci_high=1.0, **ends), 2))
    if abs(value) <= 1:
        matrices = {state: np.full((2, 2), value) for state in STATES}
        check(similarity.similarity_finding(RESULTS["two pairs"][0], matrices, 0))


@pytest.mark.parametrize("shares", [[0.5], [0.5] * 3, [TINY, 0.9996, np.nan], [np.nan] * 2, [0.0, 1.0, 0.3]])
def test_findings_across_target_languages(shares: list[float]):
    answers: Any = SimpleNamespace(answers=[SimpleNamespace(request=SimpleNamespace(pivot="eng_Latn"))])
    table = pd.DataFrame({"language": CODES[: len(shares)], "pivot_share": shares, "overtaking": np.nan})
    for scores in (0.5, np.nan, np.arange(len(shares)) / 10):
        text = latent_language.across_finding(answers, table.assign(nasca=scores))
        check(text)
        assert "correlation of –" not in text


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        (0.1, 0.5, "margins by NAS are larger in 2 of 2 (German and French) where the sentence is predicted better"),
        (-0.5, -0.1, "margins by NAS are smaller in 2 of 2 (German and French) where the sentence is predicted better"),
        ([-0.5, 0.1], [-0.1, 0.5], "larger in 1 of 2 (French) and smaller in 1 of 2 (German) where the sentence is"),
        (-0.1, 0.1, "no interval leaves out 0"),
    ],
)
def test_findings_on_single_sentences(low: Any, high: Any, told: str):
    found = {"name": ["German", "French"], "side": "target", "state": "nas", "pearson": [TINY, -0.9996]}
    answer: Any = SimpleNamespace(correlations=pd.DataFrame(found).assign(pearson_low=low, pearson_high=high))
    text = items.items_finding(answer)
    check(text)
    assert told in text


@pytest.mark.parametrize("means", [[0.0, 0.0], [1.0, 0.0], [TINY, LOWER / 10], [0.9996, 0.9996], [np.nan, 0.5]])
@pytest.mark.parametrize("codes", [("deu_Latn",), ("deu_Latn", "fra_Latn"), CODES])
def test_findings_on_the_leaderboard_and_on_what_moved(means: list[float], codes: tuple[str, ...]):
    rows = [
        asdict(Study("demo", "everyday", code, "eng_Latn"))
        | {"site": site}
        | {f"{name}{end}": abs(mean) for name in SUMMARY_NAMES.values() for end in ("", "_low", "_high")}
        for site, mean in zip(("gate", "product"), means, strict=True)
        for code in codes
        if not np.isnan(mean)
    ]
    board = board_of(pd.DataFrame(rows), texts_of(pd.DataFrame(rows))[0])
    check(leaderboard.board_finding(ranking(board, "nas"), board, "nas"))
    table = pd.DataFrame(
        {"source": codes, "measure": "nasca", "model": "A", "before": abs(means[0]), "after": means[1]}
    )
    table["difference"] = table["after"] - table["before"]
    ends = table.assign(
        ci_low=table["difference"] - 0.001, ci_high=table["difference"], moved=table["difference"] != 0
    ).fillna(TINY)
    check(moved.moved_finding(ends, "nas"))
    check(moved.moved_finding(ends.assign(moved=False), "nas"))


def test_all_claims_alike_are_not_listed():
    answer = ClaimsAnswer(RESULTS["two languages"][0].study, tuple(RESULTS["two languages"]), "mean")
    assert claims.claims_finding(answer).startswith("None of the paper's seven claims can be told from this, by the")


def test_without_neurons_none_are_named():
    study, outcomes = RESULTS["no pair"][0].study, RESULTS["no pair"][0].outcomes
    answer = ChangedAlignment(study, "deu_Latn", 0, outcomes, outcomes, (), {"set": "lape"}, {})
    assert whose(answer) == "no neurons of German"


def test_the_finding_on_two_sentences():
    off = TokenStates(("a",), np.zeros((1, 4), np.float32), np.zeros(4, np.float32), np.zeros(4, np.float32))
    check(finding_of(TokenPair(RESULTS["two pairs"][0].study, 1, off, off)))


def test_nobody_gains_where_all_lose():
    table = pd.DataFrame(
        {
            "name": ["Swedish", "German"],
            "difference": [-0.01, -0.03],
            "ci_low": [-0.04, -0.05],
            "ci_high": [0.02, -0.01],
        }
    )
    text = models.difference_finding(table, "bfloat16", "float32")
    assert "0 of 2 languages score higher and 1 lower" in text
    assert text.endswith("No language gains; largest loss: German (−0.03), smallest: Swedish (−0.01).")
    text = models.difference_finding(table.assign(difference=-table["difference"]), "a", "b")
    assert "No language loses; highest gain: Swedish (+0.01), smallest: German (+0.03)." in text
    text = models.difference_finding(table.assign(difference=[0.01, -0.03]), "a", "b")
    assert text.endswith("Highest gain: Swedish (+0.01); largest loss: German (−0.03).")
    assert models.difference_finding(table.assign(difference=0.0), "a", "b").endswith(
        "of both languages stay the same."
    )


def test_five_pairs_of_five_have_the_exact_interval_and_a_caution():
    text = alignment.alignment_finding(RESULTS["every pair"][0])
    assert "aligned equally well at every layer: at each of the 3, 5 of 5 sentence pairs" in text
    assert "interval 0.48 to 1, exact, since all pairs agree; chance 0.111)" in text
    assert text.endswith("With only 5 pairs, chance is high and the intervals are rough.")
    none = alignment.alignment_finding(RESULTS["no pair"][0])
    assert "do not align German and English beyond chance at any layer: none of the 5 sentence pairs" in none
    assert "difference 0, no interval, since all pairs agree" in none


def test_ties_are_told():
    assert (
        overview.ranking_finding(RESULTS["every pair"]) == "By NASCA, all 8 languages are equally close to English (1)."
    )
    both = variant_summary({"one": RESULTS["every pair"], "two": RESULTS["every pair"]})
    assert models.comparison_finding(both, "nas") == "By NASCA over 8 languages, both variants align equally well: 1."
    matrix = synthetic(("eng_Latn", *CODES[:3]), {}, 0.2)
    assert "all 6 language pairs score the same (0.20; chance 0.005)" in languages.matrix_finding(matrix, "nas")
    scores = pivot_scores(matrix, "eng_Latn")
    assert "all 3 languages are equally close to English (0.20)" in languages.pivot_finding(scores, "eng_Latn")


def test_eight_languages_in_perfect_order_are_not_certain():
    codes = pd.DataFrame({"language": CODES, "accuracy": np.arange(8) / 10})
    table = joined(alignment_table(RESULTS["every pair"]), codes).assign(nas=np.arange(8.0) ** 2 / 100)
    text = downstream.downstream_finding(correlation_table(table), "XNLI")
    assert "Spearman 1 (95\u00a0% interval 0.82 to 1)" in text
    assert text.endswith("With only 8 languages, the intervals are rough, and one language can change the result.")


def test_a_dip_after_enough_pairs_means_that_more_are_needed():
    needed = pd.DataFrame({"state": "nas", "pairs": [10, 20, 50, 100], "rank_correlation": [0.97, 0.9, 0.96, 1.0]})
    assert "50 pairs rank the 5 languages almost as 100 do (rank correlation 0.96)" in settings.pairs_finding(needed, 5)
