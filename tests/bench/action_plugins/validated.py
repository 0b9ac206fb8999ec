# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has its arguments validated as reseller_customers has, and does nothing: what Ansible makes of a fleet."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction


def _nothing(*_options: Any) -> dict[str, Any]:
    return {"changed": False}


class ActionModule(DirectAction):
    TASK = staticmethod(_nothing)
    SPEC = staticmethod(fleet_spec)
