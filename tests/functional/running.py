# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox that runs, and Ansible run against it: what the tests that cross a socket share."""

from __future__ import annotations

import atexit
import json
import re
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
import yaml
from ansible.release import __version__ as core_version

from tools.environment import ansible_environment, clean_environment

from .preloaded import COMMANDS, Forked, Preloaded

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MODULES = "mailfleet.sendgrid."
# The choice of `api` that is API v3.
SUBUSERS = "subusers"
# The release of ansible-core that is tested with.
CORE = tuple(map(int, core_version.split(".")[:2]))
# Seconds that no run takes, unless it hangs: a shared playbook is long, and the machine may be busy.
PATIENCE = 1800


@cache
def sandbox_server() -> Preloaded:
    """The server of all sandboxes of this checkout."""
    started = Preloaded({**clean_environment(), "PYTHONPATH": str(ROOT)}, ("tests.sandbox.cli",))
    atexit.register(started.close)
    return started


class Sandbox:
    """The sandbox in its own process. `options`: the options of its command line."""

    def __init__(self, *options: str) -> None:
        self.process: Any = self._started(["--port", "0", *options])
        self.line = self._first_line()
        found = re.fullmatch(
            r"sandbox listening on (http://127\.0\.0\.1:\d+)/apiv2 \(behaviour: (\w+)\)(?:, api key \S+)?\n", self.line
        )
        assert found, (self.line, self.stop())
        self.root, self.behaviour = found.groups()
        self.api_url = self.root + "/apiv2"
        self.v3_url = self.root + "/v3"
        self.http = requests.Session()
        self.http.trust_env = False

    def _started(self, options: list[str]) -> Any:
        return sandbox_server().start(["tests.sandbox", *options], ROOT, clean_environment())

    def _first_line(self) -> str:
        return self.process.read_line(timeout=30)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Status, output and error output of the program after it was told to stop."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=30)
        return self.process.returncode, output, errors

    def control(self, verb: str, name: str) -> Any:
        """What the control address `name` (`log`, `customers`, `health`, `reset`) answers."""
        answer = self.http.request(verb, f"{self.root}/_sandbox/{name}", timeout=30)
        answer.raise_for_status()
        return answer.json()

    def log(self, after: int = 0) -> list[dict[str, Any]]:
        """The API calls but the first `after`."""
        return self.control("GET", f"log?after={after}")

    def customers(self) -> dict[str, dict[str, Any]]:
        """All that is stored, by username."""
        return {customer["username"]: customer for customer in self.control("GET", "customers")}

    def account(self, api_user: str = "acme") -> dict[str, Any]:
        """What is stored of an account itself."""
        return next(item for item in self.control("GET", "accounts") if item["api_user"] == api_user)

    def set(self, name: str, value: Any) -> None:
        """Sends JSON to a control address."""
        answer = self.http.post(f"{self.root}/_sandbox/{name}", json=value, timeout=30)
        assert answer.ok, answer.text

    def switch(self, **switches: Any) -> None:
        """Turns switches of the sandbox on. The sandbox's README describes them."""
        self.set("switches", switches)

    def set_fault(self, operation: str, fault: str, **settings: Any) -> None:
        """Sets a fault for calls of `operation`. The sandbox's README describes the names and the settings."""
        answer = self.http.post(
            f"{self.root}/_sandbox/faults", json={"operation": operation, "fault": fault, **settings}, timeout=30
        )
        assert answer.ok, answer.text

    def reset(self) -> None:
        self.control("POST", "reset")


class SandboxProgram(Sandbox):
    """The sandbox as a program that is started as users do it. `module`: what Python runs, in `folder`."""

    def __init__(self, *options: str, module: str, folder: Path, environment: dict[str, str]) -> None:
        self.module, self.folder, self.environment = module, folder, environment
        super().__init__(*options)

    def _started(self, options: list[str]) -> Any:
        return subprocess.Popen(
            [sys.executable, "-m", self.module, *options],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _first_line(self) -> str:
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout=30), "the sandbox says nothing"
        return self.process.stdout.readline()


@contextmanager
def sandboxes(seed: Path, kind: Callable[..., Any] = Sandbox) -> Iterator[Callable[[str], Any]]:
    """One sandbox for each behaviour, started when it is first asked for. None may have complained at the end."""
    started: dict[str, Any] = {}

    def get(behaviour: str) -> Sandbox:
        if behaviour not in started:
            started[behaviour] = kind("--behaviour", behaviour, "--seed", str(seed))
        return started[behaviour]

    yield get
    for sandbox in started.values():
        assert sandbox.stop() == (0, "", "")


@dataclass
class Step:
    """One task of a run: its status, its result, and the calls that the sandbox got during the task."""

    name: str
    status: str
    result: dict[str, Any]
    calls: list[dict[str, Any]]

    @property
    def operations(self) -> list[str]:
        """The operations in the result, by name."""
        return [operation["name"] for operation in self.result.get("operations", [])]

    @property
    def statuses(self) -> list[str]:
        return [operation["status"] for operation in self.result.get("operations", [])]

    @property
    def called(self) -> list[str]:
        """The operations that the sandbox was asked for."""
        return [call["operation"] for call in self.calls]

    @property
    def written(self) -> list[str]:
        """The calls that write, whether or not they succeeded."""
        return [call["operation"] for call in self.calls if call["attempted_write"]]


@dataclass
class Run:
    """One run of ansible-playbook, in `folder`, or one play of a shared playbook.

    Of such a play, `customers` and `log` are what the sandbox held when it had ended: all that was stored, by username,
    and the API calls.
    """

    status: int
    output: str
    folder: Path
    steps: list[Step] = field(default_factory=list)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)

    def one(self) -> Step:
        """The step of a run of one task."""
        assert len(self.steps) == 1, self.output
        return self.steps[0]

    def four(self) -> tuple[Step, Step, Step, Step]:
        """The steps of a run of `four_ways`."""
        assert self.status == 0, self.output
        first, second, third, fourth = self.steps
        return first, second, third, fourth


def settings_of_tests(folder: Path, collections_path: Path) -> dict[str, str]:
    """An environment for Ansible with the settings that tests need."""
    return {
        **ansible_environment(folder, collections_path),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "steps",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


@cache
def preloaded(collections_path: Path, *settings: tuple[str, str]) -> Preloaded:
    """A server for runs with the same settings of Ansible and Python. It keeps its files beside the collections."""
    folder = Path(tempfile.mkdtemp(prefix="preloaded-", dir=collections_path))
    started = Preloaded({**settings_of_tests(folder, collections_path), **dict(settings)})
    atexit.register(started.close)
    return started


@dataclass
class Ansible:
    """Runs playbooks against one sandbox with one account, one API and one format."""

    sandbox: Sandbox
    folder: Path
    collections_path: Path
    api_user: str
    api_key: str
    defaults: dict[str, Any] = field(default_factory=dict)
    direct: bool = True
    api: str = "reseller"

    @property
    def is_v3(self) -> bool:
        return self.api == SUBUSERS

    def environment(self) -> dict[str, str]:
        """The caller's environment without what would reach into a run, and with the sandbox as the service."""
        return {
            **settings_of_tests(self.folder, self.collections_path),
            "STEPS_FILE": str(self.folder / "steps.jsonl"),
            "STEPS_CONTROLS": self.sandbox.root + "/_sandbox/",
            **self._service(),
        }

    def _service(self) -> dict[str, str]:
        """The URL of the service and its account. With an API key, the account needs no name."""
        if self.is_v3:
            url, further = self.sandbox.v3_url, {"SENDGRID_API": self.api}
        else:
            url, further = self.sandbox.api_url, {"SENDGRID_API_USER": self.api_user}
        return {"SENDGRID_API_URL": url, "SENDGRID_API_KEY": self.api_key, **further}

    def command(
        self, *arguments: str, environment: dict[str, str] | None = None, one_output: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command of Ansible (`ansible`, `ansible-playbook` …) and returns what it printed.

        `one_output`: errors go where the output goes.
        """
        changes = environment or {}
        settings = {**self.environment(), **changes}
        if arguments[0] in COMMANDS and self._is_shared(changes):
            return self._server(changes).run([*arguments], self.folder, settings, PATIENCE, one_output)
        return subprocess.run(
            [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
            cwd=self.folder,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if one_output else subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def _is_shared(self, changes: dict[str, str]) -> bool:
        """Whether other runs may have the same settings: none is about a place that is this run's own."""
        return not any(str(self.folder) in value for value in _settled(changes).values())

    def _server(self, changes: dict[str, str]) -> Preloaded:
        return preloaded(self.collections_path, *sorted(_settled(changes).items()))

    def play(
        self, tasks: list[dict[str, Any]], *arguments: str, environment: dict[str, str] | None = None, **play: Any
    ) -> Run:
        """One play on this machine with `tasks`; `arguments` go to ansible-playbook."""
        playbook = self._playbook([self._play(tasks, **play)])
        status, output, lines = self._run([str(playbook), *arguments], environment or {})
        return Run(status, output, self.folder, [_step(line) for line in lines])

    def plays(
        self,
        plays: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]],
        *arguments: str,
        environment: dict[str, str] | None = None,
    ) -> dict[str, Run]:
        """A run for each of `plays`, which are tasks and keywords of a play by name: one playbook runs all of them.

        Each begins with the sandbox in its seeded state. One that fails does not end those after it.
        """
        content = [
            self._play([{"name": name, "block": tasks, "rescue": [_FAILED]}], name=name, **play)
            for name, (tasks, play) in plays.items()
        ]
        arguments = (str(self._playbook(content)), *arguments)
        _status, output, lines = self._run([*arguments], {**(environment or {}), "STEPS_SHARED": "yes"})
        outputs = dict(re.findall(r"^PLAY \[(.*)\] \*+$\n((?:(?!PLAY ).*\n)*)", output, re.MULTILINE))
        runs = {name: Run(0, outputs[name], self.folder) for name in plays if name in outputs}
        for line in lines:
            run = runs[line["play"]]
            if "log" in line:
                run.customers = {customer["username"]: customer for customer in line["customers"]}
                run.log = line["log"]
            elif line["name"] == _FAILED["name"]:
                run.status = 2
            else:
                run.steps.append(_step(line))
        assert list(runs) == list(plays), output
        return runs

    def _play(self, tasks: list[dict[str, Any]], defaults: dict[str, Any] | None = None, **play: Any) -> dict[str, Any]:
        """A play on this machine. `defaults`: for the modules, beyond those that all plays have."""
        return {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": {"group/mailfleet.sendgrid.reseller": {**self.defaults, **(defaults or {})}},
            "vars": {"sendgrid_direct_execution": self.direct},
            "tasks": tasks,
            **play,
        }

    def _playbook(self, plays: list[dict[str, Any]]) -> Path:
        playbook = self.folder / "playbook.yml"
        playbook.write_text(yaml.safe_dump(plays, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return playbook

    def _run(self, arguments: list[str], changes: dict[str, str]) -> tuple[int, str, list[dict[str, Any]]]:
        """Status and output of ansible-playbook, in an environment with `changes`, and what the callback wrote."""
        steps = self.folder / "steps.jsonl"
        steps.unlink(missing_ok=True)
        done = self.command("ansible-playbook", *arguments, environment=changes, one_output=True)
        lines = steps.read_text(encoding="utf-8").splitlines() if steps.exists() else []
        # A run without a single result is never what a test wants: its checks of each step would pass unseen.
        assert lines, done.stdout
        return done.returncode, done.stdout, [json.loads(line) for line in lines]

    def start(self, tasks: list[dict[str, Any]], **settings: str) -> Forked:
        """A play that is started in its own session, without waiting for it. `settings`: its environment."""
        command = ["ansible-playbook", str(self._playbook([self._play(tasks)]))]
        environment = {**self.environment(), **settings}
        return self._server(settings).start(command, self.folder, environment, session=True, one_output=True)

    def one(self, module: str, *arguments: str, **options: Any) -> Step:
        """One task."""
        return self.play([task(module, options)], *arguments).one()

    def four_ways(self, module: str, **options: Any) -> tuple[Step, Step, Step, Step]:
        """The same task in check mode and really, when there is something to do and when it is done."""
        return self.play(four_ways(module, **options)).four()


# What runs at the end of a play of a shared playbook that has failed: the plays after it run all the same.
_FAILED = {"name": "The play has failed", "ansible.builtin.debug": {"msg": ""}}


def _step(line: dict[str, Any]) -> Step:
    return Step(**{name: value for name, value in line.items() if name != "play"})


def _settled(changes: dict[str, str]) -> dict[str, str]:
    """Those that are settled when a program starts."""
    return {name: value for name, value in changes.items() if name.startswith(("ANSIBLE_", "PYTHON"))}


def task(module: str, options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    """A task for a playbook; `module` without its collection."""
    return {"name": module, MODULES + module: options, **keywords}


def four_ways(module: str, **options: Any) -> list[dict[str, Any]]:
    """The same task in check mode and really, when there is something to do and when it is done."""
    return [task(module, options, check_mode=check_mode) for check_mode in (True, False, True, False)]
