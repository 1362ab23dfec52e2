"""Latent language on tiny models: the prompts, the words that are left out, and the numbers against plain loops."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.analyses.latent_answer import LatentAnswer, latent_from_frame
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentLanguages
from neuronxa_core.analyses.latent_prompts import ROLES, Role
from neuronxa_core.analyses.lens_grid import Lens
from neuronxa_core.cli import main
from neuronxa_core.errors import CorpusError, NeuronXAError, StudyError
from neuronxa_core.study.study import Study
from tests.conftest import Recorder
from tests.damage import flipped
from tests.tiny import tiny_tokenizer
from tests.words import WORDS


@pytest.fixture
def request_(tiny_model) -> LatentLanguage:
    study = Study(str(tiny_model("llama")), "everyday", "deu", "fra", dtype="float32")
    return LatentLanguage(study, words=str(WORDS), shots=2)


def test_a_prompt_is_examples_with_their_answers_and_a_question_without_one(request_: LatentLanguage):
    water, *_, night, book = request_.questions()
    lines = water.prompt.splitlines()
    assert len(lines) == 3
    assert lines[-1] == 'Deutsch: "Wasser" - Français: "'
    table = {'Deutsch: "Hund" - Français: "chien"', 'Deutsch: "Brot" - Français: "pain"'}
    table |= {'Deutsch: "Baum" - Français: "arbre"', 'Deutsch: "Zimmer" - Français: "maison"'}
    table |= {'Deutsch: "Nacht" - Français: "nuit"'}
    assert set(lines[:-1]) < table
    assert water.words == {"target": "eau", "pivot": "water", "source": "Wasser"}
    assert night.prompt
    assert (book.prompt, book.reason) == ("", "no word in French")


def test_the_seed_draws_the_examples(request_: LatentLanguage):
    prompts = [each.prompt for each in request_.questions()]
    assert prompts == [each.prompt for each in request_.questions()]
    assert prompts != [each.prompt for each in replace(request_, seed=1).questions()]


@pytest.mark.parametrize(
    ("task", "template", "last"),
    [
        ("repetition", "", 'Français: "eau" - Français: "'),
        ("cloze", "", "On boit de l'___. - Français: \""),
        ("translation", "{word} = {answer};", "Wasser = "),
        ("translation", "{source} {word} is in {target} {answer}", "Deutsch Wasser is in Français "),
    ],
)
def test_each_task_asks_in_its_own_way(task: Any, template: str, last: str, request_: LatentLanguage):
    asked = replace(request_, task=task, template=template).questions()
    assert asked[0].prompt.splitlines()[-1] == last


def test_braces_that_are_no_place_stand_as_they_are(request_: LatentLanguage):
    asked = replace(request_, template="{word.__class__} {word} {answer}", shots=0).questions()
    assert asked[0].prompt == "{word.__class__} Wasser "


def test_rows_that_repeat_a_word_or_hold_quotation_marks_are_left_out(tmp_path: Path, request_: LatentLanguage):
    file = tmp_path / "list.tsv"
    rows = ["water\tWasser\teau", "tree\tBaum\tarbre", "water\tNass\tmouillé", 'dog\t"Hund"\tchien', "a\tb\tArbre"]
    file.write_text("\n".join(["eng\tdeu\tfra", *rows]), encoding="utf-8")
    reasons = [each.reason for each in replace(request_, words=str(file), shots=1).questions()]
    assert reasons == [
        "",
        "",
        "the same English word as in row 1",
        "a quotation mark in the German word",
        "the same French word as in row 2",
    ]


def test_probabilities_and_baselines_are_those_of_a_plain_loop(request_: LatentLanguage, tiny_model):
    """The last layer by the whole model, word by word."""
    answer = request_.run()
    model = AutoModelForCausalLM.from_pretrained(tiny_model("llama"), dtype=torch.float32).eval()
    tokenizer = tiny_tokenizer()
    used = answer.used
    assert [each.words["pivot"] for each in used] == ["water", "dog", "bread", "tree", "house"]
    for role in ROLES:
        firsts = [tokenizer(each.words[role])["input_ids"][1] for each in used]
        for place, each in enumerate(used):
            ids = torch.tensor([tokenizer(each.prompt)["input_ids"]])
            with torch.inference_mode():
                chances = model(input_ids=ids).logits[0, -1].double().softmax(dim=-1).numpy()
            others = [chances[first] for number, first in enumerate(firsts) if number != place]
            assert answer.own[role][2, place] == pytest.approx(chances[firsts[place]], rel=1e-3)
            assert answer.shuffled[role][2, place] == pytest.approx(np.mean(others), rel=1e-3)
            if role == "target":
                bits = -(chances * np.log2(chances)).sum()
                assert answer.entropy[2, place] == pytest.approx(bits, rel=1e-3)
    row = answer.curves.query("layer == 3 and role == 'pivot'").iloc[0]
    assert row["probability"] == pytest.approx(answer.own["pivot"][2].mean())
    assert row["ci_low"] <= row["probability"] <= row["ci_high"]
    assert row["baseline"] == pytest.approx(answer.shuffled["pivot"][2].mean())


def test_words_whose_first_tokens_meet_are_left_out_and_told(request_: LatentLanguage):
    answer = request_.run()
    reasons = {each.words["source"]: each.reason for each in answer.questions if each.reason}
    assert reasons == {
        "Nacht": "French and English begin with the same token 'n'",
        "Buch": "no word in French",
    }
    assert answer.left_out == {"French and English begin with the same": 1, "no word in French": 1}


def test_a_cached_answer_is_the_fresh_one(request_: LatentLanguage):
    across = LatentLanguages(request_.study, request_, ("fra_Latn",))
    assert request_.cached() is None
    assert (across.sentences(), across.lens) == (request_.sentences(), request_.lens)
    fresh = request_.run()
    assert (across.sentences(), across.lens) == ([], 0)  # what is there costs nothing
    recorder = Recorder()
    assert request_.run(recorder).summary == fresh.summary
    assert not recorder.reports  # the model did not run
    found = request_.cached()
    assert found is not None
    for table, frame in fresh.tables.items():
        pd.testing.assert_frame_equal(found.tables[table], frame)
    assert replace(request_, seed=3).cached() is None
    frame = fresh.word_table.assign(provenance=json.dumps(dict(fresh.provenance)))
    assert latent_from_frame(frame, request_).summary == fresh.summary


@pytest.mark.slow
def test_no_flipped_bit_in_a_stored_answer_gives_another_answer(request_: LatentLanguage, cache: Path):
    lens = Lens(request_.study, "The sun is red")
    for asked, table in ((request_, "words"), (lens, "lens")):
        fresh = asked.run()
        (path,) = (cache / "results").iterdir()
        for _ in flipped(path, step=127):
            found = asked.cached()
            assert path.exists() == (found is not None)
            if found:
                pd.testing.assert_frame_equal(found.tables[table], fresh.tables[table])
                assert found.summary == fresh.summary
        path.unlink(missing_ok=True)


def test_requests_that_differ_in_what_does_not_count_are_equal(request_: LatentLanguage):
    study = replace(request_.study, corpus="/somewhere/else", pairs=7, site="product", pooling="mean", sample=3)
    assert replace(request_, study=study) == request_
    assert hash(replace(request_, study=study)) == hash(request_)


def invented(target: list[list[float]], pivot: list[list[float]], request: LatentLanguage) -> LatentAnswer:
    """An answer with these probabilities, (layers, words), without baseline."""
    none = np.zeros((len(target), len(target[0])), dtype=np.float32)
    own: dict[Role, Any] = {
        "target": np.array(target, np.float32),
        "pivot": np.array(pivot, np.float32),
        "source": none,
    }
    questions = [each for each in request.questions() if each.prompt][: len(target[0])]
    return LatentAnswer(request, tuple(questions), own, dict.fromkeys(own, none), none + 1, {"dtype": "float32"})


def test_where_the_pivot_leads_and_where_the_target_overtakes(request_: LatentLanguage):
    answer = invented([[0.0, 0.0], [0.1, 0.1], [0.8, 0.6]], [[0.0, 0.0], [0.3, 0.2], [0.1, 0.1]], request_)
    assert answer.pivot_leads == [2]
    assert list(answer.overtaking) == [3, 3, 3]
    value, low, high = answer.pivot_share
    assert value == pytest.approx(0.35 / (0.35 + 0.8))
    assert low < value < high
    assert answer.summary["target_overtakes_at"] == {"layer": 3, "ci_low": 3, "ci_high": 3}


def test_a_target_that_never_overtakes_has_no_layer(request_: LatentLanguage):
    answer = invented([[0.0, 0.0], [0.1, 0.1], [0.1, 0.1]], [[0.0, 0.0], [0.3, 0.2], [0.2, 0.2]], request_)
    assert answer.summary["target_overtakes_at"] == {"layer": None, "ci_low": None, "ci_high": None}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pivot": "deu"}, "pivot deu_Latn is the source already"),
        ({"pivot": "fra"}, "pivot fra_Latn is the target already"),
        ({"task": "summary"}, "task cannot be 'summary'"),
        ({"shots": 33}, "shots cannot be 33"),
        ({"seed": -1}, "seed cannot be -1"),
        ({"template": "{word}: "}, r"has no \{answer\}"),
        ({"template": "{words} {answer}"}, r"unknown place \{words\}"),
        ({"template": "{answer}"}, "Nothing stands before the answer"),
        ({"template": "{word}\n{answer}"}, "longer than one line"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(changed: dict[str, Any], said: str, request_: LatentLanguage):
    with pytest.raises(StudyError, match=said):
        replace(request_, **changed)


@pytest.mark.parametrize(
    ("rows", "shots", "said"),
    [
        (["water\tWasser\teau"], 4, "1 of 1 word of list.tsv can be used, but 4 examples and a question need 5"),
        (["water\tWasser\teau"], 0, "The list has one word, and the baseline needs at least two"),
        (
            ["water\twasser\teau", "tree\tterrasse\tarbre"],
            1,
            "0 of 2 words can be used \\(row 1: English and German begin with the same token 'w'\\), and the baseline",
        ),
    ],
)
def test_too_short_a_list_is_told_with_the_reason(
    rows: list[str], shots: int, said: str, tmp_path: Path, request_: LatentLanguage
):
    file = tmp_path / "list.tsv"
    file.write_text("\n".join(["eng\tdeu\tfra", *rows]), encoding="utf-8")
    with pytest.raises(CorpusError, match=said):
        replace(request_, words=str(file), shots=shots).run()


def test_a_language_or_definitions_that_the_list_lacks(request_: LatentLanguage):
    with pytest.raises(CorpusError, match="has no swh_Latn"):
        replace(request_, pivot="swh").questions()
    back = replace(request_.study, source="fra", target="deu")
    assert replace(request_, study=back, task="cloze").questions()[0].prompt.endswith('___. - Deutsch: "')
    with pytest.raises(CorpusError, match="has no definitions in deu_Latn or eng_Latn"):
        replace(request_, study=replace(back, source="eng"), pivot="fra", task="cloze").questions()


def test_an_encoder_is_refused(request_: LatentLanguage, tiny_model):
    with pytest.raises(NeuronXAError, match="bidirectional"):
        replace(request_, study=replace(request_.study, model=str(tiny_model("bert")))).run()


def test_the_command_writes_the_files_and_columns_of_its_contract(tiny_model, tmp_path: Path):
    out = tmp_path / "out"
    options = ["--model", str(tiny_model("llama")), "--source", "deu_Latn", "--target", "fra_Latn", "--shots", "2"]
    assert main(["latent-language", *options, "--words", str(WORDS), "--dtype", "float32", "--out", str(out)]) == 0
    latent = pd.read_csv(out / "latent.csv")
    assert list(latent.columns) == ["layer", "role", "probability", "baseline", "ci_low", "ci_high"]
    assert latent.groupby("role")["layer"].apply(list).to_dict() == {role: [1, 2, 3] for role in ROLES}
    words = pd.read_csv(out / "words.csv")
    assert words["used"].tolist() == [True] * 5 + [False] * 2
    assert words["target_3"].mean() == pytest.approx(
        latent.query("role == 'target' and layer == 3")["probability"].item(), rel=1e-5
    )
    summary = json.loads((out / "latent-language.json").read_text())
    assert (summary["words"], summary["words_used"]) == (7, 5)
    assert summary["study"]["words"] == "words"
