# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of fields against the published reference, and what follows from a field alone."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    ATTRIBUTES,
    FILTERS,
    IN_RESULTS,
    as_result,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import option_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2 import answers as _answers
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import (
    CUSTOMER,
    FAMILIES,
    FIELDS,
    RESELLER,
    capabilities,
    from_row,
    to_wire,
)
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import ENCODERS
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.strategies import XML_TEXTS
from hypothesis import given
from hypothesis import strategies as st

BOTH = (RESELLER, CUSTOMER)
BY_NAME = {field.name: field for field in FIELDS}

# name: wire name, limit, limit on creation (None: the same), families with a creation that needs it, its operation
REFERENCE = {
    "username": ("username", 100, 64, BOTH, "rename"),
    "password": ("password", None, None, BOTH, "set_password"),
    "email": ("email", 100, 64, BOTH, "set_email"),
    "first_name": ("first_name", 50, None, BOTH, "set_profile"),
    "last_name": ("last_name", 50, None, BOTH, "set_profile"),
    "address": ("address", 100, None, BOTH, "set_profile"),
    "city": ("city", 100, None, BOTH, "set_profile"),
    "region": ("state", 100, None, BOTH, "set_profile"),
    "zip": ("zip", 50, None, BOTH, "set_profile"),
    "country": ("country", 100, None, BOTH, "set_profile"),
    "phone": ("phone", 50, None, BOTH, "set_profile"),
    "website": ("website", 255, None, BOTH, "set_profile"),
    "company": ("company", 255, None, BOTH, "set_profile"),
    "active": ("active", None, None, (), "switch"),
    "website_access": ("website_access", None, None, (), "switch"),
    "package": ("package", 255, None, (RESELLER,), None),
    "whitelabel": ("whitelabel", 255, None, (RESELLER,), None),
    "ip_groups": ("ip_group[]", 255, None, (), None),
    "ips": ("ip[]", None, None, (), None),
    "free_user": ("free_user", None, None, (), None),
    "billing_date": ("billing_date", None, None, (), None),
    "mail_domain": ("mail_domain", None, None, (), None),
}
OF_API_V3 = {"credits", "data_residency"}
PROFILE_NAMES = {name for name, row in REFERENCE.items() if row[-1] == "set_profile"}
RESELLER_ONLY = {"package", "whitelabel", "ip_groups", "ips", "free_user", "billing_date"}


def test_the_table_holds_the_fields_of_the_reference():
    assert [field.name for field in FIELDS] == [one.name for one in ATTRIBUTES if one.name not in OF_API_V3]
    assert {field.name for field in FIELDS} == set(REFERENCE)
    assert sorted(FAMILIES) == ["customer", "reseller"]


@pytest.mark.parametrize("name", REFERENCE)
def test_a_field_is_as_the_reference_says(name):
    field = BY_NAME[name]
    tables = {family: capabilities(family).attributes for family in field.families}
    needed = tuple(family for family, table in tables.items() if table[name].needed)
    assert all(table[name] is field.capability for table in tables.values())
    capability = field.capability
    row = (field.wire, capability.limit, capability.limit_on_create, needed, capability.written_by)
    assert row == REFERENCE[name]


@pytest.mark.parametrize("name", REFERENCE)
def test_the_families_of_a_field(name):
    families = {RESELLER} if name in RESELLER_ONLY else {CUSTOMER} if name == "mail_domain" else {RESELLER, CUSTOMER}
    assert set(BY_NAME[name].families) == families
    assert {family for family in BOTH if name in capabilities(family).attributes} == families
    assert {family for family in BOTH if name in capabilities(family).missing} == set(BOTH) - families


def test_what_every_row_shows():
    hidden = {"company", "website_access", "whitelabel", "ips", *OF_API_V3}
    assert all(capabilities(family).always_listed == set(IN_RESULTS) - hidden for family in BOTH)
    assert capabilities(RESELLER).names(seen="sometimes") == {"website_access"}
    assert capabilities(RESELLER).names(seen="compared") == {"company", "password"}


@pytest.mark.parametrize("name", sorted(OF_API_V3))
def test_what_api_v3_alone_has_is_an_error(name):
    for family in BOTH:
        value = {"type": "unlimited"} if name == "credits" else "eu"
        [problem] = option_problems({"username": "ann", name: value}, capabilities(family))
        assert problem == f"{name} cannot be used with api={family}, and needs API v3"
        # As a result of API v2 has it.
        nothing = dict.fromkeys(("type", "total")) if name == "credits" else None
        assert option_problems({"username": "ann", name: nothing}, capabilities(family)) == []


def test_a_customer_in_results_has_the_names_of_the_contract():
    assert set(IN_RESULTS) == PROFILE_NAMES | OF_API_V3 | {
        *("username", "email", "active", "website_access"),
        *("whitelabel", "ips"),
    }


def test_the_filters_are_those_of_the_contract():
    assert set(FILTERS) == PROFILE_NAMES | {"username", "email", "active"}


def test_the_password_is_the_only_secret():
    assert [attribute.name for attribute in ATTRIBUTES if attribute.secret] == ["password"]


@pytest.mark.parametrize(
    ("attributes", "parameters"),
    [
        ({}, []),
        ({"city": None}, []),
        ({"city": ""}, [("city", "")]),
        ({"region": "ME", "username": "a"}, [("username", "a"), ("state", "ME")]),
        ({"free_user": True}, [("free_user", "true")]),
        ({"free_user": False}, [("free_user", "false")]),
        ({"active": False}, [("active", "false")]),
        ({"ip_groups": ["a", "b"]}, [("ip_group[]", "a"), ("ip_group[]", "b")]),
        ({"ips": ["192.0.2.1"], "ip_groups": []}, [("ip[]", "192.0.2.1")]),
        ({"unknown": "x"}, []),
    ],
)
def test_attributes_as_parameters(attributes, parameters):
    assert sorted(to_wire(attributes)) == sorted(parameters)


def test_a_repeated_parameter_keeps_its_order():
    assert to_wire({"ips": ["192.0.2.9", "192.0.2.1"]}) == [("ip[]", "192.0.2.9"), ("ip[]", "192.0.2.1")]


def test_a_row_becomes_attributes_and_the_rest():
    row = {
        "id": "7",
        "username": "a",
        "state": "ME",
        "address2": "",
        "active": "true",
        "website_access": "false",
        "tags": {"x": ["y"]},
    }
    attributes, extra = from_row(row)
    assert attributes == {"username": "a", "region": "ME", "active": True, "website_access": False}
    assert extra == {"id": "7", "address2": "", "tags": '{"x": ["y"]}'}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ('{"a": "{{ b }}"}', '{"a": "{{ b }}"}'),
        ([], "[]"),
        (["ä", "b"], '["ä", "b"]'),
        ({"_ansible_x": ["c", {}], "__ansible_unsafe": "d"}, '{"_ansible_x": ["c", {}], "__ansible_unsafe": "d"}'),
        ([True, None, "7"], '[true, null, "7"]'),
        ([{"account": {"password": "canary", "Api_Key": "canary", "name": "a"}}], '[{"account": {"name": "a"}}]'),
    ],
)
def test_what_is_beyond_the_options_is_text(value, text):
    _attributes, extra = from_row({"username": "a", "x": value})
    assert extra == {"x": text}


@pytest.mark.parametrize(("answer_format", "expected"), [("json", "12345678901234567890"), ("xml", "1.50")])
def test_numbers_beyond_the_options_stay_as_they_are_written(answer_format, expected):
    body = f'[{{"username":"a","x":{expected}}}]' if answer_format == "json" else f"<x>{expected}</x>"
    if answer_format == "xml":
        body = f"<users><user><username>a</username>{body}</user></users>"
    [row] = _answers.rows(answer_format, body.encode())
    assert from_row(row)[1] == {"x": expected}


@pytest.mark.parametrize(
    "name",
    [
        "_ansible_no_log", "_", "__ansible_unsafe", "api_key", "apikey", "ApiKey", "API_KEY", "old_apikey", "secret",
        "Client_Secret", "token", "access_token", "TokenId", "password_hash", "confirm_password", "_password",
    ],
)  # fmt: skip
def test_names_that_mean_something_else_are_withheld(name):
    for value in ("hunter2", {"x": "hunter2"}):
        assert from_row({"username": "a", name: value, "id": "7"}) == ({"username": "a"}, {"id": "7"})


@pytest.mark.parametrize("name", ["id", "address2", "key", "a_", "monkey", "api", "pass"])
def test_other_names_are_kept(name):
    assert from_row({"username": "a", name: "7"})[1] == {name: "7"}


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("Yes", True), ("false", False), ("0", False), ("OFF", False)]
)
def test_switches_of_a_row_are_booleans(text, value):
    attributes, _extra = from_row({"username": "a", "active": text, "website_access": text})
    assert attributes["active"] is value
    assert attributes["website_access"] is value


def test_a_switch_without_a_value_is_not_shown():
    attributes, _extra = from_row({"username": "a", "active": ""})
    assert attributes == {"username": "a"}


@pytest.mark.parametrize("name", ["password", "confirm_password", "Password", "api_password"])
def test_a_password_in_a_row_reaches_no_result(name):
    attributes, extra = from_row({"username": "a", name: "hunter2"})
    assert "hunter2" not in repr((attributes, extra))


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"city": "x"},
        {"username": ""},
        {"username": ["a"]},
        {"username": {"b": "c"}},
        {"username": "a", "city": ["x", "y"]},
        {"username": "a", "city": {"b": "c"}},
        {"username": "a", "active": "perhaps"},
        {"username": "a", "website_access": ["true"]},
    ],
)
def test_a_row_that_cannot_be_understood_is_refused(row):
    with pytest.raises(WireError) as caught:
        from_row(row)
    assert not caught.value.readable


@pytest.mark.parametrize(
    ("name", "wanted", "stored", "same"),
    [
        ("city", "Bath", "Bath", True),
        ("city", "Bath", "bath", False),
        ("city", "Bath", "Bath ", False),
        ("city", "Canada", "Canad", False),
        ("city", "", "", True),
        ("address", "a\r\nb\rc", "a\nb\nc", True),
        ("address", "a\nb", "a\r\nb", False),
        ("website", "example.com", "http://example.com", True),
        ("website", "http://example.com", "http://example.com", True),
        ("website", "http://example.com", "example.com", False),
        ("website", "https://example.com", "http://example.com", False),
        ("website", "https://example.com", "http://https://example.com", False),
        ("website", "example.com", "https://example.com", False),
        ("website", "", "http://", False),
        ("website", "", "", True),
        ("country", "Canada", "Canad", True),
        ("country", "Canad", "Canad", True),
        ("country", "Canad", "Canada", False),
        ("country", "US", "US", True),
        ("country", "Cana", "Canad", False),
        ("country", "Canada", "Canada", True),
        ("country", "Canada", "Cana", False),
        ("country", "Canada", "", False),
        ("active", True, True, True),
        ("active", False, True, False),
        ("website_access", False, False, True),
    ],
)
def test_whether_a_stored_value_is_what_was_wanted(name, wanted, stored, same):
    assert BY_NAME[name].capability.same(wanted, stored) is same


def test_a_result_holds_every_name_and_null_for_what_is_hidden():
    result = as_result({"username": "a", "active": False, "password": "hunter2", "package": "Bronze"})
    assert set(result) == set(IN_RESULTS)
    assert (result["username"], result["active"]) == ("a", False)
    assert all(value is None for name, value in result.items() if name not in ("username", "active"))


TEXT_FIELDS = sorted(PROFILE_NAMES | {"email"})


@given(
    st.fixed_dictionaries(
        {"username": XML_TEXTS.filter(bool)},
        optional={
            **{name: XML_TEXTS for name in TEXT_FIELDS},
            "active": st.booleans(),
            "website_access": st.booleans(),
        },
    ),
    st.sampled_from(["json", "xml"]),
)
def test_attributes_survive_the_way_out_and_back(attributes, answer_format):
    [row] = _answers.rows(answer_format, ENCODERS[answer_format]([dict(to_wire(attributes))]))
    assert from_row(row) == (attributes, {})
