# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the sandbox says of connections and of calls at the same time, over a real socket."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from .running import Sandbox

DEMO = {"api_user": "demo", "api_key": "demo-key-1234"}
LIST = {"method": "profile", "task": "get"}


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Starts sandboxes. None may have complained at the end."""
    started: list[Sandbox] = []

    def run(*options: str) -> Sandbox:
        started.append(Sandbox(*options))
        return started[-1]

    yield run
    for item in started:
        assert item.stop() == (0, "", "")


def session() -> requests.Session:
    """A client with a kept connection of its own."""
    made = requests.Session()
    made.trust_env = False
    return made


def manage(sandbox: Sandbox, client: requests.Session | None = None, **parameters: Any) -> requests.Response:
    """A call of `reseller.manage`, a list without `parameters`."""
    data = {**DEMO, **(parameters or LIST)}
    return (client or sandbox.http).post(f"{sandbox.api_url}/reseller.manage.json", data=data, timeout=30)


def bare(sandbox: Sandbox, source: int = 0, **parameters: Any) -> socket.socket:
    """A socket, from the port `source` where one is given, on which a whole call was sent and nothing read."""
    body = urlencode({**DEMO, **(parameters or LIST)})
    opened = socket.socket()
    opened.settimeout(20)
    # Without a goodbye at the close, so that the port is free again at once.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.bind(("127.0.0.1", source))
    opened.connect(("127.0.0.1", int(sandbox.root.rpartition(":")[2])))
    head = "POST /apiv2/reseller.manage.json HTTP/1.1\r\nHost: sandbox\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    opened.sendall((head + body).encode())
    return opened


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def logged(sandbox: Sandbox, key: str) -> list[Any]:
    return [entry[key] for entry in sandbox.log()]


# Connections


def test_calls_over_one_kept_connection_have_one_number(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    with session() as first, session() as second:
        for client in (first, first, second, first, second):
            manage(sandbox, client)
        assert logged(sandbox, "connection") == [1, 1, 2, 1, 2]
        sandbox.control("DELETE", "log")
        manage(sandbox, second)
        assert logged(sandbox, "connection") == [2]
        sandbox.reset()
        manage(sandbox, second)
        manage(sandbox, first)
        assert logged(sandbox, "connection") == [1, 2]


def test_a_port_that_comes_again_is_another_connection(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    ports = []
    source = 0
    for _turn in range(3):
        with bare(sandbox, source) as opened:
            assert opened.recv(1000).startswith(b"HTTP/1.1 200")
            source = opened.getsockname()[1]
            ports.append(source)
    assert len(set(ports)) == 1
    assert logged(sandbox, "connection") == [1, 2, 3]


# Calls at the same time


def test_calls_under_way_are_counted_until_their_end(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    sandbox.set_fault("list", "stall", times=3)
    with ExitStack() as opened:
        for calls in range(1, 4):
            opened.enter_context(bare(sandbox))
            until(lambda: len(sandbox.log()) == calls)  # noqa: B023 - it is over before the next turn
        for _turn in range(2):
            manage(sandbox)
        assert logged(sandbox, "in_flight") == [1, 2, 3, 4, 4]
    # The service learns by and by that the three clients are gone.
    until(lambda: manage(sandbox).ok and logged(sandbox, "in_flight")[-1] == 1)


def test_eight_clients_are_never_nine_calls(start: Callable[..., Sandbox]) -> None:
    sandbox = start("--fault", "*:delay,seconds=0.1,times=forever")
    ready = threading.Barrier(8)

    def work(_number: int) -> None:
        with session() as client:
            ready.wait(timeout=20)
            for _call in range(10):
                manage(sandbox, client)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert max(logged(sandbox, "in_flight")) == 8
    assert set(logged(sandbox, "connection")) == set(range(1, 9))
    assert len(sandbox.log()) == 80
