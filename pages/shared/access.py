"""Whom the server answers: in local mode, where any path of the machine can be named, this machine alone."""

import sys
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config, net_util

from neuronxa_core.errors import NeuronXAError, SettingsError
from neuronxa_core.settings import settings


def guard_server() -> None:
    """Return if this process may serve; otherwise end it with one line on standard error and exit code 2.

    From here on Streamlit no longer asks a service on the internet for this machine's public address, which it
    would do for a session whose origin it does not know. Before, `browser.serverAddress` in the config stops it.
    """
    net_util.get_external_ip = lambda: None
    try:
        check_address(config.get_option("server.address"))
    except NeuronXAError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def check_address(address: str | None) -> None:
    """Raise SettingsError if a server that listens on `address` is open to machines that it must not answer."""
    if not (_may_answer_others() or is_this_machine(address)):
        raise SettingsError(
            f"server.address is {address or 'empty'}, and in local mode other machines are not served: "
            "whoever connects could open any path of this machine.",
            "Leave server.address out, set NEURONXA_MODE=shared, or set NEURONXA_ALLOW_REMOTE=1 if you trust "
            "everyone who can connect.",
        )


def is_this_machine(address: str | None) -> bool:
    """True for localhost and the loopback addresses of IPv4 and IPv6. Other names count as another machine's."""
    name = (address or "").strip("[]").lower()
    try:
        parsed = ip_address(name)
    except ValueError:
        return name == "localhost"
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback


def stop_other_machines() -> None:
    """Return if this session may go on; otherwise say why and end its run.

    The second door: it holds where the address in the config is not the one that is served, as under another ASGI
    server or behind a proxy. A web page that points its own name at 127.0.0.1 is known by the name it asked for.
    """
    host = st.context.headers.get("Host")
    known = (st.context.ip_address, None if host is None else _hostname(host))
    # the address is None on this machine, and a stand-in where AppTest runs the script
    if all(is_this_machine(name) for name in known if isinstance(name, str)) or _may_answer_others():
        return
    st.error(
        "This dashboard runs in local mode and serves only the machine it runs on. Open it there as "
        f"http://localhost:{config.get_option('server.port')}, or have it started with `NEURONXA_MODE=shared`.",
        icon=":material/lock:",
    )
    st.stop()


def _may_answer_others() -> bool:
    return settings().mode == "shared" or settings().allow_remote


def _hostname(host: str) -> str:
    """The name without its port, or empty, which is nobody's."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
