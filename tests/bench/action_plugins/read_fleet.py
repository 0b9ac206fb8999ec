# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and validates the fleet of reseller_customers, and does nothing else: measures what a fleet takes before the
first call.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.mailfleet.sendgrid.plugins.action import reseller_customers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import check_options
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import read_options


def _read(options: dict[str, Any], *_more: Any) -> dict[str, Any]:
    api = capabilities(options["api"])
    check_options(options, api, read_options(options, api).problems)
    return {"changed": False}


class ActionModule(reseller_customers.ActionModule):
    TASK = staticmethod(_read)
