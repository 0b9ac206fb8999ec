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
from .running import Sandbox
from .test_customer import NEW
from .test_faults import all_options, has_password

ROUNDS = 32
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


class Runner:
    """Starts runs over WANTED as processes of their own."""

    def __init__(self, server: Preloaded, sandbox: Sandbox, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.tasks = folder / "tasks.json"
        self.tasks.write_text(json.dumps([all_options(sandbox, options) for options in WANTED]), encoding="utf-8")

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
def runner(server: Preloaded, sandbox: Sandbox, tmp_path: Path) -> Runner:
    return Runner(server, sandbox, tmp_path)


def assert_converged(sandbox: Sandbox) -> None:
    """All that was wanted is there, and nothing else; no customer was created twice."""
    customers = sandbox.customers()
    assert set(customers) == set(STORED)
    for name, stored in STORED.items():
        assert stored.items() <= customers[name].items()
    assert has_password(sandbox, "cleo@example.com", "another-4711")
    created = [call["user"] for call in sandbox.log() if call["operation"] == "create" and call["wrote"]]
    assert sorted(created) == ["dora@example.com", "emil@example.com"]


@only_observed
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_killed_run_is_finished_by_the_next(sandbox: Sandbox, runner: Runner, seed: int) -> None:
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
    assert_converged(sandbox)
    assert [result["changed"] for result in runner.finish(runner.start())] == [False] * len(WANTED)


@pytest.mark.parametrize("seed", range(3))
def test_two_runs_at_once(sandbox: Sandbox, runner: Runner, seed: int) -> None:
    sandbox.set_fault("*", "delay", seconds=0.01 * seed, times="forever")
    both = [runner.start(), runner.start()]
    results = [result for process in both for result in runner.finish(process)]
    failures = [result["msg"] for result in results if "failed" in result]
    assert all("Could not" in message for message in failures)
    for message in failures:
        assert "meanwhile" in message or "the server said" in message, message

    finished = runner.finish(runner.start())
    assert [result["msg"] for result in finished if "failed" in result] == []
    assert_converged(sandbox)
