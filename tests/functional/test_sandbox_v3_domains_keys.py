# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authenticated domains and API keys in API v3 of the sandbox."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests

from . import sandbox_v3
from .sandbox_v3 import NAMES, Sandbox, by_behaviour, fields, messages, path_of

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA, BEN, EVA = NAMES
DOMAINS = "whitelabel/domains"
NOT_VALID, OF_BEN, OF_OTHER = 3, 4, 9
ADDED = ["2fa_required", "sender_verification_eligible"]


# Domains


def associated(sandbox: Sandbox, username: str = ADA) -> list[int]:
    """The ids of the domains of a customer, as the API and the state have them."""
    shown = [domain["id"] for domain in sandbox.v3("GET", f"{DOMAINS}/subuser/all", username=username).json()]
    assert sandbox.stored(username)["domains"] == shown
    return shown


def post(sandbox: Sandbox, number: int, how: str = "subuser", **content: Any) -> requests.Response:
    return sandbox.v3("POST", f"{DOMAINS}/{number}/{how}", {"username": ADA, **content})


def test_domains_are_listed(sandbox: Sandbox) -> None:
    def ids(**query: Any) -> list[int]:
        return [domain["id"] for domain in sandbox.v3("GET", DOMAINS, **query).json()]

    assert ids() == list(range(1, 9))
    assert ids(limit=3, offset=2) == [3, 4, 5]
    assert ids(offset=8) == []
    assert ids(domain="example.org") == [5, 6, 7, 8]
    assert ids(username=BEN) == [OF_BEN]
    assert ids(exclude_subusers="true") == [1, 2, 3, 5, 6, 7, 8]
    assert fields(sandbox.v3("GET", DOMAINS, exclude_subusers="yes", limit=0)) == ["limit", "exclude_subusers"]
    sandbox.set("switches", {"page_ceiling": 2})
    assert ids(limit=500) == [1, 2]
    news = sandbox.v3("GET", f"{DOMAINS}/2").json()
    assert (news["domain"], news["subdomain"], news["valid"], news["default"]) == ("example.com", "news", True, True)
    assert (news["username"], news["user_id"]) == ("acme", sandbox.account()["id"])
    assert set(news["dns"]) == {"mail_cname", "dkim1", "dkim2"}
    of_ben = sandbox.v3("GET", f"{DOMAINS}/{OF_BEN}").json()
    assert (of_ben["username"], of_ben["user_id"]) == (BEN, sandbox.stored(BEN)["id"])
    for number in (OF_OTHER, 4711, "x"):
        assert sandbox.v3("GET", f"{DOMAINS}/{number}").status_code == 404


def test_domains_on_behalf_of_a_customer(sandbox: Sandbox) -> None:
    assert [domain["id"] for domain in sandbox.v3("GET", DOMAINS, on_behalf_of=BEN).json()] == [OF_BEN]
    assert sandbox.v3("GET", DOMAINS, on_behalf_of=ADA).json() == []
    assert sandbox.v3("GET", f"{DOMAINS}/1", on_behalf_of=BEN).status_code == 404
    assert sandbox.v3("GET", f"{DOMAINS}/{OF_BEN}", on_behalf_of=BEN).ok


def test_a_domain_is_associated(sandbox: Sandbox) -> None:
    answer = post(sandbox, 1)
    assert (answer.status_code, answer.json()["id"], answer.json()["username"]) == (201, 1, ADA)
    assert associated(sandbox) == [1]
    assert sandbox.v3("GET", f"{DOMAINS}/subuser", username=ADA).json() == answer.json()
    # One takes the place of another, unless it is added.
    assert post(sandbox, 2).ok
    assert associated(sandbox) == [2]
    assert post(sandbox, 1, "subuser:add").status_code == 201
    assert post(sandbox, 1, "subuser:add").status_code == 201
    assert associated(sandbox) == [2, 1]
    assert associated(sandbox, BEN) == []
    assert sandbox.v3("DELETE", f"{DOMAINS}/2/subuser", username=ADA).status_code == 204
    assert associated(sandbox) == [1]
    assert sandbox.v3("DELETE", f"{DOMAINS}/subuser", username=ADA).status_code == 204
    assert associated(sandbox) == []
    for verb, path in (("GET", "subuser"), ("DELETE", "subuser"), ("DELETE", "1/subuser")):
        assert sandbox.v3(verb, f"{DOMAINS}/{path}", username=ADA).status_code == 404
    assert post(sandbox, OF_BEN, username=BEN).ok


def test_at_most_five_domains(sandbox: Sandbox) -> None:
    usable = (1, 2, 5, 6, 7)
    assert {post(sandbox, number, "subuser:add").status_code for number in usable} == {201}
    answer = post(sandbox, 8, "subuser:add")
    assert (answer.status_code, messages(answer)) == (400, ["a user can have at most 5 associated domains"])
    assert associated(sandbox) == list(usable)
    assert post(sandbox, 8).ok
    assert associated(sandbox) == [8]


@pytest.mark.parametrize("how", ("subuser", "subuser:add"))
def test_associations_that_are_refused(sandbox: Sandbox, how: str) -> None:
    post(sandbox, 1)
    for number, content, status, said in (
        (NOT_VALID, {}, 400, "domain is not validated"),
        (OF_BEN, {}, 400, "domain belongs to another user"),
        (2, {"username": None}, 400, "username is required"),
        (2, {"username": "nobody@example.com"}, 400, "user not found"),
        (2, {"username": "foreign@example.com"}, 400, "user not found"),
        (OF_OTHER, {}, 404, "resource not found"),
    ):
        answer = post(sandbox, number, how, **content)
        assert (answer.status_code, messages(answer)) == (status, [said])
    assert associated(sandbox) == [1]
    for path in ("subuser", "subuser/all"):
        assert fields(sandbox.v3("GET", f"{DOMAINS}/{path}")) == ["username"]
        assert sandbox.v3("GET", f"{DOMAINS}/{path}", username="foreign@example.com").status_code == 404


# API keys


def keys(sandbox: Sandbox, username: str | None = ADA) -> list[str]:
    """The names of the keys of a customer, or of the account."""
    return [key["name"] for key in sandbox.v3("GET", "api_keys", on_behalf_of=username).json()["result"]]


def create(sandbox: Sandbox, name: str = "news", username: str | None = ADA, **content: Any) -> requests.Response:
    return sandbox.v3("POST", "api_keys", {"name": name, **content}, on_behalf_of=username)


def read(sandbox: Sandbox, identifier: str, username: str | None = ADA) -> Any:
    """One key, however it is shown."""
    value = sandbox.v3("GET", f"api_keys/{identifier}", on_behalf_of=username).json()
    return by_behaviour(sandbox, value.get("result", [None])[0], value)


def test_life_of_an_api_key(sandbox: Sandbox) -> None:
    answer = create(sandbox, scopes=["mail.send"])
    made = answer.json()
    more = by_behaviour(sandbox, [], ADDED)
    assert (answer.status_code, made["name"], made["scopes"]) == (201, "news", ["mail.send", *more])
    secret, identifier = made.pop("api_key"), made["api_key_id"]
    assert re.fullmatch(r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", secret)
    assert secret.split(".")[1] == identifier
    assert read(sandbox, identifier) == made
    path = f"api_keys/{identifier}"
    answer = sandbox.v3("PATCH", path, {"name": "renamed"}, on_behalf_of=ADA)
    assert answer.json() == {"api_key_id": identifier, "name": "renamed"}
    change = {"name": "other", "scopes": ["stats.read"]}
    answer = sandbox.v3("PUT", path, change, on_behalf_of=ADA)
    assert answer.json() == {"api_key_id": identifier, "name": "other", "scopes": ["stats.read", *more]}
    assert read(sandbox, identifier) == answer.json()
    # Nobody shows the key again, and it opens nothing here.
    assert secret not in json.dumps([sandbox.log(), sandbox.control("GET", "api-keys")])
    assert sandbox.v3("GET", "subusers", key=secret).status_code == 401
    assert sandbox.v3("DELETE", path, on_behalf_of=ADA).status_code == 204
    assert keys(sandbox) == []
    for verb, content in (("GET", None), ("PUT", change), ("PATCH", {"name": "x"}), ("DELETE", None)):
        answer = sandbox.v3(verb, path, content, on_behalf_of=ADA)
        assert (answer.status_code, messages(answer)) == (404, ["unable to find API Key"])


def test_each_user_has_keys_of_its_own(sandbox: Sandbox) -> None:
    identifier = create(sandbox).json()["api_key_id"]
    create(sandbox)
    create(sandbox, username=None)
    assert (keys(sandbox), keys(sandbox, BEN), keys(sandbox, None)) == (["news", "news"], [], ["news"])
    assert len(sandbox.v3("GET", "api_keys", on_behalf_of=ADA, limit=1).json()["result"]) == 1
    for username in (BEN, None):
        assert sandbox.v3("DELETE", f"api_keys/{identifier}", on_behalf_of=username).status_code == 404
    assert sandbox.v3("GET", "api_keys", on_behalf_of="foreign@example.com").status_code in (401, 403)
    owners = [(key["owner"], key["id"]) for key in sandbox.control("GET", "api-keys")]
    ada, acme = sandbox.stored(ADA)["id"], sandbox.account()["id"]
    assert owners == [("customers", ada), ("customers", ada), ("accounts", acme)]
    sandbox.reset()
    assert sandbox.control("GET", "api-keys") == []


def test_a_key_without_scopes_has_full_access(sandbox: Sandbox) -> None:
    assert len(create(sandbox).json()["scopes"]) > 4


@pytest.mark.parametrize(
    ("content", "field"),
    (({"name": ""}, "name"), ({"scopes": "mail.send"}, "scopes"), ({"scopes": [1]}, "scopes")),
)
def test_keys_that_are_refused(sandbox: Sandbox, content: dict[str, Any], field: str) -> None:
    assert fields(create(sandbox, **content)) == [field]
    identifier = create(sandbox).json()["api_key_id"]
    changed = {"name": "news", "scopes": ["mail.send"], **content}
    assert fields(sandbox.v3("PUT", f"api_keys/{identifier}", changed, on_behalf_of=ADA)) == [field]
    for scopes in ([], None):
        without = {"name": "news", "scopes": scopes}
        assert fields(sandbox.v3("PUT", f"api_keys/{identifier}", without, on_behalf_of=ADA)) == ["scopes"]
    assert fields(sandbox.v3("PATCH", f"api_keys/{identifier}", {}, on_behalf_of=ADA)) == ["name"]


def test_at_most_100_keys(sandbox: Sandbox) -> None:
    assert {create(sandbox, str(number)).status_code for number in range(100)} == {201}
    answer = create(sandbox)
    assert (answer.status_code, messages(answer)) == (403, ["Cannot create more than 100 API Keys"])
    assert create(sandbox, username=BEN).ok


def test_the_log_of_domains_and_keys(sandbox: Sandbox) -> None:
    post(sandbox, 1)
    sandbox.v3("GET", f"{DOMAINS}/subuser/all", username=ADA)
    sandbox.v3("DELETE", f"{DOMAINS}/1/subuser", username=ADA)
    create(sandbox, scopes=["mail.send"])
    log = sandbox.log()
    operations = ["associate_domain", "list_associated_domains", "remove_associated_domain", "create_api_key"]
    assert [entry["operation"] for entry in log] == operations
    assert {entry["user"] for entry in log} == {ADA}
    assert [entry["wrote"] for entry in log] == [True, False, True, True]
    assert log[3]["body_parameters"] == ["name", "scopes"]


def test_a_domain_goes_with_its_customer(sandbox: Sandbox) -> None:
    post(sandbox, 1)
    create(sandbox)
    sandbox.v3("DELETE", path_of(ADA))
    assert sandbox.v3("GET", f"{DOMAINS}/subuser/all", username=ADA).status_code == 404
    assert sandbox.v3("GET", "api_keys", on_behalf_of=ADA).status_code in (401, 403)
