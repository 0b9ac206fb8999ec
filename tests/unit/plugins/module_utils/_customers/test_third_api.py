# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An API that does not exist, with other capabilities: plan, reconcile and checks know no API by name."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import (
    Capabilities,
    Capability,
    ConnectionRules,
    Customer,
    Details,
    Listing,
    Switch,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    creation_problems,
    option_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    further_reads,
    make_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    execute_plan,
    find_customer,
    observe,
    refresh,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import MAYBE_APPLIED, NOT_APPLIED, CallError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import fleet_spec
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import Clock
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import (
    CONNECTION,
    LEFT_OUT,
    own_defaults,
)
from hypothesis import given, settings
from hypothesis import strategies as st


def _in_lower_case(wanted, stored):
    return wanted.lower() == stored


def _as_a_set(wanted, stored):
    return set(wanted) == set(stored)


# A creation takes no profile, which only a further read shows, and a new customer is shut out of the website.
PROFILE = Capability("put_profile", on_create=False, seen="details", same=_in_lower_case)
THIRD = Capabilities(
    connection=ConnectionRules(
        "https://third.example", foreign_paths=(), problems=lambda _options: [], user_is_account=lambda _options: True
    ),
    attributes={
        "username": Capability("rename", needed=True),
        "password": Capability("put_password", seen="compared", needed=True, problems=lambda text: [f"{len(text)}!"]),
        "email": Capability("put_contact", needed=True, limit_on_create=5),
        "city": PROFILE,
        "phone": PROFILE,
        "ips": Capability("put_ips", on_create=False, seen="details", same=_as_a_set),
        "mail_domain": Capability("put_domain", on_create=False, seen="never"),
        "package": Capability(seen="never"),
        "active": Capability("switch", on_create=False),
        "website_access": Capability("switch", on_create=False, seen="sometimes"),
    },
    new_customer={"active": True, "website_access": False},
    switches={"active": Switch("wake", "suspend", "send"), "website_access": Switch("let_in", "shut_out", "log in")},
    order=("put_contact", "put_profile", "put_ips", "put_domain", "put_password"),
    missing={"company": "is not known here; use mail_domain"},
    confirms_creation=True,
    longest_settling=20.0,
    # No list has to show a customer that is asleep.
    hidden_in_lists={"active": False},
)
DETAILS = THIRD.names(seen="details")
SHOWN = THIRD.names(seen="list")


class MadeUp:
    """The customers of that API in memory. `fault`: what happens to the answers to an operation. `lag`: how many lists
    miss a new customer. `hides`: whether lists go without those that are asleep. A customer's key is a number that it
    keeps under any name.
    """

    capabilities = THIRD
    longest_wait = 60.0

    def __init__(self, *customers, shows=True, fault=None, lag=0, hides=False):
        self.numbers = itertools.count(1)
        self.stored = {one["username"]: {**one, "number": next(self.numbers)} for one in customers}
        self.names = SHOWN | {"website_access"} if shows else SHOWN
        self.fault = fault
        self.lag = lag
        self.hides = hides
        self.unseen = {}
        self.calls = []
        self.sleeps = []

    def customers(self, filters):
        listed = self.lookup([])
        shown = [one for one in listed if one.attributes["active"] or not self.hides]
        return Listing(shown, not filters)

    def every_customer(self):
        return self.customers({})

    def unlisted(self, name):
        return self.lookup([name])

    def lookup(self, names, near=False):
        self.calls.append("lookup")
        return [
            Customer({name: one[name] for name in self.names}, key=one["number"])
            for username, one in self.stored.items()
            if (near or not names or username in names) and not self._misses(one["number"])
        ]

    def _misses(self, number):
        left = self.unseen.get(number, 0)
        self.unseen[number] = left - 1
        return left > 0

    def details(self, username, key, wanted):
        self.calls.append("details")
        one = self.stored[username]
        assert one["number"] == key
        compared = {name: one[name] == value for name, value in wanted.items() if name == "password"}
        return Details({name: one[name] for name in wanted if name in DETAILS}, compared)

    def write(self, operation, key, budget=None):
        self.calls.append(operation.name)
        assert operation.name == "create" or self.stored[operation.user]["number"] == key
        is_lost = self.fault is not None and self.fault[0] == operation.name
        if not is_lost or self.fault[1] == "after":
            self._act(operation)
        if is_lost:
            raise CallError("the answer was lost", MAYBE_APPLIED)

    def _act(self, operation):
        name, sent = operation.name, dict(operation.sent)
        if name == "create":
            assert all(THIRD.attributes[attribute].on_create for attribute in sent)
            number = next(self.numbers)
            self.stored[operation.user] = {**EMPTY, **sent, "number": number}
            self.unseen[number] = self.lag
            return
        one = self.stored[operation.user]
        if name == "delete":
            del self.stored[operation.user]
            return
        switched = {
            operation: {attribute: position}
            for attribute, switch in THIRD.switches.items()
            for operation, position in ((switch.open, True), (switch.close, False))
        }
        assert name in switched or all(THIRD.attributes[attribute].written_by == name for attribute in sent)
        one.update(switched.get(name) or {key: self._kept(key, value) for key, value in sent.items()})
        self.stored = {each["username"]: each for each in self.stored.values()}

    @staticmethod
    def _kept(name, value):
        return value.lower() if name in ("city", "phone") else list(reversed(value)) if name == "ips" else value

    def is_repeatable(self, operation):
        return operation not in ("create", "delete", "rename")

    def retry_budget(self):
        return RetryBudget(0, self.longest_wait, 1.0, self.sleeps.append)


EMPTY = {
    "username": "ann", "password": "", "email": "", "city": "", "phone": "", "ips": [], "mail_domain": "",
    "package": "", "active": True, "website_access": False,
}  # fmt: skip
TEXTS = st.sampled_from(["", "Bath", "bath", "Ålesund"])
IPS = st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"]), unique=True)
NAMES = ["ann", "eve", "bob"]
STORED = st.fixed_dictionaries(
    {
        "username": st.sampled_from(NAMES),
        "password": st.sampled_from(["one", "two"]),
        "email": TEXTS,
        "city": TEXTS.map(str.lower),
        "phone": TEXTS.map(str.lower),
        "ips": IPS,
        "mail_domain": TEXTS,
        "package": TEXTS,
        "active": st.booleans(),
        "website_access": st.booleans(),
    }
)
WANTED = st.builds(
    Desired,
    username=st.sampled_from(NAMES),
    attributes=st.fixed_dictionaries(
        {},
        optional={
            "password": st.sampled_from(["one", "two"]),
            "email": TEXTS,
            "city": TEXTS,
            "phone": TEXTS,
            "ips": IPS,
            "mail_domain": TEXTS,
            "package": TEXTS,
            "active": st.booleans(),
            "website_access": st.booleans(),
        },
    ),
    state=st.sampled_from(["present", "present", "present", "absent"]),
    new_username=st.none() | st.sampled_from(NAMES),
    secrets=st.just(frozenset(["password"])),
    on_create=st.sets(st.sampled_from(["password", "city", "phone"])).map(frozenset),
    unless_hidden=st.sets(st.sampled_from(["website_access", "mail_domain"])).map(frozenset),
    along=st.sets(st.sampled_from(["phone"])).map(frozenset),
)


def converge(api, desired):
    """Looks, plans, carries out and reads again, as a task does."""
    plan = make_plan(desired, observe(api, desired), api.capabilities)
    outcome = execute_plan(api, desired, plan)
    if plan.operations:
        refresh(api, desired, outcome)
    return plan, outcome


@settings(max_examples=5 * settings.default.max_examples)
@given(st.lists(STORED, max_size=3, unique_by=lambda one: one["username"]), WANTED, st.booleans(), st.integers(0, 3))
def test_plans_converge(customers, desired, shows, lag):
    api = MadeUp(*customers, shows=shows, lag=lag)
    if desired.usernames <= set(api.stored) and len(desired.usernames) == 2:
        return
    before = {name: dict(one) for name, one in api.stored.items()}
    is_new = not desired.usernames & set(before)
    plan, outcome = converge(api, desired)
    assert (outcome.error, set(outcome.statuses) - {"applied"}) == (None, set())
    others = set(before) - desired.usernames
    assert {name: api.stored[name] for name in others} == {name: before[name] for name in others}
    if desired.state == "absent":
        assert not desired.usernames & set(api.stored) and plan.predicted is None
        return
    stored = api.stored[desired.final_username]
    _check(desired, stored, is_new, plan, shows)
    if plan.operations:
        assert outcome.customer.keys() >= plan.predicted.keys()
        assert all(is_same(name, value, outcome.customer[name]) for name, value in plan.predicted.items())
    again = make_plan(desired, observe(api, desired), THIRD)
    repeated = {name for operation in again.operations for name in operation.effect}
    assert repeated <= _unverifiable(desired, shows)


def is_same(name, wanted, stored):
    return THIRD.attributes[name].same(wanted, stored)


def _check(desired, stored, is_new, plan, shows):
    """Everything that was asked for is so, but what only a new customer gets."""
    changed = {name for operation in plan.operations for name in operation.effect}
    hidden = _hidden(shows)
    for name, wanted in desired.attributes.items():
        kept = name in desired.on_create or name == "package" or (name in desired.unless_hidden and name in hidden)
        if is_new or not (kept or name in desired.along):
            assert is_same(name, wanted, stored[name]), name
        elif name in desired.along - desired.on_create:
            # With the city, which the same operation writes.
            assert (name in changed) is ("city" in changed)
        elif kept and name not in desired.on_create:
            assert name not in changed
    assert "password" not in plan.after or plan.after["password"] == "********"


def _hidden(shows):
    return {"mail_domain"} if shows else {"mail_domain", "website_access"}


def _unverifiable(desired, shows):
    """What nothing tells, and is written again."""
    return _hidden(shows) - desired.unless_hidden


def test_a_creation_is_followed_by_what_it_does_not_take():
    desired = Desired("ann", {"email": "a", "city": "Bath", "ips": ["192.0.2.1"], "website_access": True})
    api = MadeUp(shows=False)
    plan, outcome = converge(api, desired)
    assert [operation.name for operation in plan.operations] == ["create", "put_profile", "put_ips", "let_in"]
    # One more list confirms the creation.
    writes = ["create", "lookup", "put_profile", "put_ips", "let_in"]
    assert api.calls == ["lookup", "lookup", *writes, "lookup", "details"]
    assert outcome.customer == {"username": "ann", "email": "a", "active": True, "city": "bath", "ips": ["192.0.2.1"]}


@pytest.mark.parametrize("attributes", [{"email": "a"}, {"email": "a", "city": "Bath"}])
@pytest.mark.parametrize(("lag", "is_shown"), [(0, True), (3, True), (1000, False)])
def test_a_creation_counts_when_a_list_shows_the_customer(attributes, lag, is_shown):
    api = MadeUp(lag=lag)
    plan, outcome = converge(api, Desired("ann", attributes))
    assert outcome.statuses[0] == ("applied" if is_shown else "unknown")
    assert api.stored["ann"]["city"] == ("bath" if is_shown and "city" in attributes else "")
    if is_shown:
        assert (len(api.sleeps), outcome.error) == (lag, None)
    else:
        # Nothing is written to a customer with an unknown key.
        assert set(outcome.statuses[1:]) <= {"not_reached"}
        assert "Could not create customer 'ann'" in str(outcome.error)
        assert "after 60 s of waiting (max_retry_wait)" in str(outcome.error)
        assert sum(api.sleeps) == pytest.approx(60)


def test_a_stop_while_a_creation_waits_to_be_confirmed_does_not_hide_it():
    api = MadeUp(lag=1000)
    api.sleeps = Ends()
    _plan, outcome = converge(api, Desired("ann", {"email": "a"}))
    assert outcome.statuses == ["unknown"]
    assert "The run was stopped while it waited" in str(outcome.error)


class Ends:
    """Replaces a list of waits. Each wait ends early, because no further call is wanted."""

    def append(self, _seconds):
        return True


def refusing(times, **of_error):
    """An API that refuses what follows a creation so many times."""
    api = MadeUp()
    write, left = api.write, iter(range(times))

    def refuse(operation, key, budget=None):
        if operation.name != "create" and next(left, None) is not None:
            error = CallError("not known here", NOT_APPLIED)
            vars(error).update(of_error)
            raise error
        write(operation, key, budget)

    api.write = refuse
    return api


@pytest.mark.parametrize(
    ("of_error", "waits"),
    [
        ({"concerns": "customer"}, True),
        ({"may_settle": True, "concerns": "account"}, True),
        ({"concerns": "account"}, False),
        ({"concerns": "operation"}, False),
    ],
)
def test_a_refusal_that_may_settle_is_waited_for(of_error, waits):
    api = refusing(2, **of_error)
    _plan, outcome = converge(api, Desired("ann", {"email": "a", "city": "Bath"}))
    assert outcome.statuses == ["applied", "applied" if waits else "failed"]
    assert len(api.sleeps) == (2 if waits else 0)
    # Of a customer that was there before, a refusal is one.
    api = refusing(2, **of_error)
    api.stored["ann"] = {**EMPTY, "number": 1}
    _plan, outcome = converge(api, Desired("ann", {"city": "Bath"}))
    assert (outcome.statuses, api.sleeps) == (["failed"], [])


def test_what_follows_a_creation_is_waited_for_as_long_as_the_api_says(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(_rate_limit, "time", clock)
    api = refusing(1000, may_settle=True)
    api.retry_budget = lambda: RetryBudget(0, 600.0, 1.0, clock.sleep)
    api.longest_wait = 600.0
    _plan, outcome = converge(api, Desired("ann", {"email": "a", "city": "Bath"}))
    assert outcome.statuses == ["applied", "failed"]
    assert sum(clock.sleeps) == pytest.approx(20)
    assert "The server still did not know the new customer after 20 s." in str(outcome.error)


# A whole fleet


def fleet(monkeypatch, api, rows, **options):
    """What manage_fleet makes of the customers of that API."""
    spec = own_defaults(fleet_spec())
    given = {**CONNECTION, "api_url": "https://third.example", **spec, "concurrency": 1, **options}
    # No password suits it.
    without = {**THIRD.attributes, "password": Capability("put_password", seen="compared")}
    monkeypatch.setattr(_fleet, "capabilities", lambda _choice: dataclasses.replace(THIRD, attributes=without))
    monkeypatch.setattr(_fleet, "open_api", lambda _client, _choice: api)
    return manage_fleet({**given, "customers": [{**LEFT_OUT, **row} for row in rows]}, False, NoClient)


class NoClient(contextlib.AbstractContextManager):
    """Takes the place of a client, which that API does without."""

    def __init__(self, *_about):
        pass

    def for_customers(self, *_about):
        return self

    def __exit__(self, *_error):
        return None


@pytest.mark.parametrize("hides", [True, False])
def test_a_fleet_converges_though_lists_hide_customers(monkeypatch, hides):
    stored = [{**EMPTY, "username": name, "active": name != "bob"} for name in ("ann", "bob", "cleo", "zoe")]
    rows = [
        {"username": "ann", "city": "bath", "phone": "1"},
        {"username": "bob", "city": "bath", "active": False},
        {"username": "cleo", "new_username": "bob2"},
        {"username": "eve", "email": "e@b.c"},
        {"username": "fay", "state": "absent"},
    ]
    api = MadeUp(*stored, hides=hides)
    options = {"purge": True, "max_deletions": 1}
    result = fleet(monkeypatch, api, rows, **options)
    assert {name: count for name, count in result["summary"].items() if count} == {
        "updated": 2,
        "renamed": 1,
        "created": 1,
        "deleted": 1,
        "unchanged": 1,
    }
    assert set(api.stored) == {"ann", "bob", "bob2", "eve"}
    assert [warning for warning in result["warnings"] if "no customer with active=false" in warning] == (
        result["warnings"] if hides else []
    )
    again = fleet(monkeypatch, api, rows, **options)
    assert (again["changed"], again["summary"]["unchanged"]) == (False, 5)


def test_only_what_is_asked_for_is_read_further():
    api = MadeUp(EMPTY)
    current = find_customer(api, Desired("ann")).current
    assert further_reads(Desired("ann", {"email": "x", "mail_domain": "x", "active": True}), current, THIRD) == set()
    desired = Desired("ann", {"ips": [], "password": "x", "city": "x"}, on_create=frozenset(["city"]))
    assert further_reads(desired, current, THIRD) == {"ips", "password"}
    assert further_reads(Desired("ann", {"ips": []}, state="absent"), current, THIRD) == set()
    assert further_reads(desired, None, THIRD) == set()


def test_a_further_read_may_show_several_attributes():
    both = PROFILE._replace(detail="profile")
    api = dataclasses.replace(THIRD, attributes={**THIRD.attributes, "city": both, "phone": both})
    assert api.shown_by(["profile"]) == {"city", "phone"}
    assert api.shown_by(["city"]) == frozenset()
    assert api.shown_by({"profile", "ips", "email", "password"}) == {"city", "phone", "ips"}
    # Else a read is called like its attribute.
    assert THIRD.shown_by(["city", "ips", "password"]) == {"city", "ips"}
    assert THIRD.shown_by([]) == frozenset()


@pytest.mark.parametrize("is_new", [False, True])
def test_what_one_read_shows_is_foreseen_together(is_new):
    """One that was not asked for is there, too."""
    both = PROFILE._replace(detail="profile")
    new = {**THIRD.new_customer, "city": "", "phone": ""}
    api = dataclasses.replace(THIRD, attributes={**THIRD.attributes, "city": both, "phone": both}, new_customer=new)
    desired = Desired("ann", {"email": "a", "password": "one", "city": "bath"})
    current = {name: EMPTY[name] for name in [*SHOWN, "city", "phone"]}
    predicted = make_plan(desired, Observed(None if is_new else current), api).predicted
    assert predicted == {"username": "ann", "email": "a", "active": True, "city": "bath", "phone": ""}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("attributes", "operation", "is_told"),
    [
        ({"email": "new"}, "put_contact", True),
        ({"city": "Bath"}, "put_profile", True),
        ({"ips": ["192.0.2.1", "192.0.2.2"]}, "put_ips", True),
        ({"password": "new"}, "put_password", True),
        ({"active": False}, "suspend", True),
        ({"mail_domain": "x.example"}, "put_domain", False),
    ],
)
def test_a_lost_answer_is_settled_by_the_read_that_can_tell(attributes, operation, is_told, when):
    api = MadeUp(EMPTY, fault=(operation, when))
    desired = Desired("ann", attributes, secrets=frozenset(["password"]))
    _plan, outcome = converge(api, desired)
    assert outcome.statuses == [{"before": "failed", "after": "applied"}[when] if is_told else "unknown"]


def test_options_are_judged_by_what_the_api_can():
    assert option_problems({"company": "Acme"}, THIRD) == ["company is not known here; use mail_domain"]
    assert option_problems({"password": "abc"}, THIRD) == ["3!"]
    assert option_problems({"city": "x" * 1000, "new_username": "no address"}, THIRD) == []
    assert creation_problems({"username": "ann", "email": "123456"}, THIRD) == [
        "creation needs password",
        "email has 6 characters, the limit for a new customer is 5",
    ]
