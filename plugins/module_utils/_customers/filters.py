# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Applies filters to customers if the server does not filter by itself. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes


def matches(attributes: Attributes, filters: Attributes) -> bool:
    """Whether each attribute contains its filter, regardless of case. A boolean must be equal."""
    return all(_matches(attributes.get(name), wanted) for name, wanted in filters.items())


def _matches(value: t.Any, wanted: t.Any) -> bool:
    if isinstance(wanted, str):
        return isinstance(value, str) and wanted.casefold() in value.casefold()
    return bool(value == wanted)
