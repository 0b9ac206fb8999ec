# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""A fleet in JSON or YAML."""

from __future__ import annotations

import collections
import json
import typing as t

import yaml
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control
from ansible_collections.mailfleet.sendgrid.plugins.plugin_utils._fleet_text import (
    LARGEST,
    Content,
    Decrypt,
    Unusable,
    line_at,
)

# A fleet needs three levels. Later checks use recursion.
_DEEPEST = 50
# The longest number in characters: the time to convert a number grows with the square of its length.
_LONGEST_NUMBER = 100
_MERGE = "tag:yaml.org,2002:merge"
# The number of options that all `<<` of a file may copy.
_MOST_MERGED = 4_000_000


def read_json(text: str) -> Content:
    try:
        document = json.loads(
            text,
            object_pairs_hook=_without_doubles,
            parse_int=_short_number(int),
            parse_float=_short_number(float),
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        # The text after a colon may quote the file.
        reason = error.msg.partition(":")[0].removesuffix(" at").lower()
        raise Unusable(f"line {error.lineno}, column {error.colno} is not valid JSON: {reason}") from None
    except RecursionError:
        raise Unusable(_TOO_DEEP) from None
    return _listed(document)


_TOO_DEEP = f"its values are nested more than {_DEEPEST} levels deep"
_TOO_LONG = f"a number with more than {_LONGEST_NUMBER} characters"


def _without_doubles(pairs: t.Sequence[tuple[str, t.Any]]) -> dict[str, t.Any]:
    """A dict. Raises Unusable if a name occurs twice, because json would silently drop all but one of the values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = collections.Counter(name for name, _value in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        user = found.get("username")
        whose = f" '{escape_control(user, 100)}'" if isinstance(user, str) else ""
        raise Unusable(f"the customer{whose} has {escape_control(twice, 100)} {counts[twice]} times")
    return found


def _short_number(read: t.Callable[[str], t.Any]) -> t.Callable[[str], t.Any]:
    def number(digits: str) -> t.Any:
        if len(digits) > _LONGEST_NUMBER:
            raise Unusable(f"it has {_TOO_LONG}")
        return read(digits)

    return number


def _no_constant(_name: str) -> t.NoReturn:
    raise Unusable("it has NaN or Infinity, which are not valid JSON")


def read_yaml(text: str, decrypt: Decrypt) -> Content:
    loader = _yaml_loader(decrypt)
    try:
        _check_depth(text, loader)
        document = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        if error.problem == _TOO_DEEP_FOR_PARSER:
            raise Unusable(_TOO_DEEP) from None
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it"
        raise Unusable(f"{where} is not valid YAML{_reason(error.problem or '')}") from None
    except yaml.YAMLError:
        unreadable = yaml.reader.Reader.NON_PRINTABLE.search(text)
        where = f"line {line_at(text, unreadable.start())}" if unreadable else "it"
        raise Unusable(f"{where} has a character that is not allowed in YAML") from None
    return _listed(document)


# The error of PyYAML 6.0.4 for 1,000 levels, which it raises while it looks ahead. With earlier releases,
# `_check_depth` finds them.
_TOO_DEEP_FOR_PARSER = "exceeded maximum nesting depth"
# Messages of PyYAML, without their quotes from the file, and their meaning.
_YAML_PROBLEMS = {
    "found character": "a value must not begin with this character or with a tab",
    "found a tab character": "it is indented with a tab",
    "did not find expected '-' indicator": "its indentation does not fit",
    "did not find expected key": "its indentation does not fit",
    "expected <block end>": "its indentation does not fit",
    "found unexpected end of stream": "a quoted text does not end",
    "mapping values are not allowed": "a colon is not allowed here",
    "found undefined alias": "there is no anchor for this alias",
    "but found another document": "a second document begins here",
    "could not determine a constructor": "a fleet must not have this tag",
    "found unconstructable recursive node": "this value contains itself",
}


def _reason(problem: str) -> str:
    found = [f": {reason}" for beginning, reason in _YAML_PROBLEMS.items() if problem.startswith(beginning)]
    return "".join(found)


def _check_depth(text: str, loader: t.Any) -> None:
    """Checks the depth before the loader builds values: building deeply nested values would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise Unusable(_TOO_DEEP)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _yaml_loader(decrypt: Decrypt) -> t.Any:
    """A loader for the values that JSON has, and for Ansible's tags for encrypted and unsafe texts.

    Dates become texts.
    """

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """A class for each file, because constructors belong to the class."""

        merged = 0

    def encrypted(loader: t.Any, node: t.Any) -> str:
        try:
            return decrypt(loader.construct_scalar(node).encode()).decode()
        except ValueError:
            raise Unusable(f"no vault secret of this run decrypts the value in line {_line_of(node)}") from None

    constructors: dict[str, t.Any] = {
        "map": _mapping,
        "seq": _sequence,
        "int": _scalar(Loader.construct_yaml_int),
        "float": _scalar(Loader.construct_yaml_float),
        "bool": _scalar(Loader.construct_yaml_bool),
        "timestamp": _scalar(lambda loader, node: loader.construct_yaml_timestamp(node).isoformat()),
        # `=` and `<<` as plain texts.
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
    """The constructor of a scalar other than a text."""

    def checked(loader: t.Any, node: t.Any) -> t.Any:
        if len(node.value) > _LONGEST_NUMBER:
            raise Unusable(f"line {_line_of(node)} has {_TOO_LONG}")
        try:
            return construct(loader, node)
        except (ValueError, LookupError, AttributeError):
            told = f"line {_line_of(node)} has an invalid date, number or boolean"
            raise Unusable(f"{told}; put it in quotes if it is a text") from None

    return checked


def _sequence(loader: t.Any, node: t.Any) -> t.Any:
    """A list that cannot contain itself. PyYAML's own constructor allows that."""
    return loader.construct_sequence(node, deep=True)


def _mapping(loader: t.Any, node: t.Any) -> dict[str, t.Any]:
    """A dict that cannot contain itself. Its names are unique and texts. Its own values override merged ones."""
    if not isinstance(node, yaml.MappingNode):
        raise Unusable(f"line {_line_of(node)} has the tag of a dict on a value that is not a dict")
    own: dict[str, t.Any] = {}
    merged: dict[str, t.Any] = {}
    for name_node, value_node in node.value:
        is_merge = name_node.tag == _MERGE
        name = "<<" if is_merge else loader.construct_object(name_node, deep=True)
        if not isinstance(name, str):
            raise Unusable(f"line {_line_of(name_node)} has a name that is not a text; put it in quotes")
        if name in own or (is_merge and merged):
            raise Unusable(f"line {_line_of(name_node)} has {escape_control(name, 100)} once more")
        own[name] = loader.construct_object(value_node, deep=True)
        if is_merge:
            merged = _merged(loader, name_node, own.pop(name))
    return {**merged, **own}


def _merged(loader: t.Any, node: t.Any, value: t.Any) -> dict[str, t.Any]:
    """The options that `<<` adds. If several dicts set an option, the first one wins."""
    added: dict[str, t.Any] = {}
    for shared in value if isinstance(value, list) else [value]:
        if not isinstance(shared, dict):
            raise Unusable(f"line {_line_of(node)} merges a value that is not a dict")
        loader.merged += len(shared)
        if loader.merged > _MOST_MERGED:
            raise Unusable(f"line {_line_of(node)} merges too much")
        added.update({name: one for name, one in shared.items() if name not in added})
    return added


def _unsafe(loader: t.Any, node: t.Any) -> t.Any:
    constructors: dict[str, t.Any] = {"sequence": _sequence, "mapping": _mapping}
    return constructors.get(node.id, type(loader).construct_scalar)(loader, node)


def _listed(document: t.Any) -> Content:
    """The content of a file. Raises Unusable if it is too deep, or too large once its aliases are expanded."""
    try:
        size, height = _measured(document, {})
    except RecursionError:
        raise Unusable(_TOO_DEEP) from None
    if height > _DEEPEST:
        raise Unusable(_TOO_DEEP)
    if size > LARGEST:
        raise Unusable(f"it is larger than {LARGEST // 1024 // 1024} MiB once its aliases are expanded")
    return {"customers": document, "lines": []}


def _measured(value: t.Any, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """The size of a value (at most the number of characters that it takes to write it) and its depth.

    `known`: results for dicts and lists, by identity.
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
