# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of one call through the service: find the operation, authenticate, run, log, render."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from . import request_log
from .request_log import NO_OVERRIDES, LogEntry, LogOverrides
from .seed import Seed
from .store import Account, Store
from .v2 import operations, validation
from .v2.behaviours import ApiError, Behaviour, ErrorReason
from .v2.calls import Call, check_verb_and_body
from .v2.operations import Context, Operation
from .v2.responses import ApiResponse, Renderer

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
                self._load_seed()

    def handle_call(
        self,
        call: Call,
        overrides: LogOverrides = NO_OVERRIDES,
        response_format: str | None = None,
        hidden_lookups: int = 0,
    ) -> ApiResponse:
        """Serve one API call and write it into the request log. Never raises for what a caller may send.

        `response_format`: the answer's format, if not the call's own. `hidden_lookups`: how many calls that look for a
        customer which this call creates do not find it.
        """
        with self.store.transaction() as db:
            account, response, succeeded = self._execute(call, response_format or call.format or "json")
            if hidden_lookups and succeeded and operations.find(call) is operations.CREATE:
                self.store.hide_customer(call.value("username") or "", hidden_lookups)
            request_log.append(db, self._log_entry(call, account, succeeded, overrides))
        return response

    def log_without_executing(self, call: Call, overrides: LogOverrides) -> tuple[int, LogEntry]:
        """Write a call that is not acted on into the request log, and return the entry with its number."""
        with self.store.transaction() as db:
            try:
                self._check_address(call)
                account: Account | None = self._authenticated(call)
            except ApiError:
                account = None
            entry = self._log_entry(call, account, False, overrides)
            return request_log.append(db, entry), entry

    def reject_rate_limited(self, call: Call) -> ApiResponse:
        """Write a call beyond the rate limit into the request log, and answer it so."""
        self.log_without_executing(call, LogOverrides(outcome=request_log.ERROR, limited=True))
        return self.custom_error(call, *TOO_MANY_REQUESTS)

    def execute_logged(self, call: Call, number: int, entry: LogEntry) -> None:
        """Serve a call that was noted, without an answer to it, and say in its entry whether it wrote."""
        with self.store.transaction() as db:
            _account, _response, succeeded = self._execute(call, "json")
            if entry.attempted_write and succeeded:
                request_log.replace(db, number, replace(entry, wrote=True))

    def custom_error(
        self, call: Call, message: str, status: int | None = None, more_messages: Iterable[str] = ()
    ) -> ApiResponse:
        """An error with a text of one's own, in the behaviour's usual form, which may have room for `more_messages`."""
        return self._renderer.render_custom_error(
            message, status, call.format or "json", self._operation_name(operations.find(call)), more_messages
        )

    def error_response(self, call: Call, reason: ErrorReason) -> ApiResponse:
        """What a call would be answered that is refused for `reason`."""
        return self._renderer.render_error(
            ApiError(reason), call.format or "json", self._operation_name(operations.find(call))
        )

    def _execute(self, call: Call, response_format: str) -> tuple[Account | None, ApiResponse, bool]:
        """Do what is asked. Returns who asked, if that is known, the answer, and whether the call succeeded."""
        operation = operations.find(call)
        name = self._operation_name(operation)
        account: Account | None = None
        try:
            self._check_address(call)
            account = self._authenticated(call)
            result = self._run(operation, account, call)
            return account, self._renderer.render_result(result, response_format, name), True
        except ApiError as error:
            return account, self._renderer.render_error(error, response_format, name), False

    def _log_entry(self, call: Call, account: Account | None, succeeded: bool, overrides: LogOverrides) -> LogEntry:
        operation = operations.find(call)
        return request_log.make_entry(
            call,
            operation=self._operation_name(operation),
            writes=operation is not None and operation.writes,
            api_user=account.api_user if account else None,
            user=self._target(operation, call),
            succeeded=succeeded,
            overrides=overrides,
        )

    def _operation_name(self, operation: Operation | None) -> str:
        return operation.name if operation else "unknown"

    def _check_address(self, call: Call) -> None:
        check_verb_and_body(call)
        if call.format is None or (call.family, call.action) not in operations.ADDRESSES:
            raise ApiError(ErrorReason.UNKNOWN_ADDRESS)

    def _authenticated(self, call: Call) -> Account:
        """The account behind the credentials, which each call carries [doc]."""
        account = self.store.authenticate(call.value("api_user") or "", call.value("api_key") or "")
        if account is None:
            raise ApiError(ErrorReason.WRONG_CREDENTIALS)
        return account

    def _run(self, operation: Operation | None, account: Account, call: Call) -> operations.Result:
        permitted = account.reseller if call.family == "reseller" else account.subusers
        if not permitted:
            raise ApiError(ErrorReason.NOT_AUTHORIZED)
        if operation is None:
            raise ApiError(ErrorReason.UNKNOWN_TASK)
        bad = validation.unstorable_parameters(call)
        if bad:
            raise ApiError(ErrorReason.INVALID, tuple(bad))
        return operation.run(Context(self.store, self.behaviour, account, _today()), call)

    def _target(self, operation: Operation | None, call: Call) -> str | None:
        parameter = operation.target_parameter(self.behaviour) if operation else None
        return call.value(parameter) if parameter else None

    # For the control addresses

    def reset(self) -> None:
        """Back to the seeded state, with an empty log."""
        with self.store.transaction():
            self._load_seed()

    def _load_seed(self) -> None:
        self.store.clear()
        self.seed.populate(self.store, self.behaviour)

    def log_entries(self, after: int) -> str:
        """The log as JSON, without its first `after` entries."""
        with self.store.transaction() as db:
            return request_log.read(db, after)

    def clear_log(self) -> None:
        with self.store.transaction() as db:
            request_log.clear(db)

    def dump_customers(self) -> list[dict[str, Any]]:
        with self.store.transaction():
            return self.store.dump_customers()
