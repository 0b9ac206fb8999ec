# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customer_password from a playbook, against the sandbox."""

from __future__ import annotations

import pytest

from .conftest import PASSWORD, in_shared_playbook, only_direct, only_documented, only_json, only_observed
from .running import Run, four_ways, task

MODULE = "reseller_customer_password"


@in_shared_playbook(lambda: four_ways(MODULE, username="ada@example.com", password=" new & <pass> ☃ "))
def test_four_ways(played: Run) -> None:
    expected, done, checked_again, again = played.four()
    assert [step.result["changed"] for step in (expected, done, checked_again, again)] == [True, True, False, False]
    assert expected.called == ["list", "check_password"]
    assert done.called == ["list", "check_password", "set_password"]
    assert checked_again.called == again.called == ["list", "check_password"]
    assert done.result["diff"] == expected.result["diff"]
    assert done.result["diff"]["after"]["password"] == "********"
    assert "password" not in done.result["diff"]["before"]
    assert done.result["unverified"] == []


@in_shared_playbook(lambda: [task(MODULE, {"username": "ada@example.com", "password": PASSWORD})])
@only_direct
def test_a_password_that_is_right_already(played: Run) -> None:
    step = played.one()
    assert (step.result["changed"], step.written) == (False, [])


@in_shared_playbook(lambda: four_ways(MODULE, username="ada@example.com", password=PASSWORD, force=True))
@only_direct
def test_force_sets_without_checking(played: Run) -> None:
    steps = played.four()
    for step in steps:
        assert step.result["changed"] is True
        assert step.result["unverified"] == ["password"]
        assert "check_password" not in step.called
    assert [step.written for step in steps] == [[], ["set_password"], [], ["set_password"]]


@in_shared_playbook(
    lambda force: [task(MODULE, {"username": "nobody@example.com", "password": "whatever-4711", "force": force})]
)
@only_json
@pytest.mark.parametrize("force", [True, False])
@only_direct
def test_an_unknown_customer_is_an_error(played: Run, force: bool) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "nobody@example.com" in step.result["msg"]
    assert "no such customer" in step.result["msg"]
    assert step.written == []


@in_shared_playbook(lambda: [task(MODULE, {"username": "Ada@example.com", "password": "whatever-4711"})])
@only_json
@only_documented
@only_direct
def test_a_name_that_differs_only_by_case(played: Run) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "differs only by case" in step.result["msg"]


@in_shared_playbook(lambda: [task(MODULE, {"username": "ada@example.com", "password": "pass5"})])
@only_json
@only_observed
@only_direct
def test_a_password_that_is_too_short_is_told_before_any_call(played: Run) -> None:
    step = played.one()
    assert step.status == "failed"
    assert "shorter than 6" in step.result["msg"]
    assert step.calls == []
