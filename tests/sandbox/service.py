# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of one call through the service: find the operation, authenticate, run, log, render."""

from __future__ import annotations

import datetime
from typing import Any

from . import log, operations, validation
from .answers import Answer, Renderer
from .behaviours import Behaviour, Reason, Refusal
from .calls import Call, check_form
from .operations import Context, Operation
from .seed import Seed
from .store import Account, Store


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

    def answer(self, call: Call) -> Answer:
        """Serve one API call and write it into the request log. Never raises for what a caller may send."""
        operation = operations.find(call)
        name = operation.name if operation else "unknown"
        wanted = call.format or "json"
        account: Account | None = None
        with self.store.transaction() as db:
            try:
                self._check_address(call)
                account = self._authenticated(call)
                outcome = self._run(operation, account, call)
                answer, succeeded = self._renderer.outcome(outcome, wanted, name), True
            except Refusal as refusal:
                answer, succeeded = self._renderer.refusal(refusal, wanted, name), False
            log.append(
                db,
                log.entry(
                    call,
                    operation=name,
                    writes=operation is not None and operation.writes,
                    api_user=account.api_user if account else None,
                    user=self._target(operation, call),
                    succeeded=succeeded,
                ),
            )
        return answer

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

    def log_entries(self) -> list[dict[str, Any]]:
        with self.store.transaction() as db:
            return log.read(db)

    def clear_log(self) -> None:
        with self.store.transaction() as db:
            log.clear(db)

    def customers(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.everything()
