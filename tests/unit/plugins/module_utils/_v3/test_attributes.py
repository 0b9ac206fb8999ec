# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Credits, addresses and domains as options: what is left out, what is refused, and what one error means for all."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers import checks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import KindCheck
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import transport
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import customer_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import DEFAULT_URL
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.on_behalf import OnBehalf, VerifiedServers, servers
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    CONNECTION,
    SandboxWorld,
)


@pytest.fixture
def world():
    return SandboxWorld("observed")


def test_credits_of_nothing_but_nulls_are_left_out(world):
    result = world.customer(credits={"type": None, "total": None, "reset_frequency": None})
    assert (result["changed"], result["customer"]["credits"]) == (False, None)
    assert "get_credits" not in world.http.operations


def test_a_total_that_cannot_be_compared_must_be_given_where_it_is_written(world):
    with pytest.raises(InvalidInput, match="type=nonrecurring needs total"):
        world.customer(credits={"type": "nonrecurring"})
    assert world.http.writes == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [("many", "credits"), ({"type": "nonrecurring", "total": "many"}, "total"), ({"sort": "unlimited"}, "sort")],
)
def test_credits_of_a_row_that_cannot_be_read(world, value, problem):
    with pytest.raises(InvalidInput, match=problem):
        world.fleet([{"username": ANN, "credits": value}])
    assert world.http.operations == []


def test_credits_of_a_row_may_be_texts_as_in_a_file(world):
    texts = {"type": "recurring", "total": "50", "reset_frequency": "daily"}
    assert world.fleet([{"username": ANN, "credits": texts}])["changed"] is True
    assert world.fleet([{"username": ANN, "credits": {**texts, "total": 50}}])["changed"] is False


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"credits": {"sort": "unlimited"}}, "unknown option credits.sort"), ({"ips": 5}, None), ({"ips": True}, "ips")],
)
def test_kinds_of_what_a_value_consists_of(options, problem):
    problems = KindCheck(customer_spec())({"username": ANN, **options}).problems
    assert len(problems) == (0 if problem is None else 1)
    assert problem is None or problems[0].startswith(problem)


def test_a_list_of_addresses_that_fails_ends_a_fleet_before_any_write(world):
    world.http.fail("get_ips", "not-found", times="forever")
    with pytest.raises(CallError, match="list the IP addresses of the account"):
        world.fleet([{"username": name, "ips": ["192.0.2.1"]} for name in (ANN, BOB)])
    assert (world.http.operations.count("get_ips"), world.http.writes) == (1, [])


def test_a_residency_needs_an_address():
    known = OnBehalf(servers(DEFAULT_URL, None), VerifiedServers(), lambda _subject: ("", ""))
    assert known.residency_problems("global") == []
    [problem] = known.residency_problems("eu")
    assert "set eu_api_url" in problem


def test_without_the_library_no_host_is_called(monkeypatch):
    monkeypatch.setattr(checks, "HAS_REQUESTS", False)
    assert checks._called_hosts("https://api.example/v3") == set()


def test_certificates_that_nobody_checks_are_not_warned_of():
    made = transport.Transport(dataclasses.replace(CONNECTION, validate_certs=False))
    assert made._verify is False
    made.close()
