# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are encrypted one by one, as `ansible-vault encrypt_string` makes them, for YAML that tests write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

PASSWORD = "vault-password-of-the-tests-4711"


class Encrypted(str):
    """What stands below `!vault` in a file. The dumpers of YAML write it as that."""

    __slots__ = ()


def _represent(dumper: yaml.SafeDumper, value: Encrypted) -> yaml.Node:
    return dumper.represent_scalar("!vault", str(value), style="|")


yaml.SafeDumper.add_representer(Encrypted, _represent)


def password_file(folder: Path) -> Path:
    """The file for --vault-password-file."""
    path = folder / "vault-password"
    path.write_text(PASSWORD, encoding="utf-8")
    return path


def encrypted(folder: Path, *texts: str) -> list[Encrypted]:
    """The texts, each encrypted by itself."""
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "ansible-vault"), "encrypt_string"),
            *("--vault-password-file", str(password_file(folder)), "--", *texts),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    blocks = done.stdout.split("!vault |\n")[1:]
    assert len(blocks) == len(texts), done.stdout
    return [Encrypted("".join(line.strip() + "\n" for line in block.splitlines() if line.strip())) for block in blocks]
