# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What the variables of the environment say of a connection: texts of options, the proxy, the certificates to trust.

The variables alone are asked. Where they name no proxy, urllib and requests ask the settings of the system, and on
macOS that can end a process that was forked, such as a worker of Ansible.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import re
import sys
import typing as t
from urllib.parse import urlsplit
from urllib.request import (  # type: ignore[attr-defined]
    getproxies_environment,
    proxy_bypass_environment,
)

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

# In the order in which they count; the first two as requests has them, the last one as OpenSSL has it.
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

# The options that hold the credentials of the account, each with the variable that sets it where a task does not.
CREDENTIAL_VARIABLES = {"api_user": "SENDGRID_API_USER", "api_key": "SENDGRID_API_KEY"}

# How OpenSSL names the files of a folder: the hash of a subject, and a number where several subjects share it.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# What OpenSSL takes for a certificate in a file.
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
# Bytes. All authorities of the world take a quarter of a MiB.
_LARGEST_BUNDLE = 16 * 1024 * 1024


class FromEnvironment(str):
    """A text that an environment variable sets. `variable`: its name."""

    variable = ""


def from_environment(variable: str, text: str) -> FromEnvironment:
    """`text`, which `variable` sets."""
    value = FromEnvironment(text)
    value.variable = variable
    return value


def named(option: str, value: t.Any) -> str:
    """The name of an option for a message, with the environment variable where its value comes from one."""
    return f"{option} (from {value.variable} in the environment)" if isinstance(value, FromEnvironment) else option


def missing_credentials(options: t.Mapping[str, t.Any], unused: t.Container[str] = ()) -> list[str]:
    """The problems of credentials that neither the task nor the environment sets. Those of `unused` do not matter."""
    needs = f", and api={options['api']} needs it" if options.get("api") else ""
    return [
        f"{name} is missing{needs}; set it, or {variable} in the environment"
        for name, variable in CREDENTIAL_VARIABLES.items()
        if options.get(name) is None and name not in unused
    ]


def empty_variables(options: t.Mapping[str, t.Any], unused: t.Container[str] = ()) -> list[str]:
    """The problems of options that an environment variable sets to an empty text. Those of `unused` do not matter."""
    return [
        f"{named(name, value)} is empty"
        for name, value in options.items()
        if isinstance(value, FromEnvironment) and not value and name not in unused
    ]


def proxies(url: str) -> dict[str, str]:
    """The proxy for `url` by its scheme, as requests takes it; empty without one.

    Plain http has none: it is for this machine only, and would carry secrets in clear through a proxy.
    """
    if urlsplit(url).scheme != "https" or _is_bypassed(url):
        return {}
    found = getproxies_environment()
    proxy = found.get("https") or found.get("all")
    return {"https": proxy} if proxy else {}


def proxy_problems(url: str) -> list[str]:
    """What keeps the proxy for `url` from being used. Its address may hold a password, so it is not told."""
    proxy = proxies(url).get("https", "")
    if not proxy.lower().startswith("socks") or importlib.util.find_spec("socks") is not None:
        return []
    variables = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value == proxy]
    return [
        f"the environment names a SOCKS proxy ({' and '.join(sorted(variables))}), but this Python lacks PySocks; "
        f"install it with: {sys.executable} -m pip install PySocks"
    ]


def _is_bypassed(url: str) -> bool:
    """Whether `no_proxy` names the host: by its name or the end of it, with or without the port, or by a network."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port
    listed = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").replace(" ", "")
    # The order matters to nobody, and an address with colons must not be taken for one with a port.
    places = [host] if port is None else [host, f"{host}:{port}"]
    if any(proxy_bypass_environment(place, {"no": listed}) for place in places):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _networks(listed))


def _networks(listed: str) -> t.Iterator[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    for text in listed.split(","):
        try:
            yield ipaddress.ip_network(text, strict=False)
        except ValueError:
            # A name.
            pass


def certificates(ca_path: str | None) -> str | None:
    """The file or folder with the certificates to trust: the option, else a variable; None for the library's own."""
    if ca_path:
        return ca_path
    for variable in CERTIFICATE_VARIABLES:
        if os.environ.get(variable):
            return from_environment(variable, os.environ[variable])
    return None


def certificate_problems(path: str) -> list[str]:
    """What keeps certificates from being read at `path`, as `certificates` gives it."""
    told = f"{named('ca_path', path)} '{escape_control(path)}'"
    if not os.path.exists(path):
        return [f"{told} does not exist"]
    try:
        if os.path.isdir(path) and not any(map(_HASHED.fullmatch, os.listdir(path))):
            return [
                f"{told} is a folder without hashed certificates (names such as 5ed36f99.0); "
                "create them with: openssl rehash FOLDER"
            ]
        # A pipe can be read once only.
        if os.path.isfile(path) and not _holds_certificate(path):
            return [f"{told} holds no certificate in PEM format"]
    except OSError as error:
        return [f"{told} cannot be read ({error.strerror})"]
    return []


def _holds_certificate(path: str) -> bool:
    with open(path, "rb") as file:
        return _CERTIFICATE.search(file.read(_LARGEST_BUNDLE)) is not None
