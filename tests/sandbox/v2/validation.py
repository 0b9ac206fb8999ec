# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for parameters. Each function returns a list of messages. The list is empty if there is no error."""

from __future__ import annotations

import calendar
import datetime
import ipaddress
import re

from ..store import Account
from . import fields
from .calls import Call

# A letter for a mailbox, one @, and a domain of at least two non-empty labels. There are no more rules, because the
# service does not publish what "e-mail format" means [own].
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Clients that use XML could not read these characters back.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_xml_text(text: str) -> bool:
    """Whether XML 1.0 can contain all characters of the text."""
    return _NOT_XML.search(text) is None


def replace_non_xml(text: str) -> str:
    """The text with U+FFFD for each character that XML 1.0 cannot contain."""
    return _NOT_XML.sub("\ufffd", text)


def unstorable_parameters(call: Call) -> list[str]:
    """Parameters with a character that XML 1.0 cannot contain."""
    names = {key for key, value in (*call.query, *call.body) if not is_xml_text(value)}
    return [
        f"{fields.label(name)} contains a character that cannot be stored"
        for name in sorted(names & fields.KNOWN_PARAMETERS)
    ]


def missing(call: Call, names: tuple[str, ...]) -> list[str]:
    """Required parameters that are absent or empty. The text is recorded for `username` [seen]."""
    return [f"{fields.label(name)} is required" for name in names if not call.value(name)]


def too_long(call: Call, limits: dict[str, int]) -> list[str]:
    """Texts over their limit, counted in characters [doc]."""
    return [
        f"{fields.label(name)} must be no more than {limit} characters"
        for name, limit in limits.items()
        if len(call.value(name) or "") > limit
    ]


def email_format(call: Call, name: str) -> list[str]:
    """A text that is not empty and not an e-mail address."""
    value = call.value(name)
    if not value or _EMAIL.fullmatch(value):
        return []
    return [f"{fields.label(name)} must be in email format"]


def new_password(call: Call) -> list[str]:
    """[doc] At least six characters, and the same twice."""
    password = call.value("password") or ""
    confirmed = call.value("confirm_password") or ""
    errors = []
    if password and len(password) < fields.PASSWORD_MINIMUM:
        errors.append(f"Password must be at least {fields.PASSWORD_MINIMUM} characters")
    if password and confirmed and password != confirmed:
        errors.append("Confirm password must match password")
    return errors


def new_username(call: Call) -> list[str]:
    """[doc] The rules for a rename. A creation only has the length limit."""
    errors = too_long(call, {"username": fields.RENAME_LIMIT}) + email_format(call, "username")
    domain = (call.value("username") or "").rpartition("@")[2]
    if "sendgrid.com" in domain.lower():
        errors.append("Username must not contain SendGrid.com in the domain name")
    return errors


def _a_month_after(day: datetime.date) -> datetime.date:
    """One billing cycle: the same day of the next month, or the last day if the next month is shorter [doc, own]."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return day.replace(year=year, month=month, day=min(day.day, calendar.monthrange(year, month)[1]))


def billing_date(call: Call, today: datetime.date) -> list[str]:
    """[doc] `YYYY-mm-dd`, from today to one calendar month ahead, both included. Today is a day of UTC [own]."""
    value = call.value("billing_date")
    if value is None:
        return []
    try:
        day = datetime.date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        return ["Billing date must be in YYYY-mm-dd format"]
    if not today <= day <= _a_month_after(today):
        return ["Billing date must be within one billing cycle"]
    return []


def free_user(call: Call) -> list[str]:
    """[doc] `true` or `false`, nothing else."""
    value = call.value("free_user")
    return [] if value in (None, "true", "false") else ["Free user must be true or false"]


def _parsed_ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def ips(call: Call, account: Account) -> list[str]:
    """[doc] Valid addresses that belong to the account. An account without a list owns every address [own]."""
    own = None if account.ips is None else {_parsed_ip(text) for text in account.ips}
    errors = []
    for text in call.values("ip[]"):
        address = _parsed_ip(text)
        if address is None:
            errors.append("IP must be a valid IP address")
        elif own is not None and address not in own:
            errors.append("IP must belong to your account")
    return errors


def ip_groups(call: Call, account: Account) -> list[str]:
    """[doc] At most 255 characters each. If the account has a list of groups, only those."""
    errors = []
    for name in call.values("ip_group[]"):
        if len(name) > fields.IP_GROUP_LIMIT:
            errors.append(f"IP group must be no more than {fields.IP_GROUP_LIMIT} characters")
        elif account.ip_groups is not None and name not in account.ip_groups:
            errors.append("IP group must belong to your account")
    return errors


def package(call: Call, account: Account) -> list[str]:
    """If the account has a list of packages, only those."""
    value = call.value("package")
    if not value or account.packages is None or value in account.packages:
        return []
    return ["Package does not exist"]


def parameters_of_other_family(call: Call, names: tuple[str, ...]) -> list[str]:
    """Parameters of the other family. They are refused, not ignored, to show a mistake of the client [own]."""
    return [f"{fields.label(name)} is not accepted by this module" for name in names if call.values(name)]


def creation(call: Call, account: Account, today: datetime.date) -> list[str]:
    """All rules for a creation in the call's family, except that the name must be free."""
    errors = missing(call, fields.CREATE_REQUIRED[str(call.family)])
    errors += too_long(call, fields.CREATE_LIMITS) + email_format(call, "email") + new_password(call)
    if call.family == "customer":
        return errors + too_long(call, fields.CUSTOMER_LIMITS) + parameters_of_other_family(call, fields.RESELLER_ONLY)
    errors += parameters_of_other_family(call, fields.CUSTOMER_ONLY) + too_long(call, fields.RESELLER_LIMITS)
    errors += package(call, account) + ip_groups(call, account) + ips(call, account)
    return errors + free_user(call) + billing_date(call, today)
