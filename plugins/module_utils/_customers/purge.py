# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Which customers a purge deletes, and what prevents the deletion. Pure: no I/O, no Ansible.

A deletion cannot be undone, and a deleted username stays taken forever [doc]. So a purge does not delete a customer if
its name may be a typing mistake, or if somebody may have renamed it.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Listing
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    escape_hidden,
    few,
    has_hidden,
    name_key,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput

_FEW = 3


@dataclasses.dataclass(frozen=True)
class Purge:
    """What a purge would do.

    `deletions`: the usernames to delete. `look_alikes`: those that are kept, each with the name of the fleet that it
    looks like. `renamed`: by the position of a customer of the fleet that the run would create, the `deletions` with
    the same e-mail address. If there are any, the purge deletes nothing.
    """

    deletions: tuple[str, ...]
    look_alikes: dict[str, str]
    renamed: dict[int, tuple[str, ...]]

    def warnings(self) -> list[str]:
        """The customers that look like one of the fleet, in one sentence."""
        if not self.look_alikes:
            return []
        pairs = [
            f"'{escape_hidden(name)}' looks like '{escape_hidden(named)}'" for name, named in self.look_alikes.items()
        ]
        return [f"Purge keeps customers whose names look like one of the fleet: {few(pairs)}"]


NO_PURGE = Purge((), {}, {})


def whom_to_purge(wanted: t.Sequence[Desired], index: CustomerIndex) -> Purge:
    """Which customers of the account the fleet does not name, and which of these may still belong to it."""
    named = {name_key(name): name for desired in wanted for name in desired.usernames}
    names = frozenset(name for desired in wanted for name in desired.usernames)
    unmanaged = [name for name in index if name not in names]
    look_alikes = {name: named[name_key(name)] for name in unmanaged if name_key(name) in named}
    # `hidden_names` warns of names with invisible characters. A purge never deletes them.
    deletions = tuple(name for name in unmanaged if name not in look_alikes and not has_hidden(name))
    return Purge(deletions, look_alikes, _renamed(wanted, index, deletions))


def check_whole(listing: Listing) -> None:
    """Raises InvalidInput if the list may lack customers: the number of deletions would be unreliable."""
    if not listing.is_whole:
        raise InvalidInput(
            [listing.problem or "the server did not show all customers of the account"],
            about="Nothing was changed, because purge needs a complete list of customers",
        )


def check_ceiling(deletions: t.Sequence[str], most: int | None, option: str = "max_deletions") -> None:
    """Raises InvalidInput when there are more than `most` customers to delete; None counts as 0.

    `option`: how messages name the ceiling.
    """
    if len(deletions) > (most or 0):
        names = ", ".join(f"'{escape_hidden(name)}'" for name in deletions[:_FEW])
        raise InvalidInput(
            [
                f"{len(deletions)} customers are not in the fleet ({names}{', …' if len(deletions) > _FEW else ''}), "
                f"and {option} is {most}"
            ],
            about="Nothing was changed, because purge would delete more customers than allowed",
        )


def renamed_error(desired: Desired, names: t.Sequence[str]) -> InvalidInput:
    """The error of a customer to create, if a customer that purge would delete has the same e-mail address."""
    told = ", ".join(f"'{escape_hidden(name)}'" for name in names[:_FEW]) + (", …" if len(names) > _FEW else "")
    have, are = ("has", "is") if len(names) == 1 else ("have", "are")
    first = escape_hidden(names[0])
    return InvalidInput(
        [
            f"{told} {have} its e-mail address and {are} not in the fleet, so somebody may have renamed it. "
            f"If it is the same customer, set new_username: {first}. If not, delete '{first}' first. Until then, "
            "purge deletes nothing"
        ],
        about=f"Customer '{escape_hidden(desired.final_username)}' does not exist, and was not created",
    )


def _renamed(
    wanted: t.Sequence[Desired], index: CustomerIndex, deletions: t.Sequence[str]
) -> dict[int, tuple[str, ...]]:
    """Ignores an address that an existing customer of the fleet also has: several customers share it."""
    present = [desired for desired in wanted if desired.state == "present"]
    shared = {_address(index[name].attributes) for desired in present for name in desired.usernames if name in index}
    by_address: dict[str, list[str]] = collections.defaultdict(list)
    for name in deletions:
        by_address[_address(index[name].attributes)].append(name)
    found: dict[int, tuple[str, ...]] = {}
    for position, desired in enumerate(wanted):
        address = _address(desired.attributes)
        is_new = desired.state == "present" and not any(name in index for name in desired.usernames)
        if is_new and address and address not in shared and address in by_address:
            found[position] = tuple(by_address[address])
    return found


def _address(attributes: t.Mapping[str, t.Any]) -> str:
    """The e-mail address in lower case, for comparison. Empty if none is known."""
    return name_key(attributes.get("email") or "")
