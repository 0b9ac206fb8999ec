# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults that are set: read from the command line or from JSON, checked, and counted until they are due."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import settings
from .api import Operation
from .faults import KINDS, SPELLINGS
from .settings import SettingError
from .switches import EVERY_WRITE, OPERATION_NAMES

EVERY_CALL = "*"
FOREVER = "forever"

_FORM = "A fault must be a JSON object, or a list of them"
_MAX_MEBIBYTES = 100_000
# Printable ASCII without a space, so that nothing can end the header.
_ADDRESS = re.compile(r"[!-~]{1,2000}")


@dataclass(frozen=True)
class Fault:
    """One fault. `times` is None for a fault without an end. `settings` includes the defaults."""

    operation: str
    name: str
    nth: int
    times: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, operation: Operation | None) -> bool:
        """Whether this fault counts a call of `operation`. `operation` is None if it is unknown."""
        if self.operation == EVERY_CALL:
            return True
        if operation is None:
            return False
        return operation.writes if self.operation == EVERY_WRITE else operation.name == self.operation


def from_text(text: str) -> Fault:
    """Parse `create:close-after,nth=2,times=3`, the form of the command line. Raises SettingError."""
    head, *assignments = text.split(",")
    operation, colon, name = head.partition(":")
    if not colon:
        raise SettingError(f"{settings.abbreviate(text)} does not begin with OPERATION:FAULT")
    data: dict[str, Any] = {"operation": operation, "fault": name}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingError(f"{settings.abbreviate(assignment)} is not SETTING=VALUE")
        if key in data:
            raise SettingError(f"{settings.abbreviate(key)} appears twice")
        data[key] = settings.parse_scalar(value)
    return from_data(data)


def from_json(body: bytes) -> list[Fault]:
    """Parse one object or a list of them. If it raises SettingError, none of them is set."""
    data = settings.parse_json(body, _FORM)
    return [from_data(item) for item in (data if isinstance(data, list) else [data])]


def from_data(data: Any) -> Fault:
    """A fault from its JSON form. Raises SettingError."""
    if not isinstance(data, dict):
        raise SettingError(_FORM)
    rest = dict(data)
    operation, name = rest.pop("operation", None), rest.pop("fault", None)
    if not isinstance(operation, str) or operation not in {*OPERATION_NAMES, EVERY_CALL, EVERY_WRITE}:
        raise SettingError(f"{settings.abbreviate(operation)} is not an operation, {EVERY_CALL} or {EVERY_WRITE}")
    if not isinstance(name, str) or name not in KINDS:
        raise SettingError(f"{settings.abbreviate(name)} is not a fault")
    only_operation = KINDS[name].only_operation
    if only_operation not in (None, operation):
        raise SettingError(f"{name} is a fault for {only_operation} only")
    nth, times = _check_nth(rest.pop("nth", 1)), _check_times(rest.pop("times", 1))
    defaults = KINDS[name].settings
    for key in rest:
        if key not in defaults:
            raise SettingError(f"{settings.abbreviate(key)} is not a setting of {name}")
    complete = {key: _CHECKS[key](rest.get(key, default)) for key, default in defaults.items()}
    return Fault(operation, name, nth, times, complete)


def _check_nth(value: Any) -> int:
    return settings.check_positive_integer(value, "nth must be a whole number from 1 on")


def _check_times(value: Any) -> int | None:
    if value is None or value == FOREVER:
        return None
    return settings.check_positive_integer(value, f"times must be a whole number from 1 on, or {FOREVER}")


def _check_mebibytes(value: Any) -> int:
    return settings.check_positive_integer(
        value, f"mebibytes must be a whole number from 1 to {_MAX_MEBIBYTES}", _MAX_MEBIBYTES
    )


def _check_calls(value: Any) -> int:
    return settings.check_count(value, "calls must be a whole number from 0 on")


def _check_location(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise SettingError("location must be a URL in ASCII without spaces")
    return value


def _check_spelling(value: Any) -> str:
    if not isinstance(value, str) or value not in SPELLINGS:
        raise SettingError(f"spelling must be one of: {', '.join(SPELLINGS)}")
    return value


def _check_beside(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingError("beside must be a text")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "seconds": settings.check_seconds,
    "mebibytes": _check_mebibytes,
    "location": _check_location,
    "calls": _check_calls,
    "spelling": _check_spelling,
    "beside": _check_beside,
}


@dataclass
class _ActiveFault:
    """A fault that is set. `seen`: how many calls matched it. `played`: how often it was played."""

    fault: Fault
    seen: int = 0
    played: int = 0

    @property
    def due(self) -> bool:
        fault = self.fault
        return self.seen >= fault.nth and (fault.times is None or self.played < fault.times)

    def describe(self) -> dict[str, Any]:
        fault = self.fault
        return {
            "operation": fault.operation,
            "fault": fault.name,
            "nth": fault.nth,
            "times": FOREVER if fault.times is None else fault.times,
            **fault.settings,
            "seen": self.seen,
            "played": self.played,
        }


class FaultPlan:
    """The faults that are set. `initial`: the faults of the command line; `reset` restores them."""

    def __init__(self, initial: Iterable[Fault] = ()) -> None:
        self._initial = tuple(initial)
        self.reset()

    def reset(self) -> None:
        """Restore the faults of the command line, with counters at 0."""
        self._active = [_ActiveFault(fault) for fault in self._initial]

    def clear(self) -> None:
        self._active = []

    def add(self, faults: Iterable[Fault]) -> None:
        self._active.extend(_ActiveFault(fault) for fault in faults)

    def describe(self) -> list[dict[str, Any]]:
        """All faults in the order in which they were set, including those that are over."""
        return [active.describe() for active in self._active]

    def next_fault(self, operation: Operation | None) -> Fault | None:
        """Count a call and return its fault. If several are due, the oldest is played and the others stay due."""
        matching = [active for active in self._active if active.fault.matches(operation)]
        for active in matching:
            active.seen += 1
        for active in matching:
            if active.due:
                active.played += 1
                return active.fault
        return None
