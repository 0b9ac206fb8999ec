# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the built tarball as Galaxy checks an upload, and its documentation as ansible-navigator shows it.

galaxy-importer may log an error and still succeed, and it succeeds if it finds nothing to check. So every warning and
every error in its log is a failure, and the log must name each plugin, role and playbook of the collection.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import navigator
import staging

CONFIGURATION = Path(__file__).resolve().with_name("galaxy-importer.cfg")
# The text in the log for each step.
STEPS = (
    "Getting doc strings via ansible-doc",
    "Finding content inside collection",
    "Linting collection via ansible-lint",
    "...ansible-lint run complete",
    "Importer processing completed successfully",
)
COMPLAINT = re.compile(r"\b(WARNING|ERROR|CRITICAL|Traceback)\b")
LOADED = re.compile(r"^Loading (\S+ \S+)$", re.MULTILINE)
# The kinds that have a page on Galaxy, and the key of the result that the page comes from.
SHOWN = {**dict.fromkeys(("module", "filter", "inventory", "lookup"), "doc_strings"), "role": "readme_html"}
# The importer does not know this kind.
OVERLOOKED = "plugin_utils"


def main() -> int:
    with staging.staged_copy() as copy, tempfile.TemporaryDirectory(prefix="mailfleet-sendgrid-") as scratch:
        tarball = staging.build(copy, Path(scratch))
        problems = _imported(copy, tarball, Path(scratch))
        problems += navigator.problems(staging.install(tarball, Path(scratch, "installed")))
    print(*(f"Problem: {problem}" for problem in problems), sep="\n", end="\n" if problems else "")
    print(f"Problems with what Galaxy and ansible-navigator show: {len(problems)}", flush=True)
    return 1 if problems else 0


def _imported(copy: Path, tarball: Path, scratch: Path) -> list[str]:
    """Run galaxy-importer on the tarball, show its log, and return what is wrong."""
    environment = {
        **staging.environment_for(copy),
        "GALAXY_IMPORTER_CONFIG": str(CONFIGURATION),
        "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": str(scratch / "tmp"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "galaxy_importer.main", tarball.name],
        cwd=tarball.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, end="", flush=True)
    problems = log_problems(done.stdout, contents(copy))
    if done.returncode != 0:
        return [*problems, f"galaxy-importer ended with status {done.returncode}"]
    result = json.loads((tarball.parent / "importer_result.json").read_text(encoding="utf-8"))
    return problems + page_problems(result["docs_blob"]["contents"])


def contents(collection: Path) -> set[str]:
    """The plugins, roles and playbooks of a collection, as the importer writes them.

    `module reseller_customer`, and for a file in a folder of its own `module_utils _http.transport`.
    """
    kinds = {"modules": "module"}
    paths = [path.relative_to(collection / "plugins").with_suffix("") for path in collection.glob("plugins/*/**/*.py")]
    plugins = {
        f"{kinds.get(kind, kind)} {'.'.join(names)}"
        for kind, *names in (path.parts for path in paths)
        if kind != OVERLOOKED and names[-1] != "__init__"
    }
    roles = {f"role {path.name}" for path in collection.glob("roles/*") if path.is_dir()}
    return plugins | roles | {f"playbook {path.name}" for path in collection.glob("playbooks/*.yml")}


def log_problems(log: str, expected: set[str]) -> list[str]:
    """What is wrong in the log of an import that should have checked `expected`."""
    loaded = set(LOADED.findall(log))
    return [
        *(f"galaxy-importer says: {line.strip()}" for line in log.splitlines() if COMPLAINT.search(line)),
        *(f"galaxy-importer does not say: {step}" for step in STEPS if step not in log),
        *(f"galaxy-importer has not looked at the {name}" for name in sorted(expected - loaded)),
        *(f"galaxy-importer has found a {name} that should not be there" for name in sorted(loaded - expected)),
        *(["there is nothing that galaxy-importer could look at"] if not expected else []),
    ]


def page_problems(pages: list[dict[str, Any]]) -> list[str]:
    """The contents for which Galaxy would show no documentation."""
    return [
        f"Galaxy would show no documentation of the {page['content_type']} {page['content_name']}"
        for page in pages
        if page["content_type"] in SHOWN and not page[SHOWN[page["content_type"]]]
    ]


if __name__ == "__main__":
    sys.exit(main())
