# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run takes: seconds, peak memory, calls."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import yaml

from tests.functional.running import MODULES, Ansible, Sandbox
from tests.sandbox import fleet

HERE = Path(__file__).resolve().parent
FLEET_ACCOUNT = {"api_user": "demo", "api_key": "demo-key-1234"}
FLEET_MODULE = MODULES + "reseller_customers"
# The customers that `write_fleet` wrote, for an option.
IN_VARIABLE = "{{ fleet }}"


@dataclass(frozen=True)
class Cost:
    """What one run costs. `memory`: the peak of the largest process, in MiB. `calls`: their number.

    `processor`: seconds of processors, which a busy machine changes less than `seconds`.
    """

    seconds: float
    memory: float = 0.0
    calls: int = 0
    processor: float = 0.0

    def beyond(self, other: Cost) -> Cost:
        """What this one took beyond another one."""
        return replace(
            self,
            seconds=self.seconds - other.seconds,
            memory=self.memory - other.memory,
            processor=self.processor - other.processor,
        )


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each number."""
    return Cost(
        statistics.median(cost.seconds for cost in costs),
        statistics.median(cost.memory for cost in costs),
        max(cost.calls for cost in costs),
        statistics.median(cost.processor for cost in costs),
    )


def cost_of(command: Sequence[str], ansible: Ansible) -> Cost:
    """Runs a command with the sandbox as the service."""
    calls = len(ansible.sandbox.log())
    settings = {**ansible.environment(), "ANSIBLE_ACTION_PLUGINS": str(HERE / "action_plugins")}
    # The callback of the tests would write each result and all calls of the sandbox.
    del settings["ANSIBLE_CALLBACKS_ENABLED"]
    started = time.monotonic()
    with open(ansible.folder / "output", "w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, env=settings, cwd=ansible.folder, stdout=output, stderr=output)
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        assert process.returncode == 0, output.read()
    processor = usage.ru_utime + usage.ru_stime
    return Cost(seconds, usage.ru_maxrss / 1024, len(ansible.sandbox.log()) - calls, processor)


def cost_of_plain(ansible: Ansible, *arguments: str) -> Cost:
    """The plain script of the API; the address of the service goes after the first argument."""
    what, *more = arguments
    script, url = ("plain_v3.py", ansible.sandbox.v3_url) if ansible.is_v3 else ("plain.py", ansible.sandbox.api_url)
    return cost_of([sys.executable, str(HERE / script), what, url, *more], ansible)


def cost_of_task(ansible: Ansible, module: str, **options: Any) -> Cost:
    """A playbook with one task."""
    return cost_of_play(ansible, tasks=[{"name": "Fleet", module: options}])


def cost_of_role(ansible: Ansible, role: str, **variables: Any) -> Cost:
    """A playbook with one role."""
    return cost_of_play(ansible, roles=[{"role": role, "vars": variables}])


def cost_of_play(ansible: Ansible, **play: Any) -> Cost:
    """A playbook with one play on this machine, as a whole process."""
    playbook = ansible.folder / "bench.yml"
    playbook.write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, **play}]),
        encoding="utf-8",
    )
    program = Path(sys.executable).parent / "ansible-playbook"
    return cost_of([str(program), "-i", str(ansible.folder / "hosts"), str(playbook)], ansible)


def customers_by_wire(size: int) -> Iterator[dict[str, str]]:
    """The customers of the sandbox with `--customers size`, by wire name."""
    return map(fleet.customer, range(1, size + 1))


def customers_by_option(size: int) -> Iterator[dict[str, str]]:
    """The same by option name."""
    return map(by_option, customers_by_wire(size))


def write_list(file: TextIO, customers: Iterable[dict[str, str]]) -> None:
    """Customers as a list in JSON, one by one: what this process takes at its peak counts as the peak of any process
    that it starts, so it must never hold a fleet.
    """
    for number, customer in enumerate(customers):
        file.write(",\n" if number else "[")
        file.write(json.dumps(customer))
    file.write("]")


def write_hosts(folder: Path) -> None:
    """An inventory with this machine alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "hosts").write_text("localhost ansible_connection=local\n", encoding="utf-8")


def write_fleet(folder: Path, size: int) -> None:
    """An inventory with the customers by option name, as the variable of IN_VARIABLE.

    Ansible reads variables of groups once, and files of a play anew for each task.
    """
    write_hosts(folder)
    variables = folder / "group_vars" / "all" / "fleet.json"
    variables.parent.mkdir(parents=True, exist_ok=True)
    with open(variables, "w", encoding="utf-8") as file:
        file.write('{"fleet": ')
        write_list(file, customers_by_option(size))
        file.write("}")


def by_option(customer: dict[str, str]) -> dict[str, str]:
    return {"region" if name == "state" else name: value for name, value in customer.items()}


@contextmanager
def sandbox(*options: str) -> Iterator[Sandbox]:
    running = Sandbox("--behaviour", "observed", *options)
    try:
        yield running
    finally:
        running.stop()


def in_turn(ways: dict[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Medians. The ways take turns, so that a machine whose speed drifts treats them alike."""
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds):
        for name, way in ways.items():
            progress(number, rounds, name)
            costs.setdefault(name, []).append(way())
    return {name: median(found) for name, found in costs.items()}


def progress(number: int, rounds: int, name: str) -> None:
    """Says what is measured next, since all of it takes many minutes. `number`: of the round, from 0."""
    print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)


def machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain text; the first column is wide, the others hold figures."""
    lines = [
        "",
        title,
        *(f"{row[0]:44}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in [heads, *rows]),
    ]
    return "\n".join(lines)
