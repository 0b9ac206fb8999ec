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
import threading
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
    from_credits,
    from_profile,
    from_row,
    shown_ips,
    to_wire,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.lists import (
    MOST_READINGS,
    PAGE,
    Pages,
    identity_of,
    read_list,
    read_rows,
    read_whole_list,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.on_behalf import (
    OnBehalf,
    Subject,
    VerifiedServers,
    servers,
)

if t.TYPE_CHECKING:
    from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import Address, Domain

Value = t.TypeVar("Value")
Row = t.TypeVar("Row")

_USER = "{user}"
_DOMAIN = "{domain}"
_KEY_ID = "{api_key_id}"


@dataclasses.dataclass(frozen=True)
class Call:
    """One operation [spec].

    `method` and `route`: how to call it; `{user}` in the route stands for the customer, `{domain}` for the id of a
    domain, `{api_key_id}` for one of the customer's API keys. `doing`: what it does, for a message. `scope`: the scope
    that the API key needs. `on_behalf`: whether the call is on behalf of the customer. `names_customer`: whether it
    names the customer elsewhere than in the route. `body`: members that are always sent. `repeatable`: whether to
    repeat it without a check; otherwise a read decides after a lost answer. `applied_if_limited`: whether the server
    may have acted on a call that it answers with HTTP 429. `largest`: the maximum size of its answer in bytes.
    """

    method: str
    route: str
    doing: str
    scope: str
    on_behalf: bool = False
    names_customer: bool = False
    body: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    repeatable: bool = True
    applied_if_limited: str = NOT_APPLIED
    largest: int = LARGEST_CONFIRMATION


def _switch(route: str, disabled: bool, doing: str) -> Call:
    return Call("PATCH", route, doing, "subusers.update", body={"disabled": disabled})


_ONE = "/subusers/{user}"
_DOMAINS = "/whitelabel/domains"
_ONE_KEY = "/api_keys/{api_key_id}"
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
    # There is no other read of the addresses of one customer [reported].
    "get_ips": Call("GET", "/ips", "read the IP addresses of customer '{user}'", "ips.read", largest=LARGEST_ANSWER),
    "list_ips": Call("GET", "/ips", "list the IP addresses of the account", "ips.read", largest=LARGEST_ANSWER),
    "set_ips": Call("PUT", f"{_ONE}/ips", "set the IP addresses of customer '{user}'", "subusers.update"),
    "get_credits": Call("GET", f"{_ONE}/credits", "read the credits of customer '{user}'", "subusers.credits.read"),
    "set_credits": Call("PUT", f"{_ONE}/credits", "set the credits of customer '{user}'", "subusers.credits.update"),
    "get_whitelabel": Call(
        "GET",
        f"{_DOMAINS}/subuser/all",
        "read the domains of customer '{user}'",
        "whitelabel.read",
        names_customer=True,
    ),
    "list_domains": Call("GET", _DOMAINS, "list the domains of the account", "whitelabel.read", largest=LARGEST_ANSWER),
    # Whether a domain that the customer has already is refused is on no record.
    "set_whitelabel": Call(
        "POST",
        f"{_DOMAINS}/{_DOMAIN}/subuser",
        "set the domain of customer '{user}'",
        "whitelabel.create",
        repeatable=False,
    ),
    "remove_whitelabel": Call(
        "DELETE",
        f"{_DOMAINS}/{_DOMAIN}/subuser",
        "take a domain from customer '{user}'",
        "whitelabel.delete",
        names_customer=True,
    ),
    "list_api_keys": Call(
        "GET", "/api_keys", "list the API keys of customer '{user}'", "api_keys.read", on_behalf=True
    ),
    "get_api_key": Call("GET", _ONE_KEY, "read an API key of customer '{user}'", "api_keys.read", on_behalf=True),
    # Names need not be unique, so a repetition would make a second key [spec].
    "create_api_key": Call(
        "POST",
        "/api_keys",
        "create an API key of customer '{user}'",
        "api_keys.create",
        on_behalf=True,
        repeatable=False,
        applied_if_limited=MAYBE_APPLIED,
    ),
    "update_api_key": Call(
        "PUT", _ONE_KEY, "update an API key of customer '{user}'", "api_keys.update", on_behalf=True
    ),
    "delete_api_key": Call(
        "DELETE",
        _ONE_KEY,
        "delete an API key of customer '{user}'",
        "api_keys.delete",
        on_behalf=True,
        repeatable=False,
    ),
}

# Rows of a page that is the last one for certain: below the default of the server [spec], where none has its ceiling.
_SHORT_PAGE = 10


class AccountLists:
    """The lists of the account that a task has read, each at most once for all its customers and threads."""

    def __init__(self) -> None:
        self._lists: dict[str, t.Any] = {}
        self._errors: dict[str, CallError] = {}
        self._lock = threading.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._lists

    def get(self, name: str, read: t.Callable[[], t.Any]) -> t.Any:
        """A list, read now if nobody has. Raises CallError, for everybody who asks for it."""
        # Under the lock, so that calls which start together do not all ask.
        with self._lock:
            if name in self._errors:
                raise self._errors[name]
            if name not in self._lists:
                try:
                    self._lists[name] = read()
                except CallError as error:
                    self._errors[name] = error
                    raise
            return self._lists[name]


class V3Api:
    """The customers of one account behind API v3. Repeats a failed call if that is safe, or raises CallError."""

    def __init__(self, client: Client) -> None:
        self.capabilities = capabilities()
        self._client = client
        connection = client.connection
        self._on_behalf = OnBehalf(
            servers(connection.api_url, connection.eu_api_url), client.remembered(VerifiedServers), self._who_am_i
        )
        self._account = client.remembered_in_task(AccountLists)
        # By id, what lists have told. A list that hides a customer once it is disabled tells it no more.
        self._residencies: dict[str | None, str] = {}
        # Whom this object has written to: what a list told of them before does not hold any more.
        self._written: set[str] = set()
        # The domains that customers had when they were last asked about, until they are written to.
        self._domains: dict[str, list[Domain]] = {}

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

    def read_for_all(self, names: t.Container[str]) -> None:
        """One list of the account's IP addresses, for `ips`."""
        if "ips" in names:
            self._account_ips()

    def details(self, username: str, key: Key, wanted: Attributes) -> Details:
        """One call for all attributes of the profile, and one for each of the others.

        None for `ips` after `read_for_all`. More than one only for a customer with many addresses.
        """
        reads: dict[str, t.Callable[[str], t.Any]] = {"ips": self._ips_of, "credits": self._credits_of}
        is_about_profile = bool(wanted.keys() & PROFILE_FIELDS.keys())
        if not is_about_profile and not wanted.keys() & {*reads, "whitelabel"}:
            return Details()
        if not is_addressable(username):
            return Details(problem=f"the username {NOT_IN_A_HEADER}")
        attributes = self._profile_of(username, key) if is_about_profile else {}
        attributes.update({name: read(username) for name, read in reads.items() if name in wanted})
        if "whitelabel" not in wanted:
            return Details(attributes)
        attributes["whitelabel"], clause = self._whitelabel_of(username, wanted["whitelabel"])
        return Details(attributes, blocked={"whitelabel": clause} if clause else {})

    def objections(self, operations: t.Sequence[Operation], current: Attributes | None) -> list[str]:
        """Addresses and domains that the customer cannot have, as the lists of the account tell."""
        now = current or {}
        problems: list[str] = []
        for operation in operations:
            sent = operation.sent
            if "ips" in sent:
                problems += self._foreign_ips(set(sent["ips"]) - set(now.get("ips", ())))
            if sent.get("whitelabel"):
                problems.append(self._domain(sent["whitelabel"], {operation.user, now.get("username")})[1])
            if "data_residency" in sent and any(CALLS[one.name].on_behalf for one in operations):
                problems += self._on_behalf.residency_problems(sent["data_residency"])
        return [problem for problem in problems if problem]

    def write(self, operation: Operation, key: Key | None, budget: RetryBudget | None = None) -> None:
        """Carries out one writing operation.

        `budget`: the rest of a retry budget, if this is one of several tries.
        """
        name, user, call = operation.name, operation.user, CALLS[operation.name]
        self._written.add(user)
        if name == "set_whitelabel":
            self._set_whitelabel(user, operation.sent["whitelabel"], key, budget)
            return
        if name == "create":
            self._domains[user] = []
        subject = self._verified(name, user, key or Key(None)) if call.on_behalf else None
        body = _BODIES[name](operation.sent) if name in _BODIES else {**call.body, **to_wire(operation.sent)} or None
        self._send(name, user, self._reader(name).confirmation, body=body, subject=subject, budget=budget)

    def call_on_behalf(
        self,
        operation: str,
        username: str,
        key: Key,
        decode: t.Callable[[t.Any], Value] | None = None,
        body: t.Mapping[str, t.Any] | None = None,
        api_key_id: str = "",
        budget: RetryBudget | None = None,
    ) -> Value | None:
        """Makes one call on behalf of a customer, once it is certain that the server hears for whom it is.

        Returns what `decode` makes of the answer; None where it is only a confirmation.
        """
        subject = self._verified(operation, username, key)
        reader = self._reader(operation)
        read: t.Callable[[Answer], Value | None] = reader.confirmation if decode is None else reader.value(decode)
        return self._send(operation, username, read, body=body, subject=subject, budget=budget, api_key_id=api_key_id)

    def _verified(self, operation: str, username: str, key: Key) -> Subject:
        """The customer that an operation is called on behalf of, once the server is known to hear that."""
        check = self._on_behalf.check_read if CALLS[operation].method == "GET" else self._on_behalf.check_write
        with _doing(operation, username):
            subject = self._on_behalf.subject(username, key)
            check(subject)
        return subject

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
        self._residencies.update(
            {one.key.id: one.key.residency for one in pages.customers if "data_residency" in one.attributes}
        )
        return pages.customers

    def _single(self, name: str) -> list[Customer]:
        """The customer with this name, if the server knows it."""
        read = self._reader("get").value_if_known(from_row)
        found = self._send("get", name, read, query={"include_region": "true"})
        if found is None:
            return []
        residency = self._residencies.get(found.key.id)
        if residency is None or "data_residency" in found.attributes:
            return [found]
        attributes = {**found.attributes, "data_residency": residency}
        return [dataclasses.replace(found, attributes=attributes, key=found.key._replace(residency=residency))]

    def _profile_of(self, username: str, key: Key) -> Attributes:
        return t.cast(Attributes, self.call_on_behalf("get_profile", username, key, from_profile))

    def _credits_of(self, username: str) -> dict[str, t.Any]:
        return self._send("get_credits", username, self._reader("get_credits").value(from_credits))

    def _ips_of(self, username: str) -> list[str]:
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import ips_by_customer

        if "ips" in self._account and username not in self._written:
            known = self._account_ips()
            # A look at each address for each customer would take long for thousands of both.
            found = self._account.get("ips by customer", lambda: ips_by_customer(known))
        else:
            # A filter that is not heard must not give one customer the addresses of all.
            found = ips_by_customer(self._addresses("get_ips", username, _SHORT_PAGE, subuser=username))
        return shown_ips(found.get(username, ()))

    def _account_ips(self) -> list[Address]:
        found: list[Address] = self._account.get("ips", lambda: self._addresses("list_ips"))
        return found

    def _foreign_ips(self, wanted: t.Collection[str]) -> list[str]:
        if not wanted:
            return []
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import foreign_problems

        return foreign_problems(shown_ips(wanted), {address.ip for address in self._account_ips()})

    def _addresses(self, operation: str, user: str = "", short: int = 0, **query: str) -> list[Address]:
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import addresses_of

        page_after = self._page_after(operation, addresses_of, user, query)
        return read_rows(page_after, lambda address: address.ip, "IP addresses", short)

    def _page_after(
        self,
        operation: str,
        decode: t.Callable[[t.Any], list[Row]],
        user: str = "",
        query: t.Mapping[str, str] | None = None,
    ) -> t.Callable[[int], list[Row]]:
        read = self._reader(operation).value(decode)
        return lambda rows: self._send(operation, user, read, query={"limit": PAGE, "offset": rows, **(query or {})})

    def _whitelabel_of(self, username: str, wanted: str | None) -> tuple[str, str]:
        """What is shown of the domains of a customer, and why the wanted one cannot take their place."""
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import (
            blocked_by,
            shown_domain,
        )

        found = self._domains[username] = self._domains_of(username)
        return shown_domain(wanted, found), blocked_by(wanted, found)

    def _domains_of(self, username: str) -> list[Domain]:
        """One call. Without a domain, the answer may be HTTP 404 [reported]."""
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import domains_of

        read = self._reader("get_whitelabel").value_if_known(domains_of)
        return self._send("get_whitelabel", username, read, query={"username": username}) or []

    def _domain(self, text: str, owners: set[str | None], owner_id: str | None = None) -> tuple[Domain | None, str]:
        """The domain that a customer is to have, or why it cannot have it.

        `owners` and `owner_id`: the names and the id of the customer itself.
        """
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import choose

        own = self._account.get("domains", lambda: self._account_domains(exclude_subusers="true"))
        return choose(
            text,
            own,
            lambda: self._account.get("all domains", self._account_domains),
            lambda domain: domain.owner in owners or (owner_id is not None and domain.owner_id == owner_id),
        )

    def _account_domains(self, **query: str) -> list[Domain]:
        from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.assignments import domains_of

        page_after = self._page_after("list_domains", domains_of, query=query)
        return read_rows(page_after, lambda domain: domain.id, "domains")

    def _set_whitelabel(self, user: str, text: str, key: Key | None, budget: RetryBudget | None) -> None:
        """Gives the customer the domain, and takes away what it had before; without one, all that it has."""
        earlier = self._domains.pop(user, None)
        if earlier is None:
            earlier = self._domains_of(user)
        if text:
            domain, problem = self._domain(text, {user}, key.id if key else None)
            if domain is None:
                with _doing("set_whitelabel", user):
                    raise CallError(problem, NOT_APPLIED)
            confirm = self._reader("set_whitelabel").confirmation
            self._send("set_whitelabel", user, confirm, body={"username": user}, domain=domain.id, budget=budget)
            # It takes the place of an earlier one; that this is so with every server is on no record.
            earlier = [one for one in self._domains_of(user) if one.id != domain.id] if earlier else []
        for one in earlier:
            confirm = self._reader("remove_whitelabel").confirmation_if_known
            self._send("remove_whitelabel", user, confirm, {"username": user}, domain=one.id, budget=budget)

    def _who_am_i(self, subject: Subject) -> tuple[str, str]:
        return self._send("who_am_i", subject.username, self._reader("who_am_i").value(_identity), subject=subject)

    # Calls

    def _reader(self, operation: str) -> Reader:
        call = CALLS[operation]
        names_customer = call.names_customer or _USER in call.route
        return Reader(self._client.redact, call.scope, call.on_behalf, names_customer)

    def _send(
        self,
        operation: str,
        user: str,
        read: t.Callable[[Answer], Value],
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        subject: Subject | None = None,
        budget: RetryBudget | None = None,
        domain: str = "",
        api_key_id: str = "",
    ) -> Value:
        """`body`: what becomes JSON; None for a call without a body."""
        named = {_USER: user, _DOMAIN: domain, _KEY_ID: api_key_id}
        request = self._request(CALLS[operation], named, query, body, subject)
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
        named: t.Mapping[str, str],
        query: t.Mapping[str, t.Any] | None,
        body: t.Any,
        subject: Subject | None,
    ) -> Request:
        connection = self._client.connection
        base = subject.base if subject else connection.api_url
        path = call.route
        for place, name in named.items():
            path = path.replace(place, quote(name, safe=""))
        return Request(
            call.method,
            f"{base}{path}?{urlencode(query)}" if query else f"{base}{path}",
            headers={
                "Authorization": f"Bearer {connection.api_key}",
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if body is not None else {}),
                **(subject.headers if subject else {}),
            },
            body=None if body is None else json.dumps(body).encode("utf-8"),
            # The server counts calls for each endpoint [doc].
            limit_key=f"{call.method} {base}{call.route}",
            probes=True,
            repeatable=call.repeatable,
            applied_if_limited=call.applied_if_limited,
            largest=call.largest,
        )


# The bodies that are no object with the attributes in it.
_BODIES: dict[str, t.Callable[[Attributes], t.Any]] = {
    # A bare list [spec].
    "set_ips": lambda sent: sent["ips"],
    "set_credits": lambda sent: sent["credits"],
}


@contextlib.contextmanager
def _doing(operation: str, user: str) -> t.Iterator[None]:
    """Adds the failed operation to an error, unless a call has added it already."""
    try:
        yield
    except CallError as error:
        doing = "list customers" if operation == "list" and not user else CALLS[operation].doing
        error.doing = error.doing or doing.format(user=escape_control(user, 100))
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
