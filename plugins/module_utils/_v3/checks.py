# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Checks of values and connection options that API v3 needs, beyond those for all APIs."""

from __future__ import annotations

import datetime
import ipaddress
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    CONTROL,
    control_problem,
    credential_problems,
    ip_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import hidden_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

SHORTEST_PASSWORD = 16
LONGEST_PASSWORD = 128
# These names have another meaning as a part of an address, or lead to another address.
_TAKEN_NAMES = frozenset((".", "..", "stats", "reputations"))
_UNADDRESSABLE = re.compile("[%/]")
# A clause about a username.
NOT_IN_A_HEADER = "holds a character beyond printable ASCII, or a blank at an end"
# Neither is checked any further: whether the account has such a domain, the server knows.
_NOT_IN_A_DOMAIN = re.compile(r"[\s/@]")
_LETTER = re.compile("[A-Za-z]")
_DIGIT = re.compile("[0-9]")


def connection_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """The problems of the API key, and the connection options that the API does not have."""
    problems = credential_problems(options, ("api_key",), may_be_padded=False)
    if options["api_format"] != "json":
        problems.append(f"api_format={options['api_format']} cannot be used with api=subusers, which speaks JSON only")
    return problems


def user_is_account(_options: t.Mapping[str, t.Any]) -> bool:
    """Never, because calls send only the API key."""
    return False


def is_addressable(text: str) -> bool:
    """Whether a header can hold a username.

    No record shows how to send characters beyond printable ASCII. A blank at an end is not part of a header's value.
    """
    return text.isascii() and text.isprintable() and text == text.strip()


def username_problems(text: str) -> list[str]:
    """The reasons why a text cannot be the username of a customer that calls can address."""
    return _name_problems("username", text)


def new_username_problems(text: str) -> list[str]:
    """The same for the new name of a customer."""
    return _name_problems("new_username", text)


def _name_problems(option: str, text: str) -> list[str]:
    if not text:
        return [f"{option} is empty"]
    hidden = hidden_problems(option, text)
    if hidden:
        return hidden
    if not is_addressable(text):
        name = escape_control(text, 100)
        return [f"{option} '{name}' {NOT_IN_A_HEADER}, which API v3 cannot address"]
    found = _UNADDRESSABLE.search(text)
    if found:
        return [f"{option} '{escape_control(text, 100)}' holds '{found.group()}', which API v3 cannot address"]
    if text in _TAKEN_NAMES:
        return [f"{option} '{text}' cannot be addressed by API v3"]
    return []


def password_problems(text: str) -> list[str]:
    """The reasons why a text cannot be the password of any customer."""
    if CONTROL.search(text):
        return [control_problem("password", text, "which nobody can type")]
    return [] if text else ["password is empty"]


def new_password_problems(text: str, _days: t.Sequence[datetime.date]) -> list[str]:
    """A password needs 16 to 128 characters, with a letter and a digit among them [doc]."""
    problems = []
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        problems.append(
            f"password of a new customer must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, "
            f"and has {len(text)}"
        )
    if not (_LETTER.search(text) and _DIGIT.search(text)):
        problems.append("password of a new customer must hold a letter and a digit")
    return problems


def ipv4_problems(text: str) -> list[str]:
    """What keeps a text from being one of `ips`, which are IPv4 addresses [spec]."""
    problems = ip_problems(text)
    if problems or isinstance(ipaddress.ip_address(text), ipaddress.IPv4Address):
        return problems
    return [f"ips: '{escape_control(text, 100)}' is not an IPv4 address"]


def whitelabel_problems(text: str) -> list[str]:
    """What keeps a text from being a domain. An empty one takes all domains away."""
    if _NOT_IN_A_DOMAIN.search(text) or not text.isprintable():
        return [f"whitelabel '{escape_control(text, 100)}' is not a domain"]
    return []


def credits_problems(value: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with credits [spec]. Of those that recur, all is compared, so all has to be given."""
    kind, total, frequency = (value.get(name) for name in ("type", "total", "reset_frequency"))
    if kind is None:
        return ["credits needs type"]
    problems = []
    if total is not None and total < 1:
        problems.append("credits: total must be at least 1")
    if kind == "unlimited" and total is not None:
        problems.append("credits: total cannot be used with type=unlimited")
    if kind != "recurring" and frequency is not None:
        problems.append(f"credits: reset_frequency cannot be used with type={kind}")
    if kind == "recurring":
        given = {"total": total, "reset_frequency": frequency}
        problems += [f"credits: type=recurring needs {name}" for name, part in given.items() if part is None]
    return problems


def written_credits_problems(value: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with credits that have to be written: the total of those that do not recur cannot be compared, so
    it may be left out until then.
    """
    if value["type"] == "nonrecurring" and value.get("total") is None:
        return ["credits: type=nonrecurring needs total, since the customer has credits of another type"]
    return []
