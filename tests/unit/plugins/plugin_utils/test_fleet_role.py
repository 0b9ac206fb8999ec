# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role works out of results."""

from __future__ import annotations

from typing import Any

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_role import summarize


def batch(results: list[dict[str, Any]], **summary: int) -> dict[str, Any]:
    changed = any(item["changed"] for item in results)
    counts = {**dict.fromkeys(SUMMARY, 0), **summary}
    return {"changed": changed, "summary": counts, "results": results, "unverified": {}}


def item(username: str, operation: str, status: str = "applied", msg: str = "") -> dict[str, Any]:
    operations = [{"name": operation, "status": status}]
    return {"username": username, "changed": not msg, "failed": bool(msg), "msg": msg, "operations": operations}


def test_batches_are_summed() -> None:
    first = summarize({}, batch([item("a", "create"), item("b", "set_profile")], created=1, updated=1), 2, 20)
    second = summarize(first, batch([item("c", "delete", "failed", "No.")], failed=1, unchanged=1), 2, 20)
    assert first["failed"] is False and first["created"] == ["a"], "what was before must stay as it was"
    assert second["changed"] is True and second["failed"] is True
    assert second["lines"] == [
        "4 customers: 1 created, 1 updated, 1 unchanged, 1 failed",
        "created: a",
        "updated: b",
        "failed: c: No.",
    ]


def test_who_was_not_reached() -> None:
    refused = summarize({}, {"failed": False, "msg": "Could not list customers."}, 3, 20)
    skipped = summarize(refused, {"skipped": True, "msg": "Conditional result was False"}, 2, 20)
    assert skipped["summary"]["not_reached"] == 5
    assert skipped["lines"] == ["5 customers: 5 not reached", "Could not list customers."]
    assert skipped["failed"] is True


def test_names_are_cut() -> None:
    many = [item(f"c{number}", "create", "planned") for number in range(5)]
    report = summarize({}, batch(many, created=5), 5, 2)
    assert report["lines"] == [
        "5 customers (check mode, nothing was written): 5 created",
        "created: c0, c1, and 3 more",
    ]
    assert len(report["created"]) == 5


def test_nothing_yet() -> None:
    report = summarize({}, None, 0, 20)
    assert (report["changed"], report["failed"], report["lines"]) == (False, False, ["0 customers: nothing to do"])
