# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_merge
short_description: Merge defaults and passwords under each customer of a fleet
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Makes of customers in variables what M(mailfleet.sendgrid.reseller_customers) and the roles of this collection take.
  - One call for the whole fleet, since to combine dicts in a loop is slow for thousands of customers.
  - A customer's own value wins over one of O(passwords), and that over one of O(defaults).
  - An own value of V(null) wins too. It says that this customer's attribute is left alone, whatever the default is.
    A value that is V(omit) counts as not given, so that the default holds.
  - O(defaults) and O(passwords) that are V(null) or a blank text count as not given.
  - A value that is encrypted by itself becomes the text that it stands for.
  - Dicts are not merged in depth. All options of a customer are texts, booleans or lists of texts.
positional: defaults, passwords
options:
  _input:
    description: The customers, each a dict with the options of M(mailfleet.sendgrid.reseller_customer).
    type: list
    elements: dict
    required: true
  defaults:
    description: What holds for every customer that does not say otherwise.
    type: dict
    default: {}
  passwords:
    description:
      - Passwords by username. Each is used as the customer's O(mailfleet.sendgrid.reseller_customer#module:password).
      - A customer that is renamed is looked for by its C(username) first, then by its C(new_username).
      - Names of no customer in the list are ignored, so that several lists can share one file of passwords.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Keep a fleet as it should be
  mailfleet.sendgrid.reseller_customers:
    customers: "{{ customers | mailfleet.sendgrid.fleet_merge(defaults, passwords) }}"
  vars:
    defaults:
      country: US
      package: Bronze
    customers:
      - username: mara@lighthouse.example
        city: Portland
      - username: jonas@birch.example
        country: FI
    passwords:
      mara@lighthouse.example: "{{ vault_mara_password }}"
"""

RETURN = r"""
_value:
  description: The customers in the same order, each a new dict.
  type: list
  elements: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_rows import FleetRow, merged
from jinja2 import pass_context


@pass_context
def fleet_merge(context: t.Any, customers: t.Any, defaults: t.Any = None, passwords: t.Any = None) -> list[FleetRow]:
    try:
        return merged(customers, defaults, passwords, context.resolve("omit"))
    except TypeError as error:
        raise AnsibleFilterError(f"fleet_merge: {error}.") from None


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_merge": fleet_merge}
