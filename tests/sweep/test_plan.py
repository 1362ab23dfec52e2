"""A plan in YAML, the tasks that it stands for, and what it says of a mistake."""

from collections import Counter
from pathlib import Path

import pytest

from neuronxa_core.errors import SweepError
from neuronxa_core.sweep.estimate import estimate, lines
from neuronxa_core.sweep.plan import Plan, read_plan, task_of


def plan(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    return read_plan(file)


def test_every_list_multiplies_and_a_model_in_one_dtype_is_one_group(tmp_path):
    text = """
models: [demo, org/other]
corpora: everyday
languages: [deu_Latn, fr]
pairs: [5, 10]
site: [gate, product]
dtype: [float32, bfloat16]
"""
    made = plan(tmp_path, text)
    assert len(made.tasks) == len({task.key for task in made.tasks}) == 2 * 2 * 2 * 2 * 2
    groups = {(ref.model, dtype): len(tasks) for (ref, dtype), tasks in made.by_model.items()}
    assert groups == {(model, dtype): 8 for model in ("demo", "org/other") for dtype in ("float32", "bfloat16")}
    first = made.tasks[0].study
    assert (first.source, first.target, first.pooling) == ("deu_Latn", "eng_Latn", "position")


def test_all_languages_are_those_of_the_corpus_without_the_pivot(tmp_path, tiny_corpus):
    made = plan(tmp_path, f"models: demo\ncorpora: {tiny_corpus}\npivot: [eng, fra]\npairs: 8")
    pairs = Counter((task.study.source, task.study.target) for task in made.tasks)
    deu, eng, fra = "deu_Latn", "eng_Latn", "fra_Latn"
    assert pairs == {(deu, eng): 1, (deu, fra): 1, (eng, fra): 1, (fra, eng): 1}


def test_a_model_can_be_named_at_its_revisions(tmp_path, tiny_corpus):
    run = tmp_path / "run"
    for folder in ("checkpoint-10", "checkpoint-20", "a@b"):
        (run / folder).mkdir(parents=True)
    models = f"[org/base@step10, org/base@step20, org/base, '{run}@checkpoint-20', '{run}/a@b']"
    made = plan(tmp_path, f"models: {models}\ncorpora: {tiny_corpus}\nlanguages: deu\npairs: 8")
    assert [(task.study.model, task.study.revision) for task in made.tasks] == [
        ("org/base", "step10"),
        ("org/base", "step20"),
        ("org/base", ""),
        (str(run / "checkpoint-20"), ""),
        (str(run / "a@b"), ""),
    ]
    assert len({task.key for task in made.tasks}) == 5
    for model, words in ((f"{run}@checkpoint-30", "no checkpoint 'checkpoint-30' in"), ("demo@main", "no revisions")):
        with pytest.raises(SweepError, match=words) as caught:
            plan(tmp_path, f"models: '{model}'\ncorpora: {tiny_corpus}\npairs: 8")
        assert str(caught.value).startswith("Line 1 of the plan: ")


def test_no_is_norwegian_and_not_false(tmp_path, tiny_corpus):
    (tiny_corpus / "nob_Latn.txt").write_text((tiny_corpus / "deu_Latn.txt").read_text())
    made = plan(tmp_path, f"models: demo\ncorpora: {tiny_corpus}\nlanguages: [no]\npairs: 8")
    assert [task.study.source for task in made.tasks] == ["nob_Latn"]


GOOD = "models: demo\ncorpora: everyday\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD + "langauges: [deu_Latn]", 3, "no key 'langauges'. Did you mean languages?"),
        (GOOD + "languages:\n  - deu_Latn\n  - xyz_Latn", 5, "has no xyz_Latn"),
        (GOOD + "languages: [Klingon script]", 3, "'Klingon script' is not a language"),
        (GOOD + "pairs: [10,\n  many]", 4, "pairs cannot be 'many'"),
        (GOOD + "pairs: 1", 3, "pairs cannot be '1'"),
        (GOOD + "pairs: 100000", 3, "has 100 pairs, fewer than the 100000 requested"),
        (GOOD + "site: gates", 3, "site cannot be 'gates'. Choose from: gate, product, attention"),
        (GOOD + "dtype: int3", 3, "dtype cannot be 'int3'"),
        (GOOD + "pooling:", 3, "pooling has an empty value"),
        (GOOD + "pairs: []", 3, "pairs is empty"),
        (GOOD + "models: other", 3, "models is there twice"),
        (GOOD + "languages: {deu_Latn: 1}", 3, "languages takes a value or a list"),
        (GOOD + "languages: [eng_Latn]", 3, "no language is left besides the pivot"),
        (GOOD + "pairs: [1, 2", 3, "not valid YAML"),
        ("models: demoo\ncorpora: everyday", 1, "there is no model 'demoo'"),
        ("models: demo\n\ncorpora: nowhere", 3, "no corpus called 'nowhere'"),
        ("corpora: everyday", 1, "the plan has no key models"),
        ("- demo", 1, "a plan consists of lines"),
    ],
    ids=lambda value: "" if isinstance(value, int) else str(value)[-24:].replace("\n", " "),
)
def test_a_mistake_is_told_with_its_line(tmp_path, text: str, line: int, words: str):
    with pytest.raises(SweepError) as caught:
        plan(tmp_path, text)
    assert str(caught.value).startswith(f"Line {line} of the plan: ")
    assert words in str(caught.value)


def test_a_key_changes_with_the_sentences_and_with_nothing_else(study, tiny_corpus):
    before = task_of(study).key
    assert task_of(study).key == before
    file = tiny_corpus / "deu_Latn.txt"
    file.write_text(file.read_text().replace("Hier", "Dort", 1))
    assert task_of(study).key != before


def test_an_estimate_counts_every_sentence_of_a_model_once(tmp_path, tiny_model, tiny_corpus):
    text = f"models: {tiny_model('llama')}\ncorpora: {tiny_corpus}\npairs: 8\npivot: [eng, deu]"
    made = plan(tmp_path, text)
    told = lines(estimate(list(made.by_model.values())), 10)
    assert told[0] == "tasks: 10 (4 to do, 6 in the store already)"
    assert told[1] == "forward passes: 24 sentences"  # three languages of eight
    assert told[4] == "downloads: 0.0 GB"
