# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What API v2 can do with each attribute, and how the attribute looks on the wire.

Limits, required attributes and the content of a list come from the published reference page [doc] or from recorded
answers [seen].
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Capabilities,
    Capability,
    ConnectionRules,
    Switch,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import BY_NAME, Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    email_problems,
    ip_problems,
    username_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.extra import extra_texts
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.answers import WireRow, boolean
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.checks import (
    billing_problems,
    connection_problems,
    date_problems,
    new_username_problems,
    password_problems,
    user_is_account,
)

RESELLER = "reseller"
CUSTOMER = "customer"
FAMILIES = (RESELLER, CUSTOMER)
DEFAULT_URL = "https://api.sendgrid.com/apiv2"

_OF_API_V3 = ("credits", "data_residency")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def _same_text(wanted: str, stored: str) -> bool:
    """Equal, or equal after an XML parser normalizes line ends (https://www.w3.org/TR/xml/#sec-line-ends)."""
    return wanted == stored or wanted.replace("\r\n", "\n").replace("\r", "\n") == stored


def _same_website(wanted: str, stored: str) -> bool:
    """`example.com` reads back as `http://example.com` [seen]."""
    has_scheme = _SCHEME.match(wanted)
    return _same_text(wanted, stored) or (bool(wanted) and not has_scheme and stored == "http://" + wanted)


def _same_country(wanted: str, stored: str) -> bool:
    """`Canada` reads back as `Canad` [seen]."""
    return _same_text(wanted, stored) or (len(wanted) > 5 and stored == wanted[:5])


class Field(t.NamedTuple):
    """One attribute on the wire.

    `wire`: its name in a call and in a row. `families`: the families that accept it on creation.
    """

    name: str
    wire: str
    capability: Capability
    families: tuple[str, ...] = FAMILIES


def _text(name: str, limit: int, wire: str = "", **capability: t.Any) -> Field:
    """A text that creation requires and a list shows."""
    properties = {"same": _same_text, "needed": True, **capability}
    return Field(name, wire or name, Capability(limit=limit, **properties))


_profile = functools.partial(_text, written_by="set_profile")


def _of_family(family: str, name: str, wire: str = "", **capability: t.Any) -> Field:
    """An attribute that only creation in one family uses."""
    return Field(name, wire or name, Capability(seen="never", **capability), (family,))


def _turned(name: str, **capability: t.Any) -> Field:
    return Field(name, name, Capability(written_by="switch", on_create=False, **capability))


FIELDS: tuple[Field, ...] = (
    _text("username", 100, limit_on_create=64, written_by="rename", problems=username_problems),
    Field(
        "password",
        "password",
        Capability(
            written_by="set_password", seen="compared", needed=True, same=_same_text, problems=password_problems
        ),
    ),
    _text("email", 100, limit_on_create=64, written_by="set_email", problems=email_problems),
    _profile("first_name", 50),
    _profile("last_name", 50),
    _profile("address", 100),
    _profile("city", 100),
    _profile("region", 100, wire="state"),
    _profile("zip", 50),
    _profile("country", 100, same=_same_country),
    _profile("phone", 50),
    _profile("website", 255, same=_same_website),
    # No list shows it [doc, seen], but a list can filter by it [doc]: one call for each customer.
    _profile("company", 255, seen="compared", compared_in_fleets=False),
    _turned("active"),
    _turned("website_access", seen="sometimes"),
    _of_family(RESELLER, "package", limit=255, needed=True),
    _of_family(RESELLER, "whitelabel", limit=255, needed=True),
    _of_family(RESELLER, "ip_groups", wire="ip_group[]", limit=255),
    _of_family(RESELLER, "ips", wire="ip[]", problems=ip_problems),
    _of_family(RESELLER, "free_user"),
    _of_family(RESELLER, "billing_date", problems=date_problems, problems_on_create=billing_problems),
    _of_family(CUSTOMER, "mail_domain"),
)

_LISTED_BY_WIRE = {
    field.wire: field for field in FIELDS if BY_NAME[field.name].in_results and field.capability.seen != "never"
}
# A shortcut for the texts: most values of a list are texts, and a list may have a million of them.
_TEXTS = {wire: field.name for wire, field in _LISTED_BY_WIRE.items() if BY_NAME[field.name].kind == "text"}


@functools.cache
def capabilities(family: str) -> Capabilities:
    """What API v2 can do with this family of addresses."""
    return Capabilities(
        connection=ConnectionRules(
            DEFAULT_URL, foreign_paths=("/v3",), problems=connection_problems, user_is_account=user_is_account
        ),
        attributes={field.name: field.capability for field in FIELDS if family in field.families},
        rename_problems=new_username_problems,
        missing={
            **{field.name: f"cannot be used with api={family}" for field in FIELDS if family not in field.families},
            **dict.fromkeys(_OF_API_V3, f"cannot be used with api={family}, and needs API v3"),
        },
        # The state of a new customer [doc, sibling page].
        new_customer={"active": True, "website_access": True},
        switches={
            "active": Switch(open="enable", close="disable", allows="send e-mail"),
            "website_access": Switch("enable_website", "disable_website", allows="log in to the website"),
        },
        order=("set_email", "set_profile", "set_password"),
        no_api_keys="API v2 has no API keys of customers; set api to subusers, for API v3",
    )


def to_wire(attributes: Attributes) -> list[tuple[str, str]]:
    """Attributes by option name -> parameters of a call, in the order of the table.

    Booleans are `true` and `false` [doc]. A list repeats its parameter [doc].
    """
    return [
        (field.wire, text)
        for field in FIELDS
        if attributes.get(field.name) is not None
        for text in _wire_texts(attributes[field.name])
    ]


def _wire_texts(value: t.Any) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return list(value) if isinstance(value, list) else [value]


def from_row(row: WireRow) -> tuple[Attributes, dict[str, t.Any]]:
    """A row of a list -> its attributes by option name, and its other fields by wire name.

    Raises WireError for an unreadable row: without a username, or with a value of another kind.
    """
    attributes: Attributes = {}
    extra: dict[str, t.Any] = {}
    for wire, value in row.items():
        name = _TEXTS.get(wire)
        if name is not None and isinstance(value, str):
            attributes[name] = value
        elif wire not in _LISTED_BY_WIRE:
            extra[wire] = value
        else:
            field = _LISTED_BY_WIRE[wire]
            known = _from_wire(field, value, row)
            if known is not None:
                attributes[field.name] = known
    if not attributes.get("username"):
        raise WireError(["the list has a customer without a username"], readable=False)
    return attributes, extra_texts(extra)


def _from_wire(field: Field, value: t.Any, row: WireRow) -> t.Any:
    """The value of a switch. None if the field has no value."""
    try:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return boolean(value)
    except ValueError as error:
        customer = escape_control(str(row.get("username", "")), 100)
        raise WireError([f"'{field.wire}' of customer '{customer}' is {error}"], readable=False) from None
