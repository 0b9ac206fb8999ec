# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Reads a customer, carries out a plan, and reads again if the outcome of a write is unknown."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer, CustomerApi, Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import Attributes
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    Plan,
    apply,
    further_reads,
    is_done,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    ACCOUNT,
    MAYBE_APPLIED,
    NOT_APPLIED,
    UNKNOWN_CUSTOMER,
    CallError,
    Cancelled,
    CollectionError,
    InternalError,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget, TimeLimit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

Settling = t.Callable[[], t.ContextManager[t.Any]]

PLANNED = "planned"
APPLIED = "applied"
FAILED = "failed"
UNKNOWN = "unknown"
NOT_REACHED = "not_reached"


@dataclasses.dataclass
class Outcome:
    """The outcome of a plan.

    `statuses`: one for each operation. `after`: the attributes after what was applied, hidden ones included.
    `customer`: as last seen; `seen`: whether that was after the last write. `lags`: whether the server does not show a
    customer that exists. `error`: what ended the run early.
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
        return apply(self.plan.before, self.applied)

    @property
    def visible(self) -> Attributes | None:
        """`after` as the server will show it, if it was not read again."""
        after = self.after
        shown = {**(self.plan.before or {}), **(self.plan.predicted or {})}
        return None if after is None else {name: after[name] for name in after if name in shown}


def find_customer(api: CustomerApi, desired: Desired) -> Observed:
    """The customer as the server shows it, with one read when it exists under its only name or is to be absent.

    The read also looks for similar names if it must answer for two names anyway, and if a missing customer means that
    there is nothing to do. So does a read before a creation: a name that only looks alike must neither become a second
    customer nor count as absent.
    """
    exactly = len(desired.usernames) == 1 and desired.state == "present"
    observed = _lookup(api, desired, near=not exactly).observed(desired)
    if observed.current is None and exactly and api.capabilities.lookup_misses_near:
        observed = _lookup(api, desired, near=True).observed(desired)
    return observed


def _lookup(api: CustomerApi, desired: Desired, near: bool) -> CustomerIndex:
    """Customers that include the one of `desired`, if it exists. `near`: also those with similar names."""
    names = list(dict.fromkeys((desired.username, desired.final_username)))
    return CustomerIndex(api.lookup(names, near), api.capabilities.seen("sometimes"))


def observe(api: CustomerApi, desired: Desired) -> Observed:
    """The customer as the server shows it, with the further reads that compare what the server hides."""
    return read_hidden(api, desired, find_customer(api, desired))


def read_hidden(api: CustomerApi, desired: Desired, observed: Observed) -> Observed:
    """Adds to `observed` the further reads that compare what the server hides."""
    current = observed.current
    names = further_reads(desired, current, api.capabilities)
    if current is None or not names:
        return observed
    wanted = {name: desired.attributes[name] for name in names}
    details = api.details(current["username"], observed.key, wanted)
    return dataclasses.replace(
        observed, current={**current, **details.attributes}, matches=details.matches, blocked=details.blocked
    )


def simulate(plan: Plan) -> Outcome:
    """The outcome of a plan in check mode."""
    return Outcome(plan, [PLANNED] * len(plan.operations), plan.predicted)


def execute_plan(
    api: CustomerApi,
    desired: Desired,
    plan: Plan,
    is_stopped: t.Callable[[], bool] = bool,
    settling: Settling = contextlib.nullcontext,
) -> Outcome:
    """Carries out the operations in order, and ends at the first that fails. Raises nothing.

    `is_stopped`: called before each operation; true if no further call is wanted. `settling`: a context that is entered
    while the run only waits for the server to know a new customer.
    """
    result = Outcome(plan, [NOT_REACHED] * len(plan.operations), plan.before)
    known = _Known(plan.key, settling)
    for position, operation in enumerate(plan.operations):
        if is_stopped():
            break
        try:
            status, error = _Write(api, desired, operation, known).execute()
        except Cancelled:
            break
        except Exception as defect:  # pylint: disable=broad-exception-caught
            # The result must keep what was applied before.
            status, error = UNKNOWN, InternalError(defect)
        result.statuses[position] = status
        if error is not None:
            result.error = error
            break
    return result


def refresh(api: CustomerApi, desired: Desired, result: Outcome) -> None:
    """Reads the customer again into `result`. Without an answer, `result` gets what is known."""
    after = result.after
    if result.error is None:
        if after is None:
            # Deleted: there is nothing left to show.
            result.customer = None
            return
        # All writes took effect, so only one name is left to look for.
        desired = dataclasses.replace(desired, username=after["username"], new_username=None)
    try:
        # An attribute of an existing customer that is not compared is not read either.
        left_alone = frozenset() if result.plan.before is None else desired.on_create
        result.customer = _current_with_details(api, desired, desired.attributes.keys() - left_alone)
        # If the list lacks a customer that must exist, it lags behind. After an error, only a customer that this run
        # created must exist.
        is_expected = result.error is None or (result.plan.before is None and after is not None)
        result.lags = is_expected and result.customer is None
        result.seen = not result.lags
    except CollectionError:
        result.seen = False
    if not result.seen:
        result.customer = result.visible


def _current(api: CustomerApi, desired: Desired) -> Customer | None:
    """The customer after a write. Similar names were checked before, so they do not matter any more."""
    return _lookup(api, desired, near=False).exact(desired)


def _current_with_details(api: CustomerApi, desired: Desired, names: t.Collection[str]) -> Attributes | None:
    """The same, with the desired attributes in `names` that only a further read shows."""
    found = _current(api, desired)
    names = api.capabilities.seen("details") & desired.attributes.keys() & frozenset(names)
    if found is None or not names:
        return None if found is None else found.attributes
    details = api.details(found.username, found.key, {name: desired.attributes[name] for name in names})
    return {**found.attributes, **details.attributes}


@dataclasses.dataclass
class _Known:
    """What is known of the customer while a plan is carried out.

    `key`: how the API identifies it. `settling`: the context to enter during a wait for it. `is_new`: whether this run
    created it. `time_limit`: how long the server may still take to know it everywhere; None: as long as a call
    may wait.
    """

    key: t.Any
    settling: Settling
    is_new: bool = False
    time_limit: TimeLimit | None = None

    def wait(self, budget: RetryBudget) -> bool:
        """Waits before the next lookup. Returns whether there may be one."""
        with self.settling():
            return budget.wait_to_poll(self.time_limit)


class _Write:
    """One writing operation and its outcome."""

    def __init__(self, api: CustomerApi, desired: Desired, operation: Operation, known: _Known) -> None:
        self._api = api
        self._desired = desired
        self._operation = operation
        self._known = known
        self._is_repeatable = api.is_repeatable(operation.name)

    def execute(self) -> tuple[str, CollectionError | None]:
        """The status of the operation, and the error when it is not `applied`."""
        budget = self._api.retry_budget()
        status, error = self._write(budget)
        if self._operation.name == "create" and status == APPLIED:
            return self._confirmed(budget)
        return status, error

    def _confirmed(self, budget: RetryBudget) -> tuple[str, CollectionError | None]:
        """The outcome of a creation. Some APIs require that the server shows the customer before it counts."""
        capabilities = self._api.capabilities
        self._known.is_new = True
        if capabilities.longest_settling is not None:
            self._known.time_limit = TimeLimit(capabilities.longest_settling)
        if not capabilities.confirms_creation:
            return APPLIED, None
        while True:
            found, unread = self._read()
            if found is not None:
                self._known.key = found.key
                return APPLIED, None
            is_hopeless = isinstance(unread, CallError) and unread.recurs
            if is_hopeless or not self._known.wait(budget):
                return UNKNOWN, self._unconfirmed(budget, unread)

    def _read(self) -> tuple[Customer | None, CollectionError | None]:
        """The customer, if the server shows it, and the error if the read failed."""
        try:
            return _current(self._api, self._desired), None
        except CollectionError as error:
            return None, error

    def _unconfirmed(self, budget: RetryBudget, unread: CollectionError | None) -> CallError:
        """The error of a creation that no read confirms. `unread`: why the read failed."""
        if isinstance(unread, CallError):
            reason = f"the server confirmed it, but the customer could not be read: {unread.reason}"
            error = CallError(reason, MAYBE_APPLIED, status=unread.status, advice=unread.advice)
            error.concerns = unread.concerns
        else:
            error = CallError("the server confirmed it, but no read shows the customer", MAYBE_APPLIED)
            error.advice = self._advice_after_waiting(budget)
        error.doing = f"create customer '{escape_control(self._operation.user, 100)}'"
        return error

    def _write(self, budget: RetryBudget) -> tuple[str, CollectionError | None]:
        lost = False
        while True:
            error = self._try(budget)
            if error is None:
                return APPLIED, None
            if self._lags(error):
                if self._known.wait(budget):
                    continue
                error.advice = self._advice_after_waiting(budget)
                return FAILED, error
            lost = lost or error.applied != NOT_APPLIED
            if not lost:
                return self._refused(error)
            done = self._was_applied()
            while done is False and self._may_show_later(error) and budget.wait_to_retry():
                done = self._was_applied()
            if done is True:
                return APPLIED, None
            if done is None:
                return UNKNOWN, error
            if not (self._may_repeat(error) and budget.wait_to_retry(error.wait)):
                error.advice = "The customer was read again, and does not show the change."
                return FAILED, error

    def _refused(self, error: CallError) -> tuple[str, CollectionError | None]:
        """The outcome of a write that the server refused. Somebody else may have done the same in the meantime."""
        if self._is_repeatable or error.transient or error.concerns == ACCOUNT:
            return FAILED, error
        done = self._was_applied()
        name = self._name_by_now() if done and self._operation.name == "delete" else ""
        if name:
            error.advice = f"It is now called '{escape_control(name, 100)}', so somebody else renamed it."
        elif done and self._operation.name != "create":
            return APPLIED, None
        elif done:
            # It may differ from the desired customer, so a new run must compare it.
            error.advice = "The customer exists now, so somebody else created it."
        elif done is False and error.messages and not error.advice and self._operation.name != "delete":
            error.advice = (
                "The name may be taken: a deleted customer keeps its name, and so does a customer of another account."
            )
        return FAILED, error

    def _name_by_now(self) -> str:
        """The other name under which the list shows the customer; empty if there is none or the list cannot tell."""
        try:
            listed = self._api.customers({}).customers if self._known.key else []
        except CollectionError:
            return ""
        names = (one.username for one in listed if one.key == self._known.key)
        return next((name for name in names if name != self._operation.user), "")

    def _lags(self, error: CallError) -> bool:
        """Whether a refusal means that the server does not yet know the customer that this run created."""
        if not self._known.is_new or error.applied != NOT_APPLIED or error.transient:
            return False
        if error.may_settle:
            return True
        return error.concerns != ACCOUNT and (error.concerns == UNKNOWN_CUSTOMER or not self._is_listed())

    def _is_listed(self) -> bool:
        """Whether the list shows the customer. True if the list cannot be read."""
        try:
            return _current(self._api, self._desired) is not None
        except CollectionError:
            return True

    def _advice_after_waiting(self, budget: RetryBudget) -> str:
        settling, most = self._api.capabilities.longest_settling, self._api.longest_wait
        if settling is not None and settling < most and not (self._known.time_limit and self._known.time_limit.left):
            return f"The server still did not know the new customer after {settling:g} s."
        if budget.left:
            return "The run was stopped while it waited for the server to know the new customer."
        return f"The server still did not know the new customer after {most:g} s of waiting (max_retry_wait)."

    def _may_show_later(self, error: CallError) -> bool:
        """Whether a creation with a lost answer may be why a further try was refused: its name is taken then.

        The text for a taken name was never recorded, so any refusal of the operation may be this one.
        """
        is_refusal = error.applied == NOT_APPLIED and not error.transient and error.concerns != ACCOUNT
        return self._operation.name == "create" and is_refusal and bool(error.messages)

    def _may_repeat(self, error: CallError) -> bool:
        """Whether to try again here. Other writes are safe to repeat, so the client has already repeated them."""
        return error.transient and not self._is_repeatable

    def _try(self, budget: RetryBudget) -> CallError | None:
        try:
            self._api.write(self._operation, self._known.key, budget)
        except CallError as error:
            return error
        return None

    def _was_applied(self) -> bool | None:
        """Whether the server shows that the operation took effect; None if nothing tells."""
        operation = self._operation
        try:
            if operation.sent and operation.sent.keys() <= self._desired.secrets:
                return self._matches(operation.sent)
            done = self._shows()
            if done and operation.name == "delete":
                # An empty answer may mean an empty list or a failing server. So the server is asked twice.
                done = self._shows()
            return done
        except CollectionError:
            return None

    def _shows(self) -> bool | None:
        """Whether a new read of the customer shows that the operation took effect."""
        # The list tells whether a customer exists.
        names = () if self._operation.name in ("create", "delete") else self._operation.effect
        current = _current_with_details(self._api, self._desired, names)
        return is_done(self._operation, current, self._api.capabilities)

    def _matches(self, secrets: Attributes) -> bool | None:
        """Whether the server has these values. It never shows them."""
        matches = self._api.details(self._operation.user, self._known.key, secrets).matches
        verdicts = [matches.get(name) for name in secrets]
        return False if False in verdicts else None if None in verdicts else True
