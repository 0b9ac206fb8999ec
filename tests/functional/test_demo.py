# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo as a newcomer runs it: one program, from the root of the checkout."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sandbox.seed import DEMO_FLEET, DEMO_V3_KEY

from .making import checkout_for_make, environment_for_make

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tests" / "demo"
COMMAND = [sys.executable, "-m", "tests.demo"]
COMMAND_OF_V3 = "make demo DEMO_ARGS='--api subusers'"
SECONDS = 300

# One run of the demo is enough for most tests.
pytestmark = pytest.mark.xdist_group("demo")

# The demo must ignore the settings of the shell that starts it.
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_STDOUT_CALLBACK": "minimal",
    "ANSIBLE_INVENTORY": "/nonexistent/inventory",
    "SENDGRID_API_URL": "https://127.0.0.1:9/apiv2",
    "SENDGRID_API_KEY": "canary-of-the-shell",
    "SENDGRID_API": "customer",
}


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def seed() -> dict[str, Any]:
    """The account, and the customers before the first run."""
    return json.loads(DEMO_FLEET.read_text(encoding="utf-8"))


def secrets() -> list[str]:
    """Every password before and after, the API key, and what the caller's shell holds."""
    before = seed()
    passwords = yaml.safe_load((DEMO / "passwords.yml").read_text(encoding="utf-8"))["fleet_passwords"]
    return [
        *(account["api_key"] for account in before["accounts"]),
        DEMO_V3_KEY,
        *(customer["password"] for customer in before["customers"]),
        *passwords.values(),
        ENVIRONMENT["SENDGRID_API_KEY"],
    ]


def told_secrets(output: str) -> list[str]:
    return [secret for secret in secrets() if secret in output]


def recaps(output: str) -> list[dict[str, int]]:
    """The counts of each PLAY RECAP, in their order."""
    lines = re.findall(r"^localhost +: (.*)$", output, re.MULTILINE)
    return [{name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", line)} for line in lines]


def table(output: str) -> dict[str, list[str]]:
    """The cells of the table of customers, by username."""
    lines = output.partition("\nCUSTOMER ")[2].partition("\n\n")[0].splitlines()[1:]
    rows = [re.split(r" {2,}", line) for line in lines]
    return {row[0]: row[1:] for row in rows}


def listens(output: str) -> bool:
    """Whether anything still listens where the sandbox said it does."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)/(?:apiv2|v3)\b", output)
    assert found, output
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(found[1]))) == 0


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    return run_demo()


def test_the_second_run_changes_nothing(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stdout
    first, second = recaps(demo.stdout)
    assert first["changed"] > 0
    assert second["changed"] == 0
    assert first["failed"] == second["failed"] == 0
    assert (
        "First run: 10 of 12 customers changed: 2 created, 6 updated, 1 renamed, 1 deleted, 2 unchanged." in demo.stdout
    )
    assert "Second run: 0 of 12 customers changed: 12 unchanged." in demo.stdout


def test_the_table_shows_the_fleet_that_was_asked_for(demo: subprocess.CompletedProcess[str]) -> None:
    customers = table(demo.stdout)
    before = {customer["username"] for customer in seed()["customers"]}
    removed, renamed = "olga@old.example", "hana@origami.example"
    assert {removed, renamed} <= before
    new = {"studio@origami.example", "nora@nightferry.example", "omar@atlas.example"}
    assert set(customers) == before - {removed, renamed} | new
    assert customers["bruno@fjord.example"][0] == "Ålesund, NO"
    assert customers["chen@lantern.example"][1] == "http://lantern.example/events"
    assert customers["eva@oldmill.example"][2:] == ["no", "no"]
    assert customers["farid@saffron.example"][2:] == ["yes", "yes"]
    assert customers["omar@atlas.example"][2:] == ["yes", "no"]


def test_the_story_fits_a_terminal(demo: subprocess.CompletedProcess[str]) -> None:
    own = demo.stdout.partition("\n4. ")[2]
    assert own
    assert max(map(len, own.splitlines())) <= 100


def test_a_website_without_a_scheme_is_warned_about(demo: subprocess.CompletedProcess[str]) -> None:
    assert "the server stores 'http://lantern.example/events'" in " ".join(demo.stdout.split())


def test_no_secret_is_told_and_the_sandbox_is_gone(demo: subprocess.CompletedProcess[str]) -> None:
    assert told_secrets(demo.stdout) == []
    assert not listens(demo.stdout)


@pytest.fixture(scope="module")
def demo_of_v3(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """As the README has it."""
    assert f"`{COMMAND_OF_V3}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    return subprocess.run(
        COMMAND_OF_V3,
        shell=True,
        cwd=checkout_for_make(tmp_path_factory.mktemp("make") / "checkout"),
        env=environment_for_make(ENVIRONMENT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=SECONDS,
        check=False,
    )


def test_api_v3_converges_the_same_fleet(demo_of_v3: subprocess.CompletedProcess[str]) -> None:
    assert demo_of_v3.returncode == 0, demo_of_v3.stdout
    first, second = recaps(demo_of_v3.stdout)
    assert first["changed"] > 0
    assert second["changed"] == 0
    assert first["failed"] == second["failed"] == 0
    # All but Mara and Jonas, who are as they should be, and Grace, whose password API v3 cannot set.
    counts = "2 created, 5 updated, 1 renamed, 1 deleted, 3 unchanged"
    assert f"First run: 9 of 12 customers changed: {counts}." in demo_of_v3.stdout
    assert "Second run: 0 of 12 customers changed: 12 unchanged." in demo_of_v3.stdout


def test_both_apis_make_the_same_of_the_customers(
    demo: subprocess.CompletedProcess[str], demo_of_v3: subprocess.CompletedProcess[str]
) -> None:
    ours, theirs = table(demo_of_v3.stdout), table(demo.stdout)
    assert len(ours) == 11
    # API v2 puts a scheme before an address without one, and API v3 does not show who may log in.
    assert ours.pop("chen@lantern.example")[1] == "lantern.example/events"
    assert theirs.pop("chen@lantern.example")[1] == "http://lantern.example/events"
    assert {name: row[:3] for name, row in ours.items()} == {name: row[:3] for name, row in theirs.items()}
    assert {row[3] for row in ours.values()} == {"hidden"}


def test_api_v3_tells_no_secret_either(demo_of_v3: subprocess.CompletedProcess[str]) -> None:
    assert told_secrets(demo_of_v3.stdout) == []
    assert "/v3 and holds" in demo_of_v3.stdout
    assert not listens(demo_of_v3.stdout)


def test_no_secret_is_told_at_the_highest_verbosity() -> None:
    done = run_demo("-vvvv")
    assert done.returncode == 0, done.stdout
    # The argument has reached Ansible: results of the items are shown.
    assert '"operations"' in done.stdout or "operations:" in done.stdout
    assert told_secrets(done.stdout) == []
    assert not listens(done.stdout)


def test_a_run_that_fails_is_a_demo_that_fails() -> None:
    done = run_demo("--extra-vars", json.dumps({"fleet_customers": [{"username": "new@nowhere.example"}]}))
    assert done.returncode == 1
    assert "The demo failed: ansible-playbook ended with status 2." in done.stdout
    assert "Traceback" not in done.stdout
    assert not listens(done.stdout)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_demo_stops_the_sandbox(number: signal.Signals, status: int) -> None:
    with subprocess.Popen(
        COMMAND, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if line.startswith("ok: "):
                break
        assert listens(seen)
        process.send_signal(number)
        seen += process.stdout.read()
        assert process.wait(SECONDS) == status, seen
    assert "Traceback" not in seen
    assert not listens(seen)
