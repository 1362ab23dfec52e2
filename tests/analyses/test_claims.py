"""Verdicts on made-up results, on both sides of every threshold, and corpora that cannot tell."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.accuracies import COLUMNS
from neuronxa_core.analyses.claim_evidence import best_layer, evidence, gap_sizes, quarters, stepped
from neuronxa_core.analyses.claim_rules import CLAIMS, RULES, Evidence, Rule, Verdict, judge, verdict_of
from neuronxa_core.analyses.claims import Claims, ClaimsAnswer, rows_of
from neuronxa_core.cli import main
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.bootstrap import bootstrap_interval, percentile_interval
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

PAIRS, LAYERS = 100, 8
HEAD = ("deu_Latn", "fra_Latn", "spa_Latn", "rus_Cyrl", "jpn_Jpan")
TAIL = ("hat_Latn", "mlt_Latn", "yor_Latn", "ltz_Latn")
Rates = dict[str, tuple[float, float]]
"""By state, the share of pairs found from the source and from the target; a state that is not named has 0.5."""


def made_up(code: str, rates: Rates, profile: tuple[float, ...] = (1.0,) * LAYERS, shift: float = 0.0) -> StudyResult:
    """A result in which each layer finds so many pairs, evenly spread. profile: what that is multiplied by."""
    grid = (np.arange(PAIRS) * 0.618034 + shift) % 1
    outcomes = {}
    for state in STATES:
        layers = (*profile, profile[-1]) if state == "embedding" else profile
        ways = [np.stack([grid < rate * each for each in layers]) for rate in rates.get(state, (0.5, 0.5))]
        outcomes[state] = Outcomes(*ways)
    study = Study("demo", "everyday", code, "eng_Latn", pairs=PAIRS, dtype="float32")
    return StudyResult(study, outcomes, {"dtype": "float32", "tokens": {code: 12, "eng_Latn": 10}})


def answer(head: Rates, tail: Rates, spread: float = 0.0, **more: object) -> ClaimsAnswer:
    """The answer in which all head, and all long-tail, languages score about the same. spread: between languages."""
    results = []
    for group, rates in ((HEAD, head), (TAIL, tail)):
        for place, code in enumerate(group):
            off = spread * (place - len(group) / 2)
            own = {state: (one + off, other + off) for state, (one, other) in rates.items()}
            results.append(made_up(code, own, shift=place / 7, **more))  # type: ignore[arg-type]
    return ClaimsAnswer(results[0].study, tuple(results), "mean")


def verdict(answer: ClaimsAnswer, claim: int) -> str:
    return answer.judged[claim - 1].verdict


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.claim}-{rule.part}")
def test_every_condition_turns_at_its_threshold(rule: Rule):
    at = rule.threshold
    over = Evidence(at + 0.3, at + 0.001, at + 0.6, rule.fewest)
    under = Evidence(at - 0.3, at - 0.6, at - 0.001, rule.fewest)
    claimed, other = (over, under) if rule.side == "above" else (under, over)
    assert verdict_of(rule, claimed) == "holds"
    assert verdict_of(rule, other) == "fails"
    assert verdict_of(rule, Evidence(at, at - 0.001, at + 0.001, rule.fewest)) == "undecided"
    assert verdict_of(rule, Evidence(at, at, at, 99)) == "undecided"
    assert verdict_of(rule, claimed._replace(n=rule.fewest - 1)) == "undecided"
    assert verdict_of(rule, claimed._replace(low=np.nan)) == "undecided"


def test_the_thresholds_are_these():
    """They were written down before the numbers: a change of one is a change of what `holds` means."""
    told = {(rule.claim, rule.part): (rule.side, rule.threshold, rule.fewest) for rule in RULES}
    assert told == {
        (1, "head"): ("above", 0, 3),
        (1, "long-tail"): ("above", 0, 3),
        (2, "difference"): ("above", 0, 3),
        (2, "nas"): ("below", 5, 3),
        (3, "first"): ("above", 0, 3),
        (3, "last"): ("above", 0, 3),
        (4, "level"): ("above", 10, 3),
        (4, "gain"): ("above", 0, 3),
        (5, "halves"): ("above", 0.8, 6),
        (6, "over_mexa"): ("above", 0, 6),
        (7, "families"): ("above", 0.99, 3),
    }


def test_a_claim_of_two_conditions_is_decided_by_the_weaker_one():
    good, bad, open_ = Evidence(4, 2, 6, 9), Evidence(-4, -6, -2, 9), Evidence(1, -1, 3, 9)
    assert judge(CLAIMS[0], [good, good]).verdict == "holds"
    assert judge(CLAIMS[0], [good, Evidence(1, 0.5, 2, 9)]).found.value == 1  # the one nearer to the threshold
    failed = judge(CLAIMS[0], [open_, bad])
    assert (failed.verdict, failed.rule.part, failed.found) == ("fails", "long-tail", bad)
    undecided = judge(CLAIMS[0], [good, open_])
    assert (undecided.verdict, undecided.rule.part) == ("undecided", "long-tail")
    assert undecided.reason == "The interval includes 0."
    absent = judge(CLAIMS[0], [bad, Evidence(reason="The corpus has no long-tail languages here.")])
    assert (absent.verdict, absent.found.n) == ("undecided", 0)
    assert "no long-tail languages" in absent.rule_text


NAS_AHEAD: Rates = {"nas": (0.8, 0.8), "embedding": (0.4, 0.4)}
EVEN: Rates = {"nas": (0.5, 0.5), "embedding": (0.5, 0.5)}
NAS_BEHIND: Rates = {"nas": (0.3, 0.3), "embedding": (0.6, 0.6)}


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (NAS_AHEAD, NAS_AHEAD, "holds"),
        (NAS_AHEAD, NAS_BEHIND, "fails"),
        (NAS_BEHIND, NAS_AHEAD, "fails"),
        (NAS_AHEAD, EVEN, "undecided"),
    ],
)
def test_claim_1_needs_a_gain_in_both_groups(head: Rates, tail: Rates, expected: str):
    assert verdict(answer(head, tail), 1) == expected


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({"nas": (0.5, 0.5), "embedding": (0.7, 0.3)}, "holds"),
        ({"nas": (0.5, 0.48), "embedding": (0.2, 0.6)}, "holds"),  # 2 points, and the other way round
        ({"nas": (0.7, 0.5), "embedding": (0.9, 0.3)}, "fails"),  # 20 points are not nearly symmetric
        ({"nas": (0.7, 0.3), "embedding": (0.5, 0.5)}, "fails"),
        ({"nas": (0.5, 0.5), "embedding": (0.5, 0.5)}, "undecided"),
    ],
)
def test_claim_2_needs_a_large_gap_by_embedding_and_a_small_one_by_nas(rates: Rates, expected: str):
    assert verdict(answer(rates, rates), 2) == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ((0.2, 0.3, 0.8, 1, 1, 0.8, 0.3, 0.2), "holds"),
        ((1, 1, 0.6, 0.5, 0.5, 0.5, 0.2, 0.2), "fails"),
        ((0.2, 0.2, 0.5, 0.5, 0.5, 0.6, 1, 1), "fails"),
        ((0.2, 0.3, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6), "undecided"),
    ],
)
def test_claim_3_compares_the_middle_half_with_both_quarters(profile: tuple[float, ...], expected: str):
    assert verdict(answer(NAS_AHEAD, NAS_AHEAD, profile=profile), 3) == expected


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        ({"nas": (0.8, 0.8), "embedding": (0.7, 0.7)}, {"nas": (0.5, 0.5), "embedding": (0.1, 0.1)}, "holds"),
        ({"nas": (0.8, 0.8), "embedding": (0.2, 0.2)}, {"nas": (0.5, 0.5), "embedding": (0.4, 0.4)}, "fails"),
        ({"nas": (0.4, 0.4), "embedding": (0.35, 0.35)}, {"nas": (0.5, 0.5), "embedding": (0.1, 0.1)}, "fails"),
        ({"nas": (0.8, 0.8), "embedding": (0.6, 0.6)}, {"nas": (0.5, 0.5), "embedding": (0.3, 0.3)}, "undecided"),
    ],
)
def test_claim_4_needs_ten_points_and_a_larger_gain_for_the_long_tail(head: Rates, tail: Rates, expected: str):
    assert verdict(answer(head, tail), 4) == expected


def scattered(halves: list[tuple[float, float]]) -> ClaimsAnswer:
    """Languages whose NASCA is one number on the 1st, 3rd, 5th pair and another on the others."""
    results = []
    for code, (one, other) in zip((*HEAD, *TAIL), halves, strict=False):
        base = made_up(code, {})
        half = np.arange(PAIRS // 2) / (PAIRS // 2)
        found = np.zeros((LAYERS, PAIRS), bool)
        found[:, ::2], found[:, 1::2] = half < one, half < other
        results.append(replace(base, outcomes={**base.outcomes, "nas": Outcomes(found, found)}))
    return ClaimsAnswer(results[0].study, tuple(results))


@pytest.mark.parametrize(
    ("noise", "languages", "expected"), [(0.02, 9, "holds"), (0.02, 5, "undecided"), (0.3, 9, "undecided")]
)
def test_claim_5_needs_halves_that_agree(noise: float, languages: int, expected: str):
    spread = np.linspace(0.1, 0.9, languages)
    signs = [1, -1, -1, 1, 1, -1, 1, -1, -1]
    halves = [(x, float(np.clip(x + noise * s, 0, 1))) for x, s in zip(spread, signs, strict=False)]
    assert verdict(scattered(halves), 5) == expected


def test_claim_5_fails_where_halves_contradict_one_another():
    spread = np.linspace(0.1, 0.9, 9)
    assert verdict(scattered(list(zip(spread, spread[::-1], strict=True))), 5) == "fails"


def with_accuracies(of: str) -> ClaimsAnswer:
    """Nine languages whose accuracy is exactly NASCA, or exactly MEXA, while the other goes its own way."""
    shares, other = np.linspace(0.1, 0.9, 9), np.array([5, 1, 8, 2, 9, 3, 7, 4, 6]) / 10
    codes = (*HEAD, *TAIL)
    results = tuple(
        made_up(code, {"nas": (x, x), "embedding": (y, y)}) for code, x, y in zip(codes, shares, other, strict=True)
    )
    value = {"nas": shares, "embedding": other}[of]
    rows = [("m", "XNLI", code, float(each), "acc") for code, each in zip(codes, value, strict=True)]
    return ClaimsAnswer(results[0].study, results, accuracies=pd.DataFrame(rows, columns=list(COLUMNS)))


def test_claim_6_follows_the_accuracies_even_where_they_contradict_the_paper():
    assert verdict(with_accuracies("nas"), 6) == "holds"
    assert verdict(with_accuracies("embedding"), 6) == "fails"
    few = with_accuracies("nas")
    assert verdict(replace(few, accuracies=few.accuracies.iloc[:5]), 6) == "undecided"
    without = replace(few, accuracies=None)
    assert verdict(without, 6) == "undecided"
    assert "no accuracies" in without.judged[5].reason


def test_claim_7_counts_families_and_one_is_not_enough():
    rates: tuple[Rates, Rates] = (
        {"nas": (0.8, 0.8), "embedding": (0.9, 0.5)},
        {"nas": (0.5, 0.5), "embedding": (0.3, 0.05)},
    )
    ours = answer(*rates, profile=(0.2, 0.3, 1, 1, 1, 1, 0.3, 0.2))
    assert [each.verdict for each in ours.judged[:4]] == ["holds"] * 4
    assert (verdict(ours, 7), ours.judged[6].found.n) == ("undecided", 1)
    good: tuple[Verdict, ...] = ("holds",) * 4
    bad: tuple[Verdict, ...] = ("holds", "fails", "holds", "holds")
    open_: tuple[Verdict, ...] = ("holds", "undecided", "holds", "holds")
    assert verdict(replace(ours, others=(("b", good), ("c", good))), 7) == "holds"
    assert verdict(replace(ours, others=(("b", good), ("c", bad))), 7) == "fails"
    assert verdict(replace(ours, others=(("b", good), ("c", open_))), 7) == "undecided"


def test_the_best_layer_is_chosen_on_the_pairs_that_are_not_reported():
    """Layer 3 finds the 1st, 3rd, 5th pair and nothing else; layer 5 finds six of ten everywhere."""
    base, found = made_up("deu_Latn", {}), np.zeros((LAYERS, PAIRS), bool)
    found[2, ::2], found[4] = True, np.arange(PAIRS) % 10 < 6
    result = replace(base, outcomes={**base.outcomes, "nas": Outcomes(found, found)})
    assert best_layer([result], "nas") == 3
    table = ClaimsAnswer(result.study, (result,)).retrieval.set_index(["state", "level"])
    assert table.loc[("nas", "head"), ["layer", "mean"]].tolist() == ["3", 0.0]


def test_a_gap_that_is_only_noise_has_no_size():
    random = np.random.default_rng(3)
    results = []
    for code in (*HEAD, *TAIL):
        base = made_up(code, {})
        noise = Outcomes(*(random.random((2, LAYERS, PAIRS)) < 0.5))
        results.append(replace(base, outcomes={**base.outcomes, "nas": noise}))
    sizes = gap_sizes(results, "nas", {"nas": 4}, "best")
    assert sizes.shape == (9, PAIRS // 2)
    assert abs(sizes.mean()) < 0.02 < np.abs(sizes.mean(axis=1)).mean()


def test_an_interval_draws_languages_and_pairs():
    """With one language it is the bootstrap over pairs; with languages apart it is as wide as they are."""
    pairs = (np.arange(50) % 3 == 0)[np.newaxis].astype(float)
    np.testing.assert_allclose(percentile_interval(crossed_means(pairs)), bootstrap_interval(pairs[0]))
    apart = np.repeat([[0.0], [1.0]], 50, axis=1)
    np.testing.assert_allclose(percentile_interval(crossed_means(apart)), [0, 1])


def test_quarters_and_the_step_to_a_hundred_pairs():
    first, middle, last = quarters(8)
    assert [each.nonzero()[0].tolist() for each in (first, middle, last)] == [[0, 1], [2, 3, 4, 5], [6, 7]]
    assert stepped(0.5, 2) == pytest.approx(2 / 3)
    assert stepped(0.9, 1) == 0.9
    assert stepped(-0.4, 2) == -0.4


def test_the_verdicts_follow_from_what_is_exported():
    ours = answer(NAS_AHEAD, NAS_BEHIND, spread=0.01)
    for row in ours.conditions.itertuples():
        rule = next(rule for rule in RULES if (rule.claim, rule.part) == (row.claim, row.part))
        assert (row.threshold, row.side, row.fewest) == (rule.threshold, rule.side, rule.fewest)
        assert row.verdict == verdict_of(rule, Evidence(row.value, row.low, row.high, row.n))
    for told, judged in zip(ours.told, ours.judged, strict=True):
        assert list(told) == ["claim", "verdict", "value", "low", "high", "n", "rule"]
        value, low, high = (np.nan if told[name] is None else told[name] for name in ("value", "low", "high"))
        assert verdict_of(judged.rule, Evidence(value, low, high, told["n"])) == told["verdict"]


def test_measured_values_are_plain_means_over_languages():
    ours = answer(NAS_AHEAD, EVEN, spread=0.02)
    found = evidence(ours.results, "mean")
    heads = [each for each in ours.results if language(each.study.source).head]
    for level, group in (("head", heads), ("long-tail", [each for each in ours.results if each not in heads])):
        gain = np.mean([np.mean(each.outcomes["nas"]) - np.mean(each.outcomes["embedding"]) for each in group])
        assert found[1, level].value == pytest.approx(100 * gain)
        assert found[1, level].low <= found[1, level].value <= found[1, level].high
    ahead, behind = ([each.mean("nas") for each in ours.results if (each in heads) == head] for head in (True, False))
    assert found[4, "level"].value == pytest.approx(100 * (np.mean(ahead) - np.mean(behind)))


@pytest.mark.parametrize("over", ["best", "mean"])
def test_every_value_can_be_recomputed_from_the_tables_of_pairs_and_layers(over):
    """By plain means of the exported rows, as somebody would who has the files alone."""
    profile = (0.2, 0.3, 0.8, 1, 1, 0.8, 0.3, 0.1)
    ours = replace(answer(NAS_AHEAD, EVEN, spread=0.02, profile=profile), over=over)
    value = ours.conditions.set_index(["claim", "part"])["value"]
    pairs, layers = ours.tables["pairs"], ours.tables["layers"]
    assert len(pairs) == 9 * PAIRS
    best = layers.loc[layers.groupby("state")["choosing"].idxmax()].set_index("state")["layer"]
    assert best.to_dict() == ours.layers
    reports = pairs[pairs["half"] == "reporting"] if over == "best" else pairs
    assert len(reports) == 9 * PAIRS / (2 if over == "best" else 1)
    ways = ("source_to_target", "target_to_source")
    gain = sum(reports[f"nas_{way}"] - reports[f"embedding_{way}"] for way in ways) / 2
    head = reports["language"].isin(HEAD)
    assert value[1, "head"] == pytest.approx(100 * gain[head].mean())
    assert value[1, "long-tail"] == pytest.approx(100 * gain[~head].mean())
    assert value[4, "gain"] == pytest.approx(100 * (gain[~head].mean() - gain[head].mean()))
    gaps = {}
    for state in ("nas", "embedding"):
        apart = pairs[f"{state}_source_to_target"] - pairs[f"{state}_target_to_source"]
        means = apart.groupby([pairs["language"], pairs["half"]]).mean().unstack()
        gaps[state] = 100 * (np.sign(means["choosing"]) * means["reporting"]).mean()
    assert value[2, "nas"] == pytest.approx(gaps["nas"])
    assert value[2, "difference"] == pytest.approx(gaps["embedding"] - gaps["nas"])
    for part, column in (("first", "nas_first_quarter"), ("last", "nas_last_quarter")):
        assert value[3, part] == pytest.approx(100 * (pairs["nas_middle_half"] - pairs[column]).mean())
    nasca = pairs.groupby("language")["nas_score"].mean()
    assert value[4, "level"] == pytest.approx(100 * (nasca[list(HEAD)].mean() - nasca[list(TAIL)].mean()))
    one, other = (
        pairs[pairs["half"] == half].groupby("language")["nas_score"].mean() for half in ("choosing", "reporting")
    )
    assert value[5, "halves"] == pytest.approx(stepped(np.corrcoef(one, other)[0, 1], 2))
    assert ours.languages.set_index("language")["nasca"].to_dict() == pytest.approx(nasca.to_dict())


def test_claim_6_can_be_recomputed_from_the_table_of_languages():
    ours = with_accuracies("nas")
    table = ours.languages
    r = [np.corrcoef(table[score], table["accuracy"])[0, 1] for score in ("nasca", "mexa")]
    assert ours.judged[5].found.value == pytest.approx(r[0] - r[1])


@pytest.fixture
def corpus(tmp_path: Path, tiny_corpus: Path):
    """A corpus with the same eight sentences in each of these languages."""

    def make(*codes: str) -> Path:
        folder = tmp_path / "-".join(codes)
        folder.mkdir()
        text = (tiny_corpus / "deu_Latn.txt").read_text(encoding="utf-8")
        for code in codes:
            marked = "\n".join(f"{line} {code}" for line in text.splitlines())
            (folder / f"{code}.txt").write_text(marked + "\n", encoding="utf-8")
        return folder

    return make


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        (("eng_Latn",), "no language besides English"),
        (("deu_Latn",), "only one language"),
        (("deu_Latn", "fra_Latn", "spa_Latn"), "no English, the paper's pivot"),
        (("deu_Latn", "eng_Latn"), "no long-tail languages"),
        (("deu_Latn", "fra_Latn", "spa_Latn", "eng_Latn"), "no long-tail languages"),
    ],
)
def test_a_corpus_that_cannot_tell_gives_undecided_with_the_reason(
    codes: tuple[str, ...], reason: str, corpus, tiny_model, tmp_path: Path
):
    out = tmp_path / "out"
    model = ["--model", str(tiny_model("llama")), "--dtype", "float32", "--pairs", "8"]
    assert main(["claims", *model, "--corpus", str(corpus(*codes)), "--out", str(out)]) == 0
    told = json.loads((out / "claims.json").read_text())
    assert [each["claim"] for each in told] == [1, 2, 3, 4, 5, 6, 7]
    for claim in (1, 4, 6, 7):
        assert told[claim - 1]["verdict"] == "undecided"
    assert reason in told[0]["rule"]
    assert (out / "claims.pairs.csv").read_text().startswith("language,pair,half,nas_source_to_target")
    if "long-tail" not in reason:
        assert all(each["verdict"] == "undecided" and each["value"] is None for each in told)
    for report in ("claims.html", "claims.md"):
        assert reason in (out / report).read_text(encoding="utf-8").replace("&#x27;", "'")


def test_a_table_of_one_language_is_undecided_too(tmp_path: Path):
    (tmp_path / "one.tsv").write_text("deu_Latn\nHund\nBrot\n")
    out = tmp_path / "out"
    assert main(["claims", "--model", "demo", "--corpus", str(tmp_path / "one.tsv"), "--out", str(out)]) == 0
    told = json.loads((out / "claims.json").read_text())
    assert {each["verdict"] for each in told} == {"undecided"}
    assert all("The corpus has only one language." in each["rule"] for each in told)
    assert main(["claims", "--model", "demo", "--corpus", str(tmp_path / "none.tsv"), "--out", str(out)]) == 2


def test_accuracies_are_this_models_or_those_of_the_only_one():
    rows = [("google/gemma-3-270m", "XNLI", "deu_Latn", 0.5, "acc"), ("other", "XNLI", "deu_Latn", 0.7, "acc")]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    assert rows_of(table, "demo") == (rows[0],)
    assert rows_of(table.iloc[1:], "demo") == (rows[1],)
    with pytest.raises(StudyError, match="None of the accuracies is of somebody/else"):
        rows_of(table, "somebody/else")


def test_a_request_without_languages_is_a_request():
    asked = Claims(Study("demo", "everyday", "und", "eng_Latn"), ())
    assert asked.obstacle.startswith("The corpus has no language besides")
    assert asked.cached() == asked.run()
