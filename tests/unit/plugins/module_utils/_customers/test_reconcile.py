# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan: lost answers, refusals, and reading again."""

from __future__ import annotations

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import (
    execute_plan,
    find_customer,
    observe,
    refresh,
    simulate,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http import rate_limit as _rate_limit
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.api import V2Api
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.desired import asked_for, plan
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.fakes import (
    Clock,
    FakeHttp,
    FakeService,
    Refused,
    customer,
    errors,
)

ANN = "ann@example.com"
EVE = "eve@example.com"
BOB = customer("bob@example.com")
CREATION = {"email": "post@example.com", "city": "Bath"}


@pytest.fixture(autouse=True)
def _real_time_afterwards(monkeypatch):
    monkeypatch.setattr(_rate_limit, "time", _rate_limit.time)


def make_api(service, faults=None, clock=None, http=None, sleep=None, **connection):
    options = {"api_url": "https://api.example.com/apiv2", "api_user": "acme", "api_key": "canary", **connection}
    _rate_limit.time = clock or Clock()
    http = http or FakeHttp(service, faults)
    api = V2Api(Client(Connection(**options), sleep=sleep or _rate_limit.time.sleep, http=http))
    # For the tests alone.
    api.http = http
    return api


def executed(api, desired):
    """Plans, carries out and reads again, as a task does."""
    todo = plan(desired, observe(api, desired))
    result = execute_plan(api, desired, todo)
    refresh(api, desired, result)
    return result


def made(result):
    return [(operation.name, status) for operation, status in zip(result.plan.operations, result.statuses)]


def reads_and_writes(api):
    return api.http.operations


# Looking


def test_one_read_finds_an_existing_customer():
    api = make_api(FakeService(customer(ANN), customer("joann@example.com"), BOB))
    observed = observe(api, asked_for(ANN))
    assert observed.current["username"] == ANN
    assert observed.shows == {"website_access"}
    assert api.http.calls == [("list", {"username": ANN})]


@pytest.mark.parametrize("existing", [ANN, EVE])
def test_one_read_answers_for_both_names_of_a_rename(existing):
    api = make_api(FakeService(customer(existing), BOB))
    assert observe(api, asked_for(ANN, new_username=EVE)).current["username"] == existing
    assert reads_and_writes(api) == ["list"]


def test_one_read_finds_that_there_is_nothing_to_delete():
    api = make_api(FakeService(BOB))
    assert observe(api, asked_for(ANN, state="absent")).current is None
    assert reads_and_writes(api) == ["list"]


def test_before_a_creation_all_customers_are_looked_at():
    # The search of this service minds case, so a filter alone would miss the near one.
    api = make_api(FakeService(customer("ANN@example.com"), minds_case=True))
    with pytest.raises(InvalidInput, match="case"):
        find_customer(api, asked_for(ANN))
    assert reads_and_writes(api)[-1] == "list"


@pytest.mark.parametrize(("stored", "matches"), [("Acme", True), ("Acme & Sons", True), ("Other", False), ("", False)])
def test_a_company_is_asked_for_by_one_more_read(stored, matches):
    api = make_api(FakeService(customer(ANN, company=stored), customer("bob@example.com", company="Acme")))
    observed = observe(api, asked_for(ANN, {"company": "Acme"}))
    assert observed.matches.get("company") is matches
    assert [sent for operation, sent in api.http.calls if operation == "list"][1]["company"] == "Acme"
    assert reads_and_writes(api) == ["list", "list"]


@pytest.mark.parametrize(
    ("password", "knows", "matches"), [("ann-pass", True, True), ("other-pass", True, False), ("ann-pass", False, None)]
)
def test_a_password_is_checked(password, knows, matches):
    api = make_api(FakeService(customer(ANN), knows_check=knows))
    assert observe(api, asked_for(ANN, password=password, update_password="always")).matches.get("password") is matches
    assert reads_and_writes(api) == ["list", "check_password"]


def test_a_pretended_plan_is_planned_and_predicted():
    api = make_api(FakeService(customer(ANN)))
    desired = asked_for(ANN, {"city": "Bath", "active": False})
    result = simulate(plan(desired, observe(api, desired)))
    assert made(result) == [("disable", "planned"), ("set_profile", "planned")]
    assert (result.customer["city"], result.customer["active"]) == ("Bath", False)
    assert api.http.writes == []


# Writing

# what is wanted, the write that it needs, the customer that exists
ANSWERS = [
    (asked_for(ANN, CREATION, password="new-pass"), "create", None),
    (asked_for(ANN, state="absent"), "delete", ANN),
    (asked_for(ANN, new_username=EVE), "rename", ANN),
]
SAFE = [
    (asked_for(ANN, {"email": "x@y"}), "set_email"),
    (asked_for(ANN, {"city": "Bath"}), "set_profile"),
    (asked_for(ANN, {"active": False}), "disable"),
    (asked_for(ANN, {"website_access": False}), "disable_website"),
    (asked_for(ANN, password="other-pass", update_password="always"), "set_password"),
]
ALL = [*ANSWERS, *[(desired, operation, ANN) for desired, operation in SAFE]]


def service_with(existing):
    return FakeService(BOB) if existing is None else FakeService(customer(existing), BOB)


@pytest.mark.parametrize(("desired", "operation", "existing"), ALL)
def test_a_write_that_is_answered_is_applied(desired, operation, existing):
    api = make_api(service_with(existing))
    result = executed(api, desired)
    assert made(result) == [(operation, "applied")]
    assert result.error is None and result.seen
    assert api.http.writes == [operation]
    # A second run writes nothing.
    assert made(executed(api, desired)) == []


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
@pytest.mark.parametrize("fault", ["lost_after", "broken_after"])
def test_a_lost_answer_to_a_write_that_was_done_is_not_written_again(desired, operation, existing, fault):
    api = make_api(service_with(existing), {operation: [fault]})
    result = executed(api, desired)
    assert made(result) == [(operation, "applied")]
    assert result.error is None
    assert api.http.writes == [operation]


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
def test_a_lost_answer_to_a_write_that_was_not_done_is_written_again(desired, operation, existing):
    clock = Clock()
    api = make_api(service_with(existing), {operation: ["lost_before", "lost_before"]}, clock)
    result = executed(api, desired)
    assert made(result) == [(operation, "applied")]
    assert api.http.writes == [operation] * 3
    assert len(clock.sleeps) == 2
    # Each further try is preceded by a look.
    calls = reads_and_writes(api)
    positions = [number for number, name in enumerate(calls) if name == operation]
    assert all("list" in calls[first:second] for first, second in zip(positions, positions[1:]))


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
def test_a_lost_answer_without_a_look_is_unknown(desired, operation, existing):
    reads = 2 if existing is None else 1
    api = make_api(service_with(existing), {operation: ["lost_after"], "list": ["fine"] * reads + ["refused*"]})
    result = executed(api, desired)
    assert made(result) == [(operation, "unknown")]
    assert result.error is not None
    assert api.http.writes == [operation]


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
@pytest.mark.parametrize("retries", [0, 3])
def test_tries_of_a_write_are_bounded(desired, operation, existing, retries):
    clock = Clock()
    service = service_with(existing)
    before = {name: dict(one) for name, one in service.customers.items()}
    api = make_api(service, {operation: ["lost_before*"]}, clock, retries=retries, max_retry_wait=100)
    result = executed(api, desired)
    assert made(result) == [(operation, "failed")]
    assert api.http.writes == [operation] * (retries + 1)
    assert service.customers == before
    assert sum(clock.sleeps) <= 100


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
@pytest.mark.parametrize(
    "pattern",
    [["busy"], ["lost_before"], ["busy", "lost_before"], ["lost_before", "busy"], ["busy", "busy", "lost_before"]],
)
def test_all_tries_of_one_write_share_one_allowance(desired, operation, existing, pattern):
    for retries in (0, 1, 4):
        clock = Clock()
        api = make_api(service_with(existing), {operation: pattern * 10}, clock, retries=retries, max_retry_wait=1000)
        result = executed(api, desired)
        assert made(result) == [(operation, "failed")]
        assert api.http.writes == [operation] * (retries + 1)
        assert len(clock.sleeps) == retries


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
def test_all_tries_of_one_write_share_their_waiting(desired, operation, existing):
    clock = Clock()
    faults = {operation: ["busy", "lost_before"] * 50}
    executed(make_api(service_with(existing), faults, clock, retries=99, max_retry_wait=20), desired)
    assert 0 < sum(clock.sleeps) <= 20


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
def test_the_last_try_of_an_allowance_may_succeed(desired, operation, existing):
    api = make_api(service_with(existing), {operation: ["busy", "lost_before", "busy", "lost_before", "fine"]})
    assert made(executed(api, desired)) == [(operation, "applied")]
    assert api.http.writes == [operation] * 5


def test_each_write_of_a_run_has_its_own_allowance():
    wanted = asked_for(ANN, {"active": False, "city": "Bath"}, new_username=EVE)
    names = ["disable", "rename", "set_profile"]
    api = make_api(service_with(ANN), {name: ["busy"] * 4 for name in names})
    assert made(executed(api, wanted)) == [(name, "applied") for name in names]
    assert api.http.writes == [name for name in names for _number in range(5)]


# Gone or not


@pytest.mark.parametrize(
    ("fault", "reads", "status", "calls"),
    [
        # Two reads agree.
        ("lost_after", [], "applied", ["delete", "list", "list"]),
        ("broken_after", [], "applied", ["delete", "list", "list"]),
        # The first one was an empty answer of a failing server.
        ("lost_before", ["empty"], "applied", ["delete", "list", "list", "delete"]),
        # It is there: one read tells.
        ("lost_before", [], "applied", ["delete", "list", "delete"]),
        # The second one tells nothing.
        ("lost_after", ["fine", "refused*"], "unknown", ["delete", "list", "list"]),
    ],
)
def test_a_customer_is_gone_when_two_reads_say_so(fault, reads, status, calls):
    service = service_with(ANN)
    api = make_api(service, {"delete": [fault], "list": ["fine", *reads]} if reads else {"delete": [fault]})
    if reads and not reads[-1].endswith("*"):
        api.http.faults["list"].append("fine*")
    desired = asked_for(ANN, state="absent")
    result = execute_plan(api, desired, plan(desired, observe(api, desired)))
    assert made(result) == [("delete", status)]
    assert reads_and_writes(api)[1:] == calls
    assert ANN not in service.customers


def test_a_neighbour_of_another_case_does_not_hide_that_a_customer_is_gone():
    api = make_api(FakeService(customer(ANN), customer("ANN@example.com")), {"delete": ["lost_after"]})
    result = executed(api, asked_for(ANN, state="absent"))
    assert made(result) == [("delete", "applied")]
    assert result.customer is None


def test_a_customer_that_only_seems_to_be_gone_for_once_is_failed_when_it_stays():
    service = service_with(ANN)
    api = make_api(service, {"delete": ["lost_before*"], "list": ["fine", "empty", "fine*"]}, retries=0)
    result = executed(api, asked_for(ANN, state="absent"))
    assert made(result) == [("delete", "failed")]
    assert ANN in service.customers and result.customer["username"] == ANN


# Refusals


class OtherHand(FakeService):
    """Somebody else does the same just before, so the server refuses."""

    refusal = errors("Too late")
    does = True

    def act(self, operation, values):
        values = list(values)
        if operation in ("create", "delete", "rename"):
            if self.does:
                super().act(operation, values)
            raise self.refusal
        return super().act(operation, values)


class StatusHttp(FakeHttp):
    """Answers writes with a status that the test sets."""

    status = 400

    def request(self, method, url, data, **options):
        response = super().request(method, url, data, **options)
        if self.operations[-1] in ("create", "delete", "rename"):
            response.status_code = self.status
        return response


def other_hand(existing, **differing):
    service = OtherHand(BOB) if existing is None else OtherHand(customer(existing), BOB)
    for name, value in differing.items():
        setattr(service, name, value)
    return service


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
@pytest.mark.parametrize("refusal", [errors("Too late"), Refused({"error": {"code": 400, "message": "User does not"}})])
def test_a_refused_write_that_somebody_else_did(desired, operation, existing, refusal):
    api = make_api(other_hand(existing, refusal=refusal))
    result = executed(api, desired)
    if operation == "create":
        assert made(result) == [("create", "failed")]
        assert "so somebody else created it" in str(result.error)
        assert result.customer["username"] == ANN
    else:
        assert made(result) == [(operation, "applied")]
        assert result.error is None
    assert api.http.writes == [operation]


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
def test_a_refused_write_that_nobody_did(desired, operation, existing):
    api = make_api(other_hand(existing, does=False))
    result = executed(api, desired)
    assert made(result) == [(operation, "failed")]
    assert "Too late" in str(result.error) and "somebody else" not in str(result.error)
    assert ("The name may be taken" in str(result.error)) is (operation != "delete")


@pytest.mark.parametrize(("desired", "operation", "existing"), ANSWERS)
@pytest.mark.parametrize(
    ("code", "status"), [(401, 200), (403, 200), (None, 401), (None, 403), (400, 401), (401, 400), (403, 403)]
)
def test_a_refusal_of_the_account_is_no_reason_to_look(desired, operation, existing, code, status):
    said = {"error": "Bad username / password"} if code is None else {"error": {"code": code, "message": "No"}}
    service = other_hand(existing, refusal=Refused(said), does=False)
    http = StatusHttp(service)
    http.status = status
    api = make_api(service, http=http)
    todo = plan(desired, observe(api, desired))
    before = len(reads_and_writes(api))
    result = execute_plan(api, desired, todo)
    assert made(result) == [(operation, "failed")]
    assert reads_and_writes(api)[before:] == [operation]
    assert "name is taken" not in str(result.error) and "somebody else" not in str(result.error)


@pytest.mark.parametrize(("desired", "operation"), SAFE)
def test_a_refusal_of_a_write_that_may_be_repeated_is_no_reason_to_look(desired, operation):
    api = make_api(service_with(ANN), {operation: ["refused*"]})
    todo = plan(desired, observe(api, desired))
    before = len(reads_and_writes(api))
    assert made(execute_plan(api, desired, todo)) == [(operation, "failed")]
    assert reads_and_writes(api)[before:] == [operation]


READ_AGAIN = "The customer was read again, and does not show the change."


@pytest.mark.parametrize(("desired", "operation", "existing"), ALL)
@pytest.mark.parametrize("faults", [["lost_before*"], ["lost_before", "busy*"]])
def test_a_failure_after_a_lost_answer_says_that_it_was_looked_at(desired, operation, existing, faults):
    api = make_api(service_with(existing), {operation: faults}, retries=1)
    result = executed(api, desired)
    assert made(result) == [(operation, "failed")]
    assert ("busy" in faults[-1]) is (result.error.status == 429)
    # What may be repeated is repeated within the call, which only tells how its last try ended.
    if operation in ("create", "delete", "rename") or result.error.status != 429:
        assert str(result.error).endswith(READ_AGAIN)


@pytest.mark.parametrize(("desired", "operation", "existing"), ALL)
def test_a_failure_without_a_lost_answer_does_not_say_so(desired, operation, existing):
    for fault in ("busy*", "refused*"):
        result = executed(make_api(service_with(existing), {operation: [fault]}), desired)
        assert made(result) == [(operation, "failed")]
        assert READ_AGAIN not in str(result.error)


@pytest.mark.parametrize("current", [None, ANN])
def test_an_outcome_does_not_show_a_secret_when_it_is_printed(current):
    api = make_api(service_with(current))
    wanted = asked_for(ANN, CREATION, password="canary-password", update_password="always")
    result = executed(api, wanted)
    assert "password" in result.after
    assert "canary-password" not in repr(result) + repr(result.plan) + repr(result.after) + repr(result.applied)


def test_a_create_that_is_carried_out_late_is_taken_for_done():
    """The first try seems to have no effect. The second gets the answer that the name is taken: it is ours."""

    class Late(FakeService):
        """Carries a create out only when the next one comes."""

        held = None

        def act(self, operation, values):
            values = list(values)
            if operation == "create" and self.held is None:
                self.held = values
                return {"message": "success"}
            if operation == "create":
                super().act("create", self.held)
            return super().act(operation, values)

    service = Late(BOB)
    api = make_api(service, {"create": ["lost_after"]})
    result = executed(api, asked_for(ANN, CREATION, password="new-pass"))
    assert made(result) == [("create", "applied")]
    assert result.error is None
    assert service.customers[ANN]["city"] == "Bath"


@pytest.mark.parametrize(("desired", "operation", "existing"), ALL)
def test_a_refused_write_is_failed(desired, operation, existing):
    api = make_api(service_with(existing), {operation: ["refused*"]})
    result = executed(api, desired)
    assert made(result) == [(operation, "failed")]
    assert "Not today" in str(result.error)
    assert api.http.writes == [operation]


@pytest.mark.parametrize(("desired", "operation", "existing"), ALL)
def test_a_server_that_is_busy_is_asked_again(desired, operation, existing):
    api = make_api(service_with(existing), {operation: ["busy", "busy"]})
    assert made(executed(api, desired)) == [(operation, "applied")]
    assert api.http.writes == [operation] * 3


@pytest.mark.parametrize(("desired", "operation"), SAFE)
def test_a_write_that_may_be_repeated_is(desired, operation):
    api = make_api(service_with(ANN), {operation: ["lost_before", "lost_after"]})
    assert made(executed(api, desired)) == [(operation, "applied")]
    assert api.http.writes == [operation] * 3


@pytest.mark.parametrize(("desired", "operation"), SAFE)
def test_reading_tells_what_became_of_a_write_that_stays_without_an_answer(desired, operation):
    api = make_api(service_with(ANN), {operation: ["lost_after*"]}, retries=2)
    assert made(executed(api, desired)) == [(operation, "applied")]
    api = make_api(service_with(ANN), {operation: ["lost_before*"]}, retries=2)
    assert made(executed(api, desired)) == [(operation, "failed")]
    assert api.http.writes == [operation] * 3


@pytest.mark.parametrize(
    ("attributes", "operation", "fault"),
    [
        ({"company": "New"}, "set_profile", "lost_after*"),
        ({"website_access": False}, "disable_website", "lost_before*"),
    ],
)
def test_what_the_server_hides_stays_unknown(attributes, operation, fault):
    api = make_api(FakeService(customer(ANN), shows_website_access=False), {operation: [fault]}, retries=1)
    assert made(executed(api, asked_for(ANN, attributes))) == [(operation, "unknown")]


WIDE = asked_for(
    ANN, {"active": False, "email": "x@y", "city": "Bath", "website_access": True}, new_username=EVE
)  # fmt: skip
ORDER = ["disable", "rename", "set_email", "set_profile", "enable_website"]


@pytest.mark.parametrize("position", range(len(ORDER)))
def test_the_first_failure_ends_the_run(position):
    service = FakeService(customer(ANN, website_access="false"), BOB)
    api = make_api(service, {ORDER[position]: ["refused*"]})
    result = executed(api, WIDE)
    statuses = ["applied"] * position + ["failed"] + ["not_reached"] * (len(ORDER) - position - 1)
    assert made(result) == list(zip(ORDER, statuses))
    assert [operation.name for operation in result.applied] == ORDER[:position]
    # What is shown is what the server has now.
    assert result.seen
    assert result.customer["username"] == (EVE if position > 1 else ANN)
    assert result.customer["active"] is (position == 0)
    assert result.customer["city"] == ("Bath" if position > 3 else "Aarhus")
    assert result.after == result.customer


def test_a_run_that_failed_is_finished_by_the_next():
    service = FakeService(customer(ANN, website_access="false"), BOB)
    api = make_api(service, {"set_email": ["refused"]})
    assert executed(api, WIDE).error is not None
    result = executed(api, WIDE)
    assert made(result) == [("set_email", "applied"), ("set_profile", "applied"), ("enable_website", "applied")]
    assert made(executed(api, WIDE)) == []


def test_what_is_known_stands_in_for_a_customer_that_cannot_be_read_again():
    api = make_api(service_with(ANN), {"list": ["fine", "refused*"]})
    result = executed(api, asked_for(ANN, {"city": "Bath"}, password="new-pass", update_password="always"))
    assert made(result) == [("set_profile", "applied"), ("set_password", "applied")]
    assert result.error is None and not result.seen
    assert (result.customer["username"], result.customer["city"]) == (ANN, "Bath")
    assert "password" not in result.customer


@pytest.mark.parametrize(
    ("desired", "existing", "username", "hidden"),
    [
        (asked_for(ANN, {**CREATION, "company": "Acme"}, password="new-pass"), None, ANN, {"company", "password"}),
        (asked_for(ANN, {"city": "Bath"}), ANN, ANN, set()),
        (asked_for(ANN, {"city": "Bath"}, new_username=EVE), ANN, EVE, set()),
    ],
)
def test_a_list_that_lags_behind_is_not_believed(desired, existing, username, hidden):
    api = make_api(service_with(existing))
    todo = plan(desired, observe(api, desired))
    result = execute_plan(api, desired, todo)
    api.http.faults["list"] = ["empty*"]
    refresh(api, desired, result)
    assert result.error is None and result.seen is False
    assert (result.customer["username"], result.customer["city"]) == (username, "Bath")
    assert not hidden & set(result.customer)


def test_a_customer_that_is_not_there_after_a_failure_is_believed_to_be_so():
    api = make_api(service_with(None), {"create": ["refused*"]})
    result = executed(api, asked_for(ANN, CREATION, password="new-pass"))
    assert (result.seen, result.customer) == (True, None)


def test_a_deleted_customer_is_not_looked_for():
    api = make_api(service_with(ANN))
    result = executed(api, asked_for(ANN, state="absent"))
    assert result.customer is None
    assert reads_and_writes(api) == ["list", "delete"]


# A server that lags behind: it confirms a creation before all of it knows the customer

CLOSED = asked_for(ANN, {**CREATION, "active": False, "website_access": False}, password="new-pass")
UNTIL_CLOSED = [("create", "applied"), ("disable", "applied"), ("disable_website", "applied")]


@pytest.mark.parametrize("retries", [0, 4])
@pytest.mark.parametrize("lag", [0, 1, 5])
@pytest.mark.parametrize("lists_lag", [True, False])
def test_what_follows_a_creation_waits_until_the_customer_is_known(lag, lists_lag, retries):
    clock, service = Clock(), FakeService(BOB, lag=lag, lists_lag=lists_lag)
    api = make_api(service, clock=clock, retries=retries)
    result = executed(api, CLOSED)
    assert made(result) == UNTIL_CLOSED
    assert result.error is None and result.seen
    assert (service.customers[ANN]["active"], service.customers[ANN]["website_access"]) == ("false", "false")
    assert len(clock.sleeps) == lag
    # No look between two tries: the refusal itself says that the customer is not known.
    assert reads_and_writes(api)[2:] == ["create", *["disable"] * (lag + 1), "disable_website", "list"]
    assert all(pause <= 0.5 * 2**number for number, pause in enumerate(clock.sleeps))


@pytest.mark.parametrize("waits", [0, 3, 120])
def test_the_wait_for_a_new_customer_is_bounded_and_says_what_is_open(waits):
    clock, service = Clock(), FakeService(BOB, lag=1000)
    result = executed(make_api(service, clock=clock, max_retry_wait=waits), CLOSED)
    assert made(result) == [("create", "applied"), ("disable", "failed"), ("disable_website", "not_reached")]
    assert sum(clock.sleeps) == pytest.approx(waits) and len(clock.sleeps) < 20
    assert str(result.error) == (
        f"Could not disable customer '{ANN}': the server said 'User does not exist' (error 400, HTTP 200). "
        f"The server still did not know the new customer after {waits} s of waiting (max_retry_wait)."
    )
    # It is there, though the server does not show it.
    assert (result.seen, result.customer["username"], result.customer["active"]) == (False, ANN, True)


def test_a_later_operation_waits_as_well():
    """The first one reaches a part of the server that knows the customer, the second one does not."""

    class Parts(FakeService):
        def act(self, operation, values):
            answer = super().act(operation, values)
            if operation == "disable":
                self.unseen[ANN] = 2
            return answer

    clock = Clock()
    assert made(executed(make_api(Parts(BOB), clock=clock), CLOSED)) == UNTIL_CLOSED
    assert len(clock.sleeps) == 2


def test_another_refusal_of_a_customer_that_is_not_listed_is_waited_for():
    """The words of the server are unknown, but the list shows that the lag is the reason."""
    clock = Clock()
    api = make_api(FakeService(BOB, lag=1), {"disable": ["refused", "fine"]}, clock)
    assert made(executed(api, CLOSED)) == UNTIL_CLOSED
    assert len(clock.sleeps) == 1
    assert reads_and_writes(api)[2:] == ["create", "disable", "list", "disable", "disable_website", "list"]


@pytest.mark.parametrize("lists", [["fine*"], ["fine", "fine", "lost_before*"]])
def test_a_refusal_of_a_customer_that_is_listed_is_none_to_wait_for(lists):
    clock = Clock()
    api = make_api(FakeService(BOB), {"disable": ["refused*"], "list": lists}, clock, retries=0)
    result = executed(api, CLOSED)
    assert made(result)[1] == ("disable", "failed")
    assert clock.sleeps == [] and "waiting" not in str(result.error)


@pytest.mark.parametrize("fault", ["unauthorized*", "forbidden*", "busy_long*"])
def test_a_refusal_of_the_account_is_none_to_wait_for(fault):
    clock = Clock()
    api = make_api(FakeService(BOB, lag=3), {"disable": [fault]}, clock)
    assert made(executed(api, CLOSED))[1] == ("disable", "failed")
    assert clock.sleeps == [] and reads_and_writes(api).count("disable") == 1


def test_a_customer_that_this_run_has_not_created_is_not_waited_for():
    clock, service = Clock(), service_with(ANN)
    api = make_api(service, clock=clock)
    desired = asked_for(ANN, {"active": False})
    todo = plan(desired, observe(api, desired))
    service.customers.clear()
    result = execute_plan(api, desired, todo)
    assert made(result) == [("disable", "failed")]
    assert clock.sleeps == []


def test_a_wait_for_a_new_customer_ends_with_the_run():
    service = FakeService(BOB, lag=3)
    waits = []
    api = make_api(service, sleep=lambda seconds: waits.append(seconds) or True)
    todo = plan(CLOSED, observe(api, CLOSED))
    result = execute_plan(api, CLOSED, todo)
    assert made(result) == [("create", "applied"), ("disable", "failed"), ("disable_website", "not_reached")]
    assert "The run was stopped while it waited for the server to know the new customer." in str(result.error)
    assert len(waits) == 1 and api.http.writes == ["create", "disable"]


def test_tries_and_waits_of_an_operation_share_one_allowance():
    clock = Clock()
    api = make_api(FakeService(BOB, lag=1000), {"disable": ["busy", "fine"] * 50}, clock, max_retry_wait=20)
    assert made(executed(api, CLOSED))[1] == ("disable", "failed")
    assert sum(clock.sleeps) <= 20 + 1e-6


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_a_creation_whose_answer_was_lost_is_found_though_the_server_lags_behind(lag):
    """The second try is refused, since the name is taken by the first one, which no list shows yet."""
    clock, service = Clock(), FakeService(BOB, lag=lag)
    api = make_api(service, {"create": ["lost_after"]}, clock)
    assert made(executed(api, CLOSED)) == UNTIL_CLOSED
    assert api.http.writes == ["create", "create", "disable", "disable_website"]
    assert len(clock.sleeps) == lag


@pytest.mark.parametrize("retries", [1, 4])
def test_a_refused_creation_after_a_lost_answer_is_looked_for_as_often_as_there_are_tries(retries):
    clock = Clock()
    api = make_api(FakeService(BOB), {"create": ["lost_before", "refused*"]}, clock, retries=retries)
    result = executed(api, CLOSED)
    assert made(result)[0] == ("create", "failed")
    assert api.http.writes == ["create", "create"] and len(clock.sleeps) == retries
    assert "Not today" in str(result.error)
