"""One command for each question, with the options of `run`."""

import json
from pathlib import Path

import pandas as pd
import pytest

from neuronxa_core.cli import main
from neuronxa_core.commands import COMMANDS, table_stem
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.words import WORDS


@pytest.fixture
def usual(tiny_model, tiny_corpus: Path, tmp_path: Path) -> list[str]:
    model, corpus = str(tiny_model("llama")), str(tiny_corpus)
    return ["--model", model, "--corpus", corpus, "--pairs", "8", "--dtype", "float32", "--out", str(tmp_path / "out")]


PAIR = ["--source", "deu", "--target", "eng"]
FURTHER = {
    "interventions": ["--controls", "1"],
    "steering": [*PAIR, "--strengths", "2", "--controls", "1", "--prompts", "2"],
    "models": ["--sites", "gate,product"],
    "revisions": ["--revisions", ".,./"],
    "choices": [*PAIR, "--items", str(Path(__file__).parent / "choices.csv")],
    "projection": [*PAIR, "--method", "pca"],
    "latent-language": ["--source", "deu", "--target", "fra", "--words", str(WORDS), "--shots", "2"],
}
CHOICES = Path(__file__).parent / "choices.csv"
TABLES = {
    "similarity": {"pairs", "measures"},
    "asymmetry": {"gaps", "directions"},
    "projection": {"numbers", "points"},
    "languages": {"scores"},
    "neurons": {"specific", "sharing"},
    "latent-language": {"latent", "words", "entropy"},
    "models": {"summary", "differences", "curves"},
    "settings": {"choices", "pairs"},
    "interventions": {"effects", "neurons", "with_without"},
    "steering": {"steering", "continuations", "beyond_controls", "identifier"},
    "downstream": {"correlations", "languages", "layers"},
    "claims": {"conditions", "retrieval", "languages", "layers", "pairs"},
    "revisions": {"curve", "languages"},
    "items": {"correlations", "pairs"},
    "choices": {"agreement", "items"},
}


def further(name: str) -> list[str]:
    return FURTHER.get(name, PAIR if COMMANDS[name].pair else [])


def without_corpus(usual: list[str]) -> list[str]:
    return [
        each
        for at in range(0, len(usual), 2)
        if usual[at] not in ("--corpus", "--pairs")
        for each in usual[at : at + 2]
    ]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("cached", [True, False])
def test_a_command_writes_its_tables_and_a_summary(name: str, cached: bool, usual: list[str], tmp_path, cache: Path):
    usual = usual if COMMANDS[name].corpus else without_corpus(usual)
    assert main([name, *usual, *further(name), *([] if cached else ["--no-cache"])]) == 0
    out = tmp_path / "out"
    files = {file.stem for file in out.glob("*.csv")}
    assert files == {table_stem(name, table) for table in TABLES[name]}, "say in TABLES what it writes"
    for table in TABLES[name]:
        written = pd.read_csv(out / f"{table_stem(name, table)}.csv")
        stored = pd.read_parquet(out / f"{table_stem(name, table)}.parquet")
        assert list(written.columns) == list(stored.columns)
        assert len(written) == len(stored) > 0
    of_summary = "claims.provenance" if name == "claims" else name  # claims.json is the list of verdicts
    summary = json.loads((out / f"{of_summary}.json").read_text(), parse_constant=pytest.fail)  # NaN is not JSON
    assert "float32" in json.dumps(summary["provenance"]) or name == "projection"
    assert any((cache / room).is_dir() for room in ("states", "results")) == cached


def test_the_numbers_are_those_of_single_studies(usual: list[str], tmp_path: Path):
    main(["languages", *usual])
    table = pd.read_csv(tmp_path / "out" / "languages.scores.csv")
    study = Study(usual[1], usual[3], "deu", "fra", pairs=8, dtype="float32")
    scores = run_study(study).scores
    ours = table[(table["source"] == "deu_Latn") & (table["target"] == "fra_Latn")]
    pd.testing.assert_frame_equal(
        ours[["state", "layer", "score", "source_to_target"]].reset_index(drop=True),
        scores[["state", "layer", "score", "source_to_target"]],
        check_dtype=False,
    )


def test_languages_are_chosen_by_any_code(usual: list[str], tmp_path: Path):
    assert main(["asymmetry", *usual, "--languages", "de,fra", "--target", "en"]) == 0
    assert pd.read_csv(tmp_path / "out" / "asymmetry.gaps.csv")["language"].tolist() == ["deu_Latn", "fra_Latn"]


def test_accuracies_take_the_place_of_bits(usual: list[str], tmp_path: Path):
    file = tmp_path / "accuracies.csv"
    file.write_text("model,language,benchmark,accuracy\nm,deu,XNLI,0.6\nm,fra,XNLI,0.5\nm,deu,XCOPA,0.7\n")
    assert main(["downstream", *usual, "--accuracies", str(file)]) == 0
    table = pd.read_csv(tmp_path / "out" / "downstream.languages.csv")
    assert table.groupby("benchmark")["accuracy"].apply(list).to_dict() == {"XCOPA": [0.7], "XNLI": [0.6, 0.5]}
    assert "bits_per_byte" not in json.loads((tmp_path / "out" / "downstream.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["models"], "nothing to compare"),
        (["revisions", "--revisions", "step1"], "needs two revisions"),
        (["languages", "--languages", "eng"], "No language besides the target"),
        (["projection", *PAIR, "--states", "nas,nes"], "--states cannot be"),
        (["downstream", "--accuracies", "/nowhere/x.csv"], "cannot be read"),
        (["settings", *PAIR, "--pivots", "swh"], "swh_Latn"),
        (["interventions", "--set", "/nowhere/neurons.csv"], "cannot be read"),
        (["interventions", "--layers", "3-x"], "such as 9-18"),
        (["interventions", "--layers", "2-9"], "no layer 9"),
        (["interventions", "--share", "2"], "share of neurons cannot be"),
        (["interventions", "--to", "spa"], "not one of the languages"),
        (["interventions", "--pair", "deu", "--controls", "0"], "--pair cannot be"),
        (["interventions", "--languages", "deu"], "at least two languages"),
        (["steering", *PAIR, "--strengths", "a,1"], "--strengths cannot be"),
        (["steering", *PAIR, "--strengths", "-1"], "strength must be above 0"),
    ],
)
def test_what_can_be_mended_ends_in_one_line(arguments: list[str], said: str, usual: list[str], capsys):
    assert main([arguments[0], *usual, *arguments[1:]]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert said in error[-1]
    assert error[-1].startswith("neuronxa: ")


def test_the_files_of_interventions_have_the_columns_of_their_contract(usual: list[str], tmp_path: Path):
    neurons = tmp_path / "mine.csv"
    neurons.write_text("layer,neuron,language\n1,3,deu\n3,0,deu\n2,4,fra\n")
    assert main(["interventions", *usual, "--languages", "de,fr", "--set", str(neurons), "--controls", "2"]) == 0
    effects = pd.read_csv(tmp_path / "out" / "effects.csv")
    columns = ["neurons_of", "measured_in", "neurons", "change", "control", "ci_low", "ci_high"]
    assert effects.columns.tolist() == columns
    assert effects[columns[:3]].values.tolist() == [
        ["deu_Latn", "deu_Latn", 2],
        ["deu_Latn", "fra_Latn", 2],
        ["fra_Latn", "deu_Latn", 1],
        ["fra_Latn", "fra_Latn", 1],
    ]
    listed = pd.read_csv(tmp_path / "out" / "neurons.csv")
    assert listed.columns.tolist() == ["neurons_of", "layer", "neuron", "lape", "rate"]
    assert listed[["layer", "neuron"]].values.tolist() == [[1, 3], [3, 0], [2, 4]]
    summary = json.loads((tmp_path / "out" / "interventions.json").read_text())
    assert [len(each["changes"]) for each in summary["controls"]] == [2, 2]
    assert set(summary["diagonal"]) == {"deu_Latn", "fra_Latn"}


def test_interventions_on_pairs_too_few_to_score_leave_the_curves_out(usual: list[str], tmp_path: Path):
    few = ["2" if before == "--pairs" else each for before, each in zip(["", *usual], usual, strict=False)]
    assert main(["interventions", *few, "--controls", "0"]) == 0
    assert {file.stem for file in (tmp_path / "out").glob("*.csv")} == {"effects", "neurons"}
    assert main(["interventions", *few, "--controls", "0", "--pair", "deu,eng"]) == 2
