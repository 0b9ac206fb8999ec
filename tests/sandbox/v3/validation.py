# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for parameters. Each function returns a list of errors. The list is empty if there is no error."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Any

from ..store import REGIONS, Account
from ..v2.validation import is_xml_text
from .behaviours import ErrorItem, of_field

# No other rules for passwords are published, and no rule for the length of a name.
PASSWORD_MINIMUM = 16
PASSWORD_MAXIMUM = 128

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PASSWORD_TEXT = "your password must contain at least one character and one number"
_PASSWORD_LENGTH = f"your password must have {PASSWORD_MINIMUM} to {PASSWORD_MAXIMUM} characters"

USERNAME_EXISTS = ErrorItem("username exists")
IPS_NOT_VALIDATED = ErrorItem("unable to validate IPs at this time")


def text(name: str, value: Any) -> list[ErrorItem]:
    """A text that both APIs can show. XML of v2 must be able to contain it [own]."""
    if not isinstance(value, str):
        return [of_field(name, f"{name} must be a string")]
    return [] if is_xml_text(value) else [of_field(name, f"{name} contains a character that cannot be stored")]


def required_text(name: str, value: Any) -> list[ErrorItem]:
    if value is None or value == "":
        return [of_field(name, f"{name} is required")]
    return text(name, value)


def email(value: Any) -> list[ErrorItem]:
    errors = required_text("email", value)
    return errors or ([] if _EMAIL.fullmatch(value) else [of_field("email", "email is not valid")])


def password(name: str, value: Any) -> list[ErrorItem]:
    """[doc] 16 to 128 characters, with a letter and a digit. The texts are [own]."""
    errors = required_text(name, value)
    if errors:
        return errors
    if not PASSWORD_MINIMUM <= len(value) <= PASSWORD_MAXIMUM:
        errors.append(of_field(name, _PASSWORD_LENGTH))
    if not (re.search(r"[^\W\d_]", value) and re.search(r"\d", value)):
        errors.append(of_field(name, _PASSWORD_TEXT))
    return errors


def region(value: Any) -> list[ErrorItem]:
    return [] if value in (None, *REGIONS) else [of_field("region", f"region must be one of: {', '.join(REGIONS)}")]


def boolean(name: str, value: Any) -> list[ErrorItem]:
    return [] if value is None or isinstance(value, bool) else [of_field(name, f"{name} must be a boolean")]


def ips(values: Any, account: Account) -> list[ErrorItem]:
    """IPv4 addresses that belong to the account. An account without a list owns every address [own]."""
    if values is None:
        return []
    if not isinstance(values, list) or not all(map(_is_ipv4, values)):
        return [of_field("ips", "ips must be an array of IPv4 addresses")]
    return [] if account.ips is None or set(values) <= set(account.ips) else [IPS_NOT_VALIDATED]


def _is_ipv4(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(ipaddress.IPv4Address(value))
    except ValueError:
        return False


def whole_number(name: str, value: str | None, minimum: int) -> list[ErrorItem]:
    """A number in a query."""
    if value is None or (re.fullmatch(r"[0-9]{1,9}", value) and int(value) >= minimum):
        return []
    return [of_field(name, f"{name} must be an integer from {minimum} on")]


def query_choice(name: str, value: str | None, choices: Iterable[str]) -> list[ErrorItem]:
    return [] if value in (None, *choices) else [of_field(name, f"{name} must be one of: {', '.join(choices)}")]
