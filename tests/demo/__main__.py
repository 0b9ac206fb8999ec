# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge a small fleet against the sandbox, twice, and show what became of it. Only this machine is involved.

    python -m tests.demo [--api {reseller,subusers}] [ARGUMENT ...]

With `--api subusers`, API v3 manages the fleet; the default is API v2. The other arguments are passed on
to ansible-playbook, as in `python -m tests.demo -v`. Exit status: 0 when both runs succeed and the second changes
nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from tests.collection_tree import CHECKOUT, make_tree
from tests.sandbox.seed import DEMO_FLEET, DEMO_V3_KEY
from tools.environment import ansible_environment, clean_environment

HERE = Path(__file__).resolve().parent
INFO_MODULE = "mailfleet.sendgrid.reseller_customer_info"

_WIDTH = 100
_SECONDS_TO_STOP = 10
# What an interrupted program says to the shell.
_INTERRUPTED = 130

_LISTENING = re.compile(r"sandbox listening on (\S+)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RECAP = re.compile(r"^localhost\s*:\s(?P<counts>ok=\d+ .*)$", re.MULTILINE)
# The first line of the summary that the role or the playbook prints.
_COUNTS = re.compile(r"\b(?P<total>\d+) customers?(?: \([^)]*\))?: (?P<counts>\d+ [a-z ]+(?:, \d+ [a-z ]+)*)")


@dataclass(frozen=True)
class Api:
    """How the customers are managed through one API.

    `path`: the end of its address. `details`: arguments that let the info module read what the table shows.
    """

    playbook: str
    path: str
    details: tuple[str, ...] = ()


# By choice of the option `api`, the default first.
APIS = {
    "reseller": Api("converge.yml", "/apiv2"),
    "subusers": Api("converge_v3.yml", "/v3", ("-a", "details=profile")),
}


class DemoError(Exception):
    """The demo did not go as it should; the text is a sentence."""


@dataclass(frozen=True)
class Run:
    """One run of the playbook. `output` is what it printed, without colours."""

    output: str

    @property
    def recap(self) -> str:
        """`ok=1 changed=0 ...` of the only host."""
        found = _RECAP.search(self.output)
        if found is None:
            raise DemoError("ansible-playbook printed no recap.")
        return " ".join(found["counts"].split())

    @property
    def changed_nothing(self) -> bool:
        return "changed=0" in self.recap.split()

    @property
    def summary(self) -> str:
        """What the run tells of its customers, and the recap, which counts tasks."""
        found = _COUNTS.search(self.output)
        if found is None:
            raise DemoError("the playbook did not tell what became of the fleet.")
        counts = {name: int(count) for count, name in (one.split(" ", 1) for one in found["counts"].split(", "))}
        changed = sum(count for name, count in counts.items() if name != "unchanged")
        return f"{changed} of {found['total']} customers changed: {found['counts']}.\n    Recap: {self.recap}"


def main(arguments: Sequence[str]) -> int:
    if "-h" in arguments or "--help" in arguments:
        print(__doc__)
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    own, passed_on = _parser().parse_known_args(arguments)
    try:
        _tell_the_story(own.api, passed_on)
    except DemoError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    """For what is not passed on. Without abbreviations, which could be options of ansible-playbook."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo", add_help=False, allow_abbrev=False)
    parser.add_argument("--api", choices=[*APIS], default=next(iter(APIS)))
    return parser


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave by an exception, so that the sandbox is stopped on the way out."""
    raise SystemExit(128 + number)


def _tell_the_story(choice: str, arguments: Sequence[str]) -> None:
    api = APIS[choice]
    with tempfile.TemporaryDirectory(prefix="mailfleet-sendgrid-demo-", ignore_cleanup_errors=True) as scratch:
        _heading("1. Start the sandbox, a stand-in for the service that listens on this machine only")
        with running_sandbox() as root:
            api_url = root + api.path
            print(f"It listens on {api_url} and holds {len(_seed()['customers'])} customers.")
            settings = demo_environment(Path(scratch), choice, api_url)

            _heading("2. Converge the fleet: first run")
            first = _converge(api, arguments, settings)

            _heading("3. Converge the fleet: second run, with nothing left to do")
            second = _converge(api, arguments, settings)

            _heading("4. The customers as they are now")
            _print_table(_customers(api, settings))

            _heading("5. Summary")
            print(f"First run: {first.summary}")
            print(f"Second run: {second.summary}")
        print("\nThe sandbox is stopped. To go on, change tests/demo/fleet.yml and run the demo again.")
    if not second.changed_nothing and not {"-C", "--check"} & set(arguments):
        raise DemoError("the second run should have changed nothing.")


def _heading(text: str) -> None:
    """Flushed, because what follows may come from another process."""
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def _seed() -> dict[str, Any]:
    """The account, and the customers before the first run."""
    return json.loads(DEMO_FLEET.read_text(encoding="utf-8"))


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], stderr: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program with readable output. It ends with the block at the latest."""
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running_sandbox() -> Iterator[str]:
    """The sandbox, as it was recorded of the service; its address without the path of an API."""
    options = ["--port", "0", "--behaviour", "observed", "--demo"]
    with _running([sys.executable, "-m", "tests.sandbox", *options], clean_environment()) as process:
        found = _LISTENING.match(process.stdout.readline())
        if found is None:
            raise DemoError("the sandbox did not start.")
        yield found[1].removesuffix("/apiv2")


def demo_environment(scratch: Path, choice: str, api_url: str) -> dict[str, str]:
    """The environment for Ansible. Its files go to `scratch`."""
    account = _seed()["accounts"][0]
    settings = {
        # The interpreter that has what the collection needs, and no search for another one.
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "ANSIBLE_REMOTE_TEMP": str(scratch / "remote"),
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_NOCOWS": "1",
        "SENDGRID_API": choice,
        "SENDGRID_API_URL": api_url,
        "SENDGRID_API_USER": account["api_user"],
        "SENDGRID_API_KEY": DEMO_V3_KEY if choice == "subusers" else account["api_key"],
    }
    if sys.stdout.isatty():
        # Ansible itself writes into a pipe.
        settings["ANSIBLE_FORCE_COLOR"] = "1"
    return {**ansible_environment(scratch, make_tree(scratch / "collections")), **settings}


def _converge(api: Api, arguments: Sequence[str], environment: dict[str, str]) -> Run:
    """Run the playbook and show its output while it comes."""
    command = ["ansible-playbook", str((HERE / api.playbook).relative_to(CHECKOUT)), "--diff", *arguments]
    print(f"$ {shlex.join(command)}", flush=True)
    lines = []
    # As YAML, a diff is short and shows letters beyond ASCII as they are.
    settings = {**environment, "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"}
    # Its warnings come between its other lines, where they belong.
    with _running([find_program(command[0]), *command[1:]], settings, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        status = process.wait()
    if status != 0:
        raise DemoError(f"ansible-playbook ended with status {status}.")
    return Run(_COLOUR.sub("", "".join(lines)))


def find_program(name: str) -> str:
    """The program of this Python's environment, activated or not."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise DemoError(f"there is no {name} here; `make demo` brings it.")
    return found


def _customers(api: Api, environment: dict[str, str]) -> list[dict[str, Any]]:
    """What the info module tells."""
    command = ["ansible", "localhost", "-m", INFO_MODULE, *api.details]
    print(f"$ {shlex.join(command)}\n", flush=True)
    with _running([find_program(command[0]), *command[1:]], {**environment, "ANSIBLE_FORCE_COLOR": "0"}) as process:
        output = process.stdout.read()
        status = process.wait()
    # `localhost | SUCCESS => {...}`
    result = output.partition("=>")[2]
    if status != 0 or not result:
        raise DemoError(f"the customers could not be listed: {output.strip()}")
    return json.loads(result)["customers"]


def _print_table(customers: Sequence[dict[str, Any]]) -> None:
    rows = [("CUSTOMER", "CITY", "WEBSITE", "SENDS", "LOGS IN"), *map(_row, customers)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
        print(line.rstrip()[:_WIDTH])


def _row(customer: dict[str, Any]) -> tuple[str, ...]:
    return (
        customer["username"],
        f"{customer['city']}, {customer['country']}",
        customer["website"],
        _word(customer["active"]),
        _word(customer["website_access"]),
    )


def _word(value: bool | None) -> str:
    """None: the API does not show it."""
    return {True: "yes", False: "no", None: "hidden"}[value]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
