# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists of customers with API v3: what they show by themselves, and what further reads add."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import PROFILE_FIELDS
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    EVA,
    PASSWORD,
    PROFILE,
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


def test_what_a_list_shows_can_be_fed_back(world):
    for customer in world.info(details=["profile"])["customers"]:
        world.http.drop_log()
        assert world.customer(**customer)["changed"] is False
        assert world.http.writes == []
