# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Customers that are there although a list lacks them: the server hides them, or they moved while it was read.

So a name that the list lacks proves nothing. Each such name of a fleet is asked for by itself, before anybody concludes
that there is somebody to create, nobody to delete, or a name that is free.
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

    `position`: in the fleet. `found`: who has these names, None as long as nobody was asked. `error`: what kept the
    server from saying so.
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
            # It stays what it is: not asked for.
            pass
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = as_collection_error(error)


def find_unlisted(wanted: t.Iterable[Desired], listed: t.Container[str], can: Capabilities) -> list[Unlisted]:
    """The customers of a fleet about which the list does not tell everything. `listed`: its names."""
    if not can.hidden_in_lists:
        return []
    lacking = ((position, _missing_names(desired, listed)) for position, desired in enumerate(wanted))
    return [Unlisted(position, names) for position, names in lacking if names]


def _missing_names(desired: Desired, listed: t.Container[str]) -> tuple[str, ...]:
    """Under its final name a customer is what it should be, whoever has the former one."""
    if desired.final_username in listed:
        return ()
    return tuple(name for name in dict.fromkeys((desired.username, desired.final_username)) if name not in listed)


def hiding_warnings(listed: t.Iterable[Customer], can: Capabilities) -> list[str]:
    """A warning of a purge by a list that may hide customers; none where it shows one of those that it might hide."""
    hidden = can.hidden_in_lists
    if not hidden or any(hidden.items() <= customer.attributes.items() for customer in listed):
        return []
    told = " and ".join(f"{name}={str(value).lower()}" for name, value in hidden.items())
    return [
        f"The list shows no customer with {told}. If there are such customers, the server hides them, and purge can "
        "neither delete nor show those that the fleet does not name"
    ]
