"""BibTeX of a study: stable keys, names escaped, the README's entries, and LaTeX text that prints as it is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from neuronxa_core.study.citations import PAPERS, SOFTWARE_ENTRY, bibliography, corpus_entries, model_entries
from neuronxa_core.study.latex import latex, markdown
from neuronxa_core.study.study import Study

STUDY = Study("demo", "everyday", "deu_Latn", "eng_Latn")


def keys(bibtex: str) -> list[str]:
    return re.findall(r"^@\w+\{([^,]+),$", bibtex, flags=re.M)


def test_a_study_cites_both_papers_its_corpus_its_model_and_the_software():
    assert keys(bibliography(STUDY)) == [
        "huang-etal-2025-neurons",
        "kargaran-etal-2025-mexa",
        "neuronxa-everyday",
        "gemma-team-2025-gemma3",
        "neuronxa_explorer",
    ]


def test_every_entry_is_balanced_and_has_its_title():
    bibtex = bibliography(replace(STUDY, model="org/a_b{c", corpus="/x/my_text.tsv", pooling="mean"))
    plain = re.sub(r"\\[{}]", "", bibtex)
    assert plain.count("{") == plain.count("}")
    assert len(re.findall(r"^  title = ", bibtex, flags=re.M)) == len(keys(bibtex)) == 5


def test_what_is_not_known_is_named_with_what_to_add_and_without_a_path():
    own = replace(STUDY, model="/home/me/llama_ours", corpus="/home/me/my_text.tsv", revision="", pooling="mean")
    assert keys("".join(corpus_entries(own).values())) == ["corpus-my-text"]
    (entry,) = model_entries(own).values()
    assert keys(entry) == ["model-llama-ours"]
    assert r"title = {{llama\_ours}}" in entry
    assert "/home" not in bibliography(own)
    hub = replace(STUDY, model="Org/Some-Model_2", revision="v1", pooling="mean")
    assert "revision v1" in "".join(model_entries(hub).values())
    assert [*model_entries(hub)] == ["model-org-some-model-2"]


def test_a_corpus_in_the_form_of_a_public_one_is_cited_as_it(tmp_path: Path):
    for code in ("deu_Latn", "eng_Latn"):
        (tmp_path / f"{code}.devtest").write_text("one\ntwo\n")
    found = corpus_entries(replace(STUDY, corpus=str(tmp_path)))
    assert [*found] == ["nllb-team-2024-scaling", "goyal-etal-2022-flores"]


def test_the_readme_has_the_same_entries():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    for entry in (PAPERS, SOFTWARE_ENTRY):
        assert entry.strip() in readme


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("deu_Latn → eng_Latn", r"deu\_Latn $\rightarrow$ eng\_Latn"),
        ("100% & {more} #1 $x^2$", r"100\% \& \{more\} \#1 \$x\textasciicircum{}2\$"),
        ("C:\\a~b", r"C:\textbackslash{}a\textasciitilde{}b"),
        ("Gĩkũyũ, Māori, Tok Pisin", "Gĩkũyũ, Māori, Tok Pisin"),
    ],
)
def test_latex_prints_a_text_as_it_is(text: str, printed: str):
    assert latex(text) == printed


def test_markdown_shows_a_text_as_it_is():
    assert markdown("deu_Latn | *x* <b>") == r"deu\_Latn \| \*x\* \<b\>"
