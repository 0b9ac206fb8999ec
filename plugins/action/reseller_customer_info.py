# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of reseller_customer_info: see the module of this name for its documentation."""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._info import customer_info
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import info_spec
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    TASK = staticmethod(customer_info)
    SPEC = staticmethod(info_spec)
