# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Finds invalid options without a call. Each check returns texts, so that one message can list all problems."""

from __future__ import annotations

import collections
import datetime
import ipaddress
import re
import typing as t
from urllib.parse import urlsplit

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, Capability
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import (
    ATTRIBUTES,
    BY_NAME,
    Attribute,
    Attributes,
    is_given,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import (
    LOOKS_ALIKE,
    difference,
    escape_hidden,
    hidden_problems,
    name_key,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.environment import (
    certificate_problems,
    certificates,
    missing_credentials,
    named,
    proxy_problems,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, is_transmittable

try:
    import requests
    import urllib3.exceptions
    import urllib3.util

    HAS_REQUESTS = True
except ImportError:
    HAS_REQUESTS = False

# A day, in seconds. Values near the largest number overflow in timers.
_LONGEST_WAIT = 86400
# Control characters that the API can carry, and other characters that break a line.
CONTROL = re.compile("[\t\n\r\x7f-\x9f\u2028\u2029]")
_LINE_BREAK_ADVICE = (
    "`echo x | ansible-vault encrypt_string` encrypts the line break as well: use `printf %s x`, or type the text at "
    "`ansible-vault encrypt_string --prompt`"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ADDRESS = "email"


def option_problems(
    options: t.Mapping[str, t.Any], api: Capabilities, merged: t.Mapping[str, t.Any] | None = None
) -> list[str]:
    """The problems of each option of one customer by itself, whether the customer exists or not.

    `options`: by option name, None for an option that is left out. `merged`: all options that apply to the customer, if
    there are more.
    """
    problems: list[str] = []
    for attribute in sorted(_unusual(options, api), key=ATTRIBUTES.index):
        name, value = attribute.name, options[attribute.name]
        if name in api.missing:
            problems.append(f"{name} {api.missing[name]}")
        else:
            problems += _attribute_problems(attribute, value, api, options if merged is None else merged)
    if options.get("new_username") is not None:
        problems += _new_username_problems(options["new_username"], api)
    return problems + [
        f"update_{name}=always {clause}"
        for name, clause in api.never_updated.items()
        if options.get(f"update_{name}") == "always"
    ]


def combination_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """The options of one customer that cannot be used together."""
    if options.get("new_username") is not None and options.get("state") == "absent":
        return ["new_username cannot be used with state=absent"]
    return []


def _is_as_listed(options: t.Mapping[str, t.Any], api: Capabilities) -> bool:
    """Whether the options are a customer as a list shows it, used as input.

    Such a customer may have any e-mail address that the server shows. `email_problems` checks the address later, when
    the list is known.
    """
    # Where data reside, not every list tells.
    return all(options.get(name) is not None for name in api.always_listed - api.fixed)


def email_problems(text: str) -> list[str]:
    """The reasons why an e-mail address cannot be written."""
    # A row of a list may show an empty address, and the row must be valid as input. The server refuses to make an
    # address empty, and a creation needs one.
    return (hidden_problems("email", text) or address_problems("email", text)) if text else []


def creation_problems(attributes: Attributes, api: Capabilities, today: datetime.date | None = None) -> list[str]:
    """The reasons why a customer cannot be created: missing attributes, and limits for new customers only.

    `today`: by default both the date of this machine and the date in UTC. The date of the server is not known, so a
    date is valid if one of them allows it.
    """
    needed = [name for name, capability in api.attributes.items() if capability.needed]
    missing = [name for name in needed if attributes.get(name) in (None, "")]
    problems = [f"creation needs {', '.join(missing)}"] if missing else []
    days = [today] if today else _todays()
    for name, capability in api.attributes.items():
        value = attributes.get(name)
        if capability.limit_on_create and value is not None:
            problems += _too_long(name, value, capability.limit_on_create, " for a new customer")
        if value:
            problems += capability.problems_on_create(value, days)
    return problems


def place_of(where: str, row: t.Any) -> str:
    """The place of a row, with its username. Shows only a text or a number, because another value may be a secret."""
    user = row.get("username") if isinstance(row, t.Mapping) else None
    is_name = user and isinstance(user, (str, int)) and not isinstance(user, bool)
    return f"{where} ('{escape_hidden(str(user))}')" if is_name else where


def name_problems(rows: t.Sequence[t.Mapping[str, t.Any]], where: t.Callable[[int], str]) -> list[str]:
    """The usernames that several rows have, or that only look alike. `where`: the place of a row, by its number."""
    named = [(number, name) for number, row in enumerate(rows) for name in _names(row)]
    if len({name_key(name) for _number, name in named}) == len(named):
        return []
    places: dict[str, list[int]] = collections.defaultdict(list)
    spellings: dict[str, dict[str, None]] = collections.defaultdict(dict)
    for number, name in named:
        places[name].append(number)
        spellings[name_key(name)][name] = None
    problems = [
        f"{_enumeration([where(number) for number in numbers])} have the username '{escape_control(name, 100)}'"
        for name, numbers in places.items()
        if len(numbers) > 1
    ]
    return problems + [
        f"{_enumeration([place_of(where(number), {'username': name}) for number, name in firsts])} {_alike(firsts)}"
        for firsts in (sorted((places[name][0], name) for name in names) for names in spellings.values())
        if len({number for number, _name in firsts}) > 1
    ]


def _alike(firsts: t.Sequence[tuple[int, str]]) -> str:
    """How names that look alike differ, as a clause about all of them."""
    [(_number, first), *others] = firsts
    told = {difference(first, name) for _number, name in others}
    return told.pop().replace("differs", "differ") if len(told) == 1 and not told & {LOOKS_ALIKE} else "look alike"


def _names(row: t.Mapping[str, t.Any]) -> list[str]:
    names = (row.get("username"), row.get("new_username"))
    return [name for name in dict.fromkeys(names) if isinstance(name, str)]


def _enumeration(texts: t.Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def filter_problems(filters: Attributes) -> list[str]:
    """The problems of the filters of a list.

    Limits do not apply to a search. A filter with characters that nobody sees finds nothing, so it is a problem.
    """
    return [
        problem
        for name, value in filters.items()
        if isinstance(value, str)
        for problem in [*transmission_problems(name, value), *hidden_problems(name, value)]
    ]


def connection_problems(options: t.Mapping[str, t.Any], api: Capabilities) -> list[str]:
    """The problems of the connection options."""
    url = options["api_url"]
    problems = _address_problems(url, named("api_url", url))
    if not problems:
        problems += proxy_problems(base_address(url))
        problems += _foreign_problems(url, api)
    if options.get("eu_api_url") is not None:
        eu_url = options["eu_api_url"]
        problems += _address_problems(eu_url, named("eu_api_url", eu_url))
    problems += missing_credentials(options, api.connection.unused)
    problems += api.connection.problems(options)
    if not 0 < options["timeout"] <= _LONGEST_WAIT:
        problems.append(f"timeout must be above 0 and at most {_LONGEST_WAIT} seconds")
    if not 0 <= options["max_retry_wait"] <= _LONGEST_WAIT:
        problems.append(f"max_retry_wait must be from 0 to {_LONGEST_WAIT} seconds")
    problems += [f"{name} must not be negative" for name in ("retries", "requests_per_minute") if options[name] < 0]
    return problems + _trust_problems(options)


def _trust_problems(options: t.Mapping[str, t.Any]) -> list[str]:
    """The problems of the certificates to trust. Checks those of the environment only if calls use them."""
    trusted = options.get("ca_path")
    if base_address(options["api_url"]).startswith("https://") and options.get("validate_certs", True):
        trusted = certificates(trusted)
    return certificate_problems(trusted) if trusted else []


def _foreign_problems(url: str, api: Capabilities) -> list[str]:
    """A problem if the address belongs to another API than `api`."""
    found = [path for path in api.connection.foreign_paths if base_address(url).endswith(path)]
    return [
        f"{named('api_url', url)} ends in {path}, which is the address of another API; correct it or the option api, "
        f"or leave api_url out for {api.connection.default_url}"
        for path in found
    ]


def base_address(url: str) -> str:
    """`api_url` in the form that all other code uses: the scheme in lower case, no slash at the end."""
    scheme, separator, rest = url.strip().partition("://")
    return f"{scheme.lower()}{separator}{rest.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether `host` certainly names this machine. Asks no name server."""
    if host.lower() in ("localhost", "localhost."):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Older Pythons do not know that a mapped IPv4 address can be a loopback address.
        return (address.ipv4_mapped or address).is_loopback
    # Early releases of Python 3.9 read `0127.0.0.1` as decimal, but the system reads octal numbers.
    return address.is_loopback and str(address) == host


def _address_problems(url: str, name: str) -> list[str]:
    """The problems of `url`, the value of the option `name`."""
    if not url.strip():
        return [f"{name} is empty"]
    if not url.isprintable() or " " in url.strip():
        return [f"{name} holds a character that an address cannot have"]
    address = base_address(url)
    try:
        parts = urlsplit(address)
        # An invalid port raises an error only when `port` is read.
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
    """The problems of the host of an address. The host that requests connects to counts, not the one in the text."""
    called = _called_hosts(address)
    if called is None:
        return [f"{name} is an address that cannot be called"]
    if scheme == "http" and not all(map(is_loopback, {host, *called})):
        shown_hosts = " or ".join(f"'{escape_control(one)}'" for one in sorted({host, *called}))
        return [f"{name} uses plain http to {shown_hosts}, which would send secrets in clear; use https"]
    # requests converts a name with other letters to ASCII.
    if host.isascii() and called - {host}:
        return [f"{name} names its host in a way that programs read differently"]
    return []


def _called_hosts(address: str) -> set[str] | None:
    """The hosts that requests connects to for a call below `address`; None if it refuses the address.

    requests parses the address with urllib3. For the connection, it uses Python's own parser, or in older releases
    urllib3 again. There is more than one host if the parsers disagree. There is none without the library, because then
    there are no calls.
    """
    if not HAS_REQUESTS:
        return set()
    try:
        url = requests.Request("POST", f"{address}/x").prepare().url or ""
        hosts = {urlsplit(url).hostname, urllib3.util.parse_url(url).host}
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError):
        return None
    return {str(host or "").strip("[]").lower() for host in hosts}


def _unusual(options: t.Mapping[str, t.Any], api: Capabilities) -> list[Attribute]:
    """The attributes that need a check of their own.

    Checks all texts of a row at once, and skips those that an API takes unchanged, because there may be a million.
    """
    are_sound = is_transmittable("".join([value for value in options.values() if isinstance(value, str)]))
    longest = api.longest_plain if are_sound else {}
    given = {name: value for name, value in options.items() if value is not None and name in BY_NAME}
    return [
        BY_NAME[name]
        for name, value in given.items()
        if not (isinstance(value, str) and len(value) <= longest.get(name, -1)) and is_given(value)
    ]


def _attribute_problems(
    attribute: Attribute, value: t.Any, api: Capabilities, options: t.Mapping[str, t.Any]
) -> list[str]:
    if attribute.kind == "bool":
        return []
    name, capability = attribute.name, api.attributes[attribute.name]
    if attribute.kind == "dict":
        return capability.problems(value)
    if attribute.kind == "list":
        return [
            problem for number, text in enumerate(value) for problem in _item_problems(name, number, text, capability)
        ]
    problems = capability.problems(value)
    if problems and name == _ADDRESS and _is_as_listed(options, api):
        problems = []
    return _carriage_problems(name, value, capability) + problems


def _carriage_problems(name: str, text: str, capability: Capability) -> list[str]:
    """The reasons why a text cannot be sent, whatever its meaning."""
    limit = capability.limit
    return transmission_problems(name, text) + (_too_long(name, text, limit) if limit else [])


def _new_username_problems(text: str, api: Capabilities) -> list[str]:
    if not text:
        return ["new_username is empty"]
    return _carriage_problems("new_username", text, api.attributes["username"]) + api.rename_problems(text)


def _item_problems(name: str, number: int, text: str, capability: Capability) -> list[str]:
    misplaced = _misplaced(name, number, text)
    return misplaced + _carriage_problems(name, text, capability) + ([] if misplaced else capability.problems(text))


def _misplaced(name: str, number: int, text: str) -> list[str]:
    """An empty item, or blanks around an item.

    Ansible splits a text only at its commas, so an extra comma or a blank after a comma leads to such an item.
    """
    if not text.strip():
        return [f"{name}[{number}] is empty"]
    if text != text.strip():
        return [f"{name}[{number}] '{escape_control(text, 100)}' begins or ends with a blank"]
    return []


def transmission_problems(name: str, text: str) -> list[str]:
    """A problem if an option holds characters that no request can hold."""
    return [] if is_transmittable(text) else [f"{name} holds a character that the API cannot carry"]


def _too_long(name: str, text: str, limit: int, why: str = "") -> list[str]:
    return [f"{name} has {len(text)} characters, the limit{why} is {limit}"] if len(text) > limit else []


def username_problems(text: str) -> list[str]:
    """The reasons why a text cannot be a username."""
    return hidden_problems("username", text) if text else ["username is empty"]


def control_problem(name: str, text: str, why: str) -> str:
    """The problem of a secret that holds a control character. The text does not hold the secret."""
    without_end = text.rstrip("\r\n")
    if without_end != text and not CONTROL.search(without_end):
        return f"{name} ends with a line break, {why}; {_LINE_BREAK_ADVICE}"
    return f"{name} holds a line break or another control character, {why}"


def credential_problems(options: t.Mapping[str, t.Any], names: t.Sequence[str], may_be_padded: bool) -> list[str]:
    """The reasons why the credentials of the account can never be right, so that no call is needed.

    `names`: the options that hold them; a missing option is no problem here. `may_be_padded`: whether the key may have
    blanks at its ends.
    """
    names = [name for name in names if options.get(name) is not None]
    problems = [f"{named(name, options[name])} is empty" for name in names if not options[name]]
    problems += [problem for name in names for problem in transmission_problems(name, options[name])]
    for name in names:
        text = options[name]
        if CONTROL.search(text):
            problems.append(control_problem(name, text, "so the server would refuse it"))
        elif text != text.strip() and not (name == "api_key" and may_be_padded):
            problems.append(f"{name} begins or ends with a blank, so the server would refuse it")
    return problems


def address_problems(name: str, text: str) -> list[str]:
    """The reasons why a text cannot be an e-mail address."""
    return [] if _EMAIL.fullmatch(text) else [f"{name} '{escape_control(text, 100)}' is not an e-mail address"]


def ip_problems(text: str) -> list[str]:
    """The reasons why a text cannot be an item of `ips`."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [f"ips: '{escape_control(text, 100)}' is not an IP address"]
    return []


def date_of(text: str) -> datetime.date | None:
    """The date in a text; None if the text is not a date."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.date(*map(int, text.split("-")))
    except ValueError:
        return None


def _todays() -> list[datetime.date]:
    return [datetime.date.today(), datetime.datetime.now(datetime.timezone.utc).date()]
