# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""IP addresses and credits of customers in API v3 of the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from . import sandbox_v3
from .sandbox_v3 import NAMES, OTHER_V3_KEY, SEED, Sandbox, by_behaviour, fields, messages, path_of

# Fixtures: the sandbox of these tests is another one than that of the others.
sandboxes_v3, sandbox = sandbox_v3.sandboxes_v3, sandbox_v3.sandbox

ADA, BEN, EVA = NAMES
IPS = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
UNLIMITED = {"type": "unlimited", "reset_frequency": None, "remain": None, "total": None, "used": None}
RECURRING = {"type": "recurring", "reset_frequency": "weekly", "remain": 100, "total": 100, "used": 0}
STRANGERS = ("nobody@example.com", "foreign@example.com")


# IP addresses


def ips(sandbox: Sandbox, **query: Any) -> dict[str, list[str]]:
    """The addresses of a page with their customers."""
    return {row["ip"]: row["subusers"] for row in sandbox.v3("GET", "ips", **query).json()}


def test_ips_are_set_and_read(sandbox: Sandbox) -> None:
    for assigned in (IPS[:1], IPS[1:], IPS, [], IPS[2:]):
        answer = sandbox.v3("PUT", path_of(ADA, "ips"), assigned)
        assert (answer.status_code, answer.json()) == (200, {"ips": assigned})
        assert sandbox.stored(ADA)["ips"] == assigned
        assert list(ips(sandbox, subuser=ADA, limit=500)) == assigned
    sandbox.v3("PUT", path_of(BEN, "ips"), IPS[1:])
    assert ips(sandbox) == {IPS[0]: [], IPS[1]: [BEN], IPS[2]: [ADA, BEN]}
    # There is no other read.
    assert sandbox.v3("GET", path_of(ADA, "ips")).status_code == 405
    assert sandbox.v3("GET", "ips", subuser="nobody@example.com").json() == []


def test_a_row_of_an_address(sandbox: Sandbox) -> None:
    row = sandbox.v3("GET", "ips", ip=IPS[1]).json()
    names = ("ip", "subusers", "pools", "warmup", "start_date", "whitelabeled", "assigned_at")
    assert [tuple(item) for item in row] == [names]
    assert row[0]["ip"] == IPS[1]


def test_pages_of_addresses(sandbox: Sandbox) -> None:
    many = [f"198.51.100.{number}" for number in range(12)]
    assert sandbox.v3("PUT", path_of("foreign@example.com", "ips"), many, key=OTHER_V3_KEY).ok
    how = {"key": OTHER_V3_KEY}
    assert list(ips(sandbox, **how)) == many[:10]
    assert list(ips(sandbox, offset=10, **how)) == many[10:]
    assert list(ips(sandbox, limit=500, **how)) == many
    assert list(ips(sandbox, limit=3, offset=12, **how)) == []
    assert list(ips(sandbox, limit=500, sort_by_direction="desc", **how)) == sorted(many, reverse=True)
    sandbox.set("switches", {"page_ceiling": 4})
    assert list(ips(sandbox, limit=500, **how)) == many[:4]
    assert fields(sandbox.v3("GET", "ips", limit=0, **how)) == ["limit"]
    assert fields(sandbox.v3("GET", "ips", sort_by_direction="up", **how)) == ["sort_by_direction"]


@pytest.mark.parametrize("content", (None, {"ips": IPS}, "192.0.2.1", ["192.0.2"], ["2001:db8::1"], [1], [None]))
def test_ips_that_are_none(sandbox: Sandbox, content: Any) -> None:
    answer = sandbox.v3("PUT", path_of(ADA, "ips"), content)
    assert (answer.status_code, fields(answer)) == (400, ["ips"])
    assert sandbox.stored(ADA)["ips"] == []


def test_ips_of_somebody_else(sandbox: Sandbox) -> None:
    answer = sandbox.v3("PUT", path_of(ADA, "ips"), [IPS[0], "198.51.100.1"])
    assert (answer.status_code, messages(answer)) == (400, ["unable to validate IPs at this time"])
    for name in STRANGERS:
        answer = sandbox.v3("PUT", path_of(name, "ips"), IPS[:1])
        described = {"errors": [{"message": "resource not found"}]}
        assert (answer.status_code, answer.json()) == (
            404,
            by_behaviour(sandbox, described, {"error": "user not found"}),
        )
    assert [customer["ips"] for customer in sandbox.customers().values()] == [[]] * 4


def test_more_than_one_ip_can_be_refused(sandbox: Sandbox) -> None:
    sandbox.set("switches", {"single_ip": True})
    answer = sandbox.v3("PUT", path_of(ADA, "ips"), IPS[:2])
    assert (answer.status_code, messages(answer)) == (400, ["unable to validate IPs at this time"])
    assert sandbox.v3("PUT", path_of(ADA, "ips"), IPS[:1]).ok
    assert sandbox.stored(ADA)["ips"] == IPS[:1]


# Credits


def test_credits_are_set_and_read(sandbox: Sandbox) -> None:
    path = path_of(ADA, "credits")
    assert sandbox.v3("GET", path).json() == UNLIMITED
    for sent, shown in (
        ({"type": "recurring", "reset_frequency": "weekly", "total": 100}, RECURRING),
        ({"type": "nonrecurring", "total": 7}, {**UNLIMITED, "type": "nonrecurring", "remain": 7}),
        ({"type": "unlimited"}, UNLIMITED),
    ):
        answer = sandbox.v3("PUT", path, sent)
        assert (answer.status_code, answer.json()) == (200, shown)
        assert sandbox.v3("GET", path).json() == sandbox.stored(ADA)["credits"] == shown
    assert sandbox.stored(BEN)["credits"] == UNLIMITED


def test_what_is_left_is_changed(sandbox: Sandbox) -> None:
    path = path_of(ADA, "credits", "remaining")
    assert fields(sandbox.v3("PATCH", path, {"allocation_update": 1})) == ["allocation_update"]
    sandbox.v3("PUT", path_of(ADA, "credits"), {"type": "recurring", "reset_frequency": "weekly", "total": 100})
    for change, remain in ((10, 110), (-50, 60), (-900, 0)):
        answer = sandbox.v3("PATCH", path, {"allocation_update": change})
        assert (answer.status_code, answer.json()) == (200, {**RECURRING, "remain": remain})
    for content in (None, {}, {"allocation_update": True}, {"allocation_update": "1"}):
        assert fields(sandbox.v3("PATCH", path, content)) == ["allocation_update"]


@pytest.mark.parametrize(
    ("content", "field"),
    (
        (None, "type"),
        ([], "type"),
        ({"type": "free"}, "type"),
        ({"type": ["unlimited"]}, "type"),
        ({"type": "recurring", "total": 1}, "reset_frequency"),
        ({"type": "recurring", "total": 1, "reset_frequency": "yearly"}, "reset_frequency"),
        ({"type": "recurring", "reset_frequency": "daily"}, "total"),
        ({"type": "recurring", "reset_frequency": "daily", "total": 0}, "total"),
        ({"type": "nonrecurring", "total": True}, "total"),
        ({"type": "nonrecurring", "total": 1, "reset_frequency": "daily"}, "reset_frequency"),
        ({"type": "nonrecurring", "total": 1, "reset_frequency": None}, "reset_frequency"),
        ({"type": "unlimited", "total": 1}, "total"),
    ),
)
def test_credits_that_are_refused(sandbox: Sandbox, content: Any, field: str) -> None:
    answer = sandbox.v3("PUT", path_of(ADA, "credits"), content)
    assert (answer.status_code, fields(answer)) == (400, [field])
    if field == "type":
        assert messages(answer) == ["Type should be set to 'recurring', 'nonrecurring', or 'unlimited'"]
    assert sandbox.stored(ADA)["credits"] == UNLIMITED


def test_credits_of_a_stranger(sandbox: Sandbox) -> None:
    unknown = {"errors": [{"field": None, "message": "No user found"}]}
    for name in STRANGERS:
        for verb, more, content in (
            ("GET", "credits", None),
            ("PUT", "credits", {"type": "unlimited"}),
            ("PATCH", "credits/remaining", {"allocation_update": 1}),
        ):
            answer = sandbox.v3(verb, f"{path_of(name)}/{more}", content)
            assert (answer.status_code, answer.json()) == (400, unknown)


# The log and the seed


def test_the_log_of_ips_and_credits(sandbox: Sandbox) -> None:
    sandbox.v3("PUT", path_of(ADA, "ips"), IPS)
    sandbox.v3("GET", "ips", subuser=ADA)
    sandbox.v3("GET", "ips")
    sandbox.v3("PUT", path_of(ADA, "credits"), {"type": "nonrecurring", "total": 1})
    sandbox.v3("GET", path_of(ADA, "credits"))
    sandbox.v3("PATCH", path_of(ADA, "credits", "remaining"), {"allocation_update": 1})
    log = sandbox.log()
    expected = ["set_ips", "get_ips", "get_ips", "set_credits", "get_credits", "change_credits"]
    assert [entry["operation"] for entry in log] == expected
    assert [entry["user"] for entry in log] == [ADA, ADA, None, ADA, ADA, ADA]
    assert [entry["wrote"] for entry in log] == [True, False, False, True, False, True]
    assert log[0]["body_parameters"] == ["[]"]
    assert log[5]["route"] == "/v3/subusers/{subuser_name}/credits/remaining"


@pytest.mark.parametrize("operation", ("set_ips", "get_ips", "set_credits", "get_credits"))
def test_faults_of_ips_and_credits(sandbox: Sandbox, operation: str) -> None:
    sandbox.set_fault(operation, "unavailable", times="forever")
    codes = {
        "set_ips": sandbox.v3("PUT", path_of(ADA, "ips"), IPS).status_code,
        "get_ips": sandbox.v3("GET", "ips").status_code,
        "set_credits": sandbox.v3("PUT", path_of(ADA, "credits"), {"type": "unlimited"}).status_code,
        "get_credits": sandbox.v3("GET", path_of(ADA, "credits")).status_code,
    }
    assert codes == {**dict.fromkeys(codes, 200), operation: 503}


def test_customers_seeded_with_ips_and_credits(tmp_path: Path) -> None:
    ada = {**SEED["customers"][0], "ips": IPS[:1], "credits": {"type": "nonrecurring", "total": 5}}
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({**SEED, "customers": [ada]}), encoding="utf-8")
    sandbox = Sandbox("--seed", str(seed), "--single-ip")
    assert sandbox.v3("GET", path_of(ADA, "credits")).json() == {**UNLIMITED, "type": "nonrecurring", "remain": 5}
    assert ips(sandbox, subuser=ADA) == {IPS[0]: [ADA]}
    assert sandbox.control("GET", "switches")["single_ip"] is True
    assert sandbox.stop() == (0, "", "")
