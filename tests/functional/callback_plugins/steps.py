# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes each task's result, with the calls that the sandbox got meanwhile, as one line of JSON to a file."""

from __future__ import annotations

import json
import os
import typing as t
from urllib.request import ProxyHandler, build_opener

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: steps
type: aggregate
short_description: Results and calls of a test
description:
  - Writes what each task returned and what the sandbox was asked meanwhile.
"""


class CallbackModule(CallbackBase):
    """Reads E(STEPS_FILE), where to write to, and E(STEPS_LOG), the address of the sandbox's log."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "steps"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._opener = build_opener(ProxyHandler({}))
        self._seen = len(self._log())

    def _log(self) -> list[t.Any]:
        with self._opener.open(os.environ["STEPS_LOG"]) as answer:
            return json.load(answer)

    def _write(self, status: str, result: t.Any) -> None:
        log = self._log()
        step = {
            "name": result._task.get_name(),
            "status": status,
            "result": result._result,
            "calls": log[self._seen :],
        }
        self._seen = len(log)
        with open(os.environ["STEPS_FILE"], "a", encoding="utf-8") as steps:
            steps.write(json.dumps(step, default=str) + "\n")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write("unreachable", result)
