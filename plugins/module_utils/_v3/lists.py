# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A list that comes in pages. It is whole when a page is empty or brings nobody new; a short page proves nothing."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, CallError

# The default and the ceiling of the server [doc].
PAGE = 500
# A server that always shows somebody new must not fill the memory.
MOST_CUSTOMERS = 200_000


@dataclasses.dataclass
class Pages:
    """Customers as they come in. One that came in already is known by its id, or without one by its name."""

    customers: list[Customer] = dataclasses.field(default_factory=list)
    rows: int = 0
    _seen: set[t.Any] = dataclasses.field(default_factory=set)

    def add(self, page: t.Sequence[Customer]) -> bool:
        """Takes in one page, and says whether there may be more of them. Raises CallError when there are too many."""
        new = [customer for customer in page if self._is_new(customer)]
        self.customers += new
        self.rows += len(page)
        if len(self.customers) > MOST_CUSTOMERS:
            raise CallError(f"the list has more than {MOST_CUSTOMERS:,} customers", MAYBE_APPLIED)
        return bool(new)

    def _is_new(self, customer: Customer) -> bool:
        identity = customer.key.id or (customer.username,)
        is_new = identity not in self._seen
        self._seen.add(identity)
        return is_new
