# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""What an answer holds, as plain values: bounded in number and in depth, whatever a server sends.

A few bytes can become hundreds in memory, so what an answer holds is counted before values are made of it. No value is
nested deeply, so other code may go down into one.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import replace_surrogates

# Elements, attributes and values of one answer: 100,000 customers with all fields take 1,800,000.
MOST_VALUES = 2_000_000
# Lists and records in each other: what is on record has three.
DEEPEST = 32
# What is kept of the messages of an error, before anything looks at them.
MOST_MESSAGES = 100
LONGEST_MESSAGE = 4096
_PIECE = 64 * 1024
# How much of an answer shows that it is a web page.
_BEGINNING = 4096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Half a character, as JSON escapes it.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD]")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def json_document(body: bytes) -> t.Any:
    """The values of a JSON text, numbers as they are written. Raises ValueError or RecursionError for anything else."""
    # What json.loads does with bytes. In bytes, a part of another character may look like a comma.
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    check_number(_json_values(text))
    # Numbers stay as they are written, like all values on the wire.
    document = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    _check_depth(document)
    # To look through each text takes longer than the rest.
    return _texts(document) if _may_hold_surrogates(text) else document


def _may_hold_surrogates(text: str) -> bool:
    """Whether half a character may be among the values of a JSON text: escaped, or as it is."""
    return _ESCAPED_SURROGATE.search(text) is not None or not (text.isascii() or replace_surrogates(text) == text)


def _json_values(text: str) -> int:
    """How many values a JSON text holds, or a few more: each but the first of its container has a comma before it."""
    most = 1 + _marks(text)
    # Marks within strings count only where they would decide.
    return most if most <= MOST_VALUES else 1 + sum(map(_marks, _outside_strings(text)))


def _marks(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _outside_strings(text: str) -> t.Iterator[str]:
    """What stands outside of the strings of a JSON text, in pieces. A malformed text is right up to where it is so."""
    inside = 0
    rest = ""
    for start in range(0, len(text), _PIECE):
        end = start + _PIECE
        # Pairs of backslashes go first, from the left: one that is left escapes what follows it.
        piece = (rest + text[start:end]).replace("\\\\", "")
        rest = "\\" if piece.endswith("\\") else ""
        parts = piece.replace('\\"', "").split('"')
        yield "".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2


def _check_depth(document: t.Any) -> None:
    """Raises ValueError for values that are nested too deeply. Goes down level by level, since it may be any depth."""
    level = _containers([document])
    for _depth in range(DEEPEST):
        if not level:
            return
        level = [inner for outer in level for inner in _containers(_items(outer))]
    if level:
        raise ValueError("nested too deeply")


def _items(container: t.Any) -> t.Iterable[t.Any]:
    return container.values() if isinstance(container, dict) else container


def _containers(values: t.Iterable[t.Any]) -> list[t.Any]:
    return [value for value in values if isinstance(value, (dict, list))]


def check_number(values: int) -> None:
    """Raises ValueError for more values than an answer may hold."""
    if values > MOST_VALUES:
        raise ValueError("too many values")


def _texts(value: t.Any) -> t.Any:
    """The same values with text that can be written as UTF-8."""
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, dict):
        return {replace_surrogates(key): _texts(item) for key, item in value.items()}
    return value


def is_web_page(body: bytes) -> bool:
    """Whether the bytes look like a page for a browser."""
    start = body[:_BEGINNING].lstrip().removeprefix(_BYTE_ORDER_MARK).lstrip()
    return _WEB_PAGE.match(start) is not None


def texts_in(value: t.Any) -> tuple[list[str], int]:
    """The texts in the values of an error, of which so much is kept as a person can read, and how many are left out."""
    texts: list[str] = []
    left_out = 0
    for text in _every_text(value):
        if len(texts) < MOST_MESSAGES:
            texts.append(text)
        else:
            left_out += 1
    return texts, left_out


def _every_text(value: t.Any) -> t.Iterator[str]:
    """Each text, cut, of a text, a list of them, or an element that holds either."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _every_text(item)
        return
    text = "" if value is None or value is False else str(value).strip()
    if text:
        yield text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
