# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The glue: options are what the documentation and the contract say, and no failure tells a value."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import json
import re
import runpy
import sys
import types
from pathlib import Path

import ansible.module_utils
import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import VERSION, Session
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils import _direct

ROOT = Path(__file__).resolve().parents[4]
COLLECTION = "ansible_collections.mailfleet.sendgrid.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
CANARY = "canary-value-1"


def module(name):
    return importlib.import_module(f"{COLLECTION}.modules.{name}")


def documented_options(name):
    """Options of a module with those of its doc fragments, as Ansible joins them."""
    documentation = yaml.safe_load(module(name).DOCUMENTATION)
    options = {}
    for reference in documentation.get("extends_documentation_fragment", []):
        *_collection, fragment, part = [*reference.split("."), "documentation"][:4]
        fragments = importlib.import_module(f"{COLLECTION}.doc_fragments.{fragment}").ModuleDocFragment
        options.update(yaml.safe_load(getattr(fragments, part.upper())).get("options") or {})
    return {**options, **(documentation.get("options") or {})}


def spec_of(name, monkeypatch):
    """The argument spec with which a module starts."""
    seen = []
    loaded = module(name)
    monkeypatch.setattr(loaded, "run", lambda task, spec, **_more: seen.append(spec))
    loaded.main()
    [spec] = seen
    return spec


def properties(option):
    """What documentation and spec must agree on."""
    return {
        "type": option.get("type", "str"),
        "elements": option.get("elements"),
        "default": option.get("default"),
        "choices": option.get("choices"),
        "required": bool(option.get("required")),
        "aliases": option.get("aliases"),
    }


def compared(documented, specified):
    assert set(documented) == set(specified)
    for name, option in documented.items():
        assert properties(option) == properties(specified[name]), name
        if option.get("suboptions") or specified[name].get("options"):
            compared(option["suboptions"], specified[name]["options"])


def all_options(spec):
    for name, option in spec.items():
        yield name, option
        yield from all_options(option.get("options") or {})


@pytest.mark.parametrize("name", MODULES)
def test_options_are_as_documented(name, monkeypatch):
    compared(documented_options(name), spec_of(name, monkeypatch))


@pytest.mark.parametrize("name", MODULES)
def test_secrets_are_never_logged(name, monkeypatch):
    options = list(all_options(spec_of(name, monkeypatch)))
    assert "api_key" in dict(options)
    for option_name, option in options:
        if option_name in ("api_key", "password"):
            assert option.get("no_log") is True, option_name
        elif re.search("pass|key|secret|token", option_name):
            # Without a word on it Ansible warns.
            assert "no_log" in option, option_name


# option: type, default, environment variable, choices
CONTRACT = {
    "api_url": ("str", "https://api.sendgrid.com/apiv2", "SENDGRID_API_URL", None),
    "api_user": ("str", None, "SENDGRID_API_USER", None),
    "api_key": ("str", None, "SENDGRID_API_KEY", None),
    "api": ("str", "reseller", "SENDGRID_API", ["reseller", "customer"]),
    "api_format": ("str", "json", None, ["json", "xml"]),
    "timeout": ("float", 30, None, None),
    "retries": ("int", 4, None, None),
    "max_retry_wait": ("float", 120, None, None),
    "requests_per_minute": ("int", 0, None, None),
    "validate_certs": ("bool", True, None, None),
    "ca_path": ("path", None, None, None),
}


@pytest.mark.parametrize("name", MODULES)
def test_the_connection_is_that_of_the_contract(name, monkeypatch):
    spec = spec_of(name, monkeypatch)
    for option_name, (kind, default, variable, choices) in CONTRACT.items():
        option = spec[option_name]
        assert (option["type"], option.get("default"), option.get("choices")) == (kind, default, choices), option_name
        assert option.get("required", False) is (option_name in ("api_user", "api_key"))
        assert option.get("fallback", (None, []))[1] == ([variable] if variable else [])


CUSTOMER = (
    "username state new_username password update_password email first_name last_name address city region zip country"
    " phone website company active website_access update_website_access package whitelabel ip_groups ips free_user"
    " billing_date mail_domain"
)
FILTERS = "username email active first_name last_name address city region country zip phone website company"
OWN_OPTIONS = {
    "reseller_customer": CUSTOMER,
    "reseller_customer_info": FILTERS,
    "reseller_customer_password": "username password force",
}


@pytest.mark.parametrize("name", OWN_OPTIONS)
def test_a_module_has_the_options_of_the_contract(name, monkeypatch):
    assert set(spec_of(name, monkeypatch)) - set(CONTRACT) == set(OWN_OPTIONS[name].split())


@pytest.mark.parametrize(
    ("name", "kind", "default", "choices"),
    [
        ("state", "str", "present", ["present", "absent"]),
        ("update_password", "str", "on_create", ["on_create", "always"]),
        ("update_website_access", "str", "always", ["always", "on_create"]),
        ("active", "bool", None, None),
        ("website_access", "bool", None, None),
        ("free_user", "bool", None, None),
        ("ip_groups", "list", None, None),
        ("ips", "list", None, None),
        ("billing_date", "str", None, None),
    ],
)
def test_an_option_of_the_customer_is_that_of_the_contract(name, kind, default, choices):
    option = _module.customer_spec()[name]
    assert (option["type"], option.get("default")) == (kind, default)
    assert sorted(option.get("choices") or []) == sorted(choices or [])


def test_the_action_group_holds_every_module():
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["reseller"]) == MODULES


# How a task ends


@pytest.mark.parametrize(
    ("requests", "xmltodict", "named"),
    [(False, True, ["requests"]), (True, False, ["xmltodict"]), (False, False, ["requests", "xmltodict"])],
)
def test_a_missing_library_is_named_with_how_to_install_it(monkeypatch, requests, xmltodict, named):
    monkeypatch.setattr(_module, "HAS_REQUESTS", requests)
    monkeypatch.setattr(_module, "HAS_XMLTODICT", xmltodict)
    called = []
    result = _module.perform(lambda *_given: called.append(True), {}, False)
    assert result["failed"] is True and called == []
    assert f"{sys.executable} -m pip install {' '.join(named)}" in result["msg"]
    assert result["msg"] == _module.missing_libraries()
    assert result["msg"].count(" and ") == len(named) - 1
    assert [name for name in ("requests", "xmltodict") if name not in named and f" {name}" in result["msg"]] == []


def test_no_library_is_missing_here():
    assert _module.missing_libraries() == ""


def _defective(options, _check_mode, _connect):
    raise {"value": ValueError, "key": KeyError, "unicode": _unicode_error}[options["kind"]](CANARY)


def _unicode_error(text):
    return UnicodeEncodeError("utf-8", text, 0, 1, text)


@pytest.mark.parametrize("kind", ["value", "key", "unicode"])
def test_the_text_of_a_defect_holds_no_value(kind):
    result = _module.perform(_defective, {"kind": kind}, False)
    assert result["failed"] is True and result["changed"] is False
    assert CANARY not in repr(result)
    assert "Traceback" not in result["msg"] and "/" not in result["msg"]
    assert "defect" in result["msg"]


def test_an_expected_error_is_its_own_sentence():
    def refuse(_options, _check_mode, _connect):
        raise InvalidInput(["one is wrong", "two is wrong"], about="The options are not valid")

    result = _module.perform(refuse, {}, False)
    assert result == {
        "failed": True,
        "changed": False,
        "msg": "The options are not valid: one is wrong; two is wrong.",
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_task_gets_the_options_the_mode_and_what_makes_a_session(check_mode):
    options, connect = {"city": "Bath"}, object()
    for connects in ((), (connect,)):
        result = _module.perform(lambda *given: {"changed": False, "given": given}, options, check_mode, *connects)
        assert result["given"] == (options, check_mode, *(connects or (Session,)))


@contextlib.contextmanager
def module_arguments(monkeypatch, arguments):
    """Arguments as if Ansible had sent them."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        # ansible-core 2.17
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        yield
    else:
        with patch_module_args(arguments):
            yield


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a whole module; gives its exit status and its printed result.

    As in a process of its own: other test files import what makes this one a controller, which shows warnings itself,
    and Ansible keeps warnings and arguments for the whole of a process.
    """
    # ansible-core 2.19 and later
    internal = getattr(ansible.module_utils, "_internal", None)
    if hasattr(internal, "is_controller"):
        monkeypatch.setattr(internal, "is_controller", False)
    if hasattr(basic, "_PARSED_MODULE_ARGS"):
        monkeypatch.setattr(basic, "_PARSED_MODULE_ARGS", None)
    for collected in ("_global_warnings", "_global_deprecations"):
        monkeypatch.setattr(module_warnings, collected, type(getattr(module_warnings, collected))())
    return functools.partial(_run, monkeypatch, capsys)


def _run(monkeypatch, capsys, task, arguments, spec=None, **options):
    with module_arguments(monkeypatch, arguments), pytest.raises(SystemExit) as caught:
        _module.run(task, spec or _module.password_spec(), **options)
    return caught.value.code, json.loads(capsys.readouterr().out)


ARGUMENTS = {"api_user": "acme", "api_key": "canary-key", "username": "ann", "password": CANARY}


def test_a_run_ends_with_the_result(run):
    def task(options, check_mode, _connect):
        return {
            "changed": True,
            "seen": [options["username"], options["retries"], check_mode],
            "warnings": ["Look here"],
        }

    status, result = run(task, {**ARGUMENTS, "_ansible_check_mode": True})
    assert status == 0
    assert (result["changed"], result["seen"]) == (True, ["ann", 4, True])
    assert "Look here" in json.dumps(result["warnings"])


def test_a_failed_run_ends_with_what_was_applied(run):
    def task(_options, _check_mode, _connect):
        return {"failed": True, "changed": True, "msg": "It failed.", "operations": [{"name": "disable"}]}

    status, result = run(task, ARGUMENTS)
    assert status == 1
    assert (result["failed"], result["changed"], result["msg"]) == (True, True, "It failed.")
    assert result["operations"] == [{"name": "disable"}]


def test_secrets_do_not_come_back_with_the_invocation(run):
    _status, result = run(lambda *_given: {"changed": False}, ARGUMENTS)
    assert CANARY not in json.dumps(result) and "canary-key" not in json.dumps(result)


@pytest.mark.parametrize(
    ("variable", "option"), [(variable, name) for name, (_k, _d, variable, _c) in CONTRACT.items() if variable]
)
def test_the_connection_comes_from_the_environment(monkeypatch, run, variable, option):
    value = "customer" if option == "api" else "from-environment"
    monkeypatch.setenv(variable, value)
    seen = {}

    def task(options, _check_mode, _connect):
        seen.update(options)
        return {"changed": False}

    run(task, {name: text for name, text in ARGUMENTS.items() if name != option})
    assert seen[option] == value


@pytest.mark.parametrize(
    ("variable", "option"), [(variable, name) for name, (_k, _d, variable, _c) in CONTRACT.items() if variable]
)
def test_a_variable_that_sets_nothing_is_told_as_that(monkeypatch, run, variable, option):
    """Whether Ansible refuses it, as it does where an option has choices, or the collection does."""
    monkeypatch.setenv(variable, "")
    given = {name: text for name, text in {**CONNECTED, **LISTING}.items() if name != option}
    status, result = run(_tasks.customer_info, given, _module.info_spec())
    assert status == 1
    assert result["msg"] == f"The options are not valid: {option} (from {variable} in the environment) is empty."
    # What the task itself says wins, and is told as its own.
    status, result = run(_tasks.customer_info, {**given, option: ""}, _module.info_spec())
    assert status == 1
    assert variable not in result["msg"]


CONNECTED = {"api_user": "acme", "api_key": "canary-key"}
# Where nothing listens.
LISTING = {"api_url": "http://127.0.0.1:9/apiv2", "api": "reseller", "retries": 0}


def _not_called(*_given):
    raise AssertionError("a task must not be begun with options that are wrong")


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ({"customers": [{"username": "ann", "citty": CANARY}]}, ["customers[0] ('ann'): unknown option citty"]),
        (
            {"customers": [{"city": "Oslo"}, {"username": "ben", "state": "gone"}, {"username": "BEN"}]},
            [
                "customers[0]: missing required arguments: username",
                "customers[1] ('ben'): value of state must be one of: ",
                "customers[1] ('ben') and customers[2] ('BEN') differ only by case",
            ],
        ),
        (
            {
                "customers": [{"username": "ann", "password": "4711"}, {"username": "ben", "active": "perhaps"}],
                "api": "x",
            },
            [
                "value of api must be one of: reseller, customer, got: x",
                "got: x; customers[0] ('ann'): password is shorter than 6 characters; customers[1] ('ben'): ",
                "'active'",
            ],
        ),
        ({"customers": [], "concurrency": "many"}, ["concurrency"]),
        ({"customers": ["ann", {"username": "ben"}], "purge": "perhaps"}, ["purge"]),
        ({"customers": {"username": CANARY}}, ["customers"]),
        ({}, ["missing required arguments: customers"]),
    ],
)
def test_everything_that_is_wrong_with_a_fleet_is_told_at_once(run, options, problems):
    status, result = run(_not_called, {**CONNECTED, **options}, _module.fleet_spec(), explain=_module.explain_fleet)
    assert (status, result["failed"]) == (1, True)
    assert [problem for problem in problems if problem not in result["msg"]] == []
    assert CANARY not in result["msg"]


def test_a_row_that_is_none_does_not_hide_what_is_wrong_with_the_others():
    rows = ["ann", {"username": "ben", "state": "gone"}]
    first, second = _module.explain_fleet({**CONNECTED, "customers": rows}, _module.fleet_spec())
    assert first == "customers[0] must be a dict, and is a text"
    assert second.startswith("customers[1] ('ben'): value of state must be one of: ")


def test_what_nobody_explains_is_told_in_ansibles_words(run):
    status, result = run(_not_called, {**ARGUMENTS, "force": "perhaps"}, explain=lambda _options, _spec: [])
    assert status == 1
    assert "force" in result["msg"] and "perhaps" in result["msg"]


def test_a_failure_of_the_task_is_not_explained_by_the_options(run):
    failed = {"failed": True, "changed": False, "msg": "It failed."}
    status, result = run(lambda *_given: dict(failed), ARGUMENTS, explain=lambda *_given: ["no"])
    assert (status, result["msg"]) == (1, "It failed.")


# Kinds of values, before Ansible looks at them


@pytest.fixture
def both_ways(run):
    """Runs a whole module as it is shipped, then in the controller's process; gives both results."""

    def run_both(arguments, spec, explain=None, task=_not_called):
        _status, shipped = run(task, arguments, spec, explain=explain)
        # Those of a process of its own end with it.
        module_warnings._global_warnings.clear()
        return shipped, json.loads(_direct.module_output(task, spec, arguments, explain))

    return run_both


FLEET = [{"username": "ann", "password": f"{CANARY}-1"}, {"username": "ben", "password": f"{CANARY}-2"}]
INVALID = "The options are not valid: "


@pytest.mark.parametrize(
    ("customers", "told"),
    [
        ([FLEET], "customers[0] must be a dict, and is a list."),
        ([[FLEET]], "customers[0] must be a dict, and is a list."),
        ([*FLEET, FLEET], "customers[2] must be a dict, and is a list."),
        (FLEET[0], "customers must be a list of dicts, and is a dict."),
        (json.dumps(FLEET), "customers must be a list of dicts, and is a text."),
        ([json.dumps(FLEET)], "customers[0] must be a dict, and is a text."),
        ([f'{{"username": "ann", "password": "{CANARY}"'], "customers[0] must be a dict, and is a text."),
        ([f"username=ann {CANARY}=x"], "customers[0] must be a dict, and is a text."),
        ([{"username": {"password": CANARY}}], "customers[0]: username must be a text, and is a dict."),
        ([{"username": "ann", "password": [CANARY]}], "customers[0] ('ann'): password must be a text, and is a list."),
        (
            [{"username": "ann", "active": [CANARY]}],
            "customers[0] ('ann'): active must be true or false, and is a list.",
        ),
        (
            [{"username": "ann", "ips": {CANARY: 1}}],
            "customers[0] ('ann'): ips must be a list of texts, and is a dict.",
        ),
        ("", "customers must be a list of dicts, and is an empty text."),
        (None, "customers must be a list of dicts, and is empty."),
    ],
)
def test_a_fleet_of_the_wrong_kind_is_told_by_place_and_kind_in_both_ways(both_ways, customers, told):
    for result in both_ways({**CONNECTED, "customers": customers}, _module.fleet_spec(), _module.explain_fleet):
        assert (result["failed"], result["msg"]) == (True, f"{INVALID}{told}")
        # The invocation is in the result as well.
        assert CANARY not in json.dumps(result)


@pytest.mark.parametrize("name", ["api_key", "password"])
@pytest.mark.parametrize("value", [[CANARY], {CANARY: CANARY}, [[CANARY]]])
def test_a_secret_of_the_wrong_kind_is_told_by_place_and_kind_in_both_ways(both_ways, name, value):
    arguments = {**ARGUMENTS, "api_key": "key-4711", "password": "pass-4711", name: value}
    for result in both_ways(arguments, _module.password_spec(), _module.explain_customer):
        kind = "a dict" if isinstance(value, dict) else "a list"
        assert result["msg"] == f"{INVALID}{name} must be a text, and is {kind}."
        assert CANARY not in json.dumps(result)


@pytest.mark.parametrize(("spec", "explain"), [("customer_spec", "explain_customer"), ("info_spec", None)])
def test_a_boolean_for_a_text_is_told_with_all_else_that_is_wrong(both_ways, spec, explain):
    arguments = {**CONNECTED, "username": "ann", "country": False, "city": True, "citty": CANARY, "retries": "many"}
    more = {"zip": "1" * 51, "state": "gone", "password": 47114711} if explain else {}
    for result in both_ways(
        {**arguments, **more}, getattr(_module, spec)(), getattr(_module, explain) if explain else None
    ):
        told = result["msg"]
        for part in ("country must be a text, and is a boolean; put it in quotes", "city must", "citty", "retries"):
            assert part in told
        assert not explain or ("password must be a text, and is a number" in told and "state" in told)
        assert "4711" not in told and CANARY not in json.dumps(result)


def test_a_boolean_for_a_text_does_not_hide_a_limit(both_ways):
    arguments = {**CONNECTED, "username": "ann", "country": False, "zip": "1" * 51}
    for result in both_ways(arguments, _module.customer_spec(), _module.explain_customer):
        assert "country must be a text" in result["msg"] and "zip has 51 characters" in result["msg"]


def test_rows_that_ansible_makes_of_texts_are_looked_at(both_ways):
    rows = ['{"username": "ann", "country": false}', "username=ben state=absent", {"username": "cleo"}]
    for result in both_ways({**CONNECTED, "customers": rows}, _module.fleet_spec(), _module.explain_fleet):
        assert result["msg"].startswith(f"{INVALID}customers[0] ('ann'): country must be a text, and is a boolean")

    def told(options, _check_mode, _connect):
        return {"changed": False, "seen": [(row["username"], row["state"]) for row in options["customers"]]}

    for customers in ([*rows[1:]], "username=ben state=absent,username=cleo"):
        for result in both_ways(
            {**CONNECTED, "customers": customers}, _module.fleet_spec(), _module.explain_fleet, told
        ):
            assert result["seen"] == [["ben", "absent"], ["cleo", "present"]]


def test_a_number_for_a_text_is_one_warning_in_both_ways(both_ways):
    rows = [{"username": f"c{number}", "zip": 2113} for number in range(20)]

    def seen(options, _check_mode, _connect):
        return {"changed": False, "seen": options["customers"][3]["zip"]}

    for result in both_ways({**CONNECTED, "customers": rows}, _module.fleet_spec(), _module.explain_fleet, seen):
        assert result["seen"] == "2113"
        [warning] = result["warnings"]
        told = str(warning)
        assert "zip of customers[0] ('c0') is a number, and is used as the text '2113', and 19 more like it" in told
        assert "put it in quotes" in told


def test_a_warning_holds_no_secret(both_ways):
    arguments = {**ARGUMENTS, "password": "47114711", "username": 47114711}
    for result in both_ways(arguments, _module.password_spec(), None, lambda *_given: {"changed": False}):
        assert len(result["warnings"]) == 1
        assert "47114711" not in json.dumps(result)


# The line in the system's log


@pytest.fixture
def logged(monkeypatch):
    """What reaches the log of the system, of syslog and of the journal."""
    lines = []
    monkeypatch.setattr(basic.syslog, "syslog", lambda _priority, line: lines.append(line))
    journal = types.SimpleNamespace(send=lambda **fields: lines.append(repr(fields)))
    monkeypatch.setattr(basic, "journal", journal, raising=False)
    return lines


HARD_TO_MASK = [
    "canary\\4711",
    "canary'4711\"",
    "canary\u00a04711",
    "canary\x074711",
    "canary\n4711",
    "canary\u20284711",
]


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize("password", HARD_TO_MASK)
@pytest.mark.parametrize("count", [1, 3, 101])
def test_the_log_counts_customers_and_holds_no_secret(both_ways, logged, monkeypatch, has_journal, password, count):
    monkeypatch.setattr(basic, "has_journal", has_journal)
    rows = [{"username": f"c{number}", "password": f"{password}-{number}"} for number in range(count)]
    arguments = {**CONNECTED, "api_key": password, "customers": rows, "concurrency": 4}
    both_ways(arguments, _module.fleet_spec(), None, lambda *_given: {"changed": False})
    assert len(logged) == 2
    for line in logged:
        assert "Invoked with " in line and "concurrency=4" in line and f"customers=({count} items)" in line
        assert "api_key=NOT_LOGGING_PARAMETER" in line
        assert "canary" not in line and "4711" not in line and "c0" not in line


@pytest.mark.parametrize("has_journal", [True, False])
@pytest.mark.parametrize("secret", [*HARD_TO_MASK, "canary-4711"])
def test_a_text_that_holds_a_secret_is_not_logged(both_ways, logged, monkeypatch, has_journal, secret):
    """A username that is the password too, an address that holds the key."""
    monkeypatch.setattr(basic, "has_journal", has_journal)
    arguments = {**ARGUMENTS, "username": secret, "password": secret, "api_url": f"https://{secret}.example/"}
    both_ways(arguments, _module.password_spec(), None, lambda *_given: {"changed": False})
    assert len(logged) == 2
    for line in logged:
        assert "username=NOT_LOGGING_PARAMETER" in line and "api_url=NOT_LOGGING_PARAMETER" in line
        assert "api_user=acme" in line and "canary" not in line and "4711" not in line


def test_the_log_of_a_task_that_fails_holds_no_secret(both_ways, logged, monkeypatch):
    monkeypatch.setattr(basic, "has_journal", False)
    both_ways({**CONNECTED, "customers": [FLEET]}, _module.fleet_spec(), _module.explain_fleet)
    assert CANARY not in "".join(logged)


@pytest.mark.parametrize(("size", "is_shown"), [(_module._LONGEST_LIST, True), (_module._LONGEST_LIST + 1, False)])
def test_a_long_fleet_does_not_come_back_with_the_invocation(run, size, is_shown):
    rows = [{"username": f"{number}@example.com", "password": f"{CANARY}-{number}"} for number in range(size)]
    # ansible-core 2.21 asks for the invocation where it is wanted.
    asked = {"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {}
    arguments = {**CONNECTED, "customers": rows, **asked}
    status, result = run(lambda *_given: {"changed": False}, arguments, _module.fleet_spec())
    assert status == 0
    told = result["invocation"]["module_args"]["customers"]
    assert len(told) == size if is_shown else told == f"({size} items)"
    assert CANARY not in json.dumps(result) and "canary-key" not in json.dumps(result)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_a_program(name, monkeypatch, capsys, run):
    """As Ansible starts it: by its name, with arguments from outside; here without any."""
    monkeypatch.delitem(sys.modules, f"{COLLECTION}.modules.{name}", raising=False)
    with module_arguments(monkeypatch, {}), pytest.raises(SystemExit) as caught:
        runpy.run_module(f"{COLLECTION}.modules.{name}", run_name="__main__")
    result = json.loads(capsys.readouterr().out)
    assert (caught.value.code, result["failed"]) == (1, True)
    assert "missing required arguments: " in result["msg"] and "api_key" in result["msg"]


@pytest.mark.parametrize(
    ("name", "library", "told"),
    [
        ("_http/transport", "requests", "HAS_REQUESTS"),
        ("_v2/answers", "xmltodict", "HAS_XMLTODICT"),
        ("_http/deadline", "requests", None),
        ("_customers/checks", "requests", "HAS_REQUESTS"),
    ],
)
def test_every_file_can_be_loaded_without_the_libraries(name, library, told, monkeypatch):
    """So that a Python without them is told of in a result, not by a traceback."""
    for missing in (library, f"{library}.adapters"):
        monkeypatch.setitem(sys.modules, missing, None)
    path = ROOT / "plugins" / "module_utils" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"bare{path.stem}", path)
    bare = importlib.util.module_from_spec(spec)
    # Dataclasses look for the module of their class.
    monkeypatch.setitem(sys.modules, spec.name, bare)
    spec.loader.exec_module(bare)
    assert told is None or getattr(bare, told) is False


def test_modules_support_check_mode():
    for name in MODULES:
        documentation = yaml.safe_load(module(name).DOCUMENTATION)
        assert documentation["attributes"]["check_mode"]["support"] == "full", name


def test_one_version_is_told_everywhere():
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    changelog = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())
    assert galaxy["version"] == VERSION
    assert VERSION in changelog["releases"]
