# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in variables: defaults and passwords are merged under each customer. No Ansible here."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._kinds import kind_of_value

Row = dict[str, t.Any]

# Equal to no value that a variable can have.
_NOTHING = object()


def merged(
    customers: t.Any,
    defaults: t.Mapping[str, t.Any] | None = None,
    passwords: t.Mapping[str, t.Any] | None = None,
    omit: t.Any = _NOTHING,
) -> list[Row]:
    """The customers as reseller_customers takes them. A customer's own value wins, also one that is None.

    `passwords`: by `username`, or by `new_username`. `omit`: the value that counts as not given. Values stay the
    objects that they are, so whatever Ansible knows of them stays known. Raises TypeError, without a value, for what
    is no list of dicts.
    """
    if not isinstance(customers, (list, tuple)):
        raise TypeError(f"customers must be a list of dicts, and is {kind_of_value(customers)}")
    shared = _given({} if defaults is None else defaults, "defaults", omit)
    secrets = _given({} if passwords is None else passwords, "passwords", omit)
    return [_merged(_given(row, f"customers[{number}]", omit), shared, secrets) for number, row in enumerate(customers)]


def _merged(own: Row, shared: Row, secrets: Row) -> Row:
    names = [name for name in (own.get("username"), own.get("new_username")) if isinstance(name, str)]
    found = [{"password": secrets[name]} for name in names if secrets.get(name) is not None]
    return {**shared, **(found[0] if found else {}), **own}


def _given(values: t.Any, what: str, omit: t.Any) -> Row:
    """What is given, without what is omitted. `items()` lets Ansible finish values that are templates yet."""
    if not isinstance(values, t.Mapping):
        raise TypeError(f"{what} must be a dict, and is {kind_of_value(values)}")
    return {name: _plain(value) for name, value in values.items() if value is not omit and value != omit}


def _plain(value: t.Any) -> t.Any:
    """YAML makes a date of what looks like one, and before ansible-core 2.19 no template can hold it."""
    return value.isoformat() if isinstance(value, datetime.date) else value
