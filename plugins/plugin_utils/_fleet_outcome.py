# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What became of a fleet, for a person: a few lines of a result of reseller_customers. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import PLANNED
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY, kind_of
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, first_of

Report = dict[str, t.Any]

_KINDS = SUMMARY[:4]
_NAMES_SHOWN = 20


def summarize(result: t.Mapping[str, t.Any], names_shown: t.Any = _NAMES_SHOWN) -> Report:
    """What a result of reseller_customers says.

    One that failed before it had a list has no summary, only its error. `names_shown`: how many customers a line tells;
    what is no number counts as not given, since nothing may fail when everything is done.
    """
    report: Report = {
        "changed": bool(result.get("changed")),
        "predicted": False,
        "summary": {**dict.fromkeys(SUMMARY, 0), **_plain(result.get("summary", {}))},
        **{kind: [] for kind in _KINDS},
        "failed_customers": [],
        "errors": _errors(result),
        "unverified": _plain(result.get("unverified", {})),
    }
    for item in result.get("results", ()):
        _add(item, report)
    counts = report["summary"]
    # The role lets its task never fail, so the result itself does not say it.
    report["failed"] = bool(report["errors"] or counts["failed"] or counts["not_reached"])
    report["lines"] = _lines(report, _count(names_shown))
    return report


def _errors(result: t.Mapping[str, t.Any]) -> list[str]:
    """What went wrong with no single customer."""
    if "summary" in result:
        return [str(reason) for reason in result.get("not_reached_reasons", ())]
    return [str(result["msg"])] if result.get("msg") else []


def _count(value: t.Any) -> int:
    try:
        return max(0, int(value))
    except (TypeError, ValueError):
        return _NAMES_SHOWN


def _plain(value: t.Any) -> t.Any:
    """A copy in dicts and lists of Python's own: since ansible-core 2.19 those of variables are others."""
    if isinstance(value, t.Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _add(item: t.Mapping[str, t.Any], report: Report) -> None:
    """Adds one of the results."""
    operations = item["operations"]
    report["predicted"] = report["predicted"] or any(operation["status"] == PLANNED for operation in operations)
    if item["failed"]:
        report["failed_customers"].append(_plain({name: item[name] for name in ("username", "msg", "operations")}))
    else:
        report[kind_of([operation["name"] for operation in operations])].append(item["username"])


def _lines(report: Report, names_shown: int) -> list[str]:
    """What became of the fleet, for a person: the counts, the names, and what went wrong."""
    mode = " (check mode, nothing was written)" if report["predicted"] else ""
    counts = report["summary"]
    total = sum(counts.values())
    told = [f"{counts[name]} {name.replace('_', ' ')}" for name in SUMMARY if counts[name]]
    lines = [f"{total} customers{mode}: {', '.join(told) or 'nothing to do'}"] if total or not report["errors"] else []
    lines += [
        f"{kind}: {', '.join(first_of([escape_control(name, 100) for name in report[kind]], names_shown))}"
        for kind in _KINDS
        if report[kind]
    ]
    failures = [
        f"failed: {escape_control(item['username'], 100)}: {item['msg']}" for item in report["failed_customers"]
    ]
    lines += first_of(failures, names_shown, "more failed, see fleet_result.failed_customers")
    return [*lines, *report["errors"]]
