# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet as a user writes it: precedence, conversion of values, and problems without a secret."""

from __future__ import annotations

import datetime

import pytest
from ansible.module_utils.common.validation import check_type_bool, check_type_list
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import (
    FILE_CONTENT,
    GivenFleet,
    known,
    read_fleet,
    read_options,
    row_spec,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities
from hypothesis import example, given
from hypothesis import strategies as st

API = capabilities("reseller")
ADA = {"username": "ada@example.com"}
# The options that every row has.
DEFAULTS = {name: option["default"] for name, option in row_spec().items() if "default" in option}
BOOLEANS = sorted(name for name, option in row_spec().items() if option["type"] == "bool")
LISTS = sorted(name for name, option in row_spec().items() if option["type"] == "list")
CHOICES = {name: option["choices"] for name, option in row_spec().items() if "choices" in option}
QUOTE_BOOLEAN = "put it in quotes, since YAML takes words such as NO, yes and on for booleans"
QUOTE_NUMBER = "put it in quotes, since YAML drops leading zeros and a plus sign, and takes 12:30 for 750"


class Encrypted:
    """A single encrypted value, as in ansible-core before 2.19. It is not a text, but it contains one."""

    __ENCRYPTED__ = True

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text


def read(customers, defaults=None, passwords=None, **more):
    return read_fleet(GivenFleet(customers, defaults, passwords, **more), API)


def rows_of(customers, defaults=None, passwords=None):
    """The rows of a fleet that has nothing wrong, without what every row has."""
    fleet = read(customers, defaults, passwords)
    assert fleet.problems == []
    for row in fleet.rows:
        assert set(DEFAULTS) <= set(row)
    return [{name: value for name, value in row.items() if value != DEFAULTS.get(name)} for row in fleet.rows]


def problems_of(customers, defaults=None, passwords=None, **more):
    return read(customers, defaults, passwords, **more).problems


# What is merged, and which value wins


def test_an_own_value_wins_over_a_password_and_that_over_a_default():
    names = [{"username": "a"}, {"username": "b"}, {"username": "c", "password": "own-4711"}]
    found = rows_of(names, {"password": "default-4711", "city": "Oslo"}, {"b": "apart-4711", "c": "apart-4711"})
    assert [row["password"] for row in found] == ["default-4711", "apart-4711", "own-4711"]
    assert {row["city"] for row in found} == {"Oslo"}


def test_an_own_null_takes_a_default_and_a_password_away():
    row = {"username": "a", "city": None, "active": False, "password": None, "ips": None, "state": None}
    shared = {"city": "Oslo", "zip": "1", "active": True, "ips": "192.0.2.1", "state": "absent"}
    assert rows_of([row], shared, {"a": "apart-4711"}) == [{"username": "a", "zip": "1", "active": False}]


def test_a_null_among_what_is_shared_is_none():
    assert rows_of([ADA], {"city": None, "state": None, "active": None}, {ADA["username"]: None}) == [ADA]


def test_an_own_null_password_wins_over_the_one_of_its_new_name():
    row = {"username": "a", "new_username": "b@example.com", "password": None}
    assert rows_of([row], None, {"b@example.com": "apart-4711"}) == [{"username": "a", "new_username": "b@example.com"}]


def test_a_renamed_customer_is_looked_for_by_its_former_name_first():
    names = [
        {"username": "a", "new_username": "b@example.com"},
        {"username": "c", "new_username": "d@example.com"},
        {"username": "e", "new_username": "f@example.com"},
    ]
    apart = {
        "a": "first-1",
        "b@example.com": "second-1",
        "d@example.com": "fourth-1",
        "e": None,
        "f@example.com": "6" * 6,
    }
    assert [row["password"] for row in rows_of(names, None, apart)] == ["first-1", "fourth-1", "666666"]


def test_passwords_of_names_that_are_none_of_the_fleet_are_nobodys():
    assert rows_of([ADA], None, {"ADA@example.com": "apart-4711", "zoe": "x", "": "y"}) == [ADA]


def test_a_name_that_is_a_number_finds_its_password():
    assert read([{"username": 4711}], None, {"4711": "apart-1"}).rows == [
        {**DEFAULTS, "username": "4711", "password": "apart-1"}
    ]


@pytest.mark.parametrize("blank", ["", "  ", "\t\n", None, {}])
def test_what_is_blank_is_none(blank):
    assert rows_of([ADA], blank, blank) == [ADA]
    assert GivenFleet([ADA], blank, blank).secrets() == set()


def test_what_is_given_stays_as_it_is():
    row, shared, apart = {"username": "a", "ip_groups": ["x", 5]}, {"active": "yes"}, {"a": "apart-4711"}
    assert rows_of([row], shared, apart)[0]["ip_groups"] == ["x", "5"]
    assert (row, shared, apart) == ({"username": "a", "ip_groups": ["x", 5]}, {"active": "yes"}, {"a": "apart-4711"})


def test_customers_share_no_value_that_one_of_them_could_change():
    first, second = read([{"username": "a"}, {"username": "b"}], {"city": "Oslo"}).rows
    first["city"] = "Bath"
    assert second["city"] == "Oslo"


# What values become


SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["true", "Yes", " on ", "y", "T", "1", "false", "No", "OFF", "n", "F", "0", "2", "", "ja", "1.0"]),
)


def _of_ansible(check, value):
    try:
        return check(value)
    except TypeError:
        return None


@given(value=SCALARS, name=st.sampled_from(BOOLEANS))
@example(value=10**400, name="active")
@example(value=1.0, name="active")
@example(value=1.0000001, name="active")
@example(value=float("nan"), name="active")
def test_a_boolean_is_what_ansible_reads(value, name):
    expected = _of_ansible(check_type_bool, value)
    fleet = read([{**ADA, name: value}])
    assert fleet.rows[0].get(name) is expected
    told = [problem for problem in fleet.problems if f"{name} must be true or false, and is" in problem]
    assert len(told) == (expected is None)


@given(value=st.one_of(st.text("a,b 1", max_size=6), st.integers(), st.floats(), st.lists(st.text("ab", max_size=2))))
def test_a_list_is_what_ansible_reads(value):
    [row] = read([{**ADA, "ip_groups": value}]).rows
    assert row["ip_groups"] == [str(item) for item in check_type_list(value)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(4101, "4101"), (1.5, "1.5"), (datetime.date(2026, 12, 1), "2026-12-01"), (Encrypted("canary"), "canary")],
)
def test_a_value_becomes_the_text_that_it_stands_for(value, text):
    assert rows_of([{**ADA, "zip": value, "ip_groups": [value, "x"]}], {"city": value}) == [
        {**ADA, "zip": text, "ip_groups": [text, "x"], "city": text}
    ]


def test_a_password_that_is_encrypted_by_itself_is_the_text_that_it_stands_for():
    fleet = GivenFleet(
        [ADA, {"username": Encrypted("ben")}], {"password": Encrypted("canary-1")}, {"ben": Encrypted("canary-2")}
    )
    assert [row["password"] for row in read_fleet(fleet, API).rows] == ["canary-1", "canary-2"]
    assert fleet.secrets() == {"canary-1", "canary-2"}
    [problem] = problems_of([{**ADA, "password": Encrypted("short")}])
    assert "password is shorter than 6 characters" in problem


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_is_one_of_its_words_and_null_is_left_out(name):
    for word in CHOICES[name]:
        assert read([{**ADA, name: word}]).rows[0][name] == word
    assert read([{**ADA, name: None}]).rows[0].get(name) == DEFAULTS.get(name)
    for value, told in (("gone", "'gone'"), ("Present", "'Present'"), ("", "''"), (5, "a number"), (True, "a boolean")):
        assert problems_of([{**ADA, name: value}]) == [
            f"customers[0] ('ada@example.com'): {name} must be {' or '.join(CHOICES[name])}, and is {told}"
        ]


@pytest.mark.parametrize("text", ["{{ 1 + 1 }}", "=1+1", "+1", "-1", "@x", "1,5", "ja;nein"])
def test_a_text_stays_the_text_that_it_is(text):
    assert rows_of([{**ADA, "city": text, "ip_groups": [text]}])[0] == {**ADA, "city": text, "ip_groups": [text]}


# Problems


@pytest.mark.parametrize(
    ("fleet", "problem"),
    [
        (GivenFleet("canary"), "customers must be a list of dicts, and is a text"),
        (GivenFleet({"canary": 1}), "customers must be a list of dicts, and is a dict"),
        (GivenFleet(5, file="x.json"), "'x.json' must be a list of dicts, and is a number"),
        (GivenFleet(None, file="x\x1b.yml"), "'x\\x1b.yml' must be a list of dicts, and is empty"),
        (GivenFleet([ADA], ["canary"]), "defaults must be a dict, and is a list"),
        (GivenFleet([ADA], {}, "canary"), "passwords must be a dict, and is a text"),
        (GivenFleet([ADA], 5, {}), "defaults must be a dict, and is a number"),
        (GivenFleet([ADA, ["canary"]]), "customers[1] must be a dict, and is a list"),
        (GivenFleet([ADA, None], file="x.json"), "'x.json'[1] must be a dict, and is empty"),
        (GivenFleet([ADA], {"username": "x"}), "defaults: there cannot be a default for username"),
        (GivenFleet([ADA], {"new_username": 5}), "defaults: there cannot be a default for new_username"),
        (
            GivenFleet([ADA], None, {"zoe@example.com": ["canary"]}),
            "passwords: the password of 'zoe@example.com' must be a text, and is a list",
        ),
        (GivenFleet([{"city": "Oslo"}]), "customers[0]: username is missing"),
        (GivenFleet([{"username": ""}]), "customers[0]: username is empty"),
        (GivenFleet([{"username": None}]), "customers[0]: username must be a text, and is empty"),
    ],
)
def test_a_fleet_that_is_none_is_told_by_place_and_kind(fleet, problem):
    assert read_fleet(fleet, API).problems == [problem]


def test_all_shapes_are_told_at_once():
    assert len(problems_of("canary", ["canary"], "canary")) == 3


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"citty": "canary"}, "unknown option citty (did you mean 'city'?)"),
        ({"api_key": "canary"}, "unknown option api_key"),
        ({5: "canary"}, "unknown option 5"),
        ({"a\nb": "canary"}, "unknown option a\\nb"),
        ({"active": "perhaps"}, "active must be true or false, and is 'perhaps'"),
        ({"active": ["canary"]}, "active must be true or false, and is a list"),
        ({"city": {"canary": 1}}, "city must be a text, and is a dict"),
        ({"city": b"canary"}, "city must be a text, and is bytes"),
        ({"ip_groups": [["canary"]]}, "ip_groups[0] must be a text, and is a list"),
        ({"ip_groups": {"canary": 1}}, "ip_groups must be a list of texts, and is a dict"),
        ({"state": "gone"}, "state must be present or absent, and is 'gone'"),
        ({"state": ["canary"]}, "state must be a text, and is a list"),
        ({"password": ["canary"]}, "password must be a text, and is a list"),
        ({"password": 47114711}, f"password must be a text, and is a number; {QUOTE_NUMBER}"),
        ({"country": False}, f"country must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"new_username": True}, f"new_username must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"ip_groups": ["a", True]}, f"ip_groups[1] must be a text, and is a boolean; {QUOTE_BOOLEAN}"),
        ({"ip_groups": "News, Marketing"}, "ip_groups[1] ' Marketing' begins or ends with a blank"),
        ({"ip_groups": ["News", ""]}, "ip_groups[1] is empty"),
        (
            {"new_username": "b@example.com", "state": "absent"},
            "new_username cannot be used with state=absent",
        ),
        ({"password": "short"}, "password is shorter than 6 characters"),
    ],
)
def test_an_option_that_is_wrong_is_told_with_its_customer_and_without_a_secret(options, problem):
    [told] = problems_of([{**ADA, **options}])
    assert told == f"customers[0] ('ada@example.com'): {problem}"
    assert "canary" not in told and "4711" not in told


def test_an_option_of_another_api_is_told():
    [told] = read_fleet(GivenFleet([{**ADA, "mail_domain": "x.example"}]), API).problems
    assert told.startswith("customers[0] ('ada@example.com'): mail_domain ")
    assert read_fleet(GivenFleet([{**ADA, "mail_domain": "x.example"}]), capabilities("customer")).problems == []


def test_a_wrong_kind_does_not_hide_what_else_is_wrong_with_a_customer():
    row = {**ADA, "country": False, "zip": "1" * 51, "active": "perhaps"}
    told = problems_of([row, {"username": ["canary"]}])
    assert [text.partition(": ")[2].split(" ")[0] for text in told] == ["country", "active", "zip", "username"]
    assert told[-1] == "customers[1]: username must be a text, and is a list"


def test_a_default_and_an_own_value_that_do_not_go_together_are_told():
    assert problems_of([{**ADA, "new_username": "b@example.com"}], {"state": "absent"}) == [
        "customers[0] ('ada@example.com'): new_username cannot be used with state=absent"
    ]
    assert problems_of([{**ADA, "new_username": "b@example.com", "state": "present"}], {"state": "absent"}) == []


def test_what_is_wrong_with_shared_values_is_told_once_and_not_for_each_customer():
    rows = [{"username": f"c{number}@example.com"} for number in range(3)]
    defaults = {"country": False, "citty": "canary", "city": "x" * 101, "active": "perhaps", "ips": "canary"}
    passwords = {"c0@example.com": 47114711, "c1@example.com": "good-4711", "c2@example.com": True}
    assert problems_of(rows, defaults, passwords) == [
        "defaults: unknown option citty (did you mean 'city'?)",
        f"defaults: country must be a text, and is a boolean; {QUOTE_BOOLEAN}",
        "defaults: active must be true or false, and is 'perhaps'",
        "defaults: city has 101 characters, the limit is 100",
        "defaults: ips: 'canary' is not an IP address",
        f"passwords: the password of 'c0@example.com' must be a text, and is a number; {QUOTE_NUMBER}",
        f"passwords: the password of 'c2@example.com' must be a text, and is a boolean; {QUOTE_BOOLEAN}",
    ]


def test_a_default_that_is_wrong_is_told_though_nobody_takes_it():
    assert len(problems_of([{**ADA, "active": True}], {"active": "perhaps"})) == 1
    assert len(problems_of([], {"active": "perhaps"})) == 1


@pytest.mark.parametrize(
    ("count", "more"), [(100, []), (101, ["and 1 more problems"]), (350, ["and 250 more problems"])]
)
def test_many_problems_are_cut_and_the_rest_is_counted(count, more):
    told = problems_of([{"username": f"c{number}@example.com", "citty": "x"} for number in range(count)])
    assert told[:100] == [
        f"customers[{number}] ('c{number}@example.com'): unknown option citty (did you mean 'city'?)"
        for number in range(100)
    ]
    assert told[100:] == more


def test_names_that_are_there_twice_are_told_with_both_places():
    rows = [{"username": "a"}, {"username": "b"}, {"username": "a"}, {"username": "B"}]
    assert problems_of(rows) == [
        "customers[0] and customers[2] have the username 'a'",
        "customers[1] ('b') and customers[3] ('B') differ only by case",
    ]
    assert problems_of(rows, file="x.csv", lines=[2, 3, 5, 9]) == [
        "line 2 of 'x.csv' and line 5 of 'x.csv' have the username 'a'",
        "line 3 of 'x.csv' ('b') and line 9 of 'x.csv' ('B') differ only by case",
    ]


@pytest.mark.parametrize(
    ("file", "lines", "place"),
    [
        ("", (), "customers[1]"),
        ("fleet.csv", (2, 7), "line 7 of 'fleet.csv'"),
        ("fleet.json", (), "'fleet.json'[1]"),
        ("a\x1bb.yml", (), "'a\\x1bb.yml'[1]"),
    ],
)
def test_a_place_is_that_of_the_source(file, lines, place):
    fleet = read([ADA, {"username": "ben", "state": "gone", "zip": 5}], file=file, lines=lines)
    assert fleet.problems == [f"{place} ('ben'): state must be present or absent, and is 'gone'"]
    assert fleet.warnings[0].startswith(f"zip of {place} ('ben') is a number, and is used as the text '5'; ")


# Numbers in place of texts


def test_a_number_in_many_rows_is_one_warning_for_each_option():
    rows = [{"username": f"c{number}", "phone": "1", "zip": 2113 + number} for number in range(10_000)]
    rows[7]["phone"] = 12075550112
    rows[9]["ip_groups"] = ["a", 1, 2]
    warnings = read([{"username": "first", "zip": "01"}, *rows]).warnings
    assert [warning.partition(";")[0] for warning in warnings] == [
        "zip of customers[1] ('c0') is a number, and is used as the text '2113', and 9999 more like it",
        "phone of customers[8] ('c7') is a number, and is used as the text '12075550112'",
        "ip_groups[1] of customers[10] ('c9') is a number, and is used as the text '1', and 1 more like it",
    ]


def test_a_number_among_the_defaults_is_one_warning():
    fleet = read([{"username": f"c{number}", "phone": number} for number in range(3)], {"zip": 4101})
    assert [warning.partition(";")[0] for warning in fleet.warnings] == [
        "zip of defaults is a number, and is used as the text '4101'",
        "phone of customers[0] ('c0') is a number, and is used as the text '0', and 2 more like it",
    ]


# Secrets


@pytest.mark.parametrize(
    ("fleet", "secrets"),
    [
        (
            GivenFleet([{"password": "a"}, {"password": 5}, {"password": ["b", {"x": "c"}]}, "d", None]),
            {"a", "5", "b", "c"},
        ),
        (GivenFleet(None, {"password": "a"}, {"x": "b", "y": ["c"], "z": None}), {"a", "b", "c"}),
        (GivenFleet({"password": "a"}, ["b"], ["c", {"x": "d"}]), {"c", "d"}),
        (GivenFleet("a", "b", "c"), {"c"}),
        (GivenFleet([{"password": True}, {"password": ""}], None, {"x": False}), set()),
    ],
)
def test_every_password_of_any_kind_is_known_as_a_secret(fleet, secrets):
    assert fleet.secrets() == secrets


CANARY = "canary-4711"
HIDDEN = st.recursive(
    st.sampled_from([CANARY, f"{CANARY}\n", f"x {CANARY}", CANARY.encode(), 47114711, -4711.4711]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=2), st.dictionaries(st.sampled_from([CANARY, 4711]), inner, min_size=1)
    ),
    max_leaves=3,
)
NO_DICT, NO_LIST = (HIDDEN.filter(lambda value, kind=kind: not isinstance(value, kind)) for kind in (dict, list))
# A username is not a secret, neither as a text nor as a number.
ROW = st.fixed_dictionaries(
    {}, optional={"password": HIDDEN, "pasword": HIDDEN, "username": st.one_of(st.just("ada"), st.lists(HIDDEN))}
)


@given(
    customers=st.one_of(st.lists(st.one_of(ROW, NO_DICT), min_size=1, max_size=3), NO_LIST),
    defaults=st.one_of(ROW, NO_DICT, st.none()),
    passwords=st.one_of(st.dictionaries(st.sampled_from(["ada", "ben"]), HIDDEN), NO_DICT, st.none()),
)
def test_no_problem_no_warning_and_no_shown_row_holds_a_secret(customers, defaults, passwords):
    """Any value can stand for a fleet, a row, a name or a password, or have an unknown option as its key."""
    fleet = read(customers, defaults, passwords)
    told = repr([fleet.problems, fleet.warnings])
    assert "canary" not in told and "4711" not in told
    secrets = GivenFleet(customers).secrets()
    for row in customers if isinstance(customers, list) else ():
        shown = known(row) if isinstance(row, dict) else {}
        # That of the right kind is masked, as a secret that is known.
        assert shown.pop("password", None) in {None, *secrets}
        assert "canary" not in repr(shown) and "4711" not in repr(shown)


def test_a_shown_row_has_the_kind_of_what_has_a_misspelt_name():
    row = {"username": "ann", "pasword": "canary", "password": ["canary"], "city": "Oslo"}
    assert known(row) == {"username": "ann", "pasword": "a text", "city": "Oslo"}
    assert known(ADA) == ADA and known(ADA) is not ADA


# Where the rows come from


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "either customers or customers_file is required"),
        ({"customers": None, "customers_file": None}, "either customers or customers_file is required"),
        ({"customers": [], "customers_file": "x.csv"}, "customers and customers_file are mutually exclusive"),
        (
            {"customers": [], "customers_file": "x.csv", FILE_CONTENT: {"customers": [], "lines": []}},
            "customers and customers_file are mutually exclusive",
        ),
        ({"customers": [], FILE_CONTENT: {"customers": [ADA]}}, f"unknown option {FILE_CONTENT}"),
        ({"customers_file": "x.csv"}, "only the action plugin of this module can read customers_file"),
        (
            {"customers_file": "x.yml", FILE_CONTENT: {"customers": None, "lines": []}},
            "'x.yml' must be a list of dicts, and is empty",
        ),
    ],
)
def test_a_fleet_has_one_source(options, problem):
    assert read_options(options, API).problems == [problem]


def test_rows_of_a_file_are_read_as_those_of_the_task():
    shared = {"defaults": {"city": "Oslo"}, "passwords": {"ada@example.com": "apart-4711"}}
    content = {"customers": [ADA], "lines": [2]}
    of_file = read_options({"customers_file": "x.csv", FILE_CONTENT: content, **shared}, API)
    assert of_file == read_options({"customers": [ADA], **shared}, API)
    assert of_file.rows == [{**DEFAULTS, **ADA, "city": "Oslo", "password": "apart-4711"}]
