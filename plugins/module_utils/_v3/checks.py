# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What API v3 asks of values and of a connection, beyond what a value of its kind is."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    CONTROL,
    control_problem,
    credential_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import hidden_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

SHORTEST_PASSWORD = 16
LONGEST_PASSWORD = 128
# A part of an address that means something else there, or that takes the address elsewhere.
_TAKEN_NAMES = frozenset((".", "..", "stats", "reputations"))
_UNADDRESSABLE = re.compile("[%/]")
# Of a username.
NOT_IN_A_HEADER = "holds a character beyond printable ASCII, or a blank at an end"
_LETTER = re.compile("[A-Za-z]")
_DIGIT = re.compile("[0-9]")


def connection_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with the API key, and which options of a connection the API does not have."""
    problems = credential_problems(options, ("api_key",), may_be_padded=False)
    if options["api_format"] != "json":
        problems.append(f"api_format={options['api_format']} cannot be used with api=subusers, which speaks JSON only")
    return problems


def user_is_account(_options: t.Mapping[str, t.Any]) -> bool:
    """Never: the API key alone is sent."""
    return False


def is_addressable(text: str) -> bool:
    """Whether a header can hold a username: what is beyond printable ASCII is on no record, and a blank at an end is
    no part of a header's value.
    """
    return text.isascii() and text.isprintable() and text == text.strip()


def username_problems(text: str) -> list[str]:
    """What keeps a text from being the username of a customer that can be addressed."""
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
    """What keeps a text from being a password of any customer."""
    if CONTROL.search(text):
        return [control_problem("password", text, "which nobody can type")]
    return [] if text else ["password is empty"]


def new_password_problems(text: str, _days: t.Sequence[datetime.date]) -> list[str]:
    """[doc]: 16 to 128 characters, a letter and a digit among them."""
    problems = []
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        problems.append(
            f"password of a new customer must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, "
            f"and has {len(text)}"
        )
    if not (_LETTER.search(text) and _DIGIT.search(text)):
        problems.append("password of a new customer must hold a letter and a digit")
    return problems
