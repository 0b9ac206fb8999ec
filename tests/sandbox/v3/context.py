# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The input and the results of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..store import Account, Store, User, customer_user
from .behaviours import ApiError, Behaviour, ErrorItem, ErrorReason
from .calls import Call

if TYPE_CHECKING:
    from ..switches import Switches

# An answer without a body.
NO_CONTENT = object()
SUBUSER = "subuser_name"


@dataclass(frozen=True)
class Created:
    """An answer with status 201 in both behaviours."""

    value: Any


@dataclass(frozen=True)
class Context:
    """The input of an operation. `on_behalf_of`: the customer in the header, or None if there is none."""

    store: Store
    behaviour: Behaviour
    switches: Switches
    account: Account
    call: Call
    on_behalf_of: str | None

    @property
    def subuser_name(self) -> str:
        """The name in the path."""
        return self.call.path_parameters[SUBUSER]

    def find_subuser(self, unknown: ErrorReason, name: str | None = None) -> int:
        """The number of the account's customer with `name`, or with the name in the path. Case matters [own]."""
        wanted = self.subuser_name if name is None else name
        number = self.store.find_customer(self.account.api_user, wanted)
        if number is None or (name is None and "%" in wanted and self.behaviour.loses_percent_names):
            raise ApiError(unknown)
        return number

    def user(self) -> User:
        """The user that the call acts for: a customer, or the account itself.

        Only the host of its own region knows a customer [doc]. On the other host, its name is unknown [own].
        """
        if not self.on_behalf_of:
            return self.account.user
        number = self.find_subuser(ErrorReason.UNKNOWN_ON_BEHALF, self.on_behalf_of)
        if self.store.read_customer(number)["region"] != self.call.host:
            raise ApiError(ErrorReason.UNKNOWN_ON_BEHALF)
        return customer_user(number)

    def refuse_if(self, errors: list[ErrorItem]) -> None:
        if errors:
            raise ApiError(ErrorReason.INVALID, *errors)
