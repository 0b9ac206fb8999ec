# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of a connection: where a text comes from, which proxy is taken, which certificates are trusted."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import urllib.request

import pytest
import requests
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import environment as _environment
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    CERTIFICATE_VARIABLES,
    certificate_problems,
    certificates,
    empty_variables,
    from_environment,
    missing_credentials,
    named,
    proxies,
    proxy_problems,
)
from hypothesis import given
from hypothesis import strategies as st

URL = "https://api.example.com/apiv2"
PROXY = "http://proxy.example:3128"
PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"


@pytest.fixture
def variables(monkeypatch):
    """Sets the given variables, and removes all other variables for proxies and certificates."""

    def set_all(**given):
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name in CERTIFICATE_VARIABLES:
                monkeypatch.delenv(name)
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    set_all()
    return set_all


# Where a text comes from


def test_a_text_of_the_environment_is_a_text_that_knows_its_variable():
    text = from_environment("SENDGRID_API_URL", "https://x")
    assert (text, json.dumps([text]), hash(text)) == ("https://x", '["https://x"]', hash("https://x"))
    assert named("api_url", text) == "api_url (from SENDGRID_API_URL in the environment)"
    assert named("api_url", copy.deepcopy(text)) == named("api_url", text)
    assert named("api_url", "https://x") == "api_url"


def test_variables_that_set_nothing_are_told():
    options = {
        "api_url": from_environment("SENDGRID_API_URL", ""),
        "api_user": from_environment("SENDGRID_API_USER", "acme"),
        "api_key": "",
        "api": None,
    }
    assert empty_variables(options) == ["api_url (from SENDGRID_API_URL in the environment) is empty"]
    assert empty_variables(options, {"api_url"}) == []


@pytest.mark.parametrize(
    ("options", "unused", "missing"),
    [
        ({}, (), ["api_user", "api_key"]),
        ({"api_key": "k"}, (), ["api_user"]),
        ({"api_user": "u"}, (), ["api_key"]),
        ({"api_user": None, "api_key": ""}, (), ["api_user"]),
        ({}, ("api_user",), ["api_key"]),
    ],
)
def test_credentials_that_nothing_sets_are_told_with_their_variables(options, unused, missing):
    problems = missing_credentials({**options, "api": "reseller"}, unused)
    assert problems == [
        f"{name} is missing, and api=reseller needs it; set it, or SENDGRID_{name.upper()} in the environment"
        for name in missing
    ]


def test_without_an_api_no_api_needs_a_credential():
    [problem] = missing_credentials({"api_key": "k"})
    assert problem == "api_user is missing; set it, or SENDGRID_API_USER in the environment"


# Proxies


@pytest.mark.parametrize(
    ("url", "given", "proxy"),
    [
        (URL, {}, None),
        (URL, {"https_proxy": PROXY}, PROXY),
        (URL, {"HTTPS_PROXY": PROXY}, PROXY),
        (URL, {"all_proxy": PROXY}, PROXY),
        (URL, {"ALL_PROXY": PROXY}, PROXY),
        (URL, {"HTTPS_PROXY": PROXY, "all_proxy": "http://other.example"}, PROXY),
        (URL, {"HTTPS_PROXY": PROXY, "https_proxy": ""}, None),
        (URL, {"http_proxy": PROXY}, None),
        (URL, {"https_proxy": PROXY, "no_proxy": "example.com"}, None),
        (URL, {"https_proxy": PROXY, "no_proxy": ".example.com"}, None),
        (URL, {"https_proxy": PROXY, "NO_PROXY": "other.example, API.example.com"}, None),
        (URL, {"https_proxy": PROXY, "no_proxy": "*"}, None),
        (URL, {"https_proxy": PROXY, "no_proxy": "ample.com"}, PROXY),
        (URL, {"https_proxy": PROXY, "no_proxy": "api.example.com:8443"}, PROXY),
        ("https://api.example.com:8443/x", {"https_proxy": PROXY, "no_proxy": "api.example.com:8443"}, None),
        ("https://192.0.2.7/x", {"https_proxy": PROXY, "no_proxy": "192.0.2.0/24"}, None),
        ("https://192.0.3.7/x", {"https_proxy": PROXY, "no_proxy": "192.0.2.0/24"}, PROXY),
        ("https://[2001:db8::7]/x", {"https_proxy": PROXY, "no_proxy": "2001:db8::7"}, None),
        ("https://[2001:db8::7]:8443/x", {"https_proxy": PROXY, "no_proxy": "2001:db8::/32"}, None),
        ("http://127.0.0.1:1/x", {"http_proxy": PROXY, "https_proxy": PROXY, "all_proxy": PROXY}, None),
    ],
)
def test_the_proxy_for_an_address(variables, url, given, proxy):
    variables(**given)
    assert proxies(url) == ({"https": proxy} if proxy else {})


HOSTS = st.sampled_from(["api.example.com", "api.example.com:8443", "192.0.2.7", "192.0.2.7:1", "API.example.com"])
NO_PROXY = st.lists(
    st.sampled_from(
        ["", "*", "example.com", ".example.com", "api.example.com:8443", "com", "192.0.2.7", "192.0.2.0/24", "192.0.2",
         "10.0.0.0/8", "192.0.2.7:1", "x/y", "0.0.0.0/0", "192.0.2.7/33", " example.com"]
    ),
    max_size=3,
)  # fmt: skip


@given(HOSTS, NO_PROXY, st.sampled_from(["https_proxy", "HTTPS_PROXY", "all_proxy", "http_proxy"]))
def test_a_proxy_is_taken_where_requests_takes_it(host, listed, name):
    """Where there are variables, requests asks nothing else, so it can be asked here."""
    url = f"https://{host}/apiv2"
    with pytest.MonkeyPatch.context() as patch:
        for known in list(os.environ):
            if known.lower().endswith("_proxy"):
                patch.delenv(known)
        patch.setenv(name, PROXY)
        patch.setenv("no_proxy", ",".join(listed))
        wanted = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
        assert proxies(url).get("https") == wanted


def test_the_system_is_never_asked(variables, monkeypatch):
    """What asks it ends the process on some systems."""
    for place in (urllib.request, requests.utils, requests.compat, requests.sessions):
        for name in ("getproxies", "proxy_bypass", "get_environ_proxies", "should_bypass_proxies"):
            if hasattr(place, name):
                monkeypatch.setattr(place, name, lambda *_given, **_named: pytest.fail("the system was asked"))
    for name, value, found in (("a", "b", {}), ("https_proxy", PROXY, {"https": PROXY}), ("no_proxy", "x", {})):
        variables(**{name: value})
        assert proxies(URL) == found


@pytest.mark.parametrize(
    ("proxy", "is_there", "is_told"),
    [
        ("socks5h://user:canary@proxy.example:1080", False, True),
        ("SOCKS4://proxy.example", False, True),
        ("socks5h://user:canary@proxy.example:1080", True, False),
        (PROXY, False, False),
        ("", False, False),
    ],
)
def test_a_socks_proxy_needs_its_library(variables, monkeypatch, proxy, is_there, is_told):
    variables(HTTPS_PROXY=proxy)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there" if is_there and name == "socks" else None)
    problems = proxy_problems(URL)
    if is_told:
        [problem] = problems
        assert all(part in problem for part in ("HTTPS_PROXY", "SOCKS", "lacks PySocks", "-m pip install PySocks"))
        assert "canary" not in problem
    else:
        assert problems == []
    assert proxy_problems("http://127.0.0.1:1/apiv2") == []


# Certificates


@pytest.mark.parametrize(
    ("ca_path", "set_variables", "taken"),
    [
        ("/own", CERTIFICATE_VARIABLES, "ca_path"),
        (None, CERTIFICATE_VARIABLES, "REQUESTS_CA_BUNDLE"),
        ("", CERTIFICATE_VARIABLES, "REQUESTS_CA_BUNDLE"),
        (None, ("SSL_CERT_FILE", "CURL_CA_BUNDLE"), "CURL_CA_BUNDLE"),
        (None, ("SSL_CERT_FILE",), "SSL_CERT_FILE"),
        (None, (), ""),
    ],
)
def test_where_certificates_come_from(variables, ca_path, set_variables, taken):
    variables(**{name: f"/of/{name}" for name in set_variables})
    wanted = {"ca_path": "/own", "": None}.get(taken, f"/of/{taken}")
    path = certificates(ca_path)
    assert path == wanted
    if taken in CERTIFICATE_VARIABLES:
        assert named("ca_path", path) == f"ca_path (from {taken} in the environment)"


def test_a_variable_without_a_text_counts_as_none(variables):
    variables(REQUESTS_CA_BUNDLE="", SSL_CERT_FILE="/of/openssl")
    assert certificates(None) == "/of/openssl"


FOLDERS = {
    "hashed": ({"5ed36f99.0": PEM, "README": ""}, []),
    "of another number": ({"5ed36f99.12": PEM}, []),
    "not hashed": ({"authority.pem": PEM}, ["folder without hashed certificates", "openssl rehash"]),
    "empty": ({}, ["folder without hashed certificates"]),
    "revocations": ({"5ed36f99.r0": PEM}, ["folder without hashed certificates"]),
    "upper case": ({"5ED36F99.0": PEM}, ["folder without hashed certificates"]),
}


@pytest.mark.parametrize(("files", "parts"), FOLDERS.values(), ids=FOLDERS)
def test_a_folder_of_certificates(tmp_path, files, parts):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    told = certificate_problems(str(tmp_path))
    assert len(told) == bool(parts)
    assert all(part in told[0] for part in parts)


@pytest.mark.parametrize(
    ("content", "is_right"),
    [
        (PEM, True),
        ("# The authority of the house\n" * 1000 + PEM, True),
        (PEM.replace("BEGIN ", "BEGIN X509 "), True),
        (PEM.replace("BEGIN ", "BEGIN TRUSTED "), True),
        ("", False),
        ("authority", False),
        (PEM.replace("CERTIFICATE", "PRIVATE KEY"), False),
        (PEM.replace("CERTIFICATE", "CERTIFICATE REQUEST"), False),
        ("\x00\x01", False),
    ],
)
def test_a_file_of_certificates(tmp_path, content, is_right):
    path = tmp_path / "authority.pem"
    path.write_text(content)
    problems = certificate_problems(str(path))
    assert problems == ([] if is_right else [f"ca_path '{path}' holds no certificate in PEM format"])


def test_certificates_that_are_not_there_or_cannot_be_read(tmp_path, monkeypatch):
    missing = from_environment("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    assert certificate_problems(missing) == [
        f"ca_path (from SSL_CERT_FILE in the environment) '{missing}' does not exist"
    ]
    path = tmp_path / "authority.pem"
    path.write_text(PEM)

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_environment, "_holds_certificate", refuse)
    assert certificate_problems(str(path)) == [f"ca_path '{path}' cannot be read (Permission denied)"]


def test_a_pipe_is_left_to_whoever_reads_it(tmp_path):
    """It can only be read once, and a read would wait for a writer."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert certificate_problems(str(path)) == []
