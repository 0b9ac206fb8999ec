# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The glue to Ansible: argument specs from the table of fields, and results into `exit_json` or `fail_json`."""

from __future__ import annotations

import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, HAS_XMLTODICT, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    ATTRIBUTES,
    BY_NAME,
    DETAILS,
    FILTERS,
    Attribute,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import name_problems, place
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import Findings, KindCheck
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import (
    Connect,
    addresses,
    customer_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    CollectionError,
    InternalError,
    InvalidInput,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    FromEnvironment,
    empty_variables,
    from_environment,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import HAS_REQUESTS, Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

_LONGEST_LIST = 100

Spec = dict[str, dict[str, t.Any]]
# What is wrong with the options as given, by the spec.
Explain = t.Callable[[t.Mapping[str, t.Any], Spec], list[str]]
Task = t.Callable[[t.Mapping[str, t.Any], bool, Connect], dict[str, t.Any]]


def connection_spec() -> Spec:
    """The options that every module shares."""
    return {
        "api_url": _from_environment("SENDGRID_API_URL", type="str"),
        "eu_api_url": _from_environment("SENDGRID_EU_API_URL", type="str"),
        "api_user": _from_environment("SENDGRID_API_USER", type="str"),
        "api_key": _from_environment("SENDGRID_API_KEY", type="str", required=True, no_log=True),
        "api": _from_environment("SENDGRID_API", type="str", default=CHOICES[0], choices=list(CHOICES)),
        "api_format": {"type": "str", "default": "json", "choices": ["json", "xml"]},
        "timeout": {"type": "float", "default": 30},
        "retries": {"type": "int", "default": 4},
        "max_retry_wait": {"type": "float", "default": 120},
        "requests_per_minute": {"type": "int", "default": 0},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
    }


def customer_spec() -> Spec:
    """The options of reseller_customer."""
    return {**connection_spec(), **_one_customer()}


def _one_customer() -> Spec:
    """What can be said of one customer."""
    return {
        **{attribute.name: _option(attribute) for attribute in ATTRIBUTES},
        "username": {"type": "str", "required": True},
        "new_username": {"type": "str"},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "update_password": {
            "type": "str",
            "default": "on_create",
            "choices": ["on_create", "always"],
            "no_log": False,
        },
        "update_profile": {"type": "str", "default": "always", "choices": ["always", "on_create"]},
        "update_website_access": {"type": "str", "default": "always", "choices": ["always", "on_create"]},
    }


def fleet_spec() -> Spec:
    """The options of reseller_customers."""
    return {
        **connection_spec(),
        "customers": {"type": "list", "elements": "dict", "required": True, "options": _one_customer()},
        "purge": {"type": "bool", "default": False},
        "max_deletions": {"type": "int"},
        "concurrency": {"type": "int", "default": 8},
        "on_error": {"type": "str", "default": "continue", "choices": ["continue", "stop"]},
    }


def info_spec() -> Spec:
    """The options of reseller_customer_info."""
    return {
        **connection_spec(),
        **{name: _option(BY_NAME[name]) for name in FILTERS},
        "details": {"type": "list", "elements": "str", "choices": list(DETAILS), "default": []},
        "concurrency": {"type": "int", "default": 8},
    }


def password_spec() -> Spec:
    """The options of reseller_customer_password."""
    return {
        **connection_spec(),
        "username": {"type": "str", "required": True},
        "password": {**_option(BY_NAME["password"]), "required": True},
        "force": {"type": "bool", "default": False},
    }


class Module(AnsibleModule):
    """An AnsibleModule that tells everything that is wrong with its options, and no value of an unexpected kind.

    Ansible tells the first thing, and quotes what it cannot convert. So kinds are checked before Ansible looks at the
    options, and what is wrong does not reach it.
    """

    params: dict[str, t.Any]

    def __init__(self, explain: Explain | None, **settings: t.Any) -> None:
        self._explain = explain
        self._problems: list[str] = []
        self._is_starting = True
        super().__init__(**settings)
        if self._problems:
            # Without what was wrong, the options may be fine to Ansible.
            self.fail_json("")
        self._is_starting = False
        for warning in self._kinds.warnings():
            self.warn(warning)

    def _load_params(self) -> None:
        """The one place between the arguments and Ansible's own look at them, in every ansible-core."""
        super()._load_params()
        own = {name: value for name, value in self.params.items() if not name.startswith("_ansible_")}
        self._given = _with_rows(own, self.argument_spec)
        self._kinds = KindCheck(self.argument_spec)(self._given)
        if self._kinds.all_problems():
            self._problems = (self._explain or explain_options)(self._given, self.argument_spec)
        self.params = {**{name: self.params[name] for name in self.params.keys() - own}, **self._kinds.options}

    def fail_json(self, msg: str, **result: t.Any) -> None:
        if self._is_starting:
            self._is_starting = False
            problems = self._problems
            if not problems and getattr(self, "validation_result", None) is not None:
                problems = empty_variables(self.params)
                if self._explain is not None:
                    problems += self._explain(self._given, self.argument_spec)
            if problems:
                msg = str(InvalidInput(problems))
        super().fail_json(msg, **result)

    def warn(self, warning: str, *more: t.Any, **named: t.Any) -> None:
        """Since ansible-core 2.19, what is masked in a result does not reach into its warnings."""
        super().warn(remove_values(warning, self.no_log_values), *more, **named)

    def _log_invocation(self) -> None:
        """The line in the system's log: how many rows a list has, and of a secret only that it was given.

        Ansible's own line holds all options and is masked afterwards, which misses a secret that was escaped.
        """
        logged = _logged_options(self.params, self.argument_spec, self.no_log_values)
        words = " ".join(f"{name}={value}" for name, value in logged.items())
        self.log(f"Invoked with {words}" if words else "Invoked", log_args=logged)


def _with_rows(options: dict[str, t.Any], spec: Spec) -> dict[str, t.Any]:
    """The options with dicts in place of the texts that Ansible makes dicts of: JSON, or `key=value`.

    Such a text stays one if it names an option that there is not: a part of a secret may have been taken for a name.
    """
    return {
        name: _as_rows(value, spec[name]["options"]) if spec.get(name, {}).get("options") else value
        for name, value in options.items()
    }


def _as_rows(value: t.Any, row_spec: Spec) -> t.Any:
    if isinstance(value, str):
        rows = [_as_row(text, row_spec) for text in value.split(",")]
        return rows if not any(isinstance(row, str) for row in rows) else value
    return [_as_row(row, row_spec) if isinstance(row, str) else row for row in value] if _is_list(value) else value


def _as_row(text: str, row_spec: Spec) -> t.Any:
    try:
        row = check_type_dict(text)
    except TypeError:
        return text
    return row if isinstance(row, dict) and set(row) <= set(row_spec) else text


def _is_list(value: t.Any) -> bool:
    return isinstance(value, (list, tuple))


# As Ansible's own line says it.
_NOT_LOGGED = "NOT_LOGGING_PARAMETER"


def _logged_options(options: t.Mapping[str, t.Any], spec: Spec, secrets: t.Iterable[str]) -> dict[str, str]:
    """What may be written to a log of each option: no secret in any spelling, and no text that holds one."""
    return {name: _logged(value, spec.get(name, {}), secrets) for name, value in options.items()}


def _logged(value: t.Any, option: t.Mapping[str, t.Any], secrets: t.Iterable[str]) -> str:
    if option.get("no_log"):
        return _NOT_LOGGED
    if isinstance(value, (list, tuple, dict)):
        return f"({len(value)} items)"
    text = str(value)
    told = escape_control(text)
    return _NOT_LOGGED if any(secret in text or secret in told for secret in secrets) else told


def run(
    task: Task,
    spec: Spec,
    module_class: t.Callable[..., Module] = Module,
    connect: Connect = Client,
    explain: Explain | None = None,
) -> None:
    """The whole of a module: validates the options, does the task, ends the process with its result.

    `explain`: what is wrong with options that Ansible refuses, in place of Ansible's own words.
    """
    module = module_class(explain, argument_spec=spec, supports_check_mode=True)
    if "api" in module.params:
        module.params.update(_addresses(module.params))
    result = run_task(task, module.params, module.check_mode, connect)
    if any(map(_is_long, module.params.values())):
        result["invocation"] = {"module_args": abridged(module.params)}
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def explain_fleet(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """Everything that is wrong with options of reseller_customers, with the place of each row."""
    kinds = KindCheck(spec)(options)
    row_spec = spec["customers"]["options"]
    rows = kinds.options.get("customers")
    # One that there is not is told as such, and not once more for each customer.
    api = capabilities(options.get("api"))
    flat_spec = {**spec, "customers": {**spec["customers"], "options": None}}
    problems = kinds.problems + validated(flat_spec, kinds)[0]
    if not isinstance(rows, list):
        return problems
    for number, row in enumerate(rows):
        if number not in kinds.not_rows:
            found = _one_customers_problems(row_spec, kinds.rows.get(number) or Findings(row), api)
            problems += [f"{place(number, row)}: {problem}" for problem in found]
    return problems + name_problems(rows)


def _one_customers_problems(spec: Spec, kinds: Findings, api: Capabilities) -> list[str]:
    problems, options = validated(spec, kinds)
    return kinds.problems + (problems or customer_problems(options, api))


def explain_customer(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """Everything that is wrong with options about one customer, if the kind of one is wrong.

    Else nothing, and Ansible's own words do.
    """
    kinds = KindCheck(spec)(options)
    api = capabilities(options.get("api"))
    return _one_customers_problems(spec, kinds, api) if kinds.problems else []


def explain_options(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """Which kinds are wrong, and what Ansible finds besides."""
    kinds = KindCheck(spec)(options)
    return kinds.problems + validated(spec, kinds)[0]


def _given(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options without the null that Ansible has put in place of what was left out."""
    return {name: value for name, value in options.items() if value is not None}


def validated(spec: Spec, kinds: Findings) -> tuple[list[str], dict[str, t.Any]]:
    """Every error that Ansible finds in the options whose kinds are right, and what it makes of them."""
    right = {name: option for name, option in spec.items() if name not in kinds.wrong}
    result = ArgumentSpecValidator(right).validate(_given(kinds.options))
    problems = [
        ("unknown option " if isinstance(error, UnsupportedError) else "") + str(error.msg).rstrip(".")
        for error in result.errors
    ]
    return problems, result.validated_parameters


def abridged(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options with a few words in place of a list that is too long for anybody to read.

    A fleet would fill the result a second time, and looking for thousands of passwords in it takes minutes.
    """
    return {name: f"({len(value)} items)" if _is_long(value) else value for name, value in options.items()}


def _is_long(value: t.Any) -> bool:
    return isinstance(value, list) and len(value) > _LONGEST_LIST


def run_task(
    task: Task, options: t.Mapping[str, t.Any], check_mode: bool, connect: Connect = Client
) -> dict[str, t.Any]:
    """The result of a task. Whatever goes wrong is a failed result with a sentence, never a traceback."""
    missing = missing_libraries()
    if missing:
        return {"failed": True, "changed": False, "msg": missing}
    try:
        return task({**options, **_addresses(options)}, check_mode, connect)
    except CollectionError as error:
        return {"failed": True, "changed": False, "msg": str(error)}
    except Exception as error:  # pylint: disable=broad-exception-caught
        return {"failed": True, "changed": False, "msg": str(InternalError(error))}


def _addresses(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return addresses(options, capabilities(options.get("api")))


def missing_libraries() -> str:
    """Which library is missing, and how to install it; an empty text when none is."""
    missing = [name for name, there in (("requests", HAS_REQUESTS), ("xmltodict", HAS_XMLTODICT)) if not there]
    if not missing:
        return ""
    return (
        f"This Python lacks {' and '.join(missing)}, which the collection needs. "
        f"Install with: {sys.executable} -m pip install {' '.join(missing)}"
    )


def _from_environment(variable: str, **option: t.Any) -> dict[str, t.Any]:
    return {**option, "fallback": (_environment_text, [variable])}


def _environment_text(variable: str) -> FromEnvironment:
    """What `variable` says, which an error can tell from what the task says."""
    return from_environment(variable, env_fallback(variable))


def _option(attribute: Attribute) -> dict[str, t.Any]:
    """The option of an attribute."""
    types: dict[str, dict[str, t.Any]] = {
        "text": {"type": "str"},
        "bool": {"type": "bool"},
        "list": {"type": "list", "elements": "str"},
    }
    return {**types[attribute.kind], "no_log": True} if attribute.secret else types[attribute.kind]
