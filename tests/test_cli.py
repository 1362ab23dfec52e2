"""The command line is a contract: two files and exit code 0, or one line on standard error and exit code 2."""

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.numpy import load_file, save_file

from neuronxa_core.cli import main
from neuronxa_core.settings import settings
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.conftest import set_settings

ROOT = Path(__file__).parents[1]
COLUMNS = ["state", "layer", "score", "source_to_target", "target_to_source", "ci_low", "ci_high"]


class Setting:
    """A run that is good until a case spoils it: copies of the tiny model and the tiny corpus, and the options."""

    def __init__(self, folder: Path, model: Path, corpus: Path) -> None:
        self.folder = folder
        self.model = Path(shutil.copytree(model, folder / "model"))
        self.corpus = Path(shutil.copytree(corpus, folder / "texts"))
        self.options = {
            "model": str(model),
            "corpus": str(corpus),
            "source": "deu_Latn",
            "target": "eng_Latn",
            "pairs": "8",
            "out": str(folder / "out"),
        }

    def run(self, **changes: str) -> int:
        return main(
            ["run", *(part for name, value in (self.options | changes).items() for part in (f"--{name}", value))]
        )

    def text(self, name: str, content: str | bytes) -> dict[str, str]:
        """A run on the copied corpus, one file of it changed."""
        (self.corpus / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return {"corpus": str(self.corpus)}

    def table(self, content: str) -> dict[str, str]:
        (self.folder / "pairs.tsv").write_text(content)
        return {"corpus": str(self.folder / "pairs.tsv")}

    def weights(self, name: str, content: Callable[[bytes], bytes] = bytes) -> dict[str, str]:
        """A run on the copied model, its weights changed or under another name."""
        file = self.model / "model.safetensors"
        content_now = content(file.read_bytes())
        file.unlink()
        (self.model / name).write_bytes(content_now)
        return {"model": str(self.model)}

    def config(self, **changes: object) -> dict[str, str]:
        file = self.model / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))
        return {"model": str(self.model)}

    def without(self, name: str) -> dict[str, str]:
        (self.model / name).unlink()
        return {"model": str(self.model)}

    def without_tensor(self, name: str) -> dict[str, str]:
        tensors = load_file(self.model / "model.safetensors")
        del tensors[name]
        save_file(tensors, self.model / "model.safetensors", metadata={"format": "pt"})
        return {"model": str(self.model)}

    def index(self) -> dict[str, str]:
        index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
        (self.model / "model.safetensors.index.json").write_text(json.dumps(index))
        return {"model": str(self.model)}

    def regular_file(self) -> Path:
        (self.folder / "file").touch()
        return self.folder / "file"


@pytest.fixture
def setting(tmp_path: Path, tiny_model, tiny_corpus) -> Setting:
    return Setting(tmp_path, tiny_model("llama"), tiny_corpus)


def test_a_run_writes_scores_and_summary(setting: Setting, capsys: pytest.CaptureFixture[str]):
    assert setting.run() == 0
    out, err = capsys.readouterr()
    assert out.startswith("deu_Latn -> eng_Latn: NASCA ")
    assert err == ""
    written = setting.folder / "out"
    assert sorted(file.name for file in written.iterdir()) == ["scores.csv", "summary.json"]

    with (written / "scores.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == COLUMNS
    layers = [(row["state"], int(row["layer"])) for row in rows]
    assert layers == [
        *(("nas", layer) for layer in (1, 2, 3)),
        *(("nav", layer) for layer in (1, 2, 3)),
        *(("embedding", layer) for layer in (0, 1, 2, 3)),
    ]
    for row in rows:
        low, score, high = float(row["ci_low"]), float(row["score"]), float(row["ci_high"])
        assert 0 <= low <= score <= high <= 1
        assert score <= min(float(row["source_to_target"]), float(row["target_to_source"]))
        assert score * 8 == int(score * 8)  # of eight pairs, at full precision

    summary = json.loads((written / "summary.json").read_text(encoding="utf-8"))
    assert {"nasca", "navca", "mexa", "peak", "direction_gap", "study", "provenance"} <= summary.keys()
    for name, state in (("nasca", "nas"), ("navca", "nav"), ("mexa", "embedding")):
        scores = {int(row["layer"]): float(row["score"]) for row in rows if row["state"] == state}
        assert summary[name] == pytest.approx(sum(scores.values()) / len(scores))
        assert scores[summary["peak"][state]["layer"]] == summary["peak"][state]["score"] == max(scores.values())
    assert summary["study"]["pairs"] == 8
    assert summary["study"]["site"] == "gate"
    assert {"model_fingerprint", "corpus_hash", "device", "dtype", "seconds", "torch", "transformers"} <= summary[
        "provenance"
    ].keys()


def test_the_command_line_the_cache_and_the_library_give_the_same_numbers(setting: Setting):
    texts = []
    for number, options in enumerate([[], [], ["--no-cache"]]):
        out = setting.folder / str(number)
        arguments = [part for name, value in setting.options.items() if name != "out" for part in (f"--{name}", value)]
        assert main(["run", *arguments, *options, "--out", str(out)]) == 0
        texts.append((out / "scores.csv").read_text())
    study = Study(setting.options["model"], setting.options["corpus"], "deu_Latn", "eng_Latn", pairs=8)
    assert texts == [run_study(study).scores.to_csv(index=False)] * 3


def test_without_the_cache_nothing_is_written_to_it(setting: Setting, cache: Path):
    arguments = [part for name, value in setting.options.items() for part in (f"--{name}", value)]
    assert main(["run", *arguments, "--no-cache"]) == 0
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_a_cache_that_cannot_be_written_costs_a_line_and_no_result(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").touch()
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert setting.run() == 0
    assert (setting.folder / "out" / "scores.csv").is_file()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Warning: The cache folder")
    assert line.endswith("The next run computes this again.")


def test_every_choice_reaches_the_study(setting: Setting):
    assert setting.run(site="product", pooling="last", dtype="bfloat16", device="cpu", pairs="5", source="fr") == 0
    study = json.loads((setting.folder / "out" / "summary.json").read_text())["study"]
    assert {name: study[name] for name in ("site", "pooling", "dtype", "pairs", "source", "target")} == {
        "site": "product",
        "pooling": "last",
        "dtype": "bfloat16",
        "pairs": 5,
        "source": "fra_Latn",
        "target": "eng_Latn",
    }


EIGHT = "Satz\n" * 8
BAD: dict[str, Callable[[Setting], dict[str, str]]] = {
    # the corpus
    "corpus of unknown name": lambda _: {"corpus": "everyman"},
    "corpus path that is not there": lambda _: {"corpus": "/no/such/corpus"},
    "folder without language files": lambda the: {"corpus": str(the.folder)},
    "not UTF-8": lambda the: the.text("deu_Latn.txt", b"Br\xf6tchen\n" * 8),
    "unequal line counts": lambda the: the.text("deu_Latn.txt", EIGHT + "Satz\n"),
    "empty line": lambda the: the.text("deu_Latn.txt", EIGHT.replace("Satz", "", 1)),
    "empty file": lambda the: the.text("deu_Latn.txt", ""),
    "language that the corpus lacks": lambda _: {"source": "jpn_Jpan"},
    "language that nobody knows": lambda _: {"source": "klingon"},
    "wrong number of columns": lambda the: the.table("deu_Latn\teng_Latn\nHund\tdog\nBrot\n"),
    "table without languages": lambda the: the.table("some words\n"),
    "one pair": lambda _: {"pairs": "1"},
    "no pair": lambda _: {"pairs": "0"},
    "more pairs than there are": lambda _: {"pairs": "9"},
    "sentence beyond the context": lambda the: the.text("deu_Latn.txt", EIGHT.replace("Satz", "x" * 300, 1)),
    # the model
    "model path that is not there": lambda the: {"model": str(the.folder / "nowhere")},
    "folder without weights": lambda the: the.without("model.safetensors"),
    "pickle only": lambda the: the.weights("pytorch_model.bin"),
    "weights cut off": lambda the: the.weights("model.safetensors", lambda content: content[:-1000]),
    "missing shard": lambda the: the.index(),
    "no config": lambda the: the.without("config.json"),
    "no tokenizer": lambda the: the.without("tokenizer.json"),
    "config that is no JSON": lambda the: ((the.model / "config.json").write_text("{"), {"model": str(the.model)})[1],
    "config that contradicts itself": lambda the: the.config(num_attention_heads=5),
    "several GGUF files": lambda the: (the.weights("a.gguf"), shutil.copy(the.model / "a.gguf", the.model / "b.gguf"))[
        0
    ],
    "GGUF that is none": lambda the: the.weights("a.gguf"),
    "GGUF cut off": lambda the: the.weights("a.gguf", lambda _: b"GGUF\3\0\0\0" + bytes(10)),
    "unknown architecture": lambda the: the.config(model_type="frobnicate"),
    "remote code": lambda the: the.config(model_type="frobnicate", auto_map={"AutoModel": "evil.C"}),
    "lacking tensor": lambda the: the.without_tensor("model.layers.1.mlp.gate_proj.weight"),
    "weights of another shape": lambda the: the.config(intermediate_size=64),
    "unknown hub id": lambda _: {"model": "nobody/no-such-model"},
    "impossible hub id": lambda _: {"model": "nobody/-model"},
    # the options
    "pairs that are no number": lambda _: {"pairs": "many"},
    "unknown site": lambda _: {"site": "up"},
    "unknown pooling": lambda _: {"pooling": "max"},
    "unknown dtype": lambda _: {"dtype": "int3"},
    "unknown device": lambda _: {"device": "abacus"},
    "unknown option": lambda _: {"colour": "red"},
    "twice the same language": lambda _: {"source": "eng"},
    "out that is a file": lambda the: {"out": str(the.regular_file())},
    "out below a file": lambda the: {"out": str(the.regular_file() / "out")},
}


def assert_one_line_and_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("neuronxa: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    problem, next_step = err.strip().split(". ", maxsplit=1)  # what is wrong, then what to do
    assert problem
    assert next_step


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_ends_in_one_line_and_the_next_run_is_good(
    bad: str, setting: Setting, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert setting.run(**BAD[bad](setting)) == 2
    assert_one_line_and_a_next_step(capsys)
    assert not (setting.folder / "out" / "scores.csv").exists()
    assert setting.run() == 0
    assert (setting.folder / "out" / "scores.csv").exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [("NEURONXA_CACHE_GB", "plenty"), ("NEURONXA_BATCH_TOKENS", "-1")],
)
def test_a_bad_environment_ends_in_one_line_and_the_next_run_is_good(
    name: str, value: str, setting: Setting, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as environment:
        environment.setenv(name, value)
        settings.cache_clear()
        assert setting.run() == 2
        assert_one_line_and_a_next_step(capsys)
    settings.cache_clear()
    assert setting.run() == 0


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["run", "--model", "demo"]])
def test_a_command_that_is_not_whole_points_to_its_help(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("--help\n")


def test_a_run_that_is_interrupted_says_so_in_one_line(
    setting: Setting, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neuronxa_core.study.runner.run_study", interrupt)
    assert setting.run() == 130
    assert capsys.readouterr() == ("", "neuronxa: stopped.\n")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.slow
def test_the_module_explains_itself():
    run = python("-m", "neuronxa_core", "--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("usage: python -m neuronxa_core ")
    assert "run " in run.stdout
    assert "gallery" in run.stdout


def test_the_dashboard_gets_all_arguments_and_nothing_of_the_current_folder(monkeypatch: pytest.MonkeyPatch):
    called: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: called.append([program, *arguments[1:]]))
    assert main(["app", "--server.port", "8502", "--server.headless=true", "extra"]) == 0
    streamlit = [sys.executable, "-P", "-m", "streamlit", "run", str(ROOT / "app.py")]
    assert called == [[*streamlit, "--server.port", "8502", "--server.headless=true", "extra"]]


@pytest.mark.parametrize("program", ["neuronxa", "python -m neuronxa_core"])
def test_messages_name_the_command_as_it_was_called(program: str, capsys: pytest.CaptureFixture[str]):
    assert main(["run"], program) == 2
    assert capsys.readouterr().err.endswith(f" See: {program} run --help\n")
    with pytest.raises(SystemExit):
        main(["run", "--help"], program)
    assert capsys.readouterr().out.startswith(f"usage: {program} run ")


@pytest.mark.slow
def test_a_damaged_model_makes_no_noise_beside_the_one_line(setting: Setting):
    """In a process of its own, where whatever the libraries print and log is seen too."""
    changes = setting.without_tensor("model.layers.1.mlp.gate_proj.weight")
    options = [part for name, value in (setting.options | changes).items() for part in (f"--{name}", value)]
    run = python("-m", "neuronxa_core", "run", *options)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("neuronxa: ")
    assert run.stderr.count("\n") == 1


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, neuronxa_core; print(*{'torch', 'transformers', 'streamlit', 'umap'} & sys.modules.keys())"
    run = python("-c", code)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")


def test_check_names_the_lines_and_what_to_leave_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "deu_Latn.txt").write_text("Hund\n\nBrot\nHund\nTal\n")
    (tmp_path / "eng_Latn.txt").write_text("dog\ncat\nbread\na dog\n")
    asked = ["--corpus", str(tmp_path), "--source", "de", "--target", "en"]
    assert main(["check", *asked]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Line 5 of deu_Latn has no counterpart in the other language. (--leave-out unpaired)",
        "Line 2 of deu_Latn is empty. (--leave-out empty)",
        "Line 4 of deu_Latn repeats an earlier line; equal sentences tie, and a tie is a miss. (--leave-out duplicate)",
        "deu_Latn: 5 lines, eng_Latn: 4 lines; 3 found",
    ]
    assert main(["check", "--corpus", "/no/such", "--source", "de", "--target", "en"]) == 2


def test_a_run_leaves_out_samples_and_says_so(tiny_model, tmp_path: Path):
    (tmp_path / "deu_Latn.txt").write_text("Hund\n\nBrot\nHund\nTal\nBerg\n")
    (tmp_path / "eng_Latn.txt").write_text("dog\ncat\nbread\na dog\nvalley\n")
    study = ["--model", str(tiny_model("llama")), "--corpus", str(tmp_path), "--source", "de", "--target", "en"]
    out = ["--out", str(tmp_path / "out")]
    assert main(["run", *study, *out, "--pairs", "3"]) == 2
    assert main(["run", *study, *out, "--pairs", "3", "--sample", "4", "--leave-out", "empty,unpaired"]) == 0
    provenance = json.loads((tmp_path / "out" / "summary.json").read_text())["provenance"]
    assert provenance["pairs"] == "a sample of 3 of 6 lines, seed 4; left out: 1 unpaired, 1 empty"
    assert set(provenance["lines"]) <= set("1345,-")
    assert main(["run", *study, *out, "--pairs", "4", "--leave-out", "empty,unpaired"]) == 0
    warned = json.loads((tmp_path / "out" / "summary.json").read_text())["provenance"]["warnings"]
    assert warned.startswith("Line 4 of deu_Latn repeats an earlier line")
    assert main(["run", *study, *out, "--leave-out", "everything"]) == 2
