# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Which options cannot be, found without asking the server. Each check returns texts, so that all are told at once."""

from __future__ import annotations

import calendar
import collections
import datetime
import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    LOOKS_ALIKE,
    difference,
    hidden_problems,
    name_key,
    visible,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    certificate_problems,
    certificates,
    named,
    proxy_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import is_carried, shown
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import (
    BY_NAME,
    FIELDS,
    LISTED_ALWAYS,
    Attributes,
    Field,
)

try:
    import requests
    import urllib3.exceptions
    import urllib3.util

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

SHORTEST_PASSWORD = 6
# A day, in seconds. What comes near the largest number overflows in timers.
_LONGEST_WAIT = 86400
# Control characters that the API can carry, and what else breaks a line.
_CONTROL = re.compile("[\t\n\r\x7f-\x9f\u2028\u2029]")
_LINE_BREAK_ADVICE = (
    "`echo x | ansible-vault encrypt_string` encrypts the line break as well: use `printf %s x`, or type the text at "
    "`ansible-vault encrypt_string --prompt`"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_FormCheck = t.Callable[[str], "list[str]"]


def option_problems(options: t.Mapping[str, t.Any], family: str) -> list[str]:
    """What is wrong with the attributes of one customer, whether it exists or not.

    `options`: attributes and `new_username` by option name, None for those left out.
    """
    problems: list[str] = []
    form_checks = {**_FORM_CHECKS, "email": None} if _is_as_listed(options) else _FORM_CHECKS
    for field in FIELDS:
        value = options.get(field.name)
        if value is not None:
            problems += _field_problems(field, value, family, form_checks.get(field.name))
    if options.get("new_username") is not None:
        problems += _new_username_problems(options["new_username"])
    return problems


def _is_as_listed(options: t.Mapping[str, t.Any]) -> bool:
    """Whether this is a customer as a list shows it, to be fed back. Whatever e-mail address the server shows of it may
    stand there, so that is judged when the list is known: `email_problems`.
    """
    return all(options.get(name) is not None for name in LISTED_ALWAYS)


def email_problems(text: str) -> list[str]:
    """What keeps an e-mail address from being written."""
    # A row of a list may show an empty one, and must be accepted when it is fed back. Whoever wants to make one empty
    # is refused by the server, and creation needs one.
    return (hidden_problems("email", text) or _address_form_problems("email", text)) if text else []


def creation_problems(attributes: Attributes, family: str, today: datetime.date | None = None) -> list[str]:
    """What keeps a customer from being created: what is missing, and limits that hold for new customers only.

    `today`: the day on this machine, and UTC's; the server's own is not known, so a date passes when one of them
    allows it.
    """
    missing = [field.name for field in FIELDS if family in field.needed and attributes.get(field.name) in (None, "")]
    problems = [f"creation needs {', '.join(missing)}"] if missing else []
    for field in FIELDS:
        value = attributes.get(field.name)
        if field.limit_on_create and value is not None:
            problems += _too_long(field.name, value, field.limit_on_create, " for a new customer")
    if attributes.get("billing_date"):
        problems += _billing_date_problems(attributes["billing_date"], [today] if today else _todays())
    return problems


def place(number: int, row: t.Any) -> str:
    """Where a row stands in the option, and whom it is about. What stands for a name may be anything, a secret too."""
    user = row.get("username") if isinstance(row, dict) else None
    is_name = user and isinstance(user, (str, int)) and not isinstance(user, bool)
    return f"customers[{number}] ('{visible(str(user))}')" if is_name else f"customers[{number}]"


def name_problems(rows: t.Sequence[t.Any]) -> list[str]:
    """The names that more than one row speaks of, or that only look alike. Rows may be of any kind."""
    places: dict[str, list[int]] = collections.defaultdict(list)
    spellings: dict[str, set[str]] = collections.defaultdict(set)
    for number, row in enumerate(rows):
        for name in _names(row):
            places[name].append(number)
            spellings[name_key(name)].add(name)
    problems = [
        f"{_enumeration([f'customers[{number}]' for number in numbers])} have the username '{shown(name, 100)}'"
        for name, numbers in places.items()
        if len(numbers) > 1
    ]
    return problems + [
        f"{_enumeration([place(number, {'username': name}) for number, name in firsts])} {_alike(firsts)}"
        for firsts in (sorted((places[name][0], name) for name in names) for names in spellings.values())
        if len({number for number, _name in firsts}) > 1
    ]


def _alike(firsts: t.Sequence[tuple[int, str]]) -> str:
    """In what names differ that look alike, as a clause about all of them."""
    [(_number, first), *others] = firsts
    told = {difference(first, name) for _number, name in others}
    return told.pop().replace("differs", "differ") if len(told) == 1 and not told & {LOOKS_ALIKE} else "look alike"


def _names(row: t.Any) -> set[str]:
    names = [row.get("username"), row.get("new_username")] if isinstance(row, dict) else []
    return {name for name in names if isinstance(name, str)}


def _enumeration(texts: t.Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def filter_problems(filters: Attributes) -> list[str]:
    """What is wrong with the filters of a list. Limits do not matter to a search; what nobody sees finds nothing."""
    return [
        problem
        for name, value in filters.items()
        if isinstance(value, str)
        for problem in [*_not_carried(name, value), *hidden_problems(name, value)]
    ]


def connection_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with the connection options."""
    url = options["api_url"]
    problems = _address_problems(url, named("api_url", url))
    if not problems:
        problems += proxy_problems(base_address(url))
    problems += [f"{named(name, options[name])} is empty" for name in ("api_user", "api_key") if not options[name]]
    problems += [problem for name in ("api_user", "api_key") for problem in _not_carried(name, options[name])]
    problems += _credential_problems(options)
    if not 0 < options["timeout"] <= _LONGEST_WAIT:
        problems.append(f"timeout must be above 0 and at most {_LONGEST_WAIT} seconds")
    if not 0 <= options["max_retry_wait"] <= _LONGEST_WAIT:
        problems.append(f"max_retry_wait must be from 0 to {_LONGEST_WAIT} seconds")
    problems += [f"{name} must not be negative" for name in ("retries", "requests_per_minute") if options[name] < 0]
    return problems + _trust_problems(options)


def _trust_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with the certificates to trust. Those of the environment matter only where they are used."""
    trusted = options.get("ca_path")
    if base_address(options["api_url"]).startswith("https://") and options.get("validate_certs", True):
        trusted = certificates(trusted)
    return certificate_problems(trusted) if trusted else []


def base_address(url: str) -> str:
    """`api_url` in the one form that everything else looks at: the scheme in lower case, no slash at the end."""
    scheme, separator, rest = url.strip().partition("://")
    return f"{scheme.lower()}{separator}{rest.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine for certain, without asking a name server."""
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Which older Pythons take for no address of this machine.
        return (address.ipv4_mapped or address).is_loopback
    # Early releases of Python 3.9 read `0127.0.0.1` as decimal, where the system reads octal numbers.
    return address.is_loopback and str(address) == host


def _address_problems(url: str, name: str) -> list[str]:
    """What is wrong with `url`, the option `name`."""
    if not url.strip():
        return [f"{name} is empty"]
    if not url.isprintable() or " " in url.strip():
        return [f"{name} holds a character that an address cannot have"]
    address = base_address(url)
    try:
        parts = urlsplit(address)
        # A port that cannot be raises when it is asked for, and no earlier.
        host, port = parts.hostname, parts.port
    except ValueError:
        return [f"{name} is not an address"]
    if port == 0:
        return [f"{name} names port 0, where no service can listen"]
    if parts.scheme not in ("http", "https") or not host:
        return [f"{name} must be an address that starts with https://"]
    problems = []
    if parts.username is not None or parts.password is not None:
        problems.append(f"{name} must not hold a user or a password; use api_user and api_key")
    if "?" in url or "#" in url:
        problems.append(f"{name} must not have a query or a fragment")
    return problems + _host_problems(address, parts.scheme, host, name)


def _host_problems(address: str, scheme: str, host: str, name: str) -> list[str]:
    """What is wrong with the host of an address: the one that is called counts, not the one that is seen here."""
    called = _called_hosts(address)
    if called is None:
        return [f"{name} is an address that cannot be called"]
    if scheme == "http" and not all(map(is_loopback, {host, *called})):
        shown_hosts = " or ".join(f"'{shown(one)}'" for one in sorted({host, *called}))
        return [f"{name} uses plain http to {shown_hosts}, which would send secrets in clear; use https"]
    # A name of other letters is called by its form in ASCII.
    if host.isascii() and called - {host}:
        return [f"{name} names its host in a way that programs read differently"]
    return []


def _called_hosts(address: str) -> set[str] | None:
    """The host that requests connects to for a call below `address`; None when it refuses the address.

    More than one where the parsers disagree that it uses: urllib3's for the address, and for the connection Python's
    own, or in older releases urllib3's once more. Empty without the library, without which nothing is called.
    """
    if not HAS_REQUESTS:
        return set()
    try:
        url = requests.Request("POST", f"{address}/x").prepare().url or ""
        hosts = {urlsplit(url).hostname, urllib3.util.parse_url(url).host}
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
        return None
    return {str(host or "").strip("[]").lower() for host in hosts}


def _field_problems(field: Field, value: t.Any, family: str, check_form: _FormCheck | None) -> list[str]:
    if family not in field.families:
        return [f"{field.name} cannot be used with api={family}"]
    if field.kind == "bool":
        return []
    problems: list[str] = []
    for number, text in enumerate(value) if field.kind == "list" else ((None, value),):
        misplaced = _item_problems(field.name, number, text) if number is not None else []
        problems += misplaced
        if not is_carried(text):
            problems += _not_carried(field.name, text)
        if field.limit and len(text) > field.limit:
            problems += _too_long(field.name, text, field.limit)
        if check_form is not None and not misplaced:
            problems += check_form(text)
    return problems


def _item_problems(name: str, number: int, text: str) -> list[str]:
    """What a comma too many or a blank after a comma leaves behind: Ansible splits a text at commas, and only there."""
    if not text.strip():
        return [f"{name}[{number}] is empty"]
    if text != text.strip():
        return [f"{name}[{number}] '{shown(text, 100)}' begins or ends with a blank"]
    return []


def _not_carried(name: str, text: str) -> list[str]:
    return [] if is_carried(text) else [f"{name} holds a character that the API cannot carry"]


def _too_long(name: str, text: str, limit: int, why: str = "") -> list[str]:
    return [f"{name} has {len(text)} characters, the limit{why} is {limit}"] if len(text) > limit else []


def _username_problems(text: str) -> list[str]:
    return hidden_problems("username", text) if text else ["username is empty"]


def _password_problems(text: str) -> list[str]:
    if _CONTROL.search(text):
        return [_control_problem("password", text, "which nobody can type")]
    if len(text) >= SHORTEST_PASSWORD:
        return []
    if not text:
        return ["password is empty"]
    return [f"password is shorter than {SHORTEST_PASSWORD} characters"]


def _control_problem(name: str, text: str, why: str) -> str:
    """What is wrong with a secret that holds a control character, without the secret."""
    without_end = text.rstrip("\r\n")
    if without_end != text and not _CONTROL.search(without_end):
        return f"{name} ends with a line break, {why}; {_LINE_BREAK_ADVICE}"
    return f"{name} holds a line break or another control character, {why}"


def _credential_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """What keeps the account's name and key from ever being right, so that the server need not be asked.

    The name and an API key have no blanks at their ends. A password may: it is the key unless the name is `apikey`.
    """
    problems = []
    for name in ("api_user", "api_key"):
        text = options[name]
        if _CONTROL.search(text):
            problems.append(_control_problem(name, text, "so the server would refuse it"))
        elif text != text.strip() and (name == "api_user" or options["api_user"].strip() == "apikey"):
            problems.append(f"{name} begins or ends with a blank, so the server would refuse it")
    return problems


def _address_form_problems(name: str, text: str) -> list[str]:
    return [] if _EMAIL.fullmatch(text) else [f"{name} '{shown(text, 100)}' is not an e-mail address"]


def _ip_problems(text: str) -> list[str]:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [f"ips: '{shown(text, 100)}' is not an IP address"]
    return []


def _date_problems(text: str) -> list[str]:
    return [] if _date(text) else [f"billing_date '{shown(text, 100)}' is not a date in the form YYYY-mm-dd"]


_FORM_CHECKS: t.Mapping[str, _FormCheck | None] = {
    "username": _username_problems,
    "password": _password_problems,
    "email": email_problems,
    "ips": _ip_problems,
    "billing_date": _date_problems,
}


def _new_username_problems(text: str) -> list[str]:
    """[doc]: in the form of an e-mail address, at most 100 characters, not in the domain sendgrid.com."""
    limit = t.cast(int, BY_NAME["username"].limit)
    if not text:
        return ["new_username is empty"]
    problems = _not_carried("new_username", text)
    problems += _too_long("new_username", text, limit)
    problems += hidden_problems("new_username", text) or _address_form_problems("new_username", text)
    if "sendgrid.com" in text.rpartition("@")[2].lower():
        problems.append("new_username must not be in the domain sendgrid.com")
    return problems


def _date(text: str) -> datetime.date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.date(*map(int, text.split("-")))
    except ValueError:
        return None


def _todays() -> list[datetime.date]:
    return [datetime.date.today(), datetime.datetime.now(datetime.timezone.utc).date()]


def _billing_date_problems(text: str, todays: list[datetime.date]) -> list[str]:
    """[doc]: from today to one billing cycle ahead, which is a calendar month."""
    date = _date(text)
    first, last = min(todays), _month_after(max(todays))
    if date is None or first <= date <= last:
        return []
    return [f"billing_date {text} is not within one month from today ({first} to {last})"]


def _month_after(date: datetime.date) -> datetime.date:
    """The same day in the next month, or that month's last day."""
    year, month = (date.year + 1, 1) if date.month == 12 else (date.year, date.month + 1)
    return date.replace(year=year, month=month, day=min(date.day, calendar.monthrange(year, month)[1]))
