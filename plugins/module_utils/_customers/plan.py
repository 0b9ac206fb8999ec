# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""From what is and what is wanted to the operations between them. Pure: no I/O, no Ansible, nothing of the API.

Check mode, the diff and the real run share the one plan that `plan` makes.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import difference, name_key, visible
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import MASK, shown
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import (
    BY_NAME,
    LISTED_ALWAYS,
    NEW_CUSTOMER,
    Attributes,
)


@dataclasses.dataclass(frozen=True)
class Desired:
    """What a task asks for. `attributes`: those given, by option name, without the username and the password.

    `updates_company_alone`: whether a company that the server hides is a reason to write; else it goes along with
    other changes of the profile only.
    """

    username: str
    attributes: Attributes = dataclasses.field(default_factory=dict)
    state: str = "present"
    new_username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    update_password: str = "on_create"
    update_website_access: str = "always"
    updates_company_alone: bool = True

    @property
    def final_username(self) -> str:
        """The name that the customer has in the end."""
        return self.username if self.new_username is None else self.new_username

    @property
    def usernames(self) -> frozenset[str]:
        """The names under which the customer may be found."""
        return frozenset((self.username, self.final_username))


@dataclasses.dataclass(frozen=True)
class Observed:
    """What is known of the customer now.

    `current`: the attributes that the server shows, None when there is no such customer. `password_matches`,
    `company_matches`: what asking the server gave; None when it was not asked or could not tell.
    `shows_website_access`: whether this server's rows are known to show it.
    """

    current: Attributes | None = None
    password_matches: bool | None = None
    company_matches: bool | None = None
    shows_website_access: bool = False


@dataclasses.dataclass(frozen=True)
class Operation:
    """One write. `user`: the customer's name when it is called. `sent`: the attributes that go with it.

    `effect`: what the customer's attributes become; it differs from `sent` where the operation itself says it all
    (`enable`), where creation sets more than was asked for, and in that it never holds a secret.
    """

    name: str
    user: str
    sent: Attributes = dataclasses.field(default_factory=dict, repr=False)
    effect: Attributes = dataclasses.field(default_factory=dict, repr=False)


@dataclasses.dataclass(frozen=True)
class Plan:
    """`before`, `after`: attributes, None where there is no customer; `after` holds what the server hides, too.

    `predicted`: `after` as the server will show it. `unverified`: attributes that are sent though nothing tells
    whether they differ.
    """

    operations: tuple[Operation, ...]
    before: Attributes | None
    after: Attributes | None
    predicted: Attributes | None
    unverified: tuple[str, ...] = ()


class Roster:
    """Customers that a list showed, found by name: in one step, however many there are."""

    def __init__(self, customers: t.Iterable[Attributes]) -> None:
        self._by_name = {customer["username"]: customer for customer in customers}
        self._by_key: dict[str, list[str]] = {}
        for name in self._by_name:
            self._by_key.setdefault(name_key(name), []).append(name)
        self.shows_website_access = any("website_access" in customer for customer in self._by_name.values())

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Attributes:
        return self._by_name[name]

    def alike(self, name: str) -> list[str]:
        """The names that look like `name` to a person, itself among them if it is there."""
        return self._by_key.get(name_key(name), [])

    def exact(self, desired: Desired) -> Attributes | None:
        """The customer that `desired` speaks of, matched exactly; None when there is none.

        Raises InvalidInput when both names of a rename exist.
        """
        found = [self._by_name[name] for name in desired.usernames if name in self._by_name]
        if len(found) > 1:
            raise InvalidInput(
                [f"both '{_quoted(desired.username)}' and '{_quoted(desired.final_username)}' exist"],
                about=f"Customer '{_quoted(desired.username)}' cannot be renamed",
            )
        return found[0] if found else None

    def identify(self, desired: Desired) -> Attributes | None:
        """The same before anything is written: raises InvalidInput for a name that only looks alike, too."""
        found = self.exact(desired)
        if found is None:
            self._refuse_near_miss("username", desired.username, desired)
        if found is None or found["username"] != desired.final_username:
            self._refuse_near_miss("new_username", desired.final_username, desired)
        return found

    def _refuse_near_miss(self, option: str, name: str, desired: Desired) -> None:
        """A name is not taken for another one, and none is made that looks like another one."""
        near = sorted(set(self.alike(name)) - desired.usernames)
        if near:
            raise InvalidInput(
                [
                    f"'{visible(near[0], 200)}' {difference(near[0], name)}, and usernames are matched exactly, "
                    f"so correct {option} in the task"
                ],
                about=f"There is no customer '{_quoted(name)}'",
            )


def to_search_company(desired: Desired, current: Attributes | None) -> str | None:
    """The company to search for, where only a search can tell whether it differs; else None.

    An empty company cannot be searched for.
    """
    if current is None or desired.state == "absent" or "company" in current or not desired.updates_company_alone:
        return None
    return desired.attributes.get("company") or None


def to_check_password(desired: Desired, current: Attributes | None) -> str | None:
    """The password to check before it is reset; None when there is nothing to check."""
    wanted = current is not None and desired.state == "present" and desired.update_password == "always"
    return desired.password if wanted else None


def plan(desired: Desired, observed: Observed) -> Plan:
    """The operations that make the customer what is desired, and what they make of it."""
    current = observed.current
    unverified: list[str] = []
    if desired.state == "absent":
        operations = _removal(current)
    elif current is None:
        operations = _creation(desired, observed)
    else:
        changes, unverified = _differences(desired, observed, current)
        operations = _update(desired, current, changes)
    after = outcome(current, operations)
    # Where no row can tell what a new customer's row will show: website access is in the rows of some servers only.
    of_new = LISTED_ALWAYS | {"website_access"} if observed.shows_website_access else LISTED_ALWAYS
    return Plan(
        operations=tuple(operations),
        before=current,
        after=after,
        predicted=_only(after, of_new if current is None else frozenset(current)),
        unverified=tuple(unverified),
    )


def outcome(current: Attributes | None, operations: t.Iterable[Operation]) -> Attributes | None:
    """What `operations` make of a customer."""
    return functools.reduce(_apply, operations, current)


def is_done(operation: Operation, current: Attributes | None) -> bool | None:
    """Whether a customer as just read shows that `operation` was carried out; None when it cannot tell."""
    if operation.name == "delete":
        return current is None
    if current is None:
        return False if operation.name == "create" else None
    if operation.name == "create":
        return True
    verdicts = [
        BY_NAME[name].same(wanted, current[name]) if name in current else None
        for name, wanted in operation.effect.items()
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def stored_otherwise(desired: Desired, stored: Attributes, planned: t.Iterable[Operation] = ()) -> list[str]:
    """The attributes that were asked for and that the server stores as something else.

    What `planned` is going to write is passed over.
    """
    differing = [name for name, wanted in desired.attributes.items() if name in stored and wanted != stored[name]]
    if not differing:
        return []
    pending = {name for operation in planned for name in operation.effect}
    return [name for name in differing if name not in pending]


def stored_text(desired: Desired, stored: Attributes, name: str) -> str:
    """What was asked for of an attribute, and what the server stores."""
    return (
        f"{name} of customer '{_quoted(stored['username'])}': asked for '{_quoted(desired.attributes[name])}', "
        f"the server stores '{_quoted(stored[name])}'"
    )


def _apply(current: Attributes | None, operation: Operation) -> Attributes | None:
    return None if operation.name == "delete" else {**(current or {}), **operation.effect}


def _only(attributes: Attributes | None, names: t.Container[str]) -> Attributes | None:
    if attributes is None:
        return None
    return {name: value for name, value in attributes.items() if name in names}


def _removal(current: Attributes | None) -> list[Operation]:
    return [] if current is None else [Operation("delete", current["username"])]


def creation_attributes(desired: Desired) -> Attributes:
    """What a create is given. A rename of a customer that does not exist creates it under its new name."""
    given = {"username": desired.final_username, "password": desired.password, **desired.attributes}
    return {name: value for name, value in given.items() if value is not None and name not in NEW_CUSTOMER}


def _creation(desired: Desired, observed: Observed) -> list[Operation]:
    """Creation, then what a new customer is that it should not be."""
    sent = creation_attributes(desired)
    shown_switches = {
        name: value for name, value in NEW_CUSTOMER.items() if name == "active" or observed.shows_website_access
    }
    create = Operation("create", desired.final_username, sent, {**_masked(sent), **shown_switches})
    to_close = {
        name: False for name, at_first in NEW_CUSTOMER.items() if at_first and desired.attributes.get(name) is False
    }
    return [create, *_switches(desired.final_username, to_close, False)]


def _differences(desired: Desired, observed: Observed, current: Attributes) -> tuple[Attributes, list[str]]:
    """The attributes to write, and those of them that are sent though nothing tells whether they differ."""
    changes: Attributes = {}
    unverified: list[str] = []
    for name, wanted in desired.attributes.items():
        if BY_NAME[name].written_by is None:
            continue
        if name in current:
            differs: bool | None = not BY_NAME[name].same(wanted, current[name])
        else:
            differs = _hidden_differs(name, wanted, desired, observed)
        if differs is not False:
            changes[name] = wanted
        if differs is None:
            unverified.append(name)
    if _goes_along("company", desired, current, changes):
        changes["company"] = desired.attributes["company"]
        unverified.append("company")
    if to_check_password(desired, current) is not None and observed.password_matches is not True:
        changes["password"] = desired.password
        if observed.password_matches is None:
            unverified.append("password")
    return changes, unverified


def _hidden_differs(name: str, wanted: t.Any, desired: Desired, observed: Observed) -> bool | None:
    """Whether to write an attribute that the server does not show: False, True, or None where nobody can tell."""
    if name == "website_access" and desired.update_website_access == "on_create":
        return False
    if name == "company" and not desired.updates_company_alone:
        return False
    if name == "company" and observed.company_matches is not None:
        return not observed.company_matches
    return None


def _goes_along(name: str, desired: Desired, current: Attributes, changes: Attributes) -> bool:
    """Whether to write a hidden attribute because others that the same operation writes change."""
    if desired.updates_company_alone or name in current or name not in desired.attributes:
        return False
    operation = BY_NAME[name].written_by
    return any(BY_NAME[changed].written_by == operation for changed in changes)


def _update(desired: Desired, current: Attributes, changes: Attributes) -> list[Operation]:
    """The writes in their order: close doors first, open them last."""
    now, then = current["username"], desired.final_username
    rename = [Operation("rename", now, {"username": then}, {"username": then})] if now != then else []
    return [
        *_switches(now, changes, False),
        *rename,
        *_grouped("set_email", then, changes),
        *_grouped("set_profile", then, changes),
        *_grouped("set_password", then, changes),
        *_switches(then, changes, True),
    ]


_SWITCHES = (
    ("active", {True: "enable", False: "disable"}),
    ("website_access", {True: "enable_website", False: "disable_website"}),
)


def _switches(user: str, changes: Attributes, position: bool) -> list[Operation]:
    """The operations that turn switches to `position`."""
    return [
        Operation(names[position], user, {}, {name: position})
        for name, names in _SWITCHES
        if changes.get(name) is position
    ]


def _grouped(operation: str, user: str, changes: Attributes) -> list[Operation]:
    """One operation for all changed attributes that it writes."""
    sent = {name: value for name, value in changes.items() if BY_NAME[name].written_by == operation}
    return [Operation(operation, user, sent, _masked(sent))] if sent else []


def _masked(attributes: Attributes) -> Attributes:
    return {name: MASK if BY_NAME[name].secret else value for name, value in attributes.items()}


def _quoted(value: t.Any) -> str:
    """A value for a sentence."""
    return str(value).lower() if isinstance(value, bool) else shown(str(value), 200)
