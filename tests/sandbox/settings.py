# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the command line and the control addresses: read settings from texts and JSON, and check each of them."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_SECONDS = 86400

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_OFFSET = re.compile(r"[0-9]{1,9}")
_MAX_CHARACTERS = 40


class SettingError(ValueError):
    """A setting is wrong. The text is one sentence without a period."""


def abbreviate(value: Any) -> str:
    """The value that was sent, on one line, cut if it is long."""
    text = json.dumps(value)
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS] + "…"


def parse_scalar(text: str) -> Any:
    """A number if the text is a number, or else the text."""
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def parse_json(body: bytes, error_message: str) -> Any:
    """Parse JSON. Raises SettingError with `error_message` if `body` is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise SettingError(error_message) from None


def check_positive_integer(value: Any, rule: str, maximum: float = math.inf) -> int:
    """A whole number from 1 on. Raises SettingError with `rule`."""
    # In Python, a boolean is also a number.
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= maximum:
        raise SettingError(rule)
    return value


def check_count(value: Any, rule: str) -> int:
    """A whole number from 0 on. Raises SettingError with `rule`."""
    return 0 if value == 0 and not isinstance(value, (bool, float)) else check_positive_integer(value, rule)


def parse_offset(text: str) -> int:
    """A whole number from 0 on, from a query. Raises SettingError."""
    if not _OFFSET.fullmatch(text):
        raise SettingError("after must be a whole number from 0 on")
    return int(text)


def check_seconds(value: Any) -> float:
    """A number of seconds. It can be a fraction or 0. Raises SettingError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_SECONDS:
        raise SettingError(f"seconds must be a number from 0 to {MAX_SECONDS}")
    return value
