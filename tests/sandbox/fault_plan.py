# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which faults are set: read from the command line or from JSON, checked, and counted until it is their turn."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import checks
from .checks import SettingError
from .faults import KINDS, SPELLINGS
from .operations import OPERATIONS, Operation

EVERY_CALL = "*"
EVERY_WRITE = "writes"
FOREVER = "forever"

_OPERATION_NAMES = {operation.name for operation in OPERATIONS.values()}
_FORM = "A fault must be a JSON object, or a list of them"
_MOST_MEBIBYTES = 100_000
# Printable ASCII without a space: nothing in it can end the header.
_ADDRESS = re.compile(r"[!-~]{1,2000}")


@dataclass(frozen=True)
class Fault:
    """One fault as it was asked for. `times` is None for ever; `settings` are complete."""

    operation: str
    name: str
    nth: int
    times: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, operation: Operation | None) -> bool:
        """Whether a call of `operation`, None for an unknown one, counts for this fault."""
        if self.operation == EVERY_CALL:
            return True
        if operation is None:
            return False
        return operation.writes if self.operation == EVERY_WRITE else operation.name == self.operation


def from_text(text: str) -> Fault:
    """`create:close-after,nth=2,times=3`, as the command line has it. Raises SettingError."""
    head, *settings = text.split(",")
    operation, colon, name = head.partition(":")
    if not colon:
        raise SettingError(f"{checks.shown(text)} does not begin with OPERATION:FAULT")
    data: dict[str, Any] = {"operation": operation, "fault": name}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise SettingError(f"{checks.shown(setting)} is not SETTING=VALUE")
        if key in data:
            raise SettingError(f"{checks.shown(key)} is there twice")
        data[key] = checks.typed(value)
    return from_data(data)


def from_json(body: bytes) -> list[Fault]:
    """One object or a list of them. Raises SettingError, and then none of them counts."""
    data = checks.parsed(body, _FORM)
    return [from_data(item) for item in (data if isinstance(data, list) else [data])]


def from_data(data: Any) -> Fault:
    """A fault from its JSON form. Raises SettingError."""
    if not isinstance(data, dict):
        raise SettingError(_FORM)
    rest = dict(data)
    operation, name = rest.pop("operation", None), rest.pop("fault", None)
    if not isinstance(operation, str) or operation not in {*_OPERATION_NAMES, EVERY_CALL, EVERY_WRITE}:
        raise SettingError(f"{checks.shown(operation)} is no operation, nor {EVERY_CALL} or {EVERY_WRITE}")
    if not isinstance(name, str) or name not in KINDS:
        raise SettingError(f"{checks.shown(name)} is no fault")
    only = KINDS[name].only
    if only not in (None, operation):
        raise SettingError(f"{name} is a fault of {only} alone")
    nth, times = _nth(rest.pop("nth", 1)), _times(rest.pop("times", 1))
    defaults = KINDS[name].settings
    for key in rest:
        if key not in defaults:
            raise SettingError(f"{checks.shown(key)} is no setting of {name}")
    settings = {key: _CHECKS[key](rest.get(key, default)) for key, default in defaults.items()}
    return Fault(operation, name, nth, times, settings)


def _nth(value: Any) -> int:
    return checks.whole(value, "nth must be a whole number from 1 on")


def _times(value: Any) -> int | None:
    if value is None or value == FOREVER:
        return None
    return checks.whole(value, f"times must be a whole number from 1 on, or {FOREVER}")


def _mebibytes(value: Any) -> int:
    return checks.whole(value, f"mebibytes must be a whole number from 1 to {_MOST_MEBIBYTES}", _MOST_MEBIBYTES)


def _calls(value: Any) -> int:
    return checks.whole(value, "calls must be a whole number from 1 on")


def _location(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise SettingError("location must be an address without spaces and in ASCII")
    return value


def _spelling(value: Any) -> str:
    if not isinstance(value, str) or value not in SPELLINGS:
        raise SettingError(f"spelling must be one of: {', '.join(SPELLINGS)}")
    return value


def _beside(value: Any) -> str:
    if not isinstance(value, str):
        raise SettingError("beside must be a text")
    return value


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "seconds": checks.seconds,
    "mebibytes": _mebibytes,
    "location": _location,
    "calls": _calls,
    "spelling": _spelling,
    "beside": _beside,
}


@dataclass
class _Armed:
    """A fault that is set, with how many calls it matched and how often it was played since then."""

    fault: Fault
    seen: int = 0
    played: int = 0

    @property
    def due(self) -> bool:
        fault = self.fault
        return self.seen >= fault.nth and (fault.times is None or self.played < fault.times)

    def shown(self) -> dict[str, Any]:
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
    """The faults that are set. `lasting`: those of the command line, to which `reset` returns."""

    def __init__(self, lasting: Iterable[Fault] = ()) -> None:
        self._lasting = tuple(lasting)
        self.reset()

    def reset(self) -> None:
        """Only the faults of the command line, and as if none had been played."""
        self._armed = [_Armed(fault) for fault in self._lasting]

    def clear(self) -> None:
        self._armed = []

    def add(self, faults: Iterable[Fault]) -> None:
        self._armed.extend(_Armed(fault) for fault in faults)

    def shown(self) -> list[dict[str, Any]]:
        """Every fault that is set, also those that are over, in the order in which they were set."""
        return [armed.shown() for armed in self._armed]

    def next(self, operation: Operation | None) -> Fault | None:
        """Count a call and say which fault it meets. Where several are due, the oldest; the others keep their turn."""
        matching = [armed for armed in self._armed if armed.fault.matches(operation)]
        for armed in matching:
            armed.seen += 1
        for armed in matching:
            if armed.due:
                armed.played += 1
                return armed.fault
        return None
