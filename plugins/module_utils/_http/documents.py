# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""The content of an answer as plain values, limited in number and in depth whatever the server sends.

A few bytes can become hundreds in memory, so this file counts the values of an answer before it builds them. No value
is nested deeply, so other code can use recursion.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._text import replace_surrogates

# Elements, attributes and values of one answer: 100,000 customers with all fields have 1,800,000.
MOST_VALUES = 2_000_000
# Levels of lists and records: known answers have three.
DEEPEST = 32
# Limits for the messages of an error. They apply before any other code sees the messages.
MOST_MESSAGES = 100
LONGEST_MESSAGE = 4096
_PIECE = 64 * 1024
# Bytes at the start of an answer that show whether it is a web page.
_BEGINNING = 4096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A surrogate (half a character) as JSON escapes it.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD]")
_WEB_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def json_document(body: bytes) -> t.Any:
    """The values of a JSON text. Numbers stay texts. Raises ValueError or RecursionError for anything else."""
    # As json.loads decodes bytes. In bytes, a part of another character may look like a comma.
    text = body.decode(json.detect_encoding(body), "surrogatepass")
    check_number(_json_values(text))
    # Numbers stay texts, like all values on the wire.
    document = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    _check_depth(document)
    # A search through each text takes longer than all other steps.
    return _texts(document) if _may_hold_surrogates(text) else document


def _may_hold_surrogates(text: str) -> bool:
    """Whether a JSON text may hold a surrogate, escaped or plain."""
    return _ESCAPED_SURROGATE.search(text) is not None or not (text.isascii() or replace_surrogates(text) == text)


def _json_values(text: str) -> int:
    """The number of values in a JSON text, or a few more: each value but the first of its container follows a comma."""
    most = 1 + _marks(text)
    # Marks inside strings matter only when the count is above the limit.
    return most if most <= MOST_VALUES else 1 + sum(map(_marks, _outside_strings(text)))


def _marks(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _outside_strings(text: str) -> t.Iterator[str]:
    """The parts of a JSON text outside its strings. In a malformed text, they are right up to the error."""
    inside = 0
    rest = ""
    for start in range(0, len(text), _PIECE):
        end = start + _PIECE
        # Remove pairs of backslashes first, from the left. A backslash that remains escapes the next character.
        piece = (rest + text[start:end]).replace("\\\\", "")
        rest = "\\" if piece.endswith("\\") else ""
        parts = piece.replace('\\"', "").split('"')
        yield "".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2


def _check_depth(document: t.Any) -> None:
    """Raises ValueError for values that are nested too deeply. Checks level by level, because any depth is possible."""
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
    """The same values, with texts that UTF-8 can encode."""
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
    """The texts in an error, as many as a person can read, and how many more there are."""
    texts: list[str] = []
    left_out = 0
    for text in _every_text(value):
        if len(texts) < MOST_MESSAGES:
            texts.append(text)
        else:
            left_out += 1
    return texts, left_out


def _every_text(value: t.Any) -> t.Iterator[str]:
    """Each text, shortened, of a text, of a list of texts, or of an element that holds either."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _every_text(item)
        return
    text = "" if value is None or value is False else str(value).strip()
    if text:
        yield text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
