# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What reseller_customer_api_key does: validated options in, a result out. No Ansible here."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities, open_api, open_api_keys
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api_keys import (
    CREATE,
    DELETE,
    UPDATE,
    ApiKey,
    ApiKeys,
    DesiredKey,
    KeyPlan,
    find_key,
    has_scopes,
    key_problems,
    make_key_plan,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Connect,
    Options,
    Result,
    check_options,
    customer_problems,
    open_client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import RUN_AGAIN
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import Desired
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    APPLIED,
    FAILED,
    NOT_REACHED,
    PLANNED,
    UNKNOWN,
    find_customer,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    NOT_APPLIED,
    CallError,
    Cancelled,
    CollectionError,
    InvalidInput,
    as_collection_error,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.rate_limit import RetryBudget
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control

_NOT_FOUND = 404


@dataclasses.dataclass
class _Outcome:
    """What became of a plan. `key`: as it is now, None where there is none. `secret`: of a key that was created."""

    plan: KeyPlan
    statuses: list[str]
    key: ApiKey | None
    secret: str | None = None
    error: CollectionError | None = None


def manage_api_key(options: Options, check_mode: bool, connect: Connect = Client) -> Result:
    """reseller_customer_api_key: makes one API key of a customer present, anew or absent."""
    can = capabilities(options["api"])
    no_keys = [can.no_api_keys] if can.no_api_keys else []
    check_options(options, can, no_keys or [*customer_problems(options, can), *key_problems(options)])
    desired = _desired(options)
    with open_client(options, connect) as client:
        api = open_api(client, options["api"])
        found = find_customer(api, Desired(desired.username))
        if found.current is None:
            return _without_customer(desired)
        keys = open_api_keys(client, api, desired.username, found.key)
        listed = keys.list()
        plan = make_key_plan(desired, _read(keys, desired, listed), keys)
        outcome = _simulate(plan) if check_mode else _Run(keys, desired, plan, listed).execute()
    return _result(desired, outcome)


def _desired(options: Options) -> DesiredKey:
    scopes = options["scopes"]
    return DesiredKey(
        username=options["username"],
        name=options["name"],
        state=options["state"],
        scopes=None if scopes is None else frozenset(scopes),
        full_access=options["full_access"],
        rotate=options["rotate"],
        api_key_id=options["api_key_id"],
    )


def _without_customer(desired: DesiredKey) -> Result:
    """A customer that does not exist has no key, either."""
    if desired.state == "present":
        raise InvalidInput(
            ["there is no such customer in this account"],
            about=f"Could not manage {desired.about}",
        )
    return _result(desired, _simulate(KeyPlan((), None, None)))


def _read(keys: ApiKeys, desired: DesiredKey, listed: t.Sequence[ApiKey]) -> ApiKey | None:
    """The key as the server shows it, with its scopes where it is to stay or to be replaced."""
    found = find_key(desired, listed)
    return found if found is None or desired.state == "absent" else keys.get(found.id)


def _simulate(plan: KeyPlan) -> _Outcome:
    return _Outcome(plan, [PLANNED] * len(plan.operations), plan.after)


class _SecretLost(CollectionError):
    """A key was created, and the one answer that shows its secret did not arrive."""


class _Run:
    """A plan that is carried out. `listed`: all keys before it."""

    def __init__(self, keys: ApiKeys, desired: DesiredKey, plan: KeyPlan, listed: t.Iterable[ApiKey]) -> None:
        self._keys = keys
        self._desired = desired
        self._plan = plan
        self._known = {key.id for key in listed}
        self._outcome = _Outcome(plan, [NOT_REACHED] * len(plan.operations), plan.before)
        self._steps: dict[str, t.Callable[[], None]] = {
            CREATE: self._create,
            UPDATE: self._update,
            DELETE: self._delete,
        }

    def execute(self) -> _Outcome:
        """Carries out the operations in their order, and ends at the first that fails. Raises nothing."""
        outcome = self._outcome
        for position, name in enumerate(self._plan.operations):
            try:
                self._steps[name]()
                outcome.statuses[position] = APPLIED
            except Exception as error:  # pylint: disable=broad-exception-caught
                # The secret of a key that was created before must not be lost.
                outcome.error = as_collection_error(error)
                outcome.statuses[position] = _status_of(outcome.error)
                break
        return outcome

    def _create(self) -> None:
        def create(budget: RetryBudget) -> None:
            self._outcome.key, self._outcome.secret = self._keys.create(self._desired.name, self._plan.scopes, budget)

        self._try(create, self._find_created)

    def _try(self, call: t.Callable[[RetryBudget], None], is_done: t.Callable[[CallError], bool]) -> None:
        """Makes a call, and again after an error that may pass. What the server shows decides after each error.

        `is_done`: whether the server shows the effect of the call. It changes the error to NOT_APPLIED if not.
        """
        budget = self._keys.retry_budget()
        while True:
            try:
                call(budget)
                return
            except CallError as error:
                if is_done(error):
                    return
                may_repeat = error.transient and error.applied == NOT_APPLIED
                if not (may_repeat and budget.wait_to_retry(error.wait)):
                    raise

    def _find_created(self, lost: CallError) -> bool:
        """Looks for the key of a creation whose answer was lost: another call would make a second one.

        Raises an error with its id if there is one, since its secret is lost.
        """
        if lost.applied == NOT_APPLIED:
            return False
        try:
            created = [key for key in self._keys.list() if key.name == self._desired.name and key.id not in self._known]
        except CollectionError:
            return False
        if created:
            self._outcome.key = created[0]
            raise _SecretLost(_secret_lost(self._desired, created, lost))
        lost.applied = NOT_APPLIED
        lost.advice = "The keys were listed again, and none was created."
        return False

    def _update(self) -> None:
        # A plan that updates has both.
        before, scopes = t.cast(ApiKey, self._plan.before), t.cast("frozenset[str]", self._plan.scopes)
        self._try(
            lambda budget: self._keys.update(before, scopes, budget),
            lambda error: self._is_shown(error, lambda: has_scopes(self._keys.get(before.id), scopes, self._keys)),
        )
        self._outcome.key = self._plan.after

    def _delete(self) -> None:
        # A plan that deletes has it.
        former = t.cast(ApiKey, self._plan.before)
        self._try(
            lambda budget: self._keys.delete(former.id, budget),
            # Somebody else may have deleted it.
            lambda error: self._is_shown(error, lambda: all(one.id != former.id for one in self._keys.list())),
        )
        self._outcome.key = None if self._outcome.key is former else self._outcome.key

    def _is_shown(self, error: CallError, is_done: t.Callable[[], bool | None]) -> bool:
        """Whether a further read shows the effect of a call. The error stays as it is where nothing is shown."""
        if error.applied == NOT_APPLIED and error.status != _NOT_FOUND:
            return False
        try:
            shown = is_done()
        except CollectionError:
            return False
        error.applied = NOT_APPLIED if shown is False else error.applied
        return bool(shown)


def _secret_lost(desired: DesiredKey, created: t.Sequence[ApiKey], lost: CallError) -> str:
    ids = ", ".join(f"'{escape_control(key.id, 100)}'" for key in created)
    return (
        f"{desired.about} was created with the id {ids}, but {lost.reason}, so its secret is lost. Nobody can use this "
        "key. Delete it with state=absent and this id in api_key_id, and run the task again."
    )


def _status_of(error: CollectionError) -> str:
    if isinstance(error, _SecretLost):
        return APPLIED
    if isinstance(error, Cancelled):
        return NOT_REACHED
    return FAILED if isinstance(error, CallError) and error.applied == NOT_APPLIED else UNKNOWN


def _result(desired: DesiredKey, outcome: _Outcome) -> Result:
    operations = [{"name": name, "status": status} for name, status in zip(outcome.plan.operations, outcome.statuses)]
    result: Result = {
        "changed": any(status in (PLANNED, APPLIED) for status in outcome.statuses),
        "operations": operations,
        "key": _shown(outcome.key),
        "unverified": ["scopes"] if outcome.plan.is_unverified else [],
        "diff": _diff(desired, outcome),
        "warnings": _warnings(desired, outcome),
    }
    if outcome.secret is not None:
        result["secret"] = outcome.secret
    if outcome.error is not None:
        result.update(failed=True, msg=_failure_text(outcome, operations))
    return result


def _shown(key: ApiKey | None) -> Result | None:
    if key is None:
        return None
    scopes = None if key.scopes is None else sorted(key.scopes)
    return {"api_key_id": key.id or None, "name": key.name, "scopes": scopes}


def _diff(desired: DesiredKey, outcome: _Outcome) -> Result:
    title = f"{desired.username}: {desired.name}"
    after = _shown(outcome.key) or {}
    if after and desired.full_access and outcome.plan.operations:
        after["scopes"] = "full access"
    return {
        "before": _shown(outcome.plan.before) or {},
        "after": after,
        "before_header": title,
        "after_header": title,
    }


def _warnings(desired: DesiredKey, outcome: _Outcome) -> list[str]:
    before = outcome.plan.before
    if desired.full_access and not outcome.plan.operations and before is not None and before.scopes is None:
        return [f"The server does not show the scopes of {desired.about}; whether it has full access is not known"]
    return []


def _failure_text(outcome: _Outcome, operations: t.Sequence[Result]) -> str:
    """The error, and what else became of the task."""
    sentences = [str(outcome.error)]
    statuses = {operation["name"]: operation["status"] for operation in operations}
    if outcome.secret is not None and outcome.plan.before is not None:
        former = escape_control(outcome.plan.before.id, 100)
        sentences.append(
            f"The new key was created, and its secret is in the result. The former key, with the id '{former}', may "
            "still be there: delete it with state=absent and this id in api_key_id."
        )
    elif statuses.get(CREATE) == UNKNOWN:
        sentences.append(
            "Whether a key was created is unknown. Its secret would be lost, so look for it before the next run."
        )
    elif FAILED in statuses.values() and len(statuses) == 1 and UPDATE in statuses:
        sentences.append(RUN_AGAIN)
    return " ".join(sentences)
