# Copyright: (c) 2026, The mailfleet.sendgrid contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Private to this collection: it may change in any release without notice.
"""Decodes the bytes of an answer to values, or raises the one error type.

There are two decoders: `confirmation` (did the server say success) and `rows` (the customers of a list). Each reads
JSON or XML, by the requested format and never by the content type [seen: JSON under `text/html`]. This file ignores the
HTTP status, because errors come with HTTP 200 [seen].

A few bytes can become hundreds in memory, so the code counts the values of an answer before it builds them. No value is
nested deeply, so other code can use recursion.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailfleet.sendgrid.plugins.module_utils._errors import WireError
from ansible_collections.mailfleet.sendgrid.plugins.module_utils._http.documents import (
    is_web_page,
    json_document,
    texts_in,
)

# A row of a list: wire name -> text. A field without a value is "", a missing field has no key. Fields that this
# collection does not know may hold anything that the format allows.
WireRow = dict[str, t.Any]

_BOOLEANS: dict[str, bool | None] = {
    "": None,
    **dict.fromkeys(("true", "1", "yes", "on", "t", "y"), True),
    **dict.fromkeys(("false", "0", "no", "off", "f", "n"), False),
}

# A code has three digits [seen]. Converting a number without a limit of its length may take any time.
_LONGEST_CODE = 15


def confirmation(answer_format: str, body: bytes) -> None:
    """Returns if the answer says success.

    Raises WireError for any other answer. An empty answer is not a confirmation.
    """
    document = _document(answer_format, body)
    if not isinstance(document, dict):
        raise _unreadable("the answer is not a confirmation", body)
    _raise_error_in(document)
    # An answer without a message is neither a success nor an error of a known shape.
    if _message(document) != "success":
        raise _unreadable("the answer is not a confirmation", body)


def rows(answer_format: str, body: bytes) -> list[WireRow]:
    """The customers of a list.

    An empty list is `[]`, `<users/>` or an empty body [doc, seen]. Raises WireError for an error or anything else.
    """
    if not body.strip():
        return []
    document = _document(answer_format, body)
    if isinstance(document, dict):
        _raise_error_in(document)
    if not isinstance(document, list):
        raise _unreadable("the answer is not a list of customers", body)
    return [_row(row, body) for row in document]


def boolean(text: str) -> bool | None:
    """`"true"`, `"false"` [seen] and other spellings of them -> bool; an empty text -> None.

    Raises ValueError for anything else.
    """
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise ValueError("neither true nor false") from None


def _document(answer_format: str, body: bytes) -> t.Any:
    """JSON or XML as the same plain values: a list of rows, a dict, or a single value."""
    try:
        return json_document(body) if answer_format == "json" else _xml_document(body)
    # ValueError: malformed, a wrong encoding, a DTD, too many values, nested too deeply. RecursionError: even deeper.
    except (ValueError, RecursionError):
        raise _unreadable(f"the answer is not {answer_format.upper()}", body) from None


def _xml_document(body: bytes) -> t.Any:
    # Imported with the first answer in XML: most tasks never get one.
    from ansible_collections.mailfleet.sendgrid.plugins.module_utils._v2.xml_answers import xml_document

    return xml_document(body)


def _row(row: t.Any, body: bytes) -> WireRow:
    if not isinstance(row, dict):
        raise _unreadable("a customer in the list is not a record", body)
    others = {name: _field(value) for name, value in row.items() if not isinstance(value, str)}
    # Most rows have none, and copies of all rows of a large list take memory.
    return {**row, **others} if others else row


def _field(value: t.Any) -> t.Any:
    """One value as text. PHP writes a plain boolean for a column of that type."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _raise_error_in(document: dict[str, t.Any]) -> None:
    """Raises WireError if `document` has one of the four shapes of an error."""
    error = document.get("error")
    if isinstance(error, dict) and error:
        raise _error(error.get("message"), "object", _code(error.get("code")))
    # `"error": false` and `"error": 0` in a success are not errors.
    if error and error != "0":
        raise _error(error, "string")
    listed = _error(document.get("errors"), "errors")
    if listed.messages:
        raise listed
    message = _message(document)
    if message not in ("", "success"):
        raise _error(message, "message")


def _message(document: dict[str, t.Any]) -> str:
    """The message of an answer, also of `{"result": "success"}`."""
    message = document.get("message", document.get("result"))
    return message.strip() if isinstance(message, str) else ""


def _error(value: t.Any, shape: str, code: int | None = None) -> WireError:
    """An error with the messages in `value`."""
    messages, left_out = texts_in(value)
    return WireError(messages, code, shape=shape, left_out=left_out)


def _code(value: t.Any) -> int | None:
    """404 or "404" [seen both] -> 404."""
    try:
        return None if isinstance(value, str) and len(value.strip()) > _LONGEST_CODE else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _unreadable(reason: str, body: bytes) -> WireError:
    html = is_web_page(body)
    return WireError([f"{reason}, but a web page" if html else reason], readable=False, html=html)
