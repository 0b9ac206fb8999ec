# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Turns the options of one customer into a desired state, and an outcome into a result. No Ansible."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    ATTRIBUTES,
    DICTS,
    PROFILE,
    SECRETS,
    Attributes,
    given_parts,
    of_detail,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    creation_problems,
    email_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Options,
    Result,
    are_not_valid,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    Plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    APPLIED,
    NOT_REACHED,
    PLANNED,
    UNKNOWN,
    Outcome,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

RUN_AGAIN = "Run the task again to finish the work."

_WRITABLE = tuple(attribute.name for attribute in ATTRIBUTES if attribute.name != "username")
_WEBSITE = frozenset(("website_access",))
_NOTHING: frozenset[str] = frozenset()


def check_writes(desired: Desired, todo: Plan, api: Capabilities) -> None:
    """Raises InvalidInput for what may be left out of a value only as long as it need not be written."""
    problems = [
        problem
        for operation in todo.operations
        for name, value in operation.sent.items()
        for problem in api.attributes[name].problems_when_written(value)
    ]
    if problems:
        raise InvalidInput(problems, about=are_not_valid(desired.username))


def check_email(desired: Desired, observed: Observed, api: Capabilities) -> None:
    """Raises InvalidInput for an invalid e-mail address, unless the server already shows the same one."""
    wanted, current = desired.attributes.get("email"), observed.current or {}
    if wanted is None or desired.state == "absent":
        return
    if "email" in current and api.attributes["email"].same(wanted, current["email"]):
        return
    problems = email_problems(wanted)
    if problems:
        raise InvalidInput(problems, about=are_not_valid(desired.username))


def check_creation(desired: Desired, todo: Plan, api: Capabilities) -> None:
    """Raises InvalidInput if the plan has a creation that is not possible."""
    for operation in todo.operations:
        problems = creation_problems(operation.sent, api) if operation.name == "create" else []
        if problems:
            raise InvalidInput(problems, about=_cannot_be_created(desired))


def _cannot_be_created(desired: Desired) -> str:
    user = escape_control(desired.final_username, 100)
    if desired.new_username is None:
        return f"Customer '{user}' does not exist, and cannot be created"
    former = escape_control(desired.username, 100)
    return f"Neither customer '{former}' nor '{user}' exists, and '{user}' cannot be created"


def desired_of(options: Options, along: frozenset[str] = frozenset()) -> Desired:
    """The desired state from the options of one customer. `along`: attributes that cause no write by themselves."""
    attributes: Attributes = {name: options[name] for name in _WRITABLE if options.get(name) is not None}
    for name in DICTS & attributes.keys():
        parts = given_parts(attributes.pop(name))
        if parts:
            attributes[name] = parts
    return Desired(
        username=options["username"],
        attributes=attributes,
        state=options["state"],
        new_username=options.get("new_username"),
        secrets=SECRETS,
        on_create=_on_create(options["update_password"], options["update_profile"]),
        unless_hidden=_WEBSITE if options["update_website_access"] == "on_create" else _NOTHING,
        along=along,
    )


@functools.cache
def _on_create(update_password: str, update_profile: str) -> frozenset[str]:
    """The attributes that only a new customer gets."""
    parts = ((update_password, frozenset(("password",))), (update_profile, of_detail(PROFILE)))
    return frozenset().union(*(names for update, names in parts if update == "on_create"))


def common_result(desired: Desired, outcome: Outcome, api: Capabilities) -> Result:
    """The keys `changed operations unverified diff`, and on failure also `failed msg`."""
    operations = list(zip(outcome.plan.operations, outcome.statuses))
    may_have_gone_out = [operation for operation, status in operations if status in (PLANNED, APPLIED, UNKNOWN)]
    sent = {name for operation in may_have_gone_out for name in operation.effect}
    result: Result = {
        "changed": any(status in (PLANNED, APPLIED) for status in outcome.statuses),
        "operations": [{"name": operation.name, "status": status} for operation, status in operations],
        "unverified": [name for name in outcome.plan.unverified if name in sent],
        "diff": _diff(desired, outcome, api),
    }
    if outcome.error is not None:
        result.update(failed=True, msg=_failure_text(desired, outcome, result["operations"], api))
    return result


def _diff(desired: Desired, outcome: Outcome, api: Capabilities) -> Result:
    after = outcome.plan.after if PLANNED in outcome.statuses else outcome.after
    return {
        "before": outcome.plan.before or {},
        "after": {**(after or {}), **_hidden_parts(outcome, api)},
        "before_header": (outcome.plan.before or {}).get("username", desired.final_username),
        "after_header": desired.final_username,
    }


def _hidden_parts(outcome: Outcome, api: Capabilities) -> Attributes:
    """What was or will be written of values that the server shows only in part, since a diff is for people."""
    return {
        name: operation.sent[name]
        for operation, status in zip(outcome.plan.operations, outcome.statuses)
        if status in (PLANNED, APPLIED)
        for name in api.shown_otherwise.keys() & operation.sent
    }


def open_doors(user: str, operations: t.Sequence[Result], api: Capabilities) -> str:
    """A sentence if these operations created a customer that can still do what the options forbid; else an empty text.

    `operations`: as in a result, each with `name` and `status`.
    """
    if {"name": "create", "status": APPLIED} not in operations:
        return ""
    doors = {switch.close: switch.allows for switch in api.switches.values()}
    still_open = [doors[one["name"]] for one in operations if one["name"] in doors and one["status"] != APPLIED]
    return (
        f"Customer '{escape_control(user, 100)}' exists now and can {' and '.join(still_open)}." if still_open else ""
    )


def _failure_text(desired: Desired, outcome: Outcome, operations: t.Sequence[Result], api: Capabilities) -> str:
    """The error, then the operations by status, and what to do."""
    told = (
        (UNKNOWN, "Whether it took effect is unknown: {names}."),
        (APPLIED, "Applied before that: {names}."),
        (NOT_REACHED, "Not reached: {names}."),
    )
    sentences = [str(outcome.error)]
    for status, sentence in told:
        names = [
            operation.name
            for operation, its_status in zip(outcome.plan.operations, outcome.statuses)
            if its_status == status
        ]
        if names:
            sentences.append(sentence.format(names=", ".join(names)))
    still_open = open_doors(desired.final_username, operations, api)
    if still_open:
        sentences.append(still_open)
    if len(sentences) > 1:
        sentences.append(RUN_AGAIN)
    return " ".join(sentences)
