# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_check
short_description: Check the variables of a fleet before anything is done
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Made for the role P(mailfleet.sendgrid.fleet#role), which asks no server before this filter finds nothing wrong.
  - Tells which customer is meant and what is wrong with it. No secret is told.
positional: defaults, passwords, settings, account
options:
  _input:
    description: The customers, as for P(mailfleet.sendgrid.fleet_merge#filter).
    type: list
    elements: dict
    required: true
  defaults:
    description: As for P(mailfleet.sendgrid.fleet_merge#filter).
    type: dict
    required: true
  passwords:
    description: As for P(mailfleet.sendgrid.fleet_merge#filter).
    type: dict
    required: true
  settings:
    description: The other variables of the role, without the C(fleet_) before their names.
    type: dict
    required: true
  account:
    description:
      - The customers of the account, as M(mailfleet.sendgrid.reseller_customer_info) lists them.
      - Given, and with C(purge), customers are told of that would be created although a customer that the fleet does
        not name has their e-mail address, so that somebody seems to have renamed them.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Fail when something is wrong
  ansible.builtin.assert:
    that: not checked.problems
    fail_msg: "{{ checked.problems }}"
  vars:
    checked: "{{ customers | mailfleet.sendgrid.fleet_check({}, {}, settings) }}"
    settings: {batch_size: 0, names_shown: 20, purge: false, concurrency: 8}
"""

RETURN = r"""
_value:
  description:
    - C(problems), a list of sentences; C(customers), how many there are; and C(batches), a list of dicts with C(first)
      and C(last), the bounds of a slice of the customers, and its C(size).
  type: dict
"""

import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import Report, check_variables
from jinja2 import pass_context


@pass_context
def fleet_check(
    context: t.Any, customers: t.Any, defaults: t.Any, passwords: t.Any, settings: t.Any, account: t.Any = None
) -> Report:
    report = check_variables(customers, defaults, passwords, settings, account, context.resolve("omit"))
    if account is None:
        return report
    # What a server said is in it, in sentences that are new objects: no template may ever be seen in them.
    wrapped: Report = wrap_var(report)
    return wrapped


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_check": fleet_check}
