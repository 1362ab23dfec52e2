"""The paper kit: its tables hold the study's numbers, its methods name every choice, its ZIP what it says."""

import io
import json
import re
import zipfile
from dataclasses import replace

import pandas as pd

from neuronxa_core.figures.paper_kit import (
    caption_of,
    latex_cite,
    latex_table,
    markdown_table,
    methods,
    paper_kit,
    plain_cite,
)
from neuronxa_core.figures.printing import Picture
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.study.latex import latex
from neuronxa_core.study.result import StudyResult
from tests.figures.examples import STUDY
from tests.figures.test_printing import SVG


def stored() -> StudyResult:
    return gallery_results()[STUDY]


def test_the_tables_hold_every_layer_and_the_means_with_their_intervals():
    nas = stored().of("nas").set_index("layer").loc[7]
    cell = f"{nas['score']:.3f} [{nas['ci_low']:.3f}--{nas['ci_high']:.3f}]"
    rows = [line.strip() for line in latex_table(stored()).splitlines() if re.match(r"\s+\d+ & ", line)]
    assert [row.split(" & ")[0] for row in rows] == [str(layer) for layer in range(stored().last_layer + 1)]
    assert rows[7].split(" & ")[1] == cell
    assert rows[0].split(" & ")[1:3] == ["--", "--"]  # neurons have no layer 0
    low, high = stored().mean_interval("embedding")
    assert f"{stored().mean('embedding'):.3f} [{low:.3f}--{high:.3f}] \\\\" in latex_table(stored())
    lines = markdown_table(stored()).splitlines()
    assert lines[2 + 7].split(" | ")[1] == cell.replace("--", "–")
    assert lines[-3].startswith("| Mean | **NASCA** ")


def test_latex_has_no_bare_special_character():
    hostile = replace(
        stored(), study=replace(STUDY, corpus="/x/50%_of & more#1.tsv", model="a_b$c", neurons="mlp.up_proj")
    )
    for text in (methods(hostile, latex, lambda keys: ""), caption_of(hostile, latex)):
        assert not re.search(r"(?<!\\)[_%&#]", text)
        assert "/x/" not in text
    assert r"50\%\_of \& more\#1" in methods(hostile, latex, latex_cite)
    assert r"a\_b\$c" in caption_of(hostile, latex)
    label = re.search(r"\\label\{(.*?)\}", latex_table(stored()))
    assert label[1] == "tab:alignment-deu-latn-eng-latn"


def test_every_special_character_prints_as_itself():
    """Read back by a parser of LaTeX that knows its ten special characters and nothing of how this project escapes."""
    every = "".join(map(chr, range(32, 127))) + "→·−≥…\u00a0äß中"
    for text in (every, *every, "a_b_c 50% & #1 {x} ~/models\\new ^2 $5 <tag> |x|", "%%", "\\\\", "--", "_^"):
        assert printed_by_latex(latex(text)) == text.replace("\u00a0", " ")


def printed_by_latex(source: str) -> str:
    """What TeX would set: fails at a character that has a meaning there, a macro without its end, and an open group."""
    printed, place, depth, maths = "", 0, 0, False
    while place < len(source):
        letter = source[place]
        macro = re.match(r"\\([A-Za-z]+|.)(\{\})?", source[place:])
        if macro:
            name, ended = macro[1], macro[2]
            assert len(name) == 1 or ended or maths, f"{macro[0]} takes in what follows"
            printed += _MACROS[name] if len(name) > 1 else name
            place += len(macro[0])
            continue
        assert letter not in ("%&#_^" if maths else "%&#_^<>|"), f"{letter} at {place}"
        depth += {"{": 1, "}": -1}.get(letter, 0)
        maths = maths != (letter == "$")
        printed += {"~": " ", "{": "", "}": "", "$": ""}.get(letter, "−" if maths and letter == "-" else letter)
        place += 1
    assert not depth
    assert not maths
    return printed


_MACROS = {
    "textbackslash": "\\",
    "textasciitilde": "~",
    "textasciicircum": "^",
    "textless": "<",
    "textgreater": ">",
    "textbar": "|",
    "rightarrow": "→",
    "textperiodcentered": "·",
    "geq": "≥",
    "dots": "…",
    "textquotedbl": '"',
    "textquotesingle": "'",
    "textasciigrave": "`",
}


def test_the_methods_name_every_choice_and_cite_what_the_bibliography_has():
    text = methods(stored(), str, plain_cite)
    for told in (
        "German (deu_Latn) and English (eng_Latn)",
        "Gemma 3 270M (base) [@gemma-team-2025-gemma3]",
        "the first 100 sentence pairs of the corpus everyday [@neuronxa-everyday]",
        "at the output of the FFN's activation function",
        "with weights proportional to their position",
        "averaged over layers 1 to 18",
        "2,000 resamples",
        "ran in float32",
        f"PyTorch {stored().provenance['torch']}",
        f"NeuronXA Explorer {stored().provenance['neuronxa']} [@neuronxa_explorer]",
    ):
        assert told in text
    other = replace(
        STUDY, model="org/m", revision="v2", sample=5, leave_out="3", site="product", pooling="mean", adapter="/a/lora"
    )
    text = methods(replace(stored(), study=other), str, plain_cite)
    for told in (
        "org/m, revision v2,",
        "adapter lora",
        "a random sample of 100 pairs (seed 5), without 3,",
        "down-proj",
    ):
        assert told in text


def test_the_zip_has_the_pictures_the_texts_and_the_numbers_in_full():
    made = paper_kit(stored(), {"curves": Picture(SVG, 84, "Curves", "How to read them.")}, ("pdf", "svg"))
    archive = zipfile.ZipFile(io.BytesIO(made))
    assert archive.read("figures/curves.pdf").startswith(b"%PDF-")
    assert b"<svg" in archive.read("figures/curves.svg")
    assert archive.read("figures/curves.txt").decode() == "Curves. How to read them.\n"
    pd.testing.assert_frame_equal(pd.read_csv(archive.open("scores.csv")), stored().scores)
    assert json.loads(archive.read("summary.json")) == json.loads(json.dumps(stored().summary))
    listed = set(archive.read("README.txt").decode().split("\n\n")[1].split())
    assert listed == set(archive.namelist()) - {"README.txt"}
    assert set(re.findall(r"@\w+\{([^,]+),", archive.read("references.bib").decode())) == set(
        re.findall(r"@([\w-]+)", archive.read("methods.txt").decode())
    )
    assert paper_kit(stored(), {}, ()) == paper_kit(stored(), {}, ())
