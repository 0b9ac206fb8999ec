# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a converged fleet in a file costs: the task and the role, as whole processes.

Beside them: a plain script that reads the same file, lists the same account and compares the same attributes, and the
same fleet in a variable.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.functional.running import MODULES, Ansible

from .measuring import (
    FLEET_ACCOUNT,
    FLEET_MODULE,
    IN_VARIABLE,
    Cost,
    cost_of_plain,
    cost_of_role,
    cost_of_task,
    customers_by_option,
    in_turn,
    machine,
    sandbox,
    table,
    write_fleet,
    write_hosts,
    write_list,
)

ROLE = MODULES + "fleet"
KINDS = ("json", "csv")
# A larger fleet in a variable takes minutes.
MOST_IN_VARIABLE = 10_000


@dataclass(frozen=True)
class Goal:
    """What a run may take: seconds, and a multiple of the time of the plain script."""

    seconds: float
    of_plain: float | None = None

    def __str__(self) -> str:
        ratio = "" if self.of_plain is None else f", x {self.of_plain:g}"
        return f"{self.seconds:.1f}{ratio}"


# By the number of customers and the first word of a way's name.
GOALS = {(10_000, "task"): Goal(2.5, of_plain=3), (10_000, "role"): Goal(4)}


def measure(folder: Path, tree: Path, size: int, rounds: int, api: str = "reseller") -> dict[str, Cost]:
    """By way: `task KIND`, `role KIND` and `plain KIND` for a file of each kind, `task` and `role` for a variable."""
    in_files, in_variable = folder / "in_files", folder / "in_variable"
    write_files(in_files, size)
    with sandbox("--customers", str(size)) as running:
        ansible = Ansible(running, in_files, tree, **FLEET_ACCOUNT, api=api)
        ways: dict[str, Callable[[], Cost]] = {"nothing": partial(cost_of_task, ansible, "nothing")}
        for kind in KINDS:
            path = str(in_files / f"fleet.{kind}")
            ways[f"plain {kind}"] = partial(cost_of_plain, ansible, "compare", "json", path)
            ways[f"task {kind}"] = partial(cost_of_task, ansible, FLEET_MODULE, customers_file=path)
            ways[f"role {kind}"] = partial(cost_of_role, ansible, ROLE, fleet_file=path)
        if size <= MOST_IN_VARIABLE:
            write_fleet(in_variable, size)
            ansible = Ansible(running, in_variable, tree, **FLEET_ACCOUNT, api=api)
            ways["task"] = partial(cost_of_task, ansible, FLEET_MODULE, customers=IN_VARIABLE)
            ways["role"] = partial(cost_of_role, ansible, ROLE, fleet_customers=IN_VARIABLE)
        costs = in_turn(ways, rounds)
    # If something is written, the fleet was not converged.
    assert {cost.calls for way, cost in costs.items() if way != "nothing"} == {1}, costs
    return costs


def write_files(folder: Path, size: int) -> None:
    """An inventory without the fleet, and `fleet.KIND` with its customers by option name."""
    write_hosts(folder)
    with open(folder / "fleet.json", "w", encoding="utf-8") as file:
        write_list(file, customers_by_option(size))
    with open(folder / "fleet.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, next(customers_by_option(1)))
        writer.writeheader()
        writer.writerows(customers_by_option(size))


def table_of_files(costs: dict[int, dict[str, Cost]]) -> str:
    heads = ("", "seconds", "of script", "CPU", "of script", "ms each", "MiB", "KiB each", "calls", "goal")
    rows = [row for size, of_size in costs.items() for row in _rows(size, of_size)]
    return table(f"Converged fleets in a file; {machine()}", heads, rows)


def _rows(size: int, costs: dict[str, Cost]) -> list[tuple[str, ...]]:
    nothing = costs["nothing"]
    rows = [_row(f"{size:,}: Ansible's start", nothing, size)]
    for kind in KINDS:
        plain = costs[f"plain {kind}"]
        rows.append(_row(f"  {kind}: a plain script", plain, size))
        for what in ("task", "role"):
            rows.append(_row(f"  {kind}: the {what}, all in", costs[f"{what} {kind}"], size, nothing, plain, what))
    rows += [
        _row(f"  a variable: the {what}, all in", costs[what], size, nothing, costs["plain json"])
        for what in ("task", "role")
        if what in costs
    ]
    return rows


def _row(
    name: str, cost: Cost, size: int, nothing: Cost | None = None, plain: Cost | None = None, goal: str = ""
) -> tuple[str, ...]:
    """`nothing`: what Ansible takes without a fleet, to compute what a customer takes. `goal`: a key of GOALS."""
    return (
        name,
        f"{cost.seconds:.2f}",
        f"x {cost.seconds / plain.seconds:.2f}" if plain else "",
        f"{cost.processor:.2f}",
        f"x {cost.processor / plain.processor:.2f}" if plain else "",
        f"{cost.seconds / size * 1000:.2f}",
        f"{cost.memory:.0f}",
        f"{cost.beyond(nothing).memory / size * 1024:.1f}" if nothing else "",
        str(cost.calls),
        str(GOALS.get((size, goal), "")),
    )
