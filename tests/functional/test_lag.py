# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that confirms a creation before it knows the customer: no door stays open, or the task says which one."""

from __future__ import annotations

from typing import Any

from .conftest import both_apis, only_direct, only_json, only_observed
from .running import Ansible, Sandbox, Step, task
from .test_customer import NEW, suits

DORA = NEW["username"]
OPEN = f"Customer '{DORA}' exists now and can send e-mail."


def modules(api: str) -> dict[str, dict[str, Any]]:
    """What creates a closed customer through an API, alone and in a fleet: options by module."""
    closed = suits(api, {**NEW, "active": False})
    return {
        "reseller_customer": closed,
        "reseller_customers": {"customers": [closed, {"username": "ada@example.com", "city": "Bangor"}]},
    }


def operations_of(step: Step) -> list[tuple[str, str]]:
    """Those on the new customer, each with its status."""
    found = [item for item in step.result.get("results", [step.result]) if item.get("username", DORA) == DORA]
    return [(operation["name"], operation["status"]) for item in found for operation in item["operations"]]


def about_dora(step: Step) -> list[str]:
    """The writes on the new customer that the service was asked for."""
    return [call["operation"] for call in step.calls if call["attempted_write"] and call["user"] == DORA]


@only_direct
@both_apis
def test_a_new_customer_is_closed_as_soon_as_the_server_knows_it(ansible: Ansible, sandbox: Sandbox) -> None:
    """With API v2, the first call that follows is refused. With v3, the read that confirms the creation comes first."""
    writes = ["create", "disable", "set_profile"] if ansible.is_v3 else ["create", "disable", "disable"]
    names = list(dict.fromkeys(writes))
    for module, options in modules(ansible.api).items():
        sandbox.reset()
        sandbox.set_fault("create", "lag", calls=1)
        expected, done, checked_again, again = ansible.four_ways(module, **options)
        assert (about_dora(expected), about_dora(done)) == ([], writes)
        assert operations_of(expected) == [(name, "planned") for name in names]
        assert operations_of(done) == [(name, "applied") for name in names]
        assert expected.result["diff"] == done.result["diff"]
        assert "warnings" not in done.result
        assert sandbox.customers()[DORA]["active"] is False
        assert [step.result["changed"] for step in (expected, done, checked_again, again)] == [True, True, False, False]
        assert checked_again.written == again.written == []


@only_json
@only_direct
def test_what_stays_open_is_told_and_closed_by_the_next_run(ansible: Ansible, sandbox: Sandbox) -> None:
    ansible.defaults["max_retry_wait"] = 0.1
    # The calls until the task gives up: two tries, and the last look of the one that looks again.
    for (module, options), calls in zip(modules(ansible.api).items(), (3, 2)):
        sandbox.reset()
        sandbox.set_fault("create", "lag", calls=calls)
        run = ansible.play([task(module, options, ignore_errors=True), *(task(module, options) for _turn in range(2))])
        failed, finished, again = run.steps
        assert (failed.status, about_dora(failed)) == ("failed", ["create", "disable", "disable"])
        assert operations_of(failed) == [("create", "applied"), ("disable", "failed")]
        assert failed.result["changed"] is True
        message = failed.result["msg"]
        assert f"Could not disable customer '{DORA}'" in message
        assert "The server still did not know the new customer after 0.1 s of waiting (max_retry_wait)." in message
        assert OPEN in message and message.endswith("Run the task again to finish the work.")
        if module == "reseller_customers":
            assert "Done: 1 updated. Done in part: 1 created." in message
            assert failed.result["summary"]["failed"] == 1
        else:
            assert failed.result["customer"]["active"] is True
        assert operations_of(finished) == [("disable", "applied")]
        assert (again.result["changed"], again.written) == (False, [])
        assert sandbox.customers()[DORA]["active"] is False


@only_json
@only_observed
def test_where_nothing_follows_a_creation_it_is_not_waited_for(ansible: Ansible, sandbox: Sandbox) -> None:
    sandbox.set_fault("create", "lag", calls=1)
    run = ansible.play([task("reseller_customer", NEW)])
    [step] = run.steps
    assert (step.status, step.called) == ("ok", ["list", "list", "create", "list"])
    assert (step.result["customer"]["username"], step.result["customer"]["city"]) == (DORA, NEW["city"])
    said = f"The server does not show customer '{DORA}' yet; the result shows what was sent, not what is stored"
    assert said in " ".join(run.output.replace("[WARNING]: ", "").split())
