# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is merged under a customer, and which value wins."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_rows import merged


def test_an_own_value_wins_over_a_password_and_that_over_a_default() -> None:
    rows = [{"username": "a"}, {"username": "b"}, {"username": "c", "password": "own"}]
    found = merged(rows, {"password": "default", "city": "Oslo"}, {"b": "apart", "c": "apart"})
    assert [row["password"] for row in found] == ["default", "apart", "own"]
    assert {row["city"] for row in found} == {"Oslo"}


def test_none_is_an_own_value_and_what_is_omitted_is_none() -> None:
    omit = "__omit__"
    row = {"username": "a", "city": None, "zip": omit, "active": False}
    found = merged([row], {"city": "Oslo", "zip": "1", "active": True, "country": omit}, {"a": omit}, omit)
    assert found == [{"username": "a", "city": None, "zip": "1", "active": False}]


def test_a_renamed_customer_is_looked_for_by_its_former_name_first() -> None:
    rows = [{"username": "a", "new_username": "b"}, {"username": "c", "new_username": "d"}]
    assert [row["password"] for row in merged(rows, {}, {"a": "1", "b": "2", "d": "4"})] == ["1", "4"]


def test_values_stay_the_same_objects_and_rows_are_new() -> None:
    name, groups = "".join(["a", "b"]), ["x"]
    row = {"username": name, "ip_groups": groups}
    found = merged([row], {"city": "Oslo"})
    assert found[0]["username"] is name and found[0]["ip_groups"] is groups
    assert row == {"username": "ab", "ip_groups": ["x"]}


def test_a_date_becomes_text() -> None:
    assert merged([{"billing_date": datetime.date(2026, 12, 1)}])[0]["billing_date"] == "2026-12-01"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("secret",), "customers must be a list of dicts, and is a text"),
        (([{}, ["secret"]],), "customers[1] must be a dict, and is a list"),
        (([None],), "customers[0] must be a dict, and is empty"),
        (([], ["secret"]), "defaults must be a dict, and is a list"),
        (([], {}, "secret"), "passwords must be a dict, and is a text"),
    ],
)
def test_what_is_no_list_of_dicts_is_told_without_its_value(arguments: tuple[Any, ...], text: str) -> None:
    with pytest.raises(TypeError) as caught:
        merged(*arguments)
    assert str(caught.value) == text
