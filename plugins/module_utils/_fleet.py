# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A whole fleet of customers: one list, and only the writes that differences need. No Ansible here.

The same plan and the same code compare and write a customer of a fleet and a single customer. This file decides which
customers need work, does it in several threads over one client, and reports the outcome.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import gc
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import capabilities, open_api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._cancellation import Cancellation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities, CustomerApi
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import SECRETS, as_result
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    Connect,
    Options,
    Result,
    check_options,
    concurrency_problems,
    open_client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.index import CustomerIndex
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.names import by_username, hidden_names
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import option_names
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import (
    RUN_AGAIN,
    check_creation,
    check_email,
    check_writes,
    common_result,
    desired_of,
    open_doors,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.plan import (
    Desired,
    Observed,
    Plan,
    further_reads,
    make_plan,
    stored_otherwise,
    stored_text,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.purge import (
    NO_PURGE,
    Purge,
    check_ceiling,
    check_whole,
    renamed_error,
    whom_to_purge,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    APPLIED,
    NOT_REACHED,
    PLANNED,
    Outcome,
    execute_plan,
    read_hidden,
    simulate,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import Fleet, read_options
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.unlisted import (
    Unlisted,
    find_unlisted,
    hiding_warnings,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.vetting import (
    conflict_error,
    conflicts,
    is_vetted,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import (
    CallError,
    Cancelled,
    CollectionError,
    InternalError,
    InvalidInput,
    as_collection_error,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import MOST_AT_ONCE, Client
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._workers import (
    Slots,
    as_completed,
    worker_threads,
)

SUMMARY = ("created", "updated", "renamed", "deleted", "unchanged", "failed", "not_reached")
# The first of a customer's operations that is in this table gives its name in the summary.
_KINDS = {"create": "created", "delete": "deleted", "rename": "renamed"}

_FEW = 3
_HELD_BACK = "a purge deletes nothing as long as a customer of the fleet has an error"
_NOTHING_DONE = "nothing was changed, because {reason}."


class Progress:
    """Receives the progress of a run. This one ignores it."""

    def on_progress(self, done: int, failed: int, total: int) -> None:
        """Called repeatedly: how many customers are done, how many of these failed, and how many there are."""

    def on_looked_up(self, done: int, total: int) -> None:
        """Called repeatedly before that: how many customers were looked up by themselves, of how many.

        First come those that the list lacks, then those about which more must be known before the first write.
        """

    def on_cancelled(self, report: str) -> None:
        """Called at the end of an interrupted run: it may be that nobody reads its result."""


@dataclasses.dataclass
class Member:
    """One customer of the fleet during a run.

    `plan`: None until it is known. `outcome`: None until the work began. `error`: why the work did not begin.
    `is_known`: False if the run ended before it was known whether the customer exists. `conflicts`: what
    prevents the plan, as clauses.
    """

    desired: Desired
    observed: Observed = dataclasses.field(default_factory=Observed)
    is_known: bool = True
    conflicts: list[str] = dataclasses.field(default_factory=list)
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: CollectionError | None = None

    def take_in(self, one: Unlisted) -> None:
        """Adds the outcome of its own lookup, without the customers found: these are in the index."""
        self.is_known = one.found is not None
        self.error = one.error or self.error

    @property
    def has_failed(self) -> bool:
        """Whether an error ended it."""
        return self.error is not None or (self.outcome is not None and self.outcome.error is not None)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do for it, and nothing failed."""
        return self.kind not in ("failed", "not_reached")

    @property
    def kind(self) -> str:
        """The name in the summary."""
        if self.has_failed:
            return "failed"
        if self.outcome is None or NOT_REACHED in self.outcome.statuses:
            return "not_reached"
        return kind_of([operation.name for operation in self.outcome.plan.operations])


def kind_of(operations: t.Sequence[str]) -> str:
    """What operations do with a customer, as the summary names it."""
    return next((_KINDS[name] for name in operations if name in _KINDS), "updated" if operations else "unchanged")


def manage_fleet(
    options: Options, check_mode: bool, connect: Connect = Client, progress: Progress | None = None
) -> Result:
    """reseller_customers: makes a whole fleet what it should be."""
    api = capabilities(options["api"])
    with _without_garbage_collection():
        fleet = read_options(options, api)
        check_options(options, api, [*fleet.problems, *_setting_problems(options, fleet)])
        along = api.names(compared_in_fleets=False)
        wanted = [desired_of(row, along) for row in fleet.rows]
    with open_client(options, connect) as client, Cancellation() as cancellation:
        run = _Run(client, options, check_mode, cancellation, progress or Progress())
        with run.reporting_interruption():
            members, unmanaged, warnings = _compared(run, wanted, options, api)
            run.vet([member for member in members if is_vetted(member.desired, api)])
        run.execute(members, unmanaged)
    result = _result(members, unmanaged, cancellation, check_mode, api)
    result["warnings"] += [*warnings, *fleet.warnings]
    if cancellation.is_interrupted:
        run.progress.on_cancelled(result.get("msg") or "everything was done before the interruption.")
    return result


def _compared(
    run: _Run, wanted: t.Sequence[Desired], options: Options, api: Capabilities
) -> tuple[list[Member], list[Member], list[str]]:
    """The customers of the fleet and those to delete, planned as far as the list tells; and warnings.

    Raises CollectionError if the task must end before any write.
    """
    index = run.index()
    warnings = hiding_warnings(index.customers, api) if options["purge"] else []
    unlisted = run.look_up(find_unlisted(wanted, index, api))
    with _without_garbage_collection():
        index = index.extended(customer for one in unlisted for customer in one.found or ())
        members = _members(wanted, index, unlisted, api)
        warnings += hidden_names(index)
        purge = whom_to_purge(wanted, index) if options["purge"] else NO_PURGE
        check_ceiling(purge.deletions, options["max_deletions"], option_names(options)["max_deletions"])
        warnings += purge.warnings()
        _keep_renamed(members, purge)
        unmanaged = [_member(Desired(name, state="absent"), index, api) for name in purge.deletions]
        run.plan(members)
    return members, unmanaged, warnings


@contextlib.contextmanager
def _without_garbage_collection() -> t.Iterator[None]:
    """Turns off Python's garbage collection while all new objects stay in use.

    For 100,000 customers it took a quarter of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _setting_problems(options: Options, fleet: Fleet) -> list[str]:
    """What is wrong with the options that concern the whole fleet."""
    names = option_names(options)
    purge, ceiling = names["purge"], names["max_deletions"]
    problems = []
    if options["purge"] and not fleet.rows and not fleet.problems:
        problems.append(f"{purge} with no customers would delete every customer of the account")
    if options["purge"] and options["max_deletions"] is None:
        problems.append(f"{purge} needs {ceiling}, the number of customers that it may delete")
    if options["max_deletions"] is not None and options["max_deletions"] < 0:
        problems.append(f"{ceiling} must not be negative")
    return problems + concurrency_problems(options)


def _members(
    wanted: t.Sequence[Desired], index: CustomerIndex, unlisted: t.Iterable[Unlisted], api: Capabilities
) -> list[Member]:
    members = [_member(desired, index, api) for desired in wanted]
    for one in unlisted:
        members[one.position].take_in(one)
    return members


def _keep_renamed(members: t.Sequence[Member], purge: Purge) -> None:
    """Sets an error for each customer that somebody may have renamed. The error holds the purge back."""
    for position, names in purge.renamed.items():
        member = members[position]
        if member.is_known:
            member.error = member.error or renamed_error(member.desired, names)


def _member(desired: Desired, index: CustomerIndex, api: Capabilities) -> Member:
    try:
        observed = index.observed(desired)
        check_email(desired, observed, api)
    except InvalidInput as error:
        return Member(desired, error=error)
    return Member(desired, observed)


class _Run:
    """The work on one fleet."""

    def __init__(
        self, client: Client, options: Options, check_mode: bool, cancellation: Cancellation, progress: Progress
    ) -> None:
        self.progress = progress
        self._client = client
        self._choice = options["api"]
        self._capabilities = capabilities(options["api"])
        self._concurrency: int = options["concurrency"]
        self._slots = Slots(self._concurrency)
        self._stops_at_errors = options["on_error"] == "stop"
        self._on_error = option_names(options)["on_error"]
        self._check_mode = check_mode
        self._purges = options["purge"]
        self._cancellation = cancellation

    @contextlib.contextmanager
    def reporting_interruption(self) -> t.Iterator[None]:
        """Reports an interrupted run that an error ends before anything is written, whichever error that is."""
        try:
            yield
        except CollectionError:
            if self._cancellation.is_interrupted:
                self.progress.on_cancelled(_NOTHING_DONE.format(reason=self._cancellation.reason))
            raise

    def index(self) -> CustomerIndex:
        """Every customer of the account."""
        listing = self._api().every_customer() if self._purges else self._api().customers({})
        if self._purges:
            check_whole(listing)
        return CustomerIndex(listing.customers, self._capabilities.seen("sometimes"))

    def look_up(self, unlisted: t.Sequence[Unlisted]) -> t.Sequence[Unlisted]:
        """Looks up the customers that the list lacks, until all are looked up or the run is stopped."""
        self._read_each(self._look_up, unlisted)
        return unlisted

    def _read_each(self, read: t.Callable[[t.Any], None], items: t.Sequence[t.Any]) -> None:
        """Reads something about each item, several at a time, and reports the progress."""
        with worker_threads(read, items, self._concurrency, self._cancellation) as finished:
            done = 0
            for one in as_completed(finished, len(items)):
                done += one is not None
                self._cancellation.check_parent()
                self.progress.on_looked_up(done, len(items))

    def _look_up(self, one: Unlisted) -> None:
        if not self._cancellation.is_cancelled():
            one.look_up(self._api((), one.names))
            self._stop_after(one.error)

    def plan(self, members: t.Iterable[Member]) -> None:
        """Makes a plan for each customer that needs no further read."""
        for member in members:
            if member.error is None and member.is_known and not self._further_reads(member):
                self._plan(member)
            self._consider(member)

    def vet(self, members: t.Sequence[Member]) -> None:
        """Finds out what stands against the plans for these customers. Raises InvalidInput with all of it.

        What has to be read for that is read here, several customers at a time, and before anything is written.
        """
        waiting = [member for member in members if member.error is None and member.is_known]
        if not waiting or self._cancellation.is_cancelled():
            return
        self._api().read_for_all({name for member in waiting for name in self._asked(member)})
        self._read_each(self._vet, waiting)
        found = {member.desired.username: member.conflicts for member in waiting if member.conflicts}
        if found:
            raise conflict_error(found)

    def _asked(self, member: Member) -> frozenset[str]:
        """The attributes for which more than the list of customers is read."""
        return self._further_reads(member) if member.plan is None else frozenset()

    def _vet(self, member: Member) -> None:
        with self._errors_of(member):
            if self._cancellation.is_cancelled():
                return
            api = self._api(_secrets(member.desired), member.desired.usernames)
            self._look(api, member)
            if member.plan is not None and member.error is None:
                member.conflicts = conflicts(api, member.desired, member.observed, member.plan)

    @contextlib.contextmanager
    def _errors_of(self, member: Member) -> t.Iterator[None]:
        """Keeps an error of the work for one customer, and stops the run if the error requires it."""
        try:
            yield
        except Cancelled:
            # It stays as it is: not reached.
            pass
        except Exception as error:  # pylint: disable=broad-exception-caught
            member.error = as_collection_error(error)
        finally:
            self._consider(member)

    def _further_reads(self, member: Member) -> frozenset[str]:
        return further_reads(member.desired, member.observed.current, self._capabilities)

    def execute(self, members: t.Sequence[Member], unmanaged: t.Sequence[Member]) -> None:
        """Carries out the plans. Returns when all work is done or stopped, and no call is in progress.

        Check mode simulates the work, and ends early where the run would. `unmanaged`: the customers to delete after
        all `members` are done, and only if all of them reached the desired state.
        """
        total = len(members) + len(unmanaged)
        self._execute(members, len(unmanaged), total)
        if all(member.is_done for member in members):
            self.plan(unmanaged)
            self._execute(unmanaged, 0, total)

    def _execute(self, members: t.Sequence[Member], later: int, total: int) -> None:
        """The work on some of `total` customers, while `later` ones have to wait."""
        waiting = [member for member in members if member.error is None and member.outcome is None]
        failed = sum(member.has_failed for member in members)
        left = len(waiting)
        with worker_threads(self._work_on, waiting, self._threads(waiting), self._cancellation) as finished:
            for member in as_completed(finished, left):
                if member is not None:
                    failed += member.has_failed
                    left -= 1
                self._cancellation.check_parent()
                self.progress.on_progress(total - later - left, failed, total)

    def _threads(self, members: t.Iterable[Member]) -> int:
        """One for each slot, and more for new customers if the server may take a while to know them."""
        if not self._capabilities.confirms_creation:
            return self._concurrency
        new = sum(member.plan is not None and member.plan.before is None for member in members)
        return min(self._concurrency + new, MOST_AT_ONCE)

    def _work_on(self, member: Member) -> None:
        """Everything for one customer."""
        with self._errors_of(member), self._slots:
            if not self._cancellation.is_cancelled():
                self._reconcile(member)

    def _reconcile(self, member: Member) -> None:
        api = self._api(_secrets(member.desired), member.desired.usernames)
        self._look(api, member)
        if member.plan is None or member.error is not None or member.outcome is not None:
            return
        if self._check_mode:
            member.outcome = simulate(member.plan)
        else:
            is_stopped = self._cancellation.is_cancelled
            member.outcome = execute_plan(api, member.desired, member.plan, is_stopped, self._slots.lent)

    def _look(self, api: CustomerApi, member: Member) -> None:
        """Reads what the plan needs, and plans, unless that was done."""
        if member.plan is None and member.error is None:
            member.observed = read_hidden(api, member.desired, member.observed)
            self._plan(member)

    def _plan(self, member: Member) -> None:
        """Makes the plan for a customer, and sets the outcome if there is nothing to write."""
        try:
            member.plan = make_plan(member.desired, member.observed, self._capabilities)
            check_creation(member.desired, member.plan, self._capabilities)
            check_writes(member.desired, member.plan, self._capabilities)
        except InvalidInput as error:
            member.error = error
            return
        if not member.plan.operations:
            member.outcome = simulate(member.plan)

    def _consider(self, member: Member) -> None:
        """Stops the run if an error requires it."""
        self._stop_after(member.error or (member.outcome.error if member.outcome else None))

    def _stop_after(self, error: CollectionError | None) -> None:
        if isinstance(error, CallError) and error.recurs:
            self._cancellation.cancel("every further call would fail in the same way")
        elif error is not None and (self._stops_at_errors or isinstance(error, InternalError)):
            reason = f"{self._on_error} is stop" if self._stops_at_errors else "of an internal error"
            self._cancellation.cancel(reason)

    def _api(self, secrets: t.Iterable[str | None] = (), names: t.Iterable[str | None] = ()) -> CustomerApi:
        """The API for one customer. Errors hide its secrets only: a search for those of the whole fleet takes long."""
        return open_api(self._client.for_customers(secrets, names, self._cancellation.wait), self._choice)


def _secrets(desired: Desired) -> list[str]:
    return [desired.attributes[name] for name in SECRETS & desired.attributes.keys()]


def _result(
    rows: t.Sequence[Member],
    unmanaged: t.Sequence[Member],
    cancellation: Cancellation,
    check_mode: bool,
    api: Capabilities,
) -> Result:
    """`rows`: the customers of the fleet. `unmanaged`: those that a purge deletes."""
    members = [*rows, *unmanaged]
    kinds = [member.kind for member in members]
    told = [(member, _told(member, api)) for member, kind in zip(members, kinds) if kind != "unchanged"]
    items = [_item(member, one) for member, one in told if one["changed"] or member.has_failed]
    unverified = {member.desired.username: one["unverified"] for member, one in told if one["unverified"]}
    counts = collections.Counter(kinds)
    visible, warnings = by_username(unverified, "unverified")
    result: Result = {
        "changed": any(item["changed"] for item in items),
        "summary": {name: counts[name] for name in SUMMARY},
        "results": items,
        "unverified": visible,
        "not_compared": _not_compared(rows, api),
        "diff": [one["diff"] for _member, one in told if one["changed"]],
        "warnings": [*_warnings(members, api), *warnings],
    }
    if counts["failed"] or counts["not_reached"]:
        not_reached = _not_reached_texts(rows, unmanaged, cancellation)
        result.update(
            failed=True,
            msg=_failure_text(result, not_reached, check_mode, api),
            not_reached_reasons=not_reached,
        )
    return result


def _told(member: Member, api: Capabilities) -> Result:
    """The result that a task for this customer alone would have. If the work did not begin, nothing was done."""
    outcome = member.outcome or Outcome(Plan((), member.observed.current, None, None), [], None)
    return common_result(member.desired, outcome, api)


def _not_compared(rows: t.Iterable[Member], api: Capabilities) -> dict[str, int]:
    """By attribute, for how many existing customers the fleet gives a value that nothing compares."""
    creation_only = api.names(written_by=None)
    counts = collections.Counter(
        name
        for member in rows
        if member.observed.current is not None and member.desired.state == "present"
        for name in _uncompared(member.desired.along, member.desired.on_create, creation_only).intersection(
            member.desired.attributes
        )
        if name not in member.observed.current
    )
    return dict(sorted(counts.items()))


@functools.cache
def _uncompared(along: frozenset[str], on_create: frozenset[str], creation_only: frozenset[str]) -> frozenset[str]:
    """The attributes that a run does not compare if the server hides them.

    A profile that the fleet gives to new customers only is not among them: that is what the person has asked for. A
    password is, since this is the default.
    """
    return (along - on_create) | (SECRETS & on_create) | creation_only


def _item(member: Member, one: Result) -> Result:
    """The result for a customer that changed or failed."""
    outcome = member.outcome
    if outcome is None:
        visible = member.observed.current
    else:
        visible = outcome.customer if PLANNED in outcome.statuses else outcome.visible
    return {
        "username": member.desired.username,
        "changed": one["changed"],
        "failed": member.has_failed,
        "msg": one.get("msg") or str(member.error or ""),
        "operations": one["operations"],
        "customer": None if visible is None else as_result(visible),
    }


def _not_reached_texts(
    rows: t.Sequence[Member], unmanaged: t.Sequence[Member], cancellation: Cancellation
) -> list[str]:
    """How many customers were not reached, and why: the run ended early, or a purge was held back."""
    total = len(rows) + len(unmanaged)
    is_held_back = any(member.has_failed for member in rows)
    late = [*rows, *([] if is_held_back else unmanaged)]
    reasons = ((late, cancellation.reason), (unmanaged if is_held_back else [], _HELD_BACK))
    counts = [(sum(member.kind == "not_reached" for member in members), reason) for members, reason in reasons]
    return [f"{count} of {total} customers were not reached, because {reason}." for count, reason in counts if count]


def _failure_text(result: Result, not_reached: t.Sequence[str], check_mode: bool, api: Capabilities) -> str:
    """How many failed, the first of them with their errors, why the run ended early, and what to do."""
    counts = result["summary"]
    total = sum(counts.values())
    sentences = []
    if counts["failed"]:
        errors = [item["msg"].removesuffix(f" {RUN_AGAIN}") for item in result["results"] if item["failed"]]
        more = f" And {len(errors) - _FEW} more, see results." if len(errors) > _FEW else ""
        sentences.append(f"{counts['failed']} of {total} customers failed. {' '.join(errors[:_FEW])}{more}")
    sentences += not_reached
    sentences += _left_open(result["results"], api)
    sentences.append(_done_text(result, check_mode))
    if not check_mode:
        sentences.append(RUN_AGAIN)
    return " ".join(sentences)


def _left_open(items: t.Iterable[Result], api: Capabilities) -> list[str]:
    """What new customers can do that the run did not finish. Failed customers have this in their own error."""
    sentences = (
        open_doors((item["customer"] or item)["username"], item["operations"], api)
        for item in items
        if not item["failed"]
    )
    found = [sentence for sentence in sentences if sentence]
    more = [f"And {len(found) - _FEW} more, see results."] if len(found) > _FEW else []
    return found[:_FEW] + more


def _done_text(result: Result, check_mode: bool) -> str:
    """How many customers of each kind are done or planned, and how many are done in part."""
    whole = _counted(result["summary"])
    part = _counted(collections.Counter(_kind_applied(item["operations"]) for item in result["results"]))
    sentences = [f"{'Planned' if check_mode else 'Done'}: {whole or 'nothing'}."] if whole or not part else []
    sentences += [f"Done in part: {part}."] if part else []
    return " ".join(sentences)


def _counted(counts: t.Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in SUMMARY[:4] if counts.get(name))


def _kind_applied(operations: t.Sequence[Result]) -> str:
    """The kind of a customer if only some of its operations were applied; else an empty text."""
    applied = [one["name"] for one in operations if one["status"] == APPLIED]
    return kind_of(applied) if 0 < len(applied) < len(operations) else ""


def _warnings(members: t.Iterable[Member], api: Capabilities) -> list[str]:
    """Values that the server stores differently: a few one by one, or one sentence for many."""
    found = [
        (member.desired, member.plan.before, name)
        for member in members
        if member.plan is not None and member.plan.before is not None and member.desired.state == "present"
        for name in stored_otherwise(member.desired, member.plan.before, api, member.plan.operations)
    ]
    texts = [stored_text(*one) for one in found[:_FEW]]
    if len(found) <= _FEW:
        return texts
    return [f"{len(found)} values differ from what the server stores. The first of them: {'; '.join(texts)}"]
