# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role `fleet`, as a play uses it: what it does, what it calls, what it prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox import fleet
from tools.plugin_source import constant

from .conftest import PASSWORD, only_documented, only_json, seeded
from .running import ROOT, Ansible, Run, Sandbox, Step

ROLE = "mailfleet.sendgrid.fleet"
CANARY = "canary-of-a-customer-4711"

ADA, BEN, CLEO = ({"username": f"{name}@example.com"} for name in ("ada", "ben", "cleo"))


def role(check_mode: bool = False, **variables: Any) -> dict[str, Any]:
    """A task that runs the role with `fleet_` variables, named without that."""
    return {
        "name": "Run the role",
        "ansible.builtin.include_role": {"name": ROLE, **({"apply": {"check_mode": True}} if check_mode else {})},
        "vars": {f"fleet_{name}": value for name, value in variables.items()},
    }


SHOW = {"name": "Show", "ansible.builtin.debug": {"var": "fleet_result"}}


def run_role(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    """The role, and what is in `fleet_result` after it, whatever became of it."""
    return ansible.play([{"name": "Try", "block": [role(**variables)], "always": [SHOW]}], *arguments)


def result_of(run: Run) -> dict[str, Any]:
    return [step.result["fleet_result"] for step in run.steps if step.name == "Show"][-1]


def worked(run: Run) -> list[Step]:
    """The tasks that may write."""
    return [step for step in run.steps if "Converge customers" in step.name or "Delete the customers" in step.name]


def calls(run: Run) -> list[str]:
    return [operation for step in run.steps for operation in step.called]


def told(run: Run) -> list[str]:
    """What the role failed with, in lines."""
    return [step.result["msg"] for step in run.steps if step.status == "failed"][-1]


def creatable(username: str, **changes: Any) -> dict[str, Any]:
    """All that a creation needs, by option name."""
    values = {**seeded(username), "package": "Bronze", "whitelabel": "mail.example.com", **changes}
    return {"region" if name == "state" else name: value for name, value in values.items()}


@only_json
@only_documented
def test_check_mode_and_the_real_run_with_and_without_changes(ansible: Ansible, sandbox: Sandbox) -> None:
    customers = [{**ADA, "city": "Bergen"}, BEN, creatable("dora@example.com"), {**CLEO, "state": "absent"}]
    runs = [run_role(ansible, "--diff", customers=customers, check_mode=check) for check in (True, False, True, False)]
    assert [run.status for run in runs] == [0, 0, 0, 0], runs[0].output
    assert [result_of(run)["changed"] for run in runs] == [True, True, False, False]
    assert [worked(run)[0].result["changed"] for run in runs] == [True, True, False, False]
    assert [sorted(worked(run)[0].written) for run in runs] == [[], ["create", "delete", "set_profile"], [], []]
    assert result_of(runs[0]) == {**result_of(runs[1]), "predicted": True, "lines": result_of(runs[0])["lines"]}
    assert result_of(runs[0])["lines"][0].startswith("4 customers (check mode, nothing was written): 1 created")
    assert worked(runs[0])[0].result["diff"] == worked(runs[1])[0].result["diff"]
    assert "--- before: ada@example.com" in runs[0].output and "--- before: ada@example.com" in runs[1].output
    assert result_of(runs[1])["lines"] == [
        "4 customers: 1 created, 1 updated, 1 deleted, 1 unchanged",
        "created: dora@example.com",
        "updated: ada@example.com",
        "deleted: cleo@example.com",
    ]
    assert sandbox.customers()["ada@example.com"]["city"] == "Bergen"
    assert set(sandbox.customers()) == {"ada@example.com", "ben@example.com", "dora@example.com", "nora@example.com"}


@only_json
@pytest.mark.parametrize(("sandbox", "direct"), [("observed", True)], indirect=True)
class TestInProcess:
    def test_check_mode_of_the_whole_run(self, ansible: Ansible) -> None:
        run = run_role(ansible, "--check", customers=[{**ADA, "city": "Bergen"}, {**BEN, "city": "Oslo"}], batch_size=1)
        assert run.status == 0, run.output
        assert [step.written for step in worked(run)] == [[], []]
        assert result_of(run)["summary"]["updated"] == 2

    def test_a_batch_costs_one_list_and_the_writes_it_needs(self, ansible: Ansible) -> None:
        customers = [{**ADA, "city": "Bergen"}, BEN, {**CLEO, "city": "Graz"}]
        run = run_role(ansible, customers=customers, batch_size=2)
        assert run.status == 0, run.output
        assert [step.called for step in worked(run)] == [["list", "set_profile"], ["list", "set_profile"]]
        assert calls(run) == ["list", "set_profile"] * 2
        assert result_of(run)["updated"] == ["ada@example.com", "cleo@example.com"]
        assert result_of(run)["summary"]["unchanged"] == 1
        again = run_role(ansible, customers=customers, batch_size=2)
        assert calls(again) == ["list", "list"]
        assert result_of(again)["changed"] is False

    @pytest.mark.parametrize(("batch_size", "lists"), [(0, 1), (1, 4)])
    def test_purge_deletes_only_whom_no_batch_names(
        self, ansible: Ansible, sandbox: Sandbox, batch_size: int, lists: int
    ) -> None:
        customers = [
            {**ADA, "city": "Bergen"},
            {"username": "BEN@example.com".lower(), "new_username": "b@example.com"},
        ]
        options = {"purge": True, "max_deletions": 1, "batch_size": batch_size}
        predicted = run_role(ansible, check_mode=True, customers=customers, **options)
        assert predicted.status == 0, predicted.output
        assert set(calls(predicted)) == {"list"}
        run = run_role(ansible, customers=customers, **options)
        assert run.status == 0, run.output
        assert result_of(run)["summary"] == result_of(predicted)["summary"]
        assert result_of(run)["deleted"] == ["cleo@example.com"]
        assert result_of(run)["renamed"] == ["ben@example.com"]
        assert calls(run).count("delete") == 1
        assert calls(run).count("list") == lists
        assert set(sandbox.customers()) == {"ada@example.com", "b@example.com", "nora@example.com"}
        again = run_role(ansible, customers=customers, **{**options, "max_deletions": 0})
        assert again.status == 0, again.output
        assert set(calls(again)) == {"list"}

    @pytest.mark.parametrize("batch_size", [0, 1])
    def test_the_ceiling_is_checked_before_any_write(self, ansible: Ansible, sandbox: Sandbox, batch_size: int) -> None:
        customers = [{**ADA, "city": "Bergen"}, creatable("dora@example.com")]
        run = run_role(ansible, customers=customers, purge=True, max_deletions=1, batch_size=batch_size)
        assert run.status == 2
        assert calls(run) == ["list"]
        text = " ".join(told(run)) if isinstance(told(run), list) else told(run)
        assert "Nothing was changed" in text
        assert "2 customers are not in the fleet" in text
        assert "ben@example.com" in text
        assert "dora@example.com" not in sandbox.customers()

    @pytest.mark.parametrize("batch_size", [0, 2])
    def test_a_failure_names_the_customers_and_prints_no_results(self, ansible: Ansible, batch_size: int) -> None:
        customers = [
            {"username": "new@example.com"},
            {**ADA, "city": "Bergen"},
            {**BEN, "new_username": ADA["username"] + ".au"},
        ]
        run = run_role(ansible, customers=customers, batch_size=batch_size)
        assert run.status == 2
        lines = told(run)
        assert lines[0] == "3 customers: 1 updated, 1 renamed, 1 failed"
        assert lines[-1].startswith("failed: new@example.com: Customer 'new@example.com' does not exist, and cannot be")
        assert [one["username"] for one in result_of(run)["failed_customers"]] == ["new@example.com"]
        assert result_of(run)["failed"] is True
        # One line each, and nowhere the attributes of a customer.
        before_show = run.output.partition("TASK [Show]")[0]
        assert '        "updated: ada@example.com",\n' in before_show
        assert "12 Harbour Street" not in before_show

    def test_only_some_of_many_failures_are_printed(self, ansible: Ansible) -> None:
        customers = [{"username": f"new{number}@example.com"} for number in range(5)]
        run = run_role(ansible, customers=customers, names_shown=2)
        assert [line.split(":")[0] for line in told(run)[1:]] == [
            "failed",
            "failed",
            "and 3 more failed, see fleet_result.failed_customers",
        ]
        assert len(result_of(run)["failed_customers"]) == 5

    def test_continue_goes_on_with_later_batches_but_not_with_the_purge(
        self, ansible: Ansible, sandbox: Sandbox
    ) -> None:
        customers = [{"username": "new@example.com"}, {**ADA, "city": "Bergen"}, BEN]
        run = run_role(ansible, customers=customers, batch_size=1, purge=True, max_deletions=1)
        assert run.status == 2
        assert result_of(run)["summary"] == {
            **dict.fromkeys(("created", "renamed", "deleted"), 0),
            **dict.fromkeys(("updated", "unchanged", "failed", "not_reached"), 1),
        }
        assert "a purge deletes nothing as long as a customer of the fleet has an error" in told(run)[-1]
        assert "cleo@example.com" in sandbox.customers()

    def test_stop_skips_later_batches_and_the_purge(self, ansible: Ansible, sandbox: Sandbox) -> None:
        customers = [BEN, {"username": "new@example.com"}, {**ADA, "city": "Bergen"}]
        run = run_role(ansible, customers=customers, batch_size=1, purge=True, max_deletions=1, on_error="stop")
        assert run.status == 2
        # The list for the purge, and those of two batches.
        assert calls(run) == ["list"] * 3
        assert result_of(run)["summary"]["not_reached"] == 2
        assert told(run)[0] == "4 customers: 1 unchanged, 1 failed, 2 not reached"
        assert sandbox.customers()["ada@example.com"]["city"] == "Portland"

    def test_an_error_that_all_would_meet_ends_the_run(self, ansible: Ansible) -> None:
        ansible.defaults["api_key"] = "another-key-4711"
        run = run_role(ansible, customers=[ADA, BEN, CLEO], batch_size=1)
        assert run.status == 2
        assert calls(run) == ["list"]
        assert told(run)[0] == "3 customers: 3 not reached"
        assert "could not" in told(run)[1].lower()

    def test_a_result_of_an_earlier_run_is_forgotten(self, ansible: Ansible) -> None:
        tasks = [role(customers=[{**ADA, "city": "Bergen"}]), {**SHOW, "name": "First"}]
        tasks += [{"name": "Try", "block": [role(customers=[{"username": ""}])], "rescue": [SHOW]}]
        run = ansible.play(tasks)
        assert run.status == 0, run.output
        assert result_of(run)["updated"] == [] and result_of(run)["changed"] is False

    def test_no_customer_is_nothing_to_do_and_never_a_purge_of_all(self, ansible: Ansible) -> None:
        run = run_role(ansible, customers=[])
        assert run.status == 0, run.output
        purge = run_role(ansible, customers=[], purge=True, max_deletions=10)
        assert purge.status == 2
        assert "would delete every customer" in told(purge)[0]
        assert calls(run) == calls(purge) == []

    WRONG = [
        ({"customers": [{**ADA, "citty": "X"}]}, "fleet_customers[0] ('ada@example.com'): there is no option 'citty'"),
        ({"customers": [ADA, {**BEN, "active": "maybe"}]}, "('ben@example.com'): active must be true or false"),
        ({"customers": [{**ADA, "city": ["X"]}]}, "('ada@example.com'): city must be a text, and is a list"),
        ({"customers": [{**ADA, "state": "gone"}]}, "state must be present or absent, and is 'gone'"),
        ({"customers": [{**ADA, "first_name": "f" * 51}]}, "first_name has 51 characters, the limit is 50"),
        (
            {"customers": [ADA, BEN, ADA], "batch_size": 1},
            "fleet_customers[0] and fleet_customers[2] have the username",
        ),
        ({"customers": [{"city": "X"}]}, "fleet_customers[0]: username is missing"),
        ({"customers": [[{"password": CANARY}]]}, "fleet_customers[0] must be a dict, and is a list"),
        ({"customers": [{**ADA, "password": [CANARY]}]}, "password must be a text, and is a list"),
        ({"customers": [ADA], "passwords": {"ada@example.com": [CANARY]}}, "must be a text, and is a list"),
        ({"customers": [ADA], "defaults": {"username": "x"}}, "fleet_defaults must not hold username"),
        ({"customers": [ADA], "purge": True}, "fleet_purge needs fleet_max_deletions"),
        ({"customers": [ADA], "concurrency": 0}, "fleet_concurrency must be from 1 to 64"),
        ({"customers": [ADA], "batch_size": -1}, "fleet_batch_size must not be negative"),
        ({"customers": [ADA], "batch_size": "many"}, "fleet_batch_size"),
        ({"customers": [ADA], "on_error": "pause"}, "value of fleet_on_error must be one of: continue, stop"),
        ({"customers": {"ada": {"password": CANARY}}}, "fleet_customers"),
        ({"customers": [ADA], "passwords": [CANARY]}, "fleet_passwords"),
        ({}, "missing required arguments: fleet_customers"),
    ]

    @pytest.mark.parametrize(("variables", "text"), WRONG)
    def test_wrong_variables_are_told_before_any_call(
        self, ansible: Ansible, variables: dict[str, Any], text: str
    ) -> None:
        run = ansible.play([role(**variables)], "-vvvv")
        assert run.status == 2
        assert text in str(told(run))
        assert calls(run) == []
        assert CANARY not in run.output

    def test_defaults_are_merged_under_each_customer(self, ansible: Ansible, sandbox: Sandbox) -> None:
        customers = [
            ADA,
            {**BEN, "city": "Graz"},
            {**CLEO, "city": None, "address": "{{ nowhere | default(omit) }}"},
        ]
        run = run_role(
            ansible, customers=customers, defaults={"city": "{{ fleet_town }}", "address": "1 Way"}, town="Oslo"
        )
        assert run.status == 0, run.output
        stored = sandbox.customers()
        places = {
            name: (stored[f"{name}@example.com"]["city"], stored[f"{name}@example.com"]["address"])
            for name in ("ada", "ben", "cleo")
        }
        assert places == {"ada": ("Oslo", "1 Way"), "ben": ("Graz", "1 Way"), "cleo": ("Portland", "1 Way")}

    def test_passwords_come_from_a_dict_of_their_own(self, ansible: Ansible) -> None:
        options = {
            "customers": [ADA, {**BEN, "new_username": "b@example.com"}, {**CLEO, "password": PASSWORD}],
            "defaults": {"update_password": "always"},
            "passwords": {"ada@example.com": CANARY, "b@example.com": CANARY, "cleo@example.com": CANARY, "x": "y"},
        }
        run = run_role(ansible, **options)
        assert run.status == 0, run.output
        assert calls(run).count("set_password") == 2
        again = run_role(ansible, **options)
        assert result_of(again)["changed"] is False, again.output
        assert CANARY not in run.output + again.output

    def test_what_looks_like_a_template_is_none(self, ansible: Ansible, sandbox: Sandbox) -> None:
        """Neither a value that is marked as unsafe nor a server's text about it is ever evaluated."""
        (ansible.folder / "fleet.yml").write_text(
            "fleet_customers:\n"
            "  - {username: ada@example.com, city: !unsafe '{{ 6 * 7 }}'}\n"
            "  - {username: !unsafe 'no-{{ 6 * 7 }}@example.com'}\n",
            encoding="utf-8",
        )
        run = ansible.play([{"name": "Try", "block": [role()], "always": [SHOW]}], vars_files=["fleet.yml"])
        assert run.status == 2
        assert sandbox.customers()["ada@example.com"]["city"] == "{{ 6 * 7 }}"
        assert "no-{{ 6 * 7 }}@example.com" in told(run)[-1]
        assert result_of(run)["failed_customers"][0]["username"] == "no-{{ 6 * 7 }}@example.com"
        assert "no-42@" not in run.output

    def test_the_connection_of_a_block(self, ansible: Ansible) -> None:
        block = {
            "name": "Another account",
            "module_defaults": {"group/mailfleet.sendgrid.reseller": {"api_user": "nobody", "retries": 0}},
            "block": [role(customers=[ADA])],
        }
        run = ansible.play([block])
        assert run.status == 2
        assert told(run)[0] == "1 customers: 1 not reached"


@only_json
@pytest.mark.parametrize(("sandbox", "direct"), [("observed", True), ("documented", False)], indirect=True)
def test_no_secret_is_printed_at_the_highest_verbosity(ansible: Ansible, sandbox: Sandbox) -> None:
    """Whatever way a password takes, when all goes well, when customers fail, and when the server repeats it."""
    customers = [
        {**ADA, "password": "{{ secret }}-own"},
        BEN,
        creatable("dora@example.com", password="{{ secret }}-new"),
        {"username": "new@example.com", "password": "{{ secret }}-lost"},
    ]
    variables = {
        "customers": customers,
        "defaults": {"update_password": "always", "password": "{{ secret }}-default"},
        "passwords": {"ben@example.com": "{{ secret }}-apart"},
    }
    (ansible.folder / "secret.yml").write_text(yaml.safe_dump({"secret": CANARY}), encoding="utf-8")
    log = ansible.folder / "ansible.log"
    for batch_size in (0, 3):
        for echo in (False, True):
            sandbox.reset()
            if echo:
                sandbox.set_fault("writes", "echo", times="forever")
            run = ansible.play(
                [{"name": "Try", "block": [role(**variables, batch_size=batch_size)], "always": [SHOW]}],
                "-vvvv",
                "--diff",
                vars_files=["secret.yml"],
                environment={"ANSIBLE_LOG_PATH": str(log)},
            )
            assert run.status == 2
            assert "set_password" in run.output
            assert len(result_of(run)["failed_customers"]) == (4 if echo else 1), told(run)
            assert CANARY not in run.output
            assert CANARY not in json.dumps([step.result for step in run.steps])
    assert "new@example.com" in log.read_text(encoding="utf-8")
    assert CANARY not in log.read_text(encoding="utf-8")


@pytest.fixture
def thousand(tmp_path: Path, collections_path: Path) -> Iterator[Ansible]:
    sandbox = Sandbox("--customers", "1000")
    folder = tmp_path / "run"
    folder.mkdir()
    yield Ansible(sandbox, folder, collections_path, "demo", "demo-key-1234", {"retries": 0})
    assert sandbox.stop() == (0, "", "")


def test_a_thousand_customers_in_three_batches(thousand: Ansible) -> None:
    batch_size, lists = 400, 3
    customers = [_wanted(number) for number in range(1, 1001)]
    variables = {"fleet_customers": customers, "fleet_batch_size": batch_size, "fleet_defaults": {"active": True}}
    # Not in vars_files, which Ansible reads again for each task.
    (thousand.folder / "fleet.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    runs = [thousand.play([role(), SHOW], "--extra-vars", "@fleet.yml") for number in range(2)]
    assert [run.status for run in runs] == [0, 0], runs[0].output
    # Every hundredth customer has moved.
    assert sorted(calls(runs[0])) == ["list"] * lists + ["set_profile"] * 10
    assert result_of(runs[0])["summary"]["updated"] == 10
    assert calls(runs[1]) == ["list"] * lists
    assert result_of(runs[1])["summary"]["unchanged"] == 1000


def _wanted(number: int) -> dict[str, Any]:
    customer = fleet.customer(number)
    customer["region"] = customer.pop("state")
    return {**customer, "city": "Moved"} if number % 100 == 0 else customer


def test_the_role_takes_the_options_of_the_module() -> None:
    """The role's own description of a customer says what the module's does."""
    module = ROOT / "plugins" / "modules" / "reseller_customers.py"
    documented = yaml.safe_load(constant(module, "DOCUMENTATION"))
    spec = yaml.safe_load((ROOT / "roles" / "fleet" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options = spec["argument_specs"]["main"]["options"]
    of_the_module = documented["options"]["customers"]["suboptions"]
    of_the_role = options["fleet_customers"]["options"]

    def facts(described: dict[str, Any]) -> dict[str, Any]:
        return {name: {**option, "description": "", "no_log": ""} for name, option in described.items()}

    assert facts(of_the_role) == facts(of_the_module)
    defaults = yaml.safe_load((ROOT / "roles" / "fleet" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    optional = {name: option.get("default") for name, option in options.items() if not option.get("required")}
    assert defaults == optional
