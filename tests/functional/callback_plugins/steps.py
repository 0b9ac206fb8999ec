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
    """Reads E(STEPS_FILE), where to write to, and E(STEPS_CONTROLS), the control addresses of the sandbox.

    With E(STEPS_SHARED), each play stands for a run of its own. It begins with the sandbox in its seeded state and
    without the variables of earlier plays. What it leaves in the sandbox is written when it has ended.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "steps"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._opener = build_opener(ProxyHandler({}))
        self._shared = "STEPS_SHARED" in os.environ
        self._play = ""
        self._seen = len(self._ask("log"))

    def _ask(self, name: str, body: bytes | None = None) -> t.Any:
        """What a control address answers; with a `body`, to a POST."""
        with self._opener.open(os.environ["STEPS_CONTROLS"] + name, body) as answer:
            return json.load(answer)

    def _write(self, line: dict[str, t.Any]) -> None:
        with open(os.environ["STEPS_FILE"], "a", encoding="utf-8") as steps:
            steps.write(json.dumps({"play": self._play, **line}, default=str) + "\n")

    def _write_step(self, status: str, result: t.Any) -> None:
        calls = self._ask(f"log?after={self._seen}")
        self._seen += len(calls)
        self._write({"name": result._task.get_name(), "status": status, "result": result._result, "calls": calls})

    def _end_play(self) -> None:
        if self._play:
            self._write({"customers": self._ask("customers"), "log": self._ask("log")})

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if not self._shared:
            return
        self._end_play()
        self._play = play.get_name()
        self._ask("reset", b"")
        self._seen = 0
        variables = play.get_variable_manager()
        variables._nonpersistent_fact_cache.clear()
        variables._vars_cache.clear()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._end_play()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write_step("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write_step("failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write_step("unreachable", result)
