# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Reads a list in pages. The list ends if a page is empty or has no new customer; a short page proves nothing.

Customers come and go during a reading, and all rows after such a customer move. Then the next page skips a customer, or
shows one twice. No page reports this, and no record shows the order of the rows. So a reading that must be whole begins
each page one row earlier. If nothing moved, the first row is the last row of the page before, and no customer comes
twice. Such a reading misses only a customer that takes the place of another one which goes between the same two calls.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, CallError

# The default and the ceiling of the server [doc].
PAGE = 500
# A server that always shows new customers must not fill the memory.
MOST_CUSTOMERS = 200_000
# The maximum number of readings of a list that must be whole.
MOST_READINGS = 3

Page = t.Sequence[Customer]
# Returns the page that begins after this number of rows.
PageAfter = t.Callable[[int], Page]


@dataclasses.dataclass
class Pages:
    """Collects the customers of pages. `rows`: the number of rows, including those of known customers."""

    rows: int = 0
    _found: dict[t.Any, Customer] = dataclasses.field(default_factory=dict)
    _last: t.Any = None

    @property
    def customers(self) -> list[Customer]:
        """Each customer once, as its last row shows it."""
        return list(self._found.values())

    def add(self, page: Page) -> bool:
        """Adds one page. Returns whether there may be more pages. Raises CallError if there are too many customers."""
        before = len(self._found)
        for customer in page:
            self._last = identity_of(customer)
            self._found[self._last] = customer
        self.rows += len(page)
        if len(self._found) > MOST_CUSTOMERS:
            raise CallError(f"the list has more than {MOST_CUSTOMERS:,} customers", MAYBE_APPLIED)
        return len(self._found) > before

    def continue_with(self, page: Page) -> bool:
        """Whether a page begins with the last row, and all its other customers are new."""
        return bool(page) and identity_of(page[0]) == self._last and self.are_new(page[1:])

    def are_new(self, page: Page) -> bool:
        """Whether all customers on a page are new."""
        return not any(identity_of(customer) in self._found for customer in page)


def identity_of(customer: Customer) -> t.Any:
    """What identifies a customer that comes twice: its id, or without an id its name."""
    return customer.key.id or (customer.username,)


def read_list(page_after: PageAfter) -> list[Customer]:
    """The customers as the pages show them, each read once."""
    pages = Pages()
    while pages.add(page_after(pages.rows)):
        pass
    return pages.customers


Row = t.TypeVar("Row")


def read_rows(
    page_after: t.Callable[[int], t.Sequence[Row]], identity: t.Callable[[Row], str], what: str, short: int = 0
) -> list[Row]:
    """The rows of a list of something else, each read once. `what`: that, for an error.

    `short`: a page of fewer rows is the last one.
    """
    found: dict[str, Row] = {}
    rows, known = 0, -1
    while known < len(found):
        known = len(found)
        page = page_after(rows)
        rows += len(page)
        found.update({identity(row): row for row in page})
        if len(found) > MOST_CUSTOMERS:
            raise CallError(f"the list has more than {MOST_CUSTOMERS:,} {what}", MAYBE_APPLIED)
        if len(page) < short:
            break
    return list(found.values())


def read_whole_list(page_after: PageAfter) -> list[Customer] | None:
    """The customers of a reading with pages that fit together; None if no reading has such pages."""
    for _reading in range(MOST_READINGS):
        pages = _read_overlapping(page_after)
        if pages is not None:
            return pages.customers
    return None


def _read_overlapping(page_after: PageAfter) -> Pages | None:
    pages = Pages()
    page = page_after(0)
    while pages.add(page):
        overlapping = page_after(pages.rows - 1)
        if not pages.continue_with(overlapping):
            return None
        page = overlapping[1:]
        if not page:
            # A page with only the known row is the end of the list, or a page of one row. Only the page after it tells.
            # If that page is not empty, it fits if the row before it is still there.
            page = page_after(pages.rows)
            if page and not (pages.are_new(page) and pages.continue_with(page_after(pages.rows - 1))):
                return None
    return pages
