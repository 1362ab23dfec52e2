"""What holds for the tree as a whole: style, types, import directions, and documents that say what is there."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from neuronxa_core.version import __version__
from tests.told import amends

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LONGEST_FUNCTION, LONGEST_MODULE = 60, 300
LONG: set[str] = set()
"""Modules and functions that were too long when the rule came. Take off what you split; add nothing."""


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        pytest.param(["mypy"], marks=pytest.mark.slow),
        ["lint-imports", "--no-cache"],
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_tree_is_clean(command: list[str]):
    program = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long(name: str, source: str) -> set[str]:
    """The module's name if it has over 300 lines, and `name function` for every function of over 60."""
    found = {name} if len(source.splitlines()) > LONGEST_MODULE else set()
    for function in functions(source):
        if function.end_lineno - function.lineno >= LONGEST_FUNCTION:
            found.add(f"{name} {function.name}")
    return found


def test_the_limits_on_length_are_counted_by_line():
    function = "def f():\n" + "    x = 1\n" * 59
    assert too_long("m.py", function) == set()
    assert too_long("m.py", function + "    return x\n") == {"m.py f"}
    assert too_long("m.py", "x = 1\n" * 300) == set()
    assert too_long("m.py", "x = 1\n" * 301) == {"m.py"}


def test_no_function_and_no_module_is_too_long():
    found = set[str]()
    for folder in ("neuronxa_core", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            found |= too_long(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    assert not found - LONG, f"Split {sorted(found - LONG)}: a function has at most 60 lines, a module 300."
    assert not LONG - found, f"tests/test_conventions.py, LONG: take off {sorted(LONG - found)}, short enough now."


def test_every_public_metric_says_what_comes_back():
    """A docstring, except on what is private or lies inside a function."""
    undocumented = []
    for file in (ROOT / "neuronxa_core" / "metrics").glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inside = [member for node in tree.body if isinstance(node, ast.ClassDef) for member in node.body]
        for node in (*tree.body, *inside):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if not node.name.startswith("_") and not ast.get_docstring(node):
                undocumented.append(f"{file.name} {node.name}")
    assert undocumented == [], f"neuronxa_core/metrics: say in a docstring what comes back from {undocumented}."


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
        r"import pickle|pickle\.\w|joblib|torch\.(load|save)\(|trust_remote_code=True|allow_pickle=True", code
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
    agreed |= {"LICENSE", "CHANGELOG.md", "pyproject.toml"}
    there = {name for name in names if not name.startswith(".")}
    assert there == agreed, amends(there, agreed, "The top level of the repository, which holds what was agreed only")


def test_ci_runs_the_readmes_test_command():
    readme = README.read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.+?)\n```", readme, re.S)
    tests = [command for command in commands if "pytest" in command]
    assert len(tests) == 1, "README.md has one command that runs the tests, in a block of its own."
    assert tests[0] in (ROOT / ".ci" / "run").read_text(), f".ci/run: run README's command, `{tests[0]}`."


def test_the_readmes_notebook_example_runs(tiny_model, tiny_corpus, monkeypatch):
    readme = README.read_text(encoding="utf-8")
    example = re.search(r"```python\n(.+?)\n```", readme, re.S)[1]
    assert len(example.splitlines()) == 5
    small = f'model="{tiny_model("llama")}", corpus="{tiny_corpus}", pairs=8'
    names: dict[str, Any] = {}
    exec(re.sub(r'model="[^"]+", corpus="[^"]+"', small, example), names)
    assert json.loads(json.dumps(names["result"].summary))["study"]["pairs"] == 8


def test_the_version_has_one_home_and_a_section_in_the_changelog():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "neuronxa_core/version.py"
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(), f"CHANGELOG.md: add `## {__version__}`."


def test_no_module_of_the_core_imports_from_the_package_itself():
    """What the package exports would be an import upwards; `from neuronxa_core import figures` names a module."""
    modules = {path.stem for path in (ROOT / "neuronxa_core").iterdir()}
    for file in (ROOT / "neuronxa_core").rglob("*.py"):
        imports = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        taken = {name.name for node in imports if node.module == "neuronxa_core" for name in node.names}
        assert taken <= modules, f"{file}: import {taken - modules} from its module, not from neuronxa_core."


def dependencies(requirements: Iterable[str]) -> dict[str, Requirement]:
    """Requirement by normalised name, without those of the project on extras of its own."""
    named = {str(canonicalize_name(parsed.name)): parsed for parsed in map(Requirement, requirements)}
    named.pop("neuronxa-explorer", None)
    return named


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.txt", ["adapters", "metrics"]),
        ("neuronxa_core/sweep/requirements.txt", ["sweep"]),
        ("tests/requirements.txt", ["test", "dev"]),
    ],
)
def test_the_tested_releases_lie_in_the_packages_ranges(lock: str, extras: list[str]):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [text for extra in extras for text in project["optional-dependencies"][extra]]
    if lock == "requirements.txt":
        asked += project["dependencies"]
    ranges = dependencies(asked)
    lines = (line.partition("#")[0].strip() for line in (ROOT / lock).read_text().splitlines())
    pinned = dependencies(line for line in lines if line and not line.startswith("-r "))
    asking = f"{lock}, a line `name==release` for what pyproject.toml asks for"
    assert pinned.keys() == ranges.keys(), amends(pinned, ranges, asking)
    for name, pin in pinned.items():
        (exact,) = pin.specifier
        assert exact.operator == "==", f"{lock}: pin {pin} to one release."
        assert exact.version in ranges[name].specifier, f"pyproject.toml: {ranges[name]} leaves out {pin} of {lock}."
