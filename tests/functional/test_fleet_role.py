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

from .conftest import PASSWORD, Kept, in_shared_playbook, only_documented, only_json, seeded
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


def tries(*runs: dict[str, Any]) -> list[dict[str, Any]]:
    """Tasks that run the role once for each of `runs`, and show `fleet_result` after each, whatever became of it."""
    return [{"name": "Try", "block": [role(**variables)], "always": [SHOW]} for variables in runs]


def parts(played: Run) -> list[Run]:
    """Each run of the role in a play of `tries`. Only the last can have failed, since the play ends with it."""
    ends = [number for number, step in enumerate(played.steps, 1) if step.name == "Show"]
    outputs = played.output.split("TASK [Show]")
    return [
        Run(played.status if end == ends[-1] else 0, output, played.folder, played.steps[start:end])
        for start, end, output in zip([0, *ends], ends, outputs, strict=False)
    ]


def run_role(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    """The role, and what is in `fleet_result` after it, whatever became of it."""
    return ansible.play(tries(variables), *arguments)


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


SOME_CHANGE = [{**ADA, "city": "Bergen"}, BEN, creatable("dora@example.com"), {**CLEO, "state": "absent"}]


@in_shared_playbook(
    lambda: tries(*[{"customers": SOME_CHANGE, "check_mode": check} for check in (True, False, True, False)]), "--diff"
)
@only_json
@only_documented
def test_check_mode_and_the_real_run_with_and_without_changes(played: Run) -> None:
    runs = parts(played)
    assert [run.status for run in runs] == [0, 0, 0, 0], played.output
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
    assert played.customers["ada@example.com"]["city"] == "Bergen"
    assert set(played.customers) == {"ada@example.com", "ben@example.com", "dora@example.com", "nora@example.com"}


@only_json
@pytest.mark.parametrize(("sandbox", "direct"), [("observed", True)], indirect=True)
class TestInProcess:
    def test_check_mode_of_the_whole_run(self, ansible: Ansible) -> None:
        run = run_role(ansible, "--check", customers=[{**ADA, "city": "Bergen"}, {**BEN, "city": "Oslo"}], batch_size=1)
        assert run.status == 0, run.output
        assert [step.written for step in worked(run)] == [[], []]
        assert result_of(run)["summary"]["updated"] == 2

    TWO_BATCHES = {"customers": [{**ADA, "city": "Bergen"}, BEN, {**CLEO, "city": "Graz"}], "batch_size": 2}

    @in_shared_playbook(lambda: tries(*[TestInProcess.TWO_BATCHES] * 2))
    def test_a_batch_costs_one_list_and_the_writes_it_needs(self, played: Run) -> None:
        run, again = parts(played)
        assert run.status == 0, run.output
        assert [step.called for step in worked(run)] == [["list", "set_profile"], ["list", "set_profile"]]
        assert calls(run) == ["list", "set_profile"] * 2
        assert result_of(run)["updated"] == ["ada@example.com", "cleo@example.com"]
        assert result_of(run)["summary"]["unchanged"] == 1
        assert calls(again) == ["list", "list"]
        assert result_of(again)["changed"] is False

    PURGED = {
        "customers": [
            {**ADA, "city": "Bergen"},
            {"username": "BEN@example.com".lower(), "new_username": "b@example.com"},
        ],
        "purge": True,
        "max_deletions": 1,
    }

    @in_shared_playbook(
        lambda batch_size: tries(
            {**TestInProcess.PURGED, "batch_size": batch_size, "check_mode": True},
            {**TestInProcess.PURGED, "batch_size": batch_size},
            {**TestInProcess.PURGED, "batch_size": batch_size, "max_deletions": 0},
        )
    )
    @pytest.mark.parametrize(("batch_size", "lists"), [(0, 1), (1, 4)])
    def test_purge_deletes_only_whom_no_batch_names(self, played: Run, batch_size: int, lists: int) -> None:
        predicted, run, again = parts(played)
        assert predicted.status == 0, predicted.output
        assert set(calls(predicted)) == {"list"}
        assert run.status == 0, run.output
        assert result_of(run)["summary"] == result_of(predicted)["summary"]
        assert result_of(run)["deleted"] == ["cleo@example.com"]
        assert result_of(run)["renamed"] == ["ben@example.com"]
        assert calls(run).count("delete") == 1
        assert calls(run).count("list") == lists
        assert set(played.customers) == {"ada@example.com", "b@example.com", "nora@example.com"}
        assert again.status == 0, again.output
        assert set(calls(again)) == {"list"}

    TOO_MANY = {
        "customers": [{**ADA, "city": "Bergen"}, creatable("dora@example.com")],
        "purge": True,
        "max_deletions": 1,
    }

    @in_shared_playbook(lambda batch_size: tries({**TestInProcess.TOO_MANY, "batch_size": batch_size}))
    @pytest.mark.parametrize("batch_size", [0, 1])
    def test_the_ceiling_is_checked_before_any_write(self, played: Run, batch_size: int) -> None:
        assert played.status == 2
        assert calls(played) == ["list"]
        text = " ".join(told(played)) if isinstance(told(played), list) else told(played)
        assert "Nothing was changed" in text
        assert "2 customers are not in the fleet" in text
        assert "ben@example.com" in text
        assert "dora@example.com" not in played.customers

    ONE_FAILS = [
        {"username": "new@example.com"},
        {**ADA, "city": "Bergen"},
        {**BEN, "new_username": ADA["username"] + ".au"},
    ]

    @in_shared_playbook(lambda batch_size: tries({"customers": TestInProcess.ONE_FAILS, "batch_size": batch_size}))
    @pytest.mark.parametrize("batch_size", [0, 2])
    def test_a_failure_names_the_customers_and_prints_no_results(self, played: Run, batch_size: int) -> None:
        assert played.status == 2
        lines = told(played)
        assert lines[0] == "3 customers: 1 updated, 1 renamed, 1 failed"
        assert lines[-1].startswith("failed: new@example.com: Customer 'new@example.com' does not exist, and cannot be")
        assert [one["username"] for one in result_of(played)["failed_customers"]] == ["new@example.com"]
        assert result_of(played)["failed"] is True
        # One line each, and nowhere the attributes of a customer.
        before_show = played.output.partition("TASK [Show]")[0]
        assert '        "updated: ada@example.com",\n' in before_show
        assert "12 Harbour Street" not in before_show

    @in_shared_playbook(
        lambda: tries(
            {"customers": [{"username": f"new{number}@example.com"} for number in range(5)], "names_shown": 2}
        )
    )
    def test_only_some_of_many_failures_are_printed(self, played: Run) -> None:
        assert [line.split(":")[0] for line in told(played)[1:]] == [
            "failed",
            "failed",
            "and 3 more failed, see fleet_result.failed_customers",
        ]
        assert len(result_of(played)["failed_customers"]) == 5

    SINGLY = {"batch_size": 1, "purge": True, "max_deletions": 1}

    @in_shared_playbook(
        lambda: tries(
            {
                "customers": [{"username": "new@example.com"}, {**ADA, "city": "Bergen"}, BEN],
                **TestInProcess.SINGLY,
            }
        )
    )
    def test_continue_goes_on_with_later_batches_but_not_with_the_purge(self, played: Run) -> None:
        assert played.status == 2
        assert result_of(played)["summary"] == {
            **dict.fromkeys(("created", "renamed", "deleted"), 0),
            **dict.fromkeys(("updated", "unchanged", "failed", "not_reached"), 1),
        }
        assert "a purge deletes nothing as long as a customer of the fleet has an error" in told(played)[-1]
        assert "cleo@example.com" in played.customers

    @in_shared_playbook(
        lambda: tries(
            {
                "customers": [BEN, {"username": "new@example.com"}, {**ADA, "city": "Bergen"}],
                **TestInProcess.SINGLY,
                "on_error": "stop",
            }
        )
    )
    def test_stop_skips_later_batches_and_the_purge(self, played: Run) -> None:
        assert played.status == 2
        # The list for the purge, and those of two batches.
        assert calls(played) == ["list"] * 3
        assert result_of(played)["summary"]["not_reached"] == 2
        assert told(played)[0] == "4 customers: 1 unchanged, 1 failed, 2 not reached"
        assert played.customers["ada@example.com"]["city"] == "Portland"

    @in_shared_playbook(
        lambda: tries({"customers": [ADA, BEN, CLEO], "batch_size": 1}), defaults={"api_key": "another-key-4711"}
    )
    def test_an_error_that_all_would_meet_ends_the_run(self, played: Run) -> None:
        assert played.status == 2
        assert calls(played) == ["list"]
        assert told(played)[0] == "3 customers: 3 not reached"
        assert "could not" in told(played)[1].lower()

    @in_shared_playbook(
        lambda: [
            role(customers=[{**ADA, "city": "Bergen"}]),
            {**SHOW, "name": "First"},
            {"name": "Try", "block": [role(customers=[{"username": ""}])], "rescue": [SHOW]},
        ]
    )
    def test_a_result_of_an_earlier_run_is_forgotten(self, played: Run) -> None:
        assert played.status == 0, played.output
        assert result_of(played)["updated"] == [] and result_of(played)["changed"] is False

    @in_shared_playbook(lambda: tries({"customers": []}, {"customers": [], "purge": True, "max_deletions": 10}))
    def test_no_customer_is_nothing_to_do_and_never_a_purge_of_all(self, played: Run) -> None:
        run, purge = parts(played)
        assert run.status == 0, run.output
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

    @in_shared_playbook(lambda variables: [role(**variables)], "-vvvv")
    @pytest.mark.parametrize(("variables", "text"), WRONG)
    def test_wrong_variables_are_told_before_any_call(self, played: Run, variables: dict[str, Any], text: str) -> None:
        assert played.status == 2
        assert text in str(told(played))
        assert calls(played) == []
        assert CANARY not in played.output

    MERGED = {
        "customers": [
            ADA,
            {**BEN, "city": "Graz"},
            {**CLEO, "city": None, "address": "{{ nowhere | default(omit) }}"},
        ],
        "defaults": {"city": "{{ fleet_town }}", "address": "1 Way"},
        "town": "Oslo",
    }

    @in_shared_playbook(lambda: tries(TestInProcess.MERGED))
    def test_defaults_are_merged_under_each_customer(self, played: Run) -> None:
        assert played.status == 0, played.output
        stored = played.customers
        places = {
            name: (stored[f"{name}@example.com"]["city"], stored[f"{name}@example.com"]["address"])
            for name in ("ada", "ben", "cleo")
        }
        assert places == {"ada": ("Oslo", "1 Way"), "ben": ("Graz", "1 Way"), "cleo": ("Portland", "1 Way")}

    APART = {
        "customers": [ADA, {**BEN, "new_username": "b@example.com"}, {**CLEO, "password": PASSWORD}],
        "defaults": {"update_password": "always"},
        "passwords": {"ada@example.com": CANARY, "b@example.com": CANARY, "cleo@example.com": CANARY, "x": "y"},
    }

    @in_shared_playbook(lambda: tries(*[TestInProcess.APART] * 2))
    def test_passwords_come_from_a_dict_of_their_own(self, played: Run) -> None:
        run, again = parts(played)
        assert run.status == 0, run.output
        assert calls(run).count("set_password") == 2
        assert result_of(again)["changed"] is False, again.output
        assert CANARY not in played.output

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

    ANOTHER_ACCOUNT = {
        "name": "Another account",
        "module_defaults": {"group/mailfleet.sendgrid.reseller": {"api_user": "nobody", "retries": 0}},
        "block": [role(customers=[ADA])],
    }

    @in_shared_playbook(lambda: [TestInProcess.ANOTHER_ACCOUNT])
    def test_the_connection_of_a_block(self, played: Run) -> None:
        assert played.status == 2
        assert told(played)[0] == "1 customers: 1 not reached"


@only_json
@pytest.mark.parametrize(("sandbox", "direct"), [("observed", True), ("documented", False)], indirect=True)
def test_no_secret_is_printed_at_the_highest_verbosity(ansible: Ansible, sandbox: Sandbox, kept: Kept) -> None:
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
                environment=kept.settings,
            )
            assert run.status == 2
            assert "set_password" in run.output
            assert len(result_of(run)["failed_customers"]) == (4 if echo else 1), told(run)
            assert CANARY not in run.output
            assert CANARY not in json.dumps([step.result for step in run.steps])
    assert "new@example.com" in kept.log.read_text(encoding="utf-8")
    assert CANARY not in kept.log.read_text(encoding="utf-8")


@pytest.fixture
def hundred(tmp_path: Path, collections_path: Path) -> Iterator[Ansible]:
    sandbox = Sandbox("--customers", "100")
    folder = tmp_path / "run"
    folder.mkdir()
    yield Ansible(sandbox, folder, collections_path, "demo", "demo-key-1234", {"retries": 0})
    assert sandbox.stop() == (0, "", "")


def test_a_hundred_customers_in_three_batches(hundred: Ansible) -> None:
    batch_size, lists = 40, 3
    customers = [_wanted(number) for number in range(1, 101)]
    variables = {"fleet_customers": customers, "fleet_batch_size": batch_size, "fleet_defaults": {"active": True}}
    # Not in vars_files, which Ansible reads again for each task.
    (hundred.folder / "fleet.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    runs = [hundred.play([role(), SHOW], "--extra-vars", "@fleet.yml") for number in range(2)]
    assert [run.status for run in runs] == [0, 0], runs[0].output
    # Every tenth customer has moved.
    assert sorted(calls(runs[0])) == ["list"] * lists + ["set_profile"] * 10
    assert result_of(runs[0])["summary"]["updated"] == 10
    assert calls(runs[1]) == ["list"] * lists
    assert result_of(runs[1])["summary"]["unchanged"] == 100


def _wanted(number: int) -> dict[str, Any]:
    customer = fleet.customer(number)
    customer["region"] = customer.pop("state")
    return {**customer, "city": "Moved"} if number % 10 == 0 else customer


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
