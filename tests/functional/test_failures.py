# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Permanent failures, limits and unknown outcomes, tested with real sockets."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.sandbox.faults import SPELLINGS

from .conftest import only_documented, only_observed
from .running import SUBUSERS, Sandbox
from .test_crash import RUNNER
from .test_faults import CASES, CASES_IN_V3, Case, all_options, run

HIDDEN = "(a message that repeats a secret is not shown)"
ADA = {"username": "ada@example.com", "city": "Bangor"}
# With the pauses that a user has. A failure that is reported at once cannot have waited for one.
IMPATIENT = {"retries": 4, "max_retry_wait": 120, "timeout": 5}


# The parameter `way` of the tasks: that of `all_options`.
both_apis = pytest.mark.parametrize("way", ["json", SUBUSERS])
# The path that ends the address of either API.
PATHS = {"json": "apiv2", SUBUSERS: "v3"}


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[tuple[int, list[int]]]:
    """A port where `talk` has each connection to itself; and a list that grows with each connection."""
    connections: list[int] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _address = server.accept()
            except OSError:
                return
            connections.append(1)
            with connection:
                try:
                    talk(connection)
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], connections
    finally:
        # Closing alone does not wake the thread that waits.
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(10)


def greet(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
    connection.recv(65536)


class EmptyList(BaseHTTPRequestHandler):
    """Knows no customer."""

    def do_POST(self) -> None:  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def do_GET(self) -> None:  # noqa: N802
        is_list = "/subusers?" in self.path
        self.send_response(200 if is_list else 404)
        self.send_header("Content-Length", "2" if is_list else "0")
        self.end_headers()
        if is_list:
            self.wfile.write(b"[]")

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def https(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A service over TLS: its address, and the certificate of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    certificate = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyList)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", str(certificate)
    server.shutdown()
    server.server_close()


def failure_at_once(sandbox: Sandbox, way: str, **options: Any) -> str:
    """The message of a task that fails without waiting for a further try."""
    started = time.monotonic()
    result = run(sandbox, ADA, way, **{**IMPATIENT, **options})
    assert result["failed"] is True
    assert result["changed"] is False
    assert "Traceback" not in result["msg"]
    assert time.monotonic() - started < 5
    return result["msg"]


@only_observed
@both_apis
def test_a_name_that_does_not_resolve(sandbox: Sandbox, way: str) -> None:
    message = failure_at_once(sandbox, way, api_url=f"https://sendgrid.invalid/{PATHS[way]}")
    assert message == (
        "Could not look up customer 'ada@example.com': the name of the server does not resolve "
        "(https://sendgrid.invalid). Check api_url."
    )


@only_observed
@both_apis
def test_a_connection_that_is_refused(sandbox: Sandbox, way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    message = failure_at_once(sandbox, way, api_url=f"http://127.0.0.1:{port}/{PATHS[way]}")
    assert f"nothing accepts connections there (http://127.0.0.1:{port}). Check api_url." in message


@only_observed
@both_apis
def test_a_server_that_speaks_another_protocol(sandbox: Sandbox, way: str) -> None:
    with listening(greet) as (port, connections):
        message = failure_at_once(sandbox, way, api_url=f"http://127.0.0.1:{port}/{PATHS[way]}")
    assert "the server does not speak HTTP" in message
    assert len(connections) == 1


@only_observed
@both_apis
def test_a_server_without_tls(sandbox: Sandbox, way: str) -> None:
    with listening(greet) as (port, connections):
        message = failure_at_once(sandbox, way, api_url=f"https://127.0.0.1:{port}/{PATHS[way]}")
    assert "no secure connection could be made" in message
    assert len(connections) == 1


@only_observed
@both_apis
def test_another_address_on_the_same_server(sandbox: Sandbox, way: str) -> None:
    message = failure_at_once(sandbox, way, api_url=sandbox.root + "/elsewhere")
    assert "Could not look up customer" in message
    assert "404" in message


@only_observed
@both_apis
def test_a_certificate_that_is_not_trusted(sandbox: Sandbox, https: tuple[str, str], way: str) -> None:
    server, certificate = https
    api_url = f"{server}/{PATHS[way]}"
    message = failure_at_once(sandbox, way, api_url=api_url)
    assert "the certificate of the server is not trusted" in message
    assert "ca_path" in message
    for trust in ({"ca_path": certificate}, {"validate_certs": False}):
        result = run(sandbox, {**ADA, "state": "absent"}, way, api_url=api_url, **trust)
        assert (result["changed"], result["customer"]) == (False, None)


def test_wrong_credentials_and_missing_rights(sandbox: Sandbox) -> None:
    assert "Check api_user and api_key." in failure_at_once(sandbox, "json", api_key="not-the-key")
    assert "Check api_key: it must be an API key" in failure_at_once(sandbox, SUBUSERS, api_key="not-the-key")
    assert [call["operation"] for call in sandbox.log()] == ["list", "list"]
    narrow = {"api_user": "narrow", "api_key": "key-of-narrow-4711"}
    assert "see the option api" in failure_at_once(sandbox, "json", **narrow)


OWN_ERROR = b'{"error": {"code": 401, "message": "Permission denied, wrong credentials"}}'
PAGE = b"<html><body>Moved</body></html>"
# What a service says that has no API v2 any more, or not for this account; and whether a task is told of API v3.
GONE: dict[str, tuple[int, bytes, bool]] = {
    "not found": (404, b"", True),
    "not found, in words": (404, b"404 page not found", True),
    "gone": (410, b"", True),
    "forbidden": (403, b"", True),
    "unauthorized": (401, b"access forbidden", True),
    "a web page": (200, PAGE, True),
    "a web page that is not found": (404, PAGE, True),
    "a redirect": (301, b"", True),
    "wrong credentials": (401, OWN_ERROR, False),
    "a gateway that fails": (502, PAGE, False),
}


@only_observed
@pytest.mark.parametrize(("status", "body", "is_told"), GONE.values(), ids=GONE)
def test_an_account_that_api_v2_does_not_serve_is_told_of_api_v3(
    sandbox: Sandbox, status: int, body: bytes, is_told: bool
) -> None:
    answer = b"HTTP/1.1 %d Answer\r\nLocation: https://example.com/\r\nContent-Length: %d\r\n\r\n%b"

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answer % (status, len(body), body))

    with listening(talk) as (port, _connections):
        message = failure_at_once(sandbox, "json", api_url=f"http://127.0.0.1:{port}/apiv2", retries=0)
    assert ("use api: subusers with an API key" in message) is is_told, message


@only_observed
def test_an_answer_without_end_takes_no_memory(sandbox: Sandbox, tmp_path: Path, collections_path: Path) -> None:
    tasks = tmp_path / "tasks.json"
    tasks.write_text(json.dumps([all_options(sandbox, {"username": "nobody@x", "state": "absent"})]), encoding="utf-8")
    peaks = {}
    for fault, settings in (("delay", {"seconds": 0}), ("huge", {"mebibytes": 300}), ("huge-gzip", {"mebibytes": 300})):
        sandbox.set_fault("list", fault, **settings)
        done = subprocess.run(
            [sys.executable, str(RUNNER), str(tasks)],
            env={**os.environ, "PYTHONPATH": str(collections_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        result, peak = map(json.loads, done.stdout.splitlines())
        assert ("larger than 60 MiB" in result.get("msg", "")) is (fault != "delay")
        peaks[fault] = peak["peak"]
    # The ceiling, and the pieces that are under way.
    assert peaks["huge"] - peaks["delay"] < 60 + 32
    assert peaks["huge-gzip"] - peaks["delay"] < 60 + 32


# Each with the number of lists that come before the write.
WRITES = [
    pytest.param(way, case, lists.get(case.operation, 1), id=f"{way}-{case.operation}")
    for way, cases, lists in (
        ("json", CASES, {"create": 2}),
        ("xml", CASES, {"create": 2}),
        (SUBUSERS, CASES_IN_V3, {"rename": 2}),
    )
    for case in cases
    if case.kind != "reading"
]


@pytest.mark.parametrize(("way", "case", "first_reads"), WRITES)
def test_a_lost_answer_that_no_read_can_settle_is_unknown(
    sandbox: Sandbox, way: str, case: Case, first_reads: int
) -> None:
    """The write is done, its answer is lost, and from then on nothing can be read."""
    sandbox.set_fault(case.called, "close-after", times="forever")
    sandbox.set_fault("list", "error-before", nth=first_reads + 1, times="forever")
    sandbox.set_fault("check_password", "error-before", nth=2, times="forever")
    result = run(sandbox, case.options, way, retries=1)
    assert result["failed"] is True
    assert result["operations"] == [{"name": case.operation, "status": "unknown"}]
    assert "Whether it took effect is unknown" in result["msg"]
    assert "Run the task again" in result["msg"]


@only_observed
@both_apis
def test_a_customer_that_cannot_be_read_again_is_no_failure(sandbox: Sandbox, way: str) -> None:
    sandbox.set_fault("list", "error-before", nth=2, times="forever")
    result = run(sandbox, ADA, way, retries=1)
    assert "failed" not in result
    assert result["changed"] is True
    assert result["customer"]["city"] == "Bangor"
    assert any("could not be read again" in warning for warning in result["warnings"])


def test_a_server_that_does_not_know_the_check_gets_a_plain_reset(sandbox: Sandbox) -> None:
    sandbox.set_fault("check_password", "not-found", times="forever")
    options = {"username": "ada@example.com", "password": "another-4711", "update_password": "always"}
    for _run in range(2):
        result = run(sandbox, options)
        assert result["changed"] is True
        assert result["unverified"] == ["password"]


@only_documented
@both_apis
def test_a_wait_beyond_the_ceiling_is_told_at_once(sandbox: Sandbox, way: str) -> None:
    sandbox.set_fault("list", "rate-limit", seconds=3600)
    message = failure_at_once(sandbox, way)
    assert "asks to wait 3600 s" in message
    assert "max_retry_wait" in message
    assert len(sandbox.log()) == 1


@only_observed
@pytest.mark.parametrize(
    ("way", "operation"),
    [
        *(("json", operation) for operation in ("list", "set_profile", "create", "check_password")),
        *((SUBUSERS, operation) for operation in ("list", "set_profile", "create", "get_username")),
    ],
)
def test_what_a_server_echoes_is_shown_without_secrets_and_control_characters(
    sandbox: Sandbox, way: str, operation: str
) -> None:
    """Each call contains the key, so no part of such a message can be shown."""
    cases, numbers = (CASES_IN_V3, "HTTP 400") if way == SUBUSERS else (CASES, "error 400, HTTP 200")
    [case] = [case for case in cases if case.operation == operation]
    sandbox.set_fault(operation, "echo")
    message = run(sandbox, case.options, way)["msg"]
    assert f"the server said {HIDDEN} ({numbers})" in message
    assert "canary" not in message
    assert message.isprintable()


# The beginning of `Bearer` and a key is not a secret yet.
@only_documented
@pytest.mark.parametrize(
    ("way", "spelling"),
    [
        (way, spelling)
        for way in ("json", "xml", SUBUSERS)
        for spelling in SPELLINGS
        if (way, spelling) != (SUBUSERS, "cut")
    ],
)
def test_a_secret_that_is_echoed_hides_its_message_alone(sandbox: Sandbox, way: str, spelling: str) -> None:
    sandbox.set_fault("list", "echo", spelling=spelling, beside=f"Sorry, {ADA['username']} \u202e")
    # One that begins with the username, so that the name is no secret.
    password = f"{ADA['username']}-canary"
    changes = {"update_password": "on_create" if way == SUBUSERS else "always"}
    message = run(sandbox, {**ADA, "password": password, **changes}, way)["msg"]
    said = f"the server said {HIDDEN}; 'Sorry, {ADA['username']} \\u202e' (HTTP 400)"
    assert said in message
    assert "api_key=" not in message and message.isprintable()
