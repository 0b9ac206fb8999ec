# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, and runs that meet: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .conftest import only_observed
from .preloaded import Forked, Preloaded
from .running import SUBUSERS, Sandbox
from .test_customer import NEW, suits
from .test_faults import all_options, fleet_options, has_password

RUNNER = Path(__file__).with_name("runner.py")
# What it imports.
UTILS = "ansible_collections.mailfleet.sendgrid.plugins.module_utils."
IMPORTS = ("requests", "xmltodict", UTILS + "_module", UTILS + "_tasks", UTILS + "_fleet")
WANTED: list[dict[str, Any]] = [
    {**NEW, "active": False, "website_access": False},
    {"username": "ada@example.com", "new_username": "ada.new@example.com", "city": "Bangor", "email": "a@example.com"},
    {"username": "ben@example.com", "active": True, "website_access": True, "zip": "04401"},
    {**NEW, "username": "emil@example.com", "email": "emil@example.com"},
    {"username": "cleo@example.com", "password": "another-4711", "update_password": "always", "active": False},
    {"username": "nobody@example.com", "state": "absent"},
]
STORED: dict[str, dict[str, Any]] = {
    "dora@example.com": {"active": False, "website_access": False, "city": NEW["city"], "company": NEW["company"]},
    "ada.new@example.com": {"city": "Bangor", "email": "a@example.com", "company": "Lighthouse Books"},
    "ben@example.com": {"active": True, "website_access": True, "zip": "04401"},
    "emil@example.com": {"active": True, "website_access": True, "first_name": NEW["first_name"]},
    "cleo@example.com": {"active": False, "city": "Portland"},
    "nora@example.com": {},
}


CLEO = "cleo@example.com"


@dataclass(frozen=True)
class Kind:
    """A kind of run over WANTED. `way`: as for `all_options`. `fleet`: by one task, not by a task for each customer.

    `purge`: by a fleet without cleo, who is deleted. `calls`: how many there are at least. `rounds`: how many runs are
    killed, from the first call to the last.
    """

    way: str
    calls: int
    rounds: int
    fleet: bool = False
    purge: bool = False

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The options of the customers. Through API v3, nobody gets another password."""
        rows = [suits(self.way, options) for options in WANTED]
        if self.way == SUBUSERS:
            rows = [
                without_password(options) if options.get("update_password") == "always" else options for options in rows
            ]
        return [options for options in rows if not self.purge or options["username"] != CLEO]

    def tasks(self, sandbox: Sandbox) -> list[dict[str, Any]]:
        """The options of the tasks, as `runner.py` takes them."""
        if not self.fleet:
            return [all_options(sandbox, options, self.way) for options in self.rows]
        settings = {"purge": self.purge, "max_deletions": 1 if self.purge else None}
        return [fleet_options(sandbox, self.rows, self.way, **settings)]

    @property
    def stored(self) -> dict[str, dict[str, Any]]:
        """What the service holds in the end."""
        return {name: stored for name, stored in STORED.items() if not self.purge or name != CLEO}

    @property
    def changes_each_time(self) -> list[bool]:
        """Which tasks report a change whenever they run, since they write what the server hides."""
        hidden = [self.way == SUBUSERS and "website_access" in options for options in self.rows]
        return [any(hidden)] if self.fleet else hidden


def without_password(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("password", "update_password")}


KINDS = {
    "json": Kind("json", 26, 32),
    "subusers": Kind(SUBUSERS, 44, 15),
    "fleet": Kind(SUBUSERS, 28, 8, fleet=True),
    "purge": Kind(SUBUSERS, 29, 7, fleet=True, purge=True),
}


class Runner:
    """Starts runs of `tasks` as processes of their own."""

    def __init__(self, server: Preloaded, folder: Path) -> None:
        self.server, self.folder = server, folder

    def start(self, tasks: list[dict[str, Any]]) -> Forked:
        file = self.folder / f"tasks-{len(list(self.folder.iterdir()))}.json"
        file.write_text(json.dumps(tasks), encoding="utf-8")
        return self.server.start([str(RUNNER), str(file)], self.folder, dict(os.environ))

    def finish(self, process: Forked) -> list[dict[str, Any]]:
        """The result of each task."""
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        return [json.loads(line) for line in output.splitlines()][:-1]

    def run(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.finish(self.start(tasks))


@pytest.fixture(scope="module")
def server(collections_path: Path) -> Iterator[Preloaded]:
    started = Preloaded({**os.environ, "PYTHONPATH": str(collections_path)}, IMPORTS)
    yield started
    started.close()


@pytest.fixture
def runner(server: Preloaded, tmp_path: Path) -> Runner:
    return Runner(server, tmp_path)


def failures(results: list[dict[str, Any]]) -> list[str]:
    return [result["msg"] for result in results if "failed" in result]


def assert_converged(sandbox: Sandbox, kind: Kind) -> None:
    """All that was wanted is there, and nothing else; no customer was created twice."""
    customers = sandbox.customers()
    assert set(customers) == set(kind.stored)
    for name, stored in kind.stored.items():
        assert stored.items() <= customers[name].items()
    assert has_password(sandbox, CLEO, "another-4711") is (kind.way != SUBUSERS)
    assert written(sandbox, "create") == ["dora@example.com", "emil@example.com"]
    assert written(sandbox, "delete") == ([CLEO] if kind.purge else [])


def written(sandbox: Sandbox, operation: str) -> list[str]:
    """The customers for which the service executed an operation, one entry for each time."""
    return sorted(call["user"] for call in sandbox.log() if call["operation"] == operation and call["wrote"])


def is_converged_but_for_purge(sandbox: Sandbox, kind: Kind) -> bool:
    customers = sandbox.customers()
    return all(stored.items() <= customers.get(name, {}).items() for name, stored in kind.stored.items())


@only_observed
@pytest.mark.parametrize(
    ("kind", "seed"), [(name, seed) for name, kind in KINDS.items() for seed in range(kind.rounds)]
)
def test_a_killed_run_is_finished_by_the_next(sandbox: Sandbox, runner: Runner, kind: str, seed: int) -> None:
    run = KINDS[kind]
    tasks = run.tasks(sandbox)
    # No call from then on is answered before the run is killed, whether the service has acted on it or not.
    last = 1 + seed * (run.calls - 1) // (run.rounds - 1)
    sandbox.set_fault("*", ("stall", "delay")[seed % 2], nth=last, seconds=60, times="forever")
    victim = runner.start(tasks)
    while len(sandbox.log()) < last and victim.poll() is None:
        pass
    victim.kill()
    victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL
    sandbox.control("DELETE", "faults")
    if run.purge and CLEO not in sandbox.customers():
        # Deletions come last.
        assert is_converged_but_for_purge(sandbox, run)

    assert failures(runner.run(tasks)) == []
    assert_converged(sandbox, run)
    assert [result["changed"] for result in runner.run(tasks)] == run.changes_each_time


def test_thirty_runs_through_api_v3_are_killed() -> None:
    rounds = [(kind.rounds, kind.fleet) for kind in KINDS.values() if kind.way == SUBUSERS]
    assert sum(count for count, _fleet in rounds) == 30
    assert sum(count for count, fleet in rounds if fleet) == 15


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("seed", range(3))
def test_two_runs_at_once(sandbox: Sandbox, runner: Runner, kind: str, seed: int) -> None:
    """Both create the same customers, change the same ones and, with purge, delete the same one."""
    tasks = KINDS[kind].tasks(sandbox)
    sandbox.set_fault("*", "delay", seconds=0.01 * seed, times="forever")
    both = [runner.start(tasks), runner.start(tasks)]
    failed = failures([result for process in both for result in runner.finish(process)])
    for message in failed:
        assert "Could not" in message
        assert "meanwhile" in message or "the server said" in message, message

    assert failures(runner.run(tasks)) == []
    assert_converged(sandbox, KINDS[kind])


@pytest.mark.parametrize("seed", range(3))
def test_a_fleet_and_the_purge_of_another(sandbox: Sandbox, runner: Runner, seed: int) -> None:
    """A purge does not delete customers that another run creates: its list lacks them, or they exceed its maximum."""
    converging = KINDS["purge"]
    named = [{"username": name} for name in ("ada@example.com", "ben@example.com")]
    purge = fleet_options(sandbox, named, SUBUSERS, purge=True, max_deletions=1)
    sandbox.set_fault("*", "delay", seconds=0.01 * seed, times="forever")
    rows = [options for options in converging.rows if not options["username"].startswith("ada")]
    both = [runner.start([fleet_options(sandbox, rows, SUBUSERS)]), runner.start([purge])]
    [converged], [purged] = map(runner.finish, both)
    assert failures([converged]) == []
    assert written(sandbox, "create") == ["dora@example.com", "emil@example.com"]
    if "failed" in purged:
        assert "and max_deletions is 1" in purged["msg"]
        assert written(sandbox, "delete") == []
    else:
        assert written(sandbox, "delete") == [CLEO]
