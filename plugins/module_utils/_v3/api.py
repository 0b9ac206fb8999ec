# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The operations of API v3 as methods. Nothing above this file knows an address, a verb or a header."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import typing as t
from urllib.parse import quote, urlencode

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Customer,
    Details,
    Listing,
    Operation,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.filters import matches
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    MAYBE_APPLIED,
    NOT_APPLIED,
    SERVER,
    CallError,
    WireError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import (
    LARGEST_ANSWER,
    LARGEST_CONFIRMATION,
    Answer,
    Client,
    Request,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.answers import Reader
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.checks import NOT_IN_A_HEADER, is_addressable
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import (
    PROFILE_FIELDS,
    Key,
    capabilities,
    from_profile,
    from_row,
    to_wire,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.lists import (
    MOST_READINGS,
    PAGE,
    Pages,
    identity_of,
    read_list,
    read_whole_list,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.on_behalf import (
    OnBehalf,
    Subject,
    VerifiedServers,
    servers,
)

Value = t.TypeVar("Value")

_USER = "{user}"


@dataclasses.dataclass(frozen=True)
class Call:
    """One operation [spec].

    `method` and `route`: how to call it; `{user}` in the route stands for the customer. `doing`: what it does, for a
    message. `scope`: the scope that the API key needs. `on_behalf`: whether the call is on behalf of the customer.
    `body`: members that are always sent. `repeatable`: whether to repeat it without a check; otherwise a read decides
    after a lost answer. `applied_if_limited`: whether the server may have acted on a call that it answers with HTTP
    429. `largest`: the maximum size of its answer in bytes.
    """

    method: str
    route: str
    doing: str
    scope: str
    on_behalf: bool = False
    body: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    repeatable: bool = True
    applied_if_limited: str = NOT_APPLIED
    largest: int = LARGEST_CONFIRMATION


def _switch(route: str, disabled: bool, doing: str) -> Call:
    return Call("PATCH", route, doing, "subusers.update", body={"disabled": disabled})


_ONE = "/subusers/{user}"
CALLS: dict[str, Call] = {
    "list": Call("GET", "/subusers", "look up customer '{user}'", "subusers.read", largest=LARGEST_ANSWER),
    # No description has it, but several clients use it [seen].
    "get": Call("GET", _ONE, "look up customer '{user}'", "subusers.read"),
    # The server may answer 429 although it created the customer [reported].
    "create": Call(
        "POST",
        "/subusers",
        "create customer '{user}'",
        "subusers.create",
        repeatable=False,
        applied_if_limited=MAYBE_APPLIED,
    ),
    "delete": Call("DELETE", _ONE, "delete customer '{user}'", "subusers.delete", repeatable=False),
    "enable": _switch(_ONE, False, "enable customer '{user}'"),
    "disable": _switch(_ONE, True, "disable customer '{user}'"),
    "enable_website": _switch(f"{_ONE}/website_access", False, "enable website access of customer '{user}'"),
    "disable_website": _switch(f"{_ONE}/website_access", True, "disable website access of customer '{user}'"),
    "who_am_i": Call(
        "GET", "/user/username", "verify the identity of customer '{user}'", "user.username.read", on_behalf=True
    ),
    "get_profile": Call(
        "GET", "/user/profile", "read the profile of customer '{user}'", "user.profile.read", on_behalf=True
    ),
    "set_profile": Call(
        "PATCH", "/user/profile", "update the profile of customer '{user}'", "user.profile.update", on_behalf=True
    ),
    "set_email": Call(
        "PUT", "/user/email", "set the e-mail address of customer '{user}'", "user.email.update", on_behalf=True
    ),
    "rename": Call(
        "PUT", "/user/username", "rename customer '{user}'", "user.username.update", on_behalf=True, repeatable=False
    ),
}


class V3Api:
    """The customers of one account behind API v3. Repeats a failed call if that is safe, or raises CallError."""

    def __init__(self, client: Client) -> None:
        self.capabilities = capabilities()
        self._client = client
        connection = client.connection
        self._on_behalf = OnBehalf(
            servers(connection.api_url, connection.eu_api_url), client.remembered(VerifiedServers), self._who_am_i
        )

    def customers(self, filters: Attributes) -> Listing:
        """The customers that the filters (by option name) do not rule out, as far as a list can tell.

        The server can filter only by the beginning of a name [reported], so this reads all rows.
        """
        shown_by_lists = {name: value for name, value in filters.items() if name in self.capabilities.always_listed}
        found = [customer for customer in read_list(self._page) if matches(customer.attributes, shown_by_lists)]
        return Listing(found, is_whole=False)

    def every_customer(self) -> Listing:
        """All customers, from pages that fit together. This takes one or two more calls.

        Reads the list again if the pages do not fit.
        """
        found = read_whole_list(self._page)
        if found is not None:
            return Listing(found, is_whole=True)
        problem = f"customers moved while they were listed, and the pages did not fit together {MOST_READINGS} times"
        return Listing([], is_whole=False, problem=problem)

    def unlisted(self, name: str) -> list[Customer]:
        """Takes one call if the customer does not exist.

        If it exists, a list that is narrowed to the name may show more than the customer's own address: where its data
        reside.
        """
        found = self._single(name)
        shown = self._narrowed(name) if found else []
        return [customer for customer in shown if customer.username == name] or found

    def lookup(self, names: t.Sequence[str], near: bool = False) -> list[Customer]:
        """Reads a filtered list for each name.

        The filter takes names that begin like it in any case [reported], or that name alone. A list may hide a
        customer [seen], so a customer that it lacks gets a call of its own.
        """
        found: dict[t.Any, Customer] = {}
        for name in names:
            rows = self._narrowed(name)
            if not any(customer.username == name for customer in rows):
                rows += self._single(name)
            found.update({identity_of(customer): customer for customer in rows})
        return list(found.values())

    def details(self, username: str, key: Key, wanted: Attributes) -> Details:
        """One call for all attributes of the profile."""
        if not wanted.keys() & PROFILE_FIELDS.keys():
            return Details()
        if not is_addressable(username):
            return Details(problem=f"the username {NOT_IN_A_HEADER}")
        with _doing("get_profile", username):
            subject = self._on_behalf.subject(username, key)
            self._on_behalf.check_read(subject)
        return Details(
            self._send("get_profile", username, self._reader("get_profile").value(from_profile), subject=subject)
        )

    def write(self, operation: Operation, key: Key | None, budget: RetryBudget | None = None) -> None:
        """Carries out one writing operation.

        `budget`: the rest of a retry budget, if this is one of several tries.
        """
        name, user, call = operation.name, operation.user, CALLS[operation.name]
        subject = None
        if call.on_behalf:
            with _doing(name, user):
                subject = self._on_behalf.subject(user, key or Key(None))
                self._on_behalf.check_write(subject)
        body = {**call.body, **to_wire(operation.sent)}
        self._send(name, user, self._reader(name).confirmation, body=body, subject=subject, budget=budget)

    def is_repeatable(self, operation: str) -> bool:
        """Whether the same call may be made again after its answer was lost."""
        return CALLS[operation].repeatable

    def retry_budget(self) -> RetryBudget:
        """A new allowance of tries and of waiting."""
        return self._client.retry_budget()

    @property
    def longest_wait(self) -> float:
        """Seconds that the tries of one call may wait in all."""
        return self._client.connection.max_retry_wait

    # Reads

    def _page(self, rows: int, name: str = "") -> list[Customer]:
        """The page after this number of rows. `name`: the customer to narrow the list to, if any."""
        narrowed = {"username": name} if name else {}
        query = {"limit": PAGE, "offset": rows, "include_region": "true", **narrowed}
        return self._send("list", name, self._reader("list").value(_rows), query=query)

    def _narrowed(self, name: str) -> list[Customer]:
        """The rows of the filtered list, up to the page that has the name."""
        pages = Pages()
        while pages.add(self._page(pages.rows, name)) and all(one.username != name for one in pages.customers):
            pass
        return pages.customers

    def _single(self, name: str) -> list[Customer]:
        """The customer with this name, if the server knows it."""
        read = self._reader("get").value_if_known(from_row)
        found = self._send("get", name, read, query={"include_region": "true"})
        return [] if found is None else [found]

    def _who_am_i(self, subject: Subject) -> tuple[str, str]:
        return self._send("who_am_i", subject.username, self._reader("who_am_i").value(_identity), subject=subject)

    # Calls

    def _reader(self, operation: str) -> Reader:
        call = CALLS[operation]
        return Reader(self._client.redact, call.scope, call.on_behalf, names_customer=_USER in call.route)

    def _send(
        self,
        operation: str,
        user: str,
        read: t.Callable[[Answer], Value],
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Mapping[str, t.Any] | None = None,
        subject: Subject | None = None,
        budget: RetryBudget | None = None,
    ) -> Value:
        request = self._request(CALLS[operation], user, query, body, subject)
        with _doing(operation, user):
            try:
                return self._client.send(request, read, budget)
            except CallError as error:
                if error.status == 429 or (error.status is None and error.applied == NOT_APPLIED):
                    error.concerns = SERVER
                raise

    def _request(
        self,
        call: Call,
        user: str,
        query: t.Mapping[str, t.Any] | None,
        body: t.Mapping[str, t.Any] | None,
        subject: Subject | None,
    ) -> Request:
        connection = self._client.connection
        base = subject.base if subject else connection.api_url
        path = call.route.replace(_USER, quote(user, safe=""))
        return Request(
            call.method,
            f"{base}{path}?{urlencode(query)}" if query else f"{base}{path}",
            headers={
                "Authorization": f"Bearer {connection.api_key}",
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if body else {}),
                **(subject.headers if subject else {}),
            },
            body=json.dumps(body).encode("utf-8") if body else None,
            # The server counts calls for each endpoint [doc].
            limit_key=f"{call.method} {base}{call.route}",
            probes=True,
            repeatable=call.repeatable,
            applied_if_limited=call.applied_if_limited,
            largest=call.largest,
        )


@contextlib.contextmanager
def _doing(operation: str, user: str) -> t.Iterator[None]:
    """Adds the failed operation to an error, unless a call has added it already."""
    try:
        yield
    except CallError as error:
        error.doing = error.doing or (
            CALLS[operation].doing.format(user=escape_control(user, 100)) if user else "list customers"
        )
        raise


def _rows(document: t.Any) -> list[Customer]:
    """A list is a bare array [spec]."""
    if not isinstance(document, list):
        raise WireError(["the answer is not a list of customers"], readable=False)
    return [from_row(row) for row in document]


def _identity(document: t.Any) -> tuple[str, str]:
    """The username and the id of the account that the server sees as the caller [spec]."""
    if not isinstance(document, dict) or not all(document.get(name) for name in ("username", "user_id")):
        raise WireError(["the answer does not say who was asked"], readable=False)
    return str(document["username"]), str(document["user_id"])
