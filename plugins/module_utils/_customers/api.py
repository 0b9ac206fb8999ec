# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The interface of an API for customers: data about its capabilities, and a few calls.

The plan, reconcile, the fleet and the checks know attributes and operations, but name no API. All differences between
APIs are in the data and calls of this file.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget

# Returns the problems of a value, as texts.
Problems = t.Callable[[t.Any], "list[str]"]
# The same, with the date of this machine and the date in UTC, because the date of the server is not known.
ProblemsOfTheDay = t.Callable[[t.Any, t.Sequence[datetime.date]], "list[str]"]
# The same for connection options by name.
ConnectionProblems = t.Callable[[t.Mapping[str, t.Any]], "list[str]"]


def is_equal(wanted: t.Any, stored: t.Any) -> bool:
    """Whether a stored value is the wanted one, if the server stores values unchanged."""
    return bool(wanted == stored)


def as_it_is(value: t.Any) -> t.Any:
    """What a server shows that stores what it is given."""
    return value


def no_problems(_value: t.Any, _days: t.Sequence[datetime.date] = ()) -> list[str]:
    """The check of an attribute that may have any value."""
    return []


class Capability(t.NamedTuple):
    """What one API can do with one attribute.

    `written_by`: the operation that changes it; None if only a creation sets it. `on_create`: whether a creation takes
    it. `seen`: how its value becomes known: `list` (in each list), `sometimes` (in the lists of some servers),
    `details` (by a further read), `compared` (the server hides it, but tells whether it has a given value), `never`.
    `detail`: the name of the further read; by default the name of the attribute.
    `compared_in_fleets`: False if a fleet skips the further call, and sends the value along with others.
    `needed`: whether a creation requires it. `limit`: the maximum number of characters, in each item of a list;
    `limit_on_create`: a smaller maximum for new customers. `same`: whether a stored value equals the desired one, if
    the server changes values. `shown_as`: returns what the server shows of a value that was written. `problems`:
    returns the problems of a value, or of one item of a list. `problems_on_create`: returns the problems that a value
    has only for a new customer. `problems_when_written`: returns the problems that a value has only if it must be
    written. `vetted`: whether the API must be asked before the first write whether the value can be written. `fixed`:
    why a value cannot be changed, as a clause; another value is an error.
    """

    written_by: str | None = None
    on_create: bool = True
    seen: str = "list"
    detail: str = ""
    compared_in_fleets: bool = True
    needed: bool = False
    limit: int | None = None
    limit_on_create: int | None = None
    same: t.Callable[[t.Any, t.Any], bool] = is_equal
    shown_as: t.Callable[[t.Any], t.Any] = as_it_is
    problems: Problems = no_problems
    problems_on_create: ProblemsOfTheDay = no_problems
    problems_when_written: Problems = no_problems
    vetted: bool = False
    fixed: str = ""


class Switch(t.NamedTuple):
    """The two operations of an attribute that is either true or false.

    `allows`: what a customer can do while the attribute is true, as in "can send e-mail".
    """

    open: str
    close: str
    allows: str

    def operation(self, position: bool) -> str:
        """The operation that sets the attribute to `position`."""
        return self.open if position else self.close


class ConnectionRules(t.NamedTuple):
    """What one API requires of the connection options.

    `default_url`: the base address if none is given. `foreign_paths`: ends of addresses that belong to other APIs.
    `problems`: returns the problems of the options, beyond the checks for all APIs. `default_eu_url`: the address for
    customers with data in the EU; None if the API has no such address. `user_is_account`: whether `api_user` identifies
    the account with these options; otherwise only the API key does. `unused`: options that the API ignores.
    """

    default_url: str
    foreign_paths: tuple[str, ...]
    problems: ConnectionProblems
    user_is_account: t.Callable[[t.Mapping[str, t.Any]], bool]
    default_eu_url: str | None = None
    unused: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Capabilities:
    """What one API can do with customers.

    `connection`: what it requires of the connection options. `attributes`: by option name, in the order of messages.
    `new_customer`: the attributes that a new customer has unless a task changes them. `switches`: by attribute.
    `order`: the other operations that change a customer, in the order of the calls. `rename_problems`: returns the
    problems of a new username. `missing`: the options that it does not have, each with a clause that says so, and what
    to do instead. `never_updated`: the attributes that only a creation sets, each with a clause for a task that asks
    for more. `confirms_creation`: whether a creation counts only after a read shows the customer.
    `longest_settling`: seconds that the server may need to know a new customer everywhere; None: as long as a call may
    wait. `lookup_misses_near`: whether only a lookup for near names shows names that look alike. `hidden_in_lists`: the
    attributes of customers that lists may hide, so that a name may exist although a list lacks it; empty if a list
    shows all customers. `no_api_keys`: why customers have no API keys, as a sentence; empty if they have them.
    """

    connection: ConnectionRules
    attributes: t.Mapping[str, Capability]
    new_customer: Attributes
    switches: t.Mapping[str, Switch]
    order: tuple[str, ...]
    rename_problems: Problems = no_problems
    missing: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    never_updated: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    confirms_creation: bool = False
    longest_settling: float | None = None
    lookup_misses_near: bool = True
    hidden_in_lists: Attributes = dataclasses.field(default_factory=dict)
    no_api_keys: str = ""

    @functools.cached_property
    def _by_sight(self) -> dict[str, frozenset[str]]:
        """The attributes, by how their values become known."""
        return {way: self.names(seen=way) for way in {one.seen for one in self.attributes.values()}}

    def seen(self, way: str) -> frozenset[str]:
        """The attributes whose values become known this way. Called for each customer, so the answer is cached."""
        return self._by_sight.get(way, frozenset())

    @property
    def always_listed(self) -> frozenset[str]:
        """The attributes that every row of every list shows."""
        return self.seen("list")

    @functools.cached_property
    def shown_otherwise(self) -> dict[str, t.Callable[[t.Any], t.Any]]:
        """The attributes of which the server shows something else than it was given, and what."""
        return {name: one.shown_as for name, one in self.attributes.items() if one.shown_as is not as_it_is}

    @functools.cached_property
    def vetted(self) -> frozenset[str]:
        """The attributes about which the API is asked before anything is written."""
        return self.names(vetted=True)

    @functools.cached_property
    def fixed(self) -> frozenset[str]:
        """The attributes that cannot be changed."""
        return frozenset(name for name, one in self.attributes.items() if one.fixed)

    @functools.cached_property
    def longest_plain(self) -> dict[str, float]:
        """The attributes that need no check except of their length, each with the maximum length."""
        return {
            name: math.inf if capability.limit is None else capability.limit
            for name, capability in self.attributes.items()
            if capability.problems is no_problems
        }

    def shown_by(self, details: t.Container[str]) -> frozenset[str]:
        """The attributes that these further reads show."""
        return frozenset(name for name in self.seen("details") if (self.attributes[name].detail or name) in details)

    def names(self, **properties: t.Any) -> frozenset[str]:
        """The attributes whose capability has all these properties."""
        return frozenset(
            name
            for name, capability in self.attributes.items()
            if all(getattr(capability, key) == value for key, value in properties.items())
        )


@dataclasses.dataclass(frozen=True)
class Customer:
    """A customer as a list shows it: attributes by option name, and what the server shows beyond them.

    `key`: how the API identifies it, beside its name. Only the API looks into it. Two customers have different keys,
    except for keys that are false: these identify nobody.
    """

    attributes: Attributes
    extra: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    key: t.Any = None

    @property
    def username(self) -> str:
        """The name that a task uses for it."""
        return str(self.attributes["username"])


class Listing(t.NamedTuple):
    """Customers of the account.

    `is_whole`: whether they are certainly all that the account shows. `problem`: why this is not certain, as a clause.
    """

    customers: list[Customer]
    is_whole: bool
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Details:
    """What a further read shows of a customer.

    `attributes`: values that no list shows. `matches`: by attribute, whether the server has the given value; an
    attribute has no key if the server could not tell. `blocked`: by attribute, why no other value can replace the
    present one, as a clause. `problem`: why a further read is not possible, as a clause.
    """

    attributes: Attributes = dataclasses.field(default_factory=dict)
    matches: dict[str, bool] = dataclasses.field(default_factory=dict)
    blocked: dict[str, str] = dataclasses.field(default_factory=dict)
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Operation:
    """One write. `user`: the customer's name at the time of the call. `sent`: the attributes that the call sends.

    `effect`: the attributes that the write changes, with their new values. It differs from `sent` if the operation
    sends no value (`enable`), or if a creation sets more than the task asks for. It never holds a secret.
    """

    name: str
    user: str
    sent: Attributes = dataclasses.field(default_factory=dict, repr=False)
    effect: Attributes = dataclasses.field(default_factory=dict, repr=False)


class CustomerApi(t.Protocol):
    """The customers of one account, behind one API. Each method raises CallError for a call that did not succeed."""

    capabilities: Capabilities

    @property
    def longest_wait(self) -> float:
        """Seconds that the tries of one call may wait in all."""

    def customers(self, filters: Attributes) -> Listing:
        """The customers that the filters (by option name) do not rule out. A filter narrows, but proves nothing."""

    def every_customer(self) -> Listing:
        """All customers. `is_whole` if that is certain, which may take more calls."""

    def unlisted(self, name: str) -> list[Customer]:
        """The customer with this name, if it exists although a list of all lacks it."""

    def lookup(self, names: t.Sequence[str], near: bool = False) -> list[Customer]:
        """Customers that include those with these names, if they exist. An error names the first one.

        `near`: also those whose names only look similar, as far as the API can show them.
        """

    def read_for_all(self, names: t.Container[str]) -> None:
        """To be called once before `details` of many customers, with the attributes that they are asked about.

        What one list of the account tells of all customers is read here, and `details` makes no call for it any more.
        It holds for the task: also for other objects over the same client.
        """

    def details(self, username: str, key: t.Any, wanted: Attributes) -> Details:
        """What further reads show of these attributes of an existing customer. `key`: as in its Customer.

        `wanted`: by name, what is compared, or None for an attribute that is only to be shown: `dict.fromkeys(names)`.
        The names that are shown by further reads are `capabilities.shown_by`.
        """

    def objections(self, operations: t.Sequence[Operation], current: Attributes | None) -> list[str]:
        """Why operations of a plan must not be begun, as clauses. It reads what it has to.

        `current`: what is known of the customer, None when there is none. To be asked where one of `vetted` is written.
        """

    def write(self, operation: Operation, key: t.Any, budget: RetryBudget | None = None) -> None:
        """Carries out one operation of a plan.

        `key`: as in its Customer; None if the customer does not exist yet. `budget`: the rest of a retry budget, if
        this is one of several tries.
        """

    def is_repeatable(self, operation: str) -> bool:
        """Whether the same call may be made again after its answer was lost."""

    def retry_budget(self) -> RetryBudget:
        """A new allowance of tries and of waiting."""
