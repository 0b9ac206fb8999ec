# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Calls on behalf of a customer: chooses the server, adds the header, and verifies that the server obeys it.

Without the header, or if the server ignores it, the same calls act on the parent account. They would rename it, or
change its e-mail address or profile [reported]. So the server must show the customer's own name and id before the first
write, and before the first read of a task from each server.
"""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import NOT_APPLIED, SERVER, CallError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.checks import NOT_IN_A_HEADER, is_addressable
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import EU, GLOBAL, Key

# The spelling matters: the server ignored it in lower case [reported].
HEADER = "On-Behalf-Of"


class Subject(t.NamedTuple):
    """The customer that a call acts for. `base`: the address of the server where the customer's data reside."""

    username: str
    key: Key
    base: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that name the customer in a request."""
        return {HEADER: self.username}


# Asks the server which account it sees as the caller. Returns the username and the id, each as a text.
WhoAmI = t.Callable[[Subject], "tuple[str, str]"]


class VerifiedServers:
    """The servers that are known to obey the header. All tasks over the same kept connections share them."""

    def __init__(self) -> None:
        self._bases: set[str] = set()
        self._lock = threading.Lock()

    def check(self, subject: Subject, who_am_i: WhoAmI) -> None:
        """Checks a server before the first read. Raises CallError if it does not obey the header."""
        # Under the lock, so that only one of the calls that start together asks.
        with self._lock:
            if subject.base not in self._bases:
                check_identity(subject, who_am_i)
                self._bases.add(subject.base)

    def add(self, subject: Subject) -> None:
        """Remembers that a server has shown the customer."""
        with self._lock:
            self._bases.add(subject.base)


class OnBehalf:
    """The calls of one task on behalf of customers. `bases`: the servers, by residency; None if unknown."""

    def __init__(self, bases: t.Mapping[str, str | None], verified_servers: VerifiedServers, who_am_i: WhoAmI) -> None:
        self._bases = bases
        self._servers = verified_servers
        self._who_am_i = who_am_i
        self._verified: set[Subject] = set()

    def subject(self, username: str, key: Key) -> Subject:
        """The customer as calls address it. Raises CallError before any call if no call can address the customer."""
        if not is_addressable(username):
            raise CallError(f"the username {NOT_IN_A_HEADER}, so it cannot be addressed", NOT_APPLIED)
        if key.residency not in self._bases:
            raise CallError(
                f"its data reside in '{escape_control(key.residency, 20)}', and no server is known for it", NOT_APPLIED
            )
        base = self._bases[key.residency]
        if base is None:
            raise CallError(
                "its data reside in the EU, and which server has them is not known",
                NOT_APPLIED,
                advice="Set eu_api_url, since api_url is not the vendor's own address.",
            )
        return Subject(username, key, base)

    def residency_problems(self, residency: str) -> list[str]:
        """Why no call can be made on behalf of a customer whose data will reside there, as clauses."""
        if self._bases.get(residency) is not None:
            return []
        return [f"data_residency={residency}: set eu_api_url, since api_url is not the vendor's own address"]

    def check_read(self, subject: Subject) -> None:
        """Call this before a read. Raises CallError if the server does not obey the header."""
        if subject not in self._verified:
            self._servers.check(subject, self._who_am_i)

    def check_write(self, subject: Subject) -> None:
        """Call this before a write. Raises CallError unless the server shows the customer itself."""
        if subject not in self._verified:
            check_identity(subject, self._who_am_i)
            self._verified.add(subject)
            self._servers.add(subject)


def check_identity(subject: Subject, who_am_i: WhoAmI) -> None:
    """Raises CallError unless the server shows the customer's own name and id."""
    if subject.key.id is None:
        raise CallError(
            "the list shows no id of the customer, so nothing proves that a call would be about it", NOT_APPLIED
        )
    username, number = who_am_i(subject)
    if (username, number) == (subject.username, subject.key.id):
        return
    wanted = f"'{escape_control(subject.username, 100)}' (id {escape_control(subject.key.id, 20)})"
    answered = f"'{escape_control(username, 100)}' (id {escape_control(number, 20)})"
    error = CallError(f"the server answers a call on behalf of customer {wanted} as {answered}", NOT_APPLIED)
    if username == subject.username:
        error.advice = "Nothing was written, because another customer has this name now."
    else:
        error.advice = (
            "Nothing was written, because the call would be about another account. "
            f"A proxy in between may remove the header {HEADER}."
        )
        error.concerns = SERVER
    raise error


def servers(api_url: str, eu_api_url: str | None) -> dict[str, str | None]:
    """The base address for each residency."""
    return {GLOBAL: api_url, EU: eu_api_url}
