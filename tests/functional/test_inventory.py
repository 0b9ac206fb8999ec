# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin against the sandbox: hosts, calls, the cache, and plays."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS

from .conftest import seeded
from .running import MODULES, SUBUSERS, Ansible, Run, Sandbox, sandboxes, task

PLUGIN = MODULES + "reseller"
KEY = "canary-key-of-acme-4711"
OTHER_KEY = "canary-key-of-odd-4711"
CREDENTIALS = {"api_user": "acme", "api_key": KEY}
ODD = {"api_user": "odd", "api_key": OTHER_KEY}
# Keys of API v3, by account.
V3_KEYS = {
    name: f"SG.{'canary-key-of-' + name:-<22}.{'canary-key-of-' + name:-<43}"
    for name in ("acme", "odd", "evil", "euro", "rich")
}
FLEET = [f"c{number}@example.com" for number in range(1, 7)]

# Names of customers that are hosts, though they look like something else to one part of Ansible or another.
ODD_HOSTS = [
    "ann@example.com:25",
    "x[1:3].example",
    "a,b",
    "!no",
    "~t*",
    "007",
    "1e3",
    "True",
    "büro é",
    "a=b",
]
UNUSABLE = {
    "all": "a group has this name",
    "ungrouped": "a group has this name",
    "senders": "a group has this name",
    "localhost": "it stands for the controller",
    "127.0.0.1": "it stands for the controller",
    "../group_vars/x": "Ansible would take it for a path",
    "..": "Ansible would take it for a path",
    "007.yml": "Ansible would take it for a file with the variables of another host",
    "007.json": "Ansible would take it for a file with the variables of another host",
    "007~": "Ansible would take it for a file with the variables of another host",
    "{{ 7 * 7 }}": "Ansible would take it for a template",
    "a{% if %}": "Ansible would take it for a template",
    '["a"]': "Ansible would take it for a list or a dictionary",
    '{"a": 1}': "Ansible would take it for a list or a dictionary",
    "ann\u202e@example.com": "it has characters that cannot be shown",
    "ann\u00ad@example.com": "it has characters that cannot be shown",
    "ann\U000e0041@example.com": "it has characters that cannot be shown",
    " blank ": "it has characters that cannot be shown",
}
UNSEEN = set("\u202e\u00ad\U000e0041")


# What evaluates it leaves a file behind in the folder that Ansible runs in.
TRAP = "{{ lookup('ansible.builtin.pipe', 'touch evaluated') }}"

RICH = {
    **seeded("rita@example.com"),
    "ips": ["192.0.2.10", "192.0.2.2"],
    "credits": {"type": "recurring", "total": 500, "reset_frequency": "monthly"},
}


def fleet() -> dict[str, Any]:
    """The seed."""
    customers = [
        seeded(name, city=city, active=number < 5, last_name=f"No{number}")
        for number, (name, city) in enumerate(zip(FLEET, ("Portland", "Bangor") * 3, strict=True), 1)
    ]
    odd = [{**seeded("x@example.com"), "username": name, "account": "odd"} for name in [*ODD_HOSTS, *UNUSABLE]]
    evil = {**seeded("evil@example.com"), "city": TRAP, "address": TRAP, "account": "evil"}
    eva = {**seeded("eva@example.com"), "region": "eu", "account": "euro"}
    nora = {**seeded("nora@example.com"), "account": "narrow"}
    rich = [{**row, "account": "rich"} for row in (RICH, {**seeded("rob@example.com"), "region": "eu"})]
    accounts = [
        {**CREDENTIALS, "v3_key": V3_KEYS["acme"]},
        {**ODD, "v3_key": V3_KEYS["odd"]},
        {"api_user": "evil", "api_key": KEY, "v3_key": V3_KEYS["evil"]},
        {"api_user": "euro", "api_key": KEY, "v3_key": V3_KEYS["euro"]},
        {"api_user": "narrow", "api_key": KEY, "reseller": False, "subusers": True},
        {"api_user": "rich", "api_key": KEY, "v3_key": V3_KEYS["rich"], "domains": [{"domain": TRAP}]},
    ]
    return {"accounts": accounts, "customers": [*customers, *odd, evil, eva, nora, *rich]}


@pytest.fixture(scope="module")
def _fleets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    seed.write_text(json.dumps(fleet()), encoding="utf-8")
    with sandboxes(seed) as get:
        yield get


@pytest.fixture(params=["observed"])
def sandbox(request: pytest.FixtureRequest, _fleets: Callable[[str], Sandbox]) -> Sandbox:
    running = _fleets(request.param)
    running.reset()
    return running


BOTH_BEHAVIOURS = pytest.mark.parametrize("sandbox", ["documented", "observed"], indirect=True)
BOTH_APIS = pytest.mark.parametrize("inventory", ["reseller", SUBUSERS], indirect=True)
ONLY_V3 = pytest.mark.parametrize("inventory", [SUBUSERS], indirect=True)
# What each API is asked for a list, and for profiles besides; the check of the header comes first.
LISTING = {"reseller": ["list"], SUBUSERS: ["list", "list"]}


@dataclass
class Inventory:
    """Ansible with inventory files of this plugin, whose account is that of the environment."""

    ansible: Ansible
    folder: Path

    @property
    def is_v3(self) -> bool:
        return self.ansible.is_v3

    @property
    def listing(self) -> list[str]:
        """The calls of a list."""
        return LISTING[self.ansible.api]

    @property
    def profiles(self) -> dict[str, Any]:
        """The options that put a profile into the variables."""
        return {"details": ["profile"]} if self.is_v3 else {}

    def account(self, name: str) -> dict[str, Any]:
        """The options that say which account it is, and that there is to be a profile in the variables."""
        if self.is_v3:
            return {"api_key": V3_KEYS[name], **self.profiles}
        return {"api_user": name, "api_key": OTHER_KEY if name == "odd" else KEY}

    def file(self, name: str = "fleet.sendgrid.yml", **options: Any) -> str:
        path = self.folder / name
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, "retries": 0, **options}, sort_keys=False), encoding="utf-8")
        return str(path)

    def command(self, *arguments: str, environment: dict[str, str] | None = None, **options: Any) -> tuple[str, str]:
        """What ansible-inventory prints, output and messages, for a file with `options`."""
        path = self.file(**options)
        done = self.ansible.command("ansible-inventory", "-i", path, *arguments, environment=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    def listed(self, *arguments: str, environment: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
        """What `ansible-inventory --list` shows, with its marks for text that is no template taken off."""
        output, messages = self.command("--list", *arguments, environment=environment, **options)
        assert messages == ""
        return unmarked(json.loads(output))

    def play(
        self, tasks: list[dict[str, Any]], *arguments: str, options: dict[str, Any] | None = None, **play: Any
    ) -> Run:
        """A play over all hosts, as it stands in the documentation: with no variables of its own."""
        path = self.file(**(options or {}))
        return self.ansible.play(tasks, "-i", path, *arguments, hosts="all", **{"vars": {}, **play})


@pytest.fixture(params=["reseller"])
def inventory(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path, collections_path: Path) -> Inventory:
    folder = tmp_path / "run"
    folder.mkdir()
    account = {"api_user": "", "api_key": V3_KEYS["acme"]} if request.param == SUBUSERS else CREDENTIALS
    ansible = Ansible(sandbox, folder, collections_path, **account, defaults={"retries": 0}, api=request.param)
    return Inventory(ansible, folder)


def squeezed(text: str) -> str:
    """`text` without blanks: messages of older releases of Ansible are broken into lines anywhere."""
    return "".join(text.split())


def unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        plain = {name: unmarked(item) for name, item in value.items()}
        return plain["__ansible_unsafe"] if set(plain) == {"__ansible_unsafe"} else plain
    return [unmarked(item) for item in value] if isinstance(value, list) else value


def hosts(listed: dict[str, Any]) -> list[str]:
    return list(listed.get("_meta", {}).get("hostvars", {}))


def members(listed: dict[str, Any], group: str) -> list[str]:
    return listed.get(group, {}).get("hosts", [])


def called(sandbox: Sandbox) -> list[str]:
    return [call["operation"] for call in sandbox.log()]


@BOTH_BEHAVIOURS
@pytest.mark.parametrize("api_format", ["json", "xml"])
def test_customers_are_hosts(inventory: Inventory, sandbox: Sandbox, api_format: str) -> None:
    listed = inventory.listed(api_format=api_format)
    assert hosts(listed) == FLEET
    assert members(listed, "ungrouped") == FLEET
    shown = sandbox.behaviour == "observed"
    variables = listed["_meta"]["hostvars"]["c6@example.com"]
    known = {
        "ansible_become": False,
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "sendgrid_username": "c6@example.com",
        "sendgrid_email": "c6@example.com",
        "sendgrid_first_name": "Ada",
        "sendgrid_last_name": "No6",
        "sendgrid_address": "12 Harbour Street",
        "sendgrid_city": "Bangor",
        "sendgrid_region": "ME",
        "sendgrid_zip": "04101",
        "sendgrid_country": "US",
        "sendgrid_phone": "555-0112",
        "sendgrid_website": "http://example.com",
        "sendgrid_company": None,
        "sendgrid_active": False,
        "sendgrid_website_access": True if shown else None,
        "sendgrid_extra": {"address2": ""} if shown else {},
    }
    assert variables == {**variables, **known}
    assert set(variables) == {*known, *(f"sendgrid_{name}" for name in IN_RESULTS)}
    assert called(sandbox) == ["list"]


@ONLY_V3
@BOTH_BEHAVIOURS
@pytest.mark.parametrize("details", [[], ["profile"]], ids=["list", "profile"])
def test_customers_of_api_v3_are_hosts(inventory: Inventory, sandbox: Sandbox, details: list[str]) -> None:
    """Attributes that were not requested are not read, and are null."""
    listed = inventory.listed(details=details, concurrency=2)
    assert hosts(listed) == FLEET
    profile = {
        "first_name": "Ada",
        "last_name": "No6",
        "address": "12 Harbour Street",
        "city": "Bangor",
        "region": "ME",
        "zip": "04101",
        "country": "US",
        "phone": "555-0112",
        "website": "http://example.com",
        "company": "Lighthouse Books",
    }
    variables = listed["_meta"]["hostvars"]["c6@example.com"]
    extra = variables["sendgrid_extra"]
    known = {
        **(profile if details else dict.fromkeys(profile)),
        "username": "c6@example.com",
        "email": "c6@example.com",
        "active": False,
        "website_access": None,
        "extra": {"id": extra["id"], "region": "global"},
    }
    assert {f"sendgrid_{name}": value for name, value in known.items()}.items() <= variables.items()
    assert variables["ansible_connection"] == "local"
    assert called(sandbox) == inventory.listing + (["get_username", *["get_profile"] * len(FLEET)] if details else [])
    assert max(call["in_flight"] for call in sandbox.log()) <= 2


@ONLY_V3
def test_a_customer_of_the_eu_is_read_where_its_data_are(inventory: Inventory, sandbox: Sandbox) -> None:
    account = inventory.account("euro")
    _output, messages = inventory.command("--list", **account)
    assert squeezed("Set eu_api_url") in squeezed(messages)
    listed = inventory.listed(**account, eu_api_url=f"{sandbox.root}/eu/v3")
    assert listed["_meta"]["hostvars"]["eva@example.com"]["sendgrid_city"] == "Portland"
    assert {call["host"] for call in sandbox.log() if call["on_behalf_of"]} == {"eu"}
    assert {call["host"] for call in sandbox.log() if not call["on_behalf_of"]} == {"global"}


@pytest.fixture
def rich(sandbox: Sandbox) -> dict[str, Any]:
    """The options for an account whose customers have addresses, credits and a domain, and who live in two places."""
    key = {"Authorization": f"Bearer {V3_KEYS['rich']}"}
    domains = f"{sandbox.v3_url}/whitelabel/domains"
    [domain] = sandbox.http.get(domains, headers=key, timeout=30).json()
    body = {"username": RICH["username"]}
    assert sandbox.http.post(f"{domains}/{domain['id']}/subuser", json=body, headers=key, timeout=30).ok
    sandbox.control("DELETE", "log")
    return {"api_key": V3_KEYS["rich"], "eu_api_url": f"{sandbox.root}/eu/v3"}


FURTHER = {
    "sendgrid_ips": (["192.0.2.2", "192.0.2.10"], []),
    "sendgrid_credits": (RICH["credits"], {"type": "unlimited", "total": None, "reset_frequency": None}),
    "sendgrid_whitelabel": (f"mail.{TRAP}", ""),
}
DETAILS = {"details": ["ips", "credits", "whitelabel"], "concurrency": 2}
# A list, one list of addresses, and the rest for each of the two customers.
DETAILED = {"list": 2, "get_ips": 2, "get_credits": 2, "list_associated_domains": 2}


@ONLY_V3
@BOTH_BEHAVIOURS
@pytest.mark.parametrize("details", [{}, DETAILS], ids=["list", "details"])
def test_what_else_api_v3_tells_of_customers(
    inventory: Inventory, sandbox: Sandbox, rich: dict[str, Any], details: dict[str, Any]
) -> None:
    """Lists and dicts, with values that are no templates. Where data reside needs no further read."""
    listed = inventory.listed(
        **rich,
        **details,
        compose={"domain": "sendgrid_whitelabel", "first": "(sendgrid_ips or ['-']) | first"},
        groups={"limited": "sendgrid_credits is mapping and sendgrid_credits.type == 'recurring'"},
        keyed_groups=[{"key": "sendgrid_data_residency", "prefix": "data"}],
    )
    rita, rob = (listed["_meta"]["hostvars"][name] for name in ("rita@example.com", "rob@example.com"))
    expected = FURTHER if details else dict.fromkeys(FURTHER, (None, None))
    assert {name: (rita[name], rob[name]) for name in FURTHER} == expected
    assert [one["sendgrid_data_residency"] for one in (rita, rob)] == ["global", "eu"]
    assert [members(listed, f"data_{place}") for place in ("global", "eu")] == [
        ["rita@example.com"],
        ["rob@example.com"],
    ]
    assert members(listed, "limited") == (["rita@example.com"] if details else [])
    assert (rita["domain"], rita["first"]) == ((f"mail.{TRAP}", "192.0.2.2") if details else (None, "-"))
    assert Counter(called(sandbox)) == (DETAILED if details else {"list": 2})
    assert not is_evaluated(inventory)


@ONLY_V3
def test_a_cache_holds_the_details_and_is_for_these_details_only(
    inventory: Inventory, sandbox: Sandbox, rich: dict[str, Any]
) -> None:
    options = {**rich, **cache_options(inventory)}
    first = inventory.listed(**options, **DETAILS)
    assert inventory.listed(**options, **DETAILS) == first
    assert Counter(called(sandbox)) == DETAILED
    rita = first["_meta"]["hostvars"]["rita@example.com"]
    assert {name: rita[name] for name in FURTHER} == {name: values[0] for name, values in FURTHER.items()}
    without = inventory.listed(**options)["_meta"]["hostvars"]["rita@example.com"]
    assert [without[name] for name in FURTHER] == [None] * 3
    assert Counter(called(sandbox)) == {**DETAILED, "list": 4}
    # What comes out of the cache is no template in a play either.
    domain = {"name": "Domain", "ansible.builtin.debug": {"msg": "{{ sendgrid_whitelabel }}, {{ sendgrid_ips }}"}}
    run = inventory.play([domain], options={**options, **DETAILS})
    assert run.status == 0, run.output
    assert not is_evaluated(inventory)


def test_details_of_api_v2_cost_nothing(inventory: Inventory, sandbox: Sandbox) -> None:
    """They are accepted, so that a file can be moved to API v3, and null: API v2 does not show them."""
    variables = inventory.listed(details=["profile", *DETAILS["details"]])["_meta"]["hostvars"]["c6@example.com"]
    assert [variables[name] for name in (*FURTHER, "sendgrid_data_residency")] == [None] * 4
    assert variables["sendgrid_city"] == "Bangor"
    assert called(sandbox) == ["list"]


def test_the_other_family(inventory: Inventory, sandbox: Sandbox) -> None:
    assert hosts(inventory.listed(api="customer", api_user="narrow")) == ["nora@example.com"]
    [call] = sandbox.log()
    assert call["family"] == "customer"


@BOTH_APIS
def test_a_graph(inventory: Inventory) -> None:
    output, messages = inventory.command(
        "--graph",
        groups={"senders": "sendgrid_active"},
        keyed_groups=[{"key": "sendgrid_city", "prefix": "city"}],
        **inventory.profiles,
    )
    assert messages == ""
    assert "|--@senders:\n  |  |--c1@example.com\n" in output
    assert "|--@city_Bangor:\n  |  |--c2@example.com\n" in output


@BOTH_APIS
@pytest.mark.parametrize("enabled", ["auto", PLUGIN])
def test_the_plugin_may_be_enabled_by_its_own_name(inventory: Inventory, enabled: str) -> None:
    assert hosts(inventory.listed(environment={"ANSIBLE_INVENTORY_ENABLED": enabled})) == FLEET


@pytest.mark.parametrize("name", ["fleet.yml", "sendgrid.json"])
def test_a_file_of_another_name_is_declined(inventory: Inventory, sandbox: Sandbox, name: str) -> None:
    output, messages = inventory.command("--list", name=name)
    assert hosts(json.loads(output)) == []
    assert "Unable to parse" in messages
    assert sandbox.log() == []


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "part of a name": ({"username": "C3@"}, ["c3@example.com"]),
    "switched off": ({"active": False}, ["c5@example.com", "c6@example.com"]),
    "region": ({"region": "me"}, FLEET),
    "hidden company": ({"company": "house Books"}, FLEET),
    "two at once": ({"city": "Bangor", "active": "yes"}, ["c2@example.com", "c4@example.com"]),
    "nothing found": ({"last_name": "Nobody"}, []),
}


@BOTH_APIS
@pytest.mark.parametrize(("filters", "names"), FILTERS.values(), ids=FILTERS)
def test_filters_are_passed_to_the_server(
    inventory: Inventory, sandbox: Sandbox, filters: dict[str, Any], names: list[str]
) -> None:
    """The server of API v3 knows none of them: they do the same here, and read the profiles where they have to."""
    assert hosts(inventory.listed(**filters)) == names
    if inventory.is_v3:
        in_profile = filters.keys() - {"username", "email", "active"}
        candidates = 4 if "active" in filters else len(FLEET)
        assert called(sandbox).count("get_profile") == (candidates if in_profile else 0)
        return
    [call] = sandbox.log()
    sent = {"state" if name == "region" else name for name in filters}
    assert set(call["body_parameters"]) == {"api_user", "api_key", "method", "task"} | sent


@BOTH_APIS
def test_constructed(inventory: Inventory) -> None:
    listed = inventory.listed(
        compose={"full_name": "sendgrid_first_name ~ ' ' ~ sendgrid_last_name"},
        groups={"may not send": "not sendgrid_active", "ada no1": "full_name == 'Ada No1'"},
        keyed_groups=[{"key": "sendgrid_city ~ '/' ~ sendgrid_region", "prefix": "at"}, {"key": "sendgrid_country"}],
        leading_separator=False,
        **inventory.profiles,
    )
    assert listed["_meta"]["hostvars"]["c2@example.com"]["full_name"] == "Ada No2"
    assert members(listed, "may_not_send") == ["c5@example.com", "c6@example.com"]
    assert members(listed, "ada_no1") == ["c1@example.com"]
    assert members(listed, "at_Portland_ME") == FLEET[::2]
    assert members(listed, "US") == FLEET


@BOTH_APIS
def test_options_may_be_templates(inventory: Inventory, sandbox: Sandbox) -> None:
    listed = inventory.listed(
        "--extra-vars",
        "where=Bangor",
        environment={"A_KEY": f"{inventory.ansible.api_key}-and-more", "SENDGRID_API_KEY": ""},
        api_user="{{ 'odd' if where == 'Portland' else 'acme' }}",
        api_key="{{ lookup('ansible.builtin.env', 'A_KEY') | replace('-and-more', '') }}",
        timeout="{{ 10 + 5 }}",
        validate_certs="{{ true }}",
        city="{{ where }}",
    )
    assert hosts(listed) == FLEET[1::2]
    assert {call["api_user"] for call in sandbox.log()} == {"acme"}


@BOTH_APIS
def test_the_key_may_be_encrypted(inventory: Inventory) -> None:
    password = inventory.folder / "password"
    password.write_text("canary-of-the-vault", encoding="utf-8")
    vault = ("--vault-password-file", str(password))
    encrypted = inventory.ansible.command(
        "ansible-vault", "encrypt_string", *vault, "--name", "api_key", inventory.ansible.api_key
    )
    assert encrypted.returncode == 0, encrypted.stderr
    path = Path(inventory.file())
    path.write_text(f"plugin: {PLUGIN}\n{encrypted.stdout}\n", encoding="utf-8")
    listing = ["ansible-inventory", "-i", str(path), "--list"]
    # A wrong one must not win, nor be needed.
    wrong = {"SENDGRID_API_KEY": "wrong-key-4711"}
    done = inventory.ansible.command(*listing, *vault, environment=wrong)
    assert hosts(json.loads(done.stdout)) == FLEET, done.stderr
    done = inventory.ansible.command(*listing, environment=wrong)
    assert "no vault secrets" in " ".join(done.stderr.split())
    assert hosts(json.loads(done.stdout)) == []


def test_the_environment_is_no_template(inventory: Inventory) -> None:
    """Whoever holds a key in the environment need not know how Ansible reads braces."""
    _output, messages = inventory.command("--list", environment={"SENDGRID_API_USER": "{{ 'ac' ~ 'me' }}"})
    assert "credentials" in messages


# What the server sends is data


EVIL: dict[str, Any] = {
    "strict": True,
    "compose": {"here": "sendgrid_city", "longer": "sendgrid_city ~ '!'", "first": "[sendgrid_city] | first"},
    "groups": {"touched": "'touch' in sendgrid_city", "other": "sendgrid_city == 'Portland'"},
    "keyed_groups": [{"key": "sendgrid_city", "prefix": "city"}],
}
SHOW = {
    "name": "Show",
    "ansible.builtin.debug": {"msg": "{{ [sendgrid_city, sendgrid_address, here, longer, first, copied] }}"},
    "vars": {"copied": "{{ here }}"},
}
SHOWN = [TRAP, TRAP, TRAP, TRAP + "!", TRAP, TRAP]


def is_evaluated(inventory: Inventory) -> bool:
    return (inventory.folder / "evaluated").exists()


def test_the_trap_works(inventory: Inventory) -> None:
    """The same text where it is a template, in the file of the inventory."""
    inventory.listed(city=TRAP)
    assert is_evaluated(inventory)


@BOTH_APIS
@pytest.mark.parametrize("caching", [False, True], ids=["asked", "cached"])
def test_text_of_the_server_is_never_evaluated(inventory: Inventory, sandbox: Sandbox, caching: bool) -> None:
    options = {**EVIL, **inventory.account("evil"), **(cache_options(inventory) if caching else {})}
    if caching:
        inventory.listed(**options)
    sandbox.reset()
    listed = inventory.listed(**options)
    variables = listed["_meta"]["hostvars"]["evil@example.com"]
    assert (variables["sendgrid_city"], variables["here"], variables["longer"]) == (TRAP, TRAP, TRAP + "!")
    assert members(listed, "touched") == ["evil@example.com"]
    assert members(listed, "other") == []
    [group] = [name for name in listed if name.startswith("city_")]
    assert group.replace("_", "").isalnum()
    run = inventory.play([SHOW], options=options)
    assert run.status == 0, run.output
    assert run.steps[0].result["msg"] == SHOWN
    assert called(sandbox).count("list") == (0 if caching else 2 * len(inventory.listing))
    assert not is_evaluated(inventory)


@BOTH_APIS
def test_a_listing_that_is_read_again_is_still_data(inventory: Inventory) -> None:
    """As AWX does: the output of ansible-inventory becomes the inventory of a job."""
    account = inventory.account("evil")
    output, _messages = inventory.command("--list", **EVIL, **account)
    script = inventory.folder / "again"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n", encoding="utf-8")
    script.chmod(0o755)
    del account["details" if inventory.is_v3 else "api_key"]
    update = {**account, "username": "{{ inventory_hostname }}", "first_name": "{{ sendgrid_city[:20] }}"}
    run = inventory.ansible.play(
        [SHOW, task("reseller_customer", update)], "-i", str(script), "-vvv", hosts="all", vars={}
    )
    assert run.status == 0, run.output
    shown, updated = run.steps
    assert shown.result["msg"] == SHOWN
    assert updated.result["customer"]["first_name"] == TRAP[:20]
    assert "AnsiballZ" not in run.output
    assert not is_evaluated(inventory)


# Names


def odd_options(inventory: Inventory) -> dict[str, Any]:
    account = {name: value for name, value in inventory.account("odd").items() if name != "details"}
    return {**account, "groups": {"senders": "sendgrid_active"}}


def can_be_addressed(name: str) -> bool:
    """Whether API v3 reaches a customer of this name."""
    return name.isascii() and not set("%/") & set(name)


@BOTH_APIS
def test_no_customer_is_lost_in_silence(inventory: Inventory) -> None:
    output, messages = inventory.command("--list", **odd_options(inventory))
    listed = unmarked(json.loads(output))
    assert sorted(hosts(listed)) == sorted(ODD_HOSTS)
    assert sorted(members(listed, "senders")) == sorted(ODD_HOSTS)
    for name, reason in UNUSABLE.items():
        shown = "".join(sign.encode("unicode_escape").decode() if sign in UNSEEN else sign for sign in name)
        shown = shown.replace(" blank ", "<U+0020>blank<U+0020>")
        assert squeezed(f"'{shown}' ({reason})") in squeezed(messages)
    assert squeezed("The inventory leaves them out.") in squeezed(messages)
    assert not UNSEEN & set(messages)


@BOTH_APIS
@pytest.mark.parametrize("value", ["Portland ", "\u200bPortland"])
def test_a_filter_with_what_nobody_sees_is_an_error(inventory: Inventory, sandbox: Sandbox, value: str) -> None:
    output, messages = inventory.command("--list", city=value)
    assert hosts(json.loads(output)) == []
    assert squeezed("holds characters that nobody sees: U+") in squeezed(messages)
    assert called(sandbox) == []


def test_a_customer_that_cannot_be_a_host_is_an_error_when_strict(inventory: Inventory) -> None:
    output, messages = inventory.command("--list", **ODD, strict=True)
    assert hosts(json.loads(output)) == []
    assert squeezed("'localhost' (it stands for the controller)") in squeezed(messages)


@BOTH_APIS
def test_each_odd_name_reaches_its_customer(inventory: Inventory, sandbox: Sandbox) -> None:
    options = odd_options(inventory)
    account = {name: value for name, value in options.items() if name.startswith("api_")}
    update = task("reseller_customer", {**account, "username": "{{ inventory_hostname }}", "city": "Bangor"})
    run = inventory.play([update], options=options)
    reached = {name for name in ODD_HOSTS if not inventory.is_v3 or can_be_addressed(name)}
    assert (run.status == 0) is (reached == set(ODD_HOSTS)), run.output
    changed = {name for name, customer in sandbox.customers().items() if customer["city"] == "Bangor"}
    assert changed & {*ODD_HOSTS, *UNUSABLE} == reached


@BOTH_APIS
def test_a_group_that_one_customer_makes_does_not_take_the_place_of_another(inventory: Inventory) -> None:
    """The group `True` is there as soon as the first customer has it; a later customer has this name."""
    output, messages = inventory.command(
        "--list",
        **{**odd_options(inventory), "groups": {"named": "own == 'True!'"}},
        compose={"own": "sendgrid_username ~ '!'"},
        keyed_groups=[{"key": "sendgrid_active | string"}],
        leading_separator=False,
    )
    listed = unmarked(json.loads(output))
    variables = listed["_meta"]["hostvars"]
    assert {name: variables[name]["own"] for name in variables} == {name: f"{name}!" for name in variables}
    assert "True" in variables
    assert members(listed, "named") == ["True"]
    assert set(members(listed, "True")) == set(variables)
    assert "Found both group and host with same name: True" in messages


def test_a_customer_does_not_get_the_variables_of_another_host(inventory: Inventory) -> None:
    """Ansible finds those of `007` in each of these files, and would find them for hosts of the names of the files."""
    folder = inventory.folder / "host_vars"
    folder.mkdir()
    (folder / "007.yml").write_text("of: '007'", encoding="utf-8")
    output, _messages = inventory.command("--list", **ODD)
    variables = unmarked(json.loads(output))["_meta"]["hostvars"]
    assert {name for name in variables if "of" in variables[name]} == {"007"}


# A name of a group, a customer's text -> whether the group is there, and what the message must say
KEYED = {
    "localhost": (False, "keyed_groups makes no groups with these names"),
    "all": (False, "keyed_groups makes no groups with these names"),
    "c1_example_com": (True, ""),
}


@BOTH_APIS
@pytest.mark.parametrize("strict", [False, True], ids=["warned", "strict"])
@pytest.mark.parametrize(("name", "is_made", "told"), [(name, *rest) for name, rest in KEYED.items()], ids=KEYED)
def test_a_text_of_a_customer_makes_no_group_that_harms_others(
    inventory: Inventory, sandbox: Sandbox, name: str, is_made: bool, told: str, strict: bool
) -> None:
    update = {"username": "c1@example.com", "city": name}
    assert inventory.ansible.one("reseller_customer", **update).result["changed"]
    keyed = {"keyed_groups": [{"key": "sendgrid_city"}], "leading_separator": False, "strict": strict}
    keyed.update(inventory.profiles)
    output, messages = inventory.command("--list", **keyed)
    listed = unmarked(json.loads(output))
    if not told:
        assert messages == ""
    assert squeezed(told) in squeezed(messages)
    if strict and told:
        assert "Unable to parse" in messages
        return
    assert hosts(listed) == FLEET
    assert members(listed, name) == (["c1@example.com"] if is_made else [])
    assert members(listed, "Bangor") == FLEET[1::2]
    path = inventory.file(**keyed)
    play = inventory.ansible.play([NOTHING], "-i", path, hosts="localhost", vars={})
    assert "PLAY [localhost]" in play.output and "c1@example.com" not in play.output


# The cache


def cache_options(inventory: Inventory) -> dict[str, Any]:
    folder = str(inventory.folder / "cache")
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": folder}


NOTHING = {"name": "Nothing", "ansible.builtin.debug": {"msg": ""}, "run_once": True}


@BOTH_APIS
def test_a_cache_hit_makes_no_call(inventory: Inventory, sandbox: Sandbox) -> None:
    """It holds what was listed, the profiles too."""
    options = {**cache_options(inventory), "details": ["profile"]}
    first = inventory.listed(**options)
    asked = called(sandbox)
    assert asked.count("get_profile") == (len(FLEET) if inventory.is_v3 else 0)
    assert inventory.listed(**options) == first
    assert called(sandbox) == asked
    assert hosts(first) == FLEET
    run = inventory.play([NOTHING], "--flush-cache", options=options)
    assert run.status == 0, run.output
    assert called(sandbox) == asked * 2
    assert inventory.listed(**options) == first
    assert called(sandbox) == asked * 2


def with_rows(change: Callable[[Any], Any]) -> Callable[[str], str]:
    """What makes of the text of a cache file another one, whose rows are what `change` makes of them."""

    def changed(text: str) -> str:
        content = json.loads(text)
        if "__payload__" not in content:
            return json.dumps(change(content))
        # Since ansible-core 2.19
        return json.dumps({"__payload__": json.dumps(change(json.loads(content["__payload__"])))})

    return changed


SPOILT: dict[str, Callable[[str], str]] = {
    "cut": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "of another program": lambda text: json.dumps({"customers": {}}),
    "null": with_rows(lambda rows: None),
    "a dictionary": with_rows(lambda rows: {"customers": rows}),
    "of other rows": with_rows(lambda rows: [{"name": "ann"}]),
    "of wrong types": with_rows(lambda rows: [{**row, "active": "yes"} for row in rows]),
}


@BOTH_APIS
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_cache_that_cannot_be_used_means_to_ask_the_server(
    inventory: Inventory, sandbox: Sandbox, spoil: Callable[[str], str]
) -> None:
    options = cache_options(inventory)
    first = inventory.listed(**options)
    [path] = (inventory.folder / "cache").iterdir()
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    output, messages = inventory.command("--list", **options)
    assert unmarked(json.loads(output)) == first
    assert squeezed("The inventory does not use its cache") in squeezed(messages)
    assert called(sandbox) == inventory.listing * 2
    # And then it is whole again.
    assert inventory.listed(**options) == first
    assert called(sandbox) == inventory.listing * 2


def test_a_cache_is_used_for_what_it_was_made_for(inventory: Inventory, sandbox: Sandbox) -> None:
    options = cache_options(inventory)
    others = [{}, ODD, {"city": "Bangor"}, {"active": False}, {"api": "customer", "api_user": "narrow"}]
    counts = [len(hosts(json.loads(inventory.command("--list", **options, **other)[0]))) for other in others]
    assert counts == [6, len(ODD_HOSTS) + 1, 3, 2, 1]
    assert len(called(sandbox)) == len(others)
    # The same service with another name could be another service.
    inventory.listed(**options, api_url=sandbox.api_url.replace("127.0.0.1", "localhost"))
    assert len(called(sandbox)) == len(others) + 1
    # Options that do not change the list need no call.
    inventory.listed(**options, api_url=sandbox.api_url + "/", api_format="xml", timeout=7)
    assert len(called(sandbox)) == len(others) + 1


@BOTH_APIS
def test_what_one_account_has_cached_is_not_shown_to_another(inventory: Inventory, sandbox: Sandbox) -> None:
    """One file, one folder of caches. With API v3 nothing but the key tells the accounts apart."""
    options = cache_options(inventory)
    for _number in range(2):
        names = {
            name: set(hosts(json.loads(inventory.command("--list", **options, **inventory.account(name))[0])))
            for name in ("acme", "evil", "odd")
        }
        assert [names["acme"], names["evil"]] == [set(FLEET), {"evil@example.com"}]
        assert set(ODD_HOSTS) < names["odd"]
    assert called(sandbox).count("list") == 3 * len(inventory.listing)
    kept = everything_kept(inventory.folder / "cache")
    assert "evil@example.com" in kept and "canary" not in kept


@BOTH_APIS
def test_a_refresh_asks_again_and_keeps_the_answer(inventory: Inventory, sandbox: Sandbox) -> None:
    options = {**cache_options(inventory), **inventory.profiles}
    inventory.listed(**options)
    steps = [
        task("reseller_customer", {"username": "c1@example.com", "city": "Bangor"}, run_once=True),
        {"name": "Refresh", "ansible.builtin.meta": "refresh_inventory"},
        {
            "name": "Show",
            "ansible.builtin.debug": {"var": "hostvars['c1@example.com'].sendgrid_city"},
            "run_once": True,
        },
    ]
    run = inventory.play(steps, options=options)
    assert run.steps[-1].result["hostvars['c1@example.com'].sendgrid_city"] == "Bangor", run.output
    sandbox.http.delete(f"{sandbox.root}/_sandbox/log", timeout=30)
    assert inventory.listed(**options)["_meta"]["hostvars"]["c1@example.com"]["sendgrid_city"] == "Bangor"
    assert sandbox.log() == []


# Secrets and errors


def everything_kept(folder: Path) -> str:
    """Names and contents of all files that a run created, except for the inventory file."""
    left = [path for path in folder.rglob("*") if path.is_file() and path.name != "fleet.sendgrid.yml"]
    return "\n".join([*map(str, left), *(path.read_text(encoding="utf-8") for path in left)])


@BOTH_APIS
@pytest.mark.parametrize("form", ["{}", "{{{{ '{}' }}}}"], ids=["key", "template"])
def test_no_secret_comes_out(inventory: Inventory, form: str) -> None:
    log = inventory.folder / "ansible.log"
    environment = {"SENDGRID_API_KEY": "", "ANSIBLE_LOG_PATH": str(log)}
    account = inventory.account("acme")
    options = {**account, "api_key": form.format(account["api_key"]), **cache_options(inventory)}
    output, messages = inventory.command("--list", "-vvvv", environment=environment, **options)
    assert all(name in output for name in FLEET)
    kept = everything_kept(inventory.folder)
    assert all(part in kept for part in ("ansible.log", "cache", *FLEET))
    assert "canary" not in squeezed(output + messages + kept)


@BOTH_APIS
def test_no_secret_comes_out_when_the_server_echoes_it(inventory: Inventory, sandbox: Sandbox) -> None:
    sandbox.set_fault("*", "echo")
    _output, messages = inventory.command("--list", "-vvvv")
    assert "Could not list customers" in messages
    assert squeezed("the server said (a message that repeats a secret is not shown)") in squeezed(messages)
    assert "canary" not in squeezed(messages)


# Options, and what the message must say
ERRORS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "bad key": ({"api_key": KEY + "-not"}, ["Could not list customers", "api_user", "api_key"]),
    "unreachable": ({"api_url": "http://127.0.0.1:9/apiv2"}, ["Could not list customers", "Check api_url."]),
    "http": ({"api_url": "http://192.0.2.1/apiv2"}, ["plain http to '192.0.2.1'", "use https"]),
    "several at once": (
        {"api_key": "", "retries": -1, "timeout": 0},
        ["retries must not be negative", "timeout must be above 0", "api_key is empty"],
    ),
    "of another type": (
        {"timeout": "soon", "active": "perhaps"},
        ["argument 'timeout'", "float", "argument 'active'", "'perhaps' is not a valid boolean"],
    ),
    "of another choice": ({"api_format": "yaml"}, ["value of api_format must be one of: json, xml, got: yaml"]),
    "not an option": ({"citty": "Portland"}, ["unknown option citty", "ansible-doc -t inventory " + PLUGIN]),
    "an option of Ansible": ({"groups": ["a"]}, ["groups"]),
    "a list": ({"api_key": [KEY]}, ["api_key must be a text, and is a list"]),
    "a dictionary": ({"api_key": {"key": KEY}}, ["api_key must be a text, and is a dict"]),
    "no such variable": ({"api_key": f"{{{{ '{KEY}' ~ no_such_one }}}}"}, ["template of api_key", "no_such_one"]),
    "no such filter": ({"api_key": f"{{{{ '{KEY}' | no_such_one }}}}"}, ["template of api_key", "no_such_one"]),
    "no certificates": ({"ca_path": "/no/such/file"}, ["ca_path '/no/such/file' does not exist"]),
    "no such customer variable": ({"strict": True, "compose": {"a": "no_such_one"}}, ["no_such_one"]),
    "a group without a text": ({"keyed_groups": [{"key": "sendgrid_active"}]}, ["expected a string or a list"]),
}


@pytest.mark.parametrize(("options", "parts"), ERRORS.values(), ids=ERRORS)
def test_an_error_says_what_to_do_and_no_secret(
    inventory: Inventory, options: dict[str, Any], parts: list[str]
) -> None:
    """The key is in the file, next to the error."""
    output, messages = inventory.command("--list", "-vvvv", **{"api_key": KEY, **options})
    assert "Unable to parse" in messages
    for part in parts:
        assert squeezed(part) in squeezed(messages)
    assert "canary" not in squeezed(output + messages)


@ONLY_V3
def test_a_key_that_api_v3_does_not_know(inventory: Inventory) -> None:
    output, messages = inventory.command("--list", "-vvvv", api_key=V3_KEYS["acme"] + "-not")
    assert "Unable to parse" in messages
    assert squeezed("Could not list customers") in squeezed(messages)
    assert squeezed("api_key") in squeezed(messages)
    assert "canary" not in squeezed(output + messages)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("api_user", "api_user is missing, and api=reseller needs it; set it, or SENDGRID_API_USER in the environment"),
        ("api_key", "api_key is missing, and api=reseller needs it; set it, or SENDGRID_API_KEY in the environment"),
    ],
)
def test_an_account_that_is_not_given(inventory: Inventory, option: str, told: str) -> None:
    program = str(Path(sys.executable).parent / "ansible-inventory")
    unset = ["-u", f"SENDGRID_{option.upper()}"]
    done = inventory.ansible.command("/usr/bin/env", *unset, program, "-i", inventory.file(), "--list")
    assert squeezed(told) in squeezed(done.stderr)
    assert hosts(json.loads(done.stdout)) == []


@BOTH_APIS
def test_a_failure_that_passes_is_tried_again(inventory: Inventory, sandbox: Sandbox) -> None:
    sandbox.set_fault("list", "unavailable", seconds=0)
    assert hosts(inventory.listed(retries=1)) == FLEET
    assert called(sandbox) == ["list", *inventory.listing]


# Plays


UPDATE = task("reseller_customer", {"username": "{{ inventory_hostname }}", "address": "1 New Street"})


def written_to(sandbox: Sandbox) -> list[str]:
    return [call["user"] for call in sandbox.log() if call["attempted_write"]]


@BOTH_APIS
@BOTH_BEHAVIOURS
@pytest.mark.parametrize("keywords", [{}, {"serial": 2}, {"strategy": "free"}], ids=["as it stands", "serial", "free"])
def test_a_play_over_customers(inventory: Inventory, sandbox: Sandbox, keywords: dict[str, Any]) -> None:
    elsewhere = {"ANSIBLE_PYTHON_INTERPRETER": "/no/such/python"}
    run = inventory.play([UPDATE], "-vvv", environment=elsewhere, **keywords)
    assert run.status == 0, run.output
    assert [step.status for step in run.steps] == ["ok"] * len(FLEET)
    assert all(step.result["changed"] for step in run.steps)
    assert sorted(written_to(sandbox)) == FLEET
    assert run.output.count("PLAY [all]") == (3 if "serial" in keywords else 1)
    # In the controller's process: the interpreter of the hosts is its own.
    assert "AnsiballZ" not in run.output
    again = inventory.play([UPDATE], **keywords)
    assert [step.result["changed"] for step in again.steps] == [False] * len(FLEET)


@BOTH_APIS
def test_what_makes_tasks_become_another_user_is_for_machines(inventory: Inventory, sandbox: Sandbox) -> None:
    """From all groups and from the play: both would ask sudo, for a task that only calls the API."""
    folder = inventory.folder / "group_vars"
    folder.mkdir()
    variables = {"ansible_become": True, "ansible_become_exe": "/no/such/sudo"}
    (folder / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    for direct in (True, False):
        play_variables = {} if direct else {"sendgrid_direct_execution": False}
        run = inventory.play([UPDATE], "-vvv", "--limit", "c1@example.com", vars=play_variables, become=True)
        assert run.status == 0, run.output
        assert ("AnsiballZ" in run.output) is not direct
        assert "/no/such/sudo" not in run.output
    assert written_to(sandbox) == ["c1@example.com"]


@BOTH_APIS
def test_customers_come_in_order_in_batches(inventory: Inventory, sandbox: Sandbox) -> None:
    """One after the other, where that is what the play says."""
    run = inventory.play([UPDATE], serial=1)
    assert run.status == 0, run.output
    assert written_to(sandbox) == FLEET


@BOTH_APIS
@pytest.mark.parametrize(("share", "reached"), [(40, 2), (60, 6)])
def test_a_play_ends_when_too_many_have_failed(
    inventory: Inventory, sandbox: Sandbox, share: int, reached: int
) -> None:
    """One of the first two fails: half of a batch."""
    sandbox.set_fault("set_profile", "error-before")
    run = inventory.play([UPDATE], serial=2, max_fail_percentage=share)
    assert [step.status for step in run.steps].count("failed") == 1
    assert len(run.steps) == reached
    assert run.status != 0
    changed = [customer for customer in sandbox.customers().values() if customer["address"] == "1 New Street"]
    assert len(changed) == reached - 1


def test_ansible_doc_shows_the_plugin(inventory: Inventory) -> None:
    done = inventory.ansible.command("ansible-doc", "-t", "inventory", PLUGIN)
    assert done.returncode == 0, done.stderr
    for text in ("SENDGRID_API_KEY", "sendgrid_extra", "keyed_groups", "cache_timeout", "job slices"):
        assert text in done.stdout
