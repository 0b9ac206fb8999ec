# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The glue: options are what the documentation and the contract say, and no failure tells a value."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.parameters import PASS_VARS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _info, _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import BY_NAME, FILTERS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import VERSION, Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import xml_answers
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.module_runs import (
    ARGUMENTS,
    CANARY,
    CONNECTED,
    module_arguments,
    not_called,
    own_process,
    run_module,
)

ROOT = Path(__file__).resolve().parents[4]
COLLECTION = "ansible_collections.mailfleet.sendgrid.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if path.stem != "__init__")


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
    "api_url": ("str", None, "SENDGRID_API_URL", None),
    "eu_api_url": ("str", None, "SENDGRID_EU_API_URL", None),
    "api_user": ("str", None, "SENDGRID_API_USER", None),
    "api_key": ("str", None, "SENDGRID_API_KEY", None),
    "api": ("str", "reseller", "SENDGRID_API", ["reseller", "customer", "subusers"]),
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
        assert option.get("required", False) is (option_name == "api_key")
        assert option.get("fallback", (None, []))[1] == ([variable] if variable else [])


# Which attributes there are is said by the contract of the table, in _v2/test_fields.py.
OWN_OPTIONS = {
    "reseller_customer": {
        *BY_NAME,
        "state",
        "new_username",
        "update_password",
        "update_profile",
        "update_website_access",
    },  # fmt: skip
    "reseller_customer_info": {*FILTERS, "details", "concurrency"},
    "reseller_customer_password": {"username", "password", "force"},
}


@pytest.mark.parametrize("name", OWN_OPTIONS)
def test_a_module_has_the_options_of_the_contract(name, monkeypatch):
    assert set(spec_of(name, monkeypatch)) - set(CONTRACT) == OWN_OPTIONS[name]


@pytest.mark.parametrize(
    ("name", "kind", "default", "choices"),
    [
        ("state", "str", "present", ["present", "absent"]),
        ("update_password", "str", "on_create", ["on_create", "always"]),
        ("update_profile", "str", "always", ["always", "on_create"]),
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


@pytest.mark.parametrize(
    ("given", "url", "eu_url"),
    [
        ({}, "https://api.sendgrid.com/apiv2", None),
        ({"api": "customer"}, "https://api.sendgrid.com/apiv2", None),
        ({"api": "subusers"}, "https://api.sendgrid.com/v3", "https://api.eu.sendgrid.com/v3"),
        ({"api": "subusers", "api_url": "https://api.sendgrid.com/v3/"}, None, "https://api.eu.sendgrid.com/v3"),
        # Nobody knows the EU server that belongs to a custom address.
        ({"api": "subusers", "api_url": "https://x.example/v3"}, None, None),
        ({"api": "subusers", "api_url": "https://x.example/v3", "eu_api_url": "https://y.example"}, None, None),
    ],
)
def test_the_address_follows_the_api(given, url, eu_url):
    result = _module.run_task(lambda options, *_given: {"changed": False, "options": options}, given, False)
    options = result["options"]
    assert (options["api_url"], options["eu_api_url"]) == (
        given.get("api_url", url),
        given.get("eu_api_url", eu_url),
    )


# How a task ends


@pytest.mark.parametrize(
    ("requests", "xmltodict", "named"),
    [(False, True, ["requests"]), (True, False, ["xmltodict"]), (False, False, ["requests", "xmltodict"])],
)
def test_a_missing_library_is_named_with_how_to_install_it(monkeypatch, requests, xmltodict, named):
    monkeypatch.setattr(_module, "HAS_REQUESTS", requests)
    monkeypatch.setattr(xml_answers, "HAS_XMLTODICT", xmltodict)
    called = []
    options = {"api_format": "xml"}
    result = _module.run_task(lambda *_given: called.append(True), options, False)
    assert result["failed"] is True and called == []
    assert f"{sys.executable} -m pip install {' '.join(named)}" in result["msg"]
    assert result["msg"] == _module.missing_libraries(options)
    assert result["msg"].count(" and ") == len(named) - 1
    assert [name for name in ("requests", "xmltodict") if name not in named and f" {name}" in result["msg"]] == []


@pytest.mark.parametrize("answer_format", ["json", "xml"])
def test_no_library_is_missing_here(answer_format):
    assert _module.missing_libraries({"api_format": answer_format}) == ""


@pytest.mark.parametrize("options", [{"api_format": "json"}, {}])
def test_the_library_for_xml_is_not_missed_where_there_is_none(monkeypatch, options):
    monkeypatch.setattr(xml_answers, "HAS_XMLTODICT", False)
    assert _module.missing_libraries(options) == ""
    assert _module.run_task(lambda *_given: {"changed": False}, options, False) == {"changed": False}


def _defective(options, _check_mode, _connect):
    raise {"value": ValueError, "key": KeyError, "unicode": _unicode_error}[options["kind"]](CANARY)


def _unicode_error(text):
    return UnicodeEncodeError("utf-8", text, 0, 1, text)


@pytest.mark.parametrize("kind", ["value", "key", "unicode"])
def test_the_text_of_a_defect_holds_no_value(kind):
    result = _module.run_task(_defective, {"kind": kind}, False)
    assert result["failed"] is True and result["changed"] is False
    assert CANARY not in repr(result)
    assert "Traceback" not in result["msg"] and "/" not in result["msg"]
    assert "internal error" in result["msg"]


def test_an_expected_error_is_its_own_sentence():
    def refuse(_options, _check_mode, _connect):
        raise InvalidInput(["one is wrong", "two is wrong"], about="The options are not valid")

    result = _module.run_task(refuse, {}, False)
    assert result == {
        "failed": True,
        "changed": False,
        "msg": "The options are not valid: one is wrong; two is wrong.",
    }


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_task_gets_the_options_the_mode_and_what_makes_a_session(check_mode):
    options, connect = {"city": "Bath", "api_url": "https://x.example", "eu_api_url": None}, object()
    for connects in ((), (connect,)):
        result = _module.run_task(lambda *given: {"changed": False, "given": given}, options, check_mode, *connects)
        assert result["given"] == (options, check_mode, *(connects or (Client,)))


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a whole module; gives its exit status and its printed result."""
    own_process(monkeypatch)
    return functools.partial(run_module, monkeypatch, capsys)


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


# An address that is not set is the API's own, and AWX sets a variable for each field of a credential, also for an empty
# one. A secret or a name that is not there is nothing to go on with.
MAY_BE_EMPTY = {"api_url": None, "eu_api_url": None}
NO_ACCOUNT = {"SENDGRID_API_USER": "", "SENDGRID_API_URL": "", "SENDGRID_EU_API_URL": ""}


@pytest.mark.parametrize(
    ("api", "url", "eu_url"),
    [
        ("reseller", "https://api.sendgrid.com/apiv2", None),
        ("subusers", "https://api.sendgrid.com/v3", "https://api.eu.sendgrid.com/v3"),
    ],
)
def test_a_variable_for_an_address_that_sets_nothing_counts_as_not_set(monkeypatch, run, api, url, eu_url):
    for variable in ("SENDGRID_API_URL", "SENDGRID_EU_API_URL"):
        monkeypatch.setenv(variable, "")
    seen = {}

    def task(options, _check_mode, _connect):
        seen.update(options)
        return {"changed": False}

    run(task, {name: text for name, text in {**ARGUMENTS, "api": api}.items() if name not in MAY_BE_EMPTY})
    assert (seen["api_url"], seen["eu_api_url"]) == (url, eu_url)


@pytest.mark.parametrize("option", MAY_BE_EMPTY)
def test_an_address_that_the_task_leaves_empty_is_an_error(run, option):
    status, result = run(_info.customer_info, {**CONNECTED, **LISTING, option: ""}, _module.info_spec())
    assert (status, f"{option} is empty" in result["msg"]) == (1, True)


def test_with_api_v3_a_variable_for_a_name_that_sets_nothing_counts_as_not_set(monkeypatch, run):
    """As without it: it is neither what is wrong, nor told beside what is."""
    given = {"api": "subusers", "api_url": "http://127.0.0.1:9/v3", "retries": 0}
    messages = []
    for more in ({}, {"SENDGRID_API_USER": ""}):
        for variable, text in more.items():
            monkeypatch.setenv(variable, text)
        messages += [
            run(_info.customer_info, {**given, **options}, _module.info_spec())[1]["msg"]
            for options in ({"api_key": "canary-key"}, {}, {"api_key": "canary-key", "retries": "many"})
        ]
    assert messages[:3] == messages[3:]
    assert "nothing accepts connections" in messages[0] and "api_key" in messages[1] and "retries" in messages[2]


@pytest.mark.parametrize(
    ("variable", "option"),
    [(variable, name) for name, (_k, _d, variable, _c) in CONTRACT.items() if variable and name not in MAY_BE_EMPTY],
)
def test_a_variable_that_sets_nothing_is_told_as_that(monkeypatch, run, variable, option):
    """Whether Ansible refuses it, as it does where an option has choices, or the collection does."""
    monkeypatch.setenv(variable, "")
    given = {name: text for name, text in {**CONNECTED, **LISTING}.items() if name != option}
    status, result = run(_info.customer_info, given, _module.info_spec())
    assert status == 1
    assert result["msg"] == f"The options are not valid: {option} (from {variable} in the environment) is empty."
    # The options of the task take precedence, and messages call them options of the task.
    status, result = run(_info.customer_info, {**given, option: ""}, _module.info_spec())
    assert status == 1
    assert variable not in result["msg"]


# Where nothing listens.
LISTING = {"api_url": "http://127.0.0.1:9/apiv2", "api": "reseller", "retries": 0}


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ({"customers": [{"username": "ann", "citty": CANARY}]}, ["customers[0] ('ann'): unknown option citty"]),
        (
            {"customers": [{"city": "Oslo"}, {"username": "ben", "state": "gone"}, {"username": "BEN"}]},
            [
                "customers[0]: username is missing",
                "customers[1] ('ben'): state must be present or absent, and is 'gone'",
                "customers[1] ('ben') and customers[2] ('BEN') differ only by case",
            ],
        ),
        (
            {
                "customers": [{"username": "ann", "password": "4711"}, {"username": "ben", "active": "perhaps"}],
                "api": "x",
            },
            [
                "value of api must be one of: reseller, customer, subusers, got: x",
                "got: x; customers[0] ('ann'): password is shorter than 6 characters; customers[1] ('ben'): "
                "active must be true or false, and is 'perhaps'",
            ],
        ),
        ({"customers": [], "concurrency": "many"}, ["concurrency"]),
        ({"customers": ["ann", {"username": "ben"}], "purge": "perhaps"}, ["purge"]),
        ({"customers": {"username": CANARY}}, ["customers"]),
        ({}, ["either customers or customers_file is required"]),
        ({"customers": [], "customers_file": "x.csv"}, ["customers and customers_file are mutually exclusive"]),
        ({"customers_file": "x.csv"}, ["only the action plugin of this module can read customers_file"]),
    ],
)
def test_everything_that_is_wrong_with_a_fleet_is_told_at_once(run, options, problems):
    status, result = run(
        lambda options, check_mode, _connect: manage_fleet(options, check_mode, not_called),
        {**CONNECTED, **options},
        _module.fleet_spec(),
        explain=_module.explain_fleet,
    )
    assert (status, result["failed"]) == (1, True)
    assert [problem for problem in problems if problem not in result["msg"]] == []
    assert CANARY not in result["msg"]


def test_a_row_that_is_none_does_not_hide_what_is_wrong_with_the_others():
    rows = ["ann", {"username": "ben", "state": "gone"}]
    first, second = _module.explain_fleet({**CONNECTED, "customers": rows}, _module.fleet_spec())
    assert first == "customers[0] must be a dict, and is a text"
    assert second == "customers[1] ('ben'): state must be present or absent, and is 'gone'"


def test_what_nobody_explains_is_told_in_ansibles_words(run):
    status, result = run(not_called, {**ARGUMENTS, "force": "perhaps"}, explain=lambda _options, _spec: [])
    assert status == 1
    assert "force" in result["msg"] and "perhaps" in result["msg"]


def test_a_failure_of_the_task_is_not_explained_by_the_options(run):
    failed = {"failed": True, "changed": False, "msg": "It failed."}
    status, result = run(lambda *_given: dict(failed), ARGUMENTS, explain=lambda *_given: ["no"])
    assert (status, result["msg"]) == (1, "It failed.")


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
    for option in ("api_user", "api_key"):
        told = (
            f"{option} is missing, and api=reseller needs it; set it, or SENDGRID_{option.upper()} in the environment"
        )
        assert told in result["msg"]
    required = {option for option, documented in documented_options(name).items() if documented.get("required")}
    others = ", ".join(sorted(required - {"api_key"}))
    assert (f"missing required arguments: {others}" in result["msg"]) == bool(others)


@pytest.mark.parametrize(
    ("name", "library", "told"),
    [
        ("_http/transport", "requests", "HAS_REQUESTS"),
        ("_v2/xml_answers", "xmltodict", "HAS_XMLTODICT"),
        ("_http/deadline", "requests", None),
        ("_customers/checks", "requests", "HAS_REQUESTS"),
    ],
)
def test_every_file_can_be_loaded_without_the_libraries(name, library, told, monkeypatch):
    """So that a result reports a Python without them, not a traceback."""
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


def test_the_version_is_that_of_the_collection():
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text())
    assert galaxy["version"] == VERSION
