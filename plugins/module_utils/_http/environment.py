# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The environment variables that matter to a connection: options, the proxy, the certificates to trust.

Only the variables count. Where they name no proxy, urllib and requests read the settings of the system. On macOS, that
can end a forked process, such as a worker of Ansible.
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

# The first one that is set counts. requests knows the first two, OpenSSL knows the last one.
CERTIFICATE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")

# The options that hold the credentials of the account, each with the variable that sets it where a task does not.
CREDENTIAL_VARIABLES = {"api_user": "SENDGRID_API_USER", "api_key": "SENDGRID_API_KEY"}

# OpenSSL names the files of a folder after the hash of a subject, with a number for subjects that share a hash.
_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# How OpenSSL recognizes a certificate in a file.
_CERTIFICATE = re.compile(rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----")
# Bytes. A bundle of all public authorities has a quarter of a MiB.
_LARGEST_BUNDLE = 16 * 1024 * 1024


class FromEnvironment(str):
    """A text that an environment variable sets. `variable`: its name."""

    variable = ""


def from_environment(variable: str, text: str) -> FromEnvironment:
    """`text` with the name of the variable that sets it."""
    value = FromEnvironment(text)
    value.variable = variable
    return value


def named(option: str, value: t.Any) -> str:
    """The name of an option for a message, with the environment variable that sets it, if one does."""
    return f"{option} (from {value.variable} in the environment)" if isinstance(value, FromEnvironment) else option


def missing_credentials(options: t.Mapping[str, t.Any], unused: t.Container[str] = ()) -> list[str]:
    """The problems of credentials that neither the task nor the environment sets. Skips those in `unused`."""
    needs = f", and api={options['api']} needs it" if options.get("api") else ""
    return [
        f"{name} is missing{needs}; set it, or {variable} in the environment"
        for name, variable in CREDENTIAL_VARIABLES.items()
        if options.get(name) is None and name not in unused
    ]


def empty_variables(options: t.Mapping[str, t.Any], unused: t.Container[str] = ()) -> list[str]:
    """The problems of options that an environment variable sets to an empty text. Skips the options in `unused`."""
    return [
        f"{named(name, value)} is empty"
        for name, value in options.items()
        if isinstance(value, FromEnvironment) and not value and name not in unused
    ]


def proxies(url: str) -> dict[str, str]:
    """The proxy for `url` by its scheme, in the form that requests uses; empty without one.

    Plain http gets no proxy: it is for this machine only, and a proxy would see the secrets in clear text.
    """
    if urlsplit(url).scheme != "https" or _is_bypassed(url):
        return {}
    found = getproxies_environment()
    proxy = found.get("https") or found.get("all")
    return {"https": proxy} if proxy else {}


def proxy_problems(url: str) -> list[str]:
    """Why the proxy for `url` cannot work. The address of a proxy may hold a password, so the texts leave it out."""
    proxy = proxies(url).get("https", "")
    if not proxy.lower().startswith("socks") or importlib.util.find_spec("socks") is not None:
        return []
    variables = [name for name, value in os.environ.items() if name.lower().endswith("_proxy") and value == proxy]
    return [
        f"the environment names a SOCKS proxy ({' and '.join(sorted(variables))}), but this Python lacks PySocks; "
        f"install it with: {sys.executable} -m pip install PySocks"
    ]


def _is_bypassed(url: str) -> bool:
    """Whether `no_proxy` names the host: its name or the end of it, with or without the port, or its network."""
    host, port = urlsplit(url).hostname or "", urlsplit(url).port
    listed = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").replace(" ", "")
    # The order does not matter. An IPv6 address must not look like an address with a port.
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
            # This entry is a name.
            pass


def certificates(ca_path: str | None) -> str | None:
    """The file or folder with the certificates to trust: the option, or a variable. None: those of the library."""
    if ca_path:
        return ca_path
    for variable in CERTIFICATE_VARIABLES:
        if os.environ.get(variable):
            return from_environment(variable, os.environ[variable])
    return None


def certificate_problems(path: str) -> list[str]:
    """Why the certificates at `path` cannot be read. `path`: as `certificates` returns it."""
    told = f"{named('ca_path', path)} '{escape_control(path)}'"
    if not os.path.exists(path):
        return [f"{told} does not exist"]
    try:
        if os.path.isdir(path) and not any(map(_HASHED.fullmatch, os.listdir(path))):
            return [
                f"{told} is a folder without hashed certificates (names such as 5ed36f99.0); "
                "create them with: openssl rehash FOLDER"
            ]
        # Skip a pipe: it can be read only once.
        if os.path.isfile(path) and not _holds_certificate(path):
            return [f"{told} holds no certificate in PEM format"]
    except OSError as error:
        return [f"{told} cannot be read ({error.strerror})"]
    return []


def _holds_certificate(path: str) -> bool:
    with open(path, "rb") as file:
        return _CERTIFICATE.search(file.read(_LARGEST_BUNDLE)) is not None
