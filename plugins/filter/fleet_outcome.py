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
positional: batch, size, names_shown
options:
  _input:
    description: What this filter returned for the batches before. An empty dict to begin with.
    type: dict
    required: true
  batch:
    description:
      - A result of M(mailfleet.sendgrid.reseller_customers). The customers of one that was skipped, or that failed
        before it asked the server, count as not reached.
      - Left out, nothing is added.
    type: dict
  size:
    description: How many customers the batch is about.
    type: int
    default: 0
  names_shown:
    description: How many customers a line tells, or how many lines there are for those that failed.
    type: int
    default: 20
"""

EXAMPLES = r"""
- name: Say in a few lines what became of a fleet
  ansible.builtin.debug:
    msg: "{{ ({} | mailfleet.sendgrid.fleet_outcome(converged, customers | length)).lines }}"
"""

RETURN = r"""
_value:
  description: What the role documents as C(fleet_result).
  type: dict
"""

import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import Report, summarize


def fleet_outcome(before: t.Any, batch: t.Any = None, size: int = 0, names_shown: t.Any = 20) -> Report:
    # What a server said is in it, in sentences that are new objects: no template may ever be seen in them.
    wrapped: Report = wrap_var(summarize(before, batch, size, int(names_shown)))
    return wrapped


class FilterModule:
    """The filter, by its name."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"fleet_outcome": fleet_outcome}
