# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v3 of the sandbox over a real socket, in both behaviours, beside API v2 over the same state."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox.seed import DEMO_V3_KEY
from tests.sandbox.switches import SwitchBoard
from tests.sandbox.v3.routes import ROUTES

from . import sandbox_v3
from .running import ROOT
from .sandbox_v3 import (
    KEY,
    NAMES,
    NARROW_V3_KEY,
    OTHER_V3_KEY,
    PARENT,
    PASSWORD,
    SEED,
    V3_KEY,
    Sandbox,
    by_behaviour,
    creation,
    fields,
    messages,
    path_of,
)

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA, BEN, EVA = NAMES
NEW = "new@example.com"
PROFILE = tuple("address address2 city company country first_name last_name phone state website zip".split())


def assert_no_content(answer: requests.Response) -> None:
    assert (answer.status_code, answer.content) == (204, b"")
    assert not {"content-type", "content-length"} & {name.lower() for name in answer.headers}


# The life of a customer


def test_life_of_a_customer(sandbox: Sandbox) -> None:
    answer = sandbox.create(NEW)
    number = answer.json()["user_id"]
    row = {"disabled": False, "email": "contact@example.com", "id": number, "username": NEW}
    assert sandbox.v3("GET", path_of(NEW)).json() == row
    assert sandbox.v3("GET", "subusers").json()[-1] == row
    for disabled in (True, False):
        assert_no_content(sandbox.v3("PATCH", path_of(NEW), {"disabled": disabled}))
        assert sandbox.v3("GET", path_of(NEW)).json() == {**row, "disabled": disabled}
    for disabled in (True, False):
        assert_no_content(sandbox.v3("PATCH", path_of(NEW, "website_access"), {"disabled": disabled}))
        assert sandbox.stored(NEW)["website_access"] is not disabled
    assert_no_content(sandbox.v3("DELETE", path_of(NEW)))
    assert sandbox.names() == NAMES
    assert sandbox.v3("GET", path_of(NEW)).status_code == 404
    # As with API v2, a name stays taken; and no number comes twice.
    assert messages(sandbox.create(NEW)) == ["username exists"]
    assert sandbox.create("next@example.com").json()["user_id"] > number


def test_the_answer_to_a_creation(sandbox: Sandbox) -> None:
    answer = sandbox.create(NEW, ips=["192.0.2.1"], include_region=True)
    value = answer.json()
    number = value.pop("user_id")
    assert number == sandbox.stored(NEW)["id"]
    echoes = {
        "signup_session_token": f"signup-session-token-of-{number}",
        "authorization_token": f"authorization-token-of-{number}",
        "password": PASSWORD,
        "ips": ["192.0.2.1"],
    }
    assert value == {
        "username": NEW,
        "email": "contact@example.com",
        "credit_allocation": {"type": "unlimited"},
        "region": "global",
        **by_behaviour(sandbox, {}, echoes),
    }
    assert answer.status_code == by_behaviour(sandbox, 200, 201)
    assert "region" not in sandbox.create("other@example.com").json()
    assert sandbox.stored(NEW)["ips"] == ["192.0.2.1"]


def test_customers_of_one_api_are_there_in_the_other(sandbox: Sandbox) -> None:
    sandbox.create(NEW)
    row = sandbox.v2_rows()[NEW]
    assert (row["email"], row["active"], row["city"]) == ("contact@example.com", "true", "")
    assert sandbox.v2("manage", method="auth", user=NEW, password=PASSWORD).json() == {"message": "success"}
    sandbox.v2("manage", method="disable", user=NEW, username=NEW)
    assert sandbox.v3("GET", path_of(NEW)).json()["disabled"] is True
    sandbox.v3("PATCH", path_of(NEW), {"disabled": False})
    assert sandbox.v2_rows()[NEW]["active"] == "true"
    sandbox.v2("manage", method="profile", task="setUsername", user=NEW, username="renamed@example.com")
    assert sandbox.v3("GET", path_of("renamed@example.com")).json()["id"] == sandbox.stored("renamed@example.com")["id"]
    sandbox.v3("DELETE", path_of("renamed@example.com"))
    assert list(sandbox.v2_rows()) == NAMES


def test_seeded_customers(sandbox: Sandbox) -> None:
    rows = sandbox.v3("GET", "subusers", include_region="true").json()
    assert [(row["username"], row["disabled"], row["region"]) for row in rows] == [
        (ADA, False, "global"),
        (BEN, True, "global"),
        (EVA, False, "eu"),
    ]
    numbers = [row["id"] for row in rows] + [sandbox.account()["id"], sandbox.account("other")["id"]]
    assert len(set(numbers)) == 5
    # They are the same after each reset.
    number = sandbox.create(NEW).json()["user_id"]
    sandbox.reset()
    assert sandbox.v3("GET", "subusers", include_region="true").json() == rows
    assert sandbox.create(NEW).json()["user_id"] == number


# Creation


@pytest.mark.parametrize("username", (ADA, "foreign@example.com", "gone@example.com", "acme"))
def test_taken_names(sandbox: Sandbox, username: str) -> None:
    answer = sandbox.create(username)
    assert (answer.status_code, answer.json()) == (400, {"errors": [{"message": "username exists"}]})


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    (
        ({"username": ""}, "username", "required"),
        ({"username": None}, "username", "required"),
        ({"username": 4711}, "username", "string"),
        ({"username": "a\x07b"}, "username", "cannot be stored"),
        ({"email": None}, "email", "required"),
        ({"email": "nobody"}, "email", "not valid"),
        ({"password": None}, "password", "required"),
        ({"password": "short-of-a-few1"}, "password", "16 to 128"),
        ({"password": "a1" * 64 + "b"}, "password", "16 to 128"),
        ({"password": "only-letters-in-it"}, "password", "one character and one number"),
        ({"password": "1234567890123456"}, "password", "one character and one number"),
        ({"region": "us"}, "region", "global, eu"),
        ({"include_region": "true"}, "include_region", "boolean"),
        ({"ips": "192.0.2.1"}, "ips", "array"),
        ({"ips": ["192.0.2.1", "2001:db8::1"]}, "ips", "IPv4"),
    ),
)
def test_creation_rules(sandbox: Sandbox, changes: dict[str, Any], field: str, said: str) -> None:
    answer = sandbox.v3("POST", "subusers", {**creation(NEW), **changes})
    assert (answer.status_code, fields(answer)) == (400, [field])
    assert said in messages(answer)[0]
    assert NEW not in sandbox.customers()


@pytest.mark.parametrize("password", ("exactly-sixteen1", "ü1" * 64))
def test_passwords_that_are_taken(sandbox: Sandbox, password: str) -> None:
    assert sandbox.create(NEW, password=password).ok
    assert sandbox.v2("manage", method="auth", user=NEW, password=password).json() == {"message": "success"}


def test_all_that_is_wrong_is_said_at_once(sandbox: Sandbox) -> None:
    answer = sandbox.v3("POST", "subusers", {"username": ADA, "ips": ["198.51.100.1"]})
    assert messages(answer) == [
        "email is required",
        "password is required",
        "unable to validate IPs at this time",
        "username exists",
    ]


@pytest.mark.parametrize("name", ("plain", "a+b@example.com", "with space", "a/b", "Grüße@example.com", "?&#;="))
def test_names_in_the_path(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    assert sandbox.v3("GET", path_of(name)).json()["username"] == name
    assert_no_content(sandbox.v3("DELETE", path_of(name)))


def test_a_name_with_a_percent_sign_is_lost(sandbox: Sandbox) -> None:
    sandbox.create("50%")
    assert "50%" in sandbox.names()
    assert sandbox.v3("GET", path_of("50%")).status_code == by_behaviour(sandbox, 200, 404)
    assert sandbox.v3("DELETE", path_of("50%")).status_code == by_behaviour(sandbox, 204, 404)


@pytest.mark.parametrize("name", ("reputations", "stats"))
def test_names_that_are_words_of_the_api_cannot_be_read(sandbox: Sandbox, name: str) -> None:
    sandbox.create(name)
    assert sandbox.v3("GET", path_of(name)).json() == []
    assert name in sandbox.names()


def test_case_counts(sandbox: Sandbox) -> None:
    assert sandbox.v3("GET", path_of(ADA.upper())).status_code == 404
    assert sandbox.create(ADA.upper()).ok


# The list


def test_pages(sandbox: Sandbox) -> None:
    for number in range(4):
        sandbox.create(f"{number}@example.com")
    everybody = [*NAMES, *(f"{number}@example.com" for number in range(4))]
    assert sandbox.names() == sandbox.names(limit=500) == sandbox.names(limit=100000) == everybody
    assert [sandbox.names(limit=3, offset=offset) for offset in (0, 3, 6, 7, 900)] == [
        everybody[:3],
        everybody[3:6],
        everybody[6:],
        [],
        [],
    ]
    assert sandbox.names(offset=5) == everybody[5:]
    assert "link" not in sandbox.v3("GET", "subusers", limit=1).headers


def test_a_page_has_at_most_500() -> None:
    sandbox = Sandbox("--customers", "501")

    def rows(offset: int) -> int:
        return len(sandbox.v3("GET", "subusers", key=DEMO_V3_KEY, limit=900, offset=offset).json())

    assert [rows(offset) for offset in (0, 500, 501)] == [500, 1, 0]
    assert sandbox.stop() == (0, "", "")


@pytest.mark.parametrize(
    ("query", "field"),
    (
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"offset": -1}, "offset"),
        ({"region": "us"}, "region"),
        ({"include_region": "True"}, "include_region"),
    ),
)
def test_queries_that_are_refused(sandbox: Sandbox, query: dict[str, Any], field: str) -> None:
    answer = sandbox.v3("GET", "subusers", **query)
    assert (answer.status_code, fields(answer)) == (400, [field])


@pytest.mark.parametrize(
    ("username", "documented", "observed"),
    (
        (ADA, [ADA], [ADA, "ada@example.com.au"]),
        ("ada@", [], [ADA, "ADA@example.org", "ada@example.com.au"]),
        ("ADA@Example", [], [ADA, "ADA@example.org", "ada@example.com.au"]),
        ("example.com", [], []),
        ("%", [], []),
        ("foreign", [], []),
        ("", [], [*NAMES, "ADA@example.org", "ada@example.com.au"]),
    ),
)
def test_the_filter_by_name(sandbox: Sandbox, username: str, documented: list[str], observed: list[str]) -> None:
    sandbox.create("ADA@example.org")
    sandbox.create("ada@example.com.au")
    assert sandbox.names(username=username) == by_behaviour(sandbox, documented, observed)


def test_regions(sandbox: Sandbox) -> None:
    assert sandbox.create(NEW, region="eu", include_region=True).json()["region"] == "eu"
    assert sandbox.names(region="eu") == [EVA, NEW]
    assert sandbox.names(region="global") == [ADA, BEN]
    assert sandbox.names(region="all") == [*NAMES, NEW]
    assert "region" not in sandbox.v3("GET", "subusers", include_region="false").json()[0]
    assert "region" not in sandbox.v3("GET", path_of(EVA)).json()


def test_both_hosts_have_one_state(sandbox: Sandbox) -> None:
    assert sandbox.v3("POST", "subusers", creation(NEW), eu=True).ok
    assert sandbox.v3("GET", "subusers", eu=True).json() == sandbox.v3("GET", "subusers").json()
    assert_no_content(sandbox.v3("DELETE", path_of(NEW), eu=True))
    assert sandbox.names() == NAMES


# Errors


def test_unknown_subusers(sandbox: Sandbox) -> None:
    described = {"errors": [{"message": "resource not found"}]}
    seen = {"errors": [{"field": None, "message": "resource not found", "help": None}]}
    disabled = {"disabled": True}
    for name in ("nobody@example.com", "foreign@example.com", "gone@example.com"):
        answers = {
            "get": sandbox.v3("GET", path_of(name)),
            "delete": sandbox.v3("DELETE", path_of(name)),
            "disable": sandbox.v3("PATCH", path_of(name), disabled),
            "website": sandbox.v3("PATCH", path_of(name, "website_access"), disabled),
        }
        assert {key: answer.status_code for key, answer in answers.items()} == {
            **dict.fromkeys(answers, 404),
            "disable": 400,
        }
        assert answers["get"].json() == by_behaviour(sandbox, described, seen)
        assert answers["delete"].content == by_behaviour(sandbox, answers["delete"].content, b"")
        assert answers["disable"].json() == {"errors": [{"message": "invalid username"}]}
        assert answers["website"].json() == by_behaviour(sandbox, described, {"error": "user not found"})
    assert "foreign@example.com" in sandbox.customers()


@pytest.mark.parametrize("more", ((), ("website_access",)))
def test_changes_without_a_switch(sandbox: Sandbox, more: tuple[str, ...]) -> None:
    for content in (None, {}, [], "disabled"):
        answer = sandbox.v3("PATCH", path_of(ADA, *more), content)
        assert (answer.status_code, answer.json()) == (400, {"errors": [{"message": "no fields provided"}]})
    answer = sandbox.v3("PATCH", path_of(ADA, *more), {"disabled": "true"})
    assert (answer.status_code, fields(answer)) == (400, ["disabled"])
    answer = sandbox.v3("PATCH", path_of(ADA, *more), {"email": "a@b.example"})
    assert answer.status_code == by_behaviour(sandbox, 400, 404)
    assert sandbox.stored(ADA)["active"] is True


def test_credentials(sandbox: Sandbox) -> None:
    required = {"errors": [{"field": None, "message": "authorization required"}]}
    revoked = "The provided authorization grant is invalid, expired, or revoked"
    wrong = {"errors": [{"field": None, "message": revoked, "help": None}]}
    without = sandbox.v3("GET", "subusers", key=None)
    assert (without.status_code, without.json()) == (401, required)
    for key in ("SG.wrong", KEY["api_key"], "", V3_KEY.lower()):
        answer = sandbox.v3("GET", "subusers", key=key)
        assert (answer.status_code, answer.json()) == (401, by_behaviour(sandbox, required, wrong))
    basic = sandbox.http.get(f"{sandbox.root}/v3/subusers", auth=("acme", KEY["api_key"]), timeout=30)
    forbidden = {"errors": [{"field": None, "message": "access forbidden"}]}
    assert (basic.status_code, basic.json()) == (by_behaviour(sandbox, 401, 403), forbidden)
    assert sandbox.v3("GET", "subusers", key=OTHER_V3_KEY).json()[0]["username"] == "foreign@example.com"
    # A key of API v3 is none of API v2.
    assert "wrong credentials" in sandbox.v2("manage", method="profile", task="get", api_key=V3_KEY).text


def test_scopes_of_a_key(sandbox: Sandbox) -> None:
    assert sandbox.v3("GET", "subusers", key=NARROW_V3_KEY).json() == []
    answer = sandbox.v3("POST", "subusers", creation(NEW), key=NARROW_V3_KEY)
    assert answer.status_code == 403
    text = by_behaviour(sandbox, "you dont have permission to access this resource", "access forbidden")
    assert messages(answer) == [text]
    assert NEW not in sandbox.customers()


def test_unknown_routes_and_verbs(sandbox: Sandbox) -> None:
    for path in ("nothing", "subusers/a/b/c", "", "subusers/"):
        answer = sandbox.v3("GET", path)
        assert answer.status_code == 404
        if sandbox.behaviour == "observed":
            assert (answer.headers["content-type"], answer.text) == ("text/plain; charset=utf-8", "404 page not found")
    for verb in ("PUT", "HEAD", "OPTIONS", "PROPFIND"):
        answer = sandbox.v3(verb, path_of(ADA))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PATCH, DELETE")
    assert list(sandbox.customers())[:3] == NAMES


@pytest.mark.parametrize(
    ("body", "content_type"),
    ((b"{", "application/json"), (b"[" * 100_000, "application/json"), (b"\xff", "application/json"))
    + ((b'{"disabled": true}', "text/plain"), (b"disabled=true", "application/x-www-form-urlencoded")),
)
def test_bodies_that_cannot_be_read(sandbox: Sandbox, body: bytes, content_type: str) -> None:
    headers = {"Authorization": f"Bearer {V3_KEY}", "Content-Type": content_type}
    answer = sandbox.http.patch(f"{sandbox.root}/v3/{path_of(ADA)}", data=body, headers=headers, timeout=30)
    assert (answer.status_code, messages(answer)) == (400, ["invalid JSON"])
    assert sandbox.stored(ADA)["active"] is True


def test_odd_json(sandbox: Sandbox) -> None:
    """Lone surrogates, and a list where an object belongs, are no reason to fall over."""
    body = b'{"username": "a\\ud800", "email": "a@b.example", "password": "canary-password-4711", "\\ud800": "\\ud800"}'
    headers = {"Authorization": f"Bearer {V3_KEY}", "Content-Type": "application/json"}
    answer = sandbox.http.post(f"{sandbox.root}/v3/subusers", data=body, headers=headers, timeout=30)
    assert (answer.status_code, fields(answer)) == (400, ["username"])
    for content in ([], ["a"], "a", 1, True):
        assert fields(sandbox.v3("POST", "subusers", content)) == ["username", "email", "password"]
    assert len(sandbox.log()) == 6


# On behalf of a customer


USER_READS = ("user/profile", "user/email", "user/username", "user/account", "scopes")
# What a client could change of the account itself, if its header is not heard.
USER_WRITES = (
    ("PATCH", "user/profile", {"city": "Elsewhere"}),
    ("PUT", "user/email", {"email": "elsewhere@example.com"}),
    ("PUT", "user/username", {"username": "elsewhere@example.com"}),
)


def test_a_profile_on_behalf_of_a_customer(sandbox: Sandbox) -> None:
    parent = sandbox.account()
    before = sandbox.v3("GET", "user/profile", on_behalf_of=ADA).json()
    assert before == {**dict.fromkeys(PROFILE, ""), "city": "Portland"}
    change = {"city": "Bath", "state": "Somerset", "company": "New & Co", "zip": "", "unknown": 4711}
    answer = sandbox.v3("PATCH", "user/profile", change, on_behalf_of=ADA)
    del change["unknown"]
    assert (answer.status_code, answer.json()) == (200, {**before, **change})
    assert sandbox.v3("GET", "user/profile", on_behalf_of=ADA).json() == {**before, **change}
    row = sandbox.v2_rows()[ADA]
    assert (row["city"], row["state"]) == ("Bath", "Somerset")
    sandbox.v2("manage", method="profile", task="set", user=ADA, state="Avon")
    assert sandbox.v3("GET", "user/profile", on_behalf_of=ADA).json()["state"] == "Avon"
    assert sandbox.account() == parent


def test_the_profile_of_a_customer_that_never_had_one(sandbox: Sandbox) -> None:
    sandbox.create(NEW)
    described = dict.fromkeys(PROFILE, "")
    null, empty = ("state", "zip", "country", "phone", "company"), ("address", "last_name")
    seen = {**dict.fromkeys(null), **dict.fromkeys(empty, "")}
    shown = by_behaviour(sandbox, described, seen)
    assert sandbox.v3("GET", "user/profile", on_behalf_of=NEW).json() == shown
    answer = sandbox.v3("PATCH", "user/profile", {"city": "Bath", "zip": ""}, on_behalf_of=NEW)
    assert answer.json() == {**shown, "city": "Bath", "zip": ""}
    assert sandbox.v2_rows()[NEW]["state"] == ""


def test_mail_and_name_on_behalf_of_a_customer(sandbox: Sandbox) -> None:
    parent = sandbox.account()
    number = sandbox.stored(ADA)["id"]
    assert sandbox.v3("GET", "user/email", on_behalf_of=ADA).json() == {"email": "mail-of@ada.example"}
    answer = sandbox.v3("PUT", "user/email", {"email": "a@b.example"}, on_behalf_of=ADA)
    assert (answer.status_code, answer.json()) == (200, {"email": "a@b.example"})
    assert sandbox.v3("GET", "user/username", on_behalf_of=ADA).json() == {"username": ADA, "user_id": number}
    answer = sandbox.v3("PUT", "user/username", {"username": NEW}, on_behalf_of=ADA)
    assert (answer.status_code, answer.json()) == (200, {"username": NEW})
    # The id stays; the name in the header and in the path is the new one.
    assert sandbox.v3("GET", "user/username", on_behalf_of=NEW).json() == {"username": NEW, "user_id": number}
    assert sandbox.v3("GET", path_of(NEW)).json()["email"] == "a@b.example"
    assert sandbox.v3("GET", "user/username", on_behalf_of=ADA).status_code in (401, 403)
    assert sandbox.create(ADA).ok
    assert sandbox.account() == parent


def test_a_password_on_behalf_of_a_customer(sandbox: Sandbox) -> None:
    new = {"old_password": "canary-ada", "new_password": PASSWORD}
    for change, field in (
        ({"new_password": PASSWORD}, "old_password"),
        ({**new, "old_password": "canary-wrong"}, "old_password"),
        ({**new, "new_password": "short"}, "new_password"),
    ):
        answer = sandbox.v3("PUT", "user/password", change, on_behalf_of=ADA)
        assert (answer.status_code, fields(answer)[0]) == (400, field)
    assert sandbox.v3("PUT", "user/password", new, on_behalf_of=ADA).json() == {}
    assert sandbox.v2("manage", method="auth", user=ADA, password=PASSWORD).json() == {"message": "success"}
    assert fields(sandbox.v3("PUT", "user/password", new)) == ["old_password"]


@pytest.mark.parametrize(
    ("verb", "path", "content", "field"),
    (
        ("PATCH", "profile", {"city": None}, "city"),
        ("PATCH", "profile", {"zip": 4711}, "zip"),
        ("PATCH", "profile", {"city": "a\x07b"}, "city"),
        ("PATCH", "profile", {}, None),
        ("PATCH", "profile", {"email": "a@b.example", "username": NEW}, None),
        ("PATCH", "profile", [], None),
        ("PATCH", "profile", None, None),
        ("PUT", "email", {"email": "nobody"}, "email"),
        ("PUT", "email", {}, "email"),
        ("PUT", "username", {"username": ""}, "username"),
        ("PUT", "username", None, "username"),
        ("PUT", "username", {"username": BEN}, None),
        ("PUT", "username", {"username": "gone@example.com"}, None),
        ("PUT", "username", {"username": "acme"}, None),
    ),
)
def test_user_calls_that_are_refused(sandbox: Sandbox, verb: str, path: str, content: Any, field: str | None) -> None:
    before = sandbox.stored(ADA)
    answer = sandbox.v3(verb, f"user/{path}", content, on_behalf_of=ADA)
    assert (answer.status_code, fields(answer)) == (400, [field])
    assert sandbox.stored(ADA) == before


def test_without_the_header_it_is_the_account_itself(sandbox: Sandbox) -> None:
    before, customers = sandbox.account(), sandbox.customers()
    assert sandbox.v3("GET", "user/username").json() == {"username": "acme", "user_id": before["id"]}
    assert sandbox.v3("GET", "user/email").json() == {"email": "parent@account.example"}
    profile = sandbox.v3("GET", "user/profile").json()
    assert profile == {**dict.fromkeys(PROFILE, ""), **PARENT}
    for verb, path, content in USER_WRITES:
        assert sandbox.v3(verb, path, content).status_code == 200
    changed = {"city": "Elsewhere", "email": "elsewhere@example.com", "username": "elsewhere@example.com"}
    assert sandbox.account() == {**before, **changed}
    assert sandbox.v3("GET", "user/username").json()["username"] == "elsewhere@example.com"
    assert messages(sandbox.create("elsewhere@example.com")) == ["username exists"]
    assert sandbox.customers() == customers
    assert [(entry["user"], entry["on_behalf_of"], entry["api_user"]) for entry in sandbox.log()[3:6]] == [
        (None, None, "acme")
    ] * 3
    sandbox.reset()
    assert sandbox.account() == before


@pytest.mark.parametrize("name", ("On-Behalf-Of", "on-behalf-of", "ON-BEHALF-OF"))
def test_the_header_is_heard_in_any_spelling(sandbox: Sandbox, name: str) -> None:
    answer = sandbox.v3("GET", "user/username", headers={name: ADA})
    assert answer.json()["username"] == ADA


def test_on_behalf_of_a_stranger(sandbox: Sandbox) -> None:
    before = (sandbox.customers(), sandbox.control("GET", "accounts"))
    required = {"errors": [{"field": None, "message": "authorization required"}]}
    forbidden = {"errors": [{"field": None, "message": "access forbidden"}]}
    names = ("nobody@example.com", "foreign@example.com", "gone@example.com", ADA.upper(), f"account-id {ADA}", "acme")
    for name in names:
        for path in USER_READS:
            answer = sandbox.v3("GET", path, on_behalf_of=name)
            assert (answer.status_code, answer.json()) == by_behaviour(sandbox, (401, required), (403, forbidden))
        for verb, path, content in USER_WRITES:
            assert not sandbox.v3(verb, path, content, on_behalf_of=name).ok
    assert (sandbox.customers(), sandbox.control("GET", "accounts")) == before


def test_each_customer_has_one_host(sandbox: Sandbox) -> None:
    """Elsewhere its name is unknown."""
    for name, home in ((ADA, False), (EVA, True)):
        assert sandbox.v3("GET", "user/username", on_behalf_of=name, eu=home).json()["username"] == name
        away = sandbox.v3("GET", "user/username", on_behalf_of=name, eu=not home)
        unknown = sandbox.v3("GET", "user/username", on_behalf_of="nobody@example.com", eu=not home)
        assert (away.status_code, away.content) == (unknown.status_code, unknown.content)
        for verb, path, content in USER_WRITES:
            assert not sandbox.v3(verb, path, content, on_behalf_of=name, eu=not home).ok
    assert sandbox.v3("PATCH", "user/profile", {"city": "Cork"}, on_behalf_of=EVA, eu=True).ok
    assert sandbox.stored(EVA)["city"] == "Cork"
    assert sandbox.v3("GET", "user/username", eu=True).json()["username"] == "acme"


def test_a_disabled_customer_can_be_acted_for(sandbox: Sandbox) -> None:
    assert sandbox.v3("PATCH", "user/profile", {"city": "Bath"}, on_behalf_of=BEN).ok


def test_account_and_scopes(sandbox: Sandbox) -> None:
    assert sandbox.v3("GET", "user/account", on_behalf_of=ADA).json() == {"type": "paid", "reputation": 100}
    scopes = sandbox.v3("GET", "scopes").json()["scopes"]
    assert {"subusers.create", "subusers.read", "user.profile.update", "user.username.update"} <= set(scopes)
    assert sandbox.v3("GET", "scopes", on_behalf_of=ADA).json()["scopes"] == scopes
    narrow = sandbox.v3("GET", "scopes", key=NARROW_V3_KEY).json()["scopes"]
    assert narrow == ["subusers.read", "user.profile.read"]
    assert sandbox.v3("GET", "user/profile", key=NARROW_V3_KEY).ok
    assert sandbox.v3("PATCH", "user/profile", {"city": "x"}, key=NARROW_V3_KEY).status_code == 403


def test_the_log_of_calls_on_behalf(sandbox: Sandbox) -> None:
    for path in USER_READS:
        sandbox.v3("GET", path, on_behalf_of=ADA)
    for verb, path, content in (*USER_WRITES, ("PUT", "user/password", {"old_password": "x"})):
        sandbox.v3(verb, path, content, on_behalf_of=ADA)
    log = sandbox.log()
    reads = ["get_profile", "get_email", "get_username", "get_account", "get_scopes"]
    assert [entry["operation"] for entry in log] == [*reads, "set_profile", "set_email", "rename", "set_password"]
    assert {(entry["user"], entry["on_behalf_of"]) for entry in log} == {(ADA, ADA)}
    assert [entry["attempted_write"] for entry in log] == [False] * 5 + [True] * 4
    assert [entry["wrote"] for entry in log] == [False] * 5 + [True] * 3 + [False]
    assert log[6]["route"] == "/v3/user/email"


# The log and the rest


def test_the_log_of_a_write(sandbox: Sandbox) -> None:
    sandbox.v3("PATCH", path_of(ADA), {"disabled": True})
    sandbox.v3("GET", "subusers", limit=5, username="x", eu=True)
    first, second = sandbox.log()
    assert first.pop("time")
    assert first == {
        "operation": "disable",
        "family": "subusers",
        "verb": "PATCH",
        "api_user": "acme",
        "user": ADA,
        "format": "json",
        "attempted_write": True,
        "wrote": True,
        "outcome": "ok",
        "query_parameters": [],
        "body_parameters": ["disabled"],
        "content_type": "application/json",
        "connection": 1,
        "in_flight": 1,
        "host": "global",
        "route": "/v3/subusers/{subuser_name}",
        "on_behalf_of": None,
    }
    assert (second["operation"], second["host"], second["route"]) == ("list", "eu", "/v3/subusers")
    assert (second["query_parameters"], second["user"], second["wrote"]) == (["limit", "username"], None, False)


def test_the_log_names_the_operations(sandbox: Sandbox) -> None:
    for verb, path, content in (
        ("POST", "subusers", creation(NEW)),
        ("GET", "subusers", None),
        ("GET", path_of(NEW), None),
        ("PATCH", path_of(NEW), {"disabled": True}),
        ("PATCH", path_of(NEW), {"disabled": False}),
        ("PATCH", path_of(NEW), {"disabled": 1}),
        ("PATCH", path_of(NEW, "website_access"), {"disabled": True}),
        ("PATCH", path_of(NEW, "website_access"), {"disabled": False}),
        ("DELETE", path_of(NEW), None),
        ("GET", "nothing", None),
    ):
        sandbox.v3(verb, path, content)
    log = sandbox.log()
    operations = ["create", "list", "get", "disable", "enable", "update", "disable_website", "enable_website"]
    assert [entry["operation"] for entry in log] == [*operations, "delete", "unknown"]
    assert [entry["user"] for entry in log] == [NEW, None, *[NEW] * 7, None]
    assert [entry["operation"] for entry in log if not entry["attempted_write"]] == ["list", "get", "unknown"]
    assert [entry["wrote"] for entry in log].count(False) == 4


def test_the_log_of_a_stranger(sandbox: Sandbox) -> None:
    sandbox.v3("DELETE", path_of(ADA), key="SG.wrong")
    (entry,) = sandbox.log()
    assert (entry["api_user"], entry["user"], entry["wrote"], entry["attempted_write"]) == (None, ADA, False, True)


@pytest.mark.parametrize("behaviour", ("documented", "observed"))
def test_no_secret_is_kept(tmp_path: Path, behaviour: str) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    database = tmp_path / "state.db"
    sandbox = Sandbox("--behaviour", behaviour, "--seed", str(seed), "--database", str(database))
    sandbox.create(NEW)
    sandbox.create(NEW)
    sandbox.v3("GET", "subusers", key="SG.canary-wrong")
    sandbox.http.get(f"{sandbox.root}/v3/subusers", auth=("canary", "canary"), timeout=30)
    kept = [json.dumps(sandbox.control("GET", name)) for name in ("log", "customers", "accounts")]
    assert sandbox.stop() == (0, "", "")
    assert "canary" not in "".join(kept)
    assert b"canary" not in database.read_bytes()
    assert b"-token-of-" not in database.read_bytes()


def test_web_pages_and_other_hosts_are_turned_away(sandbox: Sandbox) -> None:
    for headers in ({"Origin": "http://127.0.0.1"}, {"Host": "evil.example"}):
        for eu in (False, True):
            answer = sandbox.v3("DELETE", path_of(ADA), headers=headers, eu=eu)
            assert (answer.status_code, list(answer.json())) == (403, ["message"])
    assert sandbox.log() == []
    assert ADA in sandbox.customers()


def test_the_demo_says_its_key() -> None:
    sandbox = Sandbox("--demo", "--behaviour", "observed")
    assert sandbox.line.endswith(f"/apiv2 (behaviour: observed), api key {DEMO_V3_KEY}\n")
    assert [len(part) for part in DEMO_V3_KEY.split(".")] == [2, 22, 43]
    assert len(sandbox.v3("GET", "subusers", key=DEMO_V3_KEY).json()) == 10
    assert sandbox.stop() == (0, "", "")


# The README


def rows(header: str) -> list[list[str]]:
    """The cells of the table in the sandbox's README that begins with `header`."""
    lines = (ROOT / "tests/sandbox/README.md").read_text(encoding="utf-8").splitlines()
    table = itertools.takewhile(lambda line: line.startswith("|"), lines[lines.index(header) + 2 :])
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def test_the_readme_lists_the_routes() -> None:
    listed = rows("| call | operation | scope of the key |")
    assert [row[0] for row in listed] == [f"`{route.verb} {route.template}`" for route in ROUTES]
    for route, (_call, operations, scope) in zip(ROUTES, listed):
        assert re.findall(r"`(\w+)`", operations)[: len(route.operations)] == [
            operation.name for operation in (*route.by_disabled.values(), route.operation)
        ]
        assert scope == (f"`{route.operation.scope}`" if route.operation.scope else "none")


def test_the_readme_lists_the_switches() -> None:
    listed = {name.strip("`"): off.strip("`") for name, off, _text in rows("| switch | off | what it does |")}
    assert listed == {name: json.dumps(off).strip('"') for name, off in SwitchBoard().describe().items()}
