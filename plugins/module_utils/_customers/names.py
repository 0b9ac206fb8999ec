# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Finds names with characters that nobody sees, and names that look alike. Also holds the warnings for lists.

A spreadsheet or a web page may leave blanks, invisible characters and letters of another form in a name. The server
treats each form as another name, but a person does not. The warnings list customers with such names, and customers with
names that Ansible keeps for itself.
"""

from __future__ import annotations

import typing as t
import unicodedata

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import (
    and_more,
    escape_control,
    first_of,
    is_unseen,
)

# These characters show nothing, but no property of Unicode says so: the blank of Braille, the object replacement
# character, and the null notehead.
_DRAWN_AS_NOTHING = frozenset("\u2800\ufffc\U0001d159")
_BLANK = "Zs"

# The lower case of these characters differs from the single character of Unicode's simple mapping, or depends on their
# position. The two small sigmas count as one letter, because both have the same capital.
_LOWER = {"\u0130": "i", "\u03c2": "\u03c3"}

# Names for control characters, because Unicode gives them no names.
_CONTROLS = {"\x00": "NULL", "\t": "TAB", "\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\x85": "NEXT LINE"}
_FEW = 3

LOOKS_ALIKE = "only looks alike"

Value = t.TypeVar("Value")

# How keys begin that Ansible keeps for itself, at any depth of a result [seen]. ansible-core 2.19 and newer fail at
# `__ansible_type`. Releases before 2.21 remove each key that begins with `_ansible_`. Code that reads a result as JSON
# again gives `__ansible_unsafe` and `__ansible_vault` a special meaning.
_KEYS_OF_ANSIBLE = ("_ansible_", "__ansible_")


def name_key(name: str) -> str:
    """A text that is the same for two names that look alike to a person.

    This is Unicode's NFKC in simple lower case, without invisible characters and without blanks at the ends. Lower case
    replaces one character with one character, so that `straße` and `strasse` stay two names.
    """
    if _is_plain(name):
        return name.strip(" ").lower()
    composed = unicodedata.normalize("NFKC", _without_invisible(name))
    lowered = "".join(map(_lower, composed))
    # Some letters compose only in lower case: the small j with a caron is one character, the capital is two.
    return _stripped(_without_invisible(unicodedata.normalize("NFKC", lowered)))


def difference(one: str, other: str) -> str:
    """How two names that look alike differ, as a clause without its subject."""
    for what, alike in _DIFFERENCES:
        if alike(one) == alike(other):
            return f"differs only by {what}"
    return LOOKS_ALIKE


def hidden_problems(option: str, text: str) -> list[str]:
    """A problem if a name has blanks at its ends, or invisible characters anywhere. The text lists their places."""
    found = _hidden(text)
    if not found:
        return []
    places = [f"{_title(text[number])} {_place(text, number, found)}" for number in found[:_FEW]]
    more = [f"{len(found) - _FEW} more"] if len(found) > _FEW else []
    return [f"{option} '{escape_hidden(text)}' holds characters that nobody sees: {', '.join([*places, *more])}"]


def has_hidden(text: str) -> bool:
    """Whether a text has blanks at its ends, or invisible characters anywhere."""
    return bool(_hidden(text))


def escape_hidden(text: str, longest: int = 100) -> str:
    """`text` for a message. A code point replaces each character that `hidden_problems` reports."""
    found = frozenset(_hidden(text))
    if not found:
        return escape_control(text, longest)
    return escape_control(
        "".join(_code(sign) if number in found else sign for number, sign in enumerate(text)), longest
    )


def hidden_names(usernames: t.Iterable[str]) -> list[str]:
    """A warning if customers have usernames with characters that nobody sees. It lists these customers."""
    found = [f"'{escape_hidden(name)}'" for name in usernames if has_hidden(name)]
    if not found:
        return []
    return [
        "The usernames of these customers have blanks at an end or invisible characters, so no task can name them, "
        f"and no purge deletes them: {few(found)}"
    ]


def by_username(values: t.Mapping[str, Value], key: str) -> tuple[dict[str, Value], list[str]]:
    """The `values`, by username, that a result can hold under `key`, and a warning if it leaves out some of them."""
    left_out = [name for name in values if name.startswith(_KEYS_OF_ANSIBLE)]
    if not left_out:
        return dict(values), []
    names = ", ".join(f"'{escape_control(name, 100)}'" for name in left_out[:_FEW])
    told = " ".join([names, *and_more(len(left_out) - _FEW)])
    warning = f"{told} cannot be shown in {key}, because Ansible keeps keys that begin like this for itself"
    return {name: value for name, value in values.items() if name not in left_out}, [warning]


def few(texts: t.Sequence[str]) -> str:
    """The first three texts, and how many more there are."""
    return ", ".join(first_of(texts, _FEW))


def _hidden(text: str) -> list[int]:
    """The positions of the characters that nobody sees."""
    if _is_plain(text) and text == text.strip(" "):
        return []
    unseen = [_is_invisible(sign) or unicodedata.category(sign) == _BLANK for sign in text]
    first = next((number for number, is_unseen in enumerate(unseen) if not is_unseen), len(text))
    last = next((number for number in range(len(text) - 1, -1, -1) if not unseen[number]), -1)
    return [number for number, sign in enumerate(text) if not first <= number <= last or _is_invisible(sign)]


def _is_plain(text: str) -> bool:
    """Whether a text is printable ASCII. Nearly every name is, and the others take ten times as long."""
    return text.isascii() and text.isprintable()


def _is_invisible(sign: str) -> bool:
    return is_unseen(sign) or sign in _DRAWN_AS_NOTHING


def _without_invisible(text: str) -> str:
    return "".join(sign for sign in text if not _is_invisible(sign))


def _stripped(text: str) -> str:
    """`text` without blanks of any kind at its ends."""
    first, last = 0, len(text)
    while first < last and unicodedata.category(text[first]) == _BLANK:
        first += 1
    while last > first and unicodedata.category(text[last - 1]) == _BLANK:
        last -= 1
    return text[first:last]


def _lower(sign: str) -> str:
    return _LOWER.get(sign) or sign.lower()


def _lowered(text: str) -> str:
    return "".join(map(_lower, text))


def _cleaned(text: str) -> str:
    return _stripped(_without_invisible(text))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


# What may differ, and a function that gives two names the same text if nothing else differs. The first match counts.
_DIFFERENCES: tuple[tuple[str, t.Callable[[str], str]], ...] = (
    ("case", _lowered),
    ("blanks or invisible characters", _cleaned),
    ("composed and decomposed letters", _composed),
    ("the width or the form of its characters", _compatible),
)


def _code(sign: str) -> str:
    return f"<U+{ord(sign):04X}>"


def _title(sign: str) -> str:
    name = _CONTROLS.get(sign) or unicodedata.name(sign, "")
    return f"U+{ord(sign):04X} {name}".rstrip()


def _place(text: str, number: int, found: t.Sequence[int]) -> str:
    """The place of a character of `found`, in words that help a person to find it."""
    if len(found) == len(text):
        return "and nothing else"
    if list(found[: number + 1]) == list(range(number + 1)):
        return "at the beginning"
    rest = len(text) - number
    return "at the end" if list(found[-rest:]) == list(range(number, len(text))) else f"at position {number + 1}"
