# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Customers that may exist although the list does not show them, and what a read of each one returns."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.unlisted import (
    Unlisted,
    find_unlisted,
    hiding_warnings,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    NOT_APPLIED,
    CallError,
    Cancelled,
    InternalError,
)

V2, V3 = capabilities(CHOICES[0]), capabilities(CHOICES[-1])
LISTED = {"ann", "bob"}
WANTED = {
    "there": (Desired("ann"), ()),
    "not there": (Desired("eve"), ("eve",)),
    "to be gone": (Desired("eve", state="absent"), ("eve",)),
    "to be renamed": (Desired("ann", new_username="eve"), ("eve",)),
    "renamed already": (Desired("eve", new_username="ann"), ()),
    "under neither name": (Desired("eve", new_username="fay"), ("eve", "fay")),
    "under both names": (Desired("ann", new_username="bob"), ()),
}


@pytest.mark.parametrize(("desired", "names"), WANTED.values(), ids=WANTED)
def test_which_names_the_list_leaves_open(desired, names):
    found = find_unlisted([Desired("ann"), desired], LISTED, V3)
    assert [(one.position, one.names) for one in found] == ([(1, names)] if names else [])
    # A list that shows everybody leaves none.
    assert find_unlisted([desired], LISTED, V2) == []


class Asked:
    def __init__(self, error=None):
        self.error = error

    def unlisted(self, name):
        if self.error:
            raise self.error
        return [Customer({"username": name})] if name == "eve" else []


@pytest.mark.parametrize(
    ("error", "found", "kind"),
    [
        (None, ["eve"], type(None)),
        (Cancelled(), None, type(None)),
        (CallError("no", NOT_APPLIED), None, CallError),
        (ZeroDivisionError(), None, InternalError),
    ],
)
def test_what_asking_gives(error, found, kind):
    one = Unlisted(0, ("eve", "fay"))
    one.look_up(Asked(error))
    assert (one.found and [customer.username for customer in one.found], type(one.error)) == (found, kind)


@pytest.mark.parametrize(
    ("rows", "count"),
    [([], 1), ([{"active": True}], 1), ([{}], 1), ([{"active": True}, {"active": False}], 0)],
)
def test_a_purge_by_a_list_that_may_hide_customers_warns(rows, count):
    listed = [Customer({"username": str(number), **row}) for number, row in enumerate(rows)]
    assert len(hiding_warnings(listed, V3)) == count
    assert hiding_warnings(listed, V2) == []


@pytest.mark.parametrize(
    ("former", "new", "names"),
    [("1", "1", ["new", "eve"]), ("1", "3", ["old", "eve", "new"]), (None, None, ["old", "eve", "new"])],
)
def test_who_was_renamed_meanwhile_is_known_by_the_name_that_was_seen_last(former, new, names):
    listed = [Customer({"username": "old"}, key=former), Customer({"username": "eve"}, key="2")]
    index = CustomerIndex(listed).extended([Customer({"username": "new"}, key=new)])
    assert [customer.username for customer in index.customers] == names
