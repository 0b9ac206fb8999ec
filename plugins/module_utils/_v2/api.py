# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The documented operations of API v2 as methods. Only this file knows addresses, methods and tasks."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlencode

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Customer,
    Details,
    Listing,
    Operation,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    NOT_APPLIED,
    OPERATION,
    SERVER,
    UNKNOWN_CUSTOMER,
    CallError,
    WireError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import transport as _transport
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Request
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import answers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.failures import TRY_V3, reader
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import (
    CUSTOMER,
    RESELLER,
    capabilities,
    from_row,
    to_wire,
)

Parameters = list[tuple[str, str]]
Route = tuple[str, tuple[tuple[str, str], ...]]
_WORD = re.compile(r"\w+")
_WRONG_WORDS = frozenset(("invalid", "wrong", "incorrect", "bad"))
_WRONG = "wrong password"
# `User does not exist` [seen], `User not found` [doc].
_UNKNOWN_CUSTOMER = ("user does not exist", "user not found")


def _attributes_only(_user: str, sent: Attributes) -> Parameters:
    return to_wire(sent)


def _with_confirmation(_user: str, sent: Attributes) -> Parameters:
    """A new password is sent twice [doc]."""
    return [*to_wire(sent), ("confirm_password", sent["password"])]


def _under_another_name_too(user: str, _sent: Attributes) -> Parameters:
    """The parameter of *disable* is `username` in the table and `user` in the example [doc]. The call sends both."""
    return [("username", user)]


class Call(t.NamedTuple):
    """One documented operation [doc].

    `routes`: by family, the address and its fixed parameters. Task names are case-sensitive [seen]. `doing`: the
    operation in words, for a message. `repeatable`: whether the client may repeat it without a check. Otherwise the
    server would answer the second call with an error although the first one took effect, so a read decides after a lost
    answer. `parameters`: makes the parameters from the customer's name and the attributes. `largest`: the largest
    answer, in bytes.
    """

    routes: dict[str, Route]
    doing: str
    repeatable: bool = True
    parameters: t.Callable[[str, Attributes], Parameters] = _attributes_only
    largest: int = _transport.LARGEST_CONFIRMATION


def _own(name: str) -> dict[str, Route]:
    return {RESELLER: (f"reseller.{name}", ()), CUSTOMER: (f"customer.{name}", ())}


def _manage(**parameters: str) -> Route:
    return "reseller.manage", tuple(parameters.items())


def _profile(task: str) -> dict[str, Route]:
    return {RESELLER: _manage(method="profile", task=task), CUSTOMER: ("customer.profile", (("task", task),))}


def _method(name: str) -> dict[str, Route]:
    return {RESELLER: _manage(method=name), CUSTOMER: (f"customer.{name}", ())}


CALLS: dict[str, Call] = {
    "create": Call(_own("add"), "create customer '{user}'", repeatable=False, parameters=_with_confirmation),
    "delete": Call(_own("delete"), "delete customer '{user}'", repeatable=False),
    "list": Call(_profile("get"), "look up customer '{user}'", largest=_transport.LARGEST_ANSWER),
    "rename": Call(_profile("setUsername"), "rename customer '{user}'", repeatable=False),
    "set_email": Call(_profile("setEmail"), "set the e-mail address of customer '{user}'"),
    "set_profile": Call(_profile("set"), "update the profile of customer '{user}'"),
    "set_password": Call(_method("password"), "set the password of customer '{user}'", parameters=_with_confirmation),
    "check_password": Call(_method("auth"), "check the password of customer '{user}'"),
    "enable": Call(_method("enable"), "enable customer '{user}'"),
    "disable": Call(_method("disable"), "disable customer '{user}'", parameters=_under_another_name_too),
    "enable_website": Call(_method("website_enable"), "enable website access of customer '{user}'"),
    "disable_website": Call(_method("website_disable"), "disable website access of customer '{user}'"),
}


class V2Api:
    """The customers of one account, through API v2. Repeats a call where that is safe, else raises CallError."""

    def __init__(self, client: Client, family: str = RESELLER) -> None:
        self.capabilities = capabilities(family)
        self._client = client
        self._family = family
        self._questions: dict[str, t.Callable[[str, t.Any], bool | None]] = {
            "company": self._has_company,
            "password": self._has_password,
        }

    def customers(self, filters: Attributes) -> Listing:
        """The customers that match the filters (by option name): one call.

        The server searches for values that contain the text [seen]: a filter narrows the list and proves nothing.
        """
        return Listing(self._list("", filters), is_whole=not filters)

    def every_customer(self) -> Listing:
        """All customers: one answer holds them all."""
        return self.customers({})

    def unlisted(self, _name: str) -> list[Customer]:
        """Empty: a list shows every customer."""
        return []

    def lookup(self, names: t.Sequence[str], near: bool = False) -> list[Customer]:
        """The customers with these names: one call. A filter by username narrows it.

        Without the filter for two names, which need one call, and for near names: nobody has recorded whether the
        server's search is case-sensitive.
        """
        [about, *others] = names
        return self._list(about, {} if near or others else {"username": about})

    def read_for_all(self, names: t.Container[str]) -> None:
        """No list tells more than the one of the customers."""

    def objections(self, _operations: t.Sequence[Operation], _current: Attributes | None) -> list[str]:
        """There is nothing to ask for: the server itself refuses what it does not take."""
        return []

    def details(self, username: str, _key: t.Any, wanted: Attributes) -> Details:
        """Compares attributes with the server: one call for each."""
        verdicts = {name: ask(username, wanted[name]) for name, ask in self._questions.items() if name in wanted}
        return Details(matches={name: verdict for name, verdict in verdicts.items() if verdict is not None})

    def write(self, operation: Operation, _key: t.Any, budget: RetryBudget | None = None) -> None:
        """Makes one writing call.

        `budget`: the rest of a budget, if this is one of several tries.
        """
        parameters = CALLS[operation.name].parameters(operation.user, operation.sent)
        self._confirm(operation.name, operation.user, parameters, answers.confirmation, budget)

    def is_repeatable(self, operation: str) -> bool:
        """Whether the client may repeat the call after a lost answer."""
        return CALLS[operation].repeatable

    def retry_budget(self) -> RetryBudget:
        """A new budget of tries and waiting."""
        return self._client.retry_budget()

    @property
    def longest_wait(self) -> float:
        """Seconds that all tries of one call may wait together."""
        return self._client.connection.max_retry_wait

    def _list(self, user: str, filters: Attributes) -> list[Customer]:
        """`user`: the customer that an error names."""
        customers: list[Customer] = self._call("list", user, to_wire(filters), _customers)
        return customers

    def _has_company(self, user: str, company: str) -> bool | None:
        """Whether a search for the company finds the customer. None for an empty company, which no search finds.

        Searches by the company alone, because nobody has recorded whether the server joins two filters by "and".
        """
        if not company:
            return None
        found = self._list(user, {"company": company})
        return any(customer.attributes["username"] == user for customer in found)

    def _has_password(self, user: str, password: str) -> bool | None:
        """Whether this is the customer's password. None if the server does not have the check."""
        try:
            self._confirm("check_password", user, [("password", password)], _password_confirmation)
        except CallError as error:
            if error.shape == _WRONG:
                return False
            if 404 in (error.code, error.status):
                return None
            raise
        return True

    def _confirm(
        self,
        operation: str,
        user: str,
        parameters: Parameters,
        decode: t.Callable[[str, bytes], None],
        budget: RetryBudget | None = None,
    ) -> None:
        named = [] if operation == "create" else [("user", user)]
        self._call(operation, user, [*named, *parameters], decode, budget)

    def _call(
        self,
        operation: str,
        user: str,
        parameters: Parameters,
        decode: t.Callable[[str, bytes], t.Any],
        budget: RetryBudget | None = None,
    ) -> t.Any:
        call = CALLS[operation]
        read = reader(decode, self._client.connection.api_format, self._client.redact)
        try:
            return self._client.send(self._request(call, parameters), read, budget)
        except CallError as error:
            error.concerns = _concerns(error)
            if 300 <= (error.status or 0) < 400:
                error.advice = f"{error.advice} {TRY_V3}"
            error.doing = call.doing.format(user=escape_control(user, 100)) if user else "list customers"
            raise

    def _request(self, call: Call, parameters: Parameters) -> Request:
        """A POST with everything except the module and the action in the body [doc]."""
        address, fixed = call.routes[self._family]
        connection = self._client.connection
        credentials = [("api_user", connection.api_user), ("api_key", connection.api_key)]
        return Request(
            "POST",
            f"{connection.api_url}/{address}.{connection.api_format}",
            headers={
                "Accept": f"application/{connection.api_format}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode([*credentials, *fixed, *parameters]).encode("ascii"),
            repeatable=call.repeatable,
            largest=call.largest,
        )


def _concerns(error: CallError) -> str:
    """Whose error it is. The number counts first, because a refusal of the account may come with any text."""
    numbers = {error.code, error.status}
    if numbers & {401, 403}:
        return ACCOUNT
    if 429 in numbers or (error.status is None and error.applied == NOT_APPLIED):
        return SERVER
    said = " ".join(error.messages).lower()
    return UNKNOWN_CUSTOMER if any(text in said for text in _UNKNOWN_CUSTOMER) else OPERATION


def _customers(answer_format: str, body: bytes) -> list[Customer]:
    return [Customer(*from_row(row)) for row in answers.rows(answer_format, body)]


def _password_confirmation(answer_format: str, body: bytes) -> None:
    """A confirmation of the password check. An error that says that the password is wrong gets its own shape.

    This decoder decides it, because it has the server's own words. Later code hides messages that repeat the password.
    """
    try:
        answers.confirmation(answer_format, body)
    except WireError as error:
        if _is_wrong_password(error):
            error.shape = _WRONG
        raise


def _is_wrong_password(error: WireError) -> bool:
    """`errors: ["Invalid username and/or password"]` [seen].

    Errors about the account's own credentials have the other shapes [seen], so the shape tells the two apart.
    """
    if error.shape not in ("errors", "message"):
        return False
    words = _WORD.findall(" ".join(error.messages).lower())
    wrong = next((place for place, word in enumerate(words) if word in _WRONG_WORDS), len(words))
    return "password" in words[wrong:]
