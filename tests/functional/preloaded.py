# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs with their imports done once: most of what a short run of Ansible costs is importing and loading plugins.

A server that has imported what they need waits for runs, and forks for each. The child is what the program would be: a
process with arguments, environment, folder, output and, where that is asked for, a session of its own, which ends like
any program. Three things differ. Ansible reads ANSIBLE_* when it is imported, and Python reads PYTHON* when it starts:
so these are the same for all runs of one server. /proc shows the environment of the server in place of the child's. And
a run does not say which collections it loads, since they are loaded.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# What each command runs. Anything else is the path of a Python program, or a module that is run as one.
COMMANDS = {
    "ansible-doc": "ansible.cli.doc",
    "ansible-inventory": "ansible.cli.inventory",
    "ansible-playbook": "ansible.cli.playbook",
}
# What runs of Ansible import anyway.
ANSIBLE = (
    *COMMANDS.values(),
    "ansible.executor.process.worker",
    "ansible.module_utils.basic",
    "requests",
    "xmltodict",
)
# Kinds of plugins that a run loads all of, or many. Not those for variables: Ansible enables them when none is loaded.
KINDS = (
    "action",
    "become",
    "callback",
    "connection",
    "filter",
    "inventory",
    "lookup",
    "shell",
    "strategy",
    "test",
)
# What the collection's own plugins import. Not the plugins: some look at the process that they are loaded in.
COLLECTION = "ansible_collections.mailfleet.sendgrid.plugins.module_utils."
SHARED = ("_apis", "_fleet", "_info", "_module", "_tasks")


@dataclass
class Forked:
    """A run under way, with those methods of `subprocess.Popen` that tests need."""

    server: Preloaded
    number: int
    output: Path
    errors: Path
    events: dict[str, int] = field(default_factory=dict)
    _read: int = 0

    @property
    def pid(self) -> int:
        self._wait_for("pid", 60)
        return self.events["pid"]

    @property
    def returncode(self) -> int | None:
        return self.events.get("status")

    def poll(self) -> int | None:
        self.server.receive(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self._wait_for("status", timeout)
        return self.events["status"]

    def read_line(self, timeout: float) -> str:
        """The first line of the output, or what there is of it when the run has ended."""
        deadline = time.monotonic() + timeout
        line = ""
        while not line.endswith("\n") and time.monotonic() < deadline:
            has_ended = self.returncode is not None
            self.server.receive(0.01)
            if self.output.exists():
                line = "".join(self.output.read_text(encoding="utf-8").splitlines(keepends=True)[:1])
            if has_ended:
                break
        self._read = len(line)
        return line

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Output that was not read and error output, when the run and all that it forked have ended.

        `timeout`: seconds without news.
        """
        for event in ("status", "closed"):
            self._wait_for(event, timeout)
        errors = "" if self.errors == self.output else self.errors.read_text(encoding="utf-8")
        return self.output.read_text(encoding="utf-8")[self._read :], errors

    def _wait_for(self, event: str, timeout: float | None) -> None:
        while event not in self.events:
            if not self.server.receive(timeout):
                raise subprocess.TimeoutExpired(str(self.output), timeout or 0)


class Preloaded:
    """A server in the environment `settings`, which counts as far as it is about Ansible or Python itself."""

    def __init__(self, settings: dict[str, str], imports: tuple[str, ...] = ANSIBLE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, *imports], env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._outputs = Path(tempfile.mkdtemp(prefix="outputs-"))
        self._runs: list[Forked] = []
        self._rest = b""

    def start(
        self,
        arguments: list[str],
        folder: Path,
        environment: dict[str, str],
        session: bool = False,
        one_output: bool = False,
    ) -> Forked:
        """Begins a run. `session`: in one of its own. `one_output`: errors go where the output goes."""
        number = len(self._runs)
        output = self._outputs / f"output-{number}"
        errors = output if one_output else self._outputs / f"errors-{number}"
        job = {
            "number": number,
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
            "output": str(output),
            "errors": str(errors),
            "session": session,
        }
        self._runs.append(Forked(self, number, output, errors))
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job).encode() + b"\n")
        return self._runs[-1]

    def run(
        self,
        arguments: list[str],
        folder: Path,
        environment: dict[str, str],
        timeout: float,
        one_output: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """A run to its end, as `subprocess.run` returns it."""
        running = self.start(arguments, folder, environment, one_output=one_output)
        output, errors = running.communicate(timeout)
        assert running.returncode is not None
        return subprocess.CompletedProcess(arguments, running.returncode, output, errors)

    def receive(self, timeout: float | None) -> bool:
        """Takes in what the server tells about its runs; False when it told nothing in `timeout` seconds."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                return False
        received = os.read(self.process.stdout.fileno(), 65536)
        assert received, "the server of preloaded programs has ended"
        *lines, self._rest = (self._rest + received).split(b"\n")
        for event in map(json.loads, lines):
            self._runs[event.pop("number")].events.update(event)
        return True

    def close(self) -> None:
        self.process.communicate(timeout=30)
        shutil.rmtree(self._outputs)


# What a run does at an interrupt: as the server would have done, if it served nobody.
ON_INTERRUPT = signal.getsignal(signal.SIGINT)


def serve() -> dict[str, Any]:
    """Fork for each job that comes in, and tell how it gets on. Returns in the child; or ends.

    `pid`, its process; `status`, when that has ended; `closed`, when what it has forked has ended as well.
    """
    under_way: dict[int, int] = {}
    rest = b""
    # Python writes to this pipe for each child that ends.
    ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    signal.signal(signal.SIGCHLD, lambda *_arguments: None)
    # An interrupt at the keyboard is for the program that started this one, which ends it by closing its input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(ended, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            received = os.read(key.fd, 65536)
            if key.fd == ended:
                tell_of_ended(under_way)
            elif key.fd != 0:
                # Nobody writes to it: whoever could has ended.
                selector.unregister(key.fd)
                os.close(key.fd)
                tell(number=key.data, closed=1)
            elif not received:
                # The children have removed what there was to remove.
                os._exit(0)
            else:
                *lines, rest = (rest + received).split(b"\n")
                for job in map(json.loads, lines):
                    held, holder = os.pipe()
                    child = os.fork()
                    if child == 0:
                        signal.set_wakeup_fd(-1)
                        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                        selector.close()
                        return job
                    os.close(holder)
                    selector.register(held, selectors.EVENT_READ, job["number"])
                    under_way[child] = job["number"]


def tell_of_ended(under_way: dict[int, int]) -> None:
    """`under_way`: the numbers of the jobs by process. Those that have ended leave it."""
    while under_way:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child == 0:
            return
        tell(number=under_way.pop(child), status=os.waitstatus_to_exitcode(status))


def tell(**event: int) -> None:
    # Short enough to arrive whole, whoever else writes at the same time.
    os.write(1, json.dumps(event).encode() + b"\n")


def become(job: dict[str, Any]) -> None:
    """Take over what a program has of its own, and tell which process it is."""
    if job["session"]:
        os.setsid()
    sys.argv[:] = job["arguments"]
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    written = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    open_as(0, os.devnull, os.O_RDONLY)
    open_as(2, job["errors"], written)
    # From now on an interrupt ends the run, and what Python says of that is the run's own.
    signal.signal(signal.SIGINT, ON_INTERRUPT)
    tell(number=job["number"], pid=os.getpid())
    open_as(1, job["output"], written)


def open_as(number: int, path: str, mode: int) -> None:
    """Open a file under the number of a standard one."""
    opened = os.open(path, mode, 0o600)
    os.dup2(opened, number)
    os.close(opened)


def run_command(name: str) -> None:
    """What the program of this name would do."""
    if name not in COMMANDS:
        run = runpy.run_path if name.endswith(".py") else runpy.run_module
        run(name, run_name="__main__")
        return
    constants = importlib.import_module("ansible.constants")
    # The one that came with the import is the server's.
    os.makedirs(os.environ["ANSIBLE_LOCAL_TEMP"], mode=0o700, exist_ok=True)
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix="ansible-local-", dir=os.environ["ANSIBLE_LOCAL_TEMP"])
    atexit.register(shutil.rmtree, constants.DEFAULT_LOCAL_TMP, ignore_errors=True)
    sys.exit(importlib.import_module(COMMANDS[name]).main())


def load_plugins() -> None:
    """Have Ansible load what it loads for each run."""
    loaders = importlib.import_module("ansible.plugins.loader")
    loaders.init_plugin_loader()
    # A run begins with the same call, and Ansible warns of a second one.
    warnings.filterwarnings("ignore", "AnsibleCollectionFinder has already been configured")
    for kind in KINDS:
        list(getattr(loaders, f"{kind}_loader").all(class_only=True))
    for name in SHARED:
        importlib.import_module(COLLECTION + name)


def main(*imports: str) -> None:
    for name in imports:
        importlib.import_module(name)
    if set(COMMANDS.values()) & set(imports):
        load_plugins()
    # The memory that a child shares with the server is not collected in the child, which would copy it.
    gc.freeze()
    become(serve())
    run_command(sys.argv[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
