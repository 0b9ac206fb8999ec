# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several threads of one client against rate limits of single endpoints, over real sockets: the log of the service says
how often it had to refuse.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.mailfleet.sendgrid.plugins.module_utils import _module, _tasks
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Customer, Operation
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v3.api import V3Api

from .conftest import only_observed
from .running import SUBUSERS, Sandbox
from .sandbox_v3 import V3_KEY
from .test_customer import NEW
from .test_faults import all_options

THREADS = 8
# Seconds that nothing here takes, unless it fails.
PATIENCE = 30
CREATE, PROFILE = "POST /v3/subusers", "PATCH /v3/user/profile"
BOTH = pytest.mark.parametrize("silent", [False, True], ids=["told", "silent"])

pytestmark = only_observed


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with Client(Connection(sandbox.v3_url, None, V3_KEY, max_retry_wait=7200)) as made:
        yield made


def limit(sandbox: Sandbox, endpoint: str, calls: int, seconds: float, silent: bool) -> None:
    sandbox.set("endpoint-limits", {"endpoint": endpoint, "calls": calls, "seconds": seconds, "silent": silent})


def in_threads(work: Callable[[int], Any], number: int) -> list[Any]:
    """The result of each piece of work. Raises the error of any piece."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(number)))


def refused(sandbox: Sandbox) -> Counter[str]:
    """How often the service refused which operation."""
    return Counter(call["operation"] for call in sandbox.log() if call.get("limited"))


@BOTH
def test_all_writes_get_through_and_few_are_refused(sandbox: Sandbox, client: Client, silent: bool) -> None:
    """Eight at once, and then as many in a second as the service allows, or a little less."""
    limit(sandbox, PROFILE, 16, 1, silent)
    api = V3Api(client)
    [ada] = [one for one in api.lookup(["ada@example.com"]) if one.username == "ada@example.com"]
    written = [f"{number} Harbour Street" for number in range(40)]
    in_threads(
        lambda number: api.write(Operation("set_profile", ada.username, {"address": written[number]}), ada.key), 40
    )
    done = [call for call in sandbox.log() if call["operation"] == "set_profile" and call["wrote"]]
    assert len(done) == 40
    assert sandbox.customers()["ada@example.com"]["address"] in written
    assert set(refused(sandbox)) <= {"set_profile"}
    # What was under way when the limit was met, and with a silent one the tries after it.
    assert refused(sandbox)["set_profile"] <= THREADS + (6 + 40 / 4 if silent else 1)


def create(sandbox: Sandbox, client: Client, username: str, sleep: Callable[[float], Any] = time.sleep) -> Any:
    """The result of a task that creates a customer over the connections of the client."""
    options = {**{name: NEW[name] for name in ("email", "password")}, "username": username}

    def connect(_connection: Connection, secrets: Any, names: Any) -> Client:
        return client.for_customers(secrets, names, sleep)

    return _module.run_task(_tasks.manage_customer, all_options(sandbox, options, SUBUSERS), False, connect)


@BOTH
def test_all_creations_get_through(sandbox: Sandbox, client: Client, silent: bool) -> None:
    """A refused one is looked for before it is tried again, so each is done once."""
    limit(sandbox, CREATE, 1, 1, silent)
    names = [f"new{number}@example.com" for number in range(3)]
    results = in_threads(lambda number: create(sandbox, client, names[number]), len(names))
    assert [result.get("msg") for result in results] == [None] * len(names)
    assert set(names) <= set(sandbox.customers())
    assert set(refused(sandbox)) <= {"create"}
    # Those that started together with the first one, and with a silent limit the tries after them.
    assert refused(sandbox)["create"] <= len(names) - 1 + (6 if silent else 1)


@BOTH
def test_a_creation_that_waits_holds_back_nothing_else(sandbox: Sandbox, client: Client, silent: bool) -> None:
    limit(sandbox, CREATE, 1, 3600, silent)
    waits, over = threading.Event(), threading.Event()

    def sleep(_seconds: float) -> bool:
        """Until the others are done; then no further call is wanted."""
        waits.set()
        over.wait(PATIENCE)
        return True

    assert create(sandbox, client, "first@example.com", pytest.fail)["changed"] is True
    with ThreadPoolExecutor(1) as pool:
        creation = pool.submit(create, sandbox, client, "second@example.com", sleep)
        try:
            assert waits.wait(PATIENCE)
            api = V3Api(client.for_customers([], [], pytest.fail))
            customers = api.customers({}).customers
            in_threads(lambda number: use(api, customers[number % len(customers)]), 40)
            assert not creation.done()
        finally:
            over.set()
    assert creation.result()["changed"] is False
    assert set(refused(sandbox)) <= {"create"}
    assert "second@example.com" not in sandbox.customers()


def use(api: V3Api, customer: Customer) -> None:
    """Writes and reads. None of them must wait."""
    api.write(Operation("set_profile", customer.username, {"city": "Bangor"}), customer.key)
    api.write(Operation("enable", customer.username), customer.key)
    assert api.details(customer.username, customer.key, {"city": None}).attributes["city"] == "Bangor"
