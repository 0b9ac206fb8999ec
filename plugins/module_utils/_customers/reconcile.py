# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Looks at a customer, carries a plan out, and reads again wherever the outcome of a write is unknown."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    Operation,
    Plan,
    Roster,
    is_done,
    outcome,
    to_check_password,
    to_search_company,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    NOT_DONE,
    CallError,
    CollectionError,
    Defect,
    Stopped,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import Patience
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import (
    ONCE_ONLY,
    CustomerApi,
    is_unknown_customer,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import Attributes

PLANNED = "planned"
APPLIED = "applied"
FAILED = "failed"
UNKNOWN = "unknown"
NOT_REACHED = "not_reached"


@dataclasses.dataclass
class Outcome:
    """What became of a plan.

    `statuses`: one for each operation. `after`: the attributes after what was applied, hidden ones included.
    `customer`: as last seen; `seen`: whether that is from after the last write. `lags`: whether the server was asked
    and does not show a customer that is there. `error`: what ended the run early.
    """

    plan: Plan
    statuses: list[str]
    customer: Attributes | None
    seen: bool = True
    lags: bool = False
    error: CollectionError | None = None

    @property
    def applied(self) -> list[Operation]:
        """The operations that took effect."""
        return [operation for operation, status in zip(self.plan.operations, self.statuses) if status == APPLIED]

    @property
    def after(self) -> Attributes | None:
        """The attributes that the applied operations led to."""
        return outcome(self.plan.before, self.applied)

    @property
    def visible(self) -> Attributes | None:
        """`after` as the server will show it, where it was not read again."""
        after = self.after
        shown = {**(self.plan.before or {}), **(self.plan.predicted or {})}
        return None if after is None else {name: after[name] for name in after if name in shown}


def find(api: CustomerApi, desired: Desired) -> Observed:
    """The customer as the server shows it, with one read when it exists under its only name or is to be absent.

    A filter by username narrows the read. It is left out where one read has to answer for two names, and where nothing
    is done because there is no such customer. It is left out before a customer is created, too: a filter may miss a
    name that only looks alike, which must neither become a second customer nor be taken for one that is absent.
    """
    narrowed = _has_one_name(desired) and desired.state == "present"
    listed = _read(api, desired, narrowed)
    current = listed.identify(desired)
    if current is None and narrowed:
        listed = _read(api, desired, narrowed=False)
        current = listed.identify(desired)
    return Observed(current, shows_website_access=listed.shows_website_access)


def _has_one_name(desired: Desired) -> bool:
    return len(desired.usernames) == 1


def _read(api: CustomerApi, desired: Desired, narrowed: bool) -> Roster:
    """The customers among which the one of `desired` is, if it exists: one read. `narrowed`: by its only name."""
    filters = {"username": desired.username} if narrowed else {}
    return Roster(row.attributes for row in api.customers(desired.username, **filters))


def observe(api: CustomerApi, desired: Desired) -> Observed:
    """The customer as the server shows it, with what must be asked to compare what it hides."""
    return ask(api, desired, find(api, desired))


def ask(api: CustomerApi, desired: Desired, observed: Observed) -> Observed:
    """What was `observed`, with what must be asked to compare what the server hides."""
    current = observed.current
    if current is None:
        return observed
    user = current["username"]
    company = to_search_company(desired, current)
    password = to_check_password(desired, current)
    return dataclasses.replace(
        observed,
        company_matches=None if company is None else _has_company(api, user, company),
        password_matches=None if password is None else api.has_password(user, password),
    )


def pretend(plan: Plan) -> Outcome:
    """The outcome of a plan in check mode."""
    return Outcome(plan, [PLANNED] * len(plan.operations), plan.predicted)


def carry_out(api: CustomerApi, desired: Desired, plan: Plan, is_stopped: t.Callable[[], bool] = bool) -> Outcome:
    """Carries out the operations in their order, and ends at the first that fails. Raises nothing.

    `is_stopped`: whether no further call is wanted, asked before each operation.
    """
    result = Outcome(plan, [NOT_REACHED] * len(plan.operations), plan.before)
    is_new = False
    for position, operation in enumerate(plan.operations):
        if is_stopped():
            break
        try:
            status, error = _Write(api, desired, operation, is_new).carry_out()
        except Stopped:
            break
        except Exception as defect:  # pylint: disable=broad-exception-caught
            # What was applied before it must not be forgotten.
            status, error = UNKNOWN, Defect(defect)
        result.statuses[position] = status
        if error is not None:
            result.error = error
            break
        is_new = is_new or operation.name == "create"
    return result


def reread(api: CustomerApi, desired: Desired, result: Outcome) -> None:
    """Puts the customer as the server shows it now into `result`; without an answer, what is known stands in for it."""
    after = result.after
    if result.error is None:
        if after is None:
            # Deleted: there is nothing left to show.
            result.customer = None
            return
        # Every write is known to be done, so only one name is left to look for.
        desired = dataclasses.replace(desired, username=after["username"], new_username=None)
    try:
        result.customer = _look_up(api, desired)
        # A customer that should be there and is not: a list that lags behind. After an error, only what this run has
        # created is known to be there.
        is_expected = result.error is None or (result.plan.before is None and after is not None)
        result.lags = is_expected and result.customer is None
        result.seen = not result.lags
    except CollectionError:
        result.seen = False
    if not result.seen:
        result.customer = result.visible


def _look_up(api: CustomerApi, desired: Desired) -> Attributes | None:
    """The customer after a write. Names were looked at before it, so others that are near do not matter any more."""
    return _read(api, desired, _has_one_name(desired)).exact(desired)


def _has_company(api: CustomerApi, user: str, company: str) -> bool:
    """Whether a search for the company finds the customer.

    Searched by the company alone, since it is not on record whether the server joins two filters by "and".
    """
    return any(row.attributes["username"] == user for row in api.customers(user, company=company))


def _is_about_account(error: CallError) -> bool:
    """Whether the server refused the account, not the operation."""
    return bool({401, 403} & {error.code, error.status})


class _Write:
    """One writing operation on its way to an outcome. `is_new`: whether this run has created the customer."""

    def __init__(self, api: CustomerApi, desired: Desired, operation: Operation, is_new: bool = False) -> None:
        self._api = api
        self._desired = desired
        self._operation = operation
        self._is_new = is_new

    def carry_out(self) -> tuple[str, CollectionError | None]:
        """The status of the operation, and the error when it is not `applied`."""
        patience = self._api.session.patience()
        lost = False
        while True:
            error = self._try(patience)
            if error is None:
                return APPLIED, None
            if self._lags(error):
                if patience.wait_to_poll():
                    continue
                error.advice = self._advice_after_waiting(patience)
                return FAILED, error
            lost = lost or error.fate != NOT_DONE
            if not lost:
                return self._refused(error)
            done = self._look()
            while done is False and self._may_show_later(error) and patience.again():
                done = self._look()
            if done is True:
                return APPLIED, None
            if done is None:
                return UNKNOWN, error
            if not (self._may_repeat(error) and patience.again(error.wait)):
                error.advice = "The customer was read again, and does not show it."
                return FAILED, error

    def _refused(self, error: CallError) -> tuple[str, CollectionError | None]:
        """An error for certain. What was to be done may have been done by somebody else meanwhile."""
        if self._operation.name not in ONCE_ONLY or error.transient or _is_about_account(error):
            return FAILED, error
        done = self._look()
        if done and self._operation.name != "create":
            return APPLIED, None
        if done:
            # It may be another customer than the one that was asked for, so it has to be compared anew.
            error.advice = "By now the customer exists, so it was created by somebody else meanwhile."
        elif done is False and error.messages and self._operation.name != "delete":
            error.advice = "If the name is taken: it stays so after a deletion, and for customers of other accounts."
        return FAILED, error

    def _lags(self, error: CallError) -> bool:
        """Whether a refusal means that the server does not know yet the customer that this run has created."""
        if not self._is_new or error.fate != NOT_DONE or error.transient or _is_about_account(error):
            return False
        return is_unknown_customer(error) or not self._is_listed()

    def _is_listed(self) -> bool:
        """Whether the list shows the customer, or does not tell."""
        try:
            return _look_up(self._api, self._desired) is not None
        except CollectionError:
            return True

    def _advice_after_waiting(self, patience: Patience) -> str:
        most = self._api.session.connection.max_retry_wait
        if patience.left:
            return "The run was stopped while it waited for the server to know the new customer."
        return f"The server still did not know the new customer after {most:g} s of waiting (max_retry_wait)."

    def _may_show_later(self, error: CallError) -> bool:
        """Whether a creation whose answer was lost may be what a further try was refused for: its name is taken then.

        The text for a taken name was never recorded, so any refusal of the operation may be that one.
        """
        is_refusal = error.fate == NOT_DONE and not error.transient and not _is_about_account(error)
        return self._operation.name == "create" and is_refusal and bool(error.messages)

    def _may_repeat(self, error: CallError) -> bool:
        """Whether to try again here. The other writes are safe to repeat, and the session has done so."""
        return error.transient and self._operation.name in ONCE_ONLY

    def _try(self, patience: Patience) -> CallError | None:
        operation = self._operation
        try:
            self._api.write(operation.name, operation.user, operation.sent, patience)
        except CallError as error:
            return error
        return None

    def _look(self) -> bool | None:
        """Whether the server shows that the operation was done; None when nothing tells."""
        operation = self._operation
        try:
            if operation.name == "set_password":
                return self._api.has_password(operation.user, operation.sent["password"])
            done = is_done(operation, _look_up(self._api, self._desired))
            if done and operation.name == "delete":
                # An empty answer is how an empty list may look, and how a failing server may look: it is asked twice.
                done = is_done(operation, _look_up(self._api, self._desired))
            return done
        except CollectionError:
            return None
