# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Conflicts between a plan whose options are valid and what the server has.

A single customer fails by itself. A fleet lists all conflicts in one message, before it writes anything.
"""

from __future__ import annotations

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, CustomerApi
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired, Observed, Plan
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, first_of

_MOST_PROBLEMS = 100


def is_vetted(desired: Desired, can: Capabilities) -> bool:
    """Whether anything may stand against what is desired."""
    return desired.state != "absent" and not can.vetted.isdisjoint(desired.attributes)


def conflicts(api: CustomerApi, desired: Desired, observed: Observed, todo: Plan) -> list[str]:
    """What stands against a plan, as clauses. The API is asked only about what is to be written."""
    can = api.capabilities
    if not is_vetted(desired, can):
        return []
    written = {name for operation in todo.operations for name in operation.sent}
    blocked = [clause for name, clause in observed.blocked.items() if name in written]
    fixed = _fixed(desired, observed, can)
    if fixed or can.vetted.isdisjoint(written):
        return fixed + blocked
    return blocked + api.objections(todo.operations, observed.current)


def check_conflicts(api: CustomerApi, desired: Desired, observed: Observed, todo: Plan) -> None:
    """Raises InvalidInput with all that stands against a plan."""
    found = conflicts(api, desired, observed, todo)
    if found:
        user = escape_control(desired.username, 100)
        raise InvalidInput(found, about=f"Customer '{user}' cannot be what the task asks for")


def conflict_error(found: dict[str, list[str]]) -> InvalidInput:
    """The error of a fleet. `found`: by username, what stands against the plan for the customer."""
    problems = [
        f"customer '{escape_control(name, 100)}': {clause}" for name, clauses in found.items() for clause in clauses
    ]
    told = first_of(problems, _MOST_PROBLEMS, "more problems")
    return InvalidInput(told, about="Nothing was changed, since the fleet cannot be what the task asks for")


def _fixed(desired: Desired, observed: Observed, can: Capabilities) -> list[str]:
    """The attributes of a customer that exists which differ, and cannot be changed."""
    current = observed.current or {}
    return [
        f"{name} is '{escape_control(str(current[name]), 100)}' and cannot be changed to "
        f"'{escape_control(str(wanted), 100)}', {can.attributes[name].fixed}"
        for name, wanted in desired.attributes.items()
        if name in can.fixed and name in current and not can.attributes[name].same(wanted, current[name])
    ]
