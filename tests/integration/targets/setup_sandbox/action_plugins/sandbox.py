# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox of a target: starts it, looks into it, takes it back to its seed.

    sandbox: {do: start}   its addresses and the account; it ends with ansible-playbook, whatever becomes of the play
    sandbox: {do: look}    the calls since the last look or reset, and what is stored
    sandbox: {do: reset}   the seeded customers, and no calls

What `start` returns is to be registered as `sandbox`. `look` returns `calls` as the sandbox logs them, of these
`called`, the operations, and `written`, those of them that write, whatever came of them; and `stored`, the customers by
username.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

SEED = Path(__file__).parents[1] / "files" / "seed.json"
PATIENCE = 30


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(
            {"do": {"type": "str", "required": True, "choices": list(_STEPS)}}
        )
        return {**result, "changed": False, **_STEPS[arguments["do"]]((task_vars or {}).get("sandbox", {}))}


def _start(_sandbox):
    # This is a worker, and its parent the process that ends with the play.
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0", "--behaviour", "observed", "--seed", str(SEED)]
    process = subprocess.Popen(
        [*command, "--until-end-of", str(os.getppid())],
        cwd=import_module("ansible_collections.mailfleet.sendgrid").__path__[0],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # Why it cannot start is its first line, then.
        stderr=subprocess.STDOUT,
        text=True,
        # A worker may end with all processes of its session.
        start_new_session=True,
    )
    line = process.stdout.readline()
    words = line.split()
    if words[:3] != ["sandbox", "listening", "on"]:
        raise AnsibleActionFail(f"The sandbox did not start: {line}{process.communicate(timeout=PATIENCE)[0]}")
    account = json.loads(SEED.read_text(encoding="utf-8"))["accounts"][0]
    root = words[3].removesuffix("/apiv2")
    urls = {"api_url": words[3], "v3_url": f"{root}/v3", "eu_v3_url": f"{root}/eu/v3"}
    return {**account, **urls, "pid": process.pid}


def _look(sandbox):
    calls, _forgotten, stored = _ask(sandbox, "GET log", "DELETE log", "GET customers")
    return {
        "calls": calls,
        "called": [call["operation"] for call in calls],
        "written": [call["operation"] for call in calls if call["attempted_write"]],
        "stored": {customer["username"]: customer for customer in stored},
    }


def _reset(sandbox):
    _ask(sandbox, "POST reset")
    return {}


def _ask(sandbox, *requests):
    """What the control addresses answer."""
    address = urlsplit(sandbox["api_url"])
    answers = []
    with closing(HTTPConnection(address.hostname, address.port, timeout=PATIENCE)) as connection:
        for verb, name in map(str.split, requests):
            connection.request(verb, f"/_sandbox/{name}")
            answers.append(json.loads(connection.getresponse().read()))
    return answers


_STEPS = {"start": _start, "look": _look, "reset": _reset}
