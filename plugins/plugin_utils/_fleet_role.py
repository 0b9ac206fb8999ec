# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What the role `fleet` works out of its variables and of the results of its tasks. Plain data in, plain data out."""

from __future__ import annotations

import re
import typing as t

from ansible.module_utils.common.validation import check_type_bool, check_type_list
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import CHOICES, capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, Customer
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import name_problems, place
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import (
    Findings,
    KindCheck,
    kind_of_value,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import customer_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.purge import (
    Purge,
    hidden_names,
    renamed_error,
    whom_to_purge,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import PLANNED
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import (
    SUMMARY,
    kind_of,
    setting_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import Spec, fleet_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import and_more, escape_control
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_rows import FleetRow, is_blank, merged

Report = dict[str, t.Any]

# What reseller_customers calls an option, and the role `fleet_` and the same.
_OPTIONS = re.compile(r"\b(customers(?=\[)|purge|max_deletions|concurrency)\b")
_NAMES = ("username", "new_username")
# What holds where nothing is given: defaults/main.yml of the role says the same.
_DEFAULTS: dict[str, t.Any] = {
    "batch_size": 0,
    "names_shown": 20,
    "purge": False,
    "max_deletions": None,
    "concurrency": 8,
    "on_error": "continue",
}
_MOST_PROBLEMS = 20
_KINDS = SUMMARY[:4]


def check_variables(
    customers: t.Any,
    defaults: t.Any,
    passwords: t.Any,
    settings: t.Mapping[str, t.Any],
    account: t.Iterable[FleetRow] | None = None,
    omit: t.Any = None,
) -> Report:
    """Everything that is wrong with the variables, as sentences without a secret, and the batches to be made.

    `account`: the customers of the account, by option name, for what only they show: with `purge`, customers of the
    fleet that somebody renamed.

    `settings`: the other variables, by the names in _DEFAULTS. What is missing or blank counts as not given; the report
    has all of them, as the values that they stand for. A batch has `first` and `last`, the bounds of a slice, and its
    `size`.
    """
    problems: list[str] = []
    options = {name: _setting(name, settings.get(name), problems) for name in _DEFAULTS}
    problems = problems or _setting_problems(options)
    try:
        rows = merged(customers, defaults, passwords, omit)
    except TypeError as error:
        rows = []
        problems.append(f"fleet_{error}")
    else:
        found, sound = _shared_problems(_without(omit, defaults), _without(omit, passwords))
        # What is shared is told once, and not again for each customer.
        problems += found + _row_problems(merged(customers, *sound, omit) if found else rows)
        if options["purge"] and not rows:
            problems.append("fleet_purge with no fleet_customers would delete every customer of the account")
        if options["purge"] and not problems and account is not None:
            problems += _renamed_problems(rows, account)
    return {
        "problems": _first(problems, _MOST_PROBLEMS, "more"),
        "customers": len(rows),
        "batches": [] if problems else _batches(len(rows), options["batch_size"]),
        "settings": options,
    }


def _setting(name: str, value: t.Any, problems: list[str]) -> t.Any:
    """The value that the role works with; None, and a sentence in `problems`, for one that cannot be used."""
    if is_blank(value):
        return _DEFAULTS[name]
    convert, wanted = _SETTINGS.get(name, (_number, "a number"))
    try:
        return convert(value)
    except (TypeError, ValueError):
        problems.append(f"fleet_{name} must be {wanted}")
        return None


def _number(value: t.Any) -> int:
    """Before ansible-core 2.19 a template makes texts of numbers."""
    if isinstance(value, (bool, float)):
        raise TypeError
    return int(value)


def _on_error(value: t.Any) -> str:
    if value in ("continue", "stop"):
        return str(value)
    raise ValueError


_SETTINGS: dict[str, tuple[t.Callable[[t.Any], t.Any], str]] = {
    "purge": (check_type_bool, "true or false"),
    "on_error": (_on_error, "continue or stop"),
}


def _setting_problems(settings: t.Mapping[str, t.Any]) -> list[str]:
    problems = [_OPTIONS.sub(r"fleet_\1", problem) for problem in setting_problems(settings)]
    return problems + [
        f"fleet_{name} must not be negative" for name in ("batch_size", "names_shown") if settings[name] < 0
    ]


def _without(omit: t.Any, values: t.Any) -> FleetRow:
    """The values without those that are omitted."""
    return merged([{}], values, omit=omit)[0]


def _shared_problems(defaults: FleetRow, passwords: FleetRow) -> tuple[list[str], tuple[FleetRow, FleetRow]]:
    """What is wrong with them, and both without values of a wrong kind."""
    kinds = KindCheck(_row_spec())(defaults)
    problems = [f"fleet_defaults must not hold {name}" for name in _NAMES if name in defaults]
    problems += [f"fleet_defaults: {problem}" for problem in _kind_problems(kinds)]
    check_password = KindCheck({"password": _row_spec()["password"]})
    of_passwords = {name: check_password({"password": value}).problems for name, value in passwords.items()}
    problems += [
        f"fleet_passwords: the password of '{escape_control(str(name), 100)}'{problem[len('password') :]}"
        for name, found in of_passwords.items()
        for problem in found
    ]
    sound_defaults = {name: value for name, value in defaults.items() if name not in {*kinds.wrong, *kinds.unknown}}
    return problems, (sound_defaults, {name: value for name, value in passwords.items() if not of_passwords[name]})


def _row_spec() -> Spec:
    spec: Spec = fleet_spec()["customers"]["options"]
    return spec


def _kind_problems(kinds: Findings) -> list[str]:
    return [f"there is no option '{escape_control(str(name), 100)}'" for name in kinds.unknown] + kinds.problems


def _row_problems(rows: t.Sequence[FleetRow]) -> list[str]:
    spec = _row_spec()
    check_kinds = KindCheck(spec)
    unset = dict.fromkeys(spec)
    problems: list[str] = []
    for number, row in enumerate(rows):
        kinds = check_kinds(row)
        found = _kind_problems(kinds)
        right = {name: value for name, value in kinds.options.items() if name in spec}
        typed = {**unset, **{name: _typed(name, value, spec, found) for name, value in right.items()}}
        if not typed["username"]:
            found += [] if "username" in kinds.wrong else ["username is missing"]
            typed["username"] = None
        # Which API is in use, the connection says, which the role does not know.
        found += dict.fromkeys(
            problem for api in _fleet_apis() for problem in customer_problems(_usable(typed, api), api)
        )
        problems += [f"fleet_{place(number, row)}: {problem}" for problem in found]
    return problems + [_OPTIONS.sub(r"fleet_\1", problem) for problem in name_problems(rows)]


def _fleet_apis() -> list[Capabilities]:
    return [api for api in map(capabilities, CHOICES) if not api.fleets_problem]


def _usable(options: FleetRow, api: Capabilities) -> FleetRow:
    """The options without those that this API does not have."""
    return {name: value for name, value in options.items() if name not in api.missing}


def _typed(name: str, value: t.Any, spec: Spec, found: list[str]) -> t.Any:
    """The value as the module would take it; None, and a sentence in `found`, for one that it would not take."""
    if value is None:
        return None
    option = spec[name]
    try:
        typed = _CONVERSIONS[option["type"]](value)
    except TypeError:
        found.append(f"{name} must be true or false, and is {kind_of_value(value)}{_told(value, option)}")
        return None
    if typed not in option.get("choices", [typed]):
        found.append(f"{name} must be {' or '.join(option['choices'])}, and is{_told(value, option)}")
    return typed


def _told(value: t.Any, option: t.Mapping[str, t.Any]) -> str:
    return f" '{escape_control(value, 100)}'" if isinstance(value, str) and not option.get("no_log") else ""


def _texts(value: t.Any) -> list[str]:
    return [str(item) for item in check_type_list(value)]


_CONVERSIONS: dict[str, t.Callable[[t.Any], t.Any]] = {"str": str, "bool": check_type_bool, "list": _texts}


def _batches(total: int, size: int) -> list[dict[str, int]]:
    """Slices of at most `size`; 0 makes one of all. No customer, no batch."""
    step = size or max(total, 1)
    bounds = [(first, min(first + step, total)) for first in range(0, total, step)]
    return [{"first": first, "last": last, "size": last - first} for first, last in bounds]


def unmanaged(usernames: t.Iterable[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> list[FleetRow]:
    """Rows that delete the customers that the fleet does not name.

    A name that looks like one of the fleet counts as named, and one with characters that nobody sees is kept.
    """
    deletions = _purge(rows, ({"username": name} for name in usernames)).deletions
    return [{"username": name, "state": "absent"} for name in deletions]


def kept_warnings(usernames: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Warnings of the customers that the fleet does not name, and that are kept for all that."""
    return [*hidden_names(usernames), *_purge(rows, ({"username": name} for name in usernames)).warnings()]


def _renamed_problems(rows: t.Sequence[FleetRow], account: t.Iterable[FleetRow]) -> list[str]:
    renamed = _purge(rows, account).renamed
    return [
        f"fleet_{place(number, rows[number])}: {renamed_error(_named(rows[number]), names)}"
        for number, names in renamed.items()
    ]


def _purge(rows: t.Iterable[t.Mapping[str, t.Any]], account: t.Iterable[FleetRow]) -> Purge:
    return whom_to_purge([_named(row) for row in rows], CustomerIndex(map(Customer, account)))


def _named(row: t.Mapping[str, t.Any]) -> Desired:
    """As much of a row as it takes to tell whom it is about."""
    texts = {name: str(row[name]) for name in (*_NAMES, "email", "state") if row.get(name) is not None}
    return Desired(
        texts["username"],
        {"email": texts.get("email")},
        state=texts.get("state", "present"),
        new_username=texts.get("new_username"),
    )


def summarize(
    before: t.Mapping[str, t.Any], batch: t.Mapping[str, t.Any] | None, size: int, names_shown: int
) -> Report:
    """What became of a fleet: what stands in `before`, which may be empty, and one more result of reseller_customers.

    `batch`: None adds nothing. `size`: how many customers it is about. One that was skipped, or that failed before it
    had a list, has no summary: its customers were not reached.
    """
    report: Report = {
        "changed": False,
        "predicted": False,
        "summary": dict.fromkeys(SUMMARY, 0),
        **{kind: [] for kind in _KINDS},
        "failed_customers": [],
        "errors": [],
        "unverified": {},
        **_plain(before),
    }
    if batch is not None:
        _add(batch, size, report)
    counts = report["summary"]
    report["failed"] = bool(report["errors"] or counts["failed"] or counts["not_reached"])
    report["lines"] = _lines(report, names_shown)
    return report


def _plain(value: t.Any) -> t.Any:
    """A copy in dicts and lists of Python's own: since ansible-core 2.19 those of variables are others."""
    if isinstance(value, t.Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def _add(batch: t.Mapping[str, t.Any], size: int, report: Report) -> None:
    if "summary" not in batch:
        report["summary"]["not_reached"] += size
        report["errors"] += [str(batch.get("msg") or "The task failed.")] if not batch.get("skipped") else []
        return
    report["changed"] = report["changed"] or batch["changed"]
    for name in SUMMARY:
        report["summary"][name] += batch["summary"][name]
    report["unverified"].update(_plain(batch["unverified"]))
    for item in batch["results"]:
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
    lines = [f"{total} customers{mode}: {', '.join(told) or 'nothing to do'}"]
    lines += [
        f"{kind}: {', '.join(_first([escape_control(name, 100) for name in report[kind]], names_shown, 'more'))}"
        for kind in _KINDS
        if report[kind]
    ]
    failures = [
        f"failed: {escape_control(item['username'], 100)}: {item['msg']}" for item in report["failed_customers"]
    ]
    lines += _first(failures, names_shown, "more failed, see fleet_result.failed_customers")
    return lines + list(dict.fromkeys(report["errors"]))


def _first(texts: t.Sequence[str], most: int, what: str) -> list[str]:
    return [*texts[:most], *and_more(len(texts) - most, what)]
