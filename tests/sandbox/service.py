# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of one call through the service: find the operation, authenticate, run, log, render."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from . import log, operations, validation
from .answers import Answer, Renderer
from .behaviours import Behaviour, Reason, Refusal
from .calls import Call, check_form
from .log import NO_TROUBLE, Entry, Trouble
from .operations import Context, Operation
from .seed import Seed
from .store import Account, Store

# Message and status.
TOO_MANY_REQUESTS = ("Too many requests", 429)


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.timezone.utc).date()


class Service:
    """The stand-in without HTTP around it. Each method is one transaction of the store."""

    def __init__(self, store: Store, behaviour: Behaviour, seed: Seed) -> None:
        """Use `store`, and fill it from `seed` if it is new; an older database keeps its state."""
        self.store = store
        self.behaviour = behaviour
        self.seed = seed
        self._renderer = Renderer(behaviour)
        with store.transaction():
            if not store.has_accounts():
                self._plant()

    def answer(self, call: Call, trouble: Trouble = NO_TROUBLE, wanted: str | None = None, unseen: int = 0) -> Answer:
        """Serve one API call and write it into the request log. Never raises for what a caller may send.

        `wanted`: the answer's format, if not the call's own. `unseen`: how many calls that look for a customer which
        this call creates do not find it.
        """
        with self.store.transaction() as db:
            account, answer, succeeded = self._perform(call, wanted or call.format or "json")
            if unseen and succeeded and operations.find(call) is operations.CREATE:
                self.store.hide_customer(call.value("username") or "", unseen)
            log.append(db, self._entry(call, account, succeeded, trouble))
        return answer

    def note(self, call: Call, trouble: Trouble) -> tuple[int, Entry]:
        """Write a call that is not acted on into the request log, and return the entry with its number."""
        with self.store.transaction() as db:
            try:
                self._check_address(call)
                account: Account | None = self._authenticated(call)
            except Refusal:
                account = None
            entry = self._entry(call, account, False, trouble)
            return log.append(db, entry), entry

    def turn_away(self, call: Call) -> Answer:
        """Write a call beyond the rate limit into the request log, and answer it so."""
        self.note(call, Trouble(outcome=log.ERROR, limited=True))
        return self.error(call, *TOO_MANY_REQUESTS)

    def act_on_noted(self, call: Call, number: int, entry: Entry) -> None:
        """Serve a call that was noted, without an answer to it, and say in its entry whether it wrote."""
        with self.store.transaction() as db:
            _account, _answer, succeeded = self._perform(call, "json")
            if entry.attempted_write and succeeded:
                log.put(db, number, replace(entry, wrote=True))

    def error(self, call: Call, message: str, status: int | None = None, more: Iterable[str] = ()) -> Answer:
        """An error with a text of one's own, in the behaviour's usual form, which may have room for `more`."""
        return self._renderer.error(message, status, call.format or "json", self._name(operations.find(call)), more)

    def refusal(self, call: Call, reason: Reason) -> Answer:
        """What a call would be answered that is refused for `reason`."""
        return self._renderer.refusal(Refusal(reason), call.format or "json", self._name(operations.find(call)))

    def _perform(self, call: Call, wanted: str) -> tuple[Account | None, Answer, bool]:
        """Do what is asked. Returns who asked, if that is known, the answer, and whether the call succeeded."""
        operation = operations.find(call)
        name = self._name(operation)
        account: Account | None = None
        try:
            self._check_address(call)
            account = self._authenticated(call)
            outcome = self._run(operation, account, call)
            return account, self._renderer.outcome(outcome, wanted, name), True
        except Refusal as refusal:
            return account, self._renderer.refusal(refusal, wanted, name), False

    def _entry(self, call: Call, account: Account | None, succeeded: bool, trouble: Trouble) -> Entry:
        operation = operations.find(call)
        return log.entry(
            call,
            operation=self._name(operation),
            writes=operation is not None and operation.writes,
            api_user=account.api_user if account else None,
            user=self._target(operation, call),
            succeeded=succeeded,
            trouble=trouble,
        )

    def _name(self, operation: Operation | None) -> str:
        return operation.name if operation else "unknown"

    def _check_address(self, call: Call) -> None:
        check_form(call)
        if call.format is None or (call.family, call.action) not in operations.ADDRESSES:
            raise Refusal(Reason.UNKNOWN_ADDRESS)

    def _authenticated(self, call: Call) -> Account:
        """The account behind the credentials, which each call carries [doc]."""
        account = self.store.authenticate(call.value("api_user") or "", call.value("api_key") or "")
        if account is None:
            raise Refusal(Reason.WRONG_CREDENTIALS)
        return account

    def _run(self, operation: Operation | None, account: Account, call: Call) -> operations.Outcome:
        permitted = account.reseller if call.family == "reseller" else account.subusers
        if not permitted:
            raise Refusal(Reason.NOT_AUTHORIZED)
        if operation is None:
            raise Refusal(Reason.UNKNOWN_TASK)
        bad = validation.unstorable(call)
        if bad:
            raise Refusal(Reason.INVALID, tuple(bad))
        return operation.run(Context(self.store, self.behaviour, account, _today()), call)

    def _target(self, operation: Operation | None, call: Call) -> str | None:
        parameter = operation.target_parameter(self.behaviour) if operation else None
        return call.value(parameter) if parameter else None

    # For the control addresses

    def reset(self) -> None:
        """Back to the seeded state, with an empty log."""
        with self.store.transaction():
            self._plant()

    def _plant(self) -> None:
        self.store.empty()
        self.seed.plant(self.store, self.behaviour)

    def log_entries(self, after: int) -> str:
        """The log as JSON, without its first `after` entries."""
        with self.store.transaction() as db:
            return log.read(db, after)

    def clear_log(self) -> None:
        with self.store.transaction() as db:
            log.clear(db)

    def customers(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.everything()
