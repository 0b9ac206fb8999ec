# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks with API v3 against the sandbox in memory: they come to an end, and a second run writes nothing."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    apply,
    further_reads,
    make_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import CallError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import PROFILE_FIELDS, capabilities
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.sandbox_http import (
    ANN,
    BOB,
    EVA,
    IPS,
    PASSWORD,
    PROFILE,
    SandboxWorld,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import made
from hypothesis import assume, given
from hypothesis import strategies as st

CAN = capabilities()
NEW = "new@example.com"
BEHAVIOURS = ("documented", "observed")
CREATED = {"email": "contact@example.com", "password": PASSWORD}


@pytest.fixture(params=BEHAVIOURS)
def world(request, monkeypatch):
    one = SandboxWorld(request.param)
    monkeypatch.setattr(_rate_limit, "time", one.clock)
    return one


# Any customer, any options

# Two of them begin like others, for the filter of a list.
NAMES = ("ann", "ann@example.com", "Bob", "bobby")
# What both behaviours store as it is.
TEXTS = st.sampled_from(["", "Bath", "bath", "Ålö", "a'\"\\b"])
EMAILS = st.sampled_from(["a@b.example", "A@b.example", "c+d@e.example"])
STORED = st.fixed_dictionaries(
    {"username": st.sampled_from(NAMES), "password": st.just(PASSWORD), "email": EMAILS, "active": st.booleans()},
    optional={
        "website_access": st.booleans(),
        "city": TEXTS,
        "company": TEXTS,
        "state": TEXTS,
        "region": st.sampled_from(["global", "eu"]),
        "ips": st.lists(st.sampled_from(IPS), unique=True),
        "credits": st.sampled_from(
            [{"type": "nonrecurring", "total": 7}, {"type": "recurring", "total": 5, "reset_frequency": "daily"}]
        ),
    },
)
OWNED = st.fixed_dictionaries(
    {},
    optional={
        "ips": st.lists(st.sampled_from(IPS)),
        "credits": st.sampled_from(
            [
                {"type": "unlimited"},
                {"type": "nonrecurring", "total": 9, "reset_frequency": None},
                {"type": "recurring", "total": 5, "reset_frequency": "daily"},
                {"type": "recurring", "total": 5, "reset_frequency": "weekly"},
                {"type": None, "total": None},
            ]
        ),
        "whitelabel": st.sampled_from(["", "mail.example.com", "News.example.com", "0.example.org"]),
    },
)
PROFILES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(["city", "company", "region", "phone", "first_name"], TEXTS)
)
SWITCHES = st.fixed_dictionaries({}, optional={"active": st.booleans(), "website_access": st.booleans()})
POLICIES = st.sampled_from(["always", "on_create"])
PRESENT = st.builds(
    lambda name, then, email, profile, switches, owned, of_profile, of_website: {
        "username": name,
        "new_username": then,
        "email": email,
        "password": PASSWORD,
        **profile,
        **switches,
        **owned,
        "update_profile": of_profile,
        "update_website_access": of_website,
    },
    st.sampled_from(NAMES),
    st.none() | st.sampled_from(NAMES),
    EMAILS,
    PROFILES,
    SWITCHES,
    OWNED,
    POLICIES,
    POLICIES,
)
ABSENT = st.sampled_from(NAMES).map(lambda name: {"username": name, "state": "absent"})


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_tasks_converge(behaviour):
    @given(
        st.lists(STORED, max_size=3, unique_by=lambda one: one["username"]),
        st.one_of(PRESENT, PRESENT, PRESENT, ABSENT),
        st.booleans(),
    )
    def check(stored, options, hides):
        names = {options["username"], options.get("new_username") or options["username"]}
        assume(len(names & {one["username"] for one in stored}) < 2)
        # If only its own address shows a customer, its data residency is unknown.
        assume(not hides or all(one.get("region") != "eu" for one in stored))
        other = {"username": "other", "password": PASSWORD, "email": "x@y.example"}
        world = SandboxWorld(behaviour, other, *stored, hide_disabled=hides)
        with contextlib.closing(world.http.service.store):
            _converges(world, options)

    check()


def _converges(world, options):
    http = world.http
    before, parent = http.customers, http.parent
    planned = world.customer(check_mode=True, **options)
    assert (http.customers, http.writes, "failed" in planned) == (before, [], False)
    result = world.customer(**options)
    assert ("failed" in result, result["warnings"]) == (False, [])
    assert {status for _name, status in made(result)} <= {"applied"}
    assert [name for name, _status in made(planned)] == [name for name, _status in made(result)]
    assert [name for name, _status in made(result)] == [OPERATIONS_OF_DOMAINS.get(name, name) for name in http.writes]
    assert result["changed"] is planned["changed"] is bool(http.writes)
    # The prediction matches what the server shows and what it stores.
    assert result["customer"] == planned["customer"]
    assert (result["diff"], result["unverified"]) == (planned["diff"], planned["unverified"])
    assert http.parent == parent
    touched = {options["username"], options.get("new_username") or options["username"]}
    assert _without(http.customers, touched) == _without(before, touched)
    _is_as_wanted(options, before, http.customers, result)
    http.drop_log()
    _writes_nothing_more(http, options, world.customer(**options))


OPERATIONS_OF_DOMAINS = dict.fromkeys(("associate_domain", "remove_associated_domain"), "set_whitelabel")


def _without(customers, names):
    return {name: one for name, one in customers.items() if name not in names}


def _is_as_wanted(options, before, after, result):
    name = options.get("new_username") or options["username"]
    if options.get("state") == "absent":
        assert name not in after and result["customer"] is None
        return
    is_new = not {name, options["username"]} & set(before)
    stored = after[name]
    assert stored["email"] == options["email"]
    if "active" in options or is_new:
        assert stored["active"] is options.get("active", True)
    if is_new:
        assert stored["website_access"] is options.get("website_access", True)
    for option in options.keys() & PROFILE_FIELDS:
        if is_new or options["update_profile"] == "always":
            assert (stored[PROFILE_FIELDS[option]] or "") == options[option] == result["customer"][option]
        else:
            assert result["customer"][option] is None
    if "ips" in options:
        assert set(stored["ips"]) == set(options["ips"]) == set(result["customer"]["ips"])
    elif not is_new:
        assert stored["ips"] == (before.get(options["username"]) or before[name])["ips"]
    kind = (options.get("credits") or {}).get("type")
    if kind:
        assert stored["credits"]["type"] == kind == result["customer"]["credits"]["type"]
    if "whitelabel" in options:
        assert len(stored["domains"]) == bool(options["whitelabel"])
        assert result["customer"]["whitelabel"] == options["whitelabel"]
    # The customer is the same one under any name.
    if not is_new:
        assert stored["id"] == (before.get(options["username"]) or before[name])["id"]


def _writes_nothing_more(http, options, again):
    """The server does not show website access, so a task that sets it always writes it."""
    hidden = options.get("website_access") if options.get("update_website_access") == "always" else None
    assert http.writes == ([] if hidden is None else ["enable_website" if hidden else "disable_website"])
    assert again["unverified"] == ([] if hidden is None else ["website_access"])


# Plans alone

SHOWN = st.fixed_dictionaries(
    {"username": st.sampled_from(NAMES), "email": EMAILS, "active": st.booleans()},
)
DESIRED = st.builds(
    Desired,
    username=st.sampled_from(NAMES),
    attributes=st.builds(
        lambda *parts: {name: value for part in parts for name, value in part.items()},
        PROFILES,
        SWITCHES,
        st.fixed_dictionaries({}, optional={"email": EMAILS, "password": st.just(PASSWORD)}),
    ),
    new_username=st.none() | st.sampled_from(NAMES),
    secrets=st.just(frozenset(["password"])),
    on_create=st.sampled_from([frozenset(), frozenset(["password"]), frozenset(PROFILE_FIELDS)]),
    unless_hidden=st.sampled_from([frozenset(), frozenset(["website_access"])]),
)


@given(DESIRED, st.none() | SHOWN, st.fixed_dictionaries(dict.fromkeys(PROFILE_FIELDS, TEXTS)))
def test_a_plan_leads_where_it_says_and_no_further(desired, current, profile):
    if current is not None:
        assume(current["username"] in desired.usernames)
        read = further_reads(desired, current, CAN)
        assert read <= set(PROFILE_FIELDS) - desired.on_create
        # One read shows the whole profile.
        current = {**current, **(profile if read else {})}
    plan = make_plan(desired, Observed(current), CAN)
    assert apply(current, plan.operations) == plan.after
    assert plan.after["username"] == desired.final_username
    assert PASSWORD not in plan.after.values()
    shown = plan.predicted
    again = make_plan(desired, Observed(shown), CAN)
    hidden = {"website_access"} & desired.attributes.keys() - desired.unless_hidden
    assert {name for operation in again.operations for name in operation.effect} == hidden
    if current is not None:
        assert all(operation.name != "create" and "password" not in operation.sent for operation in plan.operations)
        assert shown.keys() == current.keys()


# Single tasks


def test_a_converged_customer_costs_one_list(world):
    world.customer(email=ANN, active=True)
    assert world.http.operations == ["list"]


def test_a_converged_profile_costs_one_more_read_and_the_check_of_the_header(world):
    world.customer(email=ANN, city="Aarhus", region=PROFILE["state"], company=PROFILE["company"])
    assert world.http.operations == ["list", "get_username", "get_profile"]


def test_a_profile_that_only_a_new_customer_gets_costs_nothing(world):
    result = world.customer(email=ANN, city="Oslo", update_profile="on_create")
    assert (result["changed"], result["customer"]["city"], world.http.operations) == (False, None, ["list"])
    assert result["warnings"] == []
    result = world.customer(username=NEW, **CREATED, city="Oslo", update_profile="on_create")
    assert (made(result)[-1], result["customer"]["city"]) == (("set_profile", "applied"), "Oslo")


def test_a_creation_closes_doors_before_it_fills_in_the_profile(world):
    options = {"username": NEW, **CREATED, "city": "Oslo", "active": False, "website_access": False}
    result = world.customer(**options)
    assert [name for name, _status in made(result)] == ["create", "disable", "disable_website", "set_profile"]
    assert result["customer"]["city"] == "Oslo"
    # A profile that should be empty, and is, needs no call.
    result = world.customer(username="newer@example.com", **CREATED, city="")
    assert (made(result), result["customer"]["city"]) == ([("create", "applied")], "")


def test_a_run_that_ended_early_is_finished_by_the_next_one(world):
    options = {"username": NEW, **CREATED, "city": "Oslo", "active": False, "update_website_access": "on_create"}
    world.http.fail("set_profile", "not-found", times="forever")
    first = world.customer(**options)
    assert made(first)[:2] == [("create", "applied"), ("disable", "applied")]
    assert made(first)[2][1] == "failed" and "Run the task again" in first["msg"]
    world.http.service.fault_plan.clear()
    second = world.customer(**options)
    assert made(second) == [("set_profile", "applied")]
    world.http.drop_log()
    assert (world.customer(**options)["changed"], world.http.writes) == (False, [])


@pytest.mark.parametrize("name", [ANN, BOB, EVA])
def test_a_rename_keeps_everything(world, name):
    before = world.http.customers[name]
    result = world.customer(username=name, new_username=NEW, city="Oslo")
    assert made(result) == [("rename", "applied"), ("set_profile", "applied")]
    assert world.http.customers[NEW] == {**before, "username": NEW, "city": "Oslo"}
    world.http.drop_log()
    assert world.customer(username=name, new_username=NEW, city="Oslo")["changed"] is False
    assert world.http.writes == []


def test_a_customer_that_lists_hide_is_not_created_twice(world):
    world = SandboxWorld(world.http.service.behaviour, hide_disabled=True)
    assert made(world.customer(username=BOB, **CREATED, active=True)) == [
        ("set_email", "applied"),
        ("enable", "applied"),
    ]
    assert made(world.customer(username=ANN, active=False)) == [("disable", "applied")]
    assert made(world.customer(username=ANN, state="absent")) == [("delete", "applied")]
    assert ANN not in world.http.customers


@pytest.mark.parametrize("calls", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("further", [{}, {"city": "Oslo"}, {"active": False, "website_access": False, "city": "Oslo"}])
def test_a_new_customer_may_take_a_while_to_be_there(world, calls, further):
    world.http.fail("create", "lag", calls=calls)
    result = world.customer(username=NEW, **CREATED, **further)
    assert {status for _name, status in made(result)} == {"applied"}, result
    assert (world.http.customers[NEW]["city"] or "") == further.get("city", "")
    assert sum(world.clock.sleeps) <= 30


def test_a_creation_that_no_read_confirms_is_unknown(world):
    world.http.fail("create", "lag", calls=10_000)
    result = world.customer(username=NEW, **CREATED, city="Oslo")
    assert made(result) == [("create", "unknown"), ("set_profile", "not_reached")]
    assert (world.http.writes, result["changed"]) == (["create"], False)
    assert sum(world.clock.sleeps) == pytest.approx(30)
    assert "after 30 s" in result["msg"]


def test_a_creation_without_an_effect_is_unknown(world):
    world = SandboxWorld(world.http.service.behaviour, without_effect=("create",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rate_limit, "time", world.clock)
        result = world.customer(username=NEW, **CREATED)
    assert (made(result), world.http.writes) == ([("create", "unknown")], ["create"])


# faults after which the server has done it, or not
DONE = ("close-after", "error-after", "bad-gateway-after", "html-after", "empty", "cut")
NOT_DONE = ("close-before", "error-before", "unavailable", "bad-gateway", "rate-limit", "rate-limit-reset")
ONCE = ("create", "delete", "rename")
OPERATIONS = {
    "create": {"username": NEW, **CREATED},
    "delete": {"username": BOB, "state": "absent"},
    "enable": {"username": BOB, "active": True},
    "disable": {"username": ANN, "active": False},
    "set_profile": {"username": ANN, "city": "Oslo"},
    "set_email": {"username": ANN, "email": "x@y.example"},
    "rename": {"username": ANN, "new_username": NEW},
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", [*DONE, *NOT_DONE])
def test_an_unclear_answer_is_settled(world, operation, fault):
    world.http.fail(operation, fault)
    result = world.customer(**OPERATIONS[operation])
    assert made(result) == [(operation, "applied")], result
    # What cannot be done twice was not.
    assert sum(entry["wrote"] for entry in world.http.log) in ((1,) if operation in ONCE else (1, 2))
    world.http.drop_log()
    assert world.customer(**OPERATIONS[operation])["changed"] is False
    assert world.http.writes == []


def test_a_name_that_is_taken_by_a_deleted_customer_is_refused(world):
    world.customer(username=BOB, state="absent")
    result = world.customer(username=BOB, **CREATED)
    assert made(result) == [("create", "failed")]
    assert "username exists" in result["msg"] and PASSWORD not in result["msg"]


def test_a_server_that_does_not_heed_the_header_gets_no_write(world):
    world = SandboxWorld(world.http.service.behaviour, ignore_on_behalf_of="always")
    kept = world.http.parent, world.http.customers
    with pytest.raises(CallError, match="as 'acme'"):
        world.customer(city="Oslo")
    result = world.customer(email="x@y.example")
    assert made(result) == [("set_email", "failed")]
    assert (world.http.parent, world.http.customers) == kept
    assert world.http.writes == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"username": NEW}, "creation needs password, email"),
        ({"username": NEW, "email": "a@b.example", "password": "short"}, "16 to 128 characters"),
        ({"username": "a/b"}, "holds '/'"),
        ({"new_username": "stats"}, "cannot be addressed"),
        ({"update_password": "always", "password": PASSWORD}, "update_password=always"),
        ({"package": "x", "billing_date": "2026-01-01"}, "package cannot be used"),
        ({"api_format": "xml"}, "api_format=xml"),
        ({"api_url": "https://api.sendgrid.com/apiv2"}, "/apiv2"),
    ],
)
def test_what_cannot_be_is_told_before_any_write(world, options, words):
    with pytest.raises(InvalidInput) as caught:
        world.customer(**options)
    assert words in str(caught.value) and PASSWORD not in str(caught.value)
    assert set(world.http.operations) <= {"list", "get"}


def test_no_result_holds_a_secret(world):
    for check_mode in (True, False):
        result = world.customer(check_mode, username=NEW, **CREATED, city="Oslo")
        assert PASSWORD not in str(result) and "SG." not in str(result) and "token" not in str(result)


def test_a_customer_of_the_eu_needs_its_own_address(world):
    with pytest.raises(CallError, match="eu_api_url"):
        world.customer(username=EVA, city="Oslo", eu_api_url=None)
    assert world.http.operations == ["list"]
    # What is not on behalf needs none.
    assert world.customer(username=EVA, active=False, eu_api_url=None)["changed"] is True


def test_an_earlier_domain_is_taken_away_where_the_server_keeps_it(world):
    """Whether an association replaces another one is on no record: the sandbox does it, and this server does not."""
    world.customer(whitelabel="0.example.org")
    send = world.http.request

    def keep_others(method, url, *given, **options):
        is_association = method == "POST" and url.endswith("/subuser")
        return send(method, f"{url}:add" if is_association else url, *given, **options)

    world.http.request = keep_others
    result = world.customer(whitelabel="1.example.org")
    assert made(result) == [("set_whitelabel", "applied")]
    assert world.http.writes[-2:] == ["add_associated_domain", "remove_associated_domain"]
    assert len(world.http.customers[ANN]["domains"]) == 1
    assert world.customer(whitelabel="1.example.org")["changed"] is False
