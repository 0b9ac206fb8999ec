# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The task of each module that changes customers: takes validated options, returns a result. No Ansible here.

Every function takes the options of its module, whether this is check mode, and a function that makes a client. It
returns the module's result, with the further keys `warnings` (texts), and on failure `failed` and `msg`.
"""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities, open_api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import SECRETS, as_result
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Connect,
    Options,
    Result,
    check_options,
    customer_problems,
    open_client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import (
    check_creation,
    check_email,
    check_writes,
    common_result,
    desired_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    make_plan,
    stored_otherwise,
    stored_text,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    Outcome,
    execute_plan,
    find_customer,
    observe,
    read_hidden,
    refresh,
    simulate,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.vetting import check_conflicts
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control


def manage_customer(options: Options, check_mode: bool, connect: Connect = Client) -> Result:
    """reseller_customer: makes one customer present or absent."""
    can = capabilities(options["api"])
    check_options(options, can, customer_problems(options, can))
    desired = desired_of(options)
    with open_client(options, connect) as client:
        api = open_api(client, options["api"])
        observed = find_customer(api, desired)
        check_email(desired, observed, api.capabilities)
        observed = read_hidden(api, desired, observed)
        todo = make_plan(desired, observed, api.capabilities)
        check_creation(desired, todo, api.capabilities)
        check_writes(desired, todo, api.capabilities)
        check_conflicts(api, desired, observed, todo)
        if check_mode:
            outcome = simulate(todo)
        else:
            outcome = execute_plan(api, desired, todo)
            if todo.operations:
                refresh(api, desired, outcome)
    return {
        **common_result(desired, outcome, can),
        "customer": None if outcome.customer is None else as_result(outcome.customer),
        "warnings": _warnings(desired, outcome, check_mode, can),
    }


def manage_password(options: Options, check_mode: bool, connect: Connect = Client) -> Result:
    """reseller_customer_password: sets the password if it differs, or always with `force`."""
    can = capabilities(options["api"])
    cannot = can.never_updated.get("password")
    check_options(options, can, [f"This module {cannot}"] if cannot else customer_problems(options, can))
    desired = Desired(options["username"], {"password": options["password"]}, secrets=SECRETS)
    with open_client(options, connect) as client:
        api = open_api(client, options["api"])
        observed = find_customer(api, desired) if options["force"] else observe(api, desired)
        _must_exist(desired, observed)
        todo = make_plan(desired, observed, api.capabilities)
        outcome = simulate(todo) if check_mode else execute_plan(api, desired, todo)
    return common_result(desired, outcome, api.capabilities)


def _must_exist(desired: Desired, observed: Observed) -> None:
    if observed.current is None:
        user = escape_control(desired.username, 100)
        raise InvalidInput(
            ["there is no such customer in this account"], about=f"Could not set the password of customer '{user}'"
        )


def _warnings(desired: Desired, outcome: Outcome, check_mode: bool, can: Capabilities) -> list[str]:
    """Warnings: values that the server stores differently, and a customer that no read shows after the change."""
    user = escape_control(desired.final_username, 100)
    if outcome.lags:
        return [f"The server does not show customer '{user}' yet; the result shows what was sent, not what is stored"]
    if not outcome.seen:
        return [f"Customer '{user}' could not be read again; the result shows what was sent, not what is stored"]
    if outcome.customer is None or outcome.error is not None or desired.state == "absent":
        return []
    stored = outcome.customer
    planned = outcome.plan.operations if check_mode else ()
    names = stored_otherwise(desired, stored, can, planned, is_new=outcome.plan.before is None)
    return [stored_text(desired, stored, name) for name in names]
