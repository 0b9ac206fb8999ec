# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Reads a fleet from a CSV, JSON or YAML file on the controller. Its content is never evaluated as a template.

An error names the place. It quotes only usernames and unknown options from the file, because all other text may be a
secret.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_csv import read_csv
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_documents import read_json, read_yaml
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_text import (
    LARGEST,
    Content,
    Decrypt,
    Unusable,
    line_at,
)

_VAULT = b"$ANSIBLE_VAULT;"


def read_content(path: str, name: str, decrypt: Decrypt) -> Content:
    """The content of the file at `path`. `name`: the file as the task names it.

    Raises InvalidInput for an unusable file.
    """
    try:
        parse = _parser_of(name)
        return parse(_text(_plain(_bytes_of(path), decrypt)), decrypt)
    except Unusable as error:
        raise InvalidInput(error.problems, about=f"The file '{escape_control(name, 200)}' cannot be used") from None


def decrypt_with(loader: t.Any) -> Decrypt:
    """A function that decrypts with the vault secrets of the run. `loader`: Ansible's DataLoader."""

    def decrypt(data: bytes) -> bytes:
        try:
            plain: bytes = loader._vault.decrypt(data)
        except AnsibleError:
            raise ValueError from None
        return plain

    return decrypt


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unusable("it is not a regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Unusable((error.strerror or "it cannot be read").lower()) from None
    if len(data) > LARGEST:
        raise Unusable(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Opens a file as usual, but does not wait for the writer of a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _plain(data: bytes, decrypt: Decrypt) -> bytes:
    if not data.startswith(_VAULT):
        return data
    try:
        return decrypt(data)
    except ValueError:
        raise Unusable("Ansible Vault has encrypted it, and no vault secret of this run decrypts it") from None


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise Unusable(f"it is not encoded in UTF-8 (see line {line})") from None
    if not text.strip():
        raise Unusable("it is empty")
    if "\0" in text:
        raise Unusable(f"line {line_at(text, text.index(chr(0)))} has a NUL character; it may be encoded in UTF-16")
    return text


_Parse = t.Callable[[str, Decrypt], Content]
_PARSERS: dict[str, _Parse] = {
    ".csv": lambda text, _decrypt: read_csv(text),
    ".json": lambda text, _decrypt: read_json(text),
    ".yml": read_yaml,
    ".yaml": read_yaml,
}


def _parser_of(name: str) -> _Parse:
    ending = os.path.splitext(name)[1].lower()
    if ending not in _PARSERS:
        raise Unusable(f"its name must end with {', '.join([*_PARSERS][:-1])} or {[*_PARSERS][-1]}")
    return _PARSERS[ending]
