# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in a file: CSV, JSON or YAML, read on the controller. Nothing in it is ever a template.

An error says where it is, and quotes nothing of the file, which may be a secret.
"""

from __future__ import annotations

import collections
import csv
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
# A fleet needs three levels. What is checked afterwards goes down by recursion.
_DEEPEST = 50
# How many characters a number may have: reading one takes a time that grows with the square.
_LONGEST_NUMBER = 100
_MERGE = "tag:yaml.org,2002:merge"
# How many options `<<` may copy in all.
_MOST_MERGED = 4_000_000


def read_content(path: str, name: str, decrypt: Decrypt) -> Content:
    """What the file at `path` holds. `name`: the file as the task names it.

    Raises InvalidInput for a file that cannot be used.
    """
    try:
        parse = _parser_of(name)
        return parse(_text(_plain(_bytes_of(path), decrypt)), decrypt)
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
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _Unusable("it is no regular file")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise _Unusable((error.strerror or "it cannot be read").lower()) from None
    if len(data) > LARGEST:
        raise _Unusable(f"it is larger than {LARGEST // 1024 // 1024} MiB")
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Opens a file as usual, but does not wait where a pipe has no writer yet."""
    return os.open(path, flags | os.O_NONBLOCK)


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
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _Unusable(f"it is not encoded in UTF-8, as line {line} shows") from None
    if not text.strip():
        raise _Unusable("it is empty")
    if "\0" in text:
        raise _Unusable(f"line {_line(text, text.index(chr(0)))} has a NUL character; it may be encoded in UTF-16")
    return text


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


# CSV


def _from_csv(text: str, _decrypt: Decrypt) -> Content:
    """[RFC 4180] with commas. An empty cell is left out; lists are separated by semicolons."""
    if "\r" in text and "\n" not in text:
        raise _Unusable("its lines end with a carriage return only; save it with line feeds")
    records = _Records(text)
    first, head = next(records)
    _check_head(first, head)
    lists = [name for name, option in row_spec().items() if option["type"] == "list" and name in head]
    content: Content = {"customers": [], "lines": []}
    problems: list[str] = []
    for line, cells in records:
        if len(cells) != len(head):
            counts = f"{_count(len(cells), 'cell')}, and line {first} names {_count(len(head), 'column')}"
            problems.append(f"line {line} has {counts}")
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
        # A line feed ends a line, so that line numbers are those of an editor, and a lone carriage return is an error.
        self._reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)

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


def _check_head(line: int, head: t.Sequence[str]) -> None:
    options = row_spec()
    if any(";" in cell and "username" in cell.split(";") for cell in head):
        raise _Unusable(f"line {line} separates the columns with semicolons; separate them with commas")
    if "username" not in head:
        # It may well be a customer, with a password.
        raise _Unusable(f"line {line} must name the columns, and one of them must be username")
    problems = [f"line {line} names no option in column {number}" for number, name in enumerate(head, 1) if not name]
    for name, count in collections.Counter(filter(None, head)).items():
        if name not in options:
            problems.append(f"line {line} names the unknown option '{escape_control(name, 100)}'")
        elif count > 1:
            problems.append(f"line {line} names {name} {count} times")
    if problems:
        raise _Unusable(*problems[:_FEW], *and_more(len(problems) - _FEW))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


# JSON and YAML


def _from_json(text: str, _decrypt: Decrypt) -> Content:
    try:
        document = json.loads(
            text,
            object_pairs_hook=_without_doubles,
            parse_int=_short_number(int),
            parse_float=_short_number(float),
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        # What follows a colon is of the file.
        reason = error.msg.partition(":")[0].removesuffix(" at").lower()
        raise _Unusable(f"line {error.lineno}, column {error.colno} is not valid JSON: {reason}") from None
    except RecursionError:
        raise _Unusable(_TOO_DEEP) from None
    return _listed(document)


_TOO_DEEP = f"its values are nested more than {_DEEPEST} levels deep"
_TOO_LONG = f"a number with more than {_LONGEST_NUMBER} characters"


def _without_doubles(pairs: t.Sequence[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """A dict, unless it has a name twice: all but one of the values would be lost without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = collections.Counter(name for name, _value in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        user = found.get("username")
        whose = f" '{escape_control(user, 100)}'" if isinstance(user, str) else ""
        raise _Unusable(f"the customer{whose} has {escape_control(twice, 100)} {counts[twice]} times")
    return found


def _short_number(read: t.Callable[[str], t.Any]) -> t.Callable[[str], t.Any]:
    def number(digits: str) -> t.Any:
        if len(digits) > _LONGEST_NUMBER:
            raise _Unusable(f"it has {_TOO_LONG}")
        return read(digits)

    return number


def _no_constant(_name: str) -> t.NoReturn:
    raise _Unusable("it has NaN or Infinity, which JSON does not know")


def _from_yaml(text: str, decrypt: Decrypt) -> Content:
    loader = _yaml_loader(decrypt)
    try:
        _check_depth(text, loader)
        document = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        raise _Unusable(f"{where} is not valid YAML{_reason(error.problem or '')}") from None
    except yaml.YAMLError:
        unreadable = yaml.reader.Reader.NON_PRINTABLE.search(text)
        where = f"line {_line(text, unreadable.start())}" if unreadable else "it"
        raise _Unusable(f"{where} has a character that YAML cannot have") from None
    return _listed(document)


# What PyYAML says, without what it quotes, and what that means.
_YAML_PROBLEMS = {
    "found character": "no value begins with this character, or with a tab",
    "found a tab character": "it is indented with a tab",
    "did not find expected '-' indicator": "its indentation does not fit",
    "did not find expected key": "its indentation does not fit",
    "expected <block end>": "its indentation does not fit",
    "found unexpected end of stream": "a quoted text does not end",
    "mapping values are not allowed": "there can be no colon here",
    "found undefined alias": "there is no anchor for this alias",
    "but found another document": "a second document begins here",
    "could not determine a constructor": "a fleet cannot have this tag",
    "found unconstructable recursive node": "this value holds itself",
}


def _reason(problem: str) -> str:
    found = [f": {reason}" for beginning, reason in _YAML_PROBLEMS.items() if problem.startswith(beginning)]
    return "".join(found)


def _check_depth(text: str, loader: t.Any) -> None:
    """Looks at the depth before anything is built: there, what is nested too deeply ends the process."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise _Unusable(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _yaml_loader(decrypt: Decrypt) -> t.Any:
    """Plain YAML of what JSON can hold, with dates as texts, and texts that Ansible marks as encrypted or as no
    templates.
    """

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """One for each file, since a constructor belongs to a class."""

        merged = 0

    def encrypted(loader: t.Any, node: t.Any) -> str:
        try:
            return decrypt(loader.construct_scalar(node).encode()).decode()
        except ValueError:
            raise _Unusable(f"no vault secret of this run decrypts the value in line {_line_of(node)}") from None

    constructors: dict[str, t.Any] = {
        "map": _mapping,
        "seq": _sequence,
        "int": _scalar(Loader.construct_yaml_int),
        "float": _scalar(Loader.construct_yaml_float),
        "bool": _scalar(Loader.construct_yaml_bool),
        "timestamp": _scalar(lambda loader, node: loader.construct_yaml_timestamp(node).isoformat()),
        # What `=` and `<<` are where they stand for themselves.
        **dict.fromkeys(("value", "merge"), Loader.construct_scalar),
        **dict.fromkeys(("binary", "set", "omap", "pairs"), Loader.construct_undefined),
    }
    for name, constructor in constructors.items():
        Loader.add_constructor(f"tag:yaml.org,2002:{name}", constructor)
    for tag in ("!vault", "!vault-encrypted"):
        Loader.add_constructor(tag, encrypted)
    Loader.add_constructor("!unsafe", _unsafe)
    return Loader


def _line_of(node: t.Any) -> int:
    line: int = node.start_mark.line + 1
    return line


def _scalar(construct: t.Callable[[t.Any, t.Any], t.Any]) -> t.Callable[[t.Any, t.Any], t.Any]:
    """The constructor of a scalar that is not any text."""

    def checked(loader: t.Any, node: t.Any) -> t.Any:
        if len(node.value) > _LONGEST_NUMBER:
            raise _Unusable(f"line {_line_of(node)} has {_TOO_LONG}")
        try:
            return construct(loader, node)
        except (ValueError, LookupError, AttributeError):
            told = f"line {_line_of(node)} has a date, a number or a boolean that is none"
            raise _Unusable(f"{told}; put it in quotes if it is a text") from None

    return checked


def _sequence(loader: t.Any, node: t.Any) -> t.Any:
    """A list that cannot hold itself, other than PyYAML's own."""
    return loader.construct_sequence(node, deep=True)


def _mapping(loader: t.Any, node: t.Any) -> dict[str, t.Any]:
    """A dict that has each name once, each a text, and that cannot hold itself. An own value wins over a merged one."""
    if not isinstance(node, yaml.MappingNode):
        raise _Unusable(f"line {_line_of(node)} has a tag for dicts where there is none")
    own: dict[str, t.Any] = {}
    merged: dict[str, t.Any] = {}
    for name_node, value_node in node.value:
        is_merge = name_node.tag == _MERGE
        name = "<<" if is_merge else loader.construct_object(name_node, deep=True)
        if not isinstance(name, str):
            raise _Unusable(f"line {_line_of(name_node)} has a name that is no text; put it in quotes")
        if name in own or (is_merge and merged):
            raise _Unusable(f"line {_line_of(name_node)} has {escape_control(name, 100)} once more")
        own[name] = loader.construct_object(value_node, deep=True)
        if is_merge:
            merged = _merged(loader, name_node, own.pop(name))
    return {**merged, **own}


def _merged(loader: t.Any, node: t.Any, value: t.Any) -> dict[str, t.Any]:
    """What `<<` adds. Of several dicts the first wins."""
    added: dict[str, t.Any] = {}
    for shared in value if isinstance(value, list) else [value]:
        if not isinstance(shared, dict):
            raise _Unusable(f"line {_line_of(node)} merges what is no dict")
        loader.merged += len(shared)
        if loader.merged > _MOST_MERGED:
            raise _Unusable(f"line {_line_of(node)} merges too much")
        added.update({name: one for name, one in shared.items() if name not in added})
    return added


def _unsafe(loader: t.Any, node: t.Any) -> t.Any:
    constructors: dict[str, t.Any] = {"sequence": _sequence, "mapping": _mapping}
    return constructors.get(node.id, type(loader).construct_scalar)(loader, node)


def _listed(document: t.Any) -> Content:
    """What a file holds, if it is neither too deep nor too large with what its aliases stand for."""
    try:
        size, height = _measured(document, {})
    except RecursionError:
        raise _Unusable(_TOO_DEEP) from None
    if height > _DEEPEST:
        raise _Unusable(_TOO_DEEP)
    if size > LARGEST:
        raise _Unusable(f"with what its aliases stand for, it is larger than {LARGEST // 1024 // 1024} MiB")
    return {"customers": document, "lines": []}


def _measured(value: t.Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Size and height of a value: at most as many characters as it took to write it, and how deeply it is nested.

    `known`: of the dicts and lists that were measured, by identity.
    """
    if isinstance(value, str):
        return len(value), 0
    if not isinstance(value, (dict, list)):
        return 0, 0
    if id(value) not in known:
        items = value.values() if isinstance(value, dict) else value
        found = [_measured(item, known) for item in items]
        size = sum(map(len, value)) if isinstance(value, dict) else 0
        size += 1 + len(found) + sum(one for one, _height in found)
        known[id(value)] = size, 1 + max((height for _size, height in found), default=0)
    return known[id(value)]


# Which is which

_Parse = t.Callable[[str, Decrypt], Content]
_PARSERS: dict[str, _Parse] = {".csv": _from_csv, ".json": _from_json, ".yml": _from_yaml, ".yaml": _from_yaml}


def _parser_of(name: str) -> _Parse:
    ending = os.path.splitext(name)[1].lower()
    if ending not in _PARSERS:
        raise _Unusable(f"its name must end with {', '.join([*_PARSERS][:-1])} or {[*_PARSERS][-1]}")
    return _PARSERS[ending]
