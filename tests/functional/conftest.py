# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox for each behaviour, and Ansible against it."""

from __future__ import annotations

import inspect
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .running import SUBUSERS, Ansible, Run, Sandbox, sandboxes
from .sandbox_v3 import NARROW_V3_KEY, V3_KEY

ACCOUNT = {"api_user": "acme", "api_key": "key-of-acme-4711"}
NARROW = {"api_user": "narrow", "api_key": "key-of-narrow-4711", "reseller": False, "subusers": True}
PASSWORD = "as-it-was-4711"


def connection(sandbox: Sandbox, api: str) -> dict[str, Any]:
    """The options of a connection with which a task reaches the account through one API."""
    if api == SUBUSERS:
        return {"api": api, "api_url": sandbox.v3_url, "api_key": V3_KEY}
    return {"api": api, "api_url": sandbox.api_url, **ACCOUNT}


def seeded(username: str, **changes: Any) -> dict[str, Any]:
    """A customer of the seed."""
    return {
        "username": username,
        "password": PASSWORD,
        "email": username,
        "first_name": "Ada",
        "last_name": "Okafor",
        "address": "12 Harbour Street",
        "city": "Portland",
        "state": "ME",
        "zip": "04101",
        "country": "US",
        "phone": "555-0112",
        "website": "http://example.com",
        "company": "Lighthouse Books",
        **changes,
    }


# The addresses of the account. API v2 takes those of either kind.
IPS = [*(f"192.0.2.{number}" for number in range(1, 13)), "2001:db8::7"]
DOMAINS = [
    {"domain": "example.com", "subdomain": "mail"},
    {"domain": "example.com", "subdomain": "news"},
    {"domain": "lantern.example"},
    {"domain": "harbour.example"},
    {"domain": "new.example", "valid": False},
    {"domain": "ben.example", "username": "ben@example.com"},
]
SEED = {
    "accounts": [
        {**ACCOUNT, "v3_key": V3_KEY, "ips": IPS, "domains": DOMAINS},
        {**NARROW, "v3_key": NARROW_V3_KEY, "v3_scopes": ["subusers.read"]},
    ],
    "customers": [
        seeded("ada@example.com"),
        seeded("ben@example.com", active=False, website_access=False),
        seeded("cleo@example.com", company="Harbour & Sons"),
        {**seeded("nora@example.com"), "account": "narrow"},
    ],
    "deleted": ["gone@example.com"],
}


# Those of answers of API v2.
FORMATS = ["json", "xml"]


@pytest.fixture(scope="session")
def _sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    seed = tmp_path_factory.mktemp("seed") / "seed.json"
    seed.write_text(json.dumps(SEED), encoding="utf-8")
    with sandboxes(seed) as get:
        yield get


@pytest.fixture(params=["documented", "observed"])
def sandbox(request: pytest.FixtureRequest, _sandboxes: Callable[[str], Sandbox]) -> Sandbox:
    """A sandbox in its seeded state; the test runs with each behaviour."""
    running = _sandboxes(request.param)
    running.reset()
    return running


# A module process costs half a second, so tasks are shipped with one pair of behaviour and format. In the controller's
# process they run with every pair, and test_direct.py compares both ways with another pair, too.
SHIPPED_WITH = {("observed", "json"), ("observed", SUBUSERS)}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "shared_playbook: see in_shared_playbook")


# Before pytest-xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if _is_one_pair_too_many(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    for item in items:
        if _playbook_of(item):
            item.add_marker(pytest.mark.xdist_group("-".join(_playbook_of(item))))


def _is_one_pair_too_many(item: pytest.Item) -> bool:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    pair = parameters.get("canaries", (parameters.get("sandbox"), parameters.get("ansible")))
    return (
        parameters.get("direct") is False and None not in pair and _both_vary(item) and tuple(pair) not in SHIPPED_WITH
    )


def _both_vary(item: pytest.Item) -> bool:
    """Whether a test itself runs with both formats and both behaviours."""
    marks = [mark for mark in item.iter_markers("parametrize") if mark != both_apis.mark]
    chosen = {name for mark in marks for name in str(mark.args[0]).split(",")}
    return not chosen & {"sandbox", "ansible"}


@pytest.fixture(params=[True, False], ids=["direct", "shipped"])
def direct(request: pytest.FixtureRequest) -> bool:
    """Whether tasks run in the controller's process; the test runs both ways."""
    return request.param


@pytest.fixture(params=FORMATS)
def ansible(
    request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path, collections_path: Path, direct: bool
) -> Ansible:
    """Ansible against the sandbox; the test runs with each format of API v2. With `both_apis` it runs with v3, too."""
    if request.param == SUBUSERS:
        defaults: dict[str, Any] = {"retries": 0}
        return Ansible(sandbox, tmp_path, collections_path, "", V3_KEY, defaults, direct, api=SUBUSERS)
    defaults = {"api_format": request.param, "retries": 0}
    return Ansible(sandbox, tmp_path, collections_path, **ACCOUNT, defaults=defaults, direct=direct)


@dataclass(frozen=True)
class Kept:
    """What runs leave behind in `folder`, with `settings` of their environment: a log, and facts."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "ansible.log"

    @property
    def facts(self) -> Path:
        return self.folder / "facts"

    @property
    def settings(self) -> dict[str, str]:
        return {
            "ANSIBLE_LOG_PATH": str(self.log),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.facts),
        }


@pytest.fixture
def kept(collections_path: Path) -> Kept:
    """An empty log and no facts. The places are the same for all tests of a worker: so their runs have one server."""
    places = Kept(collections_path / "kept")
    places.folder.mkdir(exist_ok=True)
    shutil.rmtree(places.facts, ignore_errors=True)
    # The server holds it open.
    places.log.write_bytes(b"")
    return places


# A start of Ansible costs as much as many tasks. So tests of a file share a playbook, and each has a play of its own.
RUNS = pytest.StashKey[dict[tuple[str, ...], dict[str, Run]]]()


def in_shared_playbook(
    tasks: Callable[..., list[dict[str, Any]]], *arguments: str, **play: Any
) -> pytest.MarkDecorator:
    """The play of a test, whose run is the fixture `played`.

    `tasks` is called with those parameters of the test that it names. `play`: keywords of the play, and `defaults` for
    the modules. `arguments` go to ansible-playbook.
    """
    return pytest.mark.shared_playbook.with_args(tasks, *arguments, **play)


@pytest.fixture
def play_shared(request: pytest.FixtureRequest, ansible: Ansible) -> Callable[..., Run]:
    """Runs the playbook of this test, unless it already ran, and returns the run of the test's own play."""
    playbook = _playbook_of(request.node)
    runs = request.session.stash.setdefault(RUNS, {})

    def run(**environment: str) -> Run:
        key = (*playbook, str(ansible.direct), *environment.values())
        if key not in runs:
            members = [item for item in request.session.items if _playbook_of(item) == playbook]
            plays = {item.name: _play_of(item) for item in members}
            arguments = _mark_of(request.node).args[1:]
            runs[key] = ansible.plays(plays, *arguments, environment=environment)
        return runs[key][request.node.name]

    return run


@pytest.fixture
def played(play_shared: Callable[..., Run]) -> Run:
    """The result of the play of this test."""
    return play_shared()


def _mark_of(item: pytest.Item) -> pytest.Mark | None:
    return item.get_closest_marker("shared_playbook")


def _playbook_of(item: pytest.Item) -> tuple[str, ...]:
    """What tests have in common that share a playbook; nothing for tests that have one of their own."""
    mark = _mark_of(item)
    if mark is None:
        return ()
    parameters = item.callspec.params
    return (item.path.stem, *(str(parameters.get(name)) for name in ("sandbox", "ansible", "direct")), *mark.args[1:])


def _play_of(item: pytest.Item) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The tasks of a test and the keywords of their play."""
    mark = _mark_of(item)
    tasks = mark.args[0]
    given = {name: item.callspec.params[name] for name in inspect.signature(tasks).parameters}
    return tasks(**given), mark.kwargs


only_observed = pytest.mark.parametrize("sandbox", ["observed"], indirect=True)
only_documented = pytest.mark.parametrize("sandbox", ["documented"], indirect=True)
# For what does not depend on where a task runs: test_direct.py compares the two ways.
only_direct = pytest.mark.parametrize("direct", [True], indirect=True)
only_json = pytest.mark.parametrize("ansible", ["json"], indirect=True)
# API v3, which speaks JSON only, beside v2.
both_apis = pytest.mark.parametrize("ansible", [*FORMATS, SUBUSERS], indirect=True)
both_apis_in_json = pytest.mark.parametrize("ansible", ["json", SUBUSERS], indirect=True)
only_v3 = pytest.mark.parametrize("ansible", [SUBUSERS], indirect=True)
