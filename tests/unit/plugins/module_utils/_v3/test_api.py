# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of API v3 as they go over the wire, how lists are read, and who the server takes the caller for."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import threading
from urllib.parse import quote

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    MAYBE_APPLIED,
    NOT_APPLIED,
    OPERATION,
    SERVER,
    UNKNOWN_CUSTOMER,
    CallError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import (
    LARGEST_ANSWER,
    LARGEST_CONFIRMATION,
    Client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3 import lists
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import CALLS, V3Api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import DEFAULT_EU_URL, DEFAULT_URL, EU, Key
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import nobody_listens
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    CONNECTION,
    EVA,
    KEY,
    PASSWORD,
    PROFILE,
    SEEDED,
    Got,
    SandboxHttp,
)

NEW = "new@example.com"
CREATION = {"username": NEW, "email": "contact@example.com", "password": PASSWORD}
# operation, customer, attributes; then the verb, the route below the base, and the body [spec]
WRITES = [
    ("create", NEW, CREATION, "POST", "/subusers", CREATION),
    ("delete", BOB, {}, "DELETE", "/subusers/bob%2B1%40example.com", None),
    ("enable", BOB, {}, "PATCH", "/subusers/bob%2B1%40example.com", {"disabled": False}),
    ("disable", BOB, {}, "PATCH", "/subusers/bob%2B1%40example.com", {"disabled": True}),
    ("enable_website", BOB, {}, "PATCH", "/subusers/bob%2B1%40example.com/website_access", {"disabled": False}),
    ("disable_website", BOB, {}, "PATCH", "/subusers/bob%2B1%40example.com/website_access", {"disabled": True}),
    ("set_profile", BOB, {"city": "Åre", "region": "Z"}, "PATCH", "/user/profile", {"city": "Åre", "state": "Z"}),
    ("set_email", BOB, {"email": "b@b.example"}, "PUT", "/user/email", {"email": "b@b.example"}),
    ("rename", BOB, {"username": NEW}, "PUT", "/user/username", {"username": NEW}),
]
ON_BEHALF = ("set_profile", "set_email", "rename", "who_am_i", "get_profile")
OF_KEYS = ("list_api_keys", "get_api_key", "create_api_key", "update_api_key", "delete_api_key")
# What these do cannot be done twice, or nobody knows whether it can.
NOT_REPEATABLE = {"create", "delete", "rename", "set_whitelabel", "create_api_key", "delete_api_key"}
REPEATABLE = frozenset(CALLS) - NOT_REPEATABLE


class RecordingClient(Client):
    """A client that also shows what it was asked to send. `budgets`: those that came with the requests."""

    def __init__(self, http, **of_connection):
        super().__init__(dataclasses.replace(CONNECTION, retries=0, **of_connection), http=http)
        self.requests = []
        self.budgets = []

    def send(self, request, read, budget=None):
        self.requests.append(request)
        self.budgets.append(budget)
        return super().send(request, read, budget)


@pytest.fixture(params=["documented", "observed"])
def http(request):
    return SandboxHttp(request.param, *SEEDED)


def key_of(http, name):
    one = http.customers[name]
    return Key(str(one["id"]), one["region"])


def write(http, operation, name, attributes=None, **of_connection):
    """Carries out one operation of a customer that is there, or of a new one."""
    key = key_of(http, name) if name in http.customers else None
    V3Api(RecordingClient(http, **of_connection)).write(Operation(operation, name, attributes or {}), key)


def error_of(call, *given, **named):
    with pytest.raises(CallError) as caught:
        call(*given, **named)
    return caught.value


# Calls


@pytest.mark.parametrize(("operation", "name", "attributes", "method", "route", "body"), WRITES)
def test_a_write_as_the_description_says(http, operation, name, attributes, method, route, body):
    write(http, operation, name, attributes)
    sent = http.sent[-1]
    assert (sent.method, sent.url, sent.content) == (method, DEFAULT_URL + route, body)
    assert http.log[-1]["wrote"] is True
    assert dict(sent.headers) == {
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        **({"Content-Type": "application/json"} if body else {}),
        **({"On-Behalf-Of": name} if operation in ON_BEHALF else {}),
    }
    # Before it, at most who the server takes the caller for is asked.
    assert http.operations[:-1] == (["get_username"] if operation in ON_BEHALF else [])


def test_what_was_sent_is_stored(http):
    for operation, name, attributes in (
        ("create", NEW, CREATION),
        ("set_profile", NEW, {"city": "Åre", "company": ""}),
        ("disable", NEW, {}),
        ("disable_website", NEW, {}),
        ("set_email", NEW, {"email": "other@example.com"}),
        ("rename", NEW, {"username": "newer@example.com"}),
    ):
        write(http, operation, name, attributes)
    stored = http.customers["newer@example.com"]
    assert (stored["city"], stored["company"], stored["email"]) == ("Åre", "", "other@example.com")
    assert (stored["active"], stored["website_access"]) == (False, False)
    write(http, "enable", "newer@example.com")
    write(http, "enable_website", "newer@example.com")
    stored = http.customers["newer@example.com"]
    assert (stored["active"], stored["website_access"]) == (True, True)
    write(http, "delete", "newer@example.com")
    assert set(http.customers) == {ANN, BOB, EVA}


def test_reads_as_the_description_says(http):
    client = RecordingClient(http)
    api = V3Api(client)
    api.customers({})
    api.lookup([BOB])
    api.lookup([NEW])
    api.details(BOB, key_of(http, BOB), {"city": None})
    query = {"limit": "500", "offset": "0", "include_region": "true"}
    assert [(sent.method, sent.path, sent.query) for sent in http.sent] == [
        ("GET", "/v3/subusers", query),
        ("GET", "/v3/subusers", {**query, "offset": "3"}),
        ("GET", "/v3/subusers", {**query, "username": BOB}),
        ("GET", "/v3/subusers", {**query, "username": NEW}),
        ("GET", "/v3/subusers/new%40example.com", {"include_region": "true"}),
        ("GET", "/v3/user/username", {}),
        ("GET", "/v3/user/profile", {}),
    ]
    plain = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    assert [dict(sent.headers) for sent in http.sent] == [plain] * 5 + [{**plain, "On-Behalf-Of": BOB}] * 2
    assert all(sent.body is None for sent in http.sent)


def test_calls_that_the_server_counts_together_have_one_key(http):
    client = RecordingClient(http)
    api = V3Api(client)
    for name in (ANN, BOB):
        api.lookup([name])
        api.write(Operation("enable", name), key_of(http, name))
        api.write(Operation("set_email", name, {"email": "a@b.example"}), key_of(http, name))
    api.write(Operation("set_email", EVA, {"email": "a@b.example"}), key_of(http, EVA))
    keys = [request.limit_key for request in client.requests]
    of_one = [
        f"GET {DEFAULT_URL}/subusers",
        f"PATCH {DEFAULT_URL}/subusers/{{user}}",
        f"GET {DEFAULT_URL}/user/username",
        f"PUT {DEFAULT_URL}/user/email",
    ]
    of_the_eu = [f"GET {DEFAULT_EU_URL}/user/username", f"PUT {DEFAULT_EU_URL}/user/email"]
    assert keys == [*of_one, *of_one, *of_the_eu]
    assert all(request.probes for request in client.requests)


def test_how_each_call_may_be_made(http):
    api = V3Api(RecordingClient(http))
    assert {name for name in CALLS if api.is_repeatable(name)} == REPEATABLE
    assert {name for name, call in CALLS.items() if call.applied_if_limited == MAYBE_APPLIED} == {
        "create",
        "create_api_key",
    }
    assert {name for name, call in CALLS.items() if call.on_behalf} == {*ON_BEHALF, *OF_KEYS}
    assert {call.scope for call in CALLS.values()} == {
        *(f"subusers.{right}" for right in ("read", "create", "update", "delete")),
        *(f"user.{what}" for what in ("username.read", "username.update", "profile.read", "profile.update")),
        "user.email.update",
        "subusers.credits.read",
        "subusers.credits.update",
        "ips.read",
        *(f"whitelabel.{right}" for right in ("read", "create", "delete")),
        *(f"api_keys.{right}" for right in ("read", "create", "update", "delete")),
    }


def test_a_list_may_be_large_and_nothing_else(http):
    client = RecordingClient(http)
    api = V3Api(client)
    api.lookup([NEW])
    api.details(ANN, key_of(http, ANN), {"city": None})
    key = key_of(http, BOB)
    # The deletion at the end, and the others in the order of the table.
    for operation, name, attributes, *_wire in sorted(WRITES, key=lambda case: case[0] == "delete"):
        # This test is not about a name that somebody else takes in between.
        with contextlib.suppress(CallError):
            api.write(Operation(operation, name, attributes), key)
    sizes = {request.url.partition("?")[0]: request.largest for request in client.requests if request.method == "GET"}
    assert sizes.pop(f"{DEFAULT_URL}/subusers") == LARGEST_ANSWER
    assert {*sizes.values(), *(one.largest for one in client.requests if one.method != "GET")} == {LARGEST_CONFIRMATION}
    # What may be repeated blindly, the client knows, too.
    once = {(one.method, one.url) for one in client.requests if not one.repeatable}
    assert once == {
        ("POST", f"{DEFAULT_URL}/subusers"),
        ("DELETE", f"{DEFAULT_URL}/subusers/bob%2B1%40example.com"),
        ("PUT", f"{DEFAULT_URL}/user/username"),
    }


def test_a_write_keeps_to_the_allowance_of_its_caller(http):
    client = RecordingClient(http)
    budget = RetryBudget(4, 120.0, 30.0, pytest.fail)
    V3Api(client).write(Operation("enable", ANN), key_of(http, ANN), budget)
    V3Api(client).write(Operation("enable", ANN), key_of(http, ANN))
    assert client.budgets == [budget, None]


def test_how_long_calls_may_wait_is_what_the_connection_says(http):
    api = V3Api(RecordingClient(http, max_retry_wait=7.0))
    assert (api.longest_wait, api.retry_budget().left) == (7.0, 7.0)


@pytest.mark.parametrize("name", ["a b", "a?b#c", "a&b=c", "Ångström", "日本", "a;b", "a+b", "~a'(b)*", "a/../b"])
def test_a_name_is_one_part_of_an_address(name):
    http = SandboxHttp("documented", {"username": name, "password": PASSWORD, "email": "a@b.example"})
    api = V3Api(RecordingClient(http))
    [found] = api.lookup([name])
    assert (found.username, found.key) == (name, key_of(http, name))
    api.write(Operation("disable", name), found.key)
    assert http.sent[-1].url == f"{DEFAULT_URL}/subusers/{quote(name, safe='')}"
    assert http.customers[name]["active"] is False
    # Alone, too: a list need not show it.
    http.spoil = lambda sent, got: got.with_content([]) if sent.path == "/v3/subusers" else got
    assert [one.username for one in api.lookup([name])] == [name]


# Lists


def fleet(count, **values):
    return [
        {"username": f"c{number:04}", "password": PASSWORD, "email": "a@b.example", **values} for number in range(count)
    ]


def listed(http, filters=None):
    http.drop_log()
    return V3Api(RecordingClient(http)).customers(filters or {})


@pytest.mark.parametrize(
    ("count", "ceiling", "offsets"),
    [
        (0, None, [0]),
        (3, None, [0, 3]),
        (500, None, [0, 500]),
        (501, None, [0, 500, 501]),
        # The true ceiling is on no record: rows that came in count.
        (7, 3, [0, 3, 6, 7]),
    ],
)
def test_a_list_ends_with_an_empty_page(http, count, ceiling, offsets):
    http = SandboxHttp(http.service.behaviour, *fleet(count), page_ceiling=ceiling)
    found = listed(http)
    assert [one.username for one in found.customers] == [f"c{number:04}" for number in range(count)]
    assert found.is_whole is False
    assert [int(sent.query["offset"]) for sent in http.sent] == offsets


def test_a_page_without_anybody_new_ends_a_list(http):
    """A server that ignores offsets always shows the same page."""
    rows = http.rows
    http.spoil = lambda _sent, got: got.with_content(rows)
    assert [one.username for one in listed(http).customers] == [ANN, BOB, EVA]
    assert [sent.query["offset"] for sent in http.sent] == ["0", "3"]


def test_a_customer_that_comes_twice_counts_once(http):
    """A list moves on while it is read; rows count as they came in, customers by their id."""
    rows = http.rows
    pages = {"0": rows[:2], "2": [rows[1], {**rows[2], "username": "renamed"}], "4": []}
    http.spoil = lambda sent, got: got.with_content(pages[sent.query["offset"]])
    assert [one.username for one in listed(http).customers] == [ANN, BOB, "renamed"]
    http.spoil = lambda sent, got: got.with_content([{**rows[0], "username": sent.query["offset"]}])
    assert [one.username for one in listed(http).customers] == ["1"]


def test_customers_without_an_id_are_known_by_their_names(http):
    rows = [{"username": name, "email": "a@b.example"} for name in ("a", "b", "a", "7")]
    rows.append({"username": "c", "id": 7})
    http.spoil = lambda sent, got: got.with_content(rows if sent.query["offset"] == "0" else [])
    assert [(one.username, one.key.id) for one in listed(http).customers] == [
        ("a", None),
        ("b", None),
        ("7", None),
        ("c", "7"),
    ]


def test_a_list_without_an_end_is_an_error(http, monkeypatch):
    monkeypatch.setattr(lists, "MOST_CUSTOMERS", 1500)
    numbers = iter(range(10**6))
    http.spoil = lambda sent, got: got.with_content(
        [{"username": str(one), "id": one} for one in itertools.islice(numbers, 500)]
    )
    assert "the list has more than 1,500 customers" in str(error_of(listed, http))
    assert len(http.sent) == 4


def test_a_page_that_fails_is_no_shorter_list(http):
    http = SandboxHttp(http.service.behaviour, *fleet(5), page_ceiling=2)
    http.fail("list", "bad-gateway", nth=2, times="forever")
    assert error_of(listed, http).status == 502


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"username": "EXAMPLE"}, [ANN, BOB, EVA]),
        ({"username": "+1"}, [BOB]),
        ({"email": "bob@"}, [BOB]),
        ({"active": False}, [BOB]),
        ({"active": True}, [ANN, EVA]),
        ({"active": True, "email": "eva"}, [EVA]),
        # What no list shows is not for the list to decide.
        ({"city": "Graz"}, [ANN, BOB, EVA]),
        ({"city": "Graz", "active": False}, [BOB]),
    ],
)
def test_filters_hold_on_the_client_as_far_as_a_list_can_tell(http, filters, found):
    result = listed(http, filters)
    assert ([one.username for one in result.customers], result.is_whole) == (found, False)
    assert all("username" not in sent.query for sent in http.sent)


def test_a_listed_customer(http):
    ann, bob, eva = listed(http).customers
    assert ann.attributes == {"username": ANN, "email": ANN, "active": True, "data_residency": "global"}
    assert bob.attributes == {
        "username": BOB,
        "email": "bob@example.com",
        "active": False,
        "data_residency": "global",
    }
    assert eva.attributes["data_residency"] == "eu"
    assert [one.key for one in (ann, bob, eva)] == [key_of(http, name) for name in (ANN, BOB, EVA)]
    assert (ann.key.residency, eva.key.residency) == ("global", EU)
    assert eva.extra == {"id": eva.key.id, "region": "eu"}


# One customer


def lookup(http, *names, **given):
    http.drop_log()
    return [one.username for one in V3Api(RecordingClient(http)).lookup(names, **given)]


def test_a_lookup_is_one_call_where_the_list_shows_the_name(http):
    assert (lookup(http, BOB), http.operations) == ([BOB], ["list"])
    assert (lookup(http, ANN, EVA), http.operations) == ([ANN, EVA], ["list", "list"])
    assert (lookup(http, ANN, near=True), http.operations) == ([ANN], ["list"])


def test_a_lookup_goes_on_until_the_name_is_there():
    """The filter takes beginnings, so others may come before it."""
    names = ["c", "ca", "cab", "CABbage", "cabb"]
    customers = [{"username": name, "password": PASSWORD, "email": "a@b.example"} for name in reversed(names)]
    http = SandboxHttp("observed", *customers, page_ceiling=2)
    assert lookup(http, "ca") == ["cabb", "CABbage", "cab", "ca"]
    assert [sent.query["offset"] for sent in http.sent] == ["0", "2"]
    assert lookup(http, "cabb") == ["cabb", "CABbage"]
    # The name in another case does not end the search.
    assert lookup(http, "cabbage") == ["CABbage"]
    assert http.operations == ["list", "list", "get"]


def test_a_customer_that_the_list_hides_is_asked_for_by_itself(http):
    http = SandboxHttp(http.service.behaviour, *SEEDED, hide_disabled=True)
    assert (lookup(http, BOB), http.operations) == ([BOB], ["list", "get"])
    assert (lookup(http, NEW), http.operations) == ([], ["list", "get"])
    [bob] = V3Api(RecordingClient(http)).lookup([BOB])
    assert (bob.attributes["active"], bob.key.id) == (False, key_of(http, BOB).id)


@pytest.mark.parametrize("fault", ["html", "error-before", "garbage", "empty", "close-before", "unavailable"])
def test_only_an_unknown_customer_is_none(http, fault):
    http.fail("get", fault)
    assert "look up customer 'new@example.com'" in str(error_of(lookup, http, NEW))


def test_a_page_of_a_gateway_in_place_of_an_address_is_no_unknown_customer(http):
    page = Got(404, {}, b"<html>")
    http.spoil = lambda sent, got: got if sent.path == "/v3/subusers" else page
    assert error_of(lookup, http, NEW).concerns == OPERATION


def test_the_profile_is_one_read(http):
    api = V3Api(RecordingClient(http))
    details = api.details(ANN, key_of(http, ANN), {"city": "x", "region": "y", "active": True})
    wire = {**PROFILE, "region": PROFILE["state"]}
    assert details.attributes == {name: value for name, value in wire.items() if name != "state"}
    assert (details.matches, details.problem) == ({}, "")
    assert http.operations == ["get_username", "get_profile"]


@pytest.mark.parametrize("wanted", [{}, {"active": True}, {"website_access": False, "password": "x"}])
def test_nothing_is_read_for_what_no_read_shows(http, wanted):
    details = V3Api(RecordingClient(http)).details(ANN, key_of(http, ANN), wanted)
    assert (details.attributes, details.matches, http.sent) == ({}, {}, [])


def test_a_profile_that_nobody_filled_in_is_empty(http):
    write(http, "create", NEW, CREATION)
    details = V3Api(RecordingClient(http)).details(NEW, key_of(http, NEW), {"city": None})
    assert set(details.attributes) >= {"first_name", "region", "company"}
    assert set(details.attributes.values()) == {""}


# Who the server takes the caller for


def api_over(http):
    client = RecordingClient(http)
    return V3Api(client), client


def read_profile(api, http, name):
    return api.details(name, key_of(http, name), {"city": None}).attributes


def test_reads_ask_once_for_each_server_and_transport(http):
    api, client = api_over(http)
    for name in (ANN, BOB, EVA, ANN, EVA):
        read_profile(api, http, name)
    of_one, of_the_eu = (DEFAULT_URL, ANN), (DEFAULT_EU_URL, EVA)
    asked = [(sent.base, sent.headers["On-Behalf-Of"]) for sent in http.sent if sent.path == "/v3/user/username"]
    assert asked == [of_one, of_the_eu]
    # Another task over the same connections knows it, one over others does not.
    http.drop_log()
    read_profile(V3Api(client), http, BOB)
    read_profile(V3Api(client.for_customers([], [], pytest.fail)), http, BOB)
    assert http.operations == ["get_profile", "get_profile"]
    read_profile(api_over(http)[0], http, BOB)
    assert http.operations[2:] == ["get_username", "get_profile"]


def test_threads_that_start_together_ask_once(http):
    api, _client = api_over(http)
    barrier = threading.Barrier(8)
    others = threading.Event()
    read = []

    def answer_late(sent, got):
        if sent.path == "/v3/user/username":
            # Enough time for another thread to ask, too, if it can. All threads have started.
            asked = [one for one in http.sent if one.path == sent.path]
            others.set() if len(asked) > 1 else others.wait(0.3)
        return got

    def work():
        barrier.wait()
        read.append(read_profile(api, http, ANN)["city"])

    http.spoil = answer_late

    threads = [threading.Thread(target=work) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == ["Aarhus"] * 8
    assert sorted(http.operations) == ["get_profile"] * 8 + ["get_username"]
    assert http.operations[0] == "get_username"


def test_writes_ask_for_each_customer(http):
    api, client = api_over(http)
    read_profile(api, http, ANN)
    http.drop_log()
    for name in (ANN, BOB, ANN):
        api.write(Operation("set_profile", name, {"city": "Oslo"}), key_of(http, name))
    assert http.operations == ["get_username", "set_profile", "get_username", "set_profile", "set_profile"]
    # What a write has shown is enough for reads.
    read_profile(api, http, ANN)
    read_profile(V3Api(client), http, BOB)
    assert http.operations[5:] == ["get_profile", "get_profile"]
    # Another task asks again before it writes.
    V3Api(client).write(Operation("set_profile", ANN, {"city": "Oslo"}), key_of(http, ANN))
    assert http.operations[7:] == ["get_username", "set_profile"]


def test_after_a_rename_it_is_asked_anew(http):
    api, _client = api_over(http)
    key = key_of(http, ANN)
    api.write(Operation("rename", ANN, {"username": NEW}), key)
    api.write(Operation("set_email", NEW, {"email": "a@b.example"}), key)
    assert http.operations == ["get_username", "rename", "get_username", "set_email"]
    assert [sent.headers["On-Behalf-Of"] for sent in http.sent] == [ANN, ANN, NEW, NEW]


@pytest.mark.parametrize("operation", ["set_profile", "set_email", "rename"])
@pytest.mark.parametrize("spoiled", ["ignored", "another name", "another id", "no id"])
def test_nothing_is_written_to_anybody_else(http, operation, spoiled):
    key = key_of(http, BOB)
    if spoiled == "ignored":
        http = SandboxHttp(http.service.behaviour, *SEEDED, ignore_on_behalf_of="always")
    elif spoiled == "another name":
        http.spoil = lambda _sent, got: got.with_content({**got.content, "username": BOB.upper()})
    elif spoiled == "another id":
        http.spoil = lambda _sent, got: got.with_content({**got.content, "user_id": 1})
    else:
        key = key._replace(id=None)
    before = http.parent, http.customers
    api, _client = api_over(http)
    sent = {"set_profile": {"city": "Oslo"}, "set_email": {"email": "x@y.example"}, "rename": {"username": NEW}}
    error = error_of(api.write, Operation(operation, BOB, sent[operation]), key)
    assert (error.applied, error.transient) == (NOT_APPLIED, False)
    assert (http.writes, http.parent, http.customers) == ([], *before)
    assert str(error).startswith(f"Could not {CALLS[operation].doing.format(user=BOB)}: ")
    if spoiled == "no id":
        assert "shows no id" in str(error) and http.sent == []
        return
    # If the server reads the header and another customer has the name now, only this customer has an error.
    assert error.concerns == (OPERATION if spoiled == "another id" else SERVER)
    assert ("another customer has this name now" in str(error)) is (spoiled == "another id")
    assert f"'{BOB}' (id {key.id})" in str(error) and "Nothing was written" in str(error)
    # A failure proves nothing for the next customer.
    error_of(api.write, Operation(operation, BOB, sent[operation]), key)
    assert http.operations == ["get_username"] * 2


def test_nobody_elses_profile_is_read(http):
    http = SandboxHttp(http.service.behaviour, *SEEDED, ignore_on_behalf_of="always")
    error = error_of(read_profile, api_over(http)[0], http, ANN)
    assert (error.concerns, error.applied, http.operations) == (SERVER, NOT_APPLIED, ["get_username"])
    assert "as 'acme' (id 1)" in str(error)
    assert str(error).startswith(f"Could not read the profile of customer '{ANN}': ")


def test_the_header_is_spelled_as_the_server_hears_it(http):
    http = SandboxHttp(http.service.behaviour, *SEEDED, ignore_on_behalf_of="lower-case")
    assert read_profile(api_over(http)[0], http, ANN)["city"] == "Aarhus"


@pytest.mark.parametrize("content", [{}, [], None, {"username": ANN}, {"user_id": 7}, {"username": "", "user_id": 7}])
def test_who_was_asked_has_to_be_said(http, content):
    http.spoil = lambda _sent, got: got.with_content(content)
    error = error_of(write, http, "set_email", ANN, {"email": "a@b.example"})
    assert "the answer does not say who was asked" in str(error)
    assert http.writes == []


@pytest.mark.parametrize(("name", "base"), [(ANN, DEFAULT_URL), (EVA, DEFAULT_EU_URL)])
def test_calls_on_behalf_go_where_the_customer_is(http, name, base):
    api, _client = api_over(http)
    assert read_profile(api, http, name)["city"]
    api.write(Operation("set_profile", name, {"city": "Oslo"}), key_of(http, name))
    assert {sent.base for sent in http.sent} == {base}
    # All else goes to the one address.
    api.write(Operation("disable", name), key_of(http, name))
    assert http.sent[-1].base == DEFAULT_URL
    assert (http.customers[name]["city"], http.customers[name]["active"]) == ("Oslo", False)


@pytest.mark.parametrize(
    ("residency", "words"),
    [
        (EU, "its data reside in the EU, and which server has them is not known. Set eu_api_url"),
        ("mars\x1b", "its data reside in 'mars\\x1b', and no server is known for it"),
    ],
)
def test_a_customer_whose_server_is_unknown_gets_no_call(http, residency, words):
    api = V3Api(RecordingClient(http, eu_api_url=None))
    key = Key("7", residency)
    for call in (
        lambda: api.write(Operation("set_email", EVA, {"email": "a@b.example"}), key),
        lambda: api.details(EVA, key, {"city": None}),
    ):
        error = error_of(call)
        assert words in str(error) and error.applied == NOT_APPLIED
    assert http.sent == []


@pytest.mark.parametrize("name", ["Ånn", "ann\u00a0lee", " ann", "ann ", "a\nb"])
def test_a_name_that_fits_in_no_header(http, name):
    """A blank at an end is refused by the library, or lost on the way: another customer would be meant."""
    api, _client = api_over(http)
    details = api.details(name, Key("7"), {"city": None})
    assert (details.attributes, details.matches) == ({}, {})
    assert "beyond printable ASCII" in details.problem
    error = error_of(api.write, Operation("set_email", name, {"email": "a@b.example"}), Key("7"))
    assert (error.applied, "beyond printable ASCII" in str(error), http.sent) == (NOT_APPLIED, True, [])


def test_a_write_on_behalf_without_a_key_is_refused(http):
    api, _client = api_over(http)
    error_of(api.write, Operation("set_email", ANN, {"email": "a@b.example"}), None)
    assert http.sent == []


# Errors


@pytest.mark.parametrize(("operation", "name", "attributes"), [case[:3] for case in WRITES])
@pytest.mark.parametrize("fault", ["echo", "error-before", "close-before", "bad-gateway", "html", "rate-limit"])
def test_an_error_says_what_was_being_done_and_shows_no_secret(http, operation, name, attributes, fault):
    http.fail(operation, fault)
    text = str(error_of(write, http, operation, name, attributes))
    assert text.startswith(f"Could not {CALLS[operation].doing.format(user=name)}: ")
    assert KEY not in text and PASSWORD not in text and "Bearer" not in text and "\n" not in text


@pytest.mark.parametrize("operation", ["create", "delete", "enable"])
def test_a_limit_is_of_the_server_and_may_hide_a_creation(http, operation):
    http.fail(operation, "rate-limit", times="forever")
    name, sent = (NEW, CREATION) if operation == "create" else (BOB, {})
    error = error_of(write, http, operation, name, sent)
    assert (error.status, error.concerns, error.transient) == (429, SERVER, True)
    assert error.applied == (MAYBE_APPLIED if operation == "create" else NOT_APPLIED)


def test_a_server_that_nobody_reaches(http):
    def refuse(_sent, _got):
        raise nobody_listens()

    http.spoil = refuse
    error = error_of(listed, http)
    assert (error.concerns, error.status) == (SERVER, None)
    assert str(error).startswith("Could not list customers: ")


def test_a_key_that_is_refused_is_of_the_account(http):
    error = error_of(write, http, "enable", BOB, api_key="SG.wrong")
    assert (error.status, error.concerns, error.applied) == (401, ACCOUNT, NOT_APPLIED)
    assert "Check api_key" in str(error)


@pytest.mark.parametrize("operation", ["delete", "enable", "disable_website"])
def test_a_customer_that_is_not_there(http, operation):
    error = error_of(write, http, operation, NEW)
    assert error.applied == NOT_APPLIED
    # [spec] A switch says so with 400.
    assert error.concerns == (OPERATION if error.status == 400 else UNKNOWN_CUSTOMER)
    assert error.status == (400 if operation == "enable" else 404)


def test_a_name_that_is_taken(http):
    error = error_of(write, http, "create", ANN, {**CREATION, "username": ANN})
    assert (error.status, error.messages, error.applied) == (400, ["username exists"], NOT_APPLIED)


def test_an_answer_to_a_creation_is_not_told(http):
    """It may hold tokens and the password."""
    http.spoil = lambda _sent, got: dataclasses.replace(got, headers={}, body=got.body[:-1])
    error = error_of(write, http, "create", NEW, CREATION)
    assert (error.applied, "token" in str(error), PASSWORD in str(error)) == (MAYBE_APPLIED, False, False)
