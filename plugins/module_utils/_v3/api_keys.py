# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The API keys of a customer in API v3: calls on its behalf. Other tasks do not load this file."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import ApiKey, NewApiKey
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import Redactor
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import V3Api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import Key


class V3ApiKeys:
    """The API keys of one customer that exists. `key`: as its Customer has it.

    `redact`: learns each new secret, so that no later message of the server repeats it.
    """

    # [reported]
    added_scopes = frozenset(("2fa_required", "sender_verification_eligible"))

    def __init__(self, api: V3Api, username: str, key: Key, redact: Redactor) -> None:
        self._api = api
        self._username = username
        self._key = key
        self._redact = redact

    def list(self) -> list[ApiKey]:
        """All keys, at most 100 [spec]."""
        keys: list[ApiKey] = self._call("list_api_keys", _listed)
        return keys

    def get(self, identifier: str) -> ApiKey:
        """One key with its scopes, where the server shows them."""
        key: ApiKey = self._call("get_api_key", _one, api_key_id=identifier)
        return key

    def create(self, name: str, scopes: t.Collection[str] | None, budget: RetryBudget) -> NewApiKey:
        """Makes a key. Without scopes the server gives it full access [spec]."""
        body = {"name": name, **({} if scopes is None else {"scopes": sorted(scopes)})}
        made: NewApiKey = self._call("create_api_key", _created, body=body, budget=budget)
        self._redact.add(made.secret)
        return made

    def update(self, key: ApiKey, scopes: t.Collection[str], budget: RetryBudget) -> None:
        """Replaces the scopes of a key."""
        body = {"name": key.name, "scopes": sorted(scopes)}
        self._call("update_api_key", body=body, api_key_id=key.id, budget=budget)

    def delete(self, identifier: str, budget: RetryBudget) -> None:
        """Deletes a key. It may open the account a little longer [spec]."""
        self._call("delete_api_key", api_key_id=identifier, budget=budget)

    def retry_budget(self) -> RetryBudget:
        """A new allowance of tries and of waiting."""
        return self._api.retry_budget()

    def has_full_access(self, scopes: t.Collection[str]) -> bool:
        """No call tells. The service gives scopes of the area `user` to keys with full access only [reported]."""
        return any(scope.startswith("user.") for scope in scopes)

    def _call(self, operation: str, decode: t.Callable[[t.Any], t.Any] | None = None, **more: t.Any) -> t.Any:
        return self._api.call_on_behalf(operation, self._username, self._key, decode, **more)


def _record(document: t.Any) -> dict[str, t.Any]:
    if not isinstance(document, dict):
        raise WireError(["the answer is not an API key"], readable=False)
    return document


def _text(record: dict[str, t.Any], name: str) -> str:
    value = record.get(name)
    if not isinstance(value, str) or not value:
        raise WireError([f"the answer has an API key without '{name}'"], readable=False)
    return value


def _api_key(document: t.Any) -> ApiKey:
    record = _record(document)
    scopes = record.get("scopes")
    if scopes is not None and not (isinstance(scopes, list) and all(isinstance(one, str) for one in scopes)):
        raise WireError(["the scopes of an API key are not a list of texts"], readable=False)
    return ApiKey(_text(record, "api_key_id"), _text(record, "name"), None if scopes is None else frozenset(scopes))


def _listed(document: t.Any) -> list[ApiKey]:
    """A list stands in `result` [spec]."""
    rows = _record(document).get("result")
    if not isinstance(rows, list):
        raise WireError(["the answer is not a list of API keys"], readable=False)
    return [_api_key(row) for row in rows]


def _one(document: t.Any) -> ApiKey:
    """A key by itself [seen], or in a list of one [spec]."""
    rows = _record(document).get("result", [document])
    if not isinstance(rows, list) or len(rows) != 1:
        raise WireError(["the answer is not one API key"], readable=False)
    return _api_key(rows[0])


def _created(document: t.Any) -> NewApiKey:
    return NewApiKey(_api_key(document), _text(_record(document), "api_key"))
