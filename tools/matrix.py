# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test's sanity, unit and integration tests with each supported ansible-core, on the Pythons of this
machine that it runs on.

Each pair of a core and a Python has an environment of its own below .venv-matrix, with what tests/requirements locks
for that core. A few jobs run at once; what a job printed is shown when it failed.

ansible-test does not work in a folder with spaces in its name: then the environments are below ~/.cache.

    python tools/matrix.py              # all of it
    python tools/matrix.py units 2.17   # the jobs that have all these words in their names
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import run_ansible_test
import staging
from environment import clean_environment

# Each ansible-core, and the Pythons that it runs on as a controller.
CORES = {
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13"),
    "2.21": ("3.12", "3.13"),
}
# Unit and integration tests run on the oldest and the newest Python of each core, and with these cores on the newest
# only. The cores before and after them cover the other Pythons.
BETWEEN = ("2.18", "2.20")
# A Python that only targets have.
OLDEST_TARGET = "3.9"
LOCKS = staging.CHECKOUT / "tests" / "requirements"


@dataclass(frozen=True)
class Environment:
    """A lock file of tests/requirements, installed for one Python."""

    lock: str
    python: str

    @property
    def folder(self) -> Path:
        return environments(staging.CHECKOUT) / f"{self.lock}-{self.python}"


@dataclass(frozen=True)
class Job:
    """One run of tools/run_ansible_test.py. `target`: where the code under test runs, if not beside ansible-core."""

    kind: str
    controller: Environment
    target: Environment | None = None

    @property
    def name(self) -> str:
        return f"{self.kind} {self.controller.lock} python-{(self.target or self.controller).python}"

    @property
    def environments(self) -> list[Environment]:
        return [self.controller, *([self.target] if self.target else [])]

    def command(self) -> list[str]:
        python = self.controller.folder / "bin" / "python"
        return [str(python), str(staging.CHECKOUT / "tools" / "run_ansible_test.py"), self.kind, *self._arguments()]

    def _arguments(self) -> list[str]:
        if self.target:
            return ["--target-python", f"{self.target.python}@{self.target.folder}/bin/"]
        # Sanity tests use all Pythons that they find.
        return [] if self.kind == "sanity" else ["--python", self.controller.python]


def main(words: list[str]) -> int:
    pythons = interpreters()
    print(f"Pythons on this machine: {', '.join(pythons)}", flush=True)
    jobs = [job for job in all_jobs(set(pythons)) if all(word in job.name for word in words)]
    missing = (
        [] if words else [core for core in CORES if not any(job.controller.lock == f"core-{core}" for job in jobs)]
    )
    if missing or not jobs:
        print(f"Nothing here runs {' '.join(words) or 'ansible-core ' + ', '.join(missing)}.", file=sys.stderr)
        return 1
    for environment in {each: None for job in jobs for each in job.environments}:
        make(environment, pythons[environment.python])
    failed = run_all(jobs)
    print(f"{len(jobs)} runs of ansible-test; failed: {', '.join(failed) or 'none'}", flush=True)
    return 1 if failed else 0


def all_jobs(pythons: set[str]) -> list[Job]:
    """The jobs that can run with these Pythons, the longest first."""
    found = [[Environment(f"core-{core}", each) for each in known if each in pythons] for core, known in CORES.items()]
    pairs = [pair for pairs in found for pair in pairs]
    # Sanity tests find all Pythons themselves, so each core needs only one to start with.
    newest = [pairs[-1] for pairs in found if pairs]
    measured, others = newest[-1:], [pair for pair in pairs if pair not in newest[-1:]]
    between = {f"core-{core}" for core in BETWEEN}
    oldest = [pairs[0] for pairs in found if pairs and pairs[0].lock not in between]
    ends = [pair for pair in others if pair in (*newest, *oldest)]
    targets = [Environment(f"target-{OLDEST_TARGET}", OLDEST_TARGET)] if OLDEST_TARGET in pythons else []
    return [
        *(Job("sanity", pair) for pair in newest),
        *(Job("coverage", pair) for pair in measured),
        *(Job(kind, pair) for kind in ("integration", "units") for pair in ends),
        *(Job("units", pair, target) for pair in newest for target in targets),
    ]


def interpreters() -> dict[str, str]:
    """The path of each Python of this machine, by its version (`3.10`), oldest first."""
    versions = sorted({OLDEST_TARGET, *(python for known in CORES.values() for python in known)}, key=_number)
    path = os.pathsep.join([*run_ansible_test.interpreter_folders(), os.environ.get("PATH", os.defpath)])
    found = {version: shutil.which(f"python{version}", path=path) for version in versions}
    return {version: place for version, place in found.items() if place}


def _number(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def make(environment: Environment, python: str) -> None:
    """Install the environment, unless it exists and its lock file has not changed."""
    lock = (LOCKS / f"{environment.lock}.txt").read_text(encoding="utf-8")
    stamp = environment.folder / ".installed"
    wanted = f"{python}\n{environment.folder}\n{lock}"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Making {environment.folder}", flush=True)
    run_uv("venv", "--clear", "--python", python, str(environment.folder))
    locked = ["--require-hashes", "--requirements", f"{LOCKS / environment.lock}.txt"]
    run_uv("pip", "install", "--python", str(environment.folder), *locked)
    stamp.write_text(wanted, encoding="utf-8")


def environments(checkout: Path) -> Path:
    """The folder of the environments. ansible-test passes their paths on in lists and in first lines of scripts."""
    if re.fullmatch(r"[\w./+-]+", str(checkout)):
        return checkout / ".venv-matrix"
    digest = hashlib.sha256(str(checkout).encode()).hexdigest()[:12]
    return Path.home() / ".cache" / "mailfleet.sendgrid" / f"matrix-{digest}"


def run_uv(*arguments: str, folder: Path = staging.CHECKOUT) -> None:
    """Run the uv that is installed beside this Python, without the caller's settings."""
    settings = {"UV_PYTHON_DOWNLOADS": "never", "UV_COMPILE_BYTECODE": "1", "UV_LINK_MODE": "copy", "UV_NO_CONFIG": "1"}
    command = [str(Path(sys.executable).parent / "uv"), "--quiet", *arguments]
    subprocess.run(command, cwd=folder, env={**clean_environment(), **settings}, check=True)


def run_all(jobs: list[Job]) -> list[str]:
    """Run the jobs, and print a line when each one ends. Returns the names of the jobs that failed."""
    # One more than there are processors, since jobs wait for programs and answers.
    with concurrent.futures.ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        return [name for failed in pool.map(_run_lane, lanes(jobs)) for name in failed]


def lanes(jobs: list[Job]) -> list[list[Job]]:
    """Lists of jobs. The lists may run side by side, the jobs of one list may not: sanity tests of all cores share the
    environments that they make below ~/.ansible."""
    sanity = [job for job in jobs if job.kind == "sanity"]
    return [*([sanity] if sanity else []), *([job] for job in jobs if job.kind != "sanity")]


def _run_lane(lane: list[Job]) -> list[str]:
    """Run the jobs one after the other. Returns the names of the jobs that failed."""
    return [job.name for job in lane if not _passes(job)]


def _passes(job: Job) -> bool:
    status, output, seconds = _run(job)
    shown = f"---- {job.name}:\n{output}---- {job.name}: FAILED" if status else f"{job.name}: {_last_line(output)}"
    print(f"{shown} ({seconds:.0f} s)", flush=True)
    return status == 0


def _run(job: Job) -> tuple[int, str, float]:
    """The status, output and seconds of one job."""
    start = time.monotonic()
    done = subprocess.run(
        job.command(),
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, time.monotonic() - start


def _last_line(output: str) -> str:
    return output.rstrip().rpartition("\n")[2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
