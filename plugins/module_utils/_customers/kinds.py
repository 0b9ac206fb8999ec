# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Compares the kind of each option's value with an argument spec, before anything converts the value.

If an option takes a text, Ansible converts any value to a text. It quotes a value that it cannot convert, with all its
contents. YAML reads NO as a boolean, and 04101 as another number. So the check of kinds comes first. A problem names
the option and the kind of its value, and never holds the value.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import and_more, escape_control

Spec = t.Mapping[str, t.Mapping[str, t.Any]]

_QUOTE_BOOLEAN = "put it in quotes, since YAML takes words such as NO, yes and on for booleans"
_QUOTE_NUMBER = "put it in quotes, since YAML drops leading zeros and a plus sign, and takes 12:30 for 750"

_KINDS: tuple[tuple[t.Any, str], ...] = (
    (str, "a text"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (t.Mapping, "a dict"),
    ((list, tuple), "a list"),
    ((set, frozenset), "a set"),
    ((bytes, bytearray), "bytes"),
    (datetime.date, "a date"),
    (type(None), "empty"),
)


def kind_of_value(value: t.Any) -> str:
    """The kind of a value in a word or two; never the value itself, which may be a secret."""
    if isinstance(value, str) and not value:
        return "an empty text"
    return next((name for kinds, name in _KINDS if isinstance(value, kinds)), "of an unknown type")


# The kinds that an option may want, in the words of messages.
_WANTED = {
    "text": "a text",
    "bool": "true or false",
    "number": "a number",
    "texts": "a list of texts",
    "list": "a list",
    "dict": "a dict",
}
# The types that need no check for each kind. Ansible accepts them, converts them without a question, or refuses them
# without quoting a secret. A text may hold a boolean, a number, or a list with commas.
_TAKEN: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "bool": (bool, str, int, float),
    "number": (bool, str, int, float),
    "texts": (str,),
    "list": (list, tuple, bool, str, int, float),
    "dict": (dict, str),
}
_NOTHING: frozenset[type] = frozenset()


def _wanted_by(option: t.Mapping[str, t.Any]) -> str | None:
    """The kind that an option wants, as a key of _WANTED; None if it takes anything."""
    kind = option.get("type", "str")
    if kind == "list":
        return "texts" if option.get("elements") == "str" else "list"
    return {"str": "text", "path": "text", "bool": "bool", "int": "number", "float": "number", "dict": "dict"}.get(kind)


@dataclasses.dataclass
class NumberForText:
    """A number in place of a text.

    `place`: where the first one is. `text`: the text that it becomes. `more`: how many more there are.
    """

    place: str
    text: str
    more: int = 0


@dataclasses.dataclass
class Findings:
    """What a check of the kinds of some options found.

    `problems`: sentences that begin with the option. `wrong`: the options with a problem. `unknown`: the names that
    the spec does not have. `numbers`: by option, the numbers that are used as texts. `stand_for_text`: the options with
    a value that must still be converted to a text: a number, a date or an encrypted value.
    `options`: the options without wrong values. For an unknown name, which may be misspelt, the kind replaces the
    value. If no option is wrong or unknown, this is the given object itself.
    """

    options: dict[str, t.Any]
    problems: list[str] = dataclasses.field(default_factory=list)
    wrong: set[str] = dataclasses.field(default_factory=set)
    unknown: list[str] = dataclasses.field(default_factory=list)
    numbers: dict[str, NumberForText] = dataclasses.field(default_factory=dict)
    stand_for_text: set[str] = dataclasses.field(default_factory=set)

    def add_number(self, name: str, number: NumberForText) -> None:
        """Keeps the first number of an option, and counts the others."""
        if name in self.numbers:
            self.numbers[name].more += number.more + 1
        else:
            self.numbers[name] = number

    def warnings(self) -> list[str]:
        """One sentence for each option that has numbers in place of texts."""
        return number_warnings(self.numbers)


def number_warnings(numbers: t.Mapping[str, NumberForText]) -> list[str]:
    """One sentence for each option that has numbers in place of texts."""
    return [_number_warning(name, number) for name, number in numbers.items()]


def _number_warning(name: str, number: NumberForText) -> str:
    first = f"{name}{number.place} is a number, and is used as the text '{number.text}'"
    told = ", ".join([first, *and_more(number.more, "more like it")])
    return f"{told}; if that is not what was meant, {_QUOTE_NUMBER}"


class KindCheck:
    """Compares options with a spec. There is one object for each spec, so that ten thousand rows cost little."""

    def __init__(self, spec: Spec) -> None:
        self._wanted = {name: _wanted_by(option) for name, option in spec.items()}
        self._parts = {
            name: KindCheck(option["options"])
            for name, option in spec.items()
            if option.get("type") == "dict" and "options" in option
        }
        self._secret = {name for name, option in spec.items() if option.get("no_log")}
        # If an option has choices, Ansible finds the choice that `no` stands for, or refuses the value.
        self._chosen = {name for name, option in spec.items() if option.get("choices")}
        self._optional = {name for name, option in spec.items() if not option.get("required")}
        self._taken = {name: self._types(name, wanted) for name, wanted in self._wanted.items()}

    def _types(self, name: str, wanted: str | None) -> frozenset[type]:
        """The types that need no further check."""
        taken = (str,) if name in self._parts else _TAKEN.get(wanted or "", ())
        return frozenset((*taken, *([type(None)] if name in self._optional else [])))

    def __call__(self, options: t.Mapping[str, t.Any]) -> Findings:
        """The findings about `options`, by name. Does not change `options`."""
        found = Findings(t.cast("dict[str, t.Any]", options))
        for name in self._unusual(options):
            if name in self._wanted:
                self._look(name, options[name], found)
            else:
                found.unknown.append(name)
        if found.wrong or found.unknown:
            found.options = self._without_wrong(options, found)
        return found

    def _unusual(self, options: t.Mapping[str, t.Any]) -> list[str]:
        """The options with a value that needs a further check. Most rows have none."""
        taken = self._taken
        return [name for name, value in options.items() if type(value) not in taken.get(name, _NOTHING)]

    def _look(self, name: str, value: t.Any, found: Findings) -> None:
        wanted = self._wanted[name]
        if wanted is None or (value is None and name in self._optional):
            return
        if wanted == "texts" and isinstance(value, (list, tuple)):
            for number, item in enumerate(value):
                self._look_at_text(name, f"[{number}]", item, found)
        elif wanted == "text" or (wanted == "texts" and isinstance(value, (bool, int, float))):
            # Ansible converts a number to a list with one text.
            self._look_at_text(name, "", value, found)
        elif not isinstance(value, _TAKEN[wanted]):
            _add_problem(name, "", wanted, value, found)
        elif name in self._parts and isinstance(value, t.Mapping):
            self._look_at_parts(name, value, found)

    def _look_at_parts(self, name: str, value: t.Mapping[str, t.Any], found: Findings) -> None:
        """A dict with an unknown part is wrong as a whole: nobody knows what the part is, so it must not be shown."""
        parts = self._parts[name](value)
        problems = [f"{name}.{problem}" for problem in parts.problems]
        problems += [f"unknown option {name}.{escape_control(str(one), 100)}" for one in parts.unknown]
        if problems:
            found.problems += problems
            found.wrong.add(name)

    def _look_at_text(self, name: str, item: str, value: t.Any, found: Findings) -> None:
        """`item`: which item of a list."""
        is_number = isinstance(value, (int, float, datetime.datetime)) and not isinstance(value, bool)
        if isinstance(value, str) or (name in self._chosen and isinstance(value, (bool, int, float))):
            return
        if _is_text(value):
            found.stand_for_text.add(name)
        elif name in self._secret or not is_number:
            _add_problem(name, item, "text", value, found)
        else:
            found.stand_for_text.add(name)
            found.add_number(name, NumberForText(item, escape_control(as_text(value), 100)))

    def _without_wrong(self, options: t.Mapping[str, t.Any], found: Findings) -> dict[str, t.Any]:
        kept = {name: value for name, value in options.items() if name not in found.wrong}
        kept.update({name: kind_of_value(options[name]) for name in found.unknown})
        return kept


def _is_text(value: t.Any) -> bool:
    """Whether a value that is not a text stands for a text that somebody typed.

    A date without a time and an encrypted value do. Before ansible-core 2.19, an encrypted value is a special object.
    """
    if isinstance(value, datetime.date):
        return not isinstance(value, datetime.datetime)
    return bool(getattr(value, "__ENCRYPTED__", False))


def _add_problem(name: str, item: str, wanted: str, value: t.Any, found: Findings) -> None:
    advice = ""
    if wanted == "text" and isinstance(value, bool):
        advice = f"; {_QUOTE_BOOLEAN}"
    elif wanted == "text" and isinstance(value, (int, float, datetime.date)):
        advice = f"; {_QUOTE_NUMBER}"
    found.problems.append(f"{name}{item} must be {_WANTED[wanted]}, and is {kind_of_value(value)}{advice}")
    found.wrong.add(name)


def as_text(value: t.Any) -> str:
    """The text to send to the server for a number, a date or an encrypted value."""
    return value.isoformat() if isinstance(value, datetime.datetime) else str(value)
