# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Direct execution of reseller_customer: see the module of this name for its documentation."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import customer_spec, explain_customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._tasks import manage_customer
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._direct import DirectAction
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._worker_cache import WORKER_CACHE


class ActionModule(DirectAction):
    # The options of the task may come from the cache. Ansible loads this file before it forks the workers.
    CACHE = WORKER_CACHE
    TASK = staticmethod(manage_customer)
    SPEC = staticmethod(customer_spec)
    EXPLAIN: t.Any = staticmethod(explain_customer)
