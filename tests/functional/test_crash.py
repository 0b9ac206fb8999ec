# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that are killed, and runs that meet: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import only_observed
from .preloaded import Forked, Preloaded
from .running import SUBUSERS, Sandbox
from .test_customer import NEW, suits
from .test_faults import all_options, has_password

# By the parameter `way` of `all_options`.
ROUNDS = {"json": 32, SUBUSERS: 12}
RUNNER = Path(__file__).with_name("runner.py")
# What it imports.
UTILS = "ansible_collections.mailfleet.sendgrid.plugins.module_utils."
IMPORTS = ("requests", "xmltodict", UTILS + "_module", UTILS + "_tasks")
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


def wanted(way: str) -> list[dict[str, Any]]:
    """The tasks. Through API v3, nobody gets another password."""
    tasks = [suits(way, options) for options in WANTED]
    if way == SUBUSERS:
        for options in tasks:
            if options.pop("update_password", None):
                del options["password"]
    return tasks


def is_sent_each_time(options: dict[str, Any], way: str) -> bool:
    """Whether a task writes what the server hides, so that it always reports a change."""
    return way == SUBUSERS and "website_access" in options


class Runner:
    """Starts runs over WANTED as processes of their own."""

    def __init__(self, server: Preloaded, sandbox: Sandbox, folder: Path, way: str) -> None:
        self.server, self.folder = server, folder
        self.tasks = folder / "tasks.json"
        tasks = [all_options(sandbox, options, way) for options in wanted(way)]
        self.tasks.write_text(json.dumps(tasks), encoding="utf-8")

    def start(self) -> Forked:
        return self.server.start([str(RUNNER), str(self.tasks)], self.folder, dict(os.environ))

    def finish(self, process: Forked) -> list[dict[str, Any]]:
        """The result of each task."""
        output, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        return [json.loads(line) for line in output.splitlines()][:-1]


@pytest.fixture(scope="module")
def server(collections_path: Path) -> Iterator[Preloaded]:
    started = Preloaded({**os.environ, "PYTHONPATH": str(collections_path)}, IMPORTS)
    yield started
    started.close()


@pytest.fixture
def runner(server: Preloaded, sandbox: Sandbox, tmp_path: Path, way: str) -> Runner:
    return Runner(server, sandbox, tmp_path, way)


def assert_converged(sandbox: Sandbox, way: str) -> None:
    """All that was wanted is there, and nothing else; no customer was created twice."""
    customers = sandbox.customers()
    assert set(customers) == set(STORED)
    for name, stored in STORED.items():
        assert stored.items() <= customers[name].items()
    assert has_password(sandbox, "cleo@example.com", "another-4711") is (way != SUBUSERS)
    created = [call["user"] for call in sandbox.log() if call["operation"] == "create" and call["wrote"]]
    assert sorted(created) == ["dora@example.com", "emil@example.com"]


@only_observed
@pytest.mark.parametrize(("way", "seed"), [(way, seed) for way, rounds in ROUNDS.items() for seed in range(rounds)])
def test_a_killed_run_is_finished_by_the_next(sandbox: Sandbox, runner: Runner, way: str, seed: int) -> None:
    # Each answer comes a little after the work is done, so that many kills fall between the two.
    sandbox.set_fault("*", "delay", seconds=0.02, times="forever")
    chance = random.Random(seed)
    calls = chance.randint(1, 24)
    victim = runner.start()
    while len(sandbox.log()) < calls and victim.poll() is None:
        pass
    victim.kill()
    victim.communicate(timeout=60)

    results = runner.finish(runner.start())
    assert [result["msg"] for result in results if "failed" in result] == []
    assert_converged(sandbox, way)
    expected = [is_sent_each_time(options, way) for options in WANTED]
    assert [result["changed"] for result in runner.finish(runner.start())] == expected


@pytest.mark.parametrize("way", list(ROUNDS))
@pytest.mark.parametrize("seed", range(3))
def test_two_runs_at_once(sandbox: Sandbox, runner: Runner, way: str, seed: int) -> None:
    sandbox.set_fault("*", "delay", seconds=0.01 * seed, times="forever")
    both = [runner.start(), runner.start()]
    results = [result for process in both for result in runner.finish(process)]
    failures = [result["msg"] for result in results if "failed" in result]
    assert all("Could not" in message for message in failures)
    for message in failures:
        assert "meanwhile" in message or "the server said" in message, message

    finished = runner.finish(runner.start())
    assert [result["msg"] for result in finished if "failed" in result] == []
    assert_converged(sandbox, way)
