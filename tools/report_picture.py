# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make picture`: the picture of the fleet report in README.md.

    python -m tools.report_picture [FILE]

Starts the sandbox with the customers of the demo, lets the role fleet_report compare them with the demo's fleet, and
takes a picture of the page with Chromium or Chrome, which must be installed. FILE is a PNG; by default, it is the one
that README.md shows.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.demo.__main__ import APIS, HERE, DemoError, demo_environment, find_program, running_sandbox

CHECKOUT = Path(__file__).resolve().parent.parent
PICTURE = CHECKOUT / "docs" / "images" / "fleet_report.png"
# More would make a clone and the collection's tarball noticeably larger.
LARGEST = 100_000
WIDTH, HEIGHT = 1000, 1060

API = "reseller"
TITLE = "Customers of the demo"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A picture of the page from its top, in the same way on each machine. Root may not have a sandbox of the browser; the
# page loads nothing, and runs no script but its own.
BROWSER_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--force-prefers-color-scheme=light",
    f"--window-size={WIDTH},{HEIGHT}",
)
SECONDS = 120

_PNG = b"\x89PNG\r\n\x1a\n"
_SIZE = struct.Struct(">II")


class PictureError(Exception):
    """There is no picture; the text is a sentence."""


def main(arguments: Sequence[str]) -> int:
    picture = Path(*arguments[:1]) if arguments else PICTURE
    try:
        with tempfile.TemporaryDirectory(prefix="mailfleet-sendgrid-picture-") as scratch:
            page = write_page(Path(scratch))
            take_picture(find_browser(), page, picture)
    except (DemoError, PictureError) as error:
        print(f"No picture: {error}", file=sys.stderr)
        return 1
    print(f"{picture}: {picture.stat().st_size:,} bytes")
    return 0


def playbook(page: Path) -> str:
    """A playbook that writes the report of the demo's fleet to `page`."""
    play = {
        "name": "Report on the fleet of the demo",
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(HERE / "fleet.yml"), str(HERE / "passwords.yml")],
        "vars": {"fleet_report_path": str(page), "fleet_report_title": TITLE, "fleet_report_purge": True},
        "roles": ["mailfleet.sendgrid.fleet_report"],
    }
    return yaml.safe_dump([play], sort_keys=False)


def write_page(folder: Path) -> Path:
    """The report on the customers of the demo before its first run."""
    page, play = folder / "page.html", folder / "report.yml"
    play.write_text(playbook(page), encoding="utf-8")
    with running_sandbox() as root:
        settings = demo_environment(folder, API, root + APIS[API].path)
        command = [find_program("ansible-playbook"), str(play)]
        done = subprocess.run(
            command, env=settings, capture_output=True, text=True, check=False, timeout=SECONDS, cwd=folder
        )
    if done.returncode != 0:
        raise PictureError(f"ansible-playbook ended with status {done.returncode}.\n{done.stdout}{done.stderr}")
    return page


def find_browser() -> str:
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise PictureError(f"it takes a browser, one of {', '.join(BROWSERS)}.")


def take_picture(browser: str, page: Path, picture: Path) -> None:
    """The picture takes its place only if it is one, and small."""
    taken = page.with_suffix(".png")
    command = [browser, *BROWSER_OPTIONS, f"--user-data-dir={page.parent / 'profile'}", f"--screenshot={taken}"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, check=False, timeout=SECONDS, cwd=page.parent
    )
    if not taken.exists():
        raise PictureError(f"{browser} ended with status {done.returncode}.\n{done.stderr}")
    content = taken.read_bytes()
    check(content)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_bytes(content)


def check(content: bytes) -> None:
    """Raises PictureError unless it is a PNG of the right size in pixels and in bytes."""
    size = size_of(content)
    if size != (WIDTH, HEIGHT):
        raise PictureError(f"it should have {WIDTH} x {HEIGHT} pixels, and has {size[0]} x {size[1]}.")
    if len(content) > LARGEST:
        raise PictureError(f"it may have {LARGEST:,} bytes, and has {len(content):,}.")


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG in pixels."""
    # The signature, the length and the name of the first chunk, and in it the size.
    start = len(_PNG) + 8
    if not content.startswith(_PNG) or len(content) < start + _SIZE.size:
        raise PictureError("it is no PNG.")
    width, height = _SIZE.unpack_from(content, start)
    return width, height


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
