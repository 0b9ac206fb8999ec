# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which customers filters let pass, and what is shown of a customer beyond its attributes."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.extra import extra_texts
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.filters import matches
from hypothesis import given
from hypothesis import strategies as st

ANN = {"username": "Ann@Example.com", "city": "Straße", "company": "", "active": True, "website_access": None}


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"username": "Ann@Example.com"}, True),
        ({"username": "nn@e"}, True),
        ({"username": "ANN"}, True),
        ({"username": "bob"}, False),
        ({"city": "STRASSE"}, True),
        ({"city": ""}, True),
        ({"company": ""}, True),
        ({"company": "x"}, False),
        ({"active": True}, True),
        ({"active": False}, False),
        # What is not known is not what is wanted.
        ({"website_access": False}, False),
        ({"website_access": True}, False),
        ({"phone": ""}, False),
        ({"phone": "5"}, False),
        ({"username": "ann", "active": True}, True),
        ({"username": "ann", "active": False}, False),
        ({"username": "bob", "active": True}, False),
    ],
)
def test_every_filter_has_to_fit(filters, passes):
    assert matches(ANN, filters) is passes


@given(st.text(), st.text(), st.text())
def test_a_part_in_any_case_is_found(before, part, after):
    stored = {"city": before + part + after}
    assert matches(stored, {"city": part})
    assert matches({"city": stored["city"].casefold()}, {"city": part})


@given(st.text(), st.text())
def test_what_is_found_is_there(stored, wanted):
    assert matches({"city": stored}, {"city": wanted}) is (wanted.casefold() in stored.casefold())


@pytest.mark.parametrize(
    ("values", "extra"),
    [
        ({}, {}),
        ({"id": "7", "x": None, "y": True, "z": ["ä", "1"]}, {"id": "7", "x": "null", "y": "true", "z": '["ä", "1"]'}),
        ({"password": "p", "ApiKey": "k", "api_key": "k", "user_secret": "s", "authorization_token": "t"}, {}),
        ({"a": {"b": [{"token": "t", "c": "d"}]}}, {"a": '{"b": [{"c": "d"}]}'}),
        # What begins like this means something to Ansible.
        ({"_x": "1", "__ansible_unsafe": "1", "x_": "1"}, {"x_": "1"}),
    ],
)
def test_what_is_shown_beyond_is_text_without_secrets(values, extra):
    assert extra_texts(values) == extra


VALUES = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda items: (
        st.lists(items, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "token", "Password"]), items, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "_a", "secrets"]), VALUES))
def test_any_values_become_texts(values):
    texts = extra_texts(values)
    assert set(texts) <= {"a"}
    for text in texts.values():
        assert isinstance(text, str)
    if "a" in texts and not isinstance(values["a"], str):
        assert not {"token", "Password"} & set(_names(json.loads(texts["a"])))


def _names(value):
    if isinstance(value, dict):
        return [*value, *(name for item in value.values() for name in _names(item))]
    return [name for item in value for name in _names(item)] if isinstance(value, list) else []
