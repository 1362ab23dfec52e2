"""The public API, name by name: where each comes from, what importing costs, and what asking gives."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neuronxa_core
from neuronxa_core import (
    Alignment,
    ModelRef,
    NeuronXAError,
    Similarity,
    Study,
    corpus_of,
    extract,
    find,
    load_model,
    open_corpus,
    run,
)
from neuronxa_core.errors import CacheError, CorpusError
from neuronxa_core.models.hardware import resolve_dtype
from neuronxa_core.models.loading import RESIDENT

NAMED = set(neuronxa_core.__all__) - {"__version__", "figures", "metrics"}


def test_names_homes_and_the_imports_that_type_checkers_read_agree():
    tree = ast.parse(Path(neuronxa_core.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in checked.body if isinstance(node, ast.ImportFrom)]
    imported = {alias.name: node.module for node in imports for alias in node.names}
    assert {imported.pop(room) for room in ("figures", "metrics")} == {"neuronxa_core"}
    assert imported == {name: f"neuronxa_core.{home}" for name, home in neuronxa_core._HOMES.items()}
    assert set(imported) == NAMED
    assert set(neuronxa_core.__all__) <= set(dir(neuronxa_core))


@pytest.mark.parametrize("name", sorted(NAMED))
def test_a_public_name_is_the_one_of_its_home_and_says_what_it_is(name: str):
    found = getattr(neuronxa_core, name)
    assert (found.__name__, found.__module__) == (name, f"neuronxa_core.{neuronxa_core._HOMES[name]}")
    assert found.__doc__
    assert not found.__doc__.startswith(f"{name}("), f"{name} has only the docstring that dataclass makes"


def test_what_is_not_public_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'Studies'"):
        _ = neuronxa_core.Studies
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = neuronxa_core.figures.nothing


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, neuronxa_core\n"
        "heavy = {'torch', 'pandas', 'plotly', 'transformers', 'numpy', 'streamlit'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "neuronxa_core.metrics, neuronxa_core.figures.figures_of\n"
        "print('plotly' in sys.modules, 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == ["[]", "True False"]


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")


def test_a_study_on_its_own_is_asked_for_its_alignment(study: Study):
    assert find(study) is None
    result = run(study, device="cpu")
    assert result.study == run(Alignment(study)).study
    found = find(study)
    assert found.badge == "cached"
    np.testing.assert_array_equal(found.answer.outcomes["nas"], result.outcomes["nas"])


def test_the_states_of_a_request_are_those_that_the_model_gives(study: Study):
    answer: Any = run(Similarity(study))
    model = load_model(study.model, device="cpu", dtype="float32")
    german = extract(model, study.bitext().source_sentences)
    for state in ("nas", "nav", "embedding"):
        source, _ = answer.states(state, 2)
        assert source.dtype == np.float32
        np.testing.assert_allclose(source, german.of(state)[2 - (state != "embedding")], atol=0.01)
        assert np.array_equal(source, answer.layers.states(state, 2)[0])


def test_an_answer_that_comes_with_the_dashboard_has_cosines_and_no_states():
    found: Any = find(Similarity(Study("demo", "everyday", "deu", "eng")))
    assert found.badge == "precomputed"
    with pytest.raises(CacheError, match="Only the cosines of this pair are stored"):
        found.answer.states("nas", 2)


def test_a_model_is_loaded_by_path_or_reference_and_once(tiny_model):
    folder = tiny_model("llama")
    model = load_model(folder, device="cpu")
    assert model.dtype == resolve_dtype("auto", "cpu")
    assert load_model(ModelRef(str(folder)), device="cpu") is model
    assert load_model(str(folder), device="cpu", dtype="float16") is not model
    RESIDENT.free()


def test_a_model_that_is_not_there_is_told_in_one_sentence():
    with pytest.raises(NeuronXAError, match="no/such/model"):
        load_model("/no/such/model")


def test_sentences_become_a_corpus_of_the_same_lines():
    sentences = {
        "de": ["Eins.", "Zwei\r\nund drei.", " Vier\u2028fünf. "],
        "eng_Latn": ["One.", "Two and three.", "Four."],
    }
    name = corpus_of(sentences)
    assert name == corpus_of(dict(reversed(sentences.items())))
    assert name != corpus_of(sentences | {"de": ["Eins.", "Zwei.", "Vier."]})
    corpus = open_corpus(name)
    assert corpus.sentences("deu_Latn") == ("Eins.", "Zwei und drei.", "Vier\u2028fünf.")
    bitext = Study("demo", name, "de", "en", pairs=3).bitext()
    assert bitext.target_sentences == ("One.", "Two and three.", "Four.")


@pytest.mark.parametrize(
    ("sentences", "problem"),
    [
        ({"deu": ["Eins."]}, "two languages or more"),
        ({"deu": ["Eins.", "Zwei."], "eng": ["One."]}, "deu_Latn has 2, eng_Latn has 1"),
        ({"deu": ["Eins.", "Zwei."], "eng": ["One.", " \n"]}, "Sentence 2 of eng_Latn is empty"),
        ({"deu": [], "eng": []}, "The lists have no sentences"),
        ({"deu": ["Eins."], "eng": "One."}, "eng has one text instead of a list of sentences"),
        ({"de": ["Eins."], "deu_Latn": ["Zwei."], "eng": ["One."]}, "A language is named twice: de, deu_Latn, eng"),
    ],
)
def test_sentences_that_are_no_corpus_are_refused(sentences: dict[str, list[str]], problem: str):
    with pytest.raises(CorpusError, match=problem):
        corpus_of(sentences)
