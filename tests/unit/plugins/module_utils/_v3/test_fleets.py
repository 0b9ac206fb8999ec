# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole fleets with API v3 against the sandbox in memory: what is read, written and left alone."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    EVA,
    PASSWORD,
    SandboxWorld,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import made
from hypothesis import assume, given
from hypothesis import strategies as st

BEHAVIOURS = ("documented", "observed")
NEW, NEWER = "new@example.com", "newer@example.com"
CREATED = {"email": "contact@example.com", "password": PASSWORD}
# Seconds that nothing here takes, unless it fails.
PATIENCE = 20
NAMES = [f"c{number:02}@example.com" for number in range(20)]


@pytest.fixture(params=BEHAVIOURS)
def behaviour(request):
    return request.param


@pytest.fixture
def put(behaviour, monkeypatch):
    """Makes a world in which no wait takes time."""
    return lambda *customers, **switches: SandboxWorld(behaviour, *customers, **switches).pass_time_by_waiting(
        monkeypatch
    )


@pytest.fixture
def world(put):
    return put()


@pytest.fixture
def crowd(put):
    """Twenty customers in pages of seven."""
    return put(*crowd_of(NAMES), page_ceiling=7)


def crowd_of(names, **changes):
    return [stored(name, **changes) for name in names]


def stored(name, **changes):
    return {"username": name, "password": PASSWORD, "email": name, "city": "Aarhus", **changes}


def new(name, **options):
    return {"username": name, **CREATED, **options}


def counted(result):
    """The summary without the zeros."""
    return {name: count for name, count in result["summary"].items() if count}


def item_of(result, name):
    [item] = [item for item in result["results"] if item["username"] == name]
    return item


def asked_for(world):
    """The customers that were read one by one."""
    return [entry["user"] for entry in world.http.log if entry["operation"] == "get"]


def offsets(world):
    """Where the pages of the whole list began."""
    lists = [sent.query for sent in world.http.sent if sent.method == "GET" and sent.path.endswith("/subusers")]
    return [int(query["offset"]) for query in lists if "username" not in query]


def by_hand(world, name, **values):
    """Somebody else changes a customer, between two calls of ours."""
    store = world.http.service.store
    with store.transaction():
        store.change_customer(store.find_customer("acme", name), values)


class ToldOf(_fleet.Progress):
    """Records the progress."""

    def __init__(self):
        self.looked_up, self.ticks, self.reports = [], [], []

    def on_looked_up(self, done, total):
        self.looked_up.append((done, total))

    def on_progress(self, done, failed, total):
        self.ticks.append((done, failed, total))

    def on_cancelled(self, report):
        self.reports.append(report)


# What a converged fleet costs

CONVERGED = {
    "what the list shows": ([{"email": ANN, "active": True}, {"active": False}, {}], []),
    "a profile": ([{"city": "Aarhus"}, {}, {}], ["get_username", "get_profile"]),
    # The check of the header is made once, for each server.
    "profiles": (
        [{"city": "Aarhus", "company": "Archer & Co"}, {"city": ""}, {"city": "Graz"}],
        ["get_username", "get_profile", "get_profile", "get_username", "get_profile"],
    ),
    "profiles of new customers": ([{"city": "x", "update_profile": "on_create"}] * 3, []),
    "hidden website access": ([{"website_access": True, "update_website_access": "on_create"}] * 3, []),
    "passwords": ([{"password": "short"}] * 3, []),
}


@pytest.mark.parametrize(("options", "calls"), CONVERGED.values(), ids=CONVERGED)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_a_converged_fleet_costs(world, options, calls, check_mode):
    rows = [{"username": name, **one} for name, one in zip((ANN, BOB, EVA), options)]
    result = world.fleet(rows, check_mode, concurrency=1)
    assert (counted(result), result["diff"], result["warnings"]) == ({"unchanged": 3}, [], [])
    assert world.http.operations == ["list", "list", *calls]
    # API v3 cannot tell whether a password is the one.
    assert result["not_compared"] == ({"password": 3} if "password" in options[0] else {})


def test_the_header_is_checked_once_however_many_are_read_at_once(put):
    world = put(*crowd_of(NAMES))
    assert counted(world.fleet([{"username": name, "city": "Aarhus"} for name in NAMES])) == {"unchanged": 20}
    assert Counter(world.http.operations) == {"list": 2, "get_username": 1, "get_profile": 20}


def test_who_is_written_to_on_behalf_is_verified_before(put):
    world = put(*crowd_of(NAMES))
    rows = [{"username": name, "city": "Bath", "email": "x@y.example"} for name in NAMES]
    assert counted(world.fleet(rows)) == {"updated": 20}
    for name in NAMES:
        mine = [entry["operation"] for entry in world.http.log if entry["user"] == name]
        assert mine[-4:] == ["get_profile", "get_username", "set_email", "set_profile"]
    assert Counter(world.http.operations)["get_username"] == 21
    # A call that is not on behalf of a customer does not need it.
    world.http.drop_log()
    world.fleet([{"username": name, "active": False} for name in NAMES])
    assert Counter(world.http.operations) == {"list": 2, "disable": 20}


@pytest.mark.parametrize("purge", [False, True])
def test_a_page_that_is_short_is_not_the_last_one(crowd, purge):
    rows = [{"username": name} for name in NAMES]
    assert counted(crowd.fleet(rows, purge=purge, max_deletions=0)) == {"unchanged": 20}
    assert asked_for(crowd) == []
    # A purge begins each page with the last row of the one before.
    assert offsets(crowd) == ([0, 6, 12, 18, 19, 20] if purge else [0, 7, 14, 20])


def test_profiles_are_read_several_at_once(put):
    world = put(*crowd_of(NAMES))
    together = threading.Barrier(4, timeout=PATIENCE)

    def wait_for_others(sent, got):
        if sent.path.endswith("/profile"):
            together.wait()
        return got

    world.http.spoil = wait_for_others
    assert counted(world.fleet([{"username": name, "city": "Aarhus"} for name in NAMES], concurrency=4))
    assert Counter(world.http.operations)["get_profile"] == 20


# Customers that the list does not show


def test_a_name_that_the_list_lacks_is_asked_for_once(world):
    rows = [
        new(NEW),
        {"username": "nobody@example.com", "state": "absent"},
        {"username": ANN, "new_username": NEWER},
        {"username": EVA},
        # It was renamed already.
        {"username": "bob.old@example.com", "new_username": BOB},
    ]
    result = world.fleet(rows)
    assert counted(result) == {"created": 1, "renamed": 1, "unchanged": 3}
    assert sorted(asked_for(world)) == sorted([NEW, "nobody@example.com", NEWER])
    world.http.drop_log()
    # A customer that should be absent is asked for in each run.
    assert counted(world.fleet(rows)) == {"unchanged": 5}
    assert (asked_for(world), world.http.writes) == (["nobody@example.com"], [])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_customer_that_lists_hide_is_neither_created_twice_nor_taken_for_absent(put, check_mode):
    world = put(hide_disabled=True)
    assert counted(world.fleet([new(BOB, active=False, email="bob@example.com")], check_mode)) == {"unchanged": 1}
    assert counted(world.fleet([new(BOB, active=True)], True)) == {"updated": 1}
    result = world.fleet([{"username": BOB, "state": "absent"}], check_mode)
    assert counted(result) == {"deleted": 1}
    assert world.http.writes == ([] if check_mode else ["delete"])
    assert (BOB in world.http.customers) is check_mode


def test_a_name_that_a_hidden_customer_has_is_no_name_for_another_one(put):
    world = put(hide_disabled=True)
    before = world.http.customers
    result = world.fleet([{"username": ANN, "new_username": BOB}])
    assert counted(result) == {"failed": 1}
    assert f"both '{ANN}' and '{BOB}' exist" in result["msg"]
    assert world.http.customers == before


def test_a_hidden_customer_is_renamed_and_its_profile_is_managed(put):
    world = put(hide_disabled=True)
    result = world.fleet([{"username": BOB, "new_username": NEW, "city": "Bath"}])
    assert made(item_of(result, BOB)) == [("rename", "applied"), ("set_profile", "applied")]
    assert (world.http.customers[NEW]["city"], world.http.customers[NEW]["active"]) == ("Bath", False)


def test_a_hidden_customer_is_itself_though_the_list_has_one_that_looks_like_it(put):
    twins = [stored("zoe@example.com", active=False), stored("Zoe@example.com")]
    world = put(*twins, hide_disabled=True)
    assert counted(world.fleet([{"username": "zoe@example.com", "city": "Bath"}])) == {"updated": 1}
    assert [one["city"] for one in world.http.customers.values()] == ["Bath", "Aarhus"]


def test_a_customer_that_the_list_lost_keeps_the_server_where_its_data_reside(put):
    """Its own address does not say where they are; the list that is narrowed to its name does."""
    world = put(*crowd_of(NAMES, region="eu"), page_ceiling=7)
    world.http.fail("list", "move", nth=2)
    assert counted(world.fleet([{"username": name, "city": "Bath"} for name in NAMES])) == {"updated": 20}
    assert asked_for(world) == [NAMES[7]]


def test_who_cannot_be_asked_for_is_an_error_of_its_own(world):
    world.http.fail("get", "error-before", times="forever")
    result = world.fleet([new(NEW), {"username": ANN, "active": False}], retries=0)
    assert counted(result) == {"updated": 1, "failed": 1}
    assert f"Could not look up customer '{NEW}'" in item_of(result, NEW)["msg"]
    assert world.http.writes == ["disable"]


@pytest.mark.parametrize(
    ("on_error", "fault", "settings"), [("stop", "error-before", {}), ("continue", "rate-limit", {"seconds": 3600})]
)
def test_it_ends_a_run_that_stops_at_errors_before_the_first_write(world, on_error, fault, settings):
    """An error that would affect every customer ends the run, too."""
    world.http.fail("get", fault, times="forever", **settings)
    rows = [new(NEW), new(NEWER), {"username": ANN, "active": False}, {"username": "x", "state": "absent"}]
    result = world.fleet(rows, retries=0, concurrency=1, on_error=on_error)
    assert counted(result) == {"failed": 1, "not_reached": 3}
    assert (world.http.writes, result["changed"], result["diff"]) == ([], False, [])
    assert [item["username"] for item in result["results"]] == [NEW]


def interrupt_at_look_up(monkeypatch, world):
    """Interrupts the run while the first customer is asked for that the list lacks."""
    runs = []

    class Known(_fleet.Cancellation):
        def __init__(self):
            super().__init__()
            runs.append(self)

    def interrupt(sent, got):
        if sent.path.endswith("example.com"):
            runs[0].is_interrupted = True
            runs[0].cancel("of a test")
        return got

    monkeypatch.setattr(_fleet, "Cancellation", Known)
    world.http.spoil = interrupt


@pytest.mark.parametrize("purge", [False, True])
def test_a_run_that_is_interrupted_while_it_asks_changes_nothing(put, monkeypatch, purge):
    # The second one has the address of a new customer, who is not known to be new yet.
    world = put(stored(ANN), stored("old@example.com", email="newer@example.com"))
    interrupt_at_look_up(monkeypatch, world)
    told = ToldOf()
    rows = [
        new(NEW),
        {"username": "nobody@example.com", "state": "absent"},
        new(NEWER, email=NEWER),
        {"username": ANN},
    ]
    result = world.fleet(rows, concurrency=1, progress=told, purge=purge, max_deletions=9)
    # A customer that was not asked for is not reported as absent.
    assert counted(result) == {"unchanged": 1, "not_reached": 4 if purge else 3}
    assert (asked_for(world), world.http.writes) == ([NEW], [])
    assert told.reports == [result["msg"]]


def test_a_run_that_is_interrupted_and_may_not_purge_is_reported_as_well(put, monkeypatch):
    """Nothing takes the result any more, so a worker could wait forever."""
    world = put(stored(ANN), stored("old@example.com"))
    interrupt_at_look_up(monkeypatch, world)
    told = ToldOf()
    with pytest.raises(InvalidInput, match="more customers than allowed"):
        world.fleet([new(NEW), {"username": ANN}], progress=told, purge=True, max_deletions=0)
    assert told.reports == ["nothing was changed, because of a test."]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_run_that_is_interrupted_while_it_reads_profiles_ends_with_the_calls_under_way(put, monkeypatch, check_mode):
    world = put(*crowd_of(NAMES))
    runs = []

    class Known(_fleet.Cancellation):
        def __init__(self):
            super().__init__()
            runs.append(self)

    monkeypatch.setattr(_fleet, "Cancellation", Known)

    def interrupt(_sent, got):
        if world.http.operations.count("get_profile") == 5:
            runs[0].cancel("of a test")
        return got

    world.http.spoil = interrupt
    result = world.fleet([{"username": name, "city": "Aarhus"} for name in NAMES], check_mode, concurrency=1)
    assert counted(result) == {"unchanged": 5, "not_reached": 15}
    assert "15 of 20 customers were not reached, because of a test." in result["msg"]
    assert world.http.operations.count("get_profile") == 5


# Rows that move


def test_rows_that_move_lose_and_double_nobody(crowd):
    crowd.http.fail("list", "move", nth=2, times=2)
    rows = [new(name, city="Aarhus") for name in NAMES]
    rows[5]["city"] = "Bath"
    for row in rows:
        row["email"] = row["username"]
    result = crowd.fleet(rows)
    assert counted(result) == {"updated": 1, "unchanged": 19}
    assert sorted(asked_for(crowd)) == [NAMES[7], NAMES[15]]
    assert crowd.http.writes == ["set_profile"]
    # The list is read once and plainly.
    assert offsets(crowd) == [0, 7, 14, 20]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("moves", [1, 2])
def test_a_purge_reads_a_list_anew_whose_rows_moved(crowd, moves, check_mode):
    for reading in range(moves):
        crowd.http.fail("list", "move", nth=2 + 2 * reading)
    result = crowd.fleet([{"username": name} for name in NAMES[1:]], check_mode, purge=True, max_deletions=1)
    assert counted(result) == {"deleted": 1, "unchanged": 19}
    assert offsets(crowd) == [*[0, 6] * moves, 0, 6, 12, 18, 19, 20]
    assert (NAMES[0] in crowd.http.customers) is check_mode


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_list_whose_rows_always_move_is_no_list_to_purge_by(crowd, check_mode):
    crowd.http.fail("list", "move", times="forever")
    before = crowd.http.customers
    rows = [{"username": name, "city": "Bath"} for name in NAMES[1:]]
    with pytest.raises(InvalidInput, match="^Nothing was changed, because purge .* customers moved while they were li"):
        crowd.fleet(rows, check_mode, purge=True, max_deletions=1)
    assert offsets(crowd) == [0, 6] * 3
    assert (crowd.http.customers, crowd.http.writes) == (before, [])
    # Without it, the same fleet is managed.
    assert counted(crowd.fleet(rows)) == {"updated": 19}


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("ceiling", [1, 2, 7, None])
def test_a_list_of_any_size_is_whole_to_a_purge(put, count, ceiling):
    world = put(*crowd_of(NAMES[: count + 1]), page_ceiling=ceiling)
    result = world.fleet([{"username": NAMES[0]}], purge=True, max_deletions=count)
    assert counted(result) == {"unchanged": 1, **({"deleted": count} if count else {})}
    assert list(world.http.customers) == [NAMES[0]]


# Purge


def test_a_purge_of_a_list_without_anybody_disabled_warns(put):
    rows = [{"username": ANN}, {"username": EVA}]
    hiding = put(hide_disabled=True)
    result = hiding.fleet(rows, purge=True, max_deletions=9)
    assert counted(result) == {"unchanged": 2}
    [warning] = result["warnings"]
    assert "The list shows no customer with active=false" in warning
    assert BOB in hiding.http.customers
    # One of the fleet is not deleted, and was not listed either.
    assert len(hiding.fleet([*rows, {"username": BOB}], purge=True, max_deletions=9)["warnings"]) == 1
    assert hiding.fleet(rows)["warnings"] == []
    showing = put()
    result = showing.fleet(rows, purge=True, max_deletions=9)
    assert (counted(result), result["warnings"]) == ({"unchanged": 2, "deleted": 1}, [])


@pytest.mark.parametrize("hides", [True, False])
def test_a_customer_that_seems_to_be_renamed_holds_the_purge_back(put, hides):
    world = put(stored("old@example.com", email="Contact@example.com"), hide_disabled=hides)
    result = world.fleet([new(NEW)], purge=True, max_deletions=9)
    assert counted(result) == {"failed": 1, "not_reached": 1}
    assert "somebody may have renamed it" in result["msg"]
    assert world.http.writes == []


def test_a_hidden_customer_of_the_fleet_shares_an_address_without_a_suspicion(put):
    shared = {"email": "contact@example.com"}
    world = put(
        stored("shut@example.com", active=False, **shared), stored("old@example.com", **shared), hide_disabled=True
    )
    result = world.fleet([{"username": "shut@example.com", **shared}, new(NEW)], purge=True, max_deletions=1)
    assert counted(result) == {"created": 1, "deleted": 1, "unchanged": 1}


def test_more_deletions_than_the_ceiling_are_an_error_before_any_write(crowd):
    with pytest.raises(InvalidInput, match="19 customers are not in the fleet .* max_deletions is 18"):
        crowd.fleet([{"username": NAMES[0], "city": "Bath"}], purge=True, max_deletions=18)
    assert set(crowd.http.operations) == {"list"}


# Renamed by somebody else between the list and the write

CHANGES = {
    "get_username": {"city": "Bath"},
    "get_profile": {"city": "Bath"},
    "set_profile": {"city": "Bath"},
    "set_email": {"email": "x@y.example"},
    "disable": {"active": False},
    "disable_website": {"website_access": False},
    "rename": {"new_username": NEW},
}


@pytest.mark.parametrize("operation", CHANGES)
def test_a_customer_that_somebody_else_renames_is_an_error_of_its_own(world, operation):
    world.http.fail(operation, "rename")
    before = world.http.customers
    result = world.fleet([{"username": ANN, **CHANGES[operation]}, {"username": BOB, "active": True}], concurrency=1)
    assert counted(result) == {"failed": 1, "updated": 1}
    assert f"customer '{ANN}'" in item_of(result, ANN)["msg"]
    moved = f"moved-{ANN}"
    assert world.http.customers == {
        BOB: {**before[BOB], "active": True},
        EVA: before[EVA],
        moved: {**before[ANN], "username": moved},
    }


@pytest.mark.parametrize("alone", [True, False])
def test_a_customer_that_somebody_else_renames_is_not_said_to_be_deleted(world, alone):
    world.http.fail("delete", "rename")
    if alone:
        result = world.customer(username=ANN, state="absent")
    else:
        kept = [{"username": BOB}, {"username": EVA}]
        result = item_of(world.fleet(kept, purge=True, max_deletions=1), ANN)
    assert (made(result), result["changed"]) == ([("delete", "failed")], False)
    assert f"It is now called 'moved-{ANN}', so somebody else renamed it." in result["msg"]
    assert set(world.http.customers) == {BOB, EVA, f"moved-{ANN}"}


@pytest.mark.parametrize("shows_ids", [True, False])
def test_a_customer_that_somebody_else_deletes_is_deleted(world, shows_ids):
    """Without an id, another customer is not mistaken for it."""

    def spoil(sent, got):
        if sent.method == "DELETE":
            return type(got)(404, {}, b"")
        if sent.path.endswith("/subusers") and not shows_ids:
            return got.with_content([{**row, "id": None} for row in got.content])
        return got

    world.http.spoil = spoil
    assert made(world.customer(username=ANN, state="absent")) == [("delete", "applied")]


@pytest.mark.parametrize("options", [{"city": "Bath"}, {"email": "x@y.example"}, {"new_username": NEW}])
def test_nothing_is_written_to_another_customer_that_has_the_name_by_now(world, options):
    def swap(sent, got):
        """After the list."""
        if sent.query.get("offset") == "3":
            by_hand(world, ANN, username="ann.old@example.com")
            by_hand(world, EVA, username=ANN, region="global")
        return got

    world.http.spoil = swap
    result = world.fleet([{"username": ANN, **options}, {"username": BOB, "active": True}], concurrency=1)
    assert counted(result) == {"failed": 1, "updated": 1}
    assert "another customer has this name now" in item_of(result, ANN)["msg"]
    assert world.http.writes == ["enable"]


# Creations


def test_what_a_creation_costs(world):
    result = world.fleet([new(NEW, city="Oslo", active=False)])
    assert made(item_of(result, NEW)) == [("create", "applied"), ("disable", "applied"), ("set_profile", "applied")]
    calls = ["list", "list", "get", "create", "list", "disable", "get_username", "set_profile"]
    assert world.http.operations == calls
    shown = item_of(result, NEW)["customer"]
    assert (shown["username"], shown["city"], shown["active"]) == (NEW, "Oslo", False)
    world.http.drop_log()
    assert counted(world.fleet([new(NEW, city="Oslo", active=False)])) == {"unchanged": 1}


def test_a_new_customer_that_takes_a_while_is_waited_for(world):
    world.http.fail("create", "lag", calls=0, seconds=5)
    result = world.fleet([new(NEW, city="Oslo", active=False)])
    assert counted(result) == {"created": 1}
    assert world.http.customers[NEW]["city"] == "Oslo"
    assert 5 <= sum(world.clock.sleeps) <= 30


def test_while_one_is_waited_for_the_others_have_their_turn(world):
    """Also with one call at a time."""
    others = (ANN, BOB, EVA)
    done = threading.Event()

    def count(_sent, got):
        if world.http.writes.count("disable_website") == len(others):
            done.set()
        return got

    def sleep(_seconds):
        assert done.wait(PATIENCE)

    world.http.spoil, world.clock.sleep = count, sleep
    world.http.fail("create", "lag", calls=2)
    rows = [new(NEW, city="Oslo"), *({"username": name, "website_access": False} for name in others)]
    assert counted(world.fleet(rows, concurrency=1)) == {"created": 1, "updated": 3}
    assert world.http.writes == ["create", *["disable_website"] * 3, "set_profile"]
    assert {entry["in_flight"] for entry in world.http.log} == {1}


def test_a_creation_that_no_read_confirms_is_unknown(world):
    world.http.fail("create", "lag", calls=10_000)
    result = world.fleet([new(NEW, city="Oslo"), {"username": ANN, "active": False}])
    assert counted(result) == {"updated": 1, "failed": 1}
    assert made(item_of(result, NEW)) == [("create", "unknown"), ("set_profile", "not_reached")]
    assert "Whether it took effect is unknown: create." in result["msg"] and "after 30 s" in result["msg"]
    assert item_of(result, NEW)["customer"] is None
    assert sum(world.clock.sleeps) == pytest.approx(30)


def test_a_creation_is_waited_for_within_the_longest_wait(world):
    world.http.fail("create", "lag", calls=10_000)
    result = world.fleet([new(NEW)], max_retry_wait=7)
    assert "after 7 s of waiting (max_retry_wait)" in result["msg"]
    assert sum(world.clock.sleeps) == pytest.approx(7)


def test_a_creation_without_an_effect_is_no_creation(put):
    world = put(without_effect=("create",))
    result = world.fleet([new(NEW), new(NEWER)])
    assert (counted(result), result["changed"]) == ({"failed": 2}, False)
    assert {status for item in result["results"] for _name, status in made(item)} == {"unknown"}


@pytest.mark.parametrize("alone", [True, False])
def test_a_limit_that_answers_a_creation_which_was_made_is_settled_by_reading(world, alone):
    def limit(sent, got):
        if sent.method == "POST" and got.status < 300:
            return type(got)(
                429, {}, json.dumps({"errors": [{"field": None, "message": "too many requests"}]}).encode()
            )
        return got

    world.http.spoil = limit
    if alone:
        result = world.customer(**new(NEW, city="Oslo"))
    else:
        result = item_of(world.fleet([new(NEW, city="Oslo")]), NEW)
    assert made(result) == [("create", "applied"), ("set_profile", "applied")]
    assert world.http.writes == ["create", "set_profile"]


def test_a_single_new_customer_is_waited_for_just_so(world):
    world.http.fail("create", "lag", calls=0, seconds=5)
    assert made(world.customer(**new(NEW, city="Oslo"))) == [("create", "applied"), ("set_profile", "applied")]
    assert 5 <= sum(world.clock.sleeps) <= 30


def test_a_single_customer_is_found_behind_short_pages(put):
    names = [f"c{number:02}" for number in range(20)] + ["c"]
    world = put(*crowd_of(names), page_ceiling=7)
    # All of them begin like it, and it comes last.
    assert made(world.customer(username="c", email="c", active=False)) == [("disable", "applied")]


def test_a_single_customer_that_moved_away_from_the_next_page_is_not_created_twice(put, behaviour):
    # The eighth of those that begin like it is the seventh one before the second page is made.
    names = [f"c{number:02}" for number in range(7)] + ["c", *(f"c{number:02}" for number in range(7, 20))]
    world = put(*crowd_of(names), page_ceiling=7)
    world.http.fail("list", "move", nth=2, times="forever")
    assert made(world.customer(**new("c"), active=False))[0] == ("disable", "applied")
    assert (asked_for(world)[:1] == ["c"]) is (behaviour == "observed")
    assert "create" not in world.http.operations


@pytest.mark.parametrize("operation", ["set_email", "disable", "rename"])
def test_a_single_customer_that_somebody_else_renames_is_an_error(world, operation):
    world.http.fail(operation, "rename")
    before = world.http.customers
    result = world.customer(**CHANGES[operation])
    assert made(result) == [(operation, "failed")]
    moved = f"moved-{ANN}"
    after = {**{name: before[name] for name in (BOB, EVA)}, moved: {**before[ANN], "username": moved}}
    assert world.http.customers == after


# Progress


def test_the_watcher_is_told_of_reads_too(world):
    told = ToldOf()
    rows = [new(NEW), new(NEWER), {"username": ANN, "city": "Aarhus"}, {"username": BOB, "city": ""}, {"username": EVA}]
    assert counted(world.fleet(rows, concurrency=1, progress=told)) == {"created": 2, "unchanged": 3}
    assert told.looked_up == [(1, 2), (2, 2)]
    # Customers that are only read are done one by one, too.
    assert told.ticks == [(2, 0, 5), (3, 0, 5), (4, 0, 5), (5, 0, 5)]


def test_a_server_that_does_not_heed_the_header_ends_the_run(put):
    world = put(ignore_on_behalf_of="always")
    kept = world.http.parent, world.http.customers
    rows = [{"username": name, "city": "Bath"} for name in (ANN, BOB)]
    result = world.fleet([*rows, {"username": EVA, "active": False}], concurrency=1)
    assert counted(result) == {"failed": 1, "not_reached": 2}
    assert "as 'acme'" in result["msg"]
    assert (world.http.parent, world.http.customers, world.http.writes) == (*kept, [])


# Any fleet

PEOPLE = ("ann", "ann@example.com", "Bob", "bobby")
TEXTS = st.sampled_from(["", "Bath", "Ålö"])
STORED = st.fixed_dictionaries(
    {"username": st.sampled_from([*PEOPLE, "zoe"]), "active": st.booleans(), "city": TEXTS, "company": TEXTS}
)
PRESENT = st.fixed_dictionaries(
    {"username": st.sampled_from(PEOPLE), "email": st.sampled_from(["a@b.example", "c@d.example"])},
    optional={
        "city": TEXTS,
        "company": TEXTS,
        "active": st.booleans(),
        "update_profile": st.sampled_from(["always", "on_create"]),
    },
).map(lambda row: {"password": PASSWORD, **row})
ABSENT = st.sampled_from(PEOPLE).map(lambda name: {"username": name, "state": "absent"})
ROWS = st.lists(st.one_of(PRESENT, PRESENT, ABSENT), min_size=1, max_size=4, unique_by=lambda row: row["username"])


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_fleets_converge(behaviour):
    @given(
        st.lists(STORED, max_size=4, unique_by=lambda one: one["username"]),
        ROWS,
        st.booleans(),
        st.sampled_from([None, 1, 2]),
        st.booleans(),
        st.integers(0, 2),
    )
    def check(customers, rows, hides, ceiling, purges, moves):
        gone = {"username": "gone", "password": PASSWORD, "email": "x@y.example", "active": False}
        world = SandboxWorld(
            behaviour, gone, *(stored_as(one) for one in customers), hide_disabled=hides, page_ceiling=ceiling
        )
        with contextlib.closing(world.http.service.store):
            _converges(world, rows, purges, moves)

    check()


def stored_as(one):
    return {"password": PASSWORD, "email": f"{one['username']}@stored.example", **one}


def _converges(world, rows, purges, moves):
    http = world.http
    before = http.customers
    options = {"purge": purges, "max_deletions": 9, "concurrency": 3}
    planned = world.fleet(rows, True, **options)
    assert (http.customers, http.writes) == (before, [])
    assume("failed" not in planned)
    if moves:
        http.fail("list", "move", nth=2, times=moves)
    result = world.fleet(rows, **options)
    assert "failed" not in result, result["msg"]
    for key in ("changed", "summary", "unverified", "not_compared"):
        assert planned[key] == result[key], key
    if not purges:
        # Deletions of a purge come in the order of the list.
        assert planned["diff"] == result["diff"]
    named = {row["username"] for row in rows}
    kept = {name: one for name, one in before.items() if name not in named}
    hidden = {name for name in kept if http.service.switches.current.hide_disabled and not kept[name]["active"]}
    left = {name: one for name, one in http.customers.items() if name not in named}
    assert left == ({name: kept[name] for name in hidden} if purges else kept)
    for row in rows:
        if row.get("state") == "absent":
            assert row["username"] not in http.customers
        else:
            assert http.customers[row["username"]]["email"] == row["email"]
            assert row["username"] not in before or (
                http.customers[row["username"]]["id"] == before[row["username"]]["id"]
            )
    http.drop_log()
    assert (world.fleet(rows, **options)["changed"], http.writes) == (False, [])
