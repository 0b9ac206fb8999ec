# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fleets cost: converged fleets, 1,000 new customers, and how both grow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.functional.running import Ansible
from tests.sandbox import fleet

from .loops import creation_tasks, seconds_of_loop
from .measuring import (
    FLEET_ACCOUNT,
    FLEET_MODULE,
    IN_VARIABLE,
    Cost,
    by_option,
    cost_of_plain,
    cost_of_task,
    customers_by_wire,
    in_turn,
    machine,
    sandbox,
    table,
    write_fleet,
    write_list,
)

LATENCY = "*:delay,seconds=0.05,times=forever"
CONCURRENCY = 16


def converged(folder: Path, tree: Path, size: int, rounds: int) -> dict[str, Cost]:
    """A converged fleet in both formats, and what Ansible and a plain script take."""
    write_fleet(folder, size)
    with sandbox("--customers", str(size)) as running:
        ansible = Ansible(running, folder, tree, **FLEET_ACCOUNT)
        task = partial(cost_of_task, ansible, customers=IN_VARIABLE)
        ways: dict[str, Callable[[], Cost]] = {
            "nothing": partial(task, "nothing"),
            "validated": partial(task, "validated"),
        }
        for answer_format in ("json", "xml"):
            ways[f"fleet {answer_format}"] = partial(task, FLEET_MODULE, api_format=answer_format)
            ways[f"plain {answer_format}"] = partial(cost_of_plain, ansible, "list", answer_format)
        return in_turn(ways, rounds)


def created(folder: Path, tree: Path, size: int, rounds: int) -> dict[str, Cost]:
    """New customers, each call with 50 ms of latency."""
    write_fleet(folder, size)
    with open(folder / "wire.json", "w", encoding="utf-8") as file:
        write_list(file, customers_by_wire(size))
    with sandbox("--customers", "0", "--fault", LATENCY) as running:
        ansible = Ansible(running, folder, tree, **FLEET_ACCOUNT)
        task = partial(cost_of_task, ansible, customers=IN_VARIABLE)

        def anew(way: Callable[[], Cost]) -> Cost:
            running.reset()
            return way()

        ways = {
            "validated": partial(task, "validated"),
            "fleet": partial(task, FLEET_MODULE, concurrency=CONCURRENCY),
            "plain": partial(cost_of_plain, ansible, "create", str(CONCURRENCY), str(folder / "wire.json")),
        }
        return in_turn({name: partial(anew, way) for name, way in ways.items()}, rounds)


def looped(folder: Path, tree: Path, items: int, rounds: int) -> dict[str, Cost]:
    """New customers in loops: what one more item costs, since a thousand items take many minutes."""
    write_fleet(folder, items)
    with sandbox("--customers", "0", "--fault", LATENCY) as running:
        ansible = Ansible(running, folder, tree, **FLEET_ACCOUNT)

        def one_way(task: dict[str, Any]) -> Cost:
            seconds = []
            for number in (items, 1):
                running.reset()
                seconds.append(seconds_of_loop(ansible, task, f"fleet[:{number}]"))
            return Cost((seconds[0] - seconds[1]) / (items - 1))

        tasks = creation_tasks(ansible, by_option(fleet.customer(1)))
        return in_turn({name: partial(one_way, task) for name, task in tasks.items()}, rounds)


def table_of_converged(costs: dict[int, dict[str, Cost]]) -> str:
    rows = []
    for size, of_size in costs.items():
        for answer_format in ("json", "xml"):
            ours, plain = of_size[f"fleet {answer_format}"], of_size[f"plain {answer_format}"]
            rows += [
                _row(f"{size:,}, {answer_format}: the task, all in", ours, size),
                _row("  of it Ansible's start and templating", of_size["nothing"], size),
                _row("  and its validation and result", of_size["validated"].beyond(of_size["nothing"]), size),
                _row("  and the rest: list and comparison", ours.beyond(of_size["validated"]), size),
                _row("  a plain script for the same list", plain, size),
                _ratio("  the rest to the plain script", ours.beyond(of_size["validated"]), plain),
                _ratio("  all beyond templating to the plain script", ours.beyond(of_size["nothing"]), plain),
            ]
    return table(f"Converged fleets; {machine()}", ("", "seconds", "ms each", "MiB", "calls"), rows)


def table_of_created(costs: dict[str, Cost], loops: dict[str, Cost], size: int) -> str:
    beyond = costs["fleet"].beyond(costs["validated"])
    rows = [
        _row("the task, all in", costs["fleet"], size),
        _row("  of it Ansible alone", costs["validated"], size),
        _row("  and the rest", beyond, size),
        _row("a plain pool of threads", costs["plain"], size),
        _ratio("the rest to the plain pool", beyond, costs["plain"]),
    ]
    for name, item in loops.items():
        whole = Cost(item.seconds * size)
        rows += [
            _row(f"a loop, {name} (reckoned from some items)", whole, size),
            _ratio("  to the task", whole, costs["fleet"]),
        ]
    title = f"{size:,} new customers, 50 ms of latency, {CONCURRENCY} calls at once; {machine()}"
    return table(title, ("", "seconds", "ms each", "MiB", "calls"), rows)


def _row(name: str, cost: Cost, size: int) -> tuple[str, ...]:
    return name, f"{cost.seconds:.2f}", f"{cost.seconds / size * 1000:.2f}", f"{cost.memory:.0f}", str(cost.calls)


def _ratio(name: str, cost: Cost, other: Cost) -> tuple[str, ...]:
    return name, f"x {cost.seconds / other.seconds:.2f}"
