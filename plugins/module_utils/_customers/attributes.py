# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The only table of a customer's attributes, by the names that options and results use.

Argument specs, results, filters and host variables read this table. Each API says by itself what it can do with the
attributes.
"""

from __future__ import annotations

import functools
import typing as t

# Attributes of one customer by option name. An attribute that the server does not show has no key.
Attributes = dict[str, t.Any]

PROFILE = "profile"


class Attribute(t.NamedTuple):
    """One attribute of a customer.

    `kind`: `text`, `number`, `bool`, `list` (of texts) or `dict`. `secret`: true if no result may show it.
    `in_results`: whether the customer of a result has it. `filter`: whether it can filter a list. `detail`: the part of
    a customer with this attribute. Some APIs show this part only by a further read. `choices`: the only texts that it
    can be. `parts`: the parts of a dict.
    """

    name: str
    kind: str = "text"
    secret: bool = False
    in_results: bool = False
    filter: bool = False
    detail: str = ""
    choices: tuple[str, ...] = ()
    parts: tuple[Attribute, ...] = ()


def _listed(name: str, kind: str = "text", filter: bool = True) -> Attribute:
    return Attribute(name, kind, in_results=True, filter=filter)


def _profile(name: str) -> Attribute:
    return Attribute(name, in_results=True, filter=True, detail=PROFILE)


ATTRIBUTES: tuple[Attribute, ...] = (
    _listed("username"),
    Attribute("password", secret=True),
    _listed("email"),
    _profile("first_name"),
    _profile("last_name"),
    _profile("address"),
    _profile("city"),
    _profile("region"),
    _profile("zip"),
    _profile("country"),
    _profile("phone"),
    _profile("website"),
    # Some APIs hide it. Results have it anyway, so that a list can be used as input unchanged.
    _profile("company"),
    _listed("active", kind="bool"),
    _listed("website_access", kind="bool", filter=False),
    Attribute("package"),
    Attribute("whitelabel", in_results=True, detail="whitelabel"),
    Attribute("ip_groups", kind="list"),
    Attribute("ips", kind="list", in_results=True, detail="ips"),
    Attribute("free_user", kind="bool"),
    Attribute("billing_date"),
    Attribute("mail_domain"),
    Attribute(
        "credits",
        kind="dict",
        in_results=True,
        detail="credits",
        parts=(
            Attribute("type", choices=("unlimited", "recurring", "nonrecurring")),
            Attribute("total", kind="number"),
            Attribute("reset_frequency", choices=("daily", "weekly", "monthly")),
        ),
    ),
    Attribute("data_residency", in_results=True, choices=("global", "eu")),
)

BY_NAME: dict[str, Attribute] = {attribute.name: attribute for attribute in ATTRIBUTES}
FILTERS: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES if attribute.filter)
IN_RESULTS: tuple[str, ...] = tuple(attribute.name for attribute in ATTRIBUTES if attribute.in_results)
DETAILS: tuple[str, ...] = tuple(dict.fromkeys(attribute.detail for attribute in ATTRIBUTES if attribute.detail))
DICTS: frozenset[str] = frozenset(attribute.name for attribute in ATTRIBUTES if attribute.kind == "dict")
SECRETS: frozenset[str] = frozenset(attribute.name for attribute in ATTRIBUTES if attribute.secret)


@functools.cache
def of_detail(detail: str) -> frozenset[str]:
    """The attributes that belong to this part of a customer."""
    return frozenset(attribute.name for attribute in ATTRIBUTES if attribute.detail == detail)


def given_parts(value: t.Mapping[str, t.Any]) -> Attributes:
    """The parts of a dict that are given. A null is left out, as anywhere."""
    return {name: part for name, part in value.items() if part is not None}


def is_given(value: t.Any) -> bool:
    """Whether an option has a value: a null is left out, and so is a dict of nulls."""
    return value is not None and not (isinstance(value, t.Mapping) and not given_parts(value))


def as_result(attributes: Attributes) -> Attributes:
    """The customer as results show it: None for each attribute that the server does not show."""
    return {name: attributes.get(name) for name in IN_RESULTS}
