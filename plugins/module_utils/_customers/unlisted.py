# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Customers that exist although the list lacks them: the server hides them, or they moved while the list was read.

So a name that the list lacks proves nothing. The run asks for each such name of a fleet by itself, before it concludes
that a customer must be created, that there is nothing to delete, or that a name is free.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Capabilities,
    Customer,
    CustomerApi,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    Cancelled,
    CollectionError,
    as_collection_error,
)


@dataclasses.dataclass
class Unlisted:
    """A customer of a fleet with names that the list lacks.

    `position`: in the fleet. `found`: the customers with these names, None until the server was asked. `error`: why the
    server did not answer.
    """

    position: int
    names: tuple[str, ...]
    found: list[Customer] | None = None
    error: CollectionError | None = None

    def look_up(self, api: CustomerApi) -> None:
        """Asks for the names, one by one. Raises nothing."""
        try:
            self.found = [customer for name in self.names for customer in api.unlisted(name)]
        except Cancelled:
            # It stays as it is: the server was not asked.
            pass
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = as_collection_error(error)


def find_unlisted(wanted: t.Iterable[Desired], listed: t.Container[str], can: Capabilities) -> list[Unlisted]:
    """The customers of a fleet that the list may hide. `listed`: its names."""
    if not can.hidden_in_lists:
        return []
    lacking = ((position, _missing_names(desired, listed)) for position, desired in enumerate(wanted))
    return [Unlisted(position, names) for position, names in lacking if names]


def _missing_names(desired: Desired, listed: t.Container[str]) -> tuple[str, ...]:
    """If the final name is listed, it does not matter who has the former one."""
    if desired.final_username in listed:
        return ()
    return tuple(name for name in dict.fromkeys((desired.username, desired.final_username)) if name not in listed)


def hiding_warnings(listed: t.Iterable[Customer], can: Capabilities) -> list[str]:
    """A warning if a purge uses a list that may hide customers; none if the list shows one that it might hide."""
    hidden = can.hidden_in_lists
    if not hidden or any(hidden.items() <= customer.attributes.items() for customer in listed):
        return []
    told = " and ".join(f"{name}={str(value).lower()}" for name, value in hidden.items())
    return [
        f"The list shows no customer with {told}. If there are such customers, the server hides them, and purge can "
        "neither delete nor show those that the fleet does not name"
    ]
