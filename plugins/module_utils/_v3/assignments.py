# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The IP addresses and the authenticated domains of an account, and which customers have them.

Loaded only where a task is about them.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control


class Address(t.NamedTuple):
    """An IP address of the account. `customers`: the names of those who send from it."""

    ip: str
    customers: frozenset[str]


class Domain(t.NamedTuple):
    """An authenticated domain. `owner` and `owner_id`: the account, or the customer who has authenticated it."""

    id: str
    domain: str
    subdomain: str
    owner: str
    owner_id: str
    is_valid: bool

    @property
    def name(self) -> str:
        """The name that no other domain of the account has."""
        return f"{self.subdomain}.{self.domain}" if self.subdomain else self.domain

    def is_called(self, text: str) -> bool:
        """Whether somebody means this domain. In names of domains, case does not matter."""
        return text.lower() in (self.domain.lower(), self.name.lower())


def addresses_of(document: t.Any) -> list[Address]:
    """A page of IP addresses [spec]. Raises WireError for anything else."""
    return [_address(row) for row in _rows(document, "IP addresses")]


def _address(row: dict[str, t.Any]) -> Address:
    ip, customers = row.get("ip"), row.get("subusers")
    if not isinstance(ip, str) or not ip:
        raise WireError(["the list has an IP address without 'ip'"], readable=False)
    try:
        ipaddress.ip_address(ip)
    except ValueError:
        raise WireError(["'ip' of an IP address is not one"], readable=False) from None
    if customers is not None and not isinstance(customers, list):
        raise WireError(["'subusers' of an IP address is not a list"], readable=False)
    return Address(ip, frozenset(name for name in customers or () if isinstance(name, str)))


def ips_by_customer(addresses: t.Iterable[Address]) -> dict[str, list[str]]:
    """By username, the IP addresses that the customer sends from."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        for name in address.customers:
            found.setdefault(name, []).append(address.ip)
    return found


def domains_of(document: t.Any) -> list[Domain]:
    """A page of domains [spec]. Raises WireError for anything else."""
    return [_domain(row) for row in _rows(document, "domains")]


def _domain(row: dict[str, t.Any]) -> Domain:
    texts = {name: row[name] for name in ("id", "domain", "subdomain", "username", "user_id") if name in row}
    known = {name: text if isinstance(text, str) else "" for name, text in texts.items()}
    if not known.get("id") or not known.get("domain"):
        raise WireError(["the list has a domain without 'id' or 'domain'"], readable=False)
    return Domain(
        known["id"],
        known["domain"],
        subdomain=known.get("subdomain", ""),
        owner=known.get("username", ""),
        owner_id=known.get("user_id", ""),
        is_valid=row.get("valid") is True,
    )


def _rows(document: t.Any, what: str) -> list[dict[str, t.Any]]:
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise WireError([f"the answer is not a list of {what}"], readable=False)
    return document


def foreign_problems(wanted: t.Iterable[str], known: t.Container[str]) -> list[str]:
    """Which IP addresses the account does not have."""
    foreign = [ip for ip in wanted if ip not in known]
    return (
        [f"ips: {', '.join(foreign)} {'does' if len(foreign) == 1 else 'do'} not belong to the account"]
        if foreign
        else []
    )


def shown_domain(wanted: str | None, domains: t.Sequence[Domain]) -> str:
    """The domain that results show of a customer: the wanted one if it is among those that it has, else the first."""
    if wanted and any(domain.is_called(wanted) for domain in domains):
        return wanted
    return domains[0].name if domains else ""


def blocked_by(wanted: str | None, domains: t.Sequence[Domain]) -> str:
    """Why a domain cannot take the place of those that a customer has, as a clause; empty where it can."""
    if not wanted or len(domains) < 2 or any(domain.is_called(wanted) for domain in domains):
        return ""
    return (
        f"whitelabel: the customer has several domains ({_names(domains)}), so it is not known which one "
        f"'{escape_control(wanted, 100)}' replaces; take away those that it should not have"
    )


def choose(
    text: str,
    own: t.Sequence[Domain],
    every: t.Callable[[], t.Sequence[Domain]],
    is_customer: t.Callable[[Domain], bool],
) -> tuple[Domain | None, str]:
    """The domain that a customer is to have, or why it cannot have it, as a clause.

    `own`: the domains of the account itself. `every`: those of its customers, too. `is_customer`: whether a domain
    belongs to the customer itself.
    """
    name = f"'{escape_control(text, 100)}'"
    found = [domain for domain in own if domain.is_called(text)]
    if not found:
        named = [domain for domain in every() if domain.is_called(text)]
        found = [domain for domain in named if is_customer(domain)]
        if named and not found:
            owner = escape_control(named[0].owner, 100)
            return None, f"whitelabel: the domain {name} belongs to customer '{owner}'"
    if not found:
        return None, f"whitelabel: the account has no authenticated domain {name}"
    if len(found) > 1:
        return None, f"whitelabel: the account has several domains {name} ({_names(found)}); give one of these names"
    if not found[0].is_valid:
        return None, f"whitelabel: the domain {name} is not validated"
    return found[0], ""


def _names(domains: t.Iterable[Domain]) -> str:
    return ", ".join(sorted(escape_control(domain.name, 100) for domain in domains))
