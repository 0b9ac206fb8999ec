# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""reseller_customer_info from a playbook, against the sandbox."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import IN_RESULTS

from .conftest import ACCOUNT, both_apis, in_shared_playbook, only_direct, only_json, only_observed
from .running import MODULES, Ansible, Run, Sandbox, four_ways, task
from .test_customer import NEW

MODULE = "reseller_customer_info"


@in_shared_playbook(lambda: four_ways(MODULE))
@both_apis
def test_the_whole_list(played: Run, ansible: Ansible) -> None:
    """A list of API v3 is complete when a page has no new customer. It shows an id and a residency, but no profile."""
    steps = played.four()
    shown = ansible.sandbox.behaviour == "observed" and not ansible.is_v3
    for step in steps:
        assert step.result["changed"] is False
        assert step.called == (["list", "list"] if ansible.is_v3 else ["list"])
        assert step.result["count"] == 3
        assert [customer["username"] for customer in step.result["customers"]] == [
            "ada@example.com",
            "ben@example.com",
            "cleo@example.com",
        ]
        for customer in step.result["customers"]:
            extra = step.result["extra"][customer["username"]]
            if ansible.is_v3:
                assert (set(extra), extra["region"]) == ({"id", "region"}, "global")
            else:
                assert extra == ({"address2": ""} if shown else {})
    ada, ben, _cleo = steps[0].result["customers"]
    assert set(ada) == set(IN_RESULTS)
    path, user = ("v3", None) if ansible.is_v3 else ("apiv2", ACCOUNT["api_user"])
    url = f"{ansible.sandbox.root}/{path}"
    assert steps[0].result["account"] == {"api": ansible.api, "api_url": url, "api_user": user}
    seen = (None, None) if ansible.is_v3 else ("ME", "04101")
    assert (ada["region"], ada["zip"], ada["company"], ada["active"]) == (*seen, None, True)
    assert (ben["active"], ben["website_access"]) == (False, False if shown else None)


FILTERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "part of a name": ({"username": "D"}, ["ada@example.com"]),
    "switched off": ({"active": False}, ["ben@example.com"]),
    "switched on": ({"active": True}, ["ada@example.com", "cleo@example.com"]),
    "region": ({"region": "me"}, ["ada@example.com", "ben@example.com", "cleo@example.com"]),
    "hidden company": ({"company": "bour &"}, ["cleo@example.com"]),
    "two at once": ({"city": "Portland", "username": "ben"}, ["ben@example.com"]),
    "nothing found": ({"last_name": "Nobody"}, []),
}


@in_shared_playbook(lambda filters: [task(MODULE, filters)])
@pytest.mark.parametrize(("filters", "names"), FILTERS.values(), ids=FILTERS)
@only_direct
@both_apis
def test_filters_are_passed_to_the_server(
    played: Run, ansible: Ansible, filters: dict[str, Any], names: list[str]
) -> None:
    """The server of API v3 knows none of them: they do the same here, without case, and cost reads of profiles."""
    step = played.one()
    assert [customer["username"] for customer in step.result["customers"]] == names
    assert step.result["count"] == len(names)
    if ansible.is_v3:
        in_lists = {name: value for name, value in filters.items() if name in ("username", "email", "active")}
        candidates = 3 if not in_lists else 1 if len(filters) > 1 else 0
        further = ["get_username", *["get_profile"] * candidates] if candidates and in_lists != filters else []
        assert step.called == ["list", "list", *further]
        return
    [call] = step.calls
    sent = {"state" if name == "region" else name for name in filters}
    assert set(call["body_parameters"]) == {"api_user", "api_key", "method", "task"} | sent


@in_shared_playbook(
    lambda: [
        {**task(MODULE, {}), "register": "fleet"},
        {
            "name": "Feed it back",
            MODULES + "reseller_customer": "{{ item }}",
            "loop": "{{ fleet.customers }}",
            "loop_control": {"label": "{{ item.username }}"},
        },
    ]
)
@only_direct
@both_apis
def test_a_list_can_be_fed_back(played: Run) -> None:
    assert played.status == 0, played.output
    listed, fed_back = played.steps
    results = fed_back.result["results"]
    assert [result["changed"] for result in results] == [False] * listed.result["count"]
    assert fed_back.result["changed"] is False
    assert [call for step in played.steps for call in step.written] == []


@only_json
@only_observed
def test_an_ad_hoc_command(ansible: Ansible) -> None:
    done = ansible.command("ansible", "localhost", "-m", MODULES + MODULE, "-a", "username=ben")
    assert done.returncode == 0, done.stderr
    assert '"count": 1' in done.stdout


@only_observed
@only_json
def test_a_username_that_means_something_to_ansible(ansible: Ansible, sandbox: Sandbox) -> None:
    """A result that has it as a key fails on newer cores, and loses it in silence on older ones."""
    names = ["__ansible_type", "_ansible_no_log"]
    creations = [task("reseller_customer", {**NEW, "username": name, "email": f"{name}@example.com"}) for name in names]
    rows = [{"username": name, "city": "Bangor", "company": "Other"} for name in [*names, "ada@example.com"]]
    run = ansible.play([*creations, task(MODULE, {}), task("reseller_customers", {"customers": rows})])
    assert run.status == 0, run.output
    listing, fleet = run.steps[2:]
    assert listing.result["count"] == 5
    assert {customer["username"] for customer in listing.result["customers"]} > set(names)
    assert set(listing.result["extra"]) == {"ada@example.com", "ben@example.com", "cleo@example.com"}
    assert fleet.result["summary"]["updated"] == 3
    assert fleet.result["unverified"] == {"ada@example.com": ["company"]}
    assert [item["username"] for item in fleet.result["results"]] == [row["username"] for row in rows]
    for step, key in ((listing, "extra"), (fleet, "unverified")):
        [warning] = step.result["warnings"]
        assert f"'__ansible_type', '_ansible_no_log' cannot be shown in {key}" in str(warning)
