# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: start the sandbox, say where it listens, stop cleanly when told to."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import uvicorn

from . import endpoint_limits, fault_plan, fleet, rate_limit, settings, switches
from .app import create_app
from .asgi import SandboxProtocol
from .fault_plan import Fault, FaultPlan
from .rate_limit import RateLimit, RateLimiter
from .seed import DEFAULT_SEED, DEMO_FLEET, DEMO_V3_KEY, Seed, SeedError, load
from .service import BEHAVIOURS, Service
from .settings import SettingError
from .store import Store, StoreError
from .switches import IGNORE_ON_BEHALF_OF, NEVER, SwitchBoard, Switches

# Starlette only imports it for the first form. A missing package should be reported at the start.
import_module("python_multipart")

_EXIT_FAILURE = 2
# How long a stop waits for answers that are under way. Much less than uvicorn's own limit, because uvicorn complains
# when that limit ends. On a busy machine, both could end at the same time.
_SHUTDOWN_GRACE_SECONDS = 0.4
# A list of more customers would hardly fit into memory.
_MAX_CUSTOMERS = 1_000_000
_POLL_SECONDS = 0.5
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StartupError(Exception):
    """The service cannot start. The text is one sentence."""


class _Server(uvicorn.Server):
    """A server that prints its URL once, as soon as it listens, and exits with status 0 after a stop signal."""

    def __init__(self, config: uvicorn.Config, line: str, process: int | None) -> None:
        super().__init__(config)
        self._line = line
        self._process = process
        # uvicorn raises a caught signal again after its shutdown, and this handler takes it. It also takes a signal
        # that comes before uvicorn has its own handlers.
        for number in _STOP_SIGNALS:
            signal.signal(number, self._handle_signal)

    def _handle_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(self._line, flush=True)
        if self._process is not None:
            self._watch_process(self._process)

    def _watch_process(self, process: int) -> None:
        if _process_exists(process):
            asyncio.get_running_loop().call_later(_POLL_SECONDS, self._watch_process, process)
        else:
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(_SHUTDOWN_GRACE_SECONDS, self._abort_connections)
        await super().shutdown(sockets=sockets)

    def _abort_connections(self) -> None:
        """Nothing can delay a stop: no stall, no client that reads nothing, no client that has just connected."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def _process_exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The process exists, and belongs to another user.
        return True
    return True


def _parse_loopback_address(text: str) -> str:
    """A loopback address. `localhost` means 127.0.0.1."""
    host = "127.0.0.1" if text == "localhost" else text
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a loopback address")


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port number from 0 to 65535")
    return int(text)


def _parse_customer_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _MAX_CUSTOMERS:
        raise argparse.ArgumentTypeError(f"{text} is not a number of customers from 0 to {_MAX_CUSTOMERS}")
    return int(text)


def _parse_process_id(text: str) -> int:
    # 0 and negative numbers stand for groups of processes.
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not the number of a process")
    return int(text)


def _parse_fault(text: str) -> Fault:
    return _checked(fault_plan.from_text, text)


def _parse_rate_limit(text: str) -> RateLimit:
    return _checked(rate_limit.from_text, text)


def _parse_endpoint_limit(text: str) -> tuple[str, RateLimit]:
    return _checked(endpoint_limits.from_text, text)


def _parse_page_ceiling(text: str) -> int | None:
    return _checked(switches.check_page_ceiling, settings.parse_scalar(text))


def _parse_operation(text: str) -> str:
    return _checked(switches.check_operation, text)


def _checked(check: Callable[[Any], Any], value: Any) -> Any:
    """What `check` returns. Its error becomes an error of the command line."""
    try:
        return check(value)
    except SettingError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _switches(options: argparse.Namespace) -> Switches:
    return Switches(
        hide_disabled=options.hide_disabled,
        page_ceiling=options.page_ceiling,
        ignore_on_behalf_of=options.ignore_on_behalf_of,
        single_ip=options.single_ip,
        without_effect=tuple(options.without_effect),
    )


class _Parser(argparse.ArgumentParser):
    """Reports an error in one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(_EXIT_FAILURE, f"{message[:1].upper()}{message[1:]}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=f"python -m {__package__}", description="A local stand-in for API v2 and API v3.")
    parser.add_argument(
        "--host", type=_parse_loopback_address, default="127.0.0.1", help="loopback address (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=_parse_port, default=8025, help="port; 0 selects a free one (default: %(default)s)"
    )
    parser.add_argument("--database", metavar="PATH", help="SQLite file that keeps the state (default: in memory)")
    parser.add_argument(
        "--behaviour",
        choices=sorted(BEHAVIOURS),
        default=BEHAVIOURS[0],
        help="behave like the reference page or like the recorded service (default: %(default)s)",
    )
    parser.add_argument(
        "--fault",
        dest="faults",
        type=_parse_fault,
        action="append",
        default=[],
        metavar="OPERATION:FAULT[,SETTING=VALUE...]",
        help="play a fault, for example create:close-after,nth=2; can be used more than once",
    )
    parser.add_argument(
        "--rate-limit",
        type=_parse_rate_limit,
        metavar="CALLS/SECONDS[,silent]",
        help="limit the calls of an account in a window of time, for example 600/60 (default: no limit); with silent, "
        "no answer has the headers of the limit",
    )
    parser.add_argument(
        "--endpoint-limit",
        dest="endpoint_limits",
        type=_parse_endpoint_limit,
        action="append",
        default=[],
        metavar="ENDPOINT=CALLS/SECONDS[,silent]",
        help="limit the calls of a verb and route of v3, as in 'POST /v3/subusers=1/5'; can be used more than once",
    )
    parser.add_argument("--hide-disabled", action="store_true", help="leave disabled customers out of v3 lists")
    parser.add_argument(
        "--page-ceiling",
        type=_parse_page_ceiling,
        metavar="ROWS",
        help="maximum number of rows of a v3 page (default: as many as the client asks for)",
    )
    parser.add_argument(
        "--ignore-on-behalf-of",
        choices=IGNORE_ON_BEHALF_OF,
        default=NEVER,
        help="ignore the v3 header On-Behalf-Of in this spelling (default: %(default)s)",
    )
    parser.add_argument("--single-ip", action="store_true", help="v3 refuses more than one IP address for a customer")
    parser.add_argument(
        "--without-effect",
        type=_parse_operation,
        action="append",
        default=[],
        metavar="OPERATION",
        help="answer this operation as if it was done, but do nothing; can be used more than once",
    )
    parser.add_argument(
        "--until-end-of",
        type=_parse_process_id,
        metavar="PID",
        help="stop when the process with this ID has ended (default: run until a signal)",
    )
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--seed", type=Path, metavar="FILE", help="start with the content of a JSON or YAML file")
    state.add_argument("--demo", action="store_true", help="start with a small demo fleet")
    state.add_argument(
        "--customers", type=_parse_customer_count, metavar="N", help="start with a fleet of N generated customers"
    )
    return parser


def _load_seed(options: argparse.Namespace) -> Seed:
    if options.customers is not None:
        return fleet.seed(options.customers)
    if options.demo:
        seed = load(DEMO_FLEET)
        # The file does not contain the key of v3.
        return replace(seed, accounts=[{**account, "v3_key": DEMO_V3_KEY} for account in seed.accounts])
    return DEFAULT_SEED if options.seed is None else load(options.seed)


def _listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens. uvicorn does not make it, so that the port is known and a failure is one sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches off the delay of small packets only if the protocol is "TCP". With the delay, each call would
    # take 40 ms.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Two programs can bind the same port, but only one can listen.
        bound.listen()
    except OSError as error:
        bound.close()
        raise StartupError(f"Cannot listen on {host} port {port}: {error.strerror}.") from error
    return bound


def _base_url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/apiv2" if ":" in host else f"http://{host}:{port}/apiv2"


def _serve(options: argparse.Namespace) -> None:
    """Run until a signal comes or the watched process ends.

    Raises StartupError, SeedError or StoreError before it listens.
    """
    seed = _load_seed(options)
    with _listening_socket(options.host, options.port) as bound:
        store = Store(options.database)
        try:
            service = Service(
                store,
                options.behaviour,
                seed,
                FaultPlan(options.faults),
                RateLimiter(options.rate_limit, dict(options.endpoint_limits)),
                SwitchBoard(_switches(options)),
            )
        except sqlite3.Error as error:
            raise StoreError(f"The database {options.database} cannot be used: {error}.") from error
        config = uvicorn.Config(
            create_app(service),
            # The same on each machine, independent of other installed packages.
            loop="asyncio",
            http=SandboxProtocol,
            ws="none",
            lifespan="off",
            # URLs can contain secrets.
            access_log=False,
            log_level="error",
            proxy_headers=False,
            server_header=False,
            # Longer than the pauses of a client between two calls of a test.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=20,
        )
        line = f"sandbox listening on {_base_url(bound)} (behaviour: {options.behaviour})"
        if options.demo:
            line += f", api key {DEMO_V3_KEY}"
        _Server(config, line, options.until_end_of).run(sockets=[bound])
        store.close()


def _exit_before_start(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 after a stop, 2 if the service cannot start."""
    for number in _STOP_SIGNALS:
        signal.signal(number, _exit_before_start)
    options = _parser().parse_args(arguments)
    try:
        _serve(options)
    except (StartupError, SeedError, StoreError) as error:
        print(error, file=sys.stderr)
        return _EXIT_FAILURE
    return 0
