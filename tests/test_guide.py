"""What README and guide name is there: pages, commands, options, settings, public names, files, code that runs."""

import argparse
import contextlib
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import neuronxa_core
from neuronxa_core.cli import _parsed, _parser
from neuronxa_core.commands import COMMANDS
from neuronxa_core.corpora.languages import language
from neuronxa_core.gallery.read import gallery_results
from neuronxa_core.models.families import FAMILIES
from pages.learn.guide_chapters import FOLDER, Chapter, chapters
from pages.shared import frame
from pages.shared.frame import Entry
from tests.test_commands import TABLES
from tests.told import amends

ROOT = Path(__file__).parents[1]
GUIDE = "assets/texts/guide"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
CHAPTERS = chapters()
_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<code>.+?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\((?!https?://)(?P<target>[^)#\s]+)")
_FILE = re.compile(r"`(?P<path>(?:neuronxa_core|pages|tests|assets)/[\w/.-]*|app\.py)`")
_PROGRAM = re.compile(r"(?:\S*python3? -m neuronxa_core|neuronxa)\b(?P<rest>.*)")


def chapter(slug: str) -> str:
    return next(each for each in CHAPTERS if each.slug == slug).source


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level, up to the next one."""
    found = re.search(rf"^## {re.escape(heading)}\n(.+?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"There is no section `## {heading}` in this text. Add it:\n{text[:100]}"
    return found[1]


def blocks(kind: str) -> list[tuple[str, str]]:
    """(file, code) of every fenced block of a kind, in the README and the guide."""
    texts = {"README.md": README.read_text(encoding="utf-8")} | {each.path.name: each.source for each in CHAPTERS}
    return [
        (name, found["code"])
        for name, text in texts.items()
        for found in _FENCE.finditer(text)
        if found["kind"] == kind
    ]


def menu() -> list[str]:
    """The titles of the pages, in the order of the menu."""
    return [page.title for page in entries()]


def entries() -> list[Entry]:
    """The pages in the order of the menu, none of whose files is missing or left out."""
    pages = frame.entries()
    files = {path for path in (ROOT / "pages").glob("*/*.py") if "st.title(" in path.read_text(encoding="utf-8")}
    assert {ROOT / "pages" / f"{page.path}.py" for page in pages} >= files, (
        "add the page to menu() in pages/shared/frame.py"
    )
    return pages


def arguments(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    """(name, action) of every option and argument of a command and of the commands that it has itself."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from arguments(below)
        elif action.dest != "help":
            yield action.option_strings[-1] if action.option_strings else str(action.metavar), action


def commands(parser: argparse.ArgumentParser | None = None) -> Mapping[str, argparse.ArgumentParser]:
    """Every command by its name, from the parser itself."""
    groups = [each for each in (parser or _parser())._actions if isinstance(each, argparse._SubParsersAction)]
    assert len(groups) == 1
    return groups[0].choices


def test_the_index_lists_every_file_once_under_the_title_that_it_has():
    files = {path.resolve() for path in FOLDER.glob("*.md") if path.name != "README.md"}
    guide = [each for each in CHAPTERS if each.path.parent == FOLDER.resolve()]
    listed = [each.path.name for each in guide]
    names = [path.name for path in files]
    assert set(listed) == set(names), amends(listed, names, f"{GUIDE}/README.md, the list of chapters")
    assert len({each.slug for each in CHAPTERS}) == len({each.title for each in CHAPTERS}) == len(CHAPTERS)
    for each in guide:
        assert each.source.startswith(f"# {each.title}\n"), each.slug


@pytest.mark.parametrize(
    "file", [README, CONTRIBUTING, FOLDER / "README.md", *(each.path for each in CHAPTERS)], ids=lambda each: each.name
)
def test_links_and_files_that_are_named_exist(file: Path):
    text = file.read_text(encoding="utf-8")
    for found in _LINK.finditer(text):
        assert (file.parent / found["target"]).exists(), f"{file.name} links to {found['target']}, which is not there."
    for found in _FILE.finditer(text):
        if not re.search(r"NAME|SECTION", found["path"]):
            assert (ROOT / found["path"]).exists(), f"{file.name} names {found['path']}, which is not there."


def test_the_readme_is_short_and_describes_every_page_in_the_menus_order():
    readme = README.read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150, "README.md has at most 150 lines. Move details to the guide."
    told = re.findall(r"^- \*\*(.+?)\*\*: ", section(readme, "What it answers"), re.M)
    assert told == menu(), amends(told, menu(), "README.md, What it answers, a line `- **Title**: question` per page")


def test_the_guide_describes_every_page_in_the_menus_order():
    headings = re.findall(r"^## (.+)$", chapter("pages"), re.M)
    more = [
        "Adding to a picture",
        "Languages of the interface",
        "Your own sentences",
        "Presenting",
        "Taking results with you",
    ]
    wanted = [*menu(), *more]
    assert headings == wanted, amends(headings, wanted, f"{GUIDE}/pages.md, a section `## Title` per page")
    for title in menu():
        if title not in ("Glossary", "Guide"):
            below = section(chapter("pages"), title).replace("[Reading ", "[Reading\n")
            assert f"→ [Reading\n{title}]" in below, f"{GUIDE}/pages.md, {title}: add `→ [Reading {title}](...)`."


def test_a_page_asks_the_question_that_readme_and_guide_say_it_answers():
    """On the page, in the guide and in the README, in the same words."""
    readme = dict(re.findall(r"^- \*\*(.+?)\*\*: (.+)$", README.read_text(encoding="utf-8"), re.M))
    for path, title, _ in entries():
        module = (ROOT / "pages" / f"{path}.py").read_text(encoding="utf-8")
        question = re.search(r"""(?:nx-question'>|question\(tr\(")(.+?)(?:</p>|"\)\))""", module)[1]
        below = section(chapter("pages"), title).strip()
        assert below.startswith(f"*{question}*"), f"{GUIDE}/pages.md, {title}: begin with `*{question}*`."
        short = question[0].lower() + question[1:]
        assert readme[title] == short, f"README.md, What it answers: write `- **{title}**: {short}`."


def test_the_guide_has_a_section_for_every_command_with_every_option_choice_and_default():
    text = chapter("commands")
    told = set(re.findall(r"^## `([\w-]+)`$", text, re.M))
    assert told == set(commands()), amends(told, commands(), f"{GUIDE}/commands.md, a section ## `command` each")
    for name, parser in commands().items():
        rows = dict(_option_rows(text, f"`{name}`"))
        there = dict(arguments(parser))
        place = f"{GUIDE}/commands.md, the options of {name}"
        assert set(rows) == set(there), amends(rows, there, place)
        for option, action in there.items():
            for choice in action.choices or ():
                assert f"`{choice}`" in rows[option], f"{place}: add the choice `{choice}` to the row of {option}."
            required = "" if action.required else "not "
            assert ("*required*" in rows[option]) == action.required, f"{place}: {option} is {required}*required*."
            if isinstance(action.default, int | str) and action.default and not action.choices:
                assert str(action.default) in rows[option], f"{place}: the default of {option} is {action.default}."


def _option_rows(text: str, heading: str) -> Iterator[tuple[str, str]]:
    """(option, its row) of a section and of those that it links to; a row may be of two options."""
    below = section(text, heading)
    for anchor in re.findall(r"\]\(#([\w-]+)\)", below):
        yield from _option_rows(text, anchor.replace("-", " ").capitalize())
    for line in below.splitlines():
        if line.startswith(("| `--", "| `PLAN", "| `STORE", "| `OTHER", "| `ACTION")):
            for option in re.findall(r"`(--[\w-]+|[A-Z.a-z]+)`", line.split("|")[1]):
                yield option, line


def test_the_guide_names_the_tables_that_each_command_writes():
    for name in COMMANDS:
        told = re.search(r"^Tables: (.+)\.$", section(chapter("commands"), f"`{name}`"), re.M)
        place = f"{GUIDE}/commands.md, {name}, the line `Tables: ...`"
        assert told, f"{place}: add it, with {sorted(TABLES[name])}."
        listed = set(re.findall(r"`(\w+)`", told[1]))
        assert listed == TABLES[name], amends(listed, TABLES[name], place)


def test_every_setting_is_in_the_guide_and_nothing_else_is():
    named = set(re.findall(r"NEURONXA_[A-Z_]+[A-Z]", (ROOT / "neuronxa_core" / "settings.py").read_text()))
    told = set(re.findall(r"^\| `(NEURONXA_\w+)`", chapter("settings"), re.M))
    assert told == named, amends(told, named, f"{GUIDE}/settings.md, the table of settings")
    everywhere = {name for each in CHAPTERS for name in re.findall(r"NEURONXA_[A-Z_]+[A-Z]", each.source)}
    assert everywhere == named, amends(everywhere, named, f"The chapters of {GUIDE}")


def test_the_servers_settings_in_the_guide_are_those_of_the_config():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| `(\w+)\.(\w+)` \| .+ \| (.+) \|$", chapter("settings"), re.M)
    assert len(rows) >= 5
    for group, name, told in rows:
        value = {False: "off", True: "on"}.get(config[group][name], str(config[group][name]))
        assert told.strip("`") == value, f"{GUIDE}/settings.md: {group}.{name} is {value} in .streamlit/config.toml."


def test_every_public_name_is_in_the_guide():
    told = set(re.findall(r"^\| `(\w+)` \|", chapter("library"), re.M))
    names = set(neuronxa_core.__all__)
    assert told == names, amends(told, names, f"{GUIDE}/library.md, the table of public names")


def test_the_guides_layers_are_those_that_the_test_run_holds_to():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    block = _FENCE.search(section(chapter("architecture"), "Imports go one way"))
    assert block, "no list of layers in assets/texts/guide/architecture.md"
    told, wanted = block["code"].splitlines(), [layer.replace("neuronxa_core.", "") for layer in layers]
    assert told == wanted, amends(told, wanted, f"{GUIDE}/architecture.md, Imports go one way")


def test_the_guides_tree_names_every_package():
    tree = chapter("architecture").split("\n## ")[0]
    packages = [path.name for path in (ROOT / "neuronxa_core").iterdir() if (path / "__init__.py").exists()]
    for name in packages:
        assert re.search(rf"^ +{name}/", tree, re.M), f"{GUIDE}/architecture.md, the tree: add a line for {name}/."


def test_the_readme_promises_no_more_architectures_than_there_are():
    """In round numbers, so that a new family need not be counted there."""
    promised = re.search(r"over (\d+) architectures", README.read_text(encoding="utf-8"))
    assert promised, "README.md no longer says `over N architectures`"
    assert int(promised[1]) < len(FAMILIES)


def test_the_numbers_of_the_readme_are_those_of_the_guide():
    readme, method, speed = README.read_text(encoding="utf-8"), chapter("method"), chapter("speed")
    table = section(readme, "Numbers you can check")
    assert re.findall(r"0\.\d{4}", table) == re.findall(r"0\.\d{4}", section(method, "Numbers to check against"))
    golden = (ROOT / "tests" / "golden" / "test_ntrex.py").read_text(encoding="utf-8")
    for number in re.findall(r"0\.\d{4}", table):
        assert number in golden, f"README.md, Numbers you can check: {number} is not in tests/golden/test_ntrex.py."
    for number in re.findall(r"\d+(?:\.\d+)? s|\d+ ms|\d\.\d+ times", section(readme, "Speed")):
        there = re.search(rf"(?<!\d){re.escape(number.removesuffix(' times'))}(?!\d)", speed)
        assert there, f"README.md, Speed: {number} is not in {GUIDE}/speed.md."


def test_the_guides_table_of_languages_is_the_gallery():
    table = re.search(r"<!-- gallery table -->\n.+?\n.+?\n(.+?)\n<!-- end -->", chapter("method"), re.S)[1]
    rows = {row.split("|")[1].strip(): row for row in table.splitlines()}
    results = sorted(gallery_results().values(), key=lambda result: -result.mean("nas"))
    told = {}
    for result in results:
        known, (layer, peak) = language(result.study.source), result.peak("nas")
        name = known.name + (" (long-tail)" if known.resource_level == "long-tail" else "")
        means = " | ".join(f"{result.mean(state):.2f}" for state in ("nas", "nav", "embedding"))
        told[name] = f"| {name} | {peak:.2f} at layer {layer} | {means} |"
    assert rows == told, amends(rows.values(), told.values(), f"{GUIDE}/method.md, the gallery table")
    scores = [float(row.split("|")[3]) for row in rows.values()]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    "line",
    [
        line
        for kind in ("sh", "")
        for name, code in blocks(kind)
        for line in code.replace("\\\n", " ").splitlines()
        if " neuronxa_core" in line or line.startswith("neuronxa ")
    ],
)
def test_commands_in_the_documents_are_commands(line: str):
    rest = _PROGRAM.search(line)["rest"]
    words = [word.strip("[]") for word in shlex.split(rest, comments=True)]
    if "COMMAND" not in words:
        options = _parsed(_parser(), words)
        assert callable(options.command)


@pytest.mark.parametrize(("name", "code"), blocks("python"), ids=lambda text: text.strip().splitlines()[-1][:40])
def test_code_in_the_documents_runs(name: str, code: str, tiny_model, tiny_corpus: Path, tmp_path: Path, monkeypatch):
    """With a tiny model on eight pairs instead of the demo; what it prints is nobody's business."""
    monkeypatch.chdir(tmp_path)
    model = str(tiny_model("llama"))
    code = code.replace('model="demo", corpus="everyday"', f'model="{model}", corpus="{tiny_corpus}", pairs=8')
    code = code.replace('"demo"', f'"{model}"')
    assert "everyday" not in code
    with contextlib.redirect_stdout(None):
        exec(compile(code, name, "exec"), {"__name__": name})


def test_the_citation_has_the_version():
    assert f"version = {{{neuronxa_core.__version__}}}" in README.read_text(encoding="utf-8")


def test_what_the_readme_promises_of_the_demo_is_said_with_its_terms():
    assert "Gemma Terms of Use" in README.read_text(encoding="utf-8")
    assert "Gemma Terms of Use" in chapter("getting_started")


def test_a_chapter_knows_its_group():
    assert isinstance(CHAPTERS[0], Chapter)
    assert list(dict.fromkeys(each.group for each in CHAPTERS)) == ["Start", "Pages", "Reference", "Extend"]


def test_contributing_names_tests_and_markers_that_exist():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    markers = {marker.split(":")[0] for marker in options.get("markers", ())}
    text = CONTRIBUTING.read_text(encoding="utf-8")
    commands = re.findall(r"^\S+ -m pytest ?(.*)$", text, re.M)
    assert "" in commands, ".github/CONTRIBUTING.md: add the command that runs all tests, `-m pytest` alone."
    for words in map(shlex.split, commands):
        expression = words.pop(words.index("-m") + 1) if "-m" in words else ""
        assert set(re.findall(r"\w+", expression)) - {"not", "and", "or"} <= markers
        assert all((ROOT / word).exists() for word in words if not word.startswith("-"))


def test_the_workflow_and_the_hooks_run_what_the_test_run_does():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert re.findall(r"run: (.+)", workflow) == [".ci/run"]
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"entry: \.venv/bin/(\w+)(?: (\w+))?", hooks) == [
        ("ruff", "check"),
        ("ruff", "format"),
        ("mypy", ""),
    ]
