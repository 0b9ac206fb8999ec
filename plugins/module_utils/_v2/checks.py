# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The rules of API v2 for values, in addition to the rules for their kind."""

from __future__ import annotations

import calendar
import datetime
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    CONTROL,
    address_problems,
    control_problem,
    credential_problems,
    date_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import hidden_problems
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

SHORTEST_PASSWORD = 6


def connection_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with the account's name and key.

    A password may have blanks at its ends, an API key may not. `api_key` is a password unless `api_user` is `apikey`.
    """
    return credential_problems(options, ("api_user", "api_key"), may_be_padded=user_is_account(options))


def user_is_account(options: t.Mapping[str, t.Any]) -> bool:
    """Whether `api_user` is the name of an account. The word `apikey` says that `api_key` is an API key [doc]."""
    return (options["api_user"] or "").strip() != "apikey"


def password_problems(text: str) -> list[str]:
    """Why a text is not a valid password [doc]."""
    if CONTROL.search(text):
        return [control_problem("password", text, "which nobody can type")]
    if len(text) >= SHORTEST_PASSWORD:
        return []
    if not text:
        return ["password is empty"]
    return [f"password is shorter than {SHORTEST_PASSWORD} characters"]


def new_username_problems(text: str) -> list[str]:
    """Why a text is not a valid new username. It is an e-mail address, not in the domain sendgrid.com [doc]."""
    problems = hidden_problems("new_username", text) or address_problems("new_username", text)
    if "sendgrid.com" in text.rpartition("@")[2].lower():
        problems.append("new_username must not be in the domain sendgrid.com")
    return problems


def date_problems(text: str) -> list[str]:
    """Why a text is not a date."""
    return [] if date_of(text) else [f"billing_date '{escape_control(text, 100)}' is not a date in the form YYYY-mm-dd"]


def billing_problems(text: str, days: t.Sequence[datetime.date]) -> list[str]:
    """Why a billing date is out of range: from today to one billing cycle (a calendar month) ahead [doc].

    `days`: the days that may be today.
    """
    date = date_of(text)
    first, last = min(days), _month_after(max(days))
    if date is None or first <= date <= last:
        return []
    return [f"billing_date {text} is not within one month from today ({first} to {last})"]


def _month_after(date: datetime.date) -> datetime.date:
    """The same day in the next month, or that month's last day."""
    year, month = (date.year + 1, 1) if date.month == 12 else (date.year, date.month + 1)
    return date.replace(year=year, month=month, day=min(date.day, calendar.monthrange(year, month)[1]))
