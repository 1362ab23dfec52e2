"""Whom the dashboard answers: real servers, asked from this machine and through its address on the network."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from neuronxa_core.errors import SettingsError
from pages.shared import headers
from pages.shared.access import check_address, is_this_machine
from tests.conftest import set_settings

ROOT = Path(__file__).parents[2]
STREAMLIT = ["-m", "streamlit", "run", "app.py"]
WATCHED = """
import os, socket, sys
from ipaddress import ip_address

def note(event, args):
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event == "socket.connect" and args[0].type == socket.SOCK_STREAM and args[0].family != socket.AF_UNIX:
        host = args[1][0]  # a datagram socket that connects sends nothing
    else:
        return
    if str(host) not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["ASKED"], "a") as log:
            print(event, host, file=log)

sys.addaudithook(note)
from streamlit.web.cli import main
main()
"""


def own_addresses(kind: str = "") -> list[str]:
    """This machine's addresses on its networks, and one of the loopback network at which localhost does not listen.

    kind: "." for those of IPv4 alone, which is what 0.0.0.0 opens.
    """
    found = {"127.0.0.2"}
    for family, elsewhere in ((socket.AF_INET, "192.0.2.255"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))  # sends nothing; picks the interface
                found.add(probe.getsockname()[0])
        except OSError:
            continue
    return sorted(address for address in found if kind in address)


def answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5):
            return True
    except OSError:
        return False


def answered(port: int, **headers: str) -> http.client.HTTPResponse:
    """The server's answer to a request for the page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/", headers=headers)
    return connection.getresponse()


@contextmanager
def started(arguments: list[str], folder: Path, **environment: str) -> Iterator[int]:
    """The port of a server that was started with these arguments and has answered."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flag = "--port" if "uvicorn" in arguments else "--server.port"
    command = [sys.executable, *arguments, flag, str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)
        try:
            for _ in range(600):
                if answers("127.0.0.1", port):
                    break
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=60) as reply:
                assert reply.read() == b"ok"
            yield port
        finally:
            process.kill()
            process.wait()


def first_page(port: int, address: str = "127.0.0.1", name: str | None = None, **headers: str) -> str:
    """All text that a new session is sent until its first run ends; it asks for the server by `name`."""
    back = BackMsg()
    back.rerun_script.query_string = ""
    seen = []
    asked = f"ws://{name or address}:{port}/_stcore/stream"
    reached = socket.create_connection((address, port), timeout=60)
    with connect(asked, sock=reached, max_size=None, proxy=None, additional_headers=headers) as session:
        session.send(back.SerializeToString())
        while True:
            message = ForwardMsg()
            message.ParseFromString(session.recv(timeout=60))
            seen.append(str(message))
            if message.WhichOneof("type") == "script_finished":
                return "\n".join(seen)


@pytest.mark.parametrize(
    "address", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1"]
)
def test_a_loopback_address_is_this_machine(address):
    assert is_this_machine(address)
    check_address(address)


@pytest.mark.parametrize(
    "address",
    [None, "", "0.0.0.0", "::", "192.0.2.7", "::ffff:192.0.2.7", "fd00::2", "127.1", "localhost.example.org", "0"],
)
def test_any_other_address_is_open_to_others_and_refused_in_local_mode_only(address, monkeypatch):
    assert not is_this_machine(address)
    with pytest.raises(SettingsError, match="in local mode other machines are not served"):
        check_address(address)
    set_settings(monkeypatch, allow_remote="1")
    check_address(address)
    set_settings(monkeypatch, allow_remote="0", mode="shared")
    check_address(address)


@pytest.mark.parametrize(
    ("mode", "allowed", "host", "answers"),
    [
        ("local", [], "localhost:8501", True),
        ("local", [], "[::1]:8501", True),
        ("local", [], "explorer.example", False),
        ("local", ["explorer.example"], "explorer.example", False),
        ("local", [], None, False),
        ("shared", [], "explorer.example", True),
        ("shared", ["explorer.example"], "Explorer.Example:443", True),
        ("shared", ["*.example"], "explorer.example", True),
        ("shared", ["explorer.example"], "rebound.example", False),
        ("shared", ["*.example"], "example", False),
        ("shared", ["explorer.example"], "explorer.example@rebound.example", False),
        ("shared", ["explorer.example"], "[", False),
    ],
)
def test_the_server_answers_to_its_names_alone(mode, allowed, host, answers, monkeypatch):
    set_settings(monkeypatch, mode=mode)
    monkeypatch.setattr(config, "get_option", {"server.allowedHosts": allowed}.get)
    assert headers.answers_to(host) == answers


def test_a_site_that_may_frame_the_dashboard_is_named(monkeypatch):
    set_settings(monkeypatch, framed_by="https://example.org, https://*.example.net:8443")
    said = headers.headers()
    assert said["Content-Security-Policy"].endswith(
        "frame-ancestors 'self' https://example.org https://*.example.net:8443"
    )
    assert "X-Frame-Options" not in said
    set_settings(monkeypatch, framed_by="https://example.org; script-src *")
    with pytest.raises(SettingsError, match=r"NEURONXA_FRAMED_BY has 'https://example\.org; script-src"):
        headers.headers()


@pytest.mark.slow
def test_the_readmes_command_serves_this_machine_alone_and_asks_nothing_outside(tmp_path):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(r"^python3 -m venv .* && \.venv/bin/streamlit run app\.py$", readme, re.M)
    asked = tmp_path / "asked"
    with started(["-c", WATCHED, "run", "app.py"], tmp_path, ASKED=str(asked)) as port:
        said = answered(port)
        assert said.status == 200
        assert said.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert said.headers["X-Content-Type-Options"] == "nosniff"
        assert said.headers["Content-Security-Policy"].endswith("form-action 'self'; frame-ancestors 'self'")
        assert answered(port, Host="[::1]").status == 200
        assert answered(port, Host="rebound.example").status == 403
        assert [address for address in own_addresses() if answers(address, port)] == []
        assert "Alignment" in first_page(port)
    assert not asked.exists(), asked.read_text()


@pytest.mark.slow
def test_a_shared_server_may_be_opened_and_asks_nothing_outside(tmp_path):
    asked = tmp_path / "asked"
    command = ["-c", WATCHED, "run", "app.py", "--server.address", "0.0.0.0", "--server.headless", "true"]
    with started(command, tmp_path, ASKED=str(asked), NEURONXA_MODE="shared") as port:
        for address in own_addresses("."):
            assert "Alignment" in first_page(port, address)
        with pytest.raises(InvalidStatus, match="403"):
            first_page(port, Origin="http://elsewhere.example")
    assert not asked.exists(), asked.read_text()


@pytest.mark.slow
def test_a_shared_server_behind_a_proxy_answers_to_its_public_name(tmp_path):
    command = [*STREAMLIT, "--browser.serverAddress", "explorer.example"]
    with started(command, tmp_path, NEURONXA_MODE="shared") as port:
        page = first_page(port, Origin="https://explorer.example", **{"X-Forwarded-For": "192.0.2.9"})
        assert "Alignment" in page
        with pytest.raises(InvalidStatus, match="403"):
            first_page(port, Origin="https://elsewhere.example")


@pytest.mark.slow
def test_an_open_server_in_local_mode_does_not_start():
    command = [sys.executable, *STREAMLIT, "--server.address", "0.0.0.0", "--server.port", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("server.address is 0.0.0.0, but in local mode other machines are not served")
    assert "NEURONXA_ALLOW_REMOTE=1" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_setting_that_does_not_parse_is_told_at_start():
    command = [sys.executable, *STREAMLIT, "--server.port", "0"]
    environment = os.environ | {"NEURONXA_ALLOW_REMOTE": "perhaps"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (2, "NEURONXA_ALLOW_REMOTE is 'perhaps'. Set it to one of: 0, 1.\n")


@pytest.mark.slow
def test_a_session_from_elsewhere_gets_one_sentence_whatever_serves_the_app(tmp_path):
    refused = "runs in local mode and serves only the machine it runs on"
    with started(["-m", "uvicorn", "app:app", "--host", "0.0.0.0"], tmp_path) as port:
        for page in (first_page(port), first_page(port, name="localhost")):
            assert "Alignment" in page
            assert refused not in page
        elsewhere = [first_page(port, address) for address in own_addresses(".") if not is_this_machine(address)]
        proxied = first_page(port, **{"X-Forwarded-For": "192.0.2.9"})
        rebound = first_page(port, name="rebound.example")
        for page in (*elsewhere, proxied, rebound):
            assert refused in page
            assert "Alignment" not in page
