# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the documentation site into docs/build/html, one folder that needs no network.

antsibull-docs writes the pages about modules, plugins and roles, on a copy of the checkout; Sphinx makes HTML of these
and of the guides. A warning is an error, and so is a link that leads nowhere and a page that loads something from
another host.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import html_links
import staging

COLLECTION = "mailfleet.sendgrid"
BUILT = staging.CHECKOUT / "docs" / "build" / "html"
# With fewer pages than modules, plugins, roles and guides, something was left out.
MINIMUM = 20


def main() -> int:
    with staging.staged_copy() as copy:
        html = copy / "docs" / "build" / "html"
        if not (_written(copy, copy / "docs" / "build" / "rst") and _made_html(copy, html)):
            return 1
        pages, problems = html_links.check(html)
        if pages < MINIMUM:
            problems.append(f"There are {pages} pages, fewer than {MINIMUM}.")
        if problems:
            print(*problems, sep="\n", file=sys.stderr)
            return 1
        _replace(BUILT, html)
    print(f"{pages} pages, every link leads somewhere: {BUILT / 'index.html'}")
    return 0


def _written(copy: Path, rst: Path) -> bool:
    """The pages for Sphinx. The index of the collection is the first one."""
    rst.mkdir(parents=True, mode=0o700)
    return _runs(
        copy,
        ["antsibull-docs", "--config-file", "docs/antsibull-docs.cfg", "collection", "--use-current"]
        + ["--squash-hierarchy", "--fail-on-error", "--dest-dir", str(rst), COLLECTION],
    )


def _made_html(copy: Path, html: Path) -> bool:
    rst = html.with_name("rst")
    command = ["sphinx-build", "-q", "-W", "--keep-going", "-n", "-b", "html", "-c", "docs"]
    return _runs(copy, [*command, "-d", str(html.with_name("doctrees")), str(rst), str(html)])


def _runs(copy: Path, command: list[str]) -> bool:
    print(" ".join(command), flush=True)
    return subprocess.run(command, cwd=copy, env=staging.environment_for(copy), check=False).returncode == 0


def _replace(target: Path, fresh: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(fresh, target)


if __name__ == "__main__":
    sys.exit(main())
