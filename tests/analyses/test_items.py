"""Single sentences and questions: values by hand and against transformers, and files that can and cannot be read."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import AutoModelForCausalLM, AutoTokenizer

from neuronxa_core import extract, load_model
from neuronxa_core.analyses.choice_files import ChoiceItem, paired, read_choices
from neuronxa_core.analyses.choices import Choices, agreement_of, preferred
from neuronxa_core.analyses.items import Items
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.study.runner import find_layers
from neuronxa_core.study.study import Study
from tests.test_commands import CHOICES


@pytest.fixture
def study(tiny_model, tiny_corpus) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")


def bits_by_transformers(folder: str, texts: list[str]) -> list[float]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    found = []
    for text in texts:
        ids = tokenizer(text, return_tensors="pt").input_ids
        with torch.no_grad():
            logs = model(ids).logits[0, :-1].log_softmax(-1)
        found.append(float(-logs.gather(1, ids[0, 1:, None]).sum() / np.log(2)))
    return found


def test_margins_and_bits_are_those_of_each_pair(study: Study):
    answer = Items(study, ("deu_Latn", "fra_Latn")).run()
    german = answer.items[0].table
    layers = find_layers(answer.study)
    plain = []
    for layer in (1, 2, 3):
        cosines = layers.similarity("nas", layer)
        rivals = [max(np.delete(cosines[i], i).max(), np.delete(cosines[:, i], i).max()) for i in range(8)]
        plain.append(cosines.diagonal() - rivals)
    np.testing.assert_allclose(german["nas"], np.mean(plain, axis=0), atol=1e-12)
    sentences = list(study.bitext().target_sentences)
    expected = [
        bits / len(text.encode())
        for bits, text in zip(bits_by_transformers(study.model, sentences), sentences, strict=True)
    ]
    np.testing.assert_allclose(german["target"], expected, rtol=1e-4)
    row = answer.correlations.query("language == 'deu_Latn' and state == 'nas' and side == 'target'").iloc[0]
    assert row.pearson == pytest.approx(stats.pearsonr(german["nas"], -german["target"]).statistic)
    assert row.pearson_low < row.pearson < row.pearson_high


def test_the_preferred_choice_has_the_fewest_bits_per_byte_and_a_tie_is_none():
    three = ChoiceItem("eng_Latn", "1", "Q", ("abcd", "ab", "abc"), 0)
    assert preferred([three], np.array([14.0, 12.0, 13.0]), np.array([10.0])) == [False]  # 1 bit a byte each
    assert preferred([three], np.array([13.9, 12.0, 13.0]), np.array([10.0])) == [True]
    assert preferred([three, three], np.array([14, 12, 12, 13, 12, 13.0]), np.array([10.0, 10.0])) == [False, True]


def test_phi_is_pearsons_r_of_two_outcomes():
    signal = np.array([1, 1, 1, 1, 0, 0, 0, 1], bool)
    right = np.array([1, 1, 1, 0, 0, 0, 1, 1], bool)
    found = agreement_of(signal, right)
    assert [found[name] for name in ("both", "signal_only", "right_only", "neither", "items")] == [4, 1, 1, 2, 8]
    assert found["phi"] == pytest.approx((4 * 2 - 1 * 1) / np.sqrt(5 * 3 * 5 * 3))
    assert found["phi_low"] < found["phi"] < found["phi_high"]
    assert np.isnan(agreement_of(signal[:5], right[:5])["phi"])
    assert np.isnan(agreement_of(np.ones(8, bool), right)["phi"])


def test_choices_are_judged_as_transformers_and_plain_cosines_do(study: Study):
    items = read_choices({"choices.csv": CHOICES.read_bytes()})
    answer = Choices(study, items).run()
    table = answer.items.set_index("item")
    model = load_model(study.model, device="cpu", dtype="float32")
    for number in ("1", "2"):
        sides = {each.language: each for each in items if each.item == number}
        german, english = sides["deu_Latn"], sides["eng_Latn"]
        texts = [f"{english.prompt} {choice}" for choice in english.choices]
        *whole, alone = bits_by_transformers(study.model, [*texts, english.prompt])
        rates = [(bits - alone) / len(choice.encode()) for bits, choice in zip(whole, english.choices, strict=True)]
        assert table.loc[number, "right_target"] == (int(np.argmin(rates)) == english.correct)
        ours = extract(model, [f"{german.prompt} {german.choices[german.correct]}"])
        theirs = extract(model, texts)
        gaps = []
        for layer in range(3):
            cosines = cosine_similarity(ours.of("nas")[layer], theirs.of("nas")[layer])[0]
            gaps.append(cosines[english.correct] - cosines[1 - english.correct])
        assert table.loc[number, "nas_margin"] == pytest.approx(np.mean(gaps), abs=1e-5)
        assert table.loc[number, "nas_aligned"] == (np.mean(gaps) > 0)


def test_belebeles_layout_reads_as_lines_and_as_csv():
    row = {
        "link": "https://x.org/1",
        "question_number": 2,
        "flores_passage": "A passage.",
        "question": "Why?",
        **{f"mc_answer{place}": f"answer {place}" for place in range(1, 5)},
        "correct_answer_num": "3",
        "dialect": "deu_Latn",
        "ds": "2023-05-03",
    }
    lines = json.dumps(row) + "\n" + json.dumps(row | {"question_number": 3, "dialect": "swh_Latn"})
    first, other = read_choices({"deu_Latn.jsonl": lines.encode()})
    assert first == ChoiceItem(
        "deu_Latn", "https://x.org/1 2", "A passage.\nWhy?", ("answer 1", "answer 2", "answer 3", "answer 4"), 2
    )
    assert other.language == "swh_Latn"
    table = ",".join(row) + "\n" + ",".join(map(str, row.values()))
    assert read_choices({"deu_Latn.csv": table.encode()}) == (first,)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("language,item\neng,1\n", "Row 1 of x.csv is no question"),
        ("language,item,question,choice1,correct\neng,1,Why?,so,1\n", "Row 1 of x.csv is no question"),
        ("language,item,question,choice1,choice2,correct\neng,1,Why?,so,no,3\n", "Row 1 of x.csv is no question"),
        ('{"language": "eng"', "Line 1 of x.csv is not valid JSON"),
        ("\udcff", "x.csv cannot be read"),
    ],
)
def test_what_is_no_question_is_told_in_a_sentence(content: str, problem: str):
    with pytest.raises(StudyError, match=problem):
        read_choices({"x.csv": content.encode("utf-8", "surrogateescape")})


def test_only_questions_with_the_same_right_choice_in_both_languages_count():
    one = ChoiceItem("deu_Latn", "1", "Q", ("a", "b"), 0)
    other = one._replace(language="eng_Latn")
    assert paired((one, other), "deu_Latn", "eng_Latn") == ((one, other),)
    for unlike in (other._replace(correct=1), other._replace(item="2")):
        with pytest.raises(StudyError, match="No question is there in both deu_Latn and eng_Latn"):
            paired((one, unlike), "deu_Latn", "eng_Latn")


def test_a_language_more_costs_only_itself(study: Study):
    one = Items(study, ("deu_Latn",)).run()
    assert Items(study, ("deu_Latn", "fra_Latn")).cached() is None
    both = Items(replace(study, source="fra_Latn"), ("deu_Latn", "fra_Latn")).run()
    assert both.items[0].table.equals(one.items[0].table)
