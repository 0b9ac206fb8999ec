# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of API v3 for the tests of the sandbox, which shares nothing with the collection."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests

from . import running
from .running import sandboxes

V3_KEY = "SG.canary-key-of-acme-001.canary-key-of-acme-that-opens-only-the-tests"
OTHER_V3_KEY = "SG.canary-key-of-other-01.canary-key-of-other-that-opens-only-the-test"
NARROW_V3_KEY = "SG.canary-key-of-narrow-0.canary-key-of-narrow-that-opens-only-a-list"
PASSWORD = "canary-password-4711"
KEY = {"api_user": "acme", "api_key": "canary-key-of-acme"}
SEED: dict[str, Any] = {
    "accounts": [
        {
            **KEY,
            "v3_key": V3_KEY,
            "ips": ["192.0.2.1", "192.0.2.2", "192.0.2.3"],
            "domains": [
                {"domain": "example.com"},
                {"domain": "example.com", "subdomain": "news", "default": True},
                {"domain": "example.net", "valid": False},
                {"domain": "ben.example", "username": "ben@example.com"},
                *({"domain": f"{number}.example.org"} for number in range(4)),
            ],
        },
        {
            "api_user": "other",
            "api_key": "canary-key-of-other",
            "v3_key": OTHER_V3_KEY,
            "domains": [{"domain": "other.example"}],
        },
        {
            "api_user": "narrow",
            "api_key": "canary-key-of-narrow",
            "v3_key": NARROW_V3_KEY,
            "v3_scopes": ["subusers.read", "user.profile.read"],
        },
        {"api_user": "old", "api_key": "canary-key-of-old"},
    ],
    "customers": [
        {"username": "ada@example.com", "password": "canary-ada", "email": "mail-of@ada.example", "city": "Portland"},
        {"username": "ben@example.com", "password": "canary-ben", "email": "mail-of@ben.example", "active": False},
        {"username": "eva@example.com", "password": "canary-eva", "email": "mail-of@eva.example", "region": "eu"},
        {"account": "other", "username": "foreign@example.com", "password": "canary-foreign", "email": "a@b.example"},
    ],
    "deleted": ["gone@example.com"],
}
NAMES = ["ada@example.com", "ben@example.com", "eva@example.com"]
PARENT = {"first_name": "Parent", "last_name": "Account", "company": "The parent account"}


def path_of(username: str, *more: str) -> str:
    return "/".join(["subusers", quote(username, safe=""), *more])


def creation(username: str, **changes: Any) -> dict[str, Any]:
    """Everything that a creation needs."""
    return {"username": username, "email": "contact@example.com", "password": PASSWORD, **changes}


class Sandbox(running.Sandbox):
    """A running sandbox, and how to call its API v3 without the collection."""

    def v3(
        self,
        verb: str,
        path: str,
        content: Any = None,
        *,
        key: str | None = V3_KEY,
        eu: bool = False,
        on_behalf_of: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> requests.Response:
        """One call. `content`: becomes a JSON body, unless it is None."""
        sent = {"Authorization": f"Bearer {key}"} if key is not None else {}
        if on_behalf_of is not None:
            sent["On-Behalf-Of"] = on_behalf_of
        return self.http.request(
            verb,
            f"{self.root}{'/eu' if eu else ''}/v3/{path}",
            json=content,
            headers={**sent, **(headers or {})},
            params=query,
            timeout=30,
            allow_redirects=False,
        )

    def v2(self, action: str, **parameters: Any) -> requests.Response:
        return self.http.post(f"{self.api_url}/reseller.{action}.json", data={**KEY, **parameters}, timeout=30)

    def v2_rows(self) -> dict[str, dict[str, str]]:
        """What the list of API v2 shows, by name."""
        rows = self.v2("manage", method="profile", task="get").json()
        return {row["username"]: row for row in rows}

    def create(self, username: str, **changes: Any) -> requests.Response:
        return self.v3("POST", "subusers", creation(username, **changes))

    def names(self, **query: Any) -> list[str]:
        return [row["username"] for row in self.v3("GET", "subusers", **query).json()]

    def stored(self, username: str) -> dict[str, Any]:
        return self.customers()[username]

    def account(self, api_user: str = "acme") -> dict[str, Any]:
        """What is stored of the account itself."""
        return next(item for item in self.control("GET", "accounts") if item["api_user"] == api_user)

    def set(self, name: str, value: Any) -> None:
        """Sends JSON to a control address."""
        answer = self.http.post(f"{self.root}/_sandbox/{name}", json=value, timeout=30)
        assert answer.ok, answer.text


@pytest.fixture(scope="module")
def sandboxes_v3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    with sandboxes(seed, Sandbox) as get:
        yield get


@pytest.fixture(params=("documented", "observed"))
def sandbox(request: pytest.FixtureRequest, sandboxes_v3: Callable[[str], Sandbox]) -> Sandbox:
    """A sandbox of either behaviour in its seeded state."""
    found = sandboxes_v3(request.param)
    found.reset()
    return found


def by_behaviour(sandbox: Sandbox, documented: Any, observed: Any) -> Any:
    return documented if sandbox.behaviour == "documented" else observed


def messages(answer: requests.Response) -> list[str]:
    """The texts of the usual list of errors."""
    return [item["message"] for item in answer.json()["errors"]]


def fields(answer: requests.Response) -> list[str | None]:
    return [item.get("field") for item in answer.json()["errors"]]
