# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What API v3 costs: fleets in a file, converged and new, beside a plain pool of threads that makes the same calls, and
an item of a loop beside `ansible.builtin.uri`.

The fleets have 20 ms of latency a call. Beyond Ansible's start, reading and validating the file, a task should take
little longer than the pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.functional.running import MODULES, SUBUSERS, Ansible, Sandbox
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
# What a row of a converged fleet holds, by the end of the name of a measurement.
CONVERGED = {"without profiles": LISTED, "with profiles": (*LISTED, *PROFILE)}
# How often the time of the plain pool, and how often that of a direct item.
MOST_OF_PLAIN, LEAST_OF_DIRECT = 1.1, 40
LOOPED = "customer-00001@fleet.example"


@dataclass(frozen=True)
class Fleet:
    """What a fleet costs. `ways`: `nothing` (Ansible alone), `read` (with reading and validating), `task`, `plain`."""

    name: str
    size: int
    ways: dict[str, Cost]

    @property
    def beyond(self) -> Cost:
        """What the task takes beyond Ansible's start, reading and validating."""
        return self.ways["task"].beyond(self.ways["read"])


def converged(folder: Path, tree: Path, size: int, rounds: int) -> list[Fleet]:
    """Fleets that are as they should be, without profiles and with them."""
    with sandbox("--customers", str(size), "--fault", FAULT) as running:
        return [
            _measured(f"{size:,} {name}", running, folder, tree, _customers(size, names), rounds)
            for name, names in CONVERGED.items()
        ]


def created(folder: Path, tree: Path, size: int, rounds: int) -> Fleet:
    """New customers with profiles."""
    customers = _customers(size, (*LISTED, *PROFILE))
    with sandbox("--customers", "0", "--fault", FAULT) as running:
        return _measured(f"{size:,} new ones", running, folder, tree, customers, rounds, "create")


def _customers(size: int, names: Iterable[str]) -> Iterator[dict[str, str]]:
    """The customers of the sandbox, with passwords as long as API v3 demands."""
    for customer in customers_by_option(size):
        given = {**customer, "password": f"{customer['password']}-of-api-v3"}
        yield {name: given[name] for name in names}


def _measured(
    name: str,
    running: Sandbox,
    folder: Path,
    tree: Path,
    customers: Iterable[dict[str, str]],
    rounds: int,
    what: str = "compare",
) -> Fleet:
    """`what`: the plain script's word for it. Each way begins with the customers of the sandbox's start."""
    write_hosts(folder)
    path = str(folder / "fleet.json")
    with open(path, "w", encoding="utf-8") as file:
        size = write_list(file, customers)
    ansible = Ansible(running, folder, tree, **ACCOUNT)

    def anew(way: Callable[[], Cost]) -> Cost:
        running.reset()
        return way()

    ways = {
        "nothing": partial(cost_of_task, ansible, "nothing"),
        "read": partial(cost_of_task, ansible, "read_fleet", customers_file=path),
        "task": partial(cost_of_task, ansible, FLEET_MODULE, customers_file=path, concurrency=CONCURRENCY),
        "plain": partial(cost_of_plain, ansible, what, str(CONCURRENCY), path),
    }
    costs = in_turn({f"{name}, {way}": partial(anew, run) for way, run in ways.items()}, rounds)
    fleet = Fleet(name, size, dict(zip(ways, costs.values())))
    assert fleet.ways["task"].calls == fleet.ways["plain"].calls > 0, fleet
    return fleet


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
        # A list: ansible-core 2.19 keeps no other kind of sequence.
        looped_task = {**task, "loop": f"{{{{ range({count}) | list }}}}", "loop_control": {"label": ""}}
        costs.append(cost_of_play(ansible, tasks=[{"name": "Loop", **looped_task}]))
    more, further = costs[0].beyond(costs[1]), items - 1
    return Cost(more.seconds / further, calls=costs[0].calls - costs[1].calls, processor=more.processor / further)


def table_of_fleets(fleets: Iterable[Fleet]) -> str:
    title = f"API v3, {LATENCY * 1000:.0f} ms of latency, {CONCURRENCY} calls at once; {machine()}"
    rows = [row for fleet in fleets for row in _rows(fleet)]
    return table(title, ("", "seconds", "CPU", "ms each", "MiB", "calls", "goal"), rows)


def _rows(fleet: Fleet) -> list[tuple[str, ...]]:
    nothing, read, task, plain = (fleet.ways[way] for way in ("nothing", "read", "task", "plain"))
    # As long as the latency alone takes.
    least = Cost(task.calls * LATENCY / CONCURRENCY)
    ratio = fleet.beyond.seconds / plain.seconds
    return [
        _row(f"{fleet.name}: the task, all in", task, fleet.size),
        _row("  of it Ansible's start", nothing, fleet.size),
        _row("  and reading and validating the file", read.beyond(nothing), fleet.size),
        _row("  and the rest: calls and comparison", fleet.beyond, fleet.size),
        _row("  a plain pool of threads", plain, fleet.size),
        ("  the latency, if all calls share it", f"{least.seconds:.2f}"),
        ("  the rest to the plain pool", f"x {ratio:.2f}", "", "", "", "", f"x {MOST_OF_PLAIN}"),
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
