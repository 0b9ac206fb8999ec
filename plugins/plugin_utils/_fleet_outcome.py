# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Sums up a result of reseller_customers in a few lines for a person. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import PLANNED
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import SUMMARY, kind_of
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, first_of

Report = dict[str, t.Any]

_KINDS = SUMMARY[:4]
# The words of check mode: nothing was done yet.
_PREDICTED = {"created": "to create", "updated": "to update", "renamed": "to rename", "deleted": "to delete"}
_NAMES_SHOWN = 20


def summarize(result: t.Mapping[str, t.Any], names_shown: t.Any = _NAMES_SHOWN) -> Report:
    """Sums up a result of reseller_customers.

    A result that failed before the list was read has no summary, only its error. `names_shown`: how many customers a
    line names. Anything but a number counts as not given, since the role must not fail after the work is done.
    """
    report: Report = {
        "changed": bool(result.get("changed")),
        "predicted": False,
        "summary": {**dict.fromkeys(SUMMARY, 0), **_plain(result.get("summary", {}))},
        **{kind: [] for kind in _KINDS},
        "failed_customers": [],
        "errors": _errors(result),
        "unverified": _plain(result.get("unverified", {})),
        "not_compared": _plain(result.get("not_compared", {})),
    }
    for item in result.get("results", ()):
        _add(item, report)
    counts = report["summary"]
    # The role's task never fails, so its result does not say whether anything failed.
    report["failed"] = bool(report["errors"] or counts["failed"] or counts["not_reached"])
    report["lines"] = _lines(report, _count(names_shown))
    return report


def _errors(result: t.Mapping[str, t.Any]) -> list[str]:
    """The errors that are about no single customer."""
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
    """The counts, the names, the errors, and what nobody can be sure of."""
    words = _PREDICTED if report["predicted"] else {}
    lines = [_counts(report["summary"], report["predicted"], words)] if _has_counts(report) else []
    lines += [
        f"{words.get(kind, kind)}: {_some([_name(username) for username in report[kind]], names_shown)}"
        for kind in _KINDS
        if report[kind]
    ]
    failures = [f"failed: {_name(item['username'])}: {item['msg']}" for item in report["failed_customers"]]
    lines += first_of(failures, names_shown, "more failed, see fleet_result.failed_customers")
    return [*lines, *_uncertain(report, names_shown), *report["errors"]]


def _has_counts(report: Report) -> bool:
    """Whether there is a customer to count. An error before the list was read stands alone."""
    return any(report["summary"].values()) or not report["errors"]


def _counts(counts: t.Mapping[str, int], is_predicted: bool, words: t.Mapping[str, str]) -> str:
    total = sum(counts.values())
    mode = " (check mode, nothing was written)" if is_predicted else ""
    told = [f"{counts[kind]} {words.get(kind, kind.replace('_', ' '))}" for kind in SUMMARY if counts[kind]]
    return f"{_customers(total)}{mode}: {', '.join(told) or 'nothing to do'}"


def _uncertain(report: Report, names_shown: int) -> list[str]:
    """A line for values that were sent and cannot be seen, and one for values that were not looked at."""
    unverified = [f"{' and '.join(names)} of {_name(user)}" for user, names in report["unverified"].items()]
    not_compared = [f"{name} of {_customers(number)}" for name, number in report["not_compared"].items()]
    sent = "sent in each run, because the server does not show it (unverified)"
    lines = [f"{sent}: {_some(unverified, names_shown)}"] if unverified else []
    return [*lines, *([f"not compared with the account: {', '.join(not_compared)}"] if not_compared else [])]


def _customers(number: int) -> str:
    return f"{number} customer{'' if number == 1 else 's'}"


def _name(username: str) -> str:
    return escape_control(username, 100)


def _some(texts: t.Sequence[str], most: int) -> str:
    return ", ".join(first_of(texts, most))
