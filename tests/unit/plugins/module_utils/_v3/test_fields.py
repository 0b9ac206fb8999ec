# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API v3 can do with each attribute, and rows and profiles as a server may send them."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import ATTRIBUTES, of_detail
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    creation_problems,
    option_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import CALLS
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import (
    PROFILE_FIELDS,
    Key,
    capabilities,
    from_profile,
    from_row,
    to_wire,
)
from hypothesis import given
from hypothesis import strategies as st

CAN = capabilities()
# name: wire name, whether a creation takes and needs it, how it becomes known, what changes it later
REFERENCE = {
    "username": ("username", True, True, "list", "rename"),
    "password": ("password", True, True, "never", None),
    "email": ("email", True, True, "list", "set_email"),
    "first_name": ("first_name", False, False, "details", "set_profile"),
    "last_name": ("last_name", False, False, "details", "set_profile"),
    "address": ("address", False, False, "details", "set_profile"),
    "city": ("city", False, False, "details", "set_profile"),
    "region": ("state", False, False, "details", "set_profile"),
    "zip": ("zip", False, False, "details", "set_profile"),
    "country": ("country", False, False, "details", "set_profile"),
    "phone": ("phone", False, False, "details", "set_profile"),
    "website": ("website", False, False, "details", "set_profile"),
    "company": ("company", False, False, "details", "set_profile"),
    "active": (None, False, False, "list", "switch"),
    "website_access": (None, False, False, "never", "switch"),
    "whitelabel": (None, False, False, "details", "set_whitelabel"),
    "ips": ("ips", True, False, "details", "set_ips"),
    "credits": (None, False, False, "details", "set_credits"),
    "data_residency": ("region", True, False, "list", None),
}
PROFILE_NAMES = {name for name, row in REFERENCE.items() if row[-1] == "set_profile"}
MISSING = {"package", "ip_groups", "free_user", "billing_date", "mail_domain"}


def test_every_attribute_is_known_or_said_to_be_missing():
    assert set(CAN.attributes) == set(REFERENCE)
    assert set(CAN.missing) == MISSING
    assert {attribute.name for attribute in ATTRIBUTES} == {*CAN.attributes, *CAN.missing}


@pytest.mark.parametrize("name", REFERENCE)
def test_an_attribute_is_as_the_description_says(name):
    wire, on_create, needed, seen, written_by = REFERENCE[name]
    one = CAN.attributes[name]
    assert (one.on_create, one.needed, one.seen, one.written_by) == (on_create, needed, seen, written_by)
    # Limits are on no record.
    assert (one.limit, one.limit_on_create) == (None, None)
    if wire is not None:
        assert to_wire({name: "x"}) == {wire: "x"}


def test_the_profile_is_what_results_call_it():
    assert set(PROFILE_FIELDS) == of_detail("profile") == PROFILE_NAMES == CAN.shown_by(["profile"])
    assert CAN.shown_by([]) == frozenset()


def test_every_write_has_a_call():
    written = {one.written_by for one in CAN.attributes.values()} - {None, "switch"}
    assert written == {*CAN.order, "rename"}
    switches = {operation for switch in CAN.switches.values() for operation in (switch.open, switch.close)}
    of_customers = {name for name in CALLS if not name.endswith(("_api_key", "_api_keys"))}
    reads = {"list", "get", "who_am_i", "get_profile", "get_ips", "list_ips", "get_credits", "get_whitelabel"}
    # A domain is found by a list, and taken away by a call of its own.
    of_domains = {"list_domains", "remove_whitelabel"}
    assert {*written, *switches, "create", "delete"} | reads | of_domains == of_customers


@pytest.mark.parametrize("name", sorted(MISSING))
def test_what_the_api_lacks_is_told_before_any_call(name):
    [problem] = option_problems({"username": "ann", name: "x"}, CAN)
    assert problem.startswith(f"{name} cannot be used with api=subusers")


def test_all_that_is_missing_is_told_at_once():
    problems = option_problems({name: "x" for name in sorted(MISSING)}, CAN)
    assert {problem.split()[0] for problem in problems} == MISSING


def test_only_a_creation_needs_anything():
    assert option_problems({"username": "ann"}, CAN) == []
    assert creation_problems({"username": "ann"}, CAN) == ["creation needs password, email"]
    given_ = {"username": "ann", "password": "canary-password-4711", "email": "a@b"}
    assert creation_problems(given_, CAN) == []


def test_limits_of_v2_do_not_apply():
    longest = {name: "x" * 5000 for name in PROFILE_NAMES}
    assert option_problems({"username": "x" * 300, "new_username": "y" * 300, **longest}, CAN) == []


# Rows

ROW = {"disabled": False, "id": "7", "username": "ann", "email": "a@b", "region": "global"}


def test_a_row():
    customer = from_row(ROW)
    assert customer.attributes == {"username": "ann", "email": "a@b", "active": True, "data_residency": "global"}
    assert (customer.key, customer.username) == (Key("7", "global"), "ann")
    assert customer.extra == {"id": "7", "region": "global"}


@pytest.mark.parametrize(
    ("change", "attributes", "key"),
    [
        ({"disabled": True}, {"active": False}, Key("7")),
        ({"disabled": None}, {"active": None}, Key("7")),
        ({"email": None}, {"email": None}, Key("7")),
        ({"email": ["x"]}, {"email": None}, Key("7")),
        ({"email": ""}, {"email": ""}, Key("7")),
        ({"id": None}, {}, Key(None)),
        ({"id": ""}, {}, Key(None)),
        ({"id": ["7"]}, {}, Key(None)),
        ({"id": True}, {}, Key(None)),
        ({"region": "EU"}, {"data_residency": "eu"}, Key("7", "eu")),
        ({"region": None}, {"data_residency": None}, Key("7", "global")),
        ({"region": ""}, {"data_residency": None}, Key("7", "global")),
        ({"region": ["eu"]}, {"data_residency": None}, Key("7", "global")),
        ({"region": "mars"}, {"data_residency": "mars"}, Key("7", "mars")),
    ],
)
def test_a_row_with_something_missing_or_odd(change, attributes, key):
    """A value that is not shown has no key. Odd values that are not needed are ignored."""
    customer = from_row({**ROW, **change})
    wanted = {"username": "ann", "email": "a@b", "active": True, "data_residency": "global", **attributes}
    assert customer.attributes == {name: value for name, value in wanted.items() if value is not None}
    assert customer.key == key


@pytest.mark.parametrize(
    "row",
    [
        None,
        [],
        "ann",
        {},
        {"username": None},
        {"username": ""},
        {"username": ["ann"]},
        {"username": True},
        {"username": "ann", "disabled": "false"},
        {"username": "ann", "disabled": "0"},
        {"username": "ann", "disabled": []},
    ],
)
def test_a_row_that_cannot_be_read(row):
    with pytest.raises(WireError) as caught:
        from_row(row)
    assert caught.value.readable is False


def test_what_a_row_shows_beyond_is_text_without_secrets():
    more = {
        "signup_session_token": "t",
        "password": "p",
        "api_key": "k",
        "_x": "1",
        "credits": {"type": "x", "token": "t"},
    }
    assert from_row({**ROW, **more}).extra == {"id": "7", "region": "global", "credits": '{"type": "x"}'}


@given(st.dictionaries(st.sampled_from([*ROW, "x"]), st.none() | st.booleans() | st.text() | st.lists(st.text())))
def test_any_row_is_read_or_refused(row):
    try:
        customer = from_row(row)
    except WireError:
        return
    assert customer.username == row["username"]
    assert set(customer.attributes) <= {"username", "email", "active", "data_residency"}
    assert all(isinstance(value, str) for value in customer.extra.values())
    assert customer.key.id is None or isinstance(customer.key.id, str)


# Profiles


@pytest.mark.parametrize("empty", ["", None, "missing"])
def test_what_a_profile_does_not_hold_is_empty(empty):
    document = {} if empty == "missing" else dict.fromkeys([*PROFILE_FIELDS.values(), "address2"], empty)
    assert from_profile(document) == dict.fromkeys(PROFILE_FIELDS, "")


def test_a_profile():
    document = {wire: f"of {wire}" for wire in PROFILE_FIELDS.values()}
    assert from_profile({**document, "address2": "x", "more": []}) == {
        name: f"of {wire}" for name, wire in PROFILE_FIELDS.items()
    }


@pytest.mark.parametrize("document", [None, [], "x", True, {"city": []}, {"zip": {}}, {"state": False}])
def test_a_profile_that_cannot_be_read(document):
    with pytest.raises(WireError) as caught:
        from_profile(document)
    assert caught.value.readable is False


@given(st.dictionaries(st.sampled_from([*PROFILE_FIELDS.values(), "x"]), st.none() | st.text() | st.booleans()))
def test_any_profile_is_read_or_refused(document):
    try:
        attributes = from_profile(document)
    except WireError:
        assert any(isinstance(document.get(wire), bool) for wire in PROFILE_FIELDS.values())
        return
    assert attributes == {name: document.get(wire) or "" for name, wire in PROFILE_FIELDS.items()}
    # Values that were read can be written.
    assert to_wire(attributes) == {wire: document.get(wire) or "" for wire in PROFILE_FIELDS.values()}
