# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What each module does: validated options in, a result out. No Ansible here.

Every function takes the options of its module, whether this is check mode, and what makes a session. It returns the
module's result, with the further keys `warnings` (texts), and on failure `failed` and `msg`.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._api import CustomerApi
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._checks import (
    base_address,
    connection_problems,
    creation_problems,
    filter_problems,
    option_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fields import (
    FIELDS,
    FILTERS,
    Attributes,
    as_result,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._plan import (
    Desired,
    Observed,
    Plan,
    creation_attributes,
    plan,
    stored_otherwise,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._reconcile import (
    APPLIED,
    NOT_REACHED,
    PLANNED,
    UNKNOWN,
    Outcome,
    carry_out,
    find,
    observe,
    pretend,
    reread,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import shown
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._transport import Connection, Session

Options = t.Mapping[str, t.Any]
Result = dict[str, t.Any]
Connect = t.Callable[[Connection, t.Iterable[t.Optional[str]]], t.ContextManager[Session]]

_CONNECTION = tuple(field.name for field in dataclasses.fields(Connection))
_NOT_ATTRIBUTES = frozenset(("username", "password"))


def manage_customer(options: Options, check_mode: bool, connect: Connect = Session) -> Result:
    """reseller_customer: makes one customer present or absent."""
    _check(options, _customer_problems(options))
    desired = _desired(options)
    with _session(options, connect) as session:
        api = CustomerApi(session, options["api"])
        todo = plan(desired, observe(api, desired))
        _check_creation(desired, todo, options["api"])
        if check_mode:
            outcome = pretend(todo)
        else:
            outcome = carry_out(api, desired, todo)
            if todo.operations:
                reread(api, desired, outcome)
    return {
        **_common_result(desired, outcome),
        "customer": None if outcome.customer is None else as_result(outcome.customer),
        "warnings": _warnings(desired, outcome, check_mode),
    }


def customer_info(options: Options, _check_mode: bool, connect: Connect = Session) -> Result:
    """reseller_customer_info: the customers that match the filters. Check mode makes no difference."""
    filters = {name: options[name] for name in FILTERS if options[name] is not None}
    _check(options, filter_problems(filters))
    with _session(options, connect) as session:
        listed = CustomerApi(session, options["api"]).customers(**filters)
    listed.sort(key=lambda customer: customer.attributes["username"])
    return {
        "changed": False,
        "customers": [as_result(customer.attributes) for customer in listed],
        "extra": {customer.attributes["username"]: customer.extra for customer in listed},
        "count": len(listed),
    }


def manage_password(options: Options, check_mode: bool, connect: Connect = Session) -> Result:
    """reseller_customer_password: sets a password that differs, or any with `force`."""
    _check(options, _customer_problems(options))
    desired = Desired(options["username"], password=options["password"], update_password="always")
    with _session(options, connect) as session:
        api = CustomerApi(session, options["api"])
        observed = find(api, desired) if options["force"] else observe(api, desired)
        _must_exist(desired, observed)
        todo = plan(desired, observed)
        outcome = pretend(todo) if check_mode else carry_out(api, desired, todo)
    return _common_result(desired, outcome)


def _check(options: Options, problems: list[str]) -> None:
    """Raises InvalidInput with everything that is wrong with the options."""
    problems = [*connection_problems(options), *problems]
    if problems:
        raise InvalidInput(problems, about=_about(options))


def _about(options: Options) -> str:
    user = options.get("username")
    return f"The options for customer '{shown(user, 100)}' are not valid" if user else "The options are not valid"


def _customer_problems(options: Options) -> list[str]:
    problems = option_problems(options, options["api"])
    if options.get("new_username") is not None and options.get("state") == "absent":
        problems.append("new_username cannot be used with state=absent")
    return problems


def _check_creation(desired: Desired, todo: Plan, family: str) -> None:
    if any(operation.name == "create" for operation in todo.operations):
        problems = creation_problems(creation_attributes(desired), family)
        if problems:
            raise InvalidInput(problems, about=_cannot_be_created(desired))


def _cannot_be_created(desired: Desired) -> str:
    user = shown(desired.final_username, 100)
    if desired.new_username is None:
        return f"Customer '{user}' does not exist, and cannot be created"
    return f"Neither customer '{shown(desired.username, 100)}' nor '{user}' exists, and '{user}' cannot be created"


def _must_exist(desired: Desired, observed: Observed) -> None:
    if observed.current is None:
        user = shown(desired.username, 100)
        raise InvalidInput(
            ["there is no such customer in this account"], about=f"Could not set the password of customer '{user}'"
        )


def _session(options: Options, connect: Connect) -> t.ContextManager[Session]:
    given = {name: options[name] for name in _CONNECTION}
    connection = Connection(**{**given, "api_url": base_address(options["api_url"])})
    return connect(connection, [options.get("password")])


def _desired(options: Options) -> Desired:
    attributes: Attributes = {
        field.name: options[field.name]
        for field in FIELDS
        if field.name not in _NOT_ATTRIBUTES and options[field.name] is not None
    }
    return Desired(
        username=options["username"],
        attributes=attributes,
        state=options["state"],
        new_username=options["new_username"],
        password=options["password"],
        update_password=options["update_password"],
        update_website_access=options["update_website_access"],
    )


def _common_result(desired: Desired, outcome: Outcome) -> Result:
    operations = list(zip(outcome.plan.operations, outcome.statuses))
    may_have_gone_out = [operation for operation, status in operations if status in (PLANNED, APPLIED, UNKNOWN)]
    sent = {name for operation in may_have_gone_out for name in operation.effect}
    result: Result = {
        "changed": any(status in (PLANNED, APPLIED) for status in outcome.statuses),
        "operations": [{"name": operation.name, "status": status} for operation, status in operations],
        "unverified": [name for name in outcome.plan.unverified if name in sent],
        "diff": _diff(desired, outcome),
    }
    if outcome.error is not None:
        result.update(failed=True, msg=_failure_text(outcome))
    return result


def _diff(desired: Desired, outcome: Outcome) -> Result:
    after = outcome.plan.after if PLANNED in outcome.statuses else outcome.after
    return {
        "before": outcome.plan.before or {},
        "after": after or {},
        "before_header": (outcome.plan.before or {}).get("username", desired.final_username),
        "after_header": desired.final_username,
    }


def _failure_text(outcome: Outcome) -> str:
    """The error, and what else became of the task."""
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
    if len(sentences) > 1:
        sentences.append("Run the task again to finish the work.")
    return " ".join(sentences)


def _warnings(desired: Desired, outcome: Outcome, check_mode: bool) -> list[str]:
    """What the server stores otherwise, and a customer that could not be read again."""
    if not outcome.seen:
        user = shown(desired.final_username, 100)
        return [f"Customer '{user}' could not be read again; the result shows what was sent, not what is stored"]
    if outcome.customer is None or outcome.error is not None or desired.state == "absent":
        return []
    return stored_otherwise(desired, outcome.customer, outcome.plan.operations if check_mode else ())
