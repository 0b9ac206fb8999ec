# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are encrypted one by one, as `ansible-vault encrypt_string` makes them, for YAML that tests write."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

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


def encrypted_values(*texts: str) -> list[Encrypted]:
    """The texts, each encrypted by itself."""
    return [Encrypted(encrypted(text, PASSWORD)) for text in texts]


def encrypted(text: str, password: str) -> str:
    """What `ansible-vault encrypt` makes of a text."""
    secret = VaultSecret(password.encode("utf-8"))
    return VaultLib().encrypt(text, secret).decode("ascii")
