# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customer_password from a playbook, against the sandbox."""

from __future__ import annotations

import pytest

from .conftest import PASSWORD, only_documented, only_json, only_observed
from .running import Ansible, task

MODULE = "reseller_customer_password"


def test_four_ways(ansible: Ansible) -> None:
    expected, done, checked_again, again = ansible.four_ways(
        MODULE, username="ada@example.com", password=" new & <pass> ☃ "
    )
    assert [step.result["changed"] for step in (expected, done, checked_again, again)] == [True, True, False, False]
    assert expected.called == ["list", "check_password"]
    assert done.called == ["list", "check_password", "set_password"]
    assert checked_again.called == again.called == ["list", "check_password"]
    assert done.result["diff"] == expected.result["diff"]
    assert done.result["diff"]["after"]["password"] == "********"
    assert "password" not in done.result["diff"]["before"]
    assert done.result["unverified"] == []


def test_a_password_that_is_right_already(ansible: Ansible) -> None:
    step = ansible.one(MODULE, username="ada@example.com", password=PASSWORD)
    assert (step.result["changed"], step.written) == (False, [])


def test_force_sets_without_checking(ansible: Ansible) -> None:
    steps = ansible.four_ways(MODULE, username="ada@example.com", password=PASSWORD, force=True)
    for step in steps:
        assert step.result["changed"] is True
        assert step.result["unverified"] == ["password"]
        assert "check_password" not in step.called
    assert [step.written for step in steps] == [[], ["set_password"], [], ["set_password"]]


@only_json
@pytest.mark.parametrize("force", [True, False])
def test_an_unknown_customer_is_an_error(ansible: Ansible, force: bool) -> None:
    step = ansible.one(MODULE, username="nobody@example.com", password="whatever-4711", force=force)
    assert step.status == "failed"
    assert "nobody@example.com" in step.result["msg"]
    assert "no such customer" in step.result["msg"]
    assert step.written == []


@only_json
@only_documented
def test_a_name_that_differs_only_by_case(ansible: Ansible) -> None:
    step = ansible.one(MODULE, username="Ada@example.com", password="whatever-4711")
    assert step.status == "failed"
    assert "differs only by case" in step.result["msg"]


@only_json
@only_observed
def test_a_password_that_is_too_short_is_told_before_any_call(ansible: Ansible) -> None:
    run = ansible.play([task(MODULE, {"username": "ada@example.com", "password": "pass5"})])
    assert run.steps[0].status == "failed"
    assert "shorter than 6" in run.steps[0].result["msg"]
    assert run.steps[0].calls == []
