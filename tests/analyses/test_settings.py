"""Each choice changed on its own against a plain recomputation, and from one pass of the model per language."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from neuronxa_core.analyses import pairs_needed
from neuronxa_core.analyses import settings as module
from neuronxa_core.analyses.pairs_needed import PairsNeeded, pair_counts
from neuronxa_core.analyses.settings import Ablation, find_ablation, readouts_of, run_ablation
from neuronxa_core.gallery.read import gallery_results, precomputed_ablation
from neuronxa_core.metrics.similarity import csls
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import load_model
from neuronxa_core.settings import settings
from neuronxa_core.states import extraction
from neuronxa_core.states.extraction import extract_readouts
from neuronxa_core.states.sentences import STATES, ReadoutConfig
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from tests.damage import flipped


def naive_score(ours: np.ndarray, theirs: np.ndarray, how: str) -> float:
    """Mean over layers of the share of mutual nearest neighbours, by loops."""
    shares = []
    for one, two in zip(ours.astype(float), theirs.astype(float), strict=True):
        if "centred" in how:
            one, two = one - one.mean(axis=0), two - two.mean(axis=0)
        pairs = len(one)
        cosine = np.array(
            [[a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30) for b in two] for a in one]
        ).round(12)
        if "csls" in how:
            k = min(10, pairs)
            near_one = [sorted(row)[-k:] for row in cosine]
            near_two = [sorted(column)[-k:] for column in cosine.T]
            cosine = np.array(
                [
                    [2 * cosine[i, j] - np.mean(near_one[i]) - np.mean(near_two[j]) for j in range(pairs)]
                    for i in range(pairs)
                ]
            ).round(12)
        found = 0
        for i in range(pairs):
            rivals = [cosine[i, j] for j in range(pairs) if j != i] + [cosine[j, i] for j in range(pairs) if j != i]
            found += cosine[i, i] > max(rivals)
        shares.append(found / pairs)
    return float(np.mean(shares))


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=6, dtype="float32")


def value(ablation: Ablation, choice: str, name: str, state: str) -> float:
    rows = ablation.table
    return float(rows[(rows["choice"] == choice) & (rows["value"] == name) & (rows["state"] == state)]["score"].iloc[0])


def test_every_row_is_what_a_plain_recomputation_gives(study: Study):
    ablation = run_ablation(study, ("deu_Latn",))
    model = load_model(checkpoint_at(Path(study.model)), "cpu", "float32")
    bitext = study.bitext()
    changes = {
        ("as it is", ""): (ReadoutConfig(), "cosine"),
        ("site", "product"): (ReadoutConfig("product"), "cosine"),
        ("site", "attention"): (ReadoutConfig("attention"), "cosine"),
        ("pooling", "mean"): (ReadoutConfig(pooling="mean"), "cosine"),
        ("pooling", "last"): (ReadoutConfig(pooling="last"), "cosine"),
        ("threshold of NAS", "0.1"): (ReadoutConfig(threshold=0.1), "cosine"),
        ("similarity", "centred"): (ReadoutConfig(), "centred"),
        ("similarity", "csls"): (ReadoutConfig(), "csls"),
        ("similarity", "centred csls"): (ReadoutConfig(), "centred csls"),
    }
    for (choice, name), (way, how) in changes.items():
        ours, theirs = (
            extract_readouts(model, side, [way])[0] for side in (bitext.source_sentences, bitext.target_sentences)
        )
        for state in STATES:
            if (choice == "site" and state == "embedding") or (choice == "threshold of NAS" and state != "nas"):
                continue
            assert value(ablation, choice, name, state) == pytest.approx(
                naive_score(ours.of(state), theirs.of(state), how)
            )
    result = run_study(study)
    other = run_study(replace(study, target="deu_Latn"))
    for state in STATES:
        assert value(ablation, "as it is", "", state) == pytest.approx(result.mean(state))
        assert value(ablation, "layers", "best layer", state) == pytest.approx(result.peak(state)[1])
        assert value(ablation, "pivot", "deu_Latn", state) == pytest.approx(other.mean(state))
    differences = ablation.table.set_index(["choice", "value", "state"])
    for (choice, name, state), row in differences.iterrows():
        assert row["difference"] == pytest.approx(row["score"] - value(ablation, "as it is", "", state), abs=1e-12), (
            choice,
            name,
        )
        assert np.isnan(row["difference_low"]) == (choice == "pivot")


def test_one_pass_per_language_and_the_states_serve_later_studies(study: Study, monkeypatch: pytest.MonkeyPatch):
    passes = []
    forward = extraction._forward
    monkeypatch.setattr(extraction, "_forward", lambda *args: passes.append(len(args[1])) or forward(*args))
    run_ablation(study)
    assert sum(passes) == 12  # six sentences in two languages, each once
    run_study(replace(study, site="product"))
    run_study(replace(study, pooling="mean"))
    assert sum(passes) == 12
    assert find_result(replace(study, site="product")) is not None


def test_a_cached_ablation_equals_a_fresh_one_and_a_damaged_one_is_made_again(study: Study):
    assert find_ablation(study) is None
    fresh = run_ablation(study)
    cached = find_ablation(study)
    assert cached is not None
    assert cached.table.equals(fresh.table)
    np.testing.assert_array_equal(cached.pairs.to_numpy(), fresh.pairs.to_numpy())
    (path,) = (settings().cache_dir / "results").glob("*.ablation.parquet")
    path.write_bytes(path.read_bytes()[:200])
    assert find_ablation(study) is None
    assert run_ablation(study).table.equals(fresh.table)


def test_no_flipped_bit_in_a_cached_ablation_gives_another_number(study: Study, tmp_path: Path):
    fresh = run_ablation(study)
    module.write_ablation(fresh, tmp_path / "a")
    assert module.read_ablation(tmp_path / "a", study).table.equals(fresh.table)
    for position in flipped(tmp_path / "a", 97):
        try:
            found = module.read_ablation(tmp_path / "a", study)
        except Exception:  # as store.read_or_discard
            continue
        assert found.table.equals(fresh.table), position
        assert found.pairs.equals(fresh.pairs), position


def test_there_are_as_many_ways_to_read_before_the_model_is_known(study: Study):
    assert study.pooling == "auto"
    assert len(readouts_of(study)) == len(readouts_of(replace(study, pooling="mean"))) == 1 + 2 + 2 + 3


def test_csls_is_the_formula():
    cosine = np.random.default_rng(2).random((14, 14))
    found = csls(cosine, 3)
    for i, j in ((0, 0), (3, 11)):
        expected = 2 * cosine[i, j] - np.sort(cosine[i])[-3:].mean() - np.sort(cosine[:, j])[-3:].mean()
        assert found[i, j] == pytest.approx(expected)
    assert csls(cosine[:2, :2]).shape == (2, 2)


def test_the_counts_of_pairs_run_from_ten_to_all():
    assert pair_counts(100) == [10, 20, 30, 50, 70, 100]
    assert pair_counts(6) == [6]
    assert pair_counts(120)[-2:] == [100, 120]


def test_fewer_pairs_are_the_first_ones_scored_among_themselves(study: Study, monkeypatch: pytest.MonkeyPatch):
    for each in (module, pairs_needed):
        monkeypatch.setattr(each, "pair_counts", lambda pairs: [3, pairs])
    ablation = run_ablation(study)
    few = run_study(replace(study, pairs=3))
    for state in STATES:
        rows = ablation.pairs[ablation.pairs["state"] == state].set_index("pairs")
        assert rows.loc[3, "score"] == pytest.approx(few.mean(state))
        assert rows.loc[6, "score"] == pytest.approx(run_study(study).mean(state))


def test_pairs_needed_ranks_the_languages_by_fewer_pairs_against_all(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Languages that share more or fewer of their sentences with English, early or late, so that the orders differ."""
    corpus = tmp_path / "shared"
    corpus.mkdir()
    english = (Path(study.corpus) / "eng_Latn.txt").read_text(encoding="utf-8").splitlines()[:6]
    (corpus / "eng_Latn.txt").write_text("\n".join(english), encoding="utf-8")
    kept = {"deu_Latn": "110000", "fra_Latn": "001111", "spa_Latn": "111000", "ita_Latn": "000000"}
    for code, keep in kept.items():
        lines = [
            line if sign == "1" else f"{code} {row}" for row, (line, sign) in enumerate(zip(english, keep, strict=True))
        ]
        (corpus / f"{code}.txt").write_text("\n".join(lines), encoding="utf-8")
    study = replace(study, corpus=str(corpus))
    for each in (module, pairs_needed):
        monkeypatch.setattr(each, "pair_counts", lambda pairs: [3, pairs])
    found = PairsNeeded(study, tuple(kept)).run().table.set_index(["state", "pairs"])["rank_correlation"]
    for state in STATES:
        few, all_ = (
            [run_study(replace(study, source=code, pairs=pairs)).mean(state) for code in kept] for pairs in (3, 6)
        )
        assert found[state, 3] == pytest.approx(stats.spearmanr(few, all_).statistic)
        assert found[state, 6] == pytest.approx(1)
    assert found.xs(3, level="pairs").max() < 0.9


def test_the_gallery_holds_ablations_that_agree_with_its_studies():
    results = gallery_results()
    study = next(study for study in results if study.source == "deu_Latn")
    ablation = precomputed_ablation(study)
    assert ablation is not None
    assert len(ablation.table) == 3 * (1 + 1 + 3 + 2) + 2 * 2 + 3
    for state in STATES:
        assert value(ablation, "as it is", "", state) == pytest.approx(results[study].mean(state))
    assert [way.site for way in readouts_of(study)].count("gate") == 6
