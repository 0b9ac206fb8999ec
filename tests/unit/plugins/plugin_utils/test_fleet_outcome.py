# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a result of a fleet says, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_outcome import summarize


def result(results: list[dict[str, Any]], **summary: int) -> dict[str, Any]:
    """A result as the role registers it: its task never fails."""
    changed = any(item["changed"] for item in results)
    counts = {**dict.fromkeys(SUMMARY, 0), **summary}
    return {"changed": changed, "failed": False, "summary": counts, "results": results, "unverified": {}}


def item(username: str, operation: str, status: str = "applied", msg: str = "") -> dict[str, Any]:
    operations = [{"name": operation, "status": status}]
    return {"username": username, "changed": not msg, "failed": bool(msg), "msg": msg, "operations": operations}


def test_a_result_with_all_kinds() -> None:
    items = [item("a", "create"), item("b", "set_profile"), item("c", "rename"), item("d", "delete")]
    items.append(item("e", "set_profile", "failed", "No."))
    report = summarize(result(items, created=1, updated=1, renamed=1, deleted=1, unchanged=2, failed=1))
    assert (report["changed"], report["failed"], report["predicted"]) == (True, True, False)
    assert [report[kind] for kind in ("created", "updated", "renamed", "deleted")] == [["a"], ["b"], ["c"], ["d"]]
    assert report["failed_customers"] == [
        {"username": "e", "msg": "No.", "operations": [{"name": "set_profile", "status": "failed"}]}
    ]
    assert report["lines"] == [
        "7 customers: 1 created, 1 updated, 1 renamed, 1 deleted, 2 unchanged, 1 failed",
        "created: a",
        "updated: b",
        "renamed: c",
        "deleted: d",
        "failed: e: No.",
    ]


def test_who_was_not_reached_and_why() -> None:
    reasons = ["2 of 3 customers were not reached, because on_error is stop."]
    report = summarize({**result([], unchanged=1, not_reached=2), "not_reached_reasons": reasons, "msg": "In short."})
    assert report["failed"] is True
    assert report["errors"] == reasons
    assert report["lines"] == ["3 customers: 1 unchanged, 2 not reached", *reasons]


def test_a_task_that_had_no_list_has_its_error_only() -> None:
    report = summarize({"failed": False, "msg": "Could not list customers."})
    assert (report["failed"], report["errors"]) == (True, ["Could not list customers."])
    assert report["lines"] == ["Could not list customers."]
    assert set(report["summary"].values()) == {0}


def test_check_mode_says_what_is_to_be_done() -> None:
    """No word of it says that something was done."""
    items = [item("a", "create", "planned"), item("b", "set_profile", "planned")]
    items += [item("c", "rename", "planned"), item("d", "delete", "planned")]
    report = summarize(result(items, created=1, updated=1, renamed=1, deleted=1, unchanged=1, not_reached=1))
    assert report["lines"] == [
        "6 customers (check mode, nothing was written): "
        "1 to create, 1 to update, 1 to rename, 1 to delete, 1 unchanged, 1 not reached",
        "to create: a",
        "to update: b",
        "to rename: c",
        "to delete: d",
    ]


def test_what_was_sent_and_cannot_be_seen() -> None:
    unverified = {"a": ["company", "website_access"], "b\u202e": ["company"], "c": ["company"]}
    report = summarize({**result([], unchanged=3), "unverified": unverified}, 2)
    assert report["unverified"] == unverified
    assert report["lines"][1:] == [
        "sent in each run, because the server does not show it (unverified): "
        "company and website_access of a, company of b\\u202e, and 1 more"
    ]


def test_what_was_not_compared() -> None:
    report = summarize({**result([], unchanged=9), "not_compared": {"company": 9, "package": 1}})
    assert report["not_compared"] == {"company": 9, "package": 1}
    assert report["lines"] == [
        "9 customers: 9 unchanged",
        "not compared with the account: company of 9 customers, package of 1 customer",
    ]


def test_errors_come_last() -> None:
    """Where nobody has to look for them."""
    items = [item("a", "set_profile", "failed", "No.")]
    uncertain = {"unverified": {"b": ["company"]}, "not_compared": {"company": 1}}
    report = summarize({**result(items, failed=1, not_reached=1), **uncertain, "not_reached_reasons": ["Held back."]})
    assert [line.split()[0] for line in report["lines"]] == ["2", "failed:", "sent", "not", "Held"]


def test_names_are_cut() -> None:
    many = [item(f"c{number}", "create", "planned") for number in range(5)]
    report = summarize(result(many, created=5), 2)
    assert report["predicted"] is True
    assert report["lines"] == [
        "5 customers (check mode, nothing was written): 5 to create",
        "to create: c0, c1, and 3 more",
    ]
    assert len(report["created"]) == 5


def test_errors_are_cut() -> None:
    many = [item(f"c{number}", "create", "failed", "No.") for number in range(5)]
    assert summarize(result(many, failed=5), 1)["lines"] == [
        "5 customers: 5 failed",
        "failed: c0: No.",
        "and 4 more failed, see fleet_result.failed_customers",
    ]


@pytest.mark.parametrize("names_shown", [None, "", " ", "many", [], "20"])
def test_what_is_no_number_of_names_is_not_given(names_shown: Any) -> None:
    """Everything is done by then, and must be told."""
    many = [item(f"c{number:02}", "create") for number in range(21)]
    assert summarize(result(many, created=21), names_shown)["lines"][1].endswith("c19, and 1 more")


@pytest.mark.parametrize("names_shown", [0, "0", -1])
def test_no_names(names_shown: Any) -> None:
    assert summarize(result([item("a", "create")], created=1), names_shown)["lines"][1] == "created: and 1 more"


def test_nothing_yet() -> None:
    report = summarize({})
    assert (report["changed"], report["failed"], report["lines"]) == (False, False, ["0 customers: nothing to do"])


def test_what_comes_out_is_plain_data() -> None:
    """Since ansible-core 2.19, dicts of variables are others."""

    class Marked(dict):
        pass

    given = Marked(result([Marked(item("a", "create", "failed", "No."))], failed=1))
    given["summary"], given["unverified"] = Marked(given["summary"]), Marked(a=["website_access"])
    report = summarize(given)
    inner = [report["summary"], report["unverified"], *report["failed_customers"]]
    assert {type(value) for value in inner if isinstance(value, Mapping)} == {dict}


def test_what_nobody_sees_in_a_name_is_shown() -> None:
    report = summarize(result([item("a\u202eb", "create")], created=1))
    assert report["lines"][1] == "created: a\\u202eb"
    assert report["created"] == ["a\u202eb"]
