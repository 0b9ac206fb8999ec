# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The one table of customer fields, and what follows from a field alone.

Argument specs, validation, the mapping to the wire, comparison and diff all read this table. Limits, needs and what a
list shows are those of the published reference page [doc] or of recorded answers [seen].
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import shown
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.answers import Row, boolean

RESELLER = "reseller"
CUSTOMER = "customer"
FAMILIES = (RESELLER, CUSTOMER)

# What a new customer is like unless something is done about it [doc, sibling page].
NEW_CUSTOMER = {"active": True, "website_access": True}

# A secret has no business in a list; should a server show one, it must not reach a result.
_SECRET = re.compile(r"password|api_?key|secret|token", re.IGNORECASE)

_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")

# Attributes of one customer by option name. What the server does not show has no key.
Attributes = dict[str, t.Any]


def _same_text(wanted: str, stored: str) -> bool:
    """Equal, or equal after what an XML parser does to line ends (https://www.w3.org/TR/xml/#sec-line-ends)."""
    return wanted == stored or wanted.replace("\r\n", "\n").replace("\r", "\n") == stored


def _same_website(wanted: str, stored: str) -> bool:
    """`example.com` reads back as `http://example.com` [seen]."""
    has_scheme = _SCHEME.match(wanted)
    return _same_text(wanted, stored) or (bool(wanted) and not has_scheme and stored == "http://" + wanted)


def _same_country(wanted: str, stored: str) -> bool:
    """`Canada` reads back as `Canad` [seen]."""
    return _same_text(wanted, stored) or (len(wanted) > 5 and stored == wanted[:5])


def _same_bool(wanted: bool, stored: bool) -> bool:
    return wanted is stored


@dataclasses.dataclass(frozen=True)
class Field:
    """One attribute of a customer.

    `name`: the option. `wire`: the parameter of the API. `kind`: `text`, `bool` or `list` (of texts).
    `limit`: characters, in each item of a list. `limit_on_create`: a narrower one for new customers.
    `needed`: the families whose create demands it. `families`: those whose create takes it.
    `written_by`: the operation that changes it later; None: set on creation only.
    `listed`: whether a list can show it. `filter`: whether a list can be searched by it.
    `same`: whether a stored value is what was wanted, allowing for what the server does to values.
    """

    name: str
    wire: str
    kind: str = "text"
    limit: int | None = None
    limit_on_create: int | None = None
    needed: tuple[str, ...] = ()
    families: tuple[str, ...] = FAMILIES
    written_by: str | None = None
    listed: bool = False
    filter: bool = False
    secret: bool = False
    same: t.Callable[[t.Any, t.Any], bool] = _same_text


def _profile(name: str, limit: int, **differing: t.Any) -> Field:
    """A text that creation demands, the profile updates and a list can be searched by."""
    properties: dict[str, t.Any] = {"wire": name, "needed": FAMILIES, "written_by": "set_profile", "listed": True}
    properties.update(differing)
    return Field(name, limit=limit, filter=True, **properties)


def _switch(name: str, **differing: t.Any) -> Field:
    return Field(name, name, kind="bool", written_by="switch", listed=True, same=_same_bool, **differing)


FIELDS: tuple[Field, ...] = (
    Field(
        "username",
        "username",
        limit=100,
        limit_on_create=64,
        needed=FAMILIES,
        written_by="rename",
        listed=True,
        filter=True,
    ),
    Field("password", "password", needed=FAMILIES, written_by="set_password", secret=True),
    Field(
        "email",
        "email",
        limit=100,
        limit_on_create=64,
        needed=FAMILIES,
        written_by="set_email",
        listed=True,
        filter=True,
    ),
    _profile("first_name", 50),
    _profile("last_name", 50),
    _profile("address", 100),
    _profile("city", 100),
    _profile("region", 100, wire="state"),
    _profile("zip", 50),
    _profile("country", 100, same=_same_country),
    _profile("phone", 50),
    _profile("website", 255, same=_same_website),
    _profile("company", 255),
    _switch("active", filter=True),
    _switch("website_access"),
    Field("package", "package", limit=255, needed=(RESELLER,), families=(RESELLER,)),
    Field("whitelabel", "whitelabel", limit=255, needed=(RESELLER,), families=(RESELLER,)),
    Field("ip_groups", "ip_group[]", kind="list", limit=255, families=(RESELLER,)),
    Field("ips", "ip[]", kind="list", families=(RESELLER,)),
    Field("free_user", "free_user", kind="bool", families=(RESELLER,)),
    Field("billing_date", "billing_date", families=(RESELLER,)),
    Field("mail_domain", "mail_domain", families=(CUSTOMER,)),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}
_LISTED_BY_WIRE = {field.wire: field for field in FIELDS if field.listed}
FILTERS: tuple[str, ...] = tuple(field.name for field in FIELDS if field.filter)
# The attributes of a customer in results. A company is among them so that a list can be fed back as it is.
LISTED: tuple[str, ...] = tuple(field.name for field in FIELDS if field.listed)
# Those that every row of every server shows.
LISTED_ALWAYS = frozenset(LISTED) - {"company", "website_access"}


def to_wire(attributes: Attributes) -> list[tuple[str, str]]:
    """Attributes by option name -> parameters of a call, in the table's order.

    Booleans are `true` and `false` [doc]; a list is a parameter that is repeated [doc].
    """
    return [
        (field.wire, text)
        for field in FIELDS
        if attributes.get(field.name) is not None
        for text in _wire_texts(field, attributes[field.name])
    ]


def _wire_texts(field: Field, value: t.Any) -> list[str]:
    if field.kind == "bool":
        return ["true" if value else "false"]
    return list(value) if field.kind == "list" else [value]


def from_row(row: Row) -> tuple[Attributes, dict[str, t.Any]]:
    """A row of a list -> the attributes that it shows, and what it shows beyond them, by wire name.

    Raises WireError for a row that cannot be read: without a username, or with a value of another kind.
    """
    attributes: Attributes = {}
    extra: dict[str, t.Any] = {}
    for wire, value in row.items():
        field = _LISTED_BY_WIRE.get(wire)
        if field is None:
            extra[wire] = value
        elif field.kind == "text" and isinstance(value, str):
            attributes[field.name] = value
        else:
            known = _from_wire(field, value, row)
            if known is not None:
                attributes[field.name] = known
    if not attributes.get("username"):
        raise WireError(["the list has a customer without a username"], readable=False)
    # Names that begin with an underscore mean something to Ansible.
    named = {name: value for name, value in _without_secrets(extra).items() if not name.startswith("_")}
    return attributes, {name: _extra_text(value) for name, value in named.items()}


def _without_secrets(value: t.Any) -> t.Any:
    """The same value without what has the name of a secret, however deep."""
    if isinstance(value, dict):
        return {name: _without_secrets(item) for name, item in value.items() if not _SECRET.search(name)}
    return [_without_secrets(item) for item in value] if isinstance(value, list) else value


def _extra_text(value: t.Any) -> str:
    """What the server shows beyond the known fields, as text: nested values could mean something to Ansible."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _from_wire(field: Field, value: t.Any, row: Row) -> t.Any:
    try:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return boolean(value) if field.kind == "bool" else value
    except ValueError as error:
        customer = shown(str(row.get("username", "")), 100)
        raise WireError([f"'{field.wire}' of customer '{customer}' is {error}"], readable=False) from None


def as_result(attributes: Attributes) -> Attributes:
    """The customer as results show it: every listed attribute, None for one that the server does not show."""
    return {name: attributes.get(name) for name in LISTED}
