"""What holds for the tree as a whole: style, types, import directions, and documents that say what is there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neuronxa_core import __version__

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_tree_is_clean(command: list[str]):
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_streamlit_stays_in_the_pages():
    assert not [
        file
        for file in (ROOT / "neuronxa_core").rglob("*.py")
        if re.search(r"^\s*(import|from) streamlit", file.read_text(), re.M)
    ]


def test_nothing_reads_or_writes_a_pickle_or_trusts_remote_code():
    code = "\n".join(
        file.read_text() for folder in ("neuronxa_core", "pages") for file in (ROOT / folder).rglob("*.py")
    )
    assert not re.search(
        r"import pickle|pickle\.|joblib|torch\.(load|save)\(|trust_remote_code=True|allow_pickle=True", code
    )


def test_no_page_lies_directly_in_pages():
    """Streamlit would find it by itself and break links into the app."""
    assert not list((ROOT / "pages").glob("*.py"))


def test_the_top_level_is_what_was_agreed():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    names = {line.split("/")[0] for line in tracked.stdout.splitlines()}
    agreed = {"app.py", "pages", "neuronxa_core", "assets", "tests", "requirements.txt", "README.md"}
    assert {name for name in names if not name.startswith(".")} == agreed | {
        "LICENSE",
        "CHANGELOG.md",
        "pyproject.toml",
    }


def test_the_readme_names_every_page_setting_and_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    titles = re.findall(r'_page\("[\w/]+", "(\w[\w ]*)"', (ROOT / "pages" / "shared" / "frame.py").read_text())
    variables = set(re.findall(r"NEURONXA_[A-Z_]+", (ROOT / "neuronxa_core" / "settings.py").read_text()))
    assert len(titles) >= 3
    for name in [
        *titles,
        *(variables - {"NEURONXA_"}),
        "neuronxa_core run",
        "neuronxa_core gallery",
        "Gemma Terms of Use",
    ]:
        assert name in readme, name


def test_ci_runs_the_readmes_test_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.+?)\n```", readme, re.S)
    tests = [command for command in commands if "pytest" in command]
    assert len(tests) == 1
    assert tests[0] in (ROOT / ".ci" / "run").read_text()


def test_the_readmes_notebook_example_runs(tiny_model, tiny_corpus, monkeypatch):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.+?)\n```", readme, re.S)[1]
    assert len(example.splitlines()) == 5
    small = f'model="{tiny_model("llama")}", corpus="{tiny_corpus}", pairs=8'
    names: dict = {}
    exec(re.sub(r'model="[^"]+", corpus="[^"]+"', small, example), names)
    assert json.loads(json.dumps(names["result"].summary))["study"]["pairs"] == 8


def test_the_version_stands_once_in_each_place():
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
