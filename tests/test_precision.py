"""`auto` is a question: every answer names the dtype that it was computed in, on any machine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neuronxa_core import cli
from neuronxa_core.analyses.languages import find_language_matrix, run_language_matrix
from neuronxa_core.analyses.neurons import find_neuron_rates, run_neuron_rates
from neuronxa_core.analyses.projection import find_projection, project
from neuronxa_core.analyses.settings import find_ablation, run_ablation
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.models.hardware import Dtype
from neuronxa_core.models.locate import local_checkpoint
from neuronxa_core.settings import settings
from neuronxa_core.study.recipe import Recipe
from neuronxa_core.study.result import write_result
from neuronxa_core.study.runner import find_layers, find_result, resolved, run_study
from neuronxa_core.study.study import Study

CODES = ("fra_Latn", "deu_Latn", "eng_Latn")


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=6)


def test_a_result_and_all_that_is_written_of_it_name_the_dtype(study: Study, device_dtype: Dtype):
    assert study.dtype == "auto"
    assert find_result(study) is None
    for result in (run_study(study), run_study(study), find_result(study), find_result(resolved(study))):
        assert result.study.dtype == result.provenance["dtype"] == device_dtype
        assert result.study == replace(resolved(study), pooling="position")
        assert result.study.answers(study)
        assert result.summary["study"]["dtype"] == device_dtype
        assert result.study.caption.endswith(f"· dtype {device_dtype}")
        assert result.study.stem.endswith(f"_{device_dtype}")
        assert result.to_frame()["dtype"].unique().tolist() == [device_dtype]


def test_so_do_the_matrix_the_ablation_the_rates_and_the_projection(study: Study, device_dtype: Dtype):
    made: list[Any] = [run_language_matrix(study, CODES), run_ablation(study), run_neuron_rates(study, CODES)]
    found: list[Any] = [find_language_matrix(study, CODES), find_ablation(study), find_neuron_rates(study, CODES)]
    layers = find_layers(study)
    pca = ProjectionSettings("pca")
    made.append(project(study, layers, "nas", pca))
    found.append(find_projection(study, layers, "nas", pca))
    assert [answer.study.dtype for answer in (*made, *found)] == [device_dtype] * 8
    assert device_dtype in made[0].stem


def test_auto_and_what_it_is_share_one_place_in_the_cache(study: Study, device_dtype: Dtype):
    checkpoint, bitext = local_checkpoint(study.ref), study.bitext()
    asked, named = (Recipe(each, checkpoint, "cpu") for each in (study, replace(study, dtype=device_dtype)))
    assert asked.key == named.key
    assert asked.result_path(bitext) == named.result_path(bitext)
    other = replace(study, dtype="bfloat16" if device_dtype == "float32" else "float32")
    run_study(study)
    assert find_result(replace(study, dtype=device_dtype)) is not None
    assert find_result(other) is None


def test_a_result_that_was_cached_under_auto_is_read_and_named(study: Study, device_dtype: Dtype):
    result = run_study(study)
    path = next((settings().cache_dir / "results").glob("*.parquet"))
    write_result(replace(result, study=replace(result.study, dtype="auto")), path)
    assert find_result(study).study.dtype == device_dtype


def test_a_study_answers_what_was_asked_and_nothing_else(study: Study):
    answer = replace(study, dtype="float32", pooling="mean")
    assert answer.answers(answer)
    assert answer.answers(study)
    assert answer.answers(replace(study, dtype="float32"))
    assert not answer.answers(replace(study, dtype="bfloat16"))
    assert not answer.answers(replace(study, pooling="last"))
    assert not answer.answers(replace(study, pairs=5))
    assert not study.answers(answer)


def test_the_line_that_the_command_prints_ends_with_the_dtype(
    study: Study, device_dtype: Dtype, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["run", "--model", study.model, "--corpus", study.corpus, "--source", "fra", "--target", "eng"]
    assert cli.main([*words, "--pairs", "6", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(f"computed in {device_dtype}")
