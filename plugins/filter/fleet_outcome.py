# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_outcome
short_description: Sum up several results of one fleet
version_added: 0.1.0
author:
  - The mailfleet.sendgrid contributors (@mailfleet)
description:
  - Made for the role P(mailfleet.sendgrid.fleet#role), which works in batches.
positional: sizes, names_shown, check_mode
options:
  _input:
    description:
      - Results of M(mailfleet.sendgrid.reseller_customers). The customers of one that was skipped, or that failed
        before it asked the server, count as not reached.
    type: list
    elements: dict
    required: true
  sizes:
    description: How many customers each result is about.
    type: list
    elements: int
    required: true
  names_shown:
    description: How many customers a line tells, or how many lines there are for those that failed.
    type: int
    required: true
  check_mode:
    description: Whether the results are predictions.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say in a few lines what became of a fleet
  ansible.builtin.debug:
    msg: "{{ ([converged] | mailfleet.sendgrid.fleet_outcome([customers | length], 20)).lines }}"
"""

RETURN = r"""
_value:
  description: What the role documents as C(fleet_result).
  type: dict
"""

import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import Report, outcome


def fleet_outcome(batches: t.Any, sizes: t.Any, names_shown: t.Any, check_mode: bool = False) -> Report:
    # What a server said is in it, in sentences that are new objects: no template may ever be seen in them.
    wrapped: Report = wrap_var(outcome(batches, sizes, int(names_shown), check_mode))
    return wrapped


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_outcome": fleet_outcome}
