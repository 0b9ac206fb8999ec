# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Connects the tasks to Ansible: argument specs from the table of attributes, `exit_json` and `fail_json`."""

from __future__ import annotations

import json
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import AnsibleFallbackNotFound, RequiredError, UnsupportedError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, can_read, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    BY_NAME,
    DETAILS,
    FILTERS,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Connect,
    addresses,
    customer_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import Findings, KindCheck
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import option_names
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import (
    BESIDE_OPTIONS,
    ROW_OPTIONS,
    attribute_option,
    given_secrets,
    known,
    read_options,
    row_spec,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput, as_collection_error
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    CREDENTIAL_VARIABLES,
    FromEnvironment,
    empty_variables,
    from_environment,
    missing_credentials,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import HAS_REQUESTS, Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._masking import masked
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

_LONGEST_LIST = 100
_ROW_NAMES = frozenset(row_spec())

Spec = dict[str, dict[str, t.Any]]
# Returns the problems of the options as given, by the spec.
Explain = t.Callable[[t.Mapping[str, t.Any], Spec], list[str]]
Task = t.Callable[[t.Mapping[str, t.Any], bool, Connect], dict[str, t.Any]]


def connection_spec() -> Spec:
    """The options that every module shares."""
    return {
        "api_url": _address_from_environment("SENDGRID_API_URL"),
        "eu_api_url": _address_from_environment("SENDGRID_EU_API_URL"),
        "api_user": _from_environment(CREDENTIAL_VARIABLES["api_user"], type="str"),
        "api_key": _from_environment(CREDENTIAL_VARIABLES["api_key"], type="str", required=True, no_log=True),
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
    return {**connection_spec(), **row_spec()}


def fleet_spec() -> Spec:
    """The options of reseller_customers."""
    return {
        **connection_spec(),
        "customers": {"type": "list", "elements": "dict", "options": row_spec()},
        "customers_file": {"type": "path"},
        "defaults": {"type": "dict"},
        "passwords": {"type": "dict", "no_log": True},
        "purge": {"type": "bool", "default": False},
        "max_deletions": {"type": "int"},
        "concurrency": {"type": "int", "default": 8},
        "on_error": {"type": "str", "default": "continue", "choices": ["continue", "stop"]},
    }


def info_spec() -> Spec:
    """The options of reseller_customer_info."""
    return {
        **connection_spec(),
        **{name: attribute_option(BY_NAME[name]) for name in FILTERS},
        "details": {"type": "list", "elements": "str", "choices": list(DETAILS), "default": []},
        "concurrency": {"type": "int", "default": 8},
    }


def password_spec() -> Spec:
    """The options of reseller_customer_password."""
    return {
        **connection_spec(),
        "username": {"type": "str", "required": True},
        "password": {**attribute_option(BY_NAME["password"]), "required": True},
        "force": {"type": "bool", "default": False},
    }


def api_key_spec() -> Spec:
    """The options of reseller_customer_api_key."""
    return {
        **connection_spec(),
        "username": {"type": "str", "required": True},
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "scopes": {"type": "list", "elements": "str"},
        "full_access": {"type": "bool", "default": False},
        "rotate": {"type": "bool", "default": False},
        # An id opens nothing.
        "api_key_id": {"type": "str", "no_log": False},
    }


class Module(AnsibleModule):
    """An AnsibleModule that reports all problems of its options, and never a value of an unexpected kind.

    Ansible reports only the first problem, and quotes a value that it cannot convert. So this class checks the kinds
    before Ansible checks the options, and keeps wrong values away from Ansible.
    """

    params: dict[str, t.Any]
    no_log_values: set[str]

    def __init__(self, explain: Explain | None, **settings: t.Any) -> None:
        self._explain = explain
        self._problems: list[str] = []
        self._is_starting = True
        super().__init__(**settings)
        if self._problems:
            # Ansible may accept the options, because it did not get the wrong ones.
            self.fail_json("")
        self._is_starting = False
        self.params.update(self._rows)
        for warning in self._kinds.warnings():
            self.warn(warning)

    def _load_params(self) -> None:
        """Checks kinds at the only place, in every ansible-core, between the arguments and Ansible's own checks."""
        super()._load_params()
        own = {name: value for name, value in self.params.items() if not name.startswith("_ansible_")}
        self.params = _without(self.params, _null_choices(own, self.argument_spec))
        own = _without_null_choices(own, self.argument_spec)
        self._given = _with_dicts(own, self.argument_spec)
        self._rows = {name: self._given[name] for name in _row_options(self.argument_spec) & self._given.keys()}
        # Ansible adds the secrets that it finds by itself.
        self.no_log_values.update(given_secrets(self._given) if self._rows else ())
        self._kinds = KindCheck(self.argument_spec)(_without(self._given, self._rows))
        if self._kinds.problems:
            self._problems = (self._explain or explain_options)(self._given, self.argument_spec)
        self.params = {**{name: self.params[name] for name in self.params.keys() - own}, **self._kinds.options}

    def finish(self, result: dict[str, t.Any]) -> None:
        """Masks the secrets in a result, and ends the process with it. Then Ansible has no secret to look for.

        Ansible looks for each secret in each text. With a password for each customer of a fleet, this takes minutes.
        """
        result.setdefault("invocation", {"module_args": abridged(self.params)})
        preserved = {name: value for name, value in result.items() if value is None or isinstance(value, bool)}
        result = {**masked(result, self.no_log_values), **preserved}
        self.no_log_values = set()
        (self.fail_json if result.get("failed") else self.exit_json)(**result)

    def fail_json(self, msg: str, **result: t.Any) -> None:
        if self._is_starting:
            self._is_starting = False
            problems = self._problems
            if not problems and getattr(self, "validation_result", None) is not None:
                problems = empty_variables(self.params, capabilities(self.params.get("api")).connection.unused)
                if self._explain is not None:
                    problems += self._explain(self._given, self.argument_spec)
                if not problems and self.params.get("api_key", "") is None:
                    problems = validated(self.argument_spec, self._kinds)[0]
            if problems:
                msg = str(InvalidInput(problems))
        super().fail_json(msg, **result)

    def warn(self, warning: str, *more: t.Any, **named: t.Any) -> None:
        """Masks the warning, because ansible-core 2.19 and newer mask a result without its warnings."""
        super().warn(masked(warning, self.no_log_values), *more, **named)

    def _log_invocation(self) -> None:
        """Writes a line to the system's log. It has the number of rows of a list, and no value of a secret.

        Ansible's own line holds all options. Ansible masks it afterwards, and misses a secret that was escaped.
        """
        options = {**self.params, **self._rows}
        logged = _logged_options(_without(options, BESIDE_OPTIONS), self.argument_spec, self.no_log_values)
        words = " ".join(f"{name}={value}" for name, value in logged.items())
        self.log(f"Invoked with {words}" if words else "Invoked", log_args=logged)


def _null_choices(options: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Any]) -> set[str]:
    """The options that a null leaves out, and that Ansible would refuse, since null is none of the choices."""
    return {
        name
        for name, value in options.items()
        if value is None and "choices" in spec.get(name, {}) and "default" not in spec[name]
    }


def _without_null_choices(options: t.Mapping[str, t.Any], spec: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options without those, also in a dict."""
    kept = _without(options, _null_choices(options, spec))
    for name, value in kept.items():
        option = spec.get(name, {})
        if isinstance(value, dict) and option.get("type") == "dict" and "options" in option:
            kept[name] = _without_null_choices(value, option["options"])
    return kept


def _row_options(spec: Spec) -> set[str]:
    """The options that Ansible must not see."""
    return set(ROW_OPTIONS) if "customers" in spec else set()


def _without(options: t.Mapping[str, t.Any], names: t.Container[str]) -> dict[str, t.Any]:
    return {name: value for name, value in options.items() if name not in names}


def _with_dicts(options: dict[str, t.Any], spec: Spec) -> dict[str, t.Any]:
    """The options with dicts in place of the texts that Ansible converts to dicts: JSON, or `key=value`."""
    return {
        name: _DICTS[name](value) if name in _row_options(spec) & _DICTS.keys() else value
        for name, value in options.items()
    }


def _as_rows(value: t.Any) -> t.Any:
    """A list of dicts. A text may stand for the list, or for one of its dicts.

    Such a text stays a text if it names an unknown option, because this name may be a part of a secret.
    """
    if isinstance(value, str):
        rows = [_as_row(text) for text in value.split(",")]
        return rows if not any(isinstance(row, str) for row in rows) else _as_list(value)
    return [_as_row(row) if isinstance(row, str) else row for row in value] if _is_list(value) else value


def _as_row(text: str) -> t.Any:
    row = _as_dict(text)
    return row if isinstance(row, dict) and row.keys() <= _ROW_NAMES else text


def _as_list(text: str) -> t.Any:
    """A list from JSON. Before ansible-core 2.19, a template leaves a list unchanged only as JSON."""
    try:
        rows = json.loads(text)
    except ValueError:
        return text
    return rows if isinstance(rows, list) else text


def _as_dict(value: t.Any) -> t.Any:
    try:
        return check_type_dict(value) if isinstance(value, str) and value.strip() else value
    except TypeError:
        return value


_DICTS: dict[str, t.Callable[[t.Any], t.Any]] = {"customers": _as_rows, "defaults": _as_dict, "passwords": _as_dict}


def _is_list(value: t.Any) -> bool:
    return isinstance(value, (list, tuple))


# The same word as in Ansible's own line.
_NOT_LOGGED = "NOT_LOGGING_PARAMETER"


def _logged_options(options: t.Mapping[str, t.Any], spec: Spec, secrets: t.Iterable[str]) -> dict[str, str]:
    """What a log may hold of each option: no secret in any spelling, and no text that holds one."""
    return {name: _logged(value, spec.get(name, {}), secrets) for name, value in options.items()}


def _logged(value: t.Any, option: t.Mapping[str, t.Any], secrets: t.Iterable[str]) -> str:
    if isinstance(value, (list, tuple, dict)) and not option.get("no_log"):
        return f"({len(value)} items)"
    if option.get("no_log") or (option.get("type") in ("list", "dict") and value is not None):
        # A value in place of rows or defaults may hold anything.
        return _NOT_LOGGED
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
    """Runs a whole module: validates the options, runs the task, and ends the process with its result.

    `explain`: returns the problems of options that Ansible refuses, in place of Ansible's own words.
    """
    module = module_class(explain, argument_spec=spec, supports_check_mode=True)
    if "api" in module.params:
        module.params.update(_addresses(module.params))
    result = run_task(task, module.params, module.check_mode, connect)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.finish(result)


def explain_fleet(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """All problems of options of reseller_customers, with the place of each row."""
    names = option_names(options)
    spec = names.renamed(spec)
    kinds = KindCheck(spec)(names.renamed(_without(options, ROW_OPTIONS)))
    # An unknown API is one problem, and not a further one for each customer.
    api = capabilities(options.get("api"))
    return kinds.problems + validated(spec, kinds)[0] + read_options(options, api).problems


def _one_customers_problems(spec: Spec, kinds: Findings, api: Capabilities) -> list[str]:
    problems, options = validated(spec, kinds)
    return kinds.problems + (problems or customer_problems(options, api))


def explain_customer(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """All problems of options about one customer, if an option has a wrong kind.

    Otherwise empty, because Ansible's own words are enough then.
    """
    kinds = KindCheck(spec)(options)
    api = capabilities(options.get("api"))
    return _one_customers_problems(spec, kinds, api) if kinds.problems else []


def explain_options(options: t.Mapping[str, t.Any], spec: Spec) -> list[str]:
    """The options of a wrong kind, and the other problems that Ansible finds."""
    kinds = KindCheck(spec)(options)
    return kinds.problems + validated(spec, kinds)[0]


def _given(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options without null, which Ansible sets for an option that is left out."""
    return {name: value for name, value in options.items() if value is not None}


def validated(spec: Spec, kinds: Findings) -> tuple[list[str], dict[str, t.Any]]:
    """The problems that Ansible finds in options of the right kind, and these options as Ansible converts them."""
    right = {name: option for name, option in spec.items() if name not in kinds.wrong}
    result = ArgumentSpecValidator(right).validate(_given(kinds.options))
    found = result.validated_parameters
    missing = _missing_problems(right, found)
    problems = [
        problem
        for error in result.errors
        for problem in (missing if isinstance(error, RequiredError) else [_ansible_problem(error)])
    ]
    return problems, found


def _ansible_problem(error: t.Any) -> str:
    """An error of Ansible as a clause."""
    unknown = "unknown option " if isinstance(error, UnsupportedError) else ""
    return unknown + str(error.msg).rstrip(".")


def _missing_problems(spec: Spec, found: t.Mapping[str, t.Any]) -> list[str]:
    """The required options that are missing. Ansible's own words do not name the environment variables."""
    unused = {*CREDENTIAL_VARIABLES} - spec.keys() | capabilities(found.get("api")).connection.unused
    missing = [name for name, option in spec.items() if option.get("required") and found.get(name) is None]
    others = sorted({*missing} - CREDENTIAL_VARIABLES.keys())
    listed = [f"missing required arguments: {', '.join(others)}"] if others else []
    return missing_credentials(found, unused) + listed


def abridged(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options for a result, with a few words in place of a value that is too long to read."""
    return {
        name: f"({len(value)} items)" if _is_long(value) else _SHOWN.get(name, _as_it_is)(value)
        for name, value in options.items()
        if name not in BESIDE_OPTIONS
    }


def _is_long(value: t.Any) -> bool:
    return isinstance(value, (list, dict)) and len(value) > _LONGEST_LIST


def _as_it_is(value: t.Any) -> t.Any:
    return value


def _shown_row(row: t.Any) -> t.Any:
    """A row without values of a wrong kind or under a misspelt name: either may be a secret that nobody declared."""
    return known(row) if isinstance(row, dict) else {}


def _shown_rows(rows: t.Any) -> t.Any:
    return [_shown_row(row) for row in rows] if _is_list(rows) else None


_SHOWN: dict[str, t.Callable[[t.Any], t.Any]] = {"customers": _shown_rows, "defaults": _shown_row}


def run_task(
    task: Task, options: t.Mapping[str, t.Any], check_mode: bool, connect: Connect = Client
) -> dict[str, t.Any]:
    """The result of a task. Any error becomes a failed result with a sentence, never a traceback."""
    missing = missing_libraries(options)
    if missing:
        return {"failed": True, "changed": False, "msg": missing}
    try:
        return task({**options, **_addresses(options)}, check_mode, connect)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return {"failed": True, "changed": False, "msg": str(as_collection_error(error))}


def _addresses(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return addresses(options, capabilities(options.get("api")))


def missing_libraries(options: t.Mapping[str, t.Any]) -> str:
    """The missing libraries that a task needs, and how to install them; an empty text if none is missing."""
    needed = (("requests", HAS_REQUESTS), ("xmltodict", can_read(options.get("api_format"))))
    missing = [name for name, there in needed if not there]
    if not missing:
        return ""
    return (
        f"This Python lacks {' and '.join(missing)}, which the collection needs. "
        f"Install with: {sys.executable} -m pip install {' '.join(missing)}"
    )


def _from_environment(variable: str, **option: t.Any) -> dict[str, t.Any]:
    return {**option, "fallback": (_environment_text, [variable])}


def _address_from_environment(variable: str) -> dict[str, t.Any]:
    return {"type": "str", "fallback": (_environment_address, [variable])}


def _environment_address(variable: str) -> FromEnvironment:
    """The address in `variable`. If it is empty, there is none: AWX sets a variable for each field of a credential."""
    text = _environment_text(variable)
    if not text:
        raise AnsibleFallbackNotFound
    return text


def _environment_text(variable: str) -> FromEnvironment:
    """The value of `variable`. An error can tell it from a value of the task."""
    return from_environment(variable, env_fallback(variable))
