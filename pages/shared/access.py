"""Access control: in local mode, where any path on the machine can be opened, only this machine is served."""

import sys
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config, net_util

from neuronxa_core.errors import NeuronXAError, SettingsError
from neuronxa_core.settings import settings
from pages.shared import operation


def guard_server() -> None:
    """Ends the process with one line on standard error and exit code 2 if it may not serve as it is set up.

    Also keeps Streamlit from asking a service on the internet for this machine's public address, as it does for a
    session of unknown origin. Until this runs, `browser.serverAddress` in the config prevents that.
    """
    net_util.get_external_ip = lambda: None
    try:
        check_address(config.get_option("server.address"))
        operation.begin()
    except NeuronXAError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def check_address(address: str | None) -> None:
    """Raises SettingsError if a server listening on `address` could be reached by machines that it must not serve."""
    if not (answers_others() or is_this_machine(address)):
        raise SettingsError(
            f"server.address is {address or 'empty'}, but in local mode other machines are not served: "
            "whoever connects could open any path on this machine.",
            "Leave server.address out, set NEURONXA_MODE=shared, or set NEURONXA_ALLOW_REMOTE=1 if you trust "
            "everyone who can connect.",
        )


def is_this_machine(address: str | None) -> bool:
    """True for localhost and the loopback addresses of IPv4 and IPv6; False for any other name or address."""
    name = (address or "").strip("[]").lower()
    try:
        parsed = ip_address(name)
    except ValueError:
        return name == "localhost"
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback


def stop_other_machines() -> None:
    """Shows why and stops the script if this session comes from another machine; otherwise returns.

    A second check, for when the configured address is not the one being served, as under another ASGI server or
    behind a proxy. A website that resolves its own name to 127.0.0.1 is recognised by the Host header.
    """
    host = st.context.headers.get("Host")
    known = (st.context.ip_address, None if host is None else hostname(host))
    # the address is None on this machine, and a stand-in where AppTest runs the script
    if all(is_this_machine(name) for name in known if isinstance(name, str)) or answers_others():
        return
    st.error(
        "This dashboard runs in local mode and serves only the machine it runs on. Open it there at "
        f"http://localhost:{config.get_option('server.port')}, or have it started with `NEURONXA_MODE=shared`.",
        icon=":material/lock:",
    )
    st.stop()


def answers_others() -> bool:
    """Whether machines other than this one are served."""
    return settings().mode == "shared" or settings().allow_remote


def hostname(host: str) -> str:
    """The host name without its port; empty if it cannot be parsed."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
