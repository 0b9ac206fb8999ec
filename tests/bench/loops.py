# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an item of a loop costs, and an ad-hoc command.

A loop is timed as a whole process, with N items and with one; the difference is what the further items cost. An
ad-hoc command that shows the customers is set against one that does nothing, in pairs: what it takes beyond that is
to load the collection, and one call.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.functional.conftest import ACCOUNT, SEED
from tests.functional.running import MODULES, Ansible, Sandbox

from .measuring import machine, progress, sandbox, table

# Ad-hoc commands for each round. They are short, so a ratio of two starts varies by a tenth.
PAIRS = 4
AD_HOC = {"info": MODULES + "reseller_customer_info", "debug": "ansible.builtin.debug"}
CUSTOMER = {"username": "ada@example.com", "city": "Portland", "active": True}
CALL = {"method": "profile", "task": "get", "username": "ada@example.com", **ACCOUNT}


def tasks_of(ansible: Ansible) -> dict[str, dict[str, Any]]:
    """By name: the task in the loop. `uri` makes only the call that a converged customer takes."""
    ours = {MODULES + "reseller_customer": CUSTOMER}
    return {
        "debug": {"ansible.builtin.debug": {"msg": "{{ item }}"}},
        "direct": ours,
        "shipped": {**ours, "vars": {"sendgrid_direct_execution": False}},
        "uri": {
            "ansible.builtin.uri": {
                "url": f"{ansible.sandbox.api_url}/reseller.manage.json",
                "method": "POST",
                "body_format": "form-urlencoded",
                "body": CALL,
                "return_content": True,
            }
        },
    }


def seconds_of_loop(ansible: Ansible, task: dict[str, Any], items: str) -> float:
    """`items`: an expression for the items of the loop."""
    looped = {"name": "Loop", **task, "loop": f"{{{{ {items} }}}}", "loop_control": {"label": ""}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [looped]}
    playbook = ansible.folder / "bench.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    hosts = ansible.folder / "hosts"
    inventory = ["-i", str(hosts)] if hosts.exists() else []
    return seconds(lambda: ansible.command("ansible-playbook", *inventory, str(playbook)))


def seconds_of_command(ansible: Ansible, direct: bool) -> float:
    options = json.dumps(CUSTOMER)
    switch = f"sendgrid_direct_execution={direct}"
    command = ("ansible", "localhost", "-m", MODULES + "reseller_customer", "-a", options, "-e", switch)
    return seconds(lambda: ansible.command(*command))


def cost_of_start(ansible: Ansible, module: str) -> tuple[float, float]:
    """Seconds that an ad-hoc command without options takes: of the clock and of the processor."""
    before = os.times()
    wall = seconds(lambda: ansible.command("ansible", "localhost", "-m", module))
    after = os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def starts(ansible: Ansible, rounds: int) -> dict[str, tuple[float, float, float]]:
    """For the clock and the processor: median seconds of `info` and of `debug`, and the median ratio of a pair."""
    pairs: list[dict[str, tuple[float, float]]] = []
    for number in range(rounds):
        progress(number, rounds, "ad hoc, info and debug")
        pairs += ({name: cost_of_start(ansible, module) for name, module in AD_HOC.items()} for _pair in range(PAIRS))
    return {
        clock: (
            *(statistics.median(pair[name][place] for pair in pairs) for name in AD_HOC),
            statistics.median(pair["info"][place] / pair["debug"][place] for pair in pairs),
        )
        for place, clock in enumerate(("wall", "processor"))
    }


def table_of_starts(figures: dict[str, tuple[float, float, float]]) -> str:
    rows = [
        (clock, f"{info * 1000:.0f}", f"{debug * 1000:.0f}", f"{ratio:.2f}")
        for clock, (info, debug, ratio) in figures.items()
    ]
    title = f"An ad-hoc reseller_customer_info beside an ad-hoc debug; {machine()}"
    return table(title, ("", "ms", "debug, ms", "of debug"), rows)


def seconds(run: Callable[[], Any]) -> float:
    started = time.monotonic()
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - started


def seconds_of_service(sandbox: Sandbox, calls: int) -> float:
    """What a call costs a plain client with one open connection."""
    started = time.monotonic()
    with requests.Session() as session:
        session.trust_env = False
        for _call in range(calls):
            session.post(f"{sandbox.api_url}/reseller.manage.json", data=CALL, timeout=30).json()
    return (time.monotonic() - started) / calls


def measure(ansible: Ansible, items: int, rounds: int) -> dict[str, float]:
    """Median seconds: for each way an item of a loop, `service` a call, and an ad-hoc command both ways."""
    tasks = tasks_of(ansible)
    figures: dict[str, list[float]] = {}
    for number in range(rounds):
        for name, task in tasks.items():
            progress(number, rounds, f"loop, {name}")
            # ansible-core 2.19 accepts only a list as a sequence.
            whole, one = (seconds_of_loop(ansible, task, f"range({count}) | list") for count in (items, 1))
            figures.setdefault(name, []).append((whole - one) / (items - 1))
        figures.setdefault("service", []).append(seconds_of_service(ansible.sandbox, items))
        for direct in (True, False):
            name = "ad hoc, direct" if direct else "ad hoc, shipped"
            progress(number, rounds, name)
            figures.setdefault(name, []).append(seconds_of_command(ansible, direct))
    return {name: statistics.median(values) for name, values in figures.items()}


def creation_tasks(ansible: Ansible, customer: dict[str, str]) -> dict[str, dict[str, Any]]:
    """By name: a task that creates the customer `item`. `customer`: one by option name, for the names."""
    ours = {MODULES + "reseller_customer": {name: f"{{{{ item.{name} }}}}" for name in customer}}
    wire = {"state" if name == "region" else name: f"{{{{ item.{name} }}}}" for name in customer}
    account = {"api_user": ansible.api_user, "api_key": ansible.api_key}
    call = {
        "url": f"{ansible.sandbox.api_url}/reseller.add.json",
        "method": "POST",
        "body_format": "form-urlencoded",
        "body": {**wire, "confirm_password": "{{ item.password }}", **account},
    }
    return {
        "direct": ours,
        "shipped": {**ours, "vars": {"sendgrid_direct_execution": False}},
        "uri": {"ansible.builtin.uri": call},
    }


def tables(folder: Path, tree: Path, items: int, rounds: int) -> str:
    seed = folder / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    with sandbox("--seed", str(seed)) as running:
        ansible = Ansible(running, folder, tree, **ACCOUNT)
        figures, started = measure(ansible, items, rounds), starts(ansible, rounds)
    direct, beyond = figures["direct"], figures["direct"] - figures["debug"] - figures["service"]
    rows = [
        *((f"item, {name}", figures[name], figures[name] / direct) for name in ("debug", "direct", "shipped", "uri")),
        ("a call, plain client", figures["service"], figures["service"] / direct),
        ("direct beyond debug and the call", beyond, beyond / direct),
        *((name, figures[name], figures[name] / direct) for name in ("ad hoc, direct", "ad hoc, shipped")),
    ]
    title = f"Loop of {items} over a converged customer; {machine()}"
    cells = [(name, f"{cost * 1000:.1f}", f"{ratio:.2f}") for name, cost, ratio in rows]
    return table(title, ("", "ms", "of direct"), cells) + "\n" + table_of_starts(started)
