# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in a file: CSV, JSON or YAML, read on the controller. Nothing in it is ever a template.

An error says where it is, and quotes nothing of the file, which may be a secret.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import os
import stat
import typing as t

import yaml
from ansible.errors import AnsibleError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.rows import row_spec
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import InvalidInput
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import and_more, escape_control

LARGEST = 64 * 1024 * 1024

# As a module takes it beside its options: `customers` is a list, of any kind of values, and `lines` says for each row
# of a CSV file in which line it begins.
Content = dict[str, t.Any]
# The plain bytes of encrypted ones. Raises ValueError where it has no secret for them.
Decrypt = t.Callable[[bytes], bytes]

_FEW = 20
_VAULT = b"$ANSIBLE_VAULT;"


def read_content(path: str, name: str, decrypt: Decrypt) -> Content:
    """What the file at `path` holds. `name`: the file as the task names it.

    Raises InvalidInput for a file that cannot be used.
    """
    try:
        data = _plain(_bytes_of(path), decrypt)
        return _parse_as(name)(_text(data), decrypt)
    except _Unusable as error:
        raise InvalidInput(error.problems, about=f"The file '{escape_control(name, 200)}' cannot be used") from None


def decrypt_with(loader: t.Any) -> Decrypt:
    """Decrypts with the vault secrets of the run. `loader`: Ansible's DataLoader."""

    def decrypt(data: bytes) -> bytes:
        try:
            plain: bytes = loader._vault.decrypt(data)
        except AnsibleError:
            raise ValueError from None
        return plain

    return decrypt


class _Unusable(Exception):
    """Why a file cannot be used, in clauses."""

    def __init__(self, *problems: str) -> None:
        super().__init__()
        self.problems = problems


# Bytes


def _bytes_of(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _Unusable("it is no regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _Unusable(f"{(error.strerror or 'it cannot be read').lower()}") from None
    if len(data) > LARGEST:
        raise _Unusable(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return data


def _plain(data: bytes, decrypt: Decrypt) -> bytes:
    if not data.startswith(_VAULT):
        return data
    try:
        return decrypt(data)
    except ValueError:
        raise _Unusable("Ansible Vault has encrypted it, and no vault secret of this run decrypts it") from None


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _Unusable(f"it is not encoded in UTF-8, as line {line} shows") from None
    if not text.strip():
        raise _Unusable("it is empty")
    return text


# CSV


def _from_csv(text: str, _decrypt: Decrypt) -> Content:
    """[RFC 4180] with commas. An empty cell is left out; lists are separated by semicolons."""
    if "\r" in text and "\n" not in text:
        raise _Unusable("its lines end with a carriage return only; save it with line feeds")
    records = _Records(text)
    head = next(records, (1, []))[1]
    _check_head(head)
    lists = [name for name, option in row_spec().items() if option["type"] == "list" and name in head]
    content: Content = {"customers": [], "lines": []}
    problems: list[str] = []
    for line, cells in records:
        if len(cells) != len(head):
            problems.append(f"line {line} has {_cells(len(cells))}, and the first line has {len(head)}")
            continue
        row: dict[str, t.Any] = {name: cell for name, cell in zip(head, cells) if cell}
        row.update({name: row[name].split(";") for name in lists if name in row})
        content["customers"].append(row)
        content["lines"].append(line)
    if problems:
        raise _Unusable(*problems[:_FEW], *and_more(len(problems) - _FEW, "more lines"))
    return content


class _Records:
    """The records of a CSV file that are not blank, each with the number of the line in which it begins."""

    def __init__(self, text: str) -> None:
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def __iter__(self) -> t.Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        cells: list[str] = []
        while not cells:
            line = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except csv.Error as error:
                # Its texts hold nothing of the file.
                raise _Unusable(f"line {line} is not valid CSV: {str(error).partition(' - ')[0]}") from None
        return line, cells


def _check_head(head: t.Sequence[str]) -> None:
    options = row_spec()
    if any(";" in name for name in head):
        raise _Unusable("its first line has semicolons; separate the columns with commas")
    problems = [f"column {number} of its first line has no name" for number, name in enumerate(head, 1) if not name]
    unknown = dict.fromkeys(name for name in head if name and name not in options)
    problems += [f"its first line names the unknown option '{escape_control(name, 100)}'" for name in unknown]
    twice = dict.fromkeys(name for name in head if name in options and head.count(name) > 1)
    problems += [f"its first line names {name} more than once" for name in twice]
    if "username" not in head:
        problems.append("its first line must name the columns, and one of them must be username")
    if problems:
        raise _Unusable(*problems[:_FEW], *and_more(len(problems) - _FEW, "more"))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


# JSON and YAML


class _Twice(Exception):
    """A name that a dict has twice, of which all but one would be lost without a word."""


def _from_json(text: str, _decrypt: Decrypt) -> Content:
    try:
        return _listed(json.loads(text, object_pairs_hook=_without_doubles))
    except json.JSONDecodeError as error:
        # What follows a colon is of the file.
        reason = error.msg.partition(":")[0]
        raise _Unusable(f"line {error.lineno}, column {error.colno} is not valid JSON: {reason}") from None
    except (ValueError, RecursionError):
        raise _Unusable("it holds a number that is too long, or values that are nested too deeply") from None


def _without_doubles(pairs: t.Sequence[tuple[str, t.Any]]) -> dict[str, t.Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        user = found.get("username")
        whose = f" of '{escape_control(user, 100)}'" if isinstance(user, str) else ""
        raise _Unusable(f"a customer{whose} has {escape_control(twice, 100)} more than once")
    return found


def _from_yaml(text: str, decrypt: Decrypt) -> Content:
    loader = _yaml_loader(decrypt)
    try:
        return _listed(_dated(yaml.load(text, Loader=loader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        raise _Unusable(f"{where} is not valid YAML") from None
    except yaml.YAMLError:
        raise _Unusable("it holds characters that YAML cannot have") from None
    except (ValueError, RecursionError):
        raise _Unusable("it holds a value that cannot be read, or values that are nested too deeply") from None


def _yaml_loader(decrypt: Decrypt) -> t.Any:
    """Plain YAML, and texts that Ansible marks as encrypted or as no templates."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """One for each file, since a constructor belongs to a class."""

    def mapping(loader: t.Any, node: t.Any) -> dict[t.Any, t.Any]:
        loader.flatten_mapping(node)
        pairs = [
            (loader.construct_object(key, deep=True), loader.construct_object(value, deep=True))
            for key, value in node.value
        ]
        return _without_doubles(pairs)

    def encrypted(loader: t.Any, node: t.Any) -> str:
        try:
            return decrypt(loader.construct_scalar(node).encode()).decode()
        except ValueError:
            line = node.start_mark.line + 1
            raise _Unusable(f"no vault secret of this run decrypts the value in line {line}") from None

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    for tag in ("!vault", "!vault-encrypted"):
        Loader.add_constructor(tag, encrypted)
    for kind in ("binary", "set", "omap", "pairs"):
        Loader.add_constructor(f"tag:yaml.org,2002:{kind}", Loader.construct_undefined)
    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
    return Loader


def _dated(document: t.Any) -> t.Any:
    """The text of each date in a row, as the file has it: YAML makes a date of what looks like one."""
    if not isinstance(document, list):
        return document
    return [
        {name: _dated_value(value) for name, value in row.items()} if isinstance(row, dict) else row for row in document
    ]


def _dated_value(value: t.Any) -> t.Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def _listed(document: t.Any) -> Content:
    return {"customers": document, "lines": []}


# Which is which

_Parse = t.Callable[[str, Decrypt], Content]
_PARSERS: dict[str, _Parse] = {".csv": _from_csv, ".json": _from_json, ".yml": _from_yaml, ".yaml": _from_yaml}


def _parse_as(name: str) -> _Parse:
    ending = os.path.splitext(name)[1].lower()
    if ending not in _PARSERS:
        raise _Unusable(f"its name must end with {', '.join([*_PARSERS][:-1])} or {[*_PARSERS][-1]}")
    return _PARSERS[ending]
