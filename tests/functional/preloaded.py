# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook with its imports done once: half of what a short run costs is importing.

A program that has imported Ansible waits for runs, and forks for each. The child is what `ansible-playbook` would be:
a process with arguments, environment, folder and output of its own, which ends like any program. The one difference is
that Ansible reads ANSIBLE_* when it is imported. So these are the same for all runs of one such program; a run that
wants others has to be started as usual.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

# What a run imports anyway.
IMPORTS = (
    "ansible.cli.playbook",
    "ansible.executor.process.worker",
    "ansible.module_utils.basic",
    "ansible.plugins.callback.default",
    "ansible.plugins.connection.local",
    "ansible.plugins.inventory.auto",
    "ansible.plugins.inventory.host_list",
    "ansible.plugins.inventory.ini",
    "ansible.plugins.inventory.script",
    "ansible.plugins.inventory.yaml",
    "ansible.plugins.shell.sh",
    "ansible.plugins.strategy.linear",
    "ansible.plugins.vars.host_group_vars",
    "requests",
    "xmltodict",
)


class Preloaded:
    """Runs ansible-playbook in the environment `settings`, as far as it is about Ansible itself."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__], env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str]:
        """Status and output of one run."""
        output = folder / "output"
        job = {"arguments": arguments, "folder": str(folder), "environment": environment, "output": str(output)}
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps(job), file=self.process.stdin, flush=True)
        status = int(self.process.stdout.readline())
        return status, output.read_text(encoding="utf-8")

    def close(self) -> None:
        self.process.communicate(timeout=30)


def serve() -> dict[str, Any]:
    """Fork for each job that comes in, and tell its status. Returns in the child, with its job; or ends."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return json.loads(line)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(status, flush=True)
    # The child of the last run has removed what there was to remove.
    os._exit(0)


def become(job: dict[str, Any]) -> None:
    """Take over what a program has of its own."""
    sys.argv[:] = job["arguments"]
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    taken = {0: (os.devnull, os.O_RDONLY), 1: (job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)}
    for number, (path, mode) in taken.items():
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)


def main() -> None:
    for name in IMPORTS:
        importlib.import_module(name)
    constants = importlib.import_module("ansible.constants")
    become(serve())
    # Each run removes it when it ends.
    os.makedirs(constants.DEFAULT_LOCAL_TMP, exist_ok=True)
    importlib.import_module("ansible.cli.playbook").main()


if __name__ == "__main__":
    main()
