# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Which options cannot be, found without asking the server. Each check returns texts, so that all are told at once."""

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

# A day, in seconds. What comes near the largest number overflows in timers.
_LONGEST_WAIT = 86400
# Control characters that the API can carry, and what else breaks a line.
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
    """What is wrong with options of one customer, each by itself, whether the customer exists or not.

    `options`: by option name, None for those left out. `merged`: all that holds for the customer, if that is more.
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
    """Which options of one customer do not go together."""
    if options.get("new_username") is not None and options.get("state") == "absent":
        return ["new_username cannot be used with state=absent"]
    return []


def _is_as_listed(options: t.Mapping[str, t.Any], api: Capabilities) -> bool:
    """Whether this is a customer as a list shows it, to be fed back. Whatever e-mail address the server shows of it may
    stand there, so that is judged when the list is known: `email_problems`.
    """
    # Where data reside, not every list tells.
    return all(options.get(name) is not None for name in api.always_listed - api.fixed)


def email_problems(text: str) -> list[str]:
    """What keeps an e-mail address from being written."""
    # A row of a list may show an empty one, and must be accepted when it is fed back. Whoever wants to make one empty
    # is refused by the server, and creation needs one.
    return (hidden_problems("email", text) or address_problems("email", text)) if text else []


def creation_problems(attributes: Attributes, api: Capabilities, today: datetime.date | None = None) -> list[str]:
    """What keeps a customer from being created: what is missing, and limits that hold for new customers only.

    `today`: the day on this machine, and UTC's; the server's own is not known, so a date passes when one of them
    allows it.
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
    """Where a row stands, and whom it is about. What stands for a name may be anything, a secret too."""
    user = row.get("username") if isinstance(row, t.Mapping) else None
    is_name = user and isinstance(user, (str, int)) and not isinstance(user, bool)
    return f"{where} ('{escape_hidden(str(user))}')" if is_name else where


def name_problems(rows: t.Sequence[t.Mapping[str, t.Any]], where: t.Callable[[int], str]) -> list[str]:
    """The names that more than one row has, or that only look alike. `where`: the place of a row, by its number."""
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
    """In what names differ that look alike, as a clause about all of them."""
    [(_number, first), *others] = firsts
    told = {difference(first, name) for _number, name in others}
    return told.pop().replace("differs", "differ") if len(told) == 1 and not told & {LOOKS_ALIKE} else "look alike"


def _names(row: t.Mapping[str, t.Any]) -> list[str]:
    names = (row.get("username"), row.get("new_username"))
    return [name for name in dict.fromkeys(names) if isinstance(name, str)]


def _enumeration(texts: t.Sequence[str]) -> str:
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def filter_problems(filters: Attributes) -> list[str]:
    """What is wrong with the filters of a list. Limits do not matter to a search; what nobody sees finds nothing."""
    return [
        problem
        for name, value in filters.items()
        if isinstance(value, str)
        for problem in [*transmission_problems(name, value), *hidden_problems(name, value)]
    ]


def connection_problems(options: t.Mapping[str, t.Any], api: Capabilities) -> list[str]:
    """What is wrong with the connection options."""
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
    """What is wrong with the certificates to trust. Those of the environment matter only where they are used."""
    trusted = options.get("ca_path")
    if base_address(options["api_url"]).startswith("https://") and options.get("validate_certs", True):
        trusted = certificates(trusted)
    return certificate_problems(trusted) if trusted else []


def _foreign_problems(url: str, api: Capabilities) -> list[str]:
    """An address of another API than the one that `api` names."""
    found = [path for path in api.connection.foreign_paths if base_address(url).endswith(path)]
    return [
        f"{named('api_url', url)} ends in {path}, which is the address of another API; correct it or the option api, "
        f"or leave api_url out for {api.connection.default_url}"
        for path in found
    ]


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
        shown_hosts = " or ".join(f"'{escape_control(one)}'" for one in sorted({host, *called}))
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


def _unusual(options: t.Mapping[str, t.Any], api: Capabilities) -> list[Attribute]:
    """The attributes that need a look of their own.

    One look at all texts of a row, and none at those that an API takes as they are: there may be a million of them.
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
    """What keeps a text from being sent, whatever it says."""
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
    """What a comma too many or a blank after a comma leaves behind: Ansible splits a text at commas, and only there."""
    if not text.strip():
        return [f"{name}[{number}] is empty"]
    if text != text.strip():
        return [f"{name}[{number}] '{escape_control(text, 100)}' begins or ends with a blank"]
    return []


def transmission_problems(name: str, text: str) -> list[str]:
    """Characters of an option that no request can hold."""
    return [] if is_transmittable(text) else [f"{name} holds a character that the API cannot carry"]


def _too_long(name: str, text: str, limit: int, why: str = "") -> list[str]:
    return [f"{name} has {len(text)} characters, the limit{why} is {limit}"] if len(text) > limit else []


def username_problems(text: str) -> list[str]:
    """What keeps a text from being a username."""
    return hidden_problems("username", text) if text else ["username is empty"]


def control_problem(name: str, text: str, why: str) -> str:
    """What is wrong with a secret that holds a control character, without the secret."""
    without_end = text.rstrip("\r\n")
    if without_end != text and not CONTROL.search(without_end):
        return f"{name} ends with a line break, {why}; {_LINE_BREAK_ADVICE}"
    return f"{name} holds a line break or another control character, {why}"


def credential_problems(options: t.Mapping[str, t.Any], names: t.Sequence[str], may_be_padded: bool) -> list[str]:
    """What keeps the account's credentials from ever being right, so that the server need not be asked.

    `names`: the options that hold them; a missing one is no problem here. `may_be_padded`: whether the key may have
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
    """What keeps a text from being an e-mail address."""
    return [] if _EMAIL.fullmatch(text) else [f"{name} '{escape_control(text, 100)}' is not an e-mail address"]


def ip_problems(text: str) -> list[str]:
    """What keeps a text from being one of `ips`."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return [f"ips: '{escape_control(text, 100)}' is not an IP address"]
    return []


def date_of(text: str) -> datetime.date | None:
    """The date that a text says; None for one that says none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.date(*map(int, text.split("-")))
    except ValueError:
        return None


def _todays() -> list[datetime.date]:
    return [datetime.date.today(), datetime.datetime.now(datetime.timezone.utc).date()]
