# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the code of the collection takes for a converged fleet: no Ansible, no socket, one process for all rounds.

The list that it reads is what the sandbox has answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tools.environment import clean_environment

from .measuring import FLEET_ACCOUNT, HERE, customers_by_option, machine, progress, sandbox, table, write_list

FORMATS = ("json", "xml")
# Seconds in all, by the number of customers and the format of the list.
GOALS = {(10_000, "json"): 0.4}


def measure(folder: Path, tree: Path, size: int, rounds: int, answer_format: str) -> dict[str, float]:
    """Median seconds: `all`, and `list` for the share of the list."""
    progress(0, 1, f"core, {size:,} customers, {answer_format}")
    fleet_file, answer_file = folder / "fleet.json", folder / f"answer.{answer_format}"
    with open(fleet_file, "w", encoding="utf-8") as file:
        write_list(file, customers_by_option(size))
    write_answer(answer_file, size, answer_format)
    command = [sys.executable, str(HERE / "in_process.py"), answer_format, str(answer_file), str(fleet_file)]
    done = subprocess.run(
        [*command, str(rounds)],
        env={**clean_environment(), "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def write_answer(path: Path, size: int, answer_format: str) -> None:
    """The body of the sandbox's answer to a call for all customers."""
    call = {"method": "profile", "task": "get", **FLEET_ACCOUNT}
    with sandbox("--customers", str(size)) as running, open(path, "wb") as file:
        url = f"{running.api_url}/reseller.manage.{answer_format}"
        with running.http.post(url, data=call, timeout=60, stream=True) as answer:
            answer.raise_for_status()
            file.writelines(answer.iter_content(2**20))


def table_of_core(figures: dict[tuple[int, str], dict[str, float]]) -> str:
    rows = []
    for (size, answer_format), seconds in figures.items():
        goal = str(GOALS.get((size, answer_format), ""))
        rows += [
            (*_row(f"{size:,}, {answer_format}: all", seconds["all"], size), goal),
            _row("  of it reading the list", seconds["list"], size),
            _row("  and checking, comparing, summing up", seconds["all"] - seconds["list"], size),
        ]
    title = f"Converged fleets without Ansible and without a socket; {machine()}"
    return table(title, ("", "seconds", "us each", "goal"), rows)


def _row(name: str, seconds: float, size: int) -> tuple[str, ...]:
    return name, f"{seconds:.3f}", f"{seconds / size * 1e6:.0f}"
