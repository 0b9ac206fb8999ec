# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the task of a whole fleet several times, with a prepared answer. Prints median seconds as JSON.

    PYTHONPATH=TREE python in_process.py FORMAT ANSWER FLEET ROUNDS

`ANSWER` is a file with the bytes of the list, `FLEET` one with the customers by option name, as JSON.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._apis import open_api
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._fleet import manage_fleet
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.transport import Client, Connection
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._module import fleet_spec

ACCOUNT = {"api_url": "https://api.example.com", "api_user": "demo", "api_key": "demo-key-1234"}


class Prepared:
    """Takes the place of an HTTP session: answers every request with the same bytes. It is the answer, too."""

    status_code = 200
    headers: dict[str, str] = {}

    def __init__(self, body: bytes) -> None:
        self._body = body

    def request(self, *_arguments: Any, **_options: Any) -> Prepared:
        return self

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *_error: Any) -> None:
        """Nothing is open."""

    @property
    def raw(self) -> Prepared:
        return self

    def stream(self, size: int, **_options: Any) -> Iterator[bytes]:
        for start in range(0, len(self._body), size):
            yield self._body[start : start + size]


def options_of(customers: list[dict[str, Any]]) -> dict[str, Any]:
    """The options of the task after Ansible has validated them. Ansible does not change the rows."""
    return {**{name: option.get("default") for name, option in fleet_spec().items()}, "customers": customers, **ACCOUNT}


def median_seconds(run: Callable[[], Any], rounds: int) -> float:
    times = []
    for _round in range(rounds):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main(answer_format: str, answer: str, fleet: str, rounds: str, api: str = "reseller") -> None:
    customers = json.loads(Path(fleet).read_text(encoding="utf-8"))
    options = {**options_of(customers), "api": api, "api_format": answer_format}
    http = Prepared(Path(answer).read_bytes())

    def connect(connection: Connection, secrets: Any = (), names: Any = ()) -> Client:
        return Client(connection, secrets, names, http=http)

    def converge() -> None:
        result = manage_fleet(options, False, connect)
        assert result["summary"]["unchanged"] == len(customers), result["summary"]

    def list_customers() -> None:
        with connect(Connection(**ACCOUNT, api_format=answer_format)) as client:
            assert len(open_api(client, api).customers({}).customers) == len(customers)

    seconds = {"all": median_seconds(converge, int(rounds)), "list": median_seconds(list_customers, int(rounds))}
    print(json.dumps(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
