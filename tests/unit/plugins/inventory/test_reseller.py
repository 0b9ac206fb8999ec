# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin: its files, its options and what a cache is good for."""

from __future__ import annotations

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible_collections.mailfleet.sendgrid.plugins.doc_fragments.reseller import ModuleDocFragment
from ansible_collections.mailfleet.sendgrid.plugins.inventory import reseller
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import FILTERS, IN_RESULTS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._info import list_customers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import xml_answers

OPTIONS = {
    **{name: option.get("default") for name, option in _module.info_spec().items()},
    "api_user": "acme",
    "api_key": "canary-key-4711",
    "cache": True,
}
# By name as in the documentation: where it is.
FRAGMENTS = {
    "mailfleet.sendgrid.reseller": ModuleDocFragment.DOCUMENTATION,
    "mailfleet.sendgrid.reseller.inventory": ModuleDocFragment.INVENTORY,
    "mailfleet.sendgrid.reseller.filters": ModuleDocFragment.FILTERS,
    "mailfleet.sendgrid.reseller.details": ModuleDocFragment.DETAILS,
    "ansible.builtin.constructed": constructed.ModuleDocFragment.DOCUMENTATION,
    "ansible.builtin.inventory_cache": inventory_cache.ModuleDocFragment.DOCUMENTATION,
}
DOCUMENTED = yaml.safe_load(reseller.DOCUMENTATION)


def documented(*names):
    """The options of fragments, each option joined from all of them, as Ansible does."""
    options = {}
    for name in names:
        for option, properties in yaml.safe_load(FRAGMENTS[name])["options"].items():
            options.setdefault(option, {}).update(properties)
    return options


@pytest.fixture
def plugin(monkeypatch):
    """The plugin with options in `plugin.given`."""
    made = reseller.InventoryModule()
    made.given = dict(OPTIONS)
    monkeypatch.setattr(made, "get_option", lambda name: made.given[name])
    monkeypatch.setattr(made, "get_cache_key", lambda path: f"prefix_{path}")
    made._cache = {}
    return made


@pytest.mark.parametrize(
    ("name", "is_mine"),
    [
        ("sendgrid.yml", True),
        ("sendgrid.yaml", True),
        ("fleet.sendgrid.yml", True),
        ("fleet-sendgrid.yaml", True),
        ("fleet.yml", False),
        ("sendgrid.yml.bak", False),
        ("sendgrid.json", False),
        ("sendgrid", False),
    ],
)
def test_files_of_the_plugin(plugin, tmp_path, name, is_mine):
    path = tmp_path / name
    path.touch()
    assert plugin.verify_file(str(path)) is is_mine


def test_a_file_that_is_not_there(plugin, tmp_path):
    assert plugin.verify_file(str(tmp_path / "sendgrid.yml")) is False


def test_the_options_are_those_of_the_module():
    own = documented(*[name for name in FRAGMENTS if name.startswith("mailfleet.")])
    spec = _module.info_spec()
    assert set(own) == set(spec)
    for name, option in own.items():
        wanted = spec[name]
        assert option["type"] == wanted["type"], name
        assert option.get("default") == wanted.get("default"), name
        assert option.get("choices") == wanted.get("choices"), name
        assert option.get("required", False) == wanted.get("required", False), name
        assert [entry["name"] for entry in option.get("env", [])] == wanted.get("fallback", (None, []))[1], name


def test_no_option_of_ansible_hides_one_of_the_module():
    assert DOCUMENTED["extends_documentation_fragment"] == list(FRAGMENTS)
    ansibles = documented("ansible.builtin.constructed", "ansible.builtin.inventory_cache")
    assert set(ansibles) & set(_module.info_spec()) == set()
    assert set(DOCUMENTED["options"]) - {"plugin"} <= set(ansibles)


def test_all_variables_are_documented():
    described = " ".join(DOCUMENTED["description"])
    for name in (*IN_RESULTS, "extra"):
        assert f"C(sendgrid_{name})" in described


def test_examples_have_options_that_there_are():
    known = {*documented(*FRAGMENTS), *DOCUMENTED["options"]}
    files = [example for example in yaml.safe_load_all(reseller.EXAMPLES) if isinstance(example, dict)]
    assert len(files) == 4
    for example in files:
        assert set(example) <= known
        assert example["plugin"] == reseller.InventoryModule.NAME


OTHER = {
    "api_url": "https://other.example/apiv2",
    "eu_api_url": "https://eu.other.example/v3",
    "api_user": "other",
    "api": "customer",
    "details": ["profile"],
    **{name: "x" for name in FILTERS},
    "active": False,
}


@pytest.mark.parametrize("name", OTHER)
def test_a_cache_is_for_one_list(plugin, name):
    key = plugin._cache_key("a")
    plugin.given[name] = OTHER[name]
    assert plugin._cache_key("a") != key


def test_a_filter_in_another_place_is_another_list(plugin):
    keys = set()
    for name in ("city", "region"):
        plugin.given = {**OPTIONS, name: "Portland"}
        keys.add(plugin._cache_key("a"))
    assert len(keys) == 2


@pytest.mark.parametrize("name", sorted(set(_module.info_spec()) - set(OTHER)))
def test_what_makes_no_difference_to_the_list(plugin, name):
    key = plugin._cache_key("a")
    plugin.given[name] = "other"
    assert plugin._cache_key("a") == key
    assert plugin._cache_key("b") != key


# With these, no name identifies the account.
BY_KEY = [
    {"api_user": "apikey"},
    {"api": "subusers", "api_user": None},
    {"api": "subusers", "api_user": ""},
    # It may be left over from API v2, and is not sent.
    {"api": "subusers", "api_user": "acme"},
]


@pytest.mark.parametrize("given", BY_KEY)
def test_where_no_name_says_it_the_key_is_the_account(plugin, given):
    plugin.given.update(given)
    key = plugin._cache_key("a")
    assert "canary" not in key
    plugin.given["api_key"] = "another-key"
    assert plugin._cache_key("a") != key


def test_a_name_that_is_not_sent_is_not_the_account(plugin):
    keys = set()
    for user in (None, "", "acme", "apikey"):
        plugin.given.update(api="subusers", api_user=user)
        keys.add(plugin._cache_key("a"))
    assert len(keys) == 1


def test_an_account_that_is_missing_is_told_with_a_cache_too(plugin):
    plugin.given["api_user"] = None
    with pytest.raises(AnsibleParserError, match="api_user is missing, and api=reseller needs it; .*SENDGRID_API_USER"):
        plugin._customers("a", True)


def test_beside_a_name_nothing_of_a_password_is_in_the_cache_key(plugin):
    key = plugin._cache_key("a")
    plugin.given["api_key"] = "guessable"
    assert plugin._cache_key("a") == key


@pytest.mark.parametrize("details", [["profile", "profile"], ["profile"]])
def test_how_the_details_are_written_makes_no_difference(plugin, details):
    plugin.given["details"] = ["profile"]
    key = plugin._cache_key("a")
    plugin.given["details"] = details
    assert plugin._cache_key("a") == key


def test_a_cache_key_can_be_the_name_of_a_file(plugin):
    plugin.given["username"] = "../x"
    name = plugin._cache_key("a")
    assert name.removeprefix("prefix_a_").isalnum()


@pytest.fixture
def asked(plugin, monkeypatch):
    """What the server was asked; it answers with one customer named after the number of the call."""
    calls = []

    def perform(task, options, check_mode):
        calls.append(options)
        assert task is list_customers
        customer = {**dict.fromkeys(IN_RESULTS), "username": f"c{len(calls)}", "extra": {}}
        return {"customers": [customer], "warnings": []}

    monkeypatch.setattr(reseller, "run_task", perform)
    return calls


@pytest.mark.parametrize(
    ("caching", "reading", "names"),
    [(True, True, ["c1", "c1", "c1"]), (True, False, ["c1", "c2", "c3"]), (False, True, ["c1", "c2", "c3"])],
    ids=["cached", "refreshed", "not cached"],
)
def test_when_the_server_is_asked(plugin, asked, caching, reading, names):
    plugin.given["cache"] = caching
    seen = [plugin._customers("a", reading)[0]["username"] for _number in range(3)]
    assert seen == names
    assert len(asked) == len(set(names))
    kept = [customer["username"] for customers in plugin._cache.values() for customer in customers]
    assert kept == ([names[-1]] if caching else [])


class Broken(dict):
    """A cache that cannot be read."""

    def __getitem__(self, _key):
        raise AnsibleError("The cache file was corrupt.")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda key: Broken(), "it cannot be read (AnsibleError)"),
        (lambda key: {key: None}, "it does not hold a list of customers"),
        (lambda key: {key: {"plugin": "another"}}, "it does not hold a list of customers"),
        (lambda key: {key: ["ann"]}, "it does not hold a list of customers"),
    ],
)
def test_a_cache_that_cannot_be_used_means_to_ask_the_server(plugin, asked, make, reason):
    plugin._cache, plugin.display = make(plugin._cache_key("a")), Warned()
    assert [customer["username"] for customer in plugin._customers("a", True)] == ["c1"]
    [warning] = plugin.display
    assert reason in warning and "it asks the server instead" in warning
    [kept] = plugin._cache.values()
    assert kept[0]["username"] == "c1"


def test_the_server_is_asked_with_the_options(plugin, asked):
    plugin._customers("a", True)
    assert asked == [{name: OPTIONS[name] for name in _module.info_spec()}]


@pytest.mark.parametrize(("place", "library"), [(_module, "requests"), (xml_answers, "xmltodict")])
def test_a_library_that_is_missing(plugin, monkeypatch, place, library):
    plugin.given = {**OPTIONS, "api_format": "xml"}
    monkeypatch.setattr(place, f"HAS_{library.upper()}", False)
    with pytest.raises(AnsibleParserError, match=f"lacks {library}.* -m pip install {library}"):
        plugin._customers("a", True)


def test_a_failure_is_an_error_and_is_not_cached(plugin, monkeypatch):
    monkeypatch.setattr(reseller, "run_task", lambda *_given, **_named: {"failed": True, "msg": "No."})
    with pytest.raises(AnsibleParserError, match="^No.$"):
        plugin._customers("a", True)
    assert plugin._cache == {}


# From a file to hosts


class Warned(list):
    """Takes the place of Ansible's Display."""

    warning = list.append

    def vvv(self, *_given, **_named):
        """What is said to those who look for errors is not looked at."""

    display = vvvv = debug = vvv


@pytest.fixture
def parse(monkeypatch, tmp_path):
    """Parses a file with the options given; gives the inventory. `parse.listed`: usernames that the server has."""
    options = {**documented(*FRAGMENTS), "plugin": DOCUMENTED["options"]["plugin"]}
    C.config.initialize_plugin_configuration_definitions("inventory", reseller.InventoryModule.NAME, options)
    for variable in [
        entry["name"]
        for option in documented("mailfleet.sendgrid.reseller.inventory").values()
        for entry in option["env"]
    ]:
        monkeypatch.delenv(variable, raising=False)

    def answer(_task, options, check_mode):
        parsed.asked.append(options)
        assert check_mode is False
        customer = {**dict.fromkeys(IN_RESULTS), "city": "Oslo", "extra": {"id": "7"}}
        customers = [{**customer, "username": name} for name in parsed.listed]
        return {"customers": customers, "warnings": parsed.warnings}

    def parsed(text=None, **given):
        path = tmp_path / "sendgrid.yml"
        file = {"plugin": reseller.InventoryModule.NAME, "api_user": "acme", "api_key": "canary-key-4711", **given}
        path.write_text(yaml.safe_dump(file) if text is None else text)
        made = reseller.InventoryModule()
        made._load_name = made.ansible_name = reseller.InventoryModule.NAME
        made._redirected_names = [made._load_name]
        made.display = parsed.display
        inventory = InventoryData()
        made.parse(inventory, DataLoader(), str(path), cache=False)
        return inventory

    monkeypatch.setattr(reseller, "run_task", answer)
    parsed.asked, parsed.listed, parsed.warnings, parsed.display = [], ["ann", "ben"], [], Warned()
    return parsed


def test_customers_become_hosts_with_variables_and_groups(parse):
    inventory = parse(
        compose={"sendgrid_upper": "sendgrid_city | upper"},
        groups={"anns": "sendgrid_username == 'ann'"},
        keyed_groups=[{"key": "sendgrid_upper", "prefix": "in"}],
    )
    assert sorted(inventory.hosts) == ["ann", "ben"]
    variables = inventory.get_host("ann").get_vars()
    assert (variables["sendgrid_city"], variables["sendgrid_extra"]) == ("Oslo", {"id": "7"})
    assert variables["ansible_connection"] == "local"
    members = {name: [host.name for host in group.hosts] for name, group in inventory.groups.items()}
    assert (members["anns"], members["in_OSLO"]) == (["ann"], ["ann", "ben"])
    assert parse.display == []


def test_options_are_made_what_a_module_makes_of_them(parse):
    given = {"timeout": "12.5", "retries": "2", "validate_certs": "no", "active": "yes", "city": 4101, "region": None}
    parse(**given, api_user="{{ 'ac' }}me")
    [asked] = parse.asked
    assert set(asked) == set(_module.info_spec())
    assert [asked[name] for name in given] == [12.5, 2, False, True, "4101", None]
    assert asked["api_user"] == "acme"
    assert asked["api_url"] == OPTIONS["api_url"]
    [warning] = parse.display
    assert warning.startswith("city is a number, and is used as the text '4101'; ")


def test_api_v3_needs_no_name_of_an_account(parse):
    given = {"api": "subusers", "api_user": None, "details": ["profile"], "concurrency": "3"}
    assert sorted(parse(**given, eu_api_url="https://eu.example/v3").hosts) == ["ann", "ben"]
    [asked] = parse.asked
    assert {name: asked[name] for name in given} == {**given, "concurrency": 3}
    assert (asked["api_url"], asked["eu_api_url"]) == (None, "https://eu.example/v3")


def test_what_could_not_be_read_of_customers_is_told(parse):
    parse.warnings = ["Customer 'ben' is shown without details: it cannot be asked about"]
    parse()
    assert parse.display == parse.warnings


def test_a_text_that_looks_like_a_list_stays_a_text(parse):
    parse(city="['Oslo']")
    assert parse.asked[0]["city"] == "['Oslo']"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"citty": "x", "apy_key": "canary"},
            "The options are not valid: unknown option apy_key; unknown option citty.",
        ),
        ({"retries": "many"}, "retries"),
        ({"api": "other"}, "value of api must be one of: reseller, customer"),
        ({"city": ["canary"]}, "The options are not valid: city must be a text, and is a list."),
        ({"city": {"canary": 1}}, "city must be a text, and is a dict."),
        ({"country": False, "region": True}, "country must be a text, and is a boolean; put it in quotes, "),
        ({"country": False, "region": True}, "region must be a text, and is a boolean; put it in quotes, "),
        ({"api_user": True}, "api_user must be a text, and is a boolean; put it in quotes, "),
        ({"api_key": 4711}, "The options are not valid: api_key must be a text, and is a number; put it in quotes, "),
        ({"api_key": ["canary"]}, "The options are not valid: api_key must be a text, and is a list."),
        ({"city": b"canary"}, "The options are not valid: city must be a text, and is bytes."),
        ({"api_key": None}, "api_key is missing, and api=reseller needs it; set it, or SENDGRID_API_KEY in the "),
        ({"api_user": None, "api_key": None}, "SENDGRID_API_USER in the environment; api_key is missing, "),
        ({"api": "subusers", "api_user": None, "api_key": None}, "The options are not valid: api_key is missing, "),
        ({"api_key": "{{ 'canary' | nonsense }}"}, "The template of api_key cannot be evaluated: "),
    ],
)
def test_options_that_are_wrong_are_one_sentence_and_no_call(parse, options, problem):
    with pytest.raises(AnsibleParserError) as caught:
        parse(**options)
    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)
    assert parse.asked == []


@pytest.mark.parametrize("text", ["", "plugin: [", "plugin: another.one.inventory"])
def test_a_file_that_is_none_of_the_plugin_is_one_error(parse, text):
    with pytest.raises(AnsibleParserError) as caught:
        parse(text)
    assert caught.value.__cause__ is None
    assert parse.asked == []


@pytest.mark.parametrize("strict", [True, False])
def test_a_name_that_cannot_be_a_host_is_told_and_left_out(parse, strict):
    parse.listed = ["ann", "all", "a/b", "friends-of-ann"]
    groups = {"friends-of-ann": "true"}
    if strict:
        with pytest.raises(AnsibleParserError, match="'all' .*'a/b' "):
            parse(strict=True, groups=groups)
        return
    inventory = parse(groups=groups)
    [warning] = parse.display
    assert warning.endswith(" The inventory leaves them out.") and "'all'" in warning and "'a/b'" in warning
    assert sorted(inventory.hosts)[:1] == ["ann"] and not {"all", "a/b"} & set(inventory.hosts)


KEYED = {
    "localhost": [{"key": "'localhost'", "separator": ""}],
    "all": [{"key": "['Oslo', 'all']", "separator": ""}],
    "ungrouped": [{"key": "sendgrid_city", "prefix": "in", "parent_group": "ungrouped"}],
    "ben": [{"key": "'ben'", "separator": ""}],
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", KEYED)
def test_a_name_that_cannot_be_a_keyed_group_is_told(parse, name, strict):
    if strict:
        with pytest.raises(AnsibleParserError, match=f"keyed_groups makes .*'{name}'"):
            parse(strict=True, keyed_groups=KEYED[name])
        return
    inventory = parse(keyed_groups=[*KEYED[name], {"key": "sendgrid_city", "prefix": "city"}])
    [warning] = parse.display
    assert f"'{name}'" in warning
    assert [host.name for host in inventory.groups["city_Oslo"].hosts] == ["ann", "ben"]
    assert ("localhost" in inventory.groups, "ben" in inventory.groups) == (False, name == "ben")
    assert inventory.groups["all"].hosts == []


@pytest.mark.parametrize("api", ["reseller", "subusers"])
def test_a_variable_for_an_address_that_sets_nothing_counts_as_not_set(parse, monkeypatch, api):
    monkeypatch.setenv("SENDGRID_API_URL", "")
    monkeypatch.setenv("SENDGRID_EU_API_URL", "")
    parse(api=api)
    [asked] = parse.asked
    assert (asked["api_url"], asked["eu_api_url"]) == (None, None)


def test_with_api_v3_a_variable_for_a_name_that_sets_nothing_counts_as_not_set(parse, monkeypatch):
    monkeypatch.setenv("SENDGRID_API_USER", "")
    assert sorted(parse(api="subusers", api_user=None).hosts) == ["ann", "ben"]


@pytest.mark.parametrize("variable", ["SENDGRID_API_USER", "SENDGRID_API_KEY", "SENDGRID_API"])
def test_a_variable_of_the_environment_that_sets_nothing_is_told_as_that(parse, monkeypatch, variable):
    option = variable.removeprefix("SENDGRID_").lower()
    monkeypatch.setenv(variable, "")
    with pytest.raises(AnsibleParserError) as caught:
        parse(text=yaml.safe_dump({"plugin": reseller.InventoryModule.NAME, **without(option)}))
    assert f"not valid: {option} (from {variable} in the environment) is empty. See" in str(caught.value)
    assert parse.asked == []


def test_the_account_may_come_from_the_environment(parse, monkeypatch):
    monkeypatch.setenv("SENDGRID_API_USER", "acme-of-the-environment")
    monkeypatch.setenv("SENDGRID_API_URL", "http://127.0.0.1:1/apiv2")
    assert sorted(parse(api_user=None).hosts) == ["ann", "ben"]
    [asked] = parse.asked
    assert (asked["api_user"], asked["api_url"]) == ("acme-of-the-environment", "http://127.0.0.1:1/apiv2")


def without(option):
    return {name: text for name, text in {"api_user": "acme", "api_key": "canary"}.items() if name != option}


@pytest.mark.parametrize("strict", [True, False])
def test_a_variable_that_cannot_be_composed_is_an_error_where_that_was_asked_for(parse, strict):
    compose = {"wrong": "sendgrid_nothing + 1"}
    if strict:
        with pytest.raises(AnsibleError, match="wrong"):
            parse(strict=True, compose=compose)
    else:
        assert "wrong" not in parse(compose=compose).get_host("ann").get_vars()
