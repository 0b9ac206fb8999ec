# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the environment of a run says: proxies, certificates, empty variables. Over real sockets, in both ways."""

from __future__ import annotations

import os
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from .conftest import only_direct, only_json, only_observed
from .running import SUBUSERS, Ansible, Run, task
from .test_failures import EmptyList, listening

INFO = "reseller_customer_info"
NO_USER = "api_user is missing, and api=reseller needs it; set it, or SENDGRID_API_USER in the environment"
NO_KEY = "api_key is missing, and api={api} needs it; set it, or SENDGRID_API_KEY in the environment"
# For each module, options that lack nothing but the account.
WITHOUT_ACCOUNT: dict[str, dict[str, Any]] = {
    "reseller_customer": {"username": "ada@example.com"},
    "reseller_customer_info": {},
    "reseller_customer_password": {"username": "ada@example.com", "password": "canary-4711"},
    "reseller_customers": {"customers": [{"username": "ada@example.com"}]},
}
# What a machine may say by itself.
NOTHING = dict.fromkeys(
    (
        *("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    ),
    "",
)
# On macOS the system answers through a framework that ends a forked process which has not started a new program.
LIKE_MACOS = """
import os
import urllib.request

forked = []
os.register_at_fork(after_in_child=lambda: forked.append(1))


def ask_the_system(*_given):
    if forked:
        os.abort()
    return {}


urllib.request.getproxies = urllib.request.proxy_bypass = ask_the_system
"""


@dataclass
class Service:
    """A service over TLS that knows no customer."""

    url: str
    authority: str
    calls: list[str]


class Unnamed(Ansible):
    """Ansible in an environment that does not name the account."""

    def environment(self) -> dict[str, str]:
        named = super().environment()
        return {name: value for name, value in named.items() if name not in ("SENDGRID_API_USER", "SENDGRID_API_KEY")}


@pytest.fixture(scope="module")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    certificate = tmp_path_factory.mktemp("authority") / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    calls: list[str] = []

    class Noting(EmptyList):
        def do_POST(self) -> None:  # noqa: N802
            calls.append(self.path)
            super().do_POST()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Noting)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Service(f"https://127.0.0.1:{server.server_port}/apiv2", str(certificate), calls)
    server.shutdown()
    server.server_close()


@pytest.fixture
def service(_service: Service) -> Service:
    _service.calls.clear()
    return _service


def play(ansible: Ansible, options: dict[str, Any], **environment: str) -> Run:
    """A task that lists the customers; without what this machine says of proxies and certificates."""
    return ansible.play([task(INFO, options)], environment={**NOTHING, **environment})


def failure(ansible: Ansible, options: dict[str, Any], **environment: str) -> str:
    run = ansible.play([task(INFO, options)], environment={**NOTHING, **environment})
    [step] = run.steps
    assert (step.status, step.result["changed"], step.calls) == ("failed", False, [])
    return step.result["msg"]


# The system is not asked


@pytest.fixture
def like_macos(tmp_path: Path) -> dict[str, str]:
    """Settings for a run in which a forked process ends as soon as it asks the system for proxies."""
    folder = tmp_path / "like-macos"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LIKE_MACOS, encoding="utf-8")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}


ASKS = """
import os, sys, requests
child = os.fork()
if not child:
    requests.Session().merge_environment_settings("https://api.example.com", {}, True, True, None)
    os._exit(0)
sys.exit(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
"""


@only_observed
@only_direct
@only_json
def test_the_stand_in_ends_a_process_that_asks(ansible: Ansible, like_macos: dict[str, str]) -> None:
    """As requests does by itself."""
    settings = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    for changes, status in (({}, 0), (like_macos, 1)):
        asked = os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", ASKS], {**settings, **changes})
        assert asked == status


@only_observed
@only_json
def test_a_run_lives_where_a_forked_process_must_not_ask_for_proxies(
    ansible: Ansible, service: Service, like_macos: dict[str, str]
) -> None:
    run = play(ansible, {"api_url": service.url, "ca_path": service.authority}, **like_macos)
    assert run.status == 0, run.output
    assert run.steps[0].result["count"] == 0
    assert len(service.calls) == 1


def tunnel(connection: socket.socket) -> None:
    """A proxy: CONNECT, and then bytes to and fro."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    host, _colon, port = head.split()[1].decode("ascii").rpartition(":")
    with socket.create_connection((host, int(port))) as there:
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=pour, args=(there, connection), daemon=True)
        back.start()
        pour(connection, there)
        back.join(10)


def pour(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@only_observed
@only_json
@pytest.mark.parametrize("passed_by", ["", "127.0.0.0/8"], ids=["proxy", "no_proxy"])
def test_the_proxy_of_the_environment_is_taken(
    ansible: Ansible, service: Service, like_macos: dict[str, str], passed_by: str
) -> None:
    with listening(tunnel) as (port, connections):
        settings = {"https_proxy": f"http://127.0.0.1:{port}", "no_proxy": passed_by, **like_macos}
        run = play(ansible, {"api_url": service.url, "ca_path": service.authority}, **settings)
    assert run.status == 0, run.output
    assert len(connections) == (0 if passed_by else 1)
    assert len(service.calls) == 1


@only_observed
@only_json
def test_a_socks_proxy_without_its_library(ansible: Ansible, service: Service, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    # As if it were not installed, whether it is or not.
    (hidden / "sitecustomize.py").write_text("import sys; sys.modules['socks'] = None", encoding="utf-8")
    settings = {"https_proxy": "socks5h://user:canary@127.0.0.1:9", "PYTHONPATH": str(hidden)}
    message = failure(ansible, {"api_url": service.url}, **settings)
    assert "the environment names a SOCKS proxy (https_proxy)" in message
    assert f"lacks PySocks; install it with: {sys.executable} -m pip install PySocks" in message
    assert "canary" not in message
    assert service.calls == []


# Certificates


@only_observed
@only_json
def test_certificates_come_from_the_option_else_from_the_environment(ansible: Ansible, service: Service) -> None:
    """The order of the variables is that of the unit tests; here, the last of them is enough."""
    run = play(ansible, {"api_url": service.url}, SSL_CERT_FILE=service.authority)
    assert run.status == 0, run.output
    wrong = dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"), "/no/such/file")
    run = play(ansible, {"api_url": service.url, "ca_path": service.authority}, **wrong)
    assert run.status == 0, run.output
    assert len(service.calls) == 2
    message = failure(ansible, {"api_url": service.url}, **wrong)
    assert "ca_path (from REQUESTS_CA_BUNDLE in the environment) '/no/such/file' does not exist" in message


@only_observed
@only_json
def test_certificates_that_cannot_be_used_are_told_before_any_call(
    ansible: Ansible, service: Service, tmp_path: Path
) -> None:
    folder, file = tmp_path / "authorities", tmp_path / "empty.pem"
    folder.mkdir()
    (folder / "authority.pem").write_bytes(Path(service.authority).read_bytes())
    file.touch()
    tasks = [task(INFO, {"api_url": service.url, "ca_path": str(path)}, ignore_errors=True) for path in (folder, file)]
    of_folder, of_file = ansible.play(tasks, environment=NOTHING).steps
    assert "is a folder without hashed certificates" in of_folder.result["msg"]
    assert f"ca_path '{file}' holds no certificate" in of_file.result["msg"]
    message = failure(ansible, {"api_url": service.url}, SSL_CERT_FILE=str(file))
    assert f"ca_path (from SSL_CERT_FILE in the environment) '{file}' holds no certificate" in message
    assert service.calls == []


# Addresses, and variables that set nothing


@only_observed
@only_json
def test_a_host_that_is_read_in_two_ways_is_not_called(ansible: Ansible) -> None:
    def refuse(_connection: socket.socket) -> None:
        """Fails the test if a client connects."""

    with listening(refuse) as (port, connections):
        message = failure(ansible, {"api_url": f"http://127.0.0.1:{port}\\[2001:db8::1]/apiv2"})
    assert "api_url uses plain http to" in message
    assert connections == []


@only_observed
@only_json
@pytest.mark.parametrize("option", ["api_user", "api"])
def test_a_variable_that_sets_nothing(ansible: Ansible, option: str) -> None:
    variable = f"SENDGRID_{option.upper()}"
    given = {"api_user": ansible.api_user, "api": "reseller"}
    tasks = [
        task(INFO, {}, ignore_errors=True),
        task("reseller_customers", {"customers": [{"username": "a", "no_such_option": 1}]}, ignore_errors=True),
        # It is not asked for where the task has the option.
        task(INFO, {option: given[option]}),
    ]
    listing, fleet, with_option = ansible.play(tasks, environment={variable: ""}).steps
    wanted = f"{option} (from {variable} in the environment) is empty"
    assert listing.result["msg"] == f"The options are not valid: {wanted}."
    assert wanted in fleet.result["msg"] and "no_such_option" in fleet.result["msg"]
    assert (with_option.status, with_option.called) == ("ok", ["list"])


def without_account(ansible: Ansible, **given: Any) -> list[str]:
    """What each module says of an account that is not named, when the sandbox was not called."""
    tasks = [task(module, {**options, **given}, ignore_errors=True) for module, options in WITHOUT_ACCOUNT.items()]
    run = Unnamed(**vars(ansible)).play(tasks)
    assert [step.status for step in run.steps] == ["failed"] * len(tasks), run.output
    assert ansible.sandbox.log() == []
    return [step.result["msg"] for step in run.steps]


@only_observed
@only_json
def test_a_missing_account_names_the_variables_that_set_it(ansible: Ansible) -> None:
    key = NO_KEY.format(api="reseller")
    for message in without_account(ansible):
        assert message == f"The options are not valid: {NO_USER}; {key}."


@only_observed
@only_json
def test_a_missing_user_names_the_variable_that_sets_it(ansible: Ansible) -> None:
    for message in without_account(ansible, api_key=ansible.api_key):
        assert message.endswith(f" not valid: {NO_USER}.")


@only_observed
@only_json
def test_api_v3_lacks_the_key_alone(ansible: Ansible) -> None:
    key = NO_KEY.format(api=SUBUSERS)
    for message in without_account(ansible, api=SUBUSERS, api_url=ansible.sandbox.v3_url):
        assert message == f"The options are not valid: {key}."
