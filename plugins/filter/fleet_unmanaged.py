# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_unmanaged
short_description: Find the customers that a fleet does not name
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Made for the role P(mailfleet.sendgrid.fleet#role), which deletes them when it is told to.
  - A customer is named by C(username) or C(new_username). One whose name only looks like one of the fleet is not among
    the result, nor one whose name has blanks at an end or invisible characters. A warning tells of both.
positional: customers
options:
  _input:
    description: The usernames of the account.
    type: list
    elements: str
    required: true
  customers:
    description: The fleet.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which customers are not in the fleet
  ansible.builtin.debug:
    msg: "{{ ['mara@lighthouse.example'] | mailfleet.sendgrid.fleet_unmanaged(fleet_customers) }}"
"""

RETURN = r"""
_value:
  description: Customers as M(mailfleet.sendgrid.reseller_customers) takes them, with C(state=absent).
  type: list
  elements: dict
"""

import typing as t

from ansible.utils.display import Display
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import kept_warnings, unmanaged
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_rows import FleetRow


def fleet_unmanaged(usernames: t.Any, customers: t.Any) -> list[FleetRow]:
    names = list(usernames)
    for warning in kept_warnings(names, customers):
        Display().warning(warning)
    return unmanaged(names, customers)


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_unmanaged": fleet_unmanaged}
