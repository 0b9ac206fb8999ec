# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_outcome
short_description: Summarize the result of a fleet
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Summarizes in a few lines what happened to the customers of a fleet.
  - The role P(mailfleet.sendgrid.fleet#role) uses it.
positional: names_shown
options:
  _input:
    description: A result of M(mailfleet.sendgrid.reseller_customers), whether it failed or not.
    type: dict
    required: true
  names_shown:
    description: The largest number of customers that a line names, and of lines for customers that failed.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Summarize the result of a fleet in a few lines
  ansible.builtin.debug:
    msg: "{{ (converged | mailfleet.sendgrid.fleet_outcome).lines }}"
"""

RETURN = r"""
_value:
  description: The value that the role documents as C(fleet_result).
  type: dict
"""

import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_outcome import Report, summarize


def fleet_outcome(result: t.Any, names_shown: t.Any = 20) -> Report:
    # The sentences hold the words of a server and are new objects. Mark them, so that Ansible never takes them for
    # templates.
    wrapped: Report = wrap_var(summarize(result, names_shown))
    return wrapped


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_outcome": fleet_outcome}
