# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses, credits, domains and data residency through API v3, for one customer and for fleets.

Most tasks run in this process, which costs milliseconds; the socket and the service are real.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet, _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import V2Api

from .conftest import in_shared_playbook, only_direct, only_observed, only_v3, seeded
from .running import SUBUSERS, Run, Sandbox, four_ways, sandboxes, task
from .sandbox_v3 import NARROW_V3_KEY, V3_KEY
from .test_customer import NEW
from .test_faults import all_options, assert_no_secret, fleet_options
from .test_v3 import calls_of, done, seed_eu

ADA, BEN, CLEO, DORA, EVA = (f"{name}@example.com" for name in ("ada", "ben", "cleo", "dora", "eva"))
BARE = {name: NEW[name] for name in ("username", "email", "password")}
ONE, TWO, THREE = (f"192.0.2.{number}" for number in (1, 2, 3))
FOREIGN = "203.0.113.9"
WEEKLY = {"type": "recurring", "total": 100, "reset_frequency": "weekly"}
ONCE = {"type": "nonrecurring", "total": 500}
UNLIMITED = {"type": "unlimited", "total": None, "reset_frequency": None}
# The ids of domains in the seed.
NEWS, LANTERN, HARBOUR = 2, 3, 4


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "FIRST_PAUSE", 0.001)


def run(sandbox: Sandbox, options: dict[str, Any], check_mode: bool = False, way: str = SUBUSERS) -> dict[str, Any]:
    result = _module.run_task(_tasks.manage_customer, all_options(sandbox, options, way), check_mode)
    assert_no_secret(result)
    return result


def run_fleet(sandbox: Sandbox, rows: list[dict[str, Any]], check_mode: bool = False, **more: Any) -> dict[str, Any]:
    wanted = fleet_options(sandbox, rows, SUBUSERS, **more)
    result = _module.run_task(_fleet.manage_fleet, wanted, check_mode)
    assert_no_secret(result)
    return result


def domains(sandbox: Sandbox, username: str = ADA) -> list[int]:
    return sandbox.customers()[username]["domains"]


def associate(sandbox: Sandbox, *numbers: int, username: str = ADA) -> None:
    """Gives a customer these domains, without the collection."""
    for number in numbers:
        answer = sandbox.http.post(
            f"{sandbox.v3_url}/whitelabel/domains/{number}/subuser:add",
            json={"username": username},
            headers={"Authorization": f"Bearer {V3_KEY}"},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
    sandbox.control("DELETE", "log")


def writes(sandbox: Sandbox) -> list[str]:
    return [call["operation"] for call in sandbox.log() if call["attempted_write"]]


# Four ways

# What is wanted, what the service holds then, the operation, its call, the reads of a converged customer, and what the
# result shows.
ATTRIBUTES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, list[str], Any]] = {
    "ips": ({"ips": [TWO, ONE]}, {"ips": [TWO, ONE]}, "set_ips", "set_ips", ["get_ips"], [ONE, TWO]),
    "credits": (
        {"credits": WEEKLY},
        {"credits": {**WEEKLY, "remain": 100, "used": 0}},
        "set_credits",
        "set_credits",
        ["get_credits"],
        WEEKLY,
    ),
    "hidden total": (
        {"credits": ONCE},
        {"credits": {**UNLIMITED, "type": "nonrecurring", "remain": 500, "used": None}},
        "set_credits",
        "set_credits",
        ["get_credits"],
        {**UNLIMITED, "type": "nonrecurring"},
    ),
    "whitelabel": (
        {"whitelabel": "Lantern.example"},
        {"domains": [LANTERN]},
        "set_whitelabel",
        "associate_domain",
        ["list_associated_domains"],
        "Lantern.example",
    ),
    "one of several domains": (
        {"whitelabel": "news.example.com"},
        {"domains": [NEWS]},
        "set_whitelabel",
        "associate_domain",
        ["list_associated_domains"],
        "news.example.com",
    ),
}


@pytest.mark.parametrize("case", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_an_attribute_four_ways(sandbox: Sandbox, case: tuple[Any, ...]) -> None:
    options, stored, operation, call, reads, shown = case
    [name] = options
    before = sandbox.customers()
    planned = run(sandbox, {"username": ADA, **options}, True)
    assert (done(planned), planned["changed"]) == ([(operation, "planned")], True)
    assert (sandbox.customers(), writes(sandbox)) == (before, [])
    calls_of(sandbox)
    result = run(sandbox, {"username": ADA, **options})
    assert (done(result), writes(sandbox)) == ([(operation, "applied")], [call])
    assert stored.items() <= sandbox.customers()[ADA].items()
    assert (result["customer"], result["diff"]) == (planned["customer"], planned["diff"])
    assert result["customer"][name] == shown
    nothing = {"ips": [], "credits": UNLIMITED, "whitelabel": ""}
    # People see what was sent, also of what the server hides.
    assert (result["diff"]["before"][name], result["diff"]["after"][name]) == (nothing[name], options[name])
    assert result["warnings"] == []
    for check_mode in (True, False):
        calls_of(sandbox)
        again = run(sandbox, {"username": ADA, **options}, check_mode)
        assert (again["changed"], calls_of(sandbox)) == (False, ["list", *reads])
        assert again["customer"] == result["customer"]
    # What a result holds can be fed back.
    assert run(sandbox, result["customer"])["changed"] is False
    others = {one: values for one, values in sandbox.customers().items() if one != ADA}
    assert others == {one: values for one, values in before.items() if one != ADA}


@pytest.mark.parametrize("case", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_an_attribute_four_ways_in_a_fleet(sandbox: Sandbox, case: tuple[Any, ...]) -> None:
    options, stored, operation, call, _reads, shown = case
    rows = [{"username": ADA, **options}, {"username": BEN}, {"username": CLEO, **options}]
    planned = run_fleet(sandbox, rows, True)
    assert writes(sandbox) == []
    result = run_fleet(sandbox, rows)
    for one, status in ((planned, "planned"), (result, "applied")):
        assert (one["summary"]["updated"], one["summary"]["unchanged"]) == (2, 1)
        assert [item["username"] for item in one["results"]] == [ADA, CLEO]
        assert [item["operations"] for item in one["results"]] == [[{"name": operation, "status": status}]] * 2
        assert [item["customer"][[*options][0]] for item in one["results"]] == [shown] * 2
    assert (result["diff"], writes(sandbox)) == (planned["diff"], [call] * 2)
    assert all(stored.items() <= sandbox.customers()[name].items() for name in (ADA, CLEO))
    calls_of(sandbox)
    for check_mode in (True, False):
        again = run_fleet(sandbox, rows, check_mode)
        assert (again["changed"], again["warnings"]) == (False, [])
    assert writes(sandbox) == []


NOTHING_LEFT: dict[str, tuple[dict[str, Any], str, list[Any]]] = {
    "ips": ({"ips": []}, "ips", []),
    "whitelabel": ({"whitelabel": ""}, "domains", []),
}


@pytest.mark.parametrize(("options", "column", "stored"), NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_empty_takes_all_away_and_left_out_does_not(
    sandbox: Sandbox, options: dict[str, Any], column: str, stored: list[Any]
) -> None:
    run(sandbox, {"username": ADA, "ips": [ONE, TWO]})
    associate(sandbox, LANTERN, HARBOUR)
    for left_out in ({}, {"ips": None, "whitelabel": None, "credits": None, "data_residency": None}):
        assert run(sandbox, {"username": ADA, "city": "Portland", **left_out})["changed"] is False
        assert run_fleet(sandbox, [{"username": ADA, **left_out}])["changed"] is False
    assert set(calls_of(sandbox)) <= {"list", "get_username", "get_profile"}
    before = sandbox.customers()[ADA]
    [name] = options
    assert run(sandbox, {"username": ADA, **options}, True)["customer"][name] == options[name]
    assert sandbox.customers()[ADA] == before
    result = run(sandbox, {"username": ADA, **options})
    assert done(result) == [(f"set_{name}", "applied")]
    assert sandbox.customers()[ADA] == {**before, column: stored}
    assert run(sandbox, {"username": ADA, **options})["changed"] is False


def test_a_new_customer_with_everything(sandbox: Sandbox) -> None:
    options = {
        **BARE,
        "city": "Oslo",
        "active": False,
        "ips": [THREE],
        "credits": ONCE,
        "whitelabel": "harbour.example",
        "data_residency": "global",
    }
    operations = ["create", "disable", "set_profile", "set_credits", "set_whitelabel"]
    planned = run(sandbox, options, True)
    assert (done(planned), writes(sandbox)) == ([(name, "planned") for name in operations], [])
    result = run(sandbox, options)
    assert done(result) == [(name, "applied") for name in operations]
    assert writes(sandbox) == ["create", "disable", "set_profile", "set_credits", "associate_domain"]
    assert (result["customer"], result["diff"]) == (planned["customer"], planned["diff"])
    stored = sandbox.customers()[DORA]
    assert (stored["ips"], stored["domains"], stored["credits"]["remain"]) == ([THREE], [HARBOUR], 500)
    assert run(sandbox, options)["changed"] is False
    # What a new customer is from the start needs no call.
    plain = {**BARE, "username": "emil@example.com", "credits": {"type": "unlimited"}, "whitelabel": "", "ips": []}
    assert done(run(sandbox, plain)) == [("create", "applied")]
    assert run(sandbox, plain)["changed"] is False


@pytest.mark.parametrize("broken", ["set_profile", "set_credits", "associate_domain"])
def test_a_run_that_ends_in_between_is_finished_by_the_next_one(sandbox: Sandbox, broken: str) -> None:
    options = {**BARE, "city": "Oslo", "credits": WEEKLY, "whitelabel": "harbour.example", "ips": [ONE]}
    sandbox.set_fault(broken, "error-before", times="forever")
    first = run(sandbox, options)
    assert first["failed"] is True
    sandbox.control("DELETE", "faults")
    second = run(sandbox, options)
    assert [
        *(name for name, status in done(first) if status == "applied"),
        *(name for name, _status in done(second)),
    ] == [*("create", "set_profile", "set_credits", "set_whitelabel")]
    assert run(sandbox, options)["changed"] is False


@in_shared_playbook(
    lambda: [
        *four_ways("reseller_customer", username=ADA, ips=[ONE], credits=WEEKLY, whitelabel="lantern.example"),
        *four_ways(
            "reseller_customers",
            customers=[{"username": BEN, "ips": [ONE, TWO]}, {"username": CLEO, "credits": {"total": None}}],
            defaults={"credits": ONCE, "whitelabel": "harbour.example"},
        ),
        task("reseller_customer", {"username": CLEO, "data_residency": None, "credits": {"type": None}, "ips": None}),
        task("reseller_customers", {"customers": [{"username": ADA, "data_residency": "eu"}]}, ignore_errors=True),
    ]
)
@only_v3
@only_observed
def test_playbooks_direct_and_shipped(played: Run) -> None:
    *ways, left_out, refused = played.steps
    for (
        first,
        second,
        third,
        fourth,
    ) in (ways[:4], ways[4:]):
        assert [step.result["changed"] for step in (first, second, third, fourth)] == [True, True, False, False]
        assert [step.written for step in (first, third, fourth)] == [[], [], []]
        assert first.result["diff"] == second.result["diff"]
    single, fleet = ways[1], ways[5]
    assert single.operations == ["set_ips", "set_credits", "set_whitelabel"]
    assert {key: single.result["customer"][key] for key in ("ips", "credits", "whitelabel", "data_residency")} == {
        "ips": [ONE],
        "credits": WEEKLY,
        "whitelabel": "lantern.example",
        "data_residency": "global",
    }
    assert Counter(fleet.written) == {"set_ips": 1, "set_credits": 1, "associate_domain": 2}
    # Its own credits of nulls take the default away.
    assert played.customers[CLEO]["credits"]["type"] == "unlimited"
    assert played.customers[BEN]["credits"]["remain"] == 500
    assert (left_out.status, left_out.called) == ("ok", ["list"])
    assert refused.status == "failed" and "data_residency is 'global' and cannot be changed" in refused.result["msg"]


FILES = {
    "fleet.csv": "username,ips,credits.type,credits.total,credits.reset_frequency,whitelabel\n"
    f"{ADA},{ONE};{TWO},recurring,100,weekly,lantern.example\n{CLEO},,,,,\n",
    "fleet.yml": f"- {{username: {ADA}, ips: ['{ONE}', '{TWO}'], whitelabel: lantern.example,\n"
    "   credits: {type: recurring, total: 100, reset_frequency: weekly}}\n"
    f"- {{username: {CLEO}}}\n",
}


@in_shared_playbook(
    lambda: [
        step
        for name, content in FILES.items()
        for step in (
            {"name": "Write", "ansible.builtin.copy": {"dest": f"./{name}", "content": content, "mode": "0600"}},
            task("reseller_customers", {"customers_file": name}),
        )
    ]
)
@only_v3
@only_direct
@only_observed
def test_files(played: Run) -> None:
    [_written, csv, _again, yaml] = played.steps
    assert Counter(csv.written) == {"set_ips": 1, "set_credits": 1, "associate_domain": 1}
    assert (yaml.result["changed"], yaml.written) == (False, [])
    assert played.customers[ADA]["credits"] == {**WEEKLY, "remain": 100, "used": 0}


# Domains


def test_a_domain_takes_the_place_of_a_single_other_one(sandbox: Sandbox) -> None:
    associate(sandbox, LANTERN)
    result = run(sandbox, {"username": ADA, "whitelabel": "harbour.example"})
    assert (done(result), domains(sandbox)) == ([("set_whitelabel", "applied")], [HARBOUR])
    before, after = (result["diff"][when]["whitelabel"] for when in ("before", "after"))
    assert (before.endswith(".lantern.example"), after) == (True, "harbour.example")


def test_a_domain_among_several_is_equal_and_another_one_is_an_error(sandbox: Sandbox) -> None:
    associate(sandbox, LANTERN, NEWS)
    for text in ("lantern.example", "news.example.com", "example.com"):
        assert run(sandbox, {"username": ADA, "whitelabel": text})["changed"] is False
    for check_mode in (True, False):
        message = run(sandbox, {"username": ADA, "whitelabel": "harbour.example", "city": "Oslo"}, check_mode)["msg"]
        assert "the customer has several domains (" in message
        assert "news.example.com" in message and "lantern.example" in message
    assert (domains(sandbox), writes(sandbox)) == ([LANTERN, NEWS], [])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an address of somebody else": ({"ips": [ONE, FOREIGN]}, f"ips: {FOREIGN} does not belong to the account"),
    "an unknown domain": ({"whitelabel": "no.example"}, "the account has no authenticated domain 'no.example'"),
    "a domain that is not validated": ({"whitelabel": "new.example"}, "the domain 'new.example' is not validated"),
    "a domain of another customer": (
        {"whitelabel": "ben.example"},
        f"the domain 'ben.example' belongs to customer '{BEN}'",
    ),
    "several domains of one name": (
        {"whitelabel": "example.com"},
        "the account has several domains 'example.com' (mail.example.com, news.example.com)",
    ),
    "another residency": ({"data_residency": "eu"}, "data_residency is 'global' and cannot be changed to 'eu'"),
}


@pytest.mark.parametrize(("options", "part"), REFUSED.values(), ids=REFUSED)
def test_what_the_server_has_against_it_is_told_before_any_write(
    sandbox: Sandbox, options: dict[str, Any], part: str
) -> None:
    before = sandbox.customers()
    for check_mode in (True, False):
        # A write that stands beside it, and comes first, is not made either.
        result = run(sandbox, {"username": ADA, "active": False, **options}, check_mode)
        assert result["failed"] is True
        assert part in result["msg"] and ADA in result["msg"]
        if "data_residency" not in options:
            result = run(sandbox, {**BARE, **options}, check_mode)
            assert part in result["msg"] and DORA in result["msg"]
    assert (sandbox.customers(), writes(sandbox)) == (before, [])


@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_a_fleet_tells_all_of_it_in_one_message_and_writes_nothing(sandbox: Sandbox, on_error: str) -> None:
    associate(sandbox, LANTERN, NEWS, username=CLEO)
    rows = [
        {**BARE, "ips": [FOREIGN], "whitelabel": "ben.example"},
        {"username": ADA, "active": False, "whitelabel": "no.example", "ips": [ONE, "203.0.113.10", FOREIGN]},
        {"username": BEN, "active": True, "data_residency": "eu", "ips": [ONE]},
        {"username": CLEO, "city": "Oslo", "whitelabel": "harbour.example"},
    ]
    before = sandbox.customers()
    for check_mode in (True, False):
        result = run_fleet(sandbox, rows, check_mode, on_error=on_error)
        assert (result["failed"], result["changed"]) == (True, False)
        for part in (
            f"customer '{DORA}': ips: {FOREIGN} does not belong to the account",
            f"customer '{DORA}': whitelabel: the domain 'ben.example' belongs to customer '{BEN}'",
            f"customer '{ADA}': ips: {FOREIGN}, 203.0.113.10 do not belong",
            f"customer '{ADA}': whitelabel: the account has no authenticated domain 'no.example'",
            f"customer '{BEN}': data_residency is 'global' and cannot be changed to 'eu'",
            f"customer '{CLEO}': whitelabel: the customer has several domains",
        ):
            assert part in result["msg"]
        assert "Nothing was changed" in result["msg"]
    assert (sandbox.customers(), writes(sandbox)) == (before, [])


def test_a_domain_of_its_own_is_no_error(sandbox: Sandbox) -> None:
    assert done(run(sandbox, {"username": BEN, "whitelabel": "ben.example"})) == [("set_whitelabel", "applied")]
    assert run_fleet(sandbox, [{"username": BEN, "whitelabel": "ben.example"}])["changed"] is False


def test_credits_that_do_not_recur_are_written_when_the_type_changes(sandbox: Sandbox) -> None:
    message = run(sandbox, {"username": ADA, "active": False, "credits": {"type": "nonrecurring"}})["msg"]
    assert "type=nonrecurring needs total" in message
    assert writes(sandbox) == []
    assert run(sandbox, {"username": ADA, "credits": ONCE})["changed"] is True
    for total in (700, None):
        assert run(sandbox, {"username": ADA, "credits": {**ONCE, "total": total}})["changed"] is False
    assert sandbox.customers()[ADA]["credits"]["remain"] == 500


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"credits": {"total": 5}}, "credits needs type"),
    "no total": ({"credits": {"type": "recurring", "reset_frequency": "daily"}}, "type=recurring needs total"),
    "no frequency": ({"credits": {"type": "recurring", "total": 5}}, "type=recurring needs reset_frequency"),
    "frequency": (
        {"credits": {**ONCE, "reset_frequency": "daily"}},
        "reset_frequency cannot be used with type=nonrecurring",
    ),
    "total": ({"credits": {"type": "unlimited", "total": 5}}, "total cannot be used with type=unlimited"),
    "zero": ({"credits": {"type": "nonrecurring", "total": 0}}, "total must be at least 1"),
    "IPv6": ({"ips": ["2001:db8::7"]}, "'2001:db8::7' is not an IPv4 address"),
    "no address": ({"ips": ["192.0.2"]}, "'192.0.2' is not an IP address"),
    "no domain": ({"whitelabel": "a b"}, "whitelabel 'a b' is not a domain"),
}


@pytest.mark.parametrize(("options", "part"), WRONG.values(), ids=WRONG)
@only_observed
def test_what_cannot_be_is_told_before_any_call(sandbox: Sandbox, options: dict[str, Any], part: str) -> None:
    for check_mode in (True, False):
        assert part in run(sandbox, {"username": ADA, **options}, check_mode)["msg"]
        assert part in run_fleet(sandbox, [{"username": ADA, **options}], check_mode)["msg"]
    assert sandbox.log() == []


@pytest.mark.parametrize("options", [{"credits": WEEKLY}, {"data_residency": "eu"}])
@only_observed
def test_api_v2_has_neither_credits_nor_residency(sandbox: Sandbox, options: dict[str, Any]) -> None:
    [name] = options
    assert f"{name} cannot be used with api=reseller" in run(sandbox, {"username": ADA, **options}, way="json")["msg"]
    assert sandbox.log() == []


@only_observed
def test_with_api_v2_nothing_of_it_is_read(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer that exists keeps what it has, whatever the options say."""
    monkeypatch.setattr(V2Api, "objections", lambda *_given: pytest.fail("API v2 was asked"))
    result = run(sandbox, {"username": ADA, "ips": [FOREIGN], "whitelabel": "other.example"}, way="json")
    assert (result["changed"], calls_of(sandbox)) == (False, ["list"])
    assert {result["customer"][name] for name in ("whitelabel", "data_residency")} == {None}
    assert (result["customer"]["ips"], result["customer"]["credits"]) == (None, None)


# Call counts


@pytest.fixture(scope="module")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    """Sandboxes with many customers, each with an address and a domain."""
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    account = {"api_user": "acme", "api_key": "canary-key-of-acme", "v3_key": V3_KEY, "ips": ADDRESSES}
    customers = [
        seeded(name, account="acme", ips=[ADDRESSES[number % len(ADDRESSES)]]) for number, name in enumerate(CROWD)
    ]
    accounts = [{**account, "domains": [{"domain": "lantern.example"}]}]
    seed.write_text(json.dumps({"accounts": accounts, "customers": customers}), encoding="utf-8")
    with sandboxes(seed) as get:
        yield get


CROWD = [f"c{number:03}@example.com" for number in range(120)]
ADDRESSES = [f"198.51.100.{number}" for number in range(1, 41)]


def pages(rows: int, page: int) -> int:
    """The calls of a list: an empty page at the end proves that it is whole."""
    return -(-rows // page) + 1


@pytest.mark.parametrize("ceiling", [500, 30])
def test_what_a_converged_fleet_with_addresses_and_domains_costs(
    crowds: Callable[[str], Sandbox], ceiling: int
) -> None:
    sandbox = crowds("observed")
    sandbox.reset()
    for name in CROWD:
        associate(sandbox, 1, username=name)
    sandbox.switch(page_ceiling=ceiling)
    rows = [
        {"username": name, "whitelabel": "lantern.example", "ips": [ADDRESSES[number % len(ADDRESSES)]]}
        for number, name in enumerate(CROWD)
    ]
    for check_mode in (True, False):
        sandbox.control("DELETE", "log")
        result = run_fleet(sandbox, rows, check_mode)
        assert result["summary"]["unchanged"] == len(CROWD), result
        assert Counter(call["operation"] for call in sandbox.log()) == {
            "list": pages(len(CROWD), ceiling),
            "get_ips": pages(len(ADDRESSES), ceiling),
            "list_associated_domains": len(CROWD),
        }
    # With the credits, one call more for each.
    sandbox.control("DELETE", "log")
    run_fleet(sandbox, [{**row, "credits": {"type": "unlimited"}} for row in rows])
    calls = Counter(call["operation"] for call in sandbox.log())
    assert (calls["get_credits"], sum(call["attempted_write"] for call in sandbox.log())) == (len(CROWD), 0)


def test_the_reads_of_a_fleet_are_made_several_at_once(sandbox: Sandbox) -> None:
    sandbox.set_fault("list_associated_domains", "delay", seconds=0.3, times="forever")
    rows = [{"username": name, "whitelabel": ""} for name in (ADA, BEN, CLEO)]
    run_fleet(sandbox, rows, concurrency=3)
    assert max(call["in_flight"] for call in sandbox.log()) == 3
    calls_of(sandbox)
    run_fleet(sandbox, rows, concurrency=1)
    assert max(call["in_flight"] for call in sandbox.log()) == 1


def test_many_addresses_of_one_customer_come_in_pages(sandbox: Sandbox) -> None:
    many = [f"192.0.2.{number}" for number in range(1, 13)]
    assert run(sandbox, {"username": ADA, "ips": many})["changed"] is True
    calls_of(sandbox)
    sandbox.switch(page_ceiling=10)
    assert run(sandbox, {"username": ADA, "ips": many})["changed"] is False
    # A page below the server's default is the last one.
    assert calls_of(sandbox) == ["list", "get_ips", "get_ips"]


# Where data reside


def test_a_mixed_fleet_uses_each_host_with_one_connection(sandbox: Sandbox) -> None:
    """Calls on behalf go where the data are, and all others to the one host."""
    seed_eu(sandbox)
    # Another name of this machine, so that there are two hosts.
    eu_url = sandbox.root.replace("127.0.0.1", "localhost") + "/eu/v3"
    rows = [
        {"username": ADA, "city": "Oslo", "ips": [ONE], "data_residency": "global"},
        {"username": EVA, "city": "Bergen", "ips": [TWO], "credits": WEEKLY, "data_residency": "eu"},
        {**BARE, "city": "Graz", "data_residency": "eu", "whitelabel": "lantern.example"},
        {"username": BEN, "data_residency": "global"},
    ]
    planned = run_fleet(sandbox, rows, True, eu_api_url=eu_url, concurrency=1)
    assert (planned["summary"]["created"], planned["summary"]["updated"], writes(sandbox)) == (1, 2, [])
    calls_of(sandbox)
    result = run_fleet(sandbox, rows, eu_api_url=eu_url, concurrency=1)
    assert (result["summary"]["created"], result["summary"]["updated"], result["summary"]["unchanged"]) == (1, 2, 1)
    assert result["diff"] == planned["diff"]
    log = sandbox.log()
    on_behalf = {(call["on_behalf_of"], call["host"]) for call in log if call["on_behalf_of"]}
    assert on_behalf == {(ADA, "global"), (EVA, "eu"), (DORA, "eu")}
    assert {call["host"] for call in log if not call["on_behalf_of"]} == {"global"}
    connections = {host: {call["connection"] for call in log if call["host"] == host} for host in ("global", "eu")}
    assert [len(numbers) for numbers in connections.values()] == [1, 1]
    assert not connections["global"] & connections["eu"]
    stored = sandbox.customers()
    assert (stored[DORA]["region"], stored[DORA]["city"], stored[EVA]["city"]) == ("eu", "Graz", "Bergen")
    again = run_fleet(sandbox, rows, eu_api_url=eu_url)
    assert again["changed"] is False


def test_a_customer_for_the_eu_needs_eu_api_url_before_it_is_created(sandbox: Sandbox) -> None:
    options = {**BARE, "city": "Graz", "data_residency": "eu"}
    for result in (run(sandbox, options), run_fleet(sandbox, [options])):
        assert "data_residency=eu: set eu_api_url" in result["msg"]
    assert writes(sandbox) == []
    # Without a call on its behalf, the address is not needed.
    result = run(sandbox, {**BARE, "data_residency": "eu"})
    assert (done(result), result["customer"]["data_residency"]) == ([("create", "applied")], "eu")


def test_a_key_that_may_not_is_told_the_scope(sandbox: Sandbox) -> None:
    for options, scope in (
        ({"ips": [ONE]}, "ips.read"),
        ({"credits": WEEKLY}, "subusers.credits.read"),
        ({"whitelabel": "x.example"}, "whitelabel.read"),
    ):
        given = all_options(sandbox, {"username": "nora@example.com", **options}, SUBUSERS, api_key=NARROW_V3_KEY)
        message = _module.run_task(_tasks.manage_customer, given, False)["msg"]
        assert f"The API key needs the scope {scope}." in message
