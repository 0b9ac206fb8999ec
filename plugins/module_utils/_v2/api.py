# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The documented operations of the API as methods. Nothing above this file knows an address, a method or a task."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import transport as _transport
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import Patience
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Session
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import shown
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import answers as _wire
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import (
    CUSTOMER,
    RESELLER,
    Attributes,
    from_row,
    to_wire,
)

Parameters = list[tuple[str, str]]
Route = tuple[str, tuple[tuple[str, str], ...]]


def _manage(**parameters: str) -> Route:
    return "reseller.manage", tuple(parameters.items())


def _profile(task: str) -> dict[str, Route]:
    return {RESELLER: _manage(method="profile", task=task), CUSTOMER: ("customer.profile", (("task", task),))}


def _method(name: str) -> dict[str, Route]:
    return {RESELLER: _manage(method=name), CUSTOMER: (f"customer.{name}", ())}


# Operation -> family -> address and fixed parameters [doc]. Task names are case-sensitive [seen].
ROUTES: dict[str, dict[str, Route]] = {
    "create": {RESELLER: ("reseller.add", ()), CUSTOMER: ("customer.add", ())},
    "delete": {RESELLER: ("reseller.delete", ()), CUSTOMER: ("customer.delete", ())},
    "list": _profile("get"),
    "rename": _profile("setUsername"),
    "set_email": _profile("setEmail"),
    "set_profile": _profile("set"),
    "set_password": _method("password"),
    "check_password": _method("auth"),
    "enable": _method("enable"),
    "disable": _method("disable"),
    "enable_website": _method("website_enable"),
    "disable_website": _method("website_disable"),
}

# What must not be repeated blindly: the second one would be answered with an error for a thing that was done. After a
# lost answer, what the server shows decides.
ONCE_ONLY = frozenset(("create", "delete", "rename"))

_DOING = {
    "create": "create customer '{user}'",
    "delete": "delete customer '{user}'",
    "list": "look up customer '{user}'",
    "rename": "rename customer '{user}'",
    "set_email": "set the e-mail address of customer '{user}'",
    "set_profile": "update the profile of customer '{user}'",
    "set_password": "set the password of customer '{user}'",
    "check_password": "check the password of customer '{user}'",
    "enable": "enable customer '{user}'",
    "disable": "disable customer '{user}'",
    "enable_website": "enable website access of customer '{user}'",
    "disable_website": "disable website access of customer '{user}'",
}


_WORD = re.compile(r"\w+")
_WRONG_WORDS = frozenset(("invalid", "wrong", "incorrect", "bad"))
_WRONG = "wrong password"
_UNKNOWN_CUSTOMER = ("user does not exist", "user not found")


@dataclasses.dataclass(frozen=True)
class Listed:
    """A customer as a list shows it: attributes by option name, and what the server shows beyond them."""

    attributes: Attributes
    extra: dict[str, t.Any]


class CustomerApi:
    """The customers of one account. Each method makes one call, repeated where that is safe, or raises CallError."""

    def __init__(self, session: Session, family: str = RESELLER) -> None:
        self.session = session
        self.family = family

    def customers(self, user: str = "", **filters: t.Any) -> list[Listed]:
        """The customers that the filters (by option name) do not rule out. `user`: whom it is about, for an error.

        The server's search is a "contains" search [seen]: a filter narrows the list, it proves nothing.
        """
        listed: list[Listed] = self._call("list", user, to_wire(filters), _listed)
        return listed

    def has_password(self, user: str, password: str) -> bool | None:
        """Whether this is the customer's password; None where the server does not know the check."""
        try:
            self._call("check_password", user, [("user", user), ("password", password)], _password_confirmation)
        except CallError as error:
            if error.shape == _WRONG:
                return False
            if 404 in (error.code, error.status):
                return None
            raise
        return True

    def write(self, operation: str, user: str, sent: Attributes, patience: Patience | None = None) -> None:
        """Carries out one writing operation on customer `user` with the attributes `sent` (by option name).

        `patience`: what is left of an allowance, where this is one of several tries.
        """
        self._confirm(operation, user, _BODIES.get(operation, _attributes_only)(user, sent), patience)

    def _confirm(self, operation: str, user: str, parameters: Parameters, patience: Patience | None = None) -> None:
        named = [] if operation == "create" else [("user", user)]
        self._call(operation, user, [*named, *parameters], _wire.confirmation, patience)

    def _call(
        self,
        operation: str,
        user: str,
        parameters: Parameters,
        decode: t.Callable[[str, bytes], t.Any],
        patience: Patience | None = None,
    ) -> t.Any:
        address, fixed = ROUTES[operation][self.family]
        largest = _transport.LARGEST_ANSWER if operation == "list" else _transport.LARGEST_CONFIRMATION
        try:
            return self.session.call(
                address, [*fixed, *parameters], decode, operation not in ONCE_ONLY, patience, largest
            )
        except CallError as error:
            error.doing = _DOING[operation].format(user=shown(user, 100)) if user else "list customers"
            raise


def is_unknown_customer(error: CallError) -> bool:
    """Whether the server refused a call since it knows no such customer: `User does not exist` [seen], `User not found`
    [doc]."""
    said = " ".join(error.messages).lower()
    return any(text in said for text in _UNKNOWN_CUSTOMER)


def _attributes_only(_user: str, sent: Attributes) -> Parameters:
    return to_wire(sent)


def _with_confirmation(_user: str, sent: Attributes) -> Parameters:
    """A new password is sent twice [doc]."""
    return [*to_wire(sent), ("confirm_password", sent["password"])]


def _under_another_name_too(user: str, _sent: Attributes) -> Parameters:
    """*disable* calls its parameter `username` in the table and `user` in the example [doc]."""
    return [("username", user)]


_BODIES: dict[str, t.Callable[[str, Attributes], Parameters]] = {
    "create": _with_confirmation,
    "set_password": _with_confirmation,
    "disable": _under_another_name_too,
}


def _listed(answer_format: str, body: bytes) -> list[Listed]:
    return [Listed(*from_row(row)) for row in _wire.rows(answer_format, body)]


def _password_confirmation(answer_format: str, body: bytes) -> None:
    """The same as a confirmation of any call; an error that says that the password is wrong has a shape of its own.

    Told here, where the server's words are whole: a message that repeats the password is told nobody.
    """
    try:
        _wire.confirmation(answer_format, body)
    except WireError as error:
        if _is_wrong_password(error):
            error.shape = _WRONG
        raise


def _is_wrong_password(error: WireError) -> bool:
    """`errors: ["Invalid username and/or password"]` [seen].

    Errors of the account's own credentials come in the other shapes [seen], so the shape tells the two apart.
    """
    if error.shape not in ("errors", "message"):
        return False
    words = _WORD.findall(" ".join(error.messages).lower())
    wrong = next((place for place, word in enumerate(words) if word in _WRONG_WORDS), len(words))
    return "password" in words[wrong:]
