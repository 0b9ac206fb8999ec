# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in variables: defaults and passwords are merged under each customer."""

from __future__ import annotations

import datetime
import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import kind_of_value

FleetRow = dict[str, t.Any]

# Equal to no value that a variable can have.
_NOTHING = object()


def merged(
    customers: t.Any,
    defaults: t.Mapping[str, t.Any] | None = None,
    passwords: t.Mapping[str, t.Any] | None = None,
    omit: t.Any = _NOTHING,
) -> list[FleetRow]:
    """The customers as reseller_customers takes them. A customer's own value wins, also one that is None.

    `passwords`: by `username`, or by `new_username`. `omit`: the value that counts as not given. Blank `defaults` or
    `passwords` are none. Values stay the objects that they are, so whatever Ansible knows of them stays known, but for
    those of `plain`. Raises TypeError, without a value, for what is no list of dicts.
    """
    if not isinstance(customers, (list, tuple)):
        raise TypeError(f"customers must be a list of dicts, and is {kind_of_value(customers)}")
    shared = _given({} if is_blank(defaults) else defaults, "defaults", omit)
    secrets = _given({} if is_blank(passwords) else passwords, "passwords", omit)
    return [_merged(_given(row, f"customers[{number}]", omit), shared, secrets) for number, row in enumerate(customers)]


def _merged(own: FleetRow, shared: FleetRow, secrets: FleetRow) -> FleetRow:
    names = [name for name in (own.get("username"), own.get("new_username")) if isinstance(name, str)]
    found = [{"password": secrets[name]} for name in names if secrets.get(name) is not None]
    return {**shared, **(found[0] if found else {}), **own}


def _given(values: t.Any, what: str, omit: t.Any) -> FleetRow:
    """What is given, without what is omitted. `items()` lets Ansible finish values that are templates yet."""
    if not isinstance(values, t.Mapping):
        raise TypeError(f"{what} must be a dict, and is {kind_of_value(values)}")
    return {name: plain(value) for name, value in values.items() if value is not omit and value != omit}


def is_blank(value: t.Any) -> bool:
    """Whether a variable counts as not given: null, or a text of blanks, as a survey hands on what nobody answered."""
    return value is None or (isinstance(value, str) and not value.strip())


def plain(value: t.Any) -> t.Any:
    """The text that stands for a date or for a value encrypted by itself (`!vault`); any other value as it is.

    Before ansible-core 2.19 no template can hold a date, which YAML makes of what looks like one, and an encrypted
    value is an object that is no text. Since then, whoever looks at one sees the text. Raises Ansible's error for a
    value that cannot be decrypted.
    """
    if isinstance(value, datetime.date):
        return value.isoformat()
    # How Ansible itself recognizes it, in all releases that have it. What was encrypted is no template.
    if getattr(value, "__ENCRYPTED__", False):
        return wrap_var(value.data)
    if isinstance(value, list) and any(plain(item) is not item for item in value):
        return [plain(item) for item in value]
    return value
