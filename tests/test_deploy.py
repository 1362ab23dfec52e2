"""What assets/deploy holds fits the project. Nothing is built here: the workflow `container` builds and starts it."""

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from neuronxa_core.settings import settings
from tests.conftest import set_settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "assets" / "deploy"
SERVER = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["server"]


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments) of the Containerfile, continued lines joined and comments left out."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Containerfile").read_text(encoding="utf-8"), flags=re.M)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1].strip()) for line in lines if line.strip()]


def of(name: str) -> list[str]:
    return [arguments for each, arguments in instructions() if each == name]


def final_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(index for index, (name, _) in enumerate(found) if name == "FROM") :]


def variables() -> dict[str, str]:
    """What the container sets in the environment."""
    return dict(pair.split("=", 1) for arguments in of("ENV") for pair in shlex.split(arguments))


def accepted(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every NEURONXA_* variable is a setting, and has a value that parses."""
    ours = {name: value for name, value in environment.items() if name.startswith("NEURONXA_")}
    known = set(re.findall(r"NEURONXA_[A-Z_]+[A-Z]", (ROOT / "neuronxa_core" / "settings.py").read_text()))
    assert ours.keys() <= known
    set_settings(monkeypatch, **{name.removeprefix("NEURONXA_").lower(): value for name, value in ours.items()})
    assert settings().mode == "shared"


def test_the_containerfile_uses_only_known_instructions_and_copies_what_is_there():
    known = {"ARG", "FROM", "COPY", "RUN", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT"}
    assert {name for name, _ in instructions()} == known
    copied = [part for line in of("COPY") if not line.startswith("--from") for part in line.split()[:-1]]
    assert not [part for part in copied if not (ROOT / part).exists()]
    needed = {"app.py", "pages", "neuronxa_core", "assets", ".streamlit/config.toml", "assets/deploy/requirements.lock"}
    assert needed <= set(copied)
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"  # what is not copied is not sent either
    assert {part for part in copied if not part.startswith("assets/")} == {
        line[1:] for line in ignored if line.startswith("!")
    }


def test_the_container_is_nobodys_root_and_writes_to_its_volume_alone(monkeypatch: pytest.MonkeyPatch):
    assert [arguments for name, arguments in final_stage() if name == "USER"] == ["1000:1000"]
    names = [name for name, _ in final_stage()]
    assert names.index("USER") > max(index for index, name in enumerate(names) if name in ("RUN", "COPY"))
    (volume,) = of("VOLUME")
    assert volume == '["/cache"]'
    written = ("HOME", "HF_HOME", "NUMBA_CACHE_DIR", "NEURONXA_CACHE_DIR")
    assert all(Path(variables()[name]).is_relative_to("/cache") for name in written)
    assert variables()["PYTHONDONTWRITEBYTECODE"] == "1"
    accepted(variables(), monkeypatch)


def test_the_container_starts_the_app_on_the_port_that_it_exposes_and_asks_after():
    (entry,), (port,), (check,) = of("ENTRYPOINT"), of("EXPOSE"), of("HEALTHCHECK")
    words = yaml.safe_load(entry)
    assert words[:3] == ["streamlit", "run", "app.py"]
    assert {f"--server.port={port}", "--server.address=0.0.0.0"} <= set(words)
    code = yaml.safe_load(check.partition("CMD ")[2])
    assert f"http://127.0.0.1:{port}/_stcore/health" in code[-1]
    compile(code[-1], "the health check", "exec")
    space = yaml.safe_load((DEPLOY / "space" / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert (space["sdk"], space["app_port"], space["license"]) == ("docker", int(port), "apache-2.0")


def test_every_package_of_the_container_has_its_hash_and_the_release_that_is_tested():
    (install,) = [line for line in of("RUN") if "pip install" in line]
    assert "--require-hashes --requirement /tmp/requirements.lock" in install
    text = (DEPLOY / "requirements.lock").read_text()
    entries = re.sub(r"^\s*#.*\n", "", text, flags=re.M).replace("\\\n", " ").splitlines()
    assert not [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)]
    locked: dict[str, set[str]] = {}
    for entry in entries:
        requirement = Requirement(entry.partition(" --hash")[0])
        locked.setdefault(canonicalize_name(requirement.name), set()).add(str(requirement.specifier))
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    for pin in pinned:
        assert locked[canonicalize_name(pin.name)] == {str(pin.specifier)}, f"make the lock file again: {pin}"
    assert len(locked) > len(pinned) > 20
    told = (ROOT / "assets" / "texts" / "guide" / "deployment.md").read_text(encoding="utf-8")
    assert re.search(r"^#    (uv pip compile .+)$", text, re.M)[1] in told


class _Unit(configparser.RawConfigParser):
    """A unit file: keys may come several times, and keep their case."""

    def __init__(self) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#", ";"), interpolation=None)
        self.optionxform = str  # type: ignore[assignment, method-assign]


def test_the_service_has_no_privileges_and_one_folder_to_write_to(monkeypatch: pytest.MonkeyPatch):
    text = (DEPLOY / "neuronxa.service").read_text(encoding="utf-8")
    unit = _Unit()
    unit.read_string(text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    service = unit["Service"]
    on = ("DynamicUser", "NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID")
    assert {service[name] for name in on} == {"yes"}
    assert (service["ProtectSystem"], service["CapabilityBoundingSet"]) == ("strict", "")
    environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.M))
    accepted(environment, monkeypatch)
    folder = Path("/var/cache") / service["CacheDirectory"]
    written = ("HOME", "HF_HOME", "NUMBA_CACHE_DIR", "NEURONXA_CACHE_DIR")
    assert all(Path(environment[name]).is_relative_to(folder) for name in written)
    assert "--server.address" not in service["ExecStart"]  # a proxy stands before it
    assert service["ExecStart"].startswith(f"{service['WorkingDirectory']}/.venv/bin/streamlit run app.py ")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
def test_systemd_accepts_the_service_and_finds_it_well_protected(tmp_path: Path):
    unit = tmp_path / "neuronxa.service"
    text = (DEPLOY / "neuronxa.service").read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/neuronxa/.venv/bin/streamlit", sys.executable))
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]  # in tenths: 2.0 of 10
    protected = subprocess.run(judged, capture_output=True, text=True)
    assert protected.returncode == 0, protected.stdout[-300:]


def test_the_proxy_asks_for_a_password_limits_and_passes_websockets(tmp_path: Path):
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    code = re.sub(r"#.*", "", text)
    assert code.count("{") == code.count("}")
    ends = [line.strip() for line in code.splitlines() if line.strip()]
    assert not [line for line in ends if line[-1] not in "{};"]
    for zone in ("req", "conn"):
        (name,) = re.findall(rf"limit_{zone}_zone \S+ zone=(\w+):", code)
        assert re.search(rf"limit_{zone}\s+(?:zone=)?{name}\b", code)
    (upload,) = re.findall(r"client_max_body_size\s+(\d+)m;", code)
    assert int(upload) > max(SERVER["maxUploadSize"], 20)
    for needed in ("auth_basic_user_file", "Strict-Transport-Security", "$http_upgrade", "proxy_http_version 1.1"):
        assert needed in code
    assert re.findall(r"server (127\.0\.0\.1:\d+);", code) == ["127.0.0.1:8501"]
    if shutil.which("nginx") and shutil.which("openssl"):
        accepted_by_nginx(code, tmp_path)


def accepted_by_nginx(code: str, folder: Path) -> None:
    """nginx reads it without a complaint, given a certificate."""
    pair = ["-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem"]
    made = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=localhost", "-days", "1", *pair]
    subprocess.run(made, check=True, capture_output=True)
    code = code.replace("/etc/ssl/neuronxa", str(folder)).replace("/etc/nginx", str(folder))
    config = folder / "nginx.conf"
    config.write_text(f"pid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\nhttp {{ {code} }}\n")
    done = subprocess.run(["nginx", "-t", "-q", "-c", str(config)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_workflow_builds_and_starts_this_container_without_privileges():
    text = (ROOT / ".github" / "workflows" / "container.yml").read_text(encoding="utf-8")
    steps = [step["run"] for step in yaml.safe_load(text)["jobs"]["start"]["steps"] if "run" in step]
    assert steps[0] == "docker build -f assets/deploy/Containerfile -t neuronxa ."
    assert all(flag in steps[1] for flag in ("--read-only", "--cap-drop ALL", "no-new-privileges", ":/cache"))
    assert "/_stcore/health" in steps[2]
