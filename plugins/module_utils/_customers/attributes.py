# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The one table of a customer's attributes, as options and results know them.

What an API can do with them is the API's.
Argument specs, results, filters and host variables read this table.
"""

from __future__ import annotations

import dataclasses
import typing as t

# Attributes of one customer by option name. What the server does not show has no key.
Attributes = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One attribute of a customer.

    `kind`: `text`, `bool` or `list` (of texts). `secret`: whether no result may show it. `in_results`: whether the
    customer of a result has it. `filter`: whether a list can be narrowed by it.
    """

    name: str
    kind: str = "text"
    secret: bool = False
    in_results: bool = False
    filter: bool = False


def _listed(name: str, kind: str = "text", filter: bool = True) -> Attribute:
    return Attribute(name, kind, in_results=True, filter=filter)


ATTRIBUTES: tuple[Attribute, ...] = (
    _listed("username"),
    Attribute("password", secret=True),
    _listed("email"),
    _listed("first_name"),
    _listed("last_name"),
    _listed("address"),
    _listed("city"),
    _listed("region"),
    _listed("zip"),
    _listed("country"),
    _listed("phone"),
    _listed("website"),
    # Some APIs hide it. It is in results all the same, so that a list can be fed back as it is.
    _listed("company"),
    _listed("active", kind="bool"),
    _listed("website_access", kind="bool", filter=False),
    Attribute("package"),
    Attribute("whitelabel"),
    Attribute("ip_groups", kind="list"),
    Attribute("ips", kind="list"),
    Attribute("free_user", kind="bool"),
    Attribute("billing_date"),
    Attribute("mail_domain"),
)

BY_NAME: dict[str, Attribute] = {attribute.name: attribute for attribute in ATTRIBUTES}
FILTERS: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES if attribute.filter)
IN_RESULTS: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES if attribute.in_results)
SECRETS: frozenset[str] = frozenset(attribute.name for attribute in ATTRIBUTES if attribute.secret)


def as_result(attributes: Attributes) -> Attributes:
    """The customer as results show it: None for what the server does not show."""
    return {name: attributes.get(name) for name in IN_RESULTS}
