# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of reseller_customer_api_key: see the module of this name for its documentation."""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._api_keys import manage_api_key
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import api_key_spec
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction


class ActionModule(DirectAction):
    TASK = staticmethod(manage_api_key)
    SPEC = staticmethod(api_key_spec)
