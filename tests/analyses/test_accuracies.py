"""Accuracies as lm-evaluation-harness writes them, or as a CSV in whatever shape people have it."""

import json

import pytest

from neuronxa_core.analyses.accuracies import read_accuracies, task_language
from neuronxa_core.errors import StudyError


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("belebele_fra_Latn", ("Belebele", "fra_Latn")),
        ("belebele_zho_Hant", ("Belebele", "zho_Hant")),
        ("m_mmlu_de", ("m-MMLU", "deu_Latn")),
        ("mmlu", ("m-MMLU", "eng_Latn")),
        ("global_mmlu_sw", ("global_mmlu", "swh_Latn")),
        ("global_mmlu_full_am", ("global_mmlu full", "amh_Ethi")),
        ("arc_challenge_mt_fi", ("ARC, machine-translated", "fin_Latn")),
        ("lambada_openai_mt_de", ("LAMBADA", "deu_Latn")),
        ("xwinograd_jp", ("XWinograd", "jpn_Jpan")),
        ("arc_vi", ("m-ARC", "vie_Latn")),
        ("m_arc_fr", ("m-ARC", "fra_Latn")),
        ("arc_challenge", ("m-ARC", "eng_Latn")),
        ("xnli_zh", ("XNLI", "zho_Hans")),
        ("xcopa_et", ("XCOPA", "est_Latn")),
        ("xcopa_qu", ("XCOPA", "quy_Latn")),
        ("xcopa_ht", ("XCOPA", "hat_Latn")),
        ("xstorycloze_my", ("XStoryCloze", "mya_Mymr")),
        ("hellaswag_ar", ("m-HellaSwag", "arb_Arab")),
        ("global_mmlu_full_fr_abstract_algebra", None),
        ("arc_easy", None),
        ("xnli", None),
        ("boolq", None),
        ("belebele_xxx_Latn", None),
    ],
)
def test_tasks_of_the_harness_name_their_language(task: str, expected: tuple[str, str] | None):
    assert task_language(task) == expected


def harness(**more: object) -> bytes:
    results = {
        "xnli_fr": {"alias": " - xnli_fr", "acc,none": 0.5, "acc_stderr,none": 0.01},
        "xnli_sw": {"acc,none": 0.4, "acc_norm,none": 0.9},
        "belebele_deu_Latn": {"acc_norm,none": 0.7},
        "wikitext": {"word_perplexity,none": 12.0},
        "arc_de": {"acc": 0.3, "acc_norm": 0.33},
    }
    return json.dumps(
        {"results": results, "config": {"model": "hf", "model_args": "pretrained=a/b,dtype=float32"}} | more
    ).encode()


def test_a_result_file_of_the_harness_as_it_is():
    found = read_accuracies({"results_2024.json": harness()})
    rows = {(row.benchmark, row.language): (row.accuracy, row.metric, row.model) for row in found.rows.itertuples()}
    assert rows == {
        ("XNLI", "fra_Latn"): (0.5, "acc", "a/b"),
        ("XNLI", "swh_Latn"): (0.4, "acc", "a/b"),
        ("Belebele", "deu_Latn"): (0.7, "acc_norm", "a/b"),
        ("m-ARC", "deu_Latn"): (0.3, "acc", "a/b"),
    }
    assert found.notes == ("results_2024.json: 1 task was skipped (wikitext).",)


@pytest.mark.parametrize(
    ("more", "model"),
    [
        ({"model_name": "meta/llama"}, "meta/llama"),
        ({"config": {"model_args": {"pretrained": "c/d"}}}, "c/d"),
        ({"config": None}, "results.json"),
    ],
)
def test_the_model_is_named_wherever_the_harness_names_it(more: dict[str, object], model: str):
    assert set(read_accuracies({"results.json": harness(**more)}).rows["model"]) == {model}


def csv(text: str) -> dict[str, bytes]:
    return {"mine.csv": text.encode()}


@pytest.mark.parametrize("written", ["fr", "fra", "fra_Latn", "French", "fr-FR"])
@pytest.mark.parametrize(("value", "fraction"), [("0.62", 0.62), ("62", 0.62), ("62 %", 0.62), ("62,5", 0.625)])
def test_a_table_in_whatever_shape(written: str, value: str, fraction: float):
    found = read_accuracies(csv(f"Model;Language;Benchmark;Accuracy\r\nm;{written};XNLI;{value}\r\n")).rows.iloc[0]
    assert (found["model"], found["language"], found["benchmark"]) == ("m", "fra_Latn", "XNLI")
    assert found["accuracy"] == pytest.approx(fraction)


def test_percent_is_told_benchmark_by_benchmark_and_missing_values_are_counted():
    text = (
        "model,language,benchmark,accuracy\nm,fr,A,55\nm,de,A,0.9\nm,fr,B,0.9\nm,de,B,\nm,it,B,n/a\nm,klingon,B,0.5\n"
    )
    found = read_accuracies({"mine.csv": b"\xef\xbb\xbf" + text.encode()})
    values = {(row.benchmark, row.language): row.accuracy for row in found.rows.itertuples()}
    assert values == {("A", "fra_Latn"): 0.55, ("A", "deu_Latn"): pytest.approx(0.009), ("B", "fra_Latn"): 0.9}
    assert found.notes == (
        "mine.csv: 2 rows have no numeric accuracy.",
        "mine.csv: unknown languages: klingon.",
        "mine.csv: A converted from percent to fractions.",
    )


def test_model_and_benchmark_may_be_left_out():
    row = read_accuracies(csv("language,accuracy\nde,0.5\n")).rows.iloc[0]
    assert (row["model"], row["benchmark"]) == ("", "accuracy")


def test_other_names_of_the_columns_are_understood():
    row = read_accuracies(csv("Lang,Task,Acc\nde,XNLI,0.5\n")).rows.iloc[0]
    assert (row["language"], row["benchmark"], row["accuracy"]) == ("deu_Latn", "XNLI", 0.5)


def test_the_last_of_two_figures_counts():
    found = read_accuracies({"a.csv": b"language,accuracy\nde,0.5\nger,0.6\n"})
    assert found.rows["accuracy"].tolist() == [0.6]
    assert "are given twice" in found.notes[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not valid JSON"),
        (b'{"results": {}}', "no task with a known language"),
        (b'{"other": 1}', "no results of lm-evaluation-harness"),
        (b"a,b\n1,2\n", "no column language and no column accuracy"),
        (b"", "no column language"),
        (b"language,accuracy\nklingon,0.5\n", "no accuracy of a known language"),
        (b"language,accuracy\nde,-0.5\n", "below 0 or above 100"),
        (b"language,accuracy\nde,500\n", "below 0 or above 100"),
    ],
)
def test_what_holds_no_accuracies_is_refused_with_a_next_step(content: bytes, said: str):
    with pytest.raises(StudyError, match=said):
        read_accuracies({"mine": content})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"results": ' + b"[" * 100_000, r"a\.json is not valid JSON"),
        (
            b'{"results": {"xnli_fr": {"acc": 1' + b"0" * 400 + b"}}}",
            r"a\.json has no task with a known language",
        ),
        (b'{"results": {"xnli_fr": {"acc": 1' + b"0" * 5_000 + b"}}}", r"a\.json is not valid JSON"),
        (b'{"groups": [1], "config": [2], "results": {}}', r"a\.json has no task with a known language"),
        (b"language,accuracy\nfr," + b"9" * 200_000, r"a\.json is not valid CSV from line 2 on \(field larger"),
        (b"language," + b"x" * 200_000, r"a\.json cannot be read \(Error, error id [0-9a-f]{8}\)"),
        (b"language,accuracy\n" + b"fr,1\n" * 200_002, r"a\.json has more than 200,000 accuracies"),
        (b" " * 20_000_001, r"more than 20 MB\. Upload fewer"),
    ],
    ids=["nested", "a large number", "a long number", "lists", "a long cell", "a long name", "rows", "size"],
)
def test_a_hostile_file_is_refused_in_one_sentence(content: bytes, said: str):
    with pytest.raises(StudyError, match=said):
        read_accuracies({"a.json": content})
