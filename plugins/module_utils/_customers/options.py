# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""One customer, alone or in a fleet: from its options to what is desired, from an outcome to a result. No Ansible."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    ATTRIBUTES,
    PROFILE,
    SECRETS,
    Attributes,
    of_detail,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    base_address,
    combination_problems,
    connection_problems,
    creation_problems,
    email_problems,
    option_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import escape_hidden
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
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import MOST_AT_ONCE, Client, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import and_more, escape_control

Options = t.Mapping[str, t.Any]
Result = dict[str, t.Any]
# Of a connection, the secrets and the names of the customers that the client is about.
Connect = t.Callable[[Connection, t.Iterable[t.Optional[str]], t.Iterable[t.Optional[str]]], t.ContextManager[Client]]

Value = t.TypeVar("Value")

RUN_AGAIN = "Run the task again to finish the work."

_FEW = 3
_WRITABLE = tuple(attribute.name for attribute in ATTRIBUTES if attribute.name != "username")
_WEBSITE = frozenset(("website_access",))
_NOTHING: frozenset[str] = frozenset()
_CONNECTION = tuple(field.name for field in dataclasses.fields(Connection))
# Keys that Ansible keeps for itself, at any depth of a result [seen]: ansible-core 2.19 and newer fail at
# `__ansible_type`, releases before 2.21 take away whatever begins with `_ansible_`, and what reads a result as JSON
# again takes `__ansible_unsafe` and `__ansible_vault` for more than keys.
_KEYS_OF_ANSIBLE = ("_ansible_", "__ansible_")


def check_options(options: Options, api: Capabilities, problems: list[str]) -> None:
    """Raises InvalidInput with everything that is wrong with the options."""
    problems = [*connection_problems(options, api), *problems]
    if problems:
        raise InvalidInput(problems, about=_about(options))


def _about(options: Options) -> str:
    user = options.get("username")
    return _are_not_valid(user) if user else "The options are not valid"


def _are_not_valid(user: str) -> str:
    return f"The options for customer '{escape_hidden(user)}' are not valid"


def customer_problems(options: Options, api: Capabilities) -> list[str]:
    """What is wrong with the options of one customer, whether it exists or not."""
    return option_problems(options, api) + combination_problems(options)


def concurrency_problems(options: Options) -> list[str]:
    """What is wrong with the number of calls that may be under way at once."""
    return [] if 1 <= options["concurrency"] <= MOST_AT_ONCE else [f"concurrency must be from 1 to {MOST_AT_ONCE}"]


def check_fleets(api: Capabilities) -> None:
    """Raises InvalidInput where the API is not for whole fleets."""
    if api.fleets_problem:
        raise InvalidInput([api.fleets_problem])


def check_email(desired: Desired, observed: Observed, api: Capabilities) -> None:
    """Raises InvalidInput for an e-mail address that may stand there only because the server shows it, and does not."""
    wanted, current = desired.attributes.get("email"), observed.current or {}
    if wanted is None or desired.state == "absent":
        return
    if "email" in current and api.attributes["email"].same(wanted, current["email"]):
        return
    problems = email_problems(wanted)
    if problems:
        raise InvalidInput(problems, about=_are_not_valid(desired.username))


def check_creation(desired: Desired, todo: Plan, api: Capabilities) -> None:
    """Raises InvalidInput for a creation that cannot be."""
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


def addresses(options: Options, api: Capabilities) -> dict[str, t.Any]:
    """The addresses of the servers, with the API's own where none is given.

    Its own for the EU holds only beside its own for the rest of the world: else nobody knows which one belongs to it.
    """
    rules = api.connection
    url, eu_url = options.get("api_url"), options.get("eu_api_url")
    url = rules.default_url if url is None else url
    if eu_url is None and base_address(url) == rules.default_url:
        eu_url = rules.default_eu_url
    return {"api_url": url, "eu_api_url": eu_url}


def open_client(options: Options, connect: Connect) -> t.ContextManager[Client]:
    """A client as the connection options say."""
    given: dict[str, t.Any] = {name: options[name] for name in _CONNECTION if name in options}
    urls = {name: base_address(given[name]) for name in ("api_url", "eu_api_url") if given.get(name) is not None}
    connection = Connection(**{**given, **urls})
    return connect(connection, [options.get("password")], [options.get("username"), options.get("new_username")])


def by_username(values: t.Mapping[str, Value], key: str) -> tuple[dict[str, Value], list[str]]:
    """What a result can hold of `values` by username under `key`, and a warning that names those left out, if any."""
    left_out = [name for name in values if name.startswith(_KEYS_OF_ANSIBLE)]
    if not left_out:
        return dict(values), []
    names = ", ".join(f"'{escape_control(name, 100)}'" for name in left_out[:_FEW])
    told = " ".join([names, *and_more(len(left_out) - _FEW)])
    warning = f"{told} cannot be shown in {key}, because Ansible keeps keys that begin like this for itself"
    return {name: value for name, value in values.items() if name not in left_out}, [warning]


def desired_of(options: Options, along: frozenset[str] = frozenset()) -> Desired:
    """What the options of one customer ask for. `along`: the attributes that are no reason to write by themselves."""
    attributes: Attributes = {name: options[name] for name in _WRITABLE if options.get(name) is not None}
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
    """`changed operations unverified diff`, and on failure `failed msg`."""
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
        result.update(failed=True, msg=_failure_text(desired, outcome, result["operations"], api))
    return result


def _diff(desired: Desired, outcome: Outcome) -> Result:
    after = outcome.plan.after if PLANNED in outcome.statuses else outcome.after
    return {
        "before": outcome.plan.before or {},
        "after": after or {},
        "before_header": (outcome.plan.before or {}).get("username", desired.final_username),
        "after_header": desired.final_username,
    }


def open_doors(user: str, operations: t.Sequence[Result], api: Capabilities) -> str:
    """A sentence on what a customer that these operations created can do against the options; else an empty text.

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
    still_open = open_doors(desired.final_username, operations, api)
    if still_open:
        sentences.append(still_open)
    if len(sentences) > 1:
        sentences.append(RUN_AGAIN)
    return " ".join(sentences)
