# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of customers with API v3: what they show by themselves, and what further reads add."""

from __future__ import annotations

import json
import threading
from collections import Counter
from urllib.parse import quote

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import PROFILE_FIELDS
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    EVA,
    KEY,
    PASSWORD,
    PROFILE,
    SEEDED,
    SandboxWorld,
)


@pytest.fixture(params=["documented", "observed"])
def world(request):
    return SandboxWorld(request.param)


def names(result):
    return [customer["username"] for customer in result["customers"]]


def test_a_list_alone_shows_no_profile(world):
    result = world.info()
    assert (names(result), result["count"], result["changed"], result["warnings"]) == ([ANN, BOB, EVA], 3, False, [])
    assert all(set(customer) == set(IN_RESULTS) for customer in result["customers"])
    assert {customer[name] for customer in result["customers"] for name in PROFILE_FIELDS} == {None}
    assert [customer["active"] for customer in result["customers"]] == [True, False, True]
    assert set(world.http.operations) == {"list"}


def test_details_are_read_of_each_customer(world):
    ann, bob, eva = world.info(details=["profile"])["customers"]
    assert {name: ann[name] for name in PROFILE_FIELDS} == {
        name: PROFILE[wire] for name, wire in PROFILE_FIELDS.items()
    }
    assert {bob[name] for name in PROFILE_FIELDS} == {""}
    assert (eva["city"], eva["website_access"]) == ("Graz", None)
    reads = [operation for operation in world.http.operations if operation != "list"]
    # Once for each of the two servers.
    assert sorted(reads) == ["get_profile"] * 3 + ["get_username"] * 2


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"city": "AAR"}, [ANN]),
        ({"city": "r"}, [ANN, EVA]),
        ({"city": "r", "active": True, "username": "eva"}, [EVA]),
        ({"city": ""}, [ANN, BOB, EVA]),
        ({"company": "& co"}, [ANN]),
        ({"region": "AA"}, [ANN]),
        ({"region": "eu"}, []),
    ],
)
def test_a_filter_by_the_profile_reads_it(world, filters, found):
    result = world.info(**filters)
    assert (names(result), result["count"]) == (found, len(found))
    assert all(customer["city"] is not None for customer in result["customers"])


def test_nobody_is_asked_about_whom_the_list_rules_out(world):
    assert names(world.info(city="r", active=False)) == []
    asked = {entry["user"] for entry in world.http.log if entry["operation"] == "get_profile"}
    assert asked == {BOB}


UNLIMITED = {"type": "unlimited", "total": None, "reset_frequency": None}
RECURRING = {"type": "recurring", "total": 500, "reset_frequency": "monthly"}
ALL_DETAILS = ["profile", "whitelabel", "ips", "credits"]
DOMAIN = "mail.0.example.org"


def with_attributes(behaviour, ips=("192.0.2.2", "192.0.2.10"), **switches):
    """The seeded fleet: the first customer has something of each kind."""
    ann, *others = SEEDED
    rows = [{**ann, "ips": list(ips), "credits": RECURRING}, *others]
    world = SandboxWorld(behaviour, *rows, **switches)
    assert world.customer(username=ANN, whitelabel=DOMAIN)["changed"] is True
    world.http.drop_log()
    return world


@pytest.fixture
def rich(world):
    return with_attributes(world.http.service.behaviour)


DETAILS = {
    "ips": (["192.0.2.2", "192.0.2.10"], []),
    "credits": (RECURRING, UNLIMITED),
    "whitelabel": (DOMAIN, ""),
}


@pytest.mark.parametrize("names", [[], ["ips"], ["credits"], ["whitelabel"], ["ips", "credits", "whitelabel"]])
def test_each_detail_is_read_when_it_is_asked_for(rich, names):
    ann, bob, eva = rich.info(details=names)["customers"]
    for name, (of_ann, of_others) in DETAILS.items():
        expected = [of_ann, of_others, of_others] if name in names else [None] * 3
        assert [one[name] for one in (ann, bob, eva)] == expected
    assert {one[name] for one in (ann, bob, eva) for name in PROFILE_FIELDS} == {None}
    calls = Counter(sent.path for sent in rich.http.sent)
    del calls["/v3/subusers"]
    assert calls == Counter(
        {
            # The addresses, and the page that shows that there are no more of them.
            **({"/v3/ips": 2} if "ips" in names else {}),
            **({f"/v3/subusers/{quote(name)}/credits": 1 for name in (ANN, BOB, EVA)} if "credits" in names else {}),
            **({"/v3/whitelabel/domains/subuser/all": 3} if "whitelabel" in names else {}),
        }
    )


def test_the_list_shows_where_data_reside(world):
    assert [one["data_residency"] for one in world.info()["customers"]] == ["global", "global", "eu"]
    assert set(world.http.operations) == {"list"}


def test_a_server_without_regions_shows_no_residency(world):
    def without_regions(sent, got):
        if sent.path != "/v3/subusers":
            return got
        return got.with_content([{key: row[key] for key in row.keys() - {"region"}} for row in got.content])

    world.http.spoil = without_regions
    assert {one["data_residency"] for one in world.info()["customers"]} == {None}


def test_one_list_shows_the_addresses_of_all():
    customers = [
        {"username": f"c{one}", "password": PASSWORD, "email": "a@b.example", "ips": [f"192.0.2.{one % 12 + 1}"]}
        for one in range(40)
    ]
    world = SandboxWorld("documented", *customers)
    listed = world.info(details=["ips"], concurrency=4)["customers"]
    assert {one["username"]: one["ips"] for one in listed} == {one["username"]: one["ips"] for one in customers}
    assert Counter(sent.path for sent in world.http.sent)["/v3/ips"] == 2


@pytest.mark.parametrize("ip", ["{{ 7 * 7 }}", "300.1.1.1", "ann"])
def test_an_address_that_is_none_is_an_error(world, ip):
    def spoilt(sent, got):
        return got.with_content([{"ip": ip, "subusers": [ANN]}]) if sent.path == "/v3/ips" else got

    world.http.spoil = spoilt
    with pytest.raises(CallError) as caught:
        world.info(details=["ips"])
    assert "Could not list the IP addresses of the account" in str(caught.value)
    assert "'ip' of an IP address is not one" in str(caught.value)


def test_nobody_means_no_list_of_addresses(world):
    assert world.info(details=["ips"], username="nobody")["count"] == 0
    assert set(world.http.operations) == {"list"}


@pytest.mark.parametrize(
    ("detail", "operation", "said"),
    [
        ("ips", "get_ips", "Could not list the IP addresses of the account"),
        ("credits", "get_credits", "Could not read the credits of customer '"),
        ("whitelabel", "list_associated_domains", "Could not read the domains of customer '"),
    ],
)
def test_a_detail_that_cannot_be_read_ends_the_rest(rich, detail, operation, said):
    rich.http.fail(operation, "redirect", times="forever")
    with pytest.raises(CallError) as caught:
        rich.info(details=[detail], concurrency=1)
    assert said in str(caught.value)
    assert rich.http.operations.count(operation) == 1


@pytest.mark.parametrize("concurrency", [1, 3])
def test_so_many_are_read_at_once(concurrency):
    customers = [{"username": f"c{one}", "password": PASSWORD, "email": "a@b.example"} for one in range(12)]
    world = SandboxWorld("documented", *customers)
    meeting = threading.Barrier(concurrency)

    def meet(sent, got):
        if sent.path == "/v3/user/profile":
            meeting.wait(20)
        return got

    world.http.spoil = meet
    assert world.info(details=["profile"], concurrency=concurrency)["count"] == 12


@pytest.mark.parametrize("concurrency", [0, 65])
def test_a_number_that_cannot_be_is_told_before_any_call(world, concurrency):
    with pytest.raises(InvalidInput, match="concurrency must be from 1 to 64"):
        world.info(concurrency=concurrency)
    assert world.http.sent == []


def test_a_customer_that_cannot_be_addressed_is_shown_without_details():
    customers = [{"username": name, "password": PASSWORD, "email": "a@b.example"} for name in ("ann", "Ånn")]
    result = SandboxWorld("documented", *customers).info(details=["profile"])
    assert [(one["username"], one["city"]) for one in result["customers"]] == [("ann", ""), ("Ånn", None)]
    [warning] = result["warnings"]
    assert "'Ånn'" in warning and "beyond printable ASCII" in warning


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_read_that_fails_ends_the_rest(world, concurrency):
    world.http.fail("get_profile", "not-found", nth=2, times="forever")
    with pytest.raises(CallError) as caught:
        world.info(details=["profile"], concurrency=concurrency)
    assert "Could not read the profile of customer '" in str(caught.value)
    assert world.http.operations.count("get_profile") <= 1 + concurrency


def test_a_server_that_does_not_heed_the_header_shows_nobody_the_parent(world):
    world = SandboxWorld(world.http.service.behaviour, ignore_on_behalf_of="always")
    with pytest.raises(CallError, match="as 'acme'"):
        world.info(details=["profile"])
    assert "get_profile" not in world.http.operations
    # A list does not need the header.
    assert world.info()["count"] == 3


@pytest.mark.parametrize("details", [[], ["profile"], ALL_DETAILS])
def test_what_a_list_shows_can_be_fed_back(rich, details):
    for customer in rich.info(details=details)["customers"]:
        rich.http.drop_log()
        assert rich.customer(**customer)["changed"] is False
        assert rich.http.writes == []


def test_a_fleet_takes_a_list_with_all_details_and_changes_nothing(rich):
    listed = rich.info(details=ALL_DETAILS)["customers"]
    rich.http.drop_log()
    result = rich.fleet(listed)
    assert (result["changed"], result["summary"]["unchanged"]) == (False, 3)
    assert rich.http.writes == []
    calls = Counter(rich.http.operations)
    del calls["list"]
    # One for each customer and detail, one list of the addresses, and one check of the header for each server.
    assert calls == {
        "get_profile": 3,
        "get_credits": 3,
        "list_associated_domains": 3,
        "get_ips": 2,
        "get_username": 2,
    }


def test_credits_that_do_not_recur_can_be_fed_back(world):
    world = SandboxWorld(world.http.service.behaviour, {**SEEDED[0], "credits": {"type": "nonrecurring", "total": 20}})
    [listed] = world.info(details=["credits"])["customers"]
    assert listed["credits"] == {"type": "nonrecurring", "total": None, "reset_frequency": None}
    assert world.fleet([listed])["changed"] is False


def test_one_of_several_domains_can_be_fed_back(rich):
    """A customer can have several [spec]; results show the first."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    address = "/v3/whitelabel/domains"
    domains = json.loads(rich.http.service.handle("GET", f"{address}?limit=50", headers)[2])
    [number] = [one["id"] for one in domains if one["domain"] == "1.example.org"]
    body = json.dumps({"username": ANN}).encode()
    assert rich.http.service.handle("POST", f"{address}/{number}/subuser:add", headers, body)[0] < 300
    [listed] = rich.info(details=["whitelabel"], username=ANN)["customers"]
    assert listed["whitelabel"] in (DOMAIN, "mail.1.example.org")
    assert rich.fleet([listed])["changed"] is False
