# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which key a task speaks of, and what makes it what is desired."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import (
    CREATE,
    DELETE,
    UPDATE,
    ApiKey,
    DesiredKey,
    find_key,
    make_key_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from hypothesis import given
from hypothesis import strategies as st

ADDED = frozenset(("2fa_required", "sender_verification_eligible"))
SCOPES = st.frozensets(st.sampled_from(["mail.send", "stats.read", "alerts.read", "user.profile.read"]), min_size=1)


class Keys:
    """The rules of an API, without calls."""

    added_scopes = ADDED

    @staticmethod
    def has_full_access(scopes):
        return "user.profile.read" in scopes


def desired(**options):
    return DesiredKey(**{"username": "ann", "name": "news", **options})


def key(identifier="1", name="news", scopes=None):
    return ApiKey(identifier, name, None if scopes is None else frozenset(scopes))


@given(wanted=SCOPES, stored=SCOPES, added=st.frozensets(st.sampled_from(sorted(ADDED))))
def test_scopes_are_written_only_if_they_differ(wanted, stored, added):
    plan = make_key_plan(desired(scopes=wanted), key(scopes=stored | added), Keys())
    assert plan.operations == (() if wanted == stored else (UPDATE,))
    assert plan.after.scopes - ADDED == wanted
    again = make_key_plan(desired(scopes=wanted), plan.after, Keys())
    assert again.operations == ()


@given(scopes=SCOPES)
def test_scopes_that_are_hidden_are_written(scopes):
    plan = make_key_plan(desired(scopes=scopes), key(), Keys())
    assert (plan.operations, plan.is_unverified) == ((UPDATE,), True)
    assert make_key_plan(desired(), key(), Keys()).operations == ()


@given(scopes=SCOPES)
def test_rotation_creates_before_it_deletes_and_keeps_the_scopes(scopes):
    plan = make_key_plan(desired(rotate=True), key(scopes=scopes | ADDED), Keys())
    assert (plan.operations, plan.scopes) == ((CREATE, DELETE), scopes)
    other = make_key_plan(desired(rotate=True, full_access=True), key(scopes=scopes), Keys())
    assert (other.operations, other.scopes) == ((CREATE, DELETE), None)


@pytest.mark.parametrize("current", [None, key(), key(scopes=[]), key(scopes=ADDED)])
def test_a_key_without_scopes_is_not_created(current):
    with pytest.raises(InvalidInput, match="would have full access"):
        make_key_plan(desired(rotate=True), current, Keys())


def test_full_access_is_not_given_to_a_key_that_exists():
    wide, narrow = key(scopes=["user.profile.read"]), key(scopes=["mail.send"])
    for current in (wide, key()):
        assert make_key_plan(desired(full_access=True), current, Keys()).operations == ()
    with pytest.raises(InvalidInput, match="rotate=true"):
        make_key_plan(desired(full_access=True), narrow, Keys())


def test_absence():
    assert make_key_plan(desired(state="absent"), key(), Keys()).operations == (DELETE,)
    assert make_key_plan(desired(state="absent"), None, Keys()).operations == ()


def test_which_key_it_is():
    first, second, other = key("1"), key("2"), key("3", name="News")
    assert find_key(desired(), [other]) is None
    assert find_key(desired(), [first, other]) is first
    assert find_key(desired(api_key_id="2"), [first, second]) is second
    with pytest.raises(InvalidInput, match="'1', '2'; say in api_key_id"):
        find_key(desired(), [first, second])
    # An id of a key with another name is none.
    with pytest.raises(InvalidInput, match="with the id '3'"):
        find_key(desired(api_key_id="3"), [first, other])
    assert find_key(desired(api_key_id="3", state="absent"), [first, other]) is None
