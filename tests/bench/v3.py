# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API v3 costs: fleets in a file, converged and new, compared with a plain pool of threads that makes the same
calls, and an item of a loop, compared with `ansible.builtin.uri`.

Each call has 20 ms of latency. Beyond Ansible's start, reading and validating the file, a task should take
little longer than the pool.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.functional.running import MODULES, SUBUSERS, Ansible
from tests.sandbox.seed import DEMO_V3_KEY

from .measuring import (
    FLEET_MODULE,
    Cost,
    cost_of_plain,
    cost_of_play,
    cost_of_task,
    customers_by_option,
    in_turn,
    machine,
    sandbox,
    table,
    write_hosts,
    write_list,
)

LATENCY = 0.02
FAULT = f"*:delay,seconds={LATENCY},times=forever"
CONCURRENCY = 16
ACCOUNT = {"api_user": "", "api_key": DEMO_V3_KEY, "api": SUBUSERS}
LISTED = ("username", "email", "password")
PROFILE = ("first_name", "last_name", "address", "city", "region", "zip", "country", "phone", "website", "company")
# Customers in a page of the list.
PAGE = 500
# Multiples: of the time of the plain pool, and of the time of a direct item.
MOST_OF_PLAIN, LEAST_OF_DIRECT = 1.1, 40
LOOPED = "customer-00001@fleet.example"


@dataclass(frozen=True)
class Fleet:
    """A fleet to measure. `columns`: of its file. `stored`: how many of its customers exist at first, all or none."""

    name: str
    size: int
    stored: int
    columns: tuple[str, ...] = (*LISTED, *PROFILE)

    @property
    def pages(self) -> int:
        """Calls for the list, one after the other. The last page is empty."""
        return math.ceil(self.stored / PAGE) + 1


@dataclass(frozen=True)
class Measured:
    """What a fleet costs.

    `nothing`: Ansible alone. `read`: with reading and validating. `task`: all of it. `plain`: the plain pool.
    """

    fleet: Fleet
    nothing: Cost
    read: Cost
    task: Cost
    plain: Cost

    @property
    def beyond(self) -> Cost:
        """What the task takes beyond Ansible's start, reading and validating."""
        return self.task.beyond(self.read)

    @property
    def latency(self) -> float:
        """Seconds that the latency alone takes."""
        pages = self.fleet.pages
        return LATENCY * (pages + (self.task.calls - pages) / CONCURRENCY)


def fleets(sizes: Iterable[int], new: int) -> Iterator[Fleet]:
    """Those that are as they should be, without profiles and with them, and new ones with profiles."""
    for size in sizes:
        yield Fleet(f"{size:,} without profiles", size, size, LISTED)
        yield Fleet(f"{size:,} with profiles", size, size)
    yield Fleet(f"{new:,} new ones", new, 0)


def measure(folder: Path, tree: Path, fleet: Fleet, rounds: int) -> Measured:
    """Each way begins with the customers that are stored at first."""
    write_hosts(folder)
    path = str(folder / "fleet.json")
    with open(path, "w", encoding="utf-8") as file:
        write_list(file, _customers(fleet))
    with sandbox("--customers", str(fleet.stored), "--fault", FAULT) as running:
        ansible = Ansible(running, folder, tree, **ACCOUNT)

        def anew(way: Callable[[], Cost]) -> Cost:
            running.reset()
            return way()

        ways = {
            "nothing": partial(cost_of_task, ansible, "nothing"),
            "read": partial(cost_of_task, ansible, "read_fleet", customers_file=path),
            "task": partial(cost_of_task, ansible, FLEET_MODULE, customers_file=path, concurrency=CONCURRENCY),
            "plain": partial(cost_of_plain, ansible, "compare" if fleet.stored else "create", str(CONCURRENCY), path),
        }
        costs = in_turn({f"{fleet.name}, {name}": partial(anew, way) for name, way in ways.items()}, rounds)
    measured = Measured(fleet, *costs.values())
    # Both must make the same calls.
    assert measured.task.calls == measured.plain.calls > 0, measured
    return measured


def _customers(fleet: Fleet) -> Iterator[dict[str, str]]:
    """Customers of the sandbox, with passwords as long as API v3 demands."""
    for customer in customers_by_option(fleet.size):
        given = {**customer, "password": f"{customer['password']}-of-api-v3"}
        yield {name: given[name] for name in fleet.columns}


def looped(folder: Path, tree: Path, items: int, rounds: int) -> dict[str, Cost]:
    """What a further item of a loop over a converged customer costs: a call that is narrowed to its name. No latency,
    which would make both ways look alike.
    """
    write_hosts(folder)
    with sandbox("--customers", "1") as running:
        ansible = Ansible(running, folder, tree, **ACCOUNT)
        costs = in_turn(
            {f"v3 loop, {name}": partial(_item, ansible, task, items) for name, task in _loop_tasks(ansible).items()},
            rounds,
        )
    direct, uri = costs.values()
    assert direct.calls == uri.calls == items - 1, costs
    return {"direct": direct, "uri": uri}


def _loop_tasks(ansible: Ansible) -> dict[str, dict[str, Any]]:
    url = f"{ansible.sandbox.v3_url}/subusers?limit=500&offset=0&include_region=true&username={LOOPED}"
    call = {"url": url, "headers": {"Authorization": f"Bearer {ansible.api_key}"}, "return_content": True}
    return {
        "direct": {MODULES + "reseller_customer": {"username": LOOPED, "active": True}},
        "uri": {"ansible.builtin.uri": call},
    }


def _item(ansible: Ansible, task: dict[str, Any], items: int) -> Cost:
    """Of `items`, what each but the first one takes; `calls` are those of all of these."""
    costs = []
    for count in (items, 1):
        # ansible-core 2.19 accepts only a list as a sequence.
        looped_task = {**task, "loop": f"{{{{ range({count}) | list }}}}", "loop_control": {"label": ""}}
        costs.append(cost_of_play(ansible, tasks=[{"name": "Loop", **looped_task}]))
    more, further = costs[0].beyond(costs[1]), items - 1
    return Cost(more.seconds / further, calls=costs[0].calls - costs[1].calls, processor=more.processor / further)


def table_of_fleets(costs: Iterable[Measured]) -> str:
    title = f"API v3, {LATENCY * 1000:.0f} ms of latency, {CONCURRENCY} calls at once; {machine()}"
    rows = [row for measured in costs for row in _rows(measured)]
    return table(title, ("", "seconds", "CPU", "ms each", "MiB", "calls", "goal"), rows)


def _rows(measured: Measured) -> list[tuple[str, ...]]:
    fleet, beyond, plain = measured.fleet, measured.beyond, measured.plain
    ratios = (f"x {beyond.seconds / plain.seconds:.2f}", f"x {beyond.processor / plain.processor:.2f}")
    return [
        _row(f"{fleet.name}: the task, all in", measured.task, fleet.size),
        _row("  of it Ansible's start", measured.nothing, fleet.size),
        _row("  and reading and validating the file", measured.read.beyond(measured.nothing), fleet.size),
        _row("  and the rest: calls and comparison", beyond, fleet.size),
        _row("  a plain pool of threads", plain, fleet.size),
        ("  the latency alone", f"{measured.latency:.2f}"),
        ("  the rest to the plain pool", *ratios, "", "", "", f"x {MOST_OF_PLAIN}"),
    ]


def _row(name: str, cost: Cost, size: int) -> tuple[str, ...]:
    return (
        name,
        f"{cost.seconds:.2f}",
        f"{cost.processor:.2f}",
        f"{cost.seconds / size * 1000:.2f}",
        f"{cost.memory:.0f}",
        str(cost.calls),
    )


def table_of_loop(costs: dict[str, Cost]) -> str:
    direct, uri = costs["direct"], costs["uri"]
    rows = [
        *(
            (f"item, {name}", f"{cost.seconds * 1000:.1f}", f"{cost.processor * 1000:.1f}")
            for name, cost in costs.items()
        ),
        (
            "uri to direct",
            f"x {uri.seconds / direct.seconds:.0f}",
            f"x {uri.processor / direct.processor:.0f}",
            f"x {LEAST_OF_DIRECT}",
        ),
    ]
    return table(f"API v3, a loop over a converged customer; {machine()}", ("", "ms", "CPU, ms", "goal"), rows)
