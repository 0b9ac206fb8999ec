# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole fleet in one task, with an API in memory: writes, messages, and how a run ends early."""

from __future__ import annotations

import copy
import itertools
import os
import signal
import sys
import threading

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _cancellation, _fleet, _workers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Listing
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS, as_result
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import read_options
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, Cancelled, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import V2Api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities, from_row
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils import worlds
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ANN as STORED_ANN
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    READS,
    FakeHttp,
    FakeService,
    customer,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import (
    CONNECTION,
    KEY,
    LEFT_OUT,
    NEW,
    PASSWORD,
    made,
)
from hypothesis import given, settings
from hypothesis import strategies as st

ANN, BOB, CLEO, DORA, EVE = (f"{name}@example.com" for name in ("ann", "bob", "cleo", "dora", "eve"))
STORED = (STORED_ANN, customer(BOB), customer(CLEO), customer(DORA))
SUMMARY = ("created", "updated", "renamed", "deleted", "unchanged", "failed", "not_reached")
PATIENCE = 20
API = capabilities("reseller")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """A fleet waits in real time, so that a wait can be cut short."""
    monkeypatch.setattr(_rate_limit, "FIRST_PAUSE", 0.001)


class ToldOf(_fleet.Progress):
    """Records the progress. `failure`: an event that is set after the first failure."""

    def __init__(self):
        self.ticks = []
        self.reports = []
        self.failure = threading.Event()

    def on_progress(self, done, failed, total):
        self.ticks.append((done, failed, total))
        if failed:
            self.failure.set()

    def on_cancelled(self, report):
        self.reports.append(report)


class World(worlds.World):
    """A service and its fleet. The rules for all results are checked for each result."""

    def put(self, service, faults=None):
        self.service = service
        self.http = FakeHttp(service, faults)

    def fleet(self, rows, check_mode=False, progress=None, names=None, **options):
        """`names`: whom the result is about, where those of the rows and of the service tell too little."""
        given = {
            "customers": [{**LEFT_OUT, **row} for row in rows],
            "purge": False,
            "max_deletions": None,
            "concurrency": 4,
            "on_error": "continue",
            **options,
        }
        stored = list(self.service.customers)
        result = manage_fleet({**CONNECTION, **given}, check_mode, self.connect, progress)
        named = {name.casefold() for row in rows for name in (row["username"], row.get("new_username")) if name}
        purged = [name for name in stored if name.casefold() not in named] if given["purge"] else []
        assert_sound(result, names or [row["username"] for row in rows] + purged)
        secrets = {row["password"] for row in rows if row.get("password")}
        assert [secret for secret in secrets if secret in repr(result)] == []
        return result


def assert_sound(result, names):
    """What holds for each result, whatever came of the run. `names`: whom it is about."""
    summary, items = result["summary"], result["results"]
    assert tuple(summary) == SUMMARY
    assert sum(summary.values()) == len(names)
    told = {item["username"] for item in items}
    assert [item["username"] for item in items] == [name for name in names if name in told]
    for item in items:
        assert set(item) == {"username", "changed", "failed", "msg", "operations", "customer"}
        assert item["changed"] or item["failed"]
        assert bool(item["msg"]) is item["failed"]
        assert item["changed"] is bool({"applied", "planned"} & {status for _name, status in made(item)})
    assert result["changed"] is any(item["changed"] for item in items)
    assert len(result["diff"]) == sum(item["changed"] for item in items)
    assert summary["failed"] == sum(item["failed"] for item in items)
    is_failure = bool(summary["failed"] or summary["not_reached"])
    assert (result.get("failed", False), "msg" in result) == (is_failure, is_failure)
    assert KEY not in repr(result)


def counted(result):
    """The summary without the zeros."""
    return {name: count for name, count in result["summary"].items() if count}


def item_of(result, name):
    [item] = [item for item in result["results"] if item["username"] == name]
    return item


@pytest.fixture
def world():
    world = World()
    world.put(FakeService(*STORED))
    return world


@pytest.fixture
def stops(monkeypatch):
    """The stops of the runs, for a call that has to wait until its run is stopped."""
    made_stops = []

    class Known(Cancellation):
        def __init__(self):
            super().__init__()
            made_stops.append(self)

    monkeypatch.setattr(_fleet, "Cancellation", Known)
    return made_stops


def new(name, **options):
    """All that a creation needs."""
    return {**NEW, "username": name, "email": name, **options}


MIXED = [
    {"username": EVE, **NEW},
    {"username": ANN, "city": "Bath", "active": False},
    {"username": BOB, "city": "Aarhus"},
    {"username": CLEO, "new_username": "cleo.new@example.com", "city": "Cork"},
    {"username": DORA, "state": "absent"},
    {"username": "nobody@example.com", "state": "absent"},
]


# Messages


def test_every_kind_of_customer_is_counted_and_told(world):
    result = world.fleet(MIXED)
    assert counted(result) == {"created": 1, "updated": 1, "renamed": 1, "deleted": 1, "unchanged": 2}
    assert {item["username"]: made(item) for item in result["results"]} == {
        EVE: [("create", "applied")],
        ANN: [("disable", "applied"), ("set_profile", "applied")],
        CLEO: [("rename", "applied"), ("set_profile", "applied")],
        DORA: [("delete", "applied")],
    }
    assert item_of(result, DORA)["customer"] is None
    shown = item_of(result, CLEO)["customer"]
    assert set(shown) == set(IN_RESULTS)
    assert (shown["username"], shown["city"], shown["company"]) == ("cleo.new@example.com", "Cork", None)
    assert set(world.service.customers) == {EVE, ANN, BOB, "cleo.new@example.com"}
    assert world.http.closed


@pytest.mark.parametrize("shows", [True, False])
@pytest.mark.parametrize("answer_format", ["json", "xml"])
@pytest.mark.parametrize("api", ["reseller", "customer"])
def test_check_mode_says_what_the_run_does_and_writes_nothing(world, shows, answer_format, api):
    rows = [{**row, "package": None, "whitelabel": None} for row in MIXED] if api == "customer" else MIXED
    options = {"api_format": answer_format, "api": api, "purge": True, "max_deletions": 1}
    world.put(FakeService(*STORED, customer("zoe@example.com"), shows_website_access=shows))
    predicted = world.fleet(rows, check_mode=True, **options)
    assert world.http.operations == ["list"]
    real = world.fleet(rows, **options)
    for key in ("changed", "summary", "diff", "unverified", "warnings"):
        assert predicted[key] == real[key], key
    assert len(predicted["results"]) == len(real["results"])
    for before, after in zip(predicted["results"], real["results"]):
        assert {status for _name, status in made(before)} == {"planned"}
        assert {status for _name, status in made(after)} == {"applied"}
        for item in (before, after):
            item["operations"] = [name for name, _status in made(item)]
        assert before == after


def test_a_second_run_changes_nothing(world):
    world.fleet(MIXED)
    written = list(world.http.writes)
    result = world.fleet(MIXED)
    assert counted(result) == {"unchanged": 6}
    assert (result["changed"], result["results"], result["diff"]) == (False, [], [])
    assert world.http.writes == written


def test_the_diff_has_one_entry_for_each_changed_customer_in_the_order_of_the_fleet(world):
    result = world.fleet(MIXED)
    assert [(diff["before_header"], diff["after_header"]) for diff in result["diff"]] == [
        (EVE, EVE),
        (ANN, ANN),
        (CLEO, "cleo.new@example.com"),
        (DORA, DORA),
    ]
    created, updated, _renamed, deleted = result["diff"]
    assert (created["before"], created["after"]["password"]) == ({}, "********")
    assert updated["after"] == {**updated["before"], "city": "Bath", "active": False}
    assert deleted["after"] == {}


@pytest.mark.parametrize("concurrency", [1, 3, 64])
def test_results_are_in_the_order_of_the_fleet_whatever_ends_first(world, concurrency):
    names = [f"{number:02}@example.com" for number in range(40)]
    world.put(FakeService(*map(customer, names)))
    rows = [{"username": name, "city": "Bath"} for name in reversed(names)]
    result = world.fleet(rows, concurrency=concurrency)
    assert [item["username"] for item in result["results"]] == names[::-1]


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_empty_fleet_and_an_empty_account(world, check_mode):
    assert counted(world.fleet([], check_mode)) == {}
    assert world.http.operations == ["list"]
    world.put(FakeService())
    result = world.fleet([new(EVE)], check_mode)
    assert counted(result) == {"created": 1}


def test_what_was_sent_without_being_compared_is_told_by_customer(world):
    world.put(FakeService(*STORED, shows_website_access=False))
    rows = [
        {"username": ANN, "website_access": True, "city": "Bath", "company": "New"},
        {"username": BOB, "city": "Bath"},
        {"username": CLEO, "website_access": True, "update_website_access": "on_create"},
    ]
    result = world.fleet(rows)
    assert {name: sorted(sent) for name, sent in result["unverified"].items()} == {ANN: ["company", "website_access"]}
    assert counted(result) == {"updated": 2, "unchanged": 1}
    assert counted(world.fleet(rows)) == {"updated": 1, "unchanged": 2}


def test_a_username_that_ansible_would_take_for_a_key_of_its_own_is_not_told_as_unverified(world):
    names = ["__ansible_type", "_ansible_x", ANN]
    world.put(FakeService(*map(customer, names), shows_website_access=False))
    result = world.fleet([{"username": name, "website_access": True} for name in names])
    assert result["unverified"] == {ANN: ["website_access"]}
    assert [item["username"] for item in result["results"]] == names
    assert any("'__ansible_type', '_ansible_x' cannot be shown in unverified" in text for text in result["warnings"])


def test_what_the_server_stores_otherwise_is_a_warning_and_many_are_one(world):
    world.put(FakeService(*STORED, rewrites=True))
    rows = [{"username": name, "website": "new.example"} for name in (ANN, BOB, CLEO, DORA)]
    assert world.fleet(rows)["warnings"] == []
    few = world.fleet(rows[:3])
    assert len(few["warnings"]) == 3
    assert [ANN in few["warnings"][0], CLEO in few["warnings"][2]] == [True, True]
    [warning] = world.fleet(rows)["warnings"]
    assert "4 values" in warning and ANN in warning and DORA not in warning
    assert world.http.writes == ["set_profile"] * 4


# Calls and writes


@pytest.mark.parametrize("size", [0, 1, 50])
@pytest.mark.parametrize("check_mode", [True, False])
def test_one_list_call_answers_for_a_fleet_of_any_size(world, size, check_mode):
    names = [f"{number}@example.com" for number in range(size)]
    world.put(FakeService(*map(customer, names)))
    converged = [{"username": name, "city": "Aarhus", "active": True, "company": "Archer & Co"} for name in names]
    assert counted(world.fleet(converged, check_mode)) == ({"unchanged": size} if size else {})
    assert world.http.calls == [("list", {})]


def test_a_changed_customer_costs_its_writes_and_no_read(world):
    world.fleet(MIXED)
    assert world.http.operations[0] == "list"
    assert sorted(world.http.operations[1:]) == sorted(
        ["create", "disable", "set_profile", "rename", "set_profile", "delete"]
    )


def test_a_hidden_company_is_no_reason_to_write(world):
    result = world.fleet([{"username": ANN, "company": "New"}, {"username": BOB, "company": "", "active": True}])
    assert counted(result) == {"unchanged": 2}
    assert world.http.calls == [("list", {})]


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_a_fleet_does_not_compare_is_counted(world, check_mode):
    rows = [
        {"username": ANN, "company": "New"},
        {"username": BOB, "company": "New", "city": "Bath"},
        {"username": CLEO, "company": "New", "update_profile": "on_create"},
        {"username": DORA, "city": "Bath"},
        # A new customer cannot be compared with anything.
        new(EVE, company="New"),
        {"username": "nobody@example.com", "company": "New", "state": "absent"},
    ]
    assert world.fleet(rows, check_mode)["not_compared"] == {"company": 2}
    again = world.fleet(rows[3:], check_mode)["not_compared"]
    assert again == ({} if check_mode else {"company": 1, "package": 1, "password": 1, "whitelabel": 1})


def test_what_only_a_creation_sets_counts_for_existing_customers_as_not_compared(world):
    word = "a-word-4711"
    rows = [
        {"username": ANN, "package": "Gold", "ips": ["192.0.2.1"], "free_user": False, "password": word},
        {"username": BOB, "package": "Gold", "password": word, "new_username": "bob.new@example.com"},
        # What is asked for is compared.
        {"username": CLEO, "password": word, "update_password": "always"},
        {"username": DORA, "ip_groups": [], "whitelabel": "x", "billing_date": "2026-01-01", "state": "absent"},
        new(EVE),
    ]
    result = world.fleet(rows, check_mode=True)
    assert result["not_compared"] == {"free_user": 1, "ips": 1, "package": 2, "password": 2}


@pytest.mark.parametrize("options", [{"active": False}, {"email": "x@example.com"}, {"website_access": False}])
def test_a_hidden_company_does_not_go_along_with_another_write(world, options):
    result = world.fleet([{"username": ANN, "company": "New", **options}])
    assert (counted(result), result["unverified"]) == ({"updated": 1}, {})
    assert world.service.customers[ANN]["company"] == STORED_ANN["company"]
    assert "set_profile" not in world.http.operations


def test_a_hidden_company_goes_along_with_the_profile_and_with_a_creation(world):
    result = world.fleet([{"username": ANN, "company": "New", "city": "Bath"}, new(EVE, company="Elm & Oak")])
    assert ("set_profile", {"user": ANN, "city": "Bath", "company": "New"}) in world.http.calls
    assert world.service.customers[EVE]["company"] == "Elm & Oak"
    assert result["unverified"] == {ANN: ["company"]}
    assert item_of(result, ANN)["customer"]["company"] is None
    assert result["diff"][0]["after"]["company"] == "New" and "company" not in result["diff"][0]["before"]
    assert world.http.operations.count("list") == 1


@pytest.mark.parametrize("check_mode", [True, False])
def test_passwords_are_checked_only_where_that_was_asked_for(world, check_mode):
    result = world.fleet(
        [
            {"username": ANN, "password": "ann-pass", "update_password": "always"},
            {"username": BOB, "password": PASSWORD, "update_password": "always"},
            {"username": CLEO, "password": PASSWORD},
            {"username": DORA, "password": PASSWORD, "update_password": "always", "state": "absent"},
            new(EVE, update_password="always"),
        ],
        check_mode,
    )
    checked = [values["user"] for operation, values in world.http.calls if operation == "check_password"]
    assert sorted(checked) == [ANN, BOB]
    assert counted(result) == {"created": 1, "updated": 1, "deleted": 1, "unchanged": 2}
    assert [name for name, _status in made(item_of(result, BOB))] == ["set_password"]
    assert sorted(world.http.writes) == ([] if check_mode else ["create", "delete", "set_password"])


def test_a_server_that_cannot_check_passwords_gets_them_in_each_run(world):
    world.put(FakeService(*STORED, knows_check=False))
    row = {"username": ANN, "password": PASSWORD, "update_password": "always"}
    for _run in range(2):
        result = world.fleet([row])
        assert (counted(result), result["unverified"]) == ({"updated": 1}, {ANN: ["password"]})


# What cannot be


def refusal(world, rows, **options):
    """The one message of a fleet that is refused before any call."""
    with pytest.raises(InvalidInput) as caught:
        world.fleet(rows, **options)
    assert world.http.calls == []
    return str(caught.value)


PROBLEMS = {
    "twice": ([{"username": ANN}, {"username": BOB}, {"username": ANN}], {}, ["customers[0] and customers[2]", ANN]),
    "three times": ([{"username": ANN}] * 3, {}, ["customers[0], customers[1] and customers[2]"]),
    "the new name of another": (
        [{"username": BOB}, {"username": ANN, "new_username": BOB}],
        {},
        ["customers[0] and customers[1]", BOB],
    ),
    "two for one new name": (
        [{"username": ANN, "new_username": EVE}, {"username": BOB, "new_username": EVE}],
        {},
        ["customers[0] and customers[1]", EVE],
    ),
    "a chain of renames": (
        [{"username": ANN, "new_username": BOB}, {"username": BOB, "new_username": CLEO}],
        {},
        ["customers[0] and customers[1]", BOB],
    ),
    "twins": (
        [{"username": ANN}, {"username": "Ann@example.com"}],
        {},
        ["customers[0] ('ann@example.com')", "customers[1] ('Ann@example.com')", "differ only by case"],
    ),
    "a twin of a new name": (
        [{"username": BOB, "new_username": "Eve@example.com"}, {"username": EVE}],
        {},
        ["customers[0] ('Eve@example.com')", "customers[1] ('eve@example.com')", "differ only by case"],
    ),
    "twins of several spellings": (
        [{"username": "zoe\u0308@x"}, {"username": "zo\u00eb@x"}, {"username": "ZO\u00cb@X"}],
        {},
        ["customers[0] (", "customers[1] (", "customers[2] (", "look alike"],
    ),
    "twins of another form": (
        [{"username": "zoe\u0308@x.example"}, {"username": BOB, "new_username": "zo\u00eb@x.example"}],
        {},
        ["customers[0] (", "customers[1] (", "differ only by composed and decomposed letters"],
    ),
    "a blank at the end": (
        [{"username": f"{ANN} "}],
        {},
        ["customers[0] ('ann@example.com<U+0020>'): username", "U+0020 SPACE at the end"],
    ),
    "a blank in a new name": (
        [{"username": ANN, "new_username": f"\u00a0{EVE}"}],
        {},
        ["customers[0] ('ann@example.com'): new_username", "U+00A0 NO-BREAK SPACE at the beginning"],
    ),
    "an address with what nobody sees": (
        [new(EVE, email=f"{EVE}\u200b")],
        {},
        ["customers[0] ('eve@example.com'): email", "U+200B ZERO WIDTH SPACE at the end"],
    ),
    "a purge of all": ([], {"purge": True, "max_deletions": 9}, ["purge with no customers would delete every"]),
    "an empty name": ([{"username": ANN}, {"username": ""}], {}, ["customers[1]: username is empty"]),
    "an attribute": (
        [{"username": ANN}, {"username": BOB, "email": "none"}],
        {},
        ["customers[1] ('bob@example.com'): email 'none'"],
    ),
    "absent under a new name": (
        [{"username": ANN, "new_username": EVE, "state": "absent"}],
        {},
        ["customers[0] ('ann@example.com'): new_username cannot be used with state=absent"],
    ),
    "another family": (
        [{"username": ANN, "package": "Bronze"}],
        {"api": "customer"},
        ["customers[0] ('ann@example.com'): package cannot be used with api=customer"],
    ),
    "a short password": ([{"username": ANN, "password": "12345"}], {}, ["customers[0]", "password is shorter"]),
    "a character": ([{"username": ANN, "city": "a\ud800"}], {}, ["customers[0]", "city holds a character"]),
    "no ceiling": ([], {"purge": True}, ["purge needs max_deletions"]),
    "a ceiling below zero": ([], {"purge": True, "max_deletions": -1}, ["max_deletions must not be negative"]),
    "none at once": ([], {"concurrency": 0}, ["concurrency must be from 1 to 64"]),
    "too many at once": ([], {"concurrency": 65}, ["concurrency must be from 1 to 64"]),
    "the connection": ([], {"retries": -1, "api_url": "http://api.example.com"}, ["retries", "api_url"]),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("rows", "options", "words"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_fleet_that_cannot_be_is_refused_before_any_call(world, rows, options, words, check_mode):
    told = refusal(world, rows, check_mode=check_mode, **options)
    assert [word for word in words if word not in told] == []
    assert told.startswith("The options are not valid: ")


def test_everything_that_is_wrong_is_told_in_one_message_with_its_place(world):
    rows = [
        {"username": ANN, "city": "x" * 101, "phone": "1" * 51},
        {"username": BOB, "new_username": CLEO},
        {"username": CLEO, "state": "absent", "new_username": "x@sendgrid.com"},
        {"username": "BOB@example.com", "password": "short"},
    ]
    told = refusal(world, rows, purge=True, concurrency=-3, timeout=0)
    words = [
        "customers[0] ('ann@example.com'): city has 101",
        "customers[0] ('ann@example.com'): phone has 51",
        "customers[1] and customers[2] have the username 'cleo@example.com'",
        "customers[2] ('cleo@example.com'): new_username must not be in the domain",
        "customers[2] ('cleo@example.com'): new_username cannot be used with state=absent",
        "customers[3] ('BOB@example.com'): password is shorter",
        "customers[1] ('bob@example.com') and customers[3] ('BOB@example.com') differ only by case",
        "purge needs max_deletions",
        "concurrency must be",
        "timeout must be",
    ]
    assert [word for word in words if word not in told] == []
    assert "short'" not in told


def test_the_same_name_before_and_after_and_another_case_of_it_are_no_twins(world):
    assert counted(world.fleet([{"username": ANN, "new_username": ANN}])) == {"unchanged": 1}
    assert counted(world.fleet([{"username": ANN, "new_username": "Ann@example.com"}])) == {"renamed": 1}
    assert "Ann@example.com" in world.service.customers


ERRORS_OF_THE_LIST = {
    "creation lacks fields": ({"username": EVE, "city": "Exeter"}, ["cannot be created", "creation needs password"]),
    "another case": ({"username": "ANN@example.com", "city": "Bath"}, ["differs only by case"]),
    "another case of the new name": ({"username": BOB, "new_username": "ANN@example.com"}, ["differs only by case"]),
    "both names exist": ({"username": ANN, "new_username": DORA}, ["cannot be renamed", "both"]),
    "a name too long to create": (new("e" * 60 + "@example.com"), ["username has 72"]),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("row", "words"), ERRORS_OF_THE_LIST.values(), ids=ERRORS_OF_THE_LIST)
def test_what_only_the_list_shows_is_an_error_of_that_customer(world, row, words, check_mode):
    result = world.fleet([row, {"username": CLEO, "city": "Bath"}], check_mode)
    assert counted(result) == {"failed": 1, "updated": 1}
    failed = item_of(result, row["username"])
    assert [word for word in words if word not in failed["msg"]] == []
    assert (failed["changed"], failed["operations"]) == (False, [])
    assert failed["msg"] in result["msg"] and "1 of 2 customers failed" in result["msg"]
    assert world.http.writes == ([] if check_mode else ["set_profile"])


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("row", "words"), ERRORS_OF_THE_LIST.values(), ids=ERRORS_OF_THE_LIST)
def test_what_only_the_list_shows_stops_before_any_write(world, row, words, check_mode):
    """In check mode, too: what the run would not do is not planned."""
    others = [{"username": CLEO, "city": "Bath"}, {"username": "zoe@example.com", "state": "absent"}]
    password = {"username": "x@example.com", "password": PASSWORD, "update_password": "always"}
    world.service.customers["x@example.com"] = customer("x@example.com")
    result = world.fleet([others[0], password, row, others[1]], check_mode, on_error="stop")
    assert counted(result) == {"failed": 1, "not_reached": 2, "unchanged": 1}
    assert [item["username"] for item in result["results"]] == [row["username"]]
    assert (result["changed"], result["diff"]) == (False, [])
    assert "2 of 4 customers were not reached, because on_error is stop." in result["msg"]
    assert world.http.operations == ["list"]


# Purge


def purged(world, rows, most, **options):
    return world.fleet(rows, purge=True, max_deletions=most, **options)


@pytest.mark.parametrize("check_mode", [True, False])
def test_customers_that_are_not_named_are_deleted_after_all_other_work(world, check_mode):
    world.put(FakeService(customer("a0@example.com"), *STORED))
    rows = [{"username": DORA, "city": "Bath"}, {"username": CLEO, "state": "absent"}, new(EVE)]
    result = purged(world, rows, 3, check_mode=check_mode, concurrency=1)
    assert counted(result) == {"created": 1, "updated": 1, "deleted": 4}
    assert [item["username"] for item in result["results"]] == [DORA, CLEO, EVE, "a0@example.com", ANN, BOB]
    assert world.http.writes == (
        [] if check_mode else ["set_profile", "delete", "create", "delete", "delete", "delete"]
    )
    if not check_mode:
        assert set(world.service.customers) == {DORA, EVE}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("most", "few"), [(0, False), (2, False), (3, True)])
def test_the_ceiling_is_looked_at_before_any_write(world, check_mode, most, few):
    rows = [{"username": ANN, "city": "Bath"}]
    if few:
        assert counted(purged(world, rows, most, check_mode=check_mode)) == {"updated": 1, "deleted": 3}
        return
    with pytest.raises(InvalidInput) as caught:
        purged(world, rows, most, check_mode=check_mode)
    told = str(caught.value)
    assert "3 customers are not in the fleet" in told and f"max_deletions is {most}" in told
    assert all(name in told for name in (BOB, CLEO, DORA))
    assert world.http.operations == ["list"]


def test_the_ceiling_names_a_few_of_very_many(world):
    world.put(FakeService(*(customer(f"{number:04}@example.com") for number in range(1000))))
    with pytest.raises(InvalidInput) as caught:
        purged(world, [{"username": "0000@example.com"}], 998)
    assert "999 customers" in str(caught.value) and "…" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_customers_that_are_to_be_absent_do_not_count_for_the_ceiling(world):
    rows = [{"username": name, "state": "absent"} for name in (ANN, BOB, CLEO)]
    assert counted(purged(world, rows, 1)) == {"deleted": 4}
    assert world.service.customers == {}


@pytest.mark.parametrize("stored", ["old@example.com", "new@example.com"])
def test_both_names_of_a_rename_are_named(world, stored):
    world.put(FakeService(customer(stored)))
    result = purged(world, [{"username": "old@example.com", "new_username": "new@example.com"}], 0)
    assert counted(result) in ({"renamed": 1}, {"unchanged": 1})
    assert set(world.service.customers) == {"new@example.com"}


def test_both_names_of_a_rename_that_cannot_be_are_kept(world):
    result = purged(world, [{"username": ANN, "new_username": BOB}], 2)
    assert counted(result) == {"failed": 1, "not_reached": 2}
    assert world.http.writes == []


@pytest.mark.parametrize(
    "row", [{"username": "ANN@example.com"}, {"username": BOB, "new_username": "Ann@example.com"}], ids=["name", "new"]
)
@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_a_customer_whose_name_is_near_one_of_the_fleet_is_never_deleted(world, row, on_error):
    result = purged(world, [row], 4, on_error=on_error)
    assert result["summary"]["failed"] == 1
    assert ANN in world.service.customers
    assert [
        values["user"] for operation, values in world.http.calls if operation == "delete" and values["user"] == ANN
    ] == []


ODD = "odd@example.com\u200b"


@pytest.mark.parametrize("check_mode", [True, False])
def test_whoever_is_kept_from_a_purge_is_told_of(world, check_mode):
    world.put(FakeService(*STORED, customer("Ann@example.com"), customer(ODD)))
    result = world.fleet([{"username": ANN}], check_mode, purge=True, max_deletions=3, names=(ANN, BOB, CLEO, DORA))
    assert counted(result) == {"unchanged": 1, "deleted": 3}
    assert "failed" not in result
    odd, alike = result["warnings"]
    assert "'odd@example.com<U+200B>'" in odd and "no purge deletes them" in odd
    assert "'Ann@example.com' looks like 'ann@example.com'" in alike
    if not check_mode:
        assert set(world.service.customers) == {ANN, "Ann@example.com", ODD}


def test_a_stored_name_with_what_nobody_sees_is_told_of_without_a_purge(world):
    world.put(FakeService(customer(ANN), customer(ODD)))
    [warning] = world.fleet([{"username": ANN}])["warnings"]
    assert "'odd@example.com<U+200B>'" in warning
    world.put(FakeService(customer(ANN), customer(f"{BOB}\u200b")))
    result = world.fleet([{"username": ANN}, {"username": BOB, "state": "absent"}])
    assert counted(result) == {"unchanged": 1, "failed": 1}
    assert "'bob@example.com<U+200B>' differs only by blanks or invisible characters" in item_of(result, BOB)["msg"]


# what is stored beside Ann, with its address, whom the fleet names beside her, and how many of these have an error
SUSPICIONS = {
    "another name, the same address": ([("new@x", EVE)], [new(EVE)], 1),
    "another case of the address": ([("new@x", "EVE@Example.com")], [new(EVE)], 1),
    "a blank at the end of the address": ([("new@x", f"{EVE} ")], [new(EVE)], 1),
    "two of them": ([("new@x", EVE), ("newer@x", EVE)], [new(EVE)], 1),
    "two to create": ([("new@x", EVE)], [new(EVE), new("e@x", email=EVE)], 2),
    "it could not be created": ([("new@x", EVE)], [{"username": EVE, "email": EVE}], 1),
    "it would be created under a new name": ([("new@x", EVE)], [new("e@x", email=EVE, new_username="f@x")], 1),
    "one that is to be absent has the address": (
        [("new@x", EVE), ("old@x", EVE)],
        [new(EVE), {"username": "old@x", "state": "absent"}],
        1,
    ),
    # None of these is one.
    "another address": ([("new@x", "e@x")], [new(EVE)], 0),
    "no address": ([("new@x", None), ("newer@x", "")], [new(EVE)], 0),
    "the fleet names it": ([("new@x", EVE)], [new(EVE), {"username": "new@x"}], 0),
    "the fleet names it by its new name": ([("new@x", EVE)], [{"username": EVE, "new_username": "new@x"}], 0),
    "one of the fleet has it, too": ([("new@x", EVE), ("old@x", EVE.upper())], [new(EVE), {"username": "old@x"}], 0),
    "renamed by the fleet, it has it, too": (
        [("new@x", EVE), ("old@x", EVE)],
        [new(EVE), {"username": "old@x", "new_username": "older@x.example"}],
        0,
    ),
    "nobody is created": ([("new@x", EVE)], [{"username": ANN, "email": EVE}], 0),
    "it is to be absent": ([("new@x", EVE)], [{"username": EVE, "state": "absent", "email": EVE}], 0),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("stored", "rows", "errors"), SUSPICIONS.values(), ids=SUSPICIONS)
def test_a_customer_that_somebody_renamed_keeps_a_purge_from_deleting(world, stored, rows, errors, check_mode):
    service = FakeService(STORED_ANN, *(customer(name, email=email or "") for name, email in stored))
    for name, email in stored:
        if email is None:
            del service.customers[name]["email"]
    world.put(service)
    before = set(service.customers)
    if ANN not in [row["username"] for row in rows]:
        rows = [{"username": ANN, "city": "Bath"}, *rows]
    result = world.fleet(rows, check_mode, purge=True, max_deletions=9)
    assert result["summary"]["failed"] == errors
    if not errors:
        assert "not_reached" not in counted(result)
        return
    assert result["summary"]["not_reached"] == len([name for name, _email in stored if name.startswith("new")])
    assert result["summary"]["updated"] == 1
    for item in result["results"]:
        if item["failed"]:
            parts = ["does not exist, and was not created", "set new_username: new@x", "delete 'new@x' first"]
            assert [part for part in parts if part not in item["msg"]] == []
    # What the fleet itself wants gone goes.
    assert before - set(service.customers) <= {"old@x"}


def test_without_a_purge_an_address_tells_nothing(world):
    world.put(FakeService(STORED_ANN, customer("new@x", email=EVE)))
    assert counted(world.fleet([new(EVE)])) == {"created": 1}


def test_a_deletion_waits_for_the_last_row(world):
    """A free thread does not begin to delete while another thread works on a row."""
    told = ToldOf()
    told.done = threading.Event()
    told.on_progress = lambda done, _failed, _total: told.done.set() if done else None
    deleted_before = []

    def meanwhile(operation, values):
        if operation == "set_profile" and values["user"] == ANN:
            assert told.done.wait(PATIENCE)
            deleted_before.append(world.http.operations.count("delete"))

    world.http.meanwhile = meanwhile
    rows = [{"username": ANN, "city": "Bath"}, {"username": BOB, "city": "Bath"}]
    result = purged(world, rows, 2, concurrency=8, progress=told)
    assert deleted_before == [0]
    assert world.http.writes == ["set_profile"] * 2 + ["delete"] * 2
    assert counted(result) == {"updated": 2, "deleted": 2}


def test_progress_counts_the_customers_of_both_parts(world):
    told = ToldOf()
    purged(world, [{"username": ANN, "city": "Bath"}, {"username": BOB}], 2, concurrency=1, progress=told)
    assert [on_progress for number, on_progress in enumerate(told.ticks) if on_progress not in told.ticks[:number]] == [
        (2, 0, 4),
        (3, 0, 4),
        (4, 0, 4),
    ]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("fault", ["refused*", "lost_before*", "unauthorized*", "defect*"])
def test_a_failed_check_of_a_password_holds_a_purge_back(world, fault, check_mode):
    """It is known in check mode, too."""
    world.put(FakeService(*STORED), {"check_password": [fault]})
    rows = [{"username": ANN, "password": PASSWORD, "update_password": "always"}, {"username": BOB}]
    result = purged(world, rows, 2, check_mode=check_mode)
    assert counted(result) == {"failed": 1, "unchanged": 1, "not_reached": 2}
    assert "2 of 4 customers were not reached, because a purge deletes nothing as long as" in result["msg"]
    assert world.http.writes == []


def test_a_deletion_that_fails_does_not_hold_back_the_others(world):
    world.put(FakeService(*STORED), {("delete", BOB): ["refused*"]})
    result = purged(world, [{"username": ANN}], 3, concurrency=1)
    assert counted(result) == {"unchanged": 1, "failed": 1, "deleted": 2}


def as_listed(**differing):
    """Ann as a list shows her, to be fed back."""
    [row] = FakeService(STORED_ANN).rows()
    return {**as_result(from_row(row)[0]), **differing}


@pytest.mark.parametrize("email", ["ann@example.com ", "\u200bann@example.com", "ann at example", "\u00a0"])
@pytest.mark.parametrize("options", [{}, {"purge": True, "max_deletions": 0}], ids=["no purge", "purge"])
def test_an_address_that_the_server_shows_can_be_fed_back(world, email, options):
    world.put(FakeService(customer(ANN, email=email)))
    row = as_listed(email=email)
    assert counted(world.fleet([row], **options)) == {"unchanged": 1}
    assert world.customer(**row)["changed"] is False
    assert counted(world.fleet([{**row, "city": "Bath"}], **options)) == {"updated": 1}
    assert world.http.writes == ["set_profile"]


@pytest.mark.parametrize("stored", [ANN, None], ids=["another is shown", "nobody is there"])
@pytest.mark.parametrize("email", ["ann@example.com ", "\u200bann@example.com", "ann at example"])
def test_such_an_address_is_never_written(world, stored, email):
    world.put(FakeService(*([customer(stored)] if stored else []), customer(BOB)))
    row = {**WHOLE, **as_listed(email=email)}
    result = world.fleet([row], purge=True, max_deletions=1)
    assert counted(result) == {"failed": 1, "not_reached": 1}
    assert "email '" in item_of(result, ANN)["msg"]
    with pytest.raises(InvalidInput, match="email '"):
        world.customer(**row)
    assert world.http.writes == []
    # If it is not a customer that is passed back, it is refused without a call.
    calls = len(world.http.calls)
    for ask in (
        lambda: world.customer(username=ANN, email=email),
        lambda: world.fleet([{"username": ANN, "email": email}]),
    ):
        with pytest.raises(InvalidInput, match="email '"):
            ask()
    assert len(world.http.calls) == calls


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_purge_demands_a_list_that_is_whole(world, monkeypatch, check_mode):
    whole = V2Api.customers
    monkeypatch.setattr(V2Api, "customers", lambda api, filters: Listing(whole(api, filters).customers, False))
    with pytest.raises(InvalidInput, match="^Nothing was changed, because purge .* did not show all customers"):
        purged(world, [{"username": ANN}], 9, check_mode=check_mode)
    assert world.http.operations == ["list"]
    assert counted(world.fleet([{"username": ANN, "city": "Bath"}], check_mode)) == {"updated": 1}


def test_nothing_is_purged_without_being_asked(world):
    assert counted(world.fleet([], max_deletions=9)) == {}
    assert world.http.operations == ["list"]


# Failures


def test_a_failed_customer_does_not_keep_the_others_from_their_work(world):
    world.put(FakeService(*STORED), {("set_profile", BOB): ["refused*"]})
    rows = [{"username": name, "city": "Bath", "active": False} for name in (ANN, BOB, CLEO)]
    result = world.fleet(rows)
    assert counted(result) == {"updated": 2, "failed": 1}
    failed = item_of(result, BOB)
    assert made(failed) == [("disable", "applied"), ("set_profile", "failed")]
    assert (failed["changed"], failed["failed"]) == (True, True)
    assert (failed["customer"]["active"], failed["customer"]["city"]) == (False, "Aarhus")
    assert [word for word in (BOB, "Not today", "Applied before that: disable") if word not in failed["msg"]] == []
    assert result["msg"].startswith(f"1 of 3 customers failed. {failed['msg'].split(':')[0]}")
    assert "Done: 2 updated." in result["msg"]
    assert result["msg"].count("Run the task again to finish the work.") == 1
    assert result["diff"][1]["after"] == {**result["diff"][1]["before"], "active": False}


def test_many_failures_are_counted_and_a_few_are_told(world):
    names = [f"{number:02}@example.com" for number in range(30)]
    world.put(FakeService(*map(customer, names)), {"set_profile": ["refused*"]})
    result = world.fleet([{"username": name, "city": "Bath"} for name in names])
    assert "30 of 30 customers failed." in result["msg"]
    assert "And 27 more, see results." in result["msg"]
    assert (names[2] in result["msg"], names[3] in result["msg"]) == (True, False)


def test_a_message_that_repeats_a_customers_password_is_hidden(world):
    world.put(FakeService(*STORED), {"create": ["echo*"], "set_password": ["echo*"]})
    rows = [new(EVE), {"username": ANN, "password": "another-canary-2", "update_password": "always"}]
    result = world.fleet(rows)
    assert counted(result) == {"failed": 2}
    assert result["msg"].count("the server said (a message that repeats a secret is not shown) (HTTP 200)") == 2
    assert "canary" not in repr(result)


def test_a_password_that_begins_with_the_username_hides_no_message_that_names_the_customer(world):
    """Of the others' names, none is known here."""
    world.put(FakeService(*STORED), {"set_profile": ["named*"], "set_password": ["named*"]})
    rows = [
        {"username": name, "password": f"{name}-canary", "update_password": "always", "city": "Bath"}
        for name in (ANN, BOB)
    ]
    result = world.fleet(rows)
    assert counted(result) == {"failed": 2}
    assert [f"Not now, {name}" in item_of(result, name)["msg"] for name in (ANN, BOB)] == [True, True]


GENERAL = {
    "a wrong key": "unauthorized*",
    "a wrong account": "forbidden*",
    "a limit that lasts": "busy_long*",
    "a closed port": "closed*",
}


@pytest.mark.parametrize("lag", [0, 1, 4])
def test_new_customers_are_closed_though_the_server_lags_behind(world, lag):
    world.put(FakeService(*STORED, lag=lag))
    rows = [new(f"new{number}@example.com", active=False, website_access=False) for number in range(6)]
    result = world.fleet(rows)
    assert counted(result) == {"created": 6}
    stored = [world.service.customers[row["username"]] for row in rows]
    assert {(one["active"], one["website_access"]) for one in stored} == {("false", "false")}
    assert world.http.operations.count("disable") == 6 * (lag + 1)
    assert counted(world.fleet(rows)) == {"unchanged": 6}


def test_what_was_done_before_an_error_is_told_with_what_is_open(world):
    world.put(FakeService(*STORED, lag=1000))
    rows = [new(EVE, active=False, website_access=False), new("fay@example.com"), {"username": BOB, "city": "Bergen"}]
    result = world.fleet(rows, max_retry_wait=0.01)
    assert counted(result) == {"created": 1, "updated": 1, "failed": 1}
    for told in (result["msg"], item_of(result, EVE)["msg"]):
        assert "after 0.01 s of waiting (max_retry_wait)" in told
        assert f"Customer '{EVE}' exists now and can send e-mail and log in to the website." in told
        assert told.endswith("Run the task again to finish the work.")
    assert "Done: 1 created, 1 updated. Done in part: 1 created." in result["msg"]


def test_nothing_done_but_in_part_is_not_told_as_nothing(world):
    world.put(FakeService(*STORED), {"set_profile": ["refused*"]})
    rows = [{"username": ANN, "email": "x@example.com", "city": "Bath"}, {"username": BOB, "city": "Bath"}]
    result = world.fleet([*rows, {"username": CLEO, "new_username": EVE, "city": "Bath"}])
    assert counted(result) == {"failed": 3}
    assert "Done in part: 1 updated, 1 renamed." in result["msg"] and "nothing" not in result["msg"]
    world.put(FakeService(*STORED), {"set_profile": ["refused*"]})
    assert "Done: nothing." in world.fleet([{"username": BOB, "city": "Bath"}])["msg"]


def test_a_stop_between_the_creation_and_the_closing_says_what_is_open(world, stops):
    def stop_at_the_creation(operation, _parameters):
        if operation == "create":
            stops[-1].cancel("of a test")

    world.http.meanwhile = stop_at_the_creation
    result = world.fleet([new(EVE, active=False)], concurrency=1)
    assert (counted(result), item_of(result, EVE)["msg"]) == ({"not_reached": 1}, "")
    assert f"Customer '{EVE}' exists now and can send e-mail. Done in part: 1 created." in result["msg"]


def test_a_stop_ends_the_wait_for_a_new_customer(world, stops, monkeypatch):
    """The pause would last a minute, and is cut short by the stop."""
    monkeypatch.setattr(_rate_limit, "FIRST_PAUSE", 60)
    world.put(FakeService(*STORED, lag=1000))

    def stop_at_the_closing(operation, _parameters):
        if operation == "disable":
            stops[-1].cancel("of a test")

    world.http.meanwhile = stop_at_the_closing
    result = world.fleet([new(EVE, active=False)])
    assert counted(result) == {"failed": 1}
    assert world.http.operations.count("disable") == 1
    assert "The run was stopped while it waited for the server to know the new customer." in result["msg"]
    assert f"Customer '{EVE}' exists now and can send e-mail." in result["msg"]


@pytest.mark.parametrize("fault", GENERAL.values(), ids=GENERAL)
@pytest.mark.parametrize("on_error", ["continue", "stop"])
def test_an_error_that_every_customer_would_meet_ends_the_run(world, fault, on_error):
    world.put(FakeService(*STORED), {("set_profile", BOB): [fault]})
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB, CLEO, DORA)]
    result = world.fleet(rows, concurrency=1, on_error=on_error)
    assert counted(result) == {"updated": 1, "failed": 1, "not_reached": 2}
    assert [item["username"] for item in result["results"]] == [ANN, BOB]
    assert "2 of 4 customers were not reached, because every further call would fail in the same way." in result["msg"]
    assert world.http.writes == ["set_profile"] * 2


@pytest.mark.parametrize("fault", ["unauthorized*", "closed*"])
def test_the_same_while_passwords_are_checked(world, fault):
    world.put(FakeService(*STORED), {"check_password": [fault]})
    rows = [{"username": name, "password": PASSWORD, "update_password": "always"} for name in (ANN, BOB, CLEO)]
    result = world.fleet(rows, concurrency=1)
    assert counted(result) == {"failed": 1, "not_reached": 2}
    assert world.http.operations == ["list", "check_password"]


@pytest.mark.parametrize("fault", ["refused*", "unauthorized*", "closed*", "busy_long*", "lost_before*"])
def test_a_list_that_fails_is_one_error(world, fault):
    world.put(FakeService(*STORED), {"list": [fault]})
    with pytest.raises(CallError) as caught:
        world.fleet(MIXED)
    assert str(caught.value).startswith("Could not list customers: ")
    assert set(world.http.operations) == {"list"}


@pytest.mark.parametrize("fault", ["refused*", "lost_before*", "busy*"])
def test_an_error_of_one_customer_stops_the_run_where_that_is_asked_for(world, fault):
    world.put(FakeService(*STORED), {("set_profile", BOB): [fault]})
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB, CLEO, DORA)]
    result = world.fleet(rows, concurrency=1, on_error="stop")
    assert counted(result) == {"updated": 1, "failed": 1, "not_reached": 2}
    assert {values["user"] for _operation, values in world.http.calls if "user" in values} == {ANN, BOB}


def test_calls_under_way_end_and_no_further_one_is_made(world):
    """One customer fails while another customer is half done: its first write ends, its second write is not made."""
    told = ToldOf()
    both = threading.Barrier(2, timeout=PATIENCE)

    def meanwhile(operation, values):
        if values.get("user") in (ANN, BOB):
            both.wait()
        if values.get("user") == ANN:
            assert told.failure.wait(PATIENCE)

    world.put(FakeService(*STORED), {("disable", BOB): ["refused*"]})
    world.http.meanwhile = meanwhile
    rows = [{"username": name, "city": "Bath", "active": False} for name in (ANN, BOB, CLEO, DORA)]
    result = world.fleet(rows, concurrency=2, on_error="stop", progress=told)
    assert counted(result) == {"failed": 1, "not_reached": 3}
    partly = item_of(result, ANN)
    assert made(partly) == [("disable", "applied"), ("set_profile", "not_reached")]
    assert (partly["changed"], partly["failed"], partly["customer"]["active"]) == (True, False, False)
    assert made(item_of(result, BOB)) == [("disable", "failed"), ("set_profile", "not_reached")]
    assert world.http.writes == ["disable"] * 2
    assert (result["changed"], len(result["diff"])) == (True, 1)


def test_a_defect_is_told_by_its_kind_and_ends_the_run(world):
    world.put(FakeService(*STORED), {("set_profile", BOB): ["defect*"]})
    rows = [{"username": name, "city": "Bath", "active": False} for name in (ANN, BOB, CLEO)]
    result = world.fleet(rows, concurrency=1)
    assert counted(result) == {"updated": 1, "failed": 1, "not_reached": 1}
    assert "ZeroDivisionError" in item_of(result, BOB)["msg"]
    assert made(item_of(result, BOB)) == [("disable", "applied"), ("set_profile", "unknown")]
    assert "canary" not in repr(result)


@pytest.mark.parametrize("number", range(3))
def test_a_watcher_that_fails_does_not_let_the_work_go_on_behind_its_back(world, stops, number):
    class Broken(_fleet.Progress):
        def on_progress(self, done, failed, total):
            if done > number:
                raise BrokenPipeError

    names = [f"{number:03}@example.com" for number in range(200)]
    world.put(FakeService(*map(customer, names)))
    ended = []

    def meanwhile(_operation, _values):
        if len(world.http.writes) >= 9 and all(ended):
            ended.append(stops[0].wait(PATIENCE))

    world.http.meanwhile = meanwhile
    with pytest.raises(BrokenPipeError):
        world.fleet([{"username": name, "city": "Bath"} for name in names], concurrency=1, progress=Broken())
    assert all(ended) and len(world.http.writes) <= 9


# Answers that are lost


LOST = {
    "create": (new(EVE), "created"),
    "rename": ({"username": ANN, "new_username": EVE}, "renamed"),
    "delete": ({"username": ANN, "state": "absent"}, "deleted"),
    "set_profile": ({"username": ANN, "city": "Bath"}, "updated"),
    "disable": ({"username": ANN, "active": False}, "updated"),
}


@pytest.mark.parametrize("fault", ["lost_after", "broken_after", "lost_before", "busy"])
@pytest.mark.parametrize(("operation", "row", "kind"), [(name, *case) for name, case in LOST.items()], ids=LOST)
def test_what_became_of_a_lost_answer_is_read(world, fault, operation, row, kind):
    world.put(FakeService(*STORED), {operation: [fault]})
    result = world.fleet([row, {"username": DORA, "city": "Bath"}])
    assert result["summary"][kind] >= 1 and "failed" not in result
    assert made(item_of(result, row["username"])) == [(operation, "applied")]
    assert counted(world.fleet([row])) == {"unchanged": 1}


@pytest.mark.parametrize("operation", ["create", "rename", "delete"])
def test_what_nobody_can_tell_stays_unknown(world, operation):
    row, _kind = LOST[operation]
    world.put(FakeService(*STORED), {operation: ["lost_after*"], "list": ["fine", "refused*"]})
    result = world.fleet([row, {"username": DORA, "city": "Bath"}])
    assert counted(result) == {"failed": 1, "updated": 1}
    item = item_of(result, row["username"])
    assert (made(item), item["changed"]) == ([(operation, "unknown")], False)
    assert f"Whether it took effect is unknown: {operation}." in result["msg"]
    assert len(result["diff"]) == 1


@pytest.mark.parametrize(("may_read", "status"), [(True, "applied"), (False, "unknown")])
def test_a_lost_answer_before_the_stop_is_not_said_to_be_not_reached(world, stops, monkeypatch, may_read, status):
    """The server did it, the answer was lost, and the run was stopped before the further try got its turn."""
    world.put(FakeService(*STORED), {"set_profile": ["lost_after"]})
    turns = itertools.count(1)

    def acquire(*_given):
        number = next(turns)
        if number == 3:
            stops[0].cancel("the test wants it")
        return number < 3 or (may_read and number > 3)

    monkeypatch.setattr(_rate_limit.RateLimiter, "acquire", acquire)
    result = world.fleet([{"username": ANN, "city": "Bath"}])
    assert made(item_of(result, ANN)) == [("set_profile", status)]
    assert world.service.customers[ANN]["city"] == "Bath"


def test_a_run_that_is_interrupted_before_it_has_a_list_says_so(world, stops, monkeypatch):
    def acquire(*_given):
        stops[0].is_interrupted = True
        stops[0].cancel("the test wants it")
        return False

    monkeypatch.setattr(_rate_limit.RateLimiter, "acquire", acquire)
    progress = ToldOf()
    with pytest.raises(Cancelled):
        world.fleet([{"username": ANN, "city": "Bath"}], progress=progress)
    assert progress.reports == ["nothing was changed, because the test wants it."]


# Several at once


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_as_many_calls_as_allowed_are_under_way_at_once_and_never_more(world, concurrency):
    names = [f"{number:02}@example.com" for number in range(concurrency * 4)]
    world.put(FakeService(*map(customer, names)))
    # Passes only when as many calls as that are under way together.
    together = threading.Barrier(concurrency, timeout=PATIENCE)
    world.http.meanwhile = lambda operation, _values: operation == "list" or together.wait()
    result = world.fleet([{"username": name, "city": "Bath"} for name in names], concurrency=concurrency)
    assert counted(result) == {"updated": len(names)}
    assert world.http.most_at_once == concurrency


def test_passwords_are_checked_several_at_once(world):
    together = threading.Barrier(4, timeout=PATIENCE)
    world.http.meanwhile = lambda operation, _values: operation != "check_password" or together.wait()
    rows = [{"username": one["username"], "password": "ann-pass", "update_password": "always"} for one in STORED]
    assert counted(world.fleet(rows, concurrency=4)) == {"unchanged": 4}


def test_the_operations_of_one_customer_keep_their_order(world):
    names = [f"{number:02}@example.com" for number in range(20)]
    world.put(FakeService(*map(customer, names)))
    rows = [{"username": name, "city": "Bath", "email": "x@y", "active": False} for name in names]
    world.fleet(rows, concurrency=8)
    for name in names:
        mine = [operation for operation, values in world.http.calls if values.get("user") == name]
        assert mine == ["disable", "set_email", "set_profile"]


def test_the_watcher_is_told_how_far_it_is(world):
    told = ToldOf()
    world.put(FakeService(*STORED), {("set_profile", BOB): ["refused*"]})
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB, CLEO)]
    world.fleet([*rows, {"username": DORA}, {"username": "ANN@example.com"}][:4], concurrency=1, progress=told)
    assert told.ticks == [(2, 0, 4), (3, 1, 4), (4, 1, 4)]
    assert told.reports == []


def test_a_failure_is_counted_once_for_the_watcher(world, monkeypatch):
    """Also one that happens while the others are still being handed out."""
    told = ToldOf()
    handed_out = threading.Thread.start

    def start_and_wait(thread):
        handed_out(thread)
        told.first_is_done.wait(PATIENCE)

    told.first_is_done = threading.Event()
    reconsidered = _fleet._Run._consider

    def consider(run, member):
        reconsidered(run, member)
        if member.has_failed:
            told.first_is_done.set()

    world.put(FakeService(*STORED), {("set_profile", ANN): ["refused*"]})
    monkeypatch.setattr(_fleet._Run, "_consider", consider)
    monkeypatch.setattr(threading.Thread, "start", start_and_wait)
    world.fleet([{"username": name, "city": "Bath"} for name in (ANN, BOB, CLEO)], concurrency=2, progress=told)
    assert [failed for _done, failed, _total in told.ticks] == [1, 1, 1]


# Interrupted


def interrupting(world, stops, at, number=signal.SIGTERM):
    """Sends this process a signal at the write `at`, and lets later ones wait until the run knows."""
    handler = signal.getsignal(number)

    def meanwhile(operation, _values):
        writes = len(world.http.writes)
        if operation not in READS and writes == at:
            os.kill(os.getpid(), number)
        if operation not in READS and writes >= at:
            assert stops[0].wait(PATIENCE)

    world.http.meanwhile = meanwhile
    return handler


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_calls_under_way(world, stops, number):
    told = ToldOf()
    handler = interrupting(world, stops, 2, number)
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB, CLEO, DORA)]
    result = world.fleet(rows, concurrency=1, progress=told)
    assert counted(result) == {"updated": 2, "not_reached": 2}
    name = signal.Signals(number).name
    assert f"2 of 4 customers were not reached, because of the signal {name}." in result["msg"]
    assert world.http.writes == ["set_profile"] * 2
    assert told.reports == [result["msg"]]
    assert signal.getsignal(number) == handler


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_signal_while_the_list_is_read(world, stops, check_mode):
    told = ToldOf()

    def meanwhile(_operation, _values):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stops[0].wait(PATIENCE)

    world.http.meanwhile = meanwhile
    result = world.fleet([{"username": ANN, "city": "Bath"}, {"username": BOB}], check_mode, progress=told)
    assert counted(result) == {"not_reached": 1, "unchanged": 1}
    assert (result["changed"], world.http.operations) == (False, ["list"])
    assert told.reports == [result["msg"]]


def test_a_signal_when_nothing_is_left_to_do_is_no_failure(world, stops):
    told = ToldOf()
    interrupting(world, stops, 2)
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB)]
    result = world.fleet(rows, concurrency=1, progress=told)
    assert counted(result) == {"updated": 2}
    assert "failed" not in result
    assert told.reports == ["everything was done before the interruption."]


def test_a_wait_for_the_server_is_cut_short(world, stops):
    """The account is out of calls for the next hour, and somebody interrupts the run."""
    world.put(FakeService(*STORED), {("set_profile", ANN): ["busy_long*"]})

    def spend(budget, seconds):
        if seconds > 100:
            os.kill(os.getpid(), signal.SIGINT)
        return original(budget, seconds)

    original = _rate_limit.RetryBudget.spend
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rate_limit.RetryBudget, "spend", spend)
        rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB)]
        result = world.fleet(rows, concurrency=1, max_retry_wait=86400)
    assert counted(result) == {"failed": 1, "not_reached": 1}
    assert world.http.writes == ["set_profile"]


@pytest.mark.parametrize(
    ("row", "sent"),
    [({"city": "Bath"}, []), ({"password": PASSWORD, "update_password": "always"}, [])],
    ids=["a write", "a check of a password"],
)
def test_a_customer_that_waits_for_its_turn_when_the_run_is_stopped_was_not_reached(world, row, sent):
    """The account may make one call in an hour, and somebody interrupts the run."""
    original = _rate_limit.RetryBudget.pause

    def pause(budget, seconds):
        if seconds > 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(budget, seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rate_limit.RetryBudget, "pause", pause)
        result = world.fleet([{"username": ANN, **row}], requests_per_minute=1)
    assert (counted(result), result["results"]) == ({"not_reached": 1}, [])
    assert "because of the signal SIGTERM" in result["msg"]
    assert world.http.operations == ["list", *sent]


def test_a_defect_while_a_password_is_checked_is_told_by_its_kind(world):
    world.put(FakeService(*STORED), {("check_password", BOB): ["defect*"]})
    rows = [{"username": name, "password": PASSWORD, "update_password": "always"} for name in (ANN, BOB)]
    result = world.fleet(rows, concurrency=1)
    assert counted(result) == {"updated": 1, "failed": 1}
    assert "ZeroDivisionError" in item_of(result, BOB)["msg"] and "canary" not in repr(result)


def test_a_person_who_insists_does_not_wait_for_calls_under_way(world):
    """What Ctrl-C does the second time, while a call hangs."""
    released, sent = threading.Event(), threading.Event()

    class Insisting(_fleet.Progress):
        def on_progress(self, done, failed, total):
            assert sent.wait(PATIENCE)
            raise KeyboardInterrupt

    def meanwhile(operation, _values):
        if operation not in READS:
            sent.set()
            released.wait(PATIENCE)

    world.http.meanwhile = meanwhile
    before = threading.active_count()
    try:
        with pytest.raises(KeyboardInterrupt):
            world.fleet([{"username": ANN, "city": "Bath"}], progress=Insisting())
        assert threading.active_count() == before + 1
    finally:
        released.set()


def test_a_parent_that_ended_is_noticed_however_busy_the_run_is(world, stops, monkeypatch):
    monkeypatch.setattr(_workers, "TICK", 3600)
    told = ToldOf()

    def meanwhile(operation, _values):
        writes = len(world.http.writes)
        if operation not in READS and writes == 2:
            monkeypatch.setattr(_cancellation.os, "getppid", lambda: 1)
        if operation not in READS and writes > 2:
            assert stops[0].wait(PATIENCE)

    names = [f"{number:02}@example.com" for number in range(9)]
    world.put(FakeService(*map(customer, names)))
    world.http.meanwhile = meanwhile
    result = world.fleet([{"username": name, "city": "Bath"} for name in names], concurrency=1, progress=told)
    assert result["summary"]["not_reached"] >= 6
    assert "because the program that started it has ended" in result["msg"]
    assert told.reports == [result["msg"]]


def test_a_run_in_a_thread_of_its_own_leaves_signals_alone(world):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    seen = []
    world.http.meanwhile = lambda *_call: seen.append(
        [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    )
    results = []
    thread = threading.Thread(target=lambda: results.append(world.fleet(MIXED)))
    thread.start()
    thread.join()
    assert counted(results[0])["created"] == 1
    assert all(one == handlers for one in seen)


def test_a_run_leaves_no_thread_and_no_file_behind(world):
    def left():
        return threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    world.fleet(MIXED)
    before = left()
    for _run in range(5):
        world.put(FakeService(*STORED))
        world.fleet(MIXED)
    assert left() == before


# Rules for any fleet


NAMES = [f"{letter}@example.com" for letter in "abcdef"]
VALUES = {
    "city": st.sampled_from(["Aarhus", "Bath"]),
    "website": st.sampled_from(["http://ann.example", "new.example"]),
    "email": st.sampled_from(["post@example.com", "x@example.com"]),
    "active": st.booleans(),
    "website_access": st.booleans(),
    # The one that everybody has: a company of another name is where a fleet and a single customer differ.
    "company": st.just(STORED_ANN["company"]),
    "password": st.sampled_from(["ann-pass", PASSWORD]),
    "update_password": st.sampled_from(["on_create", "always"]),
    "state": st.sampled_from(["present", "present", "absent"]),
}
WHOLE = {**NEW, "company": STORED_ANN["company"]}


@st.composite
def fleets(draw):
    """Stored customers, names that stay taken, and rows that may stand together."""
    # Two names that differ by case only are not both stored: once one of them is deleted, the other one is near it.
    present = draw(st.lists(st.sampled_from([*NAMES, "A@example.com"]), unique_by=str.casefold))
    stored = [customer("zed@example.com")] + [
        customer(name, active=draw(st.sampled_from(["true", "false"])), city=draw(VALUES["city"])) for name in present
    ]
    free = draw(st.permutations(NAMES))
    retired = draw(st.sets(st.sampled_from(NAMES), max_size=2)) - set(present)
    rows = []
    while free and draw(st.booleans()):
        row = {"username": free.pop(), **draw(st.fixed_dictionaries({}, optional=VALUES))}
        if draw(st.booleans()):
            row = {**WHOLE, **row}
        if free and row.get("state") != "absent" and draw(st.integers(0, 2)) == 0:
            row["new_username"] = free.pop()
        rows.append(row)
    return stored, retired, rows


def service_of(stored, retired):
    service = FakeService(*copy.deepcopy(stored), rewrites=True)
    service.retired = set(retired)
    return service


def one_after_another(world, rows, check_mode=False):
    """The results of reseller_customer for each row."""
    results = []
    for row in rows:
        try:
            results.append(world.customer(check_mode, **row))
        except InvalidInput as error:
            results.append({"changed": False, "failed": True, "msg": str(error), "operations": [], "diff": None})
    return results


def without_company(diffs):
    """A fleet sends a company along with the profile of a customer that has it already."""
    return [
        {**diff, "after": {name: value for name, value in diff["after"].items() if name != "company"}} for diff in diffs
    ]


@settings(max_examples=2 * settings.default.max_examples)
@given(fleets(), st.integers(1, 4))
def test_a_fleet_comes_to_the_same_as_its_customers_one_after_another(drawn, concurrency):
    stored, retired, rows = drawn
    single, world = World(), World()
    single.put(service_of(stored, retired))
    world.put(service_of(stored, retired))
    predicted = world.fleet(rows, check_mode=True, concurrency=concurrency)
    assert world.http.writes == []
    result = world.fleet(rows, concurrency=concurrency)
    alone = dict(zip([row["username"] for row in rows], one_after_another(single, rows)))

    assert world.service.customers == single.service.customers
    told = {item["username"]: item for item in result["results"]}
    assert set(told) == {name for name, one in alone.items() if one["changed"] or one.get("failed")}
    for name, item in told.items():
        assert (item["changed"], item["failed"]) == (alone[name]["changed"], alone[name].get("failed", False))
        assert made(item) == made(alone[name])
        assert item["msg"] == alone[name].get("msg", "")
    assert without_company(result["diff"]) == without_company(one["diff"] for one in alone.values() if one["changed"])

    # What the server refuses, nothing can predict; all else is as the check mode said.
    for item in predicted["results"]:
        real = told[item["username"]]
        assert [name for name, _status in made(item)] == [name for name, _status in made(real)]
        if not real["failed"]:
            assert (item["customer"], item["changed"]) == (real["customer"], real["changed"])
    refused = {item["username"] for item in result["results"] if item["failed"] and item["operations"]}
    assert set(told) == {item["username"] for item in predicted["results"]}
    if not refused:
        assert (predicted["diff"], predicted["summary"]) == (result["diff"], result["summary"])

    again = world.fleet(rows, concurrency=concurrency)
    assert again["changed"] is False
    assert {item["username"] for item in again["results"]} == {name for name, item in told.items() if item["failed"]}
    assert world.service.customers == single.service.customers


# Names that look alike in pairs: the first may be stored, and the second may be named by a row.
LOOKS = (
    ("anna@x.example", "Anna@x.example"),
    ("zo\u00eb@x.example", "zoe\u0308@x.example"),
    ("b\u200bo@x.example", "bo@x.example"),
    ("cy@x.example ", "cy@x.example"),
)
UNSEEN = {"b\u200bo@x.example", "cy@x.example "}


@st.composite
def accounts(draw):
    """Stored customers, those of them that a clean purge deletes, rows, and the operation that the server refuses.

    Some of the fleet exist, some are new, some look like one that is stored, some were renamed by hand: a customer of
    another name has their address.
    """
    stored, unmanaged, rows = [], [], []
    for number in range(draw(st.integers(1, 4))):
        name, address = f"m{number}@x.example", draw(st.sampled_from(["shared@x.example", f"m{number}@mail.example"]))
        rows.append({"username": name, **draw(st.sampled_from([{}, {"city": "Bath"}, {"active": False}]))})
        stored.append(customer(name, email=address))
    for number in range(draw(st.integers(0, 2))):
        name, address = f"n{number}@x.example", draw(st.sampled_from(["shared@x.example", "Eve@x.example", "n@x"]))
        rows.append(draw(st.sampled_from([new(name, email=address), {"username": name, "email": address}])))
    for number in range(draw(st.integers(0, 3))):
        address = draw(st.sampled_from(["shared@x.example", "eve@X.example", "other@x.example", ""]))
        stored.append(customer(f"u{number}@x.example", email=address))
        unmanaged.append(f"u{number}@x.example")
    for there, named in LOOKS:
        is_there, is_named = draw(st.booleans()), draw(st.integers(0, 3)) == 0
        if is_there:
            stored.append(customer(there, email="look@x.example"))
        if is_named:
            rows.append({"username": named, **draw(st.sampled_from([{"state": "absent"}, {"city": "Bath"}]))})
        elif is_there and there not in UNSEEN:
            unmanaged.append(there)
    fault = draw(st.sampled_from([None, None, "set_profile", "disable", "create"]))
    return draw(st.permutations(stored)), unmanaged, draw(st.permutations(rows)), fault


def is_suspected(stored, unmanaged, rows):
    """Whether one of the fleet may have been renamed by hand, thought of once more from scratch."""
    names = {row["username"] for row in rows}
    addresses = {one["username"]: one["email"].lower() for one in stored}
    shared = {address for name, address in addresses.items() if name in names}
    loose = {addresses[name] for name in unmanaged} - {""}
    missing = {row["email"].lower() for row in rows if row["username"] not in addresses and "email" in row}
    return bool(missing & loose - shared)


@settings(max_examples=2 * settings.default.max_examples)
@given(accounts(), st.integers(1, 4), st.sampled_from(["continue", "stop"]), st.sampled_from(["json", "xml"]))
def test_a_purge_deletes_whom_it_may_and_nobody_else(drawn, concurrency, on_error, answer_format):
    stored, unmanaged, rows, fault = drawn
    options = {"purge": True, "max_deletions": 9, "concurrency": concurrency, "on_error": on_error}
    before = {one["username"] for one in stored}
    names = [row["username"] for row in rows] + [one["username"] for one in stored if one["username"] in unmanaged]
    world = World()
    world.put(FakeService(*copy.deepcopy(stored)), {fault: ["refused*"]} if fault else None)
    predicted = world.fleet(rows, check_mode=True, names=names, api_format=answer_format, **options)
    assert world.http.writes == []
    result = world.fleet(rows, names=names, api_format=answer_format, **options)

    is_clean = not any(item["failed"] for item in result["results"])
    gone = before - set(world.service.customers)
    assert gone == {values["user"] for operation, values in world.http.calls if operation == "delete"}
    assert gone == (set(unmanaged) if is_clean else set())
    assert result["summary"]["deleted"] == len(gone)
    if is_clean:
        assert not is_suspected(stored, unmanaged, rows)
        assert (predicted["summary"], predicted["diff"]) == (result["summary"], result["diff"])
    else:
        assert result["summary"]["not_reached"] >= len(unmanaged)
        assert bool(result["summary"]["not_reached"]) is ("were not reached, because" in result["msg"])
    # What keeps the run from deleting before its first write keeps check mode from planning it.
    if predicted["summary"]["failed"]:
        assert predicted["summary"]["deleted"] == 0 and not is_clean


# Large fleets


class Counting:
    """Counts the calls of functions of this thread: what a run costs, whatever else the machine does."""

    def __init__(self):
        self.calls = 0

    def _count(self, _frame, event, _argument):
        self.calls += event in ("call", "c_call")

    def __enter__(self):
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_error):
        sys.setprofile(None)


def steps(size, **differing):
    """What it takes to plan a fleet: half of it is as it should be, a quarter differs, a quarter is to be purged."""
    world = World()
    world.put(FakeService(*(customer(f"{number:05}@example.com") for number in range(size))))
    rows = [
        {"username": f"{number:05}@example.com", "city": "Bath" if number % 3 else "Aarhus", **differing}
        for number in range(size * 3 // 4)
    ]
    with Counting() as counting:
        world.fleet(rows, check_mode=True, purge=True, max_deletions=size)
    return counting.calls


@pytest.mark.parametrize("differing", [{}, {"state": "absent"}, {"website": "ann.example"}], ids=str)
def test_the_work_grows_no_faster_than_the_fleet(differing):
    small, large = steps(400, **differing), steps(1600, **differing)
    assert large < 4.2 * small


def test_the_check_of_the_options_grows_no_faster_than_the_fleet():
    def cost(size):
        rows = [{**LEFT_OUT, "username": f"{number // 2}@example.com", "city": "x" * 101} for number in range(size)]
        options = {**CONNECTION, "customers": rows, "purge": False, "max_deletions": None, "concurrency": 8}
        with Counting() as counting:
            problems = read_options(options, API).problems
        assert problems[-1] == f"and {size + size // 2 - 100} more problems"
        return counting.calls

    assert cost(1600) < 4.2 * cost(400)


def test_a_very_large_fleet(world):
    """Two thousand customers; a tenth of them where ansible-test repeats this."""
    size = 20 * settings.default.max_examples
    names = [f"{number:05}@example.com" for number in range(size)]
    world.put(FakeService(*map(customer, names)))
    rows = [{"username": name, "city": "Bath", "active": number % 5 != 0} for number, name in enumerate(names)]
    result = world.fleet(rows, concurrency=16)
    assert counted(result) == {"updated": size}
    writes = size + size // 5
    assert len(world.http.calls) == 1 + writes
    assert counted(world.fleet(rows)) == {"unchanged": size}
    assert len(world.http.calls) == 2 + writes


# The options


def test_each_customer_of_a_fleet_has_the_options_of_one_customer():
    """A customer of a fleet has all options that a single customer has."""
    assert set(fleet_spec()["customers"]["options"]) == set(LEFT_OUT) | {"username"}
