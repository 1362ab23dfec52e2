import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.states.sentences import ReadoutConfig, State
from neuronxa_core.study.naming import corpus_name
from neuronxa_core.study.result import StudyResult, fertility, from_frame, read_result, unknown_share, write_result
from neuronxa_core.study.study import Study
from tests.conftest import set_settings

STUDY = Study("demo", "everyday", "deu_Latn", "eng_Latn", pairs=4)


def result() -> StudyResult:
    """Two neuron layers, three embedding layers, four pairs, small enough to check by eye."""
    both = np.array([[1, 1, 0, 0], [1, 1, 1, 0]], dtype=bool)
    forth = both | np.array([[0, 0, 1, 0], [0, 0, 0, 0]], dtype=bool)
    embedding = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)
    outcomes: dict[State, Outcomes] = {
        "nas": Outcomes(forth, both),
        "nav": Outcomes(both, both),
        "embedding": Outcomes(embedding, embedding),
    }
    return StudyResult(STUDY, outcomes, {"device": "cpu", "seconds": 1.5})


def test_scores_are_the_shares_of_the_outcomes():
    rows = result().of("nas")
    assert rows["layer"].tolist() == [1, 2]
    assert rows["score"].tolist() == [0.5, 0.75]
    assert rows["source_to_target"].tolist() == [0.75, 0.75]
    assert rows["target_to_source"].tolist() == [0.5, 0.75]
    assert result().scores.columns.tolist() == [
        "state",
        "layer",
        "score",
        "source_to_target",
        "target_to_source",
        "ci_low",
        "ci_high",
    ]


def test_embeddings_start_at_layer_zero_and_mexa_averages_all_of_them():
    assert result().of("embedding")["layer"].tolist() == [0, 1, 2]
    assert result().mean("embedding") == pytest.approx(1 / 12)
    assert result().mean("nas") == 0.625


def test_peak_is_the_first_of_the_best_layers_and_the_gap_is_in_points():
    assert result().peak("nas") == (2, 0.75)
    assert result().peak("embedding") == (1, 0.25)
    assert result().direction_gap("nas") == pytest.approx(12.5)
    assert result().direction_gap("nav") == 0


def test_seen_from_the_other_language_the_directions_change_places():
    back = result().reversed()
    assert (back.study.source, back.study.target) == ("eng_Latn", "deu_Latn")
    assert back.mean("nas") == result().mean("nas")
    assert back.direction_gap("nas") == -result().direction_gap("nas")
    assert back.reversed().scores.equals(result().scores)


def test_parquet_gives_back_what_it_was_given(tmp_path):
    write_result(result(), tmp_path / "result.parquet")
    again = read_result(tmp_path / "result.parquet")
    assert again.study == STUDY
    assert again.provenance == result().provenance
    assert again.scores.equals(result().scores)
    assert from_frame(result().to_frame().sample(frac=1, random_state=0)).scores.equals(result().scores)


def test_the_summary_is_json_and_has_what_the_contract_names():
    summary = json.loads(json.dumps(result().summary))
    assert summary["nasca"] == 0.625
    assert summary["peak"]["nas"] == {"layer": 2, "score": 0.75}
    assert summary["direction_gap"]["nas"] == pytest.approx(12.5)
    assert summary["study"]["source"] == "deu_Latn"
    assert summary["provenance"]["device"] == "cpu"
    assert {"navca", "mexa"} <= summary.keys()


def test_intervals_resample_the_pairs_each_with_all_its_layers():
    nas, embedding = np.array([1, 1, 0.5, 0]), np.array([1 / 3, 0, 0, 0])  # of each pair, over the layers
    assert result().mean_interval("nas") == pytest.approx(bootstrap_interval(nas))
    assert result().mean_interval("embedding") == pytest.approx(bootstrap_interval(embedding))
    assert result().advantage_interval("nas", "embedding") == pytest.approx(bootstrap_interval(nas - embedding))
    assert result().summary["interval"]["nas"] == list(result().mean_interval("nas"))


def test_a_study_knows_a_language_by_any_of_its_codes():
    assert Study("demo", "everyday", "deu", "zho-CN") == Study("demo", "everyday", "deu_Latn", "zho_Hans")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"site": "up"}, "site"),
        ({"pooling": "max"}, "pooling"),
        ({"dtype": "int3"}, "dtype"),
        ({"target": "deu"}, "both"),
        ({"sample": -1}, "seed"),
    ],
)
def test_a_study_that_does_not_fit_together_is_refused(change: dict[str, Any], named: str):
    with pytest.raises(StudyError, match=named):
        replace(STUDY, **change)


def test_a_study_is_read_at_its_site_and_pooled_once_that_is_known():
    assert replace(STUDY, site="product", pooling="last").readout == ReadoutConfig("product", "last")
    with pytest.raises(ValueError, match="`auto` until a recipe knows the model"):
        _ = Study("someone/model", "everyday", "deu_Latn", "eng_Latn").readout


def test_the_stem_is_a_file_name():
    stem = replace(STUDY, model="/some/where/model", corpus="../data/x y").stem
    assert "/" not in stem
    assert " " not in stem
    assert "deu_Latn-eng_Latn" in stem


def test_what_leaves_the_dashboard_has_names_and_the_paths_stand_in_one_field_of_a_local_provenance(
    monkeypatch: pytest.MonkeyPatch,
):
    model = "/srv/models--org--small/snapshots/0f3a"
    here = replace(STUDY, model=model, corpus="/home/me/flores.tsv", adapter="~/lora")
    found = replace(result(), study=here)
    for told in (here.stem, here.caption, json.dumps(found.summary["study"])):
        assert "home" not in told
        assert "srv" not in told
    assert here.caption.startswith("org/small + lora · flores · deu_Latn")
    assert found.summary["study"] == {**here.fields, "model": "org/small", "corpus": "flores", "adapter": "lora"}
    paths = {"model": here.model, "corpus": here.corpus, "adapter": here.adapter}
    assert found.summary["provenance"] == {**found.provenance, "paths": paths}
    set_settings(monkeypatch, mode="shared")
    assert found.summary["provenance"] == found.provenance
    assert "paths" not in result().summary["provenance"]  # names alone have no paths


@pytest.mark.parametrize(
    ("corpus", "name"),
    [
        ("everyday", "everyday"),
        ("hub:ntrex@refs/pr/1", "hub:ntrex@refs/pr/1"),
        ("upload:mine-0123456789ab", "upload:mine-0123456789ab"),
        ("/data/flores200/devtest/", "devtest"),
        ("/data/my.corpus.tsv.gz", "my.corpus.tsv"),
        ("../v1.5", "v1.5"),
        ("/", "corpus"),
    ],
)
def test_a_corpus_is_named_by_the_last_part_of_its_path(corpus: str, name: str):
    assert corpus_name(corpus) == name


def test_the_stem_and_the_caption_tell_every_choice_apart():
    changes: list[dict[str, Any]] = [
        {"revision": "v2"}, {"adapter": "lora"}, {"neurons": "mlp.up_proj"}, {"sample": 7}, {"leave_out": "3"},
        {"site": "product"}, {"pooling": "last"}, {"dtype": "float16"}, {"pairs": 5}, {"target": "fra"},
    ]  # fmt: skip
    studies = [STUDY, *(replace(STUDY, **change) for change in changes)]
    for told in ({study.stem for study in studies}, {study.caption for study in studies}):
        assert len(told) == len(studies)
    assert len(replace(STUDY, corpus="x" * 400).stem) == 150


def test_the_demos_pooling_is_known_without_its_config():
    assert STUDY.pooling == "position"
    assert replace(STUDY, model="someone/model", pooling="auto").pooling == "auto"


def test_everything_can_be_computed_again_from_the_outcomes_of_every_pair():
    outcomes = result().pair_outcomes
    again = outcomes.groupby(["state", "layer"])[["aligned", "source_to_target", "target_to_source"]].mean()
    scores = result().scores.set_index(["state", "layer"]).sort_index()
    assert again["aligned"].tolist() == scores["score"].tolist()
    assert again["source_to_target"].tolist() == scores["source_to_target"].tolist()
    row = outcomes[(outcomes["state"] == "nas") & (outcomes["layer"] == 1) & (outcomes["pair"] == 3)].iloc[0]
    assert (row["source_to_target"], row["target_to_source"], row["aligned"]) == (True, False, False)


def test_a_stored_result_whose_outcomes_do_not_fit_its_checksum_is_refused(tmp_path):
    path = tmp_path / "result.parquet"
    write_result(result(), path)
    frame = pd.read_parquet(path)
    frame.at[0, "source_to_target"] = ~frame.at[0, "source_to_target"]
    frame.to_parquet(path)
    with pytest.raises(ValueError, match="checksum"):
        read_result(path)


def test_fertility_and_unknown_share_are_counts_of_tokens():
    provenance = {"tokens": {"deu_Latn": 30, "eng_Latn": 20}, "unknown_tokens": {"deu_Latn": 3}}
    assert fertility(provenance, "deu_Latn") == 1.5
    assert fertility(provenance, "eng_Latn", "deu_Latn") == pytest.approx(2 / 3)
    assert fertility(provenance, "fra_Latn") is None
    assert fertility(provenance, "deu_Latn", "fra_Latn") is None
    assert fertility({}, "deu_Latn") is None
    assert unknown_share(provenance, "deu_Latn") == 0.1
    assert unknown_share(provenance, "eng_Latn") == 0
    assert unknown_share(provenance, "fra_Latn") is None
    assert unknown_share({"tokens": {"deu_Latn": 30}}, "deu_Latn") is None
