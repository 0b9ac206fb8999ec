# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Customers by name: the customer that a task names, and names that only look similar. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    difference,
    escape_hidden,
    name_key,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired, Observed
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control


class CustomerIndex:
    """Customers of a list, by name. A lookup takes one step, however many customers there are.

    `sometimes`: the attributes that only some servers show. `shows`: those of them that this one is known to show.
    """

    def __init__(self, customers: t.Iterable[Customer], sometimes: frozenset[str] = frozenset()) -> None:
        self._by_name = {customer.username: customer for customer in customers}
        self._by_key: dict[str, list[str]] = {}
        for name in self._by_name:
            self._by_key.setdefault(name_key(name), []).append(name)
        rows = [customer.attributes for customer in self._by_name.values()]
        self.shows = frozenset(name for name in sometimes if any(name in row for row in rows))

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Customer:
        return self._by_name[name]

    @property
    def customers(self) -> list[Customer]:
        """All customers."""
        return list(self._by_name.values())

    def extended(self, customers: t.Iterable[Customer]) -> CustomerIndex:
        """An index with customers that were found later. It does not contain them under a former name."""
        further = list(customers)
        if not further:
            return self
        latest = {customer.key or (customer.username,): customer for customer in [*self.customers, *further]}
        return CustomerIndex(latest.values(), self.shows)

    def similar_names(self, name: str) -> list[str]:
        """The names that look like `name` to a person, and `name` itself if it exists."""
        return self._by_key.get(name_key(name), [])

    def exact(self, desired: Desired) -> Customer | None:
        """The customer that `desired` names, matched exactly; None if it does not exist.

        Raises InvalidInput if both the former and the new name of a rename exist.
        """
        if desired.new_username is None:
            return self._by_name.get(desired.username)
        found = [self._by_name[name] for name in desired.usernames if name in self._by_name]
        if len(found) > 1:
            former, new = escape_control(desired.username, 200), escape_control(desired.final_username, 200)
            raise InvalidInput([f"both '{former}' and '{new}' exist"], about=f"Customer '{former}' cannot be renamed")
        return found[0] if found else None

    def identify(self, desired: Desired) -> Customer | None:
        """The same, for use before a write: also raises InvalidInput for a name that only looks alike."""
        found = self.exact(desired)
        if found is None:
            self._refuse_near_miss("username", desired.username, desired)
        if found is None or found.username != desired.final_username:
            self._refuse_near_miss("new_username", desired.final_username, desired)
        return found

    def observed(self, desired: Desired) -> Observed:
        """What the list shows of the customer that `desired` names. Raises InvalidInput like `identify`."""
        found = self.identify(desired)
        if found is None:
            return Observed(shows=self.shows)
        return Observed(found.attributes, shows=self.shows, key=found.key)

    def _refuse_near_miss(self, option: str, name: str, desired: Desired) -> None:
        """Never uses another customer than the named one, and never creates a name that looks like an existing one."""
        near = sorted(set(self.similar_names(name)) - desired.usernames)
        if near:
            raise InvalidInput(
                [
                    f"'{escape_hidden(near[0], 200)}' {difference(near[0], name)}, and usernames are matched exactly, "
                    f"so correct {option} in the task"
                ],
                about=f"There is no customer '{escape_control(name, 200)}'",
            )
