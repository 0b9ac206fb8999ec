# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One customer: from options to the desired state, and from an outcome to a result."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.common import (
    addresses,
    check_options,
    concurrency_problems,
    customer_problems,
    open_client,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.options import (
    RUN_AGAIN,
    check_creation,
    common_result,
    desired_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.reconcile import Outcome, simulate
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import NOT_APPLIED, CallError, InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.fields import capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import DEFAULT_EU_URL, DEFAULT_URL
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.fields import capabilities as v3_capabilities
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.desired import API, asked_for, known, plan
from ansible_collections.mailfleet.sendgrid.tests.unit.plugins.module_utils.worlds import (
    CONNECTION,
    KEY,
    LEFT_OUT,
    NEW,
    PASSWORD,
)

ANN = "ann@example.com"
EVE = "eve@example.com"
CURRENT = {"username": ANN, "email": ANN, "city": "Aarhus", "active": True, "website_access": True}


def options(**given):
    return {**CONNECTION, **LEFT_OUT, "username": ANN, **given}


# Options


def test_good_options_raise_nothing():
    check_options(options(), API, customer_problems(options(), API))


def test_problems_of_the_connection_and_of_the_customer_are_told_together():
    with pytest.raises(InvalidInput) as caught:
        check_options(options(retries=-1), API, ["city is odd"])
    assert str(caught.value).startswith(f"The options for customer '{ANN}' are not valid: ")
    assert [len(caught.value.problems), caught.value.problems[-1]] == [2, "city is odd"]


def test_options_that_are_of_no_customer_name_none():
    with pytest.raises(InvalidInput, match="^The options are not valid: "):
        check_options(dict(CONNECTION), API, ["city is odd"])


@pytest.mark.parametrize(("state", "count"), [("present", 0), ("absent", 1)])
def test_what_should_be_gone_is_not_renamed(state, count):
    assert len(customer_problems(options(state=state, new_username=EVE), API)) == count


V2_URL = "https://api.sendgrid.com/apiv2"


@pytest.mark.parametrize(
    ("given", "url", "eu_url"),
    [
        ((None, None), DEFAULT_URL, DEFAULT_EU_URL),
        ((DEFAULT_URL, None), DEFAULT_URL, DEFAULT_EU_URL),
        ((f" HTTPS{DEFAULT_URL[5:]}/ ", None), f" HTTPS{DEFAULT_URL[5:]}/ ", DEFAULT_EU_URL),
        # Nobody knows the EU address that belongs to another address.
        (("https://proxy.example/v3", None), "https://proxy.example/v3", None),
        (("https://proxy.example/v3", "https://eu.example/v3"), "https://proxy.example/v3", "https://eu.example/v3"),
        ((None, "https://eu.example/v3"), DEFAULT_URL, "https://eu.example/v3"),
        # An empty text counts as given, and is a separate error.
        (("", None), "", None),
        ((None, ""), DEFAULT_URL, ""),
    ],
)
def test_the_address_for_the_eu_holds_only_beside_its_own(given, url, eu_url):
    options_ = {"api_url": given[0], "eu_api_url": given[1]}
    assert addresses(options_, v3_capabilities()) == {"api_url": url, "eu_api_url": eu_url}


def test_an_api_without_the_eu_has_no_address_for_it():
    assert addresses({}, API) == {"api_url": V2_URL, "eu_api_url": None}
    assert addresses({"api_url": "https://x.example"}, API) == {"api_url": "https://x.example", "eu_api_url": None}


@pytest.mark.parametrize(("number", "count"), [(1, 0), (64, 0), (0, 1), (-1, 1), (65, 1)])
def test_how_many_calls_may_be_under_way(number, count):
    assert len(concurrency_problems({"concurrency": number})) == count


PROFILE = {"first_name", "last_name", "address", "city", "region", "zip", "country", "phone", "website", "company"}


@pytest.mark.parametrize(
    ("policies", "names"),
    [
        ({}, {"password"}),
        ({"update_password": "always"}, set()),
        ({"update_profile": "on_create"}, {"password", *PROFILE}),
        ({"update_profile": "on_create", "update_password": "always"}, PROFILE),
    ],
)
def test_what_only_a_new_customer_gets(policies, names):
    assert desired_of(options(**policies)).on_create == names


def test_what_a_family_lacks_is_a_problem():
    of_reseller = {"package": "x", "whitelabel": "x", "ip_groups": ["x"], "ips": ["192.0.2.1"], "free_user": True}
    given = options(**of_reseller, billing_date="2026-01-01", mail_domain="x")
    told = {problem.split()[0] for problem in customer_problems(given, capabilities("customer"))}
    assert told == {*of_reseller, "billing_date"}
    assert {problem.split()[0] for problem in customer_problems(given, API)} == {"mail_domain"}


# What is desired


def test_what_was_left_out_is_not_desired():
    assert desired_of(options()) == asked_for(ANN)


def test_everything_that_was_given_is_desired():
    given = {name: value for name, value in NEW.items() if name != "password"}
    given.update(active=False, website_access=True, ips=["192.0.2.1"], free_user=False)
    desired = desired_of(
        options(
            **given, password=PASSWORD, new_username=EVE, update_password="always", update_website_access="on_create"
        )
    )
    assert desired == asked_for(
        ANN,
        given,
        new_username=EVE,
        password=PASSWORD,
        update_password="always",
        update_website_access="on_create",
        updates_company_alone=True,
    )
    assert PASSWORD not in repr(desired)


@pytest.mark.parametrize("alone", [True, False])
def test_whether_a_company_is_a_reason_to_write_is_said_by_the_caller(alone):
    along = frozenset([] if alone else ["company"])
    assert desired_of(options(), along) == asked_for(ANN, updates_company_alone=alone)


# Creation


def creation(**given):
    desired = desired_of(options(**given))
    return desired, plan(desired, known())


def test_a_creation_that_has_everything_may_be():
    check_creation(*creation(**NEW), API)


def test_a_change_or_a_deletion_needs_nothing():
    for given in ({"city": "Bath"}, {"state": "absent"}):
        desired = desired_of(options(**given))
        check_creation(desired, plan(desired, known(CURRENT)), API)


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({}, f"Customer '{ANN}' does not exist, and cannot be created: creation needs password"),
        ({"new_username": EVE}, f"Neither customer '{ANN}' nor '{EVE}' exists, and '{EVE}' cannot be created: "),
    ],
)
def test_a_creation_that_lacks_something_cannot_be(given, start):
    with pytest.raises(InvalidInput) as caught:
        check_creation(*creation(**given), API)
    assert str(caught.value).startswith(start)


# The session


@pytest.mark.parametrize("given", [{"password": PASSWORD, "username": ANN, "new_username": "eve@example.com"}, {}])
def test_a_session_knows_the_connection_and_the_secret_and_the_names_of_the_customer(given):
    seen = []

    @contextlib.contextmanager
    def connect(connection, secrets, names):
        seen.append((connection, list(secrets), list(names)))
        yield None

    with open_client({**CONNECTION, **given, "api_url": " HTTPS://api.example.com/apiv2/ "}, connect):
        pass
    [(connection, secrets, names)] = seen
    assert (connection.api_url, connection.api_key) == ("https://api.example.com/apiv2", KEY)
    assert connection.timeout == CONNECTION["timeout"]
    assert secrets == [given.get("password")]
    assert names == [given.get("username"), given.get("new_username")]


# Results

WANTED = asked_for(ANN, {"city": "Bath", "email": "x@example.com", "active": False, "company": "New"})


def outcome(*statuses, desired=WANTED, error=None):
    return Outcome(plan(desired, known(CURRENT)), list(statuses), None, error=error)


def test_the_result_of_a_plan_and_of_what_came_of_it():
    predicted = common_result(WANTED, simulate(plan(WANTED, known(CURRENT))), API)
    done = common_result(WANTED, outcome("applied", "applied", "applied"), API)
    assert [operation["name"] for operation in done["operations"]] == ["disable", "set_email", "set_profile"]
    assert {operation["status"] for operation in predicted.pop("operations")} == {"planned"}
    assert {operation["status"] for operation in done.pop("operations")} == {"applied"}
    assert predicted == done
    assert done == {
        "changed": True,
        "unverified": ["company"],
        "diff": {
            "before": CURRENT,
            "after": {**CURRENT, "city": "Bath", "email": "x@example.com", "active": False, "company": "New"},
            "before_header": ANN,
            "after_header": ANN,
        },
    }


@pytest.mark.parametrize(
    ("statuses", "changed", "unverified", "sentences"),
    [
        (
            ("applied", "failed", "not_reached"),
            True,
            [],
            ["Applied before that: disable.", "Not reached: set_profile.", RUN_AGAIN],
        ),
        (("failed", "not_reached", "not_reached"), False, [], ["Not reached: set_email, set_profile.", RUN_AGAIN]),
        (
            ("applied", "applied", "unknown"),
            True,
            ["company"],
            ["Whether it took effect is unknown: set_profile.", "Applied before that: disable, set_email.", RUN_AGAIN],
        ),
    ],
)
def test_a_failure_tells_what_became_of_each_operation(statuses, changed, unverified, sentences):
    result = common_result(WANTED, outcome(*statuses, error=CallError("it went wrong", NOT_APPLIED)), API)
    assert (result["failed"], result["changed"], result["unverified"]) == (True, changed, unverified)
    assert result["msg"] == " ".join(["it went wrong.", *sentences])


def test_a_failure_of_the_only_operation_is_told_shortly():
    desired = asked_for(ANN, {"city": "Bath"})
    result = common_result(
        desired, outcome("failed", desired=desired, error=CallError("it went wrong", NOT_APPLIED)), API
    )
    assert result["msg"] == "it went wrong."


def test_a_run_that_ended_early_without_an_error_is_no_failure_of_the_customer():
    result = common_result(WANTED, outcome("applied", "not_reached", "not_reached"), API)
    assert "failed" not in result and "msg" not in result
    assert result["diff"]["after"] == {**CURRENT, "active": False}


@pytest.mark.parametrize(
    ("desired", "current", "names"),
    [
        (asked_for(ANN, new_username=EVE), CURRENT, (ANN, EVE)),
        (asked_for(ANN, state="absent"), CURRENT, (ANN, ANN)),
        (asked_for(ANN, state="absent"), None, (ANN, ANN)),
        (asked_for("old@example.com", new_username=EVE), None, (EVE, EVE)),
    ],
)
def test_a_diff_names_the_customer_before_and_after(desired, current, names):
    diff = common_result(desired, simulate(plan(desired, known(current))), API)["diff"]
    assert (diff["before_header"], diff["after_header"]) == names


def test_a_diff_holds_no_password():
    desired = asked_for(ANN, password=PASSWORD, update_password="always")
    result = common_result(desired, simulate(plan(desired, known(CURRENT, password_matches=False))), API)
    assert result["diff"]["after"]["password"] == "********"
    assert PASSWORD not in repr(result)
