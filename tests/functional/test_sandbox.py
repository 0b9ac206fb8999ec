# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox over a real socket: started as a program, asked with requests, in both behaviours and both formats."""

from __future__ import annotations

import datetime
import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from . import running
from .running import ROOT, sandboxes

BEHAVIOURS = ("documented", "observed")
FORMATS = ("json", "xml")
FAMILIES = ("reseller", "customer")

KEY = {"api_user": "acme", "api_key": "canary-key-of-acme"}
OTHER_KEY = {"api_user": "other", "api_key": "canary-key-of-other"}
NARROW_KEY = {"api_user": "narrow", "api_key": "canary-key-of-narrow"}
SEED = {
    "accounts": [
        {**KEY, "reseller": True, "subusers": True},
        {**OTHER_KEY, "ips": ["192.0.2.10"], "ip_groups": ["news"], "packages": ["Bronze"]},
        {**NARROW_KEY, "reseller": False, "subusers": False},
    ],
    "customers": [
        {
            "username": "seeded@example.com",
            "password": "canary-seeded",
            "company": "Seeded & Sons",
            "first_name": "Ärmel",
        },
        {"username": "resting@example.com", "password": "canary-resting", "active": False, "city": "Seedville"},
        {"account": "other", "username": "foreign@example.com", "password": "canary-foreign"},
    ],
    "deleted": ["gone@example.com"],
}

# By operation: action and fixed parameters in the reseller family, then in the customer family.
ADDRESSES = {
    "create": ("add", {}, "add", {}),
    "delete": ("delete", {}, "delete", {}),
    "list": ("manage", {"method": "profile", "task": "get"}, "profile", {"task": "get"}),
    "enable": ("manage", {"method": "enable"}, "enable", {}),
    "disable": ("manage", {"method": "disable"}, "disable", {}),
    "enable_website": ("manage", {"method": "website_enable"}, "website_enable", {}),
    "disable_website": ("manage", {"method": "website_disable"}, "website_disable", {}),
    "set_profile": ("manage", {"method": "profile", "task": "set"}, "profile", {"task": "set"}),
    "rename": ("manage", {"method": "profile", "task": "setUsername"}, "profile", {"task": "setUsername"}),
    "set_email": ("manage", {"method": "profile", "task": "setEmail"}, "profile", {"task": "setEmail"}),
    "set_password": ("manage", {"method": "password"}, "password", {}),
    "check_password": ("manage", {"method": "auth"}, "auth", {}),
}


def new_customer(username: str, family: str = "reseller", **changes: Any) -> dict[str, Any]:
    """Everything that a creation needs."""
    customer = {
        "username": username,
        "password": "canary-new-password",
        "confirm_password": "canary-new-password",
        "email": "contact@example.com",
        "first_name": "Ada",
        "last_name": "Okafor",
        "address": "12 Harbour Street",
        "city": "Portland",
        "state": "ME",
        "zip": "04101",
        "country": "US",
        "phone": "555-0112",
        "website": "https://example.com",
        "company": "Lighthouse Books",
    }
    if family == "reseller":
        customer.update(package="Bronze", whitelabel="example.com")
    return {**customer, **changes}


class Sandbox(running.Sandbox):
    """One running sandbox program, and how to call it without the collection."""

    def url(self, address: str) -> str:
        return f"{self.root}/apiv2/{address}"

    def call(
        self,
        operation: str,
        wanted: str = "json",
        *,
        family: str = "reseller",
        key: dict[str, str] | None = None,
        verb: str = "POST",
        **parameters: Any,
    ) -> requests.Response:
        reseller_action, reseller_fixed, customer_action, customer_fixed = ADDRESSES[operation]
        action, fixed = {
            "reseller": (reseller_action, reseller_fixed),
            "customer": (customer_action, customer_fixed),
        }[family]
        sent = {**(KEY if key is None else key), **fixed, **parameters}
        place = "params" if verb == "GET" else "data"
        return self.http.request(verb, self.url(f"{family}.{action}.{wanted}"), **{place: sent}, timeout=30)

    def rows(self, wanted: str = "json", **parameters: Any) -> list[dict[str, str]]:
        return rows(self.call("list", wanted, **parameters), wanted)

    def names(self, **parameters: Any) -> list[str]:
        return [row["username"] for row in self.rows(**parameters)]

    def disable(self, user: str, **parameters: Any) -> requests.Response:
        return self.call("disable", user=user, username=user, **parameters)

    def stored(self, username: str) -> dict[str, Any]:
        return self.customers()[username]


def rows(answer: requests.Response, wanted: str) -> list[dict[str, str]]:
    """A list answer as dicts, whichever way an empty one is written."""
    if wanted == "json":
        return answer.json()
    if not answer.content:
        return []
    users = ElementTree.fromstring(answer.content)
    assert users.tag == "users"
    return [{child.tag: child.text or "" for child in user} for user in users]


def as_value(answer: requests.Response, wanted: str) -> Any:
    """A success or error body in its JSON form; the code of an XML error object comes as text."""
    if wanted == "json":
        return answer.json()
    root = ElementTree.fromstring(answer.content)
    texts: dict[str, Any] = {child.tag: child.text for child in root if child.tag != "errors"}
    if root.find("errors") is not None:
        texts["errors"] = [child.text for child in root.findall("errors/error")]
    return {"error": texts} if root.tag == "error" else texts


def assert_done(answer: requests.Response, wanted: str = "json") -> None:
    assert (answer.status_code, as_value(answer, wanted)) == (200, {"message": "success"}), answer.text


def assert_errors(sandbox: Sandbox, answer: requests.Response, *messages: str, wanted: str = "json") -> None:
    """The errors list with exactly these messages, under the behaviour's status."""
    assert as_value(answer, wanted) == {"message": "error", "errors": list(messages)}
    assert answer.status_code == (400 if sandbox.behaviour == "documented" else 200)


def assert_unknown_user(sandbox: Sandbox, answer: requests.Response, wanted: str = "json") -> None:
    if sandbox.behaviour == "documented":
        assert_errors(sandbox, answer, "User does not exist", wanted=wanted)
    else:
        assert_error_object(answer, 400, "User does not exist", wanted)


def assert_error_object(answer: requests.Response, code: int, message: str, wanted: str) -> None:
    expected = {"code": code if wanted == "json" else str(code), "message": message}
    assert (answer.status_code, as_value(answer, wanted)) == (200, {"error": expected})


@pytest.fixture(scope="module")
def seed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seed") / "seed.json"
    path.write_text(json.dumps(SEED), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def running(seed_file: Path) -> Iterator[Callable[[str], Sandbox]]:
    with sandboxes(seed_file, Sandbox) as get:
        yield get


@pytest.fixture(params=BEHAVIOURS)
def sandbox(request: pytest.FixtureRequest, running: Callable[[str], Sandbox]) -> Sandbox:
    """A sandbox of either behaviour in its seeded state."""
    found = running(request.param)
    found.control("POST", "reset")
    return found


@pytest.fixture
def documented(running: Callable[[str], Sandbox]) -> Sandbox:
    found = running("documented")
    found.control("POST", "reset")
    return found


@pytest.fixture
def observed(running: Callable[[str], Sandbox]) -> Sandbox:
    found = running("observed")
    found.control("POST", "reset")
    return found


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts further sandboxes, and ends those that a test leaves running."""
    started: list[Sandbox] = []

    def run(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield run
    for item in started:
        if item.process.poll() is None:
            item.stop(signal.SIGKILL)


# The life of a customer


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("verb", ("GET", "POST"))
def test_life_of_a_customer(sandbox: Sandbox, verb: str, family: str, wanted: str) -> None:
    how = {"family": family, "verb": verb}

    def done(operation: str, **parameters: Any) -> None:
        assert_done(sandbox.call(operation, wanted, **how, **parameters), wanted)

    def row(username: str) -> dict[str, str]:
        (found,) = [item for item in sandbox.rows(wanted, **how) if item["username"] == username]
        return found

    done("create", **new_customer("ada@example.com", family))
    assert row("ada@example.com")["active"] == "true"
    assert sandbox.stored("ada@example.com")["website_access"] is True
    assert sandbox.stored("ada@example.com")["account"] == "acme"

    done("disable", user="ada@example.com", username="ada@example.com")
    assert row("ada@example.com")["active"] == "false"
    done("enable", user="ada@example.com")
    assert row("ada@example.com")["active"] == "true"
    done("disable_website", user="ada@example.com")
    assert sandbox.stored("ada@example.com")["website_access"] is False
    done("enable_website", user="ada@example.com")
    assert sandbox.stored("ada@example.com")["website_access"] is True

    done("set_profile", user="ada@example.com", city="Bath", company="New & Co", email="no@example.com", username="no")
    assert (row("ada@example.com")["city"], row("ada@example.com")["last_name"]) == ("Bath", "Okafor")
    assert row("ada@example.com")["email"] == "contact@example.com"
    assert sandbox.stored("ada@example.com")["company"] == "New & Co"
    done("set_email", user="ada@example.com", email="new@example.com")
    assert row("ada@example.com")["email"] == "new@example.com"

    done("check_password", user="ada@example.com", password="canary-new-password")
    done("set_password", user="ada@example.com", password="canary-second", confirm_password="canary-second")
    done("check_password", user="ada@example.com", password="canary-second")
    wrong = sandbox.call("check_password", wanted, **how, user="ada@example.com", password="canary-new-password")
    assert_errors(sandbox, wrong, "Invalid username and/or password", wanted=wanted)

    done("rename", user="ada@example.com", username="ada@example.org")
    assert "ada@example.com" not in sandbox.names(**how)
    done("delete", user="ada@example.org")
    assert sandbox.names(**how) == ["seeded@example.com", "resting@example.com"]
    again = sandbox.call("create", wanted, **how, **new_customer("ada@example.org", family))
    assert_errors(sandbox, again, "Username is already taken", wanted=wanted)


def test_creation_keeps_what_the_list_hides(sandbox: Sandbox) -> None:
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    customer = new_customer("ada@example.com", **{"ip[]": ["192.0.2.1", "2001:db8::1"], "ip_group[]": ["a", "b"]})
    assert_done(sandbox.call("create", **customer, free_user="true", billing_date=today))
    stored = sandbox.stored("ada@example.com")
    assert (stored["ips"], stored["ip_groups"]) == (["192.0.2.1", "2001:db8::1"], ["a", "b"])
    assert (stored["free_user"], stored["billing_date"], stored["package"]) == ("true", today, "Bronze")
    assert not any("password" in name for name in stored)


def test_mail_domain_belongs_to_the_customer_family(sandbox: Sandbox) -> None:
    customer = new_customer("ada@example.com", "customer", mail_domain="m.example.com")
    assert_done(sandbox.call("create", family="customer", **customer))
    assert sandbox.stored("ada@example.com")["mail_domain"] == "m.example.com"
    assert sandbox.stored("ada@example.com")["package"] is None
    refused = sandbox.call("create", family="customer", **new_customer("b@example.com", package="Bronze"))
    texts = ("Package is not accepted by this module", "Whitelabel is not accepted by this module")
    assert_errors(sandbox, refused, *texts)


# Names


@pytest.mark.parametrize("username", ("seeded@example.com", "foreign@example.com", "gone@example.com", "acme"))
def test_taken_names(sandbox: Sandbox, username: str) -> None:
    refused = sandbox.call("create", **new_customer(username))
    assert_errors(sandbox, refused, "Username is already taken")
    if "@" in username:
        refused = sandbox.call("rename", user="resting@example.com", username=username)
        assert_errors(sandbox, refused, "Username is already taken")


def test_names_differ_by_case(sandbox: Sandbox) -> None:
    assert_done(sandbox.call("create", **new_customer("Seeded@example.com")))
    assert_unknown_user(sandbox, sandbox.call("delete", user="SEEDED@example.com"))


def test_a_rename_frees_the_former_name(sandbox: Sandbox) -> None:
    assert_done(sandbox.call("rename", user="seeded@example.com", username="other@example.com"))
    assert_done(sandbox.call("create", **new_customer("seeded@example.com")))


@pytest.mark.parametrize(
    ("username", "message"),
    (
        ("no-address", "Username must be in email format"),
        ("a@SendGrid.com", "Username must not contain SendGrid.com in the domain name"),
        ("a@mail.sendgrid.com.example", "Username must not contain SendGrid.com in the domain name"),
        ("a" * 89 + "@example.com", "Username must be no more than 100 characters"),
        ("", "Username is required"),
    ),
)
def test_rename_rules(sandbox: Sandbox, username: str, message: str) -> None:
    assert_errors(sandbox, sandbox.call("rename", user="seeded@example.com", username=username), message)
    assert_done(sandbox.call("rename", user="seeded@example.com", username="a" * 88 + "@example.com"))


# Rules


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"username": "u" * 65}, "Username must be no more than 64 characters"),
        ({"email": "e" * 53 + "@example.com"}, "Email must be no more than 64 characters"),
        ({"email": "nobody"}, "Email must be in email format"),
        ({"first_name": "ä" * 51}, "First name must be no more than 50 characters"),
        ({"company": "c" * 256}, "Company must be no more than 255 characters"),
        ({"country": ""}, "Country is required"),
        ({"package": ""}, "Package is required"),
        ({"password": "canar", "confirm_password": "canar"}, "Password must be at least 6 characters"),
        ({"confirm_password": "canary-different"}, "Confirm password must match password"),
        ({"free_user": "True"}, "Free user must be true or false"),
        ({"ip[]": ["192.0.2.1", "192.0.2"]}, "IP must be a valid IP address"),
        ({"ip_group[]": "g" * 256}, "IP group must be no more than 255 characters"),
        ({"billing_date": "1.2.2030"}, "Billing date must be in YYYY-mm-dd format"),
        ({"billing_date": "2030-02-30"}, "Billing date must be in YYYY-mm-dd format"),
        ({"billing_date": "2011-02-28"}, "Billing date must be within one billing cycle"),
        ({"mail_domain": "example.com"}, "Mail domain is not accepted by this module"),
        ({"city": "a\x07b"}, "City contains a character that cannot be stored"),
    ),
)
def test_creation_rules(sandbox: Sandbox, changes: dict[str, Any], message: str) -> None:
    refused = sandbox.call("create", **{**new_customer("ada@example.com"), **changes})
    assert_errors(sandbox, refused, message)
    assert sandbox.names() == ["seeded@example.com", "resting@example.com"]


def test_the_longest_values_are_taken(sandbox: Sandbox) -> None:
    customer = new_customer("ü" * 64, email="e" * 52 + "@example.com", first_name="ä" * 50, company="c" * 255)
    assert_done(sandbox.call("create", **customer))


def test_all_missing_fields_are_named_at_once(sandbox: Sandbox) -> None:
    assert len(sandbox.call("create").json()["errors"]) == 16
    assert len(sandbox.call("create", family="customer").json()["errors"]) == 14


def test_what_belongs_to_an_account(sandbox: Sandbox) -> None:
    def create(**changes: Any) -> requests.Response:
        return sandbox.call("create", key=OTHER_KEY, **new_customer("ada@example.com", **changes))

    assert_errors(sandbox, create(**{"ip[]": "192.0.2.11"}), "IP must belong to your account")
    assert_errors(sandbox, create(**{"ip_group[]": "old"}), "IP group must belong to your account")
    assert_errors(sandbox, create(package="Gold"), "Package does not exist")
    assert_done(create(**{"ip[]": "192.0.2.10", "ip_group[]": "news"}))


def test_profile_and_email_rules(sandbox: Sandbox) -> None:
    user = {"user": "seeded@example.com"}
    long = sandbox.call("set_profile", **user, zip="z" * 51)
    assert_errors(sandbox, long, "Zip must be no more than 50 characters")
    assert_errors(sandbox, sandbox.call("set_email", **user, email="x"), "Email must be in email format")
    long = sandbox.call("set_email", **user, email="e" * 89 + "@example.com")
    assert_errors(sandbox, long, "Email must be no more than 100 characters")
    assert_done(sandbox.call("set_email", **user, email="e" * 88 + "@example.com"))
    unequal = sandbox.call("set_password", **user, password="canary-one", confirm_password="canary-two")
    assert_errors(sandbox, unequal, "Confirm password must match password")


def test_disable_names_its_parameter_by_behaviour(sandbox: Sandbox) -> None:
    right, wrong = ("username", "user") if sandbox.behaviour == "documented" else ("user", "username")
    missing = sandbox.call("disable", **{wrong: "seeded@example.com"})
    assert_errors(sandbox, missing, f"{right.capitalize()} is required")
    differ = sandbox.call("disable", user="seeded@example.com", username="resting@example.com")
    assert_errors(sandbox, differ, "User and username must be the same")
    assert sandbox.stored("seeded@example.com")["active"] is True
    assert_done(sandbox.call("disable", **{right: "seeded@example.com"}))
    assert sandbox.stored("seeded@example.com")["active"] is False


# Search and rows


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize(
    ("filters", "expected"),
    (
        ({}, ["seeded@example.com", "resting@example.com"]),
        ({"username": "EEDED"}, ["seeded@example.com"]),
        ({"company": "& sons"}, ["seeded@example.com"]),
        ({"first_name": "äRMEL"}, ["seeded@example.com"]),
        ({"active": "false"}, ["resting@example.com"]),
        ({"active": "true", "username": "example"}, ["seeded@example.com"]),
        ({"active": "false", "company": "Seeded"}, []),
        ({"username": "%"}, []),
        ({"username": "foreign"}, []),
    ),
)
def test_filters_contain(sandbox: Sandbox, wanted: str, filters: dict[str, str], expected: list[str]) -> None:
    assert [row["username"] for row in sandbox.rows(wanted, **filters)] == expected


def test_an_empty_list(sandbox: Sandbox) -> None:
    nothing = {"username": "nobody"}
    assert sandbox.call("list", "json", **nothing).text == "[]"
    body = sandbox.call("list", "xml", **nothing).content
    assert body.endswith(b"<users/>") if sandbox.behaviour == "documented" else body == b""


@pytest.mark.parametrize("wanted", FORMATS)
def test_fields_of_a_row(sandbox: Sandbox, wanted: str) -> None:
    page = "username email active first_name last_name address city state zip country phone website".split()
    more = ["website_access", "address2"] if sandbox.behaviour == "observed" else []
    row = sandbox.rows(wanted)[0]
    assert list(row) == page + more
    assert all(isinstance(value, str) for value in row.values())
    if more:
        assert (row["website_access"], row["address2"]) == ("true", "")


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_the_server_does_to_values(sandbox: Sandbox, wanted: str) -> None:
    customer = new_customer("ada@example.com", website="example.com", country="Canada")
    assert_done(sandbox.call("create", wanted, **customer), wanted)
    (row,) = sandbox.rows(wanted, username="ada@")
    changed = ("http://example.com", "Canad") if sandbox.behaviour == "observed" else ("example.com", "Canada")
    assert (row["website"], row["country"]) == changed
    assert_done(sandbox.call("set_profile", user="ada@example.com", website="example.org/a", country="Norway"))
    (row,) = sandbox.rows(wanted, username="ada@")
    changed = ("http://example.org/a", "Norwa") if sandbox.behaviour == "observed" else ("example.org/a", "Norway")
    assert (row["website"], row["country"]) == changed


TEXTS = (
    "  leading and trailing  ",
    " ",
    "a\rb\r\nc\nd\te",
    "<b>&amp;\"'</b> ]]> &",
    "Grüße 東京 \U0001f680 \u2028 \ufffd",
    "\\/ \\u0041 / + %20 ;=&",
    "\x7f\x85\xa0",
)


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_round_trip(sandbox: Sandbox, wanted: str, text: str) -> None:
    for verb in ("GET", "POST"):
        assert_done(sandbox.call("set_profile", wanted, verb=verb, user="seeded@example.com", address=text), wanted)
        assert sandbox.rows(wanted)[0]["address"] == text
        sandbox.call("set_profile", user="seeded@example.com", address="between")


def test_bytes_of_json(sandbox: Sandbox) -> None:
    sandbox.call("set_profile", user="seeded@example.com", address="ü/\U0001f680")
    answer = sandbox.call("list", "json")
    if sandbox.behaviour == "documented":
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert "ü/\U0001f680".encode() in answer.content
    else:
        assert answer.headers["content-type"] == "application/json"
        assert rb'"\u00fc\/\ud83d\ude80"' in answer.content
        assert answer.content.isascii()


def test_the_password_check_answers_under_html(observed: Sandbox) -> None:
    answer = observed.call("check_password", user="seeded@example.com", password="canary-seeded")
    assert (answer.headers["content-type"], answer.text) == ("text/html", '{"message":"success"}')
    assert "xml" in observed.call("check_password", "xml", user="seeded@example.com").headers["content-type"]


# Bodies


def test_multipart_and_merged_parameters(sandbox: Sandbox) -> None:
    customer = new_customer("ada@example.com", first_name="Ä", company="In the body")
    parts = [(name, (None, value.encode())) for name, value in customer.items()]
    parts += [("ip[]", (None, "192.0.2.1")), ("ip[]", (None, "192.0.2.2"))]
    query = {**KEY, "company": "In the query", "ip[]": "192.0.2.3"}
    assert_done(sandbox.http.post(sandbox.url("reseller.add.json"), params=query, files=parts, timeout=30))
    stored = sandbox.stored("ada@example.com")
    assert (stored["first_name"], stored["company"]) == ("Ä", "In the body")
    assert stored["ips"] == ["192.0.2.3", "192.0.2.1", "192.0.2.2"]
    (entry,) = sandbox.control("GET", "log")
    assert entry["content_type"] == "multipart/form-data"
    assert entry["query_parameters"] == ["api_key", "api_user", "company", "ip[]"]
    assert entry["body_parameters"] == sorted([*customer, "ip[]"])


def test_a_broken_body(sandbox: Sandbox) -> None:
    headers = {"content-type": "multipart/form-data"}
    answer = sandbox.http.post(sandbox.url("reseller.add.json"), data=b"x", headers=headers, timeout=30)
    assert_errors(sandbox, answer, "The request body cannot be read")


def test_half_a_request_does_nothing(start: Callable[..., Sandbox], seed_file: Path) -> None:
    sandbox = start("--seed", str(seed_file))
    head = (
        "POST /apiv2/reseller.delete.json HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\n"
    )
    body = f"api_user=acme&api_key={KEY['api_key']}&user=seeded%40example.com"
    with socket.create_connection(("127.0.0.1", int(sandbox.root.rpartition(":")[2]))) as connection:
        connection.sendall((head + body).encode())
    assert len(sandbox.names()) == 2
    assert [entry["operation"] for entry in sandbox.control("GET", "log")] == ["list"]
    assert sandbox.stop() == (0, "", "")


# Errors


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("family", FAMILIES)
def test_credentials(sandbox: Sandbox, family: str, wanted: str) -> None:
    texts = {401: "Permission denied, wrong credentials", 403: "Permission denied, not authorized"}
    wrong = {"api_user": "acme", "api_key": "canary-wrong"}
    nobody = {"api_user": "nobody", "api_key": KEY["api_key"]}
    for key, status in ((wrong, 401), (nobody, 401), ({}, 401), (NARROW_KEY, 403)):
        answer = sandbox.call("list", wanted, family=family, key=key)
        if sandbox.behaviour == "documented":
            assert answer.status_code == status
            assert as_value(answer, wanted) == {"message": "error", "errors": [texts[status]]}
        else:
            assert_error_object(answer, 401, texts[status], wanted)


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("user", ("nobody@example.com", "foreign@example.com", "gone@example.com"))
def test_unknown_user(sandbox: Sandbox, family: str, wanted: str, user: str) -> None:
    how = {"family": family, "user": user, "wanted": wanted}
    password = {"password": "canary-any", "confirm_password": "canary-any"}
    for operation, more in (
        ("delete", {}),
        ("set_profile", {"city": "Bath"}),
        ("rename", {"username": "free@example.com"}),
        ("set_email", {"email": "a@example.com"}),
        ("set_password", password),
    ):
        assert_unknown_user(sandbox, sandbox.call(operation, **how, **more), wanted)
    for operation in ("enable", "disable", "enable_website", "disable_website"):
        answer = sandbox.call(operation, **how, username=user)
        if sandbox.behaviour == "documented":
            assert (answer.status_code, as_value(answer, wanted)) == (400, {"message": "User not found"})
        else:
            assert_error_object(answer, 400, "User does not exist", wanted)
    check = sandbox.call("check_password", **how, password="canary-foreign")
    assert_errors(sandbox, check, "Invalid username and/or password", wanted=wanted)


@pytest.mark.parametrize("wanted", FORMATS)
def test_unknown_task_and_address(sandbox: Sandbox, wanted: str) -> None:
    for address, method, task in (
        ("reseller.manage", "profile", "setusername"),
        ("reseller.manage", "Profile", "get"),
        ("reseller.manage", "nothing", ""),
        ("customer.profile", "profile", "GET"),
    ):
        data = {**KEY, "method": method, "task": task, "user": "seeded@example.com", "username": "a@example.com"}
        answer = sandbox.http.post(sandbox.url(f"{address}.{wanted}"), data=data, timeout=30)
        if sandbox.behaviour == "documented":
            assert (answer.status_code, as_value(answer, wanted)["message"]) == (404, "error")
        else:
            assert_error_object(answer, 404, "Not found", wanted)
    for address in ("reseller.nothing", "nothing.add", "Reseller.add", "customer.manage"):
        answer = sandbox.http.post(sandbox.url(f"{address}.{wanted}"), data=KEY, timeout=30)
        assert answer.status_code == 404
        if sandbox.behaviour == "observed":
            assert as_value(answer, wanted) == {"error": {"code": "404", "message": None}}
    assert sandbox.http.get(sandbox.url("reseller.add.yaml"), timeout=30).status_code == 404
    assert sandbox.http.get(sandbox.url(""), timeout=30).status_code == 404


@pytest.mark.parametrize("verb", ("PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND"))
def test_other_verbs(sandbox: Sandbox, verb: str) -> None:
    url = sandbox.url("reseller.delete.json")
    answer = sandbox.http.request(verb, url, params={**KEY, "user": "seeded@example.com"}, timeout=30)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert len(sandbox.names()) == 2


# The log and the control addresses


def test_log_of_a_write(sandbox: Sandbox) -> None:
    sandbox.control("DELETE", "log")
    sandbox.disable("seeded@example.com", wanted="xml")
    sandbox.call("set_email", verb="GET", family="customer", user="nobody@example.com", email="a@example.com")
    first, second = sandbox.control("GET", "log")
    moment = datetime.datetime.fromisoformat(first.pop("time").replace("Z", "+00:00"))
    assert abs(datetime.datetime.now(datetime.timezone.utc) - moment) < datetime.timedelta(minutes=1)
    assert first == {
        "operation": "disable",
        "family": "reseller",
        "verb": "POST",
        "api_user": "acme",
        "user": "seeded@example.com",
        "format": "xml",
        "attempted_write": True,
        "wrote": True,
        "outcome": "ok",
        "query_parameters": [],
        "body_parameters": ["api_key", "api_user", "method", "user", "username"],
        "content_type": "application/x-www-form-urlencoded",
        "connection": 1,
        "in_flight": 1,
    }
    assert (second["attempted_write"], second["wrote"], second["outcome"]) == (True, False, "error")
    assert (second["verb"], second["content_type"], second["body_parameters"]) == ("GET", None, [])
    assert second["query_parameters"] == ["api_key", "api_user", "email", "task", "user"]


def test_log_names_every_operation(sandbox: Sandbox) -> None:
    sandbox.control("DELETE", "log")
    for family in FAMILIES:
        for operation in ADDRESSES:
            sandbox.call(operation, family=family)
    log = sandbox.control("GET", "log")
    assert [entry["operation"] for entry in log] == [*ADDRESSES, *ADDRESSES]
    reads = [entry["operation"] for entry in log if not entry["attempted_write"]]
    assert reads == ["list", "check_password"] * 2


def test_log_of_a_stranger(sandbox: Sandbox) -> None:
    sandbox.call("delete", key={"api_user": "canary-user", "api_key": "canary-key"}, user="seeded@example.com")
    sandbox.http.post(sandbox.url("nothing.add.json"), data=KEY, timeout=30)
    first, second = sandbox.control("GET", "log")
    assert (first["api_user"], first["user"], first["wrote"]) == (None, "seeded@example.com", False)
    assert (second["operation"], second["family"], second["api_user"]) == ("unknown", None, None)


def test_log_is_capped(sandbox: Sandbox) -> None:
    sandbox.call("delete", user="u" * 5000, **{"n" * 5000: "x"})
    (entry,) = sandbox.control("GET", "log")
    assert (len(entry["user"]), max(map(len, entry["body_parameters"]))) == (255, 64)


def test_reset_and_clear(sandbox: Sandbox) -> None:
    before = sandbox.control("GET", "customers")
    assert_done(sandbox.call("delete", user="seeded@example.com"))
    assert_done(sandbox.call("create", **new_customer("ada@example.com")))
    assert len(sandbox.control("GET", "log")) == 2
    sandbox.control("POST", "reset")
    assert sandbox.control("GET", "customers") == before
    assert sandbox.control("GET", "log") == []
    assert sandbox.control("GET", "health") == {"behaviour": sandbox.behaviour}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_no_secret_anywhere(start: Callable[..., Sandbox], seed_file: Path, tmp_path: Path, behaviour: str) -> None:
    database = tmp_path / "state.db"
    sandbox = start("--behaviour", behaviour, "--seed", str(seed_file), "--database", str(database))
    shown = []
    for verb in ("GET", "POST"):
        for family in FAMILIES:
            for operation in ADDRESSES:
                parameters = new_customer(f"{verb}-{family}@example.com", family, user="seeded@example.com")
                shown.append(sandbox.call(operation, verb=verb, family=family, **parameters).text)
                wrong = {"api_user": "canary-user", "api_key": "canary-key"}
                shown.append(sandbox.call(operation, verb=verb, family=family, key=wrong, **parameters).text)
    shown.append(json.dumps(sandbox.control("GET", "log")))
    shown.append(json.dumps(sandbox.control("GET", "customers")))
    status, out, err = sandbox.stop()
    assert (status, out, err) == (0, "", "")
    assert "canary" not in "".join(shown)
    assert b"canary" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


# Who may ask

LOCAL_HOSTS = ("127.0.0.1", "127.0.0.1:{port}", "localhost", "LocalHost:{port}", "[::1]", "[::1]:{port}", "127.0.0.2")
FOREIGN_HOSTS = (
    *("evil.example", "evil.example:{port}", "localhost.evil.example", "evillocalhost", "a.localhost", "localhost."),
    *("127.0.0.1.evil.example", "192.0.2.1:{port}", "0.0.0.0", "[::]", "[2001:db8::1]:{port}", "::1", "[127.0.0.1]"),
    *("127.1", "2130706433", "127.0.0.1@evil.example", "127.0.0.1:{port}:{port}", "localhost evil.example", ""),
)
LOCAL_ORIGINS = ("http://127.0.0.1:{port}", "http://localhost:{port}", "null", "", "https://evil.example")
# Of the API, good and bad ones, and of the control addresses.
ADDRESSED = (
    *(("POST", "/apiv2/reseller.delete.json"), ("GET", "/apiv2/reseller.delete.xml"), ("OPTIONS", "/apiv2/x")),
    *(
        ("POST", "/_sandbox/reset"),
        ("GET", "/_sandbox/log"),
        ("DELETE", "/_sandbox/log"),
        ("OPTIONS", "/_sandbox/reset"),
    ),
    *(("POST", "/_sandbox/faults"), ("GET", "/elsewhere")),
)


def ask(sandbox: Sandbox, verb: str, address: str, **headers: str) -> requests.Response:
    """A request that would delete a customer where the address is one of that."""
    port = sandbox.root.rpartition(":")[2]
    filled = {name: text.format(port=port) for name, text in headers.items()}
    deletion = {**KEY, "user": "seeded@example.com"}
    place = {"params": deletion} if verb == "GET" else {"data": deletion}
    return sandbox.http.request(verb, sandbox.root + address, headers=filled, timeout=30, **place)


def assert_turned_away(sandbox: Sandbox, answer: requests.Response, word: str) -> None:
    assert answer.status_code == 403
    assert word in answer.json()["message"] and answer.json()["message"].count(" ") > 5
    assert not [name for name in answer.headers if name.lower().startswith(("access-control", "x-ratelimit"))]


@pytest.mark.parametrize(("verb", "address"), ADDRESSED)
def test_web_pages_and_other_hosts_are_turned_away(documented: Sandbox, verb: str, address: str) -> None:
    documented.call("list")
    documented.http.post(f"{documented.root}/_sandbox/limit", json={"calls": 2, "seconds": 3600}, timeout=30)
    documented.set_fault("*", "error-before", nth=2)
    before = (documented.customers(), documented.log(), documented.control("GET", "faults"))
    for host in FOREIGN_HOSTS:
        assert_turned_away(documented, ask(documented, verb, address, Host=host), "Host")
    for origin in LOCAL_ORIGINS:
        assert_turned_away(documented, ask(documented, verb, address, Origin=origin), "Origin")
    assert (documented.customers(), documented.log(), documented.control("GET", "faults")) == before
    # Neither the limit nor the fault has counted any of them.
    answer = documented.call("list")
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (200, "1")
    assert "fault" not in documented.log()[-1]


def test_this_machine_by_any_of_its_names_is_served(sandbox: Sandbox) -> None:
    for host in LOCAL_HOSTS:
        assert ask(sandbox, "GET", "/_sandbox/health", Host=host).json() == {"behaviour": sandbox.behaviour}
        assert ask(sandbox, "POST", "/apiv2/reseller.manage.json", Host=host).status_code in (200, 404)
    assert len(sandbox.log()) == len(LOCAL_HOSTS)


def test_a_request_that_names_no_host_is_served(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", int(sandbox.root.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(b"GET /_sandbox/health HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[1] == b"200"


# Many clients


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("on_disk", (False, True))
def test_64_clients_at_once(start: Callable[..., Sandbox], tmp_path: Path, behaviour: str, on_disk: bool) -> None:
    sandbox = start("--behaviour", behaviour, *(["--database", str(tmp_path / "state.db")] if on_disk else []))
    demo = {"api_user": "demo", "api_key": "demo-key-1234"}

    def work(number: int) -> list[Any]:
        """Each client has four customers, and all clients want one shared name."""
        with requests.Session() as http:
            http.trust_env = False

            def create(username: str) -> Any:
                data = {**demo, **new_customer(username)}
                return http.post(sandbox.url("reseller.add.json"), data=data, timeout=60).json()

            return [*(create(f"{number}-{item}@example.com") for item in range(4)), create("contested@example.com")]

    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(work, range(64)))
    assert all(answer == {"message": "success"} for each in answers for answer in each[:4])
    assert sum(each[4] == {"message": "success"} for each in answers) == 1
    expected = [f"{number}-{item}@example.com" for number in range(64) for item in range(4)]
    assert sorted(sandbox.names(key=demo)) == sorted([*expected, "contested@example.com"])
    log = [entry for entry in sandbox.control("GET", "log") if entry["operation"] == "create"]
    assert (len(log), sum(entry["wrote"] for entry in log)) == (320, 257)


# The program


@pytest.mark.parametrize("number", (signal.SIGTERM, signal.SIGINT))
def test_clean_stop_with_an_open_connection(start: Callable[..., Sandbox], number: int) -> None:
    sandbox = start()
    assert sandbox.behaviour == "documented"
    assert sandbox.control("GET", "customers") == []
    with socket.create_connection(("127.0.0.1", int(sandbox.root.rpartition(":")[2]))):
        assert sandbox.stop(number) == (0, "", "")


def test_it_ends_with_another_process(start: Callable[..., Sandbox]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        sandbox = start("--until-end-of", str(other.pid))
        with pytest.raises(subprocess.TimeoutExpired):
            sandbox.process.wait(timeout=1.2)
        assert sandbox.control("GET", "customers") == []
        other.kill()
    output, errors = sandbox.process.communicate(timeout=30)
    assert (sandbox.process.returncode, output, errors) == (0, "", "")


def test_demo_fleet(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--demo", "--behaviour", "observed")
    demo = {"api_user": "demo", "api_key": "demo-key-1234"}
    assert len(sandbox.rows(key=demo)) == 10
    assert len(sandbox.rows(key=demo, active="false")) == 2
    passwords = json.loads((ROOT / "tests/sandbox/demo_fleet.json").read_text(encoding="utf-8"))["customers"]
    assert len({item["password"] for item in passwords}) == 10


def test_a_database_file_keeps_its_state(start: Callable[..., Sandbox], seed_file: Path, tmp_path: Path) -> None:
    options = ("--seed", str(seed_file), "--database", str(tmp_path / "state.db"))
    first = start(*options)
    assert_done(first.call("delete", user="seeded@example.com"))
    first.stop()
    second = start(*options)
    assert second.names() == ["resting@example.com"]
    second.control("POST", "reset")
    assert second.names() == ["seeded@example.com", "resting@example.com"]


def test_a_seed_in_yaml(start: Callable[..., Sandbox], tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    seed = tmp_path / "seed.yml"
    seed.write_text(
        "accounts: [{api_user: acme, api_key: canary-key-of-acme}]\n"
        "customers: [{username: a@example.com, password: canary-a, zip: 04101, active: false}]\n",
        encoding="utf-8",
    )
    (row,) = start("--seed", str(seed)).rows()
    assert (row["zip"], row["active"]) == ("04101", "false")


def failure(*options: str) -> str:
    """What the program says when it cannot start: one line, status 2, nothing on stdout."""
    command = [sys.executable, "-m", "tests.sandbox", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("seed", "said"),
    (
        ("{", "JSON"),
        ("[]", "must be a mapping"),
        ('{"customer": []}', "unknown keys: customer"),
        ('{"accounts": [{"api_user": "a"}]}', "account 1 needs api_key"),
        ('{"customers": [{"username": "u", "password": "canary-u", "zip": 4}]}', "zip of customer 1 must be text"),
        ('{"customers": [{"username": "u", "password": "canary-u", "active": 1}]}', "active of customer 1"),
        ('{"customers": [{"username": "u", "password": "canary-u", "account": "x"}]}', "account of customer 1"),
        ('{"customers": [{"username": "u", "password": "canary-u"}], "deleted": ["u"]}', "the name u appears twice"),
        ('{"deleted": ["\\ud800"]}', "deleted of the seed must be a list of texts"),
        ('{"accounts": [{"api_user": "a", "api_key": "canary-a", "v3_key": 1}]}', "v3_key of account 1 must be text"),
        (
            '{"accounts": [{"api_user": "a", "api_key": "canary-a", "v3_scopes": "x"}]}',
            "v3_scopes of account 1",
        ),
        (
            '{"accounts": [{"api_user": "a", "api_key": "canary-a", "domains": [{}]}]}',
            "domain 1 of account 1 needs domain",
        ),
        ('{"customers": [{"username": "u", "password": "canary-u", "region": "us"}]}', "must be one of: global, eu"),
        ('{"customers": [{"username": "u", "password": "canary-u", "credits": {}}]}', "credits of customer 1 must be"),
        ('{"customers": [{"username": "u", "password": "canary-u", "credits": 1}]}', "credits of customer 1 must be"),
    ),
)
def test_a_bad_seed(tmp_path: Path, seed: str, said: str) -> None:
    path = tmp_path / "seed.json"
    path.write_text(seed, encoding="utf-8")
    message = failure("--port", "0", "--seed", str(path))
    assert said in message
    assert "canary" not in message


def test_other_reasons_not_to_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "Cannot listen" in failure("--port", str(taken.getsockname()[1]))
    assert "not a loopback address" in failure("--host", "0.0.0.0")
    assert "not the number of a process" in failure("--until-end-of", "-1")
    assert "cannot be read" in failure("--port", "0", "--seed", str(tmp_path / "none.json"))
    other = tmp_path / "other.db"
    other.write_text("This is no database, but somebody needs it.\n" * 50, encoding="utf-8")
    assert "cannot be used" in failure("--port", "0", "--database", str(other))
    assert "cannot be used" in failure("--port", "0", "--database", str(tmp_path / "no" / "folder.db"))


def test_a_foreign_or_busy_database_stays_untouched(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
        before = foreign.read_bytes()
        assert "does not belong to the sandbox" in failure("--port", "0", "--database", str(foreign))
        connection.execute("BEGIN EXCLUSIVE")
        assert "cannot be used" in failure("--port", "0", "--database", str(foreign))
    assert foreign.read_bytes() == before
