# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of reseller_customers: see the module of this name for its documentation."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import Connect, Options, Result
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import explain_fleet, fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._console import Console
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction


def _manage_fleet_and_tell(options: Options, check_mode: bool, connect: Connect) -> Result:
    return manage_fleet(options, check_mode, connect, Console("reseller_customers"))


class ActionModule(DirectAction):
    TASK = staticmethod(_manage_fleet_and_tell)
    SPEC = staticmethod(fleet_spec)
    EXPLAIN: t.Any = staticmethod(explain_fleet)
