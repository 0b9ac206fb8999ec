# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""API keys of a customer: what they are, and from what is and what is wanted to the operations between. No I/O."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, is_unseen

CREATE = "create_api_key"
UPDATE = "update_api_key"
DELETE = "delete_api_key"


class ApiKey(t.NamedTuple):
    """A key as the server shows it, without its secret. `scopes`: None where they were not read or are not shown."""

    id: str
    name: str
    scopes: frozenset[str] | None = None


class NewApiKey(t.NamedTuple):
    """A key that was just created. `secret`: what opens the account; the server shows it this once."""

    key: ApiKey
    secret: str


class ApiKeys(t.Protocol):
    """The API keys of one customer. Each method raises CallError for a call that did not succeed."""

    # The scopes that the server adds to a key by itself.
    added_scopes: frozenset[str]

    def list(self) -> list[ApiKey]:
        """All keys, without their scopes."""

    def get(self, identifier: str) -> ApiKey:
        """One key with its scopes."""

    def create(self, name: str, scopes: t.Collection[str] | None, budget: RetryBudget) -> NewApiKey:
        """Makes a key. `scopes`: None for full access. `budget`: what is left of an allowance for several tries."""

    def update(self, key: ApiKey, scopes: t.Collection[str], budget: RetryBudget) -> None:
        """Replaces the scopes of a key. `budget`: as for create."""

    def delete(self, identifier: str, budget: RetryBudget) -> None:
        """Deletes a key, for ever. `budget`: as for create."""

    def retry_budget(self) -> RetryBudget:
        """A new allowance of tries and of waiting."""

    def has_full_access(self, scopes: t.Collection[str]) -> bool:
        """Whether a key with these scopes counts as one with full access."""


class DesiredKey(t.NamedTuple):
    """What a task asks for. `scopes`: None where they are left alone. `api_key_id`: which one of several."""

    username: str
    name: str
    state: str = "present"
    scopes: frozenset[str] | None = None
    full_access: bool = False
    rotate: bool = False
    api_key_id: str | None = None

    @property
    def about(self) -> str:
        """What an error is about."""
        return f"API key '{escape_control(self.name, 100)}' of customer '{escape_control(self.username, 100)}'"


class KeyPlan(t.NamedTuple):
    """`operations`: names, in their order. `before`: the key that there is. `scopes`: of the key that is created or
    updated, None for full access. `after`: the key in the end, as far as it is known; None where there is none.
    `is_unverified`: whether the scopes are written though nothing tells whether they differ.
    """

    operations: tuple[str, ...]
    before: ApiKey | None
    after: ApiKey | None
    scopes: frozenset[str] | None = None
    is_unverified: bool = False


def key_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with the options of a key, before any call."""
    scopes, named = options["scopes"], {"name": options["name"], "api_key_id": options["api_key_id"]}
    problems = [f"{option} {problem}" for option, text in named.items() for problem in _text_problems(text)]
    problems += [f"scopes has one that {problem}" for scope in scopes or [] for problem in _text_problems(scope)]
    rules = (
        (scopes == [], "scopes must have at least one scope; leave it out where the scopes do not matter"),
        (scopes and options["full_access"], "scopes and full_access cannot be used together"),
        (options["rotate"] and options["state"] == "absent", "rotate cannot be used with state=absent"),
    )
    return problems + [problem for is_broken, problem in rules if is_broken]


def _text_problems(text: str | None) -> list[str]:
    if text is None:
        return []
    if not text.strip():
        return ["is empty"]
    if text != text.strip() or any(is_unseen(character) for character in text):
        return ["has blanks at an end, or characters that nobody sees"]
    return []


def find_key(desired: DesiredKey, keys: t.Sequence[ApiKey]) -> ApiKey | None:
    """The key that a task speaks of. Raises InvalidInput where that is not certain."""
    found = [key for key in keys if key.name == desired.name]
    if desired.api_key_id is not None:
        found = [key for key in found if key.id == desired.api_key_id]
        if not found and desired.state == "present":
            raise InvalidInput(
                [f"the customer has no key of this name with the id '{escape_control(desired.api_key_id, 100)}'"],
                about=f"{desired.about} cannot be changed",
            )
    if len(found) > 1:
        ids = ", ".join(f"'{escape_control(key.id, 100)}'" for key in found)
        raise InvalidInput(
            [f"{len(found)} keys have this name, with the ids {ids}; say in api_key_id which one is meant"],
            about=f"{desired.about} is not unique",
        )
    return found[0] if found else None


def make_key_plan(desired: DesiredKey, current: ApiKey | None, keys: ApiKeys) -> KeyPlan:
    """The operations that make the key what is desired. Raises InvalidInput for what cannot be."""
    if desired.state == "absent":
        return KeyPlan((DELETE,) if current else (), current, None)
    if current is None or desired.rotate:
        scopes = _scopes_of_new(desired, current, keys)
        operations = (CREATE, DELETE) if current else (CREATE,)
        return KeyPlan(operations, current, ApiKey("", desired.name, scopes), scopes)
    if desired.full_access:
        _refuse_narrow(desired, current, keys)
    if desired.scopes is None or has_scopes(current, desired.scopes, keys):
        return KeyPlan((), current, current)
    kept = (current.scopes or frozenset()) & keys.added_scopes
    after = current._replace(scopes=desired.scopes | kept)
    return KeyPlan((UPDATE,), current, after, desired.scopes, is_unverified=current.scopes is None)


def has_scopes(key: ApiKey, wanted: frozenset[str], keys: ApiKeys) -> bool | None:
    """Whether a key has the wanted scopes, and no others but those that the server adds. None where it shows none."""
    if key.scopes is None:
        return None
    return wanted <= key.scopes and key.scopes - wanted <= keys.added_scopes


def _scopes_of_new(desired: DesiredKey, current: ApiKey | None, keys: ApiKeys) -> frozenset[str] | None:
    """The scopes of a key that is created: those of the key that it replaces, where the task names none."""
    if desired.full_access:
        return None
    if desired.scopes is not None:
        return desired.scopes
    if current is not None and current.scopes and current.scopes - keys.added_scopes:
        return current.scopes - keys.added_scopes
    raise InvalidInput(
        [
            "a key that is created without scopes would have full access; name the scopes, such as mail.send, or set "
            "full_access to true"
        ],
        about=f"{desired.about} cannot be created",
    )


def _refuse_narrow(desired: DesiredKey, current: ApiKey, keys: ApiKeys) -> None:
    if current.scopes is not None and not keys.has_full_access(current.scopes):
        raise InvalidInput(
            [
                "it exists and has no full access, which no call gives to a key that exists; rotate=true replaces it "
                "with a new key"
            ],
            about=f"{desired.about} cannot be changed",
        )
