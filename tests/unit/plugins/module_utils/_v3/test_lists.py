# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists in pages. Their rows can move while they are read."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import Key
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.lists import (
    MOST_READINGS,
    read_list,
    read_whole_list,
)
from hypothesis import given
from hypothesis import strategies as st


class Account:
    """The rows of a list. `changes`: by number of a call, the new rows before this call."""

    def __init__(self, rows, ceiling=500, changes=None):
        self.rows = [Customer({"username": str(row)}, key=Key(str(row))) for row in rows]
        self.ceiling = ceiling
        self.changes = changes or {}
        self.offsets = []

    def page_after(self, rows):
        self.rows = self.changes.get(len(self.offsets), list)(self.rows)
        self.offsets.append(rows)
        return self.rows[rows : rows + self.ceiling]


def names(customers):
    return [customer.username for customer in customers]


@given(st.integers(0, 40), st.integers(1, 12))
def test_a_list_that_stands_still_is_read_whole_in_either_way(count, ceiling):
    account = Account(range(count), ceiling)
    everybody = names(account.rows)
    assert names(read_list(account.page_after)) == everybody
    assert names(read_whole_list(account.page_after)) == everybody


CHANGES = {
    "the first one goes": lambda rows: rows[1:],
    "somebody comes before the others": lambda rows: [Customer({"username": "x"}, key=Key("x")), *rows],
    "the first one moves to the end": lambda rows: [*rows[1:], *rows[:1]],
    "the last one moves to the front": lambda rows: [*rows[-1:], *rows[:-1]],
    "all turn round": lambda rows: rows[::-1],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("when", range(1, 5))
def test_rows_that_move_between_two_pages_are_noticed(change, when):
    account = Account(range(20), 6, {when: change})
    found = read_whole_list(account.page_after)
    # The list was read again and is up to date.
    assert names(found) == names(account.rows)
    assert account.offsets.count(0) == 2


@given(st.lists(st.sampled_from(list(CHANGES.values())), max_size=12), st.integers(1, 25), st.integers(2, 12))
def test_a_list_that_is_said_to_be_whole_has_everybody_who_stayed(changes, count, ceiling):
    account = Account(range(count), ceiling, dict(enumerate(changes, 1)))
    before = names(account.rows)
    found = read_whole_list(account.page_after)
    stayed = set(before) & set(names(account.rows))
    assert found is None or stayed <= set(names(found))


@given(st.lists(st.booleans(), max_size=20), st.integers(1, 10))
def test_rows_that_move_are_noticed_on_pages_of_one_row_as_well(moves, count):
    """There, a page that begins one row earlier only has the row that is already known."""
    to_the_end = CHANGES["the first one moves to the end"]
    changes = {number: to_the_end for number, is_moved in enumerate(moves, 1) if is_moved}
    account = Account(range(count), 1, changes)
    found = read_whole_list(account.page_after)
    assert found is None or set(names(found)) == set(names(account.rows))


def test_it_is_read_a_few_times_at_most():
    account = Account(range(20), 6, dict.fromkeys(range(100), CHANGES["the first one moves to the end"]))
    assert read_whole_list(account.page_after) is None
    assert account.offsets == [0, 5] * MOST_READINGS
    # A customer is missing, and no customer appears twice.
    found = names(read_list(account.page_after))
    assert len(found) == len(set(found)) < 20


def test_a_server_that_knows_no_offsets_has_no_list_that_is_whole():
    account = Account(range(3))
    assert read_whole_list(lambda _rows: account.rows) is None
    assert names(read_list(lambda _rows: account.rows)) == ["0", "1", "2"]


def test_who_was_renamed_between_two_pages_has_the_name_that_came_last():
    renamed = Customer({"username": "renamed"}, key=Key("1"))
    pages = {0: Account(range(2)).rows, 2: [renamed], 3: []}
    assert names(read_list(pages.__getitem__)) == ["0", "renamed"]
