# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API v3 asks of names, passwords and the options of a connection."""

from __future__ import annotations

import string
from urllib.parse import quote, unquote

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers import checks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import customer_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.checks import (
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
    connection_problems,
    credits_problems,
    ipv4_problems,
    is_addressable,
    new_password_problems,
    new_username_problems,
    password_problems,
    username_problems,
    whitelabel_problems,
    written_credits_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import (
    DEFAULT_EU_URL,
    DEFAULT_URL,
    capabilities,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    CONNECTION,
    KEY,
    PASSWORD,
    SandboxHttp,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import CONNECTION as OF_V2
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import LEFT_OUT
from hypothesis import given
from hypothesis import strategies as st

CAN = capabilities()
OPTIONS = {**OF_V2, "api": "subusers", "api_url": DEFAULT_URL, "eu_api_url": DEFAULT_EU_URL, "api_key": KEY}


# Names


@pytest.mark.parametrize(
    "name", ["ann@example.com", "a+b", "a b", "stats2", "...", ".a", "Stats", "a?b#c&d", "~", "x" * 500]
)
def test_a_good_name(name):
    assert (username_problems(name), new_username_problems(name)) == ([], [])


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("", "is empty"),
        ("a%b", "holds '%'"),
        ("a/b", "holds '/'"),
        (".", "cannot be addressed"),
        ("..", "cannot be addressed"),
        ("stats", "cannot be addressed"),
        ("reputations", "cannot be addressed"),
        ("Ånn", "beyond printable ASCII"),
        ("日本", "beyond printable ASCII"),
        ("a\u00a0b", "beyond printable ASCII"),
        ("a\tb", "nobody sees"),
        ("a\r\nb", "nobody sees"),
        ("a\x7fb", "nobody sees"),
        (" a", "nobody sees"),
        ("a ", "nobody sees"),
        ("a\u200bb", "nobody sees"),
    ],
)
def test_a_name_that_cannot_be_addressed(name, word):
    [problem] = username_problems(name)
    assert word in problem and problem.startswith("username ")
    [problem] = new_username_problems(name)
    assert word in problem and problem.startswith("new_username ")
    assert not {"\t", "\r", "\n", "\x7f", "\u200b"} & set(problem)


def test_both_names_are_checked_as_options():
    given_ = {"username": "a/b", "new_username": "c%d"}
    assert [problem.split()[0] for problem in checks.option_problems(given_, CAN)] == ["username", "new_username"]


ADDRESSABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=20)


@given(st.text(max_size=8) | ADDRESSABLE | st.sampled_from([".", "..", "stats", "a\nb"]))
def test_a_name_that_passes_is_one_part_of_a_path_and_fits_into_a_header(name):
    if username_problems(name):
        assert new_username_problems(name)
        return
    assert is_addressable(name) and name == name.strip()
    part = quote(name, safe="")
    assert part not in (".", "..", "") and "/" not in unquote(part) and unquote(part) == name
    assert name.encode("ascii").isascii() and not {"\r", "\n"} & set(name)


def test_a_name_that_passes_is_known_to_the_sandbox():
    headers = {"Authorization": f"Bearer {KEY}"}

    @given(ADDRESSABLE.filter(lambda name: not username_problems(name)))
    def check(name):
        http = SandboxHttp("observed", {"username": name, "password": PASSWORD, "email": "a@b.example"})
        address = f"{CONNECTION.api_url}/subusers/{quote(name, safe='')}"
        assert http.service.handle("GET", address, headers)[0] == 200
        on_behalf = {**headers, "On-Behalf-Of": name}
        assert http.service.handle("GET", f"{CONNECTION.api_url}/user/username", on_behalf)[0] == 200
        http.service.store.close()

    check()


# Passwords

LETTERS_AND_DIGITS = st.text(string.ascii_letters + string.digits, min_size=16, max_size=128)


@pytest.mark.parametrize(
    ("password", "count"),
    [
        ("a1" * 8, 0),
        ("a1" * 64, 0),
        ("1" * 15 + "a", 0),
        ("a b c d e f g h 1", 0),
        ("Ω" * 14 + "a1", 0),
        ("a1" * 7 + "a", 1),
        ("a1" * 64 + "a", 1),
        ("a" * 16, 1),
        ("1" * 16, 1),
        ("a", 2),
        ("ä1" * 8, 1),
        ("_1" * 8, 1),
        ("a٣" * 8, 1),
    ],
)
def test_the_password_of_a_new_customer(password, count):
    problems = new_password_problems(password, ())
    assert len(problems) == count
    assert not any(password in problem.split() for problem in problems if len(password) > 1)


@given(st.text(max_size=140) | LETTERS_AND_DIGITS)
def test_passwords_are_as_documented(password):
    is_long_enough = SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD
    has_both = bool(set(password) & set(string.ascii_letters)) and bool(set(password) & set(string.digits))
    assert (new_password_problems(password, ()) == []) is (is_long_enough and has_both)
    assert not any(password in problem for problem in new_password_problems(password, ()) if len(password) > 15)


def test_only_a_new_password_has_a_length():
    assert password_problems("short") == []
    assert password_problems("") == ["password is empty"]
    [problem] = password_problems("canary\nvalue")
    assert "canary" not in problem
    [problem] = checks.creation_problems({"username": "a", "password": "x" * 20, "email": "a@b"}, CAN)
    assert "a letter and a digit" in problem


# Options that cannot be


@pytest.mark.parametrize(("policy", "count"), [("always", 1), ("on_create", 0)])
def test_a_password_cannot_be_updated(policy, count):
    options = {**OPTIONS, **LEFT_OUT, "username": "ann", "password": PASSWORD, "update_password": policy}
    problems = customer_problems(options, CAN)
    assert len(problems) == count
    assert all(one.startswith("update_password=always cannot be used with api=subusers: ") for one in problems)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"api_format": "xml"}, "api_format=xml cannot be used with api=subusers"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": " SG.x"}, "api_key begins or ends with a blank"),
        ({"api_key": "SG.x "}, "api_key begins or ends with a blank"),
        ({"api_key": "SG.x\n"}, "api_key ends with a line break"),
        ({"api_key": "SG\x00x"}, "api_key holds a character that the API cannot carry"),
    ],
)
def test_what_is_wrong_with_a_connection(change, word):
    [problem] = connection_problems({**OPTIONS, **change})
    assert word in problem


@pytest.mark.parametrize("user", [None, "", "acme", "line\nbreak"])
def test_the_user_of_v2_does_not_matter(user):
    assert checks.connection_problems({**OPTIONS, "api_user": user}, CAN) == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({}, 0),
        ({"eu_api_url": None}, 0),
        ({"api_url": "https://api.sendgrid.com/apiv2"}, 1),
        ({"api_url": "https://api.sendgrid.com/apiv2/"}, 1),
        ({"eu_api_url": "ftp://x"}, 1),
        ({"eu_api_url": ""}, 1),
        ({"eu_api_url": "http://api.eu.example/v3"}, 1),
        ({"eu_api_url": "http://127.0.0.1:8025/eu/v3", "api_url": "http://127.0.0.1:8025/v3"}, 0),
    ],
)
def test_addresses(change, count):
    problems = checks.connection_problems({**OPTIONS, **change}, CAN)
    assert len(problems) == count
    assert all("api_url" in problem for problem in problems)
    assert all(problem.startswith(tuple(change)) for problem in problems)


# Addresses, domains, credits


@pytest.mark.parametrize("text", ["2001:db8::1", "192.0.2", "192.0.2.1 ", "example.com", ""])
def test_what_is_no_address(text):
    [problem] = ipv4_problems(text)
    assert problem.startswith("ips") and "address" in problem


def test_addresses_and_domains_that_can_be():
    assert ipv4_problems("192.0.2.1") == []
    for text in ("", "example.com", "mail.example.com"):
        assert whitelabel_problems(text) == []


@pytest.mark.parametrize("text", ["exa mple.com", "a/b", "exam\x07ple.com"])
def test_what_is_no_domain(text):
    [problem] = whitelabel_problems(text)
    assert problem.startswith("whitelabel") and problem.endswith("is not a domain")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"type": "unlimited"}, []),
        ({"type": "nonrecurring", "total": 5}, []),
        ({"type": "nonrecurring"}, []),
        ({"type": "recurring", "total": 5, "reset_frequency": "daily"}, []),
        ({"total": 5}, ["needs type"]),
        ({"type": "nonrecurring", "total": 0}, ["at least 1"]),
        ({"type": "unlimited", "total": 5}, ["total cannot be used with type=unlimited"]),
        ({"type": "nonrecurring", "total": 5, "reset_frequency": "daily"}, ["reset_frequency cannot be used"]),
        ({"type": "recurring"}, ["needs total", "needs reset_frequency"]),
    ],
)
def test_credits(value, told):
    problems = credits_problems(value)
    assert len(problems) == len(told)
    assert all(text in problem for text, problem in zip(told, problems))


def test_credits_that_have_to_be_written():
    [problem] = written_credits_problems({"type": "nonrecurring", "total": None})
    assert "needs total" in problem
    assert written_credits_problems({"type": "nonrecurring", "total": 5}) == []
    assert written_credits_problems({"type": "unlimited"}) == []
