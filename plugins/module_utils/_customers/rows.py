# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Reads the rows of a fleet: merges them with shared values, converts and checks them. Pure.

Only this file merges defaults and passwords, and checks a row before the first call. Rows may come from the task, a CSV
file, JSON or YAML. No Ansible here: Ansible takes a second for ten thousand rows, reports only some of the problems,
and quotes values that it cannot convert.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.api import Capabilities
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.attributes import ATTRIBUTES, Attribute
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.checks import (
    combination_problems,
    name_problems,
    option_problems,
    place_of,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.kinds import (
    Findings,
    KindCheck,
    NumberForText,
    as_text,
    kind_of_value,
    number_warnings,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._customers.option_names import (
    OPTION_NAMES,
    OptionNames,
    option_names,
)
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import escape_control, first_of

Row = dict[str, t.Any]

# Beside the options: what the controller has read from `customers_file`, a dict with `customers` and `lines`.
FILE_CONTENT = "_customers_file_content"
# Arguments that are no options: the action plugin adds them.
BESIDE_OPTIONS = (FILE_CONTENT, OPTION_NAMES)
# The options that this file checks in place of Ansible.
ROW_OPTIONS = ("customers", "defaults", "passwords", *BESIDE_OPTIONS)

_MOST_PROBLEMS = 100
# How much a misspelt name must have in common with an option: with less, a suggestion surprises more than it helps.
_LIKELY = 0.7
_LONGEST_NAME = 100
_BETWEEN_WORDS = re.compile("[ -]")
_NAMES = ("username", "new_username")
_NUMBER = re.compile("[0-9]{1,18}")
# What Ansible takes for booleans; words in any case.
_WORDS: dict[t.Any, bool] = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1", 1), True),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0", 0), False),
}


def attribute_option(attribute: Attribute) -> Row:
    """The option of an attribute, as an argument spec has it."""
    types: dict[str, Row] = {
        "text": {"type": "str"},
        "number": {"type": "int"},
        "bool": {"type": "bool"},
        "list": {"type": "list", "elements": "str"},
        "dict": {"type": "dict"},
    }
    option = types[attribute.kind]
    if attribute.secret:
        option["no_log"] = True
    if attribute.choices:
        option["choices"] = list(attribute.choices)
    if attribute.parts:
        option["options"] = {part.name: attribute_option(part) for part in attribute.parts}
    return option


def row_spec() -> dict[str, Row]:
    """The options of one customer, as an argument spec."""
    return {
        **{attribute.name: attribute_option(attribute) for attribute in ATTRIBUTES},
        "username": {"type": "str", "required": True},
        "new_username": {"type": "str"},
        "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        "update_password": {
            "type": "str",
            "default": "on_create",
            "choices": ["on_create", "always"],
            "no_log": False,
        },
        "update_profile": {"type": "str", "default": "always", "choices": ["always", "on_create"]},
        "update_website_access": {"type": "str", "default": "always", "choices": ["always", "on_create"]},
    }


@dataclasses.dataclass(frozen=True)
class GivenFleet:
    """A fleet as it was given, without any check: each value may be of any kind.

    `customers`: the rows of the task, or of `file`. `lines`: for a CSV file, the line that each row begins in.
    `names`: how messages name the options.
    """

    customers: t.Any
    defaults: t.Any = None
    passwords: t.Any = None
    file: str = ""
    lines: t.Sequence[int] = ()
    names: OptionNames = dataclasses.field(default_factory=OptionNames)

    def place(self, number: int) -> str:
        """The place of a row, for messages."""
        file = escape_control(self.file, 200)
        if self.lines:
            return f"line {self.lines[number]} of '{file}'"
        return f"'{file}'[{number}]" if file else f"{self.names['customers']}[{number}]"

    def secrets(self) -> set[str]:
        """All passwords in it, including those of a wrong kind or without a customer."""
        rows = [*(self.customers if _is_list(self.customers) else ()), self.defaults]
        found = [row.get("password") for row in rows if isinstance(row, t.Mapping)]
        found.append(None if is_blank(self.passwords) else self.passwords)
        return {text for value in found for text in _texts_in(value)}


@dataclasses.dataclass(frozen=True)
class Fleet:
    """A fleet that was read.

    `rows`: for each customer the given options and the defaults of the options; complete only without `problems`.
    """

    rows: list[Row]
    problems: list[str]
    warnings: list[str]


def read_options(options: t.Mapping[str, t.Any], api: Capabilities) -> Fleet:
    """The fleet that options of reseller_customers give, read as `read_fleet` does."""
    given = given_fleet(options)
    problems = _source_problems(options, given)
    return Fleet([], problems, []) if problems else read_fleet(given, api)


def given_fleet(options: t.Mapping[str, t.Any]) -> GivenFleet:
    """The fleet that options of reseller_customers give, without any check."""
    shared = options.get("defaults"), options.get("passwords")
    names = option_names(options)
    if options.get("customers_file") is None:
        return GivenFleet(options.get("customers"), *shared, names=names)
    content = options.get(FILE_CONTENT)
    # A task may also try to set it.
    file = content if isinstance(content, t.Mapping) else {}
    return GivenFleet(file.get("customers"), *shared, options["customers_file"], file.get("lines") or (), names)


def given_secrets(options: t.Mapping[str, t.Any]) -> set[str]:
    """Every password that options of reseller_customers hold, even if the options are mutually exclusive."""
    in_task = given_fleet({**options, "customers_file": None}).secrets()
    return in_task if options.get("customers_file") is None else in_task | given_fleet(options).secrets()


def _source_problems(options: t.Mapping[str, t.Any], given: GivenFleet) -> list[str]:
    rows, file = given.names["customers"], given.names["customers_file"]
    if options.get("customers_file") is None:
        if FILE_CONTENT in options:
            return [f"unknown option {FILE_CONTENT}"]
        return [f"either {rows} or {file} is required"] if given.customers is None else []
    if options.get("customers") is not None:
        return [f"{rows} and {file} are mutually exclusive"]
    return [] if FILE_CONTENT in options else [f"only the action plugin of this module can read {file}"]


def read_fleet(given: GivenFleet, api: Capabilities) -> Fleet:
    """The rows of a fleet, and everything that is wrong with them, as sentences without a secret.

    A customer's own value wins over its password in `passwords`, and this password over `defaults`. An own null also
    wins: it leaves the attribute alone. A problem with a shared value is reported once, and not for each customer.
    """
    shapes = _shape_problems(given)
    return Fleet([], shapes, []) if shapes else _Reading(given, api).fleet()


def password_of(row: t.Mapping[str, t.Any], passwords: t.Mapping[str, t.Any]) -> Row:
    """The password that `passwords` has for a customer. Looks for its username first, then for its new username."""
    found = [passwords[row[name]] for name in _NAMES if isinstance(row.get(name), str) and row[name] in passwords]
    given = [password for password in found if password is not None]
    return {"password": given[0]} if given else {}


def default_problems(defaults: t.Mapping[str, t.Any]) -> list[str]:
    """The problems of defaults that only a customer itself can have."""
    return [f"there cannot be a default for {name}" for name in _NAMES if name in defaults]


def known(row: t.Mapping[str, t.Any]) -> Row:
    """A row for a result: with the kind in place of the value of a misspelt option, and without wrong values."""
    return dict(_KINDS(row).options)


@functools.lru_cache(maxsize=1000)
def suggestion(name: str) -> str:
    """The option of a customer that a misspelt name probably means, in brackets; empty if no option is similar."""
    # Only a mistake needs this import, so the start of a command does not pay for it.
    import difflib

    spelt = _BETWEEN_WORDS.sub("_", name[:_LONGEST_NAME].strip().lower())
    near = difflib.get_close_matches(spelt, _SPEC, n=1, cutoff=_LIKELY)
    return f" (did you mean '{near[0]}'?)" if near else ""


def is_blank(value: t.Any) -> bool:
    """Whether a value counts as not given: null, or blanks, which a survey passes on for an unanswered question."""
    return value is None or (isinstance(value, str) and not value.strip())


class _Reading:
    """Reads one fleet."""

    def __init__(self, given: GivenFleet, api: Capabilities) -> None:
        self._given = given
        self._api = api
        self._problems: list[str] = []
        self._numbers: dict[str, NumberForText] = {}
        self._defaults = self._read_defaults()
        self._passwords = self._read_passwords()

    def fleet(self) -> Fleet:
        """Reads all rows, and returns the fleet."""
        rows = [self._row(number, row) for number, row in enumerate(self._given.customers)]
        problems = self._problems + name_problems(rows, self._given.place)
        told = first_of(problems, _MOST_PROBLEMS, "more problems")
        return Fleet(rows, told, number_warnings(self._numbers))

    def _row(self, number: int, row: t.Any) -> Row:
        if not isinstance(row, t.Mapping):
            self._problems.append(f"{self._given.place(number)} must be a dict, and is {kind_of_value(row)}")
            return {}
        own, problems, numbers = _converted(row)
        if "username" not in row:
            problems.append("username is missing")
        own = {**password_of(own, self._passwords), **own} if self._passwords else own
        merged = {**_DEFAULTS, **_given_only({**self._defaults, **own})}
        problems += option_problems(own, self._api, merged)
        problems += combination_problems(merged)
        if problems or numbers:
            self._tell(place_of(self._given.place(number), row), problems, numbers)
        return merged

    def _read_defaults(self) -> Row:
        given = {} if is_blank(self._given.defaults) else self._given.defaults
        defaults, problems, numbers = _converted(_without_names(given))
        problems += default_problems(given)
        problems += option_problems(defaults, self._api, {})
        self._tell(self._given.names["defaults"], problems, numbers)
        return defaults

    def _read_passwords(self) -> Row:
        given = {} if is_blank(self._given.passwords) else self._given.passwords
        problems = {name: _PASSWORD_KIND({"password": value}).problems for name, value in given.items()}
        place = self._given.names["passwords"]
        self._problems += [
            f"{place}: the password of '{escape_control(str(name), 100)}'{problem[len('password') :]}"
            for name, found in problems.items()
            for problem in found
        ]
        return {name: as_text(value) for name, value in given.items() if not problems[name] and value is not None}

    def _tell(self, place: str, problems: t.Sequence[str], numbers: t.Mapping[str, NumberForText]) -> None:
        self._problems += [f"{place}: {problem}" for problem in problems]
        for name, number in numbers.items():
            if name in self._numbers:
                self._numbers[name].more += number.more + 1
            else:
                self._numbers[name] = dataclasses.replace(number, place=f"{number.place} of {place}")


_OF_VARIABLES = (
    "; it contains variables, so load it with vars_files or, for a playbook of the collection, with fleet_files"
)


def _shape_problems(given: GivenFleet) -> list[str]:
    what = f"'{escape_control(given.file, 200)}'" if given.file else given.names["customers"]
    problems = []
    if not _is_list(given.customers):
        problem = f"{what} must be a list of dicts, and is {kind_of_value(given.customers)}"
        problems.append(problem + (_OF_VARIABLES if given.file and _has_variables(given.customers) else ""))
    problems += [
        f"{given.names[name]} must be a dict, and is {kind_of_value(value)}"
        for name, value in (("defaults", given.defaults), ("passwords", given.passwords))
        if not is_blank(value) and not isinstance(value, t.Mapping)
    ]
    return problems


def _has_variables(content: t.Any) -> bool:
    """Whether a file has variables of a role in place of customers."""
    return isinstance(content, t.Mapping) and any(str(name).startswith("fleet_") for name in content)


def _converted(row: t.Mapping[str, t.Any]) -> tuple[Row, list[str], dict[str, NumberForText]]:
    """A row with converted values, its problems, and its numbers that are used as texts."""
    found = _KINDS(row)
    problems = [_unknown_option(str(name)) for name in found.unknown] + found.problems
    own = dict(row) if found.options is row else _right(row, found)
    for name in found.stand_for_text & own.keys():
        own[name] = [as_text(one) for one in own[name]] if _is_list(own[name]) else as_text(own[name])
    for name, convert in _CONVERSIONS.items():
        if own.get(name) is not None:
            own[name], problem = convert(name, own[name])
            problems += problem
    return own, problems, found.numbers


def _unknown_option(name: str) -> str:
    return f"unknown option {escape_control(name, _LONGEST_NAME)}{suggestion(name)}"


def _right(row: t.Mapping[str, t.Any], found: Findings) -> Row:
    left_out = {*found.wrong, *found.unknown}
    return {name: value for name, value in row.items() if name not in left_out}


def _without_names(row: t.Mapping[str, t.Any]) -> Row:
    return {name: value for name, value in row.items() if name not in _NAMES}


def _given_only(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None} if None in row.values() else row


def _truth(name: str, value: t.Any) -> tuple[bool | None, list[str]]:
    """The boolean that Ansible reads in a value."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word in _WORDS:
        return _WORDS[word], []
    return None, [f"{name} must be true or false, and {_is(value)}"]


def _texts(_name: str, value: t.Any) -> tuple[list[t.Any], list[str]]:
    """The list that Ansible reads in a value: a text has commas between the items."""
    return (list(value) if _is_list(value) else value.split(",")), []


def _whole_number(name: str, value: t.Any) -> tuple[int | None, list[str]]:
    """The number that Ansible reads in a value, a text among them: all cells of a CSV file are texts."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, []
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return int(value), []
    return None, [f"{name} must be a whole number, and {_is(value)}"]


def _parts(name: str, value: t.Any) -> tuple[Row | None, list[str]]:
    """A dict with its parts as Ansible reads them."""
    if not isinstance(value, t.Mapping):
        return None, [f"{name} must be a dict, and {_is(value)}"]
    own = dict(value)
    problems: list[str] = []
    for part, convert in _PART_CONVERSIONS[name].items():
        if own.get(part) is not None:
            own[part], found = convert(part, own[part])
            problems += [f"{name}.{problem}" for problem in found]
    return own, problems


def _one_of(choices: t.Sequence[str]) -> _Conversion:
    def choice(name: str, value: t.Any) -> tuple[t.Any, list[str]]:
        if value in choices:
            return value, []
        return None, [f"{name} must be {' or '.join(choices)}, and {_is(value)}"]

    return choice


def _is(value: t.Any) -> str:
    return f"is '{escape_control(value, 100)}'" if isinstance(value, str) else f"is {kind_of_value(value)}"


def _is_list(value: t.Any) -> bool:
    return isinstance(value, (list, tuple))


def _texts_in(value: t.Any) -> t.Iterator[str]:
    """The texts and numbers in a value of any kind."""
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if _is_list(value):
        for item in value:
            yield from _texts_in(item)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)


_Conversion = t.Callable[[str, t.Any], "tuple[t.Any, list[str]]"]


def _conversions(spec: t.Mapping[str, Row]) -> dict[str, _Conversion]:
    by_type: dict[str, _Conversion] = {"bool": _truth, "list": _texts, "int": _whole_number, "dict": _parts}
    found = {name: by_type[option["type"]] for name, option in spec.items() if option["type"] in by_type}
    return {**found, **{name: _one_of(option["choices"]) for name, option in spec.items() if "choices" in option}}


_SPEC = row_spec()
_KINDS = KindCheck(_SPEC)
_PASSWORD_KIND = KindCheck({"password": _SPEC["password"]})
_DEFAULTS = {name: option["default"] for name, option in _SPEC.items() if "default" in option}
_CONVERSIONS = _conversions(_SPEC)
_PART_CONVERSIONS = {name: _conversions(option["options"]) for name, option in _SPEC.items() if "options" in option}
