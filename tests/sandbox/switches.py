# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Switches for behaviour that clients of the real service met. Read from the command line or from JSON, and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from . import settings
from .api import Operation
from .settings import SettingError
from .v2 import operations as v2
from .v3 import routes as v3

NEVER = "never"
LOWER_CASE = "lower-case"
ALWAYS = "always"
IGNORE_ON_BEHALF_OF = (NEVER, LOWER_CASE, ALWAYS)

EVERY_WRITE = "writes"
OPERATION_NAMES = {operation.name for operation in v2.OPERATIONS.values()} | v3.OPERATION_NAMES

_FORM = "Switches must be a JSON object"


@dataclass(frozen=True)
class Switches:
    """The state of all switches.

    `hide_disabled`: lists leave out disabled customers. `page_ceiling`: the maximum number of rows of a page, even if
    the client asks for more. `ignore_on_behalf_of`: in which spelling the header is ignored. `single_ip`: more than one
    IP for a customer is refused. `without_effect`: operations that are answered as if they were done, but have no
    effect.
    """

    hide_disabled: bool = False
    page_ceiling: int | None = None
    ignore_on_behalf_of: str = NEVER
    single_ip: bool = False
    without_effect: tuple[str, ...] = ()

    def page_size(self, limit: int) -> int:
        return limit if self.page_ceiling is None else min(limit, self.page_ceiling)

    def ignores_on_behalf_of(self, spelling: str) -> bool:
        """Whether a header with this spelling of its name is ignored."""
        return self.ignore_on_behalf_of == ALWAYS or (
            self.ignore_on_behalf_of == LOWER_CASE and spelling == spelling.lower()
        )

    def takes_effect(self, operation: Operation | None) -> bool:
        if operation is None or not operation.writes:
            return True
        return not {operation.name, EVERY_WRITE} & set(self.without_effect)


def check_operation(value: Any) -> str:
    """The name of an operation, or `writes`. Raises SettingError."""
    if not isinstance(value, str) or value not in {*OPERATION_NAMES, EVERY_WRITE}:
        raise SettingError(f"{settings.abbreviate(value)} is neither an operation nor {EVERY_WRITE}")
    return value


def check_page_ceiling(value: Any) -> int | None:
    """A whole number from 1 on, or None. Raises SettingError."""
    if value is None:
        return None
    return settings.check_positive_integer(value, "page_ceiling must be a whole number from 1 on, or null")


def _check_boolean(name: str) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise SettingError(f"{name} must be true or false")
        return value

    return check


def _check_ignore(value: Any) -> str:
    if not isinstance(value, str) or value not in IGNORE_ON_BEHALF_OF:
        raise SettingError(f"ignore_on_behalf_of must be one of: {', '.join(IGNORE_ON_BEHALF_OF)}")
    return value


def _check_without_effect(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise SettingError("without_effect must be a list of operations")
    return tuple(map(check_operation, value))


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "hide_disabled": _check_boolean("hide_disabled"),
    "page_ceiling": check_page_ceiling,
    "ignore_on_behalf_of": _check_ignore,
    "single_ip": _check_boolean("single_ip"),
    "without_effect": _check_without_effect,
}


class SwitchBoard:
    """The current switches. `initial`: the switches of the command line; `reset` restores them."""

    def __init__(self, initial: Switches | None = None) -> None:
        self._initial = initial or Switches()
        self.reset()

    def reset(self) -> None:
        self.current: Switches = self._initial

    def clear(self) -> None:
        """Turn all switches off."""
        self.current = Switches()

    def change(self, body: bytes) -> None:
        """Set the switches that a JSON object names. If it raises SettingError, none of them is set."""
        data = settings.parse_json(body, _FORM)
        if not isinstance(data, dict):
            raise SettingError(_FORM)
        for key in data:
            if key not in _CHECKS:
                raise SettingError(f"{settings.abbreviate(key)} is not a switch")
        self.current = replace(self.current, **{key: _CHECKS[key](value) for key, value in data.items()})

    def describe(self) -> dict[str, Any]:
        return {**asdict(self.current), "without_effect": list(self.current.without_effect)}
