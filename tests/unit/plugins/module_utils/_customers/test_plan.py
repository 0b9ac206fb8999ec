# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the current and the desired state to operations: a table of cases, and all cases against a small service."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer, Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    apply,
    stored_otherwise,
    stored_text,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import answers as _answers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import from_row
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.desired import (
    API,
    asked_for,
    is_done,
    known,
    plan,
    to_check_password,
    to_search_company,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ENCODERS, FakeService
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.strategies import XML_TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

SECRET = "canary-password"
ANN = {
    "username": "ann@example.com",
    "email": "post@example.com",
    "first_name": "Ann",
    "city": "Aarhus",
    "country": "US",
    "website": "http://ann.example",
    "active": True,
    "website_access": True,
}
HIDING = {name: value for name, value in ANN.items() if name != "website_access"}
CLOSED = {**ANN, "active": False, "website_access": False}


def desired(**options):
    """What a task asks for of Ann; attributes and options of the task together."""
    of_task = ("username", "state", "new_username", "password", "update_password", "update_website_access")
    given_options = {name: options.pop(name) for name in of_task if name in options}
    return asked_for(**{"username": "ann@example.com", **given_options}, attributes=options)


def identified(wanted, customers):
    """The one of the listed customers that is wanted, before anything is written."""
    return CustomerIndex(map(Customer, customers)).observed(wanted).current


def names(made):
    return [operation.name for operation in made.operations]


# the desired state, the current state, the names of the operations
CASES = [
    # nothing to do
    ({}, ANN, []),
    ({"city": "Aarhus", "active": True, "website_access": True, "email": "post@example.com"}, ANN, []),
    ({"active": False, "website_access": False}, CLOSED, []),
    ({"state": "absent"}, None, []),
    ({"state": "absent", "city": "Bath", "active": False, "password": SECRET}, None, []),
    # one each
    ({}, None, ["create"]),
    ({"state": "absent"}, ANN, ["delete"]),
    ({"state": "absent", "city": "Bath", "active": False, "password": SECRET}, ANN, ["delete"]),
    ({"new_username": "eve@example.com"}, ANN, ["rename"]),
    ({"email": "new@example.com"}, ANN, ["set_email"]),
    ({"city": "Bath"}, ANN, ["set_profile"]),
    ({"city": ""}, ANN, ["set_profile"]),
    ({"active": True}, CLOSED, ["enable"]),
    ({"active": False}, ANN, ["disable"]),
    ({"website_access": True}, CLOSED, ["enable_website"]),
    ({"website_access": False}, ANN, ["disable_website"]),
    # one call for many fields
    ({"city": "Bath", "first_name": "Anna", "country": "UK", "website": "x.example"}, ANN, ["set_profile"]),
    # creation, and what a new customer is
    ({"active": True, "website_access": True}, None, ["create"]),
    ({"active": False}, None, ["create", "disable"]),
    ({"website_access": False}, None, ["create", "disable_website"]),
    ({"active": False, "website_access": False}, None, ["create", "disable", "disable_website"]),
    ({"website_access": False, "update_website_access": "on_create"}, None, ["create", "disable_website"]),
    ({"website_access": True, "update_website_access": "on_create"}, None, ["create"]),
    ({"password": SECRET, "update_password": "always"}, None, ["create"]),
    ({"new_username": "eve@example.com", "active": False}, None, ["create", "disable"]),
    # used on creation only
    (
        {"package": "Gold", "whitelabel": "x", "ips": ["192.0.2.1"], "free_user": True, "billing_date": "2001-01-01"},
        ANN,
        [],
    ),
    ({"mail_domain": "x"}, ANN, []),
    # order
    (
        {"new_username": "eve@example.com", "email": "e@x", "city": "Bath", "active": False, "website_access": False},
        ANN,
        ["disable", "disable_website", "rename", "set_email", "set_profile"],
    ),
    # what the server does to values
    ({"website": "ann.example"}, ANN, []),
    ({"country": "Canada"}, {**ANN, "country": "Canad"}, []),
    ({"website": "https://ann.example"}, ANN, ["set_profile"]),
    ({"country": "Canada"}, {**ANN, "country": "Chile"}, ["set_profile"]),
    # hidden website access
    ({"website_access": True}, HIDING, ["enable_website"]),
    ({"website_access": False}, HIDING, ["disable_website"]),
    ({"website_access": True, "update_website_access": "on_create"}, HIDING, []),
    ({"website_access": False, "update_website_access": "on_create"}, HIDING, []),
    # shown: compared, whatever the option says
    ({"website_access": False, "update_website_access": "on_create"}, ANN, ["disable_website"]),
    # passwords stay unless asked for
    ({"password": SECRET}, ANN, []),
    ({"password": SECRET, "update_password": "on_create"}, ANN, []),
]


@pytest.mark.parametrize(("wanted", "current", "expected"), CASES)
def test_the_operations(wanted, current, expected):
    assert names(plan(desired(**wanted), known(current))) == expected


def test_doors_close_first_and_open_last():
    wanted = desired(
        new_username="eve@example.com", email="e@x.example", city="Bath", active=False, website_access=True,
        password=SECRET, update_password="always",
    )  # fmt: skip
    made = plan(wanted, known({**ANN, "website_access": False}, password_matches=False))
    assert names(made)[0] == "disable"
    assert names(made)[-1] == "enable_website"
    assert sorted(names(made)[1:-1]) == ["rename", "set_email", "set_password", "set_profile"]


def test_each_operation_is_called_under_the_name_of_that_moment():
    wanted = desired(new_username="eve@example.com", city="Bath", active=False, website_access=True)
    made = plan(wanted, known({**ANN, "website_access": False}))
    users = {operation.name: operation.user for operation in made.operations}
    assert users["disable"] == users["rename"] == "ann@example.com"
    assert users["set_profile"] == users["enable_website"] == "eve@example.com"


def test_one_write_holds_the_differing_fields_and_no_other():
    [write] = plan(desired(city="Bath", first_name="Ann", country="UK"), known(ANN)).operations
    assert (write.name, dict(write.sent)) == ("set_profile", {"city": "Bath", "country": "UK"})


def test_a_create_holds_what_was_given():
    wanted = desired(password=SECRET, city="Bath", package="Gold", ips=["192.0.2.1"], active=False, website_access=True)
    create = plan(wanted, known(None)).operations[0]
    assert dict(create.sent) == {
        "username": "ann@example.com",
        "password": SECRET,
        "city": "Bath",
        "package": "Gold",
        "ips": ["192.0.2.1"],
    }


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        (["old@x"], ["rename"]),
        (["new@x"], []),
        ([], ["create"]),
        (["bob@x", "old@x"], ["rename"]),
        (["bob@x"], ["create"]),
    ],
)
def test_a_rename_by_the_names_that_exist(existing, expected):
    wanted = asked_for("old@x", new_username="new@x")
    made = plan(wanted, known(identified(wanted, [{"username": name} for name in existing])))
    assert names(made) == expected
    assert made.after["username"] == "new@x"


def test_a_rename_is_refused_when_both_names_exist():
    with pytest.raises(InvalidInput) as caught:
        identified(asked_for("old@x", new_username="new@x"), [{"username": "old@x"}, {"username": "new@x"}])
    assert "old@x" in str(caught.value) and "new@x" in str(caught.value)


@pytest.mark.parametrize(("existing", "expected"), [("Ann@x", ["rename"]), ("ann@x", [])])
def test_a_rename_of_case_only(existing, expected):
    wanted = asked_for("Ann@x", new_username="ann@x")
    assert names(plan(wanted, known(identified(wanted, [{"username": existing}])))) == expected


def test_a_rename_to_the_same_name_is_none():
    wanted = asked_for("ann@x", new_username="ann@x")
    assert names(plan(wanted, known(identified(wanted, [{"username": "ann@x"}])))) == []


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("near", ["ANN@X", "Ann@x", "ann@X"])
def test_a_name_that_differs_by_case_is_an_error_that_says_so(near, state):
    with pytest.raises(InvalidInput, match="case") as caught:
        identified(asked_for("ann@x", state=state), [{"username": near}, {"username": "bob@x"}])
    assert near in str(caught.value) and "ann@x" in str(caught.value)


@pytest.mark.parametrize(
    ("username", "new_username", "existing", "option", "near"),
    [
        # Neither name exists, so it is not clear which of the two is meant.
        ("ann@x", "eve@x", ["ANN@x"], "username", "ANN@x"),
        ("ann@x", "eve@x", ["EVE@x"], "new_username", "EVE@x"),
        ("ann@x", "eve@x", ["EVE@x", "ANN@x"], "username", "ANN@x"),
        # A rename would make a second customer of nearly the same name.
        ("ann@x", "eve@x", ["ann@x", "Eve@x"], "new_username", "Eve@x"),
        ("Ann@x", "ann@x", ["Ann@x", "ANN@x"], "new_username", "ANN@x"),
    ],
)
def test_a_near_miss_of_a_rename_names_the_option(username, new_username, existing, option, near):
    with pytest.raises(InvalidInput, match="case") as caught:
        identified(asked_for(username, new_username=new_username), [{"username": name} for name in existing])
    told = str(caught.value)
    assert f"correct {option} in the task" in told
    assert f"'{near}'" in told and f"'{username if option == 'username' else new_username}'" in told


@pytest.mark.parametrize(
    ("existing", "found"),
    [
        (["ann@x"], "ann@x"),
        # The old name does not matter if it is gone. A similar name does not matter if the old name exists.
        (["eve@x", "ANN@x"], "eve@x"),
        (["eve@x", "EVE@x"], "eve@x"),
        (["ann@x", "ANN@x"], "ann@x"),
    ],
)
def test_a_near_name_does_not_stand_in_the_way_of_what_is_there(existing, found):
    wanted = asked_for("ann@x", new_username="eve@x")
    assert identified(wanted, [{"username": name} for name in existing]) == {"username": found}


def test_an_exact_name_counts_before_one_of_another_case():
    customers = [{"username": "ANN@x"}, {"username": "ann@x"}, {"username": "Ann@x"}]
    assert identified(asked_for("ann@x"), customers) == {"username": "ann@x"}


def test_a_part_of_a_name_is_no_match():
    assert identified(asked_for("ann@x"), [{"username": "joann@x"}, {"username": "ann@x.example"}]) is None


@pytest.mark.parametrize(
    ("wanted", "matches", "expected", "unverified"),
    [
        ({"company": "Acme"}, True, [], []),
        ({"company": "Acme"}, False, ["set_profile"], []),
        ({"company": "Acme"}, None, ["set_profile"], ["company"]),
        ({"company": ""}, None, ["set_profile"], ["company"]),
    ],
)
def test_a_hidden_company(wanted, matches, expected, unverified):
    made = plan(desired(**wanted), known(ANN, company_matches=matches))
    assert names(made) == expected
    assert list(made.unverified) == unverified
    assert "company" not in made.before
    assert "company" not in made.predicted
    assert ("company" in made.after) is bool(expected)


@pytest.mark.parametrize(
    ("wanted", "current", "company"),
    [
        ({"company": "Acme"}, ANN, "Acme"),
        ({"company": ""}, ANN, None),
        ({}, ANN, None),
        ({"company": "Acme"}, None, None),
        ({"company": "Acme"}, {**ANN, "company": "Acme"}, None),
        ({"company": "Acme", "state": "absent"}, ANN, None),
    ],
)
def test_when_a_company_is_searched_for(wanted, current, company):
    assert to_search_company(desired(**wanted), current) == company


@pytest.mark.parametrize(
    ("wanted", "current", "password"),
    [
        ({"password": SECRET, "update_password": "always"}, ANN, SECRET),
        ({"password": SECRET, "update_password": "always"}, None, None),
        ({"password": SECRET, "update_password": "on_create"}, ANN, None),
        ({"password": SECRET, "update_password": "always", "state": "absent"}, ANN, None),
        ({"update_password": "always"}, ANN, None),
    ],
)
def test_when_a_password_is_checked(wanted, current, password):
    assert to_check_password(desired(**wanted), current) == password


@pytest.mark.parametrize(
    ("matches", "expected", "unverified"),
    [(True, [], []), (False, ["set_password"], []), (None, ["set_password"], ["password"])],
)
def test_a_password_that_is_to_be_so_always(matches, expected, unverified):
    made = plan(desired(password=SECRET, update_password="always"), known(ANN, password_matches=matches))
    assert names(made) == expected
    assert list(made.unverified) == unverified


def test_hidden_website_access_that_is_sent_is_unverified():
    made = plan(desired(website_access=True), known(HIDING))
    assert list(made.unverified) == ["website_access"]
    assert "website_access" not in made.before and "website_access" not in made.predicted
    assert made.after["website_access"] is True


def test_what_is_compared_is_not_unverified():
    assert list(plan(desired(website_access=False, city="Bath"), known(ANN)).unverified) == []


@pytest.mark.parametrize("shows", [True, False])
def test_a_new_customer_is_predicted_as_the_server_will_show_it(shows):
    made = plan(desired(password=SECRET, city="Bath", company="Acme", package="Gold"), known(None, None, None, shows))
    expected = {"username": "ann@example.com", "city": "Bath", "active": True}
    assert made.predicted == ({**expected, "website_access": True} if shows else expected)
    assert made.before is None


def test_absence_is_predicted():
    made = plan(desired(state="absent"), known(ANN))
    assert (made.before, made.after, made.predicted) == (ANN, None, None)


def test_without_operations_nothing_changes():
    made = plan(desired(city="Aarhus"), known(ANN))
    assert made.before == made.after == made.predicted == ANN


@pytest.mark.parametrize("current", [None, ANN])
def test_no_prediction_and_no_diff_holds_a_secret(current):
    made = plan(desired(password=SECRET, update_password="always", city="Bath"), known(current, password_matches=False))
    assert SECRET not in repr((made.before, made.predicted))
    assert made.after["password"] == "********"


@pytest.mark.parametrize(("current", "name"), [(None, "create"), (ANN, "set_password")])
def test_an_effect_holds_no_secret_and_what_is_sent_does(current, name):
    made = plan(desired(password=SECRET, update_password="always", city="Bath"), known(current, password_matches=False))
    [write] = [operation for operation in made.operations if operation.name == name]
    assert (write.sent["password"], write.effect["password"]) == (SECRET, "********")
    assert SECRET not in repr([dict(operation.effect) for operation in made.operations])
    assert SECRET not in repr(apply(current, made.operations))


@pytest.mark.parametrize("current", [None, ANN])
def test_a_secret_does_not_show_when_things_are_printed(current):
    wanted = desired(password=SECRET, update_password="always")
    made = plan(wanted, known(current, password_matches=False))
    printed = [repr(thing) for thing in (wanted, made, made.operations, *made.operations)]
    assert [text for text in printed if SECRET in text] == []


@pytest.mark.parametrize(
    ("operation", "current", "done"),
    [
        (Operation("delete", "a"), None, True),
        (Operation("delete", "a"), ANN, False),
        (Operation("create", "a", {"city": "x"}, {"city": "x"}), None, False),
        (Operation("create", "a", {"city": "x"}, {"city": "x"}), {"username": "a"}, True),
        (Operation("rename", "a", {"username": "b"}, {"username": "b"}), {"username": "b"}, True),
        (Operation("rename", "a", {"username": "b"}, {"username": "b"}), {"username": "a"}, False),
        (Operation("rename", "a", {"username": "b"}, {"username": "b"}), None, None),
        (Operation("set_email", "a", {"email": "x"}, {"email": "x"}), {"email": "x"}, True),
        (Operation("set_email", "a", {"email": "x"}, {"email": "x"}), {"email": "y"}, False),
        (Operation("set_email", "a", {"email": "x"}, {"email": "x"}), None, None),
        (Operation("set_profile", "a", {}, {"city": "x", "zip": "1"}), {"city": "x", "zip": "1"}, True),
        (Operation("set_profile", "a", {}, {"city": "x", "zip": "1"}), {"city": "x", "zip": "2"}, False),
        (Operation("set_profile", "a", {}, {"city": "x", "company": "1"}), {"city": "x"}, None),
        (Operation("set_profile", "a", {}, {"city": "x", "company": "1"}), {"city": "y"}, False),
        (Operation("set_profile", "a", {}, {"company": "1"}), {"city": "y"}, None),
        (Operation("set_profile", "a", {}, {"website": "x.example"}), {"website": "http://x.example"}, True),
        (Operation("set_profile", "a", {}, {"country": "Canada"}), {"country": "Canad"}, True),
        (Operation("set_password", "a", {"password": "x"}, {"password": "x"}), ANN, None),
        (Operation("enable", "a", {}, {"active": True}), {"active": True}, True),
        (Operation("enable", "a", {}, {"active": True}), {"active": False}, False),
        (Operation("disable", "a", {}, {"active": False}), {"active": False}, True),
        (Operation("disable", "a", {}, {"active": False}), {"active": True}, False),
        (Operation("enable_website", "a", {}, {"website_access": True}), {"website_access": True}, True),
        (Operation("enable_website", "a", {}, {"website_access": True}), {"active": True}, None),
        (Operation("disable_website", "a", {}, {"website_access": False}), {"website_access": True}, False),
        (Operation("disable_website", "a", {}, {"website_access": False}), None, None),
    ],
)
def test_whether_an_operation_shows(operation, current, done):
    assert is_done(operation, current) is done


def test_the_outcome_of_some_operations_only():
    made = plan(desired(active=False, city="Bath", website_access=True), known({**ANN, "website_access": False}))
    halfway = apply(made.before, made.operations[:1])
    assert halfway == {**ANN, "website_access": False, "active": False}


@pytest.mark.parametrize(
    ("wanted", "stored", "told"),
    [
        ({"website": "x.example"}, {"website": "http://x.example"}, ["website", "x.example", "http://x.example"]),
        ({"country": "Canada"}, {"country": "Canad"}, ["country", "Canada", "'Canad'"]),
    ],
)
def test_what_the_server_stores_otherwise_is_told(wanted, stored, told):
    now = {**ANN, **stored}
    made = plan(desired(**wanted), known(now))
    assert names(made) == []
    [name] = stored_otherwise(desired(**wanted), now, API)
    text = stored_text(desired(**wanted), now, name)
    assert [word for word in ("ann@example.com", *told) if word not in text] == []


def test_what_is_stored_as_wanted_or_about_to_be_written_is_not_told():
    wanted = desired(city="Bath", first_name="Ann", company="hidden")
    made = plan(wanted, known(ANN))
    assert stored_otherwise(wanted, ANN, API, made.operations) == []
    assert stored_otherwise(wanted, {**ANN, "city": "Bath"}, API) == []


def test_what_only_a_new_customer_gets_is_told_of_a_new_one_only():
    wanted = dataclasses.replace(desired(city="Bath", first_name="Eve"), on_create=frozenset(["city", "password"]))
    stored = {**ANN, "city": "bath"}
    assert stored_otherwise(wanted, stored, API) == ["first_name"]
    assert stored_otherwise(wanted, stored, API, is_new=True) == ["city", "first_name"]
    assert stored_otherwise(wanted, {**ANN, "city": "Bath", "first_name": "Eve"}, API, is_new=True) == []


# All cases against a service that knows nothing of plans. Its own words for options:
WIRE_NAMES = {"region": "state"}
USERNAMES = ["ann@example.com", "Ann@example.com", "bob@example.com", "joann@example.com", "é & <b>"]
# Among any text also what the service already has, so that equal values are met often.
FIELD_TEXTS = st.one_of(st.sampled_from(["Aarhus", "example.com", "http://example.com", "Canada", "Canad"]), XML_TEXTS)
PROFILE_NAMES = [name for name, capability in API.attributes.items() if capability.written_by == "set_profile"]
SWITCHES = st.sampled_from(["true", "false"])
STORED = st.fixed_dictionaries(
    {
        "username": st.sampled_from(USERNAMES),
        "password": st.sampled_from(["one-password", "other-password"]),
        **{WIRE_NAMES.get(name, name): FIELD_TEXTS for name in ("email", *PROFILE_NAMES)},
        "active": SWITCHES,
        "website_access": SWITCHES,
    }
)
FLEETS = st.lists(STORED, max_size=3, unique_by=lambda one: one["username"])
WANTED = st.builds(
    asked_for,
    username=st.sampled_from(USERNAMES),
    attributes=st.fixed_dictionaries(
        {},
        optional={
            **{name: FIELD_TEXTS for name in ("email", *PROFILE_NAMES)},
            "active": st.booleans(),
            "website_access": st.booleans(),
            "package": FIELD_TEXTS,
            "ips": st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2"]), max_size=2),
        },
    ),
    state=st.sampled_from(["present", "present", "present", "absent"]),
    new_username=st.one_of(st.none(), st.sampled_from(USERNAMES)),
    password=st.one_of(st.none(), st.sampled_from(["one-password", "other-password"])),
    update_password=st.sampled_from(["on_create", "always"]),
    update_website_access=st.sampled_from(["always", "on_create"]),
)


def read(service, answer_format):
    """The customers as attributes, through the bytes of an answer."""
    answer = ENCODERS[answer_format](service.rows())
    return [from_row(row)[0] for row in _answers.rows(answer_format, answer)]


def look(service, wanted, answer_format):
    """What a client can find out about the wanted customer."""
    current = identified(wanted, read(service, answer_format))
    stored = service.customers[current["username"]] if current else {}
    company, password = to_search_company(wanted, current), to_check_password(wanted, current)
    found = [row["username"] for row in service.rows({"company": company})] if company else []
    return known(
        current,
        company_matches=None if company is None else stored["username"] in found,
        password_matches=stored["password"] == password if password and service.knows_check else None,
        shows_website_access=service.shows_website_access,
    )


def write(service, operation):
    """Carries one operation out, in the service's own words."""
    values = [] if operation.name == "create" else [("user", operation.user)]
    for name, value in operation.sent.items():
        wire = {"ips": "ip[]", **WIRE_NAMES}.get(name, name)
        values += [(wire, item) for item in (value if isinstance(value, list) else [value])]
    if "password" in operation.sent:
        values.append(("confirm_password", operation.sent["password"]))
    if operation.name == "disable":
        values.append(("username", operation.user))
    service.act(operation.name, values)


def refusal(wanted, service):
    """Why a customer cannot be told for certain, thought of once more from scratch."""
    asked = {wanted.username, wanted.new_username or wanted.username}
    exact = asked & set(service.customers)
    if len(exact) == 2:
        return "exist"
    near = {name.casefold() for name in set(service.customers) - asked}
    final = wanted.new_username or wanted.username
    if not exact and wanted.username.casefold() in near:
        return "correct username"
    # A similar name is not taken for the customer, and no customer is created with it.
    return "correct new_username" if final not in exact and final.casefold() in near else None


@settings(max_examples=3 * settings.default.max_examples)
@given(
    FLEETS,
    WANTED,
    st.sampled_from(["json", "xml"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([False, False, True]),
)
def test_a_plan_does_what_it_predicts_and_a_second_one_is_empty(fleet, wanted, answer_format, shows, checks, rewrites):
    service = FakeService(*fleet, shows_website_access=shows, knows_check=checks, rewrites=rewrites)
    reason = refusal(wanted, service)
    if reason:
        with pytest.raises(InvalidInput, match=reason):
            look(service, wanted, answer_format)
        return
    others = {name: dict(one) for name, one in service.customers.items() if name not in wanted.usernames}
    made = plan(wanted, look(service, wanted, answer_format))
    for operation in made.operations:
        write(service, operation)

    assert {name: one for name, one in service.customers.items() if name not in wanted.usernames} == others
    if wanted.state == "absent":
        assert not wanted.usernames & set(service.customers)
        assert made.after is made.predicted is None
    else:
        _check_customer(service, wanted, made, answer_format)
    if refusal(wanted, service):
        # The customer is gone, and another customer has the same name in another case.
        assert wanted.state == "absent"
        return
    again = plan(wanted, look(service, wanted, answer_format))
    assert set(names(again)) <= _repeated(wanted, service)
    assert again.before == again.predicted


def _check_customer(service, wanted, made, answer_format):
    final = wanted.new_username or wanted.username
    stored = service.customers[final]
    [shown] = [one for one in read(service, answer_format) if one["username"] == final]
    if service.rewrites:
        # A prediction says what is written, not what the service makes of it; the names are the same.
        assert set(made.predicted) == set(shown)
    else:
        assert made.predicted == shown
        for name, value in made.after.items():
            if name == "password":
                assert (value, stored["password"]) == ("********", wanted.attributes["password"])
                continue
            text = "|".join(value) if isinstance(value, list) else {True: "true", False: "false"}.get(value, value)
            assert stored.get({"ips": "ip[]", **WIRE_NAMES}.get(name, name), "") == text


def _repeated(wanted, service):
    """The writes that the documentation says are repeated on each run."""
    if wanted.state == "absent":
        return set()
    repeated = set()
    if not service.shows_website_access and "website_access" not in wanted.unless_hidden:
        repeated |= {"enable_website", "disable_website"}
    if wanted.attributes.get("company") == "":
        repeated.add("set_profile")
    if "password" not in wanted.on_create and not service.knows_check:
        repeated.add("set_password")
    return repeated
