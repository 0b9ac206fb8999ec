# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What API v3 can do with each attribute, and its name on the wire.

[spec]: the vendor's descriptions of the API. Each line here rests on a record.
"""

from __future__ import annotations

import functools
import ipaddress
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Capabilities,
    Capability,
    ConnectionRules,
    Customer,
    Switch,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import PROFILE, Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import email_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.extra import extra_texts
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.checks import (
    connection_problems,
    credits_problems,
    ipv4_problems,
    new_password_problems,
    new_username_problems,
    password_problems,
    user_is_account,
    username_problems,
    whitelabel_problems,
    written_credits_problems,
)

SUBUSERS = "subusers"
DEFAULT_URL = "https://api.sendgrid.com/v3"
DEFAULT_EU_URL = "https://api.eu.sendgrid.com/v3"
GLOBAL = "global"
EU = "eu"

# The members of a profile, by option name [spec].
PROFILE_FIELDS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "address": "address",
    "city": "city",
    "region": "state",
    "zip": "zip",
    "country": "country",
    "phone": "phone",
    "website": "website",
    "company": "company",
}
_ROW_FIELDS = {"username": "username", "email": "email"}
_WIRE_NAMES = {
    **_ROW_FIELDS,
    "password": "password",
    **PROFILE_FIELDS,
    # In a creation only. `region` of a profile is `state` on the wire.
    "ips": "ips",
    "data_residency": "region",
}
CREDITS_PARTS = ("type", "total", "reset_frequency")
# What a new customer has [spec, the answer to a creation].
UNLIMITED = {"type": "unlimited", "total": None, "reset_frequency": None}

_NO_COUNTERPART = "cannot be used with api=subusers, and has no counterpart in API v3"
_FOR_THE_ACCOUNT = f"{_NO_COUNTERPART}: the plan of the account applies to all its customers"
_MISSING = {
    "package": _FOR_THE_ACCOUNT,
    "ip_groups": f"{_NO_COUNTERPART}: no call assigns a customer to a pool of IP addresses",
    "free_user": _FOR_THE_ACCOUNT,
    "billing_date": _FOR_THE_ACCOUNT,
    "mail_domain": _NO_COUNTERPART,
}


class Key(t.NamedTuple):
    """How the API identifies a customer, beside its name. `residency`: where its data reside, `global` or `eu`."""

    id: str | None
    residency: str = GLOBAL

    def __bool__(self) -> bool:
        return self.id is not None


def shown_ips(addresses: t.Iterable[str]) -> list[str]:
    """IP addresses in the order of results: each once, by number."""
    return sorted(set(addresses), key=_number)


def _number(text: str) -> tuple[int, int]:
    address = ipaddress.ip_address(text)
    return address.version, int(address)


def _same_ips(wanted: t.Iterable[str], stored: t.Iterable[str]) -> bool:
    return set(wanted) == set(stored)


def shown_credits(value: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Credits with every part. No read shows the total of those that do not recur [spec]."""
    shown = {name: value.get(name) for name in CREDITS_PARTS}
    return {**shown, "total": None} if shown["type"] == "nonrecurring" else shown


def _same_credits(wanted: t.Mapping[str, t.Any], stored: t.Mapping[str, t.Any]) -> bool:
    return shown_credits(wanted) == shown_credits(stored)


@functools.cache
def capabilities() -> Capabilities:
    """What the API can do."""
    profile = Capability("set_profile", on_create=False, seen="details", detail=PROFILE)
    return Capabilities(
        connection=ConnectionRules(
            DEFAULT_URL,
            foreign_paths=("/apiv2",),
            problems=connection_problems,
            user_is_account=user_is_account,
            default_eu_url=DEFAULT_EU_URL,
            unused=frozenset(("api_user",)),
        ),
        attributes={
            "username": Capability("rename", needed=True, problems=username_problems),
            # No call tells whether a password is the right one. No call sets it without the former one [spec].
            "password": Capability(
                needed=True, seen="never", problems=password_problems, problems_on_create=new_password_problems
            ),
            "email": Capability("set_email", needed=True, problems=email_problems),
            **dict.fromkeys(PROFILE_FIELDS, profile),
            "active": Capability("switch", on_create=False),
            # One call writes it, and no call reads it [spec].
            "website_access": Capability("switch", on_create=False, seen="never"),
            "whitelabel": Capability(
                "set_whitelabel", on_create=False, seen="details", problems=whitelabel_problems, vetted=True
            ),
            "ips": Capability(
                "set_ips", seen="details", same=_same_ips, shown_as=shown_ips, problems=ipv4_problems, vetted=True
            ),
            "credits": Capability(
                "set_credits",
                on_create=False,
                seen="details",
                same=_same_credits,
                shown_as=shown_credits,
                problems=credits_problems,
                problems_when_written=written_credits_problems,
            ),
            "data_residency": Capability(fixed="since data stay where a customer was created", vetted=True),
        },
        # A profile is empty until somebody fills it in. No record shows how the server answers then.
        new_customer={
            "active": True,
            "website_access": True,
            **dict.fromkeys(PROFILE_FIELDS, ""),
            "whitelabel": "",
            "credits": UNLIMITED,
            "data_residency": GLOBAL,
        },
        switches={
            "active": Switch("enable", "disable", allows="send e-mail"),
            "website_access": Switch("enable_website", "disable_website", allows="log in to the website"),
        },
        order=("set_email", "set_profile", "set_ips", "set_credits", "set_whitelabel"),
        rename_problems=new_username_problems,
        missing=_MISSING,
        never_updated={
            "password": "cannot be used with api=subusers: API v3 can neither check nor reset the password of a "
            "customer, who can set another one on the website",
        },
        confirms_creation=True,
        longest_settling=30.0,
        lookup_misses_near=False,
        # [seen]
        hidden_in_lists={"active": False},
    )


def to_wire(attributes: Attributes) -> dict[str, t.Any]:
    """Attributes by option name -> members of a body."""
    return {_WIRE_NAMES[name]: value for name, value in attributes.items()}


def from_row(row: t.Any) -> Customer:
    """A customer from a row of a list or from a single answer. Raises WireError if the row is not readable."""
    if not isinstance(row, dict):
        raise WireError(["a customer in the list is not a record"], readable=False)
    username, disabled = row.get("username"), row.get("disabled")
    if not isinstance(username, str) or not username:
        raise WireError(["the list has a customer without a username"], readable=False)
    if disabled is not None and not isinstance(disabled, bool):
        raise WireError(["'disabled' of a customer is neither true nor false"], readable=False)
    attributes: Attributes = {name: row[wire] for name, wire in _ROW_FIELDS.items() if isinstance(row.get(wire), str)}
    if disabled is not None:
        attributes["active"] = not disabled
    number, residency = row.get("id"), row.get("region")
    if isinstance(residency, str) and residency:
        attributes["data_residency"] = residency.lower()
    key = Key(
        number if isinstance(number, str) and number else None,
        attributes.get("data_residency", GLOBAL),
    )
    known = {*_ROW_FIELDS.values(), "disabled"}
    return Customer(attributes, extra_texts({name: row[name] for name in row.keys() - known}), key)


def from_credits(document: t.Any) -> dict[str, t.Any]:
    """Credits of a customer [spec] as the option has them. Raises WireError for anything else."""
    if not isinstance(document, dict) or not isinstance(document.get("type"), str):
        raise WireError(["the answer has no credits"], readable=False)
    kind, total, frequency = (document.get(name) for name in CREDITS_PARTS)
    if total is not None and not (isinstance(total, str) and total.isdecimal()):
        raise WireError(["'total' of the credits is not a number"], readable=False)
    # What does not belong to the type could not be fed back.
    recurs = kind == "recurring"
    return {
        "type": kind,
        "total": int(total) if recurs and total is not None else None,
        "reset_frequency": frequency if recurs else None,
    }


def from_profile(document: t.Any) -> Attributes:
    """A profile -> its attributes. A missing or null member is empty [seen]. Raises WireError for anything else."""
    if not isinstance(document, dict):
        raise WireError(["the answer is not a profile"], readable=False)
    attributes: Attributes = {}
    for name, wire in PROFILE_FIELDS.items():
        value = document.get(wire)
        if isinstance(value, (bool, dict, list)):
            raise WireError([f"'{wire}' of a profile is not a text"], readable=False)
        attributes[name] = "" if value is None else value
    return attributes
