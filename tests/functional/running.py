# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox that runs, and Ansible run against it: what the tests that cross a socket share."""

from __future__ import annotations

import atexit
import json
import os
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

from .preloaded import Preloaded

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
MODULES = "mailfleet.sendgrid."
# The release of ansible-core that is tested with.
CORE = tuple(map(int, core_version.split(".")[:2]))


class Sandbox:
    """The sandbox as a program of its own. `options`: of its command line; `module`: what Python runs, in `folder`."""

    def __init__(
        self,
        *options: str,
        module: str = "tests.sandbox",
        folder: Path = ROOT,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, "--port", "0", *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.line = self._first_line()
        found = re.fullmatch(r"sandbox listening on (http://127\.0\.0\.1:\d+)/apiv2 \(behaviour: (\w+)\)\n", self.line)
        assert found, (self.line, self.stop())
        self.root, self.behaviour = found.groups()
        self.api_url = self.root + "/apiv2"
        self.http = requests.Session()
        self.http.trust_env = False

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout=30), "the sandbox says nothing"
        return self.process.stdout.readline()

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

    def set_fault(self, operation: str, fault: str, **settings: Any) -> None:
        """Lets a fault spoil calls of `operation`; the sandbox's README has the names and the settings."""
        answer = self.http.post(
            f"{self.root}/_sandbox/faults", json={"operation": operation, "fault": fault, **settings}, timeout=30
        )
        assert answer.ok, answer.text

    def reset(self) -> None:
        self.control("POST", "reset")


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
    """One task of a run: its status, what it returned, and the calls that the sandbox got meanwhile."""

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
        """Those of them that write, whatever came of them."""
        return [call["operation"] for call in self.calls if call["attempted_write"]]


@dataclass
class Run:
    """One run of ansible-playbook."""

    status: int
    output: str
    steps: list[Step] = field(default_factory=list)


def plain_environment(folder: Path, *collections: Path) -> dict[str, str]:
    """The caller's environment without what would reach into a run. Ansible keeps its files in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SENDGRID_"))}
    # An empty one keeps the caller's own out.
    configuration = folder / "ansible.cfg"
    configuration.touch()
    return {
        **kept,
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(map(str, collections)),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
    }


def ansible_environment(folder: Path, collections_path: Path) -> dict[str, str]:
    """The same, with what tests want of Ansible."""
    return {
        **plain_environment(folder, collections_path),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_RETRY_FILES_ENABLED": "false",
        "ANSIBLE_NOCOLOR": "true",
    }


@cache
def preloaded(collections_path: Path) -> Preloaded:
    """One for all plain runs of this process. It keeps the files of Ansible beside the tree of collections."""
    folder = Path(tempfile.mkdtemp(prefix="preloaded-", dir=collections_path))
    started = Preloaded({**ansible_environment(folder, collections_path), "ANSIBLE_CALLBACKS_ENABLED": "steps"})
    atexit.register(started.close)
    return started


@dataclass
class Ansible:
    """Runs playbooks against one sandbox with one account and one format."""

    sandbox: Sandbox
    folder: Path
    collections_path: Path
    api_user: str
    api_key: str
    defaults: dict[str, Any] = field(default_factory=dict)
    direct: bool = True

    def environment(self) -> dict[str, str]:
        """The caller's environment without what would reach into a run, and with the sandbox as the service."""
        return {
            **ansible_environment(self.folder, self.collections_path),
            "STEPS_FILE": str(self.folder / "steps.jsonl"),
            "STEPS_LOG": self.sandbox.root + "/_sandbox/log",
            "SENDGRID_API_URL": self.sandbox.api_url,
            "SENDGRID_API_USER": self.api_user,
            "SENDGRID_API_KEY": self.api_key,
        }

    def command(self, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command of Ansible (`ansible`, `ansible-playbook` …) and returns what it printed."""
        return subprocess.run(
            [str(Path(sys.executable).parent / arguments[0]), *arguments[1:]],
            cwd=self.folder,
            env={**self.environment(), **(environment or {})},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def play(
        self, tasks: list[dict[str, Any]], *arguments: str, environment: dict[str, str] | None = None, **play: Any
    ) -> Run:
        """One play on this machine with `tasks`; `arguments` go to ansible-playbook."""
        playbook = self._playbook(tasks, **play)
        steps = self.folder / "steps.jsonl"
        steps.unlink(missing_ok=True)
        status, output = self._run([str(playbook), *arguments], environment or {})
        lines = steps.read_text(encoding="utf-8").splitlines() if steps.exists() else []
        # A run without a single result is never what a test wants: its checks of each step would pass unseen.
        assert lines, output
        return Run(status, output, [Step(**json.loads(line)) for line in lines])

    def _run(self, arguments: list[str], changes: dict[str, str]) -> tuple[int, str]:
        """Status and output of ansible-playbook, in an environment with `changes`."""
        # What these change is settled when a program starts.
        if any(name.startswith(("ANSIBLE_", "PYTHON")) for name in changes):
            settings = {"ANSIBLE_CALLBACKS_ENABLED": "steps", **changes}
            done = self.command("ansible-playbook", *arguments, environment=settings)
            return done.returncode, done.stdout + done.stderr
        return preloaded(self.collections_path).run(
            ["ansible-playbook", *arguments], self.folder, {**self.environment(), **changes}
        )

    def start(self, tasks: list[dict[str, Any]], **settings: str) -> subprocess.Popen[str]:
        """The same, begun in a session of its own and not waited for. `settings`: of its environment."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "ansible-playbook"), str(self._playbook(tasks))],
            cwd=self.folder,
            env={**self.environment(), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _playbook(self, tasks: list[dict[str, Any]], **play: Any) -> Path:
        """A file with one play on this machine."""
        playbook = self.folder / "playbook.yml"
        defaults = {"group/mailfleet.sendgrid.reseller": self.defaults}
        content = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": defaults,
            "vars": {"sendgrid_direct_execution": self.direct},
            "tasks": tasks,
            **play,
        }
        playbook.write_text(yaml.safe_dump([content], allow_unicode=True, sort_keys=False), encoding="utf-8")
        return playbook

    def one(self, module: str, *arguments: str, **options: Any) -> Step:
        """One task."""
        run = self.play([task(module, options)], *arguments)
        assert len(run.steps) == 1, run.output
        return run.steps[0]

    def four_ways(self, module: str, **options: Any) -> tuple[Step, Step, Step, Step]:
        """The same task in check mode and really, when there is something to do and when it is done."""
        tasks = [task(module, options, check_mode=check_mode) for check_mode in (True, False, True, False)]
        run = self.play(tasks)
        assert run.status == 0, run.output
        first, second, third, fourth = run.steps
        return first, second, third, fourth


def task(module: str, options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    """A task for a playbook; `module` without its collection."""
    return {"name": module, MODULES + module: options, **keywords}
